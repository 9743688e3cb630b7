"""The shares of invoices: spreading the entries that are noted, many in a transaction.

A share by km depends on every day that its entry covers, so one late message may change thousands of shares. A batch of
days therefore only notes what it concerns (`notes`); entries are spread at the end of a rebuild. Until then the shares
are those of what was known before, and add up all the same.

Locks are taken in one order: the fleet's revision, then the log of entries, then the log of days.
"""

import datetime as dt
import logging
import math
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, TypeAlias, TypeVar

from django.db import transaction
from django.db.models import BigIntegerField, BooleanField, ExpressionWrapper, F, Max, Q
from django.db.models.functions import Cast, Now

from apps.accounts.calendar import days_between
from apps.accounts.models import Fleet
from apps.fleet.costs.allocation import Exposure, Invoice, Share, Stretch, allocate
from apps.fleet.costs.estimates import cents
from apps.fleet.ledger.exchange import Exchange, NoRate
from apps.fleet.models import AllocationBasis, CostAllocation, CostEntry, DirtyEntry
from apps.fleet.summaries import notes, writing
from apps.fleet.summaries.differing_shares import Difference, chunks
from apps.trucks.models import Truck, TruckDay, TruckGroup

logger = logging.getLogger(__name__)

TRUCK_DAYS = 50_000  # that a transaction looks at, unless a single entry has more
ENTRIES = 1_000  # of a transaction
_CONDITIONS = 200

Scope: TypeAlias = frozenset[int] | None  # some trucks, or all of the fleet
T = TypeVar("T")


def reallocate(fleet: Fleet, *, early: bool = False, seconds: float = math.inf) -> int:
    """Spreads the noted entries that are due, `early` all of them. Returns how many have other shares than before.

    One that cannot be, for want of an exchange rate, stays noted with what is wrong, does not hold up the others, and
    is tried again when it or a rate changes. What is left when the time is over stays noted too.
    """
    deadline = time.monotonic() + seconds
    changed = 0
    for entry_ids in _batches(fleet, early):
        changed += _spread(fleet, entry_ids, early)
        if time.monotonic() > deadline:
            break
    return changed


def _batches(fleet: Fleet, early: bool) -> list[list[int]]:
    """The noted entries, as many together as look at not too many truck-days."""
    noted = list(_with_due(notes.due(fleet.pk, early=early), early).order_by("entry_id"))
    works = _works(fleet, noted)
    trucks = Truck.objects.filter(fleet=fleet).count()
    batches: list[list[int]] = []
    size = 0
    for work in works:
        size += work.size(trucks)
        if not batches or size > TRUCK_DAYS or len(batches[-1]) == ENTRIES:
            batches.append([])
            size = work.size(trucks)
        batches[-1].append(work.noted.entry_id)
    return batches


def _with_due(noted: Any, early: bool) -> Any:
    """With `is_whole`: whether the whole entry is due."""
    is_due = Q(whole_at__isnull=False) if early else Q(whole_at__lte=Now())
    return noted.annotate(is_whole=ExpressionWrapper(is_due, output_field=BooleanField()))


@dataclass(frozen=True, slots=True)
class Work:
    """A noted entry, its trucks, and the stretch of its days that is to be spread; no entry if it is gone."""

    noted: DirtyEntry
    entry: CostEntry | None
    scope: Scope
    stretch: Stretch | None  # None: the whole

    @property
    def days(self) -> Stretch:
        """The days of which shares are made."""
        assert self.entry is not None
        return self.stretch or Stretch(self.entry.covers_from, self.entry.covers_to)

    def size(self, trucks: int) -> int:
        """About how many truck-days it looks at."""
        if self.entry is None:
            return 1
        days = (self.days.last - self.days.first).days + 1
        return days * (trucks if self.scope is None else len(self.scope))


def _works(fleet: Fleet, noted: Sequence[Any]) -> list[Work]:
    """What is to be done for rows that have `is_whole`."""
    entries = CostEntry.objects.filter(fleet=fleet).in_bulk([row.entry_id for row in noted])
    groups = TruckGroup.trucks.through.objects.filter(
        truckgroup_id__in={entry.group_id for entry in entries.values() if entry.group_id is not None}
    )
    members: defaultdict[int | None, set[int]] = defaultdict(set)
    for group_id, truck_id in groups.values_list("truckgroup_id", "truck_id"):
        members[group_id].add(truck_id)

    def scope(entry: CostEntry | None) -> Scope:
        if entry is None or (entry.truck_id is None and entry.group_id is None):
            return None
        return frozenset(members[entry.group_id] if entry.truck_id is None else [entry.truck_id])

    works = []
    for row in noted:
        entry = entries.get(row.entry_id)
        stretch = None if row.is_whole or row.first_day is None else Stretch(row.first_day, row.last_day)
        works.append(Work(row, entry, scope(entry), stretch))
    return works


@transaction.atomic
def _spread(fleet: Fleet, entry_ids: Sequence[int], early: bool) -> int:
    """Replaces the shares of these entries that differ, and the sums above them. Returns of how many any did."""
    writing.lock_revision(fleet.pk)
    rows = DirtyEntry.objects.select_for_update(skip_locked=True).filter(fleet_id=fleet.pk, entry_id__in=entry_ids)
    noted = [row for row in _with_due(rows, early).order_by("entry_id") if row.is_whole or row.first_day is not None]
    spreading = _Spreading(fleet, _works(fleet, noted))
    difference = Difference()
    done = []
    for work in spreading.works:
        try:
            after = spreading.shares(work)
        except NoRate as error:
            _put_off(work.noted, str(error))
            continue
        difference.add(work.noted.entry_id, work.entry, spreading.stored(work), after)
        done.append(work)
    difference.write(fleet.pk)
    _take_off(fleet.pk, done)
    if not difference.truck_days:  # else the revision says that something is another
        notes.told(fleet.pk, [work.noted.entry_id for work in done])
    return len(difference.entries)


