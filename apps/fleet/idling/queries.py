"""The statements behind idling: where productive places are; the sums of trucks."""

# One row a productive place of the fleet, what came into force last of each name at the end.
NAMED_PLACES = """
SELECT name, lat, lon, polygon FROM productive_place WHERE fleet_id = %(fleet)s ORDER BY effective_from
"""

OF_TRUCK = (
    "idle_s", "idle_productive_s", "engine_on_s", "idle_fuel_l", "idle_events", "length_s", "no_data_s", "idle_cost",
    "idle_productive_cost", "idle_productive_fuel_l",
)  # fmt: skip
