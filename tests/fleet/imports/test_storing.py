"""Files into the ledger: all rows or none, once, and undone whole."""

import datetime as dt
import threading
from collections.abc import Iterable
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import Fleet
from apps.fleet.imports import storing
from apps.fleet.imports.kinds import ENTRIES, KINDS, PURCHASES, RATES
from apps.fleet.imports.sheets import Unreadable
from apps.fleet.imports.storing import BadRows, Duplicate
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import CostEntry, FuelPurchase, LedgerImport
from apps.trucks.models import DirtyDay
from tests import rows
from tests.fleet.imports.files import MARCH, imported, one_toll, table

pytestmark = pytest.mark.django_db


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


def test_kinds_are_those_of_the_model() -> None:
    assert list(KINDS) == LedgerImport.Kind.values
