"""Spreads invoices over trucks and days, to the cent. Pure; money is whole cents of the fleet's currency.

An entry is spread as far as its days have come: those up to the last day that anything is known of. Each day's part is
the difference of two rounded running totals, so that parts do not depend on how many have come, and all add up.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

ONE_DAY = dt.timedelta(days=1)
NO_TRUCK = 0  # bears what no truck can


class Exposure(NamedTuple):
    """A truck's day, as far as it can bear costs: that there is one, and how far it drove."""

    truck_id: int
    day: dt.date
    distance_m: int | None


@dataclass(frozen=True, slots=True)
class Invoice:
    """What is to be spread: over its days, both included, and its trucks, by `days`, `km` or `trucks`."""

    cents: int
    basis: str
    first: dt.date
    last: dt.date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


class Share(NamedTuple):
    truck_id: int
    day: dt.date
    cents: int


class Stretch(NamedTuple):
    """Days from the first to the last, both included."""

    first: dt.date
    last: dt.date


def allocate(
    invoice: Invoice,
    exposures: Iterable[Exposure],
    until: dt.date,
    stretch: Stretch | None = None,
    trucks: Collection[int] = (),
) -> list[Share]:
    """The shares by day and truck, without those of nothing; they add up to what is due by `until`.

    `until` is the newest day there is. `exposures` are the days of the trucks that the invoice is about, each once;
    others than the invoice's own days are left out. What no truck can bear is a share of NO_TRUCK on its day.
    With a `stretch` only the shares of its days, from the exposures of these alone: by km that works for the newest
    day; evenly over trucks with those of the `trucks` that have any of the invoice's days up to the newest.
    Raises ValueError for an unknown basis, and for a stretch by km of other days.
    """
    first, last = invoice.first, min(invoice.last, until)
    if stretch is not None:
        first, last = max(first, stretch.first), min(last, stretch.last)
    if last < first:
        return []
    borne = sorted((e for e in exposures if first <= e.day <= last), key=lambda e: (e.day, e.truck_id))
    match invoice.basis:
        case "days":
            shares = _by_days(invoice, borne, Stretch(first, last))
        case "trucks":
            shares = _by_trucks(invoice, borne, Stretch(first, last), trucks)
        case "km":
            shares = _by_km(invoice, borne, Stretch(first, last), until)
        case _:
            raise ValueError(f"unknown basis {invoice.basis}")
    return sorted((share for share in shares if share.cents), key=lambda share: (share.day, share.truck_id))


def due(invoice: Invoice, until: dt.date) -> int:
    """The cents of the invoice's days up to `until`, included."""
    elapsed = min(max((until - invoice.first).days + 1, 0), invoice.days)
    return _running_total(invoice.cents, elapsed, invoice.days)


def _running_total(cents: int, elapsed: int, days: int) -> int:
    return round(Fraction(cents * elapsed, days))  # half to even, as all money here


def largest_remainder(cents: int, weights: Sequence[int], turn: int = 0) -> list[int]:
    """The cents in whole parts in proportion to the weights, which are not all 0; they add up to the cents.

    The cents that rounding down leaves go to the largest remainders; of equal ones, to those that stand first when
    counting starts at `turn`, so that over the days each has its turn.
    """
    total, size = sum(weights), len(weights)
    sign = -1 if cents < 0 else 1
    parts, remainders = zip(*(divmod(abs(cents) * weight, total) for weight in weights), strict=True)
    by_turn = sorted(range(size), key=lambda index: (index - turn) % size) if turn % size else range(size)
    order = sorted(by_turn, key=remainders.__getitem__, reverse=True)  # stable: equal ones stay in turn
    extra = set(order[: abs(cents) - sum(parts)])
    return [sign * (part + (index in extra)) for index, part in enumerate(parts)]


def _parts_of_days(invoice: Invoice, stretch: Stretch) -> list[tuple[dt.date, int]]:
    """Each day's part of the invoice, of the days of a stretch of it."""
    before = (stretch.first - invoice.first).days
    elapsed = range(before, before + (stretch.last - stretch.first).days + 2)
    totals = [_running_total(invoice.cents, n, invoice.days) for n in elapsed]
    return [(stretch.first + n * ONE_DAY, totals[n + 1] - totals[n]) for n in range(len(totals) - 1)]


def _by_days(invoice: Invoice, borne: Sequence[Exposure], stretch: Stretch) -> list[Share]:
    """Every day costs the same, whoever is there to bear it: its part goes evenly to that day's trucks."""
    trucks = {day: [e.truck_id for e in group] for day, group in groupby(borne, key=lambda e: e.day)}
    shares = []
    for day, part in _parts_of_days(invoice, stretch):
        there = trucks.get(day, [NO_TRUCK])
        parts = largest_remainder(part, [1] * len(there), turn=day.toordinal())
        shares += [Share(truck_id, day, cents) for truck_id, cents in zip(there, parts, strict=True)]
    return shares


def _by_trucks(
    invoice: Invoice, borne: Sequence[Exposure], stretch: Stretch, others: Collection[int] = ()
) -> list[Share]:
    """Every truck costs the same, spread over all of the invoice's days; a day on which it is not there, no truck."""
    trucks = sorted({*(e.truck_id for e in borne), *others}) or [NO_TRUCK]
    there = {(e.truck_id, e.day) for e in borne}
    amounts: dict[tuple[int, dt.date], int] = {}
    total = due(invoice, stretch.first - ONE_DAY)
    before = _evenly(total, len(trucks))
    for day, part in _parts_of_days(invoice, stretch):
        total += part
        after = _evenly(total, len(trucks))  # of running totals, so that each day adds up too
        for truck_id, more in zip(trucks, map(int.__sub__, after, before), strict=True):
            key = (truck_id if (truck_id, day) in there else NO_TRUCK, day)
            amounts[key] = amounts.get(key, 0) + more
        before = after
    return [Share(truck_id, day, cents) for (truck_id, day), cents in amounts.items()]


def _evenly(cents: int, size: int) -> list[int]:
    """The largest remainders of equal weights: those that stand first have a cent more."""
    part, rest = divmod(abs(cents), size)
    sign = -1 if cents < 0 else 1
    return [sign * (part + 1)] * rest + [sign * part] * (size - rest)


def _by_km(invoice: Invoice, borne: Sequence[Exposure], stretch: Stretch, newest: dt.date) -> list[Share]:
    """The newest day's part by its own distance, what was due before by that of all days before.

    So while the newest day goes on, no other changes.
    """
    finished = min(stretch.last, newest - ONE_DAY)
    shares: list[Share] = []
    if stretch.first <= finished:
        if stretch.first != invoice.first:
            raise ValueError("by km days that are over are spread together")
        shares += _by_distance(due(invoice, finished), [e for e in borne if e.day <= finished], finished)
    if stretch.last == newest:
        part = due(invoice, newest) - due(invoice, newest - ONE_DAY)
        shares += _by_distance(part, [e for e in borne if e.day == newest], newest)
    return shares


def _by_distance(cents: int, borne: Iterable[Exposure], last: dt.date) -> list[Share]:
    """In proportion to the distance; without any, no truck's, on the last day."""
    driven = [(e, metres) for e in borne if (metres := e.distance_m or 0) > 0]
    if not driven:
        return [Share(NO_TRUCK, last, cents)]
    parts = largest_remainder(cents, [metres for _, metres in driven])
    return [Share(e.truck_id, e.day, part) for (e, _), part in zip(driven, parts, strict=True)]
