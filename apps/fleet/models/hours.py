"""How the hours of the days were spent, packed: a row of figures for each hour would be 24 times as many rows."""

from django.db import models


class TruckDayHours(models.Model):
    """A truck's local day by hour of the clock, read by `apps.fleet.utilization.hours`. Replaced with the truck-day."""

    pk = models.CompositePrimaryKey("fleet_id", "day", "truck_id")
    fleet_id = models.BigIntegerField()
    day = models.DateField()
    truck_id = models.BigIntegerField()
    hours = models.BinaryField()

    class Meta:
        db_table = "truck_day_hours"

    def __str__(self) -> str:
        return f"hours of truck {self.truck_id} on {self.day}"


class FleetDayHours(models.Model):
    """The sums of its trucks, replaced whole with each of them."""

    pk = models.CompositePrimaryKey("fleet_id", "day")
    fleet_id = models.BigIntegerField()
    day = models.DateField()
    hours = models.BinaryField()

    class Meta:
        db_table = "fleet_day_hours"

    def __str__(self) -> str:
        return f"hours of fleet {self.fleet_id} on {self.day}"
