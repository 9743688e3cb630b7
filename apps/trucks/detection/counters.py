"""A unit's own counters of mileage and engine hours, and what they are worth. Pure.

Wialon keeps them beside the messages, by the method that the unit's calculation flags (`cfl`) name. Only what a sensor
of the vehicle counts is a measurement: a sum of GPS legs is none of an odometer, and hours of ignition are none of an
engine-hour counter. People may set them to any value.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

KM_PER_MILE = 1.609344
_MILES = (1, 2)  # measures of a unit in which `cnm` counts miles: US, imperial
_MILEAGE_IS_COUNTED, _HOURS_ARE_COUNTED = 0x100, 0x200
_MAX = 1e9


class CounterSource(StrEnum):
    """How a counter comes to its value."""

    SENSOR = "sensor"  # the vehicle's odometer or engine-hour counter
    RELATIVE_SENSOR = "relative_sensor"  # a sensor of what was added since the message before
    GPS = "gps"
    GPS_IGNITION = "gps_ignition"  # GPS while the ignition is on
    IGNITION = "ignition"  # time with the ignition on
    MANUAL = "manual"  # it is not counted: as it was last set by hand
    UNKNOWN = "unknown"

    @property
    def is_measured(self) -> bool:
        return self in (CounterSource.SENSOR, CounterSource.RELATIVE_SENSOR)


_MILEAGE_BY = {
    0: CounterSource.GPS,
    1: CounterSource.SENSOR,
    2: CounterSource.RELATIVE_SENSOR,
    3: CounterSource.GPS_IGNITION,
}
_HOURS_BY = {
    0x10: CounterSource.IGNITION,
    0x20: CounterSource.SENSOR,
    0x40: CounterSource.RELATIVE_SENSOR,
}


def mileage_source(flags: int) -> CounterSource:
    if not flags & _MILEAGE_IS_COUNTED:
        return CounterSource.MANUAL
    return _MILEAGE_BY.get(flags & 0xF, CounterSource.UNKNOWN)


def hours_source(flags: int) -> CounterSource:
    if not flags & _HOURS_ARE_COUNTED:
        return CounterSource.MANUAL
    return _HOURS_BY.get(flags & 0xF0, CounterSource.UNKNOWN)


class Counters(NamedTuple):
    """As they stood at the unit's last message, at second `t`; null where Wialon does not tell."""

    flags: int
    mileage_km: float | None
    engine_hours: float | None
    t: int | None


def counters_of(unit: Mapping[str, Any]) -> Counters | None:
    """The counters of a unit as Wialon shows it; None where it tells no calculation flags: then they mean nothing."""
    flags, last = _whole(unit.get("cfl"), 2**31), unit.get("lmsg")
    if flags is None:
        return None
    t = _whole(last.get("t"), 2**40) if isinstance(last, dict) else None
    return Counters(flags, _mileage_km(unit), _number(unit.get("cneh")), t)


def _mileage_km(unit: Mapping[str, Any]) -> float | None:
    """Kilometres, of which newer servers tell in `cnm_km`; `cnm` is in the unit's own measure."""
    if (km := _number(unit.get("cnm_km"))) is not None:
        return km
    own = _number(unit.get("cnm"))
    return own * KM_PER_MILE if own is not None and unit.get("mu") in _MILES else own


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _MAX else None


def _whole(value: Any, bound: int) -> int | None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and 0 <= value < bound else None
