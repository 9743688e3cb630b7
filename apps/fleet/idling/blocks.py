"""The idling at places as packed columns, and the worst of them over many such blocks. Pure.

A block holds the sums of up to 64 trucks by place. Its head, as JSON, is the number of places with productive idling,
and the keys of those that are no cells of the grid. Behind it are columns of doubles, NaN where null: of every place
its number (a cell's own; of other places -1, -2, … by their turn in the head) and what it took whole; then of those
with productive idling their turn, and the productive part. Hardly any place has such a part, and a quarter of a large
fleet is a hundred thousand entries.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

from apps.fleet.idling.places import cell_of, number_of
from apps.fleet.sums.blocks import NUMBER, Starts, Table, added, by_id, starts_of, sums_of

_WHOLE = ("events", "idle_s", "fuel_l", "cost")
_PRODUCTIVE = ("productive_s", "productive_fuel_l", "productive_cost")
SUMS = (*_WHOLE, *_PRODUCTIVE)
_IDLE_S = 1 + _WHOLE.index("idle_s")
Entries: TypeAlias = npt.NDArray[np.intp]
Row: TypeAlias = dict[str, Any]


def pack_places(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows: the place's key (`places.spot_of`), each once, and its SUMS, amounts in cents."""
    others: list[str] = []
    table = []
    for spot, *sums in rows:
        number = number_of(spot)
        if number is None:
            others.append(spot)
            number = -len(others)
        table.append([number, *sums])
    return _packed(others, np.array(table, np.float64).T) if table else b""


def merged(blocks: Iterable[bytes]) -> bytes:
    """One block with the sums of several, such as of a month from its pentads."""
    found = _together(blocks)
    numbers = found.column(0)
    if not numbers.size:
        return b""
    ids, columns, starts = by_id(np.vstack((numbers, found.sums(np.arange(numbers.size)))))
    sums, measured = added(columns, starts, SUMS)
    return _packed(found.others, np.vstack((ids, np.where(measured, sums, np.nan))))


def worst(blocks: Iterable[bytes], limit: int) -> list[Row]:
    """At most `limit` places: `spot`, the key; their SUMS; `number`, how many there are in all.

    That with the most unproductive idling comes first; of the same idling that with the least key.
    """
    found = _together(blocks)
    numbers, unproductive = found.column(0), found.column(_IDLE_S)
    if not numbers.size:
        return []
    unproductive[found.productive[0].astype(np.intp)] -= found.productive[1]
    order = np.argsort(numbers)
    ids = numbers[order]
    starts = starts_of(ids)
    sums = np.add.reduceat(unproductive[order], starts)
    first = _first(sums, ids[starts].astype(np.int64), found.others, limit)
    ends = np.append(starts[1:], len(order))
    rows = _rows(found, [order[starts[turn] : ends[turn]] for turn, _ in first])
    return [{"spot": spot, **row, "number": len(starts)} for (_, spot), row in zip(first, rows, strict=True)]


def _first(
    values: npt.NDArray[np.float64], numbers: npt.NDArray[np.int64], others: Sequence[str], limit: int
) -> list[tuple[int, str]]:
    """Turn and key of the places with the greatest values, those first."""
    least = -np.inf if limit >= len(values) else np.partition(values, -limit)[-limit]
    keyed = [(int(turn), _spot(int(numbers[turn]), others)) for turn in np.flatnonzero(values >= least)]
    return sorted(keyed, key=lambda each: (-values[each[0]], each[1]))[:limit]


def _spot(number: int, others: Sequence[str]) -> str:
    return others[-1 - number] if number < 0 else cell_of(number)


def _rows(found: "_Found", entries: Sequence[Entries]) -> list[Row]:
    """The SUMS of some of the entries each."""
    starts: Starts = np.cumsum([0, *(len(each) for each in entries[:-1])])
    return sums_of(found.sums(np.concatenate(entries)), starts, SUMS)


# --- the productive part --------------------------------------------------------------------------------------------


def _nothing_productive(whole: Table) -> Table:
    """Of what is measured nothing: zero where there are litres or money, null where not. `whole`: of _WHOLE."""
    _, idle_s, fuel_l, cost = 0 * whole
    return np.vstack((idle_s, fuel_l, cost))


def _packed(others: Sequence[str], table: Table) -> bytes:
    """Numbers of places and their SUMS."""
    whole, productive = table[: 1 + len(_WHOLE)], table[1 + len(_WHOLE) :]
    nothing = _nothing_productive(whole[1:])
    is_same = (productive == nothing) | (np.isnan(productive) & np.isnan(nothing))
    turns = np.flatnonzero(~is_same.all(axis=0))
    head = orjson.dumps([len(turns), *others]) + b"\n"
    return head + whole.tobytes() + np.vstack((turns, productive[:, turns])).tobytes()


# --- all entries of some blocks -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """One list of the places that are no cells, all entries block by block, the productive parts by their turn."""

    others: list[str]
    wholes: list[Table]
    productive: Table

    def column(self, place: int) -> npt.NDArray[np.float64]:
        """A copy: of the numbers, or one of _WHOLE, of all entries. Few are needed of so many."""
        return np.concatenate([np.empty(0), *(whole[place] for whole in self.wholes)])

    def sums(self, entries: Entries) -> Table:
        """The SUMS of some entries."""
        whole = np.array([self.column(1 + place)[entries] for place in range(len(_WHOLE))])
        productive = _nothing_productive(whole)
        places = np.searchsorted(self.productive[0], entries)
        known = np.flatnonzero(places < self.productive.shape[1])
        known = known[self.productive[0, places[known]] == entries[known]]
        productive[:, known] = self.productive[1:, places[known]]
        return np.vstack((whole, productive))


def _together(blocks: Iterable[bytes]) -> _Found:
    turns: dict[str, int] = {}
    wholes, productives = [], [np.empty((1 + len(_PRODUCTIVE), 0))]
    number = 0
    for packed in filter(None, blocks):
        others, whole, productive = _unpacked(packed)
        if others:
            whole = whole.copy()
            is_other = whole[0] < 0
            numbers = np.array([-1 - turns.setdefault(spot, len(turns)) for spot in others])
            whole[0, is_other] = numbers[-1 - whole[0, is_other].astype(np.int64)]
        if productive.size:
            productive = productive.copy()
            productive[0] += number
            productives.append(productive)
        number += whole.shape[1]
        wholes.append(whole)
    return _Found(list(turns), wholes, np.concatenate(productives, axis=1))


def _unpacked(packed: bytes) -> tuple[list[str], Table, Table]:
    """The parts of a block, where they lie: of a hundred thousand entries each copy counts."""
    head = packed.index(b"\n")
    count, *others = orjson.loads(packed[:head])
    columns = np.frombuffer(packed, NUMBER, offset=head + 1)
    end = columns.size - count * (1 + len(_PRODUCTIVE))
    return others, columns[:end].reshape(1 + len(_WHOLE), -1), columns[end:].reshape(1 + len(_PRODUCTIVE), -1)
