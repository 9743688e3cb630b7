"""Files into the ledger: all rows or none, once, with an error for each bad row."""

import csv
import datetime as dt
import io
import threading
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection

from apps.accounts.models import Fleet
from apps.fleet.imports import storing
from apps.fleet.imports.checking import Checked, Conventions, check
from apps.fleet.imports.kinds import ENTRIES, KINDS, PRICES, PURCHASES, RATES, Kind
from apps.fleet.imports.sheets import Unreadable
from apps.fleet.imports.storing import BadRows, Duplicate, Taken
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import CostEntry, CostRate, DirtyEntry, ExchangeRate, FuelPrice, FuelPurchase, LedgerImport
from apps.trucks.models import DirtyDay, Truck
from tests import rows

pytestmark = pytest.mark.django_db
MARCH = dt.date(2026, 3, 1)


@pytest.fixture
def fleet() -> Fleet:
    """Two trucks with figures of 1 to 10 March, the second of them in a group."""
    made = rows.fleet()
    first_t = int(dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC).timestamp())
    for code in ("T-1", "T-2"):
        rows.known(rows.truck(made, code), first_t=first_t)
    rows.group(made, "South", Truck.objects.get(code="T-2"))
    return made


def table(*lines: Iterable[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


ENTRY = ("line", "amount", "currency", "truck", "group", "covers_from", "covers_to", "basis", "document")


def entries(*lines: Iterable[Any]) -> bytes:
    return table(ENTRY, *lines)


def imported(fleet: Fleet, kind: Kind, content: bytes) -> LedgerImport:
    made = storing.received(fleet, kind.name, "costs.csv", content, "root")
    storing.store(made)
    return made


def problems(checked: Checked) -> list[str]:
    return [str(error) for error in checked.errors]


# --- what rows become ---


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


# --- what is wrong ---


def test_each_bad_cell_is_named_with_what_is_expected(fleet: Fleet) -> None:
    found = check(
        fleet,
        ENTRIES,
        entries(
            ["fule", "12.50", "USD", "T-9", "", "2026-03-05", "", "", ""],
            ["tolls", "", "USD", "", "North", "2026-13-05", "", "", ""],
            ["tolls", "1.234", "USD", "T-1", "South", "2026-03-05", "2026-03-04", "weekly", "x" * 81],
            ["tolls", "5", "USD", "T-1", "South", "2026-03-05", "2026-03-04", "", ""],
        ),
    )
    assert [(error.row, error.column, error.problem) for error in found.errors] == [
        (2, "line", "is not known"),
        (2, "truck", "is no truck of the fleet"),
        (3, "amount", "is empty"),
        (3, "group", "is no group of the fleet"),
        (3, "covers_from", "is no day"),
        (4, "basis", "is not known"),
        (5, "group", "either a truck or a group, not both"),
    ]
    assert found.bad_rows == 4
    assert str(found.errors[1]) == (
        "row 2, truck: 'T-9' is no truck of the fleet; expected: the code of a truck of the fleet"
    )


def test_a_file_that_mixes_conventions_is_refused_whichever_has_the_majority(fleet: Fleet) -> None:
    line = ["tolls", "1.50", "USD", "", "", "2026-03-05", "", "", ""]
    found = check(fleet, ENTRIES, entries(line, line, [*line[:1], "1,50", *line[2:]]))
    assert [(error.row, error.problem) for error in found.errors] == [
        (4, "does not have a decimal point as the file's other numbers do")
    ]
    assert check(fleet, ENTRIES, entries(line), Conventions(decimal="comma")).bad_rows == 1


def test_what_is_ambiguous_is_refused_until_somebody_says_which(fleet: Fleet) -> None:
    content = entries(["tolls", "1,234", "USD", "", "", "05/03/2026", "", "", ""])
    found = check(fleet, ENTRIES, content)
    assert [error.column for error in found.errors] == ["amount", "covers_from"]
    assert "may be 1234 or 1.234" in found.errors[0].problem
    row = check(fleet, ENTRIES, content, Conventions("point", "day first")).rows[0]
    assert (row.amount, row.covers_from) == (Decimal(1234), dt.date(2026, 3, 5))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (table(["line", "amount", "currency", "covers_form"], [1, 2, 3, 4]), "the column covers_form is not known"),
        (table(["line", "amount", "currency"], [1, 2, 3]), "the column covers_from is missing"),
        (table([*ENTRY, "line"], [1]), "the column line is there twice"),
        (table(ENTRY), "no rows"),
    ],
)
def test_a_header_that_does_not_fit_is_refused_as_a_whole(fleet: Fleet, content: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        check(fleet, ENTRIES, content)


def test_a_decimal_comma_between_commas_does_not_shift_the_cells(fleet: Fleet) -> None:
    content = ",".join(ENTRY).encode() + b"\ntolls,12,50,USD,T-1,,2026-03-05,,,x\n"
    assert problems(check(fleet, ENTRIES, content)) == [
        "row 2: has 10 cells, and the header 9; expected: quotes around a value that contains the delimiter, such as a "
        "decimal comma"
    ]


def test_litres_or_gallons(fleet: Fleet) -> None:
    header = ("truck", "purchased_at", "litres", "gallons", "amount", "currency")
    line = ("T-1", "2026-03-05 14:30")
    content = table(header, [*line, "1", "1", "2", "USD"], [*line, "", "", "2", "USD"], [*line, "", "0", "2", "USD"])
    assert [(error.row, error.column, error.problem) for error in check(fleet, PURCHASES, content).errors] == [
        (2, "litres and gallons", "are both filled"),
        (3, "litres and gallons", "are empty"),
        (4, "gallons", "Ensure this value is greater than or equal to 0.001"),
    ]


def test_a_purchase_that_is_there_already_or_twice_is_refused(fleet: Fleet) -> None:
    header = ("truck", "purchased_at", "litres", "amount", "currency", "reference")
    line = ("T-1", "2026-03-05 14:30", "10", "2", "USD")
    imported(fleet, PURCHASES, table(header, [*line, "a"]))
    found = check(fleet, PURCHASES, table(header, [*line, "b"], [*line, "A"], [*line, "B"]))
    assert [(error.row, error.problem) for error in found.errors] == [
        (3, "is in the ledger already, by its purchased_at, truck, reference"),
        (4, "is the same as row 2, by its purchased_at, truck, reference"),
    ]


def test_rows_that_only_the_database_takes_for_the_same_are_refused(fleet: Fleet) -> None:
    header = ("truck", "purchased_at", "litres", "amount", "currency", "reference")
    lines = [["T-1", "2026-03-05 14:30", "10", "2", "USD", reference] for reference in ("Rene", "René")]
    with pytest.raises(Taken):
        imported(fleet, PURCHASES, table(header, *lines))
    assert not FuelPurchase.objects.exists()


def test_two_prices_of_the_whole_fleet_from_one_instant_on(fleet: Fleet) -> None:
    header = ("effective_at", "price_per_l", "group")
    found = check(
        fleet, PRICES, table(header, ["2026-03-05", 1, ""], ["2026-03-05", 2, "South"], ["2026-03-05", 2, ""])
    )
    assert [(error.row, error.problem) for error in found.errors] == [
        (4, "is the same as row 2, by its effective_at, group")
    ]


def test_trucks_and_groups_of_another_fleet_are_not_known(fleet: Fleet) -> None:
    other = rows.fleet("Other")
    rows.group(other, "North", rows.truck(other, "T-9"))
    found = check(
        fleet,
        ENTRIES,
        entries(
            ["tolls", "1", "USD", "T-9", "", "2026-03-05", "", "", ""],
            ["tolls", "1", "USD", "", "North", "2026-03-05", "", "", ""],
        ),
    )
    assert [error.column for error in found.errors] == ["truck", "group"]


def _row_of(fleet: Fleet, kind: Kind, **changes: Any) -> Any:
    """A good row of a kind, unsaved, with changes."""
    truck = Truck.objects.get(fleet=fleet, code="T-1")
    good: dict[str, dict[str, Any]] = {
        "entries": {
            "line": "tolls", "amount": Decimal("1.00"), "currency": "USD", "covers_from": MARCH, "covers_to": MARCH,
        },
        "rates": {"line": "tolls", "basis": "per_km", "amount": Decimal(1), "effective_from": MARCH},
        "fuel-prices": {"effective_at": rows.NOON, "price_per_l": Decimal(1)},
        "fuel-purchases": {
            "truck": truck, "purchased_at": rows.NOON, "litres": Decimal(1), "amount": Decimal(1), "currency": "USD",
        },
    }  # fmt: skip
    return kind.model(fleet=fleet, **{**good[kind.name], **changes})


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (ENTRIES, {"line": "x"}),
        (ENTRIES, {"amount": Decimal("1.234")}),
        (ENTRIES, {"amount": Decimal("9") * 10**13}),
        (ENTRIES, {"covers_to": MARCH - dt.timedelta(days=1)}),
        (ENTRIES, {"covers_to": MARCH + dt.timedelta(days=3_660)}),
        (ENTRIES, {"currency": "EUR"}),
        (ENTRIES, {"basis": "x"}),
        (RATES, {"line": "fuel"}),
        (RATES, {"amount": Decimal(-1)}),
        (RATES, {"effective_to": MARCH - dt.timedelta(days=1)}),
        (PRICES, {"price_per_l": Decimal(-1)}),
        (PRICES, {"price_per_l": Decimal("1.00001")}),
        (PURCHASES, {"litres": Decimal(0)}),
        (PURCHASES, {"amount": Decimal(-1)}),
        (PURCHASES, {"reference": "x" * 81}),
    ],
)
def test_an_import_refuses_what_the_form_refuses(fleet: Fleet, kind: Kind, changes: dict[str, Any]) -> None:
    from apps.fleet.imports.checking import _problems

    assert not list(_problems(_row_of(fleet, kind)))
    row = _row_of(fleet, kind, **changes)
    with pytest.raises(ValidationError) as refused:
        row.full_clean()
    assert {name for name, _ in _problems(row)} >= set(refused.value.message_dict) - {"__all__"}


