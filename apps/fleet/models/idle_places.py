"""Where trucks idled: the sums of a day's idle events by place, and those of many trucks together."""

from django.db import models

from apps.fleet.models.costs import SUM_DIGITS
from apps.fleet.models.spans import KINDS_AND_DAYS, SpanKey


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
    cost = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2, null=True)
    productive_cost = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2, null=True)

    class Meta:
        db_table = "truck_day_idle_place"
        indexes = [models.Index(fields=["fleet_id", "truck_id", "day"], name="idle_place_of_truck")]

    def __str__(self) -> str:
        return f"truck {self.truck_id} at {self.spot} on {self.day}"


class IdlePlaceSpan(SpanKey):
    """Where up to 16,384 trucks idled in a day, pentad or month: a copy of their blocks, added up over the trucks.

    Who changes a block takes it away and says when it is due anew, under the fleet's revision; it is added up by
    `apps.fleet.summaries.place_spans`. `places` is packed by `apps.fleet.idling.blocks`; `worst`, `left_s` and `cells`
    are its head (`apps.fleet.idling.heads`), from which the worst places are read.
    """

    pk = models.CompositePrimaryKey("fleet_id", "span", "first_day", "part")
    span = models.CharField(max_length=6, choices=KINDS_AND_DAYS)
    part = models.BigIntegerField(help_text="the trucks' ids divided by 16,384")
    due_at = models.DateTimeField(null=True, help_text="empty: it is there")
    places = models.BinaryField(default=b"")
    worst = models.BinaryField(default=b"")
    left_s = models.BigIntegerField(default=-1)
    cells = models.BinaryField(default=b"")

    class Meta:
        db_table = "idle_place_span"
        indexes = [models.Index(fields=["due_at"], name="idle_place_span_due")]
