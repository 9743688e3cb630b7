"""Tables as Wialon sends them, whatever is wrong with them; and when their version changes."""

import json
import math
import random
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.trucks.sensors import SensorTable, TableRow, parse_definitions
from tests.trucks.sensors.definitions import (
    BOUNDS,
    JSON,
    WILD_MESSAGE,
    WILD_SENSOR,
    fatal,
    message,
    row,
    sensor,
    table,
)


def test_definition_holds_what_the_values_depend_on() -> None:
    config = {"lower_bound": 1, "upper_bound": "400"}
    raw = sensor(
        7,
        " Fuel Level",
        " raw ",
        n=" Tank ",
        m=" l ",
        f=0x61,
        c=config,
        vt=1,
        vs=3,
        tbl=[row(5, 1, 2), row("0", "0.5", 0)],
    )
    [definition], problems = parse_definitions({"7": raw})
    assert problems == []
    assert (definition.id, definition.name, definition.type, definition.unit) == (7, "Tank", "fuel level", "l")
    assert (definition.expression, definition.flags, definition.bounds_after_table) == ("raw", 0x61, True)
    assert definition.table == (TableRow(0, 0.5, 0), TableRow(5, 1, 2))
    assert (definition.lower, definition.upper) == (1, 400)
    assert (definition.validation, definition.validator_id) == (1, 3)


@pytest.mark.parametrize("sens", [{}, [], None])
def test_a_unit_without_sensors_measures_nothing(sens: Any) -> None:
    compiled = SensorTable.compile(sens)
    assert (compiled.definitions, compiled.problems, compiled.measures) == ((), (), frozenset())
    assert compiled.evaluate(message({"x": 1})) == {}


def test_sensors_may_come_as_a_list() -> None:
    assert SensorTable.compile([sensor(4), sensor(2)]).evaluate(message({"x": 1})) == {2: 1, 4: 1}


def test_the_key_stands_in_for_a_missing_id() -> None:
    assert SensorTable.compile({"12": {"p": "x"}}).evaluate(message({"x": 1})) == {12: 1}


def test_entries_without_an_id_and_repeated_ids_are_problems() -> None:
    compiled = SensorTable.compile(
        [sensor(1, p="a"), sensor(1, p="b"), "text", {"id": "abc"}, {"id": 1.5}, {"id": 10**30}]
    )
    assert compiled.evaluate(message({"a": 1, "b": 2})) == {1: 1}
    assert [problem.sensor_id for problem in compiled.problems] == [1, None, None, None, None]


@pytest.mark.parametrize("fields", [{"f": "abc"}, {"f": -1}, {"vt": []}, {"vs": "x"}, {"f": 1.5}])
def test_unreadable_flags_are_problems(fields: dict[str, Any]) -> None:
    assert 1 in fatal(table(sensor(1, **fields)))


@given(st.lists(WILD_SENSOR | JSON, max_size=5), WILD_MESSAGE, st.none() | WILD_MESSAGE)
def test_nothing_that_can_be_sent_breaks_compiling_or_evaluating(
    sens: list[Any], sent: dict[str, Any], previous: dict[str, Any] | None
) -> None:
    compiled = SensorTable.compile(sens, tank_l=400)
    values = compiled.evaluate(sent, previous)
    assert list(values) == [definition.id for definition in compiled.definitions]
    assert all(each is None or isinstance(each, str) or math.isfinite(each) for each in values.values())
    broken = {problem.sensor_id for problem in compiled.problems if problem.fatal}
    assert all(values[sensor_id] is None for sensor_id in broken if sensor_id is not None)
    assert 0 <= compiled.readings(sent, previous).dropped <= len(values)


def test_a_compiled_table_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        table(sensor(1)).version = "other"  # type: ignore[misc]


def test_evaluations_do_not_share_state() -> None:
    compiled = table(sensor(1, "engine rpm"))
    first = compiled.evaluate(message({"x": 900}))
    assert compiled.evaluate(message()) == {1: None}
    assert first == {1: 900}


@given(st.lists(WILD_SENSOR, max_size=5, unique_by=lambda each: repr(each["id"])), st.randoms(use_true_random=False))
def test_version_does_not_depend_on_the_order_of_the_sensors(
    sensors: list[dict[str, Any]], shuffler: random.Random
) -> None:
    numbered = [each | {"id": number} for number, each in enumerate(sensors)]
    shuffled = list(numbered)
    shuffler.shuffle(shuffled)
    assert SensorTable.compile(shuffled) == SensorTable.compile(numbered)
    assert (
        SensorTable.compile({str(each["id"]): each for each in shuffled}).version
        == SensorTable.compile(numbered).version
    )


FULL = sensor(1, "fuel level", "x", m="l", c=BOUNDS, vt=1, vs=2, tbl=[row(0, 1, 0)])


@pytest.mark.parametrize(
    "change",
    [
        {"id": 3},
        {"n": "PTO"},
        {"t": "voltage"},
        {"m": "%"},
        {"p": "y"},
        {"f": 0x40},
        {"c": {"lower_bound": 10, "upper_bound": 21}},
        {"c": {"lower_bound": 9, "upper_bound": 20}},
        {"vt": 2},
        {"vs": 3},
        {"tbl": [row(0, 1, 0.5)]},
        {"tbl": [row(0, 2, 0)]},
        {"tbl": [row(1, 1, 0)]},
        {"tbl": []},
        {"tbl": "unreadable"},
    ],
)
def test_version_changes_with_whatever_changes_a_value(change: dict[str, Any]) -> None:
    changed = FULL | change
    changed["c"] = json.dumps(changed["c"]) if isinstance(changed["c"], dict) else changed["c"]
    assert table(changed).version != table(FULL).version


def test_version_changes_with_the_capacity_of_the_tank_and_a_new_sensor() -> None:
    versions = {table(FULL).version, table(FULL, tank_l=400).version, table(FULL, sensor(2)).version, table().version}
    assert len(versions) == 4


def test_version_ignores_what_changes_no_value() -> None:
    looks = FULL | {"d": "note", "c": json.dumps(BOUNDS | {"ci": {"0": "red"}, "show_time": True})}
    spelled = FULL | {"id": "1", "f": "0", "vt": 1.0, "t": "Fuel Level", "tbl": [row("0", "1.0", -0.0)]}
    assert table(looks).version == table(spelled).version == table(FULL).version


def test_version_is_short_and_the_same_in_every_process() -> None:
    assert table(sensor(1, "engine rpm", "can_rpm")).version == "38df57a162a7b772"