# --- all or nothing, once ---


def ten_thousand(bad: Iterable[int] = ()) -> bytes:
    """10,000 fuel purchases; the rows with these numbers are wrong in one of five ways."""
    lines: list[list[Any]] = []
    for number in range(10_000):
        at = dt.datetime(2026, 3, 1, 13) + dt.timedelta(seconds=30 * number)
        lines.append([f"T-{1 + number % 2}", at, f"{100 + number % 300}.5", f"{number % 500}.25", "USD", number])
    for turn, number in enumerate(bad):
        column, value = ((0, "T-99"), (1, "2026-02-30 10:00"), (2, "many"), (3, "-5"), (4, "EUR"))[turn % 5]
        lines[number - 2][column] = value
    return table(("truck", "purchased_at", "litres", "amount", "currency", "reference"), *lines)


BAD = tuple(range(7, 10_000, 271))


def test_ten_thousand_rows_with_37_bad_ones_write_nothing_and_name_each(fleet: Fleet) -> None:
    assert len(BAD) == 37
    waiting = storing.received(fleet, "fuel-purchases", "cards.csv", ten_thousand(BAD), "root")
    with pytest.raises(BadRows, match="37 of 10,000 rows are wrong: nothing was written") as refused:
        storing.store(waiting)
    errors = refused.value.checked.errors
    assert tuple(error.row for error in errors) == BAD
    assert all(error.column and error.expected for error in errors)
    assert not FuelPurchase.objects.exists() and not DirtyDay.objects.exists()

    corrected = imported(fleet, PURCHASES, ten_thousand())
    assert FuelPurchase.objects.filter(imported=corrected).count() == 10_000
    expected = {(int(truck), day) for truck, day in _bought_days(fleet)}
    assert set(DirtyDay.objects.values_list("truck_id", "day")) == expected
    assert corrected.touched_days == len(expected) == 10

    with pytest.raises(
        Duplicate, match=rf"in the ledger already: import {corrected.pk} \(costs.csv\) by root on .* 10,000"
    ):
        storing.received(fleet, "fuel-purchases", "again.csv", ten_thousand(), "other")
    assert FuelPurchase.objects.count() == 10_000


