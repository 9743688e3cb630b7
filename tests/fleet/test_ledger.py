"""Changes of the ledger reach exactly the truck-days they touch; invoices become shares that add up to them."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import (
    CostAllocation,
    CostEntry,
    CostRate,
    DirtyEntry,
    ExchangeRate,
    FleetDay,
    FleetDayCost,
    FuelPrice,
    FuelPurchase,
    TruckDayCost,
    TruckDayFuel,
)
from apps.trucks.models import DirtyDay, SummaryRevision, Truck
from tests import rows
from tests.fleet.shifts import DAY_S, DAYS, MONDAY, NOW, START, THURSDAY, TUESDAY, WEDNESDAY, shift
from tests.fleet.span_twin import assert_spans_add_up
from tests.lasting import Lasting, anew
from tests.pipeline import feed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def spans_add_up(db: None) -> Iterator[None]:
    """After every test of this file: whatever it did, the spans are the sums of the days there are."""
    yield
    if not connection.needs_rollback:  # some let the database refuse a row
        for fleet in Fleet.objects.all():
            assert_spans_add_up(fleet.pk)


def two_trucks() -> Fleet:
    """Two trucks and four days: 120 km, 30 l and an hour's idling each, day by day; the second is in a group."""
    made = rows.fleet(timezone="UTC", currency="EUR")
    for number in range(2):
        feed.receive(feed.truck_of(made, f"T-{number}"), shift(km=1_000 * number), NOW)
    rows.group(made, "South", truck(made, 1))
    summaries.rebuild(made)
    return made


@pytest.fixture(scope="module")
def once(lasting: Lasting[Fleet]) -> Fleet:
    return lasting(two_trucks)


@pytest.fixture
def fleet(db: None, once: Fleet) -> Fleet:
    return anew(once)


def truck(fleet: Fleet, number: int) -> Truck:
    return Truck.objects.get(fleet=fleet, code=f"T-{number}")


def entry(fleet: Fleet, amount: str = "80.00", **changes: Any) -> CostEntry:
    values = {
        "line": "insurance", "currency": "EUR", "covers_from": MONDAY, "covers_to": THURSDAY, "basis": "days",
        "amount": Decimal(amount), **changes,
    }  # fmt: skip
    made = CostEntry(fleet=fleet, **values)
    made.full_clean()
    return made


def booked(fleet: Fleet, amount: str = "80.00", **changes: Any) -> CostEntry:
    made = entry(fleet, amount, **changes)
    ledger.save(made)
    summaries.rebuild(fleet)
    return made


def marked(fleet: Fleet) -> dict[str, list[dt.date]]:
    days: dict[str, list[dt.date]] = {}
    for row in DirtyDay.objects.filter(fleet_id=fleet.pk).order_by("truck_id", "day"):
        days.setdefault(Truck.objects.get(pk=row.truck_id).code, []).append(row.day)
    DirtyDay.objects.all().delete()
    return days


def costs(fleet: Fleet) -> list[tuple[str, dt.date, str, str, str]]:
    """(truck, day, line, source, amount)"""
    codes = {0: "", **dict(Truck.objects.values_list("pk", "code"))}
    found = TruckDayCost.objects.filter(fleet_id=fleet.pk).order_by("day", "truck_id", "line", "source")
    return [(codes[row.truck_id], row.day, row.line, row.source, str(row.amount)) for row in found]


def shared(fleet: Fleet) -> Decimal:
    return sum((row.amount for row in CostAllocation.objects.filter(fleet_id=fleet.pk)), Decimal(0))


def adds_up(fleet: Fleet) -> bool:
    """Trucks to fleet by day, line and source; shares to costs."""
    sums: dict[Any, Decimal] = {}
    for row in TruckDayCost.objects.filter(fleet_id=fleet.pk):
        sums[row.day, row.line, row.source] = sums.get((row.day, row.line, row.source), Decimal(0)) + row.amount
    wholes = {(row.day, row.line, row.source): row.amount for row in FleetDayCost.objects.filter(fleet_id=fleet.pk)}
    return sums == wholes


# --- shares ---


