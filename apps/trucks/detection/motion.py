"""Whether a truck drives, idles or is parked: at each point, and over time."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apps.trucks.detection.places import Place, position_at
from apps.trucks.detection.points import Booleans, Evidence, Floats, Integers, Points
from apps.trucks.detection.quantities import CONNECTED_S, Intervals, intervals_of
from apps.trucks.parameters import Parameters

ENGINE_RUNS_RPM = 300
# A charging alternator lifts the voltage above what a battery has by itself; 18 V tells 12 V systems from 24 V ones.
SYSTEM_24_VOLT, CHARGING_12_VOLT, CHARGING_24_VOLT = 18, 13.2, 26.4


class State(StrEnum):
    MOVING = "moving"
    IDLE = "idle"
    PARKED = "parked"
    NO_DATA = "no_data"


STATES = tuple(State)  # a state's code in a column is its position here
MOVING, IDLE, PARKED, NO_DATA = range(len(STATES))
NOWHERE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """How a truck is at each of its points, with what is carried over from the points before: in columns."""

    t: Integers
    engine: Floats  # 1 on, 0 off, NaN unknown
    speed_kmh: Floats  # 0 with the engine off
    has_speed: Booleans  # the speed is this point's own, from its fix
    state: npt.NDArray[np.int8]  # codes
    productive: Booleans  # idle with the PTO on or in a productive place
    place: Integers  # the productive place in which it idles, a position in `places`, or NOWHERE
    places: Sequence[str]

    def __len__(self) -> int:
        return len(self.t)

    def __getitem__(self, part: slice) -> "Conditions":
        return Conditions(
            self.t[part], self.engine[part], self.speed_kmh[part], self.has_speed[part],
            self.state[part], self.productive[part], self.place[part], self.places,
        )  # fmt: skip

    @property
    def moving(self) -> Booleans:
        moving: Booleans = self.state == MOVING
        return moving

    @property
    def since_last_s(self) -> Integers:
        """The seconds since the point before; 0 at the first."""
        return np.diff(self.t, prepend=self.t[:1])

    def productivity(self, index: int) -> tuple[bool, str | None]:
        """Whether it idles productively at a point, and in which place."""
        place = self.place[index]
        return bool(self.productive[index]), None if place == NOWHERE else self.places[place]


class Segment(NamedTuple):
    """A stretch [start, end) of one state."""

    start: int
    end: int
    state: State
    productive: bool = False
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Seconds:
    """How the length of an interval splits into states; they add up to it."""

    moving: int
    idle: int
    productive: int  # the part of idle
    parked: int
    no_data: int

    @property
    def measured(self) -> int:
        return self.moving + self.idle + self.parked


def _by_rpm(points: Points) -> Floats:
    return _told(points.rpm, points.rpm > ENGINE_RUNS_RPM)


def _by_voltage(points: Points) -> Floats:
    charging = np.where(points.voltage >= SYSTEM_24_VOLT, CHARGING_24_VOLT, CHARGING_12_VOLT)
    return _told(points.voltage, points.voltage > charging)


def _told(readings: Floats, yes: Booleans) -> Floats:
    """1 and 0 for yes and no, NaN where there was no reading."""
    return np.where(np.isnan(readings), np.nan, yes)


_ENGINE_READING: dict[Evidence, Callable[[Points], Floats]] = {
    Evidence.IGNITION: attrgetter("ignition"),
    Evidence.RPM: _by_rpm,
    Evidence.VOLTAGE: _by_voltage,
    Evidence.NONE: lambda points: np.full(len(points), np.nan),
}


def conditions(points: Points, evidence: Evidence, parameters: Parameters, places: Sequence[Place] = ()) -> Conditions:
    """The condition at each point; what a point lacks is the last known value, at most 35 days old.

    The carried speed is the GPS speed of the last fix, whatever the engine did since.
    """
    engine = _carried(points.t, _ENGINE_READING[evidence](points))
    speed = _carried(points.t, points.speed_kmh)
    speed_kmh = np.where((engine == 0) | np.isnan(speed), 0.0, speed)
    moving = (speed_kmh > parameters.moving_speed_kmh) & (engine != 0)
    state = np.where(moving, MOVING, np.where(engine == 1, IDLE, PARKED)).astype(np.int8)
    place = _places(points, state == IDLE, places)
    productive = (state == IDLE) & ((_carried(points.t, points.pto) == 1) | (place != NOWHERE))
    has_speed = ~np.isnan(points.speed_kmh)
    names = tuple(each.name for each in places)
    return Conditions(points.t, engine, speed_kmh, has_speed, state, productive, place, names)


def _places(points: Points, idle: Booleans, places: Sequence[Place]) -> Integers:
    """The position of the place in which the truck idles at each point, NOWHERE where it does not."""
    found = np.full(len(points), NOWHERE)
    if places:
        fixes = last_read(points.t, points.lat)
        locate = cache(lambda spot: position_at(places, spot))  # who stands is asked for the same spot again and again
        for index in np.flatnonzero(idle & (fixes >= 0)).tolist():
            fix = fixes[index]
            found[index] = locate((points.lat[fix].item(), points.lon[fix].item()))
    return found


def _carried(times: Integers, readings: Floats) -> Floats:
    """At each time what was read last, for as long as it connects; NaN where nothing was."""
    if np.isnan(readings).all():
        return readings
    last = last_read(times, readings)
    return np.where(last >= 0, readings[last], np.nan)


def last_read(times: Integers, readings: Floats) -> Integers:
    """The position of the last reading at or before each time, at most 35 days old; -1 where there is none."""
    positions = np.where(np.isnan(readings), -1, np.arange(len(times)))
    last = np.maximum.accumulate(positions)
    return np.where(times - times[last] <= CONNECTED_S, last, -1)


def segments(conditions: Conditions, until: int, parameters: Parameters) -> list[Segment]:
    """What the truck did from its first point to `until`, without holes, each state as long as it lasts.

    Each point claims its state up to the next one, and no data from where the state's cap leaves time.
    """
    t, state, productive, place = conditions.t, conditions.state, conditions.productive, conditions.place
    if not len(t):
        return []
    held_until = t + _caps(parameters)[state]
    left = held_until < np.append(t[1:], until)
    changed = np.ones(len(t), dtype=np.bool_)
    changed[1:] = left[:-1]
    for column in (state, productive, place):
        changed[1:] |= column[1:] != column[:-1]
    known, lost = np.flatnonzero(changed), np.flatnonzero(left)
    starts = np.concatenate([t[known], held_until[lost]])
    order = np.argsort(np.concatenate([2 * known, 2 * lost + 1]))
    states = np.concatenate([state[known], np.full(len(lost), NO_DATA, dtype=np.int8)])[order].tolist()
    whys = np.concatenate([known, np.full(len(lost), -1)])[order].tolist()
    begins = starts[order].tolist()
    return [
        Segment(start, end, STATES[code], *(conditions.productivity(point) if point >= 0 else (False, None)))
        for start, end, code, point in zip(begins, [*begins[1:], until], states, whys, strict=True)
        if start < end
    ]


def _caps(parameters: Parameters) -> Integers:
    """How long each state is held at most, by its code."""
    caps = dict.fromkeys(STATES, min(parameters.engine_gap_cap_s, CONNECTED_S))
    caps[State.PARKED] = min(parameters.parked_gap_cap_s, CONNECTED_S)
    return np.array([caps[state] for state in STATES])


_SPENT = (MOVING, IDLE, PARKED)


@dataclass(frozen=True, slots=True, eq=False)
class Spent:
    """The seconds of each state up to any second: those of an interval are the difference of two."""

    edges: Integers  # where segments begin, and the last one ends
    totals: Integers  # up to each edge: moving, idle, parked, idle productively
    rates: Integers  # which of them grow from there on

    @classmethod
    def of(cls, segments: Sequence[Segment]) -> "Spent":
        """Of segments without holes, ascending."""
        edges = np.array([*(each.start for each in segments), *(each.end for each in segments[-1:])], dtype=np.int64)
        rates = np.array(
            [[*(each.state is STATES[code] for code in _SPENT), each.productive] for each in segments],
            dtype=np.int64,
        ).reshape(-1, len(_SPENT) + 1)
        totals = np.zeros((len(edges), rates.shape[1]), dtype=np.int64)
        np.cumsum(rates * np.diff(edges)[:, np.newaxis], axis=0, out=totals[1:])
        return cls(edges, totals, rates)

    def between(self, start: int, end: int) -> Seconds:
        """The seconds of each state in [start, end); where there is no segment there is no data."""
        return self.between_each(intervals_of([(start, end)]))[0]

    def between_each(self, intervals: Intervals) -> list[Seconds]:
        """The same of each of many intervals."""
        starts, ends = intervals.T
        spent = self._up_to(ends) - self._up_to(starts) if len(self.rates) else np.zeros((len(intervals), 4), np.int64)
        rest = np.maximum(ends - starts, 0) - spent[:, : len(_SPENT)].sum(axis=1)
        return [
            Seconds(moving, idle, productive, parked, no_data)
            for (moving, idle, parked, productive), no_data in zip(spent.tolist(), rest.tolist(), strict=True)
        ]

    def _up_to(self, times: Integers) -> Integers:
        known = np.clip(times, self.edges[0], self.edges[-1])
        segment = np.minimum(self.edges.searchsorted(known, side="right") - 1, len(self.rates) - 1)
        up_to: Integers = self.totals[segment] + (known - self.edges[segment])[:, np.newaxis] * self.rates[segment]
        return up_to


def overlapping(segments: Sequence[Segment], start: int, end: int) -> Iterator[Segment]:
    """The segments that reach into [start, end)."""
    for index in range(bisect_right(segments, start, key=attrgetter("end")), len(segments)):
        if segments[index].start >= end:
            return
        yield segments[index]
