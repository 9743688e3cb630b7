"""What the page about costs reads: the statements of the API, of a fleet, a group or a truck, and of two periods."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.fleet import queries
from apps.fleet.costs import purchases
from apps.fleet.costs.api import SUMS, groups_spent
from apps.fleet.costs.figures import TANKS, tanks_together
from apps.fleet.figures import Costs
from apps.fleet.pages.analysis import Selection, whose
from apps.fleet.pages.costs import drivers as cost_drivers
from apps.fleet.pages.costs.drivers import DriverSpent
from apps.fleet.spans import buckets
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums import trucks as truck_sums
from apps.fleet.sums.fleet import NOTHING, FleetSums
from apps.fleet.sums.trucks import Trucks
from apps.mysql import Row, fetch_all_sync


@dataclass(frozen=True, slots=True)
class Spent:
    """The sums and the costs of a period."""

    totals: Row
    costs: Costs


@dataclass(frozen=True, slots=True)
class Bucket:
    """A day, week or month as far as it lies in the period; amounts by line, none where nothing was priced."""

    first: dt.date
    last: dt.date
    amounts: Mapping[str, Decimal]
    distance_m: int | None
    has_days: bool

    @property
    def total(self) -> Decimal | None:
        return sum(self.amounts.values(), Decimal(0)) if self.amounts else None


@dataclass(frozen=True, slots=True)
class TruckSpent:
    """What a truck cost in the period, and how far it went."""

    code: str
    name: str
    distance_m: int | None
    costs: Costs


@dataclass(frozen=True, slots=True)
class GroupSpent:
    """The same of a group; no name: of the trucks of no group."""

    name: str | None
    trucks: int
    distance_m: int | None
    costs: Costs


@dataclass(frozen=True, slots=True)
class Reading:
    now: Spent
    before: Spent
    buckets: Sequence[Bucket]
    trucks: Sequence[TruckSpent]  # by code; none on the page of a single truck
    groups: Sequence[GroupSpent]  # by name; of the whole fleet alone
    drivers: Sequence[DriverSpent]  # by code, nobody known last
    benchmark: Sequence[Row]
    tanks: Row  # of the balance of the tanks
    outside: Sequence[Row]  # purchases that may be of days which their truck does not have


def read(chosen: Selection) -> Reading:
    where = queries.period(chosen.fleet.pk, chosen.period.first, chosen.period.last)
    benchmark = fetch_all_sync(queries.BENCHMARK, {"fleet": chosen.fleet.pk, "to_day": chosen.period.last})
    sums = whose(chosen).sums_sync(chosen.period, chosen.by)
    trucks = None if chosen.truck else _of_trucks(chosen, where)
    return Reading(
        _spent(sums),
        _spent(whose(chosen).sums_sync(chosen.period.previous())),
        _buckets(chosen, sums),
        _trucks(trucks, where) if trucks else [],
        [] if chosen.truck or chosen.group else _groups(where),
        cost_drivers.read(chosen),
        benchmark,
        sums.totals if trucks is None else tanks_together(trucks.columns),
        _outside(chosen),
    )


def _outside(chosen: Selection) -> list[Row]:
    truck_id = chosen.truck.pk if chosen.truck else None
    group_id = chosen.group.pk if chosen.group else None
    asked = purchases.asked(chosen.fleet.pk, chosen.period, truck_id=truck_id, group_id=group_id)
    return fetch_all_sync(purchases.OUTSIDE, asked)


def _spent(sums: FleetSums) -> Spent:
    return Spent(sums.totals, sums.costs)


def _buckets(chosen: Selection, sums: FleetSums) -> list[Bucket]:
    """Every day, week or month that the period touches, in order."""
    period, by = chosen.period, chosen.by
    found = {first: (totals, costs) for first, totals, costs in sums.by(by)}
    return [
        _bucket(max(first, period.first), min(last, period.last), *found.get(first, (NOTHING, Costs({}))))
        for first, last in buckets(by, period.first, period.last)
    ]


def _bucket(first: dt.date, last: dt.date, totals: Row, costs: Costs) -> Bucket:
    return Bucket(first, last, costs.by_line(), totals["distance_m"], bool(totals["truck_days"]))


def _trucks(trucks: Trucks, where: dict[str, Any]) -> list[TruckSpent]:
    costs = truck_sums.costs_sync(where)
    return [
        TruckSpent(row["truck_id"], row["name"], row["distance_m"], Costs(costs.get(row["id"], {}))) for row in trucks
    ]


def _of_trucks(chosen: Selection, where: dict[str, Any]) -> Trucks:
    """Distance and TANKS of the fleet's or the group's trucks, by code."""
    every = truck_sums.every_sync(where, ("distance_m", *TANKS))
    if chosen.group is None:
        return every
    members = set(chosen.group.trucks.values_list("pk", flat=True))
    return every.at([place for place, truck_id in enumerate(every.ids.tolist()) if truck_id in members])


def _groups(where: dict[str, Any]) -> list[GroupSpent]:
    sums, groups = truck_sums.sums_sync(where, SUMS), fetch_all_sync(sum_queries.GROUPS, where)
    return [
        GroupSpent(name, trucks, row["distance_m"], costs)
        for name, trucks, row, costs in groups_spent(sums, truck_sums.costs_sync(where), groups)
    ]
