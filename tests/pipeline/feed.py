"""A made-up truck whose few messages hit many edges, and rows of ours to compare."""

import datetime as dt
import random
from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from apps.accounts.models import Fleet
from apps.fleet.models import FleetDay
from apps.trucks.messages.normal import sort_out
from apps.trucks.models import (
    DirtyDay,
    FaultChange,
    FuelEvent,
    HarshEvent,
    IdleEvent,
    LatestValues,
    Message,
    SpeedingEpisode,
    Stop,
    Trip,
    Truck,
    TruckDay,
    TruckSync,
)
from apps.trucks.sensors import SensorTable
from apps.trucks.sync.ingest import advance, store

KM = 1 / 111.19508  # degrees of latitude
EVENTS = (Trip, Stop, IdleEvent, SpeedingEpisode, FuelEvent, HarshEvent, FaultChange)


def sensor(number: int, name: str, kind: str, parameter: str, unit: str = "") -> dict[str, Any]:
    return {"id": number, "n": name, "t": kind, "d": "", "m": unit, "p": parameter, "f": 0, "c": "{}", "vt": 0, "vs": 0,
            "tbl": []}  # fmt: skip


SENSORS = {
    str(each["id"]): each
    for each in (
        sensor(1, "Ignition", "engine operation", "ign"),
        sensor(2, "Odometer", "mileage", "odo", "km"),
        sensor(3, "Fuel used", "absolute fuel consumption", "used", "l"),
        sensor(4, "Level", "fuel level", "level", "l"),
        sensor(5, "Hours", "engine hours", "hours", "h"),
        sensor(6, "PTO", "digital", "pto"),
        sensor(7, "Odometer change", "custom", "odo-#odo", "km"),
        sensor(8, "Starts", "counter", "ign") | {"f": 4},
    )
}
PLAIN = {
    number: each for number, each in SENSORS.items() if number not in ("7", "8")
}  # none refers to a message before


def truck_of(fleet: Fleet, name: str, sensors: dict[str, Any] | None = None) -> Truck:
    table = SENSORS if sensors is None else sensors
    truck = Truck.objects.create(
        fleet=fleet,
        wialon_id=700_000 + Truck.objects.count(),
        code=name,
        name=name,
        sensor_table=table,
        sensor_version=SensorTable.compile(table).version,
    )
    TruckSync.objects.create(truck_id=truck.id, fleet_id=fleet.id)
    return truck


def deliver(truck: Truck, messages: Iterable[dict[str, Any]], now: int) -> tuple[int, int]:
    """Stores messages as a pass does, without moving the watermark."""
    return store(truck.fleet, truck, SensorTable.compile(truck.sensor_table), sort_out(messages, now), now)


def receive(truck: Truck, messages: Iterable[dict[str, Any]], now: int) -> None:
    """What a whole pass at `now` does with them."""
    deliver(truck, messages, now)
    advance(truck.fleet, [truck.id], now)


# What a truck does for a while: speed, engine, seconds between messages.
_MODES = {
    "drive": (70, 1, (60, 590)),
    "race": (118, 1, (15, 60)),
    "crawl": (6, 1, (60, 400)),
    "idle": (0, 1, (60, 900)),
    "pto": (0, 1, (60, 900)),
    "rest": (0, 0, (250, 1_500)),
    "sleep": (0, 0, (1_800, 20_000)),
}
_NIGHTS = (tuple(_MODES), ("drive", "race", "idle"), ("idle", "pto"), ("rest", "sleep", "idle", "crawl"))
_LENGTHS = (40, 110, 130, 290, 310, 900, 1_700, 1_900, 3_500, 3_700, 9_000)
_BEFORE_MIDNIGHT_S = (15, 300, 1_700, 4_000)
_AFTER_MIDNIGHT_S = (20, 2_000, 12_000, 25_000)


_SENT = ("pos", "ign", "odo", "used", "level", "hours", "pto", "harsh", "dtc")


