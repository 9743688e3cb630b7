"""A unit's own counters, and what they are worth."""

from typing import Any

import pytest

from apps.trucks.detection.counters import Counters, counters_of, hours_source, mileage_source


@pytest.mark.parametrize(
    ("flags", "mileage", "hours"),
    [
        (0x300, "gps", "unknown"),
        (0x311, "sensor", "ignition"),
        (0x1311, "sensor", "ignition"),  # the last value of the mileage sensor
        (0x322, "relative_sensor", "sensor"),
        (0x343, "gps_ignition", "relative_sensor"),
        (0x211, "manual", "ignition"),
        (0x111, "sensor", "manual"),
        (0x011, "manual", "manual"),
        (0x374, "unknown", "unknown"),
    ],
)
def test_the_flags_say_how_a_counter_is_counted(flags: int, mileage: str, hours: str) -> None:
    assert (mileage_source(flags), hours_source(flags)) == (mileage, hours)


def test_only_what_a_sensor_counts_is_measured() -> None:
    measured = {flags: mileage_source(flags).is_measured for flags in (0x100, 0x101, 0x102, 0x103, 0x001, 0x10F)}
    assert measured == {0x100: False, 0x101: True, 0x102: True, 0x103: False, 0x001: False, 0x10F: False}


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ({"cfl": 0x311, "cnm": 10, "cneh": 2.5, "lmsg": {"t": 9}}, (0x311, 10.0, 2.5, 9)),
        ({"cfl": 0x311, "cnm": 10, "cnm_km": 16, "mu": 1, "cneh": 0}, (0x311, 16.0, 0.0, None)),
        ({"cfl": 0x311, "cnm": 10, "mu": 1, "cneh": 1}, (0x311, 16.09344, 1.0, None)),
        ({"cfl": 0x311, "cnm": 10, "mu": 2, "cneh": 1}, (0x311, 16.09344, 1.0, None)),
        ({"cfl": 0x311, "cnm": 10, "mu": 3, "cneh": 1}, (0x311, 10.0, 1.0, None)),
        ({"cfl": 0, "cnm": None, "cneh": -1, "lmsg": None}, (0, None, None, None)),
        ({"cfl": 0, "cnm": "10", "cneh": 1e300, "lmsg": {"t": "9"}}, (0, None, None, None)),
        ({"cfl": 0, "mu": 1, "cneh": True, "lmsg": {"t": True}}, (0, None, None, None)),
        ({"cfl": 0, "cnm_km": float("nan"), "cneh": float("inf"), "lmsg": {"t": 2**40}}, (0, None, None, None)),
        ({"cfl": 0, "cnm": 10**400, "cneh": 1e9, "lmsg": {"t": -1}}, (0, None, None, None)),
    ],
)
def test_counters_are_in_kilometres_and_hours(unit: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert counters_of(unit) == Counters(*expected)


@pytest.mark.parametrize("flags", [None, "273", -1, 2**31, True, []])
def test_without_flags_counters_mean_nothing(flags: Any) -> None:
    assert counters_of({"cfl": flags, "cnm": 10, "cneh": 1}) is None
