"""The log of days that are out of date: who marks which, and why.

A change marks its days in the transaction that makes it. How far it reaches is decided by what a day is computed
from: the interval from the message before to the message after, the readings on either side, and the events that
touch them.
"""

import datetime as dt
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from apps.accounts.calendar import as_utc, day_of, days_between
from apps.accounts.models import Fleet
from apps.trucks.detection.fuel import JOIN_S, MEDIAN_OF
from apps.trucks.detection.quantities import CONNECTED_S
from apps.trucks.messages.neighbours import Neighbours
from apps.trucks.messages.sealing import first_open_day
from apps.trucks.models import FuelEvent, HarshEvent, IdleEvent, SpeedingEpisode, Stop, Trip, TruckDay, TruckSync
from apps.trucks.models.events import DetectedEvent
from apps.trucks.parameters import Parameters

_EVENTS = (Trip, Stop, IdleEvent, SpeedingEpisode, FuelEvent, HarshEvent)
_TRIP, _STOP = Trip._meta.db_table, Stop._meta.db_table
# What a point without the reading has from the point before: a change holds on to the next reading, or to the end.
_CARRIED = frozenset({"lat", "speed_kmh", "ignition", "rpm", "voltage", "pto"})
Readings = Mapping[str, Sequence[int]]  # column → the seconds of its readings, the nearest first

# An upsert that raises a version on conflict is beyond the ORM.
_MARK = """
INSERT INTO dirty_day (fleet_id, truck_id, day, version, cause, marked_at, attempts, last_error) VALUES {}
ON DUPLICATE KEY UPDATE version = version + 1, cause = VALUES(cause), marked_at = VALUES(marked_at),
    attempts = 0, retry_at = NULL, last_error = ''
"""
_MARKED = "(%s, %s, %s, 1, %s, UTC_TIMESTAMP(6), 0, '')"
_MARKS_AT_ONCE = 500  # rows in a statement; one by one each would cost as much as a few dozen together

# All kinds of events in one statement: this is asked for every delivery of every truck.
_TOUCHING = """
SELECT '{table}', day, started_at, ended_at FROM {table}
WHERE fleet_id = %(fleet)s AND truck_id = %(truck)s AND started_at <= %(end)s
    AND (ended_at IS NULL OR ended_at >= %(start)s)
"""


def mark(fleet_id: int, days: Iterable[tuple[int, dt.date]], cause: str) -> int:
    """Marks (truck, day) pairs, sorted by key so that two writers never wait for each other in a circle."""
    keys = sorted(set(days))
    for start in range(0, len(keys), _MARKS_AT_ONCE):
        some = keys[start : start + _MARKS_AT_ONCE]
        values = [value for truck_id, day in some for value in (fleet_id, truck_id, day, cause)]
        with connection.cursor() as cursor:
            cursor.execute(_MARK.format(", ".join([_MARKED] * len(some))), values)
    return len(keys)


def mark_fleet(fleet_id: int, since: dt.date, cause: str, truck_id: int | None = None) -> int:
    """Marks all days of a fleet, or of one of its trucks, from a day to the watermark. Returns how many."""
    with transaction.atomic():
        return mark(fleet_id, computed_days(fleet_id, since, None, None if truck_id is None else [truck_id]), cause)


def mark_zone(fleet_id: int) -> int:
    """Marks all days of a fleet whose zone has changed, and those that only the old one had. Returns how many.

    Call it in the transaction that changes the zone, after `lock_trucks`.
    """
    with transaction.atomic():
        with_floor = {sync.truck_id for sync in lock_trucks(fleet_id) if sync.raw_since_t is not None}
        known = days_with_figures(fleet_id)
        stored = TruckDay.objects.filter(fleet_id=fleet_id, truck_id__in=known).values_list("truck_id", "day")
        no_more = [
            (truck_id, day)
            for truck_id, day in stored
            if day > known[truck_id][1] or (day < known[truck_id][0] and truck_id not in with_floor)
        ]
        return mark(fleet_id, [*computed_days(fleet_id, dt.date.min), *no_more], "zone")


