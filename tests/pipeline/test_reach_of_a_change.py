"""Single late messages and what they change on other days than their own."""

import datetime as dt
from typing import Any

import pytest

from apps.fleet import summaries
from apps.trucks.models import Truck
from tests import rows as make
from tests.pipeline import feed

pytestmark = pytest.mark.django_db

DAY = dt.date(2026, 3, 10)


def at(clock: str, day: int = 0) -> int:
    hours, minutes, *seconds = (int(part) for part in clock.split(":"))
    return feed.midnight(DAY, "UTC") + day * 86_400 + hours * 3_600 + minutes * 60 + sum(seconds)


def message(t: int, speed: int | None = None, km: float = 0, **values: float) -> dict[str, Any]:
    place = None if speed is None else {"y": 50 + km * feed.KM, "x": 9.0, "z": 0, "s": speed, "c": 0, "sc": 9}
    return {"t": t, "f": int(speed is not None), "tp": "ud", "rt": t + 1, "pos": place, "p": values}


def driving(start: int, end: int, kmh: int = 60, step: int = 300) -> list[dict[str, Any]]:
    return [message(t, kmh, kmh * (t - start) / 3_600, ign=1) for t in range(start, end, step)]


def idling(start: int, end: int, step: int = 500, **values: float) -> list[dict[str, Any]]:
    return [message(t, ign=1, **values) for t in range(start, end, step)]


def assert_all_at_once_is_the_same(*steps: tuple[list[dict[str, Any]], int]) -> None:
    """Messages that come in these steps, each with the days rebuilt after it, end in the rows of all at once."""
    fleet, twin_fleet = (make.fleet(name, timezone="UTC") for name in ("step by step", "at once"))
    truck, twin = feed.truck_of(fleet, "T", feed.PLAIN), feed.truck_of(twin_fleet, "T", feed.PLAIN)
    for messages, now in steps:
        feed.receive(truck, messages, now)
        summaries.rebuild(fleet)
    feed.receive(twin, [message for messages, _ in steps for message in messages], steps[-1][1])
    summaries.rebuild(twin_fleet)
    assert feed.differences(feed.summaries_of(truck), feed.summaries_of(twin)) == []


LATER = at("12:00", 1)
LATEST = at("13:00", 1)


def test_an_idle_event_of_the_day_before_ends_where_a_late_message_says() -> None:
    early = idling(at("22:00"), at("06:00", 1))
    assert_all_at_once_is_the_same((early, LATER), ([message(at("04:01", 1), ign=0)], LATEST))


def test_a_trip_of_the_day_before_is_cut_by_a_late_rest() -> None:
    early = driving(at("20:00"), at("07:00", 1))
    rest = [message(t, 0, 500, ign=0) for t in range(at("04:01", 1), at("04:04", 1), 10)]
    assert_all_at_once_is_the_same((early, LATER), (rest, LATEST))


def test_a_stop_of_days_ago_is_other_with_a_late_idling_in_it() -> None:
    trips = [*driving(at("10:00", -4), at("11:00", -4)), message(at("11:05", -4), 0, 60, ign=0)]
    next_trip = driving(at("10:00", 1), at("11:00", 1))
    late = [*idling(at("09:00"), at("10:00"), 300), message(at("10:05"), ign=0)]
    assert_all_at_once_is_the_same(([*trips, *next_trip], LATER), (late, LATEST))


def test_what_was_too_short_for_a_trip_is_completed_after_midnight() -> None:
    early = [message(at("23:59:45"), 30, 0, ign=1), message(at("00:00:20", 1), 0, 0.02, ign=1)]
    late = [message(at("00:03", 1), 30, 0.1, ign=1), message(at("00:04", 1), 30, 3, ign=1)]
    assert_all_at_once_is_the_same((early, LATER), (late, LATEST))


def test_time_alone_ends_an_idle_event_that_began_the_day_before() -> None:
    now = at("05:58:40", 1)
    assert_all_at_once_is_the_same((idling(at("20:00"), now), now), ([], now + 200), ([], LATEST))


def test_time_alone_ends_a_trip_that_began_the_day_before() -> None:
    now = at("05:58:40", 1)
    assert_all_at_once_is_the_same((driving(at("20:00"), now), now), ([], now + 200), ([], LATEST))


def test_an_engine_that_was_off_is_off_until_the_next_word_of_it_days_later() -> None:
    early = [message(at("08:00", -3), 0, 0, ign=1)]
    early += [message(t, 40, (t - at("08:00", -3)) / 3_600, odo=1) for t in range(at("08:10", -3), at("20:00"), 1_800)]
    assert_all_at_once_is_the_same((early, LATER), ([message(at("09:00", -3), ign=0)], LATEST))


def test_a_counter_between_two_far_readings_is_spread_over_all_days_between() -> None:
    early = [message(at("08:00", -4), odo=100.0), *idling(at("08:00", -3), at("09:00", 0), 3_000)]
    assert_all_at_once_is_the_same(
        (early, at("10:00", 0)),
        ([message(at("11:00", 0), odo=900.0)], LATER),
        ([message(at("08:00", -1), odo=400.0)], LATEST),
    )


