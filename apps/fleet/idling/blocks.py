"""The idling at places as packed columns, and the worst of them over many such blocks. Pure.

A block holds sums by place and truck, of up to 64 trucks. Its head, as JSON, is the number of entries with productive
idling, what the numbers of each column are, and the keys of the places that are no cells of the grid. Behind it are
columns: of every entry, ascending, the place's number (a cell's own; of other places -1, -2, … by their turn in the
head) times 64 plus the truck's slot in its block, and what it took whole; then, as doubles, of those with productive
idling their turn, and the productive part. Hardly any place has such a part, and a quarter of a large fleet is a
hundred thousand entries: so a column of whole numbers is one of two or four bytes each (H, I) if these hold all of it,
else one of doubles (d), NaN where null.

Where trucks are no longer told apart, all have slot 0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

from apps.fleet.idling.places import cell_of, number_of
from apps.fleet.sums.blocks import NUMBER, TRUCKS, Ids, Starts, Table, added, by_id, starts_of, sums_of

PART = 256  # blocks whose places are kept added up over their trucks
_WHOLE = ("events", "idle_s", "fuel_l", "cost")
_PRODUCTIVE = ("productive_s", "productive_fuel_l", "productive_cost")
SUMS = (*_WHOLE, *_PRODUCTIVE)
_ENTRY_BITS = 28  # numbers of places are below 2^35
_IDLE_S = 1 + _WHOLE.index("idle_s")
_SHORT, _LONG = np.dtype("<u2"), np.dtype("<u4")
_KINDS: dict[str, np.dtype[Any]] = {"H": _SHORT, "I": _LONG, "d": NUMBER}
Numbers: TypeAlias = npt.NDArray[np.float64]
Entries: TypeAlias = npt.NDArray[np.intp]
Columns: TypeAlias = list[npt.NDArray[Any]]  # each of the narrowest numbers that hold it
Row: TypeAlias = dict[str, Any]


def pack_places(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows: truck, the place's key (`places.spot_of`), its SUMS, amounts in cents; no two of a truck and place."""
    turns: dict[str, int] = {}
    table = []
    for truck_id, spot, *sums in rows:
        number = number_of(spot)
        if number is None:
            number = -1 - turns.setdefault(spot, len(turns))
        table.append([number * TRUCKS + truck_id % TRUCKS, *sums])
    if not table:
        return b""
    columns = np.array(table, np.float64).T
    return packed_entries(list(turns), columns[:, np.argsort(columns[0])])


def merged(blocks: Iterable[bytes]) -> bytes:
    """One block with the sums of several of the same trucks, such as of a month from its pentads."""
    return _merged(entries_of(map(Block.of, filter(None, blocks))))


def of_all_trucks(blocks: Iterable[bytes]) -> bytes:
    """The sums of all trucks of some blocks by place."""
    return _merged(entries_of(Block.of(packed).without_trucks() for packed in filter(None, blocks)))


def worst(blocks: Iterable[bytes], limit: int) -> list[Row]:
    """At most `limit` places: `spot`, the key; their SUMS; `number`, how many there are in all.

    That with the most unproductive idling comes first; of the same idling that with the least key.
    """
    return worst_of(entries_of(map(Block.of, filter(None, blocks))), limit)


def worst_of_trucks(blocks: Iterable[tuple[bytes, int]], limit: int) -> list[Row]:
    """The same of some trucks: each block with a bit for each slot that counts."""
    return worst_of(entries_of(Block.of(packed).of_slots(bits) for packed, bits in blocks if packed), limit)


def _merged(found: "Found") -> bytes:
    keys = found.column(0)
    if not keys.size:
        return b""
    ids, columns, starts = by_id(np.vstack((keys, found.sums(np.arange(keys.size)))))
    sums, measured = added(columns, starts, SUMS)
    return packed_entries(found.others, np.vstack((ids, np.where(measured, sums, np.nan))))