def _bought_days(fleet: Fleet) -> Iterable[tuple[int, dt.date]]:
    for truck_id, at in FuelPurchase.objects.values_list("truck_id", "purchased_at"):
        if (day := at.astimezone(fleet.zone).date()) <= rows.DAY:
            yield truck_id, day


def test_what_fails_while_writing_leaves_nothing(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = storing.received(fleet, "entries", "costs.csv", one_toll(), "root")

    def fail(*_: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger, "mark", fail)
    with pytest.raises(KeyboardInterrupt):
        storing.store(waiting)
    assert not CostEntry.objects.exists()
    assert LedgerImport.objects.get().stored_at is None
    monkeypatch.undo()
    storing.store(LedgerImport.objects.get())
    assert CostEntry.objects.count() == 1


def one_toll(amount: str = "10.00") -> bytes:
    return entries(["tolls", amount, "USD", "T-1", "", "2026-03-05", "", "", ""])


def test_the_same_file_of_another_fleet_or_kind_is_another_file(fleet: Fleet) -> None:
    imported(fleet, ENTRIES, one_toll())
    other = rows.fleet("Other")
    rows.truck(other, "T-1")
    imported(other, ENTRIES, one_toll())
    assert CostEntry.objects.filter(fleet=other).count() == 1
    with pytest.raises(Unreadable):
        imported(fleet, RATES, one_toll())


def test_an_import_can_be_undone_and_then_done_again(fleet: Fleet) -> None:
    kept = CostEntry.objects.create(
        fleet=fleet, line="tolls", amount=1, currency="USD", covers_from=MARCH, covers_to=MARCH
    )
    made = imported(fleet, ENTRIES, one_toll())
    DirtyDay.objects.all().delete()
    assert storing.undo(made) == 1
    assert list(CostEntry.objects.all()) == [kept]
    assert DirtyDay.objects.get().day == dt.date(2026, 3, 5)
    imported(fleet, ENTRIES, one_toll())


def test_a_file_that_nobody_confirmed_is_dropped_after_a_week(fleet: Fleet) -> None:
    old = storing.received(fleet, "entries", "old.csv", one_toll("1.00"), "root")
    LedgerImport.objects.filter(pk=old.pk).update(created_at=old.created_at - dt.timedelta(days=8))
    done = imported(fleet, ENTRIES, one_toll("2.00"))
    LedgerImport.objects.filter(pk=done.pk).update(created_at=old.created_at - dt.timedelta(days=8))
    storing.received(fleet, "entries", "new.csv", one_toll("3.00"), "root")
    assert set(LedgerImport.objects.values_list("file_name", flat=True)) == {"costs.csv", "new.csv"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same_row", [True, False], ids=["one import confirmed twice", "one file received twice"])
def test_of_two_who_write_the_same_file_at_the_same_time_one_does(fleet: Fleet, same_row: bool) -> None:
    first = storing.received(fleet, "entries", "costs.csv", one_toll(), "root")
    second = first if same_row else storing.received(fleet, "entries", "costs.csv", one_toll(), "other")
    barrier, outcomes = threading.Barrier(2), list[str]()

    def store(pk: int) -> None:
        try:
            waiting = LedgerImport.objects.select_related("fleet").get(pk=pk)
            barrier.wait()
            storing.store(waiting)
            outcomes.append("written")
        except Duplicate:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=store, args=(each.pk,)) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused", "written"]
    assert CostEntry.objects.count() == 1


# --- the command ---


def test_the_command_checks_writes_once_and_names_errors(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "costs.csv"
    path.write_bytes(one_toll())
    arguments = ["import_ledger", str(path), "--fleet", fleet.name, "--kind", "entries"]
    call_command(*arguments, "--check")
    assert "1 rows (CSV, UTF-8, separated by commas), 10.00 USD\n1 truck-days of 1 trucks" in capsys.readouterr().out
    assert not LedgerImport.objects.exists()
    call_command(*arguments)
    assert "Written as import" in capsys.readouterr().out
    with pytest.raises(CommandError, match="in the ledger already"):
        call_command(*arguments)
    path.write_bytes(one_toll("ten"))
    with pytest.raises(CommandError, match="1 of 1 rows are wrong"):
        call_command(*arguments)
    assert "row 2, amount: 'ten' is no number" in capsys.readouterr().err
    assert LedgerImport.objects.count() == CostEntry.objects.count() == 1
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_ledger", "nowhere.csv", "--fleet", fleet.name, "--kind", "entries")


def test_kinds_are_those_of_the_model() -> None:
    assert list(KINDS) == LedgerImport.Kind.values


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