def test_the_litres_of_a_refuel_change_with_a_late_level_among_the_five_before_it() -> None:
    levels = [message(at("20:00", -1) + n * 10_000, ign=0, level=100.0 + n) for n in range(5)]
    refuel = [message(at("08:00"), ign=0, level=400.0), message(at("09:00", 1), ign=0, level=398.0)]
    late = [message(at("10:00", 1), ign=0, level=350.0), message(at("11:00", 1), ign=0, level=351.0)]
    assert_all_at_once_is_the_same(([*levels, *refuel], at("09:30", 1)), (late, LATER))


def test_a_trip_that_a_late_odometer_unmasks_gives_its_time_back_to_the_stop_of_days_ago() -> None:
    """It was one because its distance was not measured: speed of the evening before, the engine on, no fix."""
    first_trip = [*driving(at("10:00", -2), at("11:00", -2)), message(at("11:01", -2), 0, 60, ign=0)]
    last_word = message(at("17:00", -2), 20, 60, ign=0)
    unmeasured = [message(t, ign=1) for t in range(at("00:30", 1), at("04:00", 1), 300)]
    early = [*first_trip, last_word, *unmeasured, message(at("04:00", 1), ign=0)]
    late = [message(at("03:01", 1), ign=1, odo=100.0), message(at("03:02", 1), ign=1, odo=100.0)]
    assert_all_at_once_is_the_same((early, LATER), (late, LATEST))


def test_an_episode_without_fixes_over_midnight_begins_anew_after_a_late_rest() -> None:
    blind = [message(at("20:00"), 130, 0, ign=1), *(message(t, ign=1) for t in range(at("20:05"), at("02:00", 1), 300))]
    end = [message(at("02:00", 1), 131, 50, ign=1), message(at("02:05", 1), 0, 51, ign=0)]
    late = [message(at("21:01"), ign=0)]
    assert_all_at_once_is_the_same(([*blind, *end], LATER), (late, LATEST))


def test_a_drain_that_a_late_word_of_the_engine_makes_joins_with_one_of_a_later_day() -> None:
    early = [message(at("08:00"), ign=1), message(at("10:00"), level=300.0), message(at("12:00"), ign=1)]
    early += [message(at("09:00", 1), ign=0, level=200.0), message(at("09:20", 1), ign=0, level=199.0)]
    early += [message(at("09:40", 1), ign=0, level=120.0)]
    assert_all_at_once_is_the_same((early, LATER), ([message(at("09:30"), ign=0)], LATEST))


def test_a_fix_without_a_speed_does_not_end_how_far_a_late_speed_is_carried() -> None:
    early = [message(at("22:00"), 0, 0, ign=1)]
    blind = [message(t, ign=1) for t in range(at("22:10"), at("09:00", 1), 500)]
    no_speed = message(at("22:05"), 0, 0, ign=1)
    del no_speed["pos"]["s"]
    late = [message(at("22:02"), 60, 1, ign=1)]
    assert_all_at_once_is_the_same(([*early, no_speed, *blind], LATER), (late, LATEST))


def test_a_reading_that_tells_nothing_of_the_engine_reaches_no_further_than_the_next_message() -> None:
    fleet = make.fleet("late", timezone="UTC")
    truck = feed.truck_of(fleet, "T", {**feed.PLAIN, "9": feed.sensor(9, "Engine speed", "engine rpm", "rpm")})
    feed.receive(truck, idling(at("08:00", -3), at("09:00", 1), 3_000), LATER)
    summaries.rebuild(fleet)
    feed.deliver(truck, [message(at("08:10"), ign=1, rpm=800.0)], LATER)
    assert feed.dirty(truck) == {DAY}


def test_a_late_message_of_a_parked_night_does_not_mark_the_day_on_which_the_stop_began() -> None:
    fleet = make.fleet("late", timezone="UTC")
    truck = feed.truck_of(fleet, "T", feed.PLAIN)
    night = [message(t, 0, 60, ign=0) for t in range(at("18:05"), at("06:00", 1), 1_200)]
    day_after = [*driving(at("06:00", 1), at("07:00", 1)), message(at("07:05", 1), 0, 60, ign=0)]
    feed.receive(truck, [*driving(at("17:00"), at("18:00")), *night, *day_after], LATER)
    summaries.rebuild(fleet)
    feed.deliver(truck, [message(at("03:03", 1), 0, 60, ign=0)], LATER)
    assert feed.dirty(truck) == {DAY + dt.timedelta(days=1)}
    feed.deliver(truck, [message(at("03:13", 1), 0, 60, ign=1)], LATER)
    assert feed.dirty(truck) == {DAY, DAY + dt.timedelta(days=1)}  # it idled in the stop


def test_an_earlier_first_message_gives_every_day_since_a_row() -> None:
    assert_all_at_once_is_the_same(
        (idling(at("08:00"), at("09:00")), LATER), ([message(at("08:00", -5), ign=0)], LATEST)
    )


def test_a_message_that_refers_to_the_one_before_it_follows_a_late_one() -> None:
    early = [message(at("08:00"), odo=100.0), message(at("09:00"), odo=103.0)]
    fleet = make.fleet("late", timezone="UTC")
    truck = feed.truck_of(fleet, "T")
    feed.receive(truck, early, at("10:00"))
    assert change_of_odometer(truck) == 3
    feed.receive(truck, [message(at("08:30"), odo=101.0)], at("10:01"))
    assert change_of_odometer(truck) == 2


def change_of_odometer(truck: Truck) -> float:
    (row,) = feed.latest(truck)
    return row["values"]["7"][0]
