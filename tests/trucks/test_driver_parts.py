"""A truck's day among its drivers adds up to the day, however it is cut."""

import math
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apps.trucks.assignments import Part, Shift, parts
from apps.trucks.detection.daily import DayFigures, Detection, detect, figures
from apps.trucks.detection.driver_parts import ADDITIVE, NOBODY, DriverFigures, by_driver
from apps.trucks.detection.harsh import HarshEvent, HarshKind, harsh_between
from apps.trucks.detection.points import Evidence, Point, Points
from apps.trucks.parameters import DEFAULTS
from apps.trucks.sensors.device import harsh_code
from tests.builders import DAY_S, EPOCH, at, detected, driving, idling, parked, points
from tests.trucks.test_daily_properties import EVIDENCE, some_points

DAY = (EPOCH, EPOCH + DAY_S)
NIGHT = [(EPOCH, EPOCH + 6 * 3_600), (EPOCH + 22 * 3_600, EPOCH + DAY_S)]
ANNA, BEN = 7, 9


def counted(detection: Detection, start: int, end: int) -> list[HarshEvent]:
    kinds = (harsh_between(detection.history, detection.harsh, kind, start, end) or [] for kind in HarshKind)
    return [event for events in kinds for event in events]


def split(detection: Detection, cut: list[Part]) -> tuple[DayFigures, list[DriverFigures]]:
    """The whole of the parts, and each driver's share."""
    start, end = cut[0].start, cut[-1].end
    day = figures(detection, start, end, end, NIGHT)
    return day, by_driver(detection, day, counted(detection, start, end), cut, NIGHT)


def of_day(day: DayFigures, length_s: int) -> dict[str, Any]:
    """The day's own figures under the names of a driver's."""
    fuel_distance_m = None if day.fuel_used_l is None else day.distance_m
    consumption_l = None if day.distance_m is None else day.fuel_used_l
    kinds = (day.harsh_braking, day.harsh_acceleration, day.harsh_cornering)
    return {
        **asdict(day),
        "length_s": length_s,
        "fuel_distance_m": fuel_distance_m,
        "consumption_l": consumption_l,
        "harsh_distance_m": None if kinds == (None, None, None) else day.distance_m,
    }


def is_sum(name: str, shares: list[Any], whole: Any) -> bool:
    known = [share for share in shares if share is not None]
    if whole is None or not known:
        return whole is None and not known
    if isinstance(whole, float):
        return math.isclose(math.fsum(known), whole, rel_tol=1e-9, abs_tol=1e-9)
    return bool(sum(known) == whole)


CUTS = st.lists(st.tuples(st.integers(1, DAY_S - 1), st.sampled_from([None, ANNA, BEN])), max_size=6)


@given(some_points(), EVIDENCE, CUTS, st.integers(1, DAY_S), st.lists(st.integers(0, 63), max_size=8))
def test_the_drivers_of_a_day_add_up_to_it(
    found: list[Point], evidence: Evidence, cuts: list[Any], length: int, harsh: list[int]
) -> None:
    told = [point._replace(harsh=code) for point, code in zip(found, harsh, strict=False)]
    detection = detect(Points.of([*told, *found[len(told) :]]), evidence, DEFAULTS, EPOCH + length)
    edges = sorted({0, length, *(second for second, _ in cuts if second < length)})
    owner = dict(cuts)
    cut = [Part(EPOCH + start, EPOCH + end, owner.get(start)) for start, end in pairwise(edges)]
    day, drivers = split(detection, cut)
    true = of_day(day, length)
    assert [each.driver_id for each in drivers] == sorted({part.driver_id or NOBODY for part in cut})
    for name in ADDITIVE:
        assert is_sum(name, [getattr(each, name) for each in drivers], true[name]), name
    speeds = [each.max_speed_kmh for each in drivers if each.max_speed_kmh is not None]
    assert max(speeds, default=None) == day.max_speed_kmh
    assert all((each.distance_m or 0) >= 0 and each.length_s > 0 for each in drivers)


