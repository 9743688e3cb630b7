"""Everything that is found in a truck's history, and what of it makes up a day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import NamedTuple, TypeVar

from apps.trucks.detection.faults import FaultChange, find_fault_changes, opened_between
from apps.trucks.detection.fuel import (
    NO_REVIEWS,
    FuelEvent,
    FuelEventKind,
    FuelSource,
    Review,
    find_fuel_events,
    used,
    used_idling,
)
from apps.trucks.detection.harsh import HarshEvent, HarshKind, find_harsh, harsh_between
from apps.trucks.detection.history import DistanceSource, Event, History, read_history
from apps.trucks.detection.idling import IdleEvent, find_idling
from apps.trucks.detection.motion import Segment
from apps.trucks.detection.places import Place
from apps.trucks.detection.points import NO_POINTS, Evidence, Points
from apps.trucks.detection.quantities import intervals_of, overlap
from apps.trucks.detection.speeding import Severity, SpeedingEpisode, find_speeding
from apps.trucks.detection.trips import Stop, Trip, find_stops, find_trips
from apps.trucks.parameters import Parameters

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Detection:
    """Everything found in one truck's history; each list ascending."""

    history: History
    trips: list[Trip]
    stops: list[Stop]
    idle_events: list[IdleEvent]
    speeding: list[SpeedingEpisode]
    fuel_events: list[FuelEvent]
    harsh: list[HarshEvent]  # by either source
    fault_changes: list[FaultChange]

    @property
    def segments(self) -> Sequence[Segment]:
        return self.history.segments


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """The figures of one truck-day, as docs/metrics.md defines them; null is not measured."""

    fixes: int
    moving_s: int
    idle_s: int | None
    idle_productive_s: int | None
    parked_s: int
    no_data_s: int
    engine_on_s: int | None
    night_driving_s: int | None
    distance_m: int | None
    distance_source: DistanceSource | None
    distance_gps_m: int | None
    drift_m: int | None
    distance_gap_m: int | None
    distance_odometer_m: int | None
    engine_hours: float | None
    counter_resets: int | None
    fuel_used_l: float | None
    fuel_source: FuelSource | None
    idle_fuel_l: float | None
    max_speed_kmh: float | None
    trips: int | None
    stops: int | None
    idle_events: int | None
    speeding_minor: int | None
    speeding_moderate: int | None
    speeding_severe: int | None
    speeding_s: int | None
    harsh_braking: int | None
    harsh_acceleration: int | None
    harsh_cornering: int | None
    refuels: int | None
    refuel_l: float | None
    drains: int | None
    drain_l: float | None
    faults_opened: int | None
    coverage_pct: float | None


def detect(
    points: Points,
    evidence: Evidence,
    parameters: Parameters,
    as_of: int,
    *,
    earlier: Points = NO_POINTS,
    later: Points = NO_POINTS,
    reviews: Mapping[int, Review] = NO_REVIEWS,
    places: Sequence[Place] = (),
) -> Detection:
    """Everything found in a window of a truck's history.

    `points` are all points of the window, one per second, ascending. `earlier` and `later` are some points before and
    after it, ascending too, that are known only by their readings: they connect counters, legs and levels over the
    window's edges, and `earlier` carries engine, speed, PTO and place into it; they have no states and events of
    their own (but a refuel or drain may begin in the one or end in the other). What is later than `as_of` is left out.
    `reviews`: the start second of a drain → what a person said of it. `places`: where idling is productive.

    A day's figures and events do not depend on the rest of the window, when
    - it begins before the day: at the truck's first point, after a silence of more than `trip_max_gap_s`, or at a point
      that a standing one precedes by `trip_end_s` with none moving in between. (If there is no point that long before
      the day as states last, it begins with the day's first);
    - it ends in the same way after all that starts in the day has ended, or at `as_of`. (Where the stop after the
      last trip ends is known only if it reaches to the start of the next trip.)
    - `earlier` has the last fix and the last reading of each value within 35 days before the window, of the level the
      last five with the engine's state at them, and more while they belong to one refuel or drain;
    - `later` begins with the first point after the window and has the first fix and readings likewise.
    """
    history = read_history(points, evidence, parameters, as_of, earlier, later, places)
    trips = find_trips(history, parameters)
    return Detection(
        history=history,
        trips=trips,
        stops=find_stops(history, trips),
        idle_events=find_idling(history, parameters),
        speeding=find_speeding(history, parameters),
        fuel_events=find_fuel_events(history, parameters, reviews),
        harsh=find_harsh(history, parameters),
        fault_changes=find_fault_changes(history),
    )


