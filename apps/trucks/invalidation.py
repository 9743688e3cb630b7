"""The log of days that are out of date: who marks which, and why.

A change marks its days in the transaction that makes it. How far it reaches is decided by what a day is computed
from: the interval from the message before to the message after, the readings on either side, and the events that
touch them.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Q

from apps.accounts.calendar import as_utc, day_of, days_between
from apps.accounts.models import Fleet
from apps.trucks.fuel import MEDIAN_OF
from apps.trucks.models import FuelEvent, IdleEvent, SpeedingEpisode, Stop, Trip, TruckSync
from apps.trucks.models.events import DetectedEvent
from apps.trucks.storage import Neighbours

_EVENTS = (Trip, Stop, IdleEvent, SpeedingEpisode, FuelEvent)
# Motion shorter than a trip and fuel steps of half an hour are remembered by no row, but a message can still complete
# them.
_UNSEEN_S = 1_800

# An upsert that raises a version on conflict is beyond the ORM.
_MARK = """
INSERT INTO dirty_day (fleet_id, truck_id, day, version, cause, marked_at, attempts, last_error)
VALUES (%s, %s, %s, 1, %s, UTC_TIMESTAMP(6), 0, '')
ON DUPLICATE KEY UPDATE version = version + 1, cause = VALUES(cause), marked_at = VALUES(marked_at),
    attempts = 0, retry_at = NULL, last_error = ''
"""


def mark(fleet_id: int, days: Iterable[tuple[int, dt.date]], cause: str) -> int:
    """Marks (truck, day) pairs, sorted by key so that two writers never wait for each other in a circle."""
    keys = [(fleet_id, truck_id, day, cause) for truck_id, day in sorted(set(days))]
    if keys:
        with connection.cursor() as cursor:
            cursor.executemany(_MARK, keys)
    return len(keys)


def mark_fleet(fleet_id: int, since: dt.date, cause: str, truck_id: int | None = None) -> int:
    """Marks all days of a fleet, or of one of its trucks, from a day to the watermark. Returns how many."""
    zone = Fleet.objects.get(id=fleet_id).zone
    known = TruckSync.objects.filter(fleet_id=fleet_id, first_t__isnull=False, known_until__isnull=False)
    if truck_id is not None:
        known = known.filter(truck_id=truck_id)
    days = [
        (sync.truck_id, day)
        for sync in known
        for day in days_between(max(since, day_of(sync.first_t or 0, zone)), day_of(sync.known_until or 0, zone))
    ]
    with transaction.atomic():
        return mark(fleet_id, days, cause)


@dataclass(frozen=True, slots=True)
class Change:
    """New messages of a truck: their seconds, ascending, and the columns in which they have readings."""

    first_t: int
    last_t: int
    columns: frozenset[str]


def days_of_change(truck_id: int, change: Change, neighbours: Neighbours, zone: ZoneInfo, until: int) -> set[dt.date]:
    """The local days that new messages can change, up to the watermark.

    A counter's delta reaches from its last to its next reading, however many messages without it lie between; an event
    that touches the change may begin or end elsewhere now, so its day is changed too.
    """
    columns = ("t", *sorted(change.columns))
    before = neighbours.before(change.first_t, columns, levels=MEDIAN_OF)
    after = neighbours.after(change.last_t, columns, levels=MEDIAN_OF)
    start = min([change.first_t - _UNSEEN_S, *(seconds[0] for seconds in before.values())])
    # With nothing after it, the last state reaches to the watermark.
    end = max([change.last_t, *(seconds[0] for seconds in after.values())]) if after else max(until, change.last_t)
    level_start = before.get("fuel_level_l", [start])[-1]
    level_end = after.get("fuel_level_l", [end])[-1]
    days = set(days_between(day_of(start, zone), day_of(min(end, until), zone)))
    days |= _days_of_events(_EVENTS, neighbours.fleet_id, truck_id, start - _UNSEEN_S, end)
    return days | _days_of_events((FuelEvent,), neighbours.fleet_id, truck_id, level_start, level_end)


def days_of_watermark(fleet_id: int, sync: TruckSync, zone: ZoneInfo, until: int) -> set[dt.date]:
    """The local days that change when a truck's watermark moves to `until`, with all that is stored up to there.

    The days it moves over, and those of the events that were not over yet; after the end of a trip a stop begins.
    """
    if sync.first_t is None:
        return set()
    known = max(sync.first_t, sync.known_until or sync.first_t)
    last = day_of(until, zone)
    days = set(days_between(day_of(max(sync.first_t, known - _UNSEEN_S), zone), last))
    unfinished = _days_of_open_events(fleet_id, sync.truck_id)
    return days | (set(days_between(min(unfinished), last)) if unfinished else set())


def _days_of_events(
    models: Iterable[type[DetectedEvent]], fleet_id: int, truck_id: int, start: int, end: int
) -> set[dt.date]:
    """The days of the events that touch the interval."""
    touching = Q(ended_at=None) | Q(ended_at__gte=as_utc(start))
    return {
        day
        for model in models
        for day in model._default_manager.filter(
            touching, fleet_id=fleet_id, truck_id=truck_id, started_at__lte=as_utc(end)
        ).values_list("day", flat=True)
    }


def _days_of_open_events(fleet_id: int, truck_id: int) -> set[dt.date]:
    """The days of open trips and the like. An open stop says nothing that time alone would change."""
    return {
        day
        for model in (Trip, IdleEvent, SpeedingEpisode)
        for day in model.objects.filter(fleet_id=fleet_id, truck_id=truck_id, ended_at=None).values_list(
            "day", flat=True
        )
    }
