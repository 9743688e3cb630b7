"""The rules by which a unit's sensor table turns messages into values."""

import json
import math
import random
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.trucks.sensors import Problem, SensorTable, TableRow, parse_definitions
from apps.trucks.sensors.expression import ExpressionError, parse
from apps.trucks.sensors.sensor import compile_table

MARKER = -348201.3876


def sensor(id: int, type: str = "custom", p: str = "x", **fields: Any) -> dict[str, Any]:
    """A definition as Wialon sends it; `c` may be given as a dict."""
    config = fields.pop("c", {})
    base = {"n": f"Sensor {id}", "d": "", "m": "", "f": 0, "vt": 0, "vs": 0, "tbl": []}
    return {
        "id": id,
        "t": type,
        "p": p,
        **base,
        "c": json.dumps(config) if isinstance(config, dict) else config,
        **fields,
    }


def table(*sensors: dict[str, Any], tank_l: float | None = None) -> SensorTable:
    return SensorTable.compile({str(each["id"]): each for each in sensors}, tank_l)


def message(p: Any = None, **fields: Any) -> dict[str, Any]:
    return {"t": 1_763_900_000, "f": 7, "tp": "ud", "pos": None, "i": 0, "o": 0, "p": {} if p is None else p} | fields


def value(definition: dict[str, Any], p: Any = None, previous: dict[str, Any] | None = None, **fields: Any) -> Any:
    before = None if previous is None else message(previous)
    return table(definition).evaluate(message(p, **fields), before)[definition["id"]]


def expression_value(text: str, p: dict[str, Any], previous: dict[str, Any] | None = None, **fields: Any) -> Any:
    return value(sensor(1, "counter", text), p, previous, **fields)


def fatal(compiled: SensorTable) -> dict[int | None, str]:
    return {problem.sensor_id: problem.reason for problem in compiled.problems if problem.fatal}


def row(x: Any, a: Any, b: Any) -> dict[str, Any]:
    return {"x": x, "a": a, "b": b}


# Expressions

POSITION = {"y": 52.25, "x": 21.5, "z": 110, "s": 64, "c": 181, "sc": 12}
CASES = [
    ("a", {"a": 5}, 5),
    ("a", {}, None),
    ("can.rpm_2", {"can.rpm_2": 1240}, 1240),
    ("io_239", {"io_239": "1"}, 1),
    ("3d_fix", {"3d_fix": 1}, 1),
    ("const10", {}, 10),
    ("const-4.54", {}, -4.54),
    ("const.5", {}, 0.5),
    ("const2e3", {}, 2000),
    ("constant", {"constant": 3}, 3),
    ("const1_x", {"const1_x": 3}, 3),
    ("a+const1", {"a": 2}, 3),
    ("a-const-1", {"a": 2}, 3),
    ("a-const1", {"a": 2}, 1),
    ("a - b - c", {"a": 10, "b": 3, "c": 2}, 5),
    ("a/b/c", {"a": 12, "b": 3, "c": 2}, 2),
    ("a+b*c", {"a": 1, "b": 2, "c": 3}, 7),
    ("(a+b)*c", {"a": 1, "b": 2, "c": 3}, 9),
    ("a*b^const2", {"a": 3, "b": 2}, 12),
    ("a^b^c", {"a": 2, "b": 3, "c": 2}, 512),
    ("-a", {"a": 4}, -4),
    ("-a^const2", {"a": 4}, -16),
    ("a*-b", {"a": 4, "b": 2}, -8),
    ("a^-const1", {"a": 4}, 0.25),
    ("+a", {"a": 4}, 4),
    ("const1.5\u2217(a\u2212b)", {"a": 4, "b": 2}, 3),
    ("a+b", {"a": 1}, None),
    ("a/b", {"a": 1, "b": 0}, None),
    ("a^b", {"a": 0, "b": -1}, None),
    ("a^b", {"a": -8, "b": 0.5}, None),
    ("a^b", {"a": 10, "b": 400}, None),
    ("a*b", {"a": 1e308, "b": 10}, None),
    ("a|b", {"a": 1, "b": 2}, 1),
    ("a|b", {"b": 2}, 2),
    ("a|b|c", {"c": 3}, 3),
    ("a|b", {}, None),
    ("a|b", {"a": "n/a", "b": 2}, 2),
    ("a|b", {"a": MARKER, "b": 2}, 2),
    ("(a/z)|b", {"a": 1, "z": 0, "b": 2}, 2),
    ("a|b*const2", {"a": 1, "b": 5}, 2),
    ("const2*a|b", {"b": 5}, 10),
    ("a|const0", {}, 0),
]


