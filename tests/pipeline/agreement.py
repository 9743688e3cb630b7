"""Holds the product's rows of a fleet against what the twin computes from the simulator's own messages."""

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from apps.accounts.models import Fleet
from apps.fleet.models import TruckDayDriver, TruckDayHours
from apps.fleet.utilization.hours import unpack
from apps.trucks.models import (
    Driver,
    DriverAssignment,
    FaultChange,
    FuelEvent,
    HarshEvent,
    IdleEvent,
    ProductivePlace,
    SpeedingEpisode,
    Stop,
    Trip,
    Truck,
    TruckDay,
    TruckSync,
)
from tests.twin import Assigned, Place, truth
from wialon_simulator import Simulator

COLUMNS = [
    "messages", "fixes", "dropped_values", "moving_s", "idle_s", "idle_productive_s", "parked_s", "no_data_s",
    "engine_on_s", "night_driving_s", "distance_m", "distance_source", "distance_gps_m", "drift_m", "distance_gap_m",
    "distance_odometer_m", "engine_hours", "counter_resets", "fuel_used_l", "fuel_source", "idle_fuel_l",
    "max_speed_kmh", "trips", "stops", "idle_events", "speeding_minor", "speeding_moderate", "speeding_severe",
    "speeding_s", "harsh_braking", "harsh_acceleration", "harsh_cornering", "refuels", "refuel_l", "drains", "drain_l",
    "faults_opened", "coverage_pct",
]  # fmt: skip
DRIVER_COLUMNS = [
    "length_s", "moving_s", "idle_s", "idle_productive_s", "parked_s", "no_data_s", "engine_on_s", "night_driving_s",
    "distance_m", "fuel_used_l", "fuel_distance_m", "consumption_l", "idle_fuel_l", "trips", "idle_events",
    "speeding_minor", "speeding_moderate", "speeding_severe", "speeding_s", "harsh_braking", "harsh_acceleration",
    "harsh_cornering", "harsh_distance_m", "max_speed_kmh",
]  # fmt: skip
# By the twin's name of the events: the rows, and the columns in the order of the twin's own fields after start and end.
EVENTS: dict[str, tuple[Any, list[str]]] = {
    "trips": (Trip, ["distance_m", "moving_s", "idle_s", "parked_s", "no_data_s", "driver_id"]),
    "stops": (Stop, []),
    "idle": (IdleEvent, ["productive_s", "productive_place"]),
    "speeding": (SpeedingEpisode, ["severity", "max_speed_kmh"]),
    "fuel": (FuelEvent, ["kind", "litres"]),
    "harsh": (HarshEvent, ["kind", "source"]),
    "faults": (FaultChange, ["kind", "spn", "fmi", "source", "severity"]),
}
Event = tuple[Any, ...]
TrueDays = dict[dt.date, dict[str, Any]]  # as the twin's `truth` returns them


@dataclass
class Agreement:
    """How much was compared, and what differs, in words."""

    truck_days: int = 0
    events: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def values(self) -> int:
        return self.truck_days * len(COLUMNS)

    def add(self, other: "Agreement") -> None:
        self.truck_days += other.truck_days
        self.events += other.events
        self.differences += other.differences


def agreement(fleet: Fleet, simulator: Simulator) -> Agreement:
    """Every column of every truck-day and all events, of each truck; also a day that only one side has."""
    whole = Agreement()
    for truck in Truck.objects.filter(fleet=fleet):
        whole.add(_of_truck(fleet, truck, simulator))
    return whole


def differences(fleet: Fleet, simulator: Simulator) -> list[str]:
    return agreement(fleet, simulator).differences


def _of_truck(fleet: Fleet, truck: Truck, simulator: Simulator) -> Agreement:
    as_of = TruckSync.objects.get(truck_id=truck.id).known_until or 0
    messages = simulator.messages(truck.wialon_id)
    true_days = truth(
        messages,
        truck.sensor_table,
        timezone=fleet.timezone,
        as_of=as_of,
        tank_l=truck.tank_l,
        assigned=assigned(fleet, truck, simulator),
        places=places(truck),
    )
    return agreement_of_truck(fleet, truck, true_days, as_of)


def agreement_of_truck(fleet: Fleet, truck: Truck, true_days: TrueDays, as_of: int) -> Agreement:
    """The product's rows of a truck held against the twin's days of it."""
    rows = {row["day"]: row for row in TruckDay.objects.filter(fleet_id=fleet.id, truck_id=truck.id).values()}
    found = Agreement(truck_days=len(rows.keys() | true_days.keys()))
    found.differences += [f"{truck} {day}: only one side has the day" for day in rows.keys() ^ true_days.keys()]
    hours = dict(TruckDayHours.objects.filter(fleet_id=fleet.id, truck_id=truck.id).values_list("day", "hours"))
    for day in sorted(rows.keys() & true_days.keys()):
        found.differences += [f"{truck} {day} {text}" for text in _different(rows[day], true_days[day])]
        found.differences += [f"{truck} {day} {text}" for text in _different_hours(hours[day], true_days[day]["hours"])]
        found.differences += [f"{truck} {day} {text}" for text in _different_drivers(truck, day, true_days[day])]
    for kind in EVENTS:
        true = sorted((day, *event) for day, day_row in true_days.items() for event in _true_events(day_row, kind))
        ours = sorted(_our_events(fleet, truck, kind, as_of))
        found.events += len(true)
        found.differences += [f"{truck} {kind} {text}" for text in _different_events(ours, true)]
    return found


