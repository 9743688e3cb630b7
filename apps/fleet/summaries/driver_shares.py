"""What each driver bears of the shares of invoices: written anew when shares or the drivers of their days change.

Under the lock of the fleet's revision, after truck-days' costs and drivers, before the sums.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from typing import Any, TypeAlias

from django.db import connection
from django.db.models import Count

from apps.fleet.drivers.costs import Amount, InTruck, borne
from apps.fleet.models import CostSource, TruckDayCost, TruckDayDriver, TruckDayDriverCost
from apps.fleet.summaries.driver_rows import in_truck

Key: TypeAlias = tuple[int, dt.date]  # truck, day

# Of days that one driver has, or that no row says anything of: there is nothing to divide. The ORM has no INSERT of a
# SELECT.
_WHOLE = (
    """
DELETE FROM truck_day_driver_cost
WHERE fleet_id = %(fleet)s AND day IN %(days)s AND source <> 'estimated' AND {only}
""",
    """
INSERT INTO truck_day_driver_cost (fleet_id, day, truck_id, driver_id, line, source, amount)
SELECT c.fleet_id, c.day, c.truck_id, COALESCE(d.driver_id, 0), c.line, c.source, c.amount
FROM (
    SELECT * FROM truck_day_cost
    WHERE fleet_id = %(fleet)s AND day IN %(days)s AND truck_id <> 0 AND source <> 'estimated' AND {only}
) c LEFT JOIN (
    SELECT day, truck_id, MIN(driver_id) AS driver_id, COUNT(*) AS drivers FROM truck_day_driver
    WHERE fleet_id = %(fleet)s AND day IN %(days)s AND {only} GROUP BY day, truck_id
) d ON d.day = c.day AND d.truck_id = c.truck_id
WHERE COALESCE(d.drivers, 1) = 1
""",
)


def replace(fleet_id: int, days: Collection[dt.date], trucks: Collection[int]) -> None:
    """Of these days of these trucks; without any, of all trucks."""
    values: dict[str, Any] = {"fleet": fleet_id, "days": tuple(sorted(days)), "trucks": tuple(sorted(trucks))}
    with connection.cursor() as cursor:
        for statement in _WHOLE:
            cursor.execute(statement.format(only="truck_id IN %(trucks)s" if trucks else "TRUE"), values)
    scope = {"fleet_id": fleet_id, "day__in": values["days"], **({"truck_id__in": values["trucks"]} if trucks else {})}
    there = _divided_days(scope)
    if there:
        TruckDayDriverCost.objects.bulk_create(_rows(fleet_id, scope, there))


def _divided_days(scope: dict[str, Any]) -> dict[Key, list[InTruck]]:
    """The days with several drivers, each with those, by id."""
    rows = TruckDayDriver.objects.filter(**scope)
    several = rows.values("truck_id", "day").annotate(n=Count("*")).filter(n__gt=1)
    keys = set(several.values_list("truck_id", "day"))
    found: defaultdict[Key, list[InTruck]] = defaultdict(list)
    if keys:
        concerned = rows.filter(truck_id__in={truck_id for truck_id, _ in keys}, day__in={day for _, day in keys})
        for row in concerned.order_by("driver_id"):
            if (row.truck_id, row.day) in keys:
                found[row.truck_id, row.day].append(in_truck(vars(row)))
    return found


def _rows(fleet_id: int, scope: dict[str, Any], there: dict[Key, list[InTruck]]) -> list[TruckDayDriverCost]:
    costs = TruckDayCost.objects.filter(**scope).exclude(source=CostSource.ESTIMATED)
    amounts: defaultdict[Key, list[Amount]] = defaultdict(list)
    for cost in costs.filter(truck_id__in={truck_id for truck_id, _ in there}):
        amounts[cost.truck_id, cost.day].append(Amount(cost.line, cost.source, cost.amount))
    return [
        TruckDayDriverCost(
            fleet_id=fleet_id, day=day, truck_id=truck_id, driver_id=driver_id, line=line, source=source, amount=amount
        )
        for (truck_id, day), drivers in there.items()
        for (driver_id, line, source), amount in borne(amounts.get((truck_id, day), []), drivers).items()
    ]
