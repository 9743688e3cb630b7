"""What a change of days concerns of invoices, how soon they are spread, and that any order has the same outcome."""

import datetime as dt
import random
from collections.abc import Collection
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Fleet
from apps.fleet.costs.allocation import Stretch
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import CostAllocation, CostEntry, DirtyEntry, ExchangeRate, FleetDayCost, TruckDayCost
from apps.fleet.summaries import batches, notes, shares, writing
from apps.fleet.summaries.notes import Changes
from apps.trucks.models import SummaryRevision, TruckDay
from tests import rows
from tests.fleet import share_twin

pytestmark = pytest.mark.django_db
FIRST = dt.date(2026, 3, 1)
Pairs = Collection[tuple[int, int]]  # (truck's number, day's number)


def day(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number - 1)


class Books:
    """A fleet of four trucks, whose days and invoices are put in as a batch of a rebuild does."""

    def __init__(self) -> None:
        self.fleet = rows.fleet(timezone="UTC", currency="EUR")
        self.trucks = [rows.truck(self.fleet, f"T-{number}") for number in range(4)]
        self.group = rows.group(self.fleet, "South", *self.trucks[2:])
        rows.truck_day(self.trucks[0])
        own = TruckDay.objects.filter(fleet_id=self.fleet.pk)
        [self._values] = own.values()
        own.delete()
        writing.lock_revision(self.fleet.pk)

    def entry(self, basis: str = "days", first: int = 1, last: int = 10, **changes: Any) -> CostEntry:
        values = {"line": "insurance", "amount": Decimal("100.00"), "currency": "EUR", **changes}
        made = CostEntry.objects.create(
            fleet=self.fleet, basis=basis, covers_from=day(first), covers_to=day(last), **values
        )
        notes.mark(self.fleet.pk, [made.pk])
        return made

    def write(self, driven: dict[tuple[int, int], int | None], gone: Pairs = ()) -> None:
        """Truck-days as one batch: new, with a distance, or gone."""
        known = TruckDay.objects.filter(fleet_id=self.fleet.pk)
        stored = {(row.truck_id, row.day): row.distance_m for row in known}
        wanted = {self.key(*key): metres for key, metres in driven.items()}
        new, lost = wanted.keys() - stored.keys(), [self.key(*key) for key in gone]
        redriven = [key for key, metres in wanted.items() if key in stored and stored[key] != metres]
        TruckDay.objects.bulk_create(self._row(*key, wanted[key]) for key in new)
        for truck_id, of_day in redriven:
            known.filter(truck_id=truck_id, day=of_day).update(distance_m=wanted[truck_id, of_day])
        for truck_id, of_day in lost:
            known.filter(truck_id=truck_id, day=of_day).delete()
        notes.note_changes(self.fleet.pk, Changes(new, lost, redriven))

    def key(self, number: int, of: int) -> tuple[int, dt.date]:
        return self.trucks[number].pk, day(of)

    def _row(self, truck_id: int, of_day: dt.date, metres: int | None) -> TruckDay:
        return TruckDay(**{**self._values, "truck_id": truck_id, "day": of_day, "distance_m": metres})

    def noted(self) -> dict[int, tuple[int | None, int | None, str]]:
        """Entry → first and last number of the stretch, and when the whole is due."""
        found = {}
        for row in DirtyEntry.objects.filter(fleet_id=self.fleet.pk):
            first, last = ((None if of is None else (of - FIRST).days + 1) for of in (row.first_day, row.last_day))
            when = "" if row.whole_at is None else ("later" if row.whole_at > row.marked_at else "now")
            found[row.entry_id] = first, last, when
        return found

    def settle(self) -> None:
        shares.reallocate(self.fleet, early=True)
        assert not DirtyEntry.objects.exists()

    def shares(self, entry: CostEntry) -> share_twin.Shares:
        found = CostAllocation.objects.filter(fleet_id=self.fleet.pk, entry_id=entry.pk)
        return {(row.truck_id, row.day): int(row.amount * 100) for row in found}


@pytest.fixture
def books() -> Books:
    """Days 1 to 4 of the first two trucks, 100 km each."""
    made = Books()
    made.write({(truck, of): 100_000 for truck in (0, 1) for of in range(1, 5)})
    return made


def all_bases(books: Books, **changes: Any) -> list[int]:
    made = [books.entry(basis, **changes).pk for basis in ("days", "trucks", "km")]
    books.settle()
    return made


# --- what a change concerns ---


def test_another_distance_concerns_invoices_by_km_alone(books: Books) -> None:
    _, _, km = all_bases(books)
    books.write({(0, 4): 90_000})
    assert books.noted() == {km: (4, 4, "")}, "of the newest day its own part, now"
    books.settle()
    books.write({(0, 3): 90_000})
    assert books.noted() == {km: (None, None, "later")}


