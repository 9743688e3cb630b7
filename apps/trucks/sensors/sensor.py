"""One sensor compiled: expression, bounds, calculation table, validation, cleaning."""

from __future__ import annotations

import math
import operator
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from .definition import SensorDefinition, TableRow
from .evaluation import NO_CODES, Codes, Evaluator, changes, compile_expression
from .expression import FirstValid, Node, Parameter
from .frame import Frame, Reader, SensorValue, reader
from .kinds import CODE_WIDTHS, IDENTITY_TYPES, TEXT_TYPES, Kind, unit_of
from .value import NAN, integer, is_invalid_marker, number

Curve: TypeAlias = Callable[[float], float]
Combination: TypeAlias = Callable[[float, float], float]
Range: TypeAlias = tuple[float, float]  # both ends included

_HIGHEST = sys.float_info.max
_FINITE: Range = (-_HIGHEST, _HIGHEST)  # no comparison with it holds for infinities and NaN


def compile_sensor(
    definition: SensorDefinition, expression: Node, sensor_ids: Mapping[str, int], kind: Kind | None
) -> Callable[[Frame], SensorValue]:
    """The sensor as a function of a frame in which the sensors that it reads already have their values.

    `sensor_ids` resolves the names in the expression. The value is in the sensor's own unit; None = not measured.
    What was sent but is no number, a "not available" code or outside of a range counts in `frame.dropped`.
    """
    rules = rules_of(definition, expression, kind)
    raw = compile_expression(expression, sensor_ids, rules.codes)
    if definition.counts:
        raw = changes(raw, definition.counts)
    if definition.validator_id is not None:
        value = _cleaned(raw, rules.raw_range, rules.curve, rules.value_range)
        return _validated(value, definition.validator_id, COMBINATIONS[definition.validation], rules.physical)
    value = _cleaned(raw, rules.raw_range, rules.curve, common(rules.value_range, rules.physical))
    return _texts_kept(value, expression, rules.is_identity) if rules.may_be_text else value


@dataclass(frozen=True, slots=True)
class Rules:
    """What becomes of a sensor's raw value, beside its validation."""

    codes: Codes  # raw values that mean "not available"
    raw_range: Range
    curve: Curve | None
    value_range: Range
    physical: Range
    may_be_text: bool
    is_identity: bool


def rules_of(definition: SensorDefinition, expression: Node, kind: Kind | None) -> Rules:
    curve = compile_table(definition.table)
    bounds = (_or_infinite(definition.lower, -1), _or_infinite(definition.upper, 1))
    raw_range, value_range = (_FINITE, bounds) if definition.bounds_after_table else (bounds, _FINITE)
    return Rules(
        codes=_unavailable_codes(definition, expression, curve, kind),
        raw_range=raw_range,
        curve=curve,
        value_range=value_range,
        physical=_physical_range(definition, kind),
        may_be_text=kind is None and not definition.table and definition.type in TEXT_TYPES,
        is_identity=definition.type in IDENTITY_TYPES,
    )


def compile_table(rows: tuple[TableRow, ...]) -> Curve | None:
    """The calculation table as a function: a row counts from its x to the next, the first one also below. None = X."""
    if not rows or (len(rows) == 1 and rows[0].a == 1 and rows[0].b == 0):
        return None
    if len(rows) == 1:
        a, b = rows[0].a, rows[0].b
        return lambda x: a * x + b
    starts = [row.x for row in rows]
    lines = [(row.a, row.b) for row in rows]

    def convert(x: float) -> float:
        a, b = lines[max(bisect_right(starts, x) - 1, 0)]
        return a * x + b

    return convert


def _cleaned(raw: Evaluator, raw_range: Range, curve: Curve | None, value_range: Range) -> Evaluator:
    raw_lower, raw_upper = raw_range
    lower, upper = value_range

    def evaluate(frame: Frame) -> float | None:
        x = raw(frame)
        if x is None:
            return None
        if raw_lower <= x <= raw_upper:
            y = x if curve is None else curve(x)
            if lower <= y <= upper:
                return y
        frame.dropped += 1
        return None

    return evaluate


def _validated(value: Evaluator, validator_id: int, combine: Combination, physical: Range) -> Evaluator:
    lower, upper = physical

    def evaluate(frame: Frame) -> float | None:
        main = value(frame)
        validator = number(frame.values.get(validator_id))
        if main is None or validator is None:
            return None
        result = combine(main, validator) if math.isfinite(validator) else NAN
        if lower <= result <= upper:
            return result
        frame.dropped += 1
        return None

    return evaluate


