"""The packed sums of trucks, made from the rows that they stand for. Under the lock of the fleet's revision."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from apps.fleet.idling import blocks as place_blocks
from apps.fleet.spans import DAY, PENTAD, SPAN_OF, Span
from apps.fleet.summaries import driver_blocks
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums import weekdays
from apps.fleet.sums.blocks import (
    DRIVER_FIGURES,
    FIGURES,
    TRUCKS,
    block_of,
    costs_replaced,
    driver_totals,
    replaced,
    used,
)
from apps.fleet.utilization import hours

PLACES_LATER = dt.timedelta(minutes=10)  # so that many changes are added up once
TruckDays = Collection[tuple[int, dt.date]]
Row = tuple[Any, ...]
Rows = list[Row]
Packed = dict[dt.date, dict[str, Any]]  # first day → columns of a block


def replace(fleet_id: int, changed: TruckDays, *, costs_alone: bool = False) -> None:
    """Puts days (truck, day) whose rows, or costs alone, have been replaced into their blocks, and into their spans'.

    All trucks from the first to the last of a block that changed are read anew, the others stay as they are packed.
    """
    parts = _COSTS if costs_alone else _ALL
    for kind, block, days in _touched(changed):
        values = _values(fleet_id, kind, block, days)
        stored = _stored(values, [part.column for part in parts])
        packed: Packed = {first: {} for first in values["firsts"]}
        for part in parts:
            rows = _of_first_days(part.rows_of[kind], values)
            for first, columns in packed.items():
                old = stored.get(first, {}).get(part.column, b"")
                columns[part.column] = part.replaced(old, values["first"], values["last"], rows.get(first, []))
        if not costs_alone:
            for first, columns in packed.items():
                columns["used"] = used(columns["figures"])
                columns["weekdays"] = _weekdays(values, first, columns["figures"])
                columns["driver_totals"] = driver_totals(columns["drivers"])
        _write(values, packed)
        if not costs_alone:
            before, now = ({first: of["drivers"] for first, of in each.items()} for each in (stored, packed))
            driver_blocks.replace(values, before, now)


def _weekdays(values: Mapping[str, Any], first: dt.date, figures: bytes) -> bytes:
    """Of a day from its figures; of a pentad from its days, and of a month from its pentads, which are written."""
    if values["kind"] == DAY:
        return weekdays.of_day(first, figures)
    return weekdays.merged(_pieces(values, SPAN_OF[values["kind"]](first), "weekdays"))


def _stored(values: Mapping[str, Any], columns: Sequence[str]) -> dict[dt.date, dict[str, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute(sum_queries.stored(columns), values)
        return {first: dict(zip(columns, packed, strict=True)) for first, *packed in cursor.fetchall()}


def replace_places(fleet_id: int, changed: TruckDays) -> None:
    """The same of days whose idle places have been replaced."""
    for values in _replace_from_pieces(fleet_id, changed, _PLACES):
        _note_places(values)


def replace_hours(fleet_id: int, changed: TruckDays) -> None:
    """The same of days whose hours have been replaced."""
    _replace_from_pieces(fleet_id, changed, _HOURS)


def _replace_from_pieces(fleet_id: int, changed: TruckDays, column: "_FromPieces") -> list[dict[str, Any]]:
    """A column of blocks: of days from their rows, of pentads from days, then of months from pentads. Gives all."""
    written = []
    for kind, block, days in _touched(changed):
        whole = {"first": TRUCKS * block, "last": TRUCKS * block + TRUCKS - 1}
        values = _values(fleet_id, kind, block, days) | whole
        rows = _of_first_days(column.rows_of_days, values) if kind == DAY else {}
        packed: Packed = {}
        for first in values["firsts"]:
            if kind == DAY:
                content = column.pack(rows.get(first, []))
            else:
                content = column.merged(_pieces(values, SPAN_OF[kind](first), column.name))
            packed[first] = {column.name: content}
        _write(values, packed)
        written.append(values)
    return written


def _pieces(values: Mapping[str, Any], span: Span, column: str) -> list[bytes]:
    """What the blocks of a span's pieces have packed in this column."""
    piece = DAY if span.kind == PENTAD else PENTAD
    with connection.cursor() as cursor:
        cursor.execute(sum_queries.of_pieces(column), {**values, "piece": piece, "pieces": tuple(span.pieces())})
        return [packed for (packed,) in cursor.fetchall()]


