"""Fuel: refuels and drains seen in the level, and how much was used."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from math import fsum
from statistics import median
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from apps.trucks.detection.history import Event, History, Levels, Stretch
from apps.trucks.detection.motion import State, overlapping
from apps.trucks.detection.quantities import CONNECTED_S, connects, intervals_of
from apps.trucks.parameters import Parameters

JOIN_S = 1_800  # steps of one kind at most this far apart are one event
REVIEWED_S = 600  # a review is of the drain that starts at most this far from the one it was made of
MEDIAN_OF = 5  # readings on either side of an event: a level sloshes


class FuelEventKind(StrEnum):
    REFUEL = "refuel"
    DRAIN = "drain"


class Review(StrEnum):
    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


NO_REVIEWS: Mapping[int, Review] = MappingProxyType({})


class FuelSource(StrEnum):
    """The better one first."""

    COUNTER = "counter"
    LEVEL = "level"


@dataclass(frozen=True, slots=True, kw_only=True)
class FuelEvent(Event):
    """A rise or a suspicious fall of the level, from its first reading to its last: never open.

    For `JOIN_S` after its end a further step can still join it.
    """

    kind: FuelEventKind
    level_before_l: float
    level_after_l: float
    litres: float  # never negative
    review: Review | None  # what a person said of a drain; null of refuels

    @property
    def is_dismissed(self) -> bool:
        return self.review is Review.DISMISSED

    @property
    def added(self) -> float:
        """What it brought into the tank; negative for a drain."""
        return self.litres if self.kind is FuelEventKind.REFUEL else -self.litres


class Used(NamedTuple):
    litres: float | None
    source: FuelSource | None


class _Step(NamedTuple):
    """A rise or fall of the level from one reading to another, by their positions."""

    kind: FuelEventKind
    first: int
    last: int


def find_fuel_events(
    history: History, parameters: Parameters, reviews: Mapping[int, Review] = NO_REVIEWS
) -> list[FuelEvent]:
    """The refuels and drains around the window, ascending; `reviews`: start of a reviewed drain → what was said.

    Late readings may move a drain's start a little: a review stays with it for `REVIEWED_S`.
    """
    levels = history.levels
    steps = list(_steps(levels, parameters))
    events = [
        _fuel_event(history, step, reviews)
        for kind in FuelEventKind
        for step in _joined([step for step in steps if step.kind is kind], levels)
    ]
    return sorted(events, key=lambda event: event.started_at)


def _steps(levels: Levels, parameters: Parameters) -> Iterator[_Step]:
    """The single steps. A drain begins with the engine known to be off: else it may be consumption."""
    rise, connected = np.diff(levels.litres), connects(levels.t)
    refuels = connected & (rise >= parameters.refuel_min_l)
    drains = connected & ~refuels & (-rise >= parameters.drain_min_l) & (levels.engine[:-1] == 0)
    for index in np.flatnonzero(refuels | drains).tolist():
        yield _Step(FuelEventKind.REFUEL if refuels[index] else FuelEventKind.DRAIN, index, index + 1)


def _joined(steps: Iterable[_Step], levels: Levels) -> list[_Step]:
    joined: list[_Step] = []
    for step in steps:
        if joined and levels.t[step.first] - levels.t[joined[-1].last] <= JOIN_S:
            joined[-1] = joined[-1]._replace(last=step.last)
        else:
            joined.append(step)
    return joined


def _fuel_event(history: History, step: _Step, reviews: Mapping[int, Review]) -> FuelEvent:
    levels = history.levels
    start, end = int(levels.t[step.first]), int(levels.t[step.last])
    level_before = _usual(levels, slice(max(0, step.first + 1 - MEDIAN_OF), step.first + 1), start)
    level_after = _usual(levels, slice(step.last, step.last + MEDIAN_OF), end)
    return FuelEvent(
        **history.extent(Stretch(start, end, False)),
        kind=step.kind,
        level_before_l=level_before,
        level_after_l=level_after,
        litres=abs(level_after - level_before),
        review=_review(start, reviews) if step.kind is FuelEventKind.DRAIN else None,
    )


def _review(start: int, reviews: Mapping[int, Review]) -> Review:
    nearest = min(reviews, key=lambda t: abs(t - start), default=None)
    is_of_it = nearest is not None and abs(nearest - start) <= REVIEWED_S
    return reviews[nearest] if nearest is not None and is_of_it else Review.SUSPECTED


def _usual(levels: Levels, near: slice, t: int) -> float:
    """The median of those of these readings that connect with `t`."""
    connected = np.abs(levels.t[near] - t) <= CONNECTED_S
    litres: list[float] = levels.litres[near][connected].tolist()
    return median(litres)


def used(history: History, events: Sequence[FuelEvent], start: int, end: int) -> Used:
    """The litres used in [start, end): the counter's, else the level's fall with refuels and without drains.

    Refuels and drains belong wholly to the day in which they start, as in its other figures, though the level is a
    straight line between its readings: with one over midnight the sum of the two days is right, not each of them.
    """
    for source in FuelSource:
        litres = used_by(source, history, events, start, end)
        if litres is not None:
            return Used(litres, source)
    return Used(None, None)


def used_by(
    source: FuelSource | None, history: History, events: Sequence[FuelEvent], start: int, end: int
) -> float | None:
    """The litres used in [start, end) by one source; null without it. Parts of a day go by the day's own source."""
    if source is FuelSource.COUNTER:
        return history.fuel_counter.increase.between(start, end)
    if source is None or not history.level_falls.is_measured(start, end):
        return None
    added = [event.added for event in events if start <= event.started_at < end and not event.is_dismissed]
    return fsum([*history.level_falls.parts(start, end), *added])


def tank_change(history: History, start: int, end: int) -> float | None:
    """The litres that the tank holds more at the end than at the start, along the line of its level; null without."""
    fall = history.level_falls.between(start, end)
    return None if fall is None else -fall


def used_idling(history: History, start: int, end: int, *, productive: bool = False) -> float | None:
    """The litres that the counter grew by while idling in [start, end); null without counter or engine evidence.

    `productive`: only while idling productively.
    """
    counter = history.fuel_counter.increase
    if not history.has_engine_evidence or not counter.is_measured(start, end):
        return None
    idle = [piece for piece in overlapping(history.segments, start, end) if piece.state is State.IDLE]
    if productive:
        idle = [piece for piece in idle if piece.productive]
    pieces = intervals_of((max(piece.start, start), min(piece.end, end)) for piece in idle)
    return fsum(chain.from_iterable(counter.parts_of(pieces)))
