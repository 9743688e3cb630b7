"""A truck's day among its drivers, in the database: to the cent, and only the days that a change touches."""

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import CostRate, TruckDayDriver, TruckDayDriverCost, TruckDayFuel, TruckSpanDriver
from apps.fleet.summaries import driver_shares
from apps.trucks import drivers, invalidation
from apps.trucks.detection import driver_parts
from apps.trucks.models import Driver, DriverAssignment, SummaryRevision, Trip, Truck, TruckDay, TruckSync
from tests import rows
from tests.fleet.driver_twin import assert_drivers_add_up
from tests.fleet.shifts import MONDAY, NOW, TUESDAY, WEDNESDAY, shift
from tests.fleet.test_ledger import booked, entry, rate
from tests.lasting import Lasting, anew
from tests.pipeline import feed

pytestmark = pytest.mark.django_db


def one_truck() -> Fleet:
    """A truck that drives from 8:00 to 10:00 each day, 120 km and 30 l, and then idles for an hour; Monday on."""
    made = rows.fleet(timezone="UTC", currency="EUR")
    rows.price(made, MONDAY, "1.50")
    feed.receive(feed.truck_of(made, "T-0"), shift(), NOW)
    assert summaries.rebuild(made).failed == 0
    return made


@pytest.fixture(scope="module")
def once(lasting: Lasting[Fleet]) -> Fleet:
    return lasting(one_truck)


@pytest.fixture
def fleet(db: None, once: Fleet) -> Fleet:
    return anew(once)


@pytest.fixture(autouse=True)
def drivers_add_up(db: None) -> Iterator[None]:
    yield
    if not connection.needs_rollback:
        for fleet in Fleet.objects.all():
            assert_drivers_add_up(fleet.pk)


def clock(day: dt.date, hour: float) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC) + dt.timedelta(hours=hour)


def entered(driver: Driver, since: dt.datetime, until: dt.datetime | None = None) -> int:
    """How many truck-days it changes that staff say who had the truck."""
    truck = Truck.objects.get(fleet=driver.fleet)
    return drivers.save(
        DriverAssignment(fleet=driver.fleet, truck=truck, driver=driver, started_at=since, ended_at=until)
    )


def by_driver(fleet: Fleet, day: dt.date, *names: str) -> dict[int, Any]:
    found = TruckDayDriver.objects.filter(fleet_id=fleet.pk, day=day).values_list("driver_id", *names)
    return {driver_id: values[0] if len(values) == 1 else values for driver_id, *values in found}


def test_without_a_known_driver_the_day_is_nobodys(fleet: Fleet) -> None:
    assert by_driver(fleet, TUESDAY, "distance_m", "trips", "length_s") == {0: [120_000, 1, 86_400]}
    assert TruckSpanDriver.objects.filter(fleet_id=fleet.pk, span="month").values_list("days", flat=True).get() == 4


def test_who_comes_at_half_past_eight_has_the_rest_of_the_day(fleet: Fleet) -> None:
    anna, ben = rows.driver(fleet, "A"), rows.driver(fleet, "B")
    assert entered(anna, clock(TUESDAY, 0), clock(TUESDAY, 8.5)) == 1
    assert entered(ben, clock(TUESDAY, 8.5), clock(WEDNESDAY, 0)) == 1
    summaries.rebuild(fleet)
    assert by_driver(fleet, TUESDAY, "distance_m", "moving_s", "idle_s", "trips") == {
        anna.pk: [30_000, 1_800, 0, 1],
        ben.pk: [90_000, 5_400, 3_600, 0],
    }
    assert by_driver(fleet, TUESDAY, "fuel_cost", "idle_cost") == {
        anna.pk: [Decimal("11.25"), Decimal("0.00")],
        ben.pk: [Decimal("33.75"), Decimal("0.00")],
    }
    assert by_driver(fleet, WEDNESDAY, "distance_m") == {0: 120_000}


