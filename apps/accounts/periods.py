"""The period a question is about: from query parameters to local days or instants. Pure; the clock is an argument."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar
from zoneinfo import ZoneInfo

from apps.accounts.calendar import ONE_DAY, as_utc, day_bounds, day_of

D = TypeVar("D", dt.date, dt.datetime)

NAMES = ("today", "yesterday", "week", "month", "quarter", "last7", "last30", "last90")
DEFAULT = "last7"
EARLIEST, LATEST = dt.date(2000, 1, 1), dt.date(2100, 1, 1)
FOR_EVER, NOT_AT_ALL = (t.replace(tzinfo=dt.UTC) for t in (dt.datetime.max, dt.datetime.min))
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


class PeriodError(ValueError):
    """A period that cannot be: `field` is the query parameter to blame."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Period:
    """Local days, both ends included, and the instants [start, end) that they span.

    Whoever asks for it in the same words before `same_until` asks for the same period: `last7` is another tomorrow.
    """

    first: dt.date
    last: dt.date
    start: dt.datetime  # aware, UTC
    end: dt.datetime
    zone: ZoneInfo
    by_instant: bool = False
    same_until: dt.datetime = field(default=NOT_AT_ALL, compare=False, repr=False)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def previous(self) -> "Period":
        """The period of equal length that ends where this one starts: as many days, or as many seconds."""
        if self.by_instant:
            return of_instants(self.start - (self.end - self.start), self.start, self.zone)
        return of_days(self.first - self.days * ONE_DAY, self.first - ONE_DAY, self.zone)

    def echo(self) -> dict[str, str]:
        """The period as answers repeat it."""
        if self.by_instant:
            first, last = (t.isoformat().replace("+00:00", "Z") for t in (self.start, self.end))
        else:
            first, last = self.first.isoformat(), self.last.isoformat()
        return {"from": first, "to": last, "timezone": self.zone.key}


def of_days(first: dt.date, last: dt.date, zone: ZoneInfo) -> Period:
    start, end = day_bounds(first, zone)[0], day_bounds(last, zone)[1]
    return Period(first, last, as_utc(start), as_utc(end), zone)


def of_instants(start: dt.datetime, end: dt.datetime, zone: ZoneInfo) -> Period:
    """[start, end) and the local days it touches."""
    last_moment = end - dt.timedelta(microseconds=1)
    return Period(day_of(start.timestamp(), zone), last_moment.astimezone(zone).date(), start, end, zone, True)


def requested(
    from_: str | None,
    to: str | None,
    name: str | None,
    *,
    now: dt.datetime,
    zone: ZoneInfo,
    max_days: int,
    instants: bool = False,
) -> Period:
    """The period of the parameters `from`, `to` and `period`; without any of them `last7`.

    `from` and `to` are local days, both included, or, where `instants` are allowed, RFC 3339 instants with an offset,
    the later one excluded. `from` alone lasts until today, or now. Raises PeriodError.
    """
    if from_ is not None:
        if name is not None:
            raise PeriodError("period", "either period, or from and to, but not both")
        if instants and _INSTANT.fullmatch(from_):
            found, changes_at = _between_instants(from_, to, now, zone), now
        else:
            found, changes_at = _between_days(from_, to, now, zone, instants), _tomorrow(now, zone)
        return replace(_within(found, max_days), same_until=changes_at if to is None else FOR_EVER)
    if to is not None:
        raise PeriodError("from", "is missing: to needs a from")
    first, last = _NAMED[name or DEFAULT](day_of(now.timestamp(), zone))
    return replace(_within(of_days(first, last, zone), max_days), same_until=_tomorrow(now, zone))


def _tomorrow(now: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The instant at which the local day is another one."""
    return as_utc(day_bounds(day_of(now.timestamp(), zone), zone)[1])


def _between_days(from_: str, to: str | None, now: dt.datetime, zone: ZoneInfo, instants: bool) -> Period:
    first = _day("from", from_, instants)
    last = day_of(now.timestamp(), zone) if to is None else _day("to", to, instants)
    if first > last:
        raise PeriodError("from", "is after to")
    return of_days(first, last, zone)


def _between_instants(from_: str, to: str | None, now: dt.datetime, zone: ZoneInfo) -> Period:
    start = _instant("from", from_)
    end = now.astimezone(dt.UTC) if to is None else _instant("to", to)
    if start >= end:
        raise PeriodError("from", "is not before to")
    return of_instants(start, end, zone)


def _within(period: Period, max_days: int) -> Period:
    span = period.end - period.start if period.by_instant else dt.timedelta(days=period.days)
    if span > dt.timedelta(days=max_days):
        raise PeriodError("to", f"the period is too long: at most {max_days} days")
    return period


def _day(field: str, text: str, instants: bool) -> dt.date:
    if not _DATE.fullmatch(text):
        instant = " or an instant with an offset like 2026-03-31T08:00:00Z (in a URL, + is %2B)" if instants else ""
        raise PeriodError(field, f"is not a date like 2026-03-31{instant}")
    return _parsed(field, dt.date.fromisoformat, text)


def _instant(field: str, text: str) -> dt.datetime:
    if not _INSTANT.fullmatch(text):
        raise PeriodError(field, "is not an instant with an offset, as the other end is (in a URL, + is %2B)")
    return _parsed(field, dt.datetime.fromisoformat, text.upper()).astimezone(dt.UTC)


def _parsed(field: str, parse: Callable[[str], D], text: str) -> D:
    try:
        value = parse(text)
    except ValueError:
        raise PeriodError(field, "is not in the calendar") from None
    if not EARLIEST <= dt.date(value.year, value.month, value.day) <= LATEST:
        raise PeriodError(field, f"is not between {EARLIEST} and {LATEST}")
    return value


# --- periods with a name: first and last day, seen from today -------------------------------------------------------


def _until_yesterday(days: int) -> Callable[[dt.date], tuple[dt.date, dt.date]]:
    """Complete days only, so that a period can be compared with the one before."""
    return lambda today: (today - days * ONE_DAY, today - ONE_DAY)


def _quarter(today: dt.date) -> tuple[dt.date, dt.date]:
    return today.replace(month=3 * ((today.month - 1) // 3) + 1, day=1), today


_NAMED: dict[str, Callable[[dt.date], tuple[dt.date, dt.date]]] = {
    "today": lambda today: (today, today),
    "yesterday": _until_yesterday(1),
    "week": lambda today: (today - today.weekday() * ONE_DAY, today),
    "month": lambda today: (today.replace(day=1), today),
    "quarter": _quarter,
    "last7": _until_yesterday(7),
    "last30": _until_yesterday(30),
    "last90": _until_yesterday(90),
}