WORKING_DAY = (
    parked("00:00", "05:00")
    + driving("05:00", "07:00", kmh=60)
    + idling("07:00", "07:30", km=120)
    + driving("07:30", "09:30", kmh=110, km=120)
    + parked("09:30", "1d 00:00", km=340)
)


def by_shifts(*shifts: Shift, found: list[Point] = WORKING_DAY, **more: Any) -> dict[int, DriverFigures]:
    _, drivers = split(detected(found, **more), list(parts(shifts, *DAY)))
    return {each.driver_id: each for each in drivers}


def test_each_driver_has_what_happened_in_their_time() -> None:
    shares = by_shifts(Shift(at("04:00"), at("07:10"), ANNA), Shift(at("07:10"), at("10:00"), BEN))
    assert (shares[ANNA].moving_s, shares[ANNA].idle_s, shares[ANNA].parked_s) == (7_200, 600, 3_600)
    assert (shares[BEN].moving_s, shares[BEN].idle_s, shares[BEN].parked_s) == (7_200, 1_200, 1_800)
    assert (shares[ANNA].distance_m, shares[BEN].distance_m, shares[NOBODY].distance_m) == (120_000, 220_000, 0)
    assert (shares[ANNA].night_driving_s, shares[BEN].night_driving_s) == (3_600, 0)
    assert (shares[ANNA].trips, shares[BEN].trips, shares[NOBODY].trips) == (1, 1, 0)
    assert (shares[ANNA].max_speed_kmh, shares[BEN].max_speed_kmh) == (60, 110)


def test_an_event_is_the_drivers_who_has_the_truck_when_it_begins_and_its_seconds_are_cut() -> None:
    shares = by_shifts(Shift(at("04:00"), at("08:00"), ANNA), Shift(at("08:00"), at("10:00"), BEN))
    assert (shares[ANNA].speeding_minor, shares[BEN].speeding_minor) == (1, 0)
    assert (shares[ANNA].speeding_s, shares[BEN].speeding_s) == (1_800, 5_400)


def test_metres_that_a_cut_would_split_are_whole_and_add_up() -> None:
    found = points("08:00 ign=1 odo=0", "08:00:09 ign=1 odo=10", "08:05 ign=0 odo=10")
    cut = [
        Part(EPOCH, at("08:00:03"), ANNA),
        Part(at("08:00:03"), at("08:00:06"), BEN),
        Part(at("08:00:06"), DAY[1], None),
    ]
    day, drivers = split(detected(found), cut)
    assert day.distance_m == 10
    assert [(each.driver_id, each.distance_m) for each in drivers] == [(NOBODY, 3), (ANNA, 3), (BEN, 4)]


def test_no_part_has_less_than_no_metres_though_drift_is_rounded_by_itself() -> None:
    """By GPS 9.91 m, and 0.45 m and 0.10 m of drift, then 3 m: 10 − 0, 10 − 1 and 13 − 1 are the rounded totals."""
    drifting = ("08:00 ign=1 v=60 km=0", "08:01 ign=0 km=0.00991", "08:02 ign=0 km=0.01036", "08:03 ign=0 km=0.01046")
    cut = [Part(EPOCH, at("08:02"), ANNA), Part(at("08:02"), at("08:03"), BEN), Part(at("08:03"), DAY[1], None)]
    day, drivers = split(detected(points(*drifting)), cut)
    assert (day.distance_m, {each.driver_id: each.distance_m for each in drivers}) == (9, {NOBODY: 0, ANNA: 9, BEN: 0})
    day, drivers = split(detected(points(*drifting, "08:04 ign=1 v=9 km=0.01346")), cut)
    assert (day.distance_m, {each.driver_id: each.distance_m for each in drivers}) == (
        12,
        {NOBODY: 2, ANNA: 10, BEN: 0},
    )


