"""A unit's sensor definitions as Wialon sends them, read without trusting a single field."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Any, TypeAlias, TypeVar

from .expression import ExpressionError, parse, reads_previous, references
from .value import number

RawSensors: TypeAlias = Mapping[str, Any] | list[Any] | None
_T = TypeVar("_T")
_Fault: TypeAlias = tuple[str, bool]  # the reason, and whether it is fatal
_Bounds: TypeAlias = tuple[float | None, float | None]

_UNBOUNDED: _Bounds = (None, None)

_BOUNDS_AFTER_TABLE = 0x40
_COUNTER_MODE = 0x07
# A "counter" may count changes of its parameter instead of showing it.
DIFFERENCE, DIFFERENCE_OF_TWO_BYTES, SWITCHED_ON, SWITCHED_OFF = 2, 3, 4, 5
_CHANGES = frozenset({DIFFERENCE, DIFFERENCE_OF_TWO_BYTES, SWITCHED_ON, SWITCHED_OFF})
_HIGHEST_ID = 2**63 - 1
# Wialon documents twelve types of validation but the numbers of these four only.
_VALIDATIONS = range(5)


@dataclass(frozen=True, slots=True)
class TableRow:
    """From `x` on, up to the next row's `x`, the value is `a * X + b`."""

    x: float
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class SensorDefinition:
    """One sensor of one unit: everything its values depend on, and nothing that only concerns its looks."""

    id: int
    name: str
    type: str  # Wialon's text in lower case: "engine operation", "fuel level"
    unit: str  # Wialon's "metrics", as typed by whoever made the sensor
    expression: str
    flags: int
    table: tuple[TableRow, ...]  # ascending x
    lower: float | None
    upper: float | None
    bounds_after_table: bool
    validation: int
    validator_id: int | None

    @property
    def counts(self) -> int | None:
        """What change since the message before the sensor counts; None: it shows what it reads."""
        mode = self.flags & _COUNTER_MODE
        return mode if mode in _CHANGES else None


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a sensor has no value (`fatal`), or what a person should know about the values that it has."""

    sensor_id: int | None
    name: str
    reason: str
    fatal: bool = True


class _Unreadable(ValueError):
    """A field of a definition does not hold what it must."""


def parse_definitions(sens: RawSensors) -> tuple[list[SensorDefinition], list[Problem]]:
    """The definitions in order of id, and the problems with them; never raises.

    A sensor with a fatal problem has a definition too, unless not even its id can be read. Of several
    sensors with one id the first counts.
    """
    definitions: dict[int, SensorDefinition] = {}
    problems: list[Problem] = []
    for key, item in _entries(sens):
        sensor_id = _whole_number(item.get("id", key)) if isinstance(item, Mapping) else None
        if sensor_id is None:
            problems.append(Problem(None, _text(key), "the definition has no id"))
        elif sensor_id in definitions:
            problems.append(Problem(sensor_id, _text(item.get("n")), "another sensor has the same id", fatal=False))
        else:
            definitions[sensor_id] = _definition(sensor_id, item, problems)
    return [definitions[sensor_id] for sensor_id in sorted(definitions)], problems


def table_version(
    definitions: Iterable[SensorDefinition], fatal_ids: Iterable[int], tank_l: float | None, *more: object
) -> str:
    """A short hash of everything the values depend on, the same in whatever order the sensors come."""
    content = [sorted(map(astuple, definitions)), sorted(fatal_ids), tank_l, *more]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _entries(sens: RawSensors) -> Iterator[tuple[object, Any]]:
    if isinstance(sens, Mapping):
        yield from sens.items()
    elif isinstance(sens, list):
        for item in sens:
            yield None, item


def _definition(sensor_id: int, item: Mapping[str, Any], problems: list[Problem]) -> SensorDefinition:
    name = _text(item.get("n"))
    faults: list[_Fault] = []
    flags = _read(_flags, item.get("f"), 0, faults)
    validation = _read(_flags, item.get("vt"), 0, faults)
    validator_id = _read(_flags, item.get("vs"), 0, faults)
    lower, upper = _read(_bounds, item.get("c"), _UNBOUNDED, faults, fatal=False)
    validated = validation != 0 and validator_id != 0
    definition = SensorDefinition(
        id=sensor_id,
        name=name,
        type=_text(item.get("t")).lower(),
        unit=_text(item.get("m")),
        expression=_text(item.get("p")),
        flags=flags,
        table=_read(_table, item.get("tbl"), (), faults),
        lower=lower,
        upper=upper,
        bounds_after_table=bool(flags & _BOUNDS_AFTER_TABLE),
        validation=validation if validated else 0,
        validator_id=validator_id if validated else None,
    )
    faults.extend((reason, True) for reason in _obstacles(definition))
    problems.extend(Problem(sensor_id, name, reason, fatal) for reason, fatal in faults)
    return definition


def _read(read: Callable[[object], _T], value: object, default: _T, faults: list[_Fault], *, fatal: bool = True) -> _T:
    """`read(value)`; for what cannot be read the default, and a fault."""
    try:
        return read(value)
    except _Unreadable as error:
        faults.append((str(error), fatal))
        return default


def _obstacles(definition: SensorDefinition) -> Iterator[str]:
    """Why a readable definition still cannot be evaluated from a message and the one before it."""
    try:
        expression = parse(definition.expression)
    except ExpressionError as error:
        yield f"the parameter cannot be read: {error}"
    else:
        if definition.counts and definition.type != "counter":
            yield "it counts changes, but is not a counter: not evaluated"
        elif definition.counts and (references(expression) or reads_previous(expression)):
            yield "changes of other sensors' values or of the message before are not evaluated"
    if definition.validation not in _VALIDATIONS:
        yield f"validation of type {definition.validation} is not known"


def _flags(value: object) -> int:
    if value is None or value == "":
        return 0
    result = _whole_number(value)
    if result is None or result < 0:
        raise _Unreadable("flags or validation are not numbers")
    return result


def _table(value: object) -> tuple[TableRow, ...]:
    rows = list(value.values()) if isinstance(value, Mapping) else value
    if not rows:
        return ()
    if not isinstance(rows, list):
        raise _Unreadable("the calculation table cannot be read")
    return tuple(sorted(map(_row, rows), key=lambda row: row.x))


def _row(value: object) -> TableRow:
    if not isinstance(value, Mapping):
        raise _Unreadable("a row of the calculation table cannot be read")
    x, a, b = (_finite(value.get(key)) for key in "xab")
    if x is None or a is None or b is None:
        raise _Unreadable("a row of the calculation table is not made of numbers")
    return TableRow(x, a, b)


def _bounds(config: object) -> _Bounds:
    """The bounds of the configuration; a pair that leaves no room between is none."""
    if isinstance(config, str) and config.strip():
        config = _json(config)
    if not config:
        return _UNBOUNDED
    if not isinstance(config, Mapping):
        raise _Unreadable("the configuration cannot be read: evaluated without bounds")
    lower, upper = _finite(config.get("lower_bound")), _finite(config.get("upper_bound"))
    if lower is not None and upper is not None and lower >= upper:
        return _UNBOUNDED
    return lower, upper


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _Unreadable("the configuration cannot be read: evaluated without bounds") from None


def _finite(value: object) -> float | None:
    result = number(value)
    # Adding zero turns -0.0 into 0.0: equal definitions must look equal to the hash as well.
    return result + 0.0 if result is not None and math.isfinite(result) else None


def _whole_number(value: object) -> int | None:
    result = value if isinstance(value, int) else _finite(value)
    return int(result) if result is not None and result == int(result) and abs(result) <= _HIGHEST_ID else None


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
