"""The whole history of a truck, walked at once."""

from typing import Any

from tests.twin.cleaning import cleaned
from tests.twin.counters import changes, decreases_at, increases, legs_of, readings_of, whole
from tests.twin.events import fault_changes_of, fuel_events_of, idling_of, speed_changes_of, speeding_of
from tests.twin.motion import Place, stretches_of, tell_places, tell_states
from tests.twin.page import Message
from tests.twin.sensors import SensorTable
from tests.twin.trips import Assigned, stops_of, trips_of


class History:
    """Everything about a truck that does not depend on where its days begin."""

    def __init__(
        self,
        messages: list[Message],
        sens: dict[str, Any],
        as_of: int,
        parameters: dict[str, float],
        tank_l: float | None,
        assigned: list["Assigned"],
        places: list[Place],
    ) -> None:
        table = SensorTable(sens, tank_l)
        self.assigned = assigned
        self.as_of, self.parameters = as_of, parameters
        self.evidence = table.engine_evidence()
        self.points = cleaned(messages, table, as_of, parameters["min_satellites"])
        tell_states(self.points, self.evidence, parameters["moving_speed_kmh"])
        tell_places(self.points, places)
        self.stretches = stretches_of(self.points, as_of, parameters)
        self.legs = legs_of(self.points, parameters)
        counters = {name: readings_of(self.points, name) for name in ("odometer_m", "fuel_l", "hours")}
        self.odometer, self.fuel, self.hours = (increases(readings) for readings in counters.values())
        self.resets = [t for readings in counters.values() for t in decreases_at(readings)]
        self.level = changes(readings_of(self.points, "level_l"))
        self.trips = trips_of(self)
        self.stops = stops_of(self.trips)
        self.idling = idling_of(self.stretches)
        self.speeding = speeding_of(self.points, as_of, parameters)
        self.fuel_events = fuel_events_of(self.points, parameters)
        self.fault_changes = fault_changes_of(self.points)
        self.speed_changes = speed_changes_of(self.points)

    def distance(self, start: int, end: int) -> tuple[int | None, str | None]:
        """Metres driven in [start, end) and where they come from: the odometer, else GPS without drift."""
        odometer = whole(self.odometer.within(start, end))
        if odometer is not None:
            return odometer, "odometer"
        gps, drift = whole(self.legs.counted.within(start, end)), whole(self.legs.drift.within(start, end))
        return (None, None) if gps is None or drift is None else (gps - drift, "gps")
