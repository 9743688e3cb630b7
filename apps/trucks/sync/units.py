"""What Wialon says of a fleet's units, groups and drivers, taken over into ours."""

import datetime as dt
import itertools
import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError

from apps.accounts.calendar import as_utc
from apps.accounts.models import Fleet
from apps.trucks.detection.counters import counters_of
from apps.trucks.models import Driver, Truck, TruckGroup, TruckSync, UnitCounters
from apps.trucks.sensor_tables import SensorTables
from apps.trucks.sync import watermarks
from apps.trucks.wialon import UNIT_DETAILS, WialonClient

_PLAIN_CODE = re.compile(r"[A-Za-z0-9._-]{1,32}")
_MAX_T = 2**40
_PROFILE = {
    "vin": "vin", "registration_plate": "plate", "brand": "make", "model": "model", "year": "model_year",
    "vehicle_class": "vehicle_class",
}  # fmt: skip


def refresh(fleet: Fleet, client: WialonClient) -> list[Truck]:
    """The fleet's active trucks after taking over units, groups and drivers as they are in Wialon now.

    A unit that is gone is kept with its history, inactive. Running it twice changes nothing.
    """
    units = {unit["id"]: unit for unit in client.units(UNIT_DETAILS)}
    groups, resources = client.groups(), client.resources()
    with transaction.atomic():
        trucks = _take_over_units(fleet, units)
        _take_over_counters(fleet, units, trucks)
        _take_over_groups(fleet, groups, trucks)
        _take_over_drivers(fleet, resources, trucks)
        watermarks.recount(fleet.pk)
    return [truck for truck in trucks.values() if truck.is_active]


def _take_over_units(fleet: Fleet, units: Mapping[int, dict[str, Any]]) -> dict[int, Truck]:
    trucks = {truck.wialon_id: truck for truck in Truck.objects.filter(fleet=fleet)}
    codes = {truck.code.lower() for truck in trucks.values()}
    tables = SensorTables(fleet.pk)
    for wialon_id, unit in units.items():
        truck = trucks.setdefault(wialon_id, Truck(fleet=fleet, wialon_id=wialon_id))
        news = _take_over(truck, unit, tables)
        if truck.pk is None:
            truck.code = _code(truck.name, f"w{truck.wialon_id}", codes)
            truck.save()
            TruckSync.objects.create(truck_id=truck.pk, fleet_id=fleet.pk)
        elif news:  # these alone: staff may be correcting the code or the tank right now
            truck.save(update_fields=[*news, "updated_at"])
        if "sensor_version" in news:
            tables.keep_version(truck)
    for wialon_id, truck in trucks.items():
        if wialon_id not in units and truck.is_active:
            truck.is_active = False
            truck.save(update_fields=["is_active", "updated_at"])
    return trucks


def _take_over(truck: Truck, unit: Mapping[str, Any], tables: SensorTables) -> list[str]:
    """Copies the unit's properties. The names of those that were news."""
    before = {name: value for name, value in vars(truck).items() if not name.startswith("_")}
    truck.name = _text(unit.get("nm"), 255) or f"unit {truck.wialon_id}"
    truck.device_id = _text(unit.get("uid"), 64)
    truck.hardware_id = _id(unit.get("hw"))
    truck.is_active = True
    truck.created_in_wialon_at = _instant(unit.get("ct"))
    for wialon_name, field in _PROFILE.items():
        setattr(truck, field, _profile(unit).get(wialon_name, ""))
    sensors = unit.get("sens")
    truck.sensor_table = sensors if isinstance(sensors, dict) else {}
    tables.renew(truck)
    return [name for name, value in before.items() if getattr(truck, name) != value]


def _code(name: str, own: str, taken: set[str]) -> str:
    """The name where that is a plain code and free, else its own one; the database ignores case. Is taken from now."""
    candidates = itertools.chain([name, own], (f"{own}-{number}" for number in itertools.count(2)))
    code = next(code for code in candidates if _PLAIN_CODE.fullmatch(code) and code.lower() not in taken)
    taken.add(code.lower())
    return code


def _profile(unit: Mapping[str, Any]) -> dict[str, str]:
    fields = unit.get("pflds")
    entries = fields.values() if isinstance(fields, dict) else []
    return {
        str(entry.get("n")): _text(entry.get("v"), 64 if entry.get("n") != "year" else 16)
        for entry in entries
        if isinstance(entry, dict)
    }


def _text(value: Any, length: int) -> str:
    return value.strip()[:length] if isinstance(value, str) else ""


