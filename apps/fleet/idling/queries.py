"""The statements behind idling: where productive places are, and where a truck idled; the sums of trucks.

Those about a period take what `queries.period` gives, those of a truck also its `id`.
"""

from apps.fleet.idling.blocks import SUMS
from apps.fleet.queries import OF_ONE_TRUCK, sums_of

# One row a productive place of the fleet, what came into force last of each name at the end.
NAMED_PLACES = """
SELECT name, lat, lon, polygon FROM productive_place WHERE fleet_id = %(fleet)s ORDER BY effective_from
"""

OF_TRUCK = (
    "idle_s", "idle_productive_s", "engine_on_s", "idle_fuel_l", "idle_events", "length_s", "no_data_s", "idle_cost",
    "idle_productive_cost", "idle_productive_fuel_l",
)  # fmt: skip


# One row a place of the truck `id`, where most was idled unproductively first, at most `limit`; `number` is how many
# there are. A block holds the places of 64 trucks together: of one alone the rows of its days are fewer.
PLACES_OF_TRUCK = f"""
SELECT spot, {sums_of(SUMS)}, COUNT(*) OVER () AS number
FROM truck_day_idle_place WHERE {OF_ONE_TRUCK} AND fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s
GROUP BY spot ORDER BY SUM(idle_s - productive_s) DESC, spot LIMIT %(limit)s
"""
