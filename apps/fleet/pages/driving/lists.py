"""Drivers in an order, and those of whom too little is known."""

from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html

from apps.fleet.drivers.figures import driving
from apps.fleet.pages import analysis
from apps.fleet.pages.analysis import Selection
from apps.fleet.pages.cells import Numbers, number, told
from apps.fleet.pages.driving.reading import Driven, added
from apps.fleet.pages.driving.words import figures_of
from apps.fleet.utilization.figures import coverage_pct, is_ranked

DRIVERS_SHOWN = 50
# name → (title, whether the greatest comes first)
ORDERS = {
    "safety_score": ("safety score", False),
    "idle_pct": ("idling", True),
    "night_driving_pct": ("night driving", True),
    "distance_m": ("distance", True),
    "name": ("name", False),
}


def ranked(
    chosen: Selection, found: Sequence[Driven], order: str, page: int = 1, size: int | None = None
) -> dict[str, Any]:
    drivers = [each for each in found if each.code is not None and is_ranked(each.now)]
    drivers.sort(key=lambda each: _place(each, order))
    return analysis.ranking(
        chosen,
        order,
        {name: title for name, (title, _) in ORDERS.items()},
        page,
        len(drivers),
        size or DRIVERS_SHOWN,
        lambda start, end: table(chosen, drivers[start:end], "By driver", start + 1, of_all=drivers),
    )


def every_driver(chosen: Selection, found: Sequence[Driven], order: str) -> Numbers:
    """The whole ranking in one table."""
    whole: Numbers = ranked(chosen, found, order, size=max(len(found), 1))["table"]
    return whole


def _place(each: Driven, order: str) -> tuple[Any, ...]:
    """The worst first, those without the figure at the end."""
    if order == "name":
        return each.name.casefold(), each.code
    value = driving(each.now, each.weights)[order]
    return value is None, (-1 if ORDERS[order][1] else 1) * (value or 0), each.name.casefold()


def not_ranked(chosen: Selection, found: Sequence[Driven], size: int | None = None) -> dict[str, Any] | None:
    drivers = [each for each in found if each.code is not None and not is_ranked(each.now)]
    drivers.sort(key=lambda each: (coverage_pct(each.now) or 0, each.name.casefold()))
    if not drivers:
        return None
    return {
        "count": len(drivers),
        "table": table(chosen, drivers[: size or DRIVERS_SHOWN], "Drivers that are not ranked"),
    }


def every_driver_not_ranked(chosen: Selection, found: Sequence[Driven]) -> Numbers | None:
    drivers = not_ranked(chosen, found, len(found))
    return drivers["table"] if drivers else None


def table(
    chosen: Selection, found: Sequence[Driven], caption: str, first_place: int = 0, of_all: Sequence[Driven] = ()
) -> Numbers:
    """A row each; with `of_all` a last one of these together."""
    units = chosen.units
    heads = [
        "Driver", "Days", f"Distance ({units.distance_label})", "Score", "Score before", "Speeding", "Severe", "Harsh",
        "Idling", "Night", units.consumption_label, f"Fuel ({chosen.fleet.currency})", "Coverage",
    ]  # fmt: skip
    rows = [_cells(chosen, each, place if first_place else 0) for place, each in enumerate(found, first_place)]
    total = _cells(chosen, together(of_all), 0) if of_all else []
    return Numbers(heads, rows, total, caption=caption, codes=[each.code for each in found])


def together(found: Sequence[Driven]) -> Driven:
    now, before = added([each.now for each in found]), added([each.before for each in found])
    return Driven(None, "All ranked", now, before, found[0].weights)


def _cells(chosen: Selection, each: Driven, place: int) -> list[Any]:
    name: Any = each.name
    if each.code is not None:
        address = analysis.with_query(chosen, driver=each.code)
        number_before = format_html('<span class="place">{}</span> ', place) if place else ""
        link = format_html('{}<a class="link" href="{}">{}</a>', number_before, address, each.name)
        name = told(link, each.name)
    return [name, number(each.now["days"]), *figures_of(chosen, each.weights, each.now, each.before)]
