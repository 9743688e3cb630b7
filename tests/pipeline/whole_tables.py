"""All rows of a fleet in all tables that sync and summaries write, to compare them row for row."""

from typing import Any

from apps.accounts.models import Fleet
from apps.fleet.models import (
    CostAllocation,
    DirtyEntry,
    DirtyFuelWeek,
    FleetDay,
    FleetDayCost,
    FleetDayHours,
    FleetSpan,
    FleetSpanCost,
    FuelAlert,
    TruckDayCost,
    TruckDayDriver,
    TruckDayDriverCost,
    TruckDayFuel,
    TruckDayHours,
    TruckDayIdlePlace,
    TruckSpan,
    TruckSpanCost,
    TruckSpanDriver,
    TruckSpanDriverCost,
    TruckSpanFuel,
)
from apps.trucks.models import (
    DirtyDay,
    Driver,
    DriverAssignment,
    DriverLogin,
    FleetSync,
    LatestValues,
    Message,
    QuarantinedMessage,
    SummaryRevision,
    Truck,
    TruckDay,
    TruckGroup,
    TruckSync,
    UnitCounters,
)
from tests.pipeline.feed import EVENTS

TABLES = (
    Truck, TruckGroup, Driver, DriverAssignment, DriverLogin, UnitCounters, FleetSync, TruckSync, Message,
    QuarantinedMessage, LatestValues, DirtyDay,
    TruckDay, *EVENTS, TruckDayCost, TruckDayFuel, TruckDayDriver, TruckDayDriverCost, TruckDayHours,
    TruckDayIdlePlace,
    CostAllocation, DirtyEntry, FleetDay,
    FleetDayCost, FleetDayHours,
    TruckSpan, TruckSpanCost, TruckSpanDriver, TruckSpanDriverCost, TruckSpanFuel, FuelAlert, DirtyFuelWeek,
    FleetSpan, FleetSpanCost,
    SummaryRevision,
)  # fmt: skip
Rows = dict[str, list[dict[str, Any]]]
# Whose it is, when it was written and how often.
_OF_THE_RUN = {
    "id", "fleet_id", "revision", "changed_at", "computed_at", "created_at", "updated_at", "marked_at", "due_at",
    "lease_until", "lease_owner", "run_id", "read_in", "told_t", "attempts", "units_refreshed_at", "version", "seen_at",
    "found_at",
    "content_hash",  # our own number of a trip's driver is part of it
}  # fmt: skip


def tables(fleet: Fleet) -> Rows:
    """By table, in the order of the key."""
    rows = {
        model.__name__: list(model._default_manager.filter(fleet_id=fleet.id).order_by("pk").values())
        for model in TABLES
    }
    memberships = TruckGroup.trucks.through.objects.filter(truckgroup__fleet=fleet).order_by(
        "truckgroup_id", "truck_id"
    )
    return {**rows, "members": list(memberships.values("truckgroup_id", "truck_id"))}


def comparable(fleet: Fleet) -> Rows:
    """The same with Wialon's numbers in place of ours, without what differs from run to run."""
    units = dict(Truck.objects.filter(fleet=fleet).values_list("id", "wialon_id"))
    groups = dict(TruckGroup.objects.filter(fleet=fleet).values_list("id", "wialon_id"))
    drivers = {each.pk: f"{each.resource_id}/{each.wialon_id}" for each in Driver.objects.filter(fleet=fleet)}
    names = {"truck_id": units, "truckgroup_id": groups, "driver_id": drivers}
    found = {name: [_comparable(row, names) for row in rows] for name, rows in tables(fleet).items()}
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def _comparable(row: dict[str, Any], names: dict[str, dict[int, Any]]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in _OF_THE_RUN}
    for name in names.keys() & kept.keys():
        kept[name] = names[name].get(kept[name])
    return kept


def differing(left: Rows, right: Rows) -> dict[str, list[Any]]:
    """The first rows that only one side has, by table."""
    return {
        name: [row for row in left[name] if row not in right[name]][:2]
        + [row for row in right[name] if row not in left[name]][:2]
        for name in left
        if left[name] != right[name]
    }
