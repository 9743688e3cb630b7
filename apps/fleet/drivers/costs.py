"""What each driver of a truck's day bears of its costs. Pure.

The parts of an amount add up to it, to the cent.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import IntEnum

from apps.fleet.costs.allocation import largest_remainder
from apps.fleet.costs.estimates import Burnt, Litres, Price, Work, burnt

_PER_LITRE = 1_000_000  # weights are whole numbers


class By(IntEnum):
    """What an amount is divided by; where nothing of it is measured, by the next."""

    FUEL = 0  # what the fuel of each costs
    LITRES = 1
    DISTANCE = 2
    WORK = 3  # time with the engine on, or moving where that is not known
    TIME = 4  # for which each has the truck


_OF_LINE = {
    "fuel": By.FUEL,
    "repair_maintenance": By.DISTANCE,
    "tires": By.DISTANCE,
    "tolls": By.DISTANCE,
    "driver_wages": By.WORK,
    "driver_benefits": By.WORK,
}
_OF_BASIS = {"per_km": By.DISTANCE, "per_engine_hour": By.WORK}


@dataclass(frozen=True, slots=True)
class InTruck:
    """A driver in a truck on a day, as far as costs are divided by it; null: not measured."""

    driver_id: int
    length_s: int
    work_s: int
    distance_m: int | None
    fuel_used_l: float | None
    fuel_cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Amount:
    """What a truck's day costs on a line; `basis`: that of the rate, if it is an estimate by one."""

    line: str
    source: str
    amount: Decimal
    basis: str | None = None


def borne(amounts: Iterable[Amount], there: Sequence[InTruck]) -> dict[tuple[int, str, str], Decimal]:
    """Driver, line and source → what they bear. `there`: all who have the truck on the day, by id."""
    found: dict[tuple[int, str, str], Decimal] = {}
    for each in amounts:
        for driver, part in zip(there, _divided(each, there), strict=True):
            key = driver.driver_id, each.line, each.source
            found[key] = found.get(key, Decimal(0)) + part
    return found


def _divided(each: Amount, there: Sequence[InTruck]) -> list[Decimal]:
    if len(there) == 1:
        return [each.amount]
    by = _OF_BASIS.get(each.basis or "", _OF_LINE.get(each.line, By.TIME))
    own = [driver.fuel_cost or Decimal(0) for driver in there]
    if by is By.FUEL and sum(own) == each.amount:
        return own  # what was estimated of each, which may be negative where a tank's level sloshes
    parts = largest_remainder(int(each.amount * 100), _weights(by, there))
    return [Decimal(part).scaleb(-2) for part in parts]


def _weights(by: By, there: Sequence[InTruck]) -> list[int]:
    for measure in By:
        if measure >= by:
            weights = [max(_MEASURES[measure](driver), 0) for driver in there]
            if any(weights):
                return weights
    return [1] * len(there)


_MEASURES: Mapping[By, Callable[[InTruck], int]] = {
    By.FUEL: lambda driver: int((driver.fuel_cost or 0) * 100),
    By.LITRES: lambda driver: round((driver.fuel_used_l or 0) * _PER_LITRE),
    By.DISTANCE: lambda driver: driver.distance_m or 0,
    By.WORK: lambda driver: driver.work_s,
    By.TIME: lambda driver: driver.length_s,
}


def burnt_in_parts(
    work: Work, litres: Litres, prices: Sequence[Price], parts: Sequence[tuple[int, int]]
) -> list[Burnt | None]:
    """What is burnt in each part of the day, at the prices of its time; null where none is measured or has a price.

    `parts`: [start, end), all of the day, ascending. Costs are differences of running totals that are rounded to the
    cent, so they add up to the day's.
    """
    found: list[Burnt | None] = []
    before = Decimal(0)
    for start, end in parts:
        own = burnt(replace(work, start=start, end=end), litres, prices)
        until = burnt(replace(work, end=end), litres, prices)
        if own is None or until is None:
            found.append(None)
            continue
        found.append(Burnt(own.litres, until.cost - before))
        before = until.cost
    return found
