"""The product's brute-force twin: all figures of a truck's days, from raw messages and the words of docs/metrics.md.

It shares no code with the product and takes no shortcuts: the whole history is walked at once, in plain Python, and
then cut into local days. The sections are those of the page, in its order.
"""

import hashlib
import json
import math
import re
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

Message = dict[str, Any]

PARAMETERS: dict[str, float] = {
    "moving_speed_kmh": 5,
    "engine_gap_cap_s": 600,
    "parked_gap_cap_s": 604_800,
    "trip_end_s": 300,
    "trip_max_gap_s": 3_600,
    "trip_min_s": 60,
    "trip_min_m": 100,
    "idle_event_min_s": 120,
    "speed_limit_kmh": 105,
    "speeding_min_s": 30,
    "speeding_minor_kmh": 8,
    "speeding_moderate_kmh": 24,
    "refuel_min_l": 30,
    "drain_min_l": 30,
    "harsh_braking_ms2": 4.6,
    "harsh_acceleration_ms2": 2.8,
    "max_leg_kmh": 250,
    "min_satellites": 3,
    "night_begin_h": 22,
    "night_end_h": 6,
}
EARTH_RADIUS_M = 6_371_008.8
CONNECTED_S = 35 * 86_400  # readings further apart are not connected, and no state is carried further
FUEL_STEPS_JOIN_S = 1_800
HARSH = ("harsh_braking", "harsh_acceleration", "harsh_cornering")
FAULT = re.compile(r"(?:spn *)?(\d{1,6}) *[/:-] *(?:fmi *)?(\d{1,2})(?: *[/:@-] *(?:sa *)?(\d{1,3}))?")
UNKNOWN_SOURCE = 255


def truth(
    messages: list[Message],
    sens: dict[str, Any],
    *,
    timezone: str,
    as_of: int,
    parameters: dict[str, float] | None = None,
    tank_l: float | None = None,
    dismissed: frozenset[int] = frozenset(),
    assigned: Iterable["Assigned"] = (),
    places: Iterable["Place"] = (),
) -> dict[date, dict[str, Any]]:
    """The truck-day of each local day, from the first message's day to the day that `as_of` ends or lies in.

    `messages` come in any order, as `messages/load_interval` serves them; `dismissed` holds the starts of dismissed
    drains. Litres and hours are not rounded. Under "events": trips and stops that are still open end with None, and an
    open trip's figures go up to `as_of`; an idle event or speeding episode that still goes on ends at `as_of`.
    `assigned` tells who had the truck when, `places` where idling is productive on each of the days.
    """
    everywhere, everybody = list(places), list(assigned)

    def history(in_force: list[Place]) -> History:
        return History(messages, sens, as_of, PARAMETERS | (parameters or {}), tank_l, everybody, in_force)

    plain = history([])
    if not plain.points:
        return {}
    zone = ZoneInfo(timezone)
    days = list(local_days(plain.points[0].t, as_of, zone))
    by_places: dict[tuple[Place, ...], History] = {(): plain}
    rows = {}
    for day, start, end in days:
        # A day is computed as if its own places had always been there.
        in_force = tuple(place for place in everywhere if place.first <= day and (not place.last or day <= place.last))
        if in_force not in by_places:
            by_places[in_force] = history(list(in_force))
        rows[day] = day_row(by_places[in_force], start, end, dismissed)
        rows[day]["night_driving_s"] = night_driving(by_places[in_force], start, end, zone)
        rows[day]["hours"] = by_the_clock(by_places[in_force].stretches, start, end, zone)
        rows[day]["drivers"] = figures_by_driver(by_places[in_force], rows[day], start, end, zone, dismissed)
    return rows


def local_days(first: int, as_of: int, zone: ZoneInfo) -> Iterator[tuple[date, int, int]]:
    """Each local day with its first instant and its end; the day in progress ends at `as_of`."""
    day = datetime.fromtimestamp(first, zone).date()
    while midnight(day, zone) < as_of:
        start, end = midnight(day, zone), min(midnight(day + timedelta(days=1), zone), as_of)
        if start < end:  # a zone that crosses the date line skips a whole day
            yield day, start, end
        day += timedelta(days=1)


def midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


# ---------------------------------------------------------------------------------------------------------------------
# Sensor values. A value is None when the message does not tell it, and NaN when it was sent but is unusable: dropped.
# ---------------------------------------------------------------------------------------------------------------------

Value = float | None
Node = tuple[Any, ...]
NAN = math.nan
INVALID_MARKER_FROM, INVALID_MARKER_TO = -348_201.45, -348_201.33
CODE_WIDTHS = ((0xFA, 0xFF), (0xFAFF, 0xFFFF), (0xFAFFFFFF, 0xFFFFFFFF))  # highest valid code, "not available" code
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
OF_MESSAGE = {"time": "t", "regtime": "rt"}
OF_POSITION = {"speed": "s", "altitude": "z", "sats": "sc", "course": "c", "lat": "y", "lon": "x"}
TOKEN = re.compile(
    r"\s*(?:const(?P<const>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])|\[(?P<sensor>[^\]]+)\]"
    r"|(?P<previous>\#?)(?P<param>[\w.]+)(?::(?P<conversion>\d+))?|(?P<sign>[-+*/^()|]))\s*"
)


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


def number(raw: object) -> Value:
    """A parameter's value as a float; NaN for text that is no number and for Wialon's invalid marker."""
    if raw is None:
        return None
    try:
        value = float(raw) if "_" not in str(raw) else NAN  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return NAN
    return NAN if INVALID_MARKER_FROM < value < INVALID_MARKER_TO else value


def is_usable(value: Value) -> bool:
    return value is not None and math.isfinite(value)


