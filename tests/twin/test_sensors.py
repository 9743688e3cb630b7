"""Expressions, tables, units and ranges of sensors, by hand."""

from typing import Any

import pytest

from tests.twin import SensorTable
from tests.twin.by_hand import FUEL_USED, IGNITION, RPM, VOLTAGE, at, message, read, sensor


def value(sens: dict[str, Any], message: dict[str, Any], previous: dict[str, Any] | None = None) -> float | None | str:
    """The engine hours that the table reads, None when there are none, "dropped" when their value was unusable."""
    readings, dropped = SensorTable(sens, None).read(message, previous)
    return "dropped" if dropped else readings.get("hours")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a", 6),
        ("absent", None),
        ("absent|b|a", 2),
        ("junk|a", 6),
        ("junk", "dropped"),
        ("marker", "dropped"),
        ("absent+a", None),
        ("a+b*const3", 12),
        ("(a+b)*const0.5", 4),
        ("a-b-const1", 3),
        ("a/b/b", 1.5),
        ("a/const0", "dropped"),
        ("b^b^const3", 256),
        ("a*const-1+const10", 4),
        ("a:2", 1),
        ("a:1", 0),
        ("text", 7.5),
        ("a-#a", 1),
        ("#b", None),
        ("[Other]*b", 10),
        ("[Nobody]", None),
        ("[Hours]", None),
        ("in2", 1),
        ("in1", 0),
        ("out1", 1),
        ("speed", 40),
        ("a+", None),
        ("a b", None),
        ("a $ b", None),
    ],
)
def test_sensor_expressions(expression: str, expected: float | None | str) -> None:
    one = message(at("08:00"), 40, a=6, b=2, text="7.5", junk="n/a", marker=-348201.3876) | {"i": 2, "o": 1}
    sens = sensor(1, "custom", "a-const1", n="Other") | sensor(2, "engine hours", expression, n="Hours")
    assert value(sens, one, message(at("07:00"), a=5)) == expected


TABLE = [{"x": 10, "a": 2, "b": 0}, {"x": 100, "a": 1, "b": 100}]


@pytest.mark.parametrize(
    ("raw", "more", "expected"),
    [
        (50, {"tbl": TABLE}, 100),
        (100, {"tbl": TABLE}, 200),
        (5, {"tbl": TABLE}, 10),
        (150, {"tbl": TABLE, "c": '{"upper_bound": 149}'}, "dropped"),
        (150, {"tbl": TABLE, "c": '{"upper_bound": 150}'}, 250),
        (150, {"tbl": TABLE, "c": '{"upper_bound": 249}', "f": 0x40}, "dropped"),
        (5, {"tbl": TABLE, "c": '{"lower_bound": 6}'}, "dropped"),
        (5, {"tbl": TABLE, "c": '{"lower_bound": 6}', "f": 0x40}, 10),
        (12, {"vt": 1, "vs": 1}, 1),
        (0, {"vt": 1, "vs": 1}, 0),
        (0, {"vt": 2, "vs": 1}, 1),
        (12, {"vt": 3, "vs": 1}, 4),
        (8, {"vt": 4, "vs": 1}, 14),
        (12, {"vt": 1, "vs": 7}, None),
        (12, {"vt": 5, "vs": 1}, None),
        (12, {"f": 2}, None),
        (0xFFFFFFFF, {}, "dropped"),
        (-1, {}, "dropped"),
        (1e308, {"tbl": [{"x": 0, "a": 1e9, "b": 0}]}, "dropped"),
    ],
)
def test_sensor_tables_bounds_and_validators(raw: float, more: dict[str, Any], expected: float | None | str) -> None:
    sens = sensor(1, "custom", "six") | sensor(2, "engine hours", "raw", **more)
    assert value(sens, message(at("08:00"), six=6, raw=raw)) == expected


def test_the_sensor_with_the_lowest_number_that_gives_a_value_is_read() -> None:
    sens = sensor(9, RPM, "motor") | sensor(10, RPM, "can")
    assert read(sens, motor=700, can=800) == ({"rpm": 700}, 0)
    assert read(sens, motor="--", can=800) == ({"rpm": 800}, 1)


