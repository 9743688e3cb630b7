"""As much of a truck's history as some of its days depend on, and what is found in it."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from apps.accounts.calendar import day_bounds
from apps.trucks.assignments import Shift, parts
from apps.trucks.detection.daily import Detection, detect, figures
from apps.trucks.detection.evidence import READINGS, evidence_of
from apps.trucks.detection.fuel import JOIN_S, MEDIAN_OF, Review
from apps.trucks.detection.harsh import HarshEvent, HarshKind, harsh_between
from apps.trucks.detection.history import Event
from apps.trucks.detection.motion import Conditions
from apps.trucks.detection.night import night_by
from apps.trucks.detection.places import Place
from apps.trucks.detection.points import Evidence, Points
from apps.trucks.detection.quantities import CONNECTED_S
from apps.trucks.detection.results import DayResult, Inputs
from apps.trucks.detection.trips import with_drivers
from apps.trucks.messages import reads
from apps.trucks.messages.neighbours import Neighbours
from apps.trucks.messages.normal import StoredMessages, points_of
from apps.trucks.messages.read_spans import Spans
from apps.trucks.models import Truck, TruckSync
from apps.trucks.parameters import Parameters
from apps.trucks.sensors import SensorTable

# First guesses at how much history around the days is needed: most trucks rest at midnight, and until the morning.
BEFORE_S, AFTER_S = 2 * 3_600, 6 * 3_600
WIDEN = 4
E = TypeVar("E", bound=Event)


class _GrowingWindow:
    """A truck's messages of [first_t, last_t). It can grow at both ends; none is read twice."""

    def __init__(self, read: Callable[[int, int], StoredMessages], first_t: int, last_t: int) -> None:
        self._read = read
        self.first_t, self.last_t = first_t, last_t
        self.stored = read(first_t, last_t)

    def has_any_before(self, t: int) -> bool:
        return bool(len(self.stored.t)) and bool(self.stored.t[0] < t)

    def begin(self, first_t: int) -> None:
        """Makes it begin here, if not earlier already."""
        if first_t < self.first_t:
            self.stored = self._read(first_t, self.first_t).followed_by(self.stored)
            self.first_t = first_t

    def end(self, last_t: int) -> None:
        """Makes it end here, which is later than before."""
        self.stored = self.stored.followed_by(self._read(self.last_t, last_t))
        self.last_t = last_t


