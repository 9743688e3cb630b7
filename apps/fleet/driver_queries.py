"""The statements behind figures by driver: sums over the parts of trucks' days, by driver or by truck.

They take what `queries.period` gives. Driver 0 is nobody known.
"""

from apps.fleet.queries import OF_ITS_TRUCKS, sum_up, sums_of
from apps.fleet.spans import MONTH, PENTAD

SUMS = (
    "length_s", "moving_s", "idle_s", "idle_productive_s", "parked_s", "no_data_s", "engine_on_s", "night_driving_s",
    "distance_m", "fuel_used_l", "fuel_distance_m", "idle_fuel_l", "trips", "idle_events", "speeding_minor",
    "speeding_moderate", "speeding_severe", "speeding_s", "harsh_braking", "harsh_acceleration", "harsh_cornering",
    "max_speed_kmh", "fuel_cost", "fuel_priced_l", "idle_cost", "idle_productive_cost", "idle_productive_fuel_l",
)  # fmt: skip


def _of_spans(kind: str) -> tuple[str, str]:
    days = "COUNT(*)" if kind == PENTAD else "SUM(days)"
    columns, sums = f"days, {', '.join(SUMS)}", f"{days}, {sums_of(SUMS)}"
    return sum_up(kind, "truck", "_driver", "truck_id, driver_id, ", columns, sums, OF_ITS_TRUCKS)


# By kind of span: replaces what drivers did in some trucks by the sums of its pieces.
SUM_UP_DRIVERS = {kind: _of_spans(kind) for kind in (PENTAD, MONTH)}
