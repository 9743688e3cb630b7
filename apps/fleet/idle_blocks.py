"""The idling at places as packed columns, and the worst of them over many such blocks. Pure.

A block holds the sums of up to 64 trucks by place. Its head, as JSON, is the number of places with productive idling,
and the keys of those that are no cells of the grid. Behind it are columns of doubles, NaN where null: of every place
its number (a cell's own; of other places -1, -2, … by their turn in the head) and what it took whole; then of those
with productive idling their turn, and the productive part. Hardly any place has such a part, and a quarter of a large
fleet is a hundred thousand entries.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

from apps.fleet.blocks import Starts, Table, added, by_id, starts_of, sums_of, unpacked
from apps.fleet.idle_places import cell_of, number_of

_WHOLE = ("events", "idle_s", "fuel_l", "cost")
_PRODUCTIVE = ("productive_s", "productive_fuel_l", "productive_cost")
SUMS = (*_WHOLE, *_PRODUCTIVE)
_IDLE_S, _FUEL_L, _COST = (1 + _WHOLE.index(name) for name in ("idle_s", "fuel_l", "cost"))
Entries: TypeAlias = npt.NDArray[np.intp]
Row: TypeAlias = dict[str, Any]


def pack_places(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows: the place's key (`idle_places.spot_of`), each once, and its SUMS, amounts in cents."""
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
    others, whole, productive = _together(blocks)
    if not whole.size:
        return b""
    every = np.vstack((whole, _productive_of(whole, productive, np.arange(whole.shape[1]))))
    ids, columns, starts = by_id(every)
    sums, measured = added(columns, starts, SUMS)
    return _packed(others, np.vstack((ids, np.where(measured, sums, np.nan))))


def worst(blocks: Iterable[bytes], limit: int) -> list[Row]:
    """At most `limit` places: `spot`, the key; their SUMS; `number`, how many there are in all.

    That with the most unproductive idling comes first; of the same idling that with the least key.
    """
    others, whole, productive = _together(blocks)
    if not whole.size:
        return []
    unproductive = whole[_IDLE_S].copy()
    unproductive[productive[0].astype(np.intp)] -= productive[1]
    order = np.argsort(whole[0])
    ids = whole[0, order]
    starts = starts_of(ids)
    sums = np.add.reduceat(unproductive[order], starts)
    found = _first(sums, ids[starts].astype(np.int64), others, limit)
    ends = np.append(starts[1:], len(order))
    entries = [order[starts[turn] : ends[turn]] for turn, _ in found]
    rows = _sums(whole, productive, entries)
    return [{"spot": spot, **row, "number": len(starts)} for (_, spot), row in zip(found, rows, strict=True)]


def _first(
    values: npt.NDArray[np.float64], numbers: npt.NDArray[np.int64], others: Sequence[str], limit: int
) -> list[tuple[int, str]]:
    """Turn and key of the places with the greatest values, those first."""
    least = -np.inf if limit >= len(values) else np.partition(values, -limit)[-limit]
    keyed = [(int(turn), _spot(int(numbers[turn]), others)) for turn in np.flatnonzero(values >= least)]
    return sorted(keyed, key=lambda each: (-values[each[0]], each[1]))[:limit]


def _spot(number: int, others: Sequence[str]) -> str:
    return others[-1 - number] if number < 0 else cell_of(number)


def _sums(whole: Table, productive: Table, entries: Sequence[Entries]) -> list[Row]:
    """The SUMS of some of the entries each."""
    starts: Starts = np.cumsum([0, *(len(each) for each in entries[:-1])])
    every = np.concatenate(entries)
    return sums_of(np.vstack((whole[1:, every], _productive_of(whole, productive, every))), starts, SUMS)


# --- the productive part --------------------------------------------------------------------------------------------


def _nothing_productive(whole: Table) -> Table:
    """Of what is measured nothing: zero where there are litres or money, null where not."""
    return np.vstack((np.zeros(whole.shape[1]), 0 * whole[_FUEL_L], 0 * whole[_COST]))


def _productive_of(whole: Table, productive: Table, entries: Entries) -> Table:
    """The productive part of some entries. `productive` is by the turns of all, ascending."""
    found = _nothing_productive(whole[:, entries])
    places = np.searchsorted(productive[0], entries)
    known = np.flatnonzero(places < productive.shape[1])
    known = known[productive[0, places[known]] == entries[known]]
    found[:, known] = productive[1:, places[known]]
    return found


def _packed(others: Sequence[str], table: Table) -> bytes:
    """Numbers of places and their SUMS."""
    whole, productive = table[: 1 + len(_WHOLE)], table[1 + len(_WHOLE) :]
    nothing = _nothing_productive(whole)
    is_same = (productive == nothing) | (np.isnan(productive) & np.isnan(nothing))
    turns = np.flatnonzero(~is_same.all(axis=0))
    head = orjson.dumps([len(turns), *others]) + b"\n"
    return head + whole.tobytes() + np.vstack((turns, productive[:, turns])).tobytes()


def _together(blocks: Iterable[bytes]) -> tuple[list[str], Table, Table]:
    """One list of the places that are no cells, all entries one behind another, the productive parts by their turn."""
    turns: dict[str, int] = {}
    wholes, productives = [np.empty((1 + len(_WHOLE), 0))], [np.empty((1 + len(_PRODUCTIVE), 0))]
    number = 0
    for packed in filter(None, blocks):
        head, _, columns = packed.partition(b"\n")
        count, *others = orjson.loads(head)
        end = len(columns) - 8 * count * (1 + len(_PRODUCTIVE))
        whole = unpacked(columns[:end], 1 + len(_WHOLE))
        if others:
            whole = whole.copy()
            is_other = whole[0] < 0
            numbers = np.array([-1 - turns.setdefault(spot, len(turns)) for spot in others])
            whole[0, is_other] = numbers[-1 - whole[0, is_other].astype(np.int64)]
        if count:
            productive = unpacked(columns[end:], 1 + len(_PRODUCTIVE)).copy()
            productive[0] += number
            productives.append(productive)
        number += whole.shape[1]
        wholes.append(whole)
    return list(turns), np.concatenate(wholes, axis=1), np.concatenate(productives, axis=1)
