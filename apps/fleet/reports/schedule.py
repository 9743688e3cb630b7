"""When a report is due, and which day it covers. Pure: wall times and IANA zones in, aware UTC datetimes out."""

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from apps.accounts.calendar import ONE_DAY, as_utc


def due_on(day: dt.date, send_at: dt.time, zone: ZoneInfo) -> dt.datetime:
    """The instant of a wall time on a local day.

    A time that a clock change skips is due at the first instant after the gap; one that comes twice, the first time.
    """
    wall = dt.datetime.combine(day, send_at.replace(tzinfo=None))
    before = round(wall.replace(tzinfo=zone, fold=0).timestamp())  # by the offset in force before a change
    after = round(wall.replace(tzinfo=zone, fold=1).timestamp())
    if before <= after:
        return as_utc(before)
    return as_utc(_offset_change(after, before, zone))


def next_due(send_at: dt.time, zone: ZoneInfo, after: dt.datetime) -> dt.datetime:
    """The first due time later than an instant."""
    return next(due for due in _around(send_at, zone, after, step=ONE_DAY) if due > after)


def last_due(send_at: dt.time, zone: ZoneInfo, now: dt.datetime) -> dt.datetime:
    """The latest due time that has come, `now` itself included."""
    return next(due for due in _around(send_at, zone, now, step=-ONE_DAY) if due <= now)


def is_due_time(moment: dt.datetime, send_at: dt.time, zone: ZoneInfo) -> bool:
    """Whether the wall time falls on this very instant."""
    return last_due(send_at, zone, moment) == moment


def covered_day(due_at: dt.datetime, fleet_zone: ZoneInfo) -> dt.date:
    """The day before the fleet's local day in which the report is due: the last one that is over there."""
    return due_at.astimezone(fleet_zone).date() - ONE_DAY


def _around(send_at: dt.time, zone: ZoneInfo, moment: dt.datetime, step: dt.timedelta) -> Iterator[dt.datetime]:
    """The due times of the local days from just before (with a step back: just after) an instant on."""
    day = moment.astimezone(zone).date() - step
    while True:
        yield due_on(day, send_at, zone)
        day += step


def _offset_change(earliest: int, latest: int, zone: ZoneInfo) -> int:
    """The first second in (earliest, latest] that has the offset of the latest."""
    offset = as_utc(latest).astimezone(zone).utcoffset()
    seconds = range(earliest, latest + 1)
    return seconds[bisect_left(seconds, True, key=lambda t: as_utc(t).astimezone(zone).utcoffset() == offset)]
