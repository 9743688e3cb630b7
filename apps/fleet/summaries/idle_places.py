"""Where trucks idled: the rows of their days, replaced where they differ, and what is packed of them."""

import datetime as dt
from collections.abc import Collection, Iterator
from typing import Any

from django.db import connection

from apps.fleet.idling.blocks import SUMS
from apps.fleet.idling.places import Idling, by_spot, productive_part, spot_of
from apps.fleet.models import TruckDayIdlePlace
from apps.fleet.summaries import blocks
from apps.fleet.summaries.rows import Summary
from apps.trucks.detection.results import DayResult
from apps.trucks.models import IdleEvent

_COLUMNS = ("truck_id", "day", "spot", *SUMS)
_KEY = 3  # the first of them, behind the fleet
# One by one the ORM takes several times as long, and a batch may leave hundreds of places.
_DELETE = "DELETE FROM truck_day_idle_place WHERE fleet_id = %s AND truck_id = %s AND day = %s AND spot = %s"
Row = tuple[Any, ...]  # of these columns


def replace(fleet_id: int, summaries: Collection[Summary]) -> None:
    """Replaces what these days idled where, and the blocks they are part of. Under the lock of the fleet's revision."""
    days = {(summary.truck_id, summary.result.day) for summary in summaries}
    _replace(fleet_id, days, {row for summary in summaries for row in _rows(summary)})


def remove(fleet_id: int, days: Collection[tuple[int, dt.date]]) -> None:
    """Removes the rows of days (truck, day) that are no more."""
    _replace(fleet_id, days, set())


def _replace(fleet_id: int, days: Collection[tuple[int, dt.date]], after: set[Row]) -> None:
    stored = TruckDayIdlePlace.objects.filter(
        fleet_id=fleet_id, truck_id__in={truck_id for truck_id, _ in days}, day__in={day for _, day in days}
    )
    before = {row for row in stored.values_list(*_COLUMNS) if row[:2] in days}
    gone, new = before - after, after - before
    kept = {row[:_KEY] for row in new}
    with connection.cursor() as cursor:
        cursor.executemany(_DELETE, [(fleet_id, *row[:_KEY]) for row in gone if row[:_KEY] not in kept])
    TruckDayIdlePlace.objects.bulk_create(
        (TruckDayIdlePlace(fleet_id=fleet_id, **dict(zip(_COLUMNS, row, strict=True))) for row in new),
        update_conflicts=True,
        update_fields=SUMS,
    )
    blocks.replace_places(fleet_id, {row[:2] for row in gone | new})


def _rows(summary: Summary) -> Iterator[Row]:
    for idling in by_spot(_events(summary)):
        yield summary.truck_id, summary.result.day, idling.spot, *(getattr(idling, name) for name in SUMS)


def _events(summary: Summary) -> Iterator[Idling]:
    """The day's idle events, each with the productive part of its litres and its cost."""
    for _, values in (event for event in summary.events if event[0] is IdleEvent):
        productive_l = _productive_l(summary.result, values)
        yield Idling(
            spot=spot_of(values["productive_place"], values["lat"], values["lon"]),
            events=1,
            idle_s=values["duration_s"],
            productive_s=values["productive_s"],
            fuel_l=values["fuel_l"],
            productive_fuel_l=productive_l,
            cost=values["cost"],
            productive_cost=productive_part(values["cost"], values["fuel_l"], productive_l),
        )


def _productive_l(result: DayResult, event: dict[str, Any]) -> float | None:
    """Hardly any event is partly productive: only of these it is asked when its litres were used."""
    if event["fuel_l"] is None or not event["productive_s"]:
        return None if event["fuel_l"] is None else 0.0
    if event["productive_s"] == event["duration_s"]:
        return float(event["fuel_l"])
    start = int(event["started_at"].timestamp())
    return result.idle_fuel_l(start, start + event["duration_s"], productive=True)
