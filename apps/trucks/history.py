"""What is known of one truck over a stretch of time, before any event is looked for in it."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import fsum
from operator import attrgetter, itemgetter
from typing import NamedTuple, TypedDict, TypeVar

from .motion import Condition, Seconds, Segment, conditions, seconds, segments
from .parameters import Parameters
from .places import Place
from .points import Evidence, Point
from .quantities import Counter, Spread, changes, counter
from .track import Legs, Track, legs, track

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


class LevelReading(NamedTuple):
    t: int
    litres: float
    engine_on: bool | None


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
    conditions: Sequence[Condition]
    segments: Sequence[Segment]
    track: Track
    legs: Legs
    odometer: Counter
    engine_hours: Counter
    fuel_counter: Counter
    levels: Sequence[LevelReading]
    level_falls: Spread
    harsh_reports: Sequence[tuple[int, int]]  # (second, code) where the device tells of harsh driving; the window's
    fault_reports: Sequence[tuple[int, str]]  # (second, active codes) where it tells of faults

    def seconds(self, start: int, end: int) -> Seconds:
        return seconds(self.segments, start, end)

    def distance(self, start: int, end: int) -> Distance:
        gps_m = _whole(self.legs.counted.between(start, end))
        return Distance(
            odometer_m=_whole(self.odometer.increase.between(start, end)),
            gps_m=gps_m,
            drift_m=None if gps_m is None else round(fsum(self.legs.drift.parts(start, end))),
            gap_m=_whole(self.legs.gaps.between(start, end)),
        )

    def extent(self, stretch: Stretch) -> Extent:
        """The fields that an event over this stretch shares with all others."""
        start, end, is_open = stretch
        lat, lon = self.track.place(start, until=end)
        return Extent(started_at=start, ended_at=end, is_open=is_open, lat=lat, lon=lon)


def read_history(
    points: Sequence[Point],
    evidence: Evidence,
    parameters: Parameters,
    as_of: int,
    earlier: Sequence[Point] = (),
    later: Sequence[Point] = (),
    places: Sequence[Place] = (),
) -> History:
    """The history of a window; the arguments are those of `daily.detect`."""
    earlier, points, later = (kept[: bisect_right(kept, as_of, key=_second)] for kept in (earlier, points, later))
    everything = [*earlier, *points, *later]
    every_condition = conditions(everything, evidence, parameters, places)
    in_window = every_condition[len(earlier) : len(earlier) + len(points)]
    until = later[0].t if later else as_of
    way = track(everything, every_condition)
    levels = [
        LevelReading(point.t, point.fuel_level_l, condition.engine_on)
        for point, condition in zip(everything, every_condition, strict=True)
        if point.fuel_level_l is not None
    ]
    return History(
        has_engine_evidence=evidence is not Evidence.NONE,
        until=until,
        conditions=in_window,
        segments=segments(in_window, until, parameters),
        track=way,
        legs=legs(way, parameters),
        odometer=_counter(everything, attrgetter("odometer_m")),
        engine_hours=_counter(everything, attrgetter("engine_hours_h")),
        fuel_counter=_counter(everything, attrgetter("fuel_used_l")),
        levels=levels,
        level_falls=_falls(levels),
        harsh_reports=[(point.t, point.harsh) for point in points if point.harsh is not None],
        fault_reports=[(point.t, point.dtc) for point in everything if point.dtc is not None],
    )


_second = attrgetter("t")


def within(reports: Sequence[tuple[int, T]], start: int, end: int) -> Sequence[tuple[int, T]]:
    """The reports of [start, end), of (second, report) ascending."""
    return reports[bisect_left(reports, start, key=_first) : bisect_left(reports, end, key=_first)]


_first = itemgetter(0)


def _counter(points: Sequence[Point], value: Callable[[Point], float | None]) -> Counter:
    times = [point.t for point in points if value(point) is not None]
    return counter(times, [reading for reading in map(value, points) if reading is not None])


def _falls(levels: Sequence[LevelReading]) -> Spread:
    """By how much the level sank between its readings: a straight line."""
    times = [level.t for level in levels]
    return Spread.of(times, changes(times, [-level.litres for level in levels]))


def _whole(metres: float | None) -> int | None:
    return None if metres is None else round(metres)
