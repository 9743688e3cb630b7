"""What sealed days cost: their estimates by the ledger as it is now, from the figures that are stored, and purchases.

What was measured stays as it is, and so does the cost of fuel: which litres were used at which price is not known any
more. But rates times stored distance, hours and days are, whether an invoice stands for a line, and what was bought.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Model, Q

from apps.accounts.calendar import ONE_DAY, day_start
from apps.accounts.models import Fleet
from apps.fleet.costs.estimates import Burnt, DayCost, Estimate, Work, by_line
from apps.fleet.drivers.costs import InTruck
from apps.fleet.models import CostSource, TruckDayCost, TruckDayDriver, TruckDayDriverCost, TruckDayFuel
from apps.fleet.summaries import sums
from apps.fleet.summaries.driver_rows import estimates_by_driver, in_truck
from apps.fleet.summaries.event_money import Columns
from apps.fleet.summaries.money import Ledger
from apps.fleet.summaries.writing import next_revision
from apps.trucks.models import TruckDay

Key = tuple[int, dt.date]  # truck, day
_BOUGHT = ("purchases", "purchased_l", "purchased_amount", "balance_bought_l")


def reprice(fleet: Fleet, days: Collection[Key]) -> int:
    """Replaces estimates, by driver too, and purchases of sealed days where they come out otherwise. Returns how many.

    In the transaction that takes the days off the log. Repeated it writes nothing.
    """
    if not days:
        return 0
    which = reduce(or_, (Q(truck_id=truck_id, day=day) for truck_id, day in days))
    ledger = Ledger(fleet, {truck_id for truck_id, _ in days}, [day for _, day in days])
    estimates = _estimates(fleet, which, ledger)
    drivers = _drivers(fleet, which)
    written: dict[type[Model], dict[Key, list[Columns]]] = {
        TruckDayCost: {key: [_columns(cost) for cost in by_line(found)] for key, found in estimates.items()},
        TruckDayDriverCost: {key: estimates_by_driver(found, drivers[key]) for key, found in estimates.items()},
    }
    changed = {key for model, rows in written.items() for key in _differing(fleet, which, model, rows)}
    bought = _bought_otherwise(fleet, which, estimates, ledger)
    if changed or bought:
        revision = next_revision(fleet.pk)
        for model, rows in written.items():
            _replace(fleet.pk, model, {key: rows[key] for key in sorted(changed)})
        TruckDayFuel.objects.bulk_create(bought, update_conflicts=True, update_fields=_BOUGHT)
        changed |= {(row.truck_id, row.day) for row in bought}
        (sums.of_days if bought else sums.of_costs)(fleet.pk, changed, revision)
    return len(changed)


def _bought_otherwise(fleet: Fleet, which: Q, days: Iterable[Key], ledger: Ledger) -> list[TruckDayFuel]:
    """The rows of fuel in money of days on which other purchases are booked than stand there."""
    stored = {(row.truck_id, row.day): row for row in TruckDayFuel.objects.filter(which, fleet_id=fleet.pk)}
    found = []
    for truck_id, day in sorted(days):
        start, end = day_start(day, fleet.zone), day_start(day + ONE_DAY, fleet.zone)
        bought = ledger.bought(truck_id, start, end)
        row = stored.get((truck_id, day)) or TruckDayFuel(fleet_id=fleet.pk, truck_id=truck_id, day=day)
        if any(getattr(row, name) != value for name, value in bought.items()):
            for name, value in bought.items():
                setattr(row, name, value)
            if row.balance_days:
                row.balance_bought_l = float(bought["purchased_l"] or 0)
            found.append(row)
    return found


def _columns(cost: DayCost) -> Columns:
    return {"line": cost.line, "source": CostSource.ESTIMATED.value, "amount": cost.amount}


def _drivers(fleet: Fleet, which: Q) -> dict[Key, list[InTruck]]:
    """Who had the truck on each of the days, by id."""
    found: defaultdict[Key, list[InTruck]] = defaultdict(list)
    for row in TruckDayDriver.objects.filter(which, fleet_id=fleet.pk).order_by("driver_id"):
        found[row.truck_id, row.day].append(in_truck(vars(row)))
    return found


def _differing(fleet: Fleet, which: Q, model: type[Model], rows: dict[Key, list[Columns]]) -> set[Key]:
    """The days on which other estimates stand than these."""
    stored: defaultdict[Key, list[Columns]] = defaultdict(list)
    rows_of: Any = model._default_manager
    for row in rows_of.filter(which, fleet_id=fleet.pk, source=CostSource.ESTIMATED).values():
        key = row["truck_id"], row["day"]
        stored[key].append({name: value for name, value in row.items() if name not in ("fleet_id", "truck_id", "day")})
    return {key for key, columns in rows.items() if _sorted(columns) != _sorted(stored[key])}


def _sorted(columns: Iterable[Columns]) -> list[list[tuple[str, Any]]]:
    return sorted(sorted(each.items()) for each in columns)


def _estimates(fleet: Fleet, which: Q, ledger: Ledger) -> dict[Key, list[Estimate]]:
    """Of the days that have figures."""
    fuel = {
        (row.truck_id, row.day): Burnt(row.fuel_priced_l or 0.0, row.fuel_cost)
        for row in TruckDayFuel.objects.filter(which, fleet_id=fleet.pk, fuel_cost__isnull=False)
        if row.fuel_cost is not None
    }
    return {
        (row.truck_id, row.day): ledger.estimates(_work(row, ledger), fuel.get((row.truck_id, row.day)))
        for row in TruckDay.objects.filter(which, fleet_id=fleet.pk).only("distance_m", "engine_on_s", "as_of")
    }


def _work(row: TruckDay, ledger: Ledger) -> Work:
    """What the truck did, as far as rates are concerned: the litres of a part of the day are not known."""
    groups = frozenset(ledger.groups[row.truck_id])
    return Work(
        row.truck_id, row.day, 0, 0, row.distance_m, row.engine_on_s, _unknown, _unknown, _unknown, groups
    )  # fmt: skip


def _unknown(start: int, end: int) -> float | None:
    return None


def _replace(fleet_id: int, model: type[Model], rows: dict[Key, list[Columns]]) -> None:
    manager = model._default_manager
    for truck_id, day in rows:
        manager.filter(fleet_id=fleet_id, truck_id=truck_id, day=day, source=CostSource.ESTIMATED).delete()
    manager.bulk_create(
        model(fleet_id=fleet_id, truck_id=truck_id, day=day, **columns)
        for (truck_id, day), found in rows.items()
        for columns in found
    )