# By Wialon's numbers. The logical ones give 1 or 0, the mathematical ones combine the bits of whole numbers.
COMBINATIONS: dict[int, Combination] = {
    1: lambda main, validator: float(main != 0 and validator != 0),
    2: lambda main, validator: float(main != 0 or validator != 0),
    3: lambda main, validator: _bitwise(operator.and_, main, validator),
    4: lambda main, validator: _bitwise(operator.or_, main, validator),
}


def _bitwise(combine: Callable[[int, int], int], main: float, validator: float) -> float:
    try:
        return float(combine(int(main), int(validator)))
    except OverflowError:
        return NAN


# Ranges and codes


def _or_infinite(bound: float | None, sign: int) -> float:
    return sign * _HIGHEST if bound is None else bound


def common(first: Range, second: Range) -> Range:
    return max(first[0], second[0]), min(first[1], second[1])


def _physical_range(definition: SensorDefinition, kind: Kind | None) -> Range:
    """The kind's range in the sensor's own unit."""
    if kind is None:
        return _FINITE
    unit = unit_of(definition, kind)
    return common(_FINITE, ((kind.lower - unit.offset) / unit.factor, (kind.upper - unit.offset) / unit.factor))


def _unavailable_codes(definition: SensorDefinition, expression: Node, curve: Curve | None, kind: Kind | None) -> Codes:
    """The raw values that mean "not available" for this sensor; see the rule in `kinds`."""
    if kind is None:
        return NO_CODES
    unit = unit_of(definition, kind)
    raw = compile_expression(expression, {})
    for position, (highest, _) in enumerate(CODE_WIDTHS):
        values = (_probed(raw, curve, x) for x in _probes(definition, highest))
        if any(unit.factor * value + unit.offset >= kind.full_scale for value in values):
            return frozenset(float(code) for _, code in CODE_WIDTHS[position:])
    return frozenset({float(CODE_WIDTHS[-1][1])})


def _probes(definition: SensorDefinition, highest: int) -> Iterator[float]:
    """Where a piecewise straight curve can have its maximum between 0 and the highest valid code."""
    yield 0.0
    yield float(highest)
    for row in definition.table:
        if 0 < row.x <= highest:
            yield row.x
            yield math.nextafter(row.x, 0)


def _probed(raw: Evaluator, curve: Curve | None, x: float) -> float:
    """The sensor's value if every parameter were x; NaN when it has none then."""
    y = raw(Frame({"p": _EveryParameter(x)}, None, {}))
    if y is None:
        return NAN
    return y if curve is None else curve(y)


class _EveryParameter(dict[str, float]):
    """Parameters of which each has the same value, whatever its name."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self._value = value

    def get(self, key: str, default: object = None) -> float:
        return self._value


# Texts


def _texts_kept(numeric: Evaluator, expression: Node, identity: bool) -> Callable[[Frame], SensorValue]:
    """`numeric`, but a text that is no number stays a text; an identity always is one: "0042" is not 42."""
    readers = _plain_readers(expression)

    def evaluate(frame: Frame) -> SensorValue:
        # An empty text means that there is nothing to tell: no driver, no fault.
        sent = [value for value in (read(frame) for read in readers) if value is not None and value != ""]
        for value in sent:
            text = _text(value, identity)
            if text:
                return text
            if _is_usable(value):
                break
        return numeric(frame) if sent else None

    return evaluate if readers else numeric


def _plain_readers(expression: Node) -> list[Reader]:
    return [reader(node.name, previous=node.previous) for node in plain_parameters(expression)]


def plain_parameters(expression: Node) -> list[Parameter]:
    """The parameters, when the expression is but one or several to choose from."""
    nodes = expression.alternatives if isinstance(expression, FirstValid) else (expression,)
    plain = [node for node in nodes if isinstance(node, Parameter) and node.conversion is None]
    return plain if len(plain) == len(nodes) else []


def _text(value: object, identity: bool) -> str:
    """The text to keep; empty when there is none, or when the value is better read as a number."""
    if isinstance(value, str):
        return value.strip() if not is_invalid_marker(value) and (identity or not _is_number(value)) else ""
    if not identity or not _is_usable(value):
        return ""
    return str(integer(value)) if integer(value) == number(value) else str(value)


def _is_usable(value: object) -> bool:
    measured = number(value)
    return measured is not None and math.isfinite(measured)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
