"""Where trucks idled: the sums of a day's idle events by place."""

from django.db import models


class TruckDayIdlePlace(models.Model):
    """What a truck idled at a place on a day, by the events that start in it. Replaced with the truck-day.

    Litres and money null where none was measured or priced. `spot`: see `apps.fleet.idling.places`.
    """

    pk = models.CompositePrimaryKey("fleet_id", "day", "truck_id", "spot")
    fleet_id = models.BigIntegerField()
    day = models.DateField()
    truck_id = models.BigIntegerField()
    spot = models.CharField(max_length=70, db_collation="utf8mb4_bin")  # names that differ in case are two
    events = models.PositiveIntegerField()
    idle_s = models.BigIntegerField()
    productive_s = models.BigIntegerField()
    fuel_l = models.FloatField(null=True)
    productive_fuel_l = models.FloatField(null=True)
    cost = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    productive_cost = models.DecimalField(max_digits=14, decimal_places=2, null=True)

    class Meta:
        db_table = "truck_day_idle_place"
        indexes = [models.Index(fields=["fleet_id", "truck_id", "day"], name="idle_place_of_truck")]

    def __str__(self) -> str:
        return f"truck {self.truck_id} at {self.spot} on {self.day}"
