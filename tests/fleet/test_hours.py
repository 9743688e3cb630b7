"""The hours of a day add up to it, whatever the clocks do."""

import datetime as dt
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.accounts.calendar import clock_hours, day_bounds
from apps.fleet.utilization.hours import (
    STATES,
    SUMS,
    by_weekday,
    by_weekday_of_truck,
    by_weekday_of_trucks,
    merged,
    of_trucks,
    pack,
    pack_block,
    sum_up,
    sums_of_hours,
    unpack,
)
from apps.trucks.detection.motion import Seconds
from tests.fleet import hours_twin as twin

ZONES = ("UTC", "America/Chicago", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns")
DAYS = st.dates(dt.date(2000, 1, 1), dt.date(2030, 12, 31))


@settings(deadline=None)
@given(day=DAYS, zone=st.sampled_from(ZONES))
def test_every_second_of_a_day_is_in_the_hour_that_the_clock_shows(day: dt.date, zone: str) -> None:
    start, end = day_bounds(day, ZoneInfo(zone))
    hours = clock_hours(start, end, ZoneInfo(zone))
    assert [start, *(hour.end for hour in hours)] == [*(hour.start for hour in hours), end]
    for hour, first, until in hours:
        for t in (first, (first + until) // 2, until - 1):
            assert dt.datetime.fromtimestamp(t, ZoneInfo(zone)).hour == hour


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        ("2026-03-08", "America/Chicago", {1: 3_600, 2: None, 3: 3_600}),  # forward at two
        ("2026-11-01", "America/Chicago", {0: 3_600, 1: 7_200, 2: 3_600}),  # back at two
        ("2026-04-05", "Australia/Lord_Howe", {1: 5_400, 2: 3_600}),  # back by half an hour at two
        ("2007-11-04", "America/St_Johns", {0: 3_660, 23: 7_140}),  # back over midnight, at one past it
    ],
)
def test_an_hour_that_comes_twice_is_longer_and_one_that_does_not_come_is_left_out(
    day: str, zone: str, expected: dict[int, int | None]
) -> None:
    lengths: dict[int, int] = {}
    for hour, start, end in clock_hours(*day_bounds(dt.date.fromisoformat(day), ZoneInfo(zone)), ZoneInfo(zone)):
        lengths[hour] = lengths.get(hour, 0) + end - start
    assert {hour: lengths.get(hour) for hour in expected} == expected


def always(state: str) -> bytes:
    """An autumn day in Chicago, of 25 hours, all in one state."""

    def seconds(start: int, end: int) -> Seconds:
        spent = dict.fromkeys(("moving", "idle", "productive", "parked", "no_data"), 0) | {state: end - start}
        return Seconds(**spent)

    zone = ZoneInfo("America/Chicago")
    hours = clock_hours(*day_bounds(dt.date(2026, 11, 1), zone), zone)
    return pack([(hour, seconds(start, end)) for hour, start, end in hours], state != "parked")


def test_a_truck_s_day_says_what_each_hour_held() -> None:
    hours = unpack(always("moving"))
    assert [hour["moving_s"] for hour in hours] == [3_600, 7_200, *[3_600] * 22]
    assert {name: sum(hour[name] for hour in hours) for name in STATES} == {
        "moving_s": 90_000, "idle_s": 0, "idle_productive_s": 0, "parked_s": 0, "no_data_s": 0,
    }  # fmt: skip
    assert hours == twin.hours_of(always("moving"))


def test_a_fleet_s_hour_is_that_of_its_trucks_and_knows_whose_engine_is_measured() -> None:
    packed = sum_up(
        [pack_block([(70, always("moving")), (64, always("parked"))]), b"", pack_block([(3, always("moving"))])]
    )
    assert twin.fleet_hours_of(packed)[1] == {
        "moving_s": 14_400, "idle_s": 0, "idle_productive_s": 0, "parked_s": 7_200, "no_data_s": 0,
        "engine_moving_s": 14_400,
    }  # fmt: skip