def _note_places(values: Mapping[str, Any]) -> None:
    """Takes the sums of many trucks that these blocks are part of away, until they are added up anew."""
    with connection.cursor() as cursor:
        for first in values["firsts"]:
            part = {
                "first_day": first,
                "part": values["block"] // place_blocks.PART,
                "seconds": PLACES_LATER.total_seconds(),
            }
            cursor.execute(sum_queries.NOTE_PLACES, {**values, **part})


def _write(values: Mapping[str, Any], packed: Packed) -> None:
    """Columns of blocks, by first day; those that are empty then are deleted."""
    with connection.cursor() as cursor:
        for first, columns in packed.items():
            row = {**values, "first_day": first, **sum_queries.NOTHING, **columns}
            cursor.execute(sum_queries.write(columns), row)
        if not all(any(columns.values()) for columns in packed.values()):
            cursor.execute(sum_queries.DELETE_EMPTY, values)


def _touched(changed: TruckDays) -> Iterator[tuple[str, int, TruckDays]]:
    """Kind, block, and truck and first day of all that these days are part of; days before pentads before months."""
    for kind, span_of in SPAN_OF.items():
        found: dict[int, set[tuple[int, dt.date]]] = {}
        for truck_id, day in changed:
            found.setdefault(block_of(truck_id), set()).add((truck_id, span_of(day).first))
        for block in sorted(found):
            yield kind, block, found[block]


def _values(fleet_id: int, kind: str, block: int, days: TruckDays) -> dict[str, Any]:
    """What the statements take: first days, and the trucks from the first to the last of them."""
    trucks = {truck_id for truck_id, _ in days}
    firsts = tuple(sorted({first for _, first in days}))
    return {
        "fleet": fleet_id, "kind": kind, "block": block, "firsts": firsts, "first": min(trucks), "last": max(trucks)
    }  # fmt: skip


def _of_first_days(statement: str, values: Mapping[str, Any]) -> dict[dt.date, Rows]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: Iterable[Row] = cursor.fetchall()
    return {day: [row[1:] for row in group] for day, group in groupby(rows, key=itemgetter(0))}


@dataclass(frozen=True, slots=True)
class _FromPieces:
    """A column of a block that is made from its pieces: the statement that reads a day's rows, and what packs these."""

    name: str
    rows_of_days: str
    pack: Callable[[Rows], bytes]
    merged: Callable[[Iterable[bytes]], bytes]


_PLACES = _FromPieces("places", sum_queries.PLACES_OF_DAYS, place_blocks.pack_places, place_blocks.merged)
_HOURS = _FromPieces("hours", sum_queries.HOURS_OF_DAYS, hours.pack_block, hours.merged)


@dataclass(frozen=True, slots=True)
class _Part:
    """A column of a block: by kind the statement that reads its rows, and what puts some of them into it."""

    column: str
    rows_of: Mapping[str, str]
    replaced: Callable[[bytes, int, int, Rows], bytes]


def _costs_of(ids: int) -> Callable[[bytes, int, int, Rows], bytes]:
    return lambda packed, first, last, rows: costs_replaced(packed, ids, first, last, rows)


def _figures_of(columns: int) -> Callable[[bytes, int, int, Rows], bytes]:
    return lambda packed, first, last, rows: replaced(packed, columns, first, last, rows)


_COSTS = (
    _Part("costs", sum_queries.COSTS_OF, _costs_of(1)),
    _Part("driver_costs", sum_queries.DRIVER_COSTS_OF, _costs_of(2)),
)
_ALL = (
    *_COSTS,
    _Part("figures", sum_queries.FIGURES_OF, _figures_of(1 + len(FIGURES))),
    _Part("drivers", sum_queries.DRIVERS_OF, _figures_of(2 + len(DRIVER_FIGURES))),
)
