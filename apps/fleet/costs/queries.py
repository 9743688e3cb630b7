"""The statement behind cost analysis of a group's trucks that trends do not have: it takes what `queries.period` gives.

Truck by truck and group by group they are read from the packed sums (`sums.trucks`).
"""

from apps.fleet.queries import FUEL_MONEY, IN_DAYS, IN_SPANS, sums_of
from apps.fleet.trends.queries import OF_GROUP_TRUCKS

# The days at the edges of a period of the group's trucks: truck-days have an index by truck.
_EDGE_DAYS = f"SELECT fleet_id, day, truck_id FROM truck_day WHERE {OF_GROUP_TRUCKS} AND {IN_DAYS}"

# One row: the group's fuel in money.
FUEL_MONEY_OF_GROUP = f"""
SELECT {sums_of(FUEL_MONEY)} FROM (
    SELECT {", ".join(FUEL_MONEY)} FROM ({_EDGE_DAYS}) days JOIN truck_day_fuel USING (fleet_id, day, truck_id)
    UNION ALL SELECT {", ".join(FUEL_MONEY)} FROM truck_span_fuel WHERE {OF_GROUP_TRUCKS} AND {IN_SPANS}
) parts
"""
