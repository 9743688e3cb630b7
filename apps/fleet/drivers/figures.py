"""From rows of sums, or columns of them, to how trucks and drivers were driven, as the API serves it. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from apps.accounts.amounts import money, rounded
from apps.fleet import figures
from apps.fleet.columns import Column
from apps.fleet.drivers.safety import EVENTS, EXPOSURES, Weights, safety_score, score_parts
from apps.fleet.utilization.figures import coverage_pct
from apps.fleet.utilization.ratios import or_zero, percentage

_SECONDS = ("moving_s", "idle_s", "idle_productive_s", "engine_on_s", "night_driving_s")
_LITRES = ("fuel_used_l", "idle_fuel_l")
MONEY = ("fuel_cost", "idle_cost")
Row = Mapping[str, Any]


def driving(row: Row, weights: Weights) -> dict[str, Any]:
    """Exposure, speeding, harsh driving, idling, night, fuel and the safety score of a row of sums."""
    idle_s = row["idle_s"]
    nonproductive_s = None if idle_s is None else idle_s - or_zero(row["idle_productive_s"])
    return {
        **figures.behavior(row, weights),
        **{name: row[name] for name in _SECONDS},
        **{name: figures.same_in_any_order(row[name]) for name in _LITRES},
        "idle_pct": rounded_pct(idle_s, row["engine_on_s"]),
        "idle_nonproductive_pct": rounded_pct(nonproductive_s, row["engine_on_s"]),
        "night_driving_pct": rounded_pct(row["night_driving_s"], row["moving_s"]),
        "consumption_l_per_100km": figures.consumption(row),
        "coverage_pct": coverage_pct(row),
    }


def ranked_by(sums: Mapping[str, Column], figure: str, weights: Weights) -> Column:
    """What trucks and drivers are ranked by, as exact as it is."""
    if figure == "safety_score":
        return safety_score(sums["distance_m"], {name: sums[name] for name in EVENTS}, weights)
    if figure == "distance_m":
        return sums["distance_m"]
    part, whole = _SHARES[figure]
    return percentage(sums[part], sums[whole])


_SHARES = {"idle_pct": ("idle_s", "engine_on_s"), "night_driving_pct": ("night_driving_s", "moving_s")}


def rounded_pct(part: Any, whole: Any) -> Any:
    return figures.rounded(percentage(part, whole), 2)


def fuel_money(row: Row, currency: str) -> dict[str, Any]:
    """What the fuel cost, in all, per km and idling. Amounts may come as text."""
    amounts = {name: None if row[name] is None else Decimal(row[name]) for name in MONEY}
    return {
        **{name: money(amount, currency) for name, amount in amounts.items()},
        "fuel_cost_per_km": money(figures.per(amounts["fuel_cost"], row["fuel_distance_m"], 1000), currency),
    }


def against(row: Row, before: Row, weights: Weights) -> dict[str, Any]:
    """The distance and score of the period before, and by how many points the score differs."""
    score, former = (figures.rounded(figures.exact_score(each, weights), 2) for each in (row, before))
    change = None if score is None or former is None else score - former
    return {
        "previous": {"distance_m": before["distance_m"], "safety_score": former},
        "safety_score_change": figures.rounded(change, 2),
    }


def score(row: Row, weights: Weights) -> dict[str, Any]:
    """The safety score with its exposure and what each kind of event takes from it."""
    return {
        "safety_score": figures.rounded(figures.exact_score(row, weights), 2),
        "exposure_m": row["distance_m"],
        "harsh_exposure_m": row["harsh_distance_m"],
        "parts": [
            {
                "event": part.event,
                "count": part.count,
                "per_100km": _per_100_km(part.count, row[EXPOSURES[part.event]]),
                "weight": part.weight,
                "points": rounded(part.points),
            }
            for part in score_parts(row["distance_m"], {name: row[name] for name in EVENTS}, weights)
        ],
    }


def _per_100_km(count: int | None, distance_m: int | None) -> float | None:
    return None if count is None or not distance_m else rounded(float(100_000 * count / distance_m))
