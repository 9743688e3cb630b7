"""The safety score, and what it is made of. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np

from apps.fleet import columns
from apps.fleet.columns import Column
from apps.trucks.parameters import DEFAULTS

_PARAMETERS = {kind: f"safety_{kind}_weight" for kind in ("minor", "moderate", "severe", "harsh")}
EVENTS = {
    "speeding_minor": "minor",
    "speeding_moderate": "moderate",
    "speeding_severe": "severe",
    "harsh_braking": "harsh",
    "harsh_acceleration": "harsh",
    "harsh_cornering": "harsh",
}  # and the kind of weight of each
# What they are told per 100 km of: harsh driving of where it is measured, so that trucks that cannot do not dilute it.
EXPOSURES = {event: "harsh_distance_m" if kind == "harsh" else "distance_m" for event, kind in EVENTS.items()}
_SPEEDING = tuple(event for event, kind in EVENTS.items() if kind != "harsh")
MIN_EXPOSURE_M = 80_000
_PER_M = 100_000  # events count per 100 km


@dataclass(frozen=True)
class Weights:
    """The points that one event per 100 km takes, by kind."""

    minor: float = DEFAULTS.safety_minor_weight
    moderate: float = DEFAULTS.safety_moderate_weight
    severe: float = DEFAULTS.safety_severe_weight
    harsh: float = DEFAULTS.safety_harsh_weight

    @classmethod
    def of(cls, sets: Iterable[Mapping[str, Any]]) -> "Weights":
        """Those in force, from a fleet's parameter sets in the order in which they came into force."""
        values: dict[str, float] = {}
        for each in sets:
            values |= {kind: each[name] for kind, name in _PARAMETERS.items() if name in each}
        return cls(**values)

    @cached_property
    def by_event(self) -> Mapping[str, float]:
        return {event: getattr(self, kind) for event, kind in EVENTS.items()}


@dataclass(frozen=True, slots=True)
class ScorePart:
    """What one kind of event takes from the score; `points` are null where there is no score, or it is not measured."""

    event: str
    count: int | None
    weight: float
    points: float | None


@overload
def safety_score(distance_m: int | None, counts: Mapping[str, int | None], weights: Weights) -> float | None: ...
@overload
def safety_score(distance_m: Column, counts: Mapping[str, Column], weights: Weights) -> Column: ...
def safety_score(distance_m: Any, counts: Mapping[str, Any], weights: Weights) -> Any:
    """100 less the weighted events per 100 km, not below 0; null under 80 km or where speed was not measured.

    Harsh events count where they were measured: without them the score is that of the speeding alone.
    """
    if columns.is_column(distance_m):
        return _scores(distance_m, counts, weights)
    if distance_m is None or not _is_scored(distance_m, counts):
        return None
    weighted = sum(weight * (counts[event] or 0) for event, weight in weights.by_event.items())
    return max(0.0, 100 - weighted * _PER_M / distance_m)


def _scores(distance_m: Column, counts: Mapping[str, Column], weights: Weights) -> Column:
    weighted = sum(weight * np.nan_to_num(counts[event]) for event, weight in weights.by_event.items())
    scored = distance_m >= MIN_EXPOSURE_M
    for event in _SPEEDING:
        scored &= ~np.isnan(counts[event])
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Column = np.where(scored, np.maximum(0.0, 100 - weighted * _PER_M / distance_m), np.nan)
    return found


def _is_scored(distance_m: int, counts: Mapping[str, int | None]) -> bool:
    return distance_m >= MIN_EXPOSURE_M and all(counts[event] is not None for event in _SPEEDING)


def score_parts(distance_m: int | None, counts: Mapping[str, int | None], weights: Weights) -> list[ScorePart]:
    """Each kind of event with the points that it takes; together they are what a score above 0 lacks to 100."""
    scored_m = distance_m if distance_m is not None and _is_scored(distance_m, counts) else None
    return [
        ScorePart(
            event,
            count := counts[event],
            weight,
            None if count is None or scored_m is None else weight * count * _PER_M / scored_m,
        )
        for event, weight in weights.by_event.items()
    ]
