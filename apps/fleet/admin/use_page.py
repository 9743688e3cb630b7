"""The page about utilization: what the trucks' time went into, when, and which trucks are used how well."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from apps.fleet import figures, graphics, idling_figures
from apps.fleet.admin import analysis
from apps.fleet.admin.analysis import Asked, Figure, Numbers, bucket_label, bucket_words, date, hours
from apps.fleet.admin.use_reading import Bucket, Reading, TruckUsed, read, targets_of
from apps.fleet.graphics import Column, Series
from apps.fleet.hours import HOURS, SUMS, Table
from apps.fleet.reports.wording import NOT_MEASURED, number
from apps.fleet.targets import held_against
from apps.fleet.utilization_figures import RANKED_FROM_PCT, coverage_pct, days_of_period, is_ranked, states
from apps.fleet.utilization_figures import days as days_used
from apps.mysql import Row

TRUCKS_SHOWN = 50
NOT_RANKED_SHOWN = 100
ORDERS = {
    "asset_utilization_pct": "asset utilization",
    "engine_utilization_pct": "engine utilization",
    "idle_pct": "idling",
    "name": "name",
}
_SERIES = [
    Series("Moving", "moving"),
    Series("Idling, productive", "working", is_hatched=True),
    Series("Idling", "idling"),
    Series("Parked", "parked"),
    Series("No data", "no-data", is_hatched=True),
]
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def view(request: HttpRequest) -> HttpResponse:
    order = request.GET.get("order", "")
    page = request.GET.get("page", "1")

    def build(chosen: Asked) -> dict[str, Any]:
        known = order if order in ORDERS else "asset_utilization_pct"
        return context(chosen, known, int(page) if page.isdecimal() else 1)

    return analysis.page(request, "Utilization", "fleet/utilization.html", build)


def context(chosen: Asked, order: str = "asset_utilization_pct", page: int = 1) -> dict[str, Any]:
    fresh, reading = analysis.of_one_revision(chosen.fleet, chosen.now, lambda: read(chosen))
    now = reading.now
    shown = {
        "freshness": analysis.freshness_words(chosen, fresh, figures.coverage_pct(now)),
        "has_days": bool(now["truck_days"]),
        "period_words": analysis.period_words(chosen.period),
    }
    if not now["truck_days"]:
        return shown
    provisional = analysis.provisional_since(fresh, chosen.fleet)
    return shown | {
        "ratios": ratios(chosen, reading),
        "whole": whole(now),
        "over_time": over_time(chosen, reading.buckets, provisional),
        "heat_map": heat_map(reading.hours),
        "days": days(chosen, now),
        "places": places(chosen, reading.places),
        "by_group": by_group(reading),
        "trucks": trucks(chosen, reading, order, page),
        "not_ranked": not_ranked(chosen, reading),
        "ranked_from": RANKED_FROM_PCT,
    }


# --- the named utilizations -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ratio:
    """A utilization with what it is of what; `target` and `change` in words, `is_good` against the target."""

    title: str
    value: str
    fraction: str
    target: str
    change: str
    is_good: bool | None


def ratios(chosen: Asked, reading: Reading) -> list[Ratio]:
    now, before = figures.utilizations(reading.now), figures.utilizations(reading.before)
    targets = targets_of(chosen, reading.targets)
    fractions = _fractions(reading.now)
    wanted = {
        "asset_utilization_pct": (targets["target_utilization_pct"], 1),
        "idle_pct": (targets["target_idle_pct"], -1),
    }
    titles = {
        "asset_utilization_pct": "Asset utilization",
        "engine_utilization_pct": "Engine utilization",
        "day_utilization_pct": "Days used",
        "idle_pct": "Idling",
        "idle_nonproductive_pct": "Idling, not productive",
    }
    return [_ratio(title, now[name], before[name], fractions[name], wanted.get(name)) for name, title in titles.items()]


def _ratio(
    title: str, now: float | None, before: float | None, fraction: str, wanted: tuple[float, int] | None
) -> Ratio:
    """`wanted`: the target, and 1 where more is better, −1 where less is."""
    target, is_good = "", None
    if wanted is not None:
        target = f"target {wanted[0]:g}%"
        if now is not None:
            is_good = (now - wanted[0]) * wanted[1] >= 0
            target += f", {'reached' if is_good else f'{abs(now - wanted[0]):.1f} points off'}"
    return Ratio(title, number(now, 1, "%"), fraction, target, _points(now, before), is_good)


def _points(now: float | None, before: float | None) -> str:
    """How it stands to the period before, in percentage points: a change in per cent of per cent misleads."""
    if now is None or before is None:
        return "period before not measured" if before is None else f"{number(before, 1, '%')} the period before"
    change = round(now, 1) - round(before, 1)
    if not round(change, 1):
        return f"= {number(before, 1, '%')} the period before"
    return f"{'▲' if change > 0 else '▼'} {abs(change):.1f} points from {number(before, 1, '%')}"


def _fractions(row: Row) -> dict[str, str]:
    """Numerator and denominator of each, as docs/metrics.md defines them."""
    productive, engine_on = row["idle_productive_s"] or 0, row["engine_on_s"]
    with_engine = None if row["engine_moving_s"] is None else row["engine_moving_s"] + productive
    idle = row["idle_s"]
    return {
        "asset_utilization_pct": f"{hours(row['moving_s'] + productive)} of {hours(row['available_s'])} available",
        "engine_utilization_pct": f"{hours(with_engine)} of {hours(engine_on)} engine on",
        "day_utilization_pct": f"{row['truck_days_used']:,} of {row['truck_days']:,} truck-days",
        "idle_pct": f"{hours(idle)} of {hours(engine_on)} engine on",
        "idle_nonproductive_pct": f"{hours(None if idle is None else idle - productive)} of {hours(engine_on)}",
    }


# --- the states -----------------------------------------------------------------------------------------------------


def state_seconds(row: Row) -> list[int]:
    """Moving, productive idling, other idling, parked, no data: they add up to the time."""
    idle, productive = row["idle_s"] or 0, row["idle_productive_s"] or 0
    return [int(each) for each in (row["moving_s"], productive, idle - productive, row["parked_s"], row["no_data_s"])]


def whole(row: Row) -> list[dict[str, Any]]:
    """Each state of the period: colour, hours, share of the time."""
    return [
        {
            "style": series.style,
            "swatch": graphics.swatch(series),
            "name": series.name,
            "hours": hours(seconds),
            "share": 100 * seconds / row["length_s"],
            "share_text": number(100 * seconds / row["length_s"], 1, "%"),
        }
        for series, seconds in zip(_SERIES, state_seconds(row), strict=True)
    ]


def over_time(chosen: Asked, buckets: Sequence[Bucket], provisional: dt.date) -> Figure:
    """What an average truck's day was made of, in each day, week or month."""
    shown = [
        Column(
            bucket_label(chosen.by, each.first),
            _told(chosen, each),
            [value / 3600 for value in _average(each.sums)],
            is_provisional=each.last >= provisional,
            is_missing=each.sums is None,
        )
        for each in buckets
    ]
    title = "Hours of a truck's day by state" + ("" if chosen.by == "day" else f", the mean of each {chosen.by}")
    chart = graphics.columns(
        "states", _SERIES, shown, title, _described(chosen, buckets), ticks=(0, 4, 8, 12, 16, 20, 24)
    )
    heads = [chosen.by.capitalize(), "Trucks' days", *(f"{each.name} (h)" for each in _SERIES), "Together (h)"]
    rows = [_row_of(chosen, each, provisional) for each in buckets]
    note = "Hours of a truck's day: each column adds up to 24, but for days under way and days on which clocks change."
    note += " Shaded: provisional." if any(column.is_provisional for column in shown) else ""
    return analysis.figure(chart, Numbers(heads, rows, caption=title), _SERIES, note)


