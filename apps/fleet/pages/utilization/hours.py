"""When the trucks are at work: by weekday and hour of the clock."""

from collections.abc import Sequence
from operator import itemgetter

from apps.fleet.pages import graphics
from apps.fleet.pages.analysis import Figure
from apps.fleet.pages.cells import Numbers, number
from apps.fleet.utilization.hours import HOURS, SUMS, Table

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NAMES = [f"{hour:02}" for hour in range(HOURS)]


def heat_map(table: Table) -> Figure | None:
    """The share of all trucks' time that is work, by day of the week and hour of the clock; none without hours."""
    if not table.any():
        return None
    shares = _shares(table)
    rows = list(zip((name[:3] for name in _WEEKDAYS), shares, strict=True))
    chart = graphics.heat_map(
        "heat", rows, _NAMES, "Share of the trucks' time at work, by weekday and hour", _peak(shares)
    )
    note = "At work: moving, or idling productively. The more it stands out, the more; hours by the clock on the wall."
    return Figure(chart, at_work(table), note)


def at_work(table: Table) -> Numbers:
    cells = [
        [weekday, *(number(share, 0, "%") for share in line)]
        for weekday, line in zip(_WEEKDAYS, _shares(table), strict=True)
    ]
    return Numbers(["Day", *_NAMES], cells, caption="Share of time at work by weekday and hour")


def _shares(table: Table) -> list[list[float | None]]:
    return [[_at_work(table[weekday, hour].tolist()) for hour in range(HOURS)] for weekday in range(7)]


def _at_work(seconds: Sequence[int]) -> float | None:
    """Of an hour's seconds by state, in per cent; null without any."""
    by_state = dict(zip(SUMS, seconds, strict=True))
    length = sum(by_state[name] for name in ("moving_s", "idle_s", "parked_s", "no_data_s"))
    return 100 * (by_state["moving_s"] + by_state["idle_productive_s"]) / length if length else None


def _peak(shares: Sequence[Sequence[float | None]]) -> str:
    known = [
        (share, weekday, hour)
        for weekday, line in enumerate(shares)
        for hour, share in enumerate(line)
        if share is not None
    ]
    share, weekday, hour = max(known, key=itemgetter(0))
    if not share:
        return "None of the trucks' time is at work."
    return f"Most on {_WEEKDAYS[weekday]} from {hour:02}:00: {share:.0f}% of the trucks' time is at work."