def worst_of(found: "Found", limit: int) -> list[Row]:
    """The same of these entries."""
    numbers = found.numbers()
    if not numbers.size:
        return []
    ids, order = by_number(numbers)
    starts = starts_of(ids)
    sums = np.add.reduceat(found.unproductive()[order], starts)
    first = _first(sums, ids[starts], found.others, limit)
    ends = np.append(starts[1:], len(order))
    rows = _rows(found, [order[starts[turn] : ends[turn]] for turn, _ in first])
    return [{"spot": spot, **row, "number": len(starts)} for (_, spot), row in zip(first, rows, strict=True)]


def by_number(numbers: Ids) -> tuple[Ids, Entries]:
    """The numbers ascending, and where each was: both at once as one number, which takes half as long as an argsort."""
    keyed = np.sort((numbers << _ENTRY_BITS) + np.arange(len(numbers)))
    return keyed >> _ENTRY_BITS, keyed & (1 << _ENTRY_BITS) - 1


def _first(values: Numbers, numbers: Ids, others: Sequence[str], limit: int) -> list[tuple[int, str]]:
    """Turn and key of the places with the greatest values, those first."""
    least = -np.inf if limit >= len(values) else np.partition(values, -limit)[-limit]
    keyed = [(int(turn), _spot(int(numbers[turn]), others)) for turn in np.flatnonzero(values >= least)]
    return sorted(keyed, key=lambda each: (-values[each[0]], each[1]))[:limit]


def _spot(number: int, others: Sequence[str]) -> str:
    return others[-1 - number] if number < 0 else cell_of(number)


def _place_of(keys: Numbers) -> Numbers:
    return np.floor(keys / TRUCKS)


def _rows(found: "Found", entries: Sequence[Entries]) -> list[Row]:
    """The SUMS of some of the entries each."""
    starts: Starts = np.cumsum([0, *(len(each) for each in entries[:-1])])
    return sums_of(found.sums(np.concatenate(entries)), starts, SUMS)


# --- the productive part --------------------------------------------------------------------------------------------


def _nothing_productive(whole: Table) -> Table:
    """Of what is measured nothing: zero where there are litres or money, null where not. `whole`: of _WHOLE."""
    _, idle_s, fuel_l, cost = 0 * whole
    return np.vstack((idle_s, fuel_l, cost))


def packed_entries(others: Sequence[str], table: Table) -> bytes:
    """Keys of entries, ascending, and their SUMS."""
    whole, productive = table[: 1 + len(_WHOLE)], table[1 + len(_WHOLE) :]
    nothing = _nothing_productive(whole[1:])
    is_same = (productive == nothing) | (np.isnan(productive) & np.isnan(nothing))
    turns = np.flatnonzero(~is_same.all(axis=0))
    kinds = [_kind(column) for column in whole]
    columns = b"".join(column.astype(_KINDS[kind]).tobytes() for kind, column in zip(kinds, whole, strict=True))
    head = orjson.dumps([len(turns), "".join(kinds), *others]) + b"\n"
    return head + columns + np.vstack((turns, productive[:, turns])).tobytes()


def _kind(column: Numbers) -> str:
    """The narrowest numbers that hold a column as it is."""
    if not ((column >= 0) & (column == np.floor(column))).all():
        return "d"
    largest = column.max(initial=0)
    return "H" if largest <= np.iinfo(_SHORT).max else "I" if largest <= np.iinfo(_LONG).max else "d"


# --- one block, and all entries of some -----------------------------------------------------------------------------


@lru_cache(maxsize=1_024)  # a group's trucks of a block are the same in all its parts of a period
def _are_set(bits: int) -> npt.NDArray[np.bool_]:
    """Which slots have a bit."""
    return np.array([bits >> slot & 1 for slot in range(TRUCKS)], np.bool_)


