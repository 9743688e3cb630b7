"""What the trucks' time went into: in all, and over time."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from apps.fleet.pages import analysis, graphics
from apps.fleet.pages.analysis import Figure, Selection, date, hours
from apps.fleet.pages.buckets import Bucket, bucket_words, in_hours
from apps.fleet.pages.cells import Numbers, number
from apps.fleet.pages.graphics import Series
from apps.fleet.reports.wording import NOT_MEASURED
from apps.mysql import Row

SERIES = [
    Series("Moving", "moving"),
    Series("Idling, productive", "working", is_hatched=True),
    Series("Idling", "idling"),
    Series("Parked", "parked"),
    Series("No data", "no-data", is_hatched=True),
]


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
        for series, seconds in zip(SERIES, state_seconds(row), strict=True)
    ]


def over_time(chosen: Selection, buckets: Sequence[Bucket], provisional: dt.date) -> Figure:
    """What an average truck's day was made of, in each day, week or month."""
    shown = in_hours(buckets, chosen.by, lambda each: _told(chosen, each), _average, provisional)
    chart = graphics.columns(
        "states", SERIES, shown, _title(chosen), _described(chosen, buckets), ticks=(0, 4, 8, 12, 16, 20, 24)
    )
    note = "Hours of a truck's day: each column adds up to 24, but for days under way and days on which clocks change."
    note += " Shaded: provisional." if any(column.is_provisional for column in shown) else ""
    return analysis.figure(chart, over_time_table(chosen, buckets, provisional), SERIES, note)


def over_time_table(chosen: Selection, buckets: Sequence[Bucket], provisional: dt.date) -> Numbers:
    heads = [chosen.by.capitalize(), "Trucks' days", *(f"{each.name} (h)" for each in SERIES), "Together (h)"]
    rows = [_row_of(chosen, each, provisional) for each in buckets]
    return Numbers(heads, rows, caption=_title(chosen))


def _title(chosen: Selection) -> str:
    return "Hours of a truck's day by state" + ("" if chosen.by == "day" else f", the mean of each {chosen.by}")


def _average(row: Row | None) -> list[float]:
    """Seconds of a truck's day by state, the mean over truck-days."""
    if row is None:
        return [0.0] * len(SERIES)
    return [seconds / row["truck_days"] for seconds in state_seconds(row)]


def _told(chosen: Selection, each: Bucket) -> str:
    words = bucket_words(chosen.by, each.first, each.last)
    if each.sums is None:
        return f"{words}: no truck has a day"
    parts = (f"{series.name.lower()} {hours(value)}" for series, value in zip(SERIES, _average(each.sums), strict=True))
    return f"{words}: {', '.join(parts)}"


def _row_of(chosen: Selection, each: Bucket, provisional: dt.date) -> list[str]:
    words = bucket_words(chosen.by, each.first, each.last) + (" (provisional)" if each.last >= provisional else "")
    if each.sums is None:
        return [words, *[NOT_MEASURED] * (len(SERIES) + 2)]
    values = _average(each.sums)
    return [words, number(each.sums["truck_days"]), *(number(value / 3600, 2) for value in (*values, sum(values)))]


def _described(chosen: Selection, buckets: Sequence[Bucket]) -> str:
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
