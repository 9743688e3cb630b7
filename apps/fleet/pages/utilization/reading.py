"""What the page about utilization reads: the statements of the API, of a fleet, a group or a truck."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from apps.fleet import queries
from apps.fleet.idling import queries as idling_queries
from apps.fleet.pages.analysis import Selection, whose
from apps.fleet.pages.buckets import Bucket
from apps.fleet.spans import as_days, buckets
from apps.fleet.sums import places as place_sums
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums import trucks as truck_sums
from apps.fleet.sums.fleet import FleetSums
from apps.fleet.utilization import queries as utilization_queries
from apps.fleet.utilization.api import groups_used
from apps.fleet.utilization.hours import Table, by_weekday, by_weekday_of_truck, by_weekday_of_trucks
from apps.fleet.utilization.targets import NAMES, Targets, targets
from apps.mysql import Row, fetch_all_sync
from apps.trucks.parameters import DEFAULTS

PLACES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class TruckUsed:
    code: str
    name: str
    sums: Row


@dataclass(frozen=True, slots=True)
class Reading:
    """Sums of the period and the one before; the rest as the page shows it."""

    now: Row
    before: Row
    buckets: Sequence[Bucket]
    hours: Table
    trucks: Sequence[TruckUsed]  # by code; none on the page of a single truck
    groups: Sequence[Row]  # of the whole fleet alone
    places: Sequence[Row]  # the worst first
    targets: Targets


def read(chosen: Selection) -> Reading:
    where = queries.period(chosen.fleet.pk, chosen.period.first, chosen.period.last)
    is_whole = chosen.truck is None and chosen.group is None
    sums = whose(chosen).sums_sync(chosen.period, chosen.by)
    return Reading(
        sums.totals,
        whose(chosen).sums_sync(chosen.period.previous()).totals,
        _buckets(chosen, sums),
        _hours(chosen, where),
        [] if chosen.truck else _trucks(chosen, where),
        _groups(where) if is_whole else [],
        _places(chosen, where),
        _targets(chosen),
    )


def _scope(chosen: Selection) -> int | None:
    only = chosen.truck or chosen.group
    return only.pk if only else None


def _buckets(chosen: Selection, sums: FleetSums) -> list[Bucket]:
    period, by = chosen.period, chosen.by
    found = {first: totals for first, totals, _ in sums.by(by) if totals["truck_days"]}
    return [
        Bucket(max(first, period.first), min(last, period.last), found.get(first))
        for first, last in buckets(by, period.first, period.last)
    ]


def _hours(chosen: Selection, where: dict[str, Any]) -> Table:
    """Weekday × hour."""
    if _scope(chosen) is None:
        return by_weekday((row["day"], row["hours"]) for row in fetch_all_sync(utilization_queries.HOURS, where))
    where = {**where, "id": _scope(chosen)}
    if chosen.truck:
        return by_weekday_of_truck(
            (row["day"], row["hours"]) for row in fetch_all_sync(utilization_queries.HOURS_OF_TRUCK, where)
        )
    days = as_days(chosen.period.first, chosen.period.last)
    found = fetch_all_sync(sum_queries.HOURS_OF_GROUP, {**where, **days})
    return by_weekday_of_trucks((row["first_day"], row["hours"], row["mask"]) for row in found)


def _trucks(chosen: Selection, where: dict[str, Any]) -> list[TruckUsed]:
    found = [
        TruckUsed(row["truck_id"], row["name"], row) for row in truck_sums.every_sync(where, queries.UTILIZATION_SUMS)
    ]
    if chosen.group is None:
        return found
    codes = set(chosen.group.trucks.values_list("code", flat=True))
    return [truck for truck in found if truck.code in codes]


def _groups(where: dict[str, Any]) -> list[Row]:
    sums = truck_sums.sums_sync(where, queries.UTILIZATION_SUMS)
    return groups_used(sums, fetch_all_sync(sum_queries.GROUPS, where))


def _places(chosen: Selection, where: dict[str, Any]) -> list[Row]:
    of = {**where, "id": _scope(chosen)}
    if chosen.truck:
        return fetch_all_sync(idling_queries.PLACES_OF_TRUCK, {**of, "limit": PLACES_SHOWN})
    if chosen.group:
        return place_sums.worst_places_of_group_sync(of, PLACES_SHOWN)
    return place_sums.worst_places_sync(where, PLACES_SHOWN)


def _targets(chosen: Selection) -> Targets:
    where = {"fleet": chosen.fleet.pk, "to_day": chosen.period.last}
    sets = [
        {**row, "values": orjson.loads(row["values"])}
        for row in fetch_all_sync(utilization_queries.PARAMETER_SETS, where)
    ]
    of_groups = fetch_all_sync(utilization_queries.GROUP_TARGETS, where)
    members = fetch_all_sync(utilization_queries.MEMBERS, where) if of_groups else []
    return targets({name: getattr(DEFAULTS, name) for name in NAMES}, sets, of_groups, members)


def targets_of(chosen: Selection, found: Targets) -> Mapping[str, float]:
    """Those of the truck, the group or the fleet that the page is about."""
    if chosen.truck:
        return found.of_truck(chosen.truck.code)
    return found.of_group(chosen.group.pk if chosen.group else None)
