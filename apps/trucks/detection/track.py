"""The fixes of a truck: where it was, how fast, and the legs between them."""

from dataclasses import dataclass
from math import isnan, nan
from typing import TypeAlias

import numpy as np

from apps.trucks.detection.motion import PARKED, Conditions
from apps.trucks.detection.places import EARTH_DIAMETER_M
from apps.trucks.detection.points import Booleans, Floats, Integers, Points
from apps.trucks.detection.quantities import CONNECTED_S, Intervals, Spread, connects, intervals_of
from apps.trucks.parameters import Parameters

DENSE_S = 2  # speeds further apart do not tell how hard a truck braked between them


Place: TypeAlias = tuple[float | None, float | None]  # latitude and longitude; nulls: not known


@dataclass(frozen=True, slots=True)
class Legs:
    """The straight lines between consecutive fixes, in metres, without those too fast to be true."""

    counted: Spread
    drift: Spread  # of the counted, those with both ends parked
    gaps: Spread  # over a silence, not counted


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """The fixes in columns, ascending."""

    t: Integers
    lat: Floats
    lon: Floats
    speed_kmh: Floats  # as the GPS says, whatever the engine does; NaN where it does not
    parked: Booleans
    dense: Integers  # where fixes with speeds follow upon each other within DENSE_S: the positions of the first ones

    def places(self, times: Integers, until: Integers) -> list[Place]:
        """Of each instant that of the last fix at or before it, at most 35 days old, else of the first one up to its
        `until`."""
        if not len(self.t):
            return [(None, None)] * len(times)
        following = self.t.searchsorted(times, side="right")
        last, first = np.maximum(following - 1, 0), np.minimum(following, len(self.t) - 1)
        is_known = (following > 0) & (times - self.t[last] <= CONNECTED_S)
        is_to_come = (following < len(self.t)) & (self.t[first] <= until)
        fixes = np.where(is_known, last, first)
        every = zip(self.lat[fixes].tolist(), self.lon[fixes].tolist(), (is_known | is_to_come).tolist(), strict=True)
        return [(lat, lon) if is_there else (None, None) for lat, lon, is_there in every]

    def _position(self, t: int) -> int:
        """Of the first fix at or after an instant."""
        return int(self.t.searchsorted(t))

    def speed_at(self, t: int) -> float | None:
        """That of the last fix at or before `t`, if it is at most 35 days old and has one."""
        index = self._position(t + 1) - 1
        is_known = index >= 0 and t - self.t[index] <= CONNECTED_S
        speed: float = self.speed_kmh[index].item() if is_known else nan
        return None if isnan(speed) else speed

    def count_dense(self, start: int, end: int) -> int:
        """How many pairs of fixes are close enough to show harsh driving, by the first of the two."""
        first, last = np.searchsorted(self.t[self.dense], (start, end))
        return max(0, int(last) - int(first))

    def count(self, start: int, end: int) -> int:
        return max(0, self._position(end) - self._position(start))

    def max_speed_kmh(self, start: int, end: int) -> float | None:
        """The highest speed of the fixes in [start, end); null when none has one."""
        return self.max_speeds_kmh(intervals_of([(start, end)]))[0]

    def max_speeds_kmh(self, intervals: Intervals) -> list[float | None]:
        """The same of each of many intervals."""
        if not len(intervals):
            return []
        first, stop = self.t.searchsorted(intervals).T
        # Of each two edges in turn: those of an interval, and from there to the next, which nobody asks for.
        edges = np.column_stack((first, stop)).reshape(-1)
        found = np.fmax.reduceat(np.append(self.speed_kmh, nan), edges)[::2]
        highest = np.where(first < stop, found, nan).tolist()
        return [None if isnan(each) else each for each in highest]


def track(points: Points, conditions: Conditions) -> Track:
    """The fixes among the points; the conditions are those of the points."""
    fix = ~np.isnan(points.lat)
    t, speed = points.t[fix], points.speed_kmh[fix]
    has_speed = ~np.isnan(speed)
    dense = np.flatnonzero((np.diff(t) <= DENSE_S) & has_speed[:-1] & has_speed[1:])
    return Track(t, points.lat[fix], points.lon[fix], speed, conditions.state[fix] == PARKED, dense)


def legs(track: Track, parameters: Parameters) -> Legs:
    """The legs of a track, sorted by what they count for."""
    duration, metres = np.diff(track.t), lengths_m(track.lat, track.lon)
    possible = connects(track.t) & (metres * 3.6 <= parameters.max_leg_kmh * duration)
    silent = duration > parameters.trip_max_gap_s
    drift = track.parked[:-1] & track.parked[1:]
    kinds = (possible & ~silent, possible & ~silent & drift, possible & silent)
    return Legs(*(Spread.of(track.t, metres, kind) for kind in kinds))


def lengths_m(lat: Floats, lon: Floats) -> Floats:
    """The haversine distances between consecutive places, of degrees."""
    lat, lon = np.radians(lat), np.radians(lon)
    across = np.sin(np.diff(lat) / 2) ** 2 + np.cos(lat[:-1]) * np.cos(lat[1:]) * np.sin(np.diff(lon) / 2) ** 2
    lengths: Floats = EARTH_DIAMETER_M * np.arcsin(np.minimum(1.0, np.sqrt(across)))
    return lengths
