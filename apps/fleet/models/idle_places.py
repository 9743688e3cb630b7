"""Where trucks idled: the sums of their idle events by place, of a truck's day and of a fleet's pentads and months."""

from django.db import models

from apps.fleet.models.spans import SpanKey


class IdleSums(models.Model):
    """Of idle events; litres and money null where none was measured or priced. `spot`: see `apps.fleet.idle_places`."""

    spot = models.CharField(max_length=70, db_collation="utf8mb4_bin")  # names that differ in case are two
    events = models.PositiveIntegerField()
    idle_s = models.BigIntegerField()
    productive_s = models.BigIntegerField()
    fuel_l = models.FloatField(null=True)
    productive_fuel_l = models.FloatField(null=True)
    cost = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    productive_cost = models.DecimalField(max_digits=14, decimal_places=2, null=True)

    class Meta:
        abstract = True


class TruckDayIdlePlace(IdleSums):
    """What a truck idled at a place on a day, by the events that start in it. Replaced with the truck-day."""

    pk = models.CompositePrimaryKey("fleet_id", "day", "spot", "truck_id")
    fleet_id = models.BigIntegerField()
    day = models.DateField()
    truck_id = models.BigIntegerField()

    class Meta:
        db_table = "truck_day_idle_place"
        indexes = [models.Index(fields=["fleet_id", "truck_id", "day"], name="idle_place_of_truck")]

    def __str__(self) -> str:
        return f"truck {self.truck_id} at {self.spot} on {self.day}"


class FleetSpanIdlePlace(SpanKey, IdleSums):
    """The sums of a place over a fleet's days. Replaced with each of them that changed there."""

    pk = models.CompositePrimaryKey("fleet_id", "span", "first_day", "spot")

    class Meta:
        db_table = "fleet_span_idle_place"

    def __str__(self) -> str:
        return f"{self.spot} in the {self.span} of fleet {self.fleet_id} from {self.first_day}"
