"""Who is used how well: groups, trucks in an order, and those of which too little is known."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.html import format_html

from apps.fleet import figures
from apps.fleet.pages import analysis
from apps.fleet.pages.analysis import Selection
from apps.fleet.pages.cells import Numbers, number, told
from apps.fleet.pages.utilization.reading import Reading, TruckUsed, targets_of
from apps.fleet.pages.utilization.states import SERIES, state_seconds
from apps.fleet.reports.wording import NOT_MEASURED
from apps.fleet.utilization.figures import coverage_pct, is_ranked, states
from apps.fleet.utilization.figures import days as days_used
from apps.fleet.utilization.targets import held_against
from apps.mysql import Row

TRUCKS_SHOWN = 50
NOT_RANKED_SHOWN = 100
ORDERS = {
    "asset_utilization_pct": "asset utilization",
    "engine_utilization_pct": "engine utilization",
    "idle_pct": "idling",
    "name": "name",
}
_REASONS = {"parked": "parked", "workshop": "in the workshop", "no_data": "without data"}
_FIGURES = ["Asset utilization", "Engine utilization", "Idling", "Days used", "Not used", "Moving (h)", "Coverage"]
_HEADS = ["Time", *_FIGURES]


def by_group(reading: Reading) -> Numbers | None:
    """None where the fleet has no groups."""
    if not any(row["group"] for row in reading.groups):
        return None
    lines = []
    for row in reading.groups:
        bar, *rest = _cells(row, reading.targets.of_group(row["group_id"]))
        lines.append([row["group"] or "In no group", bar, number(row["trucks_of_group"]), *rest])
    return Numbers(["Group", "Time", "Trucks", *_FIGURES], lines, words=1, caption="By group", is_drawn=True)


def trucks(
    chosen: Selection, reading: Reading, order: str, page: int = 1, size: int | None = None
) -> dict[str, Any] | None:
    """A page of the ranking; none on the page of a single truck."""
    if chosen.truck:
        return None
    ranked = sorted((truck for truck in reading.trucks if is_ranked(truck.sums)), key=lambda truck: _rank(truck, order))
    return analysis.ranking(
        chosen,
        order,
        ORDERS,
        page,
        len(ranked),
        size or TRUCKS_SHOWN,
        lambda start, end: _table(chosen, reading, ranked[start:end], "By truck", start + 1, has_total=True),
    )


def every_truck(chosen: Selection, reading: Reading, order: str) -> Numbers | None:
    """The whole ranking in one table."""
    ranked = trucks(chosen, reading, order, size=max(len(reading.trucks), 1))
    return ranked["table"] if ranked else None


def _table(
    chosen: Selection,
    reading: Reading,
    shown: Sequence[TruckUsed],
    caption: str,
    first_place: int = 0,
    *,
    has_total: bool = False,
) -> Numbers:
    """A row each, with its place from the first one on; without that they have none. The total is of all trucks that
    the page is about, ranked or not."""
    places = itertools.count(first_place) if first_place else itertools.repeat(0)
    rows = [_truck_cells(chosen, reading, truck, place) for truck, place in zip(shown, places, strict=False)]
    codes = [truck.code for truck in shown]
    total = ["All trucks", *_cells(reading.now, targets_of(chosen, reading.targets))] if has_total and shown else []
    return Numbers(["Truck", *_HEADS], rows, total, words=1, caption=caption, is_drawn=True, codes=codes)


def _rank(truck: TruckUsed, order: str) -> tuple[Any, ...]:
    """Greatest first; trucks without the figure at the end."""
    if order == "name":
        return (truck.name.casefold(), truck.code)
    value = figures.utilizations(truck.sums)[order]
    return (value is None, -(value or 0), truck.code)


def _truck_cells(chosen: Selection, reading: Reading, truck: TruckUsed, place: int) -> list[Any]:
    address = analysis.with_query(chosen, truck=truck.code)
    number_before = format_html('<span class="place">{}</span> ', place) if place else ""
    name = format_html('{}<a class="link" href="{}">{}</a>', number_before, address, truck.name)
    return [told(name, truck.name), *_cells(truck.sums, reading.targets.of_truck(truck.code))]


def _cells(row: Row, targets: Mapping[str, float]) -> list[Any]:
    """The bar of states and the figures of a row of sums, with marks where there are targets."""
    found = states(row)
    held = held_against(found, dict(targets))
    bar = analysis.meter(
        [(series.style, float(value)) for series, value in zip(SERIES, state_seconds(row), strict=True)],
        float(row["length_s"]),
    )
    return [
        bar,
        _marked(found["asset_utilization_pct"], held["target_utilization_pct"], held["utilization_met"]),
        number(found["engine_utilization_pct"], 1, "%"),
        _marked(found["idle_pct"], held["target_idle_pct"], held["idle_met"]),
        f"{row['truck_days_used']:,} of {row['truck_days']:,}",
        _why_not(row),
        number(row["moving_s"] / 3600, 1),
        number(coverage_pct(row), 1, "%"),
    ]


def _marked(value: float | None, target: float, is_met: bool | None) -> Any:
    """A figure with a mark that says whether its target is met; none where nothing is measured."""
    if is_met is None:
        return number(value, 1, "%")
    style, mark, words = ("good", "✓", "met") if is_met else ("warn", "✗", "missed")
    tip = f"target {target:g}% {words}"
    shown = number(value, 1, "%")
    marked = format_html('{} <span class="{}" title="{}" aria-label="{}">{}</span>', shown, style, tip, tip, mark)
    return told(marked, value, "%")


def _why_not(row: Row) -> str:
    """How many truck-days were not used, by reason; working days and days off together."""
    found = days_used(row)
    if found is None:
        return NOT_MEASURED
    counts = {why: sum(part.get(why, 0) for part in found.values()) for why in _REASONS}
    return ", ".join(f"{count:,} {words}" for why, words in _REASONS.items() if (count := counts[why])) or "none"


def not_ranked(chosen: Selection, reading: Reading, size: int | None = None) -> dict[str, Any] | None:
    """The trucks that the ranking leaves out, those known least first; none where there are none."""
    left_out = sorted((truck for truck in reading.trucks if not is_ranked(truck.sums)), key=_known_share)
    if not left_out:
        return None
    shown = left_out[: size or NOT_RANKED_SHOWN]
    table = _table(chosen, reading, shown, "Trucks that are not ranked")
    return {"count": len(left_out), "shown": len(shown), "table": table}


def every_truck_not_ranked(chosen: Selection, reading: Reading) -> Numbers | None:
    found = not_ranked(chosen, reading, len(reading.trucks))
    return found["table"] if found else None


def _known_share(truck: TruckUsed) -> tuple[float, str]:
    return (coverage_pct(truck.sums) or 0.0, truck.code)
