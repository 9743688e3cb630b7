"""The one way in which rates, prices, invoices, purchases and exchange rates change: with the days that they touch.

A change and the notes of what it puts out of date are one transaction, so that nothing of it is ever forgotten.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.fleet.exchange import Exchange, NoRate
from apps.fleet.models import CostEntry, CostRate, ExchangeRate, FuelPrice, FuelPurchase
from apps.fleet.summaries import shares
from apps.trucks.invalidation import computed_days, mark
from apps.trucks.models import TruckGroup

LedgerRow: TypeAlias = CostEntry | CostRate | ExchangeRate | FuelPrice | FuelPurchase
CAUSES: dict[type[LedgerRow], str] = {
    CostEntry: "invoice",
    CostRate: "cost rate",
    ExchangeRate: "exchange rate",
    FuelPrice: "fuel price",
    FuelPurchase: "fuel purchase",
}


@dataclass(frozen=True, slots=True)
class Touched:
    """Days of some trucks, or of all, between two days, both included; without a last one up to the watermark."""

    trucks: Sequence[int] | None
    first: dt.date
    last: dt.date | None


@transaction.atomic
def save(row: LedgerRow) -> int:
    """Stores a new or changed row and marks what it was and is in force for. Returns how many truck-days that is."""
    return save_all([row])


@transaction.atomic
def save_all(rows: Sequence[LedgerRow]) -> int:
    """The same for many rows of one kind and fleet: all of them, or none."""
    before = [stored for row in rows if row.pk and (stored := type(row).objects.filter(pk=row.pk).first())]
    found = _pairs(before)  # as it was: a price is in force until the next one
    for row in rows:
        row.save()
    return _mark(rows, found | _pairs(rows), [*before, *rows])


@transaction.atomic
def delete(row: LedgerRow) -> int:
    """Removes a row and marks the truck-days that it was in force for. Returns how many.

    Raises ValidationError for an exchange rate that an invoice or purchase needs.
    """
    found, key = _pairs([row]), row.pk
    entries = _entries_of(row)
    row.delete()
    row.pk = key
    if isinstance(row, ExchangeRate):
        _require_rates(row)
    return _mark([row], found, [*entries, row])


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
    fleet_id = rows[0].fleet_id
    shares.mark(fleet_id, {entry.pk for row in changed for entry in _entries_of(row)})
    return mark(fleet_id, pairs, CAUSES[type(rows[0])])


def _entries_of(row: LedgerRow) -> list[CostEntry]:
    """The entries whose shares depend on the row."""
    if isinstance(row, CostEntry):
        return [row]
    if isinstance(row, ExchangeRate):
        later = CostEntry.objects.filter(fleet=row.fleet_id, currency=row.currency, covers_to__gte=row.effective_from)
        return list(later)
    return []


def _pairs(rows: Iterable[LedgerRow]) -> set[tuple[int, dt.date]]:
    """The truck-days that the rows are in force for, of those that have figures."""
    return {
        pair
        for row in rows
        for touched in _touched(row)
        for pair in computed_days(row.fleet_id, touched.first, touched.last, touched.trucks)
    }


def _touched(row: LedgerRow) -> Iterator[Touched]:
    match row:
        case CostEntry():
            yield Touched(_trucks(row.truck_id, row.group), row.covers_from, row.covers_to)
        case CostRate():
            yield Touched(_trucks(row.truck_id, row.group), row.effective_from, row.effective_to)
        case FuelPrice():
            yield Touched(_trucks(None, row.group), _local(row, row.effective_at), _last_day(row))
        case FuelPurchase():
            day = _local(row, row.purchased_at)
            yield Touched([row.truck_id], day, day)
        case ExchangeRate():
            bought = FuelPurchase.objects.filter(fleet=row.fleet_id, currency=row.currency)
            for purchase in bought:
                if (day := _local(row, purchase.purchased_at)) >= row.effective_from:
                    yield Touched([purchase.truck_id], day, day)


def _trucks(truck_id: int | None, group: TruckGroup | None) -> list[int] | None:
    if truck_id is not None:
        return [truck_id]
    return None if group is None else list(group.trucks.values_list("pk", flat=True))


def _local(row: LedgerRow, instant: dt.datetime) -> dt.date:
    return instant.astimezone(row.fleet.zone).date()


def _last_day(price: FuelPrice) -> dt.date | None:
    """The day on which the next price of the same trucks begins; both have a part of it, unless it is midnight."""
    later = FuelPrice.objects.filter(fleet=price.fleet_id, group=price.group_id, effective_at__gt=price.effective_at)
    following = later.exclude(pk=price.pk).order_by("effective_at").first()
    if following is None:
        return None
    return _local(price, following.effective_at - dt.timedelta(microseconds=1))


def members_changed(fleet_id: int, group: TruckGroup, truck_ids: Iterable[int]) -> None:
    """Marks what a change of a group's trucks touches: their days under its rates and prices, and its invoices."""
    trucks = list(truck_ids)
    entries = list(CostEntry.objects.filter(group=group))
    rules: list[LedgerRow] = [*entries, *CostRate.objects.filter(group=group), *FuelPrice.objects.filter(group=group)]
    pairs = {
        pair
        for row in rules
        for touched in _touched(row)
        for pair in computed_days(fleet_id, touched.first, touched.last, trucks)
    }
    shares.mark(fleet_id, [entry.pk for entry in entries])
    mark(fleet_id, pairs, "group")
