"""Whole days worked out by hand from docs/metrics.md, which hold the twin to that page."""

import datetime as dt
from typing import Any

import pytest

from tests.twin import Assigned
from tests.twin.by_hand import BERLIN, DAY, IGNITION_ONLY, NEXT_DAY, at, days, lasts, message, the_day
from wialon_simulator import Simulator


def test_a_working_day_by_hand() -> None:
    """
    06:00 idle · 06:05 moving · 06:10 moving · 06:15 idle · 06:17 idle with PTO · 06:20 engine off until midnight

    No data before 06:00: 21,600 s. Idle 06:00–06:05 and 06:15–06:20: 300 + 300, of it 06:17–06:20 = 180 with PTO.
    Moving 06:05–06:15: 600. Parked 06:20–24:00: 63,600. Sum 21,600 + 600 + 600 + 63,600 = 86,400.
    Coverage 100 × (1 − 21,600 ÷ 86,400) = 75.

    The odometer goes 0 + 4.0 + 5.2 km, the GPS 0 + 4 + 5 km. After 06:20 the GPS drifts by 10 m, both ends parked.
    The fuel counter goes 1.0 + 2.0 + 3.0 + 0.2 + 0.3 l; idle are the first, the fourth and the fifth: 1.5 l.
    The trip runs from the first moving point to the one after the last: 06:05 to 06:15.
    """
    messages = [
        message(at("06:00"), 0, ign=1, odo=1000.0, used=500.0, hours=80.0),
        message(at("06:05"), 50, ign=1, odo=1000.0, used=501.0),
        message(at("06:10"), 61, km=4, ign=1, odo=1004.0, used=503.0),
        message(at("06:15"), 0, km=9, ign=1, odo=1009.2, used=506.0),
        message(at("06:17"), 0, km=9, ign=1, pto=1, used=506.2),
        message(at("06:20"), 0, km=9, ign=0, pto=0, odo=1009.2, used=506.5, hours=80.3),
        message(at("06:50"), 0, km=9.01, ign=0),
    ]
    row = the_day(messages)
    assert row.pop("drivers").keys() == {0}
    assert row.pop("hours")[6]["moving"] == 600
    approximate = {"engine_hours": 0.3, "fuel_used_l": 6.5, "idle_fuel_l": 1.5, "coverage_pct": 75.0}
    assert {name: row.pop(name) for name in approximate} == pytest.approx(approximate)
    assert row == {
        "messages": 7,
        "fixes": 7,
        "dropped_values": 0,
        "moving_s": 600,
        "idle_s": 600,
        "idle_productive_s": 180,
        "parked_s": 63_600,
        "no_data_s": 21_600,
        "engine_on_s": 1_200,
        "night_driving_s": 0,
        "distance_m": 9_200,
        "distance_source": "odometer",
        "distance_gps_m": 9_010,
        "drift_m": 10,
        "distance_gap_m": 0,
        "distance_odometer_m": 9_200,
        "counter_resets": 0,
        "max_speed_kmh": 61,
        "fuel_source": "counter",
        "refuels": None,
        "refuel_l": None,
        "drains": None,
        "drain_l": None,
        "speeding_minor": 0,
        "speeding_moderate": 0,
        "speeding_severe": 0,
        "speeding_s": 0,
        "trips": 1,
        "stops": 1,
        "idle_events": 2,
        "harsh_braking": None,
        "harsh_acceleration": None,
        "harsh_cornering": None,
        "faults_opened": None,
        "events": {
            "trips": [(at("06:05"), at("06:15"), 9_200, 600, 0, 0, 0, None)],
            "stops": [(at("06:15"), None)],
            "speeding": [],
            "idle": [(at("06:00"), at("06:05"), 0, None), (at("06:15"), at("06:20"), 180, None)],
            "fuel": [],
            "harsh": [],
            "faults": [],
        },
    }


def test_driving_over_the_hours_of_the_night_by_hand() -> None:
    """
    Clocks go from 2:00 to 3:00 on 30 March 2025. Moving from 1:30 on, every five minutes up to 7:00: 4.5 hours, of them
    half an hour before 2:00 and three hours from 3:00 to 6:00 are night. Again from 21:50 to 22:10: ten minutes more.
    """
    spring = dt.date(2025, 3, 30)
    start, evening = at("1:30", spring, BERLIN), at("20:50", spring, BERLIN)  # an hour less has passed since midnight
    driven = [message(t, 60, km=(t - start) / 60, ign=1) for t in range(start, start + 16_200, 300)]
    driven += [message(t, 60, km=(t - start) / 60, ign=1) for t in range(evening, evening + 1_200, 300)]
    stops = [message(start + 16_200, 0, km=270, ign=0), message(evening + 1_200, 0, km=1_000, ign=0)]
    row = days(driven + stops, IGNITION_ONLY, until=at("23:00", spring, BERLIN), timezone="Europe/Berlin")[spring]
    assert (row["moving_s"], row["night_driving_s"]) == (16_200 + 1_200, 1_800 + 10_800 + 600)