class Excerpt:
    """The part of a truck's history that a run of consecutive days depends on."""

    def __init__(
        self,
        truck: Truck,
        sync: TruckSync,
        table: SensorTable,
        parameters: Parameters,
        days: Sequence[dt.date],
        zone: ZoneInfo,
        reviews: Mapping[int, Review],
        places: Sequence[Place] = (),
    ) -> None:
        self.truck = truck
        self.evidence = evidence_of(table)
        self.readings = _readings(table, self.evidence, sync.read_spans)
        self.parameters = parameters
        self.days = days
        self.known_until = sync.known_until or 0
        self.zone = zone
        self.reviews = reviews
        self.places = places
        self.start, self.end = day_bounds(days[0], zone)[0], day_bounds(days[-1], zone)[1]
        self.neighbours = Neighbours(
            truck.fleet_id, truck.id, parameters.min_satellites, sync.cursor_t, sync.read_spans
        )

    def results(self, shifts: Sequence[Shift]) -> Iterator[DayResult]:
        """The results of the days; `shifts` tell who had the truck when."""
        stored, detection = self._found
        for day in self.days:
            start, end = day_bounds(day, self.zone)
            as_of = min(end, self.known_until)
            night = night_by(self.parameters, day, self.zone)
            yield DayResult(
                day=day,
                start=start,
                end=end,
                as_of=as_of,
                known_until=self.known_until,
                parameters=self.parameters,
                inputs=_inputs(stored, start, as_of),
                figures=figures(detection, start, end, as_of, night),
                trips=with_drivers(_started(detection.trips, start, as_of), shifts),
                stops=_started(detection.stops, start, as_of),
                idle_events=_started(detection.idle_events, start, as_of),
                speeding=_started(detection.speeding, start, as_of),
                fuel_events=_started(detection.fuel_events, start, as_of),
                harsh_events=_harsh(detection, start, as_of),
                fault_changes=_started(detection.fault_changes, start, as_of),
                night=night,
                drivers=list(parts(shifts, start, as_of)),
                detection=detection,
            )

    @cached_property
    def _found(self) -> tuple[StoredMessages, Detection]:
        """The messages of a window around the days, as wide as it must be, and what is found in it."""
        before_s, after_s = BEFORE_S, AFTER_S
        window = _GrowingWindow(self._messages, self.start - before_s, self.end + after_s)
        if not window.has_any_before(self.start):
            window.begin(self.first_second(before_s))
        while True:
            detection = self.detect(window.stored.points, window.first_t, window.last_t)
            begins_too_late = before_s < CONNECTED_S and self.begins_too_late(detection)
            ends_too_soon = self.ends_too_soon(detection, window.last_t)
            if not begins_too_late and not ends_too_soon:
                return window.stored, detection
            if begins_too_late:
                before_s *= WIDEN
                window.begin(self.first_second(before_s))
            if ends_too_soon:
                after_s *= WIDEN
                window.end(self.end + after_s)

    def _messages(self, start: int, end: int) -> StoredMessages:
        return reads.stored_messages(
            self.truck.fleet_id, self.truck.id, start, end, self.readings, self.parameters.min_satellites
        )

    def begins_too_late(self, detection: Detection) -> bool:
        """Whether something may have gone on already when the window of this detection begins."""
        return not self._is_settled_before(detection)

    def ends_too_soon(self, detection: Detection, last_t: int) -> bool:
        """Whether something may still go on when the window ends."""
        return last_t <= self.known_until and not self._is_settled_after(detection)

    def first_second(self, before_s: int) -> int:
        """Where the window begins: with a message before the days, if there is one within 35 days."""
        first_t = self.start - min(before_s, CONNECTED_S)
        last_before = self.neighbours.before(self.start, ["t"]).get("t", [first_t])[0]
        return min(first_t, last_before)

    def detect(self, points: Points, first_t: int, last_t: int) -> Detection:
        """What is found in the points of [first_t, last_t), with the readings around them."""
        earlier = self.neighbours.before(first_t, self.readings, levels=MEDIAN_OF)
        later = self.neighbours.after(last_t - 1, self.readings, levels=MEDIAN_OF) if last_t <= self.known_until else {}
        return detect(
            points,
            self.evidence,
            self.parameters,
            self.known_until,
            earlier=self._around(earlier),
            later=self._around(later),
            reviews=self.reviews,
            places=self.places,
        )

    def _around(self, nearest: Mapping[str, Sequence[int]]) -> Points:
        """The points of the seconds of these readings."""
        stored = self.neighbours.points(t for seconds in nearest.values() for t in seconds)
        return points_of(stored, self.parameters.min_satellites)

    def _is_settled_before(self, detection: Detection) -> bool:
        """Whether what went on before the days does not matter: the window has a rest, or nothing before it."""
        conditions = detection.history.conditions
        before = conditions[: np.searchsorted(conditions.t, self.start, side="right")]
        if not len(before) or rests(before, self.parameters):
            return True
        return not self.neighbours.before(int(before.t[0]), ["t"])

    def _is_settled_after(self, detection: Detection) -> bool:
        """Whether what comes after the window does not matter: a rest after the days, and all of them is over."""
        if not rests(detection.history.conditions_from(self.end), self.parameters):
            return False
        last_t = int(detection.history.conditions.t[-1])
        events: list[Event] = [*detection.trips, *detection.stops, *detection.idle_events, *detection.speeding]
        are_over = all(not event.is_open and event.ended_at < last_t for event in events if self._is_within(event))
        # Within half an hour a further step may join, and only so many readings are known beyond the window.
        are_over = are_over and all(event.ended_at < last_t for event in filter(self._is_within, detection.harsh))
        refuels_and_drains = filter(self._is_within, detection.fuel_events)
        return are_over and all(event.ended_at + JOIN_S < last_t for event in refuels_and_drains)

    def _is_within(self, event: Event) -> bool:
        return self.start <= event.started_at < self.end


def _readings(table: SensorTable, evidence: Evidence, spans: Spans | None) -> list[str]:
    """The columns in which readings are looked for: those that count, and that the truck has ever had."""
    told = {*table.measures, "dtc"} - {each.value for each in Evidence if each is not evidence}
    had = told if spans is None else told & spans.keys()
    return ["lat", "speed_kmh", *(name for name in READINGS if name in had)]


def rests(conditions: Conditions, parameters: Parameters) -> bool:
    """Whether any trip that went on before must have ended within these points: stillness or silence long enough."""
    if (conditions.since_last_s > parameters.trip_max_gap_s).any():
        return True
    still = ~conditions.moving
    stops = np.flatnonzero(still & ~np.append(False, still[:-1]))
    goes = np.append(np.flatnonzero(~still), len(still) - 1)  # where stillness ends, at the last point at the latest
    ended = goes[np.searchsorted(goes[:-1], stops)]
    lasted = conditions.t[ended] - conditions.t[stops]
    return bool((lasted[stops < ended] >= parameters.trip_end_s).any())


def _started(events: Iterable[E], start: int, as_of: int) -> list[E]:
    """The events that a day counts: what begins at the watermark itself is the next pass's."""
    return [event for event in events if start <= event.started_at < as_of]


def _harsh(detection: Detection, start: int, end: int) -> list[HarshEvent]:
    """The harsh driving that counts in a day, ascending."""
    counted = (harsh_between(detection.history, detection.harsh, kind, start, end) or [] for kind in HarshKind)
    return sorted((event for events in counted for event in events), key=lambda event: (event.started_at, event.kind))


def _inputs(stored: StoredMessages, start: int, as_of: int) -> Inputs:
    within = slice(*np.searchsorted(stored.t, (start, as_of)))
    seconds = stored.t[within]
    return Inputs(
        seconds=int(np.count_nonzero(np.diff(seconds))) + 1 if len(seconds) else 0,
        messages=len(seconds),
        first_t=int(seconds[0]) if len(seconds) else None,
        last_t=int(seconds[-1]) if len(seconds) else None,
        dropped=int(stored.dropped[within].sum()),
    )
