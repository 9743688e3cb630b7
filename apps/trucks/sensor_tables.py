"""The sensor tables of a fleet's trucks, with the parameters by which their devices tell of events."""

from functools import lru_cache

import orjson
from django.db.models.functions import Now

from apps.trucks.models import EventMapping, SensorTableVersion, Truck
from apps.trucks.sensors import DEFAULT_EVENTS, DeviceEvents, EventParameter, SensorTable


@lru_cache(maxsize=4_096)
def _compiled(definitions: bytes, tank_l: float | None, events: DeviceEvents, left_out: tuple[int, ...]) -> SensorTable:
    """Compiling takes longer than storing a truck's few new messages, and a table hardly ever changes."""
    return SensorTable.compile(orjson.loads(definitions), tank_l=tank_l, events=events, left_out=left_out)


def table_of(truck: Truck, events: DeviceEvents = DEFAULT_EVENTS) -> SensorTable:
    """The truck's table as its sensors and staff's choice among them make it."""
    return _compiled(orjson.dumps(truck.sensor_table), truck.tank_l, events, tuple(truck.left_out_sensors))


class SensorTables:
    """Compiles tables with the fleet's mappings, read once."""

    def __init__(self, fleet_id: int) -> None:
        self._mappings = list(EventMapping.objects.filter(fleet=fleet_id))

    def of(self, truck: Truck) -> SensorTable:
        return table_of(truck, self._events(truck))

    def renew(self, truck: Truck) -> SensorTable:
        """Gives a truck (not saved here) the version and the problems of its table as it is now."""
        table = self.of(truck)
        truck.sensor_version = table.version
        truck.sensor_problems = [[problem.sensor_id, problem.name, problem.reason] for problem in table.problems]
        return table

    def keep_version(self, truck: Truck) -> None:
        """Notes with what the truck's version was made, so that its readings can be explained later. Once each."""
        SensorTableVersion.objects.get_or_create(
            truck=truck,
            version=truck.sensor_version,
            defaults={
                "fleet_id": truck.fleet_id,
                "definitions": truck.sensor_table,
                "tank_l": truck.tank_l,
                "left_out": truck.left_out_sensors,
                "events": [list(each) for each in self._events(truck).own],
                "first_seen_at": Now(),
            },
        )

    def _events(self, truck: Truck) -> DeviceEvents:
        return DeviceEvents.with_names(self._names(truck.hardware_id))

    def _names(self, hardware_id: int | None) -> list[EventParameter]:
        """Of each measure the names for this type of device, else those for the whole fleet."""
        own = [each for each in self._mappings if hardware_id is not None and each.hardware_id == hardware_id]
        named = {each.measure for each in own}
        own += [each for each in self._mappings if each.hardware_id is None and each.measure not in named]
        return [EventParameter(each.measure, each.parameter, each.value) for each in own]


def apply_mappings(fleet_id: int) -> int:
    """Gives a fleet's trucks the version of their tables with the mappings as they are now. How many were other.

    The next pass of the sync evaluates their stored messages anew and marks their days.
    """
    tables = SensorTables(fleet_id)
    changed = [
        truck
        for truck in Truck.objects.filter(fleet=fleet_id)
        if truck.sensor_version and tables.of(truck).version != truck.sensor_version
    ]
    for truck in changed:
        tables.renew(truck)
        truck.save(update_fields=["sensor_version", "sensor_problems", "updated_at"])
        tables.keep_version(truck)
    return len(changed)
