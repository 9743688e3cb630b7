"""The one way in which rates, prices, invoices, purchases and exchange rates change: with the days that they touch.

A change and the notes of what it puts out of date are one transaction, so that nothing of it is ever forgotten.
"""

import datetime as dt
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from apps.accounts.calendar import days_between
from apps.accounts.models import Fleet
from apps.fleet.ledger.exchange import Exchange, NoRate
from apps.fleet.models import CostEntry, CostRate, ExchangeRate, FuelPrice, FuelPurchase, TruckDayCost
from apps.fleet.summaries import notes
from apps.trucks import facts
from apps.trucks.invalidation import days_with_figures, mark
from apps.trucks.models import TruckGroup

LedgerRow: TypeAlias = CostEntry | CostRate | ExchangeRate | FuelPrice | FuelPurchase
CAUSES: dict[type[LedgerRow], str] = {
    CostEntry: "invoice",
    CostRate: "cost rate",
    ExchangeRate: "exchange rate",
    FuelPrice: "fuel price",
    FuelPurchase: "fuel purchase",
}
_BATCH = 1_000  # rows a statement


@dataclass(frozen=True, slots=True)
class Touched:
    """Days of some trucks, or of all, between two days, both included; without a last one up to the watermark."""

    trucks: frozenset[int] | None
    first: dt.date
    last: dt.date | None


def save(row: LedgerRow) -> int:
    """Stores a new or changed row and marks what it was and is in force for. Returns how many truck-days that is."""
    return save_all([row])


@transaction.atomic
def save_all(rows: Sequence[LedgerRow]) -> int:
    """The same for many rows of one kind and fleet: all of them, or none.

    Raises ValidationError for an exchange rate that an invoice or purchase needs as it was.
    """
    before = [stored for row in rows if row.pk and (stored := type(row).objects.filter(pk=row.pk).first())]
    found = touched_days(before)  # as it was: a price is in force until the next one
    _store(rows)
    for was in before:
        if isinstance(was, ExchangeRate):
            _require_rates(was)
    return _mark(rows, found | touched_days(rows), [*before, *rows])


def _store(rows: Sequence[LedgerRow]) -> None:
    """New rows in bulk where the server tells the keys that it gives them; others one by one."""
    if len(rows) > 1 and connection.features.can_return_rows_from_bulk_insert and not any(row.pk for row in rows):
        manager: Any = type(rows[0])._default_manager
        manager.bulk_create(rows, batch_size=_BATCH)
        if isinstance(rows[0], ExchangeRate):  # which answers show, beside a benchmark in foreign money
            facts.changed(rows[0].fleet_id)
        return
    for row in rows:
        row.save()


def delete(row: LedgerRow) -> int:
    """Removes a row and marks the truck-days that it was in force for. Returns how many.

    Raises ValidationError for an exchange rate that an invoice or purchase needs.
    """
    return delete_all([row])


@transaction.atomic
def delete_all(rows: Sequence[LedgerRow]) -> int:
    """The same for many rows of one kind and fleet: all of them, or none."""
    if not rows:
        return 0
    found, entries = touched_days(rows), [entry for row in rows for entry in _entries_of(row)]
    manager: Any = type(rows[0])._default_manager
    manager.filter(pk__in=[row.pk for row in rows]).delete()
    for row in rows:
        if isinstance(row, ExchangeRate):
            _require_rates(row)
    return _mark(rows, found, entries)


def _require_rates(gone: ExchangeRate) -> None:
    exchange = Exchange(gone.fleet)
    try:
        for entry in CostEntry.objects.filter(fleet=gone.fleet_id, currency=gone.currency):
            exchange.to_own(entry.amount, entry.currency, entry.covers_from)
        for bought in FuelPurchase.objects.filter(fleet=gone.fleet_id, currency=gone.currency):
            exchange.to_own(bought.amount, bought.currency, bought.purchased_at.astimezone(gone.fleet.zone).date())
    except NoRate as error:
        raise ValidationError(f"it is needed: without it {error}") from error


def _mark(rows: Sequence[LedgerRow], pairs: Collection[tuple[int, dt.date]], changed: Iterable[LedgerRow]) -> int:
    """Entries before days, as every writer does: two never wait for each other in a circle."""
    if not rows:
        return 0
    fleet_id = rows[0].fleet_id
    if isinstance(rows[0], FuelPurchase):  # costs count those of days that no truck has, which no revision tells
        facts.changed(fleet_id)
    notes.mark(fleet_id, {entry.pk for row in changed for entry in _entries_of(row)})
    return mark(fleet_id, pairs, CAUSES[type(rows[0])])


def _entries_of(row: LedgerRow) -> list[CostEntry]:
    """The entries whose shares depend on the row."""
    if isinstance(row, CostEntry):
        return [row]
    if isinstance(row, ExchangeRate):
        later = CostEntry.objects.filter(fleet=row.fleet_id, currency=row.currency, covers_to__gte=row.effective_from)
        return list(later)
    return []


def touched_days(rows: Sequence[LedgerRow]) -> set[tuple[int, dt.date]]:
    """The truck-days that rows of one fleet, stored or not, are in force for, of those that have figures."""
    return _pairs(_Reach(rows).touched(rows), rows[0].fleet_id) if rows else set()


