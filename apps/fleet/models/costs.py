"""Prices, rates, and what each truck's day cost. All amounts are in the fleet's currency."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from apps.accounts.models import Fleet
from apps.trucks.models import Truck

NOT_NEGATIVE = MinValueValidator(Decimal(0))


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


class CostBasis(models.TextChoices):
    PER_KM = "per_km", "per km"
    PER_ENGINE_HOUR = "per_engine_hour", "per engine hour"
    PER_DAY = "per_day", "per day"
    PER_MONTH = "per_month", "per month"


class CostSource(models.TextChoices):
    ACTUAL = "actual"
    ALLOCATED = "allocated"
    ESTIMATED = "estimated"


class FuelPrice(models.Model):
    """What a litre costs from a day on."""

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="fuel_prices")
    effective_from = models.DateField()
    price_per_l = models.DecimalField("price per litre", max_digits=10, decimal_places=4, validators=[NOT_NEGATIVE])

    class Meta:
        db_table = "fuel_price"
        ordering = ["fleet", "effective_from"]
        constraints = [models.UniqueConstraint(fields=["fleet", "effective_from"], name="fuel_price_once")]

    def __str__(self) -> str:
        return f"{self.price_per_l} {self.fleet.currency}/l from {self.effective_from}"


class CostRate(models.Model):
    """An estimate of a cost line by kilometre, engine hour, day or month; a truck's own rate replaces the fleet's."""

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="cost_rates")
    truck = models.ForeignKey(Truck, on_delete=models.CASCADE, null=True, blank=True, related_name="cost_rates")
    line = models.CharField(max_length=20, choices=[c for c in CostLine.choices if c[0] != CostLine.FUEL])
    basis = models.CharField(max_length=16, choices=CostBasis.choices)
    amount = models.DecimalField(max_digits=12, decimal_places=4, validators=[NOT_NEGATIVE])
    effective_from = models.DateField()
    effective_to = models.DateField(null=True, blank=True, help_text="last day, included; empty: until further notice")

    class Meta:
        db_table = "cost_rate"
        ordering = ["fleet", "line", "effective_from"]
        constraints = [
            models.CheckConstraint(
                name="cost_rate_period",
                condition=models.Q(effective_to__isnull=True) | models.Q(effective_to__gte=models.F("effective_from")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_line_display()}: {self.amount} {self.fleet.currency} {self.get_basis_display()}"

    def clean(self) -> None:
        if self.truck is not None and self.truck.fleet_id != self.fleet_id:
            raise ValidationError({"truck": "belongs to another fleet"})


class TruckDayCost(models.Model):
    """What one truck's day cost on one line. Written with the truck's day by `apps.fleet.summaries`."""

    pk = models.CompositePrimaryKey("fleet_id", "day", "truck_id", "line")
    fleet_id = models.BigIntegerField()
    day = models.DateField()
    truck_id = models.BigIntegerField()
    line = models.CharField(max_length=20)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    source = models.CharField(max_length=9)

    class Meta:
        db_table = "truck_day_cost"

    def __str__(self) -> str:
        return f"{self.line} of truck {self.truck_id} on {self.day}"
