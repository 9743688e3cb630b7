"""A fleet's days: the sums of its trucks' days, so that a question about the fleet reads a few rows."""

from django.db import models

from apps.fleet.models.costs import SUM_DIGITS, FuelMoney


class Sums(models.Model):
    """Sums over truck-days. `trucks`: how many they are; `as_of`: the earliest.

    `engine_moving_s` and `fuel_distance_m` are the parts of moving time and distance of those truck-days whose engine
    or fuel is measured: the fitting other half of a ratio. `consumption_l` are the litres of those whose distance is,
    `consumption_days` those that have both. `harsh_distance_m` is the distance of those that measure harsh driving of
    any kind.
    """

    trucks = models.PositiveIntegerField(default=0)
    trucks_used = models.PositiveIntegerField(default=0)
    days_working = models.PositiveIntegerField(default=0, help_text="of them working days by the calendar")
    days_used_working = models.PositiveIntegerField(default=0)
    days_workshop = models.PositiveIntegerField(default=0, help_text="not used, and in the workshop")
    days_workshop_working = models.PositiveIntegerField(default=0)
    days_no_data = models.PositiveIntegerField(default=0, help_text="not used, as far as half of the day is known")
    days_no_data_working = models.PositiveIntegerField(default=0)
    length_s = models.BigIntegerField(default=0)
    available_s = models.BigIntegerField(default=0)
    moving_s = models.BigIntegerField(default=0)
    engine_moving_s = models.BigIntegerField(null=True)
    idle_s = models.BigIntegerField(null=True)
    idle_productive_s = models.BigIntegerField(null=True)
    parked_s = models.BigIntegerField(default=0)
    no_data_s = models.BigIntegerField(default=0)
    engine_on_s = models.BigIntegerField(null=True)
    night_driving_s = models.BigIntegerField(null=True)
    messages = models.BigIntegerField(default=0)
    dropped_values = models.BigIntegerField(default=0)
    quarantined = models.BigIntegerField(default=0)
    distance_m = models.BigIntegerField(null=True)
    fuel_used_l = models.FloatField(null=True)
    fuel_distance_m = models.BigIntegerField(null=True)
    consumption_l = models.FloatField(null=True)
    consumption_days = models.PositiveIntegerField(default=0)
    idle_fuel_l = models.FloatField(null=True)
    trips = models.BigIntegerField(null=True)
    stops = models.BigIntegerField(null=True)
    idle_events = models.BigIntegerField(null=True)
    speeding_minor = models.BigIntegerField(null=True)
    speeding_moderate = models.BigIntegerField(null=True)
    speeding_severe = models.BigIntegerField(null=True)
    speeding_s = models.BigIntegerField(null=True)
    harsh_braking = models.BigIntegerField(null=True)
    harsh_acceleration = models.BigIntegerField(null=True)
    harsh_cornering = models.BigIntegerField(null=True)
    harsh_distance_m = models.BigIntegerField(null=True)
    refuels = models.BigIntegerField(null=True)
    refuel_l = models.FloatField(null=True)
    drains = models.BigIntegerField(null=True)
    drain_l = models.FloatField(null=True)
    faults_opened = models.BigIntegerField(null=True)
    as_of = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class FleetDay(Sums, FuelMoney):
    """One fleet, one local day: sums over its truck-days, replaced whole by `apps.fleet.summaries`."""

    pk = models.CompositePrimaryKey("fleet_id", "day")
    fleet_id = models.BigIntegerField()
    day = models.DateField()
    revision = models.PositiveBigIntegerField(default=0)
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "fleet_day"

    def __str__(self) -> str:
        return f"fleet {self.fleet_id} on {self.day}"


class FleetDayCost(models.Model):
    """What one fleet's day cost on one line and from one kind of source."""

    pk = models.CompositePrimaryKey("fleet_id", "day", "line", "source")
    fleet_id = models.BigIntegerField()
    day = models.DateField()
    line = models.CharField(max_length=20)
    source = models.CharField(max_length=9)
    amount = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2)

    class Meta:
        db_table = "fleet_day_cost"

    def __str__(self) -> str:
        return f"{self.line} of fleet {self.fleet_id} on {self.day}"
