"""The sums of up to 64 trucks, and of drivers in them, as packed columns; sums over such blocks. Pure.

All numbers are doubles, NaN where null: whole numbers, and amounts in cents, are exact up to 2^53. The first column
holds the trucks' ids, with drivers the second one theirs. Figures lie in the order of FIGURES, or DRIVER_FIGURES, so
that a list reads its own columns by their place.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

from apps.fleet.columns import Column
from apps.fleet.drivers.queries import DRIVERS
from apps.fleet.queries import FUEL_MONEY, TRUCK_SUMS
from apps.trucks.detection.driver_parts import NOBODY

TRUCKS = 64  # of a block, by id
FIGURES = (*TRUCK_SUMS, "max_speed_kmh", *FUEL_MONEY)
DRIVER_FIGURES = DRIVERS.names
AMOUNTS = (
    "fuel_cost", "idle_cost", "idle_productive_cost", "drain_cost", "suspected_drain_cost", "purchased_amount", "cost",
    "productive_cost",
)  # fmt: skip
PLACES = {**dict.fromkeys(AMOUNTS, 2), "purchased_l": 3}  # decimals are kept as whole numbers of their last place
_LARGEST = frozenset({"max_speed_kmh"})  # of several rows the largest counts, not their sum
_USED = 1 + FIGURES.index("trucks_used")
_DRIVER_COLUMNS = 2 + len(DRIVER_FIGURES)
_NO_TOTALS = (2, len(DRIVER_FIGURES), 1)
NUMBER = np.dtype("<f8")
Table: TypeAlias = npt.NDArray[np.float64]  # column × truck, or whatever the ids are of
Starts: TypeAlias = npt.NDArray[np.intp]
Ids: TypeAlias = npt.NDArray[np.int64]
Line: TypeAlias = tuple[str, str]  # and source
Costs: TypeAlias = dict[Line, Decimal]
CostColumns: TypeAlias = dict[Line, Column]


def block_of(truck_id: int) -> int:
    return truck_id // TRUCKS


def is_fraction(name: str) -> bool:
    """Whether a figure is measured in fractions: litres and speeds, as far as they are no decimals."""
    return name.endswith(("_l", "_kmh")) and name not in PLACES


def used(figures: bytes) -> int:
    """A bit for each truck of a block of FIGURES that was used."""
    if not figures:
        return 0
    table = unpacked(figures, 1 + len(FIGURES))
    return sum(1 << truck_id % TRUCKS for truck_id in table[0, table[_USED] > 0].astype(np.int64).tolist())


def pack(rows: Sequence[Sequence[float | None]]) -> bytes:
    """The columns of rows of the same length, each led by its ids."""
    return np.array(rows, NUMBER).T.tobytes() if rows else b""


def pack_costs(rows: Iterable[Sequence[Any]]) -> bytes:
    """A column for each line and source that there is. Rows: ids (truck; or truck, driver), line, source, cents."""
    cents = {(tuple(ids), (line, source)): value for *ids, line, source, value in rows}
    whose, keys = sorted({ids for ids, _ in cents}), sorted({key for _, key in cents})
    if not cents:
        return b""
    table = [[*ids, *(cents.get((ids, key)) for key in keys)] for ids in whose]
    return orjson.dumps(keys) + b"\n" + pack(table)


# --- some trucks of a block -----------------------------------------------------------------------------------------


def replaced(packed: bytes, columns: int, first: int, last: int, rows: Sequence[Sequence[Any]]) -> bytes:
    """The block with these rows, by their ids, in place of what it has of the trucks from the first to the last."""
    return put(packed, first, last, _table(pack(rows), columns))


def put(packed: bytes, first: int, last: int, table: Table) -> bytes:
    """The same with the columns of these trucks."""
    old = _table(packed, len(table))
    return np.hstack((old[:, old[0] < first], table, old[:, old[0] > last])).tobytes()


def _table(packed: bytes, columns: int) -> Table:
    return unpacked(packed, columns) if packed else np.empty((columns, 0))


def costs_replaced(packed: bytes, ids: int, first: int, last: int, rows: Sequence[Sequence[Any]]) -> bytes:
    """The same of a block of costs."""
    kept = (row for row in _unpacked_costs(packed, ids) if not first <= row[0] <= last)
    return pack_costs([*kept, *rows])


def _unpacked_costs(packed: bytes, ids: int) -> Iterator[tuple[Any, ...]]:
    """The rows that the block is packed from."""
    keys, _, columns = packed.partition(b"\n")
    if keys:
        names = orjson.loads(keys)
        for row in unpacked(columns, ids + len(names)).T.tolist():
            for (line, source), cents in zip(names, row[ids:], strict=True):
                if cents == cents:  # not null
                    yield *row[:ids], line, source, cents


# --- drivers, by themselves -----------------------------------------------------------------------------------------


def changed_by_driver(before: bytes, now: bytes) -> dict[int, Table]:
    """By block of drivers, if anything of these differs, what a block of trucks has of them now. Nobody is in none."""
    tables = [table[:, table[1] != NOBODY] for table in (_table(each, _DRIVER_COLUMNS) for each in (before, now))]
    blocks = [table[1] // TRUCKS for table in tables]
    found = {}
    for block in np.unique(np.concatenate(blocks)):
        old, new = (table[:, of == block] for table, of in zip(tables, blocks, strict=True))
        if old.tobytes() != new.tobytes():
            found[int(block)] = new
    return found


def driver_totals(drivers: bytes) -> bytes:
    """The sums of nobody and those of all who are known in a block of trucks, null where there are none."""
    if not drivers:
        return b""
    table = unpacked(drivers, _DRIVER_COLUMNS)
    is_nobody = table[1] == NOBODY
    return np.array([_whole(table[2:, which]) for which in (is_nobody, ~is_nobody)]).tobytes()


def driver_totals_together(packed: Iterable[bytes]) -> bytes:
    """The same of several blocks, or parts of a period, from what `driver_totals` made of each."""
    together = b"".join(packed)
    if not together:
        return b""
    tables = np.frombuffer(together, NUMBER).reshape(-1, 2, len(DRIVER_FIGURES))
    return np.array([_whole(tables[:, which].T) for which in range(2)]).tobytes()


def _whole(table: Table) -> Column:
    """The sums of DRIVER_FIGURES over all of a table."""
    if not table.size:
        return np.full(len(table), np.nan)
    sums, measured = added(table, np.zeros(1, np.intp), DRIVER_FIGURES)
    return np.where(measured, sums, np.nan)[:, 0]


def unpacked_driver_totals(packed: bytes) -> tuple[Table, Table]:
    """Of nobody, and of all who are known: DRIVER_FIGURES of one column."""
    nobody, known = np.frombuffer(packed, NUMBER).reshape(2, -1, 1) if packed else np.full(_NO_TOTALS, np.nan)
    return nobody, known


# --- sums over blocks -----------------------------------------------------------------------------------------------


def added_up(blocks: Iterable[bytes], names: Sequence[str], called: Sequence[str] = ()) -> dict[int, dict[str, Any]]:
    """By truck, its sums over the blocks, each with the ids and these columns; null where nothing is measured.

    `called`: what the sums are to be called, if otherwise.
    """
    tables = _of_each(blocks, names)
    if not tables:
        return {}
    ids, table, starts = by_id(np.concatenate(tables, axis=1))
    return dict(zip(ids, sums_of(table, starts, names, called), strict=True))


def columns_added_up(
    blocks: Iterable[bytes], names: Sequence[str], ids: int = 1, trucks: Collection[int] | None = None
) -> tuple[Ids, list[Column]]:
    """The same as the trucks' ids ascending and a column for each figure; decimals as whole numbers.

    With two ids by driver, of these trucks or all.
    """
    tables = [_of_trucks(table, trucks) for table in _of_each(blocks, names, ids)]
    if not any(table.size for table in tables):
        return np.empty(0, np.int64), [np.empty(0)] * len(names)
    found, table, starts = by_id(np.concatenate(tables, axis=1)[ids - 1 :])
    if len(starts) == table.shape[1]:  # each of them once
        return np.array(found), list(table)
    sums, measured = added(table, starts, names)
    return np.array(found), list(np.where(measured, sums, np.nan))


def at_ids(ids: Ids, columns: Iterable[Column], wanted: Ids) -> list[Column]:
    """Of columns by ascending ids what they have of other ones, in their order; null where there is nothing."""
    if not len(ids):
        return [np.full(len(wanted), np.nan) for _ in columns]
    places = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    is_there = ids[places] == wanted
    return [np.where(is_there, column[places], np.nan) for column in columns]


def _of_each(blocks: Iterable[bytes], names: Sequence[Any], ids: int = 1) -> list[Table]:
    """Tables of blocks, those of the same trucks or drivers added up to one: most blocks have the same on most days.

    So what is then put in order by id is a tenth of what a month has. Blocks of as many trucks, with as many days, are
    added up in one step.
    """
    alike: dict[bytes, list[bytes]] = {}
    for packed in filter(None, blocks):
        alike.setdefault(packed[: len(packed) // (ids + len(names)) * ids], []).append(packed)
    shapes: dict[tuple[int, int], list[bytes]] = {}
    for each in alike.values():
        shapes.setdefault((len(each), len(each[0])), []).extend(each)
    return [_added(parts, each, names, ids) for (parts, _), each in shapes.items()]


def _added(parts: int, blocks: Sequence[bytes], names: Sequence[Any], ids: int) -> Table:
    """The ids and the sums of blocks, of which so many that follow one another have the same ids; null where nothing is
    measured."""
    columns = ids + len(names)
    width = len(blocks[0]) // NUMBER.itemsize // columns
    tables = np.frombuffer(b"".join(blocks), NUMBER).reshape(-1, parts, columns, width)
    values = tables[:, :, ids:]
    sums = values.sum(axis=1)
    for place in np.flatnonzero(np.isnan(sums).any(axis=(0, 2))).tolist():  # few columns have nulls
        known = ~np.isnan(some := values[:, :, place])
        sums[:, place] = np.where(known.any(axis=1), np.where(known, some, 0.0).sum(axis=1), np.nan)
    for place, name in enumerate(names):
        if name in _LARGEST:
            sums[:, place] = np.fmax.reduce(values[:, :, place], axis=1)
    found: Table = np.concatenate((tables[:, 0, :ids], sums), axis=1)
    return found.transpose(1, 0, 2).reshape(columns, -1)


def of_bits(table: Table, bits: int) -> Table:
    """Those trucks of a block, whose ids come first, that have a bit."""
    counts = _counts(table[0].tobytes(), bits)
    return table if counts.all() else table[:, counts]


@lru_cache(maxsize=1_024)  # a block has the same trucks on most of its days
def _counts(ids: bytes, bits: int) -> npt.NDArray[np.bool_]:
    """Which of these trucks have a bit."""
    slots = np.frombuffer(ids, NUMBER).astype(np.int64) % TRUCKS
    return np.array([bits >> slot & 1 for slot in slots.tolist()], np.bool_)


def unpacked(packed: bytes, columns: int) -> Table:
    return np.frombuffer(packed, NUMBER).reshape(columns, -1)


def by_id(table: Table) -> tuple[list[int], Table, Starts]:
    """The ids ascending, the other columns sorted by them, and where each id begins."""
    order = np.argsort(table[0], kind="stable")
    ids = table[0, order]
    starts = starts_of(ids)
    return ids[starts].astype(np.int64).tolist(), table[1:, order], starts


def starts_of(ids: npt.NDArray[np.float64] | Ids) -> Starts:
    """Where each of these ascending ids, one at least, begins."""
    return np.flatnonzero(np.concatenate(([True], ids[1:] != ids[:-1])))


def sums_of(table: Table, starts: Starts, names: Sequence[str], called: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The sums of the columns `names` from each start to the next."""
    sums, measured = added(table, starts, names)
    columns = [python_values(*each) for each in zip(names, sums, measured, strict=True)]
    return [dict(zip(called or names, values, strict=True)) for values in zip(*columns, strict=True)]


