"""From rows of sums to how trucks and drivers were driven, as the API serves it. Pure."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from apps.accounts.amounts import money
from apps.fleet import figures
from apps.fleet.drivers.safety import EVENTS, Weights, score_parts
from apps.fleet.utilization.figures import coverage_pct, is_ranked
from apps.fleet.utilization.ratios import percentage

_PLAIN = (
    "moving_s", "idle_s", "idle_productive_s", "engine_on_s", "night_driving_s", "fuel_used_l", "idle_fuel_l",
)  # fmt: skip
MONEY = ("fuel_cost", "idle_cost")
Row = Mapping[str, Any]
T = TypeVar("T", bound=Row)


def driving(row: Row, weights: Weights) -> dict[str, Any]:
    """Exposure, speeding, harsh driving, idling, night, fuel and the safety score of a row of sums."""
    idle_s, productive_s = row["idle_s"], row["idle_productive_s"] or 0
    return {
        **figures.behavior(row, weights),
        **{name: figures.same_in_any_order(row[name]) for name in _PLAIN},
        "idle_pct": rounded_pct(idle_s, row["engine_on_s"]),
        "idle_nonproductive_pct": rounded_pct(None if idle_s is None else idle_s - productive_s, row["engine_on_s"]),
        "night_driving_pct": rounded_pct(row["night_driving_s"], row["moving_s"]),
        "consumption_l_per_100km": figures.consumption(row),
        "coverage_pct": coverage_pct(row),
    }


def ranked_by(row: Row, figure: str, weights: Weights) -> float | None:
    """What trucks are ranked by, as exact as it is."""
    if figure == "safety_score":
        return figures.exact_score(row, weights)
    if figure == "distance_m":
        return None if row["distance_m"] is None else float(row["distance_m"])
    part, whole = _SHARES[figure]
    return percentage(row[part], row[whole])


def in_order(rows: Iterable[T], sort: str, weights: Weights) -> list[T]:
    """All drivers by a figure, with - from the highest down.

    Those that no ranking has, and those without the figure, come last, by code.
    """
    figure, sign = sort.removeprefix("-"), -1 if sort.startswith("-") else 1

    def place(row: T) -> tuple[bool, float, str]:
        value = ranked_by(row, figure, weights) if is_ranked(row) else None
        return value is None, sign * (value or 0), row["code"]

    return sorted(rows, key=place)


_SHARES = {"idle_pct": ("idle_s", "engine_on_s"), "night_driving_pct": ("night_driving_s", "moving_s")}


def rounded_pct(part: Any, whole: Any) -> float | None:
    value = percentage(part, whole)
    return None if value is None else round(float(value), 2)


def fuel_money(row: Row, currency: str) -> dict[str, Any]:
    """What the fuel cost, in all, per km and idling. Amounts may come as text."""
    amounts = {name: None if row[name] is None else Decimal(row[name]) for name in MONEY}
    return {
        **{name: money(amount, currency) for name, amount in amounts.items()},
        "fuel_cost_per_km": money(figures.per(amounts["fuel_cost"], row["fuel_distance_m"], 1000), currency),
    }


def against(row: Row, before: Row, weights: Weights) -> dict[str, Any]:
    """The distance and score of the period before, and by how many points the score differs."""
    now, earlier = (figures.behavior({**_NOTHING, **each}, weights) for each in (row, before))
    score, former = now["safety_score"], earlier["safety_score"]
    return {
        "previous": {"distance_m": before["distance_m"], "safety_score": former},
        "safety_score_change": None if score is None or former is None else round(score - former, 2),
    }


_NOTHING: Row = dict.fromkeys(("trips", "speeding_s"))


def score(row: Row, weights: Weights) -> dict[str, Any]:
    """The safety score with its exposure and what each kind of event takes from it."""
    return {
        "safety_score": figures.behavior(row, weights)["safety_score"],
        "exposure_m": row["distance_m"],
        "parts": [
            {
                "event": part.event,
                "count": part.count,
                "per_100km": _per_100_km(part.count, row["distance_m"]),
                "weight": part.weight,
                "points": None if part.points is None else round(part.points, 2),
            }
            for part in score_parts(row["distance_m"], {name: row[name] for name in EVENTS}, weights)
        ],
    }


def _per_100_km(count: int | None, distance_m: int | None) -> float | None:
    return None if count is None or not distance_m else round(float(100_000 * count / distance_m), 2)
