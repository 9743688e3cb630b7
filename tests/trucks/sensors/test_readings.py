"""Which sensors feed which reading, in which unit, and which values are dropped."""

import math
from typing import Any

import pytest

from apps.trucks.sensors import Problem, SensorTable
from tests.trucks.sensors.definitions import message, readings, row, sensor, table, value


@pytest.mark.parametrize(
    ("definition", "raw", "field", "expected"),
    [
        (sensor(1, "engine operation"), 1, "ignition", True),
        (sensor(1, "engine operation"), 0, "ignition", False),
        (sensor(1, "engine operation"), "1", "ignition", True),
        (sensor(1, "Engine Operation "), True, "ignition", True),
        (sensor(1, "engine operation", tbl=[row(0, 0, 0), row(13.2, 0, 1)]), 13.1, "ignition", False),
        (sensor(1, "engine operation", tbl=[row(0, 0, 0), row(13.2, 0, 1)]), 14, "ignition", True),
        (sensor(1, "engine rpm"), 1240, "rpm", 1240),
        (sensor(1, "engine rpm", tbl=[row(0, 0.125, 0)]), 9920, "rpm", 1240),
        (sensor(1, "voltage", m="V"), 27.4, "voltage", 27.4),
        (sensor(1, "voltage", m="mV"), 27400, "voltage", 27.4),
        (sensor(1, "mileage", m="km"), 120345.6784, "odometer_m", 120345678),
        (sensor(1, "mileage"), 2, "odometer_m", 2000),
        (sensor(1, "mileage", m="mi"), 100, "odometer_m", 160934),
        (sensor(1, "mileage", m="Miles"), 100, "odometer_m", 160934),
        (sensor(1, "mileage", m="m"), 100, "odometer_m", 100),
        (sensor(1, "absolute fuel consumption", m="l"), 5000.5, "fuel_used_l", 5000.5),
        (sensor(1, "absolute fuel consumption", m="gal"), 10, "fuel_used_l", 37.85411784),
        (sensor(1, "fuel level", m="l"), 210, "fuel_level_l", 210),
        (sensor(1, "fuel level", m="imp gal"), 10, "fuel_level_l", 45.4609),
        (sensor(1, "engine hours", m="h"), 5123.25, "engine_hours_h", 5123.25),
        (sensor(1, "engine hours", m="min"), 90, "engine_hours_h", 1.5),
        (sensor(1, "digital", n="PTO"), 1, "pto", True),
        (sensor(1, "custom", n="crane pto1"), 0, "pto", False),
        (sensor(1, "digital", n="Power take-off"), 1, "pto", True),
    ],
)
def test_reading_is_in_its_canonical_unit(
    definition: dict[str, Any], raw: object, field: str, expected: object
) -> None:
    compiled = table(definition)
    result = compiled.readings(message({"x": raw}))
    assert getattr(result, field) == (pytest.approx(expected) if isinstance(expected, float) else expected)
    assert (compiled.measures, result.dropped) == ({field}, 0)


@pytest.mark.parametrize(
    "definition",
    [
        sensor(1, "temperature"),
        sensor(1, "odometer"),
        sensor(1, "relative engine hours"),
        sensor(1, "impulse fuel consumption"),
        sensor(1, "digital", n="Door"),
        sensor(1, "custom", n="Laptop"),
        sensor(1, "engine rpm", n="PTO", p="y"),
        sensor(1, ""),
    ],
)
def test_other_sensors_feed_no_reading(definition: dict[str, Any]) -> None:
    result = readings(definition, x=1)
    fields = ["ignition", "rpm", "voltage", "odometer_m", "fuel_used_l", "fuel_level_l", "engine_hours_h", "pto"]
    assert [getattr(result, field) for field in fields] == [None] * 8


@pytest.mark.parametrize(
    "type", ["odometer", "relative engine hours", "fuel level impulse sensor", "impulse fuel consumption"]
)
def test_relative_sensors_are_noted_and_evaluated(type: str) -> None:
    compiled = table(sensor(1, type))
    assert compiled.evaluate(message({"x": 0.4})) == {1: 0.4}
    assert [(problem.sensor_id, problem.fatal) for problem in compiled.problems] == [(1, False)]


def test_the_lowest_id_that_gives_a_value_is_read() -> None:
    sensors = [sensor(5, "engine rpm", "b"), sensor(3, "engine rpm", "a")]
    assert readings(*sensors, a=1, b=2).rpm == 1
    assert readings(*sensors, b=2).rpm == 2


def test_a_counter_is_never_read_from_two_sensors_in_turn() -> None:
    sensors = [sensor(5, "mileage", "b"), sensor(3, "mileage", "a"), sensor(1, "mileage", "a+")]
    compiled = table(*sensors)
    assert compiled.readings(message({"a": 1, "b": 2})).odometer_m == 1000
    assert compiled.readings(message({"b": 2})).odometer_m is None
    assert (
        Problem(5, "Sensor 5", "not used: a counter is read from one sensor, here 3", fatal=False) in compiled.problems
    )


