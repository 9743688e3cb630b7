"""Calculation tables, bounds, validation and counters of changes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.trucks.sensors import TableRow
from apps.trucks.sensors.sensor import compile_table
from tests.trucks.sensors.definitions import BOUNDS, FLOATS, MARKER, fatal, message, row, sensor, table, value

STEPS = [row(0, 2, 0), row(10, 0, 20), row("20", "-1", "40.5")]


@pytest.mark.parametrize(
    ("x", "expected"), [(-5, -10), (0, 0), (9.5, 19), (10, 20), (19.99, 20), (20, 20.5), (30, 10.5)]
)
def test_each_row_counts_up_to_the_next_and_the_first_one_also_below(x: float, expected: float) -> None:
    assert value(sensor(1, tbl=STEPS), {"x": x}) == expected
    assert value(sensor(1, tbl=STEPS[::-1]), {"x": x}) == expected


@pytest.mark.parametrize("rows", [[], None, {}])
def test_without_rows_the_value_is_the_parameter(rows: Any) -> None:
    assert value(sensor(1, tbl=rows), {"x": 3}) == 3


def test_rows_may_come_as_a_dict() -> None:
    assert value(sensor(1, tbl={"0": row(0, 3, 1)}), {"x": 3}) == 10


@pytest.mark.parametrize(
    "rows",
    [
        [row("abc", 1, 0)],
        [{"x": 0, "a": 1}],
        [row(0, None, 0)],
        ["x"],
        "table",
        7,
        [row(0, "nan", 0)],
        [row("inf", 1, 0)],
    ],
)
def test_an_unreadable_table_is_a_problem_not_a_guess(rows: Any) -> None:
    compiled = table(sensor(1, tbl=rows))
    assert "calculation table" in fatal(compiled)[1]
    assert compiled.evaluate(message({"x": 3})) == {1: None}


@given(st.lists(st.tuples(FLOATS, FLOATS, FLOATS), min_size=1, max_size=12, unique_by=lambda each: each[0]), FLOATS)
def test_calculation_table_is_the_row_with_the_greatest_x_up_to_the_value(
    rows: list[tuple[float, float, float]], x: float
) -> None:
    ordered = sorted(rows)
    chosen = ordered[0]
    for each in ordered:
        if each[0] <= x:
            chosen = each
    curve = compile_table(tuple(TableRow(*each) for each in ordered))
    assert (x if curve is None else curve(x)) == chosen[1] * x + chosen[2]


TENFOLD = [row(0, 10, 0)]


@pytest.mark.parametrize(
    ("flags", "x", "expected"),
    [
        (0, 9.9, None),
        (0, 10, 100),
        (0, 20, 200),
        (0, 20.1, None),
        (0x40, 0.9, None),
        (0x40, 1, 10),
        (0x40, 2, 20),
        (0x40, 15, None),
    ],
)
def test_bounds_apply_before_the_table_or_with_flag_0x40_after_it(flags: int, x: float, expected: float | None) -> None:
    definition = sensor(1, f=flags, c=BOUNDS, tbl=TENFOLD)
    assert value(definition, {"x": x}) == expected
    assert table(definition).readings(message({"x": x})).dropped == (expected is None)


@pytest.mark.parametrize(
    "config",
    [
        "",
        None,
        "{}",
        {},
        '{"act":1}',
        {"lower_bound": ""},
        {"lower_bound": None, "upper_bound": "x"},
        {"lower_bound": MARKER, "upper_bound": MARKER},
        {"lower_bound": 0, "upper_bound": 0},
        {"lower_bound": -1e300, "upper_bound": 1e300},
    ],
)
def test_absent_or_meaningless_bounds_are_none(config: Any) -> None:
    compiled = table(sensor(1, c=config))
    assert compiled.problems == ()
    assert compiled.evaluate(message({"x": -7}))[1] == -7


@pytest.mark.parametrize("config", ["{broken", "[" * 100_000, "[1]", 5, "7"])
def test_a_broken_configuration_is_noted_and_the_sensor_evaluated_without_bounds(config: Any) -> None:
    compiled = table(sensor(1, c=config))
    assert [(problem.sensor_id, problem.fatal) for problem in compiled.problems] == [(1, False)]
    assert compiled.evaluate(message({"x": 5}))[1] == 5


def test_bounds_may_be_texts_and_one_sided() -> None:
    assert value(sensor(1, c={"lower_bound": "5"}), {"x": 4}) is None
    assert value(sensor(1, c={"upper_bound": "5"}), {"x": 4}) == 4


@pytest.mark.parametrize(
    ("kind", "main", "validator", "expected"),
    [
        (1, 5, 2, 1),
        (1, 5, 0, 0),
        (1, 0, 0, 0),
        (2, 5, 0, 1),
        (2, 0, 3, 1),
        (2, 0, 0, 0),
        (3, 6, 3, 2),
        (3, 6.9, 3.9, 2),
        (4, 6, 3, 7),
        (1, None, 1, None),
        (1, 1, None, None),
        (2, 1, None, None),
        (1, 1, "abc", None),
        (4, 1.7976931348623157e308, 1.5 * 2.0**970, None),
    ],
)
def test_validation_combines_the_value_with_that_of_the_validator(
    kind: int, main: object, validator: object, expected: float | None
) -> None:
    compiled = table(sensor(1, p="x", vt=kind, vs=2), sensor(2, p="y"))
    sent = {name: raw for name, raw in (("x", main), ("y", validator)) if raw is not None}
    assert compiled.evaluate(message(sent))[1] == expected


def test_validation_comes_after_the_table_on_both_sides() -> None:
    compiled = table(sensor(1, p="x", vt=3, vs=2, tbl=TENFOLD), sensor(2, p="y", tbl=[row(0, 1, 2)]))
    assert compiled.evaluate(message({"x": 1, "y": 1}))[1] == 10 & 3


def test_validators_may_be_chained() -> None:
    compiled = table(sensor(1, p="a", vt=1, vs=2), sensor(2, p="b", vt=1, vs=3), sensor(3, p="c"))
    assert compiled.evaluate(message({"a": 1, "b": 1, "c": 0})) == {1: 0, 2: 0, 3: 0}


def test_undocumented_validation_types_are_problems() -> None:
    compiled = table(sensor(1, vt=5, vs=2), sensor(2))
    assert "type 5" in fatal(compiled)[1]
    assert compiled.evaluate(message({"x": 1})) == {1: None, 2: 1}


def test_a_missing_validator_is_a_problem_and_none_at_all_is_no_validation() -> None:
    assert "sensor 9" in fatal(table(sensor(1, vt=1, vs=9)))[1]
    assert value(sensor(1, vt=1, vs=0), {"x": 5}) == 5


def test_validators_in_a_circle_are_problems() -> None:
    assert fatal(table(sensor(1, vt=1, vs=2), sensor(2, vt=1, vs=1))).keys() == {1, 2}


@pytest.mark.parametrize("flags", [2, 3, 4, 5, 0x22])
def test_only_counters_count_changes(flags: int) -> None:
    compiled = table(sensor(1, "mileage", f=flags))
    assert "not a counter" in fatal(compiled)[1]
    assert compiled.readings(message({"x": 5})).odometer_m is None


@pytest.mark.parametrize("p", ["x-#x", "[Sensor 2]", "x+[Sensor 2]"])
def test_a_counter_counts_changes_of_what_one_message_says(p: str) -> None:
    compiled = table(sensor(1, "counter", p, f=2), sensor(2, "counter", "x"))
    assert "not evaluated" in fatal(compiled)[1]


@pytest.mark.parametrize(
    ("flags", "before", "now", "expected"),
    [
        (1, 10, 12, 12),
        (2, 10, 12, 2),
        (2, 12, 10, -2),
        (0x22, 10, 12, 2),
        (3, 10, 12, 2),
        (3, 65_530, 4, 10),
        (4, 0, 1, 1),
        (4, 0, 7, 1),
        (4, 1, 1, 0),
        (4, 1, 0, 0),
        (4, 0, 0, 0),
        (5, 1, 0, 1),
        (5, 0, 1, 0),
        (5, 0, 0, 0),
        (5, 2, 1, 0),
        (2, None, 12, None),
        (2, 10, None, None),
        (2, "n/a", 12, None),
        (4, "n/a", 1, None),
        (4, 0, "n/a", None),
        (5, 1, "n/a", None),
    ],
)
def test_a_counter_counts_changes_since_the_message_before(flags: int, before: Any, now: Any, expected: Any) -> None:
    counter = sensor(1, "counter", f=flags)
    assert value(counter, {"x": now}, previous={"x": before}) == expected
    if flags > 1:
        assert value(counter, {"x": now}) is None


def test_the_table_is_for_what_was_counted() -> None:
    assert value(sensor(1, "counter", f=2, tbl=[row(0, 0.5, 1)]), {"x": 14}, previous={"x": 10}) == 3


def test_a_counter_of_changes_reads_the_message_before() -> None:
    assert table(sensor(1, "counter", f=2)).reads_previous
    assert not table(sensor(1, "counter", f=1)).reads_previous
