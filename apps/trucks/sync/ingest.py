"""What becomes of one truck's messages: stored once, latest values kept, days marked, watermark moved."""

from collections.abc import Sequence, Set
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import orjson
from django.db import connection, transaction

from apps.accounts.calendar import day_of
from apps.accounts.models import Fleet
from apps.trucks import invalidation
from apps.trucks.invalidation import Reach
from apps.trucks.messages import reads, storage
from apps.trucks.messages.normal import (
    KEY_CARD,
    Batch,
    MessageRow,
    MessageRows,
    Raw,
    Received,
    StoredPoint,
    rows,
)
from apps.trucks.messages.read_spans import widened
from apps.trucks.models import Truck, TruckSync
from apps.trucks.parameter_sets import extremes
from apps.trucks.sensors import SensorTable
from apps.trucks.sync import latest_values, logins, watermarks
from apps.trucks.sync.changed_days import mark_changed

# Raw SQL for what every delivery does: the ORM takes half a millisecond longer to say each.
_LOCK = "SELECT * FROM truck_sync WHERE truck_id = %s FOR UPDATE"
_MOVE = "UPDATE truck_sync SET first_t = %s, cursor_t = %s, sensor_version = %s, read_spans = %s WHERE truck_id = %s"

Key: TypeAlias = tuple[int, int]  # of a message: second, digest


class Stored(NamedTuple):
    """What became of a batch, in messages: stored now, put into quarantine now, refused since their days are sealed."""

    new: int
    quarantined: int
    too_old: int


def store(fleet: Fleet, truck: Truck, table: SensorTable, batch: Batch, now: int) -> Stored:
    """Stores what is not stored yet of one truck's batch, and all that follows from it, in one transaction.

    Repeating it changes nothing.
    """
    with transaction.atomic():
        sync, reach = locked(truck)
        data = [each for each in batch.data if each.t >= (sync.raw_since_t or 0)]
        new = _store_data(truck, sync, reach, table, data, now) if data else 0
        today = day_of(now, truck.fleet.zone)
        quarantined = storage.quarantine(fleet.id, truck.id, today, batch.future)
        if quarantined:
            invalidation.mark(fleet.id, [(truck.id, today)], "quarantine")
    return Stored(new, quarantined, len(batch.data) - len(data))


class Locked(NamedTuple):
    """A truck's watermark row under its lock, and how far a change reaches in the fleet."""

    sync: TruckSync
    reach: Reach


def locked(truck: Truck) -> Locked:
    """The truck's watermark row. Whoever else stores for it, or rebuilds its days, waits here, and then sees our rows.

    The fleet's zone may have changed since the pass began: days are marked in the one that is in force now. Who changes
    it marks every day, and while we hold the lock none of them is rebuilt.
    """
    sync = TruckSync.objects.raw(_LOCK, [truck.id])[0]
    return Locked(sync, _terms(truck.fleet))


def _terms(fleet: Fleet) -> Reach:
    """How far a change reaches under the parameters of now; the fleet gets the zone of now, too."""
    fleet.timezone, parameters = storage.fleet_terms(fleet.pk)
    return Reach.of(*extremes(parameters))


def replace(
    fleet: Fleet,
    truck: Truck,
    table: SensorTable,
    batch: Batch,
    first_t: int,
    last_t: int,
    now: int,
    removable: Set[Key],
) -> tuple[int, int, int]:
    """Makes the batch, all that Wialon has of [first_t, last_t], all that is stored of it, in one transaction.

    Only what is `removable` is removed: what was stored before Wialon was asked. Returns how many messages were new,
    newly quarantined, and removed. Repeating it changes nothing. A truck's first known second stays where it is: days
    that lose all their messages are days without data. What lies before the truck's floor stays as it is.
    """
    with transaction.atomic():
        sync, reach = locked(truck)
        first_t = max(first_t, sync.raw_since_t or 0)
        gone = removable - {each.key for each in batch.data}
        removed = _remove(truck, sync, reach, table, gone, first_t, last_t, now) if gone else 0
        new, quarantined, _ = store(fleet, truck, table, batch, now)
    return new, quarantined, removed


def _remove(
    truck: Truck, sync: TruckSync, reach: Reach, table: SensorTable, keys: Set[Key], first_t: int, last_t: int, now: int
) -> int:
    """Removes these of the messages of [first_t, last_t], as far as they are stored. Returns how many."""
    stored = reads.stored_points(truck.fleet_id, truck.id, first_t, last_t + 1)
    gone = [point for point in stored if (point.t, point.digest) in keys]
    if not gone:
        return 0
    mark_changed(truck, sync, reach, gone, now)  # what lay next to them before
    storage.delete(truck.fleet_id, truck.id, [(point.t, point.digest) for point in gone])
    followers = sorted(_reevaluate(truck, table, gone)) if table.reads_previous else []
    widen_spans(sync, followers)
    mark_changed(truck, sync, reach, sorted([*gone, *followers], key=_second), now)  # what lies there now
    if table.reads_previous or latest_values.is_any_of(truck.id, {point.t for point in gone}):
        latest_values.renew(truck, table, sync.cursor_t or 0)
    newest_t = reads.newest_second(truck.fleet_id, truck.id, sync.cursor_t or 0)
    if newest_t is not None and newest_t != sync.cursor_t:
        sync.cursor_t = newest_t
        sync.save(update_fields=["cursor_t"])
    logins.remove(truck, ((point.t, point.digest, point.flags) for point in gone))
    return len(gone)