def test_a_day_that_changes_otherwise_concerns_none(books: Books) -> None:
    all_bases(books)
    books.write({(0, 4): 100_000})
    assert books.noted() == {}


def test_a_new_day_of_a_truck_concerns_that_day(books: Books) -> None:
    days, trucks, km = all_bases(books)
    books.write({(0, 5): 0, (1, 5): 0})
    assert books.noted() == {days: (5, 5, ""), trucks: (5, 5, ""), km: (5, 5, "later")}


def test_a_truck_that_joins_concerns_all_that_is_spread_evenly_over_trucks(books: Books) -> None:
    days, trucks, km = all_bases(books)
    books.write({(2, 4): 1_000})
    assert books.noted() == {days: (4, 4, ""), trucks: (4, 4, "later"), km: (4, 4, "")}


def test_days_that_nobody_has_are_due_when_a_later_one_comes(books: Books) -> None:
    days, trucks, km = all_bases(books)
    books.write({(0, 7): 0})
    assert books.noted() == {days: (5, 7, ""), trucks: (5, 7, ""), km: (None, None, "now")}


def test_the_day_that_was_the_newest_is_spread_with_those_before_once_it_is_over(books: Books) -> None:
    km = books.entry("km", last=4)
    books.settle()
    books.write({(0, 5): 0})
    assert books.noted() == {km.pk: (None, None, "later")}


TODAY = Stretch(day(9), day(9))


@pytest.mark.parametrize(
    ("days", "come", "is_over", "expected"),
    [
        ([], None, False, None),
        ([9], None, False, notes.Note(TODAY, None)),
        ([], TODAY, False, notes.Note(TODAY, None)),  # by a truck that is none of its own: nobody bears the day
        ([8], None, False, notes.Note(None, notes.LATER)),
        ([], None, True, notes.Note(None, notes.LATER)),
        ([8, 9], None, False, notes.Note(TODAY, notes.LATER)),
        ([], TODAY, True, notes.Note(TODAY, notes.LATER)),
        ([], Stretch(day(8), day(9)), False, notes.WHOLE),
    ],
)
def test_of_an_invoice_by_km_the_newest_day_is_due_at_once_and_others_later(
    days: list[int], come: Stretch | None, is_over: bool, expected: notes.Note | None
) -> None:
    assert notes._reach_by_km({day(number) for number in days}, come, day(9), is_over) == expected


def test_a_day_that_is_gone_concerns_all_of_what_covers_it_or_is_no_longer_due(books: Books) -> None:
    covering = all_bases(books)
    books.entry("days", 1, 2)
    between = books.entry("days", 5, 6).pk
    books.write({(0, 7): 0})
    books.settle()
    books.write({}, gone=[(0, 7)])
    assert books.noted() == dict.fromkeys([*covering, between], (None, None, "now"))


def test_invoices_of_other_trucks_groups_and_days_are_not_concerned(books: Books) -> None:
    for changes in ({"truck": books.trucks[1]}, {"group": books.group}, {"last": 3}, {"first": 5, "last": 9}):
        for basis in ("days", "trucks", "km"):
            books.entry(basis, **changes)
    books.settle()
    books.write({(0, 4): 70_000})
    assert books.noted() == {}


def test_invoices_of_the_truck_and_its_group_are_concerned(books: Books) -> None:
    mine, _ = books.entry("km", truck=books.trucks[0]), books.entry("km", truck=books.trucks[1])
    group = books.entry("days", group=books.group)
    books.settle()
    books.write({(2, 4): 70_000, (0, 4): 60_000})
    assert books.noted() == {mine.pk: (4, 4, ""), group.pk: (4, 4, "")}


# --- when ---


def test_what_is_due_later_waits_and_is_spread_with_all_that_comes_meanwhile(books: Books) -> None:
    [_, _, km] = all_bases(books)
    books.write({(0, 3): 90_000})
    waits_until = DirtyEntry.objects.get().whole_at
    assert shares.reallocate(books.fleet) == 0
    books.write({(0, 2): 90_000})
    assert DirtyEntry.objects.get().whole_at == waits_until, "it does not wait longer for what came later"
    DirtyEntry.objects.update(whole_at=DirtyEntry.objects.get().marked_at)
    assert shares.reallocate(books.fleet) == 1
    assert books.noted() == {}
    assert CostAllocation.objects.filter(entry_id=km).count() == 8


