"""Trips by hand: how they begin and end, and whose they are."""

import pytest

from tests.twin import Assigned
from tests.twin.by_hand import DAY, NEXT_DAY, at, days, message, the_day


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
