"""Which days are sealed: what they were computed from is no longer whole, so they stay as they are. Pure.

A truck's raw messages are whole from its floor on, `raw_since_t`. Days that begin before it are sealed, and messages
from before it are refused. What a day depends on may lie up to `REACH_S` before it, so messages are kept that much
longer than the days are open: the first open day is computed from the same messages as ever.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from apps.accounts.calendar import ONE_DAY, day_of, day_start
from apps.trucks.detection.quantities import CONNECTED_S

# A day is computed from a window that begins up to 35 days before it, and from what was last read before the window,
# up to 35 days earlier.
REACH_S = 2 * CONNECTED_S


def is_sealed(day: dt.date, raw_since_t: int | None, zone: ZoneInfo) -> bool:
    """Whether a local day begins before the floor; without a floor none does."""
    return raw_since_t is not None and day_start(day, zone) < raw_since_t


def first_open_day(raw_since_t: int | None, zone: ZoneInfo) -> dt.date:
    """The first local day that is not sealed."""
    if raw_since_t is None:
        return dt.date.min
    day = day_of(raw_since_t, zone)
    return day + ONE_DAY if is_sealed(day, raw_since_t, zone) else day


def kept_since(raw_since_t: int) -> int:
    """From here on messages are kept under a floor: those older than the floor for the days after it alone."""
    return raw_since_t - REACH_S