def _average(row: Row | None) -> list[float]:
    """Seconds of a truck's day by state, the mean over truck-days."""
    if row is None:
        return [0.0] * len(_SERIES)
    return [seconds / row["truck_days"] for seconds in state_seconds(row)]


def _told(chosen: Asked, each: Bucket) -> str:
    words = bucket_words(chosen.by, each.first, each.last)
    if each.sums is None:
        return f"{words}: no truck has a day"
    parts = (
        f"{series.name.lower()} {hours(value)}" for series, value in zip(_SERIES, _average(each.sums), strict=True)
    )
    return f"{words}: {', '.join(parts)}"


def _row_of(chosen: Asked, each: Bucket, provisional: dt.date) -> list[str]:
    words = bucket_words(chosen.by, each.first, each.last) + (" (provisional)" if each.last >= provisional else "")
    if each.sums is None:
        return [words, *[NOT_MEASURED] * (len(_SERIES) + 2)]
    values = _average(each.sums)
    return [words, f"{each.sums['truck_days']:,}", *(number(value / 3600, 2) for value in (*values, sum(values)))]


def _described(chosen: Asked, buckets: Sequence[Bucket]) -> str:
    """What is read off the chart."""
    known = [(_average(each.sums)[0], each) for each in buckets if each.sums is not None]
    (most, busiest), (least, quietest) = max(known, key=_moving), min(known, key=_moving)
    return (
        f"Stacked columns from {date(chosen.period.first)} to {date(chosen.period.last)}. "
        f"Most driving: {hours(most)} a truck, {bucket_words(chosen.by, busiest.first, busiest.last)}. "
        f"Least: {hours(least)}, {bucket_words(chosen.by, quietest.first, quietest.last)}."
    )


