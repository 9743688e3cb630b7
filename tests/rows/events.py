"""What is found in a truck's history."""

import datetime as dt
from decimal import Decimal
from typing import Any

from apps.trucks.models import (
    FaultChange,
    FuelEvent,
    HarshEvent,
    IdleEvent,
    OpenFault,
    SpeedingEpisode,
    Stop,
    Trip,
    Truck,
    TruckSync,
)
from apps.trucks.sync.latest import open_faults
from tests.rows.fleets import NOON


def _event(truck: Truck, started_at: dt.datetime, seconds: int) -> dict[str, Any]:
    return {
        "fleet_id": truck.fleet_id,
        "truck_id": truck.pk,
        "day": started_at.astimezone(truck.fleet.zone).date(),
        "started_at": started_at,
        "ended_at": started_at + dt.timedelta(seconds=seconds),
        "lat": 41.85,
        "lon": -87.65,
    }


def trip(truck: Truck, started_at: dt.datetime = NOON, seconds: int = 3_600, **changes: Any) -> Trip:
    idle_s = changes.get("idle_s", seconds // 10)
    values = {
        "end_lat": 42.1, "end_lon": -88.2, "distance_m": 20 * seconds, "distance_source": "odometer",
        "moving_s": seconds - (idle_s or 0), "idle_s": idle_s, "parked_s": 0, "no_data_s": 0,
        "mean_speed_kmh": 80.0, "max_speed_kmh": 96.0, "fuel_l": seconds / 150, **changes,
    }  # fmt: skip
    return Trip.objects.create(**{**_event(truck, started_at, seconds), **values})


def stop(truck: Truck, started_at: dt.datetime = NOON, seconds: int = 1_800, **changes: Any) -> Stop:
    values = {"idle_s": 300, "parked_s": seconds - 300, "no_data_s": 0, **changes}
    return Stop.objects.create(**{**_event(truck, started_at, seconds), **values})


def idle_event(truck: Truck, started_at: dt.datetime = NOON, seconds: int = 600, **changes: Any) -> IdleEvent:
    values = {"duration_s": seconds, "productive_s": 0, "fuel_l": 0.5, "cost": Decimal("0.53"), **changes}
    return IdleEvent.objects.create(**{**_event(truck, started_at, seconds), **values})


def speeding(truck: Truck, started_at: dt.datetime = NOON, seconds: int = 60, **changes: Any) -> SpeedingEpisode:
    values = {
        "severity": "minor", "limit_kmh": 105.0, "max_speed_kmh": 111.0, "excess_kmh": 6.0,
        "duration_s": seconds, "distance_m": 30 * seconds, **changes,
    }  # fmt: skip
    return SpeedingEpisode.objects.create(**{**_event(truck, started_at, seconds), **values})


def fuel_event(truck: Truck, started_at: dt.datetime = NOON, kind: str = "refuel", **changes: Any) -> FuelEvent:
    before, after = (100.0, 400.0) if kind == "refuel" else (400.0, 340.0)
    values = {"level_before_l": before, "level_after_l": after, "litres": abs(after - before)}
    values |= {"review": "suspected" if kind == "drain" else None, **changes}
    values.setdefault("cost", Decimal("1.05") * Decimal(values["litres"]))
    return FuelEvent.objects.create(**{**_event(truck, started_at, 300), "kind": kind, **values})


def harsh_event(truck: Truck, started_at: dt.datetime = NOON, kind: str = "braking", **changes: Any) -> HarshEvent:
    values = {"source": "device", "speed_kmh": 62.0, "peak_ms2": None, **changes}
    return HarshEvent.objects.create(**{**_event(truck, started_at, 0), "kind": kind, **values})


def fault_change(truck: Truck, started_at: dt.datetime = NOON, kind: str = "opened", **changes: Any) -> FaultChange:
    values = {"spn": 100, "fmi": 1, "source": 255, "severity": "severe", **changes}
    return FaultChange.objects.create(**{**_event(truck, started_at, 0), "kind": kind, **values})


def open_fault(truck: Truck, opened_at: dt.datetime = NOON, **changes: Any) -> OpenFault:
    values = {"spn": 100, "fmi": 1, "source": 255, "severity": "severe", "lat": 41.85, "lon": -87.65, **changes}
    made = OpenFault.objects.create(fleet_id=truck.fleet_id, truck_id=truck.pk, opened_at=opened_at, **values)
    columns = ("spn", "fmi", "source", "severity", "opened_at")
    ready = open_faults(OpenFault.objects.filter(truck_id=truck.pk).values_list(*columns))
    TruckSync.objects.update_or_create(truck_id=truck.pk, fleet_id=truck.fleet_id, defaults={"open_faults": ready})
    return made
