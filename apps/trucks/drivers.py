"""Who had which truck when: what Wialon tells of bindings, what staff enter, and the days that it changes.

Wialon can be asked who was bound to which truck since an instant. Every 15 minutes the last two days are read, once a
day the last 35: what was bound late, or otherwise than was read before, is replaced there.
"""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.accounts.calendar import as_utc, day_of, days_between
from apps.accounts.models import Fleet
from apps.trucks.assignments import (
    Assignment,
    Binding,
    Bound,
    Shift,
    Source,
    differences,
    renewed,
    shifts,
)
from apps.trucks.invalidation import mark
from apps.trucks.models import Driver, DriverAssignment, FleetSync, Trip, Truck, TruckSync
from apps.trucks.wialon import LoginRefused, RequestRefused, WialonClient, WialonError

logger = logging.getLogger(__name__)

CAUSE = "drivers"
DAY_S = 86_400
EVERY_S = 900  # a heavy request for each resource
OFTEN_BACK_S, DAILY_BACK_S = 2 * DAY_S, 35 * DAY_S
Told = Mapping[int, Sequence[tuple[int, int]]]  # driver of a resource → (second, unit or 0)


def shifts_of(fleet_id: int, truck_ids: Collection[int]) -> dict[int, list[Shift]]:
    """Who counted as the driver of each of these trucks when, ascending."""
    rows = DriverAssignment.objects.filter(fleet=fleet_id, truck__in=truck_ids)
    found: dict[int, list[Assignment]] = {truck_id: [] for truck_id in truck_ids}
    for truck_id, driver_id, start, end, source in rows.values_list(
        "truck_id", "driver_id", "started_at", "ended_at", "source"
    ):
        ends = None if end is None else _second(end)
        found[truck_id].append(Assignment(driver_id, _second(start), ends, Source(source)))
    return {truck_id: shifts(assignments) for truck_id, assignments in found.items()}


def _second(at: dt.datetime) -> int:
    return int(at.timestamp())


# --- changes, and the days that they touch --------------------------------------------------------------------------


def change(fleet: Fleet, truck_ids: Iterable[int], write: Callable[[], object]) -> int:
    """Has assignments of these trucks written, and marks the days on which another driver counts than before.

    All in one transaction. Returns how many truck-days: an assignment that another one outdoes changes none.
    """
    with transaction.atomic():
        # As long as it is locked nobody rebuilds a truck: its trips are those that our days are found by.
        locked = TruckSync.objects.select_for_update().filter(truck_id__in=set(truck_ids), fleet_id=fleet.pk)
        syncs = list(locked.order_by("truck_id"))
        ids = [sync.truck_id for sync in syncs]
        before = shifts_of(fleet.pk, ids)
        write()
        after = shifts_of(fleet.pk, ids)
        days = {
            (sync.truck_id, day)
            for sync in syncs
            for interval in differences(before[sync.truck_id], after[sync.truck_id])
            for day in _days_of(fleet, sync, *interval)
        }
        return mark(fleet.pk, days, CAUSE)


def _days_of(fleet: Fleet, sync: TruckSync, start: int, end: int) -> set[dt.date]:
    """The known days that reach into [start, end), and those of the trips that do."""
    if sync.first_t is None or sync.known_until is None:
        return set()
    start, end = max(start, sync.first_t), min(end, sync.known_until)
    if start >= end:
        return set()
    trips = Trip.objects.filter(Q(ended_at=None) | Q(ended_at__gt=as_utc(start)), started_at__lt=as_utc(end))
    trips = trips.filter(fleet_id=fleet.pk, truck_id=sync.truck_id)
    days = days_between(day_of(start, fleet.zone), day_of(end - 1, fleet.zone))
    return {*days, *trips.values_list("day", flat=True)}


def save(assignment: DriverAssignment) -> int:
    """Stores what staff entered or corrected. Returns how many truck-days change by it."""
    before = DriverAssignment.objects.filter(pk=assignment.pk).values_list("truck_id", flat=True)
    return change(assignment.fleet, [*before, assignment.truck_id], assignment.save)


def delete(assignment: DriverAssignment) -> int:
    """Removes what staff entered. Returns how many truck-days change by it."""
    return change(assignment.fleet, [assignment.truck_id], assignment.delete)


# --- what Wialon tells ----------------------------------------------------------------------------------------------


