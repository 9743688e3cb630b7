"""The log of invoices to be spread anew: which of them a change concerns, on which days, and how soon.

A day of a truck that has come concerns the shares of this day, and of an invoice by km those of the newest day alone
while that goes on. Where all shares of an invoice may be others (another distance of a day that is over, a truck that
was not among those that bear it) it is spread whole, but so much later that many changes are one.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import or_

from django.db import connection, transaction
from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Now

from apps.accounts.calendar import ONE_DAY
from apps.fleet.costs.allocation import Stretch
from apps.fleet.models import AllocationBasis, CostEntry, DirtyEntry
from apps.trucks import facts
from apps.trucks.models import TruckDay, TruckGroup

LATER = dt.timedelta(minutes=10)

# An upsert that raises a version and widens a stretch on conflict is beyond the ORM.
_NOTE = """
INSERT INTO dirty_entry (fleet_id, entry_id, version, marked_at, problem, first_day, last_day, whole_at)
VALUES (%s, %s, %s, %s, '', %s, %s, %s)
ON DUPLICATE KEY UPDATE version = version + 1, marked_at = VALUES(marked_at),
    first_day = COALESCE(LEAST(first_day, VALUES(first_day)), first_day, VALUES(first_day)),
    last_day = COALESCE(GREATEST(last_day, VALUES(last_day)), last_day, VALUES(last_day)),
    whole_at = COALESCE(LEAST(whole_at, VALUES(whole_at)), whole_at, VALUES(whole_at))
"""


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened to truck-days (truck, day), as far as invoices are spread by them."""

    new: Collection[tuple[int, dt.date]] = ()
    gone: Collection[tuple[int, dt.date]] = ()
    redriven: Collection[tuple[int, dt.date]] = ()  # with another distance


@dataclass(frozen=True, slots=True)
class Note:
    """What of an entry is to be spread anew: a stretch of its days, now, and all of it after so much time."""

    stretch: Stretch | None = None
    whole_in: dt.timedelta | None = None


WHOLE = Note(whole_in=dt.timedelta(0))


def mark(fleet_id: int, entry_ids: Iterable[int]) -> None:
    """Notes entries to be spread anew, whole and soon: they, or what they are worth, have changed.

    So those that could not be spread are tried again, which another day of a truck is no reason for.
    """
    noted = dict.fromkeys(entry_ids, WHOLE)
    _note(fleet_id, noted)
    told(fleet_id, noted)
    DirtyEntry.objects.filter(fleet_id=fleet_id, entry_id__in=noted).exclude(problem="").update(problem="")


def told(fleet_id: int, entry_ids: Collection[int]) -> None:
    """Tells those who remember answers that what is noted of these has changed, without the summaries having changed.

    After the transaction: nobody waits for the row of the facts who holds that of an entry.
    """
    if entry_ids:
        transaction.on_commit(partial(facts.changed, fleet_id))


def _note(fleet_id: int, notes: Mapping[int, Note]) -> None:
    """In the order of the key: two who note never wait for each other in a circle."""
    if not notes:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT UTC_TIMESTAMP(6)")
        now: dt.datetime = cursor.fetchone()[0]
        rows = [
            (fleet_id, entry_id, 1, now, *(note.stretch or (None, None)), _after(now, note.whole_in))
            for entry_id, note in sorted(notes.items())
        ]
        cursor.executemany(_NOTE, rows)


def _after(now: dt.datetime, wait: dt.timedelta | None) -> dt.datetime | None:
    return None if wait is None else now + wait


def due(fleet_id: int | None = None, *, early: bool = False) -> QuerySet[DirtyEntry]:
    """The noted entries of which something is to be spread now; `early`: all of them, also those that could not be."""
    noted = DirtyEntry.objects.all() if fleet_id is None else DirtyEntry.objects.filter(fleet_id=fleet_id)
    return noted if early else noted.filter(Q(first_day__isnull=False) | Q(whole_at__lte=Now()), problem="")


# --- what a change concerns -----------------------------------------------------------------------------------------


def note_changes(fleet_id: int, changes: Changes) -> None:
    """Notes the entries that changed truck-days concern, in the transaction that has written these.

    That holds the fleet's revision, so nobody else moves its newest day meanwhile.
    """
    newest = TruckDay.objects.filter(fleet_id=fleet_id).aggregate(day=Max("day"))["day"]
    notes = {entry_id: WHOLE for entry_id in _reached_by_gone(fleet_id, changes.gone, newest)}
    if changes.new or changes.redriven:
        world = _World(fleet_id, changes, newest, _newest_before(fleet_id, changes.new, newest))
        for entry in _candidates(world):
            if entry.pk not in notes and (note := reach(entry, world)) is not None:
                notes[entry.pk] = note
    _note(fleet_id, notes)


def _reached_by_gone(fleet_id: int, gone: Collection[tuple[int, dt.date]], newest: dt.date | None) -> Iterable[int]:
    """Those that cover days that are gone, or came to be no longer due because the newest day is an earlier one."""
    if not gone:
        return ()
    first, last = min(day for _, day in gone), max(day for _, day in gone)
    covering = Q(covers_from__lte=last, covers_to__gte=min(first, newest or first))
    return CostEntry.objects.filter(covering, fleet=fleet_id).values_list("pk", flat=True)


