"""Recordings: columns become what the server would show; nothing is added, nothing lost."""

import csv
import os
from itertools import pairwise
from pathlib import Path

import pytest

from wialon_simulator import Simulator

RECORDINGS = Path(os.environ.get("RECORDINGS_DIR", "no recordings here"))
needs_recordings = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="RECORDINGS_DIR names no folder of recordings")

CSV = """\
vehicle_id,t,lat,lon,speed_kmh,course,alt_m,sats,received_t,ignition_key,engine_on,rpm,odometer_km,fuel_level_pct,trip
A,1000,50.5,8.25,12.6,507.8,100.04,9,1010,2.0,,800.5,100,40,red
A,1060,,,,,,,1070,0,,,,,
B,1030,50.1,8.1,80.4,10,,,,,1.0,,,,7
"""


@pytest.fixture
def replay(tmp_path: Path, simulate):
    path = tmp_path / "tracks.csv"
    path.write_text(CSV)
    return simulate(replay=path, now=None)


def test_units_are_named_after_the_vehicles(replay: Simulator, connect):
    assert [item["nm"] for item in connect(replay).search()["items"]] == ["A", "B"]


def test_the_clock_starts_a_minute_after_the_last_record(replay: Simulator):
    assert replay.now() == 1070 + 60


def test_a_row_becomes_a_message(replay: Simulator):
    first, second = replay.messages(replay.units[0])
    assert first == {
        "t": 1000,
        "f": 1,
        "tp": "ud",
        "pos": {"y": 50.5, "x": 8.25, "z": 100.0, "s": 13, "c": 148, "sc": 9},
        "i": 0,
        "o": 0,
        "lc": 0,
        "rt": 1010,
        "p": {"ignition_key": 2, "rpm": 800.5, "odometer_km": 100, "fuel_level_pct": 40, "trip": "red"},
    }
    assert (second["f"], second["pos"], second["p"]) == (0, None, {"ignition_key": 0})


def test_unknown_satellites_are_255_and_an_unknown_registration_is_absent(replay: Simulator):
    (only,) = replay.messages(replay.units[1])
    assert only["pos"]["sc"] == 255
    assert "rt" not in only
    assert only["p"] == {"engine_on": 1, "trip": 7}


def test_sensors_say_what_the_columns_mean(replay: Simulator):
    first, second = (replay.unit(unit)["sens"].values() for unit in replay.units)
    assert [(s["t"], s["p"], s["m"]) for s in first] == [
        ("engine operation", "ignition_key", "On/Off"),
        ("engine rpm", "rpm", "rpm"),
        ("mileage", "odometer_km", "km"),
        ("fuel level", "fuel_level_pct", "%"),
    ]
    assert [(s["t"], s["p"]) for s in second] == [("engine operation", "engine_on")]


def test_a_key_in_position_two_means_that_the_engine_is_on(replay: Simulator, sensor_values):
    unit = replay.unit(replay.units[0])
    values = [sensor_values(unit, "engine operation", m) for m in replay.messages(unit["id"])]
    assert values == [[1], [0]]


def test_a_recorded_unit_was_created_a_day_before_its_first_message(replay: Simulator):
    assert replay.unit(replay.units[0])["ct"] == 1000 - 86_400


def test_a_recording_is_played_as_it_was_received(tmp_path: Path, simulate):
    path = tmp_path / "tracks.csv"
    path.write_text(CSV)
    simulator = simulate(replay=path, now=1031)
    assert [len(simulator.messages(unit)) for unit in simulator.units] == [1, 1]
    simulator.advance(39)
    assert len(simulator.messages(simulator.units[0])) == 2


def rows(folder: str) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    with (RECORDINGS / folder / "points.csv").open() as file:
        for row in csv.DictReader(file):
            found.setdefault(row["vehicle_id"], []).append(row)
    return found


@needs_recordings
@pytest.mark.parametrize("folder", ["fms_trucks_myanmar", "envirocar"])
def test_every_recorded_row_is_served(folder: str, simulate, connect):
    simulator = simulate(replay=RECORDINGS / folder / "points.csv", now=None)
    client, expected = connect(simulator), rows(folder)
    items = client.search()["items"]
    assert {item["nm"] for item in items} == set(expected)
    for item in items:
        messages = client.load(item["id"], last=simulator.now())["messages"]
        own = sorted(expected[item["nm"]], key=lambda row: int(row["t"]))
        assert [m["t"] for m in messages] == [int(row["t"]) for row in own]
        assert [(m["pos"]["y"], m["pos"]["x"]) for m in messages] == [(float(r["lat"]), float(r["lon"])) for r in own]


@needs_recordings
def test_the_recorded_engine_of_v1_ran_all_the_time(simulate, sensor_values):
    simulator = simulate(replay=RECORDINGS / "fms_trucks_myanmar" / "points.csv", now=None)
    unit = next(simulator.unit(u) for u in simulator.units if simulator.unit(u)["nm"] == "V1")
    messages = simulator.messages(unit["id"])
    assert len(messages) == 1312
    running = [b["t"] - a["t"] for a, b in pairwise(messages) if sensor_values(unit, "engine operation", a) == [1]]
    assert sum(running) == 6132


@needs_recordings
def test_the_recorded_counters_of_v2_are_in_its_sensors(simulate, sensor_values):
    simulator = simulate(replay=RECORDINGS / "fms_trucks_myanmar" / "points.csv", now=None)
    unit = next(simulator.unit(u) for u in simulator.units if simulator.unit(u)["nm"] == "V2")
    for kind, grown in {"mileage": 25.1, "absolute fuel consumption": 13.98, "engine hours": 1.11}.items():
        values = [v for m in simulator.messages(unit["id"]) for v in sensor_values(unit, kind, m) if v is not None]
        assert values[-1] - values[0] == pytest.approx(grown, abs=0.005)
