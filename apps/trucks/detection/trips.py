"""Trips and the stops between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from apps.trucks.assignments import Shift, main_driver
from apps.trucks.detection.history import DistanceSource, Event, History, Stretch, of_stretches
from apps.trucks.detection.motion import Conditions
from apps.trucks.parameters import Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip(Event):
    """From the first moving point to the point after the last; the seconds add up to its duration."""

    end_lat: float | None
    end_lon: float | None
    distance_m: int | None
    distance_source: DistanceSource | None
    moving_s: int
    idle_s: int | None  # null without engine evidence: then part of parked
    parked_s: int
    no_data_s: int
    mean_speed_kmh: float | None  # over the moving time
    max_speed_kmh: float | None  # of the fixes
    fuel_l: float | None  # by the fuel counter
    driver_id: int | None = None  # who had the truck for most of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Event):
    """From the end of a trip to the start of the next. Its other seconds moved, too short to be a trip."""

    idle_s: int | None  # null without engine evidence: then part of parked
    parked_s: int
    no_data_s: int


def find_trips(history: History, parameters: Parameters) -> list[Trip]:
    """The trips of the window, ascending, without those too short. A distance that is not measured is not too short."""
    stretches = [
        stretch
        for stretch in _drives(history.conditions, history.until, parameters)
        if stretch.end - stretch.start >= parameters.trip_min_s
    ]
    return [
        trip
        for trip in _trips(history, stretches)
        if trip.distance_m is None or trip.distance_m >= parameters.trip_min_m
    ]


def with_drivers(trips: Sequence[Trip], shifts: Sequence[Shift]) -> list[Trip]:
    """The trips, each with its driver; an open one with whom it has had so far."""
    drivers = (main_driver(shifts, trip.started_at, trip.ended_at) for trip in trips)
    return [
        trip if driver_id == trip.driver_id else replace(trip, driver_id=driver_id)
        for trip, driver_id in zip(trips, drivers, strict=True)
    ]


def find_stops(history: History, trips: Sequence[Trip]) -> list[Stop]:
    """The stops after these trips, ascending. The one after the last trip is open, up to where knowledge ends."""
    stretches = [Stretch(trip.ended_at, following.started_at, False) for trip, following in pairwise(trips)]
    if trips and not trips[-1].is_open:
        stretches.append(Stretch(trips[-1].ended_at, history.until, True))
    return _stops(history, stretches)


def _drives(conditions: Conditions, until: int, parameters: Parameters) -> Iterator[Stretch]:
    """What could be trips; an open one ends where knowledge ends."""
    start: int | None = None
    end = last = 0
    stands = False  # the end is the point after the last moving one, not yet that itself
    for t, since_last_s, moves in _turns(conditions, parameters):
        last = t - since_last_s
        stood = stands and t - end >= parameters.trip_end_s
        if start is not None and (stood or since_last_s > parameters.trip_max_gap_s):
            yield Stretch(start, end if stood else last, False)
            start = None
        if moves:
            start, stands = t if start is None else start, False
        elif start is not None and not stands:
            end, stands = t, True
    if start is not None:
        last = int(conditions.t[-1])
        stood = stands and until - end >= parameters.trip_end_s
        is_open = not stood and until - last <= parameters.trip_max_gap_s
        yield Stretch(start, until if is_open else end if stood else last, is_open)


def _turns(conditions: Conditions, parameters: Parameters) -> Iterator[tuple[int, int, bool]]:
    """The points at which a trip may begin or end: the first, those that move otherwise than the point before, and
    those after a silence. Of each its second, the seconds since the point before, and whether it moves.

    Between them nothing happens: who stood long enough before is found to have at the next of them, or at the end.
    """
    moving, since_last_s = conditions.moving, conditions.since_last_s
    turns = since_last_s > parameters.trip_max_gap_s
    turns[:1] = True
    turns[1:] |= moving[1:] != moving[:-1]
    found = np.flatnonzero(turns)
    return zip(conditions.t[found].tolist(), since_last_s[found].tolist(), moving[found].tolist(), strict=True)


def _trips(history: History, stretches: Sequence[Stretch]) -> list[Trip]:
    intervals = of_stretches(stretches)
    ends = intervals[:, 1]
    every = zip(
        history.extents(stretches),
        history.track.places(ends, ends),
        history.spent.between_each(intervals),
        history.distances(intervals),
        history.track.max_speeds_kmh(intervals),
        history.fuel_counter.increase.between_each(intervals),
        strict=True,
    )
    return [
        Trip(
            **extent,
            end_lat=end_lat,
            end_lon=end_lon,
            distance_m=(metres := distance.metres),
            distance_source=distance.source,
            moving_s=seconds.moving,
            idle_s=seconds.idle if history.has_engine_evidence else None,
            parked_s=seconds.parked,
            no_data_s=seconds.no_data,
            mean_speed_kmh=None if metres is None or not seconds.moving else 3.6 * metres / seconds.moving,
            max_speed_kmh=max_speed_kmh,
            fuel_l=fuel_l,
        )
        for extent, (end_lat, end_lon), seconds, distance, max_speed_kmh, fuel_l in every
    ]


def _stops(history: History, stretches: Sequence[Stretch]) -> list[Stop]:
    every = history.spent.between_each(of_stretches(stretches))
    return [
        Stop(
            **extent,
            idle_s=seconds.idle if history.has_engine_evidence else None,
            parked_s=seconds.parked,
            no_data_s=seconds.no_data,
        )
        for extent, seconds in zip(history.extents(stretches), every, strict=True)
    ]
