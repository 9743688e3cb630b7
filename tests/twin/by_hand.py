"""Messages, sensors and days for the tests of the twin."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from tests.twin import SensorTable, truth

BERLIN = ZoneInfo("Europe/Berlin")
DAY = dt.date(2025, 6, 10)
NEXT_DAY = DAY + dt.timedelta(days=1)
IGNITION, RPM, VOLTAGE, FUEL_USED = "engine operation", "engine rpm", "voltage", "absolute fuel consumption"
KILOMETRE = 0.008_993_203_64  # degrees of latitude: 1 km ÷ (6,371.0088 km × π ÷ 180)
POSITION, LBS, WIFI = 0x1, 0x20000, 0x80000


def at(clock: str, day: dt.date = DAY, zone: dt.tzinfo = dt.UTC) -> int:
    """The epoch second of a wall clock time; "24:00" is the next midnight."""
    hours, minutes, seconds = (int(part) for part in f"{clock}:00".split(":")[:3])
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=zone)
    return int(midnight.timestamp()) + hours * 3600 + minutes * 60 + seconds


def message(t: int, speed: float | None = None, km: float = 0, **params: object) -> dict[str, Any]:
    """A data message; with a speed it is a fix, `km` kilometres up a meridian."""
    pos = None if speed is None else {"y": 50 + km * KILOMETRE, "x": 8.0, "z": 100, "s": speed, "c": 0, "sc": 9}
    flags = 0 if pos is None else POSITION
    return {"t": t, "rt": t + 2, "f": flags, "tp": "ud", "pos": pos, "i": 0, "o": 0, "lc": 0, "p": params}


def sensor(number: int, kind: str, expression: str, **more: object) -> dict[str, Any]:
    row = {"id": number, "n": kind, "t": kind, "d": "", "m": "", "p": expression, "f": 0, "c": "{}", "vt": 0, "vs": 0}
    return {str(number): row | {"tbl": []} | more}


IGNITION_ONLY = sensor(1, IGNITION, "ign")
FULL = (
    IGNITION_ONLY
    | sensor(2, "mileage", "odo", m="km")
    | sensor(3, FUEL_USED, "used")
    | sensor(4, "engine hours", "hours")
    | sensor(5, "fuel level", "level")
    | sensor(6, "digital", "pto", n="PTO shaft")
)


def days(
    messages: list[dict[str, Any]], sens: dict[str, Any] = FULL, *, until: int, timezone: str = "UTC", **more: Any
) -> dict[dt.date, dict[str, Any]]:
    return truth(messages, sens, timezone=timezone, as_of=until, **more)


def the_day(messages: list[dict[str, Any]], sens: dict[str, Any] = FULL, **more: Any) -> dict[str, Any]:
    """The whole of `DAY`, in UTC."""
    return days(messages, sens, until=at("24:00"), **more)[DAY]


def lasts(row: dict[str, Any]) -> int:
    return sum(row[name] or 0 for name in ("moving_s", "idle_s", "parked_s", "no_data_s"))


def levels(*readings: tuple[str, float], ign: int = 0, day: dt.date = DAY) -> list[dict[str, Any]]:
    return [message(at(clock, day), 0, ign=ign, level=level) for clock, level in readings]


def read(sens: dict[str, Any], **params: object) -> tuple[dict[str, float], int]:
    """The readings of a message and the number of values that were dropped."""
    return SensorTable(sens, None).read(message(0, **params), None)