def sent(message: Message | None, name: str) -> object:
    """What the message says of itself under this name (position, time, inputs, outputs), else its parameter."""
    if message is None:
        return None
    of_itself = None
    if name in OF_MESSAGE:
        of_itself = message.get(OF_MESSAGE[name])
    elif name in OF_POSITION:
        of_itself = (message.get("pos") or {}).get(OF_POSITION[name])
    elif name.startswith(("in", "out")) and (port := re.fullmatch(r"(in|out)([1-9]\d?)?", name)):
        of_itself = input_or_output(message, port[1], port[2])
    return (message.get("p") or {}).get(name) if of_itself is None else of_itself


def input_or_output(message: Message, name: str, line: str | None) -> object:
    """The mask of the inputs or outputs or one line of it; a 0 that the flags do not announce was not measured."""
    mask, announced = message.get(name[0]), int(message.get("f") or 0) & (2 if name == "in" else 4)
    if mask is None or (mask == 0 and "f" in message and not announced):
        return None
    return mask if line is None else mask >> (int(line) - 1) & 1


def converted(raw: object, conversion: int) -> Value:
    """A text read in that numeral system, else that bit of a number, 1 being the lowest."""
    if isinstance(raw, str) and conversion in (2, 8, 10, 16):
        try:
            return float(int(raw, conversion)) if "_" not in raw else NAN
        except ValueError:
            return NAN
    value = number(raw)
    if value is None:
        return None
    return float(int(value) >> (conversion - 1) & 1) if math.isfinite(value) else NAN


