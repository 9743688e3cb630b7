"""Local days: they follow upon each other without a gap, whatever the clocks do."""

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.calendar import ONE_DAY, as_utc, day_bounds, day_of, day_start, days_between

FIRST, LAST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC).timestamp(), dt.datetime(2031, 1, 1, tzinfo=dt.UTC).timestamp()
ZONES = sorted(available_timezones())
HOUR, DAY_S = 3_600, 86_400


def clock_changes(zone: ZoneInfo) -> Iterator[int]:
    """The seconds from 2000 to 2030 at which the zone's offset changes, found without reading the zone's rules."""

    def offset(t: int) -> dt.timedelta | None:
        return dt.datetime.fromtimestamp(t, zone).utcoffset()

    for before, after in pairwise(range(int(FIRST), int(LAST) + 1, 10 * DAY_S)):
        if offset(before) != offset(after):
            while after - before > 1:
                middle = (before + after) // 2
                before, after = (middle, after) if offset(middle) == offset(before) else (before, middle)
            yield after


def clock(t: int, zone: ZoneInfo) -> dt.date:
    return dt.datetime.fromtimestamp(t, zone).date()


def utc(text: str) -> int:
    return int(dt.datetime.fromisoformat(f"{text}+00:00").timestamp())


def length(day: str, zone: str) -> int:
    start, end = day_bounds(dt.date.fromisoformat(day), ZoneInfo(zone))
    return end - start


def test_around_every_change_of_every_zone_an_instant_lies_within_the_bounds_of_its_day() -> None:
    changes = 0
    for name in ZONES:
        zone = ZoneInfo(name)
        for change in clock_changes(zone):
            changes += 1
            for t in (change - HOUR, change - 1, change, change + 30, change + HOUR - 1, change + 2 * HOUR):
                start, end = day_bounds(day_of(t, zone), zone)
                assert start <= t < end, (name, as_utc(t))
    assert changes > 10_000


def test_around_every_change_of_every_zone_a_day_begins_with_the_first_second_that_shows_its_date_or_a_later_one() -> (
    None
):
    for name in ZONES:
        zone = ZoneInfo(name)
        for change in clock_changes(zone):
            for day in days_between(clock(change, zone) - ONE_DAY, clock(change, zone) + ONE_DAY):
                start = day_start(day, zone)
                assert clock(start, zone) >= day, (name, day)
                assert all(clock(start - s, zone) < day for s in (1, 60, 1_800, HOUR, 3 * HOUR)), (name, day)


@given(
    t=st.integers(int(FIRST), int(LAST)),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
def test_every_instant_lies_in_exactly_one_day(t: int, zone: ZoneInfo) -> None:
    day = day_of(t, zone)
    around = [day + n * ONE_DAY for n in (-2, -1, 0, 1, 2)]
    holding = [each for each in around if day_bounds(each, zone)[0] <= t < day_bounds(each, zone)[1]]
    assert holding == [day]
    assert all(day_bounds(each, zone)[1] == day_bounds(following, zone)[0] for each, following in pairwise(around))


@given(first=st.dates(dt.date(1990, 1, 1), dt.date(2050, 1, 1)), days=st.integers(-3, 400))
def test_a_range_of_days_holds_both_its_ends(first: dt.date, days: int) -> None:
    last = first + days * ONE_DAY
    found = list(days_between(first, last))
    assert len(found) == max(0, days + 1)
    assert not found or (found[0], found[-1]) == (first, last)
    assert all(following - day == ONE_DAY for day, following in pairwise(found))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("UTC", "2026-03-29", 24),
        ("Europe/Berlin", "2026-03-28", 24),
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/Chicago", "2026-03-08", 23),
        ("America/Chicago", "2026-11-01", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("America/Havana", "2026-03-08", 23),
        ("America/Havana", "2026-11-01", 25),
        ("Africa/Cairo", "2026-04-24", 23),
        ("Africa/Cairo", "2026-10-29", 25),
        ("America/St_Johns", "2010-11-06", 24),
        ("America/St_Johns", "2010-11-07", 25),
        ("Pacific/Apia", "2011-12-29", 24),
        ("Pacific/Apia", "2011-12-30", 0),
        ("Pacific/Apia", "2011-12-31", 24),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(zone: str, day: str, hours: float) -> None:
    assert length(day, zone) == hours * HOUR


@pytest.mark.parametrize(
    ("zone", "day", "first_second"),
    [
        ("America/Havana", "2026-03-08", "2026-03-08T05:00"),  # 00:00 is skipped: 01:00 at −4
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00"),  # 01:00 at +3
    ],
)
def test_where_midnight_is_skipped_a_day_begins_with_the_first_second_there_is(
    zone: str, day: str, first_second: str
) -> None:
    start, date = utc(first_second), dt.date.fromisoformat(day)
    assert day_start(date, ZoneInfo(zone)) == start
    assert dt.datetime.fromtimestamp(start, ZoneInfo(zone)).hour == 1
    assert [day_of(start - 1, ZoneInfo(zone)), day_of(start, ZoneInfo(zone))] == [date - ONE_DAY, date]


def test_where_midnight_comes_twice_a_day_begins_with_the_first() -> None:
    zone = ZoneInfo("America/Havana")
    start = day_start(dt.date(2026, 11, 1), zone)
    assert start == utc("2026-11-01T04:00")
    assert [dt.datetime.fromtimestamp(t, zone).hour for t in (start, start + HOUR)] == [0, 0]


def test_where_clocks_go_back_over_midnight_the_new_day_stays_begun() -> None:
    zone = ZoneInfo("America/St_Johns")  # 00:01 became 23:01 of the evening before
    start, end = day_bounds(dt.date(2010, 11, 7), zone)
    assert clock(start + 60, zone) == dt.date(2010, 11, 6)
    assert {day_of(t, zone) for t in range(start, end, 60)} == {dt.date(2010, 11, 7)}


def test_no_instant_lies_in_a_day_that_was_skipped() -> None:
    zone, skipped = ZoneInfo("Pacific/Apia"), dt.date(2011, 12, 30)
    start, end = day_bounds(skipped, zone)
    assert start == end == day_start(dt.date(2011, 12, 31), zone)
    assert [day_of(start - 1, zone), day_of(start, zone)] == [dt.date(2011, 12, 29), dt.date(2011, 12, 31)]