def test_a_day_of_two_drivers_by_hand() -> None:
    """
    Anna has the truck until 08:20, Ben from there on, nobody from 09:00 on. It moves from 08:00 to 08:30, over the
    limit from 08:10 on, and idles until 08:40. The odometer counts 10.0 km, 5.5 km and 4.6 km in each ten minutes, the
    fuel counter 3, 2 and 1 l, and 0.5 l while idling. The trip, and the speeding, are Anna's: they began in her time.
    """
    messages = [
        message(at("08:00"), 60, ign=1, odo=100.0, used=10),
        message(at("08:10"), 120, km=10, ign=1, odo=110.0, used=13),
        message(at("08:20"), 120, km=16, ign=1, odo=115.5, used=15),
        message(at("08:30"), 0, km=20, ign=1, odo=120.1, used=16),
        message(at("08:40"), 0, km=20, ign=0, odo=120.1, used=16.5),
    ]
    known = [Assigned(at("06:00"), at("08:20"), "anna", "manual"), Assigned(at("08:20"), at("09:00"), "ben", "manual")]
    drivers = the_day(messages, assigned=known)["drivers"]
    names = ("length_s", "moving_s", "idle_s", "distance_m", "fuel_used_l", "idle_fuel_l", "trips", "speeding_s")
    assert {driver: tuple(row[name] for name in names) for driver, row in drivers.items()} == {
        0: (21_600 + 54_000, 0, 0, None, None, None, 0, None),
        "anna": (8_400, 1_200, 0, 15_500, 5, 0, 1, 600),
        "ben": (2_400, 600, 600, 4_600, 1.5, 0.5, 0, 600),
    }
    assert (drivers["anna"]["speeding_moderate"], drivers["ben"]["speeding_moderate"]) == (1, 0)


@pytest.mark.parametrize(
    ("day", "length"),
    [(dt.date(2025, 3, 29), 86_400), (dt.date(2025, 3, 30), 82_800), (dt.date(2025, 10, 26), 90_000)],
)
def test_a_day_is_as_long_as_the_clocks_make_it(day: dt.date, length: int) -> None:
    midnight, next_midnight = at("00:00", day, BERLIN), at("00:00", day + dt.timedelta(days=1), BERLIN)
    rows = days([message(midnight, 0, ign=0)], until=next_midnight, timezone="Europe/Berlin")
    assert list(rows) == [day]
    assert rows[day]["parked_s"] == length
    assert rows[day]["coverage_pct"] == 100


def test_there_is_a_row_for_each_day_from_the_first_message_to_as_of_and_none_without_messages() -> None:
    first = at("12:00")
    rows = days([message(first, 0, ign=0)], until=first + 9 * 86_400)
    assert list(rows) == [DAY + dt.timedelta(days=n) for n in range(10)]
    assert rows[NEXT_DAY]["messages"] == 0
    assert rows[NEXT_DAY]["parked_s"] == 86_400
    # The day in progress: 43,200 s long, and the parked state ran out 7 days after the first noon, two days before.
    last = rows[DAY + dt.timedelta(days=9)]
    assert (last["parked_s"], last["no_data_s"], last["coverage_pct"]) == (0, 43_200, 0)
    assert days([], until=first) == {}
    assert days([message(first)], until=first - 1) == {}


def test_a_day_without_messages_measures_nothing_but_time() -> None:
    first = at("12:00")
    row = days([message(first, 0, ign=0, odo=5, level=90)], until=first + 86_400 * 2)[NEXT_DAY]
    not_measured = {name for name, value in row.items() if value is None}
    assert not_measured == {
        *("distance_m", "distance_source", "distance_gps_m", "drift_m", "distance_gap_m", "distance_odometer_m"),
        *("engine_hours", "counter_resets", "max_speed_kmh", "fuel_used_l", "fuel_source", "idle_fuel_l"),
        *("speeding_minor", "speeding_moderate", "speeding_severe", "speeding_s"),
        *("harsh_braking", "harsh_acceleration", "harsh_cornering"),
        *("refuels", "refuel_l", "drains", "drain_l", "faults_opened"),
    }


def test_all_events_are_null_on_a_day_of_which_nothing_is_measured() -> None:
    rows = days([message(at("12:00"), 40, ign=1)], until=at("12:00") + 3 * 86_400)
    assert [row["trips"] for row in rows.values()] == [0, None, None, None]
    assert [row["idle_events"] for row in rows.values()] == [0, None, None, None]


def test_every_day_of_every_simulated_truck_adds_up() -> None:
    zone, now = "Europe/Berlin", at("10:20", dt.date(2025, 10, 28), BERLIN)
    midnights = [at("00:00", dt.date(2025, 10, day), BERLIN) for day in (25, 26, 27, 28)]
    lengths = [end - start for start, end in zip(midnights, [*midnights[1:], now], strict=True)]
    with Simulator(trucks=8, days=3, seed=1, now=now, timezone=zone, frozen=True) as simulator:
        histories = {unit: (simulator.messages(unit), simulator.unit(unit)["sens"]) for unit in simulator.units}
    truck_days = {unit: days(*history, until=now, timezone=zone) for unit, history in histories.items()}
    assert sum(not rows for rows in truck_days.values()) == 1  # the spare that never reports
    assert lengths == [86_400, 90_000, 86_400, 37_200]
    for unit, rows in truck_days.items():
        assert [lasts(row) for row in rows.values()] == (lengths if rows else [])
        assert sum(row["messages"] for row in rows.values()) == len({m["t"] for m in histories[unit][0]})
        for row in rows.values():
            assert_trips_add_up(row, until=now)


def assert_trips_add_up(row: dict[str, Any], *, until: int) -> None:
    for start, end, _, *parts, _ in row["events"]["trips"]:
        assert sum(part or 0 for part in parts) == (end or until) - start
