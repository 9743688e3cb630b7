"""The sums of trucks by day of the week in blocks: whatever changes, they are those of the days there are."""

import datetime as dt
import math
import random
import struct
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.accounts.models import Fleet
from apps.fleet.models import TruckBlock, TruckDayDriver
from apps.fleet.summaries import sums
from apps.fleet.sums import blocks, weekdays
from apps.fleet.sums import queries as sum_queries
from apps.trucks.models import SummaryRevision, TruckDay
from tests import rows
from tests.fleet.filling import fill
from tests.fleet.four_trucks import FIRST, LAST, TRUCKS, four_trucks
from tests.fleet.four_trucks import of_group as read_of_group
from tests.fleet.span_twin import sums as sums_of_days
from tests.fleet.span_twin import total
from tests.lasting import Lasting, anew

ONE = dt.timedelta(days=1)
MONDAY = dt.date(2026, 3, 2)
VALUE = st.none() | st.integers(0, 90_000)
TRUCK_DAYS = st.dictionaries(st.integers(192, 255), st.lists(VALUE, min_size=16, max_size=16), max_size=4)


def figures(trucks: dict[int, list[Any]]) -> bytes:
    """A day's block; nothing is known of what has no weekday."""
    named = [dict(zip(weekdays.SUMS, (1, *values), strict=True)) for _, values in sorted(trucks.items())]
    return blocks.pack([
        [truck, *(row.get(name) for name in blocks.FIGURES)]
        for truck, row in zip(sorted(trucks), named, strict=True)
    ])  # fmt: skip


@settings(deadline=None)
@given(
    st.dictionaries(st.integers(0, 20), st.tuples(TRUCK_DAYS, st.integers(0, 3)), max_size=8),
    st.sets(st.integers(0, 63)),
)
def test_days_add_up_whatever_they_are_taken_together_with(days: Any, slots: set[int]) -> None:
    """Of some trucks, from the days, or from three spans that these are divided into at random."""
    bits = sum(1 << slot for slot in slots)
    packed = {number: weekdays.of_day(MONDAY + number * ONE, figures(trucks)) for number, (trucks, _) in days.items()}
    spans = [weekdays.merged(packed[number] for number, (_, span) in days.items() if span == each) for each in range(4)]
    flat = [
        (number % 7, [1, *values])
        for number, (trucks, _) in days.items()
        for truck, values in trucks.items()
        if truck % 64 in slots
    ]
    expected = [
        {
            "weekday": weekday,
            **{
                name: total(values[place] for other, values in flat if other == weekday)
                for place, name in enumerate(weekdays.SUMS)
            },
        }
        for weekday in sorted({number for number, _ in flat})
    ]
    assert weekdays.added_up((each, bits) for each in packed.values()) == expected
    assert weekdays.added_up((each, bits) for each in spans) == expected
    assert weekdays.merged(spans) == weekdays.merged(packed.values()), "a month from its pentads or its days"


def test_seconds_of_a_month_are_exact() -> None:
    """Five Sundays of twenty-five hours, of sixty-four trucks that each lack one."""
    longest = {truck: [90_000 - truck] * 16 for truck in range(64)}
    month = weekdays.merged([weekdays.of_day(MONDAY, figures(longest))] * 5)
    [row] = weekdays.added_up([(month, 2**64 - 1)] * 12)
    assert (row["trucks"], row["moving_s"]) == (60 * 64, 60 * sum(90_000 - truck for truck in range(64)))
    assert np.finfo(np.float32).nmant >= math.ceil(math.log2(5 * 90_000))


def test_nothing_packed_is_nothing() -> None:
    assert weekdays.of_day(MONDAY, b"") == weekdays.merged([]) == weekdays.merged([b"", b""]) == b""
    assert weekdays.added_up([(b"", 1)]) == []
    assert weekdays.added_up([(weekdays.of_day(MONDAY, figures({192: [1] * 16})), 0)]) == [], "no truck counts"


# --- in the database ------------------------------------------------------------------------------------------------


def a_third_of_the_days() -> Fleet:
    """Of four months, of four trucks, one without engine."""
    made, chance = four_trucks(), random.Random(3)
    keys = [
        (truck, FIRST + number * ONE)
        for truck in made.trucks.order_by("pk")
        for number in range(-12, 108)
        if chance.random() < 0.35
    ]
    for truck, day in keys:
        rows.truck_day(truck, day, **spent(chance, truck.pk != 60), is_used=chance.random() < 0.7)
    add_up(made, [(truck.pk, day) for truck, day in keys])
    return made


