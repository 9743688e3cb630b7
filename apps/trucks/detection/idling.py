"""Idle events: the engine runs and the truck stands, long enough to count."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from apps.trucks.detection.history import Event, Extent, History, Stretch, of_stretches
from apps.trucks.detection.motion import Segment, State, overlapping
from apps.trucks.parameters import Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleEvent(Event):
    productive_s: int  # the part with the PTO on or in a productive place
    productive_place: str | None  # the first in which it idled
    fuel_l: float | None  # by the fuel counter


def find_idling(history: History, parameters: Parameters) -> list[IdleEvent]:
    """The unbroken stretches of idling of the window, ascending, those that are too short left out."""
    stretches = [
        stretch
        for stretch in _idle_stretches(history.segments, history.until)
        if stretch.end - stretch.start >= parameters.idle_event_min_s
    ]
    intervals = of_stretches(stretches)
    every = zip(
        history.extents(stretches),
        history.spent.between_each(intervals),
        history.fuel_counter.increase.between_each(intervals),
        strict=True,
    )
    return [
        IdleEvent(
            **extent,
            productive_s=seconds.productive,
            productive_place=_first_place(history, extent) if seconds.productive else None,
            fuel_l=fuel_l,
        )
        for extent, seconds, fuel_l in every
    ]


def _first_place(history: History, extent: Extent) -> str | None:
    within = overlapping(history.segments, extent["started_at"], extent["ended_at"])
    return next((segment.place for segment in within if segment.place), None)


def _idle_stretches(segments: Sequence[Segment], until: int) -> Iterator[Stretch]:
    for is_idle, run in groupby(segments, key=lambda segment: segment.state is State.IDLE):
        if is_idle:
            stretches = list(run)
            end = stretches[-1].end
            yield Stretch(stretches[0].start, end, end == until)
