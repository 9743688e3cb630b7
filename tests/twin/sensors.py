"""A unit's sensor table: which sensor is read for what, and what it says of a message."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.twin.expressions import CODE_WIDTHS, NAN, Node, Value, combine, converted, is_usable, number, parsed, sent
from tests.twin.page import Message

COUNTS_CHANGES = (2, 3, 4, 5)  # a difference, one of two bytes, switchings on, switchings off: low bits of the flags
MAY_BE_TEXT, IDENTITIES = ("driver", "trailer", "tag", "custom"), ("driver", "trailer", "tag")
READINGS = ("ignition", "rpm", "voltage", "odometer_m", "fuel_l", "hours", "pto")
COUNTERS = ("odometer_m", "fuel_l", "hours")


class Kind(NamedTuple):
    """What a sensor measures; range and full scale in the unit of the reading, which the units lead to."""

    reading: str | None
    low: float
    high: float
    full_scale: float
    units: dict[str, tuple[float, float]] = {}  # factor and offset by unit; the first is the default

    def unit(self, text: str) -> tuple[float, float]:
        """Factor and offset of the unit of this name, else of the default one."""
        return self.units.get(text.lower().rstrip("."), next(iter(self.units.values()), (1, 0)))


def units(**factors: float) -> dict[str, tuple[float, float]]:
    return {text: (factor, 0) for texts, factor in factors.items() for text in texts.split("_")}


LITRES = units(l_liter_liters_litre_litres=1, gal_gallon_gallons=3.785411784) | {"imp gal": (4.54609, 0)}
KINDS = {
    "engine operation": Kind("ignition", -math.inf, math.inf, 1),
    "engine rpm": Kind("rpm", 0, 8_000, 3_000),
    "voltage": Kind("voltage", 0, 60, 32, units(v_volt_volts=1, mv=0.001)),
    "mileage": Kind("odometer_m", 0, 1e10, 1e9, units(km=1_000, mi_mile_miles=1_609.344, m=1)),
    "absolute fuel consumption": Kind("fuel_l", 0, 1e7, 1e5, LITRES),
    "fuel level": Kind("level_l", 0, 5_000, 300, LITRES),
    "engine hours": Kind("hours", 0, 200_000, 100_000, units(h_hour_hours=1, min_minutes=1 / 60, s_sec=1 / 3_600)),
    "temperature": Kind(None, -60, 200, 120, {"°c": (1, 0), "°f": (5 / 9, -160 / 9)}),
    "instant fuel consumption": Kind(None, 0, 3_300, 20),
}
LEVEL_PCT = Kind("level_pct", 0, 101, 100)
PTO = Kind("pto", -math.inf, math.inf, 1)
PTO_NAME = re.compile(r"(?<![a-z])pto(?![a-z])|power take.?off", re.IGNORECASE)
EXHAUST_NAME = re.compile(r"exhaust|(?<![a-z])(egt|dpf|scr|doc)(?![a-z])|turbo|catal", re.IGNORECASE)


def kind_of(sensor: dict[str, Any], tank_l: float | None) -> Kind | None:
    kind, name, unit = str(sensor.get("t")).lower(), str(sensor.get("n") or ""), str(sensor.get("m") or "").strip()
    if kind in ("custom", "digital"):
        return PTO if PTO_NAME.search(name) else None
    if kind == "fuel level" and unit in ("%", "pct"):
        return LEVEL_PCT
    found = KINDS.get(kind)
    if found is not None and kind == "fuel level" and tank_l is not None:
        return found._replace(full_scale=min(found.full_scale, tank_l))
    if found is not None and kind == "temperature" and EXHAUST_NAME.search(name):
        return found._replace(high=1_200, full_scale=1_000)
    return found


class Frame:
    """One message, with the one before it, while its sensors are evaluated."""

    def __init__(self, table: "SensorTable", message: Message, previous: Message | None) -> None:
        self.table, self.message, self.previous = table, message, previous
        self.values: dict[int, Value | str] = {}

    def read(self, name: str, previous: bool) -> object:
        return sent(self.previous if previous else self.message, name)

    def value(self, sensor_id: int) -> Value | str:
        if sensor_id not in self.values:
            self.values[sensor_id] = self.table.sensors[sensor_id].value(self)
        return self.values[sensor_id]

    def usable(self, sensor_id: int | None) -> Value:
        """A sensor's value for another one: None where it was dropped or cannot be evaluated."""
        if sensor_id is None or sensor_id not in self.table.evaluable:
            return None
        value = self.value(sensor_id)
        return number(value) if isinstance(value, str) or is_usable(value) else None

    def evaluated(self, node: Node, codes: frozenset[int]) -> Value:
        match node:
            case ("const", value):
                return float(value)
            case ("sensor", name):
                return self.usable(self.table.ids.get(name))
            case ("param", name, previous, conversion):
                raw = self.read(name, previous)
                value = converted(raw, conversion) if conversion else number(raw)
                return NAN if not conversion and value in codes else value
            case ("|", left, right):
                value = self.evaluated(left, codes)
                other = None if is_usable(value) else self.evaluated(right, codes)
                return value if other is None else other
            case (sign, left, right):
                return combine(sign, self.evaluated(left, codes), self.evaluated(right, codes))
        raise AssertionError(node)


