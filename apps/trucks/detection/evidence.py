"""What a truck's sensor table can tell of its engine, and which readings it takes. Pure."""

import numpy as np

from apps.trucks.detection.motion import conditions
from apps.trucks.detection.points import Evidence, Points
from apps.trucks.parameters import DEFAULTS
from apps.trucks.sensors import SensorTable

# Columns of `message` whose readings reach beyond their message: counters and levels, and what is carried over.
READINGS = ("odometer_m", "fuel_used_l", "fuel_level_l", "engine_hours_h", "ignition", "rpm", "voltage", "pto", "dtc")


def evidence_of(table: SensorTable) -> Evidence:
    """The sensor that tells whether the engine runs: ignition, else rpm, else voltage, else none."""
    for evidence in (Evidence.IGNITION, Evidence.RPM, Evidence.VOLTAGE):
        if evidence.value in table.measures:
            return evidence
    return Evidence.NONE


def engine_state(points: Points, evidence: Evidence) -> bool | None:
    """Whether the engine ran at the last of these points; None: they do not tell."""
    engine = conditions(points, evidence, DEFAULTS).engine[-1:]
    return None if not len(engine) or np.isnan(engine[0]) else bool(engine[0])
