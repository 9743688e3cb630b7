"""A batch of messages evaluated column by column has exactly the values of its messages evaluated one by one."""

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.trucks.sensors import SensorTable
from apps.trucks.sensors.frame import Message
from tests.trucks.sensors.definitions import JSON, MARKER, WILD_MESSAGE, WILD_SENSOR, message, row, sensor, table

KINDS = (
    "engine operation", "engine rpm", "voltage", "mileage", "absolute fuel consumption", "fuel level", "engine hours",
    "digital", "counter", "counter", "driver", "custom", "temperature",
)  # fmt: skip
EXPRESSIONS = (
    "a", "b", "a|b", "a+b", "a-#a", "#b|a", "a/b", "a^b", "a:3", "a:16", "-a", "[Sensor 1]", "[Sensor 2]*const2",
    "[Sensor 1]|a", "(a|b)*const0.1", "speed", "in1", "const5", "a*b-const1",
)  # fmt: skip
SENSORS = st.builds(
    sensor,
    st.integers(1, 6),
    st.sampled_from(KINDS),
    st.sampled_from(EXPRESSIONS),
    n=st.sampled_from(["Sensor 1", "Sensor 2", "PTO"]),
    m=st.sampled_from(["", "km", "l", "%", "mV"]),
    f=st.sampled_from([0, 0, 2, 3, 4, 5, 0x40]),
    vt=st.integers(0, 4),
    vs=st.integers(0, 6),
    c=st.sampled_from([{}, {"lower_bound": 1, "upper_bound": 100}]),
    tbl=st.sampled_from([[], [row(0, 2, 1)], [row(0, 1, 0), row(10, 0, 5), row(50, -1, 7.5)]]),
)
VALUES = st.sampled_from(
    [
        None,
        0,
        1,
        5,
        49.5,
        255,
        65535,
        4294967295,
        1e308,
        -7,
        MARKER,
        True,
        "12",
        "FF",
        "x",
        "",
        "1_0",
        [],
        {},
        2**63,
        -0.0,
    ]
) | st.floats(allow_nan=False, allow_infinity=False)
MESSAGES = st.builds(
    message,
    st.dictionaries(st.sampled_from(["a", "b", "dtc", "harsh_braking"]), VALUES, max_size=4),
    f=st.sampled_from([0, 3, 7]),
    i=st.integers(0, 3),
    pos=st.none() | st.builds(dict, s=VALUES, y=VALUES),
)


def assert_same(compiled: SensorTable, messages: Sequence[Message], previous: Message | None) -> None:
    """Holds a batch, made long enough for columns, against its messages one by one; `repr` tells -0.0 from 0.0."""
    messages = [*messages] * (24 // len(messages) + 1)
    befores = [previous, *messages[:-1]]
    read = compiled.read(messages, previous)
    assert read == compiled._read_columns(messages, previous)
    expected = [astuple(compiled.readings(each, before)) for each, before in zip(messages, befores, strict=True)]
    assert repr(list(zip(*read.columns, strict=True))) == repr(expected)
    newest: dict[int, tuple[Any, int]] = {}
    for number, (each, before) in enumerate(zip(messages, befores, strict=True)):
        for sensor_id, value in compiled.evaluate(each, before).items():
            if value is not None:
                newest[sensor_id] = (value, number)
    assert repr(sorted(read.newest.items())) == repr(sorted(newest.items()))


@settings(max_examples=400)
@given(st.lists(SENSORS, max_size=6), st.lists(MESSAGES, min_size=1, max_size=6), st.none() | MESSAGES)
def test_sensors_of_all_kinds(sensors: list[Any], messages: list[Message], previous: Message | None) -> None:
    assert_same(SensorTable.compile(sensors, tank_l=400), messages, previous)


@given(
    st.lists(WILD_SENSOR | JSON, max_size=5), st.lists(WILD_MESSAGE, min_size=1, max_size=4), st.none() | WILD_MESSAGE
)
def test_garbage(sens: list[Any], messages: list[Message], previous: Message | None) -> None:
    assert_same(SensorTable.compile(sens), messages, previous)


@pytest.mark.parametrize(
    ("sensors", "sent"),
    [
        # a value that looks like the invalid marker is none for the sensors that read it
        ([sensor(1, "custom", f"const{MARKER}"), sensor(2, "custom", "[Sensor 1]")], {}),
        ([sensor(1, "custom", "const1/(a/b)")], {"a": 1, "b": 0}),
        ([sensor(1, "driver", "a"), sensor(2, "custom", "[Sensor 1]+const1")], {"a": 42}),
        ([sensor(1, "driver", "a|b")], {"a": "", "b": 7.5}),
        ([sensor(1, "mileage", "a^b")], {"a": 1.1, "b": 30.3}),
        ([sensor(number, "fuel level", f"const0.{number}", m="l") for number in (1, 2, 3)], {}),
    ],
)
def test_what_chance_seldom_finds(sensors: list[Any], sent: dict[str, Any]) -> None:
    assert_same(table(*sensors), [message(sent)], None)


def test_values_at_the_edges_of_ranges_and_of_the_rows_of_a_table() -> None:
    """Of sensors with bounds, with a table, both, and with a validator that has a value for some messages alone."""
    bounds, rows = {"lower_bound": 1, "upper_bound": 100}, [row(0, 1, 0), row(10, 0, 5), row(50, -1, 7.5)]
    sensors = [
        sensor(1, "custom", "a", c=bounds),
        sensor(2, "custom", "a", tbl=rows),
        sensor(3, "custom", "a", tbl=rows, c=bounds),
        sensor(4, "custom", "b"),
        sensor(12, "engine rpm", "a"),  # from 0 on
        *(sensor(4 + kind, "custom", "a", vt=kind, vs=4) for kind in range(1, 8)),
    ]
    edges = [-1, 0, 0.5, 1, 9.5, 10, 49.5, 50, 51, 99.5, 100, 100.5]
    others = [None, 0, 1, "x", [], True]
    assert_same(table(*sensors), [message({"a": a, "b": b}) for a in edges for b in others], None)
    assert_same(table(*sensors), [message({"a": a}) for a in edges], None)


def test_a_short_batch_goes_one_by_one_to_the_same_end() -> None:
    compiled = table(sensor(1, "voltage", "a"), sensor(2, "driver", "who"))
    short = [message({"a": 12}), message({"a": "n/a", "who": "0042"})]
    read = compiled.read(short)
    assert list(zip(*read.columns, strict=True)) == [astuple(compiled.readings(each)) for each in short]
    assert read.newest == {1: (12.0, 0), 2: ("0042", 1)}


@pytest.mark.parametrize("count", [3, 24, 60])
def test_the_message_before_the_batch_counts(count: int) -> None:
    compiled = table(sensor(1, "voltage", "a-#a"))
    messages = [message({"a": 10 + number}) for number in range(count)]
    assert compiled.read(messages, message({"a": 9})).columns[2] == [1.0] * count
    assert compiled.read(messages, None).columns[2] == [None] + [1.0] * (count - 1)
