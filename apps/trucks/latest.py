"""The latest value of every sensor of a truck and its last position, as one document for the API. Pure."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.trucks.messages import MessageRow, Raw, is_fix
from apps.trucks.sensors import SensorTable

_ENOUGH = 300  # messages looked back for a value: a sensor silent for longer keeps the older value it had


@dataclass(frozen=True, slots=True)
class Latest:
    """`values`: sensor id → (value, second it was measured). Place and speed are those of the last fix."""

    t: int | None = None
    engine_on: bool | None = None
    fix_t: int | None = None
    lat: float | None = None
    lon: float | None = None
    speed_kmh: float | None = None
    position: dict[str, Any] | None = None
    values: dict[str, tuple[Any, int]] = field(default_factory=dict)


def newest(
    known: Latest, messages: Sequence[Raw], rows: Sequence[MessageRow], table: SensorTable, engine_on: bool | None
) -> Latest:
    """What is latest once these messages are known too; messages and their rows ascending.

    Older messages only fill what nothing newer has said, so the order of arrival does not matter.
    """
    values = _values(known.values, messages, table)
    fix = next((row for row in reversed(rows) if _usable(row)), None)
    newer_fix = fix is not None and (known.fix_t is None or fix.t >= known.fix_t)
    newer = bool(rows) and (known.t is None or rows[-1].t >= known.t)
    return Latest(
        t=rows[-1].t if newer else known.t,
        engine_on=engine_on if newer and engine_on is not None else known.engine_on,
        fix_t=fix.t if fix and newer_fix else known.fix_t,
        lat=fix.lat if fix and newer_fix else known.lat,
        lon=fix.lon if fix and newer_fix else known.lon,
        speed_kmh=fix.speed_kmh if fix and newer_fix else known.speed_kmh,
        position=_position(fix) if fix and newer_fix else known.position,
        values=values,
    )


def document(latest: Latest, table: SensorTable) -> bytes:
    """JSON: `sensors` in the order of their ids, those without any value included, and `position`."""
    sensors = []
    for definition in table.definitions:
        value, t = latest.values.get(str(definition.id), (None, None))
        sensors.append(
            {
                "id": definition.id,
                "name": definition.name,
                "type": definition.type,
                "unit": definition.unit,
                "value": value,
                "at": instant(t),
            }
        )
    return orjson.dumps({"sensors": sensors, "position": latest.position})


def instant(t: int | None) -> str | None:
    """RFC 3339 with Z."""
    return None if t is None else dt.datetime.fromtimestamp(t, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _values(
    known: dict[str, tuple[Any, int]], messages: Sequence[Raw], table: SensorTable
) -> dict[str, tuple[Any, int]]:
    current = {str(definition.id) for definition in table.definitions}
    values = {key: value for key, value in known.items() if key in current}
    missing = set(current)
    for index in range(len(messages) - 1, max(-1, len(messages) - 1 - _ENOUGH), -1):
        if not missing:
            break
        message = messages[index]
        for sensor_id, value in table.evaluate(message, messages[index - 1] if index else None).items():
            key = str(sensor_id)
            if value is None or key not in missing:
                continue
            missing.discard(key)
            if key not in values or message["t"] >= values[key][1]:
                values[key] = (value, message["t"])
    return values


def _usable(row: MessageRow) -> bool:
    return is_fix(row.lat, row.lon, row.satellites, row.flags, min_satellites=0)


def _position(fix: MessageRow) -> dict[str, Any]:
    return {
        "lat": fix.lat,
        "lon": fix.lon,
        "speed_kmh": fix.speed_kmh,
        "course_deg": fix.course_deg,
        "altitude_m": fix.altitude_m,
        "satellites": None if fix.satellites == 255 else fix.satellites,
        "at": instant(fix.t),
    }
