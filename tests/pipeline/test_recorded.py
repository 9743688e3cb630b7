"""Recordings of real vehicles, from the replaying simulator to truck-days, against what others say of them.

The recordings are not part of the project: RECORDINGS_DIR names their folder. What differs, and why, is also a table
in docs/metrics.md, "Recorded data".
"""

import csv
import datetime as dt
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from apps.accounts.models import Fleet
from apps.trucks.models import FleetSync, Trip, Truck, TruckDay
from tests.pipeline.conftest import sync_and_summarise
from wialon_simulator import Simulator

FOLDER = Path(os.environ.get("RECORDINGS_DIR", "no recordings here"))
TRUCKS, CARS = FOLDER / "fms_trucks_myanmar", FOLDER / "envirocar"
pytestmark = pytest.mark.skipif(
    not (TRUCKS.is_dir() and CARS.is_dir()), reason="RECORDINGS_DIR names no folder of recordings"
)

CAP_S = 600  # the last state holds this long over a silence
VehicleDay = tuple[str, dt.date]


class Replayed(NamedTuple):
    fleet: Fleet
    days: dict[VehicleDay, TruckDay]  # those with messages


def replayed(recording: Path, make_fleet: Callable[..., Fleet], tank_l: float | None = None) -> Replayed:
    """The recording, synchronised and summarised in days of UTC, as the truth counts."""
    with Simulator(replay=recording / "points.csv", frozen=True) as simulator:
        fleet = make_fleet(simulator)
        assert sync_and_summarise(fleet).status == "ok"
        if tank_l is not None:
            Truck.objects.filter(fleet=fleet).update(tank_l=tank_l)
            FleetSync.objects.filter(fleet=fleet).update(
                units_refreshed_at=None
            )  # it takes effect when units are read again
            sync_and_summarise(fleet)
    names = dict(Truck.objects.filter(fleet=fleet).values_list("id", "name"))
    rows = TruckDay.objects.filter(fleet_id=fleet.id, messages__gt=0)
    return Replayed(fleet, {(names[row.truck_id], row.day): row for row in rows})


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def truth(recording: Path) -> dict[VehicleDay, dict[str, float]]:
    """Plain sums over the points of each vehicle and UTC day; a silence of more than 300 s counts for nothing."""
    return {
        (row.pop("vehicle_id"), dt.date.fromisoformat(row.pop("utc_day"))): {
            name: float(text) for name, text in row.items() if text
        }
        for row in table(recording / "truth.csv")
    }


V1, V2 = ("V1", dt.date(2018, 5, 3)), ("V2", dt.date(2018, 5, 4))


def test_a_truck_without_counters_is_measured_by_gps_and_a_leg_at_187_kmh_is_driven(
    make_fleet: Callable[..., Fleet],
) -> None:
    day, true = replayed(TRUCKS, make_fleet).days[V1], truth(TRUCKS)[V1]
    assert true["max_seg_speed_kmh"] > 180
    assert (day.distance_m, day.distance_source) == (round(1_000 * true["km_gps"]), "gps")
    assert day.distance_gap_m == day.drift_m == 0
    # The last message moves: that holds for ten more minutes.
    assert (day.moving_s, day.idle_s) == (true["moving_s"] + CAP_S, true["idle_s"]) == (5_559 + CAP_S, 573)
    assert day.engine_on_s == true["engine_on_s"] + CAP_S == 6_132 + CAP_S


def test_a_stop_of_345_s_ends_a_trip_one_of_72_s_and_an_ignition_off_for_a_second_do_not(
    make_fleet: Callable[..., Fleet],
) -> None:
    """The platform's stops: 15:45:25 for 72 s, 16:00:16 for 345 s; its ignition went off at 15:38:20 for a second."""
    fleet = replayed(TRUCKS, make_fleet).fleet
    truck = Truck.objects.get(fleet=fleet, name="V1")
    first, second = Trip.objects.filter(fleet_id=fleet.id, truck_id=truck.id).order_by("started_at")
    assert first.ended_at is not None
    assert abs((first.ended_at - dt.datetime(2018, 5, 3, 16, 0, 16, tzinfo=dt.UTC)).total_seconds()) < 90
    assert (second.started_at - first.ended_at).total_seconds() == pytest.approx(345, rel=0.02)
    assert first.distance_m + second.distance_m == pytest.approx(49_472, rel=0.001)


def test_a_truck_with_counters_is_measured_by_them(make_fleet: Callable[..., Fleet]) -> None:
    day, true = replayed(TRUCKS, make_fleet).days[V2], truth(TRUCKS)[V2]
    known = {row["figure"]: float(row["value"]) for row in table(TRUCKS / "known.csv") if row["vehicle_id"] == "V2"}
    assert (day.distance_m, day.distance_source) == (25_100, "odometer")
    assert known["odometer_km counter, last - first"] == 25.1
    assert day.distance_gps_m == pytest.approx(1_000 * true["km_gps"], abs=1)  # 4 % less: chords of mountain roads
    assert (day.fuel_used_l, day.fuel_source) == (pytest.approx(13.98, rel=0.01), "counter")
    assert day.engine_hours == pytest.approx(1.11, rel=0.01)
    assert day.engine_on_s == true["engine_on_s"] == 3_982
    assert (day.moving_s, day.idle_s) == (pytest.approx(3_435, rel=0.02), pytest.approx(547, rel=0.02))
    assert day.counter_resets == 0
    assert (day.refuels, day.drains) == (None, None)  # a level in % of a tank of unknown capacity
    # The platform's ignition came on 25 s before the first message.
    assert known["ignition-on period stated by the platform at ign-off"] == pytest.approx(day.engine_on_s + 25, abs=1)


