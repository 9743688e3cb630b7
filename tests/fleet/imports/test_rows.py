"""What the rows of a file become in the ledger, and what a preview says of them."""

import datetime as dt
from decimal import Decimal

import pytest

from apps.accounts.models import Fleet
from apps.fleet.imports import storing
from apps.fleet.imports.checking import check
from apps.fleet.imports.kinds import ENTRIES, KINDS, PRICES, PURCHASES, RATES
from apps.fleet.models import CostEntry, CostRate, DirtyEntry, ExchangeRate, FuelPrice, FuelPurchase
from apps.trucks.models import DirtyDay
from tests import rows
from tests.fleet.imports.files import MARCH, entries, imported, problems, table, workbook

pytestmark = pytest.mark.django_db


def test_entries(fleet: Fleet) -> None:
    content = entries(
        ["Truck payments", "1,500.00", "USD", "T-1", "", "2026-03-01", "2026-03-31", "by km", "L-7"],
        ["tolls", "-12.5", "USD", "", "South", "03/05/2026", "", "", ""],
        ["insurance", "90", "USD", "", "", "3/31/2026", "2026-04-02", "trucks", ""],
    )
    made = imported(fleet, ENTRIES, content)
    found = list(CostEntry.objects.order_by("pk"))
    assert [(e.line, e.amount, e.truck and e.truck.code, e.group and e.group.name, e.basis) for e in found] == [
        ("payments", Decimal("1500.00"), "T-1", None, "km"),
        ("tolls", Decimal("-12.50"), None, "South", "days"),
        ("insurance", Decimal("90.00"), None, None, "trucks"),
    ]
    assert [(e.covers_from, e.covers_to) for e in found] == [
        (MARCH, dt.date(2026, 3, 31)),
        (dt.date(2026, 3, 5), dt.date(2026, 3, 5)),
        (dt.date(2026, 3, 31), dt.date(2026, 4, 2)),
    ]
    assert {e.imported_id for e in found} == {made.pk}
    assert (made.row_count, made.touched_days, bytes(made.content)) == (3, 11, b"")
    assert DirtyEntry.objects.count() == 3


def test_a_code_that_a_spreadsheet_made_a_number_of_is_still_that_truck_s(fleet: Fleet) -> None:
    for code, cell in (("17", 17), ("10000000000000000", 1e16)):
        truck = rows.truck(fleet, code)
        content = workbook(["line", "amount", "currency", "truck", "covers_from"], ["tolls", 5, "USD", cell, MARCH])
        [row] = check(fleet, ENTRIES, content).rows
        assert row.truck_id == truck.pk


def test_rates(fleet: Fleet) -> None:
    content = table(
        ("line", "basis", "amount", "truck", "effective_from", "effective_to"),
        ("tires", "per km", "0.0312", "", "2026-01-01", ""),
        ("permits", "per_month", "80", "T-2", "2026-03-09", "2026-03-10"),
    )
    imported(fleet, RATES, content)
    assert [(r.line, r.basis, r.amount, r.effective_to) for r in CostRate.objects.order_by("pk")] == [
        ("tires", "per_km", Decimal("0.0312"), None),
        ("permits", "per_month", Decimal("80.0000"), dt.date(2026, 3, 10)),
    ]
    assert DirtyDay.objects.count() == 20


def test_fuel_prices(fleet: Fleet) -> None:
    content = table(
        ("effective_at", "price_per_l", "price_per_gal", "group"),
        ("2026-03-05 06:00", "1.05", "", ""),
        ("2026-03-07", "", "3.459", "South"),
    )
    imported(fleet, PRICES, content)
    assert [(p.effective_at.isoformat(), p.price_per_l) for p in FuelPrice.objects.order_by("pk")] == [
        ("2026-03-05T12:00:00+00:00", Decimal("1.0500")),
        ("2026-03-07T06:00:00+00:00", Decimal("0.9138")),
    ]


def test_fuel_purchases(fleet: Fleet) -> None:
    content = table(
        ("truck", "purchased_at", "gallons", "amount", "currency", "station", "reference"),
        ("T-1", "2026-03-05 2:30 PM", "100", "401.15", "USD", "Station 7", "17"),
    )
    imported(fleet, PURCHASES, content)
    bought = FuelPurchase.objects.get()
    assert (bought.purchased_at.isoformat(), bought.litres) == ("2026-03-05T20:30:00+00:00", Decimal("378.541"))
    assert list(DirtyDay.objects.values_list("day", flat=True)) == [dt.date(2026, 3, 5)]


def test_foreign_money_needs_a_rate_in_force(fleet: Fleet) -> None:
    lines = [
        ["tolls", "10", "CAD", "", "", "2026-03-04", "", "", ""],
        ["tolls", "10", "CAD", "", "", "2026-03-05", "", "", ""],
        ["tolls", "10", "usd", "", "", "2026-03-05", "", "", ""],
    ]
    ExchangeRate.objects.create(fleet=fleet, currency="CAD", effective_from=dt.date(2026, 3, 5), rate="0.7")
    assert problems(check(fleet, ENTRIES, entries(*lines))) == [
        "row 2, currency: 'CAD' there is no exchange rate for CAD on 2026-03-04; expected: a code of three capital "
        "letters, such as USD",
        "row 4, currency: 'usd' three capital letters; expected: a code of three capital letters, such as USD",
    ]


def test_a_preview_says_what_the_file_would_do_and_does_nothing(fleet: Fleet) -> None:
    ExchangeRate.objects.create(fleet=fleet, currency="CAD", effective_from=MARCH, rate="0.7")
    found = check(
        fleet,
        ENTRIES,
        entries(
            ["tolls", "10.25", "USD", "T-1", "", "2026-03-04", "2026-03-06", "", ""],
            ["tolls", "1", "USD", "T-1", "", "2026-03-05", "2026-03-07", "", ""],
            ["tolls", "7", "CAD", "", "South", "2026-03-10", "2026-03-30", "", ""],
        ),
    )
    assert (found.row_count, found.errors) == (3, [])
    assert found.sums == {"CAD": Decimal(7), "USD": Decimal("11.25")}
    assert (len(found.touched), found.touched_trucks) == (5, 2)
    assert not CostEntry.objects.exists() and not DirtyDay.objects.exists()


def test_exchange_rates_are_written_and_spread_what_waited_for_them(fleet: Fleet) -> None:
    content = "currency;effective_from;rate\nCHF;01.03.2026;1,0425\nSEK;2026-03-01;0,0952\n"
    wrong = check(fleet, KINDS["exchange-rates"], f"{content}CHF;2026-03-01;1,1\nchf;2026-03-01;0\n".encode())
    assert [(error.row, error.column) for error in wrong.errors] == [(4, ""), (5, "currency"), (5, "rate")]
    made = storing.received(fleet, "exchange-rates", "rates.csv", content.encode(), "root")
    storing.store(made)
    found = ExchangeRate.objects.filter(imported=made).order_by("currency")
    assert [(rate.currency, str(rate.effective_from), str(rate.rate)) for rate in found] == [
        ("CHF", "2026-03-01", "1.04250000"), ("SEK", "2026-03-01", "0.09520000"),
    ]  # fmt: skip
    again = check(fleet, KINDS["exchange-rates"], content.encode())
    assert {error.problem for error in again.errors} == {"is in the ledger already, by its effective_from, currency"}
    storing.undo(made)
    assert not ExchangeRate.objects.filter(currency="CHF").exists()