def spent(chance: random.Random, has_engine: bool) -> dict[str, Any]:
    moving, idle, no_data = (chance.randrange(20_000) for _ in range(3))
    parked = 86_400 - moving - no_data - (idle if has_engine else 0)
    engine = {"idle_s": idle, "idle_productive_s": idle // 3, "engine_on_s": moving + idle}
    return {
        **(engine if has_engine else dict.fromkeys(engine)),
        **{"moving_s": moving, "no_data_s": no_data, "parked_s": parked, "available_s": chance.choice((0, 43_200))},
    }


def add_up(fleet: Fleet, days: list[tuple[int, dt.date]]) -> None:
    revision, _ = SummaryRevision.objects.get_or_create(
        fleet_id=fleet.pk, defaults={"revision": 1, "changed_at": rows.NOON}
    )
    sums.of_days(fleet.pk, days, revision)


@pytest.fixture(scope="module")
def once(lasting: Lasting[Fleet]) -> Fleet:
    return lasting(a_third_of_the_days)


@pytest.fixture
def fleet(db: None, once: Fleet) -> Fleet:
    return anew(once)


def of_group(name: str, first: dt.date, last: dt.date) -> list[dict[str, Any]]:
    found = read_of_group(sum_queries.WEEKDAYS_OF_GROUP, name, first, last)
    return weekdays.added_up((row["weekdays"], row["mask"]) for row in found)


def plainly(first: dt.date, last: dt.date, trucks: Any = TRUCKS) -> list[dict[str, Any]]:
    """Over the rows of the days, one after the other."""
    days: defaultdict[int, list[TruckDay]] = defaultdict(list)
    for row in TruckDay.objects.filter(day__range=(first, last), truck_id__in=trucks):
        days[row.day.weekday()].append(row)
    found = [(weekday, sums_of_days(each)) for weekday, each in sorted(days.items())]
    return [{"weekday": weekday, **{name: row[name] for name in weekdays.SUMS}} for weekday, row in found]


def test_a_group_by_weekday_is_the_sum_of_its_days(fleet: Fleet) -> None:
    for days in ((FIRST, LAST), (FIRST, FIRST), (FIRST, FIRST + 6 * ONE), (FIRST - 12 * ONE, LAST + 18 * ONE)):
        assert of_group("All", *days) == plainly(*days)
        assert of_group("Some", *days) == plainly(*days, trucks=TRUCKS[1:3])


def test_days_changed_late_and_gone_come_to_the_same(fleet: Fleet) -> None:
    chance = random.Random(8)
    for _ in range(6):
        days = chance.sample(list(TruckDay.objects.all()), chance.choice((1, 2, 40)))
        for row in days[:-1]:
            TruckDay.objects.filter(truck_id=row.truck_id, day=row.day).update(**spent(chance, row.truck_id != 60))
        for model in (TruckDay, TruckDayDriver):
            model.objects.filter(truck_id=days[-1].truck_id, day=days[-1].day).delete()
        add_up(fleet, [(row.truck_id, row.day) for row in days])
        assert_packed(fleet)
        assert of_group("All", FIRST, LAST) == plainly(FIRST, LAST)
    gone = list(TruckDay.objects.values_list("truck_id", "day"))
    for model in (TruckDay, TruckDayDriver):
        model.objects.all().delete()
    add_up(fleet, gone)
    assert not TruckBlock.objects.filter(fleet_id=fleet.pk).exists()


def assert_packed(fleet: Fleet) -> None:
    """Each block has the weekdays of the figures in its days, read byte by byte."""
    days: defaultdict[Any, defaultdict[Any, list[TruckDay]]] = defaultdict(lambda: defaultdict(list))
    for row in TruckDay.objects.filter(fleet_id=fleet.pk):
        pentad = row.day.replace(day=max(start for start in (1, 6, 11, 16, 21, 26) if start <= row.day.day))
        for span, first in (("day", row.day), ("pentad", pentad), ("month", row.day.replace(day=1))):
            days[span, first, row.truck_id // 64][row.day.weekday(), row.truck_id % 64].append(row)
    packed = {row.pk[1:]: bytes(row.weekdays) for row in TruckBlock.objects.filter(fleet_id=fleet.pk)}
    assert packed.keys() == days.keys()
    for key, each in days.items():
        true = {place: sums_of_days(found) for place, found in each.items()}
        assert read(packed[key]) == {place: [row[name] for name in weekdays.SUMS] for place, row in true.items()}, key


def read(packed: bytes) -> dict[tuple[int, int], list[int | None]]:
    """By weekday and slot the sums, of those that there are."""
    numbers = [weekday for weekday in range(7) if packed[0] >> weekday & 1]
    width = len(numbers) * len(weekdays.SUMS) * 4
    trucks, rest = divmod(len(packed) - 1, 1 + width)
    assert rest == 0
    slots = packed[1 : 1 + trucks]
    values = [None if math.isnan(value) else int(value) for (value,) in struct.iter_unpack("<f", packed[1 + trucks :])]
    found: defaultdict[tuple[int, int], list[int | None]] = defaultdict(list)
    for place, value in enumerate(values):
        column, truck = divmod(place, trucks)
        found[numbers[column // len(weekdays.SUMS)], slots[truck]].append(value)
    return {place: row for place, row in found.items() if row[0] is not None}


def test_the_migration_packs_the_weekdays_there_are_as_a_rebuild_does(fleet: Fleet) -> None:
    before = list(TruckBlock.objects.order_by("pk").values())
    assert any(row["weekdays"] for row in before)
    TruckBlock.objects.update(weekdays=b"")
    fill("0006_weekdays_by_truck", WIDTH=1 + len(blocks.FIGURES))
    assert list(TruckBlock.objects.order_by("pk").values()) == before
