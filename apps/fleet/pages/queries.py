"""The statements of the admin's pages that no endpoint needs.

They add up the same rows in the same parts as those of `queries.py` and `trends/queries.py`, so the sums are the same.
"""

from apps.fleet.queries import FUEL_MONEY, IN_DAYS, IN_SPANS, OF_TRUCK_DAY, UTILIZATION_SUMS, sums_of
from apps.fleet.trends.queries import OF_GROUP_TRUCKS, OF_ONE_TRUCK


def _fuel_money(which: str) -> str:
    """One row: fuel in money. The truck-days have an index by truck."""
    return f"""
SELECT {sums_of(FUEL_MONEY)}
FROM (SELECT fleet_id, day, truck_id FROM truck_day
    WHERE {which} AND fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s) days
JOIN truck_day_fuel USING (fleet_id, day, truck_id)
"""


FUEL_MONEY_OF_TRUCK = _fuel_money(OF_ONE_TRUCK)


_ITS_DAYS = {"trucks": "truck_days", "trucks_used": "truck_days_used"}
_USED = ", ".join(f"SUM({name}) AS {_ITS_DAYS.get(name, name)}" for name in UTILIZATION_SUMS)


def _use(which: str) -> str:
    """One row: how the time was used; and of how many trucks."""
    return f"""
SELECT COUNT(DISTINCT truck_id) AS trucks_with_days, {_USED} FROM (
    SELECT truck_id, {sums_of(UTILIZATION_SUMS, OF_TRUCK_DAY)} FROM truck_day WHERE {which} AND {IN_DAYS}
    GROUP BY truck_id
    UNION ALL SELECT truck_id, {sums_of(UTILIZATION_SUMS)} FROM truck_span WHERE {which} AND {IN_SPANS}
    GROUP BY truck_id
) parts
"""


USE_OF_TRUCK, USE_OF_GROUP = _use(OF_ONE_TRUCK), _use(OF_GROUP_TRUCKS)
