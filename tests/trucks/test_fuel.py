import pytest

from apps.trucks.detection.fuel import FuelEvent, Review, find_fuel_events, tank_change, used_idling
from apps.trucks.detection.points import Evidence, Point
from apps.trucks.parameters import DEFAULTS
from tests.builders import at, day, detected, idling, point, points


def fuel_events(points: list[Point], as_of: str = "1d 00:00", **options) -> list[FuelEvent]:
    return detected(points, as_of, **options).fuel_events


def levels(*readings: str, ign: int = 0) -> list[Point]:
    """Points from "08:00 250": a level at a time."""
    return points(*(f"{' '.join(clock)} ign={ign} level={litres}" for *clock, litres in map(str.split, readings)))


def test_a_rise_between_two_readings_is_a_refuel():
    [event] = fuel_events(levels("08:00 100", "08:10 300", "09:00 300"))
    assert (event.kind, event.started_at, event.ended_at) == ("refuel", at("08:00"), at("08:10"))
    assert (event.level_before_l, event.level_after_l, event.litres) == (100, 300, 200)


def test_a_fall_that_begins_with_the_engine_off_is_a_drain():
    [event] = fuel_events(levels("08:00 300", "08:10 200", "09:00 200"))
    assert (event.kind, event.started_at, event.ended_at, event.litres) == ("drain", at("08:00"), at("08:10"), 100)


@pytest.mark.parametrize("engine", ["ign=1", ""])  # on, unknown
def test_a_fall_that_begins_otherwise_is_none(engine: str):
    assert fuel_events(points(f"08:00 {engine} level=300", "08:10 ign=0 level=200")) == []


def test_a_drain_needs_the_engine_off_at_its_first_reading_only():
    assert len(fuel_events(points("08:00 ign=0 level=300", "08:10 ign=1 level=200"))) == 1


def test_a_refuel_may_happen_with_the_engine_on():
    assert len(fuel_events(levels("08:00 100", "08:10 300", ign=1))) == 1


@pytest.mark.parametrize(("litres", "number"), [(29.9, 0), (30, 1)])
def test_a_smaller_step_is_none(litres: float, number: int):
    assert len(fuel_events(levels("08:00 100", f"08:10 {100 + litres}"))) == number
    assert len(fuel_events(levels("08:00 100", f"08:10 {100 - litres}"))) == number


def test_a_slow_fall_is_consumption():
    assert fuel_events(levels("08:00 300", "08:10 280", "08:20 260", "08:30 240")) == []


@pytest.mark.parametrize(
    ("clock", "spans"),
    [
        ("08:40:00", [("08:00", "08:50")]),
        ("08:40:01", [("08:00", "08:10"), ("08:40:01", "08:50")]),
    ],
)
def test_steps_of_one_kind_at_most_half_an_hour_apart_are_one_event(clock: str, spans: list[tuple[str, str]]):
    found = fuel_events(levels("08:00 100", "08:10 200", f"{clock} 200", "08:50 300"))
    assert [(event.started_at, event.ended_at) for event in found] == [(at(start), at(end)) for start, end in spans]


def test_a_refuel_and_a_drain_do_not_join():
    both = fuel_events(levels("08:00 100", "08:10 300", "08:20 200"))
    assert [event.kind for event in both] == ["refuel", "drain"]


def test_litres_are_between_medians_of_five_readings():
    sloshing_before = ["07:00 90", "07:01 110", "07:02 103", "07:03 95", "07:04 101"]
    sloshing_after = ["07:10 310", "07:11 290", "07:12 305", "07:13 299", "07:14 280"]
    [event] = fuel_events(levels("06:59 115", *sloshing_before, *sloshing_after, "07:15 300"))
    assert (event.level_before_l, event.level_after_l, event.litres) == (101, 299, 198)


def test_with_fewer_readings_it_is_the_median_of_those():
    [event] = fuel_events(levels("07:00 90", "07:01 100", "07:10 300"))
    assert (event.level_before_l, event.level_after_l) == (95, 300)


def test_readings_before_the_window_count_for_the_median():
    earlier = levels("-1d 20:00 100", "-1d 21:00 104", "-1d 22:00 102", "-1d 23:00 104")
    [event] = fuel_events(levels("08:00 90", "08:10 300"), earlier=earlier)
    assert event.level_before_l == 102