def _newest_before(fleet_id: int, new: Collection[tuple[int, dt.date]], newest: dt.date) -> dt.date:
    """The newest day before these were written; before the first one the least date there is."""
    fresh = [truck_id for truck_id, day in new if day == newest]
    days = TruckDay.objects.filter(fleet_id=fleet_id)
    if not fresh or days.filter(day=newest).exclude(truck_id__in=fresh).exists():
        return newest
    written = reduce(or_, (Q(truck_id=truck_id, day=day) for truck_id, day in new))
    earlier = days.filter(day__lt=newest).exclude(written).order_by("-day").values_list("day", flat=True)
    return earlier.first() or dt.date.min


@dataclass(slots=True)
class _World:
    """What a change is looked at against."""

    fleet_id: int
    changes: Changes
    newest: dt.date
    newest_before: dt.date
    _members: dict[int, frozenset[int]] = field(default_factory=dict)

    @property
    def days(self) -> Iterator[dt.date]:
        yield from (day for _, day in (*self.changes.new, *self.changes.redriven))

    @property
    def trucks(self) -> set[int]:
        return {truck_id for truck_id, _ in (*self.changes.new, *self.changes.redriven)}

    def of(self, entry: CostEntry, pairs: Collection[tuple[int, dt.date]]) -> list[tuple[int, dt.date]]:
        """Those of the entry's trucks and days."""
        return [
            (truck_id, day)
            for truck_id, day in pairs
            if entry.covers_from <= day <= entry.covers_to and self._is_its(entry, truck_id)
        ]

    def _is_its(self, entry: CostEntry, truck_id: int) -> bool:
        if entry.truck_id is not None:
            return entry.truck_id == truck_id
        if entry.group_id is None:
            return True
        if entry.group_id not in self._members:
            trucks = TruckGroup.objects.get(pk=entry.group_id).trucks.values_list("pk", flat=True)
            self._members[entry.group_id] = frozenset(trucks)
        return truck_id in self._members[entry.group_id]

    @property
    def has_moved(self) -> bool:
        return self.newest > self.newest_before

    def has_come(self, entry: CostEntry) -> Stretch | None:
        """The entry's days that are due since the newest day is another."""
        first, last = max(self.newest_before + ONE_DAY, entry.covers_from), min(self.newest, entry.covers_to)
        return Stretch(first, last) if first <= last else None


def _candidates(world: _World) -> QuerySet[CostEntry]:
    """The entries of the fleet that may be concerned, by their days and truck."""
    covering = Q(covers_from__lte=max(world.days), covers_to__gte=min(world.days))
    its = Q(truck=None) | Q(truck__in=world.trucks)
    coming = Q(covers_from__lte=world.newest, covers_to__gte=world.newest_before) if world.has_moved else Q(pk__in=[])
    entries = CostEntry.objects.filter((covering & its) | coming, fleet=world.fleet_id)
    return entries.only("basis", "truck", "group", "covers_from", "covers_to")


def reach(entry: CostEntry, world: _World) -> Note | None:
    """What of an entry the changes may have put out of date; None: nothing."""
    new = world.of(entry, world.changes.new)
    come = world.has_come(entry)
    if entry.basis == AllocationBasis.KM:
        driven = world.of(entry, world.changes.redriven)
        is_over = world.has_moved and entry.covers_from <= world.newest_before <= entry.covers_to
        return _reach_by_km({day for _, day in (*new, *driven)}, come, world.newest, is_over)
    stretch = _around([day for _, day in new], come)
    if stretch is None:
        return None
    is_joined = entry.basis == AllocationBasis.TRUCKS and _joins(entry, new)
    return Note(stretch, LATER if is_joined else None)


def _reach_by_km(days: Collection[dt.date], come: Stretch | None, newest: dt.date, is_over: bool) -> Note | None:
    """The newest day at once. Days that are over later, unless one has come that was none, which would be missing.

    `is_over`: the one that was the newest so far, and bore its own part, is so no more.
    """
    if come is not None and come.first < newest:
        return WHOLE
    is_today = newest in days or come is not None
    is_later = is_over or any(day < newest for day in days)
    if not is_today and not is_later:
        return None
    return Note(Stretch(newest, newest) if is_today else None, LATER if is_later else None)


def _around(days: Iterable[dt.date], come: Stretch | None) -> Stretch | None:
    each = [*days, *(come or ())]
    return Stretch(min(each), max(each)) if each else None


def _joins(entry: CostEntry, new: Collection[tuple[int, dt.date]]) -> bool:
    """Whether one of the trucks has none of the entry's days but the new ones."""
    trucks = {truck_id for truck_id, _ in new}
    own = TruckDay.objects.filter(fleet_id=entry.fleet_id, day__range=(entry.covers_from, entry.covers_to))
    for truck_id in trucks:
        fresh = [day for each, day in new if each == truck_id]
        if not own.filter(truck_id=truck_id).exclude(day__in=fresh).exists():
            return True
    return False
