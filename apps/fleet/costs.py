"""What a truck's day cost, from rates and the fuel price. Pure; money is a Decimal in the fleet's currency."""

import calendar
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Rate:
    """A cost line's rate from one day to another, both included; without a truck it is the fleet's."""

    line: str
    basis: str  # per_km, per_engine_hour, per_day, per_month
    amount: Decimal
    effective_from: dt.date
    effective_to: dt.date | None = None
    truck_id: int | None = None

    def is_in_force(self, day: dt.date) -> bool:
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


@dataclass(frozen=True, slots=True)
class Price:
    """What a litre costs from a day on."""

    effective_from: dt.date
    per_l: Decimal


@dataclass(frozen=True, slots=True)
class Work:
    """What a truck did on a day, as far as it costs."""

    truck_id: int
    day: dt.date
    distance_m: int | None
    engine_on_s: int | None
    fuel_used_l: float | None


@dataclass(frozen=True, slots=True)
class DayCost:
    line: str
    amount: Decimal


def day_costs(work: Work, rates: Iterable[Rate], prices: Sequence[Price]) -> list[DayCost]:
    """The day's amount of each line, by line, rounded to the cent; a line whose basis was not measured is absent.

    A truck's own rate replaces the fleet's of the same line and basis; rates of one line add up.
    """
    costs = [] if (fuel := _fuel(work, prices)) is None else [DayCost("fuel", fuel)]
    amounts: dict[str, Decimal] = {}
    for rate in _applicable(work, rates):
        if (amount := _amount(rate, work)) is not None:
            amounts[rate.line] = amounts.get(rate.line, Decimal(0)) + amount
    costs += [DayCost(line, amount) for line, amount in amounts.items()]
    return sorted(costs, key=lambda cost: cost.line)


def _applicable(work: Work, rates: Iterable[Rate]) -> list[Rate]:
    in_force = [rate for rate in rates if rate.is_in_force(work.day) and rate.truck_id in (None, work.truck_id)]
    own = {(rate.line, rate.basis) for rate in in_force if rate.truck_id is not None}
    return [rate for rate in in_force if rate.truck_id is not None or (rate.line, rate.basis) not in own]


def _amount(rate: Rate, work: Work) -> Decimal | None:
    match rate.basis:
        case "per_km":
            return None if work.distance_m is None else _cents(rate.amount * work.distance_m / 1000)
        case "per_engine_hour":
            return None if work.engine_on_s is None else _cents(rate.amount * work.engine_on_s / 3600)
        case "per_day":
            return _cents(rate.amount)
        case "per_month":
            return share_of_month(rate.amount, work.day)
    raise ValueError(f"unknown basis {rate.basis}")


def share_of_month(amount: Decimal, day: dt.date) -> Decimal:
    """The day's share of a monthly amount; the shares of all days of the month add up to it, to the cent."""
    length = calendar.monthrange(day.year, day.month)[1]
    return _cents(amount * day.day / length) - _cents(amount * (day.day - 1) / length)


def _fuel(work: Work, prices: Sequence[Price]) -> Decimal | None:
    in_force = [price for price in prices if price.effective_from <= work.day]
    if work.fuel_used_l is None or not in_force:
        return None
    price = max(in_force, key=lambda candidate: candidate.effective_from)
    return _cents(Decimal(repr(work.fuel_used_l)) * price.per_l)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_EVEN)
