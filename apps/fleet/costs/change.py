"""Why a cost line changed from one period to the next: parts that add up to the change, to the cent. Pure.

A cost is a product: of fuel, distance × consumption × price; of any other line, distance × cost per distance. What each
factor did to the product is its mean over all orders in which the factors may have changed (their Shapley values), so
that no order is preferred, nothing is left over, and the same change backwards has the same parts with the other sign.
Money is whole cents.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

FUEL = "fuel"


@dataclass(frozen=True, slots=True)
class Spent:
    """What a line cost in a period, and what it depends on; null: not measured, or of `cents`: not priced."""

    cents: int | None
    distance_m: int | None
    litres: Fraction | None = None  # of fuel alone


@dataclass(frozen=True, slots=True)
class Change:
    """A change in cents and its parts, which add up to it; all parts null where it cannot be split.

    `price`: of a litre, for other lines the cost per distance. `consumption` is null for other lines than fuel.
    """

    cents: int
    price: int | None = None
    distance: int | None = None
    consumption: int | None = None

    @property
    def not_split(self) -> int:
        """What the parts leave of the change: of a line all of it or nothing, of all lines that of those without."""
        return self.cents - sum(part or 0 for part in (self.price, self.distance, self.consumption))


def change(line: str, before: Spent, now: Spent) -> Change:
    """The change of a line. One that was priced in one period only is all new, or all gone: it has no parts."""
    cents = (now.cents or 0) - (before.cents or 0)
    if before.cents is None or now.cents is None:
        return Change(cents)
    if line == FUEL:
        return _fuel(cents, before, now)
    if not before.distance_m or not now.distance_m:
        return Change(cents)
    distance, price = whole_cents(shapley(_factors(before), _factors(now)))
    return Change(cents, price=price, distance=distance)


def _fuel(cents: int, before: Spent, now: Spent) -> Change:
    if not all((before.distance_m, now.distance_m, before.litres, now.litres)):
        return Change(cents)
    distance, consumption, price = whole_cents(shapley(_factors(before), _factors(now)))
    return Change(cents, price=price, distance=distance, consumption=consumption)


def _factors(spent: Spent) -> list[Fraction]:
    """Whose product is the cost: distance, litres per distance if there are litres, cents per what came before."""
    distance, cents = Fraction(spent.distance_m or 0), Fraction(spent.cents or 0)
    if spent.litres is None:
        return [distance, cents / distance]
    return [distance, spent.litres / distance, cents / spent.litres]


def shapley(before: Sequence[Fraction], now: Sequence[Fraction]) -> list[Fraction]:
    """What each factor did to the product; they add up to its change.

    Each factor's two values have a common denominator, so that what is added up are whole numbers: fractions would be
    reduced at every step.
    """
    size = len(before)
    pairs = [_over_one_denominator(*each) for each in zip(before, now, strict=True)]
    products = [  # of each choice of the factors that have changed, a bit for each
        math.prod(values[which >> factor & 1] for factor, (values, _) in enumerate(pairs)) for which in range(1 << size)
    ]
    parts = [0] * size
    for which, product in enumerate(products[:-1]):
        orders = _orders(which.bit_count(), size)
        for factor in range(size):
            if not which >> factor & 1:
                parts[factor] += orders * (products[which | 1 << factor] - product)
    whole = math.factorial(size) * math.prod(denominator for _, denominator in pairs)
    return [Fraction(part, whole) for part in parts]


def _orders(changed: int, size: int) -> int:
    """In how many orders these have changed before one factor, and the others after it."""
    return math.factorial(changed) * math.factorial(size - changed - 1)


def _over_one_denominator(before: Fraction, now: Fraction) -> tuple[tuple[int, int], int]:
    denominator = math.lcm(before.denominator, now.denominator)
    numerators = (each.numerator * (denominator // each.denominator) for each in (before, now))
    return (next(numerators), next(numerators)), denominator


def whole_cents(parts: Sequence[Fraction]) -> list[int]:
    """The parts in whole cents with the same sum, which is whole: what is left goes to the largest remainders."""
    floors = [math.floor(part) for part in parts]
    order = sorted(range(len(parts)), key=lambda index: (floors[index] - parts[index], index))
    extra = set(order[: round(sum(parts)) - sum(floors)])
    return [floor + (index in extra) for index, floor in enumerate(floors)]


def total(changes: Mapping[str, Change]) -> Change:
    """The sum of the lines' changes. A part is the sum of the lines that have it; null where none has."""

    def summed(values: Sequence[int | None]) -> int | None:
        known = [value for value in values if value is not None]
        return sum(known) if known else None

    each = list(changes.values())
    return Change(
        sum(one.cents for one in each),
        summed([one.price for one in each]),
        summed([one.distance for one in each]),
        summed([one.consumption for one in each]),
    )