def test_an_invoice_becomes_costs_of_the_days_and_trucks_it_covers(fleet: Fleet) -> None:
    booked(fleet)
    assert costs(fleet) == [(code, day, "insurance", "allocated", "10.00") for day in DAYS for code in ("T-0", "T-1")]
    assert adds_up(fleet)
    assert not DirtyEntry.objects.exists()


def test_an_invoice_of_one_truck_and_day_is_actual(fleet: Fleet) -> None:
    booked(fleet, "12.34", truck=truck(fleet, 1), covers_from=TUESDAY, covers_to=TUESDAY, line="tolls")
    assert costs(fleet) == [("T-1", TUESDAY, "tolls", "actual", "12.34")]


def test_an_invoice_of_a_group_is_borne_by_its_trucks(fleet: Fleet) -> None:
    booked(fleet, group=fleet.truck_groups.get())
    assert {code for code, *_ in costs(fleet)} == {"T-1"}
    assert shared(fleet) == Decimal("80.00")


def test_invoices_of_one_line_add_up_and_each_keeps_its_shares(fleet: Fleet) -> None:
    first, second = booked(fleet), booked(fleet, "8.00", basis="trucks")
    assert {amount for *_, amount in costs(fleet)} == {"11.00"}
    assert CostAllocation.objects.filter(entry_id=first.pk).count() == 8
    ledger.delete(second)
    summaries.rebuild(fleet)
    assert {amount for *_, amount in costs(fleet)} == {"10.00"}
    assert adds_up(fleet)


def test_what_was_booked_is_no_longer_estimated(fleet: Fleet) -> None:
    ledger.save(rate(fleet, line="insurance"))
    summaries.rebuild(fleet)
    assert {source for *_, source, _ in costs(fleet)} == {"estimated"}
    made = booked(fleet, truck=truck(fleet, 0), covers_from=TUESDAY, covers_to=WEDNESDAY)
    of_first = [(day, source) for code, day, _, source, _ in costs(fleet) if code == "T-0"]
    assert of_first == list(zip(DAYS, ["estimated", "allocated", "allocated", "estimated"], strict=True))
    assert {source for code, *_, source, _ in costs(fleet) if code == "T-1"} == {"estimated"}
    ledger.delete(made)
    summaries.rebuild(fleet)
    assert {source for *_, source, _ in costs(fleet)} == {"estimated"}


def test_by_km_late_data_moves_the_shares_and_they_still_add_up(fleet: Fleet) -> None:
    booked(fleet, "1000.00", basis="km")
    assert {amount for *_, amount in costs(fleet)} == {"125.00"}  # 8 × 120 km
    late = {**shift()[60], "t": START + DAY_S - 300}
    late["p"] = {**late["p"], "odo": 240.0}  # 120 km more on Monday, and a counter that goes back on Tuesday
    feed.receive(truck(fleet, 0), [late], NOW)
    summaries.rebuild(fleet)
    amounts = {(code, day): amount for code, day, _, _, amount in costs(fleet)}
    assert amounts["T-0", MONDAY] != "125.00"
    assert (amounts["T-1", MONDAY], amounts["T-1", WEDNESDAY]) == ("107.15", "107.14")
    assert amounts["T-1", THURSDAY] == "125.00", "the newest day bears its own part"
    assert shared(fleet) == Decimal("1000.00")
    assert adds_up(fleet)


def test_days_that_come_get_their_part_and_days_to_come_none_yet(fleet: Fleet) -> None:
    booked(fleet, "100.00", covers_to=THURSDAY + dt.timedelta(days=6))
    assert shared(fleet) == Decimal("40.00")
    feed.receive(truck(fleet, 0), shift(km=480, first_t=NOW, days=1, until=NOW + DAY_S), NOW + DAY_S)
    summaries.rebuild(fleet)
    assert shared(fleet) == Decimal("50.00")
    assert [code for code, day, *_ in costs(fleet) if day > THURSDAY] == ["T-0"]


def test_what_no_truck_can_bear_is_a_line_of_its_own_and_not_lost(fleet: Fleet) -> None:
    booked(fleet, "80.00", covers_from=MONDAY - dt.timedelta(days=4))
    nobody = [row for row in costs(fleet) if row[0] == ""]
    assert [(day, line, source, amount) for _, day, line, source, amount in nobody] == [
        (MONDAY - dt.timedelta(days=back), "unallocated", "allocated", "10.00") for back in (4, 3, 2, 1)
    ]
    assert shared(fleet) == Decimal("80.00")
    assert adds_up(fleet)
    assert not FleetDay.objects.filter(day__lt=MONDAY).exists()


