"""The safety score. Pure."""

MINOR, MODERATE, SEVERE, HARSH = 1, 2, 4, 2
MIN_EXPOSURE_M = 80_000


def safety_score(
    distance_m: int | None, minor: int | None, moderate: int | None, severe: int | None, harsh: int | None = None
) -> float | None:
    """100 less the weighted events per 100 km, not below 0; null under 80 km or where speed was not measured.

    Harsh events count where they were measured: without them the score is that of the speeding alone.
    """
    if distance_m is None or distance_m < MIN_EXPOSURE_M or minor is None or moderate is None or severe is None:
        return None
    weighted = MINOR * minor + MODERATE * moderate + SEVERE * severe + HARSH * (harsh or 0)
    return max(0.0, 100 - weighted * 100_000 / distance_m)
