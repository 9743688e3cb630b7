"""What keeps the ledger whole when something breaks off, comes twice or happens at the same time."""

import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection

from apps.accounts.models import Fleet
from apps.fleet.imports import storing
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import (
    CostAllocation,
    CostEntry,
    DirtyEntry,
    ExchangeRate,
    FuelPrice,
    FuelPurchase,
    LedgerImport,
)
from apps.fleet.summaries import notes, shares, writing
from tests import rows
from tests.elsewhere import Elsewhere

DAY = dt.date(2026, 3, 16)
NOON = dt.datetime(2026, 3, 16, 12, tzinfo=dt.UTC)
FILE = b"line,amount,currency,covers_from\ntolls,12.50,EUR,2026-03-16\ntires,7,EUR,2026-03-16\n"


def fleet_with_a_day() -> Fleet:
    made = rows.fleet(timezone="UTC", currency="EUR")
    truck = rows.truck(made)
    rows.known(truck)
    rows.truck_day(truck, DAY)
    return made


def entry(fleet: Fleet, **changes: Any) -> CostEntry:
    values = {
        "line": "tolls",
        "amount": Decimal(10),
        "currency": "EUR",
        "covers_from": DAY,
        "covers_to": DAY,
        **changes,
    }
    return CostEntry(fleet=fleet, **values)


# --- what breaks off ---


class BrokenOff(Exception):
    pass


def break_off(*_: Any, **__: Any) -> None:
    raise BrokenOff


@pytest.mark.django_db
def test_a_row_is_stored_with_its_marks_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = fleet_with_a_day()
    monkeypatch.setattr(ledger, "mark", break_off)
    with pytest.raises(BrokenOff):
        ledger.save(entry(fleet))
    assert not CostEntry.objects.exists() and not DirtyEntry.objects.exists()


@pytest.mark.django_db
def test_a_row_is_removed_with_its_marks_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = fleet_with_a_day()
    made = entry(fleet)
    ledger.save(made)
    monkeypatch.setattr(ledger, "mark", break_off)
    with pytest.raises(BrokenOff):
        ledger.delete(made)
    assert CostEntry.objects.count() == 1


@pytest.mark.django_db
def test_an_import_is_undone_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = storing.received(fleet_with_a_day(), "entries", "march.csv", FILE, "a test")
    storing.store(imported)
    monkeypatch.setattr(LedgerImport, "delete", break_off)
    with pytest.raises(BrokenOff):
        storing.undo(imported)
    assert CostEntry.objects.count() == 2


# --- what is there already ---


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (
            lambda fleet: ExchangeRate(fleet=fleet, currency="CHF", effective_from=DAY, rate=Decimal(1)),
            "exchange_rate_once",
        ),
        (
            lambda fleet: FuelPrice(
                fleet=fleet, group=fleet.truck_groups.get(), effective_at=NOON, price_per_l=Decimal(1)
            ),
            "fuel_price_once",
        ),
        (
            lambda fleet: FuelPurchase(
                fleet=fleet, truck=fleet.trucks.get(), purchased_at=NOON, reference="C-1", litres=Decimal(1),
                amount=Decimal(1), currency="EUR",
            ),
            "fuel_purchase_once",
        ),
        (
            lambda fleet: LedgerImport(fleet=fleet, kind="entries", sha256="a", stored_sha256="a", created_by="a test"),
            "ledger_import_once",
        ),
    ],
)  # fmt: skip
def test_the_database_takes_it_once(make: Callable[[Fleet], Any], name: str) -> None:
    fleet = fleet_with_a_day()
    rows.group(fleet, "South")
    make(fleet).save()
    with pytest.raises(IntegrityError, match=name):
        make(fleet).save()


# --- what happens at the same time ---


def spread(fleet: Fleet) -> int:
    """Bounded in time: what waits for somebody else fails."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION innodb_lock_wait_timeout = 5")
    return shares.reallocate(fleet)


def test_who_writes_days_and_who_spreads_wait_for_one_another_in_one_order(transactional_db: None) -> None:
    """A batch of days holds the revision and then notes entries: whoever spreads takes the revision first, too."""
    fleet = fleet_with_a_day()
    made = entry(fleet)
    ledger.save(made)
    batch = Elsewhere(lambda: writing.lock_revision(fleet.pk), lambda: notes.mark(fleet.pk, [made.pk]))
    with batch:
        threading.Timer(1, batch.release).start()
        assert spread(fleet) == 1
    assert batch.errors == []
    assert CostAllocation.objects.get().amount == 10


def test_an_entry_that_somebody_is_changing_is_left_for_later(transactional_db: None) -> None:
    """Nobody waits for a request while the fleet's revision is held."""
    fleet = fleet_with_a_day()
    changing, other = entry(fleet), entry(fleet, line="tires")
    ledger.save_all([changing, other])
    with Elsewhere(lambda: notes.mark(fleet.pk, [changing.pk])) as request:
        assert spread(fleet) == 1
    assert request.errors == []
    assert set(CostAllocation.objects.values_list("entry_id", flat=True)) == {other.pk}
    assert DirtyEntry.objects.get().entry_id == changing.pk
    assert spread(fleet) == 1
