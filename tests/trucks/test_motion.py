from collections import Counter
from itertools import accumulate, pairwise
from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.trucks.detection.daily import Detection
from apps.trucks.detection.motion import STATES, Segment, Spent, State, last_read
from apps.trucks.detection.points import Evidence
from apps.trucks.detection.quantities import CONNECTED_S, intervals_of
from tests.builders import at, day, detected, driving, idling, parked, points

MOVING, IDLE, PARKED, NO_DATA = State.MOVING, State.IDLE, State.PARKED, State.NO_DATA


def states(*texts: str, evidence: Evidence = Evidence.IGNITION, **parameters: float) -> list[State]:
    return states_of(detected(points(*texts), "99d 00:00", evidence, **parameters))


def states_of(detection: Detection) -> list[State]:
    return [STATES[code] for code in detection.history.conditions.state]


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ("ign=1 v=6", MOVING),
        ("ign=1 v=5", IDLE),  # moving is above the threshold
        ("ign=1 v=0", IDLE),
        ("ign=1", IDLE),  # no speed yet: 0
        ("ign=0 v=6", PARKED),  # with the engine off the speed is 0
        ("ign=0 v=0", PARKED),
        ("v=6", MOVING),  # engine unknown
        ("v=5", PARKED),
        ("", PARKED),
    ],
)
def test_state_of_a_point(values: str, state: State):
    assert states(f"08:00 {values}") == [state]


@pytest.mark.parametrize(
    ("evidence", "values", "is_on"),
    [
        (Evidence.IGNITION, "ign=1", True),
        (Evidence.IGNITION, "rpm=900", None),  # the sensor table has an ignition: rpm does not count
        (Evidence.RPM, "rpm=301", True),
        (Evidence.RPM, "rpm=300", False),
        (Evidence.RPM, "ign=1", None),
        (Evidence.VOLTAGE, "volt=13.3", True),
        (Evidence.VOLTAGE, "volt=13.2", False),
        (Evidence.VOLTAGE, "volt=17.9", True),  # a 12 V system
        (Evidence.VOLTAGE, "volt=18", False),  # a 24 V system
        (Evidence.VOLTAGE, "volt=26.4", False),
        (Evidence.VOLTAGE, "volt=26.5", True),
        (Evidence.NONE, "ign=1 rpm=900 volt=28", None),
    ],
)
def test_engine_evidence(evidence: Evidence, values: str, is_on: bool | None):
    (engine,) = detected(points(f"08:00 {values}"), evidence=evidence).history.conditions.engine.tolist()
    assert engine == pytest.approx({True: 1, False: 0, None: nan}[is_on], nan_ok=True)


def test_an_engine_value_that_lacks_is_that_of_the_point_before():
    assert states("08:00 ign=1 v=0", "08:01 v=0", "08:02 ign=0 v=0", "08:03 v=60") == [IDLE, IDLE, PARKED, PARKED]


def test_before_the_first_engine_value_the_engine_is_unknown():
    assert states("08:00 v=0", "08:01 v=50", "08:02 ign=1 v=0") == [PARKED, MOVING, IDLE]


def test_a_speed_that_lacks_is_that_of_the_last_fix():
    assert states("08:00 ign=1 v=60", "08:01 ign=1", "08:02 ign=1 v=0", "08:03 ign=1") == [MOVING, MOVING, IDLE, IDLE]


def test_a_carried_speed_is_what_the_last_fix_said_even_over_engine_off():
    assert states("08:00 ign=1 v=60", "08:01 ign=0", "08:02 ign=1") == [MOVING, PARKED, MOVING]


def test_nothing_is_carried_over_more_than_35_days():
    assert states("00:00 ign=1 v=60", "35d 00:00") == [MOVING, MOVING]
    assert states("00:00 ign=1 v=60", "35d 00:01") == [MOVING, PARKED]


def test_of_readings_that_are_too_old_none_is_the_last():
    times, readings = np.array([0, 60, CONNECTED_S + 60, CONNECTED_S + 61]), np.array([1.0, 2.0, np.nan, np.nan])
    assert last_read(times, readings).tolist() == [0, 1, 1, -1]


def test_what_is_carried_ages_from_its_own_reading():
    assert states("00:00 ign=1 v=60", "20d 00:00 v=0", "40d 00:00 v=0") == [MOVING, IDLE, PARKED]


def test_the_window_starts_with_what_was_known_before_it():
    detection = detected(points("08:00", "08:01"), earlier=points("07:00 ign=1", "07:30 v=60"))
    assert states_of(detection) == [MOVING, MOVING]


def test_idle_is_productive_while_the_pto_is_on():
    figures = day(points("08:00 ign=1 pto=1", "08:01 ign=1", "08:03 ign=1 pto=0", "08:04 ign=0"))
    assert (figures.idle_s, figures.idle_productive_s) == (240, 180)


def test_moving_with_the_pto_on_is_not_productive_idling():
    assert day(points("08:00 ign=1 pto=1 v=60", "08:01 ign=0")).idle_productive_s == 0


def test_a_state_lasts_until_the_next_point():
    found = detected(points("08:00 ign=0", "09:00 ign=1 v=60", "09:05 ign=1 v=0", "09:06 ign=0"), as_of="10:00")
    assert found.segments == [
        Segment(at("08:00"), at("09:00"), PARKED),
        Segment(at("09:00"), at("09:05"), MOVING),
        Segment(at("09:05"), at("09:06"), IDLE),
        Segment(at("09:06"), at("10:00"), PARKED),
    ]


def test_equal_states_are_one_segment():
    assert detected(driving("08:00", "09:00"), as_of="09:00").segments == [Segment(at("08:00"), at("09:00"), MOVING)]