@pytest.mark.parametrize(("clock", "level_before"), [("35d 00:00", 300), ("35d 00:01", 100)])
def test_readings_more_than_35_days_away_do_not_count(clock: str, level_before: float):
    [event] = fuel_events(levels("00:00 500", f"{clock} 100", "35d 00:10 300", ign=1), as_of="36d 00:00")
    assert (event.kind, event.level_before_l) == ("refuel", level_before)


def test_readings_more_than_35_days_apart_are_no_step():
    assert len(fuel_events(levels("00:00 100", "35d 00:00 300"), as_of="36d 00:00")) == 1
    assert fuel_events(levels("00:00 100", "35d 00:01 300"), as_of="36d 00:00") == []
    assert fuel_events(levels("00:00 300", "35d 00:01 100"), as_of="36d 00:00") == []


def test_a_step_reaches_over_the_edge_of_the_window():
    [event] = fuel_events(levels("08:10 300"), earlier=levels("-1d 20:00 100"))
    assert (event.started_at, event.ended_at) == (at("-1d 20:00"), at("08:10"))


def test_an_event_is_where_the_truck_was():
    [event] = fuel_events(points("08:00 ign=0 km=5 level=100", "08:10 ign=0 km=5 level=300"))
    assert event.lat == pytest.approx(50 + 5 / 111.195, abs=1e-5)


def test_an_event_is_never_open_and_may_still_grow():
    assert [event.is_open for event in fuel_events(levels("08:00 100", "08:10 300"), as_of="08:10")] == [False]
    [event] = fuel_events(levels("08:00 100", "08:10 300", "08:20 400"), as_of="08:20")
    assert event.ended_at == at("08:20")


DRAINED = levels("08:00 300", "08:10 200", "12:00 200")


def test_a_dismissed_drain_stays_known_as_such():
    assert [event.is_dismissed for event in fuel_events(DRAINED)] == [False]
    assert [event.is_dismissed for event in fuel_events(DRAINED, dismissed=[at("08:00")])] == [True]


def test_a_dismissed_drain_leaves_the_fuel_figures():
    suspected, dismissed = day(DRAINED), day(DRAINED, dismissed=[at("08:00")])
    assert (suspected.drains, suspected.drain_l, suspected.fuel_used_l) == (1, 100, 0)
    assert (dismissed.drains, dismissed.drain_l, dismissed.fuel_used_l) == (0, 0, 100)


@pytest.mark.parametrize(
    ("reviewed", "review"),
    [
        (["07:50"], "dismissed"),
        (["08:10"], "dismissed"),
        (["07:49:59"], "suspected"),
        (["08:10:01"], "suspected"),
        (["07:52", "08:09"], "dismissed"),
    ],
)
def test_what_was_said_stays_with_a_drain_whose_start_late_readings_move(reviewed: list[str], review: str):
    [event] = fuel_events(DRAINED, dismissed=[at(clock) for clock in reviewed])
    assert event.review == review


def test_of_several_reviews_that_of_the_nearest_start_counts():
    said = {at("07:51"): Review.DISMISSED, at("08:08"): Review.CONFIRMED, at("12:00"): Review.DISMISSED}
    [event] = find_fuel_events(detected(DRAINED).history, DEFAULTS, said)
    assert event.review == "confirmed"


def test_only_drains_are_dismissed():
    refuelled = levels("08:00 100", "08:10 300")
    assert day(refuelled, dismissed=[at("08:00")]).refuel_l == 200


def test_fuel_used_is_what_the_counter_grew_by():
    figures = day(points("00:00 used=1000", "12:00 used=1040.5", "18:00 used=1090"))
    assert (figures.fuel_used_l, figures.fuel_source) == (90, "counter")


def test_the_counter_goes_before_the_level():
    figures = day(points("00:00 used=1000 level=300", "12:00 used=1040 level=200"))
    assert (figures.fuel_used_l, figures.fuel_source) == (40, "counter")


BEFORE = ["09:56 260", "09:57 260", "09:58 260", "09:59 260", "10:00 260"]
AFTER = ["10:10 460", "10:11 460", "10:12 460", "10:13 460", "10:14 460"]


def test_without_a_counter_it_is_the_balance_of_the_level():
    figures = day(levels("00:00 300", *BEFORE, *AFTER, "18:00 400", "1d 00:00 380", ign=1))
    assert (figures.refuels, figures.refuel_l) == (1, 200)
    assert (figures.fuel_used_l, figures.fuel_source) == (300 - 380 + 200, "level")


