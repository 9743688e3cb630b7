"""Which days are sealed under a floor."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from apps.accounts.calendar import day_start
from apps.trucks.messages.sealing import first_open_day, is_sealed

DAY = dt.date(2026, 3, 10)
NEXT = dt.date(2026, 3, 11)


@pytest.mark.parametrize("zone", [ZoneInfo("America/Chicago"), ZoneInfo("UTC"), ZoneInfo("Australia/Lord_Howe")])
def test_a_day_that_begins_before_the_floor_is_sealed(zone: ZoneInfo) -> None:
    midnight = day_start(DAY, zone)
    assert not is_sealed(DAY, midnight, zone)
    assert first_open_day(midnight, zone) == DAY
    for floor in (midnight + 1, day_start(NEXT, zone)):
        assert is_sealed(DAY, floor, zone)
        assert first_open_day(floor, zone) == NEXT


def test_without_a_floor_no_day_is_sealed() -> None:
    assert not is_sealed(dt.date.min, None, ZoneInfo("UTC"))
    assert first_open_day(None, ZoneInfo("UTC")) == dt.date.min
