"""The page about driving: how safely and how thriftily trucks are driven, by whom; and the page of one driver."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from apps.fleet import figures
from apps.fleet.admin import analysis, graphics
from apps.fleet.admin.analysis import Asked, Figure, Files, ScopeError, bucket_label, bucket_words, date, hours
from apps.fleet.admin.cells import Numbers, number, told
from apps.fleet.admin.driver_reading import NOTHING, Bucket, Driven, added, buckets_of, by_driver, days_of, of_driver
from apps.fleet.admin.graphics import Column, Series
from apps.fleet.drivers.figures import driving
from apps.fleet.drivers.safety import EVENTS, MIN_EXPOSURE_M, Weights, score_parts
from apps.fleet.reports.wording import NOT_MEASURED
from apps.fleet.utilization.figures import RANKED_FROM_PCT, coverage_pct, is_ranked
from apps.mysql import Row
from apps.trucks.models import Driver

DRIVERS_SHOWN = 50
# name → (title, whether the greatest comes first)
ORDERS = {
    "safety_score": ("safety score", False),
    "idle_pct": ("idling", True),
    "night_driving_pct": ("night driving", True),
    "distance_m": ("distance", True),
    "name": ("name", False),
}
_SPEEDING = ("speeding_minor", "speeding_moderate", "speeding_severe")
_HARSH = ("harsh_braking", "harsh_acceleration", "harsh_cornering")
_EVENTS = {
    "speeding_minor": "Speeding, minor",
    "speeding_moderate": "Speeding, moderate",
    "speeding_severe": "Speeding, severe",
    "harsh_braking": "Harsh braking",
    "harsh_acceleration": "Harsh acceleration",
    "harsh_cornering": "Harsh cornering",
}
_SERIES = [
    Series("Driving by day", "moving"),
    Series("Driving at night", "working", is_hatched=True),
    Series("Idling", "idling"),
]


def view(request: HttpRequest) -> HttpResponse:
    order, page, code = (request.GET.get(name, "") for name in ("order", "page", "driver"))

    def build(chosen: Asked) -> dict[str, Any]:
        if code:
            return of_one(chosen, _driver(chosen, code))
        known = order if order in ORDERS else "safety_score"
        return of_all(chosen, known, int(page) if page.isdecimal() else 1)

    return analysis.page(request, "Driving", "fleet/driving.html", build)


def _driver(chosen: Asked, code: str) -> Driver:
    found = Driver.objects.filter(fleet=chosen.fleet, code=code.strip()).first()
    if found is None:
        raise ScopeError(f"This fleet has no driver {code.strip()!r}.")
    return found


def of_all(chosen: Asked, order: str = "safety_score", page: int = 1) -> dict[str, Any]:
    fresh, found = analysis.of_one_revision(chosen.fleet, chosen.now, lambda: by_driver(chosen))
    totals = added([each.now for each in found])
    shown = _head(chosen, fresh, totals) | {"files": files(chosen, found, order)}
    if not found:
        return shown
    nobody = [each for each in found if each.code is None]
    return shown | {
        "tiles": tiles(chosen, _together(found)),
        "drivers": ranked(chosen, found, order, page),
        "not_ranked": not_ranked(chosen, found),
        "ranked_from": RANKED_FROM_PCT,
        "nobody": table(chosen, nobody, "Time of which nobody is known") if nobody else None,
    }


def files(chosen: Asked, found: Sequence[Driven], order: str) -> Files:
    """The tables of the page that can be had as files."""
    nobody = [each for each in found if each.code is None]
    return {
        "drivers": ("Driving by driver", lambda: every_driver(chosen, found, order)),
        "not-ranked": ("Drivers not ranked", lambda: every_driver_not_ranked(chosen, found)),
        "nobody": ("Driving of nobody known", lambda: table(chosen, nobody, "")),
    }


def files_of_one(chosen: Asked, driven: Driven, buckets: Sequence[Bucket], days: Sequence[Row]) -> Files:
    return {
        "score": ("Safety score", lambda: score(chosen, driven)),
        "over-time": (f"Driving by {chosen.by}", lambda: over_time_table(chosen, buckets, driven.weights)),
        "days": ("Days of a driver", lambda: by_day(chosen, days, driven.weights)),
    }


def _head(chosen: Asked, fresh: Any, totals: Row) -> dict[str, Any]:
    return {
        "fresh": fresh,
        "freshness": analysis.freshness_words(chosen, fresh, figures.coverage_pct(totals)),
        "has_days": bool(totals["days"]),
        "period_words": analysis.period_words(chosen.period),
    }


def of_one(chosen: Asked, driver: Driver) -> dict[str, Any]:
    """The page of a driver: score and what it is made of, hours over time, and each day."""

    def read() -> tuple[Driven, list[Bucket], list[Row]]:
        days = days_of(chosen, driver)
        return of_driver(chosen, driver), buckets_of(chosen, days), days

    fresh, (driven, buckets, days) = analysis.of_one_revision(chosen.fleet, chosen.now, read)
    shown = _head(chosen, fresh, driven.now) | {"driver": driver, "all_address": analysis.with_query(chosen)}
    shown["has_days"] = True  # the fleet may have days though the driver has none
    shown["files"] = files_of_one(chosen, driven, buckets, days)
    if not driven.now["days"]:
        return shown
    provisional = analysis.provisional_since(fresh, chosen.fleet)
    return shown | {
        "tiles": tiles(chosen, driven),
        "score": score(chosen, driven),
        "over_time": over_time(chosen, buckets, provisional, driven.weights),
        "days": by_day(chosen, days, driven.weights),
    }


# --- in short -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tile:
    title: str
    value: str
    notes: Sequence[str]


def tiles(chosen: Asked, driven: Driven) -> list[Tile]:
    now, before = (driving(row, driven.weights) for row in (driven.now, driven.before))
    return [
        Tile("Safety score", number(now["safety_score"], 1), _score_notes(chosen, now, before)),
        _rate(chosen, "Speeding", _SPEEDING, now, before),
        _rate(chosen, "Harsh driving", _HARSH, now, before),
        Tile(
            "Idling",
            number(now["idle_pct"], 1, "%"),
            [f"{hours(now['idle_s'])} of {hours(now['engine_on_s'])} engine on", _was(before["idle_pct"], 1, "%")],
        ),
        Tile(
            "Night driving",
            number(now["night_driving_pct"], 1, "%"),
            [
                f"{hours(now['night_driving_s'])} of {hours(now['moving_s'])} moving",
                _was(before["night_driving_pct"], 1, "%"),
            ],
        ),
    ]


def _score_notes(chosen: Asked, now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    notes = [f"over {_distance(chosen, now['distance_m'])}", _was(before["safety_score"], 1)]
    if now["safety_score"] is None:
        notes.insert(0, f"none below {_distance(chosen, MIN_EXPOSURE_M)}, or without speeds")
    return notes


def _rate(chosen: Asked, title: str, names: Sequence[str], now: Mapping[str, Any], before: Mapping[str, Any]) -> Tile:
    """Events by distance; those of kinds that are not measured are not in it."""
    label = f"per 100 {chosen.units.distance_label}"
    counts = [now[name] for name in names if now[name] is not None]
    events = f"{sum(counts):,} events in all" if counts else "not measured"
    rates = [_per_100(chosen, row, names) for row in (now, before)]
    return Tile(title, number(rates[0], 2), [f"{label}, {events}", _was(rates[1], 2)])


def _per_100(chosen: Asked, row: Mapping[str, Any], names: Sequence[str]) -> float | None:
    counts = [row[name] for name in names if row[name] is not None]
    distance = chosen.units.distance(row["distance_m"])
    return float(100 * sum(counts) / distance) if counts and distance else None


def _was(before: float | None, digits: int, unit: str = "") -> str:
    return "period before not measured" if before is None else f"{number(before, digits, unit)} the period before"


def _distance(chosen: Asked, metres: float | None) -> str:
    return number(chosen.units.distance(metres), 0, chosen.units.distance_label)


# --- by driver ------------------------------------------------------------------------------------------------------


def ranked(
    chosen: Asked, found: Sequence[Driven], order: str, page: int = 1, size: int | None = None
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


def every_driver(chosen: Asked, found: Sequence[Driven], order: str) -> Numbers:
    """The whole ranking in one table."""
    whole: Numbers = ranked(chosen, found, order, size=max(len(found), 1))["table"]
    return whole


def _place(each: Driven, order: str) -> tuple[Any, ...]:
    """The worst first, those without the figure at the end."""
    if order == "name":
        return each.name.casefold(), each.code
    value = driving(each.now, each.weights)[order]
    return value is None, (-1 if ORDERS[order][1] else 1) * (value or 0), each.name.casefold()


def not_ranked(chosen: Asked, found: Sequence[Driven], size: int | None = None) -> dict[str, Any] | None:
    drivers = [each for each in found if each.code is not None and not is_ranked(each.now)]
    drivers.sort(key=lambda each: (coverage_pct(each.now) or 0, each.name.casefold()))
    if not drivers:
        return None
    return {
        "count": len(drivers),
        "table": table(chosen, drivers[: size or DRIVERS_SHOWN], "Drivers that are not ranked"),
    }


def every_driver_not_ranked(chosen: Asked, found: Sequence[Driven]) -> Numbers | None:
    drivers = not_ranked(chosen, found, len(found))
    return drivers["table"] if drivers else None


def table(
    chosen: Asked, found: Sequence[Driven], caption: str, first_place: int = 0, of_all: Sequence[Driven] = ()
) -> Numbers:
    """A row each; with `of_all` a last one of these together."""
    units = chosen.units
    heads = [
        "Driver", "Days", f"Distance ({units.distance_label})", "Score", "Score before", "Speeding", "Severe", "Harsh",
        "Idling", "Night", units.consumption_label, f"Fuel ({chosen.fleet.currency})", "Coverage",
    ]  # fmt: skip
    rows = [_cells(chosen, each, place if first_place else 0) for place, each in enumerate(found, first_place)]
    total = _cells(chosen, _together(of_all), 0) if of_all else []
    return Numbers(heads, rows, total, caption=caption, codes=[each.code for each in found])


def _together(found: Sequence[Driven]) -> Driven:
    now, before = added([each.now for each in found]), added([each.before for each in found])
    return Driven(None, "All ranked", now, before, found[0].weights)


def _cells(chosen: Asked, each: Driven, place: int) -> list[Any]:
    name: Any = each.name
    if each.code is not None:
        address = analysis.with_query(chosen, driver=each.code)
        number_before = format_html('<span class="place">{}</span> ', place) if place else ""
        link = format_html('{}<a class="link" href="{}">{}</a>', number_before, address, each.name)
        name = told(link, each.name)
    return [name, number(each.now["days"]), *_figures(chosen, each.weights, each.now, each.before)]


def _figures(chosen: Asked, weights: Weights, row: Row, before: Row | None) -> list[str]:
    """Distance, score (and that of the period before), events, idling, night, consumption, money, coverage."""
    found = driving(row, weights)
    former = [] if before is None else [number(driving(before, weights)["safety_score"], 1)]
    cost = None if row["fuel_cost"] is None else Decimal(row["fuel_cost"])
    return [
        number(chosen.units.distance(row["distance_m"]), 0),
        number(found["safety_score"], 1),
        *former,
        _count(row, _SPEEDING),
        _count(row, ("speeding_severe",)),
        _count(row, _HARSH),
        number(found["idle_pct"], 1, "%"),
        number(found["night_driving_pct"], 1, "%"),
        number(chosen.units.consumption(found["consumption_l_per_100km"]), 1),
        number(cost, 2),
        number(found["coverage_pct"], 1, "%"),
    ]


def _count(row: Row, names: Sequence[str]) -> str:
    known = [row[name] for name in names if row[name] is not None]
    return number(sum(known) if known else None)


# --- one driver -----------------------------------------------------------------------------------------------------


def score(chosen: Asked, driven: Driven) -> Numbers:
    """What each kind of event takes from 100, beside the period before."""
    both = driven.now, driven.before
    now, before = (score_parts(row["distance_m"], {name: row[name] for name in EVENTS}, driven.weights) for row in both)
    heads = ["Event", "Count", f"Per 100 {chosen.units.distance_label}", "Weight", "Points", "Points before"]
    rows = [
        [
            _EVENTS[part.event],
            number(part.count, 0),
            number(_per_100(chosen, driven.now, (part.event,)), 2),
            f"{part.weight:g}",
            number(part.points, 2),
            number(earlier.points, 2),
        ]
        for part, earlier in zip(now, before, strict=True)
    ]
    scores = [number(driving(row, driven.weights)["safety_score"], 1) for row in both]
    return Numbers(heads, rows, ["100 less the points", "", "", "", *scores], caption="What the score is made of")


def over_time(chosen: Asked, buckets: Sequence[Bucket], provisional: dt.date, weights: Weights) -> Figure:
    """Hours driven by day and at night, and idled."""
    shown = [
        Column(
            bucket_label(chosen.by, each.first),
            _told(chosen, each),
            [value / 3600 for value in _seconds(each.sums)],
            is_provisional=each.last >= provisional,
            is_missing=each.sums is None,
        )
        for each in buckets
    ]
    title = f"Hours by {chosen.by}"
    most = max(buckets, key=lambda each: sum(_seconds(each.sums)[:2]))
    about = (
        f"Stacked columns from {date(chosen.period.first)} to {date(chosen.period.last)}. Most driving: "
        f"{hours(sum(_seconds(most.sums)[:2]))}, {bucket_words(chosen.by, most.first, most.last)}."
    )
    note = "Night: between the hours that the fleet's parameters name, by the clock on the wall."
    chart = graphics.columns("hours", _SERIES, shown, title, about)
    return analysis.figure(chart, over_time_table(chosen, buckets, weights), _SERIES, note)


def over_time_table(chosen: Asked, buckets: Sequence[Bucket], weights: Weights) -> Numbers:
    distance = f"Distance ({chosen.units.distance_label})"
    heads = [chosen.by.capitalize(), *(f"{each.name} (h)" for each in _SERIES), distance, "Score"]
    rows = [_row_of(chosen, each, weights) for each in buckets]
    return Numbers(heads, rows, caption=f"Hours by {chosen.by}")


def _seconds(row: Row | None) -> list[int]:
    """Driven by day, driven at night, idled."""
    if row is None:
        return [0, 0, 0]
    night = int(row["night_driving_s"] or 0)
    return [int(row["moving_s"]) - night, night, int(row["idle_s"] or 0)]


def _told(chosen: Asked, each: Bucket) -> str:
    words = bucket_words(chosen.by, each.first, each.last)
    if each.sums is None:
        return f"{words}: no truck"
    pairs = zip(_SERIES, _seconds(each.sums), strict=True)
    parts = (f"{series.name.lower()} {hours(value)}" for series, value in pairs)
    return f"{words}: {', '.join(parts)}"


def _row_of(chosen: Asked, each: Bucket, weights: Weights) -> list[str]:
    words = bucket_words(chosen.by, each.first, each.last)
    if each.sums is None:
        return [words, *[NOT_MEASURED] * (len(_SERIES) + 2)]
    return [
        words,
        *(number(value / 3600, 2) for value in _seconds(each.sums)),
        number(chosen.units.distance(each.sums["distance_m"]), 0),
        number(driving(each.sums, weights)["safety_score"], 1),
    ]


def by_day(chosen: Asked, days: Sequence[Row], weights: Weights) -> Numbers:
    """The newest first."""
    units = chosen.units
    heads = [
        "Day", "Trucks", units.distance_label, "Score", "Speeding", "Severe", "Harsh", "Idling",
        "Night", units.consumption_label, f"Fuel ({chosen.fleet.currency})", "Coverage",
    ]  # fmt: skip
    rows = [
        [
            f"{row['day']:%a} {date(row['day'])}",
            ", ".join(sorted(orjson.loads(row["trucks"]))),
            *_figures(chosen, weights, {**NOTHING, **row}, None),
        ]
        for row in reversed(days)
    ]
    return Numbers(heads, rows, words=1, caption="Days on which they had a truck")
