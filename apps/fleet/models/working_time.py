"""When trucks are meant to work, when they are in the workshop, and what is expected of a group."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Fleet
from apps.trucks.models import Truck, TruckGroup

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS = [MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(24))]
_PERCENT = [MinValueValidator(0), MaxValueValidator(1000)]
_LAST_DAY = "last day, included; empty: until further notice"


def _hours(**options: Any) -> Any:
    return models.DecimalField(max_digits=4, decimal_places=2, validators=_HOURS, **options)


def _of_weekday() -> Any:
    return _hours(null=True, blank=True)


def _ends_after_start(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(name=name, condition=Q(effective_to=None) | Q(effective_to__gte=F("effective_from")))


def _check_period(row: Any) -> None:
    if row.effective_to and row.effective_from and row.effective_to < row.effective_from:
        raise ValidationError({"effective_to": "lies before the first day"})


class WorkingCalendar(models.Model):
    """The hours of each day of the week for which a fleet, or one of its trucks, is meant to be used, and its holidays.

    Null hours: as many as the parameter says; 0: a day off. A truck's own calendar replaces the fleet's whole. Written
    by `apps.fleet.utilization.working_calendars` alone: a change marks the days on which it makes a difference.
    """

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="+")
    truck = models.ForeignKey(
        Truck, on_delete=models.CASCADE, null=True, blank=True, related_name="+",
        help_text="empty: for the whole fleet; a truck's own calendar replaces the fleet's",
    )  # fmt: skip
    effective_from = models.DateField(
        help_text="the first day that goes by it; of several the one that began last counts"
    )
    effective_to = models.DateField(null=True, blank=True, help_text=_LAST_DAY)
    monday = _of_weekday()
    tuesday = _of_weekday()
    wednesday = _of_weekday()
    thursday = _of_weekday()
    friday = _of_weekday()
    saturday = _of_weekday()
    sunday = _of_weekday()

    class Meta:
        db_table = "working_calendar"
        ordering = ["fleet", "truck", "effective_from"]
        constraints = [
            models.UniqueConstraint(fields=["fleet", "truck", "effective_from"], name="working_calendar_once"),
            _ends_after_start("working_calendar_period"),
            *(
                models.CheckConstraint(
                    name=f"working_calendar_{name}", condition=Q(**{name: None}) | Q(**{f"{name}__range": (0, 24)})
                )
                for name in WEEKDAYS
            ),
        ]

    def __str__(self) -> str:
        return f"calendar of {self.truck or self.fleet} from {self.effective_from}"

    def clean(self) -> None:
        _check_period(self)
        if self.truck is not None and self.truck.fleet_id != self.fleet_id:
            raise ValidationError({"truck": "belongs to another fleet"})
        # A unique key takes any number of nulls, so the fleet-wide rows need a look of their own.
        same = WorkingCalendar.objects.filter(
            fleet=self.fleet_id, truck=self.truck_id, effective_from=self.effective_from
        )
        if same.exclude(pk=self.pk).exists():
            raise ValidationError({"effective_from": "there is a calendar from this day on already"})


class CalendarHoliday(models.Model):
    """A day on which a calendar has other hours than on its day of the week."""

    calendar = models.ForeignKey(WorkingCalendar, on_delete=models.CASCADE, related_name="holidays")
    day = models.DateField()
    name = models.CharField(max_length=64, blank=True)
    hours = _hours(default=Decimal(0), help_text="0: a day off")

    class Meta:
        db_table = "calendar_holiday"
        ordering = ["calendar", "day"]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "day"], name="calendar_holiday_once"),
            models.CheckConstraint(name="calendar_holiday_hours", condition=Q(hours__range=(0, 24))),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.name}".strip()

    def clean(self) -> None:
        first, last = self.calendar.effective_from, self.calendar.effective_to
        if self.day and first and not first <= self.day <= (last or dt.date.max):
            raise ValidationError({"day": "is not in the calendar's time"})


class WorkshopStay(models.Model):
    """Days in the workshop. Written by `apps.fleet.utilization.workshop` alone: a change marks the truck's days."""

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="+")
    truck = models.ForeignKey(Truck, on_delete=models.CASCADE, related_name="workshop_stays")
    effective_from = models.DateField("first day")
    effective_to = models.DateField("last day", null=True, blank=True, help_text="included; empty: it still is")
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "workshop_stay"
        ordering = ["fleet", "truck", "effective_from"]
        constraints = [
            models.UniqueConstraint(fields=["fleet", "truck", "effective_from"], name="workshop_stay_once"),
            _ends_after_start("workshop_stay_period"),
        ]

    def __str__(self) -> str:
        return f"{self.truck} in the workshop from {self.effective_from}"

    def clean(self) -> None:
        _check_period(self)
        if self.truck_id is None or self.effective_from is None:
            return
        if self.truck.fleet_id != self.fleet_id:
            raise ValidationError({"truck": "belongs to another fleet"})
        others = WorkshopStay.objects.filter(
            Q(effective_to=None) | Q(effective_to__gte=self.effective_from), truck=self.truck_id
        ).exclude(pk=self.pk)
        if self.effective_to:
            others = others.filter(effective_from__lte=self.effective_to)
        if (other := others.first()) is not None:
            raise ValidationError({"effective_from": f"overlaps the stay from {other.effective_from}"})


class GroupTarget(models.Model):
    """What is expected of a group's trucks from a day on: before the fleet's targets, after a truck's own.

    Of a group's rows the one that began last counts whole: what it leaves empty the group has no target for any more.
    """

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="+")
    group = models.ForeignKey(TruckGroup, on_delete=models.CASCADE, related_name="+")
    effective_from = models.DateField()
    target_utilization_pct = models.FloatField(
        "target utilization (%)", null=True, blank=True, validators=_PERCENT, help_text="empty: the fleet's"
    )
    target_idle_pct = models.FloatField(
        "target idling (%)", null=True, blank=True, validators=_PERCENT, help_text="empty: the fleet's"
    )

    class Meta:
        db_table = "group_target"
        ordering = ["fleet", "group", "effective_from"]
        constraints = [models.UniqueConstraint(fields=["fleet", "group", "effective_from"], name="group_target_once")]

    def __str__(self) -> str:
        return f"targets of {self.group} from {self.effective_from}"

    def clean(self) -> None:
        if self.group_id is not None and self.group.fleet_id != self.fleet_id:
            raise ValidationError({"group": "belongs to another fleet"})
        if self.target_utilization_pct is None and self.target_idle_pct is None and not self._follows_another():
            raise ValidationError("Fill in at least one target: the group has none that this would end.")

    def _follows_another(self) -> bool:
        if self.effective_from is None or self.group_id is None:
            return False
        return GroupTarget.objects.filter(group=self.group_id, effective_from__lt=self.effective_from).exists()
