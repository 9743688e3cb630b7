"""Productive places: which are in force for a truck on a day, and the days that a change of them touches."""

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from django.db import transaction

from apps.accounts.calendar import day_bounds
from apps.accounts.models import Fleet
from apps.trucks.detection.places import Box, Place
from apps.trucks.invalidation import mark
from apps.trucks.messages.neighbours import Neighbours
from apps.trucks.messages.sealing import is_sealed
from apps.trucks.models import IdleEvent, ProductivePlace, TruckDay, TruckGroup, TruckSync
from apps.trucks.parameter_sets import ParameterHistory

CAUSE = "productive places"
LOOKED_AT = 2_000  # truck-days of whose messages it is asked where they are: a few seconds
_TruckDay = tuple[int, dt.date]


class PlaceHistory:
    """The productive places that concern one truck, by name. Groups are taken as they are now."""

    def __init__(self, places: Iterable[tuple[dt.date, dt.date | None, Place]]) -> None:
        """`places`, each with its first and its last day."""
        self._places = list(places)

    @classmethod
    def of_trucks(cls, fleet_id: int, truck_ids: Collection[int]) -> "dict[int, PlaceHistory]":
        """Those of several trucks, read once."""
        rows = list(ProductivePlace.objects.filter(fleet=fleet_id).order_by("name", "pk"))
        members = _members({row.group_id for row in rows if row.group_id is not None})
        effects = [(row.group_id, (row.effective_from, row.effective_to, row.place())) for row in rows]
        return {
            truck_id: cls(effect for group, effect in effects if group is None or truck_id in members[group])
            for truck_id in truck_ids
        }

    def on(self, day: dt.date) -> tuple[Place, ...]:
        """Those in force on a day, by name: of several that a truck is in at once the first one counts."""
        return tuple(place for first, last, place in self._places if first <= day and (last is None or day <= last))


def _members(group_ids: Collection[int]) -> dict[int, set[int]]:
    """The trucks of each of these groups."""
    found: dict[int, set[int]] = {group_id: set() for group_id in group_ids}
    if group_ids:
        rows = TruckGroup.trucks.through.objects.filter(truckgroup__in=group_ids)
        for group_id, truck_id in rows.values_list("truckgroup_id", "truck_id"):
            found[group_id].add(truck_id)
    return found


class _Effect(NamedTuple):
    """What a row does: for whom, and from which day to which, both included."""

    place: Place
    first: dt.date
    last: dt.date | None
    trucks: frozenset[int] | None  # null: all

    def on(self, truck_id: int, day: dt.date) -> Place | None:
        """The place if it counts for this truck on this day."""
        concerned = self.trucks is None or truck_id in self.trucks
        return self.place if concerned and self.first <= day and (self.last is None or day <= self.last) else None


def save(row: ProductivePlace) -> int:
    """Stores a new, moved or ended place. Returns how many truck-days are computed anew by it."""
    return _change(row, row.save)


def delete(row: ProductivePlace) -> int:
    """Removes a place. Returns how many truck-days are computed anew by it."""
    return _change(row, row.delete)


def members_changed(group: TruckGroup, trucks: Collection[int]) -> int:
    """Marks what changes when these trucks have come into a group or leave it. Returns how many truck-days."""
    rows = ProductivePlace.objects.filter(group=group)
    effects = [_effect(row)._replace(trucks=frozenset(trucks)) for row in rows]
    if not effects:
        return 0
    with transaction.atomic():
        syncs = _locked(group.fleet)
        return mark(group.fleet_id, {d for each in effects for d in _touched(group.fleet, syncs, [each, None])}, CAUSE)


def _change(row: ProductivePlace, write: Callable[[], object]) -> int:
    """Has a row written, and marks the days on which a truck may have idled where it counts otherwise than before.

    All in one transaction, in which nobody stores messages of the fleet or rebuilds its days: so none is missed.
    """
    with transaction.atomic():
        syncs = _locked(row.fleet)
        before = _stored_effect(row.pk)
        pk = row.pk
        write()
        return mark(row.fleet_id, _touched(row.fleet, syncs, [before, _stored_effect(pk or row.pk)]), CAUSE)


