"""What is known of one truck over a stretch of time, before any event is looked for in it."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import fsum
from operator import itemgetter
from typing import NamedTuple, TypedDict, TypeVar

import numpy as np

from apps.trucks.detection.motion import Conditions, Seconds, Segment, Spent, conditions, segments
from apps.trucks.detection.places import Place
from apps.trucks.detection.points import NO_POINTS, Evidence, Floats, Integers, Points, joined
from apps.trucks.detection.quantities import Counter, Intervals, Spread, connects, counter, intervals_of
from apps.trucks.detection.track import Legs, Track, legs, track
from apps.trucks.parameters import Parameters

T = TypeVar("T")


class DistanceSource(StrEnum):
    ODOMETER = "odometer"
    GPS = "gps"


@dataclass(frozen=True, slots=True)
class Distance:
    """What an interval measures by each way, in whole metres; null where that way measured nothing."""

    odometer_m: int | None
    gps_m: int | None
    drift_m: int | None
    gap_m: int | None

    @property
    def metres(self) -> int | None:
        """The odometer's, else GPS without drift."""
        if self.odometer_m is not None:
            return self.odometer_m
        return None if self.gps_m is None else self.gps_m - (self.drift_m or 0)

    @property
    def source(self) -> DistanceSource | None:
        if self.odometer_m is not None:
            return DistanceSource.ODOMETER
        return None if self.gps_m is None else DistanceSource.GPS


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The readings of the fuel level in columns, ascending, each with the engine at it: 1 on, 0 off, NaN unknown."""

    t: Integers
    litres: Floats
    engine: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that a truck did from `started_at` to `ended_at`, UTC seconds, half-open.

    What may still go on is open, and then ends where knowledge ends. The place is that of the start: of the
    last fix at or before it, else of the first one within the event.
    """

    started_at: int
    ended_at: int
    is_open: bool
    lat: float | None
    lon: float | None

    @property
    def duration_s(self) -> int:
        return self.ended_at - self.started_at


class Stretch(NamedTuple):
    """When an event was; see Event."""

    start: int
    end: int
    is_open: bool


def of_stretches(stretches: Sequence[Stretch]) -> Intervals:
    return intervals_of((start, end) for start, end, _ in stretches)


class Extent(TypedDict):
    """The fields of every event."""

    started_at: int
    ended_at: int
    is_open: bool
    lat: float | None
    lon: float | None


@dataclass(frozen=True, slots=True)
class History:
    """States and conditions are those of the window; the rest reaches beyond it to the readings around."""

    has_engine_evidence: bool
    until: int  # states are known up to here: to `as_of` or the first point after the window
    conditions: Conditions
    segments: Sequence[Segment]
    spent: Spent
    track: Track
    legs: Legs
    odometer: Counter
    engine_hours: Counter
    fuel_counter: Counter
    levels: Levels
    level_falls: Spread
    harsh_reports: Sequence[tuple[int, int]]  # (second, code) where the device tells of harsh driving; the window's
    fault_reports: Sequence[tuple[int, str]]  # (second, active codes) where it tells of faults

    def conditions_from(self, t: int) -> Conditions:
        return self.conditions[np.searchsorted(self.conditions.t, t) :]

    def seconds(self, start: int, end: int) -> Seconds:
        return self.spent.between(start, end)

    def distance(self, start: int, end: int) -> Distance:
        legs = self.legs
        odometer_m, gps_m, gap_m = (
            way.between(start, end) for way in (self.odometer.increase, legs.counted, legs.gaps)
        )
        return _distance(odometer_m, gps_m, gap_m, legs.drift.parts(start, end))

    def distances(self, intervals: Intervals) -> list[Distance]:
        """The same of each of many intervals."""
        legs = self.legs
        measured = (way.between_each(intervals) for way in (self.odometer.increase, legs.counted, legs.gaps))
        return list(map(_distance, *measured, legs.drift.parts_of(intervals)))

    def extents(self, stretches: Sequence[Stretch]) -> list[Extent]:
        """The fields that events over these stretches share with all others."""
        starts, ends = of_stretches(stretches).T
        return [
            Extent(started_at=start, ended_at=end, is_open=is_open, lat=lat, lon=lon)
            for (start, end, is_open), (lat, lon) in zip(stretches, self.track.places(starts, ends), strict=True)
        ]

    def extent(self, stretch: Stretch) -> Extent:
        """The same of one."""
        return self.extents([stretch])[0]


def read_history(
    points: Points,
    evidence: Evidence,
    parameters: Parameters,
    as_of: int,
    earlier: Points = NO_POINTS,
    later: Points = NO_POINTS,
    places: Sequence[Place] = (),
) -> History:
    """The history of a window; the arguments are those of `daily.detect`."""
    before, window, after = (part.before(as_of + 1) for part in (earlier, points, later))
    everything = joined(before, window, after)
    every_condition = conditions(everything, evidence, parameters, places)
    in_window = every_condition[len(before) : len(before) + len(window)]
    until = int(after.t[0]) if len(after) else as_of
    way = track(everything, every_condition)
    levels = _levels(everything, every_condition)
    pieces = segments(in_window, until, parameters)
    return History(
        has_engine_evidence=evidence is not Evidence.NONE,
        until=until,
        conditions=in_window,
        segments=pieces,
        spent=Spent.of(pieces),
        track=way,
        legs=legs(way, parameters),
        odometer=_counter(everything.t, everything.odometer_m),
        engine_hours=_counter(everything.t, everything.engine_hours_h),
        fuel_counter=_counter(everything.t, everything.fuel_used_l),
        levels=levels,
        level_falls=Spread.of(levels.t, -np.diff(levels.litres), connects(levels.t)),
        harsh_reports=window.harsh,
        fault_reports=everything.dtc,
    )


def within(reports: Sequence[tuple[int, T]], start: int, end: int) -> Sequence[tuple[int, T]]:
    """The reports of [start, end), of (second, report) ascending."""
    return reports[bisect_left(reports, start, key=_first) : bisect_left(reports, end, key=_first)]


_first = itemgetter(0)


def _counter(times: Integers, readings: Floats) -> Counter:
    read = ~np.isnan(readings)
    return counter(times[read], readings[read])


def _levels(points: Points, conditions: Conditions) -> Levels:
    read = ~np.isnan(points.fuel_level_l)
    return Levels(points.t[read], points.fuel_level_l[read], conditions.engine[read])


def _distance(odometer_m: float | None, gps_m: float | None, gap_m: float | None, drift: list[float]) -> Distance:
    drift_m = None if gps_m is None else round(fsum(drift))
    return Distance(odometer_m=_whole(odometer_m), gps_m=_whole(gps_m), drift_m=drift_m, gap_m=_whole(gap_m))


def _whole(metres: float | None) -> int | None:
    return None if metres is None else round(metres)
