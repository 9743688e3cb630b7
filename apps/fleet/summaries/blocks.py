"""The packed sums of trucks, made anew from the rows that they stand for. Under the lock of the fleet's revision."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from apps.fleet import block_queries as statements
from apps.fleet.blocks import FIGURES, TRUCKS, block_of, mask, pack, pack_costs
from apps.fleet.idle_blocks import merged, pack_places
from apps.fleet.spans import DAY, PENTAD, SPAN_OF, Span

TruckDays = Collection[tuple[int, dt.date]]
Row = tuple[Any, ...]
Rows = list[Row]
Packed = dict[dt.date, dict[str, Any]]  # first day → columns of a block
_USED = FIGURES.index("trucks_used")


def replace(fleet_id: int, changed: TruckDays, *, costs_alone: bool = False) -> None:
    """Makes anew the blocks of days (truck, day) whose rows, or costs alone, have been replaced, and of their spans."""
    for kind, block, firsts in _touched(changed):
        values: dict[str, Any] = {"fleet": fleet_id, "kind": kind, "block": block, "firsts": tuple(sorted(firsts))}
        packed: Packed = {first: {} for first in firsts}
        for part in _COSTS if costs_alone else _ALL:
            rows = _of_first_days(part.rows_of[kind], values)
            for first in firsts:
                packed[first] |= part.pack(rows.get(first, []))
        _write(values, packed)


def replace_places(fleet_id: int, changed: TruckDays) -> None:
    """The same of days whose idle places have been replaced: pentads from days, then months from pentads."""
    for kind, block, firsts in _touched(changed):
        values: dict[str, Any] = {"fleet": fleet_id, "kind": kind, "block": block, "firsts": tuple(sorted(firsts))}
        if kind == DAY:
            rows = _of_first_days(statements.PLACES_OF_DAYS, values)
            _write(values, {first: {"places": pack_places(rows.get(first, []))} for first in firsts})
        else:
            _write(values, {first: {"places": _merged_places(values, SPAN_OF[kind](first))} for first in firsts})


def _merged_places(values: Mapping[str, Any], span: Span) -> bytes:
    piece = DAY if span.kind == PENTAD else PENTAD
    with connection.cursor() as cursor:
        cursor.execute(statements.PLACES_OF_PIECES, {**values, "piece": piece, "pieces": tuple(span.pieces())})
        return merged(packed for (packed,) in cursor.fetchall())


def _write(values: Mapping[str, Any], packed: Packed) -> None:
    """Columns of blocks, by first day; those that are empty then are deleted."""
    with connection.cursor() as cursor:
        for first, columns in packed.items():
            row = {**values, "first_day": first, **statements.NOTHING, **columns}
            cursor.execute(statements.write(columns), row)
        if not all(any(columns.values()) for columns in packed.values()):
            cursor.execute(statements.DELETE_EMPTY, values)


def _touched(changed: TruckDays) -> Iterator[tuple[str, int, set[dt.date]]]:
    """Kind, block and first days of all that these days are part of, days before pentads before months."""
    for kind, span_of in SPAN_OF.items():
        found: dict[int, set[dt.date]] = {}
        for truck_id, day in changed:
            found.setdefault(block_of(truck_id), set()).add(span_of(day).first)
        for block in sorted(found):
            yield kind, block, found[block]


def _of_first_days(statement: str, values: dict[str, Any]) -> dict[dt.date, list[Row]]:
    first = TRUCKS * values["block"]
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, "first": first, "last": first + TRUCKS - 1})
        rows: Iterable[Row] = cursor.fetchall()
    return {day: [row[1:] for row in group] for day, group in groupby(rows, key=itemgetter(0))}


def _figures(rows: Rows) -> dict[str, Any]:
    return {"used": mask(truck_id for truck_id, *row in rows if row[_USED]), "figures": pack(rows)}


@dataclass(frozen=True, slots=True)
class _Part:
    """Columns of a block that are packed from rows: by kind the statement that reads these."""

    rows_of: Mapping[str, str]
    pack: Callable[[Rows], dict[str, Any]]


_COSTS = (
    _Part(statements.COSTS_OF, lambda rows: {"costs": pack_costs(rows)}),
    _Part(statements.DRIVER_COSTS_OF, lambda rows: {"driver_costs": pack_costs(rows)}),
)
_ALL = (
    *_COSTS,
    _Part(statements.FIGURES_OF, _figures),
    _Part(statements.DRIVERS_OF, lambda rows: {"drivers": pack(rows)}),
)
