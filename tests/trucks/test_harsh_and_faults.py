"""Harsh events and faults of a day, from points."""

from apps.trucks.detection.daily import figures
from apps.trucks.detection.faults import failure, severity
from apps.trucks.detection.harsh import HarshKind, harsh_between
from apps.trucks.detection.points import Point, merge
from apps.trucks.sensors.device import HARSH_KINDS, harsh_code
from tests.builders import at, day, detected, point, points

BRAKED = harsh_code("braking", happened=True)
NOT_BRAKED = harsh_code("braking", happened=False)


def said(clock: str, code: int) -> Point:
    return point(clock)._replace(harsh=code)


def faulty(clock: str, dtc: str) -> Point:
    return point(clock)._replace(dtc=dtc)


def test_the_devices_word_goes_before_the_speed_for_its_kind_and_day() -> None:
    found = points("12:00 v=80", "12:00:01 v=40", "12:00:02 v=80")
    assert (day(found).harsh_braking, day(found).harsh_acceleration) == (1, 1)
    told = [said("08:00", NOT_BRAKED), *found]
    assert (day(told).harsh_braking, day(told).harsh_acceleration) == (0, 1)
    yesterday = [said("-1d 08:00", BRAKED), *found]
    assert (day(yesterday).harsh_braking, day(yesterday).harsh_acceleration) == (1, 1)


def test_speeds_more_than_two_seconds_apart_tell_nothing() -> None:
    assert day(points("12:00 v=80", "12:00:02 v=40")).harsh_braking == 1
    assert day(points("12:00 v=80", "12:00:03 v=20")).harsh_braking is None
    assert day(points("12:00 v=80", "12:00:01 ign=1", "12:00:02 v=80")).harsh_braking == 0


def test_cornering_is_known_from_the_device_alone() -> None:
    assert day(points("12:00 v=80", "12:00:02 v=40")).harsh_cornering is None
    assert day([said("12:00", harsh_code("cornering", happened=True))]).harsh_cornering == 1


def test_the_threshold_itself_is_harsh_and_a_run_of_changes_is_one_event() -> None:
    found = detected(points("12:00 v=72", "12:00:01 v=54", "12:00:02 v=36", "12:00:03 v=35"), harsh_braking_ms2=5)
    (event,) = found.harsh
    assert (event.started_at, event.ended_at, event.peak_ms2, event.speed_kmh) == (at("12:00"), at("12:00:02"), 5, 72)
    assert detected(points("12:00 v=72", "12:00:01 v=54"), harsh_braking_ms2=5.01).harsh == []


def test_an_event_of_the_device_in_the_same_second_as_its_denial_has_happened() -> None:
    for codes in ((BRAKED, NOT_BRAKED), (NOT_BRAKED, BRAKED)):
        (merged,) = merge(said("12:00", code) for code in codes)
        assert day([merged]).harsh_braking == 1


def test_every_kind_has_a_code_of_its_own() -> None:
    assert tuple(kind.value for kind in HarshKind) == HARSH_KINDS
    for kind in HarshKind:
        found = detected([said("12:00", harsh_code(kind, happened=True))])
        whole_day = at("00:00"), at("1d 00:00")
        counted = {each: harsh_between(found.history, found.harsh, each, *whole_day) for each in HarshKind}
        assert {each for each, events in counted.items() if events is not None} == {kind}


def test_a_fault_opens_and_clears_with_the_lists_that_differ() -> None:
    lists = {"08:00": "100/1", "09:00": "100/1", "10:00": "100/1,5/2", "11:00": "5/2"}
    found = detected([faulty(clock, dtc) for clock, dtc in lists.items()])
    assert [(change.started_at, change.kind, change.spn) for change in found.fault_changes] == [
        (at("08:00"), "opened", 100),
        (at("10:00"), "opened", 5),
        (at("11:00"), "cleared", 100),
    ]
    assert figures(found, at("00:00"), at("1d 00:00"), at("1d 00:00")).faults_opened == 2


def test_what_was_active_opens_anew_after_more_than_35_days_without_a_list() -> None:
    for again, number in (("35d 08:00", 1), ("35d 08:00:01", 2)):
        found = detected([faulty("08:00", "100/1"), faulty(again, "100/1")], again)
        assert len(found.fault_changes) == number
        longer = detected([faulty("08:00", "100/1"), faulty(again, "100/1,5/2")], again)
        assert [change.spn for change in longer.fault_changes] == [100, 5, 100][: number + 1]


def test_a_day_without_a_list_measures_no_faults() -> None:
    assert day([point("08:00", ign=1)]).faults_opened is None
    assert day([faulty("08:00", "")]).faults_opened == 0


def test_what_was_active_before_the_window_does_not_open_in_it() -> None:
    earlier = [faulty("-1d 12:00", "100/1")]
    assert day([faulty("08:00", "100/1")], earlier=earlier).faults_opened == 0
    assert day([faulty("08:00", "100/1")], earlier=[faulty("-36d 12:00", "100/1")]).faults_opened == 1


def test_how_a_value_fails_says_how_bad_it_is() -> None:
    assert [severity(fmi).value for fmi in (0, 1, 15, 16, 17, 3, 31)] == [
        "severe", "severe", "minor", "moderate", "minor", "moderate", "moderate",
    ]  # fmt: skip
    assert [failure(fmi) for fmi in (21, 22, 31)] == ["data drifted low", "reserved", "condition exists"]
