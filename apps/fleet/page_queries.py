"""The statements of the admin's pages that no endpoint needs.

They add up the same rows in the same parts as those of `queries.py` and `trend_queries.py`, so the sums are the same.
"""

from apps.fleet.queries import FUEL_MONEY, IN_DAYS, IN_SPANS, sums_of
from apps.fleet.trend_queries import OF_GROUP_TRUCKS, OF_ONE_TRUCK

# One row a truck that cost something, in no order: source → amount, as text.
SOURCES_OF_TRUCKS = f"""
SELECT t.code AS truck_id, JSON_OBJECTAGG(c.source, CAST(c.amount AS CHAR)) AS amounts FROM (
    SELECT truck_id, source, SUM(amount) AS amount FROM (
        SELECT truck_id, source, SUM(amount) AS amount FROM truck_day_cost WHERE {IN_DAYS} GROUP BY truck_id, source
        UNION ALL SELECT truck_id, source, SUM(amount) FROM truck_span_cost WHERE {IN_SPANS} GROUP BY truck_id, source
    ) parts GROUP BY truck_id, source
) c JOIN truck t ON t.id = c.truck_id GROUP BY t.code
"""


def _fuel_money(which: str) -> str:
    """One row: fuel in money. The truck-days have an index by truck."""
    return f"""
SELECT {sums_of(FUEL_MONEY)}
FROM (SELECT fleet_id, day, truck_id FROM truck_day
    WHERE {which} AND fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s) days
JOIN truck_day_fuel USING (fleet_id, day, truck_id)
"""


# Of the truck, or the group, `id`.
FUEL_MONEY_OF_TRUCK, FUEL_MONEY_OF_GROUP = _fuel_money(OF_ONE_TRUCK), _fuel_money(OF_GROUP_TRUCKS)


def _hours(which: str) -> str:
    """One row a truck-day, in no order: its hours, packed."""
    return f"""
SELECT day, hours
FROM (SELECT fleet_id, day, truck_id FROM truck_day
    WHERE {which} AND fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s) days
JOIN truck_day_hours USING (fleet_id, day, truck_id)
"""


HOURS_OF_TRUCK, HOURS_OF_GROUP = _hours(OF_ONE_TRUCK), _hours(OF_GROUP_TRUCKS)
