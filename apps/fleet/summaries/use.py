"""What the time of a truck's day was used for, as far as the day's result alone does not tell."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from apps.accounts.calendar import clock_hours
from apps.accounts.models import Fleet
from apps.fleet.utilization.hours import pack
from apps.fleet.utilization.working_calendars import Calendars
from apps.fleet.utilization.workshop import Stays
from apps.trucks.detection.quantities import intervals_of
from apps.trucks.detection.results import DayResult


@dataclass(frozen=True, slots=True)
class DayUse:
    available_s: int  # by the calendar in force; 0 on a day off
    in_workshop: bool
    hours: bytes  # packed


class Use:
    """All that the use of a fleet's days is told by."""

    def __init__(self, fleet: Fleet) -> None:
        self.zone = fleet.zone
        self.calendars = Calendars(fleet.pk)
        self.stays = Stays(fleet.pk)

    def of(self, truck_id: int, result: DayResult) -> DayUse:
        hours = self.calendars.hours(truck_id, result.day)
        hours = result.parameters.available_hours_per_day if hours is None else hours
        return DayUse(
            available_s=round(hours * 3_600),
            in_workshop=self.stays.hold(truck_id, result.day),
            hours=_hours(result, self.zone),
        )


def _hours(result: DayResult, zone: ZoneInfo) -> bytes:
    history = result.detection.history
    hours = [
        (hour, start, min(end, result.as_of))
        for hour, start, end in clock_hours(result.start, result.end, zone)
        if start < result.as_of
    ]
    spent = history.spent.between_each(intervals_of((start, end) for _, start, end in hours))
    return pack(zip((hour for hour, _, _ in hours), spent, strict=True), history.has_engine_evidence)
