"""The product's rows against the brute-force twin: every column of every truck-day, from real HTTP to real tables."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import Fleet
from apps.fleet.models import TruckDayDriver
from apps.trucks.detection.detect import detect_days
from apps.trucks.detection.rules import rules_of
from apps.trucks.models import FuelEvent, Truck, TruckDay, TruckSync
from apps.trucks.sync.session import connection
from tests.pipeline.agreement import agreement, differences
from tests.pipeline.conftest import sync_and_summarise
from wialon_simulator import Simulator

# Each reaches over a change of the clocks, but for the first.
CASES = [
    ("UTC", dt.datetime(2026, 3, 20, 13, tzinfo=dt.UTC)),
    ("America/Chicago", dt.datetime(2026, 3, 9, 20, 30, tzinfo=dt.UTC)),
    ("Europe/Berlin", dt.datetime(2025, 10, 27, 9, tzinfo=dt.UTC)),
    ("Australia/Lord_Howe", dt.datetime(2026, 4, 6, 3, 17, tzinfo=dt.UTC)),
]


@pytest.mark.parametrize(("zone", "now"), CASES, ids=[zone for zone, _ in CASES])
def test_every_column_of_every_day_is_what_the_twin_computes(
    zone: str, now: dt.datetime, make_fleet: Callable[..., Fleet]
) -> None:
    seed = len(zone)
    with Simulator(trucks=8, days=3, seed=seed, now=now.timestamp(), timezone=zone, frozen=True) as simulator:
        fleet = make_fleet(simulator, timezone=zone)
        run = sync_and_summarise(fleet)
        assert run.status == "ok", run.truck_errors
        found = agreement(fleet, simulator)
    assert found.differences == []
    assert found.truck_days == 7 * 4  # one never reports
    assert found.events > 100
    assert TruckDayDriver.objects.count() > found.truck_days  # some days have several drivers


def test_arriving_bit_by_bit_ends_where_arriving_at_once_ends(make_fleet: Callable[..., Fleet]) -> None:
    now = dt.datetime(2025, 10, 25, 4, tzinfo=dt.UTC).timestamp()
    with Simulator(trucks=8, days=1, seed=3, now=now, timezone="Europe/Berlin", frozen=True) as simulator:
        fleet = make_fleet(simulator, timezone="Europe/Berlin")
        for hours in (0, 1, 7, 5, 11, 20, 2):  # over the night, over the change of the clocks
            simulator.advance(hours * 3_600 + 37)
            # Idle sessions die as the simulator's clock jumps, while the logins of our own minute add up.
            connection().flushdb()
            sync_and_summarise(fleet)
        assert differences(fleet, simulator) == []


MORNING = dt.datetime(2026, 3, 21, 6, tzinfo=dt.UTC)


def level(at: dt.datetime, litres: float) -> dict[str, Any]:
    return {"t": int(at.timestamp()), "f": 0, "tp": "ud", "pos": None, "i": 0, "o": 0, "p": {"ign": 0, "level": litres}}


def sensor(number: int, kind: str, parameter: str) -> dict[str, Any]:
    return {"id": number, "n": kind, "t": kind, "d": "", "m": "", "p": parameter, "f": 0, "c": "{}", "vt": 0, "tbl": []}


def refuelled_in_two_steps(second_step: dt.datetime) -> list[dict[str, Any]]:
    """A tracker that sleeps from 22:00 to shortly before 6:00, wakes after a first step and reports each minute."""
    minute, evening = dt.timedelta(minutes=1), MORNING - dt.timedelta(hours=8)
    before = [level(evening - n * minute, 100) for n in range(8)]
    awake = [level(MORNING + n * minute, 0) for n in range(-10, 90)]
    for message in awake:
        message["p"]["level"] = 300 if message["t"] < second_step.timestamp() else 400
    return before + awake


@pytest.mark.parametrize(("minutes", "events"), [(15, 1), (21, 1), (22, 2)])
def test_a_day_is_the_same_alone_and_with_its_neighbours_though_a_step_of_the_morning_after_joins_its_refuel(
    minutes: int, events: int, make_fleet: Callable[..., Fleet]
) -> None:
    """The first step ends at 5:50: a second one joins it that begins by 6:20 and ends a minute later."""
    second_step = MORNING + dt.timedelta(minutes=minutes)
    now = (MORNING + dt.timedelta(hours=3)).timestamp()
    with Simulator(trucks=1, days=1, seed=1, now=now, timezone="UTC", frozen=True) as simulator:
        [unit] = simulator.units
        simulator.delete_messages(unit, lambda message: True)
        simulator.set_sensors(unit, {"1": sensor(1, "engine operation", "ign"), "2": sensor(2, "fuel level", "level")})
        simulator.add_messages(unit, refuelled_in_two_steps(second_step))
        fleet = make_fleet(simulator)
        sync_and_summarise(fleet)
        assert differences(fleet, simulator) == []
    assert FuelEvent.objects.filter(fleet_id=fleet.id, ended_at=None).count() == 0
    assert FuelEvent.objects.filter(fleet_id=fleet.id).count() == events
    truck = Truck.objects.get(fleet=fleet)
    rules = rules_of(fleet.id, [truck.id])[truck.id]
    for row in TruckDay.objects.filter(fleet_id=fleet.id):
        [alone] = detect_days(truck, TruckSync.objects.get(truck_id=truck.id), [row.day], fleet.zone, rules)
        stored = FuelEvent.objects.filter(fleet_id=fleet.id, day=row.day).order_by("started_at")
        assert [(event.started_at, event.ended_at, event.litres) for event in alone.fuel_events] == [
            (event.started_at.timestamp(), event.ended_at.timestamp(), event.litres) for event in stored
        ]
        assert alone.figures.fuel_used_l == row.fuel_used_l