def figures(
    detection: Detection, start: int, end: int, as_of: int, night: Sequence[tuple[int, int]] | None = None
) -> DayFigures:
    """The figures of [start, min(end, as_of)). Litres, hours, speeds and the coverage are not rounded.

    `night`: which intervals are night; without them nothing is known of driving at night.
    """
    history, end = detection.history, max(start, min(end, as_of))
    time, distance = history.seconds(start, end), history.distance(start, end)
    fuel = used(history, detection.fuel_events, start, end)
    speeding = _speeding(detection, start, end)
    refuels, drains = (_fuel_events(detection, kind, start, end) for kind in FuelEventKind)
    harsh = {kind: harsh_between(history, detection.harsh, kind, start, end) for kind in HarshKind}
    engine_known, seen = history.has_engine_evidence, time.measured > 0
    return DayFigures(
        fixes=history.track.count(start, end),
        moving_s=time.moving,
        idle_s=time.idle if engine_known else None,
        idle_productive_s=time.productive if engine_known else None,
        parked_s=time.parked,
        no_data_s=time.no_data,
        engine_on_s=time.moving + time.idle if engine_known else None,
        night_driving_s=None if night is None or not seen else _moving_within(history, night, start, end),
        distance_m=distance.metres,
        distance_source=distance.source,
        distance_gps_m=distance.gps_m,
        drift_m=distance.drift_m,
        distance_gap_m=distance.gap_m,
        distance_odometer_m=distance.odometer_m,
        engine_hours=history.engine_hours.increase.between(start, end),
        counter_resets=_resets(history, start, end),
        fuel_used_l=fuel.litres,
        fuel_source=fuel.source,
        idle_fuel_l=used_idling(history, start, end),
        max_speed_kmh=history.track.max_speed_kmh(start, end),
        trips=len(_starting(detection.trips, start, end)) if seen else None,
        stops=len(_starting(detection.stops, start, end)) if seen else None,
        idle_events=len(_starting(detection.idle_events, start, end)) if seen and engine_known else None,
        speeding_minor=speeding.minor,
        speeding_moderate=speeding.moderate,
        speeding_severe=speeding.severe,
        speeding_s=speeding.seconds,
        harsh_braking=_count(harsh[HarshKind.BRAKING]),
        harsh_acceleration=_count(harsh[HarshKind.ACCELERATION]),
        harsh_cornering=_count(harsh[HarshKind.CORNERING]),
        refuels=refuels.number,
        refuel_l=refuels.litres,
        drains=drains.number,
        drain_l=drains.litres,
        faults_opened=opened_between(history, detection.fault_changes, start, end),
        coverage_pct=100 * (1 - time.no_data / (end - start)) if end > start else None,
    )


def _moving_within(history: History, intervals: Iterable[tuple[int, int]], start: int, end: int) -> int:
    inside = ((max(first, start), min(last, end)) for first, last in intervals)
    pieces = intervals_of((first, last) for first, last in inside if first < last)
    return sum(seconds.moving for seconds in history.spent.between_each(pieces))


def _count(events: Sequence[Event] | None) -> int | None:
    return None if events is None else len(events)


class _Speeding(NamedTuple):
    minor: int | None
    moderate: int | None
    severe: int | None
    seconds: int | None


class _FuelEvents(NamedTuple):
    number: int | None
    litres: float | None


def _starting(events: Sequence[E], start: int, end: int) -> list[E]:
    return [event for event in events if start <= event.started_at < end]


def _resets(history: History, start: int, end: int) -> int | None:
    """How often any counter went back; null when none was read."""
    counters = (history.odometer, history.engine_hours, history.fuel_counter)
    resets = [n for counter in counters if (n := counter.count_resets(start, end)) is not None]
    return sum(resets) if resets else None


def _speeding(detection: Detection, start: int, end: int) -> _Speeding:
    """The episodes that start in the day, by severity, and its seconds in any; null without a fix or an episode."""
    inside = sum(overlap(episode.started_at, episode.ended_at, start, end) for episode in detection.speeding)
    if not inside and not detection.history.track.count(start, end):
        return _Speeding(None, None, None, None)
    severities = [episode.severity for episode in _starting(detection.speeding, start, end)]
    minor, moderate, severe = (severities.count(severity) for severity in Severity)
    return _Speeding(minor, moderate, severe, inside)


def _fuel_events(detection: Detection, kind: FuelEventKind, start: int, end: int) -> _FuelEvents:
    """Those of a kind that start in the day; null without a level, drains also without engine evidence."""
    history = detection.history
    if not history.level_falls.is_measured(start, end):
        return _FuelEvents(None, None)
    if kind is FuelEventKind.DRAIN and not history.has_engine_evidence:
        return _FuelEvents(None, None)
    events = _starting(detection.fuel_events, start, end)
    litres = [event.litres for event in events if event.kind is kind and not event.is_dismissed]
    return _FuelEvents(len(litres), fsum(litres))
