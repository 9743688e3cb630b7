"""What lies inside an area: edges included, at the poles, and as the twin sees it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.trucks.detection.places import Circle, Place, Polygon, metres_between, position_at
from tests import twin
from tests.builders import at, day, detected, points

SQUARE = Polygon(((50.0, 10.0), (50.0, 11.0), (51.0, 11.0), (51.0, 10.0)))
ARROW = Polygon(((50.0, 10.0), (52.0, 11.0), (50.0, 12.0), (51.0, 11.0)))  # with a notch from below
YARD = Place.of("Yard", Circle((50.0, 10.0), 500))


@pytest.mark.parametrize(
    ("spot", "inside"),
    [((50.5, 10.5), True), ((50.0, 10.5), True), ((51.0, 11.0), True), ((50.0, 11.0001), False), ((49.9, 10.5), False)],
)
def test_a_polygon_s_edge_belongs_to_it(spot: tuple[float, float], inside: bool):
    assert SQUARE.contains(spot) is inside
    assert Place.of("A", SQUARE).contains(spot) is inside


@pytest.mark.parametrize(
    ("spot", "inside"), [((51.5, 11.0), True), ((50.5, 11.0), False), ((50.4, 10.3), True), ((51.0, 11.0), True)]
)
def test_a_notch_is_outside(spot: tuple[float, float], inside: bool):
    assert ARROW.contains(spot) is inside


def test_a_circle_s_edge_belongs_to_it():
    centre, spot = (50.0, 10.0), (50.01, 10.01)
    metres = metres_between(centre, spot)
    assert Circle(centre, metres).contains(spot)
    assert not Circle(centre, metres - 0.001).contains(spot)


@pytest.mark.parametrize("centre", [(89.9999, 0.0), (-90.0, 0.0), (10.0, 179.9999), (10.0, -180.0)])
def test_a_circle_over_a_pole_or_the_180th_meridian_has_its_other_side(centre: tuple[float, float]):
    place = Place.of("A", Circle(centre, 5_000))
    lat, lon = centre
    beyond = (lat, lon - 359.99 if lon > 0 else lon + 359.99) if abs(lat) < 80 else (lat, lon + 180)
    assert metres_between(centre, beyond) < 5_000
    assert place.contains(beyond)


spots = st.tuples(st.floats(-89, 89), st.floats(-179, 179))
near = st.tuples(st.integers(-4, 4), st.integers(-4, 4)).map(lambda grid: (grid[0] / 8, grid[1] / 8))


@given(spots, st.integers(1, 100_000), st.floats(0, 360), st.floats(0, 1))
def test_a_circle_lies_in_its_box(centre: tuple[float, float], radius_m: int, bearing: float, share: float):
    circle = Circle(centre, radius_m)
    box = circle.box
    spot = (box.south + share * (box.north - box.south), box.west + bearing / 360 * (box.east - box.west))
    assert not circle.contains(spot) or box.contains(spot)
    for side in ((box.south - 1e-6, centre[1]), (centre[0], box.west - 1e-6), (centre[0], box.east + 1e-6)):
        assert not circle.contains(side) or abs(side[1]) > 180


@given(st.lists(near, min_size=3, max_size=8), near)
def test_a_polygon_holds_what_the_twin_says(corners: list[tuple[float, float]], spot: tuple[float, float]):
    """On a grid of eighths nothing is rounded, so edges and corners are hit exactly."""
    assert Polygon(tuple(corners)).contains(spot) == twin.winds_around(tuple(corners), spot)


def test_of_several_places_the_first_counts():
    other = Place.of("Aisle", SQUARE)
    assert position_at([other, YARD], (50.0, 10.0)) == 0
    assert position_at([other, YARD], (49.999, 10.0)) == 1
    assert position_at([other, YARD], (40.0, 10.0)) == -1
    assert position_at([], (50.0, 10.0)) == -1


def test_idling_in_a_place_is_productive_and_the_event_names_it():
    stood = points("08:00 ign=1 km=0.4", "08:10 ign=1 km=0.6", "08:12 ign=1 pto=1 km=0.6", "08:15 ign=0 km=0.6")
    [event] = detected(stood, places=[YARD]).idle_events
    assert (event.duration_s, event.productive_s, event.productive_place) == (900, 600 + 180, "Yard")
    [plain] = detected(stood).idle_events
    assert (plain.productive_s, plain.productive_place) == (180, None)
    assert day(stood, places=[YARD]).idle_productive_s == 780
    assert day(stood).idle_productive_s == 180


def test_the_place_of_an_event_is_the_first_in_which_it_idled_wherever_it_began():
    """Its motor ran outside before, without and with the PTO."""
    stood = points("08:00 ign=1 km=9", "08:01 ign=1 pto=1 km=9", "08:02 ign=1 km=0.4", "08:05 ign=0 km=0.4")
    [event] = detected(stood, places=[YARD]).idle_events
    assert (event.duration_s, event.productive_s, event.productive_place) == (300, 60 + 180, "Yard")


def test_without_a_fix_the_truck_is_where_its_last_one_was():
    assert day(points("08:00 ign=0 km=0", "08:05 ign=1", "08:10 ign=0"), places=[YARD]).idle_productive_s == 300
    assert day(points("08:00 ign=1", "08:05 ign=1 km=0", "08:10 ign=0"), places=[YARD]).idle_productive_s == 300
    carried = points("-1d 23:00 ign=0 km=0")
    assert day(points("08:05 ign=1", "08:10 ign=0"), earlier=carried, places=[YARD]).idle_productive_s == 300
    too_old = points("00:00 ign=0 km=0", "35d 00:01 ign=1", "35d 00:03 ign=0")
    found = detected(too_old, "35d 00:03", places=[YARD]).history
    assert found.seconds(at("35d 00:01"), at("35d 00:03")).productive == 0


def test_driving_and_parking_in_a_place_are_not_idling():
    found = day(points("08:00 ign=1 v=30 km=0", "08:05 ign=0 km=0", "08:10 ign=0 km=0"), places=[YARD])
    assert (found.idle_s, found.idle_productive_s) == (0, 0)
