"""From messages to points."""

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass

from tests.twin.expressions import is_usable, number
from tests.twin.page import FAULT, HARSH, UNKNOWN_SOURCE, Message
from tests.twin.sensors import SensorTable


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
