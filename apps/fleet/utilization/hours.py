"""How the hours of a day were spent: seconds by state and hour of the clock on the wall, packed into bytes. Pure.

An hour that comes twice, when clocks go back, is one of 7,200 s; one that does not come has none.

A block holds the hours of up to 64 trucks, of a day or of longer: a byte for each truck, its slot in the block,
ascending, after one that says how many bytes a number has; then its numbers, hour by hour the SUMS.
"""

import datetime as dt
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from apps.fleet.sums.blocks import TRUCKS
from apps.trucks.detection.motion import Seconds

HOURS = 24
STATES = ("moving_s", "idle_s", "idle_productive_s", "parked_s", "no_data_s")
# Of a fleet also the moving time of the trucks whose engine is measured: the other half of its ratios.
SUMS = (*STATES, "engine_moving_s")
_OF_TRUCK = struct.Struct(f"<B{HOURS * len(STATES)}H")
_TRUCKS = np.dtype([("has_engine", "u1"), ("seconds", "<u2", (HOURS, len(STATES)))])
_FLEET = np.dtype("<i8")
_EVERY_SLOT = 2**TRUCKS - 1
_SHORT, _LONG = np.dtype("<u2"), np.dtype("<u4")
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


# --- blocks of trucks -----------------------------------------------------------------------------------------------


def pack_block(rows: Iterable[tuple[int, bytes]]) -> bytes:
    """Rows: truck and hours of its day, packed; no two of a truck."""
    days = sorted((truck_id % TRUCKS, packed) for truck_id, packed in rows)
    trucks = np.frombuffer(b"".join(packed for _, packed in days), _TRUCKS)
    table = np.zeros((len(days), HOURS, len(SUMS)), np.int64)
    table[:, :, : len(STATES)] = trucks["seconds"]
    table[:, :, -1] = table[:, :, STATES.index("moving_s")] * trucks["has_engine"][:, np.newaxis]
    return _packed([slot for slot, _ in days], table)


def merged(blocks: Iterable[bytes]) -> bytes:
    """The sums of several blocks of the same trucks, such as of a month from its pentads."""
    sums, are_there = np.zeros((TRUCKS, HOURS, len(SUMS)), np.int64), np.zeros(TRUCKS, np.bool_)
    for slots, table in map(_unpacked, filter(None, blocks)):
        sums[slots] += table
        are_there[slots] = True
    return _packed(np.flatnonzero(are_there).tolist(), sums[are_there])


def _packed(slots: Sequence[int], table: Table) -> bytes:
    if not slots:
        return b""
    number = _SHORT if table.max() <= np.iinfo(_SHORT).max else _LONG
    return bytes([number.itemsize, *slots]) + table.astype(number).tobytes()


def _unpacked(packed: bytes) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any]]:
    """The slots, and truck × hour × SUMS."""
    number = np.dtype(f"<u{packed[0]}")
    trucks = (len(packed) - 1) // (1 + HOURS * len(SUMS) * number.itemsize)
    seconds = np.frombuffer(packed, number, offset=1 + trucks).reshape(trucks, HOURS, len(SUMS))
    return np.frombuffer(packed, np.uint8, trucks, offset=1), seconds


def sum_up(blocks: Iterable[bytes | memoryview]) -> bytes:
    """A fleet's day from the blocks of its trucks."""
    return of_trucks((bytes(packed), _EVERY_SLOT) for packed in blocks).astype(_FLEET).tobytes()


def of_trucks(blocks: Iterable[tuple[bytes, int]]) -> Table:
    """The seconds of some trucks: hour × SUMS. Each block with a bit for each slot that counts."""
    total = np.zeros((HOURS, len(SUMS)), np.int64)
    for packed, bits in blocks:
        if packed:
            slots, table = _unpacked(packed)
            counts = [bool(bits >> slot & 1) for slot in slots.tolist()]
            total += (table if all(counts) else table[counts]).sum(axis=0, dtype=np.int64)
    return total


# --- days by weekday ------------------------------------------------------------------------------------------------


def by_weekday(days: Iterable[tuple[dt.date, bytes]]) -> Table:
    """The seconds of a fleet's days: weekday (Monday first) × hour × SUMS."""
    total = np.zeros((7, HOURS, len(SUMS)), np.int64)
    for day, packed in days:
        total[day.weekday()] += np.frombuffer(packed, _FLEET).reshape(HOURS, len(SUMS))
    return total


def by_weekday_of_truck(days: Iterable[tuple[dt.date, bytes]]) -> Table:
    """The same of the days of a truck."""
    return by_weekday((day, sum_up([pack_block([(0, packed)])])) for day, packed in days)


def by_weekday_of_trucks(blocks: Iterable[tuple[dt.date, bytes, int]]) -> Table:
    """The same of some trucks, of blocks of days."""
    total = np.zeros((7, HOURS, len(SUMS)), np.int64)
    for day, packed, bits in blocks:
        total[day.weekday()] += of_trucks([(packed, bits)])
    return total


def sums_of_hours(table: Table) -> list[Mapping[str, Any]]:
    """By hour, 0 to 23, the sums over all days of the table by name."""
    rows = table.reshape(-1, HOURS, len(SUMS)).sum(axis=0).tolist()
    return [dict(zip(SUMS, row, strict=True)) for row in rows]
