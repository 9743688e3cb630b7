"""Sensors evaluated over a whole batch of messages, column by column, with exactly the values of one by one.

What NumPy can do alike is done in arrays; the rest (texts, bits, powers, garbage) goes value by value through the same
functions as in `evaluation` and `sensor`, which define what is right.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from .definition import SensorDefinition, TableRow
from .evaluation import Codes, change, converted, power
from .expression import Constant, FirstValid, Negation, Node, Operation, Parameter, SensorReference
from .frame import Frame, Message, SensorValue, derivation, parameters_of, reader
from .kinds import Kind
from .sensor import COMBINATIONS, Range, common, plain_parameters, rules_of
from .value import MARKER_FROM, MARKER_TO, NAN, number

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

_NUMBERS = frozenset({float, int, bool, type(None)})


class Column(NamedTuple):
    """A value for each message: where not sent, it is none; sent but NaN or infinite, it is unusable."""

    values: Floats
    sent: Flags

    @property
    def usable(self) -> Flags:
        return self.sent & np.isfinite(self.values)


class Batch:
    """Consecutive messages, and the columns of them that were read so far."""

    def __init__(self, messages: Sequence[Message], previous: Message | None) -> None:
        self.messages = messages
        self.previous = previous
        self.parameters = [parameters_of(message) for message in messages]
        self.sensors: dict[int, Outcome] = {}  # of the sensors evaluated so far
        self._sent: dict[tuple[str, bool], list[object]] = {}
        self._numbers: dict[tuple[str, bool], Column] = {}

    def __len__(self) -> int:
        return len(self.messages)

    @cached_property
    def frames(self) -> list[Frame]:
        """The messages one by one, for what goes value by value."""
        frames = [Frame(message, None, {}) for message in self.messages]
        before = None if self.previous is None else Frame(self.previous, None, {})
        for frame in frames:
            frame.previous, before = before, frame
        return frames

    def sent(self, name: str, previous: bool) -> list[object]:
        """A parameter as it was sent with each message."""
        key = name, previous
        if key not in self._sent:
            self._sent[key] = self._previously_sent(name) if previous else self._sent_now(name)
        return self._sent[key]

    def _previously_sent(self, name: str) -> list[object]:
        read = reader(name, previous=True)
        return [read(frame) for frame in self.frames]

    def _sent_now(self, name: str) -> list[object]:
        sent = [parameters.get(name) for parameters in self.parameters]
        derive = derivation(name)
        if derive is None:
            return sent
        derived = map(derive, self.messages)
        return [there if value is None else value for value, there in zip(derived, sent, strict=True)]

    def numbers(self, name: str, previous: bool) -> Column:
        key = name, previous
        if key not in self._numbers:
            self._numbers[key] = numbers(self.sent(name, previous))
        return self._numbers[key]


Evaluator: TypeAlias = Callable[[Batch], Column]


def numbers(raw: Sequence[object]) -> Column:
    """`value.number` of each."""
    kinds = set(map(type, raw))
    if kinds <= _NUMBERS:
        try:
            values: Floats = np.array(raw, dtype=np.float64)
        except OverflowError:
            return _column(map(number, raw))
        sent = _present(raw) if type(None) in kinds else np.ones(len(raw), dtype=np.bool_)
        return Column(_without_marker(values), sent)
    return _column(map(number, raw))


def _without_marker(values: Floats) -> Floats:
    values[(values > MARKER_FROM) & (values < MARKER_TO)] = NAN
    return values


def _present(values: Sequence[object]) -> Flags:
    return np.array([value is not None for value in values], dtype=np.bool_)


def _column(values: Iterable[float | None]) -> Column:
    found = list(values)
    return Column(np.array(found, dtype=np.float64), _present(found))


def compile_expression(node: Node, sensor_ids: Mapping[str, int], codes: Codes) -> Evaluator:
    """As `evaluation.compile_expression`, over a batch."""
    match node:
        case Constant(value):
            return lambda batch: Column(np.full(len(batch), value), np.ones(len(batch), dtype=np.bool_))
        case Parameter(name, previous, argument):
            if argument is None:
                return lambda batch: _without_codes(batch.numbers(name, previous), codes)
            return lambda batch: _column(converted(value, argument) for value in batch.sent(name, previous))
        case SensorReference(name):
            return lambda batch: sensor_value(batch, sensor_ids.get(name))
        case Negation(operand):
            return _arithmetic(
                "-", compile_expression(Constant(0.0), {}, codes), compile_expression(operand, sensor_ids, codes)
            )
        case Operation(sign, left, right):
            return _arithmetic(sign, *(compile_expression(side, sensor_ids, codes) for side in (left, right)))
        case FirstValid(alternatives):
            return _first_valid([compile_expression(each, sensor_ids, codes) for each in alternatives])


def _without_codes(column: Column, codes: Codes) -> Column:
    if not codes:
        return column
    values = column.values.copy()
    for code in codes:
        values[column.values == code] = NAN
    return Column(values, column.sent)


def sensor_value(batch: Batch, sensor_id: int | None) -> Column:
    """The value of another sensor as a number, in which a value that looks like Wialon's invalid marker is none."""
    if sensor_id is None or sensor_id not in batch.sensors:
        return Column(np.full(len(batch), NAN), np.zeros(len(batch), dtype=np.bool_))
    values, sent = batch.sensors[sensor_id].column
    return Column(_without_marker(values.copy()), sent)


