"""What the fuel of each part of a day costs. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from apps.fleet.costs import Burnt, Litres, Price, Work, burnt


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
