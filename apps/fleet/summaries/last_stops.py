"""Where the last stop of a truck's sealed days ends: with the next trip, which may be on a day that is open."""

import datetime as dt
from collections.abc import Collection, Iterator
from typing import TypeVar

from django.db.models import Func, OuterRef, QuerySet, Subquery

from apps.trucks.models import Stop, Trip, TruckSync

Event = TypeVar("Event", Stop, Trip)


def end(fleet_id: int, truck_ids: Collection[int]) -> None:
    """Makes the last stop of each truck's sealed days end where its next trip begins; without one it is open.

    To be called when days have been written. How the seconds of a stop that ends elsewhere now were spent is not known
    any more: the messages that it began with may be gone. The figures of its day stay as they are. Repeated it writes
    nothing.
    """
    for stop, next_trip_at in _last_stops(fleet_id, truck_ids):
        if stop.ended_at != next_trip_at:
            stop.ended_at, stop.idle_s, stop.parked_s, stop.no_data_s = next_trip_at, None, None, None
            stop.save()


def _last_stops(fleet_id: int, truck_ids: Collection[int]) -> Iterator[tuple[Stop, dt.datetime | None]]:
    """The last stop of these trucks' sealed days, each with the start of the trip after it: two look-ups a truck."""
    floor = Func(OuterRef("raw_since_t"), function="FROM_UNIXTIME")
    last = _of_truck(Stop).filter(started_at__lt=floor).order_by("-started_at")
    following = _of_truck(Trip).filter(started_at__gt=OuterRef("stop_at")).order_by("started_at")
    sealed = TruckSync.objects.filter(fleet_id=fleet_id, truck_id__in=truck_ids, raw_since_t__isnull=False)
    found = sealed.annotate(stop_at=Subquery(last.values("started_at")[:1])).annotate(
        trip_at=Subquery(following.values("started_at")[:1])
    )
    rows = found.exclude(stop_at=None).values_list("truck_id", "stop_at", "trip_at")
    trips = {(fleet_id, truck_id, stop_at): trip_at for truck_id, stop_at, trip_at in rows}
    for stop in Stop.objects.filter(pk__in=list(trips)):
        yield stop, trips[stop.pk]


def _of_truck(model: type[Event]) -> QuerySet[Event]:
    return model._default_manager.filter(fleet_id=OuterRef("fleet_id"), truck_id=OuterRef("truck_id"))
