"""Packs the messages of settled days, so that whoever computes them again need not read every row.

A day's messages are packed three days after its end is known: until then some come late, and would undo it. Packs are
a copy. Where there is none, rows are read; so it does not matter when this runs, how far it comes, or how often.
"""

import time
from collections.abc import Iterable

from django.db import connection, transaction

from apps.trucks.detection.evidence import READINGS
from apps.trucks.messages import packs, reads
from apps.trucks.messages.columns import MessageColumns
from apps.trucks.messages.packing import LAYOUT
from apps.trucks.messages.packs import DAY_S
from apps.trucks.messages.sealing import REACH_S, kept_since
from apps.trucks.models import TruckSync

SETTLED_AFTER_S = 3 * DAY_S
AT_ONCE = 10  # days of a truck: its lock is held for a fraction of a second

# Trucks with fewer packed days than settled ones. A count by key for each truck, which the ORM does not say shorter.
_BEHIND = f"""
SELECT truck_id FROM (
    SELECT fleet_id, truck_id, GREATEST(first_t, COALESCE(raw_since_t - {REACH_S}, 0)) DIV {DAY_S} AS first_day,
        (known_until - %(settled)s) DIV {DAY_S} AS end_day
    FROM truck_sync WHERE first_t IS NOT NULL AND known_until IS NOT NULL
) s
WHERE end_day > first_day AND end_day - first_day > (
    SELECT COUNT(*) FROM packed_day p
    WHERE p.fleet_id = s.fleet_id AND p.truck_id = s.truck_id AND p.day >= s.first_day AND p.day < s.end_day
        AND p.layout = {LAYOUT}
)
ORDER BY truck_id
"""


def pack_settled_days(seconds: float) -> int:
    """Packs the settled days that are not packed, for so many seconds. Returns how many days were."""
    deadline, done = time.monotonic() + seconds, 0
    with connection.cursor() as cursor:
        cursor.execute(_BEHIND, {"settled": SETTLED_AFTER_S})
        behind = [truck_id for (truck_id,) in cursor.fetchall()]
    for truck_id in behind:
        done += pack_truck(truck_id, deadline)
    return done


def pack_truck(truck_id: int, deadline: float) -> int:
    """Packs the truck's settled days that are not packed, until a moment of the monotonic clock. Returns how many."""
    done = 0
    while time.monotonic() < deadline and (number := _pack_some(truck_id)):
        done += number
    return done


@transaction.atomic
def _pack_some(truck_id: int) -> int:
    """Packs some of a truck's settled days, the newest first. Returns how many: none if others are at work on it.

    The lock is taken before the rows are read, and nobody changes messages without it.
    """
    sync = TruckSync.objects.select_for_update(skip_locked=True).filter(truck_id=truck_id).first()
    if sync is None:
        return 0
    days = missing_days(sync)[-AT_ONCE:]
    packs.keep(sync.fleet_id, truck_id, _read(sync.fleet_id, truck_id, days))
    return len(days)


def missing_days(sync: TruckSync) -> list[int]:
    """The truck's settled UTC days that are not packed, ascending; those of no messages, too."""
    if sync.first_t is None or sync.known_until is None:
        return []
    kept_t = 0 if sync.raw_since_t is None else kept_since(sync.raw_since_t)
    first, end = max(sync.first_t, kept_t) // DAY_S, (sync.known_until - SETTLED_AFTER_S) // DAY_S
    there = packs.packed(sync.fleet_id, sync.truck_id, first, end - 1)
    return [day for day in range(first, end) if day not in there]


def _read(fleet_id: int, truck_id: int, days: Iterable[int]) -> Iterable[tuple[int, MessageColumns]]:
    for day in days:
        yield day, reads.message_columns(fleet_id, truck_id, day * DAY_S, (day + 1) * DAY_S, READINGS)
