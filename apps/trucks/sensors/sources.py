"""Which sensors feed which reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from .definition import Problem, SensorDefinition
from .kinds import FUEL_LEVEL, FUEL_LEVEL_PCT, RELATIVE_TYPES, Kind, kind_of, unit_of


class Source(NamedTuple):
    sensor_id: int
    factor: float  # from the sensor's own unit to that of the reading


Sources: TypeAlias = Mapping[str, tuple[Source, ...]]  # by field of Readings, in order of sensor id

# A counter read now from one sensor, now from another would jump between them, and each jump would pass for driving.
_COUNTERS = frozenset({"odometer_m", "fuel_used_l", "engine_hours_h"})
_READINGS = _COUNTERS | {"ignition", "rpm", "voltage", "fuel_level_l", "pto"}


def select_sources(definitions: Sequence[SensorDefinition], tank_l: float | None) -> Sources:
    """The sources of each reading that has any; `definitions` are those that can be evaluated, by id."""
    sources: dict[str, tuple[Source, ...]] = {}
    percentages: list[Source] = []
    for definition in definitions:
        kind = kind_of(definition)
        if kind is FUEL_LEVEL_PCT and tank_l is not None:
            percentages.append(Source(definition.id, tank_l / 100))
        elif kind is not None and kind.reading in _READINGS:
            sources[kind.reading] = (
                *sources.get(kind.reading, ()),
                Source(definition.id, unit_of(definition, kind).factor),
            )
    if len(percentages) == 1:
        sources.setdefault(FUEL_LEVEL.reading, tuple(percentages))
    return {reading: found[:1] if reading in _COUNTERS else found for reading, found in sources.items()}


def notes(definitions: Sequence[SensorDefinition], sources: Sources) -> Iterator[Problem]:
    """What a person should know of sensors that can be evaluated, but not or not surely turned into a reading."""
    for definition in definitions:
        kind = kind_of(definition)
        reasons = [_relative(definition), _unknown_unit(definition, kind), _left_out(definition, kind, sources)]
        for reason in filter(None, reasons):
            yield Problem(definition.id, definition.name, reason, fatal=False)


def _relative(definition: SensorDefinition) -> str | None:
    return "its values are increments: no reading is made of them" if definition.type in RELATIVE_TYPES else None


def _unknown_unit(definition: SensorDefinition, kind: Kind | None) -> str | None:
    if kind is None or kind.knows(definition.unit):
        return None
    return f"the unit {definition.unit!r} is not known: read as {next(iter(kind.units))}"


def _left_out(definition: SensorDefinition, kind: Kind | None, sources: Sources) -> str | None:
    if kind is FUEL_LEVEL_PCT and all(source.sensor_id != definition.id for source in sources.get("fuel_level_l", ())):
        return "litres need the tank's capacity and no other level sensor"
    if kind is None or kind.reading not in _COUNTERS:
        return None
    used = sources[kind.reading][0].sensor_id
    return None if used == definition.id else f"not used: a counter is read from one sensor, here {used}"