def lock_trucks(fleet_id: int) -> list[TruckSync]:
    """Waits for whoever stores for a truck of the fleet or computes its days; nobody does until the transaction ends.

    Before anything of the fleet itself is changed: those who hold a truck may come to need that. By the primary key, as
    everybody locks them: over the index of watermarks it would wait for one who waits for it.
    """
    trucks = list(TruckSync.objects.filter(fleet_id=fleet_id).values_list("truck_id", flat=True))
    return list(TruckSync.objects.select_for_update().filter(truck_id__in=trucks).order_by("truck_id"))


def computed_days(
    fleet_id: int, first: dt.date, last: dt.date | None = None, trucks: Collection[int] | None = None
) -> list[tuple[int, dt.date]]:
    """The (truck, day) pairs between two days, both included, that have figures: from first message to watermark.

    Sealed days are left out: nothing changes them. Without a last day to the watermark, without trucks of the whole
    fleet.
    """
    return [
        (truck_id, day)
        for truck_id, (begin, end) in days_with_figures(fleet_id).items()
        if trucks is None or truck_id in trucks
        for day in days_between(max(first, begin), end if last is None else min(end, last))
    ]


def days_with_figures(fleet_id: int, *, sealed: bool = False) -> dict[int, tuple[dt.date, dt.date]]:
    """Truck → its first and last day whose figures may change: that of its first message and that of its watermark.

    Of a truck with sealed days the first that is not sealed, unless `sealed` asks for these too.
    """
    zone = Fleet.objects.get(id=fleet_id).zone
    known = TruckSync.objects.filter(fleet_id=fleet_id, first_t__isnull=False, known_until__isnull=False)
    return {
        truck_id: (
            max(day_of(first_t or 0, zone), first_open_day(None if sealed else floor, zone)),
            day_of(known_until or 0, zone),
        )
        for truck_id, first_t, known_until, floor in known.values_list(
            "truck_id", "first_t", "known_until", "raw_since_t"
        )
    }


@dataclass(frozen=True, slots=True)
class Change:
    """Messages of a truck that are new or gone: their seconds, ascending, and the columns in which they have readings.

    `followed_by`: further columns whose next reading tells how far the change reaches.
    """

    first_t: int
    last_t: int
    columns: frozenset[str]
    followed_by: frozenset[str] = frozenset()


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


class Span(NamedTuple):
    """From where to where a change reaches, UTC seconds, both readings included."""

    start: int
    end: int


class Stored(NamedTuple):
    """An event as it is stored. Without an end it may still go on."""

    kind: str
    day: dt.date
    start: int
    end: int | None

    def touches(self, span: Span) -> bool:
        return self.start <= span.end and (self.end is None or self.end >= span.start)


# The days of events near a span, and of those of the given stops, that a change makes others; None: cannot be told.
# The last argument: all days that may be among them.
Differing = Callable[[Span, Sequence[Stored], Set[dt.date]], set[dt.date] | None]


def days_of_change(
    change: Change, neighbours: Neighbours, reach: Reach, zone: ZoneInfo, until: int, differing: Differing
) -> set[dt.date]:
    """The local days that new messages can change, up to the watermark.

    States and quantities change from the last to the next readings: a counter's delta reaches so far, however many
    messages without it lie between. An event that touches this span may begin or end elsewhere now, so its day is
    changed too. So may be that of something unseen which goes on there, and that of a stop: those are looked at closer.
    """
    columns = {"t", *change.columns}
    before = neighbours.before(change.first_t, sorted(columns), levels=MEDIAN_OF)
    after = neighbours.after(change.last_t, sorted(columns | change.followed_by), levels=MEDIAN_OF)
    span = _span(change, before, after, until)
    wide = Span(span.start - reach.unseen_s, min(until, span.end + reach.unseen_s))
    speeding = Span(span.end, min(until, _next("lat", after, neighbours, span.end)))  # only a fix ends an episode
    levels = _levels(before, after, neighbours, span)
    events = _stored(_EVENTS, neighbours, wide)
    stops = _stops(events, neighbours, span)
    certain = {*_days(span, zone), *(each.day for each in events if each.kind != _STOP and each.touches(span))}
    for each in _stored([FuelEvent], neighbours, levels):  # joined with another, or parted, it begins elsewhere
        certain |= {each.day, *_days(Span(each.start, each.end or each.start), zone)}
    possible = {*_days(wide, zone), *_days(speeding, zone), *(each.day for each in (*events, *stops))}
    if possible <= certain:
        return certain
    found = differing(span, stops, possible | certain)
    return certain | (possible if found is None else found)


