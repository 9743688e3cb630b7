"""The statements of the admin's pages that no endpoint needs.

They add up the same rows in the same parts as those of `queries.py` and `trend_queries.py`, so the sums are the same.
"""

from apps.fleet.queries import FUEL_MONEY, sums_of
from apps.fleet.trend_queries import OF_GROUP_TRUCKS, OF_ONE_TRUCK


def _fuel_money(which: str) -> str:
    """One row: fuel in money. The truck-days have an index by truck."""
    return f"""
SELECT {sums_of(FUEL_MONEY)}
FROM (SELECT fleet_id, day, truck_id FROM truck_day
    WHERE {which} AND fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s) days
JOIN truck_day_fuel USING (fleet_id, day, truck_id)
"""


FUEL_MONEY_OF_TRUCK = _fuel_money(OF_ONE_TRUCK)


def _hours(which: str) -> str:
    """One row a truck-day, in no order: its hours, packed."""
    return f"""
SELECT day, hours
FROM (SELECT fleet_id, day, truck_id FROM truck_day
    WHERE {which} AND fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s) days
JOIN truck_day_hours USING (fleet_id, day, truck_id)
"""


HOURS_OF_TRUCK, HOURS_OF_GROUP = _hours(OF_ONE_TRUCK), _hours(OF_GROUP_TRUCKS)
