"""Every named peculiarity is in the messages, for a small fleet and few days already."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

import pytest

from tests.wialon_simulator.client import NOW
from wialon_simulator import Simulator
from wialon_simulator.roads import distance_m
from wialon_simulator.trucks import Peculiarity

Values = Callable[[dict, str, dict], list[float | None]]


@pytest.fixture(scope="module")
def fleet():
    """Eight trucks over three days of Chicago."""
    with Simulator(trucks=8, days=3, seed=1, now=NOW, frozen=True) as simulator:
        yield simulator


def messages(fleet: Simulator, peculiarity: str) -> list[dict]:
    return fleet.messages(fleet.units_with(peculiarity)[0])


def levels(fleet: Simulator, unit: int, sensor_values: Values) -> list[tuple[int, float]]:
    """Litres of all tanks together over time, where all are known."""
    item, found = fleet.unit(unit), []
    for message in fleet.messages(unit):
        litres = sensor_values(item, "fuel level", message)
        if litres and None not in litres:
            found.append((message["t"], sum(litres)))
    return found


@pytest.mark.parametrize("peculiarity", list(Peculiarity))
def test_eight_trucks_have_every_peculiarity(fleet: Simulator, peculiarity: Peculiarity):
    assert fleet.units_with(peculiarity)


def test_one_never_reports(fleet: Simulator):
    assert messages(fleet, "never_reports") == []


def test_one_drives_across_midnight(fleet: Simulator):
    midnights = [1763704800 + 86_400 * n for n in range(1, 3)]
    speeds = {m["t"]: m["pos"]["s"] for m in messages(fleet, "night_trips") if m["pos"]}
    for midnight in midnights:
        around = [speed for t, speed in speeds.items() if abs(t - midnight) < 600]
        assert around and min(around) > 5


def test_one_idles_all_day(fleet: Simulator, sensor_values: Values):
    unit = fleet.units_with("idles_all_day")[0]
    item, idle = fleet.unit(unit), 0
    for before, after in pairwise(fleet.messages(unit)):
        running = sensor_values(item, "engine operation", before) == [1]
        if running and before["pos"]["s"] == 0 and 1763791200 <= before["t"] < 1763877600:
            idle += after["t"] - before["t"]
    assert idle > 10 * 3600
    assert any(sensor_values(item, "digital", m) == [1] for m in fleet.messages(unit))


def test_gps_gaps_of_five_kinds(fleet: Simulator):
    found = messages(fleet, "gps_gaps")
    lost = [m for m in found if m["pos"] is None]
    assert len(lost) >= 25 and not any(m["f"] & 1 for m in lost)
    moving = [m["pos"] for m in found if m["pos"] and m["pos"]["s"] > 5]
    assert max(Counter((p["y"], p["x"]) for p in moving).values()) >= 20
    assert sum(p["sc"] == 2 for p in moving) >= 15
    assert any(p["y"] == p["x"] == 0 for p in moving)
    assert sum(bool(m["f"] & 0x20000) for m in found) == 3


def test_refuels_rise_by_more_than_thirty_litres_while_parked(fleet: Simulator, sensor_values: Values):
    steps = [
        after[1] - before[1] for unit in fleet.units for before, after in pairwise(levels(fleet, unit, sensor_values))
    ]
    assert sum(step > 100 for step in steps) >= 3


def test_a_thief_takes_sixty_litres_in_the_night(fleet: Simulator, sensor_values: Values):
    unit = fleet.units_with("fuel_theft")[0]
    night = [litres for t, litres in levels(fleet, unit, sensor_values) if 1763791200 < t < 1763791200 + 4.5 * 3600]
    assert median(night[:5]) - median(night[-5:]) >= 60
    item = fleet.unit(unit)
    engine = [
        sensor_values(item, "engine operation", m) for m in fleet.messages(unit) if 1763791200 < m["t"] < 1763807400
    ]
    assert engine and all(value == [0] for value in engine)


def test_the_level_sloshes_at_most_one_and_a_half_percent(fleet: Simulator, sensor_values: Values):
    unit = fleet.units_with("speeding")[0]
    litres = [value for _, value in levels(fleet, unit, sensor_values)]
    steps = sorted(abs(after - before) for before, after in pairwise(litres))
    assert 1 < median(steps) < 0.03 * 900
    assert steps[int(len(steps) * 0.98)] < 0.035 * 900


def test_speeding_of_all_three_severities(fleet: Simulator):
    speeds = [(m["t"], m["pos"]["s"]) for m in messages(fleet, "speeding") if m["pos"]]
    peaks, current = [], []
    for t, speed in [*speeds, (NOW, 0)]:
        if speed > 105:
            current.append((t, speed))
        elif current:
            if t - current[0][0] >= 30:
                peaks.append(max(speed for _, speed in current) - 105)
            current = []
    assert any(0 < peak <= 8 for peak in peaks)
    assert any(8 < peak <= 24 for peak in peaks)
    assert any(peak > 24 for peak in peaks)


def test_counters_of_distance_and_fuel_start_again(fleet: Simulator, sensor_values: Values):
    unit = fleet.units_with("counter_reset")[0]
    item = fleet.unit(unit)
    for kind in ("mileage", "absolute fuel consumption"):
        values = [v for m in fleet.messages(unit) for v in sensor_values(item, kind, m) if v is not None]
        falls = [(before, after) for before, after in pairwise(values) if after < before - 1000]
        assert len(falls) == 1 and falls[0][1] < 10


def test_fault_codes_appear_and_go(fleet: Simulator):
    codes = [m["p"]["dtc"] for m in messages(fleet, "fault_codes") if "dtc" in m["p"]]
    distinct = [code for n, code in enumerate(codes) if n == 0 or codes[n - 1] != code]
    assert distinct[:3] == ["", "SPN100/FMI1", "SPN100/FMI1,SPN3251/FMI0"]


def test_harsh_events_are_one_and_otherwise_zero_or_absent(fleet: Simulator):
    found = messages(fleet, "harsh_driving")
    kinds = ("harsh_braking", "harsh_acceleration", "harsh_cornering")
    for kind in kinds:
        assert {m["p"][kind] for m in found if kind in m["p"]} == {0, 1}


def test_not_available_codes_come_through(fleet: Simulator):
    found = messages(fleet, "unavailable_codes")
    for name, code in {"can_rpm": 65535, "can_fls1": 255, "can_odo": 4294967295}.items():
        assert any(m["p"].get(name) == code for m in found)


def test_the_invalid_marker_is_never_a_raw_value(fleet: Simulator):
    for unit in fleet.units:
        assert all(-348201.3876 not in m["p"].values() for m in fleet.messages(unit))


def test_texts_stand_where_numbers_belong(fleet: Simulator):
    found = messages(fleet, "garbage")
    rubbish = [m for m in found if m["p"].keys() & {"gsm_info"}]
    assert len(rubbish) > 10
    assert any(m["p"].get(name) == "NaN" for m in rubbish for name in m["p"])


def test_two_messages_of_one_second_have_different_parameters(fleet: Simulator):
    found = messages(fleet, "same_second")
    twins = [(a, b) for a, b in pairwise(found) if a["t"] == b["t"]]
    assert len(twins) > 20
    assert all(a["p"].keys() != b["p"].keys() for a, b in twins)


def test_an_afternoon_arrives_hours_late(fleet: Simulator):
    late = [m for m in messages(fleet, "black_box") if m["rt"] - m["t"] > 3600]
    assert len(late) > 20
    assert any(m["pos"] and m["pos"]["s"] > 30 for m in late)
    local_hours = {datetime.fromtimestamp(m["t"], UTC).hour - 6 for m in late}
    assert local_hours <= {13, 14, 15, 16}


def test_late_messages_are_hidden_until_their_upload():
    upload = 1763791200 + 21 * 3600 + 600
    with Simulator(trucks=7, days=1, seed=1, now=1763791200 + 18 * 3600 + 86400, frozen=True) as simulator:
        unit = simulator.units_with("black_box")[0]
        day = range(1763791200 + 13 * 3600, 1763791200 + 17 * 3600)
        before = [m for m in simulator.messages(unit, until=upload - 1) if m["t"] in day]
        after = [m for m in simulator.messages(unit, until=upload + 3600) if m["t"] in day]
    assert before == [] and len(after) > 20


@pytest.mark.parametrize("unit", range(601001, 601008))
def test_speeds_are_whole_kilometres_per_hour_and_times_ascend(fleet: Simulator, unit: int):
    found = fleet.messages(unit)
    assert all(isinstance(m["pos"]["s"], int) for m in found if m["pos"])
    assert [m["t"] for m in found] == sorted(m["t"] for m in found)


@pytest.mark.parametrize("unit", [601001, 601002, 601005])
def test_mileage_sensor_gps_and_speed_agree(fleet: Simulator, unit: int, sensor_values: Values):
    item, found = fleet.unit(unit), [m for m in fleet.messages(unit) if m["pos"]]
    odometer = [v for m in found for v in sensor_values(item, "mileage", m) if v is not None and v < 2_000_000]
    gps = sum(distance_m(a["pos"]["y"], a["pos"]["x"], b["pos"]["y"], b["pos"]["x"]) for a, b in pairwise(found))
    speed = sum((a["pos"]["s"] + b["pos"]["s"]) / 7.2 * (b["t"] - a["t"]) for a, b in pairwise(found))
    assert gps / 1000 == pytest.approx(odometer[-1] - odometer[0], rel=0.015)
    assert speed / 1000 == pytest.approx(odometer[-1] - odometer[0], rel=0.015)


@pytest.mark.parametrize("unit", [601001, 601002, 601005])
def test_fuel_counter_and_fuel_level_agree(fleet: Simulator, unit: int, sensor_values: Values):
    item = fleet.unit(unit)
    used = [
        v for m in fleet.messages(unit) for v in sensor_values(item, "absolute fuel consumption", m) if v is not None
    ]
    litres = [value for _, value in levels(fleet, unit, sensor_values)]
    pumped = sum(after - before for before, after in pairwise(litres) if abs(after - before) > 40)
    balance = median(litres[:5]) - median(litres[-5:]) + pumped
    assert balance == pytest.approx(used[-1] - used[0], abs=45)


def test_engine_hours_grow_with_running_time(fleet: Simulator, sensor_values: Values):
    unit = fleet.units_with("night_trips")[0]
    item, found = fleet.unit(unit), [m for m in fleet.messages(unit) if m["pos"]]
    running = sum(b["t"] - a["t"] for a, b in pairwise(found) if sensor_values(item, "engine operation", a) == [1])
    hours = [v for m in found for v in sensor_values(item, "engine hours", m)]
    assert hours[-1] - hours[0] == pytest.approx(running / 3600, abs=0.2)


def test_a_truck_with_nothing_but_its_supply_shows_the_engine_by_the_voltage(fleet: Simulator):
    unit = fleet.units_with("black_box")[0]
    assert {sensor["t"] for sensor in fleet.unit(unit)["sens"].values()} == {"voltage"}
    volts = {m["pos"]["s"] > 5: m["p"]["pwr_ext"] for m in fleet.messages(unit) if m["pos"]}
    assert volts[True] > 26.4
    assert min(m["p"]["pwr_ext"] for m in fleet.messages(unit) if "pwr_ext" in m["p"]) < 26.4


def test_every_kind_of_sensor_expression_is_in_use(fleet: Simulator):
    sensors = [sensor for unit in fleet.units for sensor in fleet.unit(unit)["sens"].values()]
    expressions = {sensor["p"] for sensor in sensors}
    assert {"io_66*const0.001", "in1", "param199:3", "can_odo|tacho_odo"} <= expressions
    assert any(sensor["vs"] for sensor in sensors)
    assert any(sensor["f"] & 0x40 for sensor in sensors) and any(sensor["f"] & 0x20 for sensor in sensors)
    assert any(len(sensor["tbl"]) > 3 for sensor in sensors)
    assert any("lower_bound" in sensor["c"] for sensor in sensors)
