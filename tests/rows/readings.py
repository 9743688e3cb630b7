"""What trucks have sent: messages and latest values."""

import datetime as dt
from typing import Any

import orjson

from apps.trucks.models import LatestValues, Message, Truck
from tests.rows.fleets import NOON


def latest(truck: Truck, at: dt.datetime | None = NOON, **changes: Any) -> LatestValues:
    second = None if at is None else int(at.timestamp())
    values = {
        "t": second,
        "engine_on": True,
        "speed_kmh": 88.0,
        "lat": 41.85,
        "lon": -87.65,
        "fix_t": second,
        **changes,
    }
    if "document" not in values:
        values["document"] = latest_document(values)
    return LatestValues.objects.create(truck_id=truck.pk, fleet_id=truck.fleet_id, **values)


def latest_document(values: dict[str, Any]) -> bytes:
    """The document of latest values as the sync writes it, with one sensor."""
    second = values["t"]
    at = None if second is None else dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    sensor = {"id": 4, "name": "Fuel level", "type": "fuel level", "unit": "l", "value": 412.5, "at": at}
    position = {
        "lat": values["lat"], "lon": values["lon"], "speed_kmh": values["speed_kmh"],
        "course_deg": 270.0, "altitude_m": 180.0, "satellites": 12, "at": at,
    }  # fmt: skip
    return orjson.dumps({"sensors": [sensor], "position": position if values["lat"] is not None else None})


def message(truck: Truck, at: dt.datetime = NOON, **changes: Any) -> Message:
    t = int(at.timestamp())
    values = {
        "digest": t, "received_t": t + 3, "flags": 1, "lat": 41.85, "lon": -87.65, "speed_kmh": 88.0, "ignition": True,
        "rpm": 1_240.0, "voltage": 27.9, "odometer_m": 420_000, "fuel_used_l": 131.5, "fuel_level_l": 310.0,
        "engine_hours_h": 9.0, "pto": False, "harsh": 0b111000, "dtc": "", "sensor_version": "1",
        "payload": b'{"t": 1, "p": {}}', **changes,
    }  # fmt: skip
    return Message.objects.create(fleet_id=truck.fleet_id, truck_id=truck.pk, t=t, **values)
