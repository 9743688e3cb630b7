"""Idle events: the engine runs and the truck stands, long enough to count."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from apps.trucks.detection.history import Event, History, Stretch
from apps.trucks.detection.motion import Segment, State, overlapping
from apps.trucks.parameters import Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleEvent(Event):
    productive_s: int  # the part with the PTO on or in a productive place
    productive_place: str | None  # the first in which it idled
    fuel_l: float | None  # by the fuel counter


def find_idling(history: History, parameters: Parameters) -> list[IdleEvent]:
    """The unbroken stretches of idling of the window, ascending, those that are too short left out."""
    return [
        _idle_event(history, stretch)
        for stretch in _idle_stretches(history.segments, history.until)
        if stretch.end - stretch.start >= parameters.idle_event_min_s
    ]


def _idle_stretches(segments: Sequence[Segment], until: int) -> Iterator[Stretch]:
    for is_idle, run in groupby(segments, key=lambda segment: segment.state is State.IDLE):
        if is_idle:
            stretches = list(run)
            end = stretches[-1].end
            yield Stretch(stretches[0].start, end, end == until)


def _idle_event(history: History, stretch: Stretch) -> IdleEvent:
    places = (segment.place for segment in overlapping(history.segments, stretch.start, stretch.end))
    return IdleEvent(
        **history.extent(stretch),
        productive_s=history.seconds(stretch.start, stretch.end).productive,
        productive_place=next(filter(None, places), None),
        fuel_l=history.fuel_counter.increase.between(stretch.start, stretch.end),
    )
