"""What must hold for any list of points, however odd."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from apps.trucks.detection.daily import Detection, detect, figures
from apps.trucks.detection.history import Event
from apps.trucks.detection.motion import STATES, State
from apps.trucks.detection.places import metres_between
from apps.trucks.detection.points import Evidence, Point, Points
from apps.trucks.parameters import DEFAULTS
from tests.builders import DAY_S, EPOCH, KM_PER_DEGREE

ROWS = st.tuples(
    st.sampled_from(
        [
            1,
            29,
            30,
            60,
            60,
            60,
            120,
            299,
            300,
            301,
            600,
            601,
            1800,
            1801,
            3600,
            3601,
            20_000,
            86_400,
            604_801,
            3_024_001,
        ]
    ),
    st.sampled_from([None, 0, 0.01, 0.5, 1, 50]),  # kilometres on, or no fix
    st.sampled_from([0, 3, 5, 6, 60, 110, 140]),  # km/h
    st.sampled_from([None, 0, 800, 1000, -5000]),  # the odometer on, or no reading
    st.sampled_from([None, 0, 0.1, 0.3, -50]),  # the fuel counter on, or no reading
    st.sampled_from([None, None, 100, 101.5, 99, 140, 300]),  # level
    st.sampled_from([None, False, True, True]),  # ignition
    st.sampled_from([None, False, True]),  # PTO
)


@st.composite
def some_points(draw: st.DrawFn) -> list[Point]:
    """Points with everything that can lack, from a day before to days after the day that starts at EPOCH."""
    t = EPOCH + draw(st.integers(-DAY_S, DAY_S))
    least = draw(st.sampled_from([0, 1, 10, 20]))
    km = odometer = used = 0.0
    points = []
    for pause, on, speed, driven, burnt, level, ignition, pto in draw(st.lists(ROWS, min_size=least, max_size=50)):
        t, km, odometer, used = t + pause, km + (on or 0), odometer + (driven or 0), used + (burnt or 0)
        values = {"ignition": ignition, "pto": pto, "fuel_level_l": level}
        if on is not None:
            values |= {"lat": 50 + km / KM_PER_DEGREE, "lon": 10.0, "speed_kmh": speed}
        values["odometer_m"] = None if driven is None else int(odometer)
        values["fuel_used_l"] = None if burnt is None else used
        points.append(Point(t, **values))
    return points


EVIDENCE = st.sampled_from([Evidence.IGNITION, Evidence.IGNITION, Evidence.NONE])
INSTANTS = st.integers(EPOCH - 2 * DAY_S, EPOCH + 5 * DAY_S)
WHOLE = (EPOCH - 90 * DAY_S, EPOCH + 900 * DAY_S)


TOLERANCE = {
    **dict.fromkeys(["distance_gps_m", "drift_m", "distance_gap_m", "distance_odometer_m"], 0.5),  # each rounded once
    **dict.fromkeys(["idle_fuel_l", "refuel_l", "drain_l"], 1e-6),
}
SUMMED = [
    *("fixes", "moving_s", "idle_s", "idle_productive_s", "parked_s", "no_data_s", "engine_on_s", "counter_resets"),
    *("trips", "stops", "idle_events", "speeding_minor", "speeding_moderate", "speeding_severe", "speeding_s"),
    *("refuels", "drains", *TOLERANCE),
]


def states(detection: Detection, start: int, end: int, as_of: int) -> list[int]:
    day = figures(detection, start, end, as_of)
    return [day.moving_s, day.idle_s or 0, day.idle_productive_s or 0, day.parked_s, day.no_data_s]


@given(some_points(), EVIDENCE, INSTANTS, INSTANTS, INSTANTS)
def test_a_day_adds_up(points: list[Point], evidence: Evidence, start: int, end: int, as_of: int):
    detection = detect(Points.of(points), evidence, DEFAULTS, as_of)
    moving, idle, productive, parked, no_data = states(detection, start, end, as_of)
    assert moving + idle + parked + no_data == max(0, min(end, as_of) - start)
    assert min(moving, idle, parked, no_data) >= 0
    assert 0 <= productive <= idle


@given(some_points(), EVIDENCE, st.lists(INSTANTS, max_size=5), INSTANTS)
def test_cut_anywhere_the_parts_make_up_the_whole(points: list[Point], evidence: Evidence, cuts: list[int], as_of: int):
    detection = detect(Points.of(points), evidence, DEFAULTS, as_of)
    days = [figures(detection, start, end, as_of) for start, end in pairwise(sorted([*WHOLE, *cuts]))]
    whole = figures(detection, *WHOLE, as_of)
    exact = (
        "fixes",
        "moving_s",
        "idle_s",
        "parked_s",
        "no_data_s",
        "idle_productive_s",
        "engine_on_s",
        "counter_resets",
    )
    exact += ("trips", "stops", "idle_events", "speeding_minor", "speeding_moderate", "speeding_severe", "speeding_s")
    for name in (*exact, "refuels", "drains"):
        assert sum(getattr(day, name) or 0 for day in days) == (getattr(whole, name) or 0), name
    for name in ("distance_gps_m", "drift_m", "distance_gap_m", "distance_odometer_m"):
        assert abs(sum(getattr(day, name) or 0 for day in days) - (getattr(whole, name) or 0)) <= len(days), name
    for name in ("engine_hours", "idle_fuel_l", "refuel_l", "drain_l"):
        assert abs(sum(getattr(day, name) or 0 for day in days) - (getattr(whole, name) or 0)) < 1e-6, name


@given(some_points(), EVIDENCE, st.lists(INSTANTS, max_size=5), INSTANTS)
def test_cut_anywhere_the_level_balance_of_the_parts_makes_up_the_whole(
    points: list[Point], evidence: Evidence, cuts: list[int], as_of: int
):
    detection = detect(Points.of(point._replace(fuel_used_l=None) for point in points), evidence, DEFAULTS, as_of)
    days = [figures(detection, start, end, as_of) for start, end in pairwise(sorted([*WHOLE, *cuts]))]
    whole = figures(detection, *WHOLE, as_of).fuel_used_l
    assert abs(sum(day.fuel_used_l or 0 for day in days) - (whole or 0)) < 1e-6


@given(some_points(), EVIDENCE, INSTANTS)
def test_the_parts_of_a_trip_are_its_duration_and_trips_and_stops_take_turns(
    points: list[Point], evidence: Evidence, as_of: int
):
    detection = detect(Points.of(points), evidence, DEFAULTS, as_of)
    for trip in detection.trips:
        assert trip.moving_s + (trip.idle_s or 0) + trip.parked_s + trip.no_data_s == trip.duration_s
        assert trip.distance_m is None or trip.distance_m >= DEFAULTS.trip_min_m
        assert trip.duration_s >= DEFAULTS.trip_min_s
    for trip, stop in zip(detection.trips, detection.stops, strict=False):
        assert trip.ended_at == stop.started_at <= stop.ended_at
    for stop, trip in zip(detection.stops, detection.trips[1:], strict=False):
        assert stop.ended_at == trip.started_at
    assert len(detection.trips) - len(detection.stops) == any(trip.is_open for trip in detection.trips)
    assert not any(trip.is_open for trip in detection.trips[:-1])


@given(some_points(), EVIDENCE, INSTANTS)
def test_events_lie_within_what_is_known(points: list[Point], evidence: Evidence, as_of: int):
    detection = detect(Points.of(points), evidence, DEFAULTS, as_of)
    for events in (detection.trips, detection.stops, detection.idle_events, detection.speeding, detection.fuel_events):
        assert all(points[0].t <= event.started_at <= event.ended_at <= as_of for event in events)
    for events in (detection.trips, detection.stops, detection.idle_events, detection.speeding):
        assert all(one.ended_at <= other.started_at for one, other in pairwise(events))
    assert all(event.litres >= 0 for event in detection.fuel_events)


@given(some_points(), EVIDENCE, INSTANTS)
def test_segments_are_without_holes_and_idle_events_are_idle(points: list[Point], evidence: Evidence, as_of: int):
    detection = detect(Points.of(points), evidence, DEFAULTS, as_of)
    assert all(one.end == other.start and one[2:] != other[2:] for one, other in pairwise(detection.segments))
    assert all(segment.start < segment.end for segment in detection.segments)
    for event in detection.idle_events:
        idle = sum(
            min(segment.end, event.ended_at) - max(segment.start, event.started_at)
            for segment in detection.segments
            if segment.state is State.IDLE and segment.start < event.ended_at and segment.end > event.started_at
        )
        assert idle == event.duration_s


def standstills(points: list[Point], evidence: Evidence, as_of: int) -> list[int]:
    """The positions at which a window may begin or end."""
    conditions = detect(Points.of(points), evidence, DEFAULTS, as_of).history.conditions
    found, still_since = [], None
    for index, (t, state) in enumerate(zip(conditions.t.tolist(), conditions.state.tolist(), strict=True)):
        silent = index == 0 or t - points[index - 1].t > DEFAULTS.trip_max_gap_s
        if silent or (still_since is not None and t - still_since >= DEFAULTS.trip_end_s):
            found.append(index)
        if STATES[state] is State.MOVING:
            still_since = None
        elif still_since is None:
            still_since = t
    return found


def connecting(points: list[Point], nearest: int) -> list[Point]:
    """What is needed of the points outside a window: level and engine, and the nearest of the other readings."""
    kept = {point.t: Point(point.t, ignition=point.ignition, fuel_level_l=point.fuel_level_l) for point in points}
    for names in (("lat", "lon", "speed_kmh"), ("pto",), ("odometer_m",), ("fuel_used_l",)):
        having = [point for point in points if getattr(point, names[0]) is not None]
        if having:
            point = having[nearest]
            kept[point.t] = kept[point.t]._replace(**{name: getattr(point, name) for name in names})
    return list(kept.values())


@given(some_points(), EVIDENCE, st.data())
def test_a_day_does_not_depend_on_more_history_than_it_needs(
    points: list[Point], evidence: Evidence, data: st.DataObject
):
    as_of = points[-1].t + 5000 if points else EPOCH
    cuts = standstills(points, evidence, as_of)
    assume(len(cuts) > 1)
    first, last = sorted(data.draw(st.lists(st.sampled_from(cuts), min_size=2, max_size=2, unique=True)))
    start = points[first].t + data.draw(st.sampled_from([1, 700, 5000]))
    end = start + data.draw(st.sampled_from([1, 600, 3600, 30_000]))
    whole = detect(Points.of(points), evidence, DEFAULTS, as_of)
    begun = starting([*whole.trips, *whole.idle_events, *whole.speeding], start, end)
    assume(max([end, *(event.ended_at + 1 for event in begun)]) <= points[last].t)

    earlier, later = connecting(points[:first], nearest=-1), connecting(points[last:], nearest=0)
    before, window, after = map(Points.of, (earlier, points[first:last], later))
    part = detect(window, evidence, DEFAULTS, as_of, earlier=before, later=after)
    assert figures(part, start, end, as_of) == figures(whole, start, end, as_of)
    for name in ("trips", "idle_events", "speeding", "fuel_events"):
        assert starting(getattr(part, name), start, end) == starting(getattr(whole, name), start, end)


def starting(events: Sequence[Event], start: int, end: int) -> list[Event]:
    return [event for event in events if start <= event.started_at < end]


@st.composite
def wandering(draw: st.DrawFn) -> list[Point]:
    """A truck that goes anywhere, never too fast to be true, and has a fix at every point."""
    t, x, y = EPOCH, 0.0, 0.0
    points = []
    steps = st.tuples(
        st.sampled_from([30, 60, 300, 600, 3_600]), st.floats(-0.7, 0.7), st.floats(-0.7, 0.7), st.sampled_from([0, 60])
    )
    for pause, east, north, speed in draw(st.lists(steps, min_size=3, max_size=40)):
        t, x, y = t + pause, x + east, y + north
        points.append(Point(t, lat=y / KM_PER_DEGREE, lon=x / KM_PER_DEGREE, speed_kmh=speed, ignition=True))
    return points


@given(wandering())
def test_no_trip_is_shorter_than_the_straight_line_between_its_ends(points: list[Point]) -> None:
    """Of trips by GPS without legs that are left out: over silence, or too fast, nobody knows the way."""
    detection = detect(Points.of(points), Evidence.IGNITION, DEFAULTS, points[-1].t)
    for trip in detection.trips:
        assert trip.distance_m is not None and trip.distance_source == "gps"
        assert trip.lat is not None and trip.lon is not None and trip.end_lat is not None and trip.end_lon is not None
        straight = metres_between((trip.lat, trip.lon), (trip.end_lat, trip.end_lon))
        assert trip.distance_m >= straight - 1, trip  # in whole metres
