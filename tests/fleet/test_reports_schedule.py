import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.fleet.reports.schedule import covered_day, due_on, is_due_time, last_due, next_due

UTC = dt.UTC


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "wall", "due"),
    [
        ("America/Chicago", "2026-11-23 07:00", "2026-11-23 13:00"),
        ("America/Chicago", "2026-07-23 07:00", "2026-07-23 12:00"),
        ("America/Chicago", "2026-03-08 02:30", "2026-03-08 08:00"),  # 02:00–03:00 does not exist: 03:00 CDT
        ("America/Chicago", "2026-03-08 03:00", "2026-03-08 08:00"),
        ("America/Chicago", "2026-11-01 01:30", "2026-11-01 06:30"),  # comes twice: the first, CDT
        ("America/Chicago", "2026-11-01 02:00", "2026-11-01 08:00"),
        ("Europe/Berlin", "2026-03-29 02:00", "2026-03-29 01:00"),  # 02:00–03:00 does not exist: 03:00 CEST
        ("Europe/Berlin", "2026-03-29 02:59:59", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-10-25 02:15", "2026-10-25 00:15"),
        ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:30"),  # half an hour is skipped: 02:30
        ("Australia/Lord_Howe", "2026-10-04 02:45", "2026-10-03 15:45"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04 14:45"),  # half an hour comes twice
        ("Africa/Cairo", "2026-04-24 00:00", "2026-04-23 22:00"),  # midnight is skipped: 01:00
        ("Africa/Cairo", "2026-04-24 00:30", "2026-04-23 22:00"),
        ("Asia/Kathmandu", "2026-11-23 07:00", "2026-11-23 01:15"),
        ("Pacific/Kiritimati", "2026-11-23 07:00", "2026-11-22 17:00"),
        ("UTC", "2026-11-23 00:00", "2026-11-23 00:00"),
    ],
)
def test_a_wall_time_is_due_once_on_every_day_whatever_the_clocks_do(zone: str, wall: str, due: str) -> None:
    local = dt.datetime.fromisoformat(wall)
    assert due_on(local.date(), local.time(), ZoneInfo(zone)) == at(due)


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("2026-11-23 12:59:59", "2026-11-23 13:00"),
        ("2026-11-23 13:00", "2026-11-24 13:00"),
        ("2026-11-23 05:59", "2026-11-23 13:00"),  # still the 22nd in Chicago
    ],
)
def test_the_next_due_time_is_later_than_the_instant(after: str, due: str) -> None:
    assert next_due(dt.time(7), ZoneInfo("America/Chicago"), at(after)) == at(due)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-23 13:00", "2026-11-23 13:00"),
        ("2026-11-23 12:59:59", "2026-11-22 13:00"),
        ("2026-11-24 05:30", "2026-11-23 13:00"),
    ],
)
def test_the_last_due_time_has_come(now: str, due: str) -> None:
    assert last_due(dt.time(7), ZoneInfo("America/Chicago"), at(now)) == at(due)


def test_in_the_repeated_hour_it_is_due_once() -> None:
    zone, wall = ZoneInfo("America/Chicago"), dt.time(1, 30)
    first = next_due(wall, zone, at("2026-11-01 00:00"))
    assert next_due(wall, zone, first) == at("2026-11-02 07:30")


ZONES = ["America/Chicago", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana", "Asia/Kathmandu"]


@given(
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    send_at=st.times().map(lambda time: time.replace(microsecond=0)),
    moment=st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2028, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC)),
)
def test_due_times_follow_one_another_without_gap_or_overlap(
    zone: ZoneInfo, send_at: dt.time, moment: dt.datetime
) -> None:
    last, upcoming = last_due(send_at, zone, moment), next_due(send_at, zone, moment)
    assert last <= moment < upcoming
    assert next_due(send_at, zone, last) == upcoming
    assert upcoming.astimezone(zone).date() - last.astimezone(zone).date() == dt.timedelta(days=1)
    assert is_due_time(upcoming, send_at, zone)
    assert not is_due_time(upcoming + dt.timedelta(seconds=1), send_at, zone)


def test_the_mail_covers_the_day_before_the_due_day_in_the_fleets_zone() -> None:
    seven_in_chicago = at("2026-11-23 13:00")
    assert covered_day(seven_in_chicago, ZoneInfo("America/Chicago")) == dt.date(2026, 11, 22)
    assert covered_day(seven_in_chicago, ZoneInfo("Pacific/Kiritimati")) == dt.date(2026, 11, 23)
