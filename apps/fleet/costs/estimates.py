"""What a truck's day is estimated to cost, from rates and fuel prices. Pure.

Money is a Decimal in the fleet's currency, instants are UTC seconds, intervals half-open.
"""

import calendar
import datetime as dt
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from apps.accounts.amounts import to_place

CENT = Decimal("0.01")
Litres = Callable[[int, int], float | None]  # the litres used in [start, end); null where not measured


@dataclass(frozen=True, slots=True)
class Rate:
    """A cost line's rate from one day to another, both included; without truck and group it is the fleet's."""

    line: str
    basis: str  # per_km, per_engine_hour, per_day, per_month
    amount: Decimal
    effective_from: dt.date
    effective_to: dt.date | None = None
    truck_id: int | None = None
    group_id: int | None = None

    def is_in_force(self, day: dt.date) -> bool:
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)

    def concerns(self, work: "Work") -> bool:
        return self.truck_id in (None, work.truck_id) and (self.group_id is None or self.group_id in work.groups)

    @property
    def precedence(self) -> tuple[int, dt.date, int]:
        """A truck's own comes before its groups', and these before the fleet's; then the one that began last."""
        closeness = 2 if self.truck_id is not None else int(self.group_id is not None)
        return closeness, self.effective_from, self.group_id or 0


@dataclass(frozen=True, slots=True)
class Price:
    """What a litre costs from an instant on, for a group of trucks or for the fleet."""

    effective_at: int
    per_l: Decimal
    group_id: int | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What a truck did on a day, [start, end), as far as it costs; the litres of any part of it by function."""

    truck_id: int
    day: dt.date
    start: int
    end: int
    distance_m: int | None
    engine_on_s: int | None
    fuel_l: Litres
    idle_l: Litres
    idle_productive_l: Litres
    groups: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a day is estimated to cost on a line by rates of one basis; fuel has none: it is litres × price."""

    line: str
    basis: str | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class DayCost:
    line: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Burnt:
    """Fuel and what it costs at the prices of its time: litres before the first price have none."""

    litres: float
    cost: Decimal


def estimates(work: Work, rates: Iterable[Rate], fuel: Burnt | None, covered: Collection[str] = ()) -> list[Estimate]:
    """The day's estimates by line and basis, rounded to the cent; a line whose basis was not measured is absent.

    Of rates of one line and basis one counts (`applicable`). A `covered` line is one that an invoice is booked for:
    what is known is not estimated.
    """
    amounts: dict[tuple[str, str | None], Decimal] = {} if fuel is None else {("fuel", None): fuel.cost}
    for rate in applicable(work, rates):
        if (amount := _amount(rate, work)) is not None:
            amounts[rate.line, rate.basis] = amount
    return [Estimate(line, basis, amount) for (line, basis), amount in amounts.items() if line not in covered]


def by_line(found: Iterable[Estimate]) -> list[DayCost]:
    """The day's estimate of each line, by line: those of different bases add up."""
    amounts: dict[str, Decimal] = {}
    for each in found:
        amounts[each.line] = amounts.get(each.line, Decimal(0)) + each.amount
    return [DayCost(line, amount) for line, amount in sorted(amounts.items())]


def applicable(work: Work, rates: Iterable[Rate]) -> list[Rate]:
    """The day's rates, of each line and basis one: the truck's own, else its groups', else the fleet's.

    Of several of these the one that began last counts, so a new rate takes the place of the one before it.
    """
    found: dict[tuple[str, str], Rate] = {}
    for rate in sorted(rates, key=lambda rate: rate.precedence):
        if rate.is_in_force(work.day) and rate.concerns(work):
            found[rate.line, rate.basis] = rate
    return list(found.values())


def _amount(rate: Rate, work: Work) -> Decimal | None:
    match rate.basis:
        case "per_km":
            return None if work.distance_m is None else cents(rate.amount * work.distance_m / 1000)
        case "per_engine_hour":
            return None if work.engine_on_s is None else cents(rate.amount * work.engine_on_s / 3600)
        case "per_day":
            return cents(rate.amount)
        case "per_month":
            return share_of_month(rate.amount, work.day)
    raise ValueError(f"unknown basis {rate.basis}")


def share_of_month(amount: Decimal, day: dt.date) -> Decimal:
    """The day's share of a monthly amount; the shares of all days of the month add up to it, to the cent."""
    length = calendar.monthrange(day.year, day.month)[1]
    return cents(amount * day.day / length) - cents(amount * (day.day - 1) / length)


def burnt(work: Work, litres: Litres, prices: Sequence[Price]) -> Burnt | None:
    """The day's litres at the price in force when they were used; null where none is measured or none has a price.

    A price that changes during the day cuts the day there. The day is rounded to the cent once.
    """
    used, cost = 0.0, Decimal(0)
    is_known = False
    for start, end, price in stretches(work, prices):
        part = litres(start, end)
        if part is not None:
            is_known = True
            used, cost = used + part, cost + Decimal(repr(part)) * price.per_l
    return Burnt(used, cents(cost)) if is_known else None


def stretches(work: Work, prices: Sequence[Price]) -> list[tuple[int, int, Price]]:
    """The parts of the day that have a price, each with it. The price of a truck's group comes before the fleet's."""
    concerned = [price for price in prices if price.group_id is None or price.group_id in work.groups]
    inside = {price.effective_at for price in concerned if work.start < price.effective_at < work.end}
    edges = [work.start, *sorted(inside), work.end]
    found = []
    for start, end in pairwise(edges):
        price = price_at(start, concerned, work.groups)
        if price is not None and start < end:
            found.append((start, end, price))
    return found


def price_at(t: int, prices: Sequence[Price], groups: Collection[int]) -> Price | None:
    """The price in force at a second, that of a truck's groups before the fleet's; null before the first."""
    own = [price for price in prices if price.group_id in groups]
    return _in_force(own, t) or _in_force([price for price in prices if price.group_id is None], t)


def _in_force(prices: Iterable[Price], t: int) -> Price | None:
    begun = [price for price in prices if price.effective_at <= t]
    return max(begun, key=lambda price: (price.effective_at, price.group_id or 0), default=None)


def cents(amount: Decimal) -> Decimal:
    return to_place(amount, CENT)