class Probe(Frame):
    """A message without predecessor in which every parameter has the same value."""

    def __init__(self, x: float) -> None:
        super().__init__(SensorTable({}, None), {}, None)
        self.x = x

    def read(self, name: str, previous: bool) -> object:
        return None if previous else self.x


class Sensor:
    """One row of a sensor table."""

    def __init__(self, row: dict[str, Any], tank_l: float | None) -> None:
        self.kind = kind_of(row, tank_l)
        self.name, self.type, self.unit = str(row.get("n") or ""), row.get("t"), str(row.get("m") or "").strip()
        self.factor, self.offset = self.kind.unit(self.unit) if self.kind else (1, 0)
        self.rows = sorted(row.get("tbl") or [], key=lambda line: float(line["x"]))
        self.flags = int(row.get("f") or 0)
        self.counts = self.flags & 7 if self.flags & 7 in COUNTS_CHANGES else 0
        self.validator = int(row.get("vs") or 0) or None
        self.validation = int(row.get("vt") or 0) if self.validator else 0
        self.lower, self.upper = bounds_of(row)
        try:
            self.expression: Node | None = parsed(str(row.get("p") or ""))
        except ValueError:
            self.expression = None
        self.codes = frozenset(self.unavailable_codes())
        plain = [] if self.kind or self.rows or self.type not in MAY_BE_TEXT else plain_parameters(self.expression)
        self.texts = [(name, previous) for _, name, previous, _ in plain]

    def unavailable_codes(self) -> Iterator[int]:
        """All ones at the narrowest width whose valid codes reach the kind's full scale, and at the wider ones."""
        reached = False
        for highest, code in CODE_WIDTHS if self.kind and self.expression else ():
            reached = reached or self.reaches_full_scale(highest)
            if reached or code == 0xFFFFFFFF:
                yield code

    def reaches_full_scale(self, highest: int) -> bool:
        assert self.kind and self.expression
        edges = [float(row["x"]) for row in self.rows if 0 < float(row["x"]) <= highest]
        shown = []
        for x in [0.0, float(highest), *edges, *(math.nextafter(edge, 0) for edge in edges)]:
            raw = Probe(x).evaluated(self.expression, frozenset())
            shown += [] if raw is None else [self.factor * through_table(raw, self.rows) + self.offset]
        return any(value >= self.kind.full_scale for value in shown)

    def value(self, frame: Frame) -> Value | str:
        """Expression, then table, with the bounds before or after it, then validator, then the kind's range."""
        assert self.expression is not None
        if self.texts:
            raws = [raw for raw in (frame.read(*text) for text in self.texts) if raw not in (None, "")]
            first = next((raw for raw in raws if self.is_text(raw) or is_usable(number(raw))), None)
            if not raws or self.is_text(first):
                return None if not raws else str(first)
        raw = frame.evaluated(self.expression, self.codes)
        if self.counts:
            before = Frame(frame.table, frame.previous or {}, None).evaluated(self.expression, self.codes)
            # Without a message before there is nothing to compare with, be the expression a constant.
            raw = None if None in (raw, before) or frame.previous is None else counted(self.counts, before, raw)
        if raw is None:
            return None
        value = through_table(raw, self.rows) if math.isfinite(raw) else NAN
        if not math.isfinite(value) or not self.lower <= (value if self.flags & 0x40 else raw) <= self.upper:
            return NAN
        if self.validation:
            other = frame.usable(self.validator)
            if other is None:
                return None
            value = validated(self.validation, value, other)
        return value if self.is_physical(value) else NAN

    def is_text(self, raw: object) -> bool:
        """An identity is always a text; elsewhere a text is what is no number."""
        if self.type in IDENTITIES:
            return bool(raw.strip()) if isinstance(raw, str) else is_usable(number(raw))
        return isinstance(raw, str) and bool(raw.strip()) and not looks_like_a_number(raw)

    def is_physical(self, value: float) -> bool:
        return self.kind is None or self.kind.low <= self.factor * value + self.offset <= self.kind.high


