"""How long raw messages are kept: raises floors by the fleets' policies, and removes what is no longer kept.

Summaries and events stay. A floor rises before anything is deleted, and what is deleted can be told from it: broken off
anywhere, the next run goes on, and two at once find nothing left to do for one of them.
"""

import datetime as dt
import time
from collections import defaultdict

from django.db import transaction
from django.db.models import Min, Q

from apps.accounts.calendar import day_of, day_start
from apps.accounts.models import Fleet
from apps.trucks import facts
from apps.trucks.messages import storage
from apps.trucks.messages.partitions import month_start
from apps.trucks.messages.sealing import kept_since
from apps.trucks.models import DirtyDay, TruckSync

DELETED_AT_ONCE = 5_000  # rows a transaction: some tens of milliseconds
# A partition is dropped when no truck needs it any more. What others still need is given a month to be so; then single
# trucks' messages are deleted from it.
PATIENCE_S = 31 * 86_400


def sealed_before(fleet: Fleet, now: float) -> dt.date | None:
    """The first local day that stays open by the fleet's policy; None: all do."""
    if fleet.raw_retention_days is None:
        return None
    return day_of(now, fleet.zone) - dt.timedelta(days=fleet.raw_retention_days)


@transaction.atomic
def raise_floors(fleet: Fleet, now: float) -> int:
    """Raises the floors of a fleet's trucks to what its policy says. Returns how many rose.

    A floor never falls, and never passes a day that waits for its rebuild: the day is computed first. Trucks that are
    being synchronised or rebuilt, and those without messages from before, are left for another time.
    """
    day = sealed_before(fleet, now)
    if day is None:
        return 0
    wanted = day_start(day, fleet.zone)
    lower = Q(raw_since_t=None) | Q(raw_since_t__lt=wanted)
    free = TruckSync.objects.select_for_update(skip_locked=True)
    syncs = list(free.filter(lower, fleet_id=fleet.pk, first_t__lt=wanted).order_by("truck_id"))
    waiting = DirtyDay.objects.filter(fleet_id=fleet.pk, day__lt=day).values("truck_id").annotate(first=Min("day"))
    first_waiting = dict(waiting.values_list("truck_id", "first"))
    risen: defaultdict[int, list[int]] = defaultdict(list)
    for sync in syncs:
        floor = day_start(min(day, first_waiting.get(sync.truck_id, day)), fleet.zone)
        if floor > max(sync.raw_since_t or 0, sync.first_t or 0):
            risen[floor].append(sync.truck_id)
    for floor, truck_ids in risen.items():
        TruckSync.objects.filter(truck_id__in=truck_ids).update(raw_since_t=floor)
    if risen:
        facts.changed(fleet.pk)
    return sum(map(len, risen.values()))


def delete_gone(seconds: float) -> int:
    """Deletes messages that are no longer kept and whose partition others still need. Returns how many.

    In small transactions; what is left after so many seconds is deleted the next time.
    """
    deadline = time.monotonic() + seconds
    deleted = 0
    floors = TruckSync.objects.filter(raw_since_t__isnull=False).order_by("truck_id")
    for fleet_id, truck_id, floor in floors.values_list("fleet_id", "truck_id", "raw_since_t"):
        until_t = month_start(kept_since(floor or 0) - PATIENCE_S)
        while batch := storage.delete_before(fleet_id, truck_id, until_t, DELETED_AT_ONCE):
            deleted += batch
            if time.monotonic() > deadline:
                return deleted
    return deleted