def added(table: Table, starts: Starts, names: Sequence[str]) -> tuple[Table, npt.NDArray[np.bool_]]:
    """The same as numbers, 0 where nothing is measured, and where anything is."""
    known = ~np.isnan(table)
    measured = np.ones((len(table), len(starts)), np.bool_)
    sums = np.empty((len(table), len(starts)))
    for place, name in enumerate(names):  # most columns have no nulls: a column at a time is quicker than all at once
        values = table[place]
        if not known[place].all():
            measured[place] = np.logical_or.reduceat(known[place], starts)
            values = np.where(known[place], values, 0.0)
        sums[place] = np.fmax.reduceat(table[place], starts) if name in _LARGEST else np.add.reduceat(values, starts)
    return sums, measured


def python_values(name: str, values: npt.NDArray[np.float64], measured: npt.NDArray[np.bool_]) -> list[Any]:
    """A column as it is served: None where nothing is measured, else an integer, a decimal or a fraction."""
    numbers: list[Any] = (
        values.tolist() if is_fraction(name) else np.where(measured, values, 0).astype(np.int64).tolist()
    )
    if (places := PLACES.get(name)) is not None:
        numbers = [Decimal(number).scaleb(-places) for number in numbers]
    if measured.all():
        return numbers
    return [number if is_there else None for number, is_there in zip(numbers, measured.tolist(), strict=True)]


