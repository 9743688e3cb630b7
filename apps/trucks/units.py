"""What Wialon says of a fleet's units, groups and drivers, taken over into ours."""

import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.accounts.calendar import as_utc
from apps.accounts.models import Fleet
from apps.trucks.models import Driver, Truck, TruckGroup, TruckSync
from apps.trucks.sensors import SensorTable
from apps.trucks.wialon import UNIT_DETAILS, WialonClient

_PLAIN_CODE = re.compile(r"[A-Za-z0-9._-]{1,32}")
_PROFILE = {"vin": "vin", "registration_plate": "plate", "brand": "make", "model": "model", "year": "model_year"}


def refresh(fleet: Fleet, client: WialonClient) -> list[Truck]:
    """The fleet's active trucks after taking over units, groups and drivers as they are in Wialon now.

    A unit that is gone is kept with its history, inactive. Running it twice changes nothing.
    """
    units = {unit["id"]: unit for unit in client.units(UNIT_DETAILS)}
    groups, resources = client.groups(), client.resources()
    with transaction.atomic():
        trucks = _take_over_units(fleet, units)
        _take_over_groups(fleet, groups, trucks)
        _take_over_drivers(fleet, resources, trucks)
    return [truck for truck in trucks.values() if truck.is_active]


def _take_over_units(fleet: Fleet, units: Mapping[int, dict[str, Any]]) -> dict[int, Truck]:
    trucks = {truck.wialon_id: truck for truck in Truck.objects.filter(fleet=fleet)}
    codes = {truck.code for truck in trucks.values()}
    for wialon_id, unit in units.items():
        truck = trucks.setdefault(wialon_id, Truck(fleet=fleet, wialon_id=wialon_id))
        if _take_over(truck, unit, codes):
            truck.save()
            TruckSync.objects.get_or_create(truck_id=truck.id, defaults={"fleet_id": fleet.id})
    for wialon_id, truck in trucks.items():
        if wialon_id not in units and truck.is_active:
            truck.is_active = False
            truck.save(update_fields=["is_active", "updated_at"])
    return trucks


def _take_over(truck: Truck, unit: Mapping[str, Any], codes: set[str]) -> bool:
    """Copies the unit's properties; whether any of them was news."""
    before = {name: value for name, value in vars(truck).items() if not name.startswith("_")}
    truck.name = _text(unit.get("nm"), 255) or f"unit {truck.wialon_id}"
    truck.device_id = _text(unit.get("uid"), 64)
    truck.is_active = True
    created = unit.get("ct")
    truck.created_in_wialon_at = as_utc(created) if isinstance(created, int) and created > 0 else None
    for wialon_name, field in _PROFILE.items():
        setattr(truck, field, _profile(unit).get(wialon_name, ""))
    sensors = unit.get("sens")
    truck.sensor_table = sensors if isinstance(sensors, dict) else {}
    table = SensorTable.compile(truck.sensor_table, tank_l=truck.tank_l)
    truck.sensor_version = table.version
    truck.sensor_problems = [[problem.sensor_id, problem.name, problem.reason] for problem in table.problems]
    if not truck.code:
        truck.code = _code(truck, codes)
        codes.add(truck.code)
    return before != {name: getattr(truck, name) for name in before} or truck.pk is None


def _code(truck: Truck, taken: set[str]) -> str:
    """The unit's name where that is a plain code and free, else w and its Wialon id."""
    return truck.name if _PLAIN_CODE.fullmatch(truck.name) and truck.name not in taken else f"w{truck.wialon_id}"


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


def _take_over_groups(fleet: Fleet, groups: list[dict[str, Any]], trucks: Mapping[int, Truck]) -> None:
    known = {group.wialon_id: group for group in TruckGroup.objects.filter(fleet=fleet)}
    for item in groups:
        name = _text(item.get("nm"), 255) or f"group {item['id']}"
        group = known.pop(item["id"], None) or TruckGroup(fleet=fleet, wialon_id=item["id"])
        if group.name != name:
            group.name = name
            group.save()
        members = item.get("u")
        group.trucks.set([trucks[unit] for unit in members if unit in trucks] if isinstance(members, list) else [])
    for gone in known.values():
        gone.delete()


def _take_over_drivers(fleet: Fleet, resources: list[dict[str, Any]], trucks: Mapping[int, Truck]) -> None:
    known = {(driver.resource_id, driver.wialon_id): driver for driver in Driver.objects.filter(fleet=fleet)}
    for resource in resources:
        entries = resource.get("drvrs")
        for entry in entries.values() if isinstance(entries, dict) else []:
            if not isinstance(entry, dict) or not isinstance(entry.get("id"), int):
                continue
            key = (resource["id"], entry["id"])
            driver = known.pop(key) if key in known else Driver(fleet=fleet, resource_id=key[0], wialon_id=key[1])
            _take_over_driver(driver, entry, trucks)
    for gone in known.values():
        gone.delete()


def _take_over_driver(driver: Driver, entry: Mapping[str, Any], trucks: Mapping[int, Truck]) -> None:
    bound, since = entry.get("bu"), entry.get("bt")
    values = {
        "name": _text(entry.get("n"), 255) or f"driver {driver.wialon_id}",
        "code": _text(entry.get("c"), 64),
        "truck": trucks.get(bound) if isinstance(bound, int) else None,
        "bound_at": as_utc(since) if isinstance(since, int) and since > 0 else None,
    }
    if driver.pk is None or any(getattr(driver, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(driver, name, value)
        driver.save()
