"""What the text of a cell means: numbers, days and instants, read as a file writes them. Pure.

`1,234` and `05/03/2026` mean one thing or another, by the convention of who wrote them. A file has one convention; it
is known by the values that allow no other. Where none does, such a value is a mistake that says so: nothing is guessed.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from apps.accounts.calendar import YEARS, as_utc, day_start

Cell: TypeAlias = str | int | float | bool | dt.datetime | dt.date | dt.time | dt.timedelta | None
T = TypeVar("T", Decimal, dt.date)
Readings: TypeAlias = Mapping[str, T]  # convention → what the text means by it

POINT, COMMA = "point", "comma"
DAY_FIRST, MONTH_FIRST = "day first", "month first"
LONGEST_NUMBER = 24  # digits and marks: more than any amount has, and what decimals can be reckoned with
SIGNIFICANT = 15  # digits that a spreadsheet keeps: what its floats have beyond is not what it shows

_NUMBERS = {
    POINT: re.compile(r"[-+]?(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d+)?", re.ASCII),
    COMMA: re.compile(r"[-+]?(?:[1-9]\d{0,2}(?:\.\d{3})+|\d+)(?:,\d+)?", re.ASCII),
}
_SPACED = re.compile(r"(?<=\d)[ \u00a0\u2009\u202f'’](?=\d{3}(?:\D|$))")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", re.ASCII)
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)  # nobody puts the month first with dots
_SLASHED = re.compile(r"(\d{1,2})([-/])(\d{1,2})\2(\d{4})", re.ASCII)
_INSTANT = re.compile(
    r"(?P<day>[0-9./-]+)(?:[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.0+)?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?: ?(?P<offset>Z|[-+]\d{2}:?[0-5]\d))?)?",
    re.ASCII,
)


class Mistake(ValueError):
    """A cell that does not say what its column holds. The text stands behind the cell's value: `is no number`."""


def number_readings(text: str) -> dict[str, Decimal]:
    """What a number means by each convention that it can be written in: `1,5` by one, `1,234` differently by both."""
    plain = _SPACED.sub("", text.strip()).replace("−", "-")
    marks = {POINT: (",", "."), COMMA: (".", ",")}
    if len(plain) > LONGEST_NUMBER:
        return {}
    return {
        convention: Decimal(plain.replace(marks[convention][0], "").replace(marks[convention][1], "."))
        for convention, pattern in _NUMBERS.items()
        if pattern.fullmatch(plain)
    }


def date_readings(text: str) -> dict[str, dt.date]:
    """What a day means by each order of its parts. Two-digit years have no reading, nor what YEARS leave out."""
    text = text.strip()
    if match := _ISO.fullmatch(text):
        year, month, day = map(int, match.groups())
        orders = {DAY_FIRST: (year, month, day), MONTH_FIRST: (year, month, day)}
    elif match := _DOTTED.fullmatch(text):
        day, month, year = map(int, match.groups())
        orders = {DAY_FIRST: (year, month, day), MONTH_FIRST: (year, month, day)}
    elif match := _SLASHED.fullmatch(text):
        first, second, year = (int(match[part]) for part in (1, 3, 4))
        orders = {DAY_FIRST: (year, second, first), MONTH_FIRST: (year, first, second)}
    else:
        return {}
    return {order: dt.date(*parts) for order, parts in orders.items() if _exists(*parts)}


def _exists(year: int, month: int, day: int) -> bool:
    try:
        return dt.date(year, month, day).year in YEARS
    except ValueError:
        return False


def day_part(text: str) -> str:
    """The day of a text that is a day and perhaps a time."""
    match = _INSTANT.fullmatch(text.strip())
    return match["day"] if match else ""


def convention_of(readings: Iterable[Readings[T]]) -> str | None:
    """The convention that most of those values speak for that allow but one; null where no value does.

    Values of the other convention are mistakes then, so a file that mixes them is refused whichever has the majority.
    """
    votes = Counter(next(iter(each)) for each in readings if len(each) == 1)
    return votes.most_common(1)[0][0] if votes else None


