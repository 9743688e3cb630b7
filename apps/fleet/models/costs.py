"""Prices, rates, and what each truck's day cost. All amounts are in the fleet's currency."""

from collections.abc import Callable, Collection
from decimal import Decimal
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from apps.accounts.calendar import YEARS
from apps.accounts.models import Fleet
from apps.fleet.models.imports import imported_from
from apps.trucks.models import Truck, TruckGroup

NOT_NEGATIVE = MinValueValidator(Decimal(0))
# Of what is added up. With the highest prices that can be entered, a sensor gone wild or a slip of the pen ends in a
# wrong figure that can be found and mended, and never keeps other days from being written.
SUM_DIGITS = 20


class CostLine(models.TextChoices):
    """The nine lines of ATRI's operational costs of trucking, and the rest."""

    FUEL = "fuel"
    PAYMENTS = "payments", "Truck payments"
    REPAIR_MAINTENANCE = "repair_maintenance", "Repair and maintenance"
    INSURANCE = "insurance"
    PERMITS = "permits", "Permits and licences"
    TIRES = "tires"
    TOLLS = "tolls"
    DRIVER_WAGES = "driver_wages"
    DRIVER_BENEFITS = "driver_benefits"
    OTHER = "other"


RATED_LINES = tuple(choice for choice in CostLine.choices if choice[0] != CostLine.FUEL)  # fuel has prices instead
UNALLOCATED = "unallocated"  # the line of what no truck can bear


class CostBasis(models.TextChoices):
    PER_KM = "per_km", "per km"
    PER_ENGINE_HOUR = "per_engine_hour", "per engine hour"
    PER_DAY = "per_day", "per day"
    PER_MONTH = "per_month", "per month"


MOST_RATE = {CostBasis.PER_KM: 1_000_000, CostBasis.PER_ENGINE_HOUR: 10_000_000}  # above them the column's digits


class CostSource(models.TextChoices):
    ACTUAL = "actual"
    ALLOCATED = "allocated"
    ESTIMATED = "estimated"


class FuelPrice(models.Model):
    """What a litre costs from an instant on; the price of a group, which fuels in a region, replaces the fleet's."""

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="fuel_prices")
    group = models.ForeignKey(
        TruckGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="fuel_prices",
        verbose_name="region", help_text="the group of trucks that fuel there; empty: the whole fleet",
    )  # fmt: skip
    effective_at = models.DateTimeField()
    price_per_l = models.DecimalField("price per litre", max_digits=10, decimal_places=4, validators=[NOT_NEGATIVE])
    imported = imported_from()

    class Meta:
        db_table = "fuel_price"
        ordering = ["fleet", "effective_at"]
        constraints = [
            models.UniqueConstraint(fields=["fleet", "group", "effective_at"], name="fuel_price_once"),
            models.CheckConstraint(name="fuel_price_not_negative", condition=models.Q(price_per_l__gte=0)),
        ]

    def __str__(self) -> str:
        since = self.effective_at.astimezone(self.fleet.zone)
        return f"{self.price_per_l} {self.fleet.currency}/l from {since:%Y-%m-%d %H:%M %Z}"

    def clean(self) -> None:
        check_together(partial(check_times, self, "effective_at"), partial(check_scope, self))

    def validate_unique(self, exclude: Collection[str] | None = None) -> None:
        super().validate_unique(exclude)
        if exclude and "effective_at" in exclude:
            return
        # A unique key takes any number of nulls, so the fleet-wide prices need a look of their own.
        same = FuelPrice.objects.filter(fleet=self.fleet_id, group=self.group_id, effective_at=self.effective_at)
        if same.exclude(pk=self.pk).exists():
            raise ValidationError({"effective_at": "there is a price from this instant on already"})


