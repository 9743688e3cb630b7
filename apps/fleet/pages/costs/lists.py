"""Who cost what: groups, and trucks in an order."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.utils.html import format_html

from apps.fleet.figures import Costs, per, share_pct
from apps.fleet.pages import analysis
from apps.fleet.pages.analysis import Selection
from apps.fleet.pages.cells import Numbers, number, told
from apps.fleet.pages.costs.reading import GroupSpent, TruckSpent
from apps.fleet.pages.costs.words import SOURCES

TRUCKS_SHOWN = 50
ORDERS = {"amount": "cost", "distance": "cost per distance", "name": "name"}


def trucks(
    chosen: Selection, found: Sequence[TruckSpent], order: str, page: int = 1, size: int | None = None
) -> dict[str, Any] | None:
    """A page of the ranking; none on the page of a single truck."""
    if chosen.truck:
        return None
    ranked = sorted(found, key=lambda truck: _rank(truck, order))
    most = max((truck.costs.total or Decimal(0) for truck in ranked), default=Decimal(0))
    return analysis.ranking(
        chosen,
        order,
        ORDERS,
        page,
        len(ranked),
        size or TRUCKS_SHOWN,
        lambda start, end: _trucks_table(chosen, ranked, (start, end), most),
    )


def every_truck(chosen: Selection, found: Sequence[TruckSpent], order: str) -> Numbers | None:
    """The whole ranking in one table."""
    ranked = trucks(chosen, found, order, size=max(len(found), 1))
    return ranked["table"] if ranked else None


def _rank(truck: TruckSpent, order: str) -> tuple[Any, ...]:
    """The dearest first; trucks without what they are ranked by at the end."""
    if order == "name":
        return (truck.name.casefold(), truck.code)
    value = truck.costs.total if order == "amount" else per(truck.costs.total, truck.distance_m)
    return (value is None, -(value or 0), truck.code)


def _trucks_table(chosen: Selection, ranked: Sequence[TruckSpent], part: tuple[int, int], most: Decimal) -> Numbers:
    """The trucks of a part of the ranking; the last row is of all of them."""
    start, end = part
    shown = ranked[start:end]
    rows = [_truck_cells(chosen, truck, start + place, most) for place, truck in enumerate(shown, 1)]
    together = Costs.together(truck.costs.amounts for truck in ranked)
    distances = [truck.distance_m for truck in ranked if truck.distance_m is not None]
    cells = _cells(chosen, together, sum(distances) if distances else None)
    total = ["All trucks", _bar(together, together.total or Decimal(0)), *cells] if ranked else []
    heads, codes = ["Truck", "Cost by source", *_heads(chosen)], [truck.code for truck in shown]
    return Numbers(heads, rows, total, words=1, caption="Cost by truck", is_drawn=True, codes=codes)


def _heads(chosen: Selection) -> list[str]:
    units, currency = chosen.units, chosen.fleet.currency
    unit = f"{currency}/{units.distance_label}"
    return [f"Cost ({currency})", f"Distance ({units.distance_label})", unit, *SOURCES.values()]


def _truck_cells(chosen: Selection, truck: TruckSpent, place: int, most: Decimal) -> list[Any]:
    address = analysis.with_query(chosen, truck=truck.code)
    name = format_html('<span class="place">{}</span> <a class="link" href="{}">{}</a>', place, address, truck.name)
    return [told(name, truck.name), _bar(truck.costs, most), *_cells(chosen, truck.costs, truck.distance_m)]


def _bar(costs: Costs, most: Decimal) -> Any:
    parts = costs.by_source()
    return analysis.meter([(source, float(parts.get(source, 0))) for source in SOURCES], float(most))


def _cells(chosen: Selection, costs: Costs, distance_m: int | None) -> list[str]:
    """Cost, distance, cost per distance, and the share of each source."""
    parts = costs.by_source()
    shares = [share_pct(parts[source], costs.total) if source in parts else None for source in SOURCES]
    return [
        number(costs.total, 2),
        number(chosen.units.distance(distance_m)),
        number(chosen.units.per_distance(costs.total, distance_m), 3),
        *(number(share, 0, "%") for share in shares),
    ]


def by_group(chosen: Selection, found: Sequence[GroupSpent]) -> Numbers | None:
    """None where the fleet has no groups."""
    if not any(group.name for group in found):
        return None
    most = max((group.costs.total or Decimal(0) for group in found), default=Decimal(0))
    rows = [
        [
            group.name or "In no group",
            _bar(group.costs, most),
            number(group.trucks),
            *_cells(chosen, group.costs, group.distance_m),
        ]
        for group in found
    ]
    heads = ["Group", "Cost by source", "Trucks", *_heads(chosen)]
    return Numbers(heads, rows, words=1, caption="Cost by group", is_drawn=True)