def _span(change: Change, before: Readings, after: Readings, until: int) -> Span:
    """From the last readings before the change to the next ones, or as far as a state is carried without one."""
    columns = {"t", *change.columns}
    start = min([change.first_t, *(before[column][0] for column in columns & before.keys())])
    if "t" not in after:
        return Span(start, max(until, change.last_t))
    if change.columns & (_CARRIED - after.keys()):
        return Span(start, max(change.last_t, min(until, change.last_t + CONNECTED_S)))
    return Span(start, max(change.last_t, *(after[column][0] for column in columns & after.keys())))


def _levels(before: Readings, after: Readings, neighbours: Neighbours, span: Span) -> Span:
    """Between which seconds a refuel or drain lies that can change.

    Its litres are taken from several readings on either side, and steps join that are not far apart. A drain needs the
    engine off at its first reading, so one may begin where a state changes.
    """
    first, last = before.get("fuel_level_l", [span.start]), after.get("fuel_level_l", [span.end])
    end = max(span.end, _next("fuel_level_l", after, neighbours, span.end))
    return Span(min(span.start - JOIN_S, first[-1]), max(end + JOIN_S, last[-1]))


def _next(column: str, after: Readings, neighbours: Neighbours, t: int) -> int:
    """The second of the first reading from an instant on; the instant where there is none."""
    found = [second for second in after.get(column, ()) if second >= t]
    if not found and column in after:
        found = neighbours.after(t - 1, [column]).get(column, [])
    return min(found, default=t)


def _stops(events: Iterable[Stored], neighbours: Neighbours, span: Span) -> list[Stored]:
    """The stops that touch a span, and those beside a trip that does: if there is no such trip any more, they join."""
    trips = [each for each in events if each.kind == _TRIP and each.touches(span)]
    start = min([span.start, *(trip.start for trip in trips)])
    end = max([span.end, *(trip.end or trip.start for trip in trips)])
    if (start, end) == span:
        return [each for each in events if each.kind == _STOP and each.touches(span)]
    return _stored([Stop], neighbours, Span(start, end))


def _stored(models: Iterable[type[DetectedEvent]], neighbours: Neighbours, span: Span) -> list[Stored]:
    """The events that touch the span."""
    statement = " UNION ALL ".join(_TOUCHING.format(table=model._meta.db_table) for model in models)
    values: dict[str, Any] = {
        "fleet": neighbours.fleet_id,
        "truck": neighbours.truck_id,
        "start": as_utc(span.start).replace(tzinfo=None),  # the driver would drop an offset without a word
        "end": as_utc(span.end).replace(tzinfo=None),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [
            Stored(kind, day, _second(start), None if end is None else _second(end))
            for kind, day, start, end in cursor.fetchall()
        ]


def _second(naive: dt.datetime) -> int:
    return int(naive.replace(tzinfo=dt.UTC).timestamp())


def _days(span: Span, zone: ZoneInfo) -> Iterator[dt.date]:
    return days_between(day_of(span.start, zone), day_of(span.end, zone))


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


def days_of_open_events(fleet_id: int) -> dict[int, set[dt.date]]:
    """Truck → the days of its open trips and the like. An open stop says nothing that time alone would change."""
    days: dict[int, set[dt.date]] = {}
    for model in (Trip, IdleEvent, SpeedingEpisode):
        unfinished = model.objects.filter(fleet_id=fleet_id, ended_at=None)
        for truck_id, day in unfinished.values_list("truck_id", "day"):
            days.setdefault(truck_id, set()).add(day)
    return days
