import pytest

from apps.trucks.detection.idling import IdleEvent
from apps.trucks.detection.points import Evidence, Point
from tests.builders import at, detected, driving, idling, parked, points


def idle_events(points: list[Point], as_of: str = "1d 00:00", **options) -> list[IdleEvent]:
    return detected(points, as_of, **options).idle_events


def test_an_idle_event_is_an_unbroken_stretch_of_idling():
    [event] = idle_events(driving("08:00", "08:10") + idling("08:10", "08:30", km=10) + parked("08:30", "09:00", km=10))
    assert (event.started_at, event.ended_at, event.is_open) == (at("08:10"), at("08:30"), False)
    assert event.duration_s == 1200
    assert event.lat == pytest.approx(50 + 10 / 111.195, abs=1e-5)


@pytest.mark.parametrize(("end", "number"), [("08:01:59", 0), ("08:02:00", 1)])
def test_shorter_idling_is_no_event(end: str, number: int):
    assert len(idle_events(points("08:00 ign=1", f"{end} ign=0"))) == number


def test_moving_breaks_it():
    rolling = idling("08:00", "08:10") + points("08:10 ign=1 v=10") + idling("08:11", "08:20")
    assert [event.duration_s for event in idle_events(rolling + parked("08:20", "09:00"))] == [600, 540]


def test_silence_beyond_the_cap_breaks_it():
    silent = points("08:00 ign=1", "08:20 ign=1", "08:25 ign=0")
    assert [(event.started_at, event.duration_s) for event in idle_events(silent)] == [
        (at("08:00"), 600),
        (at("08:20"), 300),
    ]


def test_silence_of_exactly_the_cap_does_not():
    assert [event.duration_s for event in idle_events(points("08:00 ign=1", "08:10 ign=1", "08:15 ign=0"))] == [900]


def test_the_pto_does_not_break_it_and_its_part_is_productive():
    [event] = idle_events(points("08:00 ign=1", "08:05 ign=1 pto=1", "08:08 ign=1 pto=0", "08:10 ign=0"))
    assert (event.duration_s, event.productive_s) == (600, 180)


def test_fuel_is_by_the_counter():
    [event] = idle_events(points("08:00 ign=1 used=10", "08:10 ign=1 used=10.4", "08:20 ign=0 used=10.8"))
    assert event.fuel_l == pytest.approx(0.8)
    assert idle_events(idling("08:00", "09:00"))[0].fuel_l is None


@pytest.mark.parametrize(
    ("as_of", "end", "is_open"),
    [("08:05", "08:05", True), ("08:10", "08:10", True), ("08:30", "08:10", False)],
)
def test_it_is_open_while_the_last_state_holds(as_of: str, end: str, is_open: bool):
    [event] = idle_events(points("08:00 ign=1"), as_of)
    assert (event.ended_at, event.is_open) == (at(end), is_open)


def test_it_goes_on_over_midnight():
    [event] = idle_events(idling("-1d 23:50", "00:10") + parked("00:10", "01:00"))
    assert (event.started_at, event.ended_at) == (at("-1d 23:50"), at("00:10"))


def test_without_engine_evidence_there_is_none():
    assert idle_events(idling("08:00", "09:00"), evidence=Evidence.NONE) == []
