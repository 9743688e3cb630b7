"""Drivers in blocks of their own, and all of them together: whatever changes, they are those of the trucks' days."""

import datetime as dt
import random
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from asgiref.sync import async_to_sync

from apps.accounts.models import Fleet
from apps.fleet import queries
from apps.fleet.models import DriverBlock, FleetBlock, TruckBlock, TruckDayDriver
from apps.fleet.summaries import sums
from apps.fleet.sums import drivers as driver_sums
from apps.fleet.sums.blocks import DRIVER_FIGURES
from apps.fleet.sums.drivers import Drivers
from apps.fleet.sums.summed import Listing
from apps.trucks import remembered
from apps.trucks.models import Driver, FactsRevision, SummaryRevision, Truck, TruckDay
from tests import rows
from tests.fleet.driver_twin import assert_packed_by_driver
from tests.fleet.driver_twin import sums as sums_of
from tests.fleet.filling import fill
from tests.statements import sent_statements

FIRST, LAST = dt.date(2026, 1, 28), dt.date(2026, 3, 3)
ONE = dt.timedelta(days=1)
TRUCKS = (70, 127, 128, 200)
DRIVERS = (0, 1, 63, 64, 65, 130)  # nobody among them
NOBODY_KNOWN = Listing(np.zeros(1, np.int64), [None], [None])
page, total, of_drivers, together_in = map(
    async_to_sync, (driver_sums.page, driver_sums.total, driver_sums.of_drivers, driver_sums.together_in)
)


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    """Trucks of three blocks, driven by drivers of three, each day by one or two of them."""
    remembered.forget()
    made, chance = rows.fleet(timezone="UTC"), random.Random(3)
    trucks = [rows.truck(made, f"T-{pk}", id=pk) for pk in TRUCKS]
    for number, pk in enumerate(DRIVERS[1:]):
        rows.driver(made, f"Driver {number}", id=pk)
    days = [(truck, FIRST + n * ONE) for truck in trucks for n in range(0, 35, 2)]
    for truck, day in days:
        rows.truck_day(truck, day)
        driven(chance, truck.pk, day)
    add_up(made, [(truck.pk, day) for truck, day in days])
    rows.forget_unsummed()
    return made


def driven(chance: random.Random, truck_id: int, day: dt.date) -> None:
    """Other drivers have the truck on that day, each with figures of their own."""
    TruckDayDriver.objects.filter(truck_id=truck_id, day=day).delete()
    truck = Truck.objects.get(pk=truck_id)
    for driver_id in chance.sample(DRIVERS, chance.choice((1, 1, 2))):
        values = {name: chance.choice((None, chance.randrange(9_000))) for name in ("distance_m", "idle_s", "trips")}
        values |= {"max_speed_kmh": chance.choice((None, 80.5, 90.0)), "fuel_used_l": chance.choice((None, 7.25))}
        rows.driver_day(truck, driver_id and Driver.objects.get(pk=driver_id), day, **values)


def add_up(fleet: Fleet, days: list[tuple[int, dt.date]]) -> None:
    revision = SummaryRevision.objects.get_or_create(fleet_id=fleet.pk, defaults={"changed_at": rows.NOON})[0]
    sums.of_days(fleet.pk, days, revision)


def assert_packed(fleet: Fleet) -> None:
    assert_packed_by_driver(fleet.pk, list(TruckDayDriver.objects.filter(fleet_id=fleet.pk)))


def test_whoever_drove_instead_days_that_change_and_that_go_come_to_the_same(fleet: Fleet) -> None:
    assert_packed(fleet)
    chance = random.Random(5)
    for _ in range(8):
        days = chance.sample(list(TruckDay.objects.values_list("truck_id", "day")), chance.choice((2, 3, 30)))
        for truck_id, day in days[1:]:
            driven(chance, truck_id, day)
        for model in (TruckDay, TruckDayDriver):
            model.objects.filter(truck_id=days[0][0], day=days[0][1]).delete()
        add_up(fleet, days)
        assert_packed(fleet)
    gone = list(TruckDay.objects.values_list("truck_id", "day"))
    for model in (TruckDay, TruckDayDriver):
        model.objects.all().delete()
    add_up(fleet, gone)
    assert not DriverBlock.objects.exists()
    assert not any(FleetBlock.objects.values_list("driver_totals", flat=True))


def test_only_blocks_of_drivers_of_whom_anything_differs_are_written(fleet: Fleet) -> None:
    """Not those of the others who drove the same trucks."""
    row = TruckDayDriver.objects.filter(driver_id=130).first()
    assert row is not None
    DriverBlock.objects.update(drivers=b"")  # what is written anew has something in it
    TruckDayDriver.objects.filter(truck_id=row.truck_id, day=row.day, driver_id=130).update(trips=77)
    add_up(fleet, [(row.truck_id, row.day)])
    assert {block.block for block in DriverBlock.objects.all() if block.drivers} == {2}
    add_up(fleet, [(row.truck_id, row.day)])
    assert {block.block for block in DriverBlock.objects.all() if block.drivers} == {2}