def combine(sign: str, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    try:
        match sign:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                return left / right
            case _:
                return math.pow(left, right)
    except (ArithmeticError, ValueError):
        return NAN


def parsed(text: str) -> Node:
    """The syntax tree: `+ -` below `* /` below a sign below `^` (from the right) below `|`.

    Leaves are ("const", value), ("param", name, of the previous message, conversion) and ("sensor", name).
    """
    tokens: list[re.Match[str]] = []
    position = 0
    while position < len(text):
        token = TOKEN.match(text, position)
        if token is None:
            raise ValueError(f"cannot read {text[position:]!r}")
        tokens.append(token)
        position = token.end()
    node = parsed_sum(tokens)
    if tokens:
        raise ValueError(f"unexpected {tokens[0][0]!r}")
    return node


def taken(tokens: list[re.Match[str]], signs: str) -> str:
    """The next token if it is one of the signs, else an empty text."""
    sign = tokens[0]["sign"] if tokens else None
    if sign is None or sign not in signs:
        return ""
    tokens.pop(0)
    return sign


def parsed_sum(tokens: list[re.Match[str]]) -> Node:
    node = parsed_product(tokens)
    while sign := taken(tokens, "+-"):
        node = (sign, node, parsed_product(tokens))
    return node


def parsed_product(tokens: list[re.Match[str]]) -> Node:
    node = parsed_power(tokens)
    while sign := taken(tokens, "*/"):
        node = (sign, node, parsed_power(tokens))
    return node


def parsed_power(tokens: list[re.Match[str]]) -> Node:
    if sign := taken(tokens, "+-"):
        operand = parsed_power(tokens)
        return ("-", ("const", 0.0), operand) if sign == "-" else operand
    base = parsed_operand(tokens)
    while taken(tokens, "|"):
        base = ("|", base, parsed_operand(tokens))
    return ("^", base, parsed_power(tokens)) if taken(tokens, "^") else base


def parsed_operand(tokens: list[re.Match[str]]) -> Node:
    if taken(tokens, "("):
        node = parsed_sum(tokens)
        if not taken(tokens, ")"):
            raise ValueError("a bracket is not closed")
        return node
    if not tokens or tokens[0]["sign"]:
        raise ValueError("a value is missing")
    token = tokens.pop(0)
    if token["const"]:
        return ("const", float(token["const"]))
    if token["sensor"]:
        return ("sensor", token["sensor"].strip())
    return ("param", token["param"], bool(token["previous"]), int(token["conversion"] or 0))


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


# ---------------------------------------------------------------------------------------------------------------------
# Cleaning: from messages to points
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Point:
    """What is known of one second: `place` and `gps_kmh` are those of its fix; the last five are told from its past."""

    t: int
    place: tuple[float, float] | None
    gps_kmh: float | None
    readings: dict[str, float]
    dropped: int
    harsh: dict[str, bool]  # told by the device: whether it happened
    faults: set[tuple[int, int, int]] | None  # (SPN, FMI, source) that it says are active; None when it says nothing
    engine: bool | None = None
    pto: bool = False
    speed_kmh: float = 0
    state: str = "parked"
    productive_place: str | None = None


def content_hash(message: Message) -> str:
    content = json.dumps(message, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


def cleaned(messages: Iterable[Message], table: SensorTable, as_of: int, min_satellites: float) -> list[Point]:
    """One point for each second up to `as_of` that has a data message, in order."""
    data = [message for message in messages if message["t"] <= as_of and not int(message.get("f") or 0) & 0xFF00]
    distinct = {content_hash(message): message for message in data}
    ordered = sorted(distinct.items(), key=lambda item: (item[1]["t"], item[1].get("rt") or 0, item[0]))
    points: list[Point] = []
    previous: Message | None = None
    for _, message in ordered:
        readings, dropped = table.read(message, previous)
        harsh, faults, unusable = device_events(message)
        fix = fix_of(message, min_satellites)
        previous = message
        if not points or points[-1].t != message["t"]:
            points.append(Point(message["t"], None, None, {}, 0, {}, None))
        point = points[-1]
        point.readings |= readings
        point.dropped += dropped + unusable
        for kind, happened in harsh.items():
            point.harsh[kind] = happened or point.harsh.get(kind, False)
        if faults is not None:
            point.faults = faults
        if fix is not None:
            point.place, point.gps_kmh = fix
    return points


def device_events(message: Message) -> tuple[dict[str, bool], set[tuple[int, int, int]] | None, int]:
    """What the device tells of harsh driving and of its active faults, and how many of these values are unusable."""
    params, unusable = message.get("p") or {}, 0
    harsh = {}
    for kind in HARSH:
        value = number(params.get(kind))
        if is_usable(value):
            harsh[kind] = value == 1
        elif value is not None:
            unusable += 1
    raw = params.get("dtc")
    faults = active_faults(raw)
    return harsh, faults, unusable + (raw is not None and faults is None)


def active_faults(raw: object) -> set[tuple[int, int, int]] | None:
    """The codes in a text, none in an empty one; None for what is no list of codes."""
    if not isinstance(raw, str):
        return None
    found = set()
    for part in raw.lower().replace(";", ",").split(","):
        code = FAULT.fullmatch(part.strip())
        if code is None:
            if part.strip():
                return None
            continue
        spn, fmi, source = int(code[1]), int(code[2]), int(code[3]) if code[3] else UNKNOWN_SOURCE
        if spn >= 2**19 or fmi >= 2**5 or source >= 2**8:
            return None
        found.add((spn, fmi, source))
    return found if len(found) <= 60 else None


def fix_of(message: Message, min_satellites: float) -> tuple[tuple[float, float], float | None] | None:
    """Place (latitude, longitude) and speed, or None when the message is no fix."""
    position, flags = message.get("pos"), int(message.get("f") or 0)
    if not position or flags & (0x20000 | 0x80000):
        return None
    latitude, longitude = number(position.get("y")), number(position.get("x"))
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    satellites = position.get("sc")
    if satellites is not None and satellites != 255 and satellites < min_satellites:
        return None
    speed = number(position.get("s"))
    return (latitude, longitude), speed if speed is not None and math.isfinite(speed) else None


# ---------------------------------------------------------------------------------------------------------------------
# Engine and motion
# ---------------------------------------------------------------------------------------------------------------------


def engine_on(evidence: str, value: float) -> bool:
    if evidence == "ignition":
        return value != 0
    if evidence == "rpm":
        return value > 300
    return value > 26.4 if value >= 18 else value > 13.2


def tell_states(points: list[Point], evidence: str | None, moving_speed_kmh: float) -> None:
    """Gives each point its engine, PTO, speed and state; what a point lacks is that of the last point that had it."""
    last: dict[str, tuple[int, float]] = {}  # what was last seen, and when
    for point in points:
        seen = {name: value for name, value in point.readings.items() if name in (evidence, "pto")}
        if point.gps_kmh is not None:
            seen["speed"] = point.gps_kmh
        last |= {name: (point.t, value) for name, value in seen.items()}
        known = {name: value for name, (t, value) in last.items() if point.t - t <= CONNECTED_S}
        point.engine = engine_on(evidence, known[evidence]) if evidence in known else None
        point.pto = known.get("pto", 0) != 0
        point.speed_kmh = 0 if point.engine is False else known.get("speed", 0)
        if point.engine is not False and point.speed_kmh > moving_speed_kmh:
            point.state = "moving"
        else:
            point.state = "idle" if point.engine else "parked"


class Place(NamedTuple):
    """Where idling is productive from the first day to the last: within a radius, or inside corners."""

    name: str
    first: date
    last: date | None
    centre: tuple[float, float] | None = None
    radius_m: float = 0
    corners: tuple[tuple[float, float], ...] = ()

    def holds(self, spot: tuple[float, float]) -> bool:
        if self.centre is not None:
            return metres_between(self.centre, spot) <= self.radius_m
        return winds_around(self.corners, spot)


def winds_around(corners: tuple[tuple[float, float], ...], spot: tuple[float, float]) -> bool:
    """Whether the corners' lines go round the spot, or through it; by the angles under which it sees them."""
    total = 0.0
    for one, other in pairwise([*corners, corners[0]]):
        (y1, x1), (y2, x2) = ((lat - spot[0], lon - spot[1]) for lat, lon in (one, other))
        across, along = x1 * y2 - x2 * y1, x1 * x2 + y1 * y2
        if across == 0 and along <= 0:
            return True
        total += math.atan2(across, along)
    return round(total / (2 * math.pi)) % 2 != 0


def tell_places(points: list[Point], places: list[Place]) -> None:
    """Gives each idle point the place it is in, by its own fix or else the last one, and makes it productive there."""
    spot, seen_at = None, 0
    for point in points:
        if point.place is not None:
            spot, seen_at = point.place, point.t
        elif point.t - seen_at > CONNECTED_S:
            spot = None
        names = sorted(place.name for place in places if spot is not None and place.holds(spot))
        point.productive_place = names[0] if names and point.state == "idle" else None


class Stretch(NamedTuple):
    """[start, end) in one state."""

    start: int
    end: int
    state: str
    productive: bool
    place: str | None


def with_next(points: list[Point], as_of: int) -> Iterator[tuple[Point, int]]:
    """Each point with the instant of the next one, the last with `as_of`."""
    yield from zip(points, [*(point.t for point in points[1:]), as_of], strict=False)


def stretches_of(points: list[Point], as_of: int, parameters: dict[str, float]) -> list[Stretch]:
    """The time from the first point to `as_of` without a hole: each point's state up to its cap, then no data."""
    stretches = []
    for point, until in with_next(points, as_of):
        cap = parameters["parked_gap_cap_s" if point.state == "parked" else "engine_gap_cap_s"]
        known_until = min(until, point.t + int(min(cap, CONNECTED_S)))
        productive = point.pto or point.productive_place is not None
        stretches.append(Stretch(point.t, known_until, point.state, productive, point.productive_place))
        stretches.append(Stretch(known_until, until, "no data", False, None))
    return [stretch for stretch in stretches if stretch.start < stretch.end]


class Span(NamedTuple):
    """An amount (metres, hours, litres) that came about evenly over [start, end)."""

    start: int
    end: int
    amount: float


S = TypeVar("S", Stretch, Span)


def overlaps(spans: list[S], start: int, end: int) -> Iterator[tuple[S, int]]:
    """The spans (in order, none over another) that reach into [start, end), each with its seconds inside."""
    index = bisect_right(spans, start, key=lambda span: span.end)
    while index < len(spans) and spans[index].start < end:
        yield spans[index], min(spans[index].end, end) - max(spans[index].start, start)
        index += 1


def seconds(stretches: list[Stretch], state: str, start: int, end: int, *, productive: bool | None = None) -> int:
    inside = overlaps(stretches, start, end)
    return sum(part for stretch, part in inside if stretch.state == state and productive in (None, stretch.productive))


# ---------------------------------------------------------------------------------------------------------------------
# Distance and counters
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is read at certain instants, and the amounts between the readings."""

    read_at: list[int]
    spans: list[Span]

    def read_in(self, start: int, end: int) -> bool:
        return bisect_left(self.read_at, start) < bisect_left(self.read_at, end)

    def known_in(self, start: int, end: int) -> bool:
        return self.read_in(start, end) or any(True for _ in overlaps(self.spans, start, end))

    def within(self, start: int, end: int) -> float | None:
        """The part inside [start, end); None when there is neither a reading nor a span in it."""
        if not self.known_in(start, end):
            return None
        return math.fsum(
            span.amount * part / (span.end - span.start) for span, part in overlaps(self.spans, start, end)
        )


Reading = tuple[int, float]


def readings_of(points: list[Point], name: str) -> list[Reading]:
    return [(point.t, point.readings[name]) for point in points if name in point.readings]


def changes(readings: list[Reading]) -> Quantity:
    """A level's rises and falls between connected readings."""
    spans = [Span(t, u, after - before) for (t, before), (u, after) in pairwise(readings) if u - t <= CONNECTED_S]
    return Quantity([t for t, _ in readings], spans)


def increases(readings: list[Reading]) -> Quantity:
    """A counter's increases; a decrease counts 0."""
    level = changes(readings)
    return Quantity(level.read_at, [span._replace(amount=max(span.amount, 0)) for span in level.spans])


def decreases_at(readings: list[Reading]) -> list[int]:
    return [span.end for span in changes(readings).spans if span.amount < 0]


def metres_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The haversine of two places (latitude, longitude in degrees)."""
    (lat1, lon1), (lat2, lon2) = (map(math.radians, place) for place in (one, other))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(h, 1)))


class Legs(NamedTuple):
    counted: Quantity
    drift: Quantity
    gaps: Quantity


def legs_of(points: list[Point], parameters: dict[str, float]) -> Legs:
    counted, drift, gaps = [], [], []
    fixes = [point for point in points if point.place is not None]
    for one, other in pairwise(fixes):
        assert one.place and other.place
        leg = Span(one.t, other.t, metres_between(one.place, other.place))
        took = other.t - one.t
        if leg.amount / took * 3.6 > parameters["max_leg_kmh"] or took > CONNECTED_S:
            continue
        if took > parameters["trip_max_gap_s"]:
            gaps.append(leg)
            continue
        counted.append(leg)
        drift.append(leg if one.state == other.state == "parked" else leg._replace(amount=0))
    fixed_at = [fix.t for fix in fixes]
    return Legs(Quantity(fixed_at, counted), Quantity(fixed_at, drift), Quantity(fixed_at, gaps))


def whole(figure: float | None) -> int | None:
    return None if figure is None else round(figure)  # Python rounds half to even


# ---------------------------------------------------------------------------------------------------------------------
# The whole history
# ---------------------------------------------------------------------------------------------------------------------


class History:
    """Everything about a truck that does not depend on where its days begin."""

    def __init__(
        self,
        messages: list[Message],
        sens: dict[str, Any],
        as_of: int,
        parameters: dict[str, float],
        tank_l: float | None,
        assigned: list["Assigned"],
        places: list[Place],
    ) -> None:
        table = SensorTable(sens, tank_l)
        self.assigned = assigned
        self.as_of, self.parameters = as_of, parameters
        self.evidence = table.engine_evidence()
        self.points = cleaned(messages, table, as_of, parameters["min_satellites"])
        tell_states(self.points, self.evidence, parameters["moving_speed_kmh"])
        tell_places(self.points, places)
        self.stretches = stretches_of(self.points, as_of, parameters)
        self.legs = legs_of(self.points, parameters)
        counters = {name: readings_of(self.points, name) for name in ("odometer_m", "fuel_l", "hours")}
        self.odometer, self.fuel, self.hours = (increases(readings) for readings in counters.values())
        self.resets = [t for readings in counters.values() for t in decreases_at(readings)]
        self.level = changes(readings_of(self.points, "level_l"))
        self.trips = trips_of(self)
        self.stops = stops_of(self.trips)
        self.idling = idling_of(self.stretches)
        self.speeding = speeding_of(self.points, as_of, parameters)
        self.fuel_events = fuel_events_of(self.points, parameters)
        self.fault_changes = fault_changes_of(self.points)
        self.speed_changes = speed_changes_of(self.points)

    def distance(self, start: int, end: int) -> tuple[int | None, str | None]:
        """Metres driven in [start, end) and where they come from: the odometer, else GPS without drift."""
        odometer = whole(self.odometer.within(start, end))
        if odometer is not None:
            return odometer, "odometer"
        gps, drift = whole(self.legs.counted.within(start, end)), whole(self.legs.drift.within(start, end))
        return (None, None) if gps is None or drift is None else (gps - drift, "gps")


# ---------------------------------------------------------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------------------------------------------------------


class Trip(NamedTuple):
    start: int
    end: int | None
    distance_m: int | None
    moving_s: int
    idle_s: int | None
    parked_s: int
    no_data_s: int
    driver: Any


class Stop(NamedTuple):
    start: int
    end: int | None


class Idling(NamedTuple):
    start: int
    end: int
    productive_s: int
    place: str | None


class Speeding(NamedTuple):
    start: int
    end: int
    severity: str
    max_kmh: float


class FuelEvent(NamedTuple):
    kind: str
    start: int
    end: int
    litres: float


class Harsh(NamedTuple):
    start: int
    end: int
    kind: str
    source: str


class FaultChange(NamedTuple):
    start: int
    end: int
    kind: str
    spn: int
    fmi: int
    source: int
    severity: str


def trips_of(history: History) -> list[Trip]:
    trips = []
    for start, end in movements(history.points, history.as_of, history.parameters):
        until = history.as_of if end is None else end
        distance_m, _ = history.distance(start, until)
        too_near = distance_m is not None and distance_m < history.parameters["trip_min_m"]
        if until - start < history.parameters["trip_min_s"] or too_near:
            continue
        moving, idle, parked, no_data = (
            seconds(history.stretches, state, start, until) for state in ("moving", "idle", "parked", "no data")
        )
        idle_s, driver = idle if history.evidence else None, driver_of(history.assigned, start, until)
        trips.append(Trip(start, end, distance_m, moving, idle_s, parked, no_data, driver))
    return trips


class Assigned(NamedTuple):
    """Somebody had the truck from one second to another (None: still), as a source says."""

    start: int
    end: int | None
    driver: Any
    source: str


TRUST = ["message", "binding", "manual"]


def had_the_truck(assigned: list[Assigned], t: int) -> Any:
    """Who counts at a second; None: nobody is known."""
    then = [
        each
        for each in assigned
        if each.start <= t and (each.end is None or t < each.end) and not is_released(assigned, each, t)
    ]
    return max(then, key=lambda each: (TRUST.index(each.source), each.start, each.driver)).driver if then else None


def is_released(assigned: list[Assigned], login: Assigned, t: int) -> bool:
    """Whether a driver who logged in by key card has been released from the truck in Wialon since."""
    own = [each for each in assigned if each.source == "binding" and each.driver == login.driver]
    return login.source == "message" and any(each.end is not None and login.start < each.end <= t for each in own)


def driver_of(assigned: list[Assigned], start: int, end: int) -> Any:
    """Who had the truck for the most seconds, nobody known counting like a driver; of equals the one who came first."""
    instants = {t for each in assigned for t in (each.start, each.end) if t is not None and start < t < end}
    pieces = list(pairwise(sorted({start, end} | instants)))
    total: dict[Any, int] = {}
    for first, last in pieces:
        driver = had_the_truck(assigned, first)
        total[driver] = total.get(driver, 0) + last - first
    return next(driver for driver, most in total.items() if most == max(total.values()))


def movements(points: list[Point], as_of: int, parameters: dict[str, float]) -> Iterator[tuple[int, int | None]]:
    """Start and end of what may be a trip, however short; the end is None when it may still go on at `as_of`."""
    instants = [*(point.t for point in points), as_of]
    index = 0
    while index < len(points):
        if points[index].state != "moving":
            index += 1
            continue
        last, end = last_moving_and_end(points, instants, index, parameters)
        yield points[index].t, end
        index = last + 1


def last_moving_and_end(
    points: list[Point], instants: list[int], first: int, parameters: dict[str, float]
) -> tuple[int, int | None]:
    """The index of the last moving point of the movement that starts at points[first], and the instant of its end.

    `instants` are those of the points and then `as_of`, at which nothing is known to move.
    """
    last = first
    for index in range(first + 1, len(instants)):
        after_last = instants[last + 1]
        if last + 1 < len(points) and instants[index] - after_last >= parameters["trip_end_s"]:
            return last, after_last
        if instants[index] - instants[index - 1] > parameters["trip_max_gap_s"]:
            return last, instants[index - 1]
        if index < len(points) and points[index].state == "moving":
            last = index
    return last, None


def stops_of(trips: list[Trip]) -> list[Stop]:
    starts_of_next = [*(trip.start for trip in trips[1:]), None]
    return [Stop(trip.end, start) for trip, start in zip(trips, starts_of_next, strict=False) if trip.end is not None]


def idling_of(stretches: list[Stretch]) -> list[Idling]:
    """Unbroken idling, however short."""
    unbroken = (list(group) for state, group in groupby(stretches, key=lambda s: s.state) if state == "idle")
    return [
        Idling(
            group[0].start,
            group[-1].end,
            sum(stretch.end - stretch.start for stretch in group if stretch.productive),
            next((stretch.place for stretch in group if stretch.place), None),
        )
        for group in unbroken
    ]


def speeding_of(points: list[Point], as_of: int, parameters: dict[str, float]) -> list[Speeding]:
    episodes = []
    start, max_kmh = None, 0.0
    for point, until in with_next(points, as_of):
        over = point.gps_kmh is not None and point.speed_kmh > parameters["speed_limit_kmh"]
        if over:
            start, max_kmh = (point.t, point.speed_kmh) if start is None else (start, max(max_kmh, point.speed_kmh))
        if start is None:
            continue
        slow = point.gps_kmh is not None and not over
        end = None
        if slow or point.engine is False:
            end = point.t
        elif until - point.t > parameters["engine_gap_cap_s"]:
            end = point.t + int(parameters["engine_gap_cap_s"])
        elif until == as_of and point is points[-1]:
            end = as_of
        if end is not None:
            episodes.append(Speeding(start, end, severity(max_kmh, parameters), max_kmh))
            start = None
    return [episode for episode in episodes if episode.end - episode.start >= parameters["speeding_min_s"]]


def severity(max_kmh: float, parameters: dict[str, float]) -> str:
    excess = max_kmh - parameters["speed_limit_kmh"]
    if excess <= parameters["speeding_minor_kmh"]:
        return "minor"
    return "moderate" if excess <= parameters["speeding_moderate_kmh"] else "severe"


def fuel_events_of(points: list[Point], parameters: dict[str, float]) -> list[FuelEvent]:
    readings = [point for point in points if "level_l" in point.readings]
    joined: dict[str, list[list[int]]] = {"refuel": [], "drain": []}  # index of the first and the last reading of each
    for index, (before, after) in enumerate(pairwise(readings)):
        kind = step_kind(before, after, parameters)
        if kind is None:
            continue
        events = joined[kind]
        if events and before.t - readings[events[-1][1]].t <= FUEL_STEPS_JOIN_S:
            events[-1][1] = index + 1
        else:
            events.append([index, index + 1])
    found = []
    for kind, events in joined.items():
        for first, last in events:
            before_l = usual_level(readings[max(first - 4, 0) : first + 1], readings[first].t)
            after_l = usual_level(readings[last : last + 5], readings[last].t)
            found.append(FuelEvent(kind, readings[first].t, readings[last].t, abs(after_l - before_l)))
    return sorted(found, key=lambda event: event.start)


def usual_level(readings: list[Point], t: int) -> float:
    return statistics.median(point.readings["level_l"] for point in readings if abs(point.t - t) <= CONNECTED_S)


def step_kind(before: Point, after: Point, parameters: dict[str, float]) -> str | None:
    if after.t - before.t > CONNECTED_S:
        return None
    step = after.readings["level_l"] - before.readings["level_l"]
    if step >= parameters["refuel_min_l"]:
        return "refuel"
    return "drain" if -step >= parameters["drain_min_l"] and before.engine is False else None


def fault_changes_of(points: list[Point]) -> list[FaultChange]:
    """What each report of the device has that the one before had not, and the other way round."""
    changes = []
    last_t, last = 0, set[tuple[int, int, int]]()
    for point in points:
        if point.faults is None:
            continue
        before = last if point.t - last_t <= CONNECTED_S else set()
        news = {"opened": point.faults - before, "cleared": before - point.faults}
        changes += [
            FaultChange(point.t, point.t, kind, *code, fault_severity(code[1]))
            for kind, codes in news.items()
            for code in sorted(codes)
        ]
        last_t, last = point.t, point.faults
    return changes


def fault_severity(fmi: int) -> str:
    return {0: "severe", 1: "severe", 15: "minor", 17: "minor"}.get(fmi, "moderate")


class SpeedChange(NamedTuple):
    """Between two consecutive fixes with speeds, at most two seconds apart."""

    start: int
    end: int
    ms2: float


def speed_changes_of(points: list[Point]) -> list[SpeedChange]:
    fixes = [point for point in points if point.place is not None]
    return [
        SpeedChange(one.t, other.t, (other.gps_kmh - one.gps_kmh) / 3.6 / (other.t - one.t))
        for one, other in pairwise(fixes)
        if other.t - one.t <= 2 and one.gps_kmh is not None and other.gps_kmh is not None
    ]


def harsh_in_day(history: History, kind: str, start: int, end: int) -> list[Harsh] | None:
    """By the device when it tells of this kind on the day, else by the speed where that is dense; None: neither."""
    name = kind.removeprefix("harsh_")
    told = [point for point in history.points if start <= point.t < end and kind in point.harsh]
    if told:
        return [Harsh(point.t, point.t, name, "device") for point in told if point.harsh[kind]]
    if kind == "harsh_cornering" or not any(start <= change.start < end for change in history.speed_changes):
        return None
    sign, runs = -1 if kind == "harsh_braking" else 1, []
    for change in history.speed_changes:
        if sign * change.ms2 < history.parameters[f"{kind}_ms2"]:
            continue
        if runs and runs[-1][-1].end == change.start:
            runs[-1].append(change)
        else:
            runs.append([change])
    return [Harsh(run[0].start, run[-1].end, name, "speed") for run in runs if start <= run[0].start < end]


# ---------------------------------------------------------------------------------------------------------------------
# The day
# ---------------------------------------------------------------------------------------------------------------------

E = TypeVar("E", Trip, Stop, Idling, Speeding, FuelEvent, FaultChange)


def starting_in(events: list[E], start: int, end: int) -> list[E]:
    return [event for event in events if start <= event.start < end]


def day_row(history: History, start: int, end: int, dismissed: frozenset[int]) -> dict[str, Any]:
    """The truck-day [start, end)."""
    points = [point for point in history.points if start <= point.t < end]
    distance_m, distance_source = history.distance(start, end)
    harsh = {kind: harsh_in_day(history, kind, start, end) for kind in HARSH}
    faults = starting_in(history.fault_changes, start, end)
    read = [q for q in (history.odometer, history.fuel, history.hours) if q.read_in(start, end)]
    return {
        "messages": len(points),
        "fixes": sum(point.place is not None for point in points),
        "dropped_values": sum(point.dropped for point in points),
        **time_figures(history, start, end),
        "distance_m": distance_m,
        "distance_source": distance_source,
        "distance_gps_m": whole(history.legs.counted.within(start, end)),
        "drift_m": whole(history.legs.drift.within(start, end)),
        "distance_gap_m": whole(history.legs.gaps.within(start, end)),
        "distance_odometer_m": whole(history.odometer.within(start, end)),
        "engine_hours": history.hours.within(start, end),
        "counter_resets": sum(start <= t < end for t in history.resets) if read else None,
        "max_speed_kmh": max((point.gps_kmh for point in points if point.gps_kmh is not None), default=None),
        **fuel_figures(history, start, end, dismissed),
        **speeding_figures(history, start, end),
        **event_figures(history, start, end),
        **{kind: None if events is None else len(events) for kind, events in harsh.items()},
        "faults_opened": (
            sum(change.kind == "opened" for change in faults)
            if any(point.faults is not None for point in points)
            else None
        ),
        "events": {
            **started_events(history, start, end),
            "harsh": sorted(event for events in harsh.values() for event in events or ()),
            "faults": faults,
        },
    }


QUARTER = 900  # clocks change at full quarters of an hour, and by as many of them


def by_the_clock(stretches: list[Stretch], start: int, end: int, zone: ZoneInfo) -> dict[int, dict[str, int]]:
    """Hour on the clock → seconds of each state, and those that were idle productively; hours that do not come are
    left out."""
    found: dict[int, dict[str, int]] = {}
    for t in range(start, end, QUARTER):
        until = min(t + QUARTER, end)
        hour = found.setdefault(datetime.fromtimestamp(t, zone).hour, {"no data": 0})
        known = 0
        for stretch, part in overlaps(stretches, t, until):
            hour[stretch.state] = hour.get(stretch.state, 0) + part
            if stretch.state == "idle" and stretch.productive:
                hour["productive"] = hour.get("productive", 0) + part
            known += part
        hour["no data"] += until - t - known
    return found


def time_figures(history: History, start: int, end: int) -> dict[str, Any]:
    moving = seconds(history.stretches, "moving", start, end)
    idle = seconds(history.stretches, "idle", start, end)
    parked = seconds(history.stretches, "parked", start, end)
    before_first_s = max(min(history.points[0].t, end) - start, 0)
    no_data = before_first_s + seconds(history.stretches, "no data", start, end)
    known = history.evidence is not None
    return {
        "moving_s": moving,
        "idle_s": idle if known else None,
        "idle_productive_s": seconds(history.stretches, "idle", start, end, productive=True) if known else None,
        "parked_s": parked,
        "no_data_s": no_data,
        "engine_on_s": moving + idle if known else None,
        "coverage_pct": 100 * (1 - no_data / (end - start)),
    }


def night_driving(history: History, start: int, end: int, zone: ZoneInfo) -> int | None:
    """The moving seconds in which the clock on the wall shows an hour of the night; null where nothing is measured."""
    if all(stretch.state == "no data" for stretch, _ in overlaps(history.stretches, start, end)):
        return None
    hours = history.parameters["night_begin_h"], history.parameters["night_end_h"]
    first = start // 86_400 * 86_400
    before = {t: night_seconds_before(t, zone, *hours) for t in range(first, end, 86_400)}
    return sum(
        before[t][min(stretch.end, end, t + 86_400) - t] - before[t][max(stretch.start, start, t) - t]
        for stretch, _ in overlaps(history.stretches, start, end)
        if stretch.state == "moving"
        for t in before
        if max(stretch.start, start) < t + 86_400 and min(stretch.end, end) > t
    )


@lru_cache(maxsize=100)
def night_seconds_before(midnight_utc: int, zone: ZoneInfo, begin_h: float, end_h: float) -> list[int]:
    """Of each second of a day in UTC, and of its end, how many seconds of night came before it, each looked at."""
    counts = [0]
    for t in range(midnight_utc, midnight_utc + 86_400):
        clock = datetime.fromtimestamp(t, zone)
        hour = clock.hour + clock.minute / 60 + clock.second / 3600
        at_night = begin_h <= hour < end_h if begin_h <= end_h else hour >= begin_h or hour < end_h
        counts.append(counts[-1] + at_night)
    return counts


def fuel_figures(history: History, start: int, end: int, dismissed: frozenset[int]) -> dict[str, Any]:
    """Fuel used, and what went into and out of the tank."""
    change = history.level.within(start, end)
    started = starting_in(history.fuel_events, start, end)
    events = [e for e in started if e.kind == "refuel" or not any(abs(e.start - t) <= 600 for t in dismissed)]
    refuels = [event.litres for event in events if event.kind == "refuel"]
    drains = [event.litres for event in events if event.kind == "drain"]
    counted, source = history.fuel.within(start, end), "counter"
    used = counted
    if used is None and change is not None:
        used, source = math.fsum([-change, *refuels, *(-litres for litres in drains)]), "level"
    return {
        "fuel_used_l": used,
        "fuel_source": None if used is None else source,
        "idle_fuel_l": None if counted is None or history.evidence is None else idle_fuel(history, start, end),
        "refuels": None if change is None else len(refuels),
        "refuel_l": None if change is None else math.fsum(refuels),
        "drains": None if change is None or history.evidence is None else len(drains),
        "drain_l": None if change is None or history.evidence is None else math.fsum(drains),
    }


def idle_fuel(history: History, start: int, end: int) -> float:
    """The litres of the counter that fall into the idle seconds of [start, end)."""
    return math.fsum(
        history.fuel.within(max(idling.start, start), min(idling.end, end)) or 0
        for idling in history.idling
        if idling.start < end and idling.end > start
    )


def speeding_figures(history: History, start: int, end: int) -> dict[str, Any]:
    inside = (min(episode.end, end) - max(episode.start, start) for episode in history.speeding)
    speeding_s = sum(part for part in inside if part > 0)
    if not speeding_s and not any(point.place for point in history.points if start <= point.t < end):
        return dict.fromkeys(("speeding_minor", "speeding_moderate", "speeding_severe", "speeding_s"))
    severities = [episode.severity for episode in starting_in(history.speeding, start, end)]
    return {
        "speeding_minor": severities.count("minor"),
        "speeding_moderate": severities.count("moderate"),
        "speeding_severe": severities.count("severe"),
        "speeding_s": speeding_s,
    }


def event_figures(history: History, start: int, end: int) -> dict[str, Any]:
    started = started_events(history, start, end)
    measured = any(stretch.state != "no data" for stretch, _ in overlaps(history.stretches, start, end))
    return {
        "trips": len(started["trips"]) if measured else None,
        "stops": len(started["stops"]) if measured else None,
        "idle_events": len(started["idle"]) if measured and history.evidence else None,
    }


def started_events(history: History, start: int, end: int) -> dict[str, Any]:
    minimum_s = history.parameters["idle_event_min_s"]
    idle = [event for event in starting_in(history.idling, start, end) if event.end - event.start >= minimum_s]
    return {
        "trips": starting_in(history.trips, start, end),
        "stops": starting_in(history.stops, start, end),
        "speeding": starting_in(history.speeding, start, end),
        "idle": idle,
        "fuel": starting_in(history.fuel_events, start, end),
    }


# ---------------------------------------------------------------------------------------------------------------------
# Figures by driver
# ---------------------------------------------------------------------------------------------------------------------

NOBODY = 0


def figures_by_driver(
    history: History, row: dict[str, Any], start: int, end: int, zone: ZoneInfo, dismissed: frozenset[int]
) -> dict[Any, dict[str, Any]]:
    """What of the truck-day `row` falls into the time of each driver; NOBODY: of whom nobody is known."""
    instants = {t for each in history.assigned for t in (each.start, each.end) if t is not None and start < t < end}
    pieces = list(pairwise(sorted({start, end} | instants)))
    harsh = {kind: harsh_in_day(history, kind, start, end) for kind in HARSH}
    metres = metres_of_pieces(history, row, pieces)
    found: dict[Any, list[dict[str, Any]]] = {}
    for (first, last), distance_m in zip(pieces, metres, strict=True):
        own = {
            **time_figures(history, first, last),
            **speeding_figures(history, first, last),
            **event_figures(history, first, last),
            "length_s": last - first,
            "night_driving_s": night_driving(history, first, last, zone),
            "distance_m": distance_m,
            "fuel_used_l": litres_by(row["fuel_source"], history, first, last, dismissed),
            "fuel_distance_m": None if row["fuel_used_l"] is None else distance_m,
        }
        own["consumption_l"] = None if row["distance_m"] is None else own["fuel_used_l"]
        counted = history.fuel.within(first, last) is not None and history.evidence is not None
        own["idle_fuel_l"] = idle_fuel(history, first, last) if counted else None
        for kind, events in harsh.items():
            is_known = events is not None and own["trips"] is not None
            own[kind] = len([e for e in events or () if first <= e.start < last]) if is_known else None
        speeds = [p.gps_kmh for p in history.points if first <= p.t < last and p.gps_kmh is not None]
        own["max_speed_kmh"] = max(speeds, default=None)
        found.setdefault(had_the_truck(history.assigned, first) or NOBODY, []).append(own)
    return {driver: summed(shares) for driver, shares in found.items()}


def summed(shares: list[dict[str, Any]]) -> dict[str, Any]:
    """Each figure added up over those in which it is measured; of speeds the highest."""
    totals: dict[str, Any] = {}
    for name in shares[0]:
        known = [share[name] for share in shares if share[name] is not None]
        add = max if name == "max_speed_kmh" else sum
        totals[name] = add(known) if known else None
    del totals["coverage_pct"], totals["stops"]
    return totals


def metres_of_pieces(history: History, row: dict[str, Any], pieces: list[tuple[int, int]]) -> list[int | None]:
    """By the day's source: what the rounded metres since the day's start grow by; what is left goes to the last one."""
    by_odometer = row["distance_source"] == "odometer"
    start = pieces[0][0]
    parts: list[int | None] = []
    so_far = 0
    for first, last in pieces:
        quantity = history.odometer if by_odometer else history.legs.counted
        if row["distance_m"] is None or quantity.within(first, last) is None:
            parts.append(None)
            continue
        metres = whole(quantity.within(start, last)) or 0
        if not by_odometer:
            metres -= whole(history.legs.drift.within(start, last)) or 0
        parts.append(min(max(metres, so_far), row["distance_m"]) - so_far)
        so_far += parts[-1] or 0
    known = [index for index, part in enumerate(parts) if part is not None]
    if known:
        parts[known[-1]] = (parts[known[-1]] or 0) + row["distance_m"] - so_far
    return parts


def litres_by(source: str | None, history: History, start: int, end: int, dismissed: frozenset[int]) -> float | None:
    if source == "counter":
        return history.fuel.within(start, end)
    change = history.level.within(start, end)
    if source is None or change is None:
        return None
    figures = fuel_figures(history, start, end, dismissed)
    return (
        -change
        + figures["refuel_l"]
        - sum(
            event.litres
            for event in starting_in(history.fuel_events, start, end)
            if event.kind == "drain" and not any(abs(event.start - t) <= 600 for t in dismissed)
        )
    )