def test_a_drain_is_not_used():
    figures = day(levels("00:00 300", "10:00 290", "10:05 230", "18:00 220", "1d 00:00 210"))
    assert figures.drain_l == pytest.approx(295 - 220)
    assert figures.fuel_used_l == pytest.approx(300 - 210 - 75)


def test_a_drain_belongs_to_the_day_at_whose_first_second_it_starts():
    at_midnight = levels("-1d 12:00 310", "00:00 300", "00:05 240", "12:00 240", "1d 00:00 240")
    before, after = day(at_midnight, within=("-1d 00:00", "00:00")), day(at_midnight)
    assert (before.drains, after.drains) == (0, 1)
    assert (before.fuel_used_l, after.fuel_used_l) == (10, 300 - 240 - after.drain_l)


def test_what_the_tank_holds_more_is_along_its_line():
    history = detected(levels("00:00 300", "12:00 280", "1d 00:00 320")).history
    assert tank_change(history, at("06:00"), at("18:00")) == 300 - 290
    assert tank_change(history, at("2d 00:00"), at("3d 00:00")) is None


def test_the_balance_may_be_negative():
    assert day(levels("00:00 300", "12:00 310")).fuel_used_l == -10


def test_the_level_between_two_readings_is_a_straight_line():
    over_midnight = levels("-1d 23:00 320", "01:00 300", ign=1)
    assert day(over_midnight).fuel_used_l == pytest.approx(10)


def test_a_refuel_over_midnight_belongs_wholly_to_the_day_it_starts_in():
    over_midnight = levels("-1d 23:50 100", "00:10 300", "12:00 290", ign=1)
    before, after = day(over_midnight, within=("-1d 00:00", "00:00")), day(over_midnight)
    assert (before.refuels, before.refuel_l, after.refuels, after.refuel_l) == (1, 195, 0, 0)
    assert before.fuel_used_l == pytest.approx(-100 + 195)
    assert after.fuel_used_l == pytest.approx(-100 + 10)


def test_without_counter_and_level_fuel_is_not_measured():
    figures = day(idling("08:00", "09:00"))
    assert (figures.fuel_used_l, figures.fuel_source, figures.idle_fuel_l) == (None, None, None)
    assert (figures.refuels, figures.refuel_l, figures.drains, figures.drain_l) == (None, None, None, None)


def test_with_a_level_refuels_and_drains_are_measured_and_zero():
    figures = day(levels("08:00 300"))
    assert (figures.refuels, figures.refuel_l, figures.drains, figures.drain_l) == (0, 0, 0, 0)


def test_without_engine_evidence_drains_are_not_measured():
    figures = day(DRAINED, evidence=Evidence.NONE)
    assert (figures.refuels, figures.drains, figures.drain_l) == (0, None, None)


def test_fuel_used_idling_is_the_counters_part_in_idle_intervals():
    counted = points(
        "08:00 ign=1 v=60 used=100", "08:10 ign=1 v=0 used=104", "08:20 ign=0 used=104.5", "09:00 used=104.5"
    )
    assert day(counted).idle_fuel_l == pytest.approx(0.5)


def test_of_fuel_used_idling_the_productive_part_is_that_of_productive_idling():
    worked = points(
        "08:00 ign=1 v=0 pto=1 used=100", "08:10 ign=1 v=0 pto=0 used=104", "08:20 ign=0 used=105", "09:00 used=105"
    )
    history = detected(worked).history
    assert used_idling(history, at("08:00"), at("09:00")) == pytest.approx(5)
    assert used_idling(history, at("08:00"), at("09:00"), productive=True) == pytest.approx(4)


def test_fuel_used_idling_is_spread_like_the_counter():
    coarse = [point("08:00", used=100), *idling("08:15", "08:30"), point("08:30", ign=0), point("09:00", used=104)]
    assert day(coarse).idle_fuel_l == pytest.approx(1)


def test_without_engine_evidence_fuel_used_idling_is_not_measured():
    counted = points("08:00 used=100", "09:00 used=104")
    assert day(counted, evidence=Evidence.NONE).idle_fuel_l is None
    assert day(counted).idle_fuel_l == 0