def where(first: dt.date, last: dt.date, fleet_id: int) -> dict[str, Any]:
    return queries.period(fleet_id, first, last)


PERIODS = [(FIRST, LAST), (FIRST, FIRST), (FIRST + 4 * ONE, LAST - ONE), (LAST + ONE, LAST + 9 * ONE)]


def test_pages_have_the_drivers_that_the_whole_list_has_and_nobody_last(fleet: Fleet) -> None:
    for (first, last), limit in product(PERIODS, (1, 2, 9)):
        asked, earlier = where(first, last, fleet.pk), where(FIRST - 5 * ONE, first - ONE, fleet.pk)
        found, before = all_pages(asked, earlier, limit)
        assert found == driver_sums.every_sync(asked).rows()
        true = driver_sums.sums_sync(earlier)
        assert before == [true.get(row["id"], {}).get("distance_m") for row in found]


def all_pages(asked: dict[str, Any], earlier: dict[str, Any], limit: int) -> tuple[list[Any], list[float | None]]:
    """Their rows, and the distances of the period before."""
    found: list[Any] = []
    before: list[float | None] = []
    while True:
        drivers, sums_before = page(asked, earlier, 0, found[-1]["code"] if found else "", limit)
        found += drivers.rows()
        before += [None if value != value else value for value in sums_before.of(drivers.ids)["distance_m"].tolist()]
        if len(drivers) < limit or drivers.codes[-1] is None:
            return found, before


def test_all_drivers_together_some_of_them_and_nobody(fleet: Fleet) -> None:
    for first, last in PERIODS:
        asked, days = where(first, last, fleet.pk), list(TruckDayDriver.objects.filter(day__range=(first, last)))
        assert total(asked) == added(days, DRIVERS[1:])
        for drivers in ([63, 64], [130], [], [7]):
            assert total(asked, drivers) == added(days, drivers)
        nobody = Drivers.with_or_without(NOBODY_KNOWN, together_in(asked).nobody)
        assert nobody.rows()[0].items() >= added(days, [0]).items()
        assert len(together_in(asked).nobody.ids) == bool(added(days, [0])["days"])


def added(days: list[TruckDayDriver], drivers: Sequence[int]) -> dict[str, Any]:
    own = [row for row in days if row.driver_id in drivers]
    summed = {**sums_of(own), "days": len(own)} if own else {}
    return {name: summed.get(name) for name in driver_sums.NAMES}


def test_of_drivers_it_is_told_which_trucks_they_had(fleet: Fleet) -> None:
    asked = where(FIRST, LAST, fleet.pk)
    for drivers in ([1], [63, 130], [7], []):
        now, _, codes_of = of_drivers(asked, asked, 0, np.array(drivers, np.int64))
        assert set(now.ids) >= {pk for pk in drivers if pk != 7}
        had = [TruckDayDriver.objects.filter(driver_id=pk).values_list("truck_id", flat=True) for pk in drivers]
        assert codes_of(np.array(drivers, np.int64)) == [sorted({f"T-{truck_id}" for truck_id in each}) for each in had]


def test_a_page_reads_its_own_blocks_by_their_whole_keys(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = sent_statements(monkeypatch)
    page(where(FIRST, LAST, fleet.pk), where(FIRST, LAST, fleet.pk), 0, "", 1)
    assert [statement for statement in sent if "truck_" in statement] == []
    [now, before] = [statement for statement in sent if "driver_block" in statement]
    assert "block BETWEEN 0 AND 0" in now and "block BETWEEN 0 AND 0" in before
    assert "first_day BETWEEN" not in now


def test_one_fleet_never_sees_anothers_drivers(fleet: Fleet) -> None:
    other = rows.fleet("Other", timezone="UTC")
    asked = where(FIRST, LAST, other.pk)
    assert len(page(asked, asked, 0, "", 9)[0]) == 0
    assert total(asked)["days"] is None and total(asked, list(DRIVERS))["days"] is None


def test_the_migration_packs_the_drivers_there_are_as_a_rebuild_does(fleet: Fleet) -> None:
    FactsRevision.objects.all().delete()
    before = [list(model.objects.order_by("pk").values()) for model in (DriverBlock, TruckBlock, FleetBlock)]
    DriverBlock.objects.all().delete()
    for model in (TruckBlock, FleetBlock):
        model.objects.update(driver_totals=b"")
    fill("0007_blocks_of_drivers", WIDTH=2 + len(DRIVER_FIGURES))
    assert [list(model.objects.order_by("pk").values()) for model in (DriverBlock, TruckBlock, FleetBlock)] == before
