from dataclasses import asdict, fields, replace

import pytest

from apps.trucks.detection.daily import DayFigures, detect, figures
from apps.trucks.detection.points import Evidence, Point, Points
from apps.trucks.parameters import DEFAULTS
from tests.builders import at, day, detected, driving, idling, parked, point, points

WORKING_DAY = (
    parked("00:00", "08:00")
    + driving("08:00", "09:00", kmh=60)
    + idling("09:00", "09:30", km=60)
    + driving("09:30", "10:00", kmh=110, km=60)
    + parked("10:00", "1d 00:00", km=115)
)


def test_a_working_day_as_a_whole():
    measured = {name: value for name, value in asdict(day(WORKING_DAY)).items() if value is not None}
    assert measured == {
        "fixes": 48 + 60 + 30 + 30 + 84,
        "moving_s": 5400,
        "idle_s": 1800,
        "idle_productive_s": 0,
        "parked_s": 86_400 - 7200,
        "no_data_s": 0,
        "engine_on_s": 7200,
        "distance_m": 115_000,
        "distance_source": "gps",
        "distance_gps_m": 115_000,
        "drift_m": 0,
        "distance_gap_m": 0,
        "max_speed_kmh": 110,
        "trips": 2,
        "stops": 2,
        "idle_events": 1,
        "speeding_minor": 1,
        "speeding_moderate": 0,
        "speeding_severe": 0,
        "speeding_s": 1800,
        "coverage_pct": 100,
    }


def test_a_day_without_a_message_is_no_data_and_nothing_else():
    assert {name: value for name, value in asdict(day([])).items() if value is not None} == {
        "fixes": 0,
        "moving_s": 0,
        "idle_s": 0,
        "idle_productive_s": 0,
        "parked_s": 0,
        "no_data_s": 86_400,
        "engine_on_s": 0,
        "coverage_pct": 0,
    }


def test_a_day_of_one_message():
    figures = day(points("12:00 ign=1 v=60 odo=5"), as_of="13:00")
    assert (figures.fixes, figures.moving_s, figures.no_data_s) == (1, 600, 12 * 3600 + 3000)
    assert (figures.distance_m, figures.distance_source, figures.trips) == (0, "odometer", 0)


def test_the_day_in_progress_ends_at_as_of():
    figures = day(parked("00:00", "08:00"), as_of="06:00")
    assert (figures.parked_s, figures.no_data_s, figures.fixes) == (6 * 3600, 0, 36)


def test_a_day_after_as_of_has_no_length():
    figures = day(parked("00:00", "08:00"), as_of="06:00", within=("1d 00:00", "2d 00:00"))
    assert (figures.parked_s, figures.no_data_s, figures.coverage_pct, figures.distance_m) == (0, 0, None, None)


@pytest.mark.parametrize(("end", "length"), [("23:00", 82_800), ("1d 01:00", 90_000)])
def test_a_day_has_the_length_it_has(end: str, length: int):
    figures = day(WORKING_DAY, as_of="3d 00:00", within=("00:00", end))
    assert figures.moving_s + figures.idle_s + figures.parked_s + figures.no_data_s == length


def test_coverage_is_the_share_that_is_known():
    assert day(parked("06:00", "1d 00:00")).coverage_pct == 75


def test_the_odometer_goes_before_gps():
    figures = day([point("07:00", odo=1000), *driving("08:00", "09:00"), point("09:00", ign=0, km=60, odo=62_000)])
    assert (figures.distance_m, figures.distance_source) == (61_000, "odometer")
    assert (figures.distance_gps_m, figures.distance_odometer_m) == (60_000, 61_000)


def test_an_odometer_that_stands_measures_zero():
    figures = day([point("00:00", odo=1000), *driving("08:00", "09:00"), point("23:00", odo=1000)])
    assert (figures.distance_m, figures.distance_source) == (0, "odometer")


def test_readings_before_and_after_the_window_connect_over_it():
    figures = day(
        [], earlier=points("-1d 12:00 odo=0 hours=10"), later=points("1d 12:00 odo=48000 hours=14"), as_of="2d 00:00"
    )
    assert (figures.distance_odometer_m, figures.engine_hours, figures.no_data_s) == (24_000, 2, 86_400)