def test_cents_are_divided_without_one_too_many(fleet: Fleet) -> None:
    rows.price(fleet, clock(TUESDAY, 0), "1.0001")  # 10 l are 10.001, 20 l 20.002, 30 l 30.003
    rows.price(fleet, clock(TUESDAY, 9), "1.0015")  # from there on 10 l 10.015 and 15 l 15.0225
    who = [rows.driver(fleet, name) for name in "ABC"]
    for number, driver in enumerate(who):
        entered(driver, clock(TUESDAY, 8 + number * 2 / 3), clock(TUESDAY, 8 + (number + 1) * 2 / 3))
    invalidation.mark_fleet(fleet.pk, TUESDAY, "price")
    summaries.rebuild(fleet)
    shares = by_driver(fleet, TUESDAY, "fuel_cost")
    # Until 8:40 10 l × 1.0001 = 10.00; until 9:20 15.0015 + 5 × 1.0015 = 20.01; until 10:00 15.0015 + 15.0225 = 30.02.
    assert [shares[driver.pk] for driver in who] == [Decimal("10.00"), Decimal("10.01"), Decimal("10.01")]
    assert TruckDayFuel.objects.get(fleet_id=fleet.pk, day=TUESDAY).fuel_cost == Decimal("30.02")


def test_a_change_while_the_truck_stands_is_written_though_no_trip_changes(fleet: Fleet) -> None:
    before = list(TruckDay.objects.order_by("day").values_list("day", "revision"))
    trips = list(Trip.objects.order_by("started_at").values())
    anna = rows.driver(fleet, "A")
    assert entered(anna, clock(WEDNESDAY, 20), clock(WEDNESDAY, 22)) == 1
    assert summaries.rebuild(fleet).changed == 1
    assert by_driver(fleet, WEDNESDAY, "length_s") == {0: 79_200, anna.pk: 7_200}
    assert list(Trip.objects.order_by("started_at").values()) == trips
    after = list(TruckDay.objects.order_by("day").values_list("day", "revision"))
    assert [day for (day, number), (_, old) in zip(after, before, strict=True) if number != old] == [WEDNESDAY]