class CostRate(models.Model):
    """An estimate of a cost line by kilometre, engine hour, day or month.

    A truck's own rate replaces that of its group, which replaces the fleet's, for the same line and basis; of several
    the one that began last counts.
    """

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="cost_rates")
    truck = models.ForeignKey(Truck, on_delete=models.CASCADE, null=True, blank=True, related_name="cost_rates")
    group = models.ForeignKey(
        TruckGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="cost_rates",
        help_text="empty truck and group: the whole fleet",
    )  # fmt: skip
    line = models.CharField(max_length=20, choices=RATED_LINES)
    basis = models.CharField(max_length=16, choices=CostBasis.choices)
    amount = models.DecimalField(max_digits=12, decimal_places=4, validators=[NOT_NEGATIVE])
    effective_from = models.DateField()
    effective_to = models.DateField(null=True, blank=True, help_text="last day, included; empty: until further notice")
    imported = imported_from()

    class Meta:
        db_table = "cost_rate"
        ordering = ["fleet", "line", "effective_from"]
        constraints = [
            models.CheckConstraint(
                name="cost_rate_period",
                condition=models.Q(effective_to__isnull=True) | models.Q(effective_to__gte=models.F("effective_from")),
            ),
            models.CheckConstraint(
                name="cost_rate_scope", condition=models.Q(truck__isnull=True) | models.Q(group__isnull=True)
            ),
            models.CheckConstraint(name="cost_rate_not_negative", condition=models.Q(amount__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.get_line_display()}: {self.amount} {self.fleet.currency} {self.get_basis_display()}"

    def clean(self) -> None:
        check_together(
            partial(check_times, self, "effective_from"),
            partial(check_scope, self),
            self._check_last_day,
            self._check_amount,
        )

    def _check_last_day(self) -> None:
        first = self.effective_from
        if self.effective_to and first and first.year in YEARS and self.effective_to < first:
            raise ValidationError({"effective_to": "lies before the first day"})

    def _check_amount(self) -> None:
        most = MOST_RATE.get(CostBasis(self.basis)) if self.basis in CostBasis.values else None
        if most is not None and self.amount is not None and self.amount >= most:
            raise ValidationError({"amount": f"is not below {most:,} {CostBasis(self.basis).label}"})

    def validate_unique(self, exclude: Collection[str] | None = None) -> None:
        super().validate_unique(exclude)
        if exclude and "effective_from" in exclude:
            return
        # A unique key takes any number of nulls, and each of these rates has some.
        key = ("fleet_id", "line", "basis", "truck_id", "group_id", "effective_from")
        same = CostRate.objects.filter(**{name: getattr(self, name) for name in key}).exclude(pk=self.pk)
        if same.exists():
            raise ValidationError({"effective_from": "there is a rate of this line and basis from this day on already"})


def check_together(*checks: Callable[[], None]) -> None:
    """Raises one ValidationError with all that the checks refuse; of a field what the first of them says."""
    refused: dict[str, list[str]] = {}
    for check in checks:
        try:
            check()
        except ValidationError as error:
            refused = {**error.message_dict, **refused}
    if refused:
        raise ValidationError({name: list(messages) for name, messages in refused.items()})


def check_times(row: Any, *names: str) -> None:
    """Raises ValidationError for days and instants that are slips of the pen: near the ends of the calendar there is
    no local day to an instant."""
    given = {name: getattr(row, name) for name in names}
    off = [name for name, value in given.items() if value is not None and value.year not in YEARS]
    if off:
        raise ValidationError(dict.fromkeys(off, f"is not between {YEARS[0]} and {YEARS[-1]}"))


def check_scope(row: Any) -> None:
    """Raises ValidationError for a truck or group of another fleet, or for both at once."""
    truck, group = getattr(row, "truck", None), getattr(row, "group", None)
    if truck is not None and truck.fleet_id != row.fleet_id:
        raise ValidationError({"truck": "belongs to another fleet"})
    if group is not None and group.fleet_id != row.fleet_id:
        raise ValidationError({"group": "belongs to another fleet"})
    if truck is not None and group is not None:
        raise ValidationError({"group": "either a truck or a group, not both"})


class TruckDayCost(models.Model):
    """What one truck's day cost on one line, by source; truck 0 and line `unallocated`: what no truck bears.

    Estimates are written with the truck's day, shares of invoices with `CostAllocation`, both by
    `apps.fleet.summaries`.
    """

    pk = models.CompositePrimaryKey("fleet_id", "day", "truck_id", "line", "source")
    fleet_id = models.BigIntegerField()
    day = models.DateField()
    truck_id = models.BigIntegerField()
    line = models.CharField(max_length=20)
    source = models.CharField(max_length=9)
    amount = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2)

    class Meta:
        db_table = "truck_day_cost"

    def __str__(self) -> str:
        return f"{self.line} of truck {self.truck_id} on {self.day}"


class FuelMoney(models.Model):
    """Fuel in money, by consumption and by purchase. Null: not measured, not priced, nothing bought."""

    fuel_cost = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2, null=True, help_text="litres used × price")
    fuel_priced_l = models.FloatField(null=True, help_text="the litres in it")
    idle_cost = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2, null=True)
    idle_productive_cost = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2, null=True)
    idle_productive_fuel_l = models.FloatField(null=True)
    # Drains that nobody dismissed, and those of them that nobody confirmed either.
    drain_cost = models.DecimalField(
        max_digits=SUM_DIGITS, decimal_places=2, null=True, help_text="at the prices of their time"
    )
    drain_priced_l = models.FloatField(null=True, help_text="the litres in it")
    suspected_drains = models.PositiveIntegerField(null=True)
    suspected_drain_l = models.FloatField(null=True)
    suspected_drain_cost = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2, null=True)
    purchases = models.PositiveIntegerField(null=True)
    purchased_l = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=3, null=True)
    purchased_amount = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2, null=True)
    # The tank's balance, of truck-days on which all of it is measured; else all of these are null.
    balance_days = models.PositiveIntegerField(null=True)
    balance_bought_l = models.FloatField(null=True, help_text="by purchases; 0 where none was booked")
    balance_refuelled_l = models.FloatField(null=True)
    balance_drained_l = models.FloatField(null=True)
    balance_used_l = models.FloatField(null=True, help_text="by the fuel counter")
    balance_tank_l = models.FloatField(null=True, help_text="what the tank holds more at the end")

    class Meta:
        abstract = True


class TruckDayFuel(FuelMoney):
    """One truck's day of fuel in money. Written with the truck's day by `apps.fleet.summaries`."""

    pk = models.CompositePrimaryKey("fleet_id", "day", "truck_id")
    fleet_id = models.BigIntegerField()
    day = models.DateField()
    truck_id = models.BigIntegerField()

    class Meta:
        db_table = "truck_day_fuel"

    def __str__(self) -> str:
        return f"fuel of truck {self.truck_id} on {self.day}"
