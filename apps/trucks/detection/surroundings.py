"""What a change of a truck's messages does to events on other days than its own: found by looking at both.

Events reach over midnight, and what is too short to be one is remembered by no row. Whether a late message changes the
evening before is seen when the hours around it are searched with it and without it.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from zoneinfo import ZoneInfo

from apps.accounts.calendar import day_of, days_between
from apps.trucks.detection.daily import Detection
from apps.trucks.detection.excerpt import WIDEN, Excerpt, rests
from apps.trucks.detection.fuel import Review
from apps.trucks.detection.history import Event, Stretch
from apps.trucks.invalidation import Span, Stored
from apps.trucks.messages import reads
from apps.trucks.messages.normal import MessageRow, StoredPoint, points_of, stored_point
from apps.trucks.models import Truck, TruckSync
from apps.trucks.parameter_sets import ParameterHistory
from apps.trucks.parameters import Parameters
from apps.trucks.sensor_tables import table_of

WIDEST_S = 3 * 86_400  # what reaches further is taken to change whatever it may
_NO_REVIEWS: Mapping[int, Review] = MappingProxyType({})  # they change no extent

Changed = Sequence[MessageRow | StoredPoint]


class Surroundings:
    """The hours around a truck's changed messages, with them and without them, known up to `until`.

    `margin_s` is how long at most something goes on that is no event yet.
    """

    def __init__(self, truck: Truck, sync: TruckSync, changed: Changed, until: int, margin_s: int) -> None:
        self.truck = truck
        self.sync = sync
        self.until = until
        self.margin_s = margin_s
        self.zone: ZoneInfo = truck.fleet.zone
        self._rows = changed

    @cached_property
    def changed(self) -> dict[tuple[int, int], StoredPoint]:
        """The changed messages by second and digest: made when looked at, which mostly nobody does."""
        return {(row.t, row.digest): stored_point(row) for row in self._rows}

    def differing_days(self, span: Span, stops: Iterable[Stored], days: Collection[dt.date]) -> set[dt.date] | None:
        """The days of the events, and of those of the stops, that the change around this span makes others.

        `days` are all that may be: where they have not all the same parameters it cannot be told, and None comes back.
        """
        parameters = self._parameters(days)
        is_too_wide = span.end - span.start > WIDEST_S
        if parameters is None or is_too_wide or table_of(self.truck).reads_previous:
            return None
        both = _Window(self, parameters, span).searched_twice()
        return None if both is None else self._differing(*both, span, stops)

    def _parameters(self, days: Collection[dt.date]) -> Parameters | None:
        history = ParameterHistory(self.truck.fleet_id, self.truck.pk)
        first, *others = (history.on(day) for day in days)
        return first if all(other == first for other in others) else None

    def _differing(self, ours: Detection, theirs: Detection, span: Span, stops: Iterable[Stored]) -> set[dt.date]:
        trips = _extents(ours) ^ _extents(theirs)
        days = {day_of(t, self.zone) for trip in trips for t in (trip.start, trip.end)}  # at its end a stop begins
        for event in _others(ours) ^ _others(theirs):
            days |= set(days_between(day_of(event.started_at, self.zone), day_of(event.ended_at, self.zone)))
        bounds = _bounds(ours) ^ _bounds(theirs)
        return days | {
            stop.day
            for stop in stops
            if any(stop.touches(Span(t, t)) for t in bounds) or _is_spent_otherwise(stop, ours, theirs, span)
        }


def _extents(detection: Detection) -> set[Stretch]:
    return {Stretch(trip.started_at, trip.ended_at, trip.is_open) for trip in detection.trips}


def _bounds(detection: Detection) -> set[int]:
    """Where trips begin and end: stops lie between."""
    trips = detection.trips
    return {trip.started_at for trip in trips} | {trip.ended_at for trip in trips if not trip.is_open}


def _others(detection: Detection) -> set[Event]:
    return {*detection.idle_events, *detection.speeding, *detection.fuel_events, *detection.harsh}


def _is_spent_otherwise(stop: Stored, ours: Detection, theirs: Detection, span: Span) -> bool:
    """Whether the states within the stop differ. An open one says nothing of them."""
    if stop.end is None:
        return False
    start, end = max(stop.start, span.start), min(stop.end, span.end)
    return ours.history.seconds(start, end) != theirs.history.seconds(start, end)


class _Window(Excerpt):
    """The history that the events around a span depend on."""

    def __init__(self, of: Surroundings, parameters: Parameters, span: Span) -> None:
        table, day = table_of(of.truck), day_of(span.start, of.zone)
        super().__init__(of.truck, of.sync, table, parameters, [day], of.zone, _NO_REVIEWS)
        self.start, self.end, self.known_until = span.start, span.end + of.margin_s, of.until
        self.margin_s = of.margin_s
        self.changed = of.changed

    def searched_twice(self) -> tuple[Detection, Detection] | None:
        """What is found with the changed messages and without them; None where the window would be too wide."""
        before_s = after_s = self.margin_s
        while max(before_s, after_s) <= WIDEST_S:
            first_t, last_t = self.first_second(before_s), self.end + after_s
            ours, theirs = (
                self.detect(points_of(stored, self.parameters.min_satellites), first_t, last_t)
                for stored in self._with_and_without(first_t, last_t)
            )
            begins_too_late = self.begins_too_late(ours) or self.begins_too_late(theirs)
            ends_too_soon = self.ends_too_soon(ours, last_t) or self.ends_too_soon(theirs, last_t)
            if not begins_too_late and not ends_too_soon:
                return ours, theirs
            before_s *= WIDEN if begins_too_late else 1
            after_s *= WIDEN if ends_too_soon else 1
        return None

    def _with_and_without(self, first_t: int, last_t: int) -> tuple[list[StoredPoint], list[StoredPoint]]:
        stored = reads.stored_points(self.truck.fleet_id, self.truck.pk, first_t, last_t)
        others = [point for point in stored if (point.t, point.digest) not in self.changed]
        within = [point for point in self.changed.values() if first_t <= point.t < last_t]
        return sorted([*others, *within], key=_precedence), others

    def ends_too_soon(self, detection: Detection, last_t: int) -> bool:
        """Whether a trip or an episode that began before the end may still go on when the window ends.

        Everything else that does has lasted long enough to be seen.
        """
        if last_t > self.known_until:
            return False
        conditions = detection.history.conditions_from(self.end)
        if not rests(conditions, self.parameters):
            return True
        last = conditions.t[-1]
        return any(self.start <= e.started_at < self.end and e.ended_at >= last for e in detection.speeding)


def _precedence(point: StoredPoint) -> tuple[int, int, int]:
    return point.precedence