def _pairs(touched: Iterable[Touched], fleet_id: int, only: Collection[int] | None = None) -> set[tuple[int, dt.date]]:
    """The truck-days of all of these, of some trucks only if said. A day is looked at once, however often touched."""
    known = days_with_figures(fleet_id, sealed=True)  # what these cost changes, whatever else of them does not
    days: dict[int, set[dt.date]] = {}
    for trucks, stretches in _joined(touched).items():
        for truck_id in known.keys() if trucks is None else known.keys() & trucks:
            if only is not None and truck_id not in only:
                continue
            begin, end = known[truck_id]
            for first, last in stretches:
                days.setdefault(truck_id, set()).update(days_between(max(first, begin), min(last, end)))
    return {(truck_id, day) for truck_id, found in days.items() for day in found}


def _joined(touched: Iterable[Touched]) -> dict[frozenset[int] | None, list[tuple[dt.date, dt.date]]]:
    """The stretches of days of the same trucks, ascending, with those that overlap or follow upon each other joined."""
    joined: dict[frozenset[int] | None, list[tuple[dt.date, dt.date]]] = {}
    for each in sorted(touched, key=lambda each: each.first):
        stretches = joined.setdefault(each.trucks, [])
        last = each.last or dt.date.max
        if stretches and (each.first - stretches[-1][1]).days <= 1:
            stretches[-1] = stretches[-1][0], max(stretches[-1][1], last)
        else:
            stretches.append((each.first, last))
    return joined


class _Reach:
    """Which days of which trucks rows of one fleet touch; what many rows need to know of it is read once."""

    def __init__(self, rows: Sequence[LedgerRow]) -> None:
        self._zone = rows[0].fleet.zone
        self._members: dict[int, frozenset[int]] = {}
        self._starts: dict[int | None, list[dt.datetime]] = {}
        if any(isinstance(row, FuelPrice) for row in rows):
            stored = FuelPrice.objects.filter(fleet=rows[0].fleet_id).values_list("group_id", "effective_at")
            new = [(row.group_id, row.effective_at) for row in rows if isinstance(row, FuelPrice)]
            for group_id, effective_at in sorted({*stored, *new}, key=lambda each: each[1]):
                self._starts.setdefault(group_id, []).append(effective_at)

    def touched(self, rows: Iterable[LedgerRow]) -> Iterator[Touched]:
        for row in rows:
            yield from self._of(row)

    def _of(self, row: LedgerRow) -> Iterator[Touched]:
        match row:
            case CostEntry():
                yield Touched(self._trucks(row.truck_id, row.group), row.covers_from, row.covers_to)
            case CostRate():
                yield Touched(self._trucks(row.truck_id, row.group), row.effective_from, row.effective_to)
            case FuelPrice():
                yield Touched(self._trucks(None, row.group), self._day(row.effective_at), self._last_day(row))
            case FuelPurchase():
                day = self._day(row.purchased_at)
                yield Touched(frozenset([row.truck_id]), day, day)
            case ExchangeRate():
                for bought in FuelPurchase.objects.filter(fleet=row.fleet_id, currency=row.currency):
                    if (day := self._day(bought.purchased_at)) >= row.effective_from:
                        yield Touched(frozenset([bought.truck_id]), day, day)

    def _trucks(self, truck_id: int | None, group: TruckGroup | None) -> frozenset[int] | None:
        if truck_id is not None:
            return frozenset([truck_id])
        if group is None:
            return None
        if group.pk not in self._members:
            self._members[group.pk] = frozenset(group.trucks.values_list("pk", flat=True))
        return self._members[group.pk]

    def _day(self, instant: dt.datetime) -> dt.date:
        return instant.astimezone(self._zone).date()

    def _last_day(self, price: FuelPrice) -> dt.date | None:
        """The day on which the next price of the same trucks begins; both have a part of it, unless it is midnight."""
        starts = self._starts[price.group_id]
        following = bisect_right(starts, price.effective_at)
        if following == len(starts):
            return None
        return self._day(starts[following] - dt.timedelta(microseconds=1))


def require_no_amounts(fleet: Fleet) -> None:
    """Raises ValidationError for a fleet with amounts: under another currency the same numbers would be other money."""
    ledger = any(model._default_manager.filter(fleet=fleet).exists() for model in CAUSES)
    if ledger or TruckDayCost.objects.filter(fleet_id=fleet.pk).exists():
        raise ValidationError(
            f"Its ledger and its costs are in {fleet.currency}, and their numbers would be taken for other money. It"
            " can be changed once the ledger is empty and all days are computed anew."
        )


def members_changed(fleet_id: int, group: TruckGroup, truck_ids: Iterable[int]) -> None:
    """Marks what a change of a group's trucks touches: their days under its rates and prices, and its invoices."""
    entries = list(CostEntry.objects.filter(group=group))
    rules: list[LedgerRow] = [*entries, *CostRate.objects.filter(group=group), *FuelPrice.objects.filter(group=group)]
    if not rules:
        return
    touched = [Touched(None, each.first, each.last) for each in _Reach(rules).touched(rules)]
    notes.mark(fleet_id, [entry.pk for entry in entries])
    mark(fleet_id, _pairs(touched, fleet_id, only=set(truck_ids)), "group")
