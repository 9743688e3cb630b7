"""How the hours of a day were spent: seconds by state and hour of the clock on the wall, packed into bytes. Pure.

An hour that comes twice, when clocks go back, is one of 7,200 s; one that does not come has none.
"""

import datetime as dt
import struct
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from apps.trucks.detection.motion import Seconds

HOURS = 24
STATES = ("moving_s", "idle_s", "idle_productive_s", "parked_s", "no_data_s")
# Of a fleet also the moving time of the trucks whose engine is measured: the other half of its ratios.
SUMS = (*STATES, "engine_moving_s")
_OF_TRUCK = struct.Struct(f"<B{HOURS * len(STATES)}H")
_TRUCKS = np.dtype([("has_engine", "u1"), ("seconds", "<u2", (HOURS, len(STATES)))])
_FLEET = np.dtype("<i8")
Table: TypeAlias = npt.NDArray[np.int64]  # … × hour × SUMS


def pack(hours: Iterable[tuple[int, Seconds]], has_engine: bool) -> bytes:
    """A truck's day, of hours of the clock with how each was spent. Without a measured engine nothing is idle."""
    counts = [0] * (HOURS * len(STATES))
    for hour, spent in hours:
        each = (spent.moving, spent.idle, spent.productive, spent.parked, spent.no_data)
        for place, value in enumerate(each, hour * len(STATES)):
            counts[place] += value
    return _OF_TRUCK.pack(has_engine, *counts)


def unpack(packed: bytes) -> list[dict[str, int]]:
    """The seconds of a truck's day by hour, 0 to 23."""
    _, *counts = _OF_TRUCK.unpack(packed)
    starts = range(0, len(counts), len(STATES))
    return [dict(zip(STATES, counts[start : start + len(STATES)], strict=True)) for start in starts]


def sum_up(trucks: Iterable[bytes | memoryview]) -> bytes:
    """A fleet's day from those of its trucks."""
    days = np.frombuffer(b"".join(trucks), _TRUCKS)
    seconds, measured = days["seconds"], days["has_engine"] == 1
    engine_moving = seconds[measured, :, STATES.index("moving_s")].sum(axis=0, dtype=np.int64)
    sums = np.column_stack((seconds.sum(axis=0, dtype=np.int64), engine_moving))
    return sums.astype(_FLEET).tobytes()


def by_weekday(days: Iterable[tuple[dt.date, bytes]]) -> Table:
    """The seconds of a fleet's days: weekday (Monday first) × hour × SUMS."""
    total = np.zeros((7, HOURS, len(SUMS)), np.int64)
    for day, packed in days:
        total[day.weekday()] += np.frombuffer(packed, _FLEET).reshape(HOURS, len(SUMS))
    return total


def by_weekday_of(truck_days: Iterable[tuple[dt.date, bytes]]) -> Table:
    """The same of the days of some trucks."""
    days: dict[dt.date, list[bytes]] = {}
    for day, packed in truck_days:
        days.setdefault(day, []).append(packed)
    return by_weekday((day, sum_up(trucks)) for day, trucks in days.items())


def sums_of_hours(table: Table) -> list[Mapping[str, Any]]:
    """By hour, 0 to 23, the sums over all days of the table by name."""
    rows = table.reshape(-1, HOURS, len(SUMS)).sum(axis=0).tolist()
    return [dict(zip(SUMS, row, strict=True)) for row in rows]
