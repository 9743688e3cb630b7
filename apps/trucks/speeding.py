"""Speeding episodes: over the truck's limit for long enough to count."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .history import Event, History, Stretch
from .motion import Condition
from .parameters import Parameters


class Severity(StrEnum):
    MINOR = "minor"
    MODERATE = "moderate"
    SEVERE = "severe"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedingEpisode(Event):
    limit_kmh: float
    max_speed_kmh: float
    excess_kmh: float  # at the highest speed
    severity: Severity
    distance_m: int | None


class _Exceedance(NamedTuple):
    stretch: Stretch
    max_speed_kmh: float


def find_speeding(history: History, parameters: Parameters) -> list[SpeedingEpisode]:
    """The speeding episodes of the window, ascending, those that are too short left out."""
    return [
        _episode(history, exceedance, parameters)
        for exceedance in _exceedances(history.conditions, history.until, parameters)
        if exceedance.stretch.end - exceedance.stretch.start >= parameters.speeding_min_s
    ]


def _exceedances(conditions: Sequence[Condition], until: int, parameters: Parameters) -> Iterator[_Exceedance]:
    """From each first speed over the limit to what ends it. A point without a speed of its own ends nothing."""
    start: int | None = None
    last, highest = 0, 0.0
    cap = parameters.engine_gap_cap_s
    for condition in conditions:
        if start is not None and condition.t - last > cap:
            yield _Exceedance(Stretch(start, last + cap, False), highest)
            start = None
        over = condition.has_speed and condition.speed_kmh > parameters.speed_limit_kmh
        if over:
            start, highest = (condition.t, 0.0) if start is None else (start, highest)
            highest = max(highest, condition.speed_kmh)
        elif start is not None and (condition.has_speed or condition.engine_on is False):
            yield _Exceedance(Stretch(start, condition.t, False), highest)
            start = None
        last = condition.t
    if start is not None:
        yield _Exceedance(Stretch(start, min(last + cap, until), until - last <= cap), highest)


def _episode(history: History, exceedance: _Exceedance, parameters: Parameters) -> SpeedingEpisode:
    stretch, highest = exceedance
    excess = highest - parameters.speed_limit_kmh
    return SpeedingEpisode(
        **history.extent(stretch),
        limit_kmh=parameters.speed_limit_kmh,
        max_speed_kmh=highest,
        excess_kmh=excess,
        severity=severity(excess, parameters),
        distance_m=history.distance(stretch.start, stretch.end).metres,
    )


def severity(excess_kmh: float, parameters: Parameters) -> Severity:
    if excess_kmh <= parameters.speeding_minor_kmh:
        return Severity.MINOR
    return Severity.MODERATE if excess_kmh <= parameters.speeding_moderate_kmh else Severity.SEVERE