def test_a_day_from_before_there_was_a_distance_with_harsh_driving_stays_as_it_is(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The column follows from what else the day has: a rebuild must not find every day of the past changed."""
    before = list(TruckDay.objects.order_by("day").values())
    monkeypatch.setattr(driver_parts, "measures_harsh", lambda day: True)
    invalidation.mark_fleet(fleet.pk, MONDAY, "test")
    assert summaries.rebuild(fleet).failed == 0
    assert list(TruckDay.objects.order_by("day").values()) == before


def test_who_is_taken_back_leaves_no_row(fleet: Fleet) -> None:
    anna = rows.driver(fleet, "A")
    entered(anna, clock(MONDAY, 6), clock(TUESDAY, 9))
    summaries.rebuild(fleet)
    assert TruckSpanDriver.objects.filter(driver_id=anna.pk).count() == 2
    assert drivers.delete(DriverAssignment.objects.get()) == 2
    summaries.rebuild(fleet)
    assert not TruckDayDriver.objects.filter(driver_id=anna.pk).exists()
    assert not TruckSpanDriver.objects.filter(driver_id=anna.pk).exists()


def borne(fleet: Fleet, day: dt.date) -> dict[tuple[int, str], str]:
    """Driver and line → amount."""
    found = TruckDayDriverCost.objects.filter(fleet_id=fleet.pk, day=day)
    return {(row.driver_id, row.line): str(row.amount) for row in found}


def shared(fleet: Fleet, hour: float = 9, day: dt.date = TUESDAY) -> tuple[Driver, Driver]:
    """Anna has the truck until an hour of the day, Ben from there on."""
    anna, ben = rows.driver(fleet, "A"), rows.driver(fleet, "B")
    entered(anna, clock(day, 0), clock(day, hour))
    entered(ben, clock(day, hour), clock(day, 24))
    return anna, ben


def test_estimates_are_divided_by_what_they_are_rates_of(fleet: Fleet) -> None:
    for line, basis in (("tolls", "per_km"), ("other", "per_engine_hour"), ("insurance", "per_day")):
        ledger.save(rate(fleet, line=line, basis=basis, amount=Decimal("3.1")))
    anna, ben = shared(fleet, 9.5)
    summaries.rebuild(fleet)
    # 90 of 120 km, 1.5 of 3 hours at work, 9.5 of 24 hours; of 3.10 a day 1.227.
    assert borne(fleet, TUESDAY) == {
        (anna.pk, "fuel"): "33.75", (ben.pk, "fuel"): "11.25",
        (anna.pk, "tolls"): "279.00", (ben.pk, "tolls"): "93.00",
        (anna.pk, "other"): "4.65", (ben.pk, "other"): "4.65",
        (anna.pk, "insurance"): "1.23", (ben.pk, "insurance"): "1.87",
    }  # fmt: skip


@pytest.mark.parametrize("is_booked_first", [True, False])
def test_shares_of_invoices_follow_who_has_the_truck(fleet: Fleet, is_booked_first: bool) -> None:
    steps = [lambda: booked(fleet, "160.00", line="tires"), lambda: shared(fleet, 8.5)]
    for step in steps if is_booked_first else steps[::-1]:
        step()
    summaries.rebuild(fleet)
    anna, ben = Driver.objects.order_by("pk")
    assert borne(fleet, TUESDAY)[anna.pk, "tires"] == "10.00"  # 30 of 120 km, of 40.00 a day
    assert borne(fleet, TUESDAY)[ben.pk, "tires"] == "30.00"
    assert borne(fleet, WEDNESDAY)[0, "tires"] == "40.00"
    for assignment in DriverAssignment.objects.all():
        drivers.delete(assignment)
    summaries.rebuild(fleet)
    assert borne(fleet, TUESDAY)[0, "tires"] == "40.00"


def test_a_day_that_one_driver_has_as_before_keeps_the_shares_that_it_bears(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    booked(fleet, "160.00", line="tires")
    anna, _ = shared(fleet, 8.5)
    summaries.rebuild(fleet)
    written: list[set[dt.date]] = []
    replace = driver_shares.replace

    def noted(fleet_id: int, days: set[dt.date], trucks: set[int]) -> None:
        written.append(days)
        replace(fleet_id, days, trucks)

    monkeypatch.setattr(driver_shares, "replace", noted)
    ledger.save(rate(fleet, line="tolls", basis="per_day", amount=Decimal(1)))  # changes every day
    summaries.rebuild(fleet)
    assert written == [{TUESDAY}]
    assert borne(fleet, TUESDAY)[anna.pk, "tires"] == "10.00"


def test_what_a_sealed_day_costs_is_divided_anew_by_who_had_the_truck(fleet: Fleet) -> None:
    ledger.save(rate(fleet, line="tolls", basis="per_km", amount=Decimal("0.1")))
    anna, ben = shared(fleet, 8.5)
    summaries.rebuild(fleet)
    TruckSync.objects.update(raw_since_t=feed.midnight(WEDNESDAY, "UTC"))
    tolls = CostRate.objects.get()
    tolls.basis, tolls.amount = "per_engine_hour", Decimal(4)  # 12.00 as before, but by hours: half an hour of three
    ledger.save(tolls)
    booked(fleet, "24.00", line="insurance", covers_from=TUESDAY, covers_to=TUESDAY)
    summaries.rebuild(fleet)
    found = borne(fleet, TUESDAY)
    assert (found[anna.pk, "tolls"], found[ben.pk, "tolls"]) == ("2.00", "10.00")
    assert (found[anna.pk, "insurance"], found[ben.pk, "insurance"]) == ("8.50", "15.50")
    assert summaries.rebuild(fleet).changed == 0


def test_whoever_drives_when_the_drivers_add_up_to_the_day(fleet: Fleet) -> None:
    """Random assignments and prices; the fixture compares every column of every row."""
    rng = random.Random(5)
    who = [rows.driver(fleet, name) for name in "ABC"]
    truck = Truck.objects.get(fleet=fleet)
    for _ in range(12):
        since = clock(MONDAY, rng.uniform(-5, 90)).replace(microsecond=0)
        until = rng.choice([None, since + dt.timedelta(seconds=rng.randrange(1, 100_000))])
        rows.assignment(truck, rng.choice(who), since, until, rng.choice(["binding", "message"]))
    for _ in range(3):
        rows.price(fleet, clock(MONDAY, rng.uniform(0, 90)), f"1.{rng.randrange(1000):03}1")
    for line in ("fuel", "tires", "driver_wages", "permits"):
        amount = f"{rng.randrange(-900, 90_000) / 100}"
        ledger.save(entry(fleet, amount, line=line, covers_to=MONDAY, basis=rng.choice(["days", "km", "trucks"])))
        ledger.save(rate(fleet, line=rng.choice(["tolls", "other"]), basis=rng.choice(["per_km", "per_day"])))
    invalidation.mark_fleet(fleet.pk, MONDAY, "test")
    assert summaries.rebuild(fleet).failed == 0
    assert TruckDayDriver.objects.filter(fleet_id=fleet.pk).count() >= 8
    assert SummaryRevision.objects.get(fleet_id=fleet.pk).revision == 3  # the days, and the shares
