"""What sealed days cost: their estimates by the ledger as it is now, from the figures that are stored.

What was measured stays as it is, and so does the cost of fuel: which litres were used at which price is not known any
more. But rates times stored distance, hours and days are, and whether an invoice stands for a line.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from decimal import Decimal
from functools import reduce
from operator import or_

from django.db.models import Q

from apps.accounts.models import Fleet
from apps.fleet.costs import Burnt, DayCost, Work
from apps.fleet.models import CostSource, TruckDayCost, TruckDayFuel
from apps.fleet.summaries import sums
from apps.fleet.summaries.money import Ledger
from apps.fleet.summaries.writing import next_revision
from apps.trucks.models import TruckDay

Key = tuple[int, dt.date]  # truck, day


def reprice(fleet: Fleet, days: Collection[Key]) -> int:
    """Replaces the estimates of sealed days where they come out otherwise. Returns of how many days.

    In the transaction that takes the days off the log. Repeated it writes nothing.
    """
    if not days:
        return 0
    which = reduce(or_, (Q(truck_id=truck_id, day=day) for truck_id, day in days))
    after = _estimates(fleet, which, days)
    before: dict[Key, dict[str, Decimal]] = defaultdict(dict)
    stored = TruckDayCost.objects.filter(which, fleet_id=fleet.pk, source=CostSource.ESTIMATED)
    for row in stored:
        before[row.truck_id, row.day][row.line] = row.amount
    changed = {key for key, costs in after.items() if {cost.line: cost.amount for cost in costs} != before.get(key, {})}
    if changed:
        _replace(fleet.pk, changed, after)
    return len(changed)


def _estimates(fleet: Fleet, which: Q, days: Collection[Key]) -> dict[Key, list[DayCost]]:
    """Of the days that have figures."""
    ledger = Ledger(fleet, {truck_id for truck_id, _ in days}, [day for _, day in days])
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


def _replace(fleet_id: int, changed: Iterable[Key], costs: dict[Key, list[DayCost]]) -> None:
    keys = sorted(changed)
    revision = next_revision(fleet_id)
    for truck_id, day in keys:
        rows = TruckDayCost.objects.filter(fleet_id=fleet_id, truck_id=truck_id, day=day)
        rows.filter(source=CostSource.ESTIMATED).delete()
    TruckDayCost.objects.bulk_create(
        TruckDayCost(
            fleet_id=fleet_id,
            day=day,
            truck_id=truck_id,
            line=cost.line,
            amount=cost.amount,
            source=CostSource.ESTIMATED,
        )
        for truck_id, day in keys
        for cost in costs[truck_id, day]
    )
    sums.of_costs(fleet_id, keys, revision)
