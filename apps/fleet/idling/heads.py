"""The worst places of a fleet in a period, from the worst of each day, pentad and month it is made of. Pure.

A fleet idles at tens of thousands of places, and ten are shown. So of a day, pentad or month the entries with the most
unproductive idling stand apart, its head; how much of it any other entry has at most; and the numbers of all cells,
narrow. A place that is in no head can have no more than what the parts leave out at most; one that is missing in some
of them no more than these do besides. Places that could be among the worst by that are contenders. In which parts a
contender is at all, the cells tell; where it is, but not in the head, all entries of that part are read. Then its sums
are as exact as those over all entries; where any place could be among the worst, all is read. Places that are no cells
are few, so a head has all of them.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from apps.fleet.idling.blocks import Block, Found, Row, by_number, entries_of, packed_entries, worst_of
from apps.fleet.sums.blocks import Ids, starts_of

MOST = 256  # cells of a head
NOTHING_LEFT = -1  # out of a head
_BASE = struct.Struct("<q")
_NARROW, _WIDE = np.dtype("<u4"), np.dtype("<i8")
_END = np.iinfo(_NARROW).max
Key: TypeAlias = tuple[Any, ...]
Contend: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Head:
    """As it is stored: a block of the worst entries; the most unproductive seconds of any other; the cells."""

    worst: bytes
    left_s: int
    cells: bytes

    @classmethod
    def of(cls, places: bytes, most: int) -> Self:
        """Of a block in which no trucks are told apart; at most so many cells."""
        found = entries_of([Block.of(places)])
        numbers, unproductive = found.numbers(), found.unproductive()
        cells, left_s = np.flatnonzero(numbers >= 0), NOTHING_LEFT
        order = np.arange(len(cells))
        if len(cells) > most:
            order = np.argpartition(-unproductive[cells], most)
            left_s = int(unproductive[cells[order[most]]])
        chosen = np.sort(np.concatenate((np.flatnonzero(numbers < 0), cells[order[:most]])))
        table = np.vstack((found.column(0)[chosen], found.sums(chosen)))
        return cls(packed_entries(found.others, table), left_s, Cells.of(numbers[cells]).packed())


@dataclass(frozen=True, slots=True)
class Cells:
    """Numbers of cells, ascending, each as what it is more than the base."""

    base: int
    offsets: npt.NDArray[Any]

    @classmethod
    def of(cls, numbers: Ids) -> Self:
        if not numbers.size:
            return cls(0, numbers)
        base = int(numbers[0])
        return cls(base, (numbers - base).astype(_NARROW if numbers[-1] - base <= _END else _WIDE))

    @classmethod
    def unpacked(cls, packed: bytes) -> Self:
        if not packed:
            return cls.of(np.empty(0, np.int64))
        (base,) = _BASE.unpack_from(packed, 1)
        return cls(base, np.frombuffer(packed, f"<{packed[:1].decode()}", offset=1 + _BASE.size))

    def packed(self) -> bytes:
        if not self.offsets.size:
            return b""
        kind = b"I" if self.offsets.dtype == _NARROW else b"q"
        return kind + _BASE.pack(self.base) + self.offsets.tobytes()

    def have(self, numbers: Ids) -> Contend:
        return _are_in(self.offsets, numbers - self.base)

    @property
    def last(self) -> int:
        return self.base + int(self.offsets[-1])


def _are_in(ascending: npt.NDArray[Any], numbers: Ids) -> Contend:
    """Which of these there are."""
    if not len(ascending):
        return np.zeros(len(numbers), np.bool_)
    places = np.minimum(np.searchsorted(ascending, numbers), len(ascending) - 1)
    found: Contend = ascending[places] == numbers
    return found


def number_of(cells: Iterable[Cells]) -> int:
    """How many different cells there are in all."""
    every = [each for each in cells if each.offsets.size]
    if not every:
        return 0
    base = min(each.base for each in every)
    number = _NARROW if max(each.last for each in every) - base <= _END else _WIDE
    offsets: npt.NDArray[Any] = np.concatenate([each.offsets.astype(number) + (each.base - base) for each in every])
    offsets.sort()
    return len(starts_of(offsets))


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A day, pentad or month of many trucks by its head, or of some trucks whole."""

    key: Key  # by which all entries are found
    block: Block
    left_s: int
    cells: Cells

    @classmethod
    def of(cls, key: Key, head: Head) -> Self:
        return cls(key, Block.of(head.worst), head.left_s, Cells.unpacked(head.cells))

    @classmethod
    def whole(cls, places: bytes) -> Self:
        block = Block.of(places)
        numbers = block.numbers()
        return cls((), block, NOTHING_LEFT, Cells.of(numbers[numbers >= 0]))

    @property
    def is_whole(self) -> bool:
        return self.left_s == NOTHING_LEFT

    def are_missing(self, cells: Ids) -> Contend:
        """Which of these are in the part, but not in its head."""
        return self.cells.have(cells) & ~_are_in(self.block.numbers(), cells)


@dataclass(frozen=True, slots=True)
class Contenders:
    """What is known of the places of a period where some could be among the worst, whatever is left out.

    `wanted`: the parts of which all entries are to be read, since such a place is in them and not in their heads.
    """

    parts: Sequence[Part]
    known: Found
    number: int  # of places
    limit: int
    wanted: frozenset[Key]

    @classmethod
    def of(cls, parts: Sequence[Part], limit: int) -> Self | None:
        """None where any place could be one."""
        known = entries_of(part.block for part in parts)
        numbers, sums = _sums(known)
        left_out = sum(part.left_s for part in parts if not part.is_whole)
        least = np.partition(sums, -limit)[-limit] if limit <= len(sums) else -np.inf
        if least <= left_out and not all(part.is_whole for part in parts):
            return None
        could = (numbers >= 0) & (sums + left_out >= least)
        cells, most = numbers[could], sums[could]
        missing = {part: part.are_missing(cells) for part in parts if not part.is_whole}
        for part, are_missing in missing.items():
            most = most + are_missing * part.left_s
        wanted = frozenset(part.key for part, are_missing in missing.items() if (are_missing & (most >= least)).any())
        return cls(parts, known, number_of(part.cells for part in parts) + len(known.others), limit, wanted)

    def worst(self, places: Mapping[Key, bytes]) -> list[Row]:
        """The worst places, as `blocks.worst` has them. `places`: all entries of the parts that are wanted.

        What is known of any other place is less than what all of these have.
        """
        known = self.known
        if self.wanted:
            known = entries_of(Block.of(places[p.key]) if p.key in self.wanted else p.block for p in self.parts)
        return [{**row, "number": self.number} for row in worst_of(known, self.limit)]


def _sums(found: Found) -> tuple[Ids, npt.NDArray[np.float64]]:
    """The places' numbers, and their unproductive idling as far as it is known."""
    numbers = found.numbers()
    if not numbers.size:
        return numbers, np.empty(0)
    ids, order = by_number(numbers)
    starts = starts_of(ids)
    return ids[starts], np.add.reduceat(found.unproductive()[order], starts)