def _moving(pair: tuple[float, Bucket]) -> float:
    return pair[0]


# --- days used, and why not ------------------------------------------------------------------------------------------

_REASONS = {"parked": "parked", "workshop": "in the workshop", "no_data": "without data"}
_HEADINGS = {
    "used": "Used",
    "parked": "Parked: there, and not used",
    "workshop": "In the workshop",
    "no_data": "No data",
}


def days(chosen: Asked, row: Row) -> Numbers | None:
    """The truck-days of the period by whether they were used and why not; they add up to all of them."""
    found = days_used(row)
    if found is None:
        return None
    lines = [[words, *_counts(found, name)] for name, words in _HEADINGS.items()]
    every = [sum(part.values()) for part in found.values()]
    total = ["All", *(f"{count:,}" for count in (*every, sum(every)))]
    if (outside := _outside(chosen, row)) is not None:
        lines.append(["Before the first message, or not known yet", NOT_MEASURED, NOT_MEASURED, f"{outside:,}"])
        total[-1] = f"{sum(every) + outside:,}"
    heads = ["Truck-days", "Working days", "Days off", "Together"]
    return Numbers(heads, lines, total, caption="Days used and not used")


def _counts(found: Mapping[str, Mapping[str, int]], name: str) -> list[str]:
    counts = [part[name] for part in found.values()]
    return [f"{count:,}" for count in (*counts, sum(counts))]


def _outside(chosen: Asked, row: Row) -> int | None:
    """Days of the period on which a group's trucks, or a truck, have none; of the whole fleet that says little."""
    if "trucks_with_days" not in row:
        return None
    found = days_of_period(row, row["trucks_with_days"], chosen.period.days)
    return None if found is None else int(found["outside"])


# --- when -----------------------------------------------------------------------------------------------------------


def heat_map(table: Table) -> Figure | None:
    """The share of all trucks' time that is work, by day of the week and hour of the clock; none without hours."""
    if not table.any():
        return None
    shares = [[_at_work(table[weekday, hour].tolist()) for hour in range(HOURS)] for weekday in range(7)]
    names = [f"{hour:02}" for hour in range(HOURS)]
    rows = list(zip((name[:3] for name in _WEEKDAYS), shares, strict=True))
    chart = graphics.heat_map(
        "heat", rows, names, "Share of the trucks' time at work, by weekday and hour", _peak(shares)
    )
    cells = [
        [weekday, *(number(share, 0, "%") for share in line)] for weekday, line in zip(_WEEKDAYS, shares, strict=True)
    ]
    note = "At work: moving, or idling productively. The more it stands out, the more; hours by the clock on the wall."
    return Figure(chart, Numbers(["Day", *names], cells, caption="Share of time at work by weekday and hour"), note)


def _at_work(seconds: Sequence[int]) -> float | None:
    """Of an hour's seconds by state, in per cent; null without any."""
    by_state = dict(zip(SUMS, seconds, strict=True))
    length = sum(by_state[name] for name in ("moving_s", "idle_s", "parked_s", "no_data_s"))
    return 100 * (by_state["moving_s"] + by_state["idle_productive_s"]) / length if length else None


def _peak(shares: Sequence[Sequence[float | None]]) -> str:
    known = [
        (share, weekday, hour)
        for weekday, line in enumerate(shares)
        for hour, share in enumerate(line)
        if share is not None
    ]
    share, weekday, hour = max(known)
    return f"Most on {_WEEKDAYS[weekday]} from {hour:02}:00: {share:.0f}% of the trucks' time is at work."


# --- where they idle --------------------------------------------------------------------------------------------------


