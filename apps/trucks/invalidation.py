"""The log of days that are out of date: who marks which, and why.

A change marks its days in the transaction that makes it. How far it reaches is decided by what a day is computed
from: the interval from the message before to the message after, the readings on either side, and the events that
touch them.
"""

import datetime as dt
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from apps.accounts.calendar import as_utc, day_of, days_between
from apps.accounts.models import Fleet
from apps.trucks.fuel import JOIN_S, MEDIAN_OF
from apps.trucks.models import FuelEvent, IdleEvent, SpeedingEpisode, Stop, Trip, TruckSync
from apps.trucks.models.events import DetectedEvent
from apps.trucks.parameters import Parameters
from apps.trucks.quantities import CONNECTED_S
from apps.trucks.storage import Neighbours

_EVENTS = (Trip, Stop, IdleEvent, SpeedingEpisode, FuelEvent)
# What a point without the reading has from the point before: a change holds on to the next reading, or to the end.
_CARRIED = frozenset({"lat", "ignition", "rpm", "voltage", "pto"})

# An upsert that raises a version on conflict is beyond the ORM.
_MARK = """
INSERT INTO dirty_day (fleet_id, truck_id, day, version, cause, marked_at, attempts, last_error)
VALUES (%s, %s, %s, 1, %s, UTC_TIMESTAMP(6), 0, '')
ON DUPLICATE KEY UPDATE version = version + 1, cause = VALUES(cause), marked_at = VALUES(marked_at),
    attempts = 0, retry_at = NULL, last_error = ''
"""


# All kinds of events in one statement: this is asked for every delivery of every truck.
_TOUCHING = """
SELECT day FROM {table} WHERE fleet_id = %(fleet)s AND truck_id = %(truck)s AND started_at <= %(end)s
    AND (ended_at IS NULL OR ended_at >= %(start)s)
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
    with transaction.atomic():
        return mark(fleet_id, computed_days(fleet_id, since, None, None if truck_id is None else [truck_id]), cause)


def computed_days(
    fleet_id: int, first: dt.date, last: dt.date | None = None, trucks: Collection[int] | None = None
) -> list[tuple[int, dt.date]]:
    """The (truck, day) pairs between two days, both included, that have figures: from first message to watermark.

    Without a last day to the watermark, without trucks of the whole fleet.
    """
    return [
        (truck_id, day)
        for truck_id, (begin, end) in days_with_figures(fleet_id).items()
        if trucks is None or truck_id in trucks
        for day in days_between(max(first, begin), end if last is None else min(end, last))
    ]


def days_with_figures(fleet_id: int) -> dict[int, tuple[dt.date, dt.date]]:
    """Truck → its first and last day that have figures: that of its first message and that of its watermark."""
    zone = Fleet.objects.get(id=fleet_id).zone
    known = TruckSync.objects.filter(fleet_id=fleet_id, first_t__isnull=False, known_until__isnull=False)
    return {
        truck_id: (day_of(first_t or 0, zone), day_of(known_until or 0, zone))
        for truck_id, first_t, known_until in known.values_list("truck_id", "first_t", "known_until")
    }


@dataclass(frozen=True, slots=True)
class Change:
    """New messages of a truck: their seconds, ascending, and the columns in which they have readings."""

    first_t: int
    last_t: int
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far what a day is computed from reaches beyond the messages themselves.

    What is too short to be an event is remembered by no row, but a message can still complete it: for `unseen_s` a
    trip, idle event or episode may go on without one. Of fixes those count that are fixes under any parameters.
    """

    unseen_s: int
    min_satellites: int

    @classmethod
    def of(cls, lowest: Parameters, highest: Parameters) -> "Reach":
        """The reach under any parameters between these: what ends no trip, and then the longest that is no event."""
        drive_s = 3.6 * highest.trip_min_m / max(lowest.moving_speed_kmh, 1)
        shortest_s = (highest.trip_min_s, highest.idle_event_min_s, highest.speeding_min_s, JOIN_S, drive_s)
        unseen_s = highest.trip_max_gap_s + highest.trip_end_s + max(shortest_s)
        return cls(math.ceil(unseen_s), highest.min_satellites)


def days_of_change(change: Change, neighbours: Neighbours, reach: Reach, zone: ZoneInfo, until: int) -> set[dt.date]:
    """The local days that new messages can change, up to the watermark.

    A counter's delta reaches from its last to its next reading, however many messages without it lie between; an event
    that touches the change may begin or end elsewhere now, so its day is changed too.
    """
    columns = ("t", *sorted(change.columns))
    before = neighbours.before(change.first_t, columns, levels=MEDIAN_OF)
    after = neighbours.after(change.last_t, columns, levels=MEDIAN_OF)
    start = min([change.first_t, *(seconds[0] for seconds in before.values())]) - reach.unseen_s
    end = min(until, _end(change, after, until) + reach.unseen_s)
    days = set(days_between(day_of(start, zone), day_of(end, zone)))
    days |= _days_of_events(_EVENTS, neighbours, start, end)
    # The litres of a refuel or drain are taken from several readings on either side.
    level_start = before.get("fuel_level_l", [start])[-1] - reach.unseen_s
    level_end = after.get("fuel_level_l", [end])[-1] + reach.unseen_s
    return days | _days_of_events([FuelEvent], neighbours, level_start, level_end)


def _end(change: Change, after: Mapping[str, Sequence[int]], until: int) -> int:
    """Up to where the change reaches: to the next readings, or as far as a state is carried where there is none."""
    if "t" not in after:
        return max(until, change.last_t)
    ends = [change.last_t, *(seconds[0] for seconds in after.values())]
    return change.last_t + CONNECTED_S if change.columns & _CARRIED - after.keys() else max(ends)


def days_of_watermark(
    sync: TruckSync, unfinished: set[dt.date], reach: Reach, zone: ZoneInfo, until: int
) -> set[dt.date]:
    """The local days that change when a truck's watermark moves to `until`, with all that is stored up to there.

    The days it moves over, and those of the events that were not over yet. A trip that silence ends was over with the
    last message: on that day a stop begins.
    """
    if sync.first_t is None:
        return set()
    known = max(sync.first_t, sync.known_until or sync.first_t)
    days = set(days_between(day_of(max(sync.first_t, known - reach.unseen_s), zone), day_of(until, zone)))
    if unfinished and sync.cursor_t is not None:
        days.add(day_of(max(sync.first_t, sync.cursor_t), zone))
    return days | unfinished


def _days_of_events(
    models: Iterable[type[DetectedEvent]], neighbours: Neighbours, start: int, end: int
) -> set[dt.date]:
    """The days of the events that touch the interval."""
    statement = " UNION ".join(_TOUCHING.format(table=model._meta.db_table) for model in models)
    values: dict[str, Any] = {
        "fleet": neighbours.fleet_id,
        "truck": neighbours.truck_id,
        "start": as_utc(start).replace(tzinfo=None),  # the driver would drop an offset without a word
        "end": as_utc(end).replace(tzinfo=None),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {day for (day,) in cursor.fetchall()}


def days_of_open_events(fleet_id: int) -> dict[int, set[dt.date]]:
    """Truck → the days of its open trips and the like. An open stop says nothing that time alone would change."""
    days: dict[int, set[dt.date]] = {}
    for model in (Trip, IdleEvent, SpeedingEpisode):
        unfinished = model.objects.filter(fleet_id=fleet_id, ended_at=None)
        for truck_id, day in unfinished.values_list("truck_id", "day"):
            days.setdefault(truck_id, set()).add(day)
    return days
