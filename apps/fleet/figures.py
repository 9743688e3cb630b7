"""From the rows of queries.py to the figures of docs/metrics.md, as the API serves them. Pure.

What is said of a row of sums holds for many in columns where `columns` does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any, overload

from apps.accounts import amounts
from apps.fleet import columns
from apps.fleet.columns import Column
from apps.fleet.drivers.safety import EVENTS as SCORED
from apps.fleet.drivers.safety import Weights, safety_score
from apps.fleet.utilization.ratios import Usage, Utilization, litres_per_100_km, percentage, utilization

PLACES = Decimal("0.0001")
_usage = itemgetter(*Usage._fields)
_SUMMED = (
    "truck_days", "truck_days_used", "distance_m", "moving_s", "idle_s", "idle_productive_s", "engine_on_s",
    "engine_moving_s", "available_s", "fuel_used_l", "idle_fuel_l", "consumption_l", "fuel_distance_m",
)  # fmt: skip
EVENTS = (
    "parked_s", "no_data_s", "night_driving_s", "stops", "idle_events", "refuels", "refuel_l",
    "drains", "drain_l", "faults_opened",
)  # fmt: skip
UTILIZATIONS = Utilization._fields


def utilizations(row: Mapping[str, Any]) -> dict[str, float | None]:
    """The named utilizations of a row of sums, to two places; all null where it sums up no truck-day."""
    if has_no_days(row):
        return dict.fromkeys(UTILIZATIONS)
    found = utilization(usage(row))
    return {name: rounded(value, 2) for name, value in zip(UTILIZATIONS, found, strict=True)}


def has_no_days(row: Mapping[str, Any]) -> bool:
    """Whether it sums up no truck-day; columns are of trucks that have some."""
    return not columns.is_column(row["truck_days"]) and not row["truck_days"]


@overload
def rounded(value: float | None, places: int) -> float | None: ...
@overload
def rounded(value: Column, places: int) -> Column: ...
def rounded(value: Any, places: int) -> Any:
    if columns.is_column(value):
        return columns.rounded(value, places)
    return amounts.rounded(value, places)


def usage(row: Mapping[str, Any]) -> Usage:
    return Usage(*_usage(row))


def coverage_pct(row: Mapping[str, Any]) -> float | None:
    length_s = row["length_s"]
    return None if length_s is None else percentage(length_s - row["no_data_s"], length_s)


def of_period(
    row: Mapping[str, Any], total: Decimal | None, fuel: Decimal | None, estimated: Decimal
) -> dict[str, Any]:
    """The figures of a period from its sums and its cost: in all, of fuel, and the part that is estimated."""
    return {
        **{name: same_in_any_order(row[name]) for name in _SUMMED},
        **utilizations(row),
        "consumption_l_per_100km": consumption(row),
        "fuel_cost": fuel,
        "total_cost": total,
        "estimated_cost_pct": None if total is None else share_pct(estimated, total),
        **ratios(total, row),
    }


def ratios(total: Decimal | None, row: Mapping[str, Any]) -> dict[str, Decimal | None]:
    """The cost per km, engine hour and truck-day of a row of sums."""
    return {
        "cost_per_km": per(total, row["distance_m"], 1000),
        "cost_per_engine_hour": per(total, row["engine_on_s"], 3600),
        "cost_per_truck_day": per(total, row["truck_days"]),
    }


def same_in_any_order(value: Any) -> Any:
    """Litres, or columns of them, to six places: beyond them it matters whether days or months were added up."""
    return rounded(value, 6) if isinstance(value, float) or columns.is_column(value) else value


def consumption(row: Mapping[str, Any]) -> float | None:
    """Litres per 100 km of the truck-days on which both are measured, to two places."""
    found: float | None = rounded(litres_per_100_km(row["consumption_l"], row["fuel_distance_m"]), 2)
    return found


def events(row: Mapping[str, Any], weights: Weights) -> dict[str, Any]:
    """What happened, and how it was driven, of a row of sums."""
    return {
        **behavior(row, weights),
        **{name: same_in_any_order(row[name]) for name in EVENTS},
        "night_driving_pct": rounded(percentage(row["night_driving_s"], row["moving_s"]), 2),
        "coverage_pct": rounded(coverage_pct(row), 2),
    }


def behavior(row: Mapping[str, Any], weights: Weights) -> dict[str, Any]:
    """Speeding and harsh driving with their exposure and the safety score of a row of sums."""
    return {
        **{name: row[name] for name in ("trips", "distance_m", "speeding_s", *SCORED, "harsh_distance_m")},
        "safety_score": rounded(exact_score(row, weights), 2),
    }


def exact_score(row: Mapping[str, Any], weights: Weights) -> float | None:
    """The safety score before it is rounded."""
    score: float | None = safety_score(row["distance_m"], {name: row[name] for name in SCORED}, weights)
    return score


@dataclass(frozen=True, slots=True)
class Costs:
    """Amounts by line and source; null in all sums where nothing was priced."""

    amounts: Mapping[tuple[str, str], Decimal]

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> "Costs":
        amounts: dict[tuple[str, str], Decimal] = {}
        for row in rows:
            key = row["line"], row["source"]
            amounts[key] = amounts.get(key, Decimal(0)) + row["amount"]
        return cls(amounts)

    @classmethod
    def together(cls, parts: Iterable[Mapping[tuple[str, str], Decimal]]) -> "Costs":
        amounts: dict[tuple[str, str], Decimal] = {}
        for part in parts:
            for key, amount in part.items():
                amounts[key] = amounts.get(key, Decimal(0)) + amount
        return cls(amounts)

    @property
    def total(self) -> Decimal | None:
        return sum(self.amounts.values(), Decimal(0)) if self.amounts else None

    @property
    def lines(self) -> list[str]:
        return sorted({line for line, _ in self.amounts})

    def of_line(self, line: str) -> "Costs":
        return Costs({key: amount for key, amount in self.amounts.items() if key[0] == line})

    def by_line(self) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = {}
        for (line, _), amount in self.amounts.items():
            sums[line] = sums.get(line, Decimal(0)) + amount
        return sums

    def by_source(self) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = {}
        for (_, source), amount in sorted(self.amounts.items()):
            sums[source] = sums.get(source, Decimal(0)) + amount
        return sums

    @property
    def estimated(self) -> Decimal:
        return self.by_source().get("estimated", Decimal(0))

    @property
    def estimated_pct(self) -> float | None:
        """The estimated part of the total, in per cent."""
        return None if self.total is None else share_pct(self.estimated, self.total)


def share_pct(part: Decimal, whole: Decimal | None) -> float | None:
    return rounded(float(100 * part / whole), 2) if whole else None


def per(amount: Decimal | None, quantity: int | None, unit: int = 1) -> Decimal | None:
    """The amount per unit of a quantity, to four places; null without quantity. Per km: metres, and a unit of 1,000."""
    if amount is None or not quantity:
        return None
    return amounts.to_place(amount * unit / quantity, PLACES)
