"""The latest value of every sensor of a truck and its last position, and its open faults, as JSON for the API. Pure."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import orjson

from apps.accounts.amounts import shown
from apps.trucks.messages.normal import MessageRow, Rows, is_fix
from apps.trucks.sensors import SensorTable

OpenFault: TypeAlias = tuple[int, int, int, str, dt.datetime]  # SPN, FMI, source, severity, when it opened
_NOT_TOLD = 255  # the address of no control unit


@dataclass(frozen=True, slots=True)
class Latest:
    """`values`: sensor id → (value, second it was measured). Place and speed are those of the last fix."""

    t: int | None = None
    fix_t: int | None = None
    lat: float | None = None
    lon: float | None = None
    speed_kmh: float | None = None
    position: dict[str, Any] | None = None
    values: dict[str, tuple[Any, int]] = field(default_factory=dict)


def newest(known: Latest, evaluated: Rows, table: SensorTable) -> Latest:
    """What is latest once these messages are known too; they are ascending.

    Older messages only fill what nothing newer has said, so the order of arrival does not matter.
    """
    latest = replace(known, values=_values(known.values, evaluated.newest, table))
    rows = evaluated.rows
    if rows and (known.t is None or rows[-1].t >= known.t):
        latest = replace(latest, t=rows[-1].t)
    fix = next((row for row in reversed(rows) if _usable(row)), None)
    if fix is None or (known.fix_t is not None and fix.t < known.fix_t):
        return latest
    return replace(latest, fix_t=fix.t, lat=fix.lat, lon=fix.lon, speed_kmh=fix.speed_kmh, position=_position(fix))


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
                "value": shown(value),
                "at": instant(t),
            }
        )
    return orjson.dumps({"sensors": sensors, "position": latest.position})


def open_faults(faults: Iterable[OpenFault]) -> bytes | None:
    """JSON: a truck's open faults by their codes; None for none."""
    items = [
        {
            "spn": spn,
            "fmi": fmi,
            "source": None if source == _NOT_TOLD else source,
            "severity": severity,
            "opened_at": instant(int(opened_at.timestamp())),
        }
        for spn, fmi, source, severity, opened_at in faults
    ]
    items.sort(key=lambda item: (item["spn"], item["fmi"], item["source"] or 0))
    return orjson.dumps(items) if items else None


def instant(t: int | None) -> str | None:
    """RFC 3339 with Z."""
    return None if t is None else dt.datetime.fromtimestamp(t, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _values(
    known: dict[str, tuple[Any, int]], newest: Mapping[int, tuple[Any, int]], table: SensorTable
) -> dict[str, tuple[Any, int]]:
    """Sensor → its newest value; those that the table does not have any more go."""
    keys = {str(definition.id) for definition in table.definitions}
    values = {key: value for key, value in known.items() if key in keys}
    for sensor_id, (value, t) in newest.items():
        key = str(sensor_id)
        if key not in values or t >= values[key][1]:
            values[key] = (value, t)
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
