"""The sums of up to 64 trucks by day of the week, of a day, pentad or month, packed; sums over such blocks. Pure.

What is packed of more than a day does not tell Mondays from Tuesdays; this does, for the sums that utilization needs.

A block is a byte with a bit for each weekday that it has (Monday is the lowest), one for each truck, its slot in the
block, ascending, and the sums: weekday by weekday a column of trucks for each of SUMS, NaN where null. These are whole
numbers, seconds at most, so a truck's in a month are exact as floats of four bytes.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from apps.fleet.queries import UTILIZATION_SUMS
from apps.fleet.sums.blocks import FIGURES, TRUCKS, unpacked

SUMS = UTILIZATION_SUMS
_COLUMNS = [1 + FIGURES.index(name) for name in SUMS]
_NUMBER = np.dtype("<f4")  # whole numbers up to 2^24
_WEEK = 7
Table: TypeAlias = npt.NDArray[np.float32]  # weekday × SUMS × truck
Known: TypeAlias = npt.NDArray[np.bool_]


def of_day(day: dt.date, figures: bytes) -> bytes:
    """From a day's block of FIGURES."""
    if not figures:
        return b""
    table = unpacked(figures, 1 + len(FIGURES))
    slots = table[0].astype(np.int64) % TRUCKS
    return _packed([day.weekday()], slots.tolist(), table[_COLUMNS].astype(_NUMBER))


def merged(blocks: Iterable[bytes]) -> bytes:
    """The sums of several blocks of the same trucks, such as of a month from its pentads."""
    sums = np.zeros((_WEEK, len(SUMS), TRUCKS), _NUMBER)
    measured = np.zeros(sums.shape, np.bool_)
    for weekdays, slots, table in map(_unpacked, filter(None, blocks)):
        places = np.ix_(weekdays, range(len(SUMS)), slots)
        known = ~np.isnan(table)
        sums[places] += np.where(known, table, 0)
        measured[places] |= known
    weekdays, slots = (np.flatnonzero(measured.any(axis=axes)).tolist() for axes in ((1, 2), (0, 1)))
    table = np.where(measured, sums, np.nan)[np.ix_(weekdays, range(len(SUMS)), slots)]
    return _packed(weekdays, slots, table.astype(_NUMBER)) if slots else b""


def _packed(weekdays: Iterable[int], slots: Sequence[int], table: Table) -> bytes:
    return bytes([sum(1 << weekday for weekday in weekdays), *slots]) + table.tobytes()


def _unpacked(packed: bytes) -> tuple[list[int], list[int], Table]:
    head = _head(packed)
    weekdays = _weekdays(head)
    table = np.frombuffer(packed, _NUMBER, offset=len(head)).reshape(len(weekdays), len(SUMS), -1)
    return weekdays, list(head[1:]), table


def _head(packed: bytes) -> bytes:
    """The weekdays and the slots."""
    numbers = len(_weekdays(packed)) * len(SUMS)
    return packed[: 1 + (len(packed) - 1) // (1 + numbers * _NUMBER.itemsize)]


def _weekdays(packed: bytes) -> list[int]:
    return [weekday for weekday in range(_WEEK) if packed[0] >> weekday & 1]


# --- sums over blocks -----------------------------------------------------------------------------------------------


def added_up(blocks: Iterable[tuple[bytes, int]], called: Sequence[str] = SUMS) -> list[dict[str, Any]]:
    """`weekday` and the sums of some trucks, of each weekday on which any has a day; null where nothing is measured.

    Each block with a bit for each truck that counts. `called`: what the sums are to be called.
    """
    sums = np.zeros((_WEEK, len(SUMS)))
    measured = np.zeros(sums.shape, np.bool_)
    for (head, bits), alike in _alike(blocks).items():
        counts = [bool(bits >> slot & 1) for slot in head[1:]]
        weekdays = _weekdays(head)
        tables = np.frombuffer(b"".join(alike), _NUMBER).reshape(len(alike), len(weekdays), len(SUMS), len(counts))
        found, known = _over_trucks(tables if all(counts) else tables[..., counts])
        sums[weekdays] += found
        measured[weekdays] |= known
    return [
        {"weekday": weekday, **dict(zip(called, values, strict=True))}
        for weekday, values in enumerate(_values(sums, measured))
        if any(measured[weekday])
    ]


def _alike(blocks: Iterable[tuple[bytes, int]]) -> dict[tuple[bytes, int], list[bytes]]:
    """What blocks hold behind their heads, by head and the trucks that count: most have the same trucks."""
    found: dict[tuple[bytes, int], list[bytes]] = {}
    for packed, bits in blocks:
        if packed:
            head = _head(packed)
            found.setdefault((head, bits), []).append(packed[len(head) :])
    return found


def _over_trucks(tables: Table) -> tuple[npt.NDArray[np.float64], Known]:
    """Weekday × SUMS of blocks with the same weekdays and trucks, and whether anything of it is measured."""
    sums: npt.NDArray[np.float64] = tables.sum(axis=(0, 3), dtype=np.float64)
    if not np.isnan(sums).any():
        return sums, np.full(sums.shape, bool(tables.size))
    known = ~np.isnan(tables)
    return np.where(known, tables, 0).sum(axis=(0, 3), dtype=np.float64), np.asarray(known.any(axis=(0, 3)))


def _values(sums: npt.NDArray[np.float64], measured: Known) -> list[list[int | None]]:
    rows = zip(sums.astype(np.int64).tolist(), measured.tolist(), strict=True)
    return [[value if is_there else None for value, is_there in zip(*row, strict=True)] for row in rows]
