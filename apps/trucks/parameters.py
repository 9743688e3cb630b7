"""The thresholds that detection works with; see docs/metrics.md for what each means."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Parameters:
    moving_speed_kmh: float = 5
    engine_gap_cap_s: int = 600
    parked_gap_cap_s: int = 604_800
    trip_end_s: int = 300
    trip_max_gap_s: int = 3_600
    trip_min_s: int = 60
    trip_min_m: int = 100
    idle_event_min_s: int = 120
    speed_limit_kmh: float = 105
    speeding_min_s: int = 30
    speeding_minor_kmh: float = 8
    speeding_moderate_kmh: float = 24
    refuel_min_l: float = 30
    drain_min_l: float = 30
    fuel_min_km: float = 500
    fuel_deviation_pct: float = 15
    harsh_braking_ms2: float = 4.6
    harsh_acceleration_ms2: float = 2.8
    max_leg_kmh: float = 250
    min_satellites: int = 3
    available_hours_per_day: float = 12
    target_utilization_pct: float = 60
    target_idle_pct: float = 15
    night_begin_h: float = 22
    night_end_h: float = 6
    safety_minor_weight: float = 1
    safety_moderate_weight: float = 2
    safety_severe_weight: float = 4
    safety_harsh_weight: float = 2

    def overridden(self, values: Mapping[str, float]) -> "Parameters":
        """These parameters with some replaced. Raises ValueError, naming it, for an unknown one or a bad value."""
        check_values(values)
        merged: Any = {**asdict(self), **values}
        return Parameters(**merged)


DEFAULTS = Parameters()
NAMES = tuple(field.name for field in fields(Parameters))
_WHOLE = frozenset(field.name for field in fields(Parameters) if field.type is int)
HOURS_OF_DAY = frozenset({"night_begin_h", "night_end_h"})
# Of a whole fleet alone: by a truck's own its drivers could not be compared with others.
OF_FLEET = frozenset(name for name in NAMES if name.startswith("safety_"))


def check_values(values: Mapping[str, object]) -> None:
    """Raises ValueError, naming the parameter, unless all are known and numbers that are not negative."""
    for name, value in values.items():
        if name not in NAMES:
            raise ValueError(f"{name}: no such parameter; there are {', '.join(NAMES)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            raise ValueError(f"{name}: {value!r} is not a number from 0 on")
        if name in _WHOLE and value != int(value):
            raise ValueError(f"{name}: {value!r} is not a whole number")
        if name in HOURS_OF_DAY and value > 24:
            raise ValueError(f"{name}: {value!r} is no hour of the day, from 0 to 24")
