"""Whether a truck drives, idles or is parked: at each point, and over time."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import NamedTuple, TypeAlias, TypeVar

from .parameters import Parameters
from .places import Place, Spot, place_at
from .points import Evidence, Point
from .quantities import CONNECTED_S

ENGINE_RUNS_RPM = 300
# A charging alternator lifts the voltage above what a battery has by itself; 18 V tells 12 V systems from 24 V ones.
SYSTEM_24_VOLT, CHARGING_12_VOLT, CHARGING_24_VOLT = 18, 13.2, 26.4

T = TypeVar("T")


class State(StrEnum):
    MOVING = "moving"
    IDLE = "idle"
    PARKED = "parked"
    NO_DATA = "no_data"


class Condition(NamedTuple):
    """How a truck is at one point, with what is carried over from the points before."""

    t: int
    engine_on: bool | None  # null: unknown
    speed_kmh: float  # 0 with the engine off
    has_speed: bool  # the speed is this point's own, from its fix
    state: State
    productive: bool  # idle with the PTO on or in a productive place
    place: str | None = None  # the productive place in which it idles


class Segment(NamedTuple):
    """A stretch [start, end) of one state."""

    start: int
    end: int
    state: State
    productive: bool = False
    place: str | None = None


_Change: TypeAlias = tuple[int, State, bool, str | None]  # from when on, what, productive, in which place


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


def _by_rpm(point: Point) -> bool | None:
    return None if point.rpm is None else point.rpm > ENGINE_RUNS_RPM


def _by_voltage(point: Point) -> bool | None:
    if point.voltage is None:
        return None
    return point.voltage > (CHARGING_24_VOLT if point.voltage >= SYSTEM_24_VOLT else CHARGING_12_VOLT)


_ENGINE_READING: dict[Evidence, Callable[[Point], bool | None]] = {
    Evidence.IGNITION: attrgetter("ignition"),
    Evidence.RPM: _by_rpm,
    Evidence.VOLTAGE: _by_voltage,
    Evidence.NONE: lambda _: None,
}


def conditions(
    points: Sequence[Point], evidence: Evidence, parameters: Parameters, places: Sequence[Place] = ()
) -> list[Condition]:
    """The condition at each point; what a point lacks is the last known value, at most 35 days old.

    The carried speed is the GPS speed of the last fix, whatever the engine did since.
    """
    times = [point.t for point in points]
    gps_speeds = [point.speed_kmh for point in points]
    engine = _carried(times, map(_ENGINE_READING[evidence], points))
    pto = _carried(times, [point.pto for point in points])
    spots = _carried(times, map(_spot, points)) if places else [None] * len(points)
    locate = cache(lambda spot: place_at(places, spot))  # who stands is asked for the same spot again and again
    found = []
    for t, engine_on, speed, own_speed, pto_on, spot in zip(
        times, engine, _carried(times, gps_speeds), gps_speeds, pto, spots, strict=True
    ):
        speed_kmh = 0.0 if engine_on is False or speed is None else speed
        state = _state(engine_on, speed_kmh > parameters.moving_speed_kmh)
        place = locate(spot) if state is State.IDLE else None
        productive = state is State.IDLE and (pto_on is True or place is not None)
        found.append(Condition(t, engine_on, speed_kmh, own_speed is not None, state, productive, place))
    return found


def _spot(point: Point) -> Spot | None:
    return None if point.lat is None or point.lon is None else (point.lat, point.lon)


def _carried(times: Sequence[int], readings: Iterable[T | None]) -> list[T | None]:
    """At each time what was read last, for as long as it connects."""
    value: T | None = None
    read_at = 0
    values = []
    for t, reading in zip(times, readings, strict=True):
        if reading is not None:
            value, read_at = reading, t
        elif t - read_at > CONNECTED_S:
            value = None
        values.append(value)
    return values


def _state(engine_on: bool | None, fast: bool) -> State:
    if fast and engine_on is not False:
        return State.MOVING
    return State.IDLE if engine_on else State.PARKED


def segments(conditions: Sequence[Condition], until: int, parameters: Parameters) -> list[Segment]:
    """What the truck did from its first point to `until`, without holes, each state as long as it lasts."""
    changes: list[_Change] = []
    state: State | None = None
    productive, place = False, None
    for change in _claims(conditions, until, parameters):
        if change[1] is not state or change[2] is not productive or change[3] != place:
            changes.append(change)
            _, state, productive, place = change
    ends = [*(start for start, *_ in changes[1:]), until]
    return [Segment(change[0], end, *change[1:]) for change, end in zip(changes, ends, strict=False) if change[0] < end]


def _claims(conditions: Sequence[Condition], until: int, parameters: Parameters) -> Iterator[_Change]:
    """Per point its state, and no data from where its cap leaves time up to the next point."""
    caps = dict.fromkeys(State, min(parameters.engine_gap_cap_s, CONNECTED_S))
    caps[State.PARKED] = min(parameters.parked_gap_cap_s, CONNECTED_S)
    ends = [*(condition.t for condition in conditions[1:]), until]
    for condition, end in zip(conditions, ends, strict=False):
        yield condition.t, condition.state, condition.productive, condition.place
        held_until = condition.t + caps[condition.state]
        if held_until < end:
            yield held_until, State.NO_DATA, False, None


def seconds(segments: Sequence[Segment], start: int, end: int) -> Seconds:
    """The seconds of each state in [start, end); where there is no segment there is no data."""
    total = dict.fromkeys(State, 0)
    productive = 0
    for segment in overlapping(segments, start, end):
        length = min(segment.end, end) - max(segment.start, start)
        total[segment.state] += length
        productive += length if segment.productive else 0
    moving, idle, parked = total[State.MOVING], total[State.IDLE], total[State.PARKED]
    return Seconds(moving, idle, productive, parked, no_data=max(0, end - start) - moving - idle - parked)


def overlapping(segments: Sequence[Segment], start: int, end: int) -> Iterator[Segment]:
    """The segments that reach into [start, end)."""
    for index in range(bisect_right(segments, start, key=attrgetter("end")), len(segments)):
        if segments[index].start >= end:
            return
        yield segments[index]
