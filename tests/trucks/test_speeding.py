import pytest

from apps.trucks.detection.daily import DayFigures
from apps.trucks.detection.points import Point
from apps.trucks.detection.speeding import SpeedingEpisode
from tests.builders import at, day, detected, driving, points


def episodes(points: list[Point], as_of: str = "1d 00:00", **options) -> list[SpeedingEpisode]:
    return detected(points, as_of, **options).speeding


def spans(found: list[SpeedingEpisode]) -> list[tuple[int, int]]:
    return [(episode.started_at, episode.ended_at) for episode in found]


def counts(figures: DayFigures) -> tuple[int | None, ...]:
    return figures.speeding_minor, figures.speeding_moderate, figures.speeding_severe


def test_an_episode_is_from_the_first_fix_over_the_limit_to_the_first_at_or_under_it():
    fast = points(
        "08:00 ign=1 v=105", "08:01 ign=1 v=106", "08:02 ign=1 v=120", "08:03 ign=1 v=105", "08:04 ign=1 v=90"
    )
    [episode] = episodes(fast)
    assert spans([episode]) == [(at("08:01"), at("08:03"))]
    assert (episode.limit_kmh, episode.max_speed_kmh, episode.excess_kmh) == (105, 120, 15)
    assert (episode.duration_s, episode.is_open) == (120, False)


@pytest.mark.parametrize(
    ("speed", "severity"),
    [(105.1, "minor"), (113, "minor"), (113.1, "moderate"), (129, "moderate"), (129.1, "severe")],
)
def test_severity_is_by_the_largest_excess(speed: float, severity: str):
    [episode] = episodes(points("08:00 ign=1 v=105.1", f"08:01 ign=1 v={speed}", "08:02 ign=1 v=80"))
    assert episode.severity == severity


@pytest.mark.parametrize(("end", "number"), [("08:00:29", 0), ("08:00:30", 1)])
def test_a_shorter_exceedance_is_no_episode(end: str, number: int):
    assert len(episodes(points("08:00 ign=1 v=120", f"{end} ign=1 v=100"))) == number


@pytest.mark.parametrize("engine", ["ign=1", ""])  # on, unknown
def test_points_without_a_fix_do_not_interrupt_it(engine: str):
    gapped = points(f"08:00 {engine} v=120", f"08:01 {engine}", f"08:02 {engine} v=120", f"08:03 {engine} v=90")
    assert spans(episodes(gapped)) == [(at("08:00"), at("08:03"))]


def test_a_point_without_a_fix_does_not_start_one():
    slow = points("08:00 ign=0 v=120", "08:01 ign=1", "08:05 ign=1 v=90")
    assert episodes(slow) == []


@pytest.mark.parametrize("off", ["ign=0", "ign=0 v=120"])
def test_the_first_point_with_the_engine_off_ends_it_fix_or_not(off: str):
    found = episodes(points("08:00 ign=1 v=120", f"08:01 {off}", "08:02 ign=0 v=120"))
    assert spans(found) == [(at("08:00"), at("08:01"))]


def test_a_fix_with_the_engine_unknown_can_be_too_fast():
    assert spans(episodes(points("08:00 v=120", "08:01 v=100"))) == [(at("08:00"), at("08:01"))]


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("08:11:00", [("08:00", "08:12")]),  # exactly the cap
        ("08:11:01", [("08:00", "08:11"), ("08:11:01", "08:12")]),
    ],
)
def test_longer_silence_ends_it_after_the_cap(clock: str, expected: list[tuple[str, str]]):
    silent = points("08:00 ign=1 v=120", "08:01 ign=1 v=120", f"{clock} ign=1 v=120", "08:12 ign=1 v=90")
    assert spans(episodes(silent)) == [(at(start), at(end)) for start, end in expected]


@pytest.mark.parametrize(
    ("as_of", "end", "is_open"),
    [("08:05", "08:05", True), ("08:10", "08:10", True), ("08:10:01", "08:10", False)],
)
def test_it_is_open_until_the_cap(as_of: str, end: str, is_open: bool):
    [episode] = episodes(points("08:00 ign=1 v=120"), as_of)
    assert (episode.ended_at, episode.is_open) == (at(end), is_open)


def test_it_knows_where_and_how_far():
    [episode] = episodes(driving("08:00", "08:10", kmh=120, km=5) + points("08:10 ign=1 v=80 km=25"))
    assert episode.distance_m == 20_000
    assert episode.lat == pytest.approx(50 + 5 / 111.195, abs=1e-5)


def test_over_midnight_it_belongs_to_the_day_it_starts_in_and_its_seconds_to_both():
    over_midnight = driving("-1d 23:50", "00:05", kmh=120) + points("00:05 ign=1 v=80 km=30")
    before, after = day(over_midnight, within=("-1d 00:00", "00:00")), day(over_midnight)
    assert (before.speeding_moderate, before.speeding_s) == (1, 600)
    assert (after.speeding_moderate, after.speeding_s) == (0, 300)


def test_the_limit_is_the_trucks():
    assert len(episodes(driving("08:00", "08:10", kmh=90), speed_limit_kmh=80)) == 1


def test_without_a_fix_speeding_is_not_measured():
    figures = day(points("08:00 ign=1", "09:00 ign=0"))
    assert (figures.speeding_minor, figures.speeding_moderate, figures.speeding_severe, figures.speeding_s) == (
        None,
    ) * 4


def test_with_a_fix_it_is_measured_and_zero():
    figures = day(points("08:00 ign=1 v=80"))
    assert (figures.speeding_minor, figures.speeding_moderate, figures.speeding_severe, figures.speeding_s) == (
        0,
        0,
        0,
        0,
    )


def test_a_day_without_a_fix_has_the_rest_of_an_episode():
    over_midnight = points("-1d 23:55 ign=1 v=110", "00:02 ign=1", "00:03 ign=0")
    assert (day(over_midnight).fixes, day(over_midnight).speeding_s) == (0, 180)
    assert counts(day(over_midnight)) == (0, 0, 0)
