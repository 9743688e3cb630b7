"""Declares days final whose late data is no longer waited for."""

import datetime as dt

from django.db import transaction

from apps.accounts.calendar import as_utc
from apps.accounts.models import Fleet
from apps.fleet.summaries.writing import SETTLED_AFTER_S, Status, next_revision
from apps.trucks.models import DirtyDay, TruckDay, TruckSync


def settle(fleet: Fleet) -> int:
    """Declares provisional days final whose 72 hours are over, but for those that are out of date. Returns how many."""
    due = _due_to_settle(fleet.id)
    if not due:
        return 0
    with transaction.atomic():
        revision = next_revision(fleet.id)
        provisional = TruckDay.objects.filter(fleet_id=fleet.id, status=Status.PROVISIONAL)
        return sum(
            provisional.filter(truck_id=truck_id, day__in=days).update(status=Status.FINAL, revision=revision.revision)
            for truck_id, days in due.items()
        )


def _due_to_settle(fleet_id: int) -> dict[int, list[dt.date]]:
    """The days to settle, by truck."""
    known = dict(TruckSync.objects.filter(fleet_id=fleet_id).values_list("truck_id", "known_until"))
    dirty = set(DirtyDay.objects.filter(fleet_id=fleet_id).values_list("truck_id", "day"))
    provisional = TruckDay.objects.filter(fleet_id=fleet_id, status=Status.PROVISIONAL)
    due: dict[int, list[dt.date]] = {}
    for truck_id, day, as_of in provisional.values_list("truck_id", "day", "as_of"):
        if as_of <= as_utc((known.get(truck_id) or 0) - SETTLED_AFTER_S) and (truck_id, day) not in dirty:
            due.setdefault(truck_id, []).append(day)
    return due
