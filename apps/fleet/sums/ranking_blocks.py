"""What trucks are ranked by for their idling, thousands of trucks in a row as packed columns; sums over such. Pure.

To find the ten worst trucks four figures of all are needed, and all figures of ten. So these four stand apart, of 4,096
trucks together, as narrow as they are. All are whole seconds. A row begins with how many trucks it has and what the
numbers of each column are; then come the columns, of trucks by ascending id: how many slots before the truck's are
empty, and COLUMNS. A column that is the same of all trucks is one double; else it is of two or four bytes (H, I) if
these hold it, the largest number being null, or of doubles (d). NaN is null in doubles.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from apps.fleet.columns import Column
from apps.fleet.sums.blocks import NUMBER, TRUCKS, Ids, Table

BLOCKS = 64  # blocks of trucks whose figures are in one row
COLUMNS = ("idle_s", "idle_productive_s", "length_s", "no_data_s")
_TRUCKS = BLOCKS * TRUCKS
_HEAD = struct.Struct(f"<H{1 + len(COLUMNS)}s")
_SAME, _ANY = "=", "d"
_NARROW = {kind: (np.dtype(f"<{kind}"), np.iinfo(kind).max) for kind in "HI"}  # and what stands for null
Packed: TypeAlias = Iterable[tuple[int, bytes]]  # part of the fleet, row


def part_of(block: int) -> int:
    """In which row the figures of a block of trucks are."""
    return block // BLOCKS


def replaced(packed: bytes, blocks: Iterable[int], tables: Sequence[Table]) -> bytes:
    """The row with these in place of what it has of these blocks: ids of trucks and COLUMNS, each of some trucks."""
    old = _Row.of(packed).table() if packed else np.empty((1 + len(COLUMNS), 0))
    kept = old[:, ~np.isin(old[0] // TRUCKS, [block % BLOCKS for block in blocks])]
    new = np.concatenate([np.empty((1 + len(COLUMNS), 0)), *tables], axis=1)
    new[0] %= _TRUCKS
    table = np.concatenate((kept, new), axis=1)
    return _packed(table[:, np.argsort(table[0])])


def added_up(rows: Packed) -> tuple[Ids, dict[str, Column]]:
    """The sums of days, pentads and months by truck, ids ascending; null where nothing is measured."""
    parts: dict[int, _Sums] = {}
    for part, packed in rows:
        parts.setdefault(part, _Sums()).add(packed)
    found = [(part * _TRUCKS, *parts[part].of_trucks()) for part in sorted(parts)]
    ids = np.concatenate([np.empty(0, np.int64), *(first + slots for first, slots, _ in found)])
    table = np.concatenate([np.empty((len(COLUMNS), 0)), *(sums for *_, sums in found)], axis=1)
    return ids, dict(zip(COLUMNS, table, strict=True))


@dataclass(frozen=True, slots=True)
class _Sums:
    """Of the trucks of one part of the fleet, by slot."""

    sums: Table = field(default_factory=lambda: np.zeros((len(COLUMNS), _TRUCKS)))
    is_known: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros((len(COLUMNS), _TRUCKS), np.bool_))
    is_there: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(_TRUCKS, np.bool_))

    def add(self, packed: bytes) -> None:
        row = _Row.of(packed)
        self.is_there[row.trucks] = True
        for place, numbers in enumerate(row.columns):
            self._add(place, row.trucks, *numbers)

    def _add(self, place: int, trucks: "slice | Ids", values: npt.NDArray[Any], null: float) -> None:
        """A column, with as little work as its numbers leave: many are the same for all trucks, most have no nulls."""
        if len(values) == 1:
            value = float(values[0])
            if value == value:
                self.is_known[place, trucks] = True
                self.sums[place, trucks] += value
            return
        is_null = np.isnan(values) if np.isnan(null) else values == null
        if is_null.any():
            self.is_known[place, trucks] |= ~is_null
            self.sums[place, trucks] += np.where(is_null, 0, values)
        else:
            self.is_known[place, trucks] = True
            self.sums[place, trucks] += values

    def of_trucks(self) -> tuple[Ids, Table]:
        slots = np.flatnonzero(self.is_there)
        return slots, np.where(self.is_known, self.sums, np.nan)[:, slots]


# --- one row --------------------------------------------------------------------------------------------------------

_Numbers: TypeAlias = tuple[npt.NDArray[Any], float]  # one for all trucks, or one each; and which of them is null


@dataclass(frozen=True, slots=True)
class _Row:
    trucks: slice | Ids  # their slots, as a range where there is no gap: it is a tenth of the work
    columns: list[_Numbers]  # where they lie

    @classmethod
    def of(cls, packed: bytes) -> Self:
        count, kinds = _HEAD.unpack_from(packed)
        at = _HEAD.size
        found: list[_Numbers] = []
        for kind in kinds.decode():
            number, null = _NARROW.get(kind, (NUMBER, np.nan))
            length = 1 if kind == _SAME else count
            found.append((np.frombuffer(packed, number, length, at), null))
            at += length * number.itemsize
        (empty, _), *columns = found
        if len(empty) == 1:
            return cls(slice(int(empty[0]), int(empty[0]) + count), columns)
        return cls(np.arange(count) + empty.astype(np.int64), columns)

    def table(self) -> Table:
        """Slots and COLUMNS, NaN where null."""
        slots = np.arange(_TRUCKS)[self.trucks]
        columns = (np.where(values == null, np.nan, values) for values, null in self.columns)
        return np.array([slots, *(np.broadcast_to(column, len(slots)) for column in columns)], np.float64)


def _packed(table: Table) -> bytes:
    count = table.shape[1]
    if not count:
        return b""
    columns = [table[0] - np.arange(count), *table[1:]]
    kinds = [_kind(column) for column in columns]
    head = _HEAD.pack(count, "".join(kinds).encode())
    return head + b"".join(_narrowed(kind, column) for kind, column in zip(kinds, columns, strict=True))


def _kind(column: Column) -> str:
    if np.array_equal(column, np.full_like(column, column[0]), equal_nan=True):
        return _SAME
    known = column[~np.isnan(column)]
    if (known < 0).any() or (known != np.floor(known)).any():
        return _ANY
    return next((kind for kind, (_, null) in _NARROW.items() if known.max() < null), _ANY)


def _narrowed(kind: str, column: Column) -> bytes:
    if kind == _SAME:
        return column[:1].tobytes()
    if kind == _ANY:
        return column.tobytes()
    number, null = _NARROW[kind]
    return np.where(np.isnan(column), null, column).astype(number).tobytes()
