"""What docs/metrics.md gives as numbers: parameters and bounds; and what a message is."""

import re
from typing import Any

Message = dict[str, Any]

PARAMETERS: dict[str, float] = {
    "moving_speed_kmh": 5,
    "engine_gap_cap_s": 600,
    "parked_gap_cap_s": 604_800,
    "trip_end_s": 300,
    "trip_max_gap_s": 3_600,
    "trip_min_s": 60,
    "trip_min_m": 100,
    "idle_event_min_s": 120,
    "speed_limit_kmh": 105,
    "speeding_min_s": 30,
    "speeding_minor_kmh": 8,
    "speeding_moderate_kmh": 24,
    "refuel_min_l": 30,
    "drain_min_l": 30,
    "harsh_braking_ms2": 4.6,
    "harsh_acceleration_ms2": 2.8,
    "max_leg_kmh": 250,
    "min_satellites": 3,
    "night_begin_h": 22,
    "night_end_h": 6,
}
EARTH_RADIUS_M = 6_371_008.8
CONNECTED_S = 35 * 86_400  # readings further apart are not connected, and no state is carried further
FUEL_STEPS_JOIN_S = 1_800
HARSH = ("harsh_braking", "harsh_acceleration", "harsh_cornering")
FAULT = re.compile(r"(?:spn *)?(\d{1,6}) *[/:-] *(?:fmi *)?(\d{1,2})(?: *[/:@-] *(?:sa *)?(\d{1,3}))?")
UNKNOWN_SOURCE = 255