def keep_up(fleet: Fleet, client: WialonClient, now: int) -> None:
    """Takes over who is and was bound to which truck, if it was not done lately; drivers and trucks are ours already.

    Where Wialon does not tell the past, for want of a right, the present bindings are kept as they change; where it
    does not answer, the next look makes up for it. Raises LoginRefused. Running it twice changes nothing.
    """
    known_until: int | None = FleetSync.objects.values_list("bindings_known_until", flat=True).get(fleet=fleet)
    if known_until is not None and 0 <= now - known_until < EVERY_S:
        return
    first_t = _first_second(fleet, known_until, now)
    drivers = list(Driver.objects.filter(fleet=fleet))
    resources = sorted({driver.resource_id for driver in drivers if driver.is_active})
    try:
        told = {resource_id: _told(fleet, client, resource_id, first_t, now) for resource_id in resources}
    except LoginRefused:
        raise
    except WialonError as error:
        logger.warning("bindings of drivers not read", extra={"fleet": fleet.pk, "error": str(error)})
        return
    _take_over(fleet, drivers, told, first_t, now)
    FleetSync.objects.filter(fleet=fleet).update(bindings_known_until=now)


def _told(fleet: Fleet, client: WialonClient, resource_id: int, first_t: int, now: int) -> Told | None:
    """What Wialon tells of a resource's drivers since `first_t`; None where it may not be asked."""
    try:
        return client.driver_bindings(resource_id, first_t, now)
    except RequestRefused as error:
        logger.warning("past bindings of drivers not read", extra={"fleet": fleet.pk, "error": str(error)})
        return None


def _first_second(fleet: Fleet, known_until: int | None, now: int) -> int:
    """From when on bindings are read: all that the trucks are known for at first, then a window that trails behind."""
    if known_until is None:
        return max(0, now - max(int(settings.INITIAL_HISTORY_DAYS) * DAY_S, DAILY_BACK_S))
    is_new_day = day_of(known_until, fleet.zone) != day_of(now, fleet.zone)
    return max(0, min(known_until, now) - (DAILY_BACK_S if is_new_day else OFTEN_BACK_S))


def _take_over(
    fleet: Fleet, drivers: Sequence[Driver], told: Mapping[int, Told | None], first_t: int, now: int
) -> None:
    """Replaces each driver's bindings from `first_t` on by those told; where none could be, the present one counts."""
    trucks = dict(Truck.objects.filter(fleet=fleet).values_list("wialon_id", "pk"))
    stored = _stored(fleet, first_t)
    for driver in drivers:
        rows = stored[driver.pk]
        before = [Bound(row.truck_id, _second(row.started_at), _end(row)) for row in rows]
        of_resource = told.get(driver.resource_id)
        if not driver.is_active:
            after = renewed(before, [Binding(now, None)], now, None)
        elif of_resource is None:
            after = renewed(before, [], None, _bound_now(driver))
        else:
            bindings = [Binding(t, trucks.get(unit)) for t, unit in of_resource.get(driver.wialon_id, ())]
            after = renewed(before, bindings, first_t, _bound_now(driver))
        if after != before:
            _replace(fleet, driver, rows, after)


def _stored(fleet: Fleet, first_t: int) -> dict[int, list[DriverAssignment]]:
    """By driver the bindings that reach into the time from `first_t` on, ascending."""
    reaching = Q(ended_at=None) | Q(ended_at__gte=as_utc(first_t))
    found: defaultdict[int, list[DriverAssignment]] = defaultdict(list)
    for row in DriverAssignment.objects.filter(reaching, fleet=fleet, source=Source.BINDING).order_by("started_at"):
        found[row.driver_id].append(row)
    return found


def _bound_now(driver: Driver) -> Binding | None:
    """What the driver's own data tell: since when they are bound to a truck, or to none."""
    return None if driver.bound_at is None else Binding(_second(driver.bound_at), driver.truck_id)


def _replace(fleet: Fleet, driver: Driver, rows: Sequence[DriverAssignment], after: Sequence[Bound]) -> None:
    """Writes of a driver's bindings those that are other than before."""
    wanted = {(each.truck_id, each.start): each for each in after}
    kept = {key: row for row in rows if (key := (row.truck_id, _second(row.started_at))) in wanted}
    gone = [row for row in rows if row not in kept.values()]
    moved = [(row, wanted[key].end) for key, row in kept.items() if wanted[key].end != _end(row)]
    new = [each for key, each in wanted.items() if key not in kept]

    def write() -> None:
        DriverAssignment.objects.filter(pk__in=[row.pk for row in gone]).delete()
        for row, end in moved:
            DriverAssignment.objects.filter(pk=row.pk).update(ended_at=None if end is None else as_utc(end))
        DriverAssignment.objects.bulk_create(_row(fleet, driver, each) for each in new)

    trucks = [row.truck_id for row in gone] + [row.truck_id for row, _ in moved] + [each.truck_id for each in new]
    change(fleet, trucks, write)


def _end(row: DriverAssignment) -> int | None:
    return None if row.ended_at is None else _second(row.ended_at)


def _row(fleet: Fleet, driver: Driver, each: Bound) -> DriverAssignment:
    return DriverAssignment(
        fleet=fleet,
        truck_id=each.truck_id,
        driver=driver,
        started_at=as_utc(each.start),
        ended_at=None if each.end is None else as_utc(each.end),
        source=Source.BINDING.value,
    )
