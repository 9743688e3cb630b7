"""What is found of a truck's day, and what it was computed from."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from apps.trucks.assignments import Part
from apps.trucks.detection.daily import DayFigures, Detection
from apps.trucks.detection.faults import FaultChange
from apps.trucks.detection.fuel import FuelEvent, tank_change, used_by, used_idling
from apps.trucks.detection.harsh import HarshEvent
from apps.trucks.detection.idling import IdleEvent
from apps.trucks.detection.speeding import SpeedingEpisode
from apps.trucks.detection.trips import Stop, Trip
from apps.trucks.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a day was computed from."""

    seconds: int  # distinct, with at least one message
    messages: int
    first_t: int | None
    last_t: int | None
    dropped: int


@dataclass(frozen=True, slots=True)
class DayResult:
    """One truck's local day, [start, end) in UTC seconds; events are those that start in it.

    The figures are of the part of the day up to `as_of`; the truck as a whole is known up to `known_until`.
    """

    day: dt.date
    start: int
    end: int
    as_of: int
    known_until: int
    parameters: Parameters
    inputs: Inputs
    figures: DayFigures
    trips: list[Trip]
    stops: list[Stop]
    idle_events: list[IdleEvent]
    speeding: list[SpeedingEpisode]
    fuel_events: list[FuelEvent]
    harsh_events: list[HarshEvent]
    fault_changes: list[FaultChange]
    night: Sequence[tuple[int, int]]  # of the local day, in UTC seconds
    drivers: list[Part]  # who had the truck, from the start to `as_of`
    detection: Detection = field(repr=False, compare=False)  # of a window around the day

    def fuel_l(self, start: int, end: int) -> float | None:
        """The litres used in a part of the day, by the source that the day's own figure goes by."""
        if (start, end) == (self.start, self.as_of):
            return self.figures.fuel_used_l
        return used_by(self.figures.fuel_source, self.detection.history, self.detection.fuel_events, start, end)

    def idle_fuel_l(self, start: int, end: int, productive: bool = False) -> float | None:
        """The litres of it used idling, or idling productively."""
        if (start, end) == (self.start, self.as_of) and not productive:
            return self.figures.idle_fuel_l
        return used_idling(self.detection.history, start, end, productive=productive)

    @property
    def tank_change_l(self) -> float | None:
        """What the tank holds more at the end of the day than at its start."""
        return tank_change(self.detection.history, self.start, self.as_of)

    @property
    def length_s(self) -> int:
        """The length of the day, of the day in progress as far as it is known."""
        return self.as_of - self.start
