"""What drivers bear of the costs of their trucks, on the page about costs: the sums of the API by driver."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.html import format_html

from apps.fleet import queries
from apps.fleet.drivers.cost_queries import SUMS
from apps.fleet.figures import Costs
from apps.fleet.models import CostLine, CostSource
from apps.fleet.pages import analysis
from apps.fleet.pages.analysis import Selection, trucks_of
from apps.fleet.pages.cells import Numbers, number, told
from apps.fleet.sums import drivers as driver_sums

SHOWN = 50
# What stands by itself; the rest is together.
_LINES = {"Fuel": (CostLine.FUEL,), "Wages, benefits": (CostLine.DRIVER_WAGES, CostLine.DRIVER_BENEFITS)}
NOBODY = "Nobody known"


@dataclass(frozen=True, slots=True)
class DriverSpent:
    """What a driver bears in the period; nobody known has no code."""

    code: str | None
    name: str
    days: int
    distance_m: int | None
    costs: Costs


def read(chosen: Selection) -> list[DriverSpent]:
    """By code, what nobody is known for last: of the fleet, of a group's trucks or of one truck."""
    where = queries.period(chosen.fleet.pk, chosen.period.first, chosen.period.last)
    only = trucks_of(chosen)
    costs = driver_sums.costs_sync(where, only)
    return [
        DriverSpent(row["code"], row["name"] or NOBODY, row["days"], row["distance_m"], Costs(costs.get(row["id"], {})))
        for row in driver_sums.every_sync(where, SUMS, only)
    ]


def by_driver(chosen: Selection, found: Sequence[DriverSpent], size: int | None = None) -> dict[str, Any] | None:
    """The dearest first, nobody known last; none where no driver is known at all."""
    known = sorted((each for each in found if each.code is not None), key=_dearest_first)
    size = size or SHOWN
    if not known:
        return None
    shown = [*known[:size], *(each for each in found if each.code is None)]
    most = max(each.costs.total or Decimal(0) for each in shown)
    unit = f"{chosen.fleet.currency}/{chosen.units.distance_label}"
    heads = [
        "Driver", "Cost by source", "Days", f"Cost ({chosen.fleet.currency})",
        f"Distance ({chosen.units.distance_label})", unit,
        *(f"{name} ({chosen.fleet.currency})" for name in (*_LINES, "Other lines")),
    ]  # fmt: skip
    rows = [_cells(chosen, each, most) for each in shown]
    codes = [each.code for each in shown]
    table = Numbers(heads, rows, words=1, caption="Cost by driver", is_drawn=True, codes=codes)
    return {"table": table, "left_out": len(known) - size}


def every_driver(chosen: Selection, found: Sequence[DriverSpent]) -> Numbers | None:
    """All of them in one table."""
    drivers = by_driver(chosen, found, len(found))
    return drivers["table"] if drivers else None


def _dearest_first(each: DriverSpent) -> tuple[Any, ...]:
    return (each.costs.total is None, -(each.costs.total or 0), each.name.casefold())


def _cells(chosen: Selection, each: DriverSpent, most: Decimal) -> list[Any]:
    name: Any = each.name
    if each.code is not None:
        address = reverse("drivers") + analysis.with_query(chosen, driver=each.code)
        name = told(format_html('<a class="link" href="{}">{}</a>', address, each.name), each.name)
    parts, total = each.costs.by_source(), each.costs.total
    lines = [_together(each.costs, names) for names in _LINES.values()]
    rest = None if total is None else total - sum((line for line in lines if line is not None), Decimal(0))
    return [
        name,
        analysis.meter([(source, float(parts.get(source, 0))) for source in CostSource.values], float(most)),
        number(each.days),
        number(total, 2),
        number(chosen.units.distance(each.distance_m)),
        number(chosen.units.per_distance(total, each.distance_m), 3),
        *(number(amount, 2) for amount in (*lines, rest)),
    ]


def _together(costs: Costs, lines: Sequence[str]) -> Decimal | None:
    """Null where none of the lines is priced."""
    by_line = costs.by_line()
    known = [by_line[line] for line in lines if line in by_line]
    return sum(known, Decimal(0)) if known else None
