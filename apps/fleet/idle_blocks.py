"""The idling at places as packed columns, and the worst of them over many such blocks. Pure.

A block holds the sums of up to 64 trucks by place: first, as JSON, the keys of the places that are no cells of the
grid; behind it columns of doubles (`blocks.pack`). In the first of them a cell is its number, another place -1, -2, …
by its turn in the list. The others are those of SUMS.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

from apps.fleet.blocks import Starts, Table, added, by_id, pack, starts_of, sums_of, unpacked
from apps.fleet.idle_places import cell_of, number_of

SUMS = ("events", "idle_s", "productive_s", "fuel_l", "productive_fuel_l", "cost", "productive_cost")
_IDLE_S, _PRODUCTIVE_S = 1 + SUMS.index("idle_s"), 1 + SUMS.index("productive_s")
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
    return orjson.dumps(others) + b"\n" + pack(table) if table else b""


def merged(blocks: Iterable[bytes]) -> bytes:
    """One block with the sums of several, such as of a month from its pentads."""
    others, table = _together(blocks)
    if not table.size:
        return b""
    ids, columns, starts = by_id(table)
    sums, measured = added(columns, starts, SUMS)
    return orjson.dumps(others) + b"\n" + np.vstack((ids, np.where(measured, sums, np.nan))).tobytes()


def worst(blocks: Iterable[bytes], limit: int) -> list[Row]:
    """At most `limit` places: `spot`, the key; their SUMS; `number`, how many there are in all.

    That with the most unproductive idling comes first; of the same idling that with the least key.
    """
    others, table = _together(blocks)
    if not table.size:
        return []
    order = np.argsort(table[0])
    ids = table[0, order]
    starts = starts_of(ids)
    unproductive = np.add.reduceat((table[_IDLE_S] - table[_PRODUCTIVE_S])[order], starts)
    found = _first(unproductive, ids[starts].astype(np.int64), others, limit)
    ends = np.append(starts[1:], len(order))
    entries = [order[starts[place] : ends[place]] for place, _ in found]
    sums = _sums(table[1:], entries)
    return [{"spot": spot, **row, "number": len(starts)} for (_, spot), row in zip(found, sums, strict=True)]


def _first(
    values: npt.NDArray[np.float64], numbers: npt.NDArray[np.int64], others: Sequence[str], limit: int
) -> list[tuple[int, str]]:
    """Turn and key of the places with the greatest values, those first."""
    least = -np.inf if limit >= len(values) else np.partition(values, -limit)[-limit]
    keyed = [(int(turn), _spot(int(numbers[turn]), others)) for turn in np.flatnonzero(values >= least)]
    return sorted(keyed, key=lambda each: (-values[each[0]], each[1]))[:limit]


def _spot(number: int, others: Sequence[str]) -> str:
    return others[-1 - number] if number < 0 else cell_of(number)


def _sums(table: Table, entries: Sequence[npt.NDArray[np.intp]]) -> list[Row]:
    """The sums of some of the columns' entries each."""
    starts: Starts = np.cumsum([0, *(len(each) for each in entries[:-1])])
    return sums_of(table[:, np.concatenate(entries)], starts, SUMS)


def _together(blocks: Iterable[bytes]) -> tuple[list[str], Table]:
    """All columns one behind another, and one list of the places that are no cells."""
    turns: dict[str, int] = {}
    tables = [np.empty((1 + len(SUMS), 0))]
    for packed in filter(None, blocks):
        head, _, columns = packed.partition(b"\n")
        table = unpacked(columns, 1 + len(SUMS))
        if others := orjson.loads(head):
            table = table.copy()
            is_other = table[0] < 0
            numbers = np.array([-1 - turns.setdefault(spot, len(turns)) for spot in others])
            table[0, is_other] = numbers[-1 - table[0, is_other].astype(np.int64)]
        tables.append(table)
    return list(turns), np.concatenate(tables, axis=1)