def _put_off(noted: DirtyEntry, problem: str) -> None:
    """Writes down why an entry cannot be spread, and says so once."""
    if noted.problem == problem:
        return
    as_read = DirtyEntry.objects.filter(fleet_id=noted.fleet_id, entry_id=noted.entry_id, version=noted.version)
    as_read.update(problem=problem)
    notes.told(noted.fleet_id, [noted.entry_id])
    logger.warning("invoice not spread", extra={"fleet": noted.fleet_id, "entry": noted.entry_id, "problem": problem})


def _take_off(fleet_id: int, done: Iterable[Work]) -> None:
    """Takes off the log what was spread, at the version that was read: what was noted meanwhile stays."""
    by_version: defaultdict[tuple[int, bool], list[int]] = defaultdict(list)
    for work in done:
        is_all = work.stretch is None or work.noted.whole_at is None
        by_version[work.noted.version, is_all].append(work.noted.entry_id)
    for (version, is_all), entry_ids in by_version.items():
        as_read = DirtyEntry.objects.filter(fleet_id=fleet_id, version=version, entry_id__in=entry_ids)
        if is_all:
            as_read.delete()
        else:
            as_read.update(first_day=None, last_day=None)


# --- what the shares are made of ------------------------------------------------------------------------------------


class _Spreading:
    """What entries are spread by, read for all of them together, under the lock of the revision."""

    def __init__(self, fleet: Fleet, works: Sequence[Work]) -> None:
        self._fleet = fleet
        self._exchange = Exchange(fleet)
        self._until: dt.date | None = TruckDay.objects.filter(fleet_id=fleet.pk).aggregate(day=Max("day"))["day"]
        self.works = [self._whole_if_needed(work) for work in works]
        self._distances = self._read()
        self._trucks: dict[tuple[Scope, Stretch], list[int]] = {}
        self._stored = self._read_stored()

    def _whole_if_needed(self, work: Work) -> Work:
        """By km only the newest day can be spread by itself: another may be it by now."""
        is_km = work.entry is not None and work.entry.basis == AllocationBasis.KM
        if is_km and work.stretch is not None and work.stretch.first != self._until:
            return Work(work.noted, work.entry, work.scope, None)
        return work

    def _read(self) -> dict[dt.date, dict[int, int | None]]:
        """Day → truck → distance, of all days and trucks that any of the entries needs."""
        found: dict[dt.date, dict[int, int | None]] = defaultdict(dict)
        wanted = {(work.scope, work.days) for work in self.works if work.entry is not None}
        whole = [Q(day__range=days) for scope, days in wanted if scope is None]
        some = [Q(day__range=days, truck_id__in=scope) for scope, days in wanted if scope is not None]
        for conditions in (*((each,) for each in whole), *chunks(some, _CONDITIONS)):
            days = TruckDay.objects.filter(reduce(or_, conditions), fleet_id=self._fleet.pk)
            for truck_id, day, distance_m in days.values_list("truck_id", "day", "distance_m"):
                found[day][truck_id] = distance_m
        return found

    def _read_stored(self) -> dict[int, list[Any]]:
        """The shares that stand there, by entry, of the days that are spread: day, truck, line, source, cents."""
        found: dict[int, list[Any]] = defaultdict(list)
        by_stretch: defaultdict[Stretch | None, list[int]] = defaultdict(list)
        for work in self.works:
            by_stretch[work.stretch].append(work.noted.entry_id)
        for stretch, entry_ids in by_stretch.items():
            rows = CostAllocation.objects.filter(fleet_id=self._fleet.pk, entry_id__in=entry_ids)
            if stretch is not None:
                rows = rows.filter(day__range=stretch)
            amounts = rows.annotate(cents=Cast(F("amount") * 100, BigIntegerField()))
            for entry_id, *row in amounts.values_list("entry_id", "day", "truck_id", "line", "source", "cents"):
                found[entry_id].append(row)
        return found

    def stored(self, work: Work) -> list[Any]:
        return self._stored.get(work.noted.entry_id, [])

    def shares(self, work: Work) -> list[Share]:
        """The shares that the entry has now; none if it is gone, or none of its days has come. Raises NoRate."""
        entry = work.entry
        if entry is None or self._until is None:
            return []
        own = cents(self._exchange.to_own(entry.amount, entry.currency, entry.covers_from))
        invoice = Invoice(int(own * 100), entry.basis, entry.covers_from, entry.covers_to)
        is_part = work.stretch is not None and entry.basis == AllocationBasis.TRUCKS
        trucks = self._trucks_of(work.scope, Stretch(entry.covers_from, entry.covers_to)) if is_part else ()
        return allocate(invoice, self._exposures(work), self._until, work.stretch, trucks)

    def _exposures(self, work: Work) -> Iterator[Exposure]:
        for day in days_between(*work.days):
            there = self._distances.get(day, {})
            for truck_id in there if work.scope is None else there.keys() & work.scope:
                yield Exposure(truck_id, day, there[truck_id])

    def _trucks_of(self, scope: Scope, days: Stretch) -> list[int]:
        """The trucks that have any of the days."""
        if (scope, days) not in self._trucks:
            own = TruckDay.objects.filter(fleet_id=self._fleet.pk, day__range=days)
            if scope is not None:
                own = own.filter(truck_id__in=scope)
            self._trucks[scope, days] = list(own.values_list("truck_id", flat=True).distinct())
        return self._trucks[scope, days]