def _reevaluate(truck: Truck, table: SensorTable, gone: Sequence[StoredPoint]) -> list[MessageRow]:
    """Gives the messages that follow upon removed ones the readings that they have after their new predecessors."""
    seconds = set()
    for point in gone:
        nearest = reads.message_after(truck.fleet_id, truck.id, point.t)
        seconds |= {point.t} | ({nearest.t} if nearest else set())
    renewed: list[MessageRow] = []
    for t in sorted(seconds):
        before = reads.message_before(truck.fleet_id, truck.id, t)
        second = reads.messages_between(truck.fleet_id, truck.id, t, t)
        renewed += rows(second, table, before.message if before else None).rows
    storage.replace_readings(truck.fleet_id, truck.id, renewed)
    return renewed


def widen_spans(sync: TruckSync, evaluated: Sequence[MessageRow]) -> None:
    """Stored messages (ascending) have got these readings."""
    spans = widened(sync.read_spans, evaluated)
    if spans != sync.read_spans:
        sync.read_spans = spans
        sync.save(update_fields=["read_spans"])


def _second(row: MessageRow | StoredPoint) -> int:
    return row.t


def _store_data(
    truck: Truck, sync: TruckSync, reach: Reach, table: SensorTable, data: Sequence[Received], now: int
) -> int:
    """Stores what is new of these messages (sorted, not empty). Returns how many."""
    known = storage.known_keys(truck.fleet_id, truck.id, data[0].t, data[-1].t)
    new_keys = {each.key for each in data} - known
    if not new_keys:
        return 0
    if table.reads_previous:
        messages, previous = _in_context(truck, data, new_keys)
    else:
        messages, previous = _same_seconds(data, new_keys), None
    evaluated = rows(messages, table, previous)
    new = _of(evaluated.rows, new_keys)
    followers = _followers(evaluated.rows, new_keys) if table.reads_previous else []
    changed = sorted([*new, *followers]) if followers else new
    mark_changed(truck, sync, reach, changed, now)
    storage.insert(truck.fleet_id, truck.id, new)
    storage.replace_readings(truck.fleet_id, truck.id, followers)
    if table.reads_previous:
        latest_values.renew(truck, table, sync.cursor_t or 0)  # a late message may have taken away what is latest
    else:
        latest_values.keep(truck, table, evaluated, sync.cursor_t or 0)
    sync.read_spans = widened({} if sync.first_t is None else sync.read_spans, changed)
    _move_cursor(sync, table, new[0].t, new[-1].t)
    logins.keep(truck, data, _with_key_card(new))
    return len(new)


def _of(rows: Sequence[MessageRow], keys: Set[Key]) -> MessageRows:
    """The rows of these keys, of which each has one."""
    found = MessageRows.of(rows)
    if len(found) == len(keys):
        return found
    return found.chosen([key in keys for key in zip(found.column("t"), found.column("digest"), strict=True)])


def _with_key_card(rows: MessageRows) -> set[Key]:
    columns = zip(rows.column("t"), rows.column("digest"), rows.column("flags"), strict=True)
    return {(t, digest) for t, digest, flags in columns if flags & KEY_CARD}


def _same_seconds(data: Sequence[Received], new_keys: Set[Key]) -> list[Received]:
    """The new messages, and those of the same seconds: what is latest is for all of a second to say."""
    seconds = {t for t, _ in new_keys}
    return [each for each in data if each.t in seconds]


def _in_context(truck: Truck, data: Sequence[Received], new_keys: Set[Key]) -> tuple[list[Received], Raw | None]:
    """The new messages, those stored among and right after them, and the one before: some sensors refer to it."""
    first_t, last_t = data[0].t, data[-1].t
    new = [each for each in data if each.key in new_keys]
    stored = reads.messages_between(truck.fleet_id, truck.id, first_t, last_t)
    following = reads.message_after(truck.fleet_id, truck.id, last_t)
    before = reads.message_before(truck.fleet_id, truck.id, first_t)
    messages = sorted([*stored, *new, *([following] if following else [])])
    return messages, before.message if before else None


def _followers(evaluated: Sequence[MessageRow], new_keys: Set[Key]) -> list[MessageRow]:
    """The stored rows that come right after a new one: their readings may be others now."""
    return [
        row
        for before, row in pairwise(evaluated)
        if (before.t, before.digest) in new_keys and (row.t, row.digest) not in new_keys
    ]


def _move_cursor(sync: TruckSync, table: SensorTable, first_t: int, last_t: int) -> None:
    is_first = sync.first_t is None
    if is_first:
        sync.sensor_version = table.version
    sync.first_t = first_t if sync.first_t is None else min(first_t, sync.first_t)
    sync.cursor_t = last_t if sync.cursor_t is None else max(last_t, sync.cursor_t)
    spans = None if sync.read_spans is None else orjson.dumps(sync.read_spans)
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, [sync.first_t, sync.cursor_t, sync.sensor_version, spans, sync.truck_id])
    if is_first and sync.known_until is not None:
        watermarks.recount(sync.fleet_id)


def advance(fleet: Fleet, truck_ids: Sequence[int], now: int) -> None:
    """Moves watermarks to the Wialon clock and marks the days that this changes: their last state holds on."""
    with transaction.atomic():
        moving = list(
            TruckSync.objects.select_for_update()
            .filter(truck_id__in=truck_ids)
            .exclude(known_until__gte=now)
            .order_by("truck_id")
        )
        reach = _terms(fleet)
        unfinished = invalidation.days_of_open_events(fleet.id)
        days = [
            (sync.truck_id, day)
            for sync in moving
            for day in invalidation.days_of_watermark(
                sync, unfinished.get(sync.truck_id, set()), reach, fleet.zone, now
            )
        ]
        invalidation.mark(fleet.id, days, "time")
        TruckSync.objects.filter(truck_id__in=[sync.truck_id for sync in moving]).update(known_until=now)
        watermarks.recount(fleet.id, is_moved=bool(moving))
