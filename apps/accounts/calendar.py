"""A fleet's calendar: the UTC bounds of its local days. Pure; instants are UTC seconds, intervals half-open."""

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

ONE_DAY = dt.timedelta(days=1)
YEARS = range(
    1900, 2200
)  # of what people enter: others are slips of the pen, and at the calendar's ends no zone has days


@lru_cache(maxsize=10_000)  # the days that are asked for are the same ones all day
def day_start(day: dt.date, zone: ZoneInfo) -> int:
    """The first second of a local day.

    Where a clock change skips midnight it is the first second that exists; where it repeats midnight, the first of
    the two. A day that a zone skipped as a whole (Apia, 2011-12-30) starts where the next one starts.
    """
    return int(dt.datetime.combine(day, dt.time(), tzinfo=zone).timestamp())


def day_bounds(day: dt.date, zone: ZoneInfo) -> tuple[int, int]:
    """[start, end) of a local day: 86,400 seconds long, but for clock changes."""
    return day_start(day, zone), day_start(day + ONE_DAY, zone)


def day_of(t: float, zone: ZoneInfo) -> dt.date:
    """The local day that the instant lies in: the one whose bounds are around it.

    Its date on the clock, except where clocks go back over midnight (Newfoundland until 2011, from 00:01 to 23:01):
    the new day has begun by then, and no day comes twice.
    """
    on_the_clock = dt.datetime.fromtimestamp(t, zone).date()
    following = on_the_clock + ONE_DAY
    return following if t >= day_start(following, zone) else on_the_clock


class ClockHour(NamedTuple):
    """A stretch [start, end) in which the clock on the wall shows this hour, 0 to 23."""

    hour: int
    start: int
    end: int


@lru_cache(maxsize=512)  # the trucks of a fleet are computed for the same days
def clock_hours(start: int, end: int, zone: ZoneInfo) -> tuple[ClockHour, ...]:
    """The stretches of [start, end) by the hour that the clock shows, ascending, without holes.

    When clocks go back one hour comes twice, when they go forward one does not come.
    """
    found = []
    while start < end:
        local = dt.datetime.fromtimestamp(start, zone)
        until = min(end, start + 3_600 - 60 * local.minute - local.second)
        changed = bisect_left(range(start, until), True, key=lambda t: _offset(t, zone) != local.utcoffset())
        until = start + changed
        found.append(ClockHour(local.hour, start, until))
        start = until
    return tuple(found)


def _offset(t: int, zone: ZoneInfo) -> dt.timedelta | None:
    return dt.datetime.fromtimestamp(t, zone).utcoffset()


def days_between(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """The days from the first to the last, both included."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield dt.date.fromordinal(ordinal)


def as_utc(t: float) -> dt.datetime:
    """The aware UTC datetime of an instant."""
    return dt.datetime.fromtimestamp(t, dt.UTC)
