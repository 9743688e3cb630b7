"""The safety score, and what it is made of. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

MINOR, MODERATE, SEVERE, HARSH = 1, 2, 4, 2
WEIGHTS = {
    "speeding_minor": MINOR,
    "speeding_moderate": MODERATE,
    "speeding_severe": SEVERE,
    "harsh_braking": HARSH,
    "harsh_acceleration": HARSH,
    "harsh_cornering": HARSH,
}
MIN_EXPOSURE_M = 80_000
_PER_M = 100_000  # events count per 100 km


@dataclass(frozen=True, slots=True)
class ScorePart:
    """What one kind of event takes from the score; `points` are null where there is no score, or it is not measured."""

    event: str
    count: int | None
    weight: int
    points: float | None


def safety_score(
    distance_m: int | None, minor: int | None, moderate: int | None, severe: int | None, harsh: int | None = None
) -> float | None:
    """100 less the weighted events per 100 km, not below 0; null under 80 km or where speed was not measured.

    Harsh events count where they were measured: without them the score is that of the speeding alone.
    """
    if distance_m is None or distance_m < MIN_EXPOSURE_M or minor is None or moderate is None or severe is None:
        return None
    weighted = MINOR * minor + MODERATE * moderate + SEVERE * severe + HARSH * (harsh or 0)
    return max(0.0, 100 - weighted * _PER_M / distance_m)


def score_parts(distance_m: int | None, counts: Mapping[str, int | None]) -> list[ScorePart]:
    """Each kind of event with the points that it takes; together they are what a score above 0 lacks to 100."""
    is_scored = distance_m is not None and distance_m >= MIN_EXPOSURE_M and counts["speeding_severe"] is not None
    return [
        ScorePart(
            name,
            count := counts[name],
            weight,
            weight * count * _PER_M / distance_m if is_scored and count is not None and distance_m else None,
        )
        for name, weight in WEIGHTS.items()
    ]
