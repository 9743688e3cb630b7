"""The periods of the pages about costs and utilization: named ones, or any days. Pure; the clock is an argument."""

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from apps.accounts.calendar import ONE_DAY, day_of
from apps.accounts.periods import Period, PeriodError, of_days, requested

LONGEST_DAYS = 400  # as in the API
DEFAULT = "last30"
Preset = tuple[str, dt.date, dt.date]  # title, first and last day


def presets(today: dt.date) -> dict[str, Preset]:
    """By name. Those that the API has too are the same days; but for those under way they are complete ones."""
    yesterday, month = today - ONE_DAY, today.replace(day=1)
    quarter = month.replace(month=3 * ((month.month - 1) // 3) + 1)
    month_ago, quarter_ago = month - ONE_DAY, quarter - ONE_DAY
    return {
        "last7": ("Last 7 days", today - 7 * ONE_DAY, yesterday),
        "last30": ("Last 30 days", today - 30 * ONE_DAY, yesterday),
        "last90": ("Last 90 days", today - 90 * ONE_DAY, yesterday),
        "month": ("This month", month, today),
        "last-month": ("Last month", month_ago.replace(day=1), month_ago),
        "quarter": ("This quarter", quarter, today),
        "last-quarter": ("Last quarter", quarter_ago.replace(month=quarter_ago.month - 2, day=1), quarter_ago),
    }


def asked_period(asked: Mapping[str, str], now: dt.datetime, zone: ZoneInfo) -> tuple[Period, str | None]:
    """The days of `from` and `to`, or of the preset `period`, and which preset. Raises PeriodError."""
    first, last, choice = asked.get("from"), asked.get("to"), asked.get("period")
    if first or last:
        period = requested(first or None, last or None, choice, now=now, zone=zone, max_days=LONGEST_DAYS)
        return period, None
    named = presets(day_of(now.timestamp(), zone))
    chosen = choice or DEFAULT
    if chosen not in named:
        raise PeriodError("period", f"is none of {', '.join(named)}")
    return of_days(*named[chosen][1:], zone), chosen