def _id(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 < value < _MAX_T else None


def _instant(t: Any) -> dt.datetime | None:
    return as_utc(t) if isinstance(t, int) and 0 < t < _MAX_T else None


def _take_over_counters(fleet: Fleet, units: Mapping[int, dict[str, Any]], trucks: Mapping[int, Truck]) -> None:
    """Keeps the units' own counters where they are news; a unit that tells none any more keeps none."""
    stored = {row.truck_id: row for row in UnitCounters.objects.filter(fleet=fleet)}
    told = {trucks[unit_id].pk: found for unit_id, unit in units.items() if (found := counters_of(unit)) is not None}
    rows = [
        UnitCounters(
            truck_id=truck_id,
            fleet=fleet,
            flags=found.flags,
            mileage_km=found.mileage_km,
            engine_hours=found.engine_hours,
            at=_instant(found.t),
        )
        for truck_id, found in told.items()
    ]
    news = [row for row in rows if (row.truck_id not in stored or _counted(stored[row.truck_id]) != _counted(row))]
    columns = ["flags", "mileage_km", "engine_hours", "at"]
    UnitCounters.objects.bulk_create(news, update_conflicts=True, update_fields=columns)
    seen = {trucks[unit_id].pk for unit_id in units}
    UnitCounters.objects.filter(truck_id__in=stored.keys() & (seen - told.keys())).delete()


def _counted(row: UnitCounters) -> tuple[Any, ...]:
    return row.flags, row.mileage_km, row.engine_hours, row.at


def _take_over_groups(fleet: Fleet, groups: list[dict[str, Any]], trucks: Mapping[int, Truck]) -> None:
    known = {group.wialon_id: group for group in TruckGroup.objects.filter(fleet=fleet)}
    for item in groups:
        name = _text(item.get("nm"), 255) or f"group {item['id']}"
        group = known.pop(item["id"], None) or TruckGroup(fleet=fleet, wialon_id=item["id"])
        if group.name != name:
            group.name = name
            group.save()
        group.trucks.set(_members(item, trucks))
    for gone in known.values():
        _remove_group(gone)


def _remove_group(group: TruckGroup) -> None:
    """A group that rates or invoices refer to stays, without trucks: nothing that it was to bear is lost from sight."""
    try:
        group.delete()
    except ProtectedError:
        group.trucks.clear()


def _members(group: Mapping[str, Any], trucks: Mapping[int, Truck]) -> list[Truck]:
    units = group.get("u")
    known = units if isinstance(units, list) else []
    return [trucks[unit] for unit in known if isinstance(unit, int) and unit in trucks]


def _take_over_drivers(fleet: Fleet, resources: list[dict[str, Any]], trucks: Mapping[int, Truck]) -> None:
    """One that is gone is kept with its history, inactive and bound to nothing."""
    known = {(driver.resource_id, driver.wialon_id): driver for driver in Driver.objects.filter(fleet=fleet)}
    codes = {driver.code.lower() for driver in known.values()}
    for resource in resources:
        for entry in _drivers(resource):
            key = (resource["id"], entry["id"])
            driver = known.pop(key, None) or Driver(fleet=fleet, resource_id=key[0], wialon_id=key[1])
            _take_over_driver(driver, entry, trucks, codes)
    for gone in known.values():
        _renew(gone, {"is_active": False, "truck": None})


def _drivers(resource: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The resource's drivers, each id once."""
    entries = resource.get("drvrs")
    found = [entry for entry in entries.values() if isinstance(entry, dict)] if isinstance(entries, dict) else []
    return list({entry["id"]: entry for entry in found if isinstance(entry.get("id"), int)}.values())


def _take_over_driver(driver: Driver, entry: Mapping[str, Any], trucks: Mapping[int, Truck], codes: set[str]) -> None:
    bound = entry.get("bu")
    name = _text(entry.get("n"), 255) or f"driver {driver.wialon_id}"
    if driver.pk is None:
        driver.code = _code(name, f"d{driver.resource_id}-{driver.wialon_id}", codes)
    values = {
        "name": name,
        "key_card": _text(entry.get("c"), 64),
        "is_active": True,
        "truck": trucks.get(bound) if isinstance(bound, int) else None,
        "bound_at": _instant(entry.get("bt")),
    }
    _renew(driver, values)


def _renew(driver: Driver, values: Mapping[str, Any]) -> None:
    """Stores a new driver, or of a known one what is news: staff may be correcting the code right now."""
    news = [name for name, value in values.items() if getattr(driver, name) != value]
    for name in news:
        setattr(driver, name, values[name])
    if driver.pk is None:
        driver.save()
    elif news:
        driver.save(update_fields=news)
