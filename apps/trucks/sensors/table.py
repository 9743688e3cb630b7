"""A unit's whole sensor table, compiled once and evaluated for every message."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from .definition import Problem, RawSensors, SensorDefinition, parse_definitions, table_version
from .device import DEFAULT_EVENTS, DeviceEvents
from .expression import reads_previous
from .frame import Frame, Message, SensorValue
from .kinds import kind_of
from .resolution import Resolution, resolve
from .sensor import compile_sensor
from .sources import Source, Sources, notes, select_sources

# In an order in which every sensor comes after those that it reads.
Program: TypeAlias = tuple[tuple[int, Callable[[Frame], SensorValue]], ...]


@dataclass(frozen=True, slots=True)
class Readings:
    """What detection needs of one message. None = not measured."""

    ignition: bool | None
    rpm: float | None
    voltage: float | None
    odometer_m: int | None
    fuel_used_l: float | None  # counter, since the truck was new
    fuel_level_l: float | None  # sum over the tanks
    engine_hours_h: float | None
    pto: bool | None
    harsh: int | None  # what the device says of harsh driving; see device.harsh_code
    dtc: str | None  # the faults that it says are active, "" for none; see device.parse_codes
    dropped: int  # values of any sensor, or of an event parameter, that were sent but dropped by cleaning


@dataclass(frozen=True, slots=True)
class SensorTable:
    """The sensors of one unit as a function from messages to values; immutable."""

    definitions: tuple[SensorDefinition, ...]  # by id
    problems: tuple[Problem, ...]  # by sensor
    version: str  # equal for equal definitions, in whatever order they came
    measures: frozenset[str]  # the fields of Readings that some sensor can fill
    reads_previous: bool  # whether values depend on the previous message too
    _program: Program = field(repr=False, compare=False)
    _sources: Sources = field(repr=False, compare=False)
    _unmeasured: Mapping[int, SensorValue] = field(repr=False, compare=False)
    _events: DeviceEvents = field(repr=False, compare=False)

    @classmethod
    def compile(
        cls, sens: RawSensors, tank_l: float | None = None, events: DeviceEvents = DEFAULT_EVENTS
    ) -> SensorTable:
        """The compiled table of a unit's `sens`; never raises: what cannot be evaluated is among its `problems`.

        With the capacity of its tank a fuel level in per cent becomes litres. `events`: the parameters by which its
        device tells of harsh driving and faults.
        """
        tank_l = float(tank_l) if tank_l is not None and 0 < tank_l < math.inf else None
        definitions, problems = parse_definitions(sens)
        broken = {problem.sensor_id for problem in problems if problem.fatal and problem.sensor_id is not None}
        resolution = resolve(definitions, broken)
        evaluable = sorted(resolution.order, key=lambda definition: definition.id)
        sources = select_sources(evaluable, tank_l)
        return cls(
            definitions=tuple(definitions),
            problems=tuple(sorted([*problems, *resolution.problems, *notes(evaluable, sources)], key=_by_sensor)),
            version=table_version(definitions, broken, tank_l, *events.own),
            measures=frozenset(sources),
            reads_previous=any(map(reads_previous, resolution.expressions.values())),
            _program=_program(resolution, tank_l),
            _sources=sources,
            _unmeasured=dict.fromkeys(definition.id for definition in definitions),
            _events=events,
        )

    def evaluate(self, message: Message, previous: Message | None = None) -> dict[int, SensorValue]:
        """Each sensor's value by id, in the sensor's own unit; None = not measured or not to be evaluated.

        `previous` is the message before, for expressions with `#`.
        """
        return self._run(message, previous).values

    def readings(self, message: Message, previous: Message | None = None) -> Readings:
        """The canonical readings of a message.

        Of several sensors of a kind the one with the lowest id that gives a value counts. A counter is always read
        from the same sensor, the first that can be evaluated. Fuel levels in litres are summed, and unknown if one is.
        """
        frame = self._run(message, previous)
        values, sources = frame.values, self._sources
        odometer = _first(values, sources.get("odometer_m", ()))
        params = message.get("p")
        harsh, dtc, unusable = self._events.read(params) if isinstance(params, Mapping) else (None, None, 0)
        return Readings(
            ignition=_is_on(_first(values, sources.get("ignition", ()))),
            rpm=_first(values, sources.get("rpm", ())),
            voltage=_first(values, sources.get("voltage", ())),
            odometer_m=None if odometer is None else round(odometer),
            fuel_used_l=_first(values, sources.get("fuel_used_l", ())),
            fuel_level_l=_sum(values, sources.get("fuel_level_l", ())),
            engine_hours_h=_first(values, sources.get("engine_hours_h", ())),
            pto=_is_on(_first(values, sources.get("pto", ()))),
            harsh=harsh,
            dtc=dtc,
            dropped=frame.dropped + unusable,
        )

    def _run(self, message: Message, previous: Message | None) -> Frame:
        before = Frame(previous, None, {}) if previous is not None and self.reads_previous else None
        values = dict(self._unmeasured)
        frame = Frame(message, before, values)
        for sensor_id, evaluate in self._program:
            values[sensor_id] = evaluate(frame)
        return frame


def _by_sensor(problem: Problem) -> tuple[bool, int]:
    return problem.sensor_id is None, problem.sensor_id or 0


def _program(resolution: Resolution, tank_l: float | None) -> Program:
    return tuple(
        (
            definition.id,
            compile_sensor(
                definition,
                resolution.expressions[definition.id],
                resolution.sensor_ids,
                kind_of(definition, tank_l),
            ),
        )
        for definition in resolution.order
    )


def _first(values: Mapping[int, SensorValue], sources: tuple[Source, ...]) -> float | None:
    for sensor_id, factor in sources:
        value = values[sensor_id]
        if isinstance(value, float):
            return value * factor
    return None


def _sum(values: Mapping[int, SensorValue], sources: tuple[Source, ...]) -> float | None:
    parts = [_first(values, (source,)) for source in sources]
    measured = [part for part in parts if part is not None]
    return math.fsum(measured) if measured and len(measured) == len(parts) else None


def _is_on(value: float | None) -> bool | None:
    return None if value is None else value != 0
