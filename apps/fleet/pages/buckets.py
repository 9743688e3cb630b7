"""The days, weeks or months of a period, as tables and charts of pages show them."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apps.fleet.pages.analysis import date
from apps.fleet.pages.graphics import Column
from apps.mysql import Row


@dataclass(frozen=True, slots=True)
class Bucket:
    """A day, week or month as far as it lies in the period; no sums where nothing is known of it."""

    first: dt.date
    last: dt.date
    sums: Row | None


def bucket_label(by: str, day: dt.date) -> str:
    """Under a column: its day, the first day of its week, its month."""
    return f"{day:%b %Y}" if by == "month" else f"{day.day} {day:%b}"


def bucket_words(by: str, first: dt.date, last: dt.date) -> str:
    """The same in full."""
    if by == "month":
        return f"{first:%B %Y}"
    return f"{first:%A}, {date(first)}" if first == last else f"{date(first)} to {date(last)}"


def in_hours(
    buckets: Sequence[Bucket],
    by: str,
    told: Callable[[Bucket], str],
    seconds: Callable[[Row | None], Sequence[float]],
    provisional: dt.date,
) -> list[Column]:
    """Columns of a chart of hours: `seconds` of each series, `told` in words; provisional from a day on."""
    return [
        Column(
            bucket_label(by, each.first),
            told(each),
            [value / 3600 for value in seconds(each.sums)],
            is_provisional=each.last >= provisional,
            is_missing=each.sums is None,
        )
        for each in buckets
    ]
