"""What trucks are ranked by, of thousands in a row, from their blocks. Under the lock of the fleet's revision."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.db import connection

from apps.fleet.models import RankingBlock
from apps.fleet.spans import SPAN_OF
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums.blocks import Table, block_of, unpacked
from apps.fleet.sums.ranking_blocks import COLUMNS, part_of, replaced

TruckDays = Collection[tuple[int, dt.date]]


def replace(fleet_id: int, changed: TruckDays) -> None:
    """Puts what the blocks around these days (truck, day) have into the rows that they are part of."""
    for kind, span_of in SPAN_OF.items():
        for part, trucks in _by_part(changed):
            firsts = tuple(sorted({span_of(day).first for _, day in trucks}))
            blocks = tuple(sorted({block_of(truck_id) for truck_id, _ in trucks}))
            _replace({"fleet": fleet_id, "kind": kind, "firsts": firsts, "part": part, "blocks": blocks})


def _by_part(changed: TruckDays) -> Iterator[tuple[int, TruckDays]]:
    found: dict[int, list[tuple[int, dt.date]]] = {}
    for truck_id, day in changed:
        found.setdefault(part_of(block_of(truck_id)), []).append((truck_id, day))
    yield from sorted(found.items())


def _replace(where: Mapping[str, Any]) -> None:
    before, tables = _stored(where), _of_blocks(where)
    now = {first: replaced(before.get(first, b""), where["blocks"], tables.get(first, [])) for first in where["firsts"]}
    key = {"fleet_id": where["fleet"], "span": where["kind"], "part": where["part"]}
    written = [
        RankingBlock(**key, first_day=first, idling=row)
        for first, row in now.items()
        if row and row != before.get(first)
    ]
    RankingBlock.objects.bulk_create(written, update_conflicts=True, update_fields=["idling"])
    if gone := [first for first in before if not now[first]]:
        RankingBlock.objects.filter(**key, first_day__in=gone).delete()


def _stored(where: Mapping[str, Any]) -> dict[dt.date, bytes]:
    with connection.cursor() as cursor:
        cursor.execute(sum_queries.STORED_RANKINGS, where)
        return dict(cursor.fetchall())


def _of_blocks(where: Mapping[str, Any]) -> dict[dt.date, list[Table]]:
    found: dict[dt.date, list[Table]] = {}
    with connection.cursor() as cursor:
        cursor.execute(sum_queries.RANKED_OF_BLOCKS, where)
        for first, figures in cursor.fetchall():
            found.setdefault(first, []).append(unpacked(figures, 1 + len(COLUMNS)))
    return found
