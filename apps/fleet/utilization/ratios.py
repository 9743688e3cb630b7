"""How well trucks were used: ratios of summed seconds, of one row or of columns. Pure."""

from typing import Any, NamedTuple, overload

import numpy as np

from apps.fleet import columns
from apps.fleet.columns import Column


class Usage(NamedTuple):
    """Sums over truck-days, in seconds; null where nothing was measured. `engine_…`: where the engine was measured."""

    moving_s: int
    engine_moving_s: int | None
    idle_s: int | None
    idle_productive_s: int | None
    engine_on_s: int | None
    available_s: int
    truck_days: int
    truck_days_used: int


class Utilization(NamedTuple):
    """In per cent, null where the denominator is zero or was not measured; never clipped."""

    engine_utilization_pct: float | None
    asset_utilization_pct: float | None
    day_utilization_pct: float | None
    idle_pct: float | None
    idle_nonproductive_pct: float | None


def utilization(usage: Usage) -> Utilization:
    """The named utilizations of docs/metrics.md."""
    productive = or_zero(usage.idle_productive_s)
    worked_with_engine = None if usage.engine_moving_s is None else usage.engine_moving_s + productive
    nonproductive = None if usage.idle_s is None else usage.idle_s - productive
    return Utilization(
        engine_utilization_pct=percentage(worked_with_engine, usage.engine_on_s),
        asset_utilization_pct=percentage(usage.moving_s + productive, usage.available_s),
        day_utilization_pct=percentage(usage.truck_days_used, usage.truck_days),
        idle_pct=percentage(usage.idle_s, usage.engine_on_s),
        idle_nonproductive_pct=percentage(nonproductive, usage.engine_on_s),
    )


def or_zero(number: Any) -> Any:
    """0 where it is null."""
    return np.nan_to_num(number) if columns.is_column(number) else number or 0


@overload
def percentage(part: float | None, whole: float | None) -> float | None: ...
@overload
def percentage(part: Column, whole: Column) -> Column: ...
def percentage(part: Any, whole: Any) -> Any:
    """100 × part ÷ whole, or null."""
    if columns.is_column(whole):
        return columns.percentage(part, whole)
    return None if part is None or not whole else 100 * part / whole


@overload
def litres_per_100_km(litres: float | None, metres: float | None) -> float | None: ...
@overload
def litres_per_100_km(litres: Column, metres: Column) -> Column: ...
def litres_per_100_km(litres: Any, metres: Any) -> Any:
    """Consumption over a distance, or null."""
    if columns.is_column(metres):
        return columns.ratio(100_000 * litres, metres)
    return None if litres is None or not metres else 100_000 * litres / metres
