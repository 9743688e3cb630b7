"""Weeks in which a truck used more or less fuel than it used to, and the log of weeks to be judged anew."""

from django.db import models

from apps.accounts.models import Fleet
from apps.trucks.models import Truck


class FuelAlert(models.Model):
    """One truck, one week: its consumption deviates from its baseline by more than `fuel_deviation_pct`.

    The figures are written by `apps.fleet.summaries.fuel_alerts`, and follow late data; one that no longer holds stays,
    withdrawn, with the figures that it had. What a person says of it stays with the week: no rebuild touches it.
    """

    class Review(models.TextChoices):
        ACKNOWLEDGED = "acknowledged"
        DISMISSED = "dismissed"

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="+")
    truck = models.ForeignKey(Truck, on_delete=models.CASCADE, related_name="+")
    week = models.DateField(help_text="its Monday")
    litres = models.FloatField(help_text="of the days with litres and distance")
    distance_m = models.BigIntegerField(help_text="of the same days")
    consumption_l_per_100km = models.FloatField("consumption")
    baseline_l_per_100km = models.FloatField("baseline", help_text="of the 28 days before")
    baseline_distance_m = models.BigIntegerField()
    deviation_pct = models.FloatField("deviation", help_text="above zero: more than it used to")
    threshold_pct = models.FloatField(help_text="the parameter in force on the week's last day")
    excess_l = models.FloatField(help_text="litres less those that the baseline would have taken")
    excess_cost = models.DecimalField(
        max_digits=18, decimal_places=2, null=True, help_text="at the week's mean price; empty: no price"
    )
    found_at = models.DateTimeField(help_text="when it was found first")
    changed_at = models.DateTimeField(help_text="when its figures changed last, or it was withdrawn")
    withdrawn_at = models.DateTimeField(null=True, help_text="empty: it holds")
    review = models.CharField(max_length=12, choices=Review.choices, blank=True, help_text="empty: open")
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.CharField(max_length=150, blank=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "fuel_alert"
        ordering = ["-week", "truck"]
        constraints = [models.UniqueConstraint(fields=["fleet", "week", "truck"], name="fuel_alert_once")]

    def __str__(self) -> str:
        return f"{self.truck}, week of {self.week}: {self.deviation_pct:+.1f}%"

    @property
    def state(self) -> str:
        """`open` until somebody reviews it or it no longer holds."""
        return "withdrawn" if self.withdrawn_at else self.review or "open"


class DirtyFuelWeek(models.Model):
    """The log of weeks (their Mondays) of trucks to be judged anew. Noted with the days, under the fleet's revision."""

    pk = models.CompositePrimaryKey("fleet_id", "week", "truck_id")
    fleet_id = models.BigIntegerField()
    week = models.DateField()
    truck_id = models.BigIntegerField()

    class Meta:
        db_table = "dirty_fuel_week"

    def __str__(self) -> str:
        return f"week of {self.week} of truck {self.truck_id}"
