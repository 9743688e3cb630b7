"""Sensors that read sensors, in whatever order they come."""

import random

from tests.trucks.sensors.definitions import (
    fatal,
    message,
    row,
    sensor,
    table,
)


def test_brackets_read_another_sensor_by_its_name_in_whatever_order_they_come() -> None:
    reading, tank = sensor(1, p="[Tank a]*const2"), sensor(2, p="raw", n="Tank a", tbl=[row(0, 10, 0)])
    for sensors in ((reading, tank), (tank, reading)):
        assert table(*sensors).evaluate(message({"raw": 3})) == {1: 60, 2: 30}


def test_of_several_sensors_with_a_name_the_lowest_id_is_read() -> None:
    sensors = [sensor(3, p="b", n="Tank"), sensor(2, p="a", n="Tank"), sensor(1, p="[Tank]")]
    assert table(*sensors).evaluate(message({"a": 1, "b": 2}))[1] == 1


def test_reading_a_sensor_that_gives_a_text_is_no_number() -> None:
    compiled = table(sensor(1, p="word", n="Word"), sensor(2, p="[Word]*const2"))
    assert compiled.evaluate(message({"word": "abc"})) == {1: "abc", 2: None}


def test_long_chains_of_sensors_are_evaluated() -> None:
    chain = [sensor(1, p="a")] + [sensor(n, p=f"[Sensor {n - 1}]+const1") for n in range(2, 600)]
    random.Random(1).shuffle(chain)
    assert table(*chain).evaluate(message({"a": 1}))[599] == 599


def test_circles_are_problems_and_leave_the_others_alone() -> None:
    compiled = table(
        sensor(1, p="[Sensor 2]"),
        sensor(2, p="[Sensor 1]+a"),
        sensor(3, p="[Sensor 3]"),
        sensor(4, p="a"),
        sensor(5, p="[Sensor 1]"),
    )
    assert compiled.evaluate(message({"a": 1})) == {1: None, 2: None, 3: None, 4: 1, 5: None}
    assert set(fatal(compiled)) == {1, 2, 3, 5}
    assert "reads itself" in fatal(compiled)[3]


def test_a_sensor_that_needs_an_unknown_or_broken_one_is_a_problem() -> None:
    compiled = table(sensor(1, p="[Nobody]"), sensor(2, p="a+"), sensor(3, p="a*[Sensor 2]"), sensor(4, p="[Sensor 3]"))
    assert fatal(compiled).keys() == {1, 2, 3, 4}
    assert "[Nobody]" in fatal(compiled)[1]
    assert compiled.evaluate(message({"a": 1})) == {1: None, 2: None, 3: None, 4: None}


def test_an_alternative_makes_up_for_an_unknown_sensor() -> None:
    compiled = table(sensor(1, p="[Nobody]|a"))
    assert compiled.problems == ()
    assert compiled.evaluate(message({"a": 4})) == {1: 4}
