"""The hours of trucks in blocks: whatever changes, they are the sums of the days there are, to a group and a fleet."""

import datetime as dt
import random
from types import SimpleNamespace
from typing import Any

import pytest

from apps.accounts.models import Fleet
from apps.fleet import queries
from apps.fleet.models import FleetDayHours, TruckBlock, TruckDayHours
from apps.fleet.spans import as_days
from apps.fleet.summaries import hours
from apps.fleet.sums import queries as sum_queries
from apps.fleet.utilization import queries as utilization_queries
from apps.fleet.utilization.hours import by_weekday, by_weekday_of_trucks, of_trucks, pack
from apps.mysql import fetch_all_sync
from apps.trucks.detection.motion import Seconds
from apps.trucks.models import TruckGroup
from tests import rows
from tests.fleet import hours_twin as twin
from tests.fleet.filling import fill
from tests.fleet.four_trucks import FIRST, LAST, TRUCKS, four_trucks
from tests.fleet.four_trucks import of_group as read_of_group
from tests.lasting import Lasting, anew

ONE = dt.timedelta(days=1)
Days = dict[tuple[int, dt.date], bytes]


def spent(chance: random.Random) -> bytes:
    values = [(chance.randrange(24), Seconds(*(chance.randrange(7_200) for _ in range(5)))) for _ in range(3)]
    return pack(values, chance.random() < 0.7)


def replace(fleet: Fleet, days: Days) -> None:
    """As a rebuild does."""
    made: Any = [
        SimpleNamespace(truck_id=pk, result=SimpleNamespace(day=day), hours=packed)
        for (pk, day), packed in days.items()
    ]
    hours.replace(fleet.pk, made)


def two_fifths_of_the_days() -> Fleet:
    """Of four months, of four trucks."""
    made, chance = four_trucks(), random.Random(3)
    keys = [(pk, FIRST + number * ONE) for pk in TRUCKS for number in range(-20, 110)]
    replace(made, {key: spent(chance) for key in keys if chance.random() < 0.4})
    return made


@pytest.fixture(scope="module")
def once(lasting: Lasting[Fleet]) -> Fleet:
    return lasting(two_fifths_of_the_days)


@pytest.fixture
def fleet(db: None, once: Fleet) -> Fleet:
    return anew(once)


def of_group(name: str, first: dt.date, last: dt.date) -> list[list[int]]:
    found = read_of_group(sum_queries.HOURS_OF_GROUP, name, first, last)
    return of_trucks((row["hours"], row["mask"]) for row in found).tolist()


def plainly(first: dt.date, last: dt.date, trucks: Any = TRUCKS) -> list[list[int]]:
    """By hour, over the rows of the days."""
    found = [[0] * 6 for _ in range(24)]
    for row in TruckDayHours.objects.filter(day__range=(first, last), truck_id__in=trucks):
        for hour, states in zip(found, twin.hours_of(row.hours), strict=True):
            values = [*states.values(), states["moving_s"] if row.hours[0] else 0]
            hour[:] = [one + other for one, other in zip(hour, values, strict=True)]
    return found


def test_days_in_any_order_twice_late_and_gone_come_to_the_same(fleet: Fleet) -> None:
    chance = random.Random(8)
    for _ in range(6):
        keys = list(TruckDayHours.objects.values_list("truck_id", "day"))
        replace(fleet, {key: spent(chance) for key in chance.sample(keys, chance.choice((1, 2, 40)))})
        gone = chance.sample(keys, 3)
        for truck_id, day in gone:
            TruckDayHours.objects.filter(truck_id=truck_id, day=day).delete()
        hours.add_up(fleet.pk, gone)
    twin.assert_hours_packed(fleet.pk)
    other = rows.fleet("The same at once")
    days = {(row.truck_id, row.day): bytes(row.hours) for row in TruckDayHours.objects.filter(fleet_id=fleet.pk)}
    replace(other, days)
    assert packed(other) == packed(fleet)
    fleet_days = [
        dict(FleetDayHours.objects.filter(fleet_id=each.pk).values_list("day", "hours")) for each in (fleet, other)
    ]
    assert fleet_days[0] == fleet_days[1]
    TruckDayHours.objects.filter(fleet_id=fleet.pk).delete()
    hours.add_up(fleet.pk, list(days))
    assert packed(fleet) == {}
    assert not FleetDayHours.objects.filter(fleet_id=fleet.pk).exists()
    assert packed(other), "of this fleet alone"


def packed(fleet: Fleet) -> dict[Any, bytes]:
    return {block.pk[1:]: bytes(block.hours) for block in TruckBlock.objects.filter(fleet_id=fleet.pk)}


def test_a_quarter_is_the_sum_of_its_days_and_a_group_of_all_is_the_fleet(fleet: Fleet) -> None:
    for days in ((FIRST, LAST), (FIRST, FIRST), (FIRST, FIRST + 6 * ONE), (FIRST - 12 * ONE, LAST + 18 * ONE)):
        assert of_group("All", *days) == plainly(*days)
        assert of_group("Some", *days) == plainly(*days, trucks=TRUCKS[1:3])
        found = fetch_all_sync(utilization_queries.HOURS, queries.period(fleet.pk, *days))
        of_fleet = by_weekday((row["day"], row["hours"]) for row in found)
        assert of_fleet.sum(axis=0).tolist() == plainly(*days)
        where = {"fleet": fleet.pk, "id": TruckGroup.objects.get(name="All").pk, **as_days(*days)}
        by_day = fetch_all_sync(sum_queries.HOURS_OF_GROUP, where)
        assert (by_weekday_of_trucks((row["first_day"], row["hours"], row["mask"]) for row in by_day) == of_fleet).all()


def test_a_day_whose_hours_are_the_same_writes_none(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it costs may be another."""
    written: list[Any] = []
    monkeypatch.setattr(hours.blocks, "replace_hours", lambda fleet_id, changed: written.extend(changed))
    days = {(row.truck_id, row.day): bytes(row.hours) for row in TruckDayHours.objects.all()}
    replace(fleet, days)
    assert written == []
    key = min(days)
    replace(fleet, days | {key: spent(random.Random(99))})
    assert written == [key]


def test_the_migration_packs_the_hours_there_are_as_a_rebuild_does(fleet: Fleet) -> None:
    before = list(TruckBlock.objects.order_by("pk").values())
    TruckBlock.objects.all().delete()
    fill("0004_hours_by_truck")
    assert list(TruckBlock.objects.order_by("pk").values()) == before
