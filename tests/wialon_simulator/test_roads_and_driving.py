"""Roads, driving and shifts: distance, speed and time agree."""

import random
from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from wialon_simulator.drive import drive
from wialon_simulator.roads import CITIES, distance_m, route
from wialon_simulator.shifts import Calendar, Phase, Shift, State, first_standing, plan
from wialon_simulator.trucks import Duty, Peculiarity, fleet

CHICAGO, ST_LOUIS = CITIES[0], CITIES[7]


def shifts(index: int, count: int = 5, first: date = date(2025, 10, 30)) -> list[Shift]:
    calendar = Calendar(first, ZoneInfo("America/Chicago"), eventful=2)
    truck = fleet(3, index + 1)[index]
    standing, planned = first_standing(truck, calendar), []
    for n in range(count):
        planned.append(plan(truck, calendar, n, standing))
        standing = planned[-1].after
    return planned


def test_haversine_of_one_degree_of_latitude():
    assert distance_m(40, -90, 41, -90) == pytest.approx(111_195, abs=1)


def test_a_road_starts_and_ends_at_its_places_and_is_a_little_longer_than_the_straight_line():
    road = route(CHICAGO, ST_LOUIS)
    straight = distance_m(CHICAGO.lat, CHICAGO.lon, ST_LOUIS.lat, ST_LOUIS.lon)
    assert road.at(0)[:2] == pytest.approx((CHICAGO.lat, CHICAGO.lon))
    assert road.at(road.length_m + 50)[:2] == pytest.approx((ST_LOUIS.lat, ST_LOUIS.lon))
    assert straight < road.length_m < 1.1 * straight


def test_places_along_a_road_are_as_far_apart_as_the_metres_say():
    road = route(CHICAGO, ST_LOUIS)
    here, there = road.at(100_000), road.at(101_000)
    assert distance_m(*here[:2], *there[:2]) == pytest.approx(1000, rel=0.01)


def test_the_course_changes_smoothly():
    road = route(CHICAGO, ST_LOUIS)
    courses = [road.at(metres)[2] for metres in range(0, int(road.length_m), 350)]
    turns = [abs((b - a + 180) % 360 - 180) for a, b in pairwise(courses)]
    assert max(turns) < 25


def test_a_run_ends_at_the_end_of_the_road_standing_still():
    road = route(CHICAGO, ST_LOUIS)
    run = drive(random.Random(1), road, 0.0, 1000, latest=float("inf"), surges=[])
    assert run.at(run.times[-1] + 60) == (0.0, pytest.approx(road.length_m))
    assert all(after >= before for before, after in pairwise(run.metres))


def test_metres_are_the_integral_of_speed():
    run = drive(random.Random(2), route(CHICAGO, ST_LOUIS), 0.0, 0, latest=float("inf"), surges=[])
    for t in range(0, int(run.times[-1]) - 10, 97):
        (slow, before), (fast, after) = run.at(t), run.at(t + 1)
        assert after - before == pytest.approx((slow + fast) / 2, abs=0.15)


def test_a_run_halts_beside_the_road_when_the_hours_end():
    road = route(CHICAGO, ST_LOUIS)
    run = drive(random.Random(3), road, 0.0, 0, latest=3600, surges=[])
    assert run.metres[-1] < 0.5 * road.length_m
    assert 3600 <= run.times[-1] < 4200


@pytest.mark.parametrize("index", range(8))
def test_phases_follow_each_other_without_a_gap_and_counters_never_jump(index: int):
    phases: list[Phase] = [phase for shift in shifts(index) for phase in shift.phases]
    for phase, following in pairwise(phases):
        assert phase.start < phase.end == following.start
        _, _, after = phase.at(phase.end)
        assert after.total_m == pytest.approx(following.before.total_m)
        assert after.engine_s == pytest.approx(following.before.engine_s)
        assert after.level_l == pytest.approx(following.before.level_l)
        assert after.level_l >= 0


def test_the_same_arguments_give_the_same_shift():
    assert shifts(0)[3].after.counters == shifts(0)[3].after.counters


def test_wall_times_hold_on_the_days_when_the_clocks_change():
    calendar = Calendar(date(2025, 11, 1), ZoneInfo("America/Chicago"), eventful=0)
    assert calendar.wall(0, 24) == calendar.wall(1, 0)
    assert calendar.wall(1, 24) - calendar.wall(1, 0) == 90_000
    assert calendar.wall(1, 6) - calendar.wall(1, 0) == 7 * 3600


def test_the_night_truck_drives_across_midnight():
    truck = next(truck for truck in fleet(3, 8) if truck.duty is Duty.NIGHT)
    for shift in shifts(truck.index):
        midnight = shift.midnight + 86_400
        assert any(p.state is State.DRIVING and p.start < midnight < p.end for p in shift.phases)


def test_trucks_that_rest_on_weekends_do_not_start_the_engine():
    truck = next(truck for truck in fleet(3, 40) if not truck.works_weekends)
    on_duty = [shift.on_duty is not None for shift in shifts(truck.index, 5, date(2025, 10, 30))]
    assert on_duty == [True, True, False, False, True]  # Thursday to Monday


def test_a_thief_takes_at_least_sixty_litres_while_the_engine_is_off():
    truck = next(truck for truck in fleet(3, 8) if Peculiarity.FUEL_THEFT in truck.peculiarities)
    thefts = [p for p in shifts(truck.index)[2].phases if p.pump and p.pump.litres < 0]
    assert len(thefts) == 1
    assert thefts[0].state is State.PARKED
    assert thefts[0].pump.litres <= -60
