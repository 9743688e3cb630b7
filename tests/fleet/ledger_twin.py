"""What a ledger must come to, day by day in plain loops, from the page of metrics alone: shares no code with costs."""

import calendar
import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from apps.accounts.models import Fleet
from apps.fleet.models import CostEntry, CostRate, ExchangeRate, FuelPrice, FuelPurchase, TruckDayCost, TruckDayFuel
from apps.trucks.models import TruckDay
from tests.fleet import share_twin

Key = tuple[int, dt.date, str, str]  # truck, day, line, source
Burnt = tuple[int, Fraction]  # a second, and the litres used in the minute that begins there
HALF = Fraction(1, 2) + Fraction(1, 10**6)  # of a cent, and what floats of litres are off


class Twin:
    """A fleet's ledger as it stands now; `burnt` are the litres of each truck by minute."""

    def __init__(self, fleet: Fleet, burnt: dict[int, Sequence[Burnt]]) -> None:
        self.fleet, self.burnt = fleet, burnt
        self.days = list(TruckDay.objects.filter(fleet_id=fleet.pk))
        self.entries = list(CostEntry.objects.filter(fleet=fleet))
        self.groups = {group.pk: set(group.trucks.values_list("pk", flat=True)) for group in fleet.truck_groups.all()}
        self.exchange = list(ExchangeRate.objects.filter(fleet=fleet))

    def assert_agrees(self) -> None:
        """Every amount there is on a truck's day is one of the twin's, and none of these is missing."""
        expected = self.shares()
        for key, amount in self.estimates():
            expected[key] += amount
        fuel = {(row.truck_id, row.day): cost for row in self.days if (cost := self.fuel(row)) is not None}
        found = TruckDayCost.objects.filter(fleet_id=self.fleet.pk)
        ours = {(row.truck_id, row.day, row.line, row.source): int(row.amount * 100) for row in found}
        burnt = {key[:2]: ours.pop(key) for key in list(ours) if key[2:] == ("fuel", "estimated")}
        assert ours == dict(expected)
        assert burnt.keys() == {key for key in fuel if not self.is_covered(*key, "fuel")}
        assert all(abs(cents - fuel[key]) <= HALF for key, cents in burnt.items())
        self._assert_bought()

    # --- rates ---

    def estimates(self) -> Iterator[tuple[Key, int]]:
        """Of each line and basis the rate that applies, rounded; those of a line's bases are added up by the caller."""
        rates = list(CostRate.objects.filter(fleet=self.fleet))
        for row in self.days:
            for line, basis in sorted({(rate.line, rate.basis) for rate in rates}):
                rate = self.applies([each for each in rates if (each.line, each.basis) == (line, basis)], row)
                if rate is None or self.is_covered(row.truck_id, row.day, line):
                    continue
                if (amount := amount_of(rate, row)) is not None:
                    yield (row.truck_id, row.day, line, "estimated"), amount

    def applies(self, rates: list[CostRate], row: TruckDay) -> CostRate | None:
        """The closest of those in force; of several of these the one that began last, then of the newest group."""
        in_force = [
            rate
            for rate in rates
            if rate.effective_from <= row.day and (rate.effective_to is None or rate.effective_to >= row.day)
        ]
        own = [rate for rate in in_force if rate.truck_id == row.truck_id]
        of_group = [rate for rate in in_force if rate.group_id and row.truck_id in self.groups[rate.group_id]]
        of_fleet = [rate for rate in in_force if rate.truck_id is None and rate.group_id is None]
        for candidates in (own, of_group, of_fleet):
            if candidates:
                return max(candidates, key=lambda rate: (rate.effective_from, rate.group_id or 0))
        return None

    def is_covered(self, truck_id: int, day: dt.date, line: str) -> bool:
        """Whether an invoice of the line covers the truck's day."""
        return any(
            entry.line == line and entry.covers_from <= day <= entry.covers_to and self._concerns(entry, truck_id)
            for entry in self.entries
        )

    def _concerns(self, entry: CostEntry, truck_id: int) -> bool:
        if entry.truck_id is not None:
            return entry.truck_id == truck_id
        return entry.group_id is None or truck_id in self.groups[entry.group_id]

    # --- invoices ---

    def shares(self) -> defaultdict[Key, int]:
        """What invoices cost by truck, day, line and source, in cents, as far as their days have come."""
        found: defaultdict[Key, int] = defaultdict(int)
        newest = max(row.day for row in self.days)
        for entry in self.entries:
            distances = {(r.truck_id, r.day): r.distance_m for r in self.days if self._concerns(entry, r.truck_id)}
            own = rounded(self.own(entry.amount, entry.currency, entry.covers_from))
            is_actual = entry.truck_id is not None and entry.covers_from == entry.covers_to
            kind = (entry.line, "actual" if is_actual else "allocated")
            shares = share_twin.spread(own, entry.basis, entry.covers_from, entry.covers_to, distances, newest)
            for (truck_id, day), cents in shares.items():
                found[(truck_id, day, *(kind if truck_id else ("unallocated", "allocated")))] += cents
        return found

    def own(self, amount: Any, currency: str, day: dt.date) -> Fraction:
        """The cents in the fleet's money, not rounded."""
        if currency == self.fleet.currency:
            return Fraction(amount) * 100
        begun = [rate for rate in self.exchange if rate.currency == currency and rate.effective_from <= day]
        return Fraction(amount) * Fraction(max(begun, key=lambda rate: rate.effective_from).rate) * 100

    # --- fuel ---

    def fuel(self, row: TruckDay) -> Fraction | None:
        """The day's litres, minute by minute at the price of its region, else of the fleet; null without any price."""
        prices = list(FuelPrice.objects.filter(fleet=self.fleet).order_by("effective_at", "group_id"))
        members = {group for group, trucks in self.groups.items() if row.truck_id in trucks}
        cost, is_priced = Fraction(0), False
        for t, litres in self.burnt[row.truck_id]:
            if dt.datetime.fromtimestamp(t, self.fleet.zone).date() != row.day:
                continue
            begun = [price for price in prices if price.effective_at.timestamp() <= t]
            region = [price for price in begun if price.group_id in members]
            for price in (region or [price for price in begun if price.group_id is None])[-1:]:
                cost, is_priced = cost + litres * Fraction(price.price_per_l), True
        return cost * 100 if is_priced else None

    def _assert_bought(self) -> None:
        for row in TruckDayFuel.objects.filter(fleet_id=self.fleet.pk):
            bought = [
                rounded(self.own(each.amount, each.currency, row.day))
                for each in FuelPurchase.objects.filter(fleet=self.fleet, truck=row.truck_id)
                if each.purchased_at.astimezone(self.fleet.zone).date() == row.day
            ]
            amount = None if row.purchased_amount is None else int(row.purchased_amount * 100)
            assert (row.purchases, amount) == ((len(bought), sum(bought)) if bought else (None, None))


def amount_of(rate: CostRate, row: TruckDay) -> int | None:
    """What a rate comes to on a truck's day, in cents, half to even; null where its basis is not measured."""
    cents = Fraction(rate.amount) * 100
    if rate.basis == "per_km":
        return None if row.distance_m is None else rounded(cents * row.distance_m / 1_000)
    if rate.basis == "per_engine_hour":
        return None if row.engine_on_s is None else rounded(cents * row.engine_on_s / 3_600)
    if rate.basis == "per_day":
        return rounded(cents)
    of_month = calendar.monthrange(row.day.year, row.day.month)[1]
    return rounded(cents * row.day.day / of_month) - rounded(cents * (row.day.day - 1) / of_month)


def rounded(cents: Fraction) -> int:
    return round(cents)  # half to even
