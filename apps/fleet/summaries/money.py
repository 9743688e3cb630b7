"""What a day is priced with: the fleet's rates, prices, invoices and purchases, read once a batch."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal

from django.db.models import Q

from apps.accounts.calendar import ONE_DAY, as_utc, day_start
from apps.accounts.models import Fleet
from apps.fleet.costs.estimates import Burnt, Estimate, Price, Rate, Work, burnt, cents, estimates
from apps.fleet.ledger.exchange import Exchange
from apps.fleet.models import CostEntry, CostRate, FuelPrice, FuelPurchase
from apps.fleet.summaries.event_money import Columns, drained, event_costs
from apps.fleet.summaries.rows import DayMoney
from apps.trucks.detection.fuel import FuelSource
from apps.trucks.detection.results import DayResult
from apps.trucks.models import TruckGroup


class Ledger:
    """What these trucks' days of a fleet are priced with, as it stands."""

    def __init__(self, fleet: Fleet, trucks: Collection[int], days: Collection[dt.date]) -> None:
        self.fleet = fleet
        self._trucks, self._first, self._last = trucks, min(days), max(days)
        self.rates = self._read_rates()
        self.prices = [
            Price(int(price.effective_at.timestamp()), price.price_per_l, price.group_id)
            for price in FuelPrice.objects.filter(fleet=fleet)
        ]
        self.exchange = Exchange(fleet)
        self.groups: defaultdict[int, set[int]] = defaultdict(set)
        members = TruckGroup.trucks.through.objects.filter(truckgroup__fleet=fleet, truck__in=trucks)
        for truck_id, group_id in members.values_list("truck_id", "truckgroup_id"):
            self.groups[truck_id].add(group_id)
        self._entries = self._read_entries()
        self._bought = self._read_purchases()

    def _read_rates(self) -> list[Rate]:
        in_force = Q(effective_to=None) | Q(effective_to__gte=self._first)
        rates = CostRate.objects.filter(in_force, fleet=self.fleet, effective_from__lte=self._last).order_by("id")
        return [
            Rate(r.line, r.basis, r.amount, r.effective_from, r.effective_to, r.truck_id, r.group_id) for r in rates
        ]

    def _read_entries(self) -> dict[int | None, list[CostEntry]]:
        """The invoices that cover any of the days, by truck: none stands for those of groups and of the fleet."""
        covering = Q(covers_from__lte=self._last, covers_to__gte=self._first)
        its = Q(truck=None) | Q(truck__in=self._trucks)
        found: defaultdict[int | None, list[CostEntry]] = defaultdict(list)
        entries = CostEntry.objects.filter(covering & its, fleet=self.fleet)
        for entry in entries.only("line", "truck", "group", "covers_from", "covers_to"):
            found[entry.truck_id].append(entry)
        return found

    def _read_purchases(self) -> dict[int, list[FuelPurchase]]:
        start, end = day_start(self._first, self.fleet.zone), day_start(self._last + ONE_DAY, self.fleet.zone)
        found: defaultdict[int, list[FuelPurchase]] = defaultdict(list)
        for each in FuelPurchase.objects.filter(
            fleet=self.fleet, truck__in=self._trucks, purchased_at__gte=as_utc(start), purchased_at__lt=as_utc(end)
        ):
            found[each.truck_id].append(each)
        return found

    def money_of(self, truck_id: int, result: DayResult) -> DayMoney:
        """The day's estimates, its fuel in money, and what its events cost."""
        work = self.work_of(truck_id, result)
        fuel, idle, productive = (
            burnt(work, litres, self.prices) for litres in (work.fuel_l, work.idle_l, work.idle_productive_l)
        )
        purchases = self.bought(truck_id, result.start, result.end)
        events = event_costs(work, result.idle_events, result.fuel_events, self.prices)
        columns = {
            "fuel_cost": fuel and fuel.cost,
            "fuel_priced_l": fuel and fuel.litres,
            "idle_cost": idle and idle.cost,
            "idle_productive_cost": productive and productive.cost,
            "idle_productive_fuel_l": work.idle_productive_l(work.start, work.end),
            **drained(result.fuel_events, events, is_measured=result.figures.drains is not None),
            **purchases,
            **_balance(result, purchases["purchased_l"]),
        }
        return DayMoney(self.estimates(work, fuel), columns, events)

    def estimates(self, work: Work, fuel: Burnt | None) -> list[Estimate]:
        """The day's estimates, but for lines that an invoice is booked for."""
        return estimates(work, self.rates, fuel, self._covered(work))

    def work_of(self, truck_id: int, result: DayResult) -> Work:
        return Work(
            truck_id=truck_id,
            day=result.day,
            start=result.start,
            end=result.as_of,
            distance_m=result.figures.distance_m,
            engine_on_s=result.figures.engine_on_s,
            fuel_l=result.fuel_l,
            idle_l=result.idle_fuel_l,
            idle_productive_l=lambda start, end: result.idle_fuel_l(start, end, productive=True),
            groups=frozenset(self.groups[truck_id]),
        )

    def _covered(self, work: Work) -> set[str]:
        """The lines that an invoice is booked for on the truck's day."""
        entries = (*self._entries.get(None, ()), *self._entries.get(work.truck_id, ()))
        return {entry.line for entry in entries if _covers(entry, work.day, work.groups)}

    def bought(self, truck_id: int, start: int, end: int) -> Columns:
        """What was bought in [start, end), in the fleet's money; null where nothing was. Raises NoRate."""
        mine = self._bought.get(truck_id, ())
        bought = [each for each in mine if as_utc(start) <= each.purchased_at < as_utc(end)]
        if not bought:
            return dict.fromkeys(("purchases", "purchased_l", "purchased_amount"))
        days = {each.pk: each.purchased_at.astimezone(self.fleet.zone).date() for each in bought}
        amounts = [cents(self.exchange.to_own(each.amount, each.currency, days[each.pk])) for each in bought]
        return {
            "purchases": len(bought),
            "purchased_l": sum((each.litres for each in bought), Decimal(0)),
            "purchased_amount": sum(amounts, Decimal(0)),
        }


def _balance(result: DayResult, bought_l: Decimal | None) -> Columns:
    """What came into the tank, what left it and what it holds more, if all of this is measured: used by the counter."""
    figures = result.figures
    litres = {
        "balance_bought_l": float(bought_l or 0),
        "balance_refuelled_l": figures.refuel_l,
        "balance_drained_l": figures.drain_l,
        "balance_used_l": figures.fuel_used_l if figures.fuel_source == FuelSource.COUNTER else None,
        "balance_tank_l": result.tank_change_l,
    }
    if None in litres.values():
        return {"balance_days": None, **dict.fromkeys(litres)}
    return {"balance_days": 1, **litres}


def _covers(entry: CostEntry, day: dt.date, groups: frozenset[int]) -> bool:
    return (entry.group_id is None or entry.group_id in groups) and entry.covers_from <= day <= entry.covers_to
