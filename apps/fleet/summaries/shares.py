"""The shares of invoices: which entries must be spread anew, and spreading them.

A share by km depends on every day that its entry covers, so one late message may change thousands of shares. A batch
therefore only notes the entries that its days concern; they are spread once, at the end of a rebuild. Until then the
shares are those of the kilometres known before, and add up all the same.

Locks are taken in one order: the fleet's revision, then the log of entries, then the log of days.
"""

import datetime as dt
import logging
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Q, Sum

from apps.accounts.models import Fleet
from apps.fleet.allocation import NO_TRUCK, Exposure, Invoice, Share, allocate
from apps.fleet.costs import cents
from apps.fleet.exchange import Exchange, NoRate
from apps.fleet.models import UNALLOCATED, CostAllocation, CostEntry, CostSource, DirtyEntry, TruckDayCost
from apps.fleet.summaries import sums, writing
from apps.trucks.models import SummaryRevision, TruckDay

logger = logging.getLogger(__name__)

# An upsert that raises a version on conflict is beyond the ORM.
_MARK = """
INSERT INTO dirty_entry (fleet_id, entry_id, version, marked_at) VALUES (%s, %s, 1, UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE version = version + 1, marked_at = VALUES(marked_at)
"""


def mark(fleet_id: int, entry_ids: Iterable[int]) -> int:
    """Notes entries to be spread anew, in the order of the key."""
    keys = [(fleet_id, entry_id) for entry_id in sorted(set(entry_ids))]
    if keys:
        with connection.cursor() as cursor:
            cursor.executemany(_MARK, keys)
    return len(keys)


def mark_entries(fleet_id: int, days: Collection[dt.date]) -> None:
    """Notes the entries that cover one of these days, of which a truck's has been written.

    Whether it is new or only its distance changed makes no difference here: spreading an entry that comes out the same
    writes nothing.
    """
    covering = Q(covers_from__lte=max(days), covers_to__gte=min(days))
    mark(fleet_id, CostEntry.objects.filter(covering, fleet=fleet_id).values_list("pk", flat=True))


def reallocate(fleet: Fleet) -> int:
    """Spreads the noted entries anew, each in a transaction of its own. Returns how many changed.

    One that cannot be, for want of an exchange rate, stays noted and does not hold up the others.
    """
    waiting = list(DirtyEntry.objects.filter(fleet_id=fleet.pk).order_by("entry_id").values_list("entry_id", flat=True))
    changed = 0
    for entry_id in waiting:
        try:
            changed += _reallocate_entry(fleet, entry_id)
        except NoRate:
            logger.exception("invoice not spread", extra={"fleet": fleet.pk, "entry": entry_id})
    return changed


@transaction.atomic
def _reallocate_entry(fleet: Fleet, entry_id: int) -> bool:
    """Replaces the shares of an entry that differ, and the sums above them. Whether anything did."""
    writing.lock_revision(fleet.pk)
    noted = DirtyEntry.objects.select_for_update(skip_locked=True).filter(fleet_id=fleet.pk, entry_id=entry_id).first()
    if noted is None:
        return False
    stored = CostAllocation.objects.filter(fleet_id=fleet.pk, entry_id=entry_id)
    before = {_values(row): row for row in stored}
    after = {_values(row): row for row in _shares(fleet, entry_id)}
    gone, new = before.keys() - after.keys(), after.keys() - before.keys()
    changed = {(row.truck_id, row.day) for row in (*map(before.get, gone), *map(after.get, new)) if row is not None}
    if changed:
        days = {day for _, day in changed}
        stored.filter(day__in=days).delete()
        CostAllocation.objects.bulk_create(row for row in after.values() if row.day in days)
        _replace_costs(fleet.pk, changed)
    DirtyEntry.objects.filter(pk=noted.pk, version=noted.version).delete()
    return bool(changed)


def _values(row: CostAllocation) -> tuple[Any, ...]:
    return row.day, row.truck_id, row.line, row.source, row.amount


def _shares(fleet: Fleet, entry_id: int) -> list[CostAllocation]:
    """The shares that the entry has now; none if it is gone, or none of its days has come."""
    entry = CostEntry.objects.filter(pk=entry_id, fleet=fleet).first()
    until: dt.date | None = TruckDay.objects.filter(fleet_id=fleet.pk).aggregate(day=Max("day"))["day"]
    if entry is None or until is None:
        return []
    own = cents(Exchange(fleet).to_own(entry.amount, entry.currency, entry.covers_from))
    invoice = Invoice(int(own * 100), entry.basis, entry.covers_from, entry.covers_to)
    is_actual = entry.truck_id is not None and entry.covers_from == entry.covers_to
    source = CostSource.ACTUAL if is_actual else CostSource.ALLOCATED
    return [_row(entry, source, share) for share in allocate(invoice, _exposures(entry), until)]


def _exposures(entry: CostEntry) -> list[Exposure]:
    """The days of the trucks that the entry is about."""
    days = TruckDay.objects.filter(fleet_id=entry.fleet_id, day__range=(entry.covers_from, entry.covers_to))
    if entry.truck_id is not None:
        days = days.filter(truck_id=entry.truck_id)
    elif entry.group is not None:
        days = days.filter(truck_id__in=list(entry.group.trucks.values_list("pk", flat=True)))
    return [Exposure(*row) for row in days.values_list("truck_id", "day", "distance_m")]


def _row(entry: CostEntry, source: str, share: Share) -> CostAllocation:
    is_borne = share.truck_id != NO_TRUCK
    return CostAllocation(
        fleet_id=entry.fleet_id,
        entry_id=entry.pk,
        day=share.day,
        truck_id=share.truck_id,
        line=entry.line if is_borne else UNALLOCATED,
        source=source if is_borne else CostSource.ALLOCATED,
        amount=Decimal(share.cents) / 100,
    )


def _replace_costs(fleet_id: int, changed: Collection[tuple[int, dt.date]]) -> None:
    """Sums up the shares of all entries on the days of these (truck, day), by truck and line, and what is above."""
    revision: SummaryRevision = writing.next_revision(fleet_id)
    days = sorted({day for _, day in changed})
    TruckDayCost.objects.filter(fleet_id=fleet_id, day__in=days).exclude(source=CostSource.ESTIMATED).delete()
    shares = CostAllocation.objects.filter(fleet_id=fleet_id, day__in=days)
    TruckDayCost.objects.bulk_create(
        TruckDayCost(fleet_id=fleet_id, **row)
        for row in shares.values("day", "truck_id", "line", "source").annotate(amount=Sum("amount")).order_by()
    )
    sums.of_costs(fleet_id, changed, revision)
