"""The fixes of a truck: where it was, how fast, and the legs between them."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from .motion import Condition, State
from .parameters import Parameters
from .places import metres_between
from .points import Point
from .quantities import CONNECTED_S, Spread

DENSE_S = 2  # speeds further apart do not tell how hard a truck braked between them


Place: TypeAlias = tuple[float | None, float | None]  # latitude and longitude; nulls: not known


class Fix(NamedTuple):
    t: int
    lat: float
    lon: float
    speed_kmh: float | None  # as the GPS says, whatever the engine does
    is_parked: bool

    @property
    def place(self) -> Place:
        return self.lat, self.lon


@dataclass(frozen=True, slots=True)
class Legs:
    """The straight lines between consecutive fixes, in metres, without those too fast to be true."""

    counted: Spread
    drift: Spread  # of the counted, those with both ends parked
    gaps: Spread  # over a silence, not counted


@dataclass(frozen=True, slots=True)
class Track:
    fixes: Sequence[Fix]
    times: Sequence[int]
    dense: Sequence[tuple[Fix, Fix]]  # consecutive fixes with speeds, at most DENSE_S apart

    def place(self, t: int, until: int) -> Place:
        """That of the last fix at or before `t`, at most 35 days old, else of the first one up to `until`."""
        following = bisect_right(self.times, t)
        if following and t - self.times[following - 1] <= CONNECTED_S:
            return self.fixes[following - 1].place
        if following < len(self.fixes) and self.times[following] <= until:
            return self.fixes[following].place
        return None, None

    def speed_at(self, t: int) -> float | None:
        """That of the last fix at or before `t`, if it is at most 35 days old and has one."""
        index = bisect_right(self.times, t) - 1
        return self.fixes[index].speed_kmh if index >= 0 and t - self.times[index] <= CONNECTED_S else None

    def count_dense(self, start: int, end: int) -> int:
        """How many pairs of fixes are close enough to show harsh driving, by the first of the two."""
        return bisect_left(self.dense, end, key=_first_t) - bisect_left(self.dense, start, key=_first_t)

    def count(self, start: int, end: int) -> int:
        return len(self._within(start, end))

    def max_speed_kmh(self, start: int, end: int) -> float | None:
        """The highest speed of the fixes in [start, end); null when none has one."""
        return max((fix.speed_kmh for fix in self._within(start, end) if fix.speed_kmh is not None), default=None)

    def _within(self, start: int, end: int) -> Sequence[Fix]:
        return self.fixes[bisect_left(self.times, start) : bisect_left(self.times, end)]


def track(points: Sequence[Point], conditions: Sequence[Condition]) -> Track:
    """The fixes among the points, ascending; the conditions are those of the points."""
    fixes = [
        Fix(point.t, point.lat, point.lon, point.speed_kmh, condition.state is State.PARKED)
        for point, condition in zip(points, conditions, strict=True)
        if point.lat is not None and point.lon is not None
    ]
    times = [fix.t for fix in fixes]
    dense = [
        pair
        for start, end, pair in zip(times, times[1:], pairwise(fixes), strict=False)
        if end - start <= DENSE_S and pair[0].speed_kmh is not None and pair[1].speed_kmh is not None
    ]
    return Track(fixes, times, dense)


def _first_t(pair: tuple[Fix, Fix]) -> int:
    return pair[0].t


def legs(track: Track, parameters: Parameters) -> Legs:
    """The legs of a track, sorted by what they count for."""
    counted, drift, gaps = [], [], []
    for a, b in pairwise(track.fixes):
        duration, metres = b.t - a.t, distance_m(a, b)
        if duration > CONNECTED_S or metres * 3.6 > parameters.max_leg_kmh * duration:
            continue
        leg = (a.t, b.t, metres)
        if duration > parameters.trip_max_gap_s:
            gaps.append(leg)
            continue
        counted.append(leg)
        if a.is_parked and b.is_parked:
            drift.append(leg)
    return Legs(*(Spread.of(track.times, kind) for kind in (counted, drift, gaps)))


def distance_m(a: Fix, b: Fix) -> float:
    """The haversine distance of two fixes."""
    return metres_between((a.lat, a.lon), (b.lat, b.lon))