def _arithmetic(sign: str, left: Evaluator, right: Evaluator) -> Evaluator:
    apply = _OPERATORS[sign]

    def evaluate(batch: Batch) -> Column:
        a, b = left(batch), right(batch)
        return Column(apply(a.values, b.values), a.sent & b.sent)

    return evaluate


def _divide(a: Floats, b: Floats) -> Floats:
    quotient: Floats = np.divide(a, b)
    quotient[b == 0] = NAN
    return quotient


def _powers(a: Floats, b: Floats) -> Floats:
    # NumPy's power may differ from Python's in the last bit.
    return np.array([power(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)], dtype=np.float64)


_OPERATORS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "^": _powers,
}


def _first_valid(alternatives: Sequence[Evaluator]) -> Evaluator:
    def evaluate(batch: Batch) -> Column:
        columns = [alternative(batch) for alternative in alternatives]
        values, sent = np.full(len(batch), NAN), np.zeros(len(batch), dtype=np.bool_)
        for column in reversed(columns):
            values = np.where(column.usable, column.values, values)
            sent |= column.sent
        return Column(values, sent)

    return evaluate


def compile_curve(rows: tuple[TableRow, ...]) -> Callable[[Floats], Floats]:
    """A calculation table (not empty) over a column."""
    starts, a, b = (np.array([getattr(row, name) for row in rows]) for name in "xab")

    def convert(x: Floats) -> Floats:
        row = np.maximum(np.searchsorted(starts, x, side="right") - 1, 0)
        converted: Floats = a[row] * x + b[row]
        return converted

    return convert


def _changes(raw: Evaluator, mode: int) -> Evaluator:
    def evaluate(batch: Batch) -> Column:
        now = raw(batch)
        first = batch.previous
        before = _column([None]) if first is None else raw(Batch([first], None))
        values = [*before.values.tolist(), *now.values.tolist()]
        found = np.array([change(mode, *pair) for pair in pairwise(values)], dtype=np.float64)
        return Column(found, now.sent & np.append(before.sent, now.sent[:-1]))

    return evaluate


# One sensor


class Outcome(NamedTuple):
    """What a sensor gives for each message; `texts` only where some values are texts, and then all values."""

    column: Column  # the values as numbers; not sent = no value, unusable = a text that is no number
    dropped: Flags
    texts: list[SensorValue] | None = None


def compile_sensor(
    definition: SensorDefinition,
    expression: Node,
    sensor_ids: Mapping[str, int],
    kind: Kind | None,
    one_by_one: Callable[[Frame], SensorValue],
) -> Callable[[Batch], Outcome]:
    """As `sensor.compile_sensor`, over a batch in which the sensors that it reads already have their values.

    `one_by_one` is what that function gives: it is asked where a sensor may hold texts and some were sent.
    """
    rules = rules_of(definition, expression, kind)
    raw = compile_expression(expression, sensor_ids, rules.codes)
    if definition.counts:
        raw = _changes(raw, definition.counts)
    curve = compile_curve(definition.table) if rules.curve else None
    if definition.validator_id is not None:
        value = _cleaned(raw, rules.raw_range, curve, rules.value_range)
        return _validated(value, definition.validator_id, definition.validation, rules.physical)
    value = _cleaned(raw, rules.raw_range, curve, common(rules.value_range, rules.physical))
    plain = plain_parameters(expression) if rules.may_be_text else []
    return _texts_kept(value, plain, rules.is_identity, one_by_one) if plain else value


def _cleaned(
    raw: Evaluator, raw_range: Range, curve: Callable[[Floats], Floats] | None, value_range: Range
) -> Callable[[Batch], Outcome]:
    def evaluate(batch: Batch) -> Outcome:
        x, sent = raw(batch)
        y = x if curve is None else curve(x)
        fits = sent & (x >= raw_range[0]) & (x <= raw_range[1]) & (y >= value_range[0]) & (y <= value_range[1])
        return Outcome(Column(y, fits), sent & ~fits)

    return evaluate


def _validated(
    value: Callable[[Batch], Outcome], validator_id: int, validation: int, physical: Range
) -> Callable[[Batch], Outcome]:
    combine = COMBINATIONS[validation]

    def evaluate(batch: Batch) -> Outcome:
        (main, measured), dropped, _ = value(batch)
        validator = sensor_value(batch, validator_id)
        both = measured & validator.sent
        pairs = zip(main.tolist(), validator.values.tolist(), validator.usable.tolist(), both.tolist(), strict=True)
        result = np.array([combine(a, b) if usable and has else NAN for a, b, usable, has in pairs], dtype=np.float64)
        fits = both & (result >= physical[0]) & (result <= physical[1])
        return Outcome(Column(result, fits), dropped | (both & ~fits))

    return evaluate


def _texts_kept(
    value: Callable[[Batch], Outcome],
    plain: Sequence[Parameter],
    is_identity: bool,
    one_by_one: Callable[[Frame], SensorValue],
) -> Callable[[Batch], Outcome]:
    harmless = {type(None)} if is_identity else {type(None), float, int}

    def evaluate(batch: Batch) -> Outcome:
        if all(set(map(type, batch.sent(each.name, each.previous))) <= harmless for each in plain):
            return value(batch)
        texts: list[SensorValue] = []
        dropped = []
        for frame in batch.frames:
            frame.dropped = 0
            texts.append(one_by_one(frame))
            dropped.append(frame.dropped > 0)
        return Outcome(numbers(texts), np.array(dropped, dtype=np.bool_), texts)

    return evaluate
