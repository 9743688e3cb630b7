"""The generated history of one truck: shifts are planned in order, messages are made when somebody asks for them."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

from wialon_simulator.devices import install
from wialon_simulator.drivers import Driver, stints
from wialon_simulator.history import Stored, Totals, stored
from wialon_simulator.peculiarities import afflict
from wialon_simulator.recorder import record
from wialon_simulator.shifts import Calendar, Phase, Shift, Standing, first_standing, plan
from wialon_simulator.trucks import Truck


class _Mark(NamedTuple):
    """What is kept of every planned shift; the rest is planned again when needed."""

    begin: Standing
    ends: int
    on_duty: tuple[int, int] | None


class Crew(NamedTuple):
    """All drivers, and the number of trucks that they share."""

    drivers: Sequence[Driver]
    trucks: int

    def logins(self, truck: int, shift: int, on_duty: tuple[int, int] | None) -> list[tuple[int, str]]:
        """Returns when in a shift drivers log in, and by which code."""
        found = stints(truck, shift, *on_duty, self.trucks) if on_duty else []
        return [(stint.begins, self.drivers[stint.number].code) for stint in found]


class TruckSource:
    """Makes the messages of one truck; knows its future as far as the shift that is under way."""

    def __init__(self, truck: Truck, calendar: Calendar, crew: Crew, recall: "Recall") -> None:
        self.truck = truck
        self._calendar = calendar
        self._crew = crew
        self._recall = recall
        self.device = install(truck)
        self._marks: list[_Mark] = []
        self._after = first_standing(truck, calendar)
        self._latest: Shift | None = None

    def begins(self) -> int:
        return self._calendar.wall(0, 0)

    def between(self, first: int, last: int) -> list[Stored]:
        self._plan_past(last)
        low = bisect_right(self._marks, first, key=lambda mark: mark.ends)
        records: list[Stored] = []
        for index in range(low, len(self._marks)):
            if self._marks[index].begin.t > last:
                break
            records += self._recall(self, index)
        if not records:
            return records
        return records[bisect_left(records, first, key=_time) : bisect_right(records, last, key=_time)]

    def totals(self, t: int) -> Totals:
        self._plan_past(t)
        index = bisect_right(self._marks, max(t, self.begins()), key=lambda mark: mark.ends)
        _, _, counters = self._phase(index, t).at(max(t, self.begins()))
        return Totals(counters.total_m / 1000, counters.engine_s / 3600)

    def duties(self, until: int) -> Sequence[tuple[int, int, int]]:
        self._plan_past(until)
        spans = ((index, mark.on_duty) for index, mark in enumerate(self._marks))
        return [(index, *span) for index, span in spans if span and span[0] < until]

    def shift(self, index: int) -> Shift:
        """Returns a planned shift; `index` must not lie beyond the present one."""
        if self._latest is None or self._latest.index != index:
            self._latest = plan(self.truck, self._calendar, index, self._marks[index].begin)
        return self._latest

    def messages(self, index: int) -> list[Stored]:
        shift = self.shift(index)
        logins = self._crew.logins(self.truck.index, index, shift.on_duty)
        messages = record(self.truck, self.device, shift, logins)
        return [stored(message) for message in afflict(self.truck, shift, messages)]

    def _plan_past(self, t: int) -> None:
        while self._after.t <= t:
            begin = self._after
            shift = plan(self.truck, self._calendar, len(self._marks), begin)
            self._marks.append(_Mark(begin, shift.end, shift.on_duty))
            self._after = shift.after

    def _phase(self, index: int, t: int) -> Phase:
        phases = self.shift(index).phases
        return next((phase for phase in phases if t < phase.end), phases[-1])


Recall = Callable[[TruckSource, int], list[Stored]]
"""Returns `source.messages(index)`, from memory where it can."""


def _time(record: Stored) -> int:
    return record.t