def test_a_level_that_sloshes_is_neither_refuel_nor_drain(make_fleet: Callable[..., Fleet]) -> None:
    """47.6 to 50.4 % while 14 l are used: of a tank of 400 l the level falls and rises by up to 11 l."""
    day = replayed(TRUCKS, make_fleet, tank_l=400).days[V2]
    assert (day.refuels, day.refuel_l, day.drains, day.drain_l) == (0, 0, 0, 0)
    assert day.fuel_source == "counter"


class Explained(NamedTuple):
    """What we count and the truth does not, because it leaves out silences of more than 300 s."""

    moving_s: int = 0  # the last state holds over a silence, at most ten minutes
    idle_s: int = 0
    silence_km: float = 0  # legs over silences of up to an hour
    why: str = ""


EXPLAINED: dict[VehicleDay, Explained] = {
    ("Dodge_Caliber_d61b", dt.date(2020, 3, 5)): Explained(idle_s=CAP_S, why="after the last message"),
    ("Dodge_Caliber_d61b", dt.date(2020, 3, 24)): Explained(idle_s=CAP_S, why="after the last message"),
    ("Dodge_Caliber_d61b", dt.date(2020, 3, 25)): Explained(idle_s=60, why="as_of is a minute after the last message"),
    ("KIA_Picanto_d5ef", dt.date(2020, 2, 28)): Explained(idle_s=CAP_S, why="after the last message"),
    ("KIA_Picanto_d5ef", dt.date(2020, 3, 4)): Explained(
        moving_s=2 * CAP_S, silence_km=1.946, why="a silence of 1,310 s, and after the last message"
    ),
    ("KIA_Picanto_d5ef", dt.date(2020, 3, 5)): Explained(
        moving_s=583 + 2 * CAP_S,
        idle_s=CAP_S,
        silence_km=1.168,
        why="silences of 583, 7,368 and 4,718 s, and after the last message; only the first is a leg",
    ),
    ("Opel_Movano_78ae", dt.date(2020, 3, 6)): Explained(moving_s=CAP_S, why="after the last message"),
    ("Skoda_Citaro_ce3a", dt.date(2020, 3, 4)): Explained(
        idle_s=2 * CAP_S + 253,
        why="a silence of 4,082 s, and after the last message; a message before 253 s says nothing of the engine",
    ),
}
ROUNDED_SPEED_S = 10  # Wialon's speeds are whole km/h: between 5 and 5.5 a truck stands


def test_a_cars_day_is_the_plain_sum_but_for_what_is_explained_and_its_track_as_long_as_the_publisher_says(
    make_fleet: Callable[..., Fleet],
) -> None:
    days, true_days = replayed(CARS, make_fleet).days, truth(CARS)
    assert days.keys() == true_days.keys() == EXPLAINED.keys()
    for key, day in days.items():
        true, explained = true_days[key], EXPLAINED[key]
        assert day.distance_gps_m == pytest.approx(1_000 * (true["km_gps_nogap"] + explained.silence_km), abs=2), key
        assert day.distance_m == day.distance_gps_m - day.drift_m, key
        assert day.engine_on_s == true["engine_on_s"] + explained.moving_s + explained.idle_s, key
        assert day.moving_s == pytest.approx(true["moving_s"] + explained.moving_s, abs=ROUNDED_SPEED_S), key
        assert day.max_speed_kmh == round(true["max_speed_kmh"]), key
    single = {key: tracks[0] for key, tracks in published_lengths_m().items() if len(tracks) == 1}
    assert len(single) == 5
    for key, metres in single.items():
        assert days[key].distance_gps_m == pytest.approx(metres, rel=0.005), key


def published_lengths_m() -> dict[VehicleDay, list[float]]:
    """The lengths of the tracks of each day, as the publisher's server computed them."""
    lengths: dict[VehicleDay, list[float]] = defaultdict(list)
    for row in table(CARS / "known.csv"):
        day = dt.datetime.fromtimestamp(float(row["t_start"]), dt.UTC).date()
        lengths[row["vehicle_id"], day].append(1_000 * float(row["value"]))
    return lengths


def test_no_kilometre_is_driven_over_a_silence_of_more_than_an_hour(make_fleet: Callable[..., Fleet]) -> None:
    points = defaultdict(list)
    for point in table(CARS / "points.csv"):
        points[point["vehicle_id"]].append(int(float(point["t"])))
    fleet = replayed(CARS, make_fleet).fleet
    for truck in Truck.objects.filter(fleet=fleet):
        seconds = sorted(points[truck.name])
        silences = [(a, b) for a, b in zip(seconds, seconds[1:], strict=False) if b - a > 3_600]
        rows = TruckDay.objects.filter(fleet_id=fleet.id, truck_id=truck.id)
        silent_days = [row for row in rows if row.messages == 0]
        assert [row.distance_m for row in silent_days] == [None] * len(silent_days)
        assert (sum(row.distance_gap_m or 0 for row in rows) > 0) == bool(silences)
        trips = Trip.objects.filter(fleet_id=fleet.id, truck_id=truck.id)
        for trip in trips:
            end = trip.ended_at.timestamp() if trip.ended_at else seconds[-1]
            assert not any(trip.started_at.timestamp() <= a < b <= end for a, b in silences)
