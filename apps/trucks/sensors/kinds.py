"""What kinds of sensors measure: their units, physical ranges and the width of their raw codes.

"Not available" codes. J1939 and FMS send a signal that has no value as all ones: 0xFF, 0xFFFF or 0xFFFFFFFF,
depending on the signal's width; valid codes end at 0xFA, 0xFAFF, 0xFAFFFFFF. Devices pass these codes on, but the
same numbers are ordinary values of wider signals: a tank at 255 % is not available, an odometer at 65,535 km is a
reading. So the width is taken from the sensor itself: it is the narrowest one whose valid codes, put through the
sensor's own expression and table, reach the kind's full scale (a reading that every sensor of that kind must be able
to show). Raw values that are all ones in that width or a wider one are not available. A fuel level of 4 litres per
unit reaches 300 l within one byte, so 255 is a code; one of 0.1 litres per unit does not, so 255 is 25.5 l.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .definition import SensorDefinition

# (highest valid code, "not available" code) of one, two and four bytes
CODE_WIDTHS = ((0xFA, 0xFF), (0xFAFF, 0xFFFF), (0xFAFF_FFFF, 0xFFFF_FFFF))

_PTO = re.compile(r"(?<![a-z])pto(?![a-z])|power take.?off", re.IGNORECASE)
_EXHAUST = re.compile(r"exhaust|(?<![a-z])(egt|dpf|scr|doc)(?![a-z])|turbo|catal", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unit:
    """Reading in the kind's own unit = factor × value + offset."""

    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Kind:
    """What a sensor measures. Range and full scale are in the unit of the reading that it feeds."""

    reading: str  # the field of Readings, or the name of a value that feeds none
    lower: float
    upper: float
    full_scale: float
    units: Mapping[str, Unit] = field(default_factory=dict)  # by the text of the sensor; the first one is the default

    @property
    def default_unit(self) -> Unit:
        return next(iter(self.units.values()), Unit())

    def knows(self, text: str) -> bool:
        """Whether the text names one of the kind's units, or leaves it to the default one."""
        return not text or not self.units or _spelling(text) in self.units


def _spelling(text: str) -> str:
    return text.lower().rstrip(".")


def _units(*groups: tuple[str, Unit]) -> dict[str, Unit]:
    return {text: unit for texts, unit in groups for text in texts.split(",")}


_DISTANCE = _units(
    ("km,kms,kilometers,kilometres,км", Unit(1000)),
    ("mi,mile,miles,mls", Unit(1609.344)),
    ("m,meters,metres,м", Unit(1)),
)
_VOLUME = _units(
    ("l,lt,ltr,liter,litre,liters,litres,л", Unit(1)),
    ("gal,gals,gallon,gallons,us gal,gal (us)", Unit(3.785411784)),
    ("imp gal,uk gal,gal (uk),gal (imp)", Unit(4.54609)),
)
_PERCENT = _units(("%,pct,percent", Unit(1)))
_HOURS = _units(
    ("h,hr,hrs,hour,hours,ч", Unit(1)), ("min,mins,minutes,мин", Unit(1 / 60)), ("s,sec,seconds", Unit(1 / 3600))
)
_VOLTS = _units(("v,volt,volts,в", Unit(1)), ("mv,мв", Unit(0.001)))
_CELSIUS = _units(("°c,c,ºc,deg c,celsius,°с", Unit(1)), ("°f,f,ºf,deg f,fahrenheit", Unit(5 / 9, -160 / 9)))

_ANY = float("inf")
IGNITION = Kind("ignition", -_ANY, _ANY, 1)
PTO = Kind("pto", -_ANY, _ANY, 1)
RPM = Kind("rpm", 0, 8_000, 3_000)
VOLTAGE = Kind("voltage", 0, 60, 32, _VOLTS)
ODOMETER = Kind("odometer_m", 0, 1e10, 1e9, _DISTANCE)
FUEL_USED = Kind("fuel_used_l", 0, 1e7, 1e5, _VOLUME)
FUEL_LEVEL = Kind("fuel_level_l", 0, 5_000, 300, _VOLUME)
# A little over full is calibration; from 101.6 % on (254 of 0.4 % each) it is an error code.
FUEL_LEVEL_PCT = Kind("fuel_level_pct", 0, 101, 100, _PERCENT)
ENGINE_HOURS = Kind("engine_hours_h", 0, 200_000, 100_000, _HOURS)
TEMPERATURE = Kind("temperature", -60, 200, 120, _CELSIUS)
EXHAUST_TEMPERATURE = Kind("temperature", -60, 1_200, 1_000, _CELSIUS)
FUEL_RATE = Kind("fuel_rate", 0, 3_300, 20)

_BY_TYPE = {
    "engine operation": IGNITION,
    "engine rpm": RPM,
    "voltage": VOLTAGE,
    "mileage": ODOMETER,
    "absolute fuel consumption": FUEL_USED,
    "engine hours": ENGINE_HOURS,
    "instant fuel consumption": FUEL_RATE,
}
# Their values are increments: a sum over messages would be needed for a reading.
RELATIVE_TYPES = frozenset(
    {"odometer", "relative engine hours", "fuel level impulse sensor", "impulse fuel consumption"}
)
# Their values identify somebody or something, so "0042" is not 42.
IDENTITY_TYPES = frozenset({"driver", "trailer", "tag"})
TEXT_TYPES = IDENTITY_TYPES | {"custom"}


def kind_of(definition: SensorDefinition, tank_l: float | None = None) -> Kind | None:
    """What a sensor measures, from its type, its unit and, for the two rules below, its name; None when unknown.

    A "digital" or "custom" sensor is the power take-off when its name has the word PTO. A "temperature" may go above
    200 °C only when its name speaks of the exhaust.
    """
    if definition.type == "fuel level":
        return _fuel_level(definition, tank_l)
    if definition.type == "temperature":
        return EXHAUST_TEMPERATURE if _EXHAUST.search(definition.name) else TEMPERATURE
    if definition.type in {"digital", "custom"} and _PTO.search(definition.name):
        return PTO
    return _BY_TYPE.get(definition.type)


def _fuel_level(definition: SensorDefinition, tank_l: float | None) -> Kind:
    if _spelling(definition.unit) in FUEL_LEVEL_PCT.units:
        return FUEL_LEVEL_PCT
    return FUEL_LEVEL if tank_l is None else replace(FUEL_LEVEL, full_scale=min(FUEL_LEVEL.full_scale, tank_l))


def unit_of(definition: SensorDefinition, kind: Kind) -> Unit:
    """The unit of a sensor's values; the kind's default one when the text is empty or not known."""
    return kind.units.get(_spelling(definition.unit), kind.default_unit)
