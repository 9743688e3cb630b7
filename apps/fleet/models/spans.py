"""Days taken together, a pentad or a month: what a question about a longer period reads instead of its days."""

from django.db import models

from apps.fleet.models.costs import SUM_DIGITS, FuelMoney
from apps.fleet.models.days import Sums
from apps.fleet.spans import DAY, MONTH, PENTAD

KINDS = [(PENTAD, "pentad"), (MONTH, "month")]
KINDS_AND_DAYS = [(DAY, "day"), *KINDS]


class SpanKey(models.Model):
    """What all rows begin with: the fleet, the kind of span and its first day."""

    fleet_id = models.BigIntegerField()
    span = models.CharField(max_length=6, choices=KINDS)
    first_day = models.DateField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.span} of fleet {self.fleet_id} from {self.first_day}"


class TruckSpan(SpanKey, Sums):
    """The sums of one truck's days. Replaced with each of them, in its transaction, by `apps.fleet.summaries`."""

    pk = models.CompositePrimaryKey("fleet_id", "span", "first_day", "truck_id")
    truck_id = models.BigIntegerField()
    max_speed_kmh = models.FloatField(null=True)

    class Meta:
        db_table = "truck_span"
        indexes = [models.Index(fields=["fleet_id", "truck_id", "span", "first_day"], name="truck_span_of_truck")]


class TruckSpanCost(SpanKey):
    """What a truck's days cost together on one line and from one kind of source; truck 0: what no truck bears."""

    pk = models.CompositePrimaryKey("fleet_id", "span", "first_day", "truck_id", "line", "source")
    truck_id = models.BigIntegerField()
    line = models.CharField(max_length=20)
    source = models.CharField(max_length=9)
    amount = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2)

    class Meta:
        db_table = "truck_span_cost"
        indexes = [models.Index(fields=["fleet_id", "truck_id", "span", "first_day"], name="truck_span_cost_of_truck")]


class TruckSpanFuel(SpanKey, FuelMoney):
    """What one truck's days of fuel in money add up to; no row where none of them has any."""

    pk = models.CompositePrimaryKey("fleet_id", "span", "first_day", "truck_id")
    truck_id = models.BigIntegerField()

    class Meta:
        db_table = "truck_span_fuel"
        indexes = [models.Index(fields=["fleet_id", "truck_id", "span", "first_day"], name="truck_span_fuel_of_truck")]


class FleetSpan(SpanKey, Sums, FuelMoney):
    """The sums of a fleet's days. `days`: how many of them have a truck-day."""

    pk = models.CompositePrimaryKey("fleet_id", "span", "first_day")
    days = models.PositiveSmallIntegerField(default=0)

    class Meta:
        db_table = "fleet_span"


class FleetSpanCost(SpanKey):
    """What a fleet's days cost together on one line and from one kind of source."""

    pk = models.CompositePrimaryKey("fleet_id", "span", "first_day", "line", "source")
    line = models.CharField(max_length=20)
    source = models.CharField(max_length=9)
    amount = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2)

    class Meta:
        db_table = "fleet_span_cost"
