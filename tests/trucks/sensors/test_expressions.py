"""What an expression gives of a message, and of the one before it."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.trucks.sensors.expression import ExpressionError, parse
from tests.trucks.sensors.definitions import (
    MARKER,
    expression_value,
    fatal,
    message,
    sensor,
    table,
)

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
