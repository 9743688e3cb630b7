"""Expressions compiled to closures: what runs for every message."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import TypeAlias

from .definition import DIFFERENCE_OF_TWO_BYTES, SWITCHED_OFF, SWITCHED_ON
from .expression import NUMERAL_SYSTEMS, Constant, FirstValid, Negation, Node, Operation, Parameter, SensorReference
from .frame import Frame, Reader, reader
from .value import NAN, integer, number

Evaluator: TypeAlias = Callable[[Frame], float | None]  # None: not sent; NaN: sent, but unusable
Codes: TypeAlias = frozenset[float]

NO_CODES: Codes = frozenset()
_TWO_BYTES = 65_536


def compile_expression(node: Node, sensor_ids: Mapping[str, int], codes: Codes = NO_CODES) -> Evaluator:
    """The expression as a function; a parameter whose value is among `codes` is unusable."""
    match node:
        case Constant(value):
            return lambda frame: value
        case Parameter(name, previous, conversion):
            read = reader(name, previous=previous)
            return _parameter(read, codes) if conversion is None else _conversion(read, conversion)
        case SensorReference(name):
            return _sensor_value(sensor_ids.get(name))
        case Negation(operand):
            return _arithmetic(operator.sub, lambda frame: 0.0, compile_expression(operand, sensor_ids, codes))
        case Operation(sign, left, right):
            sides = (compile_expression(side, sensor_ids, codes) for side in (left, right))
            return _arithmetic(_OPERATORS[sign], *sides)
        case FirstValid(alternatives):
            return _first_valid([compile_expression(each, sensor_ids, codes) for each in alternatives])


def _parameter(read: Reader, codes: Codes) -> Evaluator:
    def evaluate(frame: Frame) -> float | None:
        return number(read(frame))

    def evaluate_code(frame: Frame) -> float | None:
        value = number(read(frame))
        return NAN if value in codes else value

    return evaluate_code if codes else evaluate


def _conversion(read: Reader, argument: int) -> Evaluator:
    """`name:16` of a text reads it in that numeral system; of a number, and for other arguments, takes that bit."""

    return lambda frame: converted(read(frame), argument)


def converted(value: object, argument: int) -> float | None:
    """What `:argument` makes of a value that was sent; see `_conversion`."""
    if value is None:
        return None
    if isinstance(value, str) and argument in NUMERAL_SYSTEMS:
        return _from_text(value, argument)
    bits = integer(value)
    return NAN if bits is None else float(bits >> (argument - 1) & 1)


def _from_text(text: str, base: int) -> float | None:
    try:
        return number(int(text.replace("_", "?"), base))
    except ValueError:
        return NAN


def _sensor_value(sensor_id: int | None) -> Evaluator:
    def evaluate(frame: Frame) -> float | None:
        return None if sensor_id is None else number(frame.values[sensor_id])

    return evaluate


def _arithmetic(apply: Callable[[float, float], float], left: Evaluator, right: Evaluator) -> Evaluator:
    def evaluate(frame: Frame) -> float | None:
        a = left(frame)
        b = right(frame)
        return None if a is None or b is None else apply(a, b)

    return evaluate


def _first_valid(alternatives: list[Evaluator]) -> Evaluator:
    def evaluate(frame: Frame) -> float | None:
        unusable = None
        for alternative in alternatives:
            value = alternative(frame)
            if value is not None and math.isfinite(value):
                return value
            unusable = unusable if value is None else NAN
        return unusable

    return evaluate


def changes(raw: Evaluator, mode: int) -> Evaluator:
    """What a counter counts since the message before, of an expression that reads one message alone."""

    def evaluate(frame: Frame) -> float | None:
        now = raw(frame)
        before = None if frame.previous is None else raw(frame.previous)
        return None if now is None or before is None else change(mode, before, now)

    return evaluate


def change(mode: int, before: float, now: float) -> float:
    """The difference, of two bytes with their overflow, or 1 for a switching and 0 for none."""
    if not (math.isfinite(before) and math.isfinite(now)):
        return NAN
    if mode in (SWITCHED_ON, SWITCHED_OFF):
        return float((now != 0, before != 0) == (mode == SWITCHED_ON, mode == SWITCHED_OFF))
    return now - before + (_TWO_BYTES if mode == DIFFERENCE_OF_TWO_BYTES and now < before else 0)


def _divide(a: float, b: float) -> float:
    return a / b if b else NAN


def power(a: float, b: float) -> float:
    """a^b; NaN where there is none."""
    try:
        return math.pow(a, b)
    except (ValueError, OverflowError):
        return NAN


_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "^": power,
}