@pytest.mark.parametrize(("text", "p", "expected"), CASES)
def test_expression_gives_its_value(text: str, p: dict[str, Any], expected: float | None) -> None:
    assert expression_value(text, p) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("27.4", 27.4),
        (" 5 ", 5),
        (True, 1),
        (False, 0),
        (2**70, float(2**70)),
        (10**400, None),
        ("1e999", None),
        ("NaN", None),
        ("Infinity", None),
        ("1_000", None),
        ("", None),
        ("--", None),
        (math.inf, None),
        (math.nan, None),
        ([1], None),
        ({"v": 1}, None),
        (MARKER, None),
        ("-348201.3876", None),
        (-348201.375, None),  # the marker as a 32-bit float
        (-348202.0, -348202.0),
    ],
)
def test_raw_value_is_a_number_or_not_measured(raw: object, expected: float | None) -> None:
    assert expression_value("a+const0", {"a": raw}) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("time", 1_763_900_000),
        ("regtime", 1_763_900_004),
        ("speed", 64),
        ("altitude", 110),
        ("sats", 12),
        ("course", 181),
        ("lat", 52.25),
        ("lon", 21.5),
        ("in", 0b101),
        ("in1", 1),
        ("in2", 0),
        ("in3", 1),
        ("in32", 0),
        ("out2", 1),
        ("adc4", 12.5),
        ("in33", None),
        ("in0", None),
        ("inlet", 9),
    ],
)
def test_virtual_parameters_come_from_the_message_itself(name: str, expected: float | None) -> None:
    sent = {"adc4": 12.5, "inlet": 9}
    assert expression_value(name, sent, rt=1_763_900_004, pos=POSITION, i=0b101, o=0b10) == expected


def test_position_parameters_are_not_measured_without_a_position() -> None:
    assert expression_value("speed", {}) is None
    assert expression_value("speed", {"speed": 50}) == 50


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"f": 3, "i": 1}, 1),
        ({"f": 3, "i": 0}, 0),
        ({"f": 1, "i": 0}, None),
        ({"f": 1, "i": 1}, 1),
        ({"f": 3, "i": None}, None),
    ],
)
def test_a_zero_that_wialon_filled_in_for_inputs_is_not_measured(
    fields: dict[str, Any], expected: float | None
) -> None:
    assert expression_value("in1", {}, **fields) == expected


def test_message_without_flags_has_the_inputs_that_it_shows() -> None:
    assert table(sensor(1, p="in1")).evaluate({"t": 1, "i": 0})[1] == 0


@pytest.mark.parametrize(
    ("text", "raw", "expected"),
    [
        ("a:3", 0b100, 1),
        ("a:3", 0b011, 0),
        ("a:1", 1, 1),
        ("a : 1", 1, 1),
        ("a:2", 2.9, 1),
        ("a:64", 2**63, 1),
        ("a:64", -1, 1),
        ("a:55", 2**54 + 1, 1),
        ("a:1", 2**54 + 1, 1),
        ("a:3", "7", 1),
        ("a:3", "x", None),
        ("a:3", [], None),
        ("a:16", "1F", 31),
        ("a:16", "0x1F", 31),
        ("a:10", "100", 100),
        ("a:2", "100", 4),
        ("a:2", "27", None),
        ("a:16", "1_F", None),
        ("a:16", "f" * 400, None),
        ("a:16", 2**15, 1),
        ("a:3*const2", 4, 2),
        ("a:3", None, None),
        ("in:2", None, 1),
    ],
)
def test_colon_takes_a_bit_of_a_number_and_reads_a_text_in_its_numeral_system(
    text: str, raw: object, expected: float | None
) -> None:
    assert expression_value(text, {"a": raw}, i=2) == expected