def test_drift_is_not_driving_for_any_driver() -> None:
    """Anna's parked truck drifts by 40 m in her time; Ben drives a kilometre."""
    drifting = points("07:00 ign=0 km=0", "07:30 ign=0 km=0.04", "07:50 ign=0 km=0.04")
    found = drifting + driving("08:00", "08:02", km=0.04) + parked("08:02", "09:00", km=1.04)
    shares = by_shifts(Shift(EPOCH, at("07:55"), ANNA), Shift(at("07:55"), DAY[1], BEN), found=found)
    assert (shares[ANNA].distance_m, shares[BEN].distance_m) == (0, 1_000)


def test_parts_go_by_the_source_of_the_day() -> None:
    """Until 9:00 there is GPS and a level alone; the day goes by odometer and fuel counter."""
    early = [f"08:{minute:02} ign=1 v=60 km={minute} level={300 - minute}" for minute in range(0, 60, 5)]
    late = [
        f"09:{minute:02} ign=1 v=60 km={60 + minute} odo={1_000 * minute} used={minute}" for minute in range(0, 60, 5)
    ]
    shares = by_shifts(Shift(EPOCH, at("08:30"), ANNA), Shift(at("08:30"), DAY[1], BEN), found=points(*early, *late))
    assert (shares[ANNA].distance_m, shares[ANNA].fuel_used_l, shares[ANNA].fuel_distance_m) == (None, None, None)
    assert (shares[BEN].distance_m, shares[BEN].fuel_used_l, shares[BEN].fuel_distance_m) == (55_000, 55, 55_000)


def test_what_is_not_measured_in_a_drivers_time_is_null_and_not_zero() -> None:
    """A tracker that is silent from 9:30 on: nothing is known of who had the truck in the evening."""
    braked = harsh_code(HarshKind.BRAKING, happened=True)
    found = [point._replace(harsh=braked) for point in driving("08:00", "09:00")]
    shares = by_shifts(Shift(EPOCH, at("12:00"), ANNA), Shift(at("12:00"), DAY[1], BEN), found=found)
    measured = {name: value for name, value in asdict(shares[BEN]).items() if value is not None}
    assert shares[ANNA].harsh_braking == 60
    assert measured == {
        "driver_id": BEN, "length_s": 43_200, "moving_s": 0, "idle_s": 0, "idle_productive_s": 0, "parked_s": 0,
        "no_data_s": 43_200, "engine_on_s": 0,
    }  # fmt: skip


def test_harsh_driving_is_measured_for_all_who_drive_on_a_day_on_which_it_is() -> None:
    braked = harsh_code(HarshKind.BRAKING, happened=True)
    told = [point._replace(harsh=braked) if point.t == at("08:00") else point for point in WORKING_DAY]
    shares = by_shifts(Shift(at("04:00"), at("07:10"), ANNA), Shift(at("07:10"), at("10:00"), BEN), found=told)
    day = figures(detected(told), *DAY, DAY[1])
    assert day.harsh_braking == 1
    assert (shares[ANNA].harsh_braking, shares[BEN].harsh_braking) == (0, 1)
    assert (shares[ANNA].harsh_cornering, shares[BEN].harsh_cornering) == (day.harsh_cornering, day.harsh_cornering)


def test_a_driver_who_comes_back_has_one_row() -> None:
    shares = by_shifts(
        Shift(EPOCH, at("06:00"), ANNA), Shift(at("06:00"), at("08:00"), BEN), Shift(at("08:00"), DAY[1], ANNA)
    )
    assert sorted(shares) == [ANNA, BEN]
    assert shares[ANNA].length_s == DAY_S - 7_200


def test_a_day_of_one_driver_is_not_computed_again() -> None:
    detection = detected(WORKING_DAY)
    day = figures(detection, *DAY, DAY[1], NIGHT)
    nothing: Any = None  # would fail if it were looked at
    [alone] = by_driver(nothing, day, nothing, [Part(*DAY, ANNA)], nothing)
    assert {name: getattr(alone, name) for name in ADDITIVE} == {name: of_day(day, DAY_S)[name] for name in ADDITIVE}
    assert alone.driver_id == ANNA
