"""What others spend: published costs per distance, by line and year."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from apps.fleet.models.costs import CostLine


class Benchmark(models.Model):
    """A published cost per mile or km of one line in one year, for all fleets to compare themselves with."""

    class Unit(models.TextChoices):
        MILE = "mile", "per mile"
        KM = "km", "per km"

    year = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1990), MaxValueValidator(2100)], help_text="that the costs are of"
    )
    line = models.CharField(max_length=20, choices=CostLine.choices)
    amount = models.DecimalField(max_digits=10, decimal_places=4, validators=[MinValueValidator(Decimal("0.0001"))])
    unit = models.CharField(max_length=4, choices=Unit.choices, default=Unit.MILE)
    currency = models.CharField(max_length=3, validators=[RegexValidator(r"^[A-Z]{3}$", "three capital letters")])
    source = models.CharField(max_length=200, help_text="who published it, and where it was read")
    edition = models.CharField(max_length=80, help_text="which edition or update of it")

    class Meta:
        db_table = "benchmark"
        ordering = ["-year", "line"]
        constraints = [
            models.UniqueConstraint(fields=["year", "line"], name="benchmark_once"),
            models.CheckConstraint(name="benchmark_positive", condition=models.Q(amount__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.get_line_display()} {self.year}: {self.amount.normalize():f} {self.currency} per {self.unit}"
