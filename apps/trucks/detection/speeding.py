"""Speeding episodes: over the truck's limit for long enough to count."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

import numpy as np

from apps.trucks.detection.history import Event, History, Stretch
from apps.trucks.detection.motion import Conditions
from apps.trucks.parameters import Parameters


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


def _exceedances(conditions: Conditions, until: int, parameters: Parameters) -> Iterator[_Exceedance]:
    """From each first speed over the limit to what ends it. A point without a speed of its own ends nothing."""
    t, cap = conditions.t, parameters.engine_gap_cap_s
    over = conditions.has_speed & (conditions.speed_kmh > parameters.speed_limit_kmh)
    is_silent = conditions.since_last_s > cap
    ends = is_silent | (~over & (conditions.has_speed | (conditions.engine == 0)))
    ends_before = np.cumsum(ends)
    endings = np.flatnonzero(ends)
    for number, run in groupby(np.flatnonzero(over).tolist(), key=lambda index: int(ends_before[index])):
        points = list(run)
        start, highest = int(t[points[0]]), float(conditions.speed_kmh[points].max())
        if number == len(endings):
            last = int(t[-1])
            yield _Exceedance(Stretch(start, min(last + cap, until), until - last <= cap), highest)
        else:
            ending = endings[number]
            end = int(t[ending - 1]) + cap if is_silent[ending] else int(t[ending])
            yield _Exceedance(Stretch(start, end, False), highest)


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
