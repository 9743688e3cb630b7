"""Days whose messages are gone still cost what the ledger says: as if they were open, but for the price of fuel."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import CostEntry, CostRate, FuelPrice, FuelPurchase, TruckDayFuel
from apps.fleet.summaries.batches import rebuild_batch
from apps.trucks.models import DirtyDay, Message, SummaryRevision, TruckDay, TruckSync
from tests import rows
from tests.fleet.shifts import MONDAY, NOW, START, THURSDAY, TUESDAY, WEDNESDAY, shift
from tests.fleet.span_twin import assert_spans_add_up
from tests.fleet.test_ledger import adds_up, costs, entry, purchase, rate
from tests.pipeline import feed

pytestmark = pytest.mark.django_db
RATES = {"tires": "per_km", "other": "per_engine_hour", "insurance": "per_day", "permits": "per_month"}
SEALED_UNTIL = START + 2 * 86_400  # Monday and Tuesday are sealed


@pytest.fixture
def make() -> Callable[[str], Fleet]:
    """Fleets of two trucks with rates by km, hour, day and month, and a price of fuel."""

    def made(name: str) -> Fleet:
        fleet = rows.fleet(name, timezone="UTC", currency="EUR")
        for number in range(2):
            feed.receive(feed.truck_of(fleet, f"T-{number}"), shift(km=1_000 * number), NOW)
        rows.group(fleet, "South", truck_of(fleet, 1))
        for line, basis in RATES.items():
            ledger.save(rate(fleet, line=line, basis=basis, amount=Decimal("3.1")))
        monday = dt.datetime(2026, 3, 16, tzinfo=dt.UTC)
        ledger.save(FuelPrice(fleet=fleet, effective_at=monday, price_per_l=Decimal("1.1")))
        summaries.rebuild(fleet)
        return fleet

    return made


def truck_of(fleet: Fleet, number: int) -> Any:
    return fleet.trucks.get(code=f"T-{number}")


def seal(fleet: Fleet) -> None:
    TruckSync.objects.filter(fleet_id=fleet.pk).update(raw_since_t=SEALED_UNTIL)
    Message.objects.filter(fleet_id=fleet.pk, t__lt=SEALED_UNTIL - 86_400).delete()  # of Monday none is left


@pytest.fixture
def fleet(make: Callable[[str], Fleet]) -> Fleet:
    made = make("Sealed")
    seal(made)
    return made


def booked(fleet: Fleet, amount: str = "80.00", **changes: Any) -> CostEntry:
    made = entry(fleet, amount, **changes)
    ledger.save(made)
    summaries.rebuild(fleet)
    return made


def of_day(fleet: Fleet, code: str, day: dt.date) -> dict[str, tuple[str, str]]:
    """line → source, amount"""
    return {line: (source, amount) for truck, on, line, source, amount in costs(fleet) if (truck, on) == (code, day)}


def test_an_invoice_for_a_sealed_day_takes_the_place_of_its_estimate_and_gives_it_back(fleet: Fleet) -> None:
    before = costs(fleet)
    figures = list(TruckDay.objects.order_by("pk").values())
    made = booked(fleet, truck=truck_of(fleet, 0), covers_to=TUESDAY)
    assert of_day(fleet, "T-0", MONDAY)["insurance"] == ("allocated", "40.00")
    assert of_day(fleet, "T-1", MONDAY)["insurance"] == ("estimated", "3.10")
    assert {name: cost for name, cost in of_day(fleet, "T-0", MONDAY).items() if name != "insurance"} == {
        line: (source, amount) for truck, on, line, source, amount in before
        if (truck, on) == ("T-0", MONDAY) and line != "insurance"
    }  # fmt: skip
    assert adds_up(fleet)
    assert_spans_add_up(fleet.pk)
    ledger.delete(made)
    summaries.rebuild(fleet)
    assert costs(fleet) == before
    assert list(TruckDay.objects.order_by("pk").values()) == figures
    assert_spans_add_up(fleet.pk)


def test_an_invoice_for_fuel_takes_the_place_of_the_fuel_that_was_priced_and_gives_it_back(fleet: Fleet) -> None:
    before = of_day(fleet, "T-0", MONDAY)["fuel"]
    made = booked(fleet, line="fuel", truck=truck_of(fleet, 0), covers_to=MONDAY)
    assert of_day(fleet, "T-0", MONDAY)["fuel"] == ("actual", "80.00")
    ledger.delete(made)
    summaries.rebuild(fleet)
    assert of_day(fleet, "T-0", MONDAY)["fuel"] == before == ("estimated", "33.00")


def test_another_price_does_not_reach_the_fuel_of_sealed_days(fleet: Fleet) -> None:
    price = FuelPrice.objects.get(fleet=fleet)
    price.price_per_l = Decimal(2)
    ledger.save(price)
    summaries.rebuild(fleet)
    fuel = [of_day(fleet, "T-0", day)["fuel"][1] for day in (MONDAY, TUESDAY, WEDNESDAY)]
    assert fuel == ["33.00", "33.00", "60.00"]


def test_what_is_bought_on_a_sealed_day_counts_however_late_it_is_booked(make: Callable[[str], Fleet]) -> None:
    sealed, opened = make("Sealed"), make("Open")
    seal(sealed)
    before = bought_of(sealed)
    rows_of = []
    for each in (sealed, opened):
        at = dt.datetime(2026, 3, 16, 9, tzinfo=dt.UTC)
        for number, hour in enumerate((0, 13)):
            ledger.save(purchase(each, reference=f"{number}", purchased_at=at + dt.timedelta(hours=hour)))
        assert summaries.rebuild(each).changed == 1
        rows_of.append(bought_of(each))
        assert_spans_add_up(each.pk)
    assert rows_of[0] == rows_of[1] != before
    assert (rows_of[0][0]["purchases"], rows_of[0][0]["balance_bought_l"]) == (2, 601.0)
    assert summaries.rebuild(sealed).changed == 0
    for each in FuelPurchase.objects.filter(fleet=sealed):
        ledger.delete(each)
    summaries.rebuild(sealed)
    assert bought_of(sealed) == before
    assert_spans_add_up(sealed.pk)


def bought_of(fleet: Fleet) -> list[dict[str, Any]]:
    columns = ("purchases", "purchased_l", "purchased_amount", "balance_days", "balance_bought_l")
    return list(TruckDayFuel.objects.filter(fleet_id=fleet.pk).order_by("day", "truck_id").values("day", *columns))


def change_rates(fleet: Fleet) -> None:
    for each in CostRate.objects.filter(fleet=fleet):
        each.amount = Decimal("2.05")
        ledger.save(each)
    ledger.save(rate(fleet, line="tolls", basis="per_day", group=fleet.truck_groups.get(), effective_to=MONDAY))
    summaries.rebuild(fleet)


def change_members(fleet: Fleet) -> None:
    booked(fleet, group=fleet.truck_groups.get(), line="tires")
    fleet.truck_groups.get().trucks.set([truck_of(fleet, 0)])
    summaries.rebuild(fleet)


def move_an_invoice(fleet: Fleet) -> None:
    made = booked(fleet, covers_to=MONDAY)
    made.covers_from, made.covers_to, made.line = TUESDAY, THURSDAY, "permits"
    ledger.save(made)
    summaries.rebuild(fleet)


@pytest.mark.parametrize("change", [change_rates, change_members, move_an_invoice])
def test_rates_and_invoices_count_as_on_days_that_are_open(
    make: Callable[[str], Fleet], change: Callable[[Fleet], None]
) -> None:
    sealed, opened = make("Sealed"), make("Open")
    seal(sealed)
    change(sealed)
    change(opened)
    assert costs(sealed) == costs(opened)
    assert adds_up(sealed)
    assert_spans_add_up(sealed.pk)


def test_a_truck_whose_sealed_days_cannot_be_priced_does_not_hold_up_the_others(fleet: Fleet) -> None:
    """Its purchase was booked at the moment in which its exchange rate was removed."""
    first, second = truck_of(fleet, 0), truck_of(fleet, 1)
    purchase(fleet, currency="CHF").save()
    ledger.save(rate(fleet, line="tolls", amount=Decimal(7)))
    rebuild_batch(fleet)
    assert of_day(fleet, "T-1", MONDAY)["tolls"] == ("estimated", "7.00")
    assert "tolls" not in of_day(fleet, "T-0", MONDAY)
    waiting = DirtyDay.objects.filter(fleet_id=fleet.pk)
    assert {(row.truck_id, row.last_error) for row in waiting} == {
        (first.pk, "NoRate: there is no exchange rate for CHF on 2026-03-17")
    }
    assert not waiting.filter(truck_id=second.pk).exists()


def test_what_comes_out_the_same_is_not_written(fleet: Fleet) -> None:
    made = booked(fleet, truck=truck_of(fleet, 0), covers_to=TUESDAY)
    before = SummaryRevision.objects.get(fleet_id=fleet.pk).revision
    ledger.save(made)
    outcome = summaries.rebuild(fleet)
    assert (outcome.changed, outcome.sealed) == (0, 2)
    assert SummaryRevision.objects.get(fleet_id=fleet.pk).revision == before