def test_days_are_added_up_by_weekday_and_by_hour() -> None:
    sunday, monday = dt.date(2026, 11, 1), dt.date(2026, 11, 2)
    packed = sum_up([pack_block([(5, always("moving"))])])
    table = by_weekday([(sunday, packed), (monday, packed), (sunday - dt.timedelta(days=7), packed)])
    moving = table[:, :, SUMS.index("moving_s")].sum(axis=1).tolist()
    assert moving == [90_000, 0, 0, 0, 0, 0, 180_000]
    assert [hour["moving_s"] for hour in sums_of_hours(table)] == [10_800, 21_600, *[10_800] * 22]


def test_no_days_are_no_seconds() -> None:
    assert {value for hour in sums_of_hours(by_weekday([])) for value in hour.values()} == {0}


# --- blocks of trucks -----------------------------------------------------------------------------------------------

SECONDS = st.builds(Seconds, *[st.integers(0, 7_200)] * 5)
HOURS = st.lists(st.tuples(st.integers(0, 23), SECONDS), max_size=4, unique_by=lambda hour: hour[0])
DAY = st.builds(pack, HOURS, st.booleans())
BLOCK = st.dictionaries(st.sampled_from((64, 70, 127)), DAY, max_size=3)


@settings(deadline=None)
@given(st.lists(st.tuples(BLOCK, st.sets(st.sampled_from((0, 6, 63)))), max_size=4))
def test_blocks_add_up_over_some_of_their_trucks_to_the_second(blocks: list[Any]) -> None:
    packed = [(pack_block(trucks.items()), sum(1 << slot for slot in slots)) for trucks, slots in blocks]
    days = [(truck % 64, day) for trucks, _ in blocks for truck, day in trucks.items()]
    counted = [day for trucks, slots in blocks for truck, day in trucks.items() if truck % 64 in slots]
    assert of_trucks(packed).tolist() == plainly(counted)
    assert twin.fleet_hours_of(sum_up(block for block, _ in packed)) == named(plainly(day for _, day in days))
    half = len(packed) // 2
    together = merged([merged(block for block, _ in packed[:half]), *(block for block, _ in packed[half:])])
    expected = {slot: named(plainly(day for other, day in days if other == slot)) for slot, _ in days}
    assert twin.block_hours_of(together) == expected


def plainly(days: Iterable[bytes]) -> list[list[int]]:
    """By hour the sums by state, and the moving time of measured engines."""
    found = [[0] * 6 for _ in range(24)]
    for day in days:
        for hour, states in zip(found, twin.hours_of(day), strict=True):
            values = [*states.values(), states["moving_s"] if day[0] else 0]
            hour[:] = [one + other for one, other in zip(hour, values, strict=True)]
    return found


def named(table: list[list[int]]) -> list[dict[str, int]]:
    return [dict(zip((*twin.STATES, "engine_moving_s"), hour, strict=True)) for hour in table]


def test_numbers_that_no_longer_fit_into_two_bytes_take_four() -> None:
    block = pack_block([(7, always("moving"))])
    month = merged([block] * 19)
    assert (block[0], merged([block] * 9)[0], month[0]) == (2, 2, 4)  # 9 × 7,200 is less than 2^16, 10 × is more
    assert [hour["moving_s"] for hour in twin.block_hours_of(month)[7]] == [68_400, 136_800, *[68_400] * 22]
    assert merged([]) == merged([b""]) == pack_block([]) == b""


def test_days_of_blocks_and_of_a_truck_are_by_weekday_too() -> None:
    sunday, monday = dt.date(2026, 11, 1), dt.date(2026, 11, 2)
    block = pack_block([(5, always("moving")), (6, always("idle"))])
    table = by_weekday_of_trucks([(sunday, block, 1 << 5), (monday, block, 1 << 6), (monday, block, 0)])
    assert table.sum(axis=1)[:, :2].tolist() == [[0, 90_000], *[[0, 0]] * 5, [90_000, 0]]
    assert (by_weekday_of_truck([(sunday, always("moving")), (monday, always("idle"))]) == table).all()