def assigned(fleet: Fleet, truck: Truck, simulator: Simulator) -> Iterator[Assigned]:
    """Who had the truck by the simulator's own bindings and messages, as our drivers; and by what staff entered."""
    owners = {}
    for driver in Driver.objects.filter(fleet=fleet):
        owners[driver.key_card] = driver.pk
        steps = simulator.bindings(driver.resource_id).get(driver.wialon_id, [])
        for (t, unit), (end, _) in pairwise([*steps, (None, 0)]):
            if unit == truck.wialon_id and t != end:
                yield Assigned(t, end, driver.pk, "binding")
    logins = [m for m in simulator.messages(truck.wialon_id) if m["f"] & 0x20 and "avl_driver" in m["p"]]
    for login, following in pairwise([*logins, {"t": 2**40}]):
        yield Assigned(
            login["t"], min(login["t"] + 15 * 3_600, following["t"]), owners[login["p"]["avl_driver"]], "message"
        )
    for entered in DriverAssignment.objects.filter(truck=truck, source="manual"):
        end = entered.ended_at and int(entered.ended_at.timestamp())
        yield Assigned(int(entered.started_at.timestamp()), end, entered.driver_id, "manual")


def places(truck: Truck) -> Iterator[Place]:
    """Where idling of the truck is productive, by what staff entered."""
    for row in ProductivePlace.objects.filter(fleet=truck.fleet_id):
        if row.group is None or row.group.trucks.filter(pk=truck.pk).exists():
            centre = (row.lat, row.lon) if row.lat is not None and row.lon is not None else None
            corners = tuple((lat, lon) for lat, lon in row.polygon or ())
            yield Place(row.name, row.effective_from, row.effective_to, centre, row.radius_m or 0, corners)


def same(ours: Any, true: Any) -> bool:
    """Equal; sums of floats within 1e-6."""
    if isinstance(ours, float) and isinstance(true, int | float):
        return math.isclose(ours, true, rel_tol=1e-6, abs_tol=1e-9)
    return bool(ours == true)


def _different(row: dict[str, Any], true: dict[str, Any]) -> Iterator[str]:
    for name in COLUMNS:
        if not same(row[name], true[name]):
            yield f"{name}: {row[name]!r}, truth {true[name]!r}"


_OF_HOUR = {
    "moving_s": "moving", "idle_s": "idle", "idle_productive_s": "productive", "parked_s": "parked",
    "no_data_s": "no data",
}  # fmt: skip


def _different_hours(packed: bytes, true: dict[int, dict[str, int]]) -> Iterator[str]:
    for hour, ours in enumerate(unpack(packed)):
        theirs = {name: true.get(hour, {}).get(state, 0) for name, state in _OF_HOUR.items()}
        if ours != theirs:
            yield f"hour {hour}: {ours!r}, truth {theirs!r}"


def _different_drivers(truck: Truck, day: dt.date, true: dict[str, Any]) -> Iterator[str]:
    stored = TruckDayDriver.objects.filter(fleet_id=truck.fleet_id, truck_id=truck.pk, day=day)
    rows = {row["driver_id"]: row for row in stored.values()}
    if rows.keys() != true["drivers"].keys():
        yield f"drivers {sorted(rows)}, truth {sorted(true['drivers'])}"
    for driver_id in rows.keys() & true["drivers"].keys():
        ours, theirs = rows[driver_id], true["drivers"][driver_id]
        for name in DRIVER_COLUMNS:
            if not same(ours[name], theirs[name]):
                yield f"{name} of driver {driver_id}: {ours[name]!r}, truth {theirs[name]!r}"


def _different_events(ours: list[Event], true: list[Event]) -> Iterator[str]:
    """What only one side has; events of one start are compared value by value, several of one start in their order."""
    mine, yours = (_by_start(events) for events in (ours, true))
    if len(ours) != len(true) or mine.keys() != yours.keys():
        yield f"only ours {sorted(mine.keys() - yours.keys())}, only the twin's {sorted(yours.keys() - mine.keys())}"
    for start in mine.keys() & yours.keys():
        if not all(map(same, mine[start], yours[start])):
            yield f"{mine[start]}, truth {yours[start]}"


def _by_start(events: list[Event]) -> dict[tuple[Any, ...], Event]:
    """By day and start and, of several of one start, which of them it is."""
    numbered: dict[tuple[Any, ...], Event] = {}
    for event in events:
        number = sum(key[:2] == event[:2] for key in numbered) if (*event[:2], 0) in numbered else 0
        numbered[(*event[:2], number)] = event
    return numbered


def _true_events(true_day: dict[str, Any], kind: str) -> Iterator[Event]:
    for event in true_day["events"][kind]:
        values = event._asdict()
        start, end = values.pop("start"), values.pop("end")
        yield (start, end, *values.values())


def _our_events(fleet: Fleet, truck: Truck, kind: str, as_of: int) -> Iterator[Event]:
    """Where ours is open, the twin's ends with None or, of idling and speeding, at `as_of`."""
    model, columns = EVENTS[kind]
    still_open = as_of if kind in ("idle", "speeding") else None
    for event in model.objects.filter(fleet_id=fleet.id, truck_id=truck.id):
        end = event.ended_at.timestamp() if event.ended_at else still_open
        yield (event.day, event.started_at.timestamp(), end, *(getattr(event, name) for name in columns))