def counted(mode: int, before: Value, now: Value) -> Value:
    """What happened to a counter's parameter from one message to the next."""
    if not is_usable(before) or not is_usable(now):
        return NAN
    assert before is not None and now is not None
    if mode == 4:
        return 1.0 if before == 0 and now != 0 else 0.0
    if mode == 5:
        return 1.0 if before != 0 and now == 0 else 0.0
    return now - before + 65_536 if mode == 3 and now < before else now - before


def looks_beyond(node: Node) -> bool:
    """Whether an expression needs more than its own message's parameters."""
    match node:
        case ("sensor", _) | ("param", _, True, _):
            return True
        case ("const" | "param", *_):
            return False
        case (_, *parts):
            return any(looks_beyond(part) for part in parts)
    raise AssertionError(node)


def plain_parameters(node: Node | None) -> list[Node]:
    """The parameters between which the expression chooses; none when it does anything else with them."""
    match node:
        case ("param", _, _, 0):
            return [node]
        case ("|", left, right):
            first, second = plain_parameters(left), plain_parameters(right)
            return [*first, *second] if first and second else []
    return []


def looks_like_a_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class SensorTable:
    """A unit's sensors (`sens` of the unit, by id) and what they make of a message."""

    def __init__(
        self, sens: Mapping[str, Any] | list[Any], tank_l: float | None, left_out: tuple[int, ...] = ()
    ) -> None:
        self.left_out = left_out
        rows = sens.values() if isinstance(sens, Mapping) else sens
        self.sensors = {int(row["id"]): Sensor(row, tank_l) for row in sorted(rows, key=lambda row: int(row["id"]))}
        self.ids = {sensor.name: sensor_id for sensor_id, sensor in reversed(self.sensors.items())}
        self.evaluable = [sensor_id for sensor_id in self.sensors if self.can_be_evaluated(sensor_id, ())]
        self.tank_l = tank_l
        self.of = {reading: self.feeding(reading) for reading in (*READINGS, "level_l", "level_pct")}

    def can_be_evaluated(self, sensor_id: int | None, asking: tuple[int, ...]) -> bool:
        """Not a sensor in a circle; `asking` are those that wait for this one."""
        sensor = None if sensor_id is None else self.sensors.get(sensor_id)
        if sensor is None or sensor_id is None or sensor_id in asking or sensor.expression is None:
            return False
        if sensor.validation > 4:
            return False
        if sensor.counts and (sensor.type != "counter" or looks_beyond(sensor.expression)):
            return False
        asking = (*asking, sensor_id)
        if sensor.validation and not self.can_be_evaluated(sensor.validator, asking):
            return False
        return self.can_have_value(sensor.expression, asking)

    def can_have_value(self, node: Node, asking: tuple[int, ...]) -> bool:
        match node:
            case ("const" | "param", *_):
                return True
            case ("sensor", name):
                return self.can_be_evaluated(self.ids.get(name), asking)
            case ("|", left, right):
                return self.can_have_value(left, asking) or self.can_have_value(right, asking)
            case (_, left, right):
                return self.can_have_value(left, asking) and self.can_have_value(right, asking)
        raise AssertionError(node)

    def feeding(self, reading: str) -> list[int]:
        """The sensors of a reading that can be evaluated, by id; of a counter only the first."""
        kinds = {sensor_id: self.sensors[sensor_id].kind for sensor_id in self.evaluable}
        found = [sensor_id for sensor_id, kind in kinds.items() if kind and kind.reading == reading]
        found = [sensor_id for sensor_id in found if sensor_id not in self.left_out]
        return found[:1] if reading in COUNTERS else found

    def engine_evidence(self) -> str | None:
        return next((reading for reading in ("ignition", "rpm", "voltage") if self.of[reading]), None)

    def read(self, message: Message, previous: Message | None) -> tuple[dict[str, float], int]:
        """The usable readings of a message, and how many sensor values were dropped."""
        frame = Frame(self, message, previous)
        values = {sensor_id: frame.value(sensor_id) for sensor_id in self.evaluable}
        readings: dict[str, float] = {}
        for reading in READINGS:
            measured = [self.converted(sensor_id, values[sensor_id]) for sensor_id in self.of[reading]]
            usable = [value for value in measured if value is not None]
            if usable:
                readings[reading] = usable[0]
        if (level_l := self.level_l(values)) is not None:
            readings["level_l"] = level_l
        return readings, sum(isinstance(value, float) and not math.isfinite(value) for value in values.values())

    def level_l(self, values: dict[int, Value | str]) -> Value:
        """The sum of the tanks, none if one is not known; else the only one in per cent, of the tank's capacity."""
        tanks, percentages = self.of["level_l"], self.of["level_pct"]
        if tanks:
            levels = [self.converted(sensor_id, values[sensor_id]) for sensor_id in tanks]
            known = [level for level in levels if level is not None]
            return math.fsum(known) if len(known) == len(levels) else None
        if len(percentages) != 1 or self.tank_l is None:
            return None
        level = self.converted(percentages[0], values[percentages[0]])
        return None if level is None else level * (self.tank_l / 100)

    def converted(self, sensor_id: int, value: Value | str) -> Value:
        """In the unit of the reading; whole metres."""
        sensor = self.sensors[sensor_id]
        if sensor.kind is None or value is None or isinstance(value, str) or not math.isfinite(value):
            return None
        value = sensor.factor * value + sensor.offset
        return round(value) if sensor.kind.reading == "odometer_m" else value


def through_table(x: float, rows: list[dict[str, Any]]) -> float:
    """a·x + b of the last row that begins at or below x; below the first row, of the first."""
    if not rows:
        return x
    row = [row for row in rows if float(row["x"]) <= x][-1:] or rows[:1]
    return float(row[0]["a"]) * x + float(row[0]["b"])


def bounds_of(row: dict[str, Any]) -> tuple[float, float]:
    """Both ends are allowed; infinite where there is none, or where they leave no room."""
    config = row.get("c") or {}
    config = json.loads(config) if isinstance(config, str) else config
    bounds = [number(config.get(name)) for name in ("lower_bound", "upper_bound")]
    lower = bounds[0] if bounds[0] is not None and is_usable(bounds[0]) else -math.inf
    upper = bounds[1] if bounds[1] is not None and is_usable(bounds[1]) else math.inf
    return (lower, upper) if lower < upper else (-math.inf, math.inf)


def validated(validation: int, value: float, other: float) -> float:
    match validation:
        case 1:
            return float(value != 0 and other != 0)
        case 2:
            return float(value != 0 or other != 0)
        case 3:
            return float(int(value) & int(other)) if math.isfinite(other) else NAN
        case _:
            return float(int(value) | int(other)) if math.isfinite(other) else NAN
