"""Engine evidence and states, by hand."""

import datetime as dt

import pytest

from tests.twin.by_hand import (
    DAY,
    FUEL_USED,
    IGNITION,
    IGNITION_ONLY,
    RPM,
    VOLTAGE,
    at,
    days,
    lasts,
    message,
    sensor,
    the_day,
)


def test_a_state_holds_until_its_cap_and_the_rest_is_no_data() -> None:
    """Moving 10:00, 2 h of silence; idle 12:00, 2 h of silence; parked 14:00 for 10 days. 7,200 − 600 = 6,600 each."""
    messages = [message(at("10:00"), 50, ign=1), message(at("12:00"), 0, ign=1), message(at("14:00"), 0, ign=0)]
    rows = days(messages, until=at("14:00") + 10 * 86_400)
    row = rows[DAY]
    assert (row["moving_s"], row["idle_s"], row["parked_s"]) == (600, 600, 36_000)
    assert row["no_data_s"] == 36_000 + 6_600 + 6_600
    assert sum(row["parked_s"] for row in rows.values()) == 604_800
    assert all(lasts(row) == 86_400 for day, row in rows.items() if day < DAY + dt.timedelta(days=10))
    assert row["idle_events"] == 1


@pytest.mark.parametrize(
    ("kind", "value", "running"),
    [
        (IGNITION, 0, False),
        (IGNITION, 1, True),
        (RPM, 300, False),
        (RPM, 301, True),
        (VOLTAGE, 13.2, False),
        (VOLTAGE, 13.3, True),
        (VOLTAGE, 17.9, True),
        (VOLTAGE, 18.0, False),
        (VOLTAGE, 26.4, False),
        (VOLTAGE, 26.5, True),
    ],
)
def test_engine_evidence(kind: str, value: float, running: bool) -> None:
    row = the_day([message(at("08:00"), 0, x=value), message(at("08:10"), 0)], sensor(1, kind, "x"))
    assert row["idle_s"] == (1_200 if running else 0)  # the point without a value has the state of the point before


def test_ignition_goes_before_rpm_and_rpm_before_voltage() -> None:
    one = message(at("23:50"), 0, ign=0, rpm=900, volts=28)
    by_voltage = sensor(3, VOLTAGE, "volts")
    by_rpm = by_voltage | sensor(2, RPM, "rpm")
    assert the_day([one], by_rpm | IGNITION_ONLY)["idle_s"] == 0
    assert the_day([one | {"p": {"rpm": 0, "volts": 28}}], by_rpm)["idle_s"] == 0
    assert the_day([one | {"p": {"rpm": 0, "volts": 28}}], by_voltage)["idle_s"] == 600


def test_without_engine_evidence_idling_is_not_measured_and_stillness_is_parked() -> None:
    messages = [message(at("08:00"), 50), message(at("08:05"), 0), message(at("08:20"), 50), message(at("08:25"), 0)]
    row = the_day([*messages, message(at("09:00"), used=1), message(at("10:00"), used=3)], sensor(1, FUEL_USED, "used"))
    assert (row["moving_s"], row["parked_s"], row["fuel_used_l"]) == (600, 900 + 56_100, 2)
    engine_figures = ("idle_s", "idle_productive_s", "engine_on_s", "idle_events", "idle_fuel_l")
    assert [row[name] for name in engine_figures] == [None] * 5


def test_speed_is_that_of_the_last_fix_and_zero_with_the_engine_off() -> None:
    """
    Before the first fix 0: idle 08:00–08:05. 08:05 moving with a fix, 08:10 moving without one.
    Ignition off at 08:15 though the GPS says 80: parked.
    """
    messages = [message(at("08:00"), ign=1), message(at("08:05"), 50, ign=1), message(at("08:10"), ign=1)]
    row = the_day([*messages, message(at("08:15"), 80, ign=0)])
    assert (row["idle_s"], row["moving_s"], row["parked_s"]) == (300, 600, 56_700)


def test_speed_at_the_limit_of_moving_is_not_moving() -> None:
    assert the_day([message(at("23:50"), 5, ign=1), message(at("23:55"), 5.1, ign=1)])["moving_s"] == 300
