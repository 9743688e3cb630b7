"""A unit's whole sensor table, compiled once and evaluated for every message."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, TypeAlias

import numpy as np

from . import columns
from .columns import Batch, Column, Outcome
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
ColumnProgram: TypeAlias = tuple[tuple[int, Callable[[Batch], Outcome]], ...]

_WORTH_COLUMNS = 24  # messages; for fewer, going one by one is as fast


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
class Evaluated:
    """What a sensor table makes of consecutive messages."""

    columns: tuple[list[Any], ...]  # one for each field of Readings, in their order
    newest: dict[int, tuple[SensorValue, int]]  # sensor → its last value and the number of the message that has it


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
    _columns: ColumnProgram = field(repr=False, compare=False)

    @classmethod
    def compile(
        cls,
        sens: RawSensors,
        tank_l: float | None = None,
        events: DeviceEvents = DEFAULT_EVENTS,
        left_out: Collection[int] = (),
    ) -> SensorTable:
        """The compiled table of a unit's `sens`; never raises: what cannot be evaluated is among its `problems`.

        With the capacity of its tank a fuel level in per cent becomes litres. `events`: the parameters by which its
        device tells of harsh driving and faults. Of the sensors `left_out` no reading is made.
        """
        tank_l = float(tank_l) if tank_l is not None and 0 < tank_l < math.inf else None
        definitions, problems = parse_definitions(sens)
        broken = {problem.sensor_id for problem in problems if problem.fatal and problem.sensor_id is not None}
        resolution = resolve(definitions, broken)
        evaluable = sorted(resolution.order, key=lambda definition: definition.id)
        left_out = sorted({definition.id for definition in definitions} & set(left_out))
        chosen = [definition for definition in evaluable if definition.id not in left_out]
        sources = select_sources(chosen, tank_l)
        program = _program(resolution, tank_l)
        return cls(
            definitions=tuple(definitions),
            problems=tuple(sorted([*problems, *resolution.problems, *notes(chosen, sources)], key=_by_sensor)),
            version=table_version(definitions, broken, tank_l, *events.own, *left_out),
            measures=frozenset(sources),
            reads_previous=any(map(reads_previous, resolution.expressions.values()))
            or any(definition.counts for definition in resolution.order),
            _program=program,
            _sources=sources,
            _unmeasured=dict.fromkeys(definition.id for definition in definitions),
            _events=events,
            _columns=_column_program(resolution, tank_l, dict(program)),
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
        return self._readings(self._run(message, previous))

    def _readings(self, frame: Frame) -> Readings:
        values, sources = frame.values, self._sources
        odometer = _first(values, sources.get("odometer_m", ()))
        harsh, dtc, unusable = self._events.read(frame.parameters)
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

    def read(self, messages: Sequence[Message], previous: Message | None = None) -> Evaluated:
        """The readings of consecutive messages, `previous` being the one before: those of `readings`, but faster."""
        if len(messages) >= _WORTH_COLUMNS:
            return self._read_columns(messages, previous)
        rows: list[tuple[Any, ...]] = []
        newest: dict[int, tuple[SensorValue, int]] = {}
        for number, message in enumerate(messages):
            frame = self._run(message, previous)
            rows.append(astuple(self._readings(frame)))
            newest |= {key: (value, number) for key, value in frame.values.items() if value is not None}
            previous = message
        return Evaluated(tuple(map(list, zip(*rows, strict=True))), newest)

    def _read_columns(self, messages: Sequence[Message], previous: Message | None) -> Evaluated:
        batch = Batch(messages, previous if self.reads_previous else None)
        dropped = np.zeros(len(messages), dtype=np.int64)
        with np.errstate(all="ignore"):  # what comes of garbage is NaN, and dropped
            for sensor_id, evaluate in self._columns:
                outcome = batch.sensors[sensor_id] = evaluate(batch)
                dropped += outcome.dropped
            measured = _measured(batch, self._sources)
        harsh, dtc, unusable = map(list, zip(*self._events.read_all(batch.parameters), strict=True))
        dropped += np.array(unusable, dtype=np.int64)
        return Evaluated((*measured, harsh, dtc, dropped.tolist()), _newest(batch))

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


def _column_program(
    resolution: Resolution, tank_l: float | None, one_by_one: Mapping[int, Callable[[Frame], SensorValue]]
) -> ColumnProgram:
    return tuple(
        (
            definition.id,
            columns.compile_sensor(
                definition,
                resolution.expressions[definition.id],
                resolution.sensor_ids,
                kind_of(definition, tank_l),
                one_by_one[definition.id],
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


# The same of whole columns


def _measured(batch: Batch, sources: Sources) -> Iterator[list[Any]]:
    """The columns of Readings that come from sensors, in their order."""
    for name in ("ignition", "rpm", "voltage", "odometer_m", "fuel_used_l", "fuel_level_l", "engine_hours_h", "pto"):
        found = [_in_unit_of_reading(batch, source) for source in sources.get(name, ())]
        if not found:
            yield [None] * len(batch)
        elif name == "fuel_level_l":
            yield _sums(found)
        else:
            values, measured = _firsts(found)
            if name in ("ignition", "pto"):
                values = values != 0
            elif name == "odometer_m":
                values = np.where(measured, np.rint(values), 0).astype(np.int64)
            yield _or_none(values, measured)


def _in_unit_of_reading(batch: Batch, source: Source) -> Column:
    values, measured = batch.sensors[source.sensor_id].column
    return Column(values * source.factor, measured)


def _firsts(found: Sequence[Column]) -> tuple[Any, Any]:
    values, measured = found[-1]
    for column in reversed(found[:-1]):
        values = np.where(column.sent, column.values, values)
        measured = measured | column.sent
    return values, measured


def _sums(found: Sequence[Column]) -> list[float | None]:
    measured = np.logical_and.reduce([column.sent for column in found])
    if len(found) == 1:
        return _or_none(found[0].values, measured)
    parts = zip(*(np.where(measured, column.values, 0.0).tolist() for column in found), strict=True)
    return [math.fsum(each) if has else None for each, has in zip(parts, measured.tolist(), strict=True)]


def _or_none(values: Any, measured: Any) -> list[Any]:
    found: list[Any] = values.tolist()
    if measured.all():
        return found
    return [value if has else None for value, has in zip(found, measured.tolist(), strict=True)]


def _newest(batch: Batch) -> dict[int, tuple[SensorValue, int]]:
    newest: dict[int, tuple[SensorValue, int]] = {}
    for sensor_id, (column, _, texts) in batch.sensors.items():
        having = np.flatnonzero(column.sent)
        if len(having):
            last = int(having[-1])
            newest[sensor_id] = (texts[last] if texts is not None else float(column.values[last]), last)
    return newest