def test_hash_reads_the_message_before() -> None:
    assert expression_value("a-#a", {"a": 7}, {"a": 4}) == 3
    assert expression_value("#in1", {}, {}) == 0
    assert expression_value("#a:1", {}, {"a": 1}) == 1


def test_hash_is_not_measured_without_a_message_before() -> None:
    assert expression_value("a-#a", {"a": 7}) is None
    assert expression_value("#a|a", {"a": 7}) == 7


def test_speed_by_coordinates_as_the_user_guide_writes_it() -> None:
    text = "((lat-#lat)^const2+(lon-#lon)^const2)^const0.5/(time-#time)*const200000"
    before = message(t=1_763_899_990, pos=POSITION | {"y": 52.249})
    result = table(sensor(1, p=text)).evaluate(message(pos=POSITION), before)[1]
    assert result == pytest.approx(20)


def test_only_tables_with_a_hash_read_the_message_before() -> None:
    assert table(sensor(1, p="a-#a")).reads_previous
    assert not table(sensor(1, p="a")).reads_previous


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("a+", "missing at the end"),
        ("*a", "missing before '*'"),
        ("(a", "parenthesis"),
        ("a)", "operator is missing before ')'"),
        ("a b", "operator is missing before 'b'"),
        ("a const2", "operator is missing before a constant"),
        ("()", "missing before ')'"),
        ("a:0", "bit 0"),
        ("a:65", "bit 65"),
        ("a:123", "unexpected ':'"),
        ("a:", "unexpected ':'"),
        ("a&b", "unexpected '&' at character 2"),
        ("[open", "unexpected '['"),
        ("#", "unexpected '#'"),
        ("const9e999", "too large"),
        ("(" * 60 + "a" + ")" * 60, "nested deeper"),
        ("-" * 60 + "a", "nested deeper"),
        ("a^" * 60 + "a", "nested deeper"),
        ("a+" * 300 + "a", "longer than"),
    ],
)
def test_text_that_is_no_expression_is_a_problem_with_its_reason(text: str, reason: str) -> None:
    compiled = table(sensor(1, "engine rpm", text))
    assert reason in fatal(compiled)[1]
    assert compiled.evaluate(message({"a": 1})) == {1: None}


def test_long_sums_are_evaluated() -> None:
    assert expression_value("+".join(["a"] * 190), {"a": 1}) == 190


@given(st.text(alphabet="ab1_.#:|[]()+-*/^ const", max_size=40) | st.text(max_size=200))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        parse(text)
    except ExpressionError as error:
        assert str(error)


NUMBERS = st.sampled_from([0.5, 1.0, 2.0, 3.0, 7.0])


@st.composite
def arithmetic(draw: st.DrawFn, depth: int = 3) -> tuple[str, str]:
    """An expression in Wialon's notation and in Python's."""
    if depth == 0 or draw(st.booleans()):
        constant = draw(NUMBERS)
        return f"const{constant}", repr(constant)
    (left, left_python), (right, right_python) = draw(arithmetic(depth - 1)), draw(arithmetic(depth - 1))
    sign = draw(st.sampled_from("+-*/"))
    inner, inner_python = f"{left}{sign}{right}", f"{left_python}{sign}{right_python}"
    return (f"({inner})", f"({inner_python})") if draw(st.booleans()) else (inner, inner_python)


@given(arithmetic())
def test_arithmetic_has_the_usual_precedence(texts: tuple[str, str]) -> None:
    wialon, python = texts
    try:
        expected = eval(python)
    except ZeroDivisionError:
        expected = None
    assert expression_value(wialon, {}) == expected