def test_a_counter_is_always_read_from_one_sensor() -> None:
    sens = sensor(8, "mileage", "odo+") | sensor(9, "mileage", "gps_odo") | sensor(10, "mileage", "can_odo", m="mi")
    assert read(sens, gps_odo=2, can_odo=1) == ({"odometer_m": 2_000}, 0)
    assert read(sens, gps_odo="--", can_odo=1) == ({}, 1)


def test_units_lead_to_the_unit_of_the_reading() -> None:
    sens = sensor(1, "mileage", "odo", m="Mi.") | sensor(2, "engine hours", "minutes", m="min")
    sens |= sensor(3, FUEL_USED, "gallons", m="gal") | sensor(4, VOLTAGE, "millivolts", m="mV")
    readings, _ = read(sens, odo=1, minutes=90, gallons=2, millivolts=12_600)
    assert readings == pytest.approx({"odometer_m": 1_609, "hours": 1.5, "fuel_l": 7.570823568, "voltage": 12.6})


@pytest.mark.parametrize(
    ("kind", "unit", "value", "dropped"),
    [
        (RPM, "", 8_000, 0),
        (RPM, "", 8_001, 1),
        (VOLTAGE, "V", 60.1, 1),
        ("mileage", "km", 1e7, 0),
        ("mileage", "km", 1e7 + 1, 1),
        ("fuel level", "l", 5_001, 1),
        ("fuel level", "%", 101, 0),
        ("fuel level", "%", 101.6, 1),
        ("engine hours", "h", 200_001, 1),
        ("temperature", "°F", -77, 1),
        ("temperature", "°F", -76, 0),
        ("instant fuel consumption", "l/h", 3_301, 1),
    ],
)
def test_what_is_outside_of_the_range_of_its_kind_is_dropped(kind: str, unit: str, value: float, dropped: int) -> None:
    assert read(sensor(1, kind, "x", m=unit), x=value)[1] == dropped


LITRES_PER_BIT = [{"x": 0, "a": 4, "b": 0}]


@pytest.mark.parametrize(
    ("kind", "more", "unavailable", "valid"),
    [
        ("fuel level", {"tbl": LITRES_PER_BIT}, [0xFF, 0xFFFF], [0xFA, 0xFE]),
        ("fuel level", {"p": "x*const0.1"}, [0xFFFF], [0xFF]),
        ("mileage", {}, [0xFFFFFFFF], [0xFF, 0xFFFF]),
        (RPM, {"p": "x/const8"}, [0xFFFF, 0xFFFFFFFF], [0xFF]),
        (IGNITION, {}, [0xFF, 0xFFFF, 0xFFFFFFFF], [1]),
        (IGNITION, {"p": "x:3"}, [], [0xFF]),
        ("custom", {}, [], [0xFF, 0xFFFF]),
    ],
)
def test_a_code_is_not_available_at_the_width_that_the_sensor_needs(
    kind: str, more: dict[str, Any], unavailable: list[int], valid: list[int]
) -> None:
    sens = sensor(1, kind, more.get("p", "x"), **{name: value for name, value in more.items() if name != "p"})
    assert [read(sens, x=value)[1] for value in unavailable] == [1] * len(unavailable)
    assert [read(sens, x=value)[1] for value in valid] == [0] * len(valid)


def test_every_sensor_counts_its_dropped_values_and_a_text_only_where_a_number_is_due() -> None:
    """The coolant feeds no reading; the sum of two reads a dropped one, which is counted once; texts may be texts."""
    sens = sensor(1, "temperature", "coolant", n="Coolant") | sensor(2, "custom", "[Coolant]+const1", n="Sum")
    sens |= sensor(3, "custom", "fault", n="Fault") | sensor(4, "driver", "key", n="Key") | sensor(5, "counter", "text")
    assert read(sens, coolant=255, fault="SPN100", key="0042", text="abc")[1] == 2
    assert read(sens, coolant=90, fault="", key="")[1] == 0


@pytest.mark.parametrize("name", ["PTO", "Rear pto 2", "Power take-off"])
def test_the_power_take_off_is_known_by_its_name(name: str) -> None:
    assert read(sensor(1, "digital", "in2", n=name), in2=1)[0] == {"pto": 1}
    assert read(sensor(1, "digital", "in2", n="Laptop"), in2=1)[0] == {}
