"""The hours of the trucks' days, and of the fleet's days that they add up to."""

import datetime as dt
from collections.abc import Collection, Iterable

from apps.fleet.models import FleetDayHours, TruckDayHours
from apps.fleet.summaries.rows import Summary
from apps.fleet.utilization.hours import sum_up


def replace(fleet_id: int, summaries: Iterable[Summary]) -> None:
    """Replaces the hours of these days, and of the fleet's. Under the lock of the fleet's revision."""
    rows = [
        TruckDayHours(fleet_id=fleet_id, day=each.result.day, truck_id=each.truck_id, hours=each.hours)
        for each in summaries
    ]
    TruckDayHours.objects.bulk_create(rows, update_conflicts=True, update_fields=["hours"])
    sum_up_days(fleet_id, {row.day for row in rows})


def sum_up_days(fleet_id: int, days: Collection[dt.date]) -> None:
    """Replaces the hours of the fleet's days by the sums over its trucks."""
    found = []
    for day in sorted(days):
        trucks = list(TruckDayHours.objects.filter(fleet_id=fleet_id, day=day).values_list("hours", flat=True))
        if trucks:
            found.append(FleetDayHours(fleet_id=fleet_id, day=day, hours=sum_up(trucks)))
    FleetDayHours.objects.filter(fleet_id=fleet_id, day__in=set(days) - {row.day for row in found}).delete()
    FleetDayHours.objects.bulk_create(found, update_conflicts=True, update_fields=["hours"])