def places(chosen: Asked, rows: Sequence[Row]) -> dict[str, Any] | None:
    """The places with the most unproductive idling; none where nobody idled."""
    if not rows:
        return None
    units, currency = chosen.units, chosen.fleet.currency
    lines = [
        [
            _place(each),
            number(each["idle_nonproductive_s"] / 3600, 1),
            number(each["idle_s"] / 3600, 1),
            f"{each['idle_events']:,}",
            number(units.volume(each["nonproductive_litres"]), 1),
            number(each["nonproductive_cost"], 2),
        ]
        for each in (idling_figures.place(row, {}) for row in rows)
    ]
    heads = ["Place", "Not productive (h)", "Idling (h)", "Idle events", f"Fuel ({units.volume_label})", currency]
    return {
        "table": Numbers(heads, lines, caption="Where trucks idle"),
        "count": idling_figures.number_of(rows),
        "shown": len(lines),
    }


def _place(each: Mapping[str, Any]) -> str:
    if each["place"]:
        return str(each["place"])
    return "Position not known" if each["lat"] is None else f"{each['lat']:.4f}, {each['lon']:.4f}"


# --- by group and truck ---------------------------------------------------------------------------------------------

_FIGURES = ["Asset utilization", "Engine utilization", "Idling", "Days used", "Not used", "Moving (h)", "Coverage"]
_HEADS = ["Time", *_FIGURES]


def by_group(reading: Reading) -> Numbers | None:
    """None where the fleet has no groups."""
    if not any(row["group"] for row in reading.groups):
        return None
    lines = []
    for row in reading.groups:
        bar, *rest = _cells(row, reading.targets.of_group(row["group_id"]))
        lines.append([row["group"] or "In no group", bar, f"{row['trucks_of_group']:,}", *rest])
    return Numbers(["Group", "Time", "Trucks", *_FIGURES], lines, words=1, caption="By group")


def trucks(chosen: Asked, reading: Reading, order: str, page: int) -> dict[str, Any] | None:
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
        TRUCKS_SHOWN,
        lambda start, end: Numbers(
            ["Truck", *_HEADS],
            [_truck_cells(chosen, reading, truck, place) for place, truck in enumerate(ranked[start:end], start + 1)],
            words=1,
            caption="By truck",
        ),
    )


def _rank(truck: TruckUsed, order: str) -> tuple[Any, ...]:
    """Greatest first; trucks without the figure at the end."""
    if order == "name":
        return (truck.name.casefold(), truck.code)
    value = figures.utilizations(truck.sums)[order]
    return (value is None, -(value or 0), truck.code)


def _truck_cells(chosen: Asked, reading: Reading, truck: TruckUsed, place: int) -> list[Any]:
    address = analysis.with_query(chosen, truck=truck.code)
    name = format_html('<span class="place">{}</span> <a class="link" href="{}">{}</a>', place, address, truck.name)
    return [name, *_cells(truck.sums, reading.targets.of_truck(truck.code))]


def _cells(row: Row, targets: Mapping[str, float]) -> list[Any]:
    """The bar of states and the figures of a row of sums, with marks where there are targets."""
    found = states(row)
    held = held_against(found, dict(targets))
    bar = analysis.meter(
        [(series.style, float(value)) for series, value in zip(_SERIES, state_seconds(row), strict=True)],
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
    told = f"target {target:g}% {words}"
    return format_html(
        '{} <span class="{}" title="{}" aria-label="{}">{}</span>', number(value, 1, "%"), style, told, told, mark
    )


def _why_not(row: Row) -> str:
    """How many truck-days were not used, by reason; working days and days off together."""
    found = days_used(row) or {"working": {}, "off": {}}
    counts = {why: sum(part.get(why, 0) for part in found.values()) for why in _REASONS}
    return ", ".join(f"{count:,} {words}" for why, words in _REASONS.items() if (count := counts[why])) or NOT_MEASURED


def not_ranked(chosen: Asked, reading: Reading) -> dict[str, Any] | None:
    """The trucks that the ranking leaves out, those known least first; none where there are none."""
    left_out = sorted((truck for truck in reading.trucks if not is_ranked(truck.sums)), key=_known_share)
    if not left_out:
        return None
    rows = [_truck_cells(chosen, reading, truck, place) for place, truck in enumerate(left_out[:NOT_RANKED_SHOWN], 1)]
    return {
        "count": len(left_out),
        "shown": len(rows),
        "table": Numbers(["Truck", *_HEADS], rows, words=1, caption="Trucks that are not ranked"),
    }


def _known_share(truck: TruckUsed) -> tuple[float, str]:
    return (coverage_pct(truck.sums) or 0.0, truck.code)
