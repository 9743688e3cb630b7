"""One driver: what the score is made of, hours over time, and every day."""

import datetime as dt
from collections.abc import Sequence

import orjson

from apps.fleet.drivers.figures import driving
from apps.fleet.drivers.safety import EVENTS, Weights, score_parts
from apps.fleet.pages import analysis, graphics
from apps.fleet.pages.analysis import Figure, Selection, date, hours
from apps.fleet.pages.buckets import Bucket, bucket_words, in_hours
from apps.fleet.pages.cells import Numbers, number
from apps.fleet.pages.driving.reading import NOTHING, Driven
from apps.fleet.pages.driving.words import EVENT_TITLES, figures_of, per_100
from apps.fleet.pages.graphics import Series
from apps.fleet.reports.wording import NOT_MEASURED
from apps.mysql import Row

_SERIES = [
    Series("Driving by day", "moving"),
    Series("Driving at night", "working", is_hatched=True),
    Series("Idling", "idling"),
]


def score(chosen: Selection, driven: Driven) -> Numbers:
    """What each kind of event takes from 100, beside the period before."""
    both = driven.now, driven.before
    now, before = (score_parts(row["distance_m"], {name: row[name] for name in EVENTS}, driven.weights) for row in both)
    heads = ["Event", "Count", f"Per 100 {chosen.units.distance_label}", "Weight", "Points", "Points before"]
    rows = [
        [
            EVENT_TITLES[part.event],
            number(part.count, 0),
            number(per_100(chosen, driven.now, (part.event,)), 2),
            f"{part.weight:g}",
            number(part.points, 2),
            number(earlier.points, 2),
        ]
        for part, earlier in zip(now, before, strict=True)
    ]
    scores = [number(driving(row, driven.weights)["safety_score"], 1) for row in both]
    return Numbers(heads, rows, ["100 less the points", "", "", "", *scores], caption="What the score is made of")


def over_time(chosen: Selection, buckets: Sequence[Bucket], provisional: dt.date, weights: Weights) -> Figure:
    """Hours driven by day and at night, and idled."""
    shown = in_hours(buckets, chosen.by, lambda each: _told(chosen, each), _seconds, provisional)
    title = f"Hours by {chosen.by}"
    most = max(buckets, key=lambda each: sum(_seconds(each.sums)[:2]))
    about = (
        f"Stacked columns from {date(chosen.period.first)} to {date(chosen.period.last)}. Most driving: "
        f"{hours(sum(_seconds(most.sums)[:2]))}, {bucket_words(chosen.by, most.first, most.last)}."
    )
    note = "Night: between the hours that the fleet's parameters name, by the clock on the wall."
    chart = graphics.columns("hours", _SERIES, shown, title, about)
    return analysis.figure(chart, over_time_table(chosen, buckets, weights), _SERIES, note)


def over_time_table(chosen: Selection, buckets: Sequence[Bucket], weights: Weights) -> Numbers:
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


def _told(chosen: Selection, each: Bucket) -> str:
    words = bucket_words(chosen.by, each.first, each.last)
    if each.sums is None:
        return f"{words}: no truck"
    pairs = zip(_SERIES, _seconds(each.sums), strict=True)
    parts = (f"{series.name.lower()} {hours(value)}" for series, value in pairs)
    return f"{words}: {', '.join(parts)}"


def _row_of(chosen: Selection, each: Bucket, weights: Weights) -> list[str]:
    words = bucket_words(chosen.by, each.first, each.last)
    if each.sums is None:
        return [words, *[NOT_MEASURED] * (len(_SERIES) + 2)]
    return [
        words,
        *(number(value / 3600, 2) for value in _seconds(each.sums)),
        number(chosen.units.distance(each.sums["distance_m"]), 0),
        number(driving(each.sums, weights)["safety_score"], 1),
    ]


def by_day(chosen: Selection, days: Sequence[Row], weights: Weights) -> Numbers:
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
            *figures_of(chosen, weights, {**NOTHING, **row}, None),
        ]
        for row in reversed(days)
    ]
    return Numbers(heads, rows, words=1, caption="Days on which they had a truck")
