from itertools import accumulate, pairwise
from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.trucks.detection.places import metres_between
from apps.trucks.detection.quantities import intervals_of
from apps.trucks.detection.track import Place, Track, lengths_m
from tests.builders import at, day, detected, driving, idling, parked, points


def test_distance_is_the_haversine_on_the_mean_earth():
    assert lengths_m(np.array([0, 90.0]), np.array([0, 0.0])) == pytest.approx([pi / 2 * 6_371_008.8])


def test_distance_crosses_the_date_line():
    assert lengths_m(np.array([0, 0.0]), np.array([179.9, -179.9])) == pytest.approx([0.2 * 111_195], abs=1)


@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=2, max_size=40))
def test_legs_are_as_long_as_places_are_apart(places: list[tuple[float, float]]):
    lat, lon = map(np.array, zip(*places, strict=True))
    assert lengths_m(lat, lon) == pytest.approx(
        [metres_between(*pair) for pair in pairwise(places)], rel=1e-12, abs=1e-6
    )


def test_legs_add_up():
    assert day(driving("08:00", "08:11", kmh=60)).distance_gps_m == 10_000


def test_points_without_a_fix_are_skipped():
    assert day(points("08:00 ign=1 v=60 km=0", "08:01 ign=1", "08:02 ign=1 v=60 km=2")).distance_gps_m == 2_000


def test_a_leg_over_midnight_is_split_in_proportion_to_time():
    over_midnight = points("-1d 23:50 ign=1 v=60 km=0", "00:30 ign=1 v=60 km=40")
    assert day(over_midnight).distance_gps_m == 30_000
    assert day(over_midnight, within=("-1d 00:00", "00:00")).distance_gps_m == 10_000


@pytest.mark.parametrize(("km", "metres"), [(2.49, 2_490), (2.51, 0)])  # 250 km/h are 2.5 km in 36 s
def test_a_leg_too_fast_to_be_true_is_left_out(km: float, metres: int):
    figures = day(points("08:00:00 ign=1 v=60 km=0", f"08:00:36 ign=1 v=60 km={km}"))
    assert figures.distance_gps_m == metres


@pytest.mark.parametrize(("clock", "counted", "gap"), [("09:00:00", 10_000, 0), ("09:00:01", 0, 10_000)])
def test_a_leg_over_more_than_an_hour_is_a_gap(clock: str, counted: int, gap: int):
    figures = day(points("08:00 ign=1 v=60 km=0", f"{clock} ign=1 v=60 km=10"))
    assert (figures.distance_gps_m, figures.distance_gap_m) == (counted, gap)


def test_a_gap_too_fast_to_be_true_is_left_out():
    assert day(points("08:00 ign=1 km=0", "10:00 ign=1 km=600")).distance_gap_m == 0


def test_drift_has_both_ends_parked():
    wandering = parked("08:00", "08:10", km=0) + parked("08:10", "08:20", km=0.05) + driving("08:20", "08:21", km=0.1)
    figures = day(wandering)
    assert (figures.distance_gps_m, figures.drift_m, figures.distance_m) == (100, 50, 50)


def test_creeping_with_the_engine_on_is_no_drift():
    assert day(idling("08:00", "08:10", km=0) + idling("08:10", "08:20", km=0.05)).drift_m == 0


def test_a_day_without_a_fix_or_a_leg_has_no_distance():
    figures = day(points("08:00 ign=1", "09:00 ign=1"))
    assert (figures.distance_gps_m, figures.drift_m, figures.distance_gap_m, figures.distance_m) == (None,) * 4


def test_a_day_under_a_long_silence_has_its_share_of_the_gap_only():
    over_days = points("-1d 00:00 ign=0 km=0", "2d 00:00 ign=0 km=30")
    figures = day(over_days, as_of="3d 00:00")
    assert (figures.distance_gps_m, figures.distance_gap_m, figures.distance_m) == (None, 10_000, None)


def test_a_single_fix_measures_zero():
    figures = day(points("08:00 ign=1 v=60"))
    assert (figures.distance_gps_m, figures.drift_m, figures.distance_gap_m, figures.distance_m) == (0, 0, 0, 0)


def test_fixes_more_than_35_days_apart_are_not_connected():
    assert day(points("00:00 km=0", "35d 00:00 km=35"), as_of="40d 00:00").distance_gap_m == 1_000
    assert day(points("00:00 km=0", "35d 00:01 km=35"), as_of="40d 00:00").distance_gap_m == 0


def test_the_highest_speed_is_that_of_the_fixes_whatever_the_engine_did():
    assert day(points("08:00 ign=1 v=80", "08:01 ign=0 v=120", "08:02 ign=1")).max_speed_kmh == 120


def test_without_a_fix_there_is_no_highest_speed():
    assert day(points("-1d 08:00 ign=1 v=80", "08:00 ign=1")).max_speed_kmh is None


def place(track: Track, clock: str, until: str) -> Place:
    [found] = track.places(np.array([at(clock)]), np.array([at(until)]))
    return found


def test_a_place_is_that_of_the_last_fix():
    track = detected(points("08:00 ign=1 v=0 km=1", "08:10 ign=1 v=0 km=2", "08:20 ign=1")).history.track
    assert place(track, "08:15", until="09:00") == (track.lat[1], track.lon[1])
    assert place(track, "08:10", until="09:00") == (track.lat[1], track.lon[1])


def test_before_the_first_fix_the_place_is_that_of_the_first_one_in_time():
    track = detected(points("08:00 ign=1", "08:10 ign=1 v=0 km=2")).history.track
    assert place(track, "08:00", until="08:10") == (track.lat[0], track.lon[0])
    assert place(track, "08:00", until="08:09") == (None, None)


def test_a_place_is_forgotten_after_35_days():
    track = detected(points("00:00 ign=1 km=1")).history.track
    assert place(track, "35d 00:00", until="36d 00:00") == (track.lat[0], track.lon[0])
    assert place(track, "35d 00:01", until="36d 00:00") == (None, None)


@given(
    st.lists(st.tuples(st.integers(1, 9), st.none() | st.integers(0, 120)), max_size=12),
    st.lists(st.tuples(st.integers(-5, 60), st.integers(0, 40)), max_size=6),
)
def test_the_highest_speeds_of_many_intervals_are_those_of_the_fixes_in_each(
    fixes: list[tuple[int, int | None]], intervals: list[tuple[int, int]]
):
    seconds = list(accumulate(step for step, _ in fixes))
    speeds = [np.nan if speed is None else speed for _, speed in fixes]
    times, nothing = np.array(seconds, dtype=np.int64), np.zeros(len(fixes))
    track = Track(times, nothing, nothing, np.array(speeds, dtype=np.float64), nothing == 1, times[:0])
    asked = [(start, start + length) for start, length in intervals]
    told = [(second, speed) for second, (_, speed) in zip(seconds, fixes, strict=True) if speed is not None]
    expected = [max((speed for t, speed in told if start <= t < end), default=None) for start, end in asked]
    assert track.max_speeds_kmh(intervals_of(asked)) == expected
    assert [track.max_speed_kmh(start, end) for start, end in asked] == expected
