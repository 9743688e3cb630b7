"""The hours of the trucks' days, what is packed of them, and the fleet's days that they add up to."""

from collections.abc import Iterable

from apps.fleet.models import FleetDayHours, TruckBlock, TruckDayHours
from apps.fleet.spans import DAY
from apps.fleet.summaries import blocks
from apps.fleet.summaries.rows import Summary
from apps.fleet.utilization.hours import sum_up


def replace(fleet_id: int, summaries: Iterable[Summary]) -> None:
    """Replaces the hours of these days where they differ, and all that they are part of.

    Under the lock of the fleet's revision.
    """
    hours = {(each.truck_id, each.result.day): each.hours for each in summaries}
    stored = TruckDayHours.objects.filter(
        fleet_id=fleet_id, truck_id__in={truck_id for truck_id, _ in hours}, day__in={day for _, day in hours}
    )
    before = {(row.truck_id, row.day): bytes(row.hours) for row in stored}
    changed = {key for key, packed in hours.items() if packed != before.get(key)}
    TruckDayHours.objects.bulk_create(
        (TruckDayHours(fleet_id=fleet_id, day=day, truck_id=truck, hours=hours[truck, day]) for truck, day in changed),
        update_conflicts=True,
        update_fields=["hours"],
    )
    add_up(fleet_id, changed)


def add_up(fleet_id: int, changed: blocks.TruckDays) -> None:
    """Packs days (truck, day) whose rows have been replaced, or are no more, and adds up the fleet's days of them."""
    blocks.replace_hours(fleet_id, changed)
    days = {day for _, day in changed}
    found = []
    for day in sorted(days):
        packed = TruckBlock.objects.filter(fleet_id=fleet_id, span=DAY, first_day=day).exclude(hours=b"")
        if hours := list(packed.values_list("hours", flat=True)):
            found.append(FleetDayHours(fleet_id=fleet_id, day=day, hours=sum_up(hours)))
    FleetDayHours.objects.filter(fleet_id=fleet_id, day__in=days - {row.day for row in found}).delete()
    FleetDayHours.objects.bulk_create(found, update_conflicts=True, update_fields=["hours"])
