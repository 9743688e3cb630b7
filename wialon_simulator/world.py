"""Everything the server knows: units with their histories, resources with drivers, groups, and what was changed."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from wialon_simulator import replay
from wialon_simulator.catalog import ACCOUNT_ID, counter_flags, identifiers, measure, standing_blocks
from wialon_simulator.clock import Clock
from wialon_simulator.devices import Sensors
from wialon_simulator.drivers import Binding, Driver, roster
from wialon_simulator.generated import Crew, TruckSource
from wialon_simulator.history import DAY, History, NoMessages, Source
from wialon_simulator.items import Item, Json, Resource, Unit, UnitGroup
from wialon_simulator.recorder import Message
from wialon_simulator.shifts import Calendar
from wialon_simulator.trucks import FIRST_UNIT_ID, Duty, Peculiarity, Truck, fleet

SHIFTS_IN_MEMORY = 400
REPLAY_HARDWARE_ID = 99


@dataclass(frozen=True, slots=True)
class Change:
    """An event for `avl_evts` that does not follow from the passing of time: "m" message, "u" update, "d" deletion."""

    unit_id: int
    type: str
    data: Any = None


@dataclass(slots=True)
class World:
    """The server's data. Whoever reads or changes it holds `lock`."""

    clock: Clock
    zone: ZoneInfo
    token: str
    units: dict[int, Unit]
    resources: dict[int, Resource]
    groups: dict[int, UnitGroup]
    trucks: Sequence[Truck] = ()
    changes: list[Change] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def items(self) -> Iterable[Item]:
        return [*self.units.values(), *self.resources.values(), *self.groups.values()]

    def item(self, item_id: int) -> Item | None:
        return self.units.get(item_id) or self.resources.get(item_id) or self.groups.get(item_id)

    def add_messages(self, unit_id: int, messages: Iterable[Message]) -> None:
        with self.lock:
            at_once = self.units[unit_id].history.add(messages, self.clock.now())
            self.changes += [Change(unit_id, "m", orjson.Fragment(record.body)) for record in at_once]

    def delete_messages(self, unit_id: int, predicate: Callable[[Message], bool]) -> int:
        with self.lock:
            return self.units[unit_id].history.delete(predicate, self.clock.now())

    def set_sensors(self, unit_id: int, sensors: Json) -> None:
        with self.lock:
            self.units[unit_id].sensors = sensors
            self.changes.append(Change(unit_id, "u", {"sens": sensors}))

    def rename(self, unit_id: int, name: str) -> None:
        with self.lock:
            self.units[unit_id].name = name
            self.changes.append(Change(unit_id, "u", {"nm": name}))

    def set_bindings(self, resource_id: int, driver_id: int, bindings: Iterable[tuple[int, int]]) -> None:
        with self.lock:
            found = [Binding(t, unit_id) for t, unit_id in bindings]
            self.resources[resource_id].changed[driver_id] = sorted(found, key=lambda binding: binding.t)

    def remove_driver(self, resource_id: int, driver_id: int) -> None:
        with self.lock:
            resource = self.resources[resource_id]
            resource.drivers = [driver for driver in resource.drivers if driver.local_id != driver_id]

    def remove(self, unit_id: int) -> None:
        with self.lock:
            del self.units[unit_id]
            for group in self.groups.values():
                group.unit_ids = [other for other in group.unit_ids if other != unit_id]
            self.changes.append(Change(unit_id, "d"))


def token_of(seed: int) -> str:
    """Returns the only token that this simulator lets in: 72 characters."""
    return hashlib.sha512(f"wialon simulator {seed}".encode()).hexdigest()[:72]


def generate(*, trucks: int, days: int, seed: int, now: float, zone: ZoneInfo, frozen: bool) -> World:
    """Returns a fleet whose history begins at the local midnight `days` days before the day of `now`."""
    today = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
    calendar = Calendar(today - timedelta(days=days), zone, eventful=days - 1)
    vehicles = fleet(seed, trucks)
    drivers = roster(trucks)
    recall = lru_cache(maxsize=max(SHIFTS_IN_MEMORY, 3 * trucks))(TruckSource.messages)
    crew = Crew(drivers, trucks)
    sources = [TruckSource(truck, calendar, crew, recall) for truck in vehicles]
    units = [_unit(truck, source) for truck, source in zip(vehicles, sources, strict=True)]
    return World(
        clock=Clock(now, frozen=frozen),
        zone=zone,
        token=token_of(seed),
        units={unit.id: unit for unit in units},
        resources=_resources(drivers, [(unit.id, unit.history.source) for unit in units]),
        groups=_groups(vehicles),
        trucks=vehicles,
    )


def recorded(path: Path, *, seed: int, now: float | None, zone: ZoneInfo, frozen: bool) -> World:
    """Returns the vehicles of a recording; without `now` the clock starts a minute after its last message."""
    vehicles = replay.read(path)
    start = max(recording.ends() for recording, _ in vehicles.values()) + 60 if now is None else now
    units = [
        _recorded_unit(FIRST_UNIT_ID + n, name, recording, sensors)
        for n, (name, (recording, sensors)) in enumerate(vehicles.items())
    ]
    return World(
        clock=Clock(start, frozen=frozen),
        zone=zone,
        token=token_of(seed),
        units={unit.id: unit for unit in units},
        resources=_resources([], []),
        groups={600_101: UnitGroup(600_101, path.stem, [unit.id for unit in units])},
    )


def _unit(truck: Truck, source: TruckSource) -> Unit:
    silent = Peculiarity.NEVER_REPORTS in truck.peculiarities
    return Unit(
        id=truck.unit_id,
        name=truck.name,
        history=History(NoMessages(source.begins()) if silent else source),
        sensors=source.device.sensors,
        blocks=standing_blocks(truck, source.device.hardware_id),
        created=source.begins() - DAY,
        counter_flags=counter_flags(truck),
        mu=measure(truck),
    )


def _recorded_unit(unit_id: int, name: str, recording: replay.Recording, sensors: Sensors) -> Unit:
    blocks: dict[int, Json] = {
        0x2: {"prp": {}},
        0x8: {"flds": {}},
        0x80: {"aflds": {}},
        0x100: identifiers(unit_id, REPLAY_HARDWARE_ID),
        0x800000: {"pflds": {}},
    }
    return Unit(unit_id, name, History(recording), sensors, blocks, recording.begins() - DAY, counter_flags=0)


def _resources(drivers: Sequence[Driver], sources: Sequence[tuple[int, Source]]) -> dict[int, Resource]:
    names = {ACCOUNT_ID: "Fleet account", ACCOUNT_ID + 1: "Contractors"}
    return {
        resource_id: Resource(resource_id, name, [driver for driver in drivers if driver.resource == n], sources)
        for n, (resource_id, name) in enumerate(names.items())
    }


def _groups(trucks: Sequence[Truck]) -> dict[int, UnitGroup]:
    near = {Duty.LOCAL, Duty.SITE}
    members = {
        "All trucks": [truck.unit_id for truck in trucks],
        "Local – Süd": [truck.unit_id for truck in trucks if truck.duty in near],
        "Long distance": [truck.unit_id for truck in trucks if truck.duty not in near],
        "Sold": [],
    }
    return {600_101 + n: UnitGroup(600_101 + n, name, ids) for n, (name, ids) in enumerate(members.items())}
