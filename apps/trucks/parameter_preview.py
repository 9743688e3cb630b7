"""What other parameters would change: days computed with them and without, by the one detection. Writes nothing."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import fsum
from typing import Any, NamedTuple, TypeAlias

from apps.accounts.calendar import ONE_DAY, day_of, days_between
from apps.accounts.models import Fleet
from apps.trucks.detection.detect import detect_days
from apps.trucks.detection.history import Event
from apps.trucks.detection.results import DayResult
from apps.trucks.detection.rules import rules_of
from apps.trucks.models import ParameterSet, Truck, TruckSync
from apps.trucks.parameters import check_values

Figure: TypeAlias = int | float | str | None
_HIGHEST = frozenset({"max_speed_kmh"})  # of a period it is the highest of its days
_KINDS: Mapping[str, Callable[[DayResult], Sequence[Event]]] = {
    "trip": lambda day: day.trips,
    "stop": lambda day: day.stops,
    "idle event": lambda day: day.idle_events,
    "speeding episode": lambda day: day.speeding,
    "refuel or drain": lambda day: day.fuel_events,
    "harsh event": lambda day: day.harsh_events,
    "fault": lambda day: day.fault_changes,
}


class Difference(NamedTuple):
    """A figure of a period as it is and as it would be; null: not measured."""

    figure: str
    old: Figure
    new: Figure

    @property
    def by(self) -> int | float | None:
        """By how much it would grow; null where it is no number on both sides."""
        if isinstance(self.old, int | float) and isinstance(self.new, int | float):
            return self.new - self.old
        return None


class EventChange(NamedTuple):
    """An event that would appear or vanish: one that begins or ends elsewhere does both. UTC seconds."""

    kind: str
    started_at: int
    ended_at: int | None  # null: it may still go on
    appears: bool


@dataclass(slots=True)
class TruckPreview:
    """One truck's days as they are and as they would be."""

    truck: Truck
    old: list[DayResult] = field(default_factory=list)
    new: list[DayResult] = field(default_factory=list)

    @property
    def changed_days(self) -> list[dt.date]:
        return [
            was.day
            for was, becomes in zip(self.old, self.new, strict=True)
            if was.figures != becomes.figures or _events(was) != _events(becomes)
        ]

    @property
    def differences(self) -> list[Difference]:
        return differences(self.old, self.new)

    @property
    def events(self) -> list[EventChange]:
        """Ascending."""
        was, becomes = set[EventChange](), set[EventChange]()
        for day in self.old:
            was |= {event._replace(appears=False) for event in _events(day)}
        for day in self.new:
            becomes |= _events(day)
        vanishing = {event for event in was if event._replace(appears=True) not in becomes}
        appearing = {event for event in becomes if event._replace(appears=False) not in was}
        return sorted(vanishing | appearing, key=lambda event: (event.started_at, event.kind, event.appears))


def _events(day: DayResult) -> set[EventChange]:
    return {
        EventChange(kind, event.started_at, None if event.is_open else event.ended_at, True)
        for kind, found in _KINDS.items()
        for event in found(day)
    }


def differences(old: Sequence[DayResult], new: Sequence[DayResult]) -> list[Difference]:
    """The figures that would be others, over all these days, in the order of the truck-day's columns."""
    was, becomes = _totals(old), _totals(new)
    return [Difference(name, was[name], becomes[name]) for name in was if was[name] != becomes.get(name)]


def _totals(days: Sequence[DayResult]) -> dict[str, Figure]:
    rows = [asdict(day.figures) for day in days]
    totals: dict[str, Figure] = {name: _total(name, [row[name] for row in rows]) for name in (rows[0] if rows else ())}
    length = sum(day.length_s for day in days)
    if length:
        totals["coverage_pct"] = 100 * (1 - sum(row["no_data_s"] for row in rows) / length)
    return totals


def _total(name: str, values: Iterable[Any]) -> Figure:
    """The sum; of speeds the highest; of sources how many days have which. Null where no day has any."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    if name in _HIGHEST:
        return float(max(known))
    if isinstance(known[0], str):
        return ", ".join(f"{source} {days}" for source, days in sorted(Counter(map(str, known)).items()))
    return sum(known) if all(isinstance(value, int) for value in known) else fsum(known)


def preview(
    fleet: Fleet, values: Mapping[str, float], days: int, truck: Truck | None = None, replaced: int | None = None
) -> Iterator[TruckPreview]:
    """Truck by truck what a set of parameters, the fleet's or a truck's own, would change in its last days.

    As if it were entered in force from the first of these days on: sets that begin later still win, and so do a truck's
    own over the fleet's. `replaced`: the key of the set that it would take the place of. The last day is that of the
    truck's watermark. Trucks that never reported, and sealed days, are left out. Raises ValueError, naming it, for an
    unknown parameter or a bad value.
    """
    check_values(values)
    for each in trucks_of(fleet, truck):
        sync = TruckSync.objects.get(truck_id=each.pk)
        last = day_of((sync.known_until or 1) - 1, fleet.zone)
        period = list(days_between(last - (days - 1) * ONE_DAY, last))
        plain = rules_of(fleet.pk, [each.pk])[each.pk]
        proposed = ParameterSet(pk=replaced, fleet=fleet, truck=truck, effective_from=period[0], values=dict(values))
        old, new = (
            list(detect_days(each, sync, period, fleet.zone, rules))
            for rules in (plain, replace(plain, parameters=plain.parameters.with_proposed(proposed)))
        )
        yield TruckPreview(each, old, new)


def trucks_of(fleet: Fleet, truck: Truck | None = None) -> list[Truck]:
    """The trucks that a preview is about: those with data, by code."""
    known = TruckSync.objects.filter(fleet_id=fleet.pk, first_t__isnull=False, known_until__isnull=False)
    trucks = Truck.objects.filter(fleet=fleet, pk__in=known.values("truck_id")).select_related("fleet")
    return list((trucks if truck is None else trucks.filter(pk=truck.pk)).order_by("code"))
