"""Spreads an invoice in plain loops, from the page of metrics alone: shares no code with the product."""

import datetime as dt
from collections.abc import Mapping
from fractions import Fraction

ONE = dt.timedelta(days=1)
NOBODY = 0
Distances = Mapping[tuple[int, dt.date], int | None]  # (truck, day) → metres, of the trucks that it is about
Shares = dict[tuple[int, dt.date], int]  # (truck, day) → cents


def due(cents: int, first: dt.date, last: dt.date, day: dt.date) -> int:
    """What is due by the end of a day: rounded, half to even."""
    so_far = min(max((day - first).days + 1, 0), (last - first).days + 1)
    return round(Fraction(cents * so_far, (last - first).days + 1))


def spread(cents: int, basis: str, first: dt.date, last: dt.date, distances: Distances, newest: dt.date) -> Shares:
    """All shares but those of nothing, up to the newest day of the fleet."""
    shares: Shares = {}

    def add(truck: int, day: dt.date, amount: int) -> None:
        shares[truck, day] = shares.get((truck, day), 0) + amount

    days = [first + n * ONE for n in range((min(last, newest) - first).days + 1)]
    trucks = sorted({truck for truck, day in distances if day in days})
    for day in days:
        part = due(cents, first, last, day) - due(cents, first, last, day - ONE)
        there = sorted(truck for truck, on in distances if on == day)
        if basis == "days":
            if not there:
                add(NOBODY, day, part)
            for place, truck in enumerate(there):
                add(truck, day, one_of(part, len(there), (place - day.toordinal()) % len(there)))
        elif basis == "trucks":
            by_now, before = due(cents, first, last, day), due(cents, first, last, day - ONE)
            if not trucks:
                add(NOBODY, day, part)
            for place, truck in enumerate(trucks):
                more = one_of(by_now, len(trucks), place) - one_of(before, len(trucks), place)
                add(truck if truck in there else NOBODY, day, more)
    if basis == "km":
        over = [day for day in days if day < newest]
        for group in (over, [day for day in days if day == newest]):
            if group:
                so_much = due(cents, first, last, group[-1]) - due(cents, first, last, group[0] - ONE)
                for key, amount in by_distance(so_much, group, distances).items():
                    add(*key, amount)
    return {key: amount for key, amount in shares.items() if amount}


def one_of(amount: int, parts: int, place: int) -> int:
    """One of equal parts of whole cents: those whose turn is first have a cent more."""
    sign = -1 if amount < 0 else 1
    return sign * (abs(amount) // parts + (1 if place < abs(amount) % parts else 0))


def by_distance(amount: int, days: list[dt.date], distances: Distances) -> Shares:
    driven = sorted((day, truck, m) for (truck, day), m in distances.items() if day in days and m)
    total = sum(m for _, _, m in driven)
    if not total:
        return {(NOBODY, days[-1]): amount}
    sign = -1 if amount < 0 else 1
    exact = [(Fraction(abs(amount) * m, total), day, truck) for day, truck, m in driven]
    left = abs(amount) - sum(int(value) for value, _, _ in exact)
    by_rest = sorted(range(len(exact)), key=lambda n: (int(exact[n][0]) - exact[n][0], n))
    more = set(by_rest[:left])
    return {(truck, day): sign * (int(value) + (1 if n in more else 0)) for n, (value, day, truck) in enumerate(exact)}
