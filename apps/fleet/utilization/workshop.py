"""The one way in which stays in the workshop change: with the days on which a truck is there or no longer is."""

import datetime as dt
from collections.abc import Callable
from typing import NamedTuple

from django.db import transaction

from apps.fleet.models import WorkshopStay
from apps.trucks.invalidation import computed_days, lock_trucks, mark

CAUSE = "workshop"


class Stay(NamedTuple):
    """From the first day to the last, both included."""

    truck_id: int
    first: dt.date
    last: dt.date | None

    def holds(self, truck_id: int, day: dt.date) -> bool:
        return truck_id == self.truck_id and self.first <= day and (self.last is None or day <= self.last)


class Stays:
    """All stays of a fleet, read once."""

    def __init__(self, fleet_id: int) -> None:
        rows = WorkshopStay.objects.filter(fleet=fleet_id)
        self.all = [Stay(*row) for row in rows.values_list("truck_id", "effective_from", "effective_to")]

    def hold(self, truck_id: int, day: dt.date) -> bool:
        return any(stay.holds(truck_id, day) for stay in self.all)


def save(row: WorkshopStay) -> int:
    """Stores a new, moved or ended stay. Returns how many truck-days are computed anew by it."""
    return _change(row, row.save)


def delete(row: WorkshopStay) -> int:
    """Removes a stay. Returns how many truck-days are computed anew by it."""
    return _change(row, row.delete)


def _change(row: WorkshopStay, write: Callable[[], object]) -> int:
    """All in one transaction, in which nobody stores messages of the fleet or rebuilds its days: none is missed."""
    with transaction.atomic():
        lock_trucks(row.fleet_id)
        pk = row.pk
        before = _days(row.fleet_id, pk)
        write()
        return mark(row.fleet_id, before ^ _days(row.fleet_id, pk or row.pk), CAUSE)


def _days(fleet_id: int, pk: int | None) -> set[tuple[int, dt.date]]:
    """The computed days of a stay as it is stored."""
    rows = [] if pk is None else WorkshopStay.objects.filter(pk=pk)
    return {
        day for row in rows for day in computed_days(fleet_id, row.effective_from, row.effective_to, [row.truck_id])
    }
