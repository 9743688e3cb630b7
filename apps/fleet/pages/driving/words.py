"""Figures of driving as the page about it writes them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from apps.fleet.drivers.figures import driving
from apps.fleet.drivers.safety import EXPOSURES, Weights
from apps.fleet.pages.analysis import Selection
from apps.fleet.pages.cells import number
from apps.mysql import Row

SPEEDING = ("speeding_minor", "speeding_moderate", "speeding_severe")
HARSH = ("harsh_braking", "harsh_acceleration", "harsh_cornering")
EVENT_TITLES = {
    "speeding_minor": "Speeding, minor",
    "speeding_moderate": "Speeding, moderate",
    "speeding_severe": "Speeding, severe",
    "harsh_braking": "Harsh braking",
    "harsh_acceleration": "Harsh acceleration",
    "harsh_cornering": "Harsh cornering",
}


def figures_of(chosen: Selection, weights: Weights, row: Row, before: Row | None) -> list[str]:
    """Distance, score (and that of the period before), events, idling, night, consumption, money, coverage."""
    found = driving(row, weights)
    former = [] if before is None else [number(driving(before, weights)["safety_score"], 1)]
    cost = None if row["fuel_cost"] is None else Decimal(row["fuel_cost"])
    return [
        number(chosen.units.distance(row["distance_m"]), 0),
        number(found["safety_score"], 1),
        *former,
        _count(row, SPEEDING),
        _count(row, ("speeding_severe",)),
        _count(row, HARSH),
        number(found["idle_pct"], 1, "%"),
        number(found["night_driving_pct"], 1, "%"),
        number(chosen.units.consumption(found["consumption_l_per_100km"]), 1),
        number(cost, 2),
        number(found["coverage_pct"], 1, "%"),
    ]


def _count(row: Row, names: Sequence[str]) -> str:
    known = [row[name] for name in names if row[name] is not None]
    return number(sum(known) if known else None)


def per_100(chosen: Selection, row: Mapping[str, Any], names: Sequence[str]) -> float | None:
    """Events of these kinds, all of the same exposure, per 100 of the people's unit of distance; null without any."""
    counts = [row[name] for name in names if row[name] is not None]
    distance = chosen.units.distance(row[EXPOSURES[names[0]]])
    return float(100 * sum(counts) / distance) if counts and distance else None


def distance_of(chosen: Selection, metres: float | None) -> str:
    return number(chosen.units.distance(metres), 0, chosen.units.distance_label)
