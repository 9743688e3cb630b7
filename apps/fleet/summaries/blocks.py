"""The packed sums of trucks, made anew from the rows that they stand for. Under the lock of the fleet's revision."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from apps.fleet import block_queries as statements
from apps.fleet.blocks import FIGURES, TRUCKS, block_of, mask, pack, pack_costs
from apps.fleet.spans import DAY, MONTH, PENTAD, month_of, pentad_of

TruckDays = Collection[tuple[int, dt.date]]
Row = tuple[Any, ...]
_FIRST_DAYS: dict[str, Callable[[dt.date], dt.date]] = {
    DAY: lambda day: day,
    PENTAD: lambda day: pentad_of(day).first,
    MONTH: lambda day: month_of(day).first,
}
_USED = FIGURES.index("trucks_used")


def replace(fleet_id: int, changed: TruckDays, *, costs_alone: bool = False) -> None:
    """Makes anew the blocks of days (truck, day) whose rows, or costs alone, have been replaced, and of their spans."""
    for kind, block, firsts in _touched(changed):
        values: dict[str, Any] = {"fleet": fleet_id, "kind": kind, "block": block, "firsts": tuple(sorted(firsts))}
        costs = _of_first_days(statements.COSTS_OF[kind], values)
        figures = {} if costs_alone else _of_first_days(statements.FIGURES_OF[kind], values)
        written = [
            {**values, "first_day": first, **_packed(figures.get(first, []), costs.get(first, []))} for first in firsts
        ]
        with connection.cursor() as cursor:
            for each in written:
                cursor.execute(statements.WRITE_COSTS if costs_alone else statements.WRITE, each)
            if not all(each["figures"] or each["costs"] for each in written):
                cursor.execute(statements.DELETE_EMPTY, values)


def _touched(changed: TruckDays) -> Iterator[tuple[str, int, set[dt.date]]]:
    """Kind, block and first days of all that these days are part of, in the order of their keys."""
    for kind, first_day in _FIRST_DAYS.items():
        found: dict[int, set[dt.date]] = {}
        for truck_id, day in changed:
            found.setdefault(block_of(truck_id), set()).add(first_day(day))
        for block in sorted(found):
            yield kind, block, found[block]


def _of_first_days(statement: str, values: dict[str, Any]) -> dict[dt.date, list[Row]]:
    first = TRUCKS * values["block"]
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, "first": first, "last": first + TRUCKS - 1})
        rows: Iterable[Row] = cursor.fetchall()
    return {day: [row[1:] for row in group] for day, group in groupby(rows, key=itemgetter(0))}


def _packed(figures: list[Row], costs: list[Row]) -> dict[str, Any]:
    used = mask(truck_id for truck_id, *row in figures if row[_USED])
    return {"used": used, "figures": pack(figures), "costs": pack_costs(costs)}