class _Tracker:
    """Sends messages of which many lack a fix or a reading, some of them always."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.kept = {name: rng.choice((1.0, 1.0, 0.6, 0.15)) for name in _SENT}
        self.faults = ""
        self.km, self.used, self.level, self.hours = 0.0, 1_000.0, 300.0, 50.0
        self.messages: list[dict[str, Any]] = []

    def live(self, first_t: int, last_t: int, modes: Sequence[str] = tuple(_MODES)) -> None:
        """Drives, stands and is silent from the one second to the other."""
        rng, t = self.rng, first_t
        while t < last_t:
            mode, until = rng.choice(modes), min(last_t, t + rng.choice(_LENGTHS))
            if rng.random() < 0.2:
                self.level = rng.choice((60.0, 200.0, 380.0))
            if rng.random() < 0.04:
                self.used = 0.0
            if rng.random() < 0.2:
                self.faults = rng.choice(("", "100/1", "SPN100/FMI1,3251/15/0"))
            if rng.random() < 0.15:
                t = until  # silence
            while t < until:
                speed, engine, pace = _MODES[mode]
                step = min(rng.randint(*pace), until - t)
                self._send(t, speed, engine, mode == "pto")
                self.km += speed * step / 3_600
                self.used, self.level = self.used + engine * step / 1_200, self.level - engine * step / 1_200
                self.hours += engine * step / 3_600
                t += step

    def _send(self, t: int, speed: int, engine: int, pto: bool) -> None:
        rng = self.rng
        values = {"ign": engine, "odo": round(self.km, 3), "used": round(self.used, 1), "hours": round(self.hours, 2),
                  "level": round(self.level + rng.random(), 1), "pto": int(pto),
                  "dtc": self.faults}  # fmt: skip
        values[f"harsh_{rng.choice(('braking', 'cornering'))}"] = int(rng.random() < 0.1)
        has_fix = rng.random() < self.kept["pos"]
        place = {"y": 50 + self.km * KM, "x": 9.0, "z": 100, "s": speed, "c": 0, "sc": rng.choice((12, 9, 2, 255))}
        self.messages.append(
            {
                "t": t,
                "f": int(has_fix),
                "tp": "ud",
                "rt": t + rng.randint(0, 20),
                "pos": place if has_fix else None,
                "p": {name: value for name, value in values.items() if rng.random() < self.kept[name.split("_")[0]]},
            }
        )


def history(seed: int, first_t: int, last_t: int) -> list[dict[str, Any]]:
    """A truck's messages of [first_t, last_t)."""
    tracker = _Tracker(random.Random(seed))
    tracker.live(first_t, last_t)
    return tracker.messages


def nights(seed: int, midnights: Iterable[int]) -> list[dict[str, Any]]:
    """A few messages around each midnight, where most of what can go wrong does; silence by day."""
    rng = random.Random(seed)
    tracker = _Tracker(rng)
    for t in midnights:
        tracker.live(t - rng.choice(_BEFORE_MIDNIGHT_S), t + rng.choice(_AFTER_MIDNIGHT_S), rng.choice(_NIGHTS))
    return tracker.messages


def arrivals(seed: int, messages: Sequence[dict[str, Any]], share: float) -> list[tuple[int, dict[str, Any]]]:
    """(instant, message) in the order in which they become known; a share of them begins a late run, long or short."""
    rng = random.Random(seed)
    late_until, lateness = 0, 0
    result = []
    for message in messages:
        if message["t"] >= late_until and rng.random() < share:
            late_until = message["t"] + rng.choice((1, 1, 600, 7_200, 40_000))
            lateness = rng.choice((600, 5_000, 40_000, 200_000))
        delay = lateness + rng.randint(0, 900) if message["t"] < late_until else rng.randint(0, 5)
        result.append((message["t"] + delay, message))
    return sorted(result, key=lambda arrival: arrival[0])


def midnight(day: dt.date, zone: str) -> int:
    return int(dt.datetime.combine(day, dt.time(), tzinfo=ZoneInfo(zone)).timestamp())


_NOT_COMPARED = ("fleet_id", "truck_id", "status", "revision", "computed_at")


def rows(model: Any, truck: Truck) -> list[dict[str, Any]]:
    """All columns of a truck's rows, but for whose they are and when and how often they were written."""
    found = model._default_manager.filter(truck_id=truck.id).order_by("pk").values()
    return [{name: value for name, value in row.items() if name not in _NOT_COMPARED} for row in found]


def summaries_of(truck: Truck) -> dict[str, list[dict[str, Any]]]:
    return {model.__name__: rows(model, truck) for model in (TruckDay, *EVENTS)}


def stored(truck: Truck) -> list[dict[str, Any]]:
    return rows(Message, truck)


def latest(truck: Truck) -> list[dict[str, Any]]:
    return rows(LatestValues, truck)


def fleet_days(fleet: Fleet) -> list[dict[str, Any]]:
    found = FleetDay.objects.filter(fleet_id=fleet.id).order_by("day").values()
    return [{name: value for name, value in row.items() if name not in _NOT_COMPARED} for row in found]


def dirty(truck: Truck) -> set[dt.date]:
    return set(DirtyDay.objects.filter(truck_id=truck.id).values_list("day", flat=True))


def differences(left: dict[str, list[dict[str, Any]]], right: dict[str, list[dict[str, Any]]]) -> list[str]:
    """What two trucks' rows differ in, in words."""
    found = []
    for name in left:
        ours, theirs = ({_key(row): row for row in side[name]} for side in (left, right))
        found += [
            f"{name} {key}: only {'the first' if key in ours else 'the second'}" for key in ours.keys() ^ theirs.keys()
        ]
        found += [
            f"{name} {key} {column}: {value!r} != {theirs[key][column]!r}"
            for key in ours.keys() & theirs.keys()
            for column, value in ours[key].items()
            if value != theirs[key][column]
        ]
    return sorted(found)


def _key(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("day", "started_at", "kind", "t", "digest") if name in row)
