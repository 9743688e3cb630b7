"""Which seconds of a local day are night, and who drives in them."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.accounts.calendar import day_bounds
from apps.trucks.detection.daily import figures
from apps.trucks.detection.night import night_of
from apps.trucks.parameters import check_values
from tests.builders import at, detected, driving, idling, points

BERLIN, UTC = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
SPRING, SUMMER, AUTUMN = dt.date(2025, 3, 30), dt.date(2025, 6, 10), dt.date(2025, 10, 26)
ZONES = ("UTC", "America/Chicago", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu")
# Days on which the clocks of some of these zones change, at midnight too, and days on which none do.
DAYS = ("2026-03-08", "2025-10-26", "2026-04-05", "2025-10-05", "2024-04-26", "2024-10-31", "2026-06-10")


def on_the_clock(day: dt.date, begin_h: float, end_h: float, zone: ZoneInfo = BERLIN) -> list[str]:
    """The night as the clock shows it."""
    return [
        f"{dt.datetime.fromtimestamp(start, zone):%H:%M}-{dt.datetime.fromtimestamp(end, zone):%H:%M}"
        for start, end in night_of(day, zone, begin_h, end_h)
    ]


def length(day: dt.date, begin_h: float, end_h: float, zone: ZoneInfo = BERLIN) -> float:
    return sum(end - start for start, end in night_of(day, zone, begin_h, end_h)) / 3_600


@pytest.mark.parametrize(
    ("begin_h", "end_h", "expected"),
    [
        (22, 6, ["00:00-06:00", "22:00-00:00"]),
        (22.5, 4.25, ["00:00-04:15", "22:30-00:00"]),
        (0, 6, ["00:00-06:00"]),
        (24, 6, ["00:00-06:00"]),
        (20, 24, ["20:00-00:00"]),
        (22, 0, ["22:00-00:00"]),
        (1, 3, ["01:00-03:00"]),
        (6, 6, []),
        (0, 24, ["00:00-00:00"]),
    ],
)
def test_night_is_from_one_hour_of_the_clock_to_another(begin_h: float, end_h: float, expected: list[str]) -> None:
    assert on_the_clock(SUMMER, begin_h, end_h) == expected


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 7), (SUMMER, 8), (AUTUMN, 9)])
def test_a_night_in_which_clocks_change_is_an_hour_shorter_or_longer(day: dt.date, hours: float) -> None:
    assert length(day, 22, 6) == hours


def test_half_past_two_comes_twice_when_clocks_go_back_and_never_when_they_go_forward() -> None:
    assert on_the_clock(AUTUMN, 2.5, 6) == ["02:30-02:00", "02:30-06:00"]
    assert on_the_clock(AUTUMN, 0, 2.5) == ["00:00-02:30", "02:00-02:30"]
    assert on_the_clock(SPRING, 2.5, 6) == ["03:00-06:00"]
    assert on_the_clock(SPRING, 0, 2.5) == ["00:00-03:00"]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), st.sampled_from(DAYS), st.integers(0, 24 * 4), st.integers(0, 24 * 4))
def test_a_second_is_night_when_the_clock_says_so(name: str, text: str, begin: int, end: int) -> None:
    zone, day = ZoneInfo(name), dt.date.fromisoformat(text)
    intervals = night_of(day, zone, begin / 4, end / 4)
    first, last = day_bounds(day, zone)
    for t in range(first, last, 300):
        clock = dt.datetime.fromtimestamp(t, zone)
        quarter = clock.hour * 4 + clock.minute / 15
        at_night = begin <= quarter < end if begin <= end else quarter >= begin or quarter < end
        assert at_night == any(start <= t < until for start, until in intervals), clock
    assert all(first <= start < until <= last for start, until in intervals)


def test_an_hour_of_the_night_is_one_of_the_day() -> None:
    check_values({"night_begin_h": 22.5, "night_end_h": 24})
    with pytest.raises(ValueError, match="night_begin_h: 25 is no hour of the day"):
        check_values({"night_begin_h": 25})


def test_moving_at_night_counts_and_idling_or_moving_by_day_does_not() -> None:
    truck = driving("05:00", "07:00") + idling("07:00", "22:00", km=120) + driving("22:30", "1d 00:00", km=120)
    night = [(at("00:00"), at("06:00")), (at("22:00"), at("1d 02:00"))]
    whole = figures(detected(truck), at("00:00"), at("1d 00:00"), at("1d 00:00"), night)
    assert whole.night_driving_s == 2.5 * 3_600
    until_2330 = figures(detected(truck), at("00:00"), at("1d 00:00"), at("23:30"), night)
    assert until_2330.night_driving_s == 2 * 3_600


def test_of_a_day_without_data_nobody_knows_who_drove_at_night() -> None:
    night = [(at("00:00"), at("06:00"))]
    silent = figures(detected(points("-3d 08:00 ign=1")), at("00:00"), at("1d 00:00"), at("1d 00:00"), night)
    assert silent.night_driving_s is None
    assert (
        figures(detected(idling("00:00", "01:00")), at("00:00"), at("1d 00:00"), at("1d 00:00"), night).night_driving_s
        == 0
    )
