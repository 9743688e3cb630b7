"""The night of a local day: the time in which the clock on the wall shows an hour of the night. Pure."""

import datetime as dt
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from apps.accounts.calendar import day_bounds
from apps.trucks.parameters import Parameters

Interval = tuple[int, int]  # [start, end) in UTC seconds
_HOUR = 3_600


def night_by(parameters: Parameters, day: dt.date, zone: ZoneInfo) -> tuple[Interval, ...]:
    """The night of a local day by the parameters in force on it."""
    return night_of(day, zone, parameters.night_begin_h, parameters.night_end_h)


@lru_cache(maxsize=4_096)  # all trucks of a fleet have the same nights
def night_of(day: dt.date, zone: ZoneInfo, begin_h: float, end_h: float) -> tuple[Interval, ...]:
    """The parts of a local day whose wall time is from `begin_h` to before `end_h`, over midnight if that is earlier.

    Hours of the clock, 0 to 24; equal ones: there is no night. Ascending and disjoint. Where clocks change in the night
    it is as much longer or shorter as the day; an hour that comes twice counts each time.
    """
    edges = _edges(day, zone, (begin_h, end_h))
    found: list[Interval] = []
    for start, end in pairwise(edges):
        if not _is_night(_wall_time(start, zone), begin_h * _HOUR, end_h * _HOUR):
            continue
        joins = bool(found) and found[-1][1] == start
        found.append((found.pop()[0] if joins else start, end))
    return tuple(found)


def _is_night(wall_s: int, begin_s: float, end_s: float) -> bool:
    if begin_s <= end_s:
        return begin_s <= wall_s < end_s
    return wall_s >= begin_s or wall_s < end_s


def _wall_time(t: int, zone: ZoneInfo) -> int:
    """The seconds since midnight that the clock shows."""
    clock = dt.datetime.fromtimestamp(t, zone)
    return clock.hour * _HOUR + clock.minute * 60 + clock.second


def _edges(day: dt.date, zone: ZoneInfo, hours: tuple[float, float]) -> list[int]:
    """The day's bounds, and all seconds between at which night may begin or end: at these hours, or by changed clocks.

    An hour that comes twice is two of them.
    """
    start, end = day_bounds(day, zone)
    edges = {start, end, *_clock_changes(start, end, zone)}
    for hour in hours:
        wall = dt.datetime.combine(day, dt.time()) + dt.timedelta(seconds=round(hour * _HOUR))
        edges |= {int(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1)}
    return sorted(t for t in edges if start <= t <= end)


def _clock_changes(start: int, end: int, zone: ZoneInfo) -> list[int]:
    """The second in (start, end] from which on the zone has another offset; one that is undone at once is not seen."""
    before, after = start, end
    if _offset(before, zone) == _offset(after, zone):
        return []
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(middle, zone) == _offset(before, zone):
            before = middle
        else:
            after = middle
    return [after]


def _offset(t: int, zone: ZoneInfo) -> dt.timedelta | None:
    return dt.datetime.fromtimestamp(t, zone).utcoffset()