def _settled(readings: Readings[T], convention: str | None, ambiguous: str, mixed: str) -> T:
    """The meaning by the file's convention. Raises Mistake, with one of the texts, where there is not exactly one."""
    meanings = set(readings.values())
    if len(readings) > 1 and len(meanings) == 1:
        return next(iter(meanings))
    if convention is None:
        raise Mistake(ambiguous.format(*(readings[each] for each in sorted(readings, reverse=True))))
    if convention not in readings:
        raise Mistake(mixed)
    return readings[convention]


def number(cell: Cell, decimal: str | None) -> Decimal:
    """The number of a cell. Raises Mistake."""
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        raise Mistake("is no number")
    if not isinstance(cell, str):
        return _of_spreadsheet(cell)
    readings = number_readings(cell)
    if not readings:
        raise Mistake("is no number")
    return _settled(
        readings,
        decimal,
        "may be {} or {}: no value of the file tells whether its decimals begin with a point or a comma, so say which",
        f"does not have a decimal {decimal} as the file's other numbers do",
    )


def _of_spreadsheet(value: int | float) -> Decimal:
    if not abs(value) < 1e15:  # nan fails too
        raise Mistake("is no number that an amount can be")
    return Decimal(f"{value:.{SIGNIFICANT}g}")


def day(cell: Cell, order: str | None) -> dt.date:
    """The day of a cell. Raises Mistake."""
    if isinstance(cell, dt.datetime):
        if cell.time() != dt.time():
            raise Mistake("is a day with a time, and only a day is expected")
        return cell.date()
    if isinstance(cell, dt.date):
        return cell
    if not isinstance(cell, str):
        raise Mistake("is no day")
    readings = date_readings(cell)
    if not readings:
        raise Mistake("is no day")
    return _settled(
        readings,
        order,
        "may be {} or {}: no value of the file tells whether day or month comes first, so say which",
        f"is no day with the {order} as the file's other days are",
    )


def instant(cell: Cell, order: str | None, zone: ZoneInfo) -> dt.datetime:
    """The instant of a cell, in UTC: with an offset as written, else by the zone's clocks; a day alone is its start.

    Raises Mistake, also for a time that the clocks skip or have twice on that day.
    """
    if isinstance(cell, dt.date) and cell.year not in YEARS:
        raise Mistake("is no day and time")
    if isinstance(cell, dt.datetime):
        return _by_the_clock(cell.replace(tzinfo=None), zone)
    if isinstance(cell, dt.date):
        return as_utc(day_start(cell, zone))
    match = _INSTANT.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if match is None:
        raise Mistake("is no day and time")
    date = day(match["day"], order)
    if match["hour"] is None:
        return as_utc(day_start(date, zone))
    clock = dt.datetime.combine(date, _time(match))
    if match["offset"] is None:
        return _by_the_clock(clock, zone)
    try:
        return dt.datetime.fromisoformat(f"{clock.isoformat()}{match['offset']}").astimezone(dt.UTC)
    except ValueError:
        raise Mistake("has an offset that no clock has") from None


def _time(match: re.Match[str]) -> dt.time:
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    if match["half"]:
        if not 1 <= hour <= 12:
            raise Mistake("has no hour from 1 to 12 before AM or PM")
        hour = hour % 12 + (12 if match["half"].lower() == "p" else 0)
    try:
        return dt.time(hour, minute, second)
    except ValueError:
        raise Mistake("has a time that no clock shows") from None


def _by_the_clock(clock: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    early, late = (clock.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    if early == late:
        return early
    if early.astimezone(zone).replace(tzinfo=None) != clock:
        raise Mistake(f"is a time that does not exist in {zone}: the clocks go forward over it")
    raise Mistake(f"is a time that {zone} has twice, as the clocks go back: add an offset, such as +00:00")
