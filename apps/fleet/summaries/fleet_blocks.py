"""The packed sums of a fleet, made from the rows that they stand for. Under the lock of the fleet's revision."""

import datetime as dt
from collections.abc import Collection, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from apps.fleet.models import FleetBlock
from apps.fleet.spans import SPAN_OF
from apps.fleet.sums import fleet as fleet_sums
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums.blocks import block_of, driver_totals_together

TruckDays = Collection[tuple[int, dt.date]]
Rows = dict[dt.date, list[tuple[Any, ...]]]  # by first day
_PARTS = ("figures", "costs", "used", "driver_totals")


def replace(fleet_id: int, changed: TruckDays) -> None:
    """Packs the fleet's days and spans around these days (truck, day) anew, after those of its trucks."""
    blocks = tuple(sorted({block_of(truck_id) for truck_id, _ in changed}))
    for kind, span_of in SPAN_OF.items():
        if firsts := tuple(sorted({span_of(day).first for _, day in changed})):
            _replace({"fleet": fleet_id, "kind": kind, "firsts": firsts, "blocks": blocks})


def _replace(where: Mapping[str, Any]) -> None:
    figures = _rows(sum_queries.FLEET_FIGURES_OF[where["kind"]], where)
    costs, used = _rows(sum_queries.FLEET_COSTS_OF[where["kind"]], where), _used(where)
    drivers = _rows(sum_queries.DRIVER_TOTALS_OF_BLOCKS, where)
    packed = [
        FleetBlock(
            fleet_id=where["fleet"],
            span=where["kind"],
            first_day=first,
            figures=b"".join(fleet_sums.pack_figures(values) for values in figures.get(first, [])),
            costs=fleet_sums.pack_costs(costs.get(first, [])),
            used=fleet_sums.pack_used(used.get(first, {})),
            driver_totals=driver_totals_together(totals for (totals,) in drivers.get(first, [])),
        )
        for first in where["firsts"]
    ]
    kept = [row for row in packed if row.figures or row.costs or row.used]
    gone = set(where["firsts"]) - {row.first_day for row in kept}
    FleetBlock.objects.filter(fleet_id=where["fleet"], span=where["kind"], first_day__in=gone).delete()
    FleetBlock.objects.bulk_create(kept, update_conflicts=True, update_fields=_PARTS)


def _used(where: Mapping[str, Any]) -> dict[dt.date, dict[int, int]]:
    """By first day and block: of these blocks as it is now, of the others as it is packed."""
    found = {first: fleet_sums.unpacked_used(used) for first, [(used,)] in _rows(sum_queries.FLEET_USED, where).items()}
    for first in where["firsts"]:
        found.setdefault(first, {}).update(dict.fromkeys(where["blocks"], 0))
    for first, blocks in _rows(sum_queries.USED_OF_BLOCKS, where).items():
        found[first].update(blocks)
    return found


def _rows(statement: str, where: Mapping[str, Any]) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(statement, where)
        groups = groupby(cursor.fetchall(), key=itemgetter(0))
        return {first: [row[1:] for row in rows] for first, rows in groups}
