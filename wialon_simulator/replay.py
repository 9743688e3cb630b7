"""Units from a recorded CSV file: columns become positions and raw parameters, and a sensor table explains them."""

import csv
import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wialon_simulator.devices import WITH_OVERFLOW, Sensors, linear, sensor, sensor_table, step
from wialon_simulator.history import Stored, Totals, stored
from wialon_simulator.recorder import POSITION, Message

NOT_PARAMETERS = frozenset({"vehicle_id", "t", "lat", "lon", "speed_kmh", "course", "alt_m", "sats", "received_t"})
UNKNOWN_SATELLITES = 255
KEY_ON = [step(0, 0), step(2, 1)]  # off, accessory, on, starting
ENGINE_EVIDENCE = ("ignition", "engine_on", "ignition_key")

_MEANINGS: dict[str, tuple[str, str, str, int]] = {
    "rpm": ("Engine revolutions", "engine rpm", "rpm", 0),
    "odometer_km": ("Odometer", "mileage", "km", WITH_OVERFLOW),
    "engine_hours_h": ("Engine hours", "engine hours", "h", WITH_OVERFLOW),
    "fuel_used_l": ("Fuel used", "absolute fuel consumption", "l", WITH_OVERFLOW),
    "fuel_level_l": ("Fuel level", "fuel level", "l", 0),
    "fuel_level_pct": ("Fuel level", "fuel level", "%", 0),
    "coolant_c": ("Coolant", "temperature", "°C", 0),
    "fuel_rate_lph": ("Fuel rate", "instant fuel consumption", "l/h", 0),
}


class Recording:
    """The messages of one recorded vehicle, by device time."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._records = sorted((stored(message) for message in messages), key=lambda record: record.t)

    def begins(self) -> int:
        return self._records[0].t

    def ends(self) -> int:
        """Returns when the last message was made or registered, whichever is later."""
        return max(max(record.t, record.registered) for record in self._records)

    def between(self, first: int, last: int) -> list[Stored]:
        low = bisect_left(self._records, first, key=lambda record: record.t)
        return self._records[low : bisect_right(self._records, last, key=lambda record: record.t)]

    def totals(self, t: int) -> Totals:
        return Totals(0.0, 0.0)

    def duties(self, until: int) -> Sequence[tuple[int, int, int]]:
        return ()


def read(path: Path) -> dict[str, tuple[Recording, Sensors]]:
    """Returns each recorded vehicle's messages and sensor table by its name, in order of first appearance."""
    rows: dict[str, list[dict[str, str]]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            present = {column: text for column, text in row.items() if text not in ("", None)}
            rows.setdefault(present["vehicle_id"], []).append(present)
    return {
        name: (Recording([_message(row) for row in own]), _sensors({column for row in own for column in row}))
        for name, own in rows.items()
    }


def _message(row: dict[str, str]) -> Message:
    position = _position(row)
    message: Message = {
        "t": int(float(row["t"])),
        "f": POSITION if position else 0,
        "tp": "ud",
        "pos": position,
        "i": 0,
        "o": 0,
        "lc": 0,
        "p": {column: _value(text) for column, text in row.items() if column not in NOT_PARAMETERS},
    }
    if "received_t" in row:
        message["rt"] = int(float(row["received_t"]))
    return message


def _position(row: dict[str, str]) -> dict[str, Any] | None:
    """Returns the position with speed and course in whole numbers, as Wialon sends them, or None without a place."""
    if "lat" not in row or "lon" not in row:
        return None
    return {
        "y": float(row["lat"]),
        "x": float(row["lon"]),
        "z": round(float(row.get("alt_m", 0)), 1),
        "s": _whole(row.get("speed_kmh", "0")),
        "c": _whole(row.get("course", "0")) % 360,
        "sc": int(float(row.get("sats", UNKNOWN_SATELLITES))),
    }


def _whole(text: str) -> int:
    """Returns the nearest whole number, halves upwards."""
    return math.floor(float(text) + 0.5)


def _value(text: str) -> int | float | str:
    """Returns a number where the text is one; whole numbers lose their decimal point."""
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def _sensors(columns: set[str]) -> Sensors:
    """Returns sensors for the columns whose meaning is known; the engine runs by the first evidence there is."""
    rows = []
    evidence = next((column for column in ENGINE_EVIDENCE if column in columns), None)
    if evidence:
        table = KEY_ON if evidence == "ignition_key" else linear(1)
        rows.append(sensor(1, "Ignition", "engine operation", "On/Off", evidence, table=table))
    for column, (name, kind, unit, flags) in _MEANINGS.items():
        if column in columns:
            rows.append(sensor(len(rows) + 1, name, kind, unit, column, flags=flags))
    return sensor_table(*rows)
