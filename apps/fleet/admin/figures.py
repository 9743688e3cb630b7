"""Columns of computed rows as people read them: what a name ends in says how."""

import datetime as dt
from decimal import Decimal
from typing import Any

from apps.accounts.admin_base import local_time
from apps.accounts.models import Fleet
from apps.accounts.units import unit_system
from apps.fleet.reports.wording import NOT_MEASURED, duration, number
from apps.trucks.sensors.device import NO_SOURCE

_TITLES = {
    "lat": "latitude",
    "lon": "longitude",
    "end_lat": "end latitude",
    "end_lon": "end longitude",
    "distance_gps_m": "GPS distance",
    "distance_gap_m": "distance over silence",
    "distance_odometer_m": "odometer distance",
    "drift_m": "drift while parked",
    "fuel_l": "fuel used",
    "idle_fuel_l": "fuel used idling",
    "refuel_l": "refuelled",
    "drain_l": "drained",
    "idle_s": "idling",
    "idle_productive_s": "idling, productive",
    "productive_s": "productive",
    "engine_hours": "engine hours by counter",
    "is_used": "counts as used",
    "litres": "amount",
    "spn": "SPN",
    "fmi": "FMI",
    "source": "source",
    "peak_ms2": "strongest change of speed",
    "length_s": "length of the day",
    "available_s": "available by calendar or parameter",
    "in_workshop": "in the workshop",
    "input_messages": "raw messages",
    "input_first_t": "first message",
    "input_last_t": "last message",
    "as_of": "known up to",
}
_WHOLE = ("spn", "fmi", "source")  # numbers that are names
_SHORT = ("duration_s", "productive_s", "speeding_s")  # minutes, as a rule: hours would hide them
_LONG_S = 7_200  # from here on hours are easier to read
_SUFFIXES = ("_s", "_m", "_l", "_kmh", "_pct", "_at", "_t")


def title(name: str) -> str:
    """The words of a column's name, without its unit."""
    if name not in _TITLES:
        suffix = next((suffix for suffix in _SUFFIXES if name.endswith(suffix)), "")
        return name.removesuffix(suffix).replace("_", " ").capitalize()
    words = _TITLES[name]
    return words[0].upper() + words[1:]


def figure(name: str, value: Any, fleet: Fleet) -> str:
    """The value in the fleet's units and zone; a dash for what was not measured."""
    if value is None or value == "":
        return "may still go on" if name == "ended_at" else NOT_MEASURED
    if name in _WHOLE:
        return str(value) if (name, value) != ("source", NO_SOURCE) else NOT_MEASURED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime) or name.endswith("_t"):
        return local_time(value, fleet.zone, seconds=True)
    if isinstance(value, Decimal):
        return number(value, 2, fleet.currency)
    return _measure(name, value, fleet) if isinstance(value, int | float) else str(value)


def _measure(name: str, value: float, fleet: Fleet) -> str:
    units = unit_system(fleet.units)
    if name in _SHORT and value < _LONG_S:
        return f"{round(value) // 60} min {round(value) % 60:02} s"
    match name.rpartition("_")[2]:
        case "s":
            return duration(round(value))
        case "m":
            return number(units.distance(value), 1, units.distance_label)
        case "l" | "litres":
            return number(units.volume(value), 1, units.volume_label)
        case "kmh":
            return number(units.speed(value), 0, units.speed_label)
        case "pct":
            return number(value, 1, "%")
        case "lat" | "lon":
            return f"{value:.5f}"
        case "ms2":
            return number(value, 1, "m/s²")
        case "hours":
            return number(value, 1, "h")
    return number(value)
