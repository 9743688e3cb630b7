"""The sums of up to 64 trucks as packed columns, and sums over such blocks: lists of trucks are read from them. Pure.

All numbers are doubles, NaN where null: whole numbers, and amounts in cents, are exact up to 2^53. The first column
holds the trucks' ids. Figures lie in the order of FIGURES, so that a list reads its own columns by their place.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

from apps.fleet.queries import FUEL_MONEY, TRUCK_SUMS

TRUCKS = 64  # of a block, by id
FIGURES = (*TRUCK_SUMS, "max_speed_kmh", *FUEL_MONEY)
AMOUNTS = (
    "fuel_cost", "idle_cost", "idle_productive_cost", "drain_cost", "suspected_drain_cost", "purchased_amount",
)  # fmt: skip
PLACES = {**dict.fromkeys(AMOUNTS, 2), "purchased_l": 3}  # decimals are kept as whole numbers of their last place
_LARGEST = frozenset({"max_speed_kmh"})  # of several rows the largest counts, not their sum
_NUMBER = np.dtype("<f8")
_Table: TypeAlias = npt.NDArray[np.float64]  # column × truck
Costs: TypeAlias = dict[tuple[str, str], Decimal]  # line, source → amount


def block_of(truck_id: int) -> int:
    return truck_id // TRUCKS


def is_fraction(name: str) -> bool:
    """Whether a figure is measured in fractions: litres and speeds, as far as they are no decimals."""
    return name.endswith(("_l", "_kmh")) and name not in PLACES


def mask(truck_ids: Iterable[int]) -> int:
    """A bit for each truck of a block."""
    return sum(1 << truck_id % TRUCKS for truck_id in set(truck_ids))


def pack(rows: Sequence[Sequence[float | None]]) -> bytes:
    """The columns of rows of the same length, each led by its truck's id."""
    return np.array(rows, _NUMBER).T.tobytes() if rows else b""


def pack_costs(rows: Iterable[tuple[int, str, str, int]]) -> bytes:
    """A column for each line and source that there is. Rows: truck, line, source, cents."""
    cents = {(truck_id, (line, source)): value for truck_id, line, source, value in rows}
    trucks, keys = sorted({truck_id for truck_id, _ in cents}), sorted({key for _, key in cents})
    if not cents:
        return b""
    table = [[truck_id, *(cents.get((truck_id, key)) for key in keys)] for truck_id in trucks]
    return orjson.dumps(keys) + b"\n" + pack(table)


# --- sums over blocks -----------------------------------------------------------------------------------------------


def added_up(blocks: Iterable[bytes], names: Sequence[str], called: Sequence[str] = ()) -> dict[int, dict[str, Any]]:
    """By truck, its sums over the blocks, each with the ids and these columns; null where nothing is measured.

    `called`: what the sums are to be called, if otherwise.
    """
    tables = [np.frombuffer(packed, _NUMBER).reshape(1 + len(names), -1) for packed in blocks if packed]
    if not tables:
        return {}
    ids, table, starts = _by_truck(np.concatenate(tables, axis=1))
    columns = [_python(name, _reduced(name, table[place], starts)) for place, name in enumerate(names)]
    return {
        truck_id: dict(zip(called or names, values, strict=True))
        for truck_id, values in zip(ids, zip(*columns, strict=True), strict=True)
    }


def _by_truck(table: _Table) -> tuple[list[int], _Table, npt.NDArray[np.intp]]:
    """The ids ascending, the columns sorted by them, and where each truck begins."""
    order = np.argsort(table[0], kind="stable")
    ids = table[0, order]
    starts = np.flatnonzero(np.concatenate(([True], ids[1:] != ids[:-1])))
    return ids[starts].astype(np.int64).tolist(), table[1:, order], starts


def _reduced(name: str, values: npt.NDArray[np.float64], starts: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    if name in _LARGEST:
        return np.fmax.reduceat(values, starts)
    known = ~np.isnan(values)
    sums = np.add.reduceat(np.where(known, values, 0.0), starts)
    return np.where(np.logical_or.reduceat(known, starts), sums, np.nan)


def _python(name: str, values: npt.NDArray[np.float64]) -> list[Any]:
    numbers = values.tolist()
    if is_fraction(name):
        return [None if value != value else value for value in numbers]
    if (places := PLACES.get(name)) is None:
        return [None if value != value else int(value) for value in numbers]
    return [None if value != value else Decimal(int(value)).scaleb(-places) for value in numbers]


def costs_added_up(blocks: Iterable[bytes]) -> dict[int, Costs]:
    """By truck, what it cost by line and source over the blocks."""
    parts: dict[tuple[str, str], list[_Table]] = {}
    for packed in filter(None, blocks):
        keys, _, columns = packed.partition(b"\n")
        names = orjson.loads(keys)
        table = np.frombuffer(columns, _NUMBER).reshape(1 + len(names), -1)
        for place, (line, source) in enumerate(names, 1):
            parts.setdefault((line, source), []).append(table[[0, place]])
    found: dict[int, Costs] = {}
    for key in sorted(parts):
        ids, table, starts = _by_truck(np.concatenate(parts[key], axis=1))
        for truck_id, cents in zip(ids, _reduced("", table[0], starts).tolist(), strict=True):
            if cents == cents:
                found.setdefault(truck_id, {})[key] = Decimal(int(cents)).scaleb(-2)
    return found


def total(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """The sums of trucks together, such as of a group."""
    found: dict[str, Any] = dict.fromkeys(names)
    for row in rows:
        for name in names:
            value = row[name]
            if value is not None:
                known = found[name]
                found[name] = value if known is None else max(known, value) if name in _LARGEST else known + value
    return found