def test_a_later_reading_after_as_of_is_not_known_yet():
    figures = day([], earlier=points("-1d 12:00 odo=0"), later=points("1d 12:00 odo=48000"), as_of="1d 06:00")
    assert figures.distance_odometer_m is None


def test_engine_hours_are_what_the_counter_grew_by():
    assert day(points("00:00 hours=100", "12:00 hours=104.5")).engine_hours == 4.5
    assert day(idling("08:00", "09:00")).engine_hours is None


def test_resets_of_all_counters_count():
    figures = day(points("08:00 odo=9 hours=9 used=9", "09:00 odo=8 hours=8 used=8", "10:00 odo=7 hours=9 used=9"))
    assert figures.counter_resets == 4
    assert (figures.distance_odometer_m, figures.engine_hours, figures.fuel_used_l) == (0, 1, 1)


def test_a_reset_belongs_to_the_day_of_its_later_reading():
    reset = points("-1d 12:00 odo=9000", "12:00 odo=0")
    assert day(reset).counter_resets == 1
    assert day(reset, within=("-1d 00:00", "00:00")).counter_resets == 0


def test_without_a_counter_reading_resets_are_not_measured():
    assert day(WORKING_DAY).counter_resets is None
    assert day(points("-1d 12:00 odo=1", "1d 12:00 odo=2"), as_of="2d 00:00").counter_resets is None


def test_events_belong_to_the_day_they_start_in():
    night = driving("-1d 23:30", "00:30") + idling("00:30", "00:40", km=60) + parked("00:40", "02:00", km=60)
    before, after = day(night, within=("-1d 00:00", "00:00")), day(night)
    assert (before.trips, before.stops, before.idle_events) == (1, 0, 0)
    assert (after.trips, after.stops, after.idle_events) == (0, 1, 1)
    assert (before.moving_s, after.moving_s) == (1800, 1800)
    assert (before.distance_m, after.distance_m) == (30_000, 30_000)


def test_an_event_that_starts_at_midnight_belongs_to_the_new_day():
    idle = idling("00:00", "00:10") + parked("00:10", "02:00")
    assert (day(idle, within=("-1d 00:00", "00:00")).idle_events, day(idle).idle_events) == (None, 1)
    idle = parked("-1d 23:00", "00:00") + idle
    assert (day(idle, within=("-1d 00:00", "00:00")).idle_events, day(idle).idle_events) == (0, 1)


def test_without_any_state_events_are_not_measured():
    nothing = (day([]).trips, day([]).stops, day([]).idle_events)
    assert nothing == (None, None, None)
    idle = day(idling("08:00", "08:01"))
    assert (idle.trips, idle.stops, idle.idle_events) == (0, 0, 1)


def test_without_engine_evidence_what_needs_the_engine_is_not_measured():
    figures = day(WORKING_DAY, evidence=Evidence.NONE)
    needs_engine = (figures.idle_s, figures.idle_productive_s, figures.engine_on_s, figures.idle_events)
    assert needs_engine == (None, None, None, None)
    assert figures.moving_s + figures.parked_s + figures.no_data_s == 86_400


def test_the_columns_are_those_of_the_truck_day_in_order():
    names = [field.name for field in fields(DayFigures)]
    assert names[:7] == ["fixes", "moving_s", "idle_s", "idle_productive_s", "parked_s", "no_data_s", "engine_on_s"]
    assert names[-1] == "coverage_pct"


@pytest.mark.parametrize("points", [[], WORKING_DAY[:1], WORKING_DAY])
def test_detecting_twice_finds_the_same(points: list[Point]):
    first, second = (detect(Points.of(points), Evidence.IGNITION, DEFAULTS, at("1d 00:00")) for _ in range(2))
    assert first.segments == second.segments
    assert replace(first, history=second.history) == second


def test_everything_is_found_in_order():
    found = detected(WORKING_DAY)
    for events in (found.trips, found.stops, found.idle_events, found.speeding, found.fuel_events):
        assert events == sorted(events, key=lambda event: event.started_at)
    assert found.segments == sorted(found.segments)


def test_figures_of_any_interval_come_from_one_detection():
    found = detected(WORKING_DAY)
    morning = figures(found, at("08:00"), at("09:15"), as_of=at("1d 00:00"))
    assert (morning.moving_s, morning.idle_s, morning.distance_m) == (3600, 900, 60_000)