def _locked(fleet: Fleet) -> dict[int, TruckSync]:
    syncs = TruckSync.objects.select_for_update().filter(fleet_id=fleet.pk).order_by("truck_id")
    return {sync.truck_id: sync for sync in syncs}


def _stored_effect(pk: int | None) -> _Effect | None:
    row = None if pk is None else ProductivePlace.objects.filter(pk=pk).first()
    return None if row is None else _effect(row)


def _effect(row: ProductivePlace) -> _Effect:
    group = row.group
    trucks = None if group is None else frozenset(group.trucks.values_list("pk", flat=True))
    return _Effect(row.place(), row.effective_from, row.effective_to, trucks)


def _touched(fleet: Fleet, syncs: Mapping[int, TruckSync], effects: Sequence[_Effect | None]) -> set[_TruckDay]:
    """The days that come out otherwise by one effect instead of the other: with idling, and a fix in a place.

    Of very many days it is not asked where their trucks were: computing one anew that is the same changes nothing.
    """
    boxes: dict[_TruckDay, list[Box]] = {}
    for truck_id, day in _with_idling(fleet, [each for each in effects if each is not None]):
        was, becomes = (each and each.on(truck_id, day) for each in effects)
        if was != becomes and not is_sealed(day, syncs[truck_id].raw_since_t, fleet.zone):
            boxes[truck_id, day] = [place.box for place in (was, becomes) if place]
    if len(boxes) > LOOKED_AT:
        return set(boxes)
    return set(_with_fix(fleet, syncs, boxes))


def _with_idling(fleet: Fleet, effects: Sequence[_Effect]) -> Iterator[_TruckDay]:
    """Truck-days with idling between the first day and the last of any of the effects."""
    if not effects:
        return
    days = TruckDay.objects.filter(fleet_id=fleet.pk, idle_s__gt=0, day__gte=min(each.first for each in effects))
    lasts = [each.last for each in effects if each.last is not None]
    if len(lasts) == len(effects):
        days = days.filter(day__lte=max(lasts))
    yield from days.values_list("truck_id", "day")


def _with_fix(
    fleet: Fleet, syncs: Mapping[int, TruckSync], boxes: Mapping[_TruckDay, Sequence[Box]]
) -> Iterator[_TruckDay]:
    """Those of the truck-days that have a fix in one of their boxes, their own or the last one before them."""
    by_truck: defaultdict[int, list[dt.date]] = defaultdict(list)
    for truck_id, day in sorted(boxes):
        by_truck[truck_id].append(day)
    for truck_id, days in by_truck.items():
        parameters, ends = ParameterHistory(fleet.pk, truck_id), _ends_of_idling(fleet, truck_id, days)
        for day in days:
            start, end = day_bounds(day, fleet.zone)
            # An idle event that goes on after midnight may come into a place only there.
            end = int(min(max(end, ends.get(day, end)), (syncs[truck_id].known_until or end) + 1))
            neighbours = Neighbours(fleet.pk, truck_id, parameters.on(day).min_satellites)
            if neighbours.is_within(start, end, boxes[truck_id, day]):
                yield truck_id, day


def _ends_of_idling(fleet: Fleet, truck_id: int, days: Sequence[dt.date]) -> dict[dt.date, float]:
    """Day → the second in which its last idle event ends; infinite while that may still go on."""
    events = IdleEvent.objects.filter(fleet_id=fleet.pk, truck_id=truck_id, day__range=(days[0], days[-1]))
    found = events.order_by("started_at").values_list("day", "ended_at")
    return {day: math.inf if ended_at is None else ended_at.timestamp() for day, ended_at in found}
