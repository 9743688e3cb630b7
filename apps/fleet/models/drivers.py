"""Trucks' days among their drivers. Driver 0: nobody is known. The rows of a truck's day add up to it."""

from django.db import models

from apps.fleet.models.costs import SUM_DIGITS
from apps.fleet.models.spans import SpanKey


class DriverSums(models.Model):
    """What a driver did in a truck.

    `fuel_distance_m`: the distance on days on which fuel is measured; `consumption_l`: the other way round.
    `harsh_distance_m`: that on days on which harsh driving is measured.
    """

    length_s = models.BigIntegerField()
    moving_s = models.BigIntegerField()
    idle_s = models.BigIntegerField(null=True)
    idle_productive_s = models.BigIntegerField(null=True)
    parked_s = models.BigIntegerField()
    no_data_s = models.BigIntegerField()
    engine_on_s = models.BigIntegerField(null=True)
    night_driving_s = models.BigIntegerField(null=True)
    distance_m = models.BigIntegerField(null=True)
    fuel_used_l = models.FloatField(null=True)
    fuel_distance_m = models.BigIntegerField(null=True)
    consumption_l = models.FloatField(null=True)
    idle_fuel_l = models.FloatField(null=True)
    trips = models.BigIntegerField(null=True)
    idle_events = models.BigIntegerField(null=True)
    speeding_minor = models.BigIntegerField(null=True)
    speeding_moderate = models.BigIntegerField(null=True)
    speeding_severe = models.BigIntegerField(null=True)
    speeding_s = models.BigIntegerField(null=True)
    harsh_braking = models.BigIntegerField(null=True)
    harsh_acceleration = models.BigIntegerField(null=True)
    harsh_cornering = models.BigIntegerField(null=True)
    harsh_distance_m = models.BigIntegerField(null=True)
    max_speed_kmh = models.FloatField(null=True)
    fuel_cost = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2, null=True)
    fuel_priced_l = models.FloatField(null=True)
    idle_cost = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2, null=True)
    idle_productive_cost = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2, null=True)
    idle_productive_fuel_l = models.FloatField(null=True)

    class Meta:
        abstract = True


class TruckDayDriver(DriverSums):
    """A driver in a truck on a day. Replaced with the truck-day by `apps.fleet.summaries`."""

    pk = models.CompositePrimaryKey("fleet_id", "day", "truck_id", "driver_id")
    fleet_id = models.BigIntegerField()
    day = models.DateField()
    truck_id = models.BigIntegerField()
    driver_id = models.BigIntegerField()

    class Meta:
        db_table = "truck_day_driver"
        indexes = [models.Index(fields=["fleet_id", "driver_id", "day"], name="truck_day_driver_of_driver")]

    def __str__(self) -> str:
        return f"driver {self.driver_id} in truck {self.truck_id} on {self.day}"


class TruckSpanDriver(SpanKey, DriverSums):
    """The sums of a driver's days in a truck. `days`: how many they are."""

    pk = models.CompositePrimaryKey("fleet_id", "span", "first_day", "truck_id", "driver_id")
    truck_id = models.BigIntegerField()
    driver_id = models.BigIntegerField()
    days = models.PositiveIntegerField()

    class Meta:
        db_table = "truck_span_driver"
        indexes = [
            models.Index(fields=["fleet_id", "driver_id", "span", "first_day"], name="truck_span_driver_of_driver")
        ]

    def __str__(self) -> str:
        return f"driver {self.driver_id} in truck {self.truck_id}, {super().__str__()}"


class DriverCost(models.Model):
    """What a driver bears of what a truck costs, on one line and from one kind of source."""

    line = models.CharField(max_length=20)
    source = models.CharField(max_length=9)
    amount = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2)

    class Meta:
        abstract = True


class TruckDayDriverCost(DriverCost):
    """Of one day. Those of a truck's day add up to its `TruckDayCost`.

    Estimates are written with the truck's day, shares of invoices when these or the day's drivers change, both by
    `apps.fleet.summaries`.
    """

    pk = models.CompositePrimaryKey("fleet_id", "day", "truck_id", "driver_id", "line", "source")
    fleet_id = models.BigIntegerField()
    day = models.DateField()
    truck_id = models.BigIntegerField()
    driver_id = models.BigIntegerField()

    class Meta:
        db_table = "truck_day_driver_cost"
        indexes = [models.Index(fields=["fleet_id", "driver_id", "day"], name="truck_day_driver_cost_of")]

    def __str__(self) -> str:
        return f"{self.line} of driver {self.driver_id} in truck {self.truck_id} on {self.day}"


class TruckSpanDriverCost(SpanKey, DriverCost):
    """The sums of a driver's days in a truck."""

    pk = models.CompositePrimaryKey("fleet_id", "span", "first_day", "truck_id", "driver_id", "line", "source")
    truck_id = models.BigIntegerField()
    driver_id = models.BigIntegerField()

    class Meta:
        db_table = "truck_span_driver_cost"
        indexes = [
            models.Index(fields=["fleet_id", "driver_id", "span", "first_day"], name="truck_span_driver_cost_of")
        ]

    def __str__(self) -> str:
        return f"{self.line} of driver {self.driver_id} in truck {self.truck_id}, {super().__str__()}"
