"""The one way in which working calendars change: with the days on which a truck is meant to be used otherwise."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from django.db import transaction

from apps.accounts.calendar import days_between
from apps.accounts.models import Fleet
from apps.fleet.models import WorkingCalendar
from apps.fleet.models.working_time import WEEKDAYS
from apps.fleet.utilization.working_time import Calendar, hours_on, of_truck
from apps.trucks.invalidation import days_with_figures, lock_trucks, mark

CAUSE = "working calendar"


class Calendars:
    """All calendars of a fleet, read once."""

    def __init__(self, fleet_id: int) -> None:
        rows = WorkingCalendar.objects.filter(fleet=fleet_id).prefetch_related("holidays")
        self.all = [_calendar(row) for row in rows]
        self._of_truck = cache(lambda truck_id: of_truck(self.all, truck_id))

    def hours(self, truck_id: int, day: dt.date) -> float | None:
        """For how many hours a truck is meant to be used on a day; null: as many as the parameter says."""
        calendars: Sequence[Calendar] = self._of_truck(truck_id)
        return hours_on(calendars, day)


def _calendar(row: WorkingCalendar) -> Calendar:
    holidays = frozenset((holiday.day, float(holiday.hours)) for holiday in row.holidays.all())
    hours = tuple(_float(getattr(row, name)) for name in WEEKDAYS)
    return Calendar(row.effective_from, row.effective_to, row.truck_id, hours, holidays)


def _float(hours: Decimal | None) -> float | None:
    return None if hours is None else float(hours)


@dataclass(slots=True)
class Marked:
    """How many truck-days are computed anew by a change, once it is done."""

    days: int = 0


@contextmanager
def changing(fleet: Fleet) -> Iterator[Marked]:
    """Whatever calendars of a fleet are written within, the days of which it makes a difference are marked at the end.

    All in one transaction, in which nobody stores messages of the fleet or rebuilds its days: so none is missed.
    """
    with transaction.atomic():
        lock_trucks(fleet.pk)
        before, marked = Calendars(fleet.pk), Marked()
        yield marked
        marked.days = mark(fleet.pk, _differing(fleet.pk, before, Calendars(fleet.pk)), CAUSE)


def _differing(fleet_id: int, before: Calendars, after: Calendars) -> Iterable[tuple[int, dt.date]]:
    """The truck-days with figures that have other hours by the one than by the other."""
    changed = set(before.all) ^ set(after.all)
    if not changed:
        return
    concerned = {calendar.truck_id for calendar in changed}
    first = min(calendar.first for calendar in changed)
    for truck_id, (begin, end) in days_with_figures(fleet_id).items():
        if None not in concerned and truck_id not in concerned:
            continue
        for day in days_between(max(first, begin), end):
            if before.hours(truck_id, day) != after.hours(truck_id, day):
                yield truck_id, day