def test_fuel_levels_of_several_tanks_are_summed() -> None:
    tanks = [sensor(1, "fuel level", "a", m="l"), sensor(2, "fuel level", "b", m="gal")]
    assert readings(*tanks, a=100, b=10).fuel_level_l == pytest.approx(137.85411784)


def test_the_sum_is_unknown_when_one_tank_is() -> None:
    tanks = [sensor(1, "fuel level", "a", m="l"), sensor(2, "fuel level", "b", m="l")]
    assert readings(*tanks, a=100).fuel_level_l is None
    assert readings(*tanks, a=100, b="?").fuel_level_l is None


def test_of_a_sensor_left_out_no_reading_is_made() -> None:
    sens = [sensor(id, "fuel level", p, m="l") for id, p in ((1, "a"), (2, "b"), (3, "a+b"))]
    sens.append(sensor(4, "mileage", "odo", m="km"))
    said = message({"a": 100, "b": 50, "odo": 7})
    assert SensorTable.compile(sens).readings(said).fuel_level_l == 300
    chosen = SensorTable.compile(sens, left_out=[3, 4, 99])
    assert chosen.readings(said).fuel_level_l == 150
    assert chosen.evaluate(said)[3] == 150  # it still has its value
    assert chosen.measures == {"fuel_level_l"}
    assert chosen.read([said] * 30).columns[5] == [150.0] * 30
    assert chosen.version not in {SensorTable.compile(sens).version, SensorTable.compile(sens, left_out=[3]).version}
    assert chosen.version == SensorTable.compile(sens, left_out=[4, 3]).version


def test_the_next_counter_is_read_when_the_first_is_left_out() -> None:
    sens = [sensor(1, "mileage", "a", m="km"), sensor(2, "mileage", "b", m="km")]
    chosen = SensorTable.compile(sens, left_out=[1])
    assert chosen.readings(message({"a": 1, "b": 2})).odometer_m == 2_000
    assert not chosen.problems


def test_per_cent_gives_litres_only_with_the_capacity_of_the_tank() -> None:
    level = sensor(1, "fuel level", m="%")
    assert readings(level, x=40).fuel_level_l is None
    assert readings(level, x=40, tank_l=600).fuel_level_l == 240
    assert table(level).evaluate(message({"x": 40})) == {1: 40}
    assert [problem.sensor_id for problem in table(level).problems] == [1]
    assert table(level, tank_l=600).problems == ()


@pytest.mark.parametrize("capacity", [0, -5, math.nan, math.inf])
def test_a_senseless_capacity_is_none(capacity: float) -> None:
    assert table(sensor(1, "fuel level", m="%"), tank_l=capacity).measures == frozenset()


def test_litres_win_over_per_cent_and_several_percentages_have_no_litres() -> None:
    litres, percent, other = (
        sensor(n, "fuel level", p, m=m) for n, p, m in ((1, "a", "l"), (2, "b", "%"), (3, "c", "%"))
    )
    assert readings(litres, percent, tank_l=600, a=100, b=50).fuel_level_l == 100
    assert readings(percent, other, tank_l=600, b=50, c=50).fuel_level_l is None


def test_an_unknown_unit_is_noted_and_read_as_the_usual_one() -> None:
    compiled = table(sensor(1, "mileage", m="leagues"))
    assert compiled.readings(message({"x": 2})).odometer_m == 2000
    assert ["'leagues'" in problem.reason for problem in compiled.problems] == [True]


def test_message_without_parameters_measures_nothing() -> None:
    compiled = table(sensor(1, "engine rpm"), sensor(2, "engine operation", "in1"))
    for bare in ({}, {"p": None}, {"p": []}, {"t": 1, "pos": [], "p": "x", "i": None}):
        assert compiled.evaluate(bare) == {1: None, 2: None}
        assert compiled.readings(bare).dropped == 0


@pytest.mark.parametrize(
    ("definition", "raw", "kept"),
    [
        (sensor(1, "engine rpm"), 8000, True),
        (sensor(1, "engine rpm"), 8001, False),
        (sensor(1, "engine rpm"), -1, False),
        (sensor(1, "voltage"), 60, True),
        (sensor(1, "voltage"), 60.5, False),
        (sensor(1, "voltage", m="mV"), 27400, True),
        (sensor(1, "voltage", m="mV"), 61000, False),
        (sensor(1, "temperature"), -61, False),
        (sensor(1, "temperature"), 200, True),
        (sensor(1, "temperature"), 215, False),
        (sensor(1, "temperature", m="°F"), 380, True),
        (sensor(1, "temperature", m="°F"), 400, False),
        (sensor(1, "temperature", n="Exhaust gas"), 450, True),
        (sensor(1, "fuel level", m="l"), 5000, True),
        (sensor(1, "fuel level", m="l"), 5001, False),
        (sensor(1, "fuel level", m="%"), 100.4, True),
        (sensor(1, "fuel level", m="%"), 102, False),
        (sensor(1, "mileage", m="km"), 10_000_000, True),
        (sensor(1, "mileage", m="km"), 10_000_001, False),
        (sensor(1, "mileage", m="mi"), 6_300_000, False),
        (sensor(1, "absolute fuel consumption"), 1e7 + 1, False),
        (sensor(1, "engine hours"), 200_001, False),
        (sensor(1, "engine operation"), 1e300, True),
        (sensor(1, "weight"), -1e12, True),
    ],
)
def test_values_outside_the_physical_range_are_dropped_and_counted(
    definition: dict[str, Any], raw: float, kept: bool
) -> None:
    assert value(definition, {"x": raw}) == (raw if kept else None)
    assert readings(definition, x=raw).dropped == (not kept)