def test_spreading_again_what_comes_out_the_same_writes_nothing(fleet: Fleet) -> None:
    made = booked(fleet)
    before = SummaryRevision.objects.get(fleet_id=fleet.pk).revision
    ledger.save(made)
    summaries.rebuild(fleet)
    assert SummaryRevision.objects.get(fleet_id=fleet.pk).revision == before
    assert not DirtyEntry.objects.exists()


def test_broken_off_while_spreading_it_is_done_the_next_time(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.fleet.summaries import differing_shares

    def break_off(*_: Any) -> None:
        raise KeyboardInterrupt

    ledger.save(entry(fleet))
    with monkeypatch.context() as patch:
        patch.setattr(differing_shares, "_replace_costs", break_off)
        with pytest.raises(KeyboardInterrupt):
            summaries.rebuild(fleet)
    assert not CostAllocation.objects.exists()
    assert summaries.fleets_with_dirty_days() == [fleet.pk]
    summaries.rebuild(fleet)
    assert shared(fleet) == Decimal("80.00")


def test_another_fleet_bears_nothing_of_it(fleet: Fleet) -> None:
    other = rows.fleet("Other", timezone="UTC")
    feed.receive(feed.truck_of(other, "O"), shift(days=1), NOW)
    summaries.rebuild(other)
    booked(fleet)
    summaries.rebuild(other)
    assert costs(other) == []


# --- exactly its days ---


def rate(fleet: Fleet, **changes: Any) -> CostRate:
    values = {"line": "tires", "basis": "per_day", "amount": Decimal(5), "effective_from": MONDAY, **changes}
    return CostRate(fleet=fleet, **values)


def test_an_invoice_marks_what_it_covers_and_covered(fleet: Fleet) -> None:
    made = entry(fleet, truck=truck(fleet, 0), covers_to=TUESDAY)
    assert ledger.save(made) == 2
    assert marked(fleet) == {"T-0": [MONDAY, TUESDAY]}
    made.covers_from, made.covers_to = WEDNESDAY, WEDNESDAY
    ledger.save(made)
    assert marked(fleet) == {"T-0": [MONDAY, TUESDAY, WEDNESDAY]}
    ledger.delete(made)
    assert marked(fleet) == {"T-0": [WEDNESDAY]}


def test_a_rate_marks_the_days_that_it_is_in_force_for_its_trucks(fleet: Fleet) -> None:
    ledger.save(rate(fleet, group=fleet.truck_groups.get(), effective_from=TUESDAY, effective_to=WEDNESDAY))
    assert marked(fleet) == {"T-1": [TUESDAY, WEDNESDAY]}


def test_a_price_marks_the_days_until_the_next_one(fleet: Fleet) -> None:
    at = dt.datetime(2026, 3, 18, 9, tzinfo=dt.UTC)
    rows.price(fleet, at, "2")
    ledger.save(FuelPrice(fleet=fleet, effective_at=at - dt.timedelta(days=1), price_per_l=1))
    assert marked(fleet) == {code: [TUESDAY, WEDNESDAY] for code in ("T-0", "T-1")}
    ledger.save(FuelPrice(fleet=fleet, effective_at=dt.datetime(2026, 3, 16, tzinfo=dt.UTC), price_per_l=1))
    assert marked(fleet) == {code: [MONDAY, TUESDAY] for code in ("T-0", "T-1")}


def test_a_purchase_marks_its_truck_s_day(fleet: Fleet) -> None:
    ledger.save(purchase(fleet))
    assert marked(fleet) == {"T-0": [TUESDAY]}


def test_trucks_that_enter_or_leave_a_group_are_computed_anew_under_its_rules(fleet: Fleet) -> None:
    group = fleet.truck_groups.get()
    booked(fleet, group=group)
    ledger.save(rate(fleet, group=group, effective_from=WEDNESDAY))
    summaries.rebuild(fleet)
    group.trucks.set([truck(fleet, 0)])
    summaries.rebuild(fleet)
    assert {code for code, *_ in costs(fleet)} == {"T-0"}
    assert [day for _, day, line, *_ in costs(fleet) if line == "tires"] == [WEDNESDAY, THURSDAY]
    assert shared(fleet) == Decimal("80.00")


# --- fuel in money ---


def purchase(fleet: Fleet, **changes: Any) -> FuelPurchase:
    values = {
        "truck": truck(fleet, 0), "purchased_at": dt.datetime(2026, 3, 17, 12, tzinfo=dt.UTC), "currency": "EUR",
        "litres": Decimal("300.5"), "amount": Decimal("420.70"), "reference": "4711", **changes,
    }  # fmt: skip
    return FuelPurchase(fleet=fleet, **values)


def test_a_price_that_changes_while_trucks_drive_counts_from_its_instant(fleet: Fleet) -> None:
    ledger.save(FuelPrice(fleet=fleet, effective_at=dt.datetime(2026, 3, 16, tzinfo=dt.UTC), price_per_l=1))
    ledger.save(FuelPrice(fleet=fleet, effective_at=dt.datetime(2026, 3, 17, 9, tzinfo=dt.UTC), price_per_l=2))
    summaries.rebuild(fleet)
    fuel = {day: amount for code, day, line, _, amount in costs(fleet) if (code, line) == ("T-0", "fuel")}
    assert fuel == {MONDAY: "30.00", TUESDAY: "45.00", WEDNESDAY: "60.00", THURSDAY: "60.00"}


def test_what_was_bought_is_balanced_with_the_tank_where_all_of_it_is_measured(fleet: Fleet) -> None:
    """The level stands at 200 l, from Tuesday noon on at 500; 300.5 l were bought, and 30 are used a day."""
    noon = START + DAY_S + 12 * 3_600
    bare = feed.truck_of(fleet, "T-3", {number: feed.SENSORS[number] for number in ("1", "2", "3")})
    tanked = feed.truck_of(fleet, "T-2")
    for each in (bare, tanked):
        messages = [
            {**message, "p": {**message["p"], "level": 500.0 if message["t"] >= noon else 200.0}} for message in shift()
        ]
        feed.receive(each, messages, NOW)
        ledger.save(purchase(fleet, truck=each))
    summaries.rebuild(fleet)

    def balance(truck_id: int, day: dt.date) -> tuple[Any, ...]:
        row = TruckDayFuel.objects.get(truck_id=truck_id, day=day)
        litres = (row.balance_bought_l, row.balance_refuelled_l, row.balance_drained_l, row.balance_used_l)
        return row.balance_days, *litres, row.balance_tank_l

    assert balance(tanked.pk, TUESDAY) == (1, 300.5, 300.0, 0.0, 30.0, 300.0)
    assert balance(tanked.pk, MONDAY) == (1, 0.0, 0.0, 0.0, 30.0, 0.0)
    assert balance(bare.pk, TUESDAY) == (None,) * 6, "no level"
    whole = FleetDay.objects.get(fleet_id=fleet.pk, day=TUESDAY)
    assert (whole.balance_days, whole.balance_bought_l, whole.purchased_l) == (3, 300.5, Decimal("601.000"))


def test_what_is_bought_stands_beside_what_is_used(fleet: Fleet) -> None:
    ExchangeRate.objects.create(fleet=fleet, currency="PLN", effective_from=MONDAY, rate=Decimal("0.25"))
    ledger.save(purchase(fleet))
    ledger.save(purchase(fleet, currency="PLN", amount=Decimal("100.10"), litres=Decimal(20), reference="4712"))
    summaries.rebuild(fleet)
    bought = TruckDayFuel.objects.get(truck_id=truck(fleet, 0).pk, day=TUESDAY)
    assert (bought.purchases, bought.purchased_l, bought.purchased_amount) == (
        2,
        Decimal("320.500"),
        Decimal("445.72"),
    )  # fmt: skip
    whole = FleetDay.objects.get(fleet_id=fleet.pk, day=TUESDAY)
    assert (whole.purchases, whole.purchased_l, whole.purchased_amount) == (
        2, Decimal("320.500"), Decimal("445.72"),
    )  # fmt: skip
    assert FleetDay.objects.get(fleet_id=fleet.pk, day=MONDAY).purchases is None


# --- rates ---


def test_a_second_rate_of_the_same_from_the_same_day_on_is_refused(fleet: Fleet) -> None:
    group = fleet.truck_groups.get()
    ledger.save(rate(fleet))
    for other in ({"basis": "per_km"}, {"line": "tolls"}, {"effective_from": TUESDAY}, {"group": group}):
        rate(fleet, **other).full_clean()
    with pytest.raises(ValidationError, match="there is a rate of this line and basis from this day on already"):
        rate(fleet, amount=Decimal(9)).full_clean()
    CostRate.objects.get().full_clean()


def test_a_new_rate_takes_the_place_of_the_one_before_it(fleet: Fleet) -> None:
    ledger.save(rate(fleet, amount=Decimal(5)))
    ledger.save(rate(fleet, amount=Decimal(8), effective_from=WEDNESDAY))
    summaries.rebuild(fleet)
    of_truck = [(day, amount) for code, day, line, _, amount in costs(fleet) if (code, line) == ("T-0", "tires")]
    assert of_truck == [
        (MONDAY, "5.00"), (TUESDAY, "5.00"), (WEDNESDAY, "8.00"), (THURSDAY, "8.00"),
    ]  # fmt: skip


# --- foreign money ---


def test_a_foreign_invoice_is_refused_without_a_rate_and_counts_by_the_one_of_its_first_day(fleet: Fleet) -> None:
    with pytest.raises(ValidationError, match="no exchange rate for CHF on 2026-03-16"):
        entry(fleet, currency="CHF")
    ledger.save(ExchangeRate(fleet=fleet, currency="CHF", effective_from=MONDAY, rate=Decimal("1.05")))
    later = ExchangeRate(fleet=fleet, currency="CHF", effective_from=TUESDAY, rate=Decimal("9"))
    ledger.save(later)
    booked(fleet, "80.00", currency="CHF")
    assert shared(fleet) == Decimal("84.00")
    first = ExchangeRate.objects.get(effective_from=MONDAY)
    first.rate = Decimal("1.10")
    ledger.save(first)
    summaries.rebuild(fleet)
    assert shared(fleet) == Decimal("88.00")
    ledger.delete(later)
    with pytest.raises(ValidationError, match="it is needed"), transaction.atomic():
        ledger.delete(first)
    assert ExchangeRate.objects.count() == 1


# --- constraints ---


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda fleet: CostEntry(**base(fleet), covers_to=MONDAY - dt.timedelta(days=1)), "cost_entry_period"),
        (lambda fleet: CostEntry(**base(fleet), covers_to=MONDAY, basis="hours"), "cost_entry_basis"),
        (
            lambda fleet: CostEntry(
                **base(fleet), covers_to=MONDAY, truck=truck(fleet, 0), group=fleet.truck_groups.get()
            ),
            "cost_entry_scope",
        ),
        (lambda fleet: rate(fleet, amount=Decimal(-1)), "cost_rate_not_negative"),
        (lambda fleet: rate(fleet, truck=truck(fleet, 0), group=fleet.truck_groups.get()), "cost_rate_scope"),
        (lambda fleet: FuelPrice(fleet=fleet, effective_at=rows.NOON, price_per_l=-1), "fuel_price_not_negative"),
        (lambda fleet: purchase(fleet, litres=Decimal(0)), "fuel_purchase_positive"),
        (
            lambda fleet: ExchangeRate(fleet=fleet, currency="CHF", effective_from=MONDAY, rate=Decimal(0)),
            "exchange_rate_positive",
        ),
    ],
)
def test_the_database_refuses_what_cannot_be(fleet: Fleet, make: Any, name: str) -> None:
    with pytest.raises(IntegrityError, match=name):
        make(fleet).save()


def base(fleet: Fleet) -> dict[str, Any]:
    return {"fleet": fleet, "line": "tolls", "amount": Decimal(1), "currency": "EUR", "covers_from": MONDAY}


def test_trucks_and_groups_of_another_fleet_are_refused(fleet: Fleet) -> None:
    other = rows.truck(rows.fleet("Other"), "O")
    for row in (entry, rate):
        with pytest.raises(ValidationError, match="belongs to another fleet"):
            made = row(fleet, truck=other)
            made.full_clean()
