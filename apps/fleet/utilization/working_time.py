"""How many hours a truck is meant to be used on a day, by the calendars in force. Pure."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calendar:
    """Hours by day of the week (Monday first) and on holidays, on the days from `first` to `last`, both included.

    Null hours: as many as the parameter says.
    """

    first: dt.date
    last: dt.date | None
    truck_id: int | None  # null: of the fleet
    hours: tuple[float | None, ...]
    holidays: frozenset[tuple[dt.date, float]] = frozenset()

    def is_in_force(self, day: dt.date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)

    def on(self, day: dt.date) -> float | None:
        return dict(self.holidays).get(day, self.hours[day.weekday()])


def of_truck(calendars: Iterable[Calendar], truck_id: int) -> list[Calendar]:
    """Those that may concern a truck, the one that counts first: its own before the fleet's, later before earlier."""
    found = [calendar for calendar in calendars if calendar.truck_id in (None, truck_id)]
    return sorted(found, key=lambda calendar: (calendar.truck_id is not None, calendar.first), reverse=True)


def hours_on(calendars: Sequence[Calendar], day: dt.date) -> float | None:
    """The hours of a day by the first calendar in force; null, without one too: as many as the parameter says."""
    return next((calendar.on(day) for calendar in calendars if calendar.is_in_force(day)), None)
