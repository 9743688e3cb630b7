"""Days taken together: pentads (six to a month, the last of three to six days) and months. Pure.

A period is few of them and the days at its edges, so that a year is read from hardly more rows than a week.
"""

import calendar
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from apps.accounts.calendar import ONE_DAY, days_between

DAY, PENTAD, MONTH = "day", "pentad", "month"
_STARTS = (1, 6, 11, 16, 21, 26)
_KINDS = {"days": DAY, "pentads": PENTAD, "months": MONTH, "later_pentads": PENTAD, "later_days": DAY}
_PARTS = tuple(_KINDS)
NOTHING = (dt.date(9999, 1, 1), dt.date(1000, 1, 1))  # a range that no day is in
Range = tuple[dt.date, dt.date]  # of days or first days, both ends included


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Days first to last, both included."""

    kind: str
    first: dt.date
    last: dt.date

    def pieces(self) -> list[dt.date]:
        """What it is summed up from: the days of a pentad, the first days of a month's pentads."""
        if self.kind == PENTAD:
            return list(days_between(self.first, self.last))
        return [self.first.replace(day=start) for start in _STARTS]


SpanOf = Callable[[dt.date], Span]


def pentad_of(day: dt.date) -> Span:
    start = max(start for start in _STARTS if start <= day.day)
    end = start + 4 if start < _STARTS[-1] else _days_in_month(day)
    return Span(PENTAD, day.replace(day=start), day.replace(day=end))


def month_of(day: dt.date) -> Span:
    return Span(MONTH, day.replace(day=1), day.replace(day=_days_in_month(day)))


def day_of(day: dt.date) -> Span:
    return Span(DAY, day, day)


SPAN_OF: dict[str, SpanOf] = {DAY: day_of, PENTAD: pentad_of, MONTH: month_of}


def _days_in_month(day: dt.date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


@lru_cache(maxsize=1_000)  # the periods that are asked for are the same ones all day
def parts(first: dt.date, last: dt.date) -> Mapping[str, dt.date]:
    """What a period is made of, each day of it in one part: ranges of days, and of first days of pentads and months.

    By names such as `days_from` and `days_to`: `days`, `pentads`, `months`, `later_pentads`, `later_days`, in this
    order of time. Whatever lies in no whole pentad are `days`.
    """
    return MappingProxyType(_named(_ranges(first, last)))


def _named(ranges: Mapping[str, Range]) -> dict[str, dt.date]:
    return {
        f"{name}_{end}": day for name, both in ranges.items() for end, day in zip(("from", "to"), both, strict=True)
    }


def as_days(first: dt.date, last: dt.date) -> dict[str, dt.date]:
    """The same of a period that is to be read day by day."""
    return _named(dict.fromkeys(_PARTS, NOTHING) | {"days": (first, last)})


def pieces(parts: Mapping[str, dt.date]) -> Mapping[str, list[dt.date]]:
    """By kind the first days of all that a period is made of, from its parts; of some kinds none."""
    return _pieces(tuple((kind, parts[f"{name}_from"], parts[f"{name}_to"]) for name, kind in _KINDS.items()))


@lru_cache(maxsize=1_000)
def _pieces(ranges: tuple[tuple[str, dt.date, dt.date], ...]) -> Mapping[str, list[dt.date]]:
    found: dict[str, list[dt.date]] = {DAY: [], PENTAD: [], MONTH: []}
    for kind, day, last in ranges:
        while day <= last:
            found[kind].append(day)
            day = SPAN_OF[kind](day).last + ONE_DAY
    return MappingProxyType(found)


def _ranges(first: dt.date, last: dt.date) -> dict[str, Range]:
    found = dict.fromkeys(_PARTS, NOTHING)
    start, end = _first_start(first, pentad_of), _last_end(last, pentad_of)
    if start > end:
        return found | {"days": (first, last)}
    found |= {"days": _range(first, start - ONE_DAY), "later_days": _range(end + ONE_DAY, last)}
    month_start, month_end = _first_start(start, month_of), _last_end(end, month_of)
    if month_start > month_end:
        return found | {"pentads": (start, end)}
    return found | {
        "pentads": _range(start, month_start - ONE_DAY),
        "months": (month_start, month_end),
        "later_pentads": _range(month_end + ONE_DAY, end),
    }


def _range(first: dt.date, last: dt.date) -> Range:
    return (first, last) if first <= last else NOTHING


def _first_start(day: dt.date, span_of: SpanOf) -> dt.date:
    """Where the first span starts that lies after the day's eve."""
    span = span_of(day)
    return day if span.first == day else span.last + ONE_DAY


def _last_end(day: dt.date, span_of: SpanOf) -> dt.date:
    """Where the last span ends that lies before the day's morrow."""
    span = span_of(day)
    return day if span.last == day else span.first - ONE_DAY


def buckets(by: str, first: dt.date, last: dt.date) -> list[tuple[dt.date, dt.date]]:
    """First and last day of each day, week (from Monday on), month or quarter that a period touches, whole ones."""
    found = []
    day = first
    while day <= last:
        start, end = _BUCKET[by](day)
        found.append((start, end))
        day = end + ONE_DAY
    return found


def named_buckets(by: str, first: dt.date, last: dt.date) -> list[tuple[dt.date, dict[str, str]]]:
    """The first day of each of them, and the days that it has in the period as answers name them."""
    return [
        (start, {"from": max(start, first).isoformat(), "to": min(end, last).isoformat()})
        for start, end in buckets(by, first, last)
    ]


def start_of(by: str, day: dt.date) -> dt.date:
    """Where the day, week, month or quarter begins that the day lies in."""
    return _BUCKET[by](day)[0]


def _week(day: dt.date) -> Range:
    monday = day - day.weekday() * ONE_DAY
    return monday, monday + 6 * ONE_DAY


def _month(day: dt.date) -> Range:
    month = month_of(day)
    return month.first, month.last


def quarter_of(day: dt.date) -> Range:
    """The calendar quarter that the day lies in."""
    first = day.replace(month=day.month - (day.month - 1) % 3, day=1)
    return first, month_of(first + 70 * ONE_DAY).last


_BUCKET: dict[str, Callable[[dt.date], Range]] = {
    "day": lambda day: (day, day),
    "week": _week,
    "month": _month,
    "quarter": quarter_of,
}
