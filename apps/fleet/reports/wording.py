"""Figures as people read them: numbers, comparisons, durations, dates. Pure; what was not measured is a dash."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

NOT_MEASURED = "–"
_NAMES_SHOWN = 5

Number = int | float | Decimal


def number(value: Number | None, digits: int = 0, unit: str = "") -> str:
    """1,234.5 with its unit; the sign of a rounded zero is dropped."""
    if value is None:
        return NOT_MEASURED
    text = f"{_rounded(value, digits):,.{digits}f}"
    return text + unit if unit == "%" else f"{text} {unit}".rstrip()


def comparison(now: Number | None, before: Number | None, digits: int = 0) -> str:
    """How a figure stands to the day before, both as they are shown: the sign says what a colour would."""
    if before is None:
        return "day before not measured"
    shown = number(before, digits)
    if now is None:
        return f"{shown} the day before"
    change = _rounded(now, digits) - _rounded(before, digits)
    if not change:
        return f"= {shown} the day before"
    return f"{'▲' if change > 0 else '▼'} {number(abs(change), digits)} from {shown}"


def duration(seconds: int | None) -> str:
    """Hours and minutes, h:mm."""
    if seconds is None:
        return NOT_MEASURED
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02}"


def date(day: dt.date) -> str:
    return f"{day:%A}, {day.day} {day:%B}"


def moment(instant: dt.datetime, zone: ZoneInfo) -> str:
    """An instant in a zone, with the zone's abbreviation, which tells the two 01:30 of an autumn night apart."""
    local = instant.astimezone(zone)
    return f"{local.day} {local:%B}, {local:%H:%M} {local:%Z}"


def count(amount: int, noun: str) -> str:
    return f"{amount:,} {noun}" if amount == 1 else f"{amount:,} {noun}s"


def listed(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _rounded(value: Number, digits: int) -> Decimal:
    return round(Decimal(str(value)), digits) + Decimal(0)
