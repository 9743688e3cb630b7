"""Whether a truck drives, idles or is parked: at each point, and over time."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from .parameters import Parameters
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
    productive: bool  # idle with the PTO on


class Segment(NamedTuple):
    """A stretch [start, end) of one state."""

    start: int
    end: int
    state: State
    productive: bool = False


_Change: TypeAlias = tuple[int, State, bool]  # from when on, what, productive


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


@dataclass(slots=True)
class _LastKnown(Generic[T]):
    """The last value that was read, for as long as it connects."""

    value: T | None = None
    t: int = 0

    def at(self, t: int, reading: T | None) -> T | None:
        if reading is not None:
            self.value, self.t = reading, t
        elif t - self.t > CONNECTED_S:
            self.value = None
        return self.value


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


def conditions(points: Sequence[Point], evidence: Evidence, parameters: Parameters) -> list[Condition]:
    """The condition at each point; what a point lacks is the last known value, at most 35 days old.

    The carried speed is the GPS speed of the last fix, whatever the engine did since.
    """
    engine_reading = _ENGINE_READING[evidence]
    engine, gps_speed, pto = _LastKnown[bool](), _LastKnown[float](), _LastKnown[bool]()
    found = []
    for point in points:
        t = point.t
        engine_on = engine.at(t, engine_reading(point))
        carried_speed = gps_speed.at(t, point.speed_kmh)
        pto_on = pto.at(t, point.pto)
        speed_kmh = 0.0 if engine_on is False or carried_speed is None else carried_speed
        state = _state(engine_on, speed_kmh > parameters.moving_speed_kmh)
        productive = state is State.IDLE and pto_on is True
        found.append(Condition(t, engine_on, speed_kmh, point.speed_kmh is not None, state, productive))
    return found


def _state(engine_on: bool | None, fast: bool) -> State:
    if fast and engine_on is not False:
        return State.MOVING
    return State.IDLE if engine_on else State.PARKED


def segments(conditions: Sequence[Condition], until: int, parameters: Parameters) -> list[Segment]:
    """What the truck did from its first point to `until`, without holes, each state as long as it lasts."""
    changes: list[_Change] = []
    state: State | None = None
    productive = False
    for change in _claims(conditions, until, parameters):
        if change[1] is not state or change[2] is not productive:
            changes.append(change)
            _, state, productive = change
    ends = [*(start for start, _, _ in changes[1:]), until]
    stretches = zip(changes, ends, strict=False)
    return [Segment(start, end, state, productive) for (start, state, productive), end in stretches if start < end]


def _claims(conditions: Sequence[Condition], until: int, parameters: Parameters) -> Iterator[_Change]:
    """Per point its state, and no data from where its cap leaves time up to the next point."""
    caps = dict.fromkeys(State, min(parameters.engine_gap_cap_s, CONNECTED_S))
    caps[State.PARKED] = min(parameters.parked_gap_cap_s, CONNECTED_S)
    ends = [*(condition.t for condition in conditions[1:]), until]
    for condition, end in zip(conditions, ends, strict=False):
        yield condition.t, condition.state, condition.productive
        held_until = condition.t + caps[condition.state]
        if held_until < end:
            yield held_until, State.NO_DATA, False


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
