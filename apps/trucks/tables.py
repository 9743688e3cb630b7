"""The sensor tables of a fleet's trucks, with the parameters by which their devices tell of events."""

from functools import lru_cache

import orjson

from apps.trucks.models import EventMapping, Truck
from apps.trucks.sensors import DeviceEvents, EventParameter, SensorTable


@lru_cache(maxsize=4_096)
def _compiled(definitions: bytes, tank_l: float | None, events: DeviceEvents) -> SensorTable:
    """Compiling takes longer than storing a truck's few new messages, and a table hardly ever changes."""
    return SensorTable.compile(orjson.loads(definitions), tank_l=tank_l, events=events)


class SensorTables:
    """Compiles tables with the fleet's mappings, read once."""

    def __init__(self, fleet_id: int) -> None:
        self._mappings = list(EventMapping.objects.filter(fleet=fleet_id))

    def of(self, truck: Truck) -> SensorTable:
        events = DeviceEvents.with_names(self._names(truck.hardware_id))
        return _compiled(orjson.dumps(truck.sensor_table), truck.tank_l, events)

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
        truck.sensor_version = tables.of(truck).version
        truck.save(update_fields=["sensor_version", "updated_at"])
    return len(changed)