# Sensors that read sensors


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


# Calculation table and bounds

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


FLOATS = st.floats(-1e6, 1e6)


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


BOUNDS = {"lower_bound": 10, "upper_bound": 20}
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


# Validation


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


# Texts


@pytest.mark.parametrize(
    ("type", "p", "sent", "expected"),
    [
        ("driver", "avl_driver", {"avl_driver": "0042"}, "0042"),
        ("driver", "avl_driver", {"avl_driver": "1E999"}, "1E999"),
        ("driver", "avl_driver", {"avl_driver": 42}, "42"),
        ("driver", "avl_driver", {"avl_driver": 42.0}, "42"),
        ("driver", "avl_driver", {"avl_driver": 2**60 + 1}, str(2**60 + 1)),
        ("driver", "avl_driver", {"avl_driver": 1.5}, "1.5"),
        ("driver", "avl_driver", {"avl_driver": ""}, None),
        ("driver", "avl_driver", {"avl_driver": MARKER}, None),
        ("driver", "avl_driver", {"avl_driver": str(MARKER)}, None),
        ("driver", "avl_driver", {"avl_driver": [1]}, None),
        ("driver", "a|b", {"b": "X7"}, "X7"),
        ("driver", "a|b", {"a": "", "b": "X7"}, "X7"),
        ("custom", "dtc", {"dtc": "SPN100/FMI1"}, "SPN100/FMI1"),
        ("custom", "dtc", {"dtc": "5.5"}, 5.5),
        ("custom", "dtc", {"dtc": "nan"}, None),
        ("custom", "dtc", {"dtc": ""}, None),
        ("custom", "a|b", {"a": 5, "b": "text"}, 5),
        ("custom", "a+const1", {"a": "text"}, None),
        ("engine rpm", "a", {"a": "text"}, None),
        ("weight", "a", {"a": "text"}, None),
    ],
)
def test_texts_stay_texts_where_no_number_is_meant(type: str, p: str, sent: dict[str, Any], expected: object) -> None:
    assert value(sensor(1, type, p), sent) == expected


def test_an_empty_text_drops_no_text_but_a_number() -> None:
    compiled = table(sensor(1, "driver", "card"), sensor(2, "engine rpm", "rpm"))
    assert compiled.readings(message({"card": ""})).dropped == 0
    assert compiled.readings(message({"rpm": ""})).dropped == 1


# Readings


def readings(*sensors: dict[str, Any], tank_l: float | None = None, **p: Any) -> Any:
    return table(*sensors, tank_l=tank_l).readings(message(p))


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


# Cleaning


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


# Definitions


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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["engine rpm", "mileage", "fuel level", "custom", "driver", "temperature", "engine operation"])
WILD_SENSOR = st.fixed_dictionaries(
    {"id": st.integers(1, 4) | JSON},
    optional={
        "n": st.sampled_from(["A", "B", "PTO"]) | JSON,
        "t": TYPES | JSON,
        "m": st.sampled_from(["l", "%", "km", "mi"]) | JSON,
        "p": st.sampled_from(["x", "[A]", "[B]*x", "x|y", "#x-x", "x:2", "in1", "x/y", "x^y"]) | JSON,
        "f": st.sampled_from([0, 1, 2, 0x40]) | JSON,
        "c": st.just('{"lower_bound":0,"upper_bound":50}') | JSON,
        "vt": st.integers(0, 5) | JSON,
        "vs": st.integers(0, 4) | JSON,
        "tbl": st.lists(st.fixed_dictionaries({"x": FLOATS, "a": FLOATS, "b": FLOATS}), max_size=3) | JSON,
    },
)
WILD_MESSAGE = st.fixed_dictionaries(
    {},
    optional={"p": st.dictionaries(st.sampled_from("xy"), JSON) | JSON, "pos": JSON, "i": JSON, "f": JSON, "t": JSON},
)


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


# Version


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
