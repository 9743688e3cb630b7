"""Days worked out by hand from docs/metrics.md, which hold the twin to that page."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.twin import Assigned, SensorTable, truth
from wialon_simulator import Simulator

BERLIN = ZoneInfo("Europe/Berlin")
DAY = dt.date(2025, 6, 10)
NEXT_DAY = DAY + dt.timedelta(days=1)
IGNITION, RPM, VOLTAGE, FUEL_USED = "engine operation", "engine rpm", "voltage", "absolute fuel consumption"
KILOMETRE = 0.008_993_203_64  # degrees of latitude: 1 km ÷ (6,371.0088 km × π ÷ 180)
POSITION, LBS, WIFI = 0x1, 0x20000, 0x80000


def at(clock: str, day: dt.date = DAY, zone: dt.tzinfo = dt.UTC) -> int:
    """The epoch second of a wall clock time; "24:00" is the next midnight."""
    hours, minutes, seconds = (int(part) for part in f"{clock}:00".split(":")[:3])
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=zone)
    return int(midnight.timestamp()) + hours * 3600 + minutes * 60 + seconds


def message(t: int, speed: float | None = None, km: float = 0, **params: object) -> dict[str, Any]:
    """A data message; with a speed it is a fix, `km` kilometres up a meridian."""
    pos = None if speed is None else {"y": 50 + km * KILOMETRE, "x": 8.0, "z": 100, "s": speed, "c": 0, "sc": 9}
    flags = 0 if pos is None else POSITION
    return {"t": t, "rt": t + 2, "f": flags, "tp": "ud", "pos": pos, "i": 0, "o": 0, "lc": 0, "p": params}


def sensor(number: int, kind: str, expression: str, **more: object) -> dict[str, Any]:
    row = {"id": number, "n": kind, "t": kind, "d": "", "m": "", "p": expression, "f": 0, "c": "{}", "vt": 0, "vs": 0}
    return {str(number): row | {"tbl": []} | more}


IGNITION_ONLY = sensor(1, IGNITION, "ign")
FULL = (
    IGNITION_ONLY
    | sensor(2, "mileage", "odo", m="km")
    | sensor(3, FUEL_USED, "used")
    | sensor(4, "engine hours", "hours")
    | sensor(5, "fuel level", "level")
    | sensor(6, "digital", "pto", n="PTO shaft")
)


def days(
    messages: list[dict[str, Any]], sens: dict[str, Any] = FULL, *, until: int, timezone: str = "UTC", **more: Any
) -> dict[dt.date, dict[str, Any]]:
    return truth(messages, sens, timezone=timezone, as_of=until, **more)


def the_day(messages: list[dict[str, Any]], sens: dict[str, Any] = FULL, **more: Any) -> dict[str, Any]:
    """The whole of `DAY`, in UTC."""
    return days(messages, sens, until=at("24:00"), **more)[DAY]


def lasts(row: dict[str, Any]) -> int:
    return sum(row[name] or 0 for name in ("moving_s", "idle_s", "parked_s", "no_data_s"))


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


def test_a_trip_across_midnight_belongs_to_the_day_it_starts_in_and_its_metres_to_both() -> None:
    """
    Moving 23:50 to 00:20, the odometer read at both ends only: 10 km in 30 minutes, of which 10 are before midnight.
    10,000 × 600 ÷ 1,800 = 3,333.3 → 3,333 and 10,000 × 1,200 ÷ 1,800 = 6,666.7 → 6,667.
    """
    start, end = at("23:50"), at("00:20", NEXT_DAY)
    messages = [message(start, 20, ign=1, odo=100), message(end, 0, ign=0, odo=110)]
    messages += [message(t, 20, ign=1) for t in range(start + 300, end, 300)]
    rows = days(messages, until=at("24:00", NEXT_DAY))
    assert [row["distance_m"] for row in rows.values()] == [3_333, 6_667]
    assert [row["moving_s"] for row in rows.values()] == [600, 1_200]
    assert [row["trips"] for row in rows.values()] == [1, 0]
    assert [row["stops"] for row in rows.values()] == [0, 1]
    assert rows[DAY]["events"]["trips"] == [(start, end, 10_000, 1_800, 0, 0, 0, None)]


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


def test_a_trip_is_of_the_driver_who_had_the_truck_for_most_of_it() -> None:
    """
    Driving from 08:00 to 08:10. Ana is bound all day; Ben is bound from 08:02 to 08:08 and came later, so those six of
    ten minutes are his. Staff then enter Eve from 07:00 to 08:06: hers are six, Ben's two, Ana's two.
    """
    drive = [message(at("08:00"), 50, ign=1, odo=0), message(at("08:10"), 0, ign=0, odo=8)]
    ana = Assigned(at("06:00"), None, "Ana", "binding")
    ben = Assigned(at("08:02"), at("08:08"), "Ben", "binding")
    eve = Assigned(at("07:00"), at("08:06"), "Eve", "manual")
    drivers = [
        the_day(drive, assigned=known)["events"]["trips"][0].driver
        for known in ([], [ana], [ana, ben], [ana, ben, eve], [ben._replace(end=at("08:04"))])
    ]
    assert drivers == [None, "Ana", "Ben", "Eve", None]


def test_silence_up_to_an_hour_stays_inside_a_trip_and_a_longer_one_ends_it() -> None:
    """
    40 minutes of silence after 08:05: 600 s moving, 1,800 s no data, and the trip goes on.
    Silence of 3,601 s after 08:50: the trip ends at 08:50, its last point, 45 + 5 minutes after its start.
    """
    messages = [message(at(clock), 50, ign=1, odo=odo) for clock, odo in (("08:00", 0), ("08:05", 5), ("08:45", 40))]
    messages += [message(at("08:50"), 50, ign=1, odo=45), message(at("09:50:01"), 50, ign=1, odo=46)]
    messages += [message(at("09:55"), 0, ign=0, odo=50)]
    first, second = the_day(messages)["events"]["trips"]
    assert first == (at("08:00"), at("08:50"), 45_000, 1_200, 0, 0, 1_800, None)
    assert second == (at("09:50:01"), at("09:55"), 4_000, 299, 0, 0, 0, None)


@pytest.mark.parametrize(("still_s", "trips"), [(299, 1), (300, 2)])
def test_stillness_of_five_minutes_ends_a_trip(still_s: int, trips: int) -> None:
    """Still from 08:10 on; a moving point 299 s later continues the trip, 300 s later it begins another."""
    again = at("08:10") + still_s
    messages = [message(at("08:00"), 30, ign=1, odo=0), message(at("08:10"), 0, ign=0, odo=5)]
    messages += [message(again, 30, ign=1, odo=5), message(again + 120, 0, ign=0, odo=6)]
    events = the_day(messages)["events"]
    assert len(events["trips"]) == trips
    if trips == 1:
        assert events["trips"] == [(at("08:00"), again + 120, 6_000, 720, 0, 299, 0, None)]
    else:
        assert events["stops"] == [(at("08:10"), again), (again + 120, None)]


@pytest.mark.parametrize(("seconds", "metres", "trips"), [(60, 100, 1), (59, 100, 0), (60, 99, 0)])
def test_what_is_shorter_than_a_minute_or_a_hundred_metres_is_no_trip(seconds: int, metres: int, trips: int) -> None:
    start = at("08:00")
    messages = [message(start, 6, ign=1, odo=0), message(start + seconds, 0, ign=0, odo=metres / 1000)]
    row = the_day(messages)
    assert (row["trips"], row["stops"]) == (trips, trips)
    assert row["moving_s"] == seconds


def test_a_trip_that_may_go_on_is_open_and_counts_up_to_as_of() -> None:
    """Moving 08:00 to 08:05, then still; at 08:09 the stillness is 240 s old, at 08:10 it has lasted 300 s."""
    messages = [message(at("08:00"), 50, ign=1, odo=0), message(at("08:05"), 0, ign=1, odo=4)]
    open_day, closed_day = (days(messages, until=at(clock))[DAY] for clock in ("08:09", "08:10"))
    assert open_day["events"]["trips"] == [(at("08:00"), None, 4_000, 300, 240, 0, 0, None)]
    assert open_day["events"]["stops"] == []
    assert closed_day["events"]["trips"] == [(at("08:00"), at("08:05"), 4_000, 300, 0, 0, 0, None)]
    assert closed_day["events"]["stops"] == [(at("08:05"), None)]
    # Nothing but silence after a moving point: the trip is over when the silence is longer than an hour.
    silent = [*messages, message(at("08:06"), 50, ign=1, odo=5)]
    assert days(silent, until=at("09:06"))[DAY]["events"]["trips"][0][1] is None
    assert days(silent, until=at("09:06:01"))[DAY]["events"]["trips"][0][:3] == (at("08:00"), at("08:06"), 5_000)


def test_a_counter_that_falls_counts_nothing_and_one_reset() -> None:
    """100.0 → 100.5 → 0.0 → 0.2 km: 500 + 0 + 200 = 700 m. The hours fall too: 7.0 → 7.5 → 1.0: 0.5 h."""
    readings = [("08:00", 100.0, 7.0), ("09:00", 100.5, 7.5), ("10:00", 0.0, 1.0), ("11:00", 0.2, 1.0)]
    row = the_day([message(at(clock), ign=1, odo=odo, hours=hours) for clock, odo, hours in readings])
    assert (row["distance_m"], row["engine_hours"], row["counter_resets"]) == (700, 0.5, 2)


def test_readings_more_than_35_days_apart_are_not_connected() -> None:
    first = at("00:00")
    for apart, metres in ((35 * 86_400, 35_000), (35 * 86_400 + 1, 0)):
        messages = [message(first, 0, ign=0, odo=0), message(first + apart, 0, ign=0, odo=35)]
        rows = days(messages, until=first + 36 * 86_400)
        assert sum(row["distance_odometer_m"] or 0 for row in rows.values()) == metres
        assert (rows[NEXT_DAY]["distance_odometer_m"] is None) == (metres == 0)


def test_a_leg_over_more_than_35_days_is_neither_distance_nor_gap() -> None:
    first = at("00:00")
    for apart, metres in ((35 * 86_400, 35_000), (35 * 86_400 + 1, 0)):
        messages = [message(first, 0, ign=0), message(first + apart, 0, km=35, ign=0)]
        rows = days(messages, until=first + 36 * 86_400)
        assert sum(row["distance_gap_m"] or 0 for row in rows.values()) == metres


def test_no_state_is_carried_over_more_than_35_days() -> None:
    """A cap of 40 days holds for 35; ignition and speed seen 35 days ago still tell, a second later no more."""
    first, day_36 = at("00:00"), at("00:00") + 35 * 86_400
    cap = {"parked_gap_cap_s": 40 * 86_400}
    rows = days([message(first, 0, ign=0)], until=first + 37 * 86_400, parameters=cap)
    assert sum(row["parked_s"] for row in rows.values()) == 35 * 86_400
    for seen_again, moving_s in ((day_36, 60), (day_36 + 1, 0)):
        messages = [message(first, 50, ign=1), message(seen_again), message(seen_again + 60, 0, ign=0)]
        last = list(days(messages, until=day_36 + 3_600).values())[-1]
        assert (last["moving_s"], last["idle_s"]) == (moving_s, 0)


def test_fast_legs_are_left_out_and_legs_over_silence_stand_apart() -> None:
    """
    08:00 → 08:10 10 km: counted. 08:10 → 08:11 50 km, 3,000 km/h, and the 50 km back: left out.
    08:12 → 09:12:01, 3,601 s, 30 km: over silence. 09:12:01 → 10:12:01, 3,600 s, 20 km: counted. 10 + 20 = 30 km.
    """
    places = [("08:00", 0), ("08:10", 10), ("08:11", 60), ("08:12", 10), ("09:12:01", 40), ("10:12:01", 60)]
    row = the_day([message(at(clock), 60, km=km, ign=1) for clock, km in places])
    assert (row["distance_gps_m"], row["drift_m"], row["distance_gap_m"]) == (30_000, 0, 30_000)
    assert (row["distance_m"], row["distance_source"]) == (30_000, "gps")


def test_drift_has_both_ends_parked() -> None:
    """Parked → parked 20 m is drift; parked → moving 1,000 m and moving → parked 2,000 m are not."""
    track = [("08:00", 0, 0, 0), ("08:10", 0, 0.02, 0), ("08:20", 40, 1.02, 1), ("08:30", 0, 3.02, 0)]
    row = the_day([message(at(clock), speed, km=km, ign=ign) for clock, speed, km, ign in track])
    assert (row["distance_gps_m"], row["drift_m"], row["distance_m"]) == (3_020, 20, 3_000)


@pytest.mark.parametrize(
    ("changed", "is_fix"),
    [
        ({"sc": 3}, True),
        ({"sc": 2}, False),
        ({"sc": 255}, True),
        ({"sc": None}, True),
        ({"x": 0, "y": 0}, False),
        ({"x": 0}, True),
        ({"y": 90.1}, False),
        ({"x": -180.1}, False),
        ({"f": POSITION | LBS}, False),
        ({"f": POSITION | WIFI}, False),
        ({"f": POSITION | 0x40000000}, True),
    ],
)
def test_what_is_a_fix(changed: dict[str, Any], is_fix: bool) -> None:
    one = message(at("08:00"), 40, ign=1)
    flags = changed.pop("f", one["f"])
    row = the_day([one | {"f": flags, "pos": one["pos"] | changed}])
    assert (row["messages"], row["fixes"]) == (1, int(is_fix))
    assert row["moving_s"] == (600 if is_fix else 0)
    assert row["max_speed_kmh"] == (40 if is_fix else None)
    assert row["speeding_s"] == (0 if is_fix else None)


def test_messages_of_one_second_are_one_point_in_which_the_later_registered_wins() -> None:
    """Of three messages at 08:00 the last registered has the speed, the second the odometer, the first the ignition."""
    t = at("08:00")
    first = message(t, 90, km=5, ign=1, odo=7) | {"rt": t + 1}
    second = message(t, 70, km=6, odo=8) | {"rt": t + 2}
    third = message(t, 30, km=7) | {"rt": t + 3}
    others = [message(t + 60, 0, km=7, ign=0, odo=9), message(t + 60, 0, km=7, ign=0, odo=9)]
    row = the_day([*others, third, first, second])
    assert (row["messages"], row["fixes"], row["max_speed_kmh"]) == (2, 2, 30)
    assert (row["distance_odometer_m"], row["distance_gps_m"], row["moving_s"]) == (1_000, 0, 60)
    assert row == the_day([second, first, third, *others])


def test_other_kinds_of_messages_and_what_lies_after_as_of_are_not_counted() -> None:
    event = message(at("08:30"), 90) | {"f": 0x600 | POSITION}
    rows = days([message(at("08:00"), 0, ign=0), event, message(at("09:00:01"), 70, ign=1)], until=at("09:00"))
    assert (rows[DAY]["messages"], rows[DAY]["max_speed_kmh"], rows[DAY]["parked_s"]) == (1, 0, 3_600)


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


def test_idling_broken_by_silence_is_two_idle_events_and_a_short_one_none() -> None:
    """
    08:00–08:10 (cap), 08:30–08:32 = 120 s, then off; 09:00–09:01:59 = 119 s; 23:59–00:02 over midnight = 180 s.
    """
    on = [message(at(clock), 0, ign=1) for clock in ("08:00", "08:30", "09:00", "23:59")]
    off = [message(at(clock), 0, ign=0) for clock in ("08:32", "09:01:59")]
    rows = days([*on, *off, message(at("00:02", NEXT_DAY), 0, ign=0)], until=at("24:00", NEXT_DAY))
    assert [event[:2] for event in rows[DAY]["events"]["idle"]] == [
        (at("08:00"), at("08:10")),
        (at("08:30"), at("08:32")),
        (at("23:59"), at("24:00") + 120),
    ]
    assert rows[DAY]["idle_s"] == 600 + 120 + 119 + 60
    assert (rows[NEXT_DAY]["idle_events"], rows[NEXT_DAY]["idle_s"]) == (0, 120)


@pytest.mark.parametrize(
    ("fastest", "severity"),
    [(105, None), (106, "minor"), (113, "minor"), (114, "moderate"), (129, "moderate"), (130, "severe")],
)
def test_speeding_is_as_severe_as_its_largest_excess(fastest: int, severity: str | None) -> None:
    """Limit 105: over it by at most 8 minor, by at most 24 moderate. Points without a fix do not interrupt it."""
    start = at("08:00")
    messages = [message(start, min(fastest, 107), ign=1), message(start + 60, ign=1)]
    row = the_day([*messages, message(start + 120, fastest, ign=1), message(start + 180, 105, ign=1)])
    assert row["events"]["speeding"] == ([(start, start + 180, severity, fastest)] if severity else [])
    assert row["speeding_s"] == (180 if severity else 0)
    assert [row[f"speeding_{name}"] for name in ("minor", "moderate", "severe")] == [
        int(name == severity) for name in ("minor", "moderate", "severe")
    ]


def test_speeding_ends_with_the_engine_at_the_cap_and_is_no_episode_under_30_seconds() -> None:
    """
    08:00 for 29 s: none. 08:30 for 30 s. 09:00 until the engine is off at 09:01, whatever the GPS says then, and 09:30
    until it is off at 09:32, without a fix. 10:00, silence: until 10:10 and not longer.
    23:59:30 until 00:01: 30 s of it in the first day, 60 s in the second.
    """
    fast = [message(at(t), 120, ign=1) for t in ("08:00", "08:30", "09:00", "09:30", "10:00", "23:59:30")]
    slow = [message(at(t), 90, ign=1) for t in ("08:00:29", "08:30:30", "09:35", "11:00")]
    off = [message(at("09:01"), 150, ign=0), message(at("09:32"), ign=0)]
    rows = days([*fast, *slow, *off, message(at("00:01", NEXT_DAY), 80, ign=1)], until=at("24:00", NEXT_DAY))
    assert [episode[:2] for episode in rows[DAY]["events"]["speeding"]] == [
        (at("08:30"), at("08:30:30")),
        (at("09:00"), at("09:01")),
        (at("09:30"), at("09:32")),
        (at("10:00"), at("10:10")),
        (at("23:59:30"), at("00:01", NEXT_DAY)),
    ]
    first, second = rows.values()
    assert (first["speeding_moderate"], first["speeding_s"]) == (5, 30 + 60 + 120 + 600 + 30)
    assert (second["speeding_moderate"], second["speeding_s"]) == (0, 60)


def levels(*readings: tuple[str, float], ign: int = 0, day: dt.date = DAY) -> list[dict[str, Any]]:
    return [message(at(clock, day), 0, ign=ign, level=level) for clock, level in readings]


def test_a_refuel_is_the_difference_of_medians_and_its_steps_join() -> None:
    """
    100 101 99 100 102 | +150 at 08:30, +98 at 09:00 | 350 348 349 352 351. The steps are 08:25–08:30 and 09:00–09:05:
    exactly 1,800 s apart, one event. Median before 100, after 350: 250 l. Start 08:25, end 09:05.
    Balance: level 100 → 351, so 100 − 351 + 250 = −1 l: it sloshes, and is not clipped.
    """
    before = levels(("08:05", 100), ("08:10", 101), ("08:15", 99), ("08:20", 100), ("08:25", 102), ign=1)
    between = levels(("08:30", 252), ("09:00", 252), ign=1)
    after = levels(("09:05", 350), ("09:10", 348), ("09:15", 349), ("09:20", 352), ("09:25", 351), ign=1)
    row = the_day([*before, *between, *after])
    assert row["events"]["fuel"] == [("refuel", at("08:25"), at("09:05"), 250)]
    assert (row["refuels"], row["refuel_l"], row["drains"], row["drain_l"]) == (1, 250, 0, 0)
    assert (row["fuel_used_l"], row["fuel_source"], row["idle_fuel_l"]) == (-1, "level", None)


def test_steps_more_than_half_an_hour_apart_are_two_refuels() -> None:
    """
    Steps 08:25–08:30 and 09:00:01–09:05, 1,801 s apart; medians of fewer readings where there are fewer.
    First: of 100, and of 250 250 350: 150 l. Second: of 100 250 250, and of 350: 100 l.
    """
    row = the_day(levels(("08:25", 100), ("08:30", 250), ("09:00:01", 250), ("09:05", 350)))
    assert row["events"]["fuel"] == [
        ("refuel", at("08:25"), at("08:30"), 150),
        ("refuel", at("09:00:01"), at("09:05"), 100),
    ]


def test_a_theft_begins_with_the_engine_off_and_leaves_the_figures_when_dismissed() -> None:
    """
    Off, 400 → 320 at 02:00: a drain of 80. Later with the engine on 320 → 280: no drain, 40 l used.
    Balance 400 − 280 − 80 = 40 l; when the drain is dismissed the 80 l count as used: 120 l.
    """
    messages = levels(("01:00", 400), ("02:00", 320)) + levels(("08:00", 320), ("10:00", 280), ign=1)
    row, after = the_day(messages), the_day(messages, dismissed=frozenset({at("01:00")}))
    assert row["events"]["fuel"] == [("drain", at("01:00"), at("02:00"), 80)]
    assert (row["drains"], row["drain_l"], row["fuel_used_l"], row["refuels"]) == (1, 80, 40, 0)
    assert (after["drains"], after["drain_l"], after["fuel_used_l"]) == (0, 0, 120)
    assert after["events"]["fuel"] == row["events"]["fuel"]


@pytest.mark.parametrize(("step", "kind"), [(30, "refuel"), (29.9, None), (-29.9, None), (-30, "drain")])
def test_a_step_of_thirty_litres_is_an_event(step: float, kind: str | None) -> None:
    row = the_day(levels(("08:00", 200), ("08:10", 200 + step)))
    assert [event[0] for event in row["events"]["fuel"]] == ([kind] if kind else [])


def test_the_level_at_midnight_lies_on_the_straight_line_between_its_readings() -> None:
    """300 l at 22:00, 270 l at 01:00: at midnight 280. 20 l used before it, 10 + 6 l after it."""
    messages = levels(("22:00", 300), ign=1) + levels(("01:00", 270), ("02:00", 264), ign=1, day=NEXT_DAY)
    rows = days(messages, until=at("24:00", NEXT_DAY))
    assert [row["fuel_used_l"] for row in rows.values()] == pytest.approx([20, 16])


def test_several_tanks_are_summed_and_a_missing_one_leaves_no_level() -> None:
    """100 + 200 = 300 l, then one tank alone, then 100 + 160 = 260 l."""
    sens = IGNITION_ONLY | sensor(2, "fuel level", "left") | sensor(3, "fuel level", "right", m="l")
    readings = [{"left": 100, "right": 200}, {"left": 90}, {"left": 100, "right": 160}]
    messages = [message(at(f"0{n}:00"), 0, ign=1, **levels) for n, levels in enumerate(readings)]
    assert the_day(messages, sens)["fuel_used_l"] == pytest.approx(40)


@pytest.mark.parametrize(
    ("sensors", "tank_l", "used_l"),
    [
        ([("%", "left")], 400, 40),
        ([("%", "left")], None, None),
        ([("%", "left"), ("%", "right")], 400, None),
        ([("%", "left"), ("l", "right")], 400, 20),
    ],
)
def test_a_level_in_per_cent_counts_alone_and_with_the_capacity_of_the_tank(
    sensors: list[tuple[str, str]], tank_l: float | None, used_l: float | None
) -> None:
    """50 % → 40 % of 400 l are 40 l; beside it the right tank goes from 90 to 70 l."""
    sens = IGNITION_ONLY.copy()
    for number, (unit, parameter) in enumerate(sensors, start=2):
        sens |= sensor(number, "fuel level", parameter, m=unit)
    messages = [message(at("01:00"), 0, ign=1, left=50, right=90), message(at("02:00"), 0, ign=1, left=40, right=70)]
    found = the_day(messages, sens, tank_l=tank_l)["fuel_used_l"]
    assert found == (None if used_l is None else pytest.approx(used_l))


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


def read(sens: dict[str, Any], **params: object) -> tuple[dict[str, float], int]:
    """The readings of a message and the number of values that were dropped."""
    return SensorTable(sens, None).read(message(0, **params), None)


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


def test_the_same_message_twice_is_one_and_another_of_its_second_counts_its_own_dropped_values() -> None:
    one = message(at("08:00"), ign="n/a")
    assert the_day([one, one, one | {"rt": one["rt"] + 1}])["dropped_values"] == 2


@pytest.mark.parametrize("name", ["PTO", "Rear pto 2", "Power take-off"])
def test_the_power_take_off_is_known_by_its_name(name: str) -> None:
    assert read(sensor(1, "digital", "in2", n=name), in2=1)[0] == {"pto": 1}
    assert read(sensor(1, "digital", "in2", n="Laptop"), in2=1)[0] == {}


def test_all_events_are_null_on_a_day_of_which_nothing_is_measured() -> None:
    rows = days([message(at("12:00"), 40, ign=1)], until=at("12:00") + 3 * 86_400)
    assert [row["trips"] for row in rows.values()] == [0, None, None, None]
    assert [row["idle_events"] for row in rows.values()] == [0, None, None, None]


def test_speeding_is_measured_without_a_fix_when_an_episode_reaches_into_the_day() -> None:
    messages = [message(at("23:59"), 120, ign=1), message(at("00:01", NEXT_DAY), ign=0)]
    row = days(messages, until=at("24:00", NEXT_DAY))[NEXT_DAY]
    assert (row["speeding_s"], row["speeding_moderate"], row["fixes"]) == (60, 0, 0)


def test_drains_need_engine_evidence() -> None:
    messages = [message(at("01:00"), level=300), message(at("02:00"), level=200)]
    row = the_day(messages, sensor(1, "fuel level", "level"))
    assert (row["refuels"], row["drains"], row["drain_l"], row["fuel_used_l"]) == (0, None, None, 100)


def test_a_refuel_over_midnight_belongs_wholly_to_the_first_day_and_the_level_line_to_both() -> None:
    """100 → 300 l from 23:50 to 00:10: the line is at 200 at midnight. −100 + 200 = 100 and 200 − 300 = −100 l used."""
    messages = levels(("23:50", 100), ign=1) + levels(("00:10", 300), ign=1, day=NEXT_DAY)
    rows = days(messages, until=at("24:00", NEXT_DAY))
    assert [row["refuel_l"] for row in rows.values()] == [200, 0]
    assert [row["fuel_used_l"] for row in rows.values()] == pytest.approx([100, -100])


def test_the_highest_speed_is_that_of_the_fixes_whatever_the_engine_does() -> None:
    messages = [message(at("08:00"), 40, ign=1), message(at("08:01"), 90, ign=0)]
    assert the_day(messages)["max_speed_kmh"] == 90


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


def test_harsh_driving_is_what_the_device_says_and_else_what_dense_speeds_show() -> None:
    """
    DAY: the device says 1 of braking at 08:00, 0 of cornering at 09:00, nothing of acceleration.
    50 → 33 km/h in 1 s is 4.72 m/s², above 4.6, but the device tells of braking: it does not count.
    33 → 54 km/h in 2 s is 2.92 m/s², above 2.8, and 54 → 65 in 1 s is 3.06: one acceleration of 3 s.
    NEXT_DAY: nothing is told, and 3 s between fixes are too many.
    """
    t = at("12:00")
    messages = [message(at("08:00"), harsh_braking=1), message(at("09:00"), harsh_cornering=0)]
    messages += [message(t + s, v) for s, v in ((0, 50), (1, 33), (3, 54), (4, 65))]
    messages += [message(t + 86_400, 50), message(t + 86_403, 0)]
    rows = days(messages, until=at("24:00", NEXT_DAY))
    names = ("harsh_braking", "harsh_acceleration", "harsh_cornering")
    assert [rows[DAY][name] for name in names] == [1, 1, 0]
    assert rows[DAY]["events"]["harsh"] == [
        (at("08:00"), at("08:00"), "braking", "device"),
        (t + 1, t + 4, "acceleration", "speed"),
    ]
    assert [rows[NEXT_DAY][name] for name in names] == [None, None, None]


def test_a_fault_opens_when_it_is_first_told_and_a_text_that_is_no_list_of_codes_tells_nothing() -> None:
    said = {"08:00": "SPN100/FMI1", "09:00": "n/a", "10:00": "spn100/fmi1; 3251-15-SA0", "11:00": "", "12:00": "100/1"}
    row = the_day([message(at(clock), dtc=text) for clock, text in said.items()])
    assert (row["faults_opened"], row["dropped_values"]) == (3, 1)
    assert row["events"]["faults"] == [
        (at("08:00"), at("08:00"), "opened", 100, 1, 255, "severe"),
        (at("10:00"), at("10:00"), "opened", 3251, 15, 0, "minor"),
        *sorted(
            [
                (at("11:00"), at("11:00"), "cleared", 100, 1, 255, "severe"),
                (at("11:00"), at("11:00"), "cleared", 3251, 15, 0, "minor"),
            ]
        ),
        (at("12:00"), at("12:00"), "opened", 100, 1, 255, "severe"),
    ]