def test_productive_idling_is_a_segment_of_its_own():
    assert detected(points("08:00 ign=1", "08:01 ign=1 pto=1"), as_of="08:02").segments == [
        Segment(at("08:00"), at("08:01"), IDLE),
        Segment(at("08:01"), at("08:02"), IDLE, productive=True),
    ]


@pytest.mark.parametrize(
    ("values", "clock", "held"),
    [
        ("ign=1 v=60", "08:10:00", 600),
        ("ign=1 v=60", "08:10:01", 600),
        ("ign=1 v=0", "08:30:00", 600),
        ("ign=0", "08:30:00", 1800),
        ("v=60", "08:30:00", 600),  # moving with the engine unknown
        ("v=0", "08:30:00", 1800),  # parked with the engine unknown
    ],
)
def test_a_state_counts_at_most_for_its_cap(values: str, clock: str, held: int):
    figures = day(points(f"08:00 {values}", f"{clock} ign=1"), as_of=clock, within=("08:00", clock))
    assert figures.no_data_s == at(clock) - at("08:00") - held


def test_a_gap_over_an_hour_is_no_data_not_driving():
    figures = day(points("08:00 ign=1 v=60", "10:00 ign=0"), as_of="10:00", within=("08:00", "10:00"))
    assert (figures.moving_s, figures.no_data_s) == (600, 6600)


def test_parked_lasts_a_week_of_silence():
    asleep = points("00:00 ign=0", "9d 00:00 ign=0")
    assert day(asleep, "9d 00:00", within=("6d 00:00", "7d 00:00")).parked_s == 86_400
    assert day(asleep, "9d 00:00", within=("7d 00:00", "8d 00:00")).no_data_s == 86_400


def test_a_cap_of_more_than_35_days_ends_there():
    asleep = points("00:00 ign=0")
    assert day(asleep, "40d 00:00", within=("00:00", "40d 00:00"), parked_gap_cap_s=90 * 86_400).parked_s == 35 * 86_400


def test_before_the_first_point_there_is_no_data():
    figures = day(parked("06:00", "1d 00:00"))
    assert (figures.no_data_s, figures.parked_s) == (6 * 3600, 18 * 3600)


@pytest.mark.parametrize(
    ("as_of", "moving", "no_data"),
    [("08:05", 300, 0), ("08:10", 600, 0), ("08:15", 600, 300)],  # before, at and after the end of the cap
)
def test_the_last_state_holds_up_to_as_of_under_its_cap(as_of: str, moving: int, no_data: int):
    figures = day(points("08:00 ign=1 v=60"), as_of, within=("08:00", "1d 00:00"))
    assert (figures.moving_s, figures.no_data_s) == (moving, no_data)


def test_what_is_later_than_as_of_does_not_exist():
    found = detected(points("08:00 ign=0 km=0", "09:00 ign=1 v=60", "09:01 ign=1 v=60 km=1"), as_of="08:30")
    assert found.segments == [Segment(at("08:00"), at("08:30"), PARKED)]
    assert found.history.track.count(at("00:00"), at("1d 00:00")) == 1


def test_a_state_is_cut_at_midnight():
    over_midnight = parked("-1d 23:00", "-1d 23:01") + points("01:00 ign=1 v=60", "01:05 ign=0")
    assert day(over_midnight, within=("-1d 00:00", "00:00")).parked_s == 3600
    assert (day(over_midnight).parked_s, day(over_midnight).moving_s) == (86_100, 300)


def test_the_last_state_of_the_window_ends_where_later_points_begin():
    found = detected(points("08:00 ign=0"), later=points("09:00 odo=7"))
    assert found.segments == [Segment(at("08:00"), at("09:00"), PARKED)]


def test_points_around_the_window_have_no_states():
    assert detected([], earlier=points("08:00 ign=1 v=60"), later=points("09:00 ign=1 v=60")).segments == []


def test_a_day_without_engine_evidence_has_no_idling():
    figures = day(driving("08:00", "09:00") + idling("09:00", "10:00"), as_of="10:00", evidence=Evidence.NONE)
    assert (figures.moving_s, figures.parked_s, figures.no_data_s) == (3600, 3600, 8 * 3600)
    assert (figures.idle_s, figures.idle_productive_s, figures.engine_on_s) == (None, None, None)


def test_engine_on_is_moving_and_idle():
    figures = day(driving("08:00", "09:00") + idling("09:00", "09:20") + parked("09:20", "10:00"))
    assert (figures.engine_on_s, figures.moving_s, figures.idle_s) == (4800, 3600, 1200)


@given(
    st.lists(st.tuples(st.integers(1, 40), st.sampled_from(State), st.booleans()), max_size=10),
    st.lists(st.tuples(st.integers(-20, 300), st.integers(0, 300)), max_size=6),
)
def test_the_seconds_of_many_intervals_are_those_of_the_segments_in_each(
    stretches: list[tuple[int, State, bool]], intervals: list[tuple[int, int]]
):
    ends = list(accumulate((length for length, _, _ in stretches), initial=7))
    segments = [
        Segment(start, end, state, productive and state is State.IDLE)
        for (start, end), (_, state, productive) in zip(pairwise(ends), stretches, strict=True)
    ]
    by_second = {t: segment for segment in segments for t in range(segment.start, segment.end)}
    asked = [(start, start + length) for start, length in intervals]
    for (start, end), found in zip(asked, Spent.of(segments).between_each(intervals_of(asked)), strict=True):
        there = [by_second[t] for t in range(start, end) if t in by_second]
        of = Counter(segment.state for segment in there)
        assert (found.moving, found.idle, found.parked) == (of[State.MOVING], of[State.IDLE], of[State.PARKED])
        assert found.productive == sum(segment.productive for segment in there)
        assert found.measured + found.no_data == end - start