def test_the_newest_day_is_spread_while_the_whole_waits(books: Books) -> None:
    km = books.entry("km", last=4)
    books.settle()
    books.write({(0, 3): 0, (0, 4): 0})
    assert shares.reallocate(books.fleet) == 1
    assert books.noted() == {km.pk: (None, None, "later")}
    spread = books.shares(km)
    assert (spread.get((books.trucks[0].pk, day(4))), spread[books.trucks[1].pk, day(4)]) == (None, 2_500)
    assert spread[books.trucks[0].pk, day(3)] == 1_250, "as it was"
    assert sum(spread.values()) == 10_000
    books.settle()
    assert books.shares(km)[books.trucks[1].pk, day(3)] == 1_500


def test_only_fleets_with_something_due_are_looked_at(books: Books) -> None:
    all_bases(books)
    assert batches.fleets_with_dirty_days() == []
    books.write({(0, 3): 90_000})
    assert batches.fleets_with_dirty_days() == []
    books.write({(0, 4): 90_000})
    assert batches.fleets_with_dirty_days() == [books.fleet.pk]


def test_what_is_noted_while_it_is_spread_stays_noted(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = books.entry("days")
    write = shares.Difference.write

    def note_meanwhile(self: shares.Difference, fleet_id: int) -> None:
        notes.mark(fleet_id, [entry.pk])
        write(self, fleet_id)

    monkeypatch.setattr(shares.Difference, "write", note_meanwhile)
    shares.reallocate(books.fleet)
    assert books.noted() == {entry.pk: (None, None, "now")}


def test_stretches_that_are_noted_one_after_the_other_are_one(books: Books) -> None:
    days = books.entry("days").pk
    books.settle()
    for of in (2, 4, 3):
        books.write({(2, of): 0})
    assert books.noted() == {days: (2, 4, "")}


def test_what_somebody_else_has_spread_meanwhile_is_left(books: Books) -> None:
    [_, _, km] = all_bases(books)
    books.write({(0, 3): 0})
    assert shares._spread(books.fleet, [km], early=False) == 0
    assert books.noted() == {km: (None, None, "later")}


def test_a_newest_day_that_is_so_no_more_is_spread_with_the_others(books: Books) -> None:
    km = books.entry("km")
    books.settle()
    books.write({(0, 4): 0})
    noted = DirtyEntry.objects.get()
    books.write({(0, 5): 0})
    DirtyEntry.objects.update(last_day=noted.last_day, whole_at=None)  # as if the day had come after the note
    shares.reallocate(books.fleet)
    assert books.shares(km) == expected(books, km)


# --- how much ---


def test_spreading_the_newest_day_reads_and_writes_no_other(books: Books) -> None:
    entries = all_bases(books)
    books.write({(0, 4): 50_000, (2, 4): 1_000})
    with CaptureQueriesContext(connection) as queries:
        shares.reallocate(books.fleet)
    reads = [each["sql"] for each in queries if "FROM `truck_day`" in each["sql"] and "distance_m" in each["sql"]]
    assert len(reads) == 1
    assert reads[0].count("2026-03-04") == 2
    assert sum("INSERT INTO cost_allocation" in each["sql"] for each in queries) == 1
    assert len(entries) == 3


def test_many_invoices_are_spread_in_few_transactions(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [books.entry("days", of, of, truck=books.trucks[of % 2]) for of in (1, 2, 3, 4) for _ in range(10)]
    monkeypatch.setattr(shares, "ENTRIES", 25)
    before = books_revision(books.fleet)
    assert shares.reallocate(books.fleet) == 40
    assert books_revision(books.fleet) == before + 2
    assert {tuple(books.shares(entry).values()) for entry in made} == {(10_000,)}
    assert set(CostAllocation.objects.values_list("source", flat=True)) == {"actual"}


def books_revision(fleet: Fleet) -> int:
    return SummaryRevision.objects.get(fleet_id=fleet.pk).revision


def test_a_transaction_looks_at_a_bounded_number_of_truck_days(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    wide, narrow = books.entry("days"), [books.entry("days", 1, 1, truck=books.trucks[0]) for _ in range(3)]
    monkeypatch.setattr(shares, "TRUCK_DAYS", 5)
    assert shares._batches(books.fleet, early=False) == [[wide.pk], [entry.pk for entry in narrow]]
    assert shares.reallocate(books.fleet, seconds=-1) == 1, "what is left when the time is over stays noted"
    assert set(books.noted()) == {entry.pk for entry in narrow}


def test_an_invoice_without_an_exchange_rate_does_not_hold_up_the_others(books: Books) -> None:
    foreign, own = books.entry(currency="CHF"), books.entry()
    assert shares.reallocate(books.fleet) == 1
    assert set(books.noted()) == {foreign.pk}
    assert sum(books.shares(own).values()) == 4_000


def test_it_is_said_once_and_tried_again_when_a_rate_comes(books: Books, caplog: pytest.LogCaptureFixture) -> None:
    """An invoice without a rate comes about when a fleet's currency changes."""
    foreign = books.entry(currency="CHF")
    for of in (5, 6):
        shares.reallocate(books.fleet)
        books.write({(0, of): 100_000})  # a day that it covers
    shares.reallocate(books.fleet, early=True)
    noted = DirtyEntry.objects.get(entry_id=foreign.pk)
    assert noted.problem == "there is no exchange rate for CHF on 2026-03-01"
    assert [record.message for record in caplog.records] == ["invoice not spread"]
    assert not notes.due(books.fleet.pk).exists()
    ledger.save(ExchangeRate(fleet=books.fleet, currency="CHF", effective_from=day(1), rate=Decimal("1.5")))
    assert shares.reallocate(books.fleet) == 1
    assert not books.noted()
    assert sum(books.shares(foreign).values()) == 9_000  # 100 CHF are 150 EUR, of which 6 of 10 days have come


# --- the outcome ---

keys = st.tuples(st.integers(0, 3), st.integers(1, 12))
steps = st.lists(
    st.tuples(
        st.dictionaries(keys, st.none() | st.integers(0, 400_000), max_size=6),
        st.lists(keys, max_size=1),
        st.sampled_from(["", "due", "all"]),
    ),
    min_size=1,
    max_size=6,
)
invoices = st.lists(
    st.tuples(
        st.sampled_from(["days", "km", "trucks"]),
        st.integers(1, 10), st.integers(0, 8), st.integers(-10_000, 1_000_000),
        st.sampled_from(["fleet", "truck", "group"]),
    ),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(invoices, steps, st.randoms(use_true_random=False))
def test_whatever_came_in_whatever_order_the_shares_are_those_of_the_page(
    bills: list[Any], history: list[Any], rng: random.Random
) -> None:
    with transaction.atomic():
        books = Books()
        entries = []
        for driven, gone, spreading in history:
            for basis, first, length, cents, scope in [bill for bill in bills if rng.random() < 0.5]:
                which = {"fleet": {}, "truck": {"truck": books.trucks[0]}, "group": {"group": books.group}}[scope]
                amount = Decimal(cents) / 100
                entries.append(books.entry(basis, first, first + length, amount=amount, **which))
            there = {(row.truck_id, row.day) for row in truck_days(books)}
            books.write(driven, [key for key in gone if books.key(*key) in there and key not in driven])
            if spreading:
                shares.reallocate(books.fleet, early=spreading == "all")
                assert_adds_up(books, entries)
        books.settle()
        for entry in entries:
            assert books.shares(entry) == expected(books, entry)
        assert_costs_are_shares(books)
        transaction.set_rollback(True)


def truck_days(books: Books) -> list[TruckDay]:
    return list(TruckDay.objects.filter(fleet_id=books.fleet.pk))


def newest(books: Books) -> dt.date | None:
    return max((row.day for row in truck_days(books)), default=None)


def assert_adds_up(books: Books, entries: list[CostEntry]) -> None:
    """At every moment: also while the whole of some waits."""
    until = newest(books)
    for entry in entries:
        cents = int(entry.amount * 100)
        due = 0 if until is None else share_twin.due(cents, entry.covers_from, entry.covers_to, until)
        assert sum(books.shares(entry).values()) == due


def expected(books: Books, entry: CostEntry) -> share_twin.Shares:
    its = {truck.pk for truck in books.trucks}
    if entry.truck_id is not None:
        its = {entry.truck_id}
    elif entry.group_id is not None:
        its = {truck.pk for truck in books.trucks[2:]}
    distances = {(row.truck_id, row.day): row.distance_m for row in truck_days(books) if row.truck_id in its}
    until = newest(books)
    if until is None:
        return {}
    cents = int(entry.amount * 100)
    return share_twin.spread(cents, entry.basis, entry.covers_from, entry.covers_to, distances, until)


def assert_costs_are_shares(books: Books) -> None:
    """Costs of trucks are the sums of shares, those of the fleet the sums of trucks, and so are the spans."""
    of_trucks: dict[Any, Decimal] = {}
    of_fleet: dict[Any, Decimal] = {}
    for share in CostAllocation.objects.filter(fleet_id=books.fleet.pk):
        for sums, key in ((of_trucks, (share.day, share.truck_id)), (of_fleet, (share.day,))):
            whole = *key, share.line, share.source
            sums[whole] = sums.get(whole, Decimal(0)) + share.amount
    costs = TruckDayCost.objects.filter(fleet_id=books.fleet.pk)
    assert {(row.day, row.truck_id, row.line, row.source): row.amount for row in costs} == of_trucks
    fleet_costs = FleetDayCost.objects.filter(fleet_id=books.fleet.pk)
    assert {(row.day, row.line, row.source): row.amount for row in fleet_costs} == of_fleet