def added_up_by_driver(
    blocks: Iterable[bytes], names: Sequence[str], trucks: Collection[int] | None = None
) -> dict[int, dict[str, Any]]:
    """The same by driver, over blocks of drivers; of what they did in these trucks alone, if any are given."""
    tables = [_of_trucks(table, trucks) for table in _of_each(blocks, names, 2)]
    if not any(table.size for table in tables):
        return {}
    ids, table, starts = by_id(np.concatenate(tables, axis=1)[1:])
    return dict(zip(ids, sums_of(table, starts, names), strict=True))


def drivers_together(
    blocks: Iterable[bytes], names: Sequence[str], drivers: Collection[int] | None = None
) -> dict[str, Any]:
    """The sums of these drivers over all trucks, or of all who are known; null where nothing is measured."""
    tables = [table[1:] for table in _of_each(blocks, names, 2)]
    if not tables:
        return dict.fromkeys(names)
    table = np.concatenate(tables, axis=1)
    counts = table[0] != NOBODY if drivers is None else np.isin(table[0], list(drivers))
    if not counts.any():
        return dict.fromkeys(names)
    counted = table if counts.all() else table[:, counts]  # all of them need no copy
    return sums_of(counted[1:], np.zeros(1, np.intp), names)[0]


def trucks_by_driver(blocks: Iterable[bytes], figures: int) -> dict[int, list[int]]:
    """Which trucks drivers had, ascending. Each block has so many figures behind its ids, which most days share."""
    different = {packed[: len(packed) // (2 + figures) * 2] for packed in blocks}
    pairs = {pair for ids in different for pair in zip(*unpacked(ids, 2).astype(np.int64).tolist(), strict=True)}
    found: dict[int, list[int]] = {}
    for truck_id, driver_id in sorted(pairs):
        found.setdefault(driver_id, []).append(truck_id)
    return found


def _of_trucks(table: Table, trucks: Collection[int] | None) -> Table:
    return table if trucks is None else table[:, np.isin(table[0], list(trucks))]


def costs_added_up(blocks: Iterable[bytes], ids: int = 1, trucks: Collection[int] | None = None) -> dict[int, Costs]:
    """By truck, what it cost by line and source over the blocks; with two ids by driver, of these trucks or all."""
    found: dict[int, Costs] = {}
    for key, known in by_line(blocks, ids, trucks):
        whose, table, starts = by_id(known)
        cents = np.add.reduceat(table[0], starts).astype(np.int64).tolist()
        for each, number in zip(whose, cents, strict=True):
            found.setdefault(each, {})[key] = Decimal(number).scaleb(-2)
    return found


def costs_of(blocks: Iterable[bytes], whose: Ids, ids: int = 1, trucks: Collection[int] | None = None) -> CostColumns:
    """What these trucks, or drivers, cost over the blocks, in their order: by line and source a column of cents."""
    order = np.argsort(whose)
    found: CostColumns = {}
    for key, known in by_line(blocks, ids, trucks):
        each = known[0].astype(np.int64)
        places = np.minimum(np.searchsorted(whose[order], each), len(whose) - 1)
        is_theirs = whose[order][places] == each
        places = order[places[is_theirs]]
        cents = np.bincount(places, known[1, is_theirs], len(whose))
        found[key] = np.where(np.bincount(places, minlength=len(whose)) > 0, cents, np.nan)
    return found


def by_line(blocks: Iterable[bytes], ids: int, trucks: Collection[int] | None) -> Iterator[tuple[Line, Table]]:
    """By line and source, in order: ids and cents of all blocks, without nulls. Most blocks have the same columns."""
    heads: dict[bytes, list[bytes]] = {}
    for packed in filter(None, blocks):
        head, _, columns = packed.partition(b"\n")
        heads.setdefault(head, []).append(columns)
    every = {head: np.concatenate(_of_each(each, _lines(head), ids), axis=1) for head, each in heads.items()}
    return _by_line({head: _of_trucks(table, trucks) for head, table in every.items()}, ids)


def by_line_of_bits(blocks: Iterable[tuple[bytes, int]]) -> Iterator[tuple[Line, Table]]:
    """The same of some trucks: each block with a bit for each that counts."""
    heads: dict[bytes, list[Table]] = {}
    for packed, bits in blocks:
        if packed:
            head, table = _costs_unpacked(packed, 1)
            heads.setdefault(head, []).append(of_bits(table, bits))
    return _by_line({head: np.concatenate(tables, axis=1) for head, tables in heads.items()}, 1)


def _costs_unpacked(packed: bytes, ids: int) -> tuple[bytes, Table]:
    """The lines and sources of a block of costs, as they are packed, and its columns."""
    head, _, columns = packed.partition(b"\n")
    return head, unpacked(columns, ids + len(_lines(head)))


@lru_cache(maxsize=1_024)  # there are few in a fleet
def _lines(head: bytes) -> tuple[Line, ...]:
    """The lines and sources of a block of costs, in the order of its columns."""
    return tuple((line, source) for line, source in orjson.loads(head))


def _by_line(heads: Mapping[bytes, Table], ids: int) -> Iterator[tuple[Line, Table]]:
    parts: dict[Line, list[Table]] = {}
    for head, table in heads.items():
        for place, key in enumerate(_lines(head), ids):
            parts.setdefault(key, []).append(table[[ids - 1, place]])
    for key in sorted(parts):
        every = np.concatenate(parts[key], axis=1)
        known = every[:, ~np.isnan(every[1])]
        if known.size:
            yield key, known


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