@dataclass(frozen=True, slots=True)
class Block:
    """The places that are no cells, key and _WHOLE of all entries, turn and _PRODUCTIVE of those that have any."""

    others: list[str]
    whole: Columns
    productive: Table

    @classmethod
    def of(cls, packed: bytes) -> Self:
        """The columns where they lie: of a hundred thousand entries each copy counts."""
        at = packed.index(b"\n") + 1
        count, kinds, *others = orjson.loads(packed[:at])
        end = len(packed) - count * (1 + len(_PRODUCTIVE)) * NUMBER.itemsize
        numbers = [_KINDS[kind] for kind in kinds]
        entries = (end - at) // sum(number.itemsize for number in numbers)
        whole: Columns = []
        for number in numbers:
            whole.append(np.frombuffer(packed, number, entries, at))
            at += entries * number.itemsize
        productive = np.frombuffer(packed, NUMBER, offset=end) if count else np.empty(0)
        return cls(others, whole, productive.reshape(1 + len(_PRODUCTIVE), -1))

    def keyed(self, keys: Numbers) -> Self:
        return type(self)(self.others, [keys, *self.whole[1:]], self.productive)

    def without_trucks(self) -> Self:
        return self.keyed(_place_of(self.whole[0]) * TRUCKS)

    def of_slots(self, bits: int) -> Self:
        """The entries of the trucks whose slot's bit is set."""
        return self.only(_are_set(bits)[self.whole[0].astype(np.int64) & TRUCKS - 1])

    def only(self, counts: npt.NDArray[np.bool_]) -> Self:
        """The entries that count."""
        if counts.all():
            return self
        productive = self.productive[:, counts[self.productive[0].astype(np.intp)]]
        productive[0] = np.cumsum(counts)[productive[0].astype(np.intp)] - 1
        return type(self)(self.others, [column[counts] for column in self.whole], productive)

    def numbers(self) -> Ids:
        """Of the places: those that are no cells by their turn in this block."""
        return _place_of(self.whole[0]).astype(np.int64)

    def numbered(self, turns: dict[str, int]) -> Columns:
        """The whole columns with places that are no cells by their turn in `turns`, which takes up new ones."""
        if not self.others:
            return self.whole
        places = _place_of(self.whole[0])
        is_other = places < 0
        numbers = np.array([-1 - turns.setdefault(spot, len(turns)) for spot in self.others])
        keys = self.whole[0].astype(NUMBER)
        theirs = places[is_other]
        keys[is_other] += (numbers[-1 - theirs.astype(np.int64)] - theirs) * TRUCKS
        return self.keyed(keys).whole


@dataclass(frozen=True, slots=True)
class Found:
    """One list of the places that are no cells, all entries block by block, the productive parts by their turn."""

    others: list[str]
    wholes: list[Columns]
    productive: Table

    def column(self, place: int) -> Numbers:
        """A copy: of the keys, or one of _WHOLE, of all entries. Few are needed of so many."""
        return np.concatenate([np.empty(0), *(whole[place] for whole in self.wholes)])

    def numbers(self) -> Ids:
        """Of the places: cells by their own, others by their turn."""
        return _place_of(self.column(0)).astype(np.int64)

    def unproductive(self) -> Numbers:
        """Seconds."""
        found = self.column(_IDLE_S)
        found[self.productive[0].astype(np.intp)] -= self.productive[1]
        return found

    def sums(self, entries: Entries) -> Table:
        """The SUMS of some entries."""
        whole = np.array([self.column(1 + place)[entries] for place in range(len(_WHOLE))])
        productive = _nothing_productive(whole)
        places = np.searchsorted(self.productive[0], entries)
        known = np.flatnonzero(places < self.productive.shape[1])
        known = known[self.productive[0, places[known]] == entries[known]]
        productive[:, known] = self.productive[1:, places[known]]
        return np.vstack((whole, productive))


def entries_of(blocks: Iterable[Block]) -> Found:
    turns: dict[str, int] = {}
    wholes, productives = [], [np.empty((1 + len(_PRODUCTIVE), 0))]
    number = 0
    for block in blocks:
        if block.productive.size:
            productive = block.productive.copy()
            productive[0] += number
            productives.append(productive)
        wholes.append(block.numbered(turns))
        number += len(block.whole[0])
    return Found(list(turns), wholes, np.concatenate(productives, axis=1))
