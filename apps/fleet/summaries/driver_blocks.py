"""The packed sums of drivers, which follow from those of trucks. Under the lock of the fleet's revision."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection

from apps.fleet.models import DriverBlock
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums.blocks import TRUCKS, changed_by_driver, put

Packed = Mapping[dt.date, bytes]  # by first day


def replace(of_trucks: Mapping[str, Any], before: Packed, now: Packed) -> None:
    """Puts what a block of trucks has of drivers, as it was and as it is, into the blocks of these drivers.

    `of_trucks`: the block's `fleet`, `kind` and `block`. Blocks of drivers of whom all is as it was stay as they are.
    """
    changed = {
        (first, block): table
        for first, packed in now.items()
        for block, table in changed_by_driver(before.get(first, b""), packed).items()
    }
    if not changed:
        return
    stored, start = _stored(of_trucks, changed), TRUCKS * of_trucks["block"]
    written = [
        DriverBlock(
            fleet_id=of_trucks["fleet"],
            span=of_trucks["kind"],
            first_day=first,
            block=block,
            drivers=put(stored.get((first, block), b""), start, start + TRUCKS - 1, table),
        )
        for (first, block), table in changed.items()
    ]
    DriverBlock.objects.filter(pk__in=[row.pk for row in written if not row.drivers]).delete()
    kept = [row for row in written if row.drivers]
    DriverBlock.objects.bulk_create(kept, update_conflicts=True, update_fields=["drivers"])


def _stored(of_trucks: Mapping[str, Any], keys: Iterable[tuple[dt.date, int]]) -> dict[tuple[dt.date, int], bytes]:
    firsts, blocks = (tuple(sorted(set(each))) for each in zip(*keys, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(sum_queries.STORED_DRIVERS, {**of_trucks, "firsts": firsts, "blocks": blocks})
        return {(first, block): drivers for first, block, drivers in cursor.fetchall()}