@pytest.mark.parametrize(
    ("definition", "raw", "expected"),
    [
        # one byte is enough to reach the full scale: 255 is a code
        (sensor(1, "fuel level", m="l", tbl=[row(0, 4, 0)]), 255, None),
        (sensor(1, "fuel level", p="x*const4", m="l"), 255, None),
        (sensor(1, "fuel level", m="l", tbl=[row(0, 4, 0)]), 250, 1000),
        (sensor(1, "fuel level", m="l", tbl=[row(0, -2.4, 600)]), 255, None),  # a full tank reads low
        (sensor(1, "fuel level", m="%", tbl=[row(0, 1, 0), row(100, 0, 100)]), 255, None),  # capped by its table
        (sensor(1, "fuel level", m="%", tbl=[row(0, 0.6, 0), row(200, 0, 50)]), 255, None),  # full in the middle alone
        (sensor(1, "temperature", tbl=[row(0, 1, -40)]), 255, None),
        (sensor(1, "engine operation"), 255, None),
        (sensor(1, "engine operation"), 65535, None),
        (sensor(1, "digital", n="PTO"), 255, None),
        # it takes two bytes: 255 is a value, 65,535 is a code
        (sensor(1, "fuel level", m="l", tbl=[row(0, 0.1, 0)]), 255, 25.5),
        (sensor(1, "fuel level", m="l"), 255, 255),
        (sensor(1, "fuel level", m="%", tbl=[row(0, 0.1, 0)]), 255, 25.5),
        (sensor(1, "fuel level", m="l", tbl=[row(0, 0.1, 0), row(4000, 0, 400)]), 65535, None),
        (sensor(1, "temperature", tbl=[row(0, 0.1, 0)]), 255, 25.5),
        (sensor(1, "engine rpm"), 255, 255),
        (sensor(1, "engine rpm"), 65535, None),
        (sensor(1, "engine rpm", tbl=[row(0, 0.1, 0)]), 65535, None),
        (sensor(1, "voltage", tbl=[row(0, 0.05, 0)]), 255, 12.75),
        (sensor(1, "engine operation", tbl=[row(0, 0, 0), row(300, 0, 1)]), 255, 0),
        (sensor(1, "engine operation", tbl=[row(0, 0, 0), row(300, 0, 1)]), 65535, None),
        # counters have four bytes
        (sensor(1, "mileage"), 255, 255),
        (sensor(1, "mileage"), 65535, 65535),
        (sensor(1, "mileage", tbl=[row(0, 0.001, 0)]), 4294967295, None),
        (sensor(1, "absolute fuel consumption", tbl=[row(0, 0.001, 0)]), 4294967295, None),
        (sensor(1, "absolute fuel consumption", tbl=[row(0, 0.5, 0)]), 65535, 32767.5),
        (sensor(1, "engine hours", tbl=[row(0, 0.05, 0)]), 65535, 3276.75),
        (sensor(1, "engine hours", tbl=[row(0, 0.00001, 0)]), 4294967295, None),
        # flags, and what has no known width
        (sensor(1, "engine operation", "x:3"), 255, 1),
        (sensor(1, "custom"), 255, 255),
        (sensor(1, "weight"), 65535, 65535),
    ],
)
def test_not_available_codes_are_dropped_for_the_width_that_the_sensor_has(
    definition: dict[str, Any], raw: int, expected: float | None
) -> None:
    assert value(definition, {"x": raw}) == pytest.approx(expected)
    assert value(definition, {"x": str(raw)}) == pytest.approx(expected)


def test_a_small_tank_makes_255_a_code() -> None:
    level = sensor(1, "fuel level", m="l", tbl=[row(0, 0.8, 0)])
    assert readings(level, x=255, tank_l=200).fuel_level_l is None
    assert readings(level, x=255).fuel_level_l == 204


def test_a_code_gives_way_to_the_next_alternative() -> None:
    assert value(sensor(1, "engine rpm", "a|b"), {"a": 65535, "b": 900}) == 900


def test_every_sensor_that_drops_a_value_counts_and_missing_ones_do_not() -> None:
    sensors = [
        sensor(1, "engine rpm", "a"),
        sensor(2, "temperature", "b"),
        sensor(3, "voltage", "c"),
        sensor(4, p="d/e"),
    ]
    assert readings(*sensors, a=65535, b="n/a", d=1, e=0).dropped == 3


def test_a_dropped_value_counts_once_though_other_sensors_read_it() -> None:
    assert readings(sensor(1, "engine rpm", "a"), sensor(2, p="[Sensor 1]*const2"), a=65535).dropped == 1
