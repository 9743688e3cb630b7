"""Computed rows as the admin can show them: each of these tables' composite keys as one text, by a database view.

The admin refuses composite primary keys. A view adds the text `<fleet>.<truck>.<day or second>`; no index knows it, so
single rows are looked up by the columns that it stands for (`natural_key`). Read only; the columns are the table's own.
"""

import datetime as dt
from typing import Any

from django.db import models

from apps.accounts.calendar import as_utc
from apps.accounts.models import Fleet
from apps.trucks.models.days import Correction, DirtyDay, TruckDay
from apps.trucks.models.events import (
    FaultChange,
    FuelEvent,
    HarshEvent,
    IdleEvent,
    OpenFault,
    SpeedingEpisode,
    Stop,
    Trip,
)
from apps.trucks.models.trucks import Driver, Truck


def _columns(table: type[models.Model]) -> dict[str, Any]:
    """Copies of a table's columns, so that each is declared once; fleet, truck and driver become relations below."""
    fields: list[Any] = [*table._meta.concrete_fields]
    return {field.name: field.clone() for field in fields if field.name not in ("fleet_id", "truck_id", "driver_id")}


class Row(models.Model):
    """What all these views begin with."""

    key = models.CharField(primary_key=True, max_length=64)
    fleet = models.ForeignKey(Fleet, models.DO_NOTHING, related_name="+", db_constraint=False)
    truck = models.ForeignKey(Truck, models.DO_NOTHING, related_name="+", db_constraint=False)

    class Meta:
        abstract = True
        managed = False

    @classmethod
    def natural_key(cls, key: str) -> dict[str, Any]:
        """The columns that a text key stands for. Raises ValueError for a text that is none."""
        fleet_id, truck_id, rest = key.split(".", 2)
        return {"fleet_id": int(fleet_id), "truck_id": int(truck_id), **cls._own_key(rest)}

    @classmethod
    def _own_key(cls, rest: str) -> dict[str, Any]:
        raise NotImplementedError


class DayRow(Row):
    day: dt.date

    class Meta(Row.Meta):
        abstract = True
        unique_together = [("fleet", "day", "truck")]

    def __str__(self) -> str:
        return f"{self.truck}, {self.day:%a %d %b %Y}"

    @classmethod
    def _own_key(cls, rest: str) -> dict[str, Any]:
        return {"day": dt.date.fromisoformat(rest)}


class EventRow(Row):
    started_at: dt.datetime

    class Meta(Row.Meta):
        abstract = True
        unique_together = [("fleet", "truck", "started_at")]

    def __str__(self) -> str:
        return f"{self.truck}, {self.started_at.astimezone(self.fleet.zone):%a %d %b %Y, %H:%M %Z}"

    @classmethod
    def _own_key(cls, rest: str) -> dict[str, Any]:
        try:
            return {"started_at": as_utc(int(rest))}
        except (OverflowError, OSError) as error:
            raise ValueError(f"{rest} is no second of our calendar") from error


class EventOfKindRow(EventRow):
    """Events of which several kinds may start in one second."""

    class Meta(EventRow.Meta):
        abstract = True
        unique_together = [("fleet", "truck", "started_at", "kind")]

    @classmethod
    def _own_key(cls, rest: str) -> dict[str, Any]:
        second, _, kind = rest.partition(".")
        return {**super()._own_key(second), "kind": kind}


class TruckDayRow(DayRow):
    vars().update(_columns(TruckDay))

    class Meta(DayRow.Meta):
        db_table = "admin_truck_day"
        verbose_name = "truck-day"


class DirtyDayRow(DayRow):
    vars().update(_columns(DirtyDay))

    class Meta(DayRow.Meta):
        db_table = "admin_dirty_day"
        verbose_name = "day to rebuild"
        verbose_name_plural = "days to rebuild"


class CorrectionRow(DayRow):
    column: str
    vars().update(_columns(Correction))

    class Meta(DayRow.Meta):
        db_table = "admin_correction"
        verbose_name = "correction"
        unique_together = [("fleet", "truck", "day", "revision", "column")]

    def __str__(self) -> str:
        return f"{self.column} of {self.truck}, {self.day:%a %d %b %Y}"

    @classmethod
    def _own_key(cls, rest: str) -> dict[str, Any]:
        day, revision, figure = rest.split(".")
        return {**super()._own_key(day), "revision": int(revision), "column": figure}


class TripRow(EventRow):
    driver = models.ForeignKey(Driver, models.DO_NOTHING, null=True, related_name="+", db_constraint=False)
    vars().update(_columns(Trip))

    class Meta(EventRow.Meta):
        db_table = "admin_trip"
        verbose_name = "trip"


class StopRow(EventRow):
    vars().update(_columns(Stop))

    class Meta(EventRow.Meta):
        db_table = "admin_stop"
        verbose_name = "stop"


class IdleEventRow(EventRow):
    vars().update(_columns(IdleEvent))

    class Meta(EventRow.Meta):
        db_table = "admin_idle_event"
        verbose_name = "idle event"


class SpeedingEpisodeRow(EventRow):
    vars().update(_columns(SpeedingEpisode))

    class Meta(EventRow.Meta):
        db_table = "admin_speeding_episode"
        verbose_name = "speeding episode"


class FuelEventRow(EventOfKindRow):
    vars().update(_columns(FuelEvent))

    class Meta(EventOfKindRow.Meta):
        db_table = "admin_fuel_event"
        verbose_name = "refuel or drain"
        verbose_name_plural = "refuels and drains"


class HarshEventRow(EventOfKindRow):
    vars().update(_columns(HarshEvent))

    class Meta(EventOfKindRow.Meta):
        db_table = "admin_harsh_event"
        verbose_name = "harsh event"


_CODE = ("spn", "fmi", "source")


class FaultChangeRow(EventRow):
    vars().update(_columns(FaultChange))

    class Meta(EventRow.Meta):
        db_table = "admin_fault_change"
        verbose_name = "fault opened or cleared"
        verbose_name_plural = "faults opened and cleared"
        unique_together = [("fleet", "truck", "started_at", *_CODE)]

    @classmethod
    def _own_key(cls, rest: str) -> dict[str, Any]:
        second, _, code = rest.partition(".")
        return {**super()._own_key(second), **_code(code)}


class OpenFaultRow(Row):
    spn: int
    fmi: int
    vars().update(_columns(OpenFault))

    class Meta(Row.Meta):
        db_table = "admin_open_fault"
        verbose_name = "open fault"
        unique_together = [("fleet", "truck", *_CODE)]

    def __str__(self) -> str:
        return f"{self.truck}, SPN {self.spn}, FMI {self.fmi}"

    @classmethod
    def _own_key(cls, rest: str) -> dict[str, Any]:
        return _code(rest)


def _code(text: str) -> dict[str, int]:
    return dict(zip(_CODE, map(int, text.split(".")), strict=True))
