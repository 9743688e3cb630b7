"""The daily summary of a truck, and the log of days whose summary is out of date."""

from django.db import models
from django.db.models import F
from django.db.models.functions import Coalesce


class DirtyDay(models.Model):
    """The invalidation log: a truck's local day whose inputs changed since it was last summarised.

    Writers insert it or raise its version before they commit their change; a rebuild deletes it only at the version
    it read.
    """

    pk = models.CompositePrimaryKey("fleet_id", "truck_id", "day")
    fleet_id = models.BigIntegerField()
    truck_id = models.BigIntegerField()
    day = models.DateField()
    version = models.PositiveBigIntegerField(default=1)
    cause = models.CharField(max_length=20)
    marked_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0, help_text="failed rebuilds since it was marked")
    retry_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "dirty_day"
        indexes = [models.Index(fields=["fleet_id", "day"], name="dirty_day_order")]

    def __str__(self) -> str:
        return f"truck {self.truck_id}, {self.day}: {self.cause}"


class SummaryRevision(models.Model):
    """How often a fleet's summaries have changed: the revision that answers and ETags carry."""

    fleet_id = models.BigIntegerField(primary_key=True)
    revision = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "summary_revision"

    def __str__(self) -> str:
        return f"revision {self.revision} of fleet {self.fleet_id}"


class FactsRevision(models.Model):
    """How often a fleet's facts have changed, which answers show beside the summaries: names, codes, parameters, …

    A row of its own, so that who renames a truck does not wait for a rebuild. Written by `apps.trucks.facts`.
    """

    fleet_id = models.BigIntegerField(primary_key=True)
    revision = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "facts_revision"

    def __str__(self) -> str:
        return f"revision {self.revision} of the facts of fleet {self.fleet_id}"


class Correction(models.Model):
    """A figure of a truck's day that changed after the day was final. Written by `apps.fleet.summaries`, for good."""

    pk = models.CompositePrimaryKey("fleet_id", "truck_id", "day", "revision", "column")
    fleet_id = models.BigIntegerField()
    truck_id = models.BigIntegerField()
    day = models.DateField()
    revision = models.PositiveBigIntegerField(help_text="the fleet's revision that it came with")
    column = models.CharField(max_length=32, db_column="figure")
    old = models.CharField(max_length=32, null=True)  # noqa: DJ001
    new = models.CharField(max_length=32, null=True)  # noqa: DJ001
    cause = models.CharField(max_length=20, help_text="why the day was computed anew")
    corrected_at = models.DateTimeField()

    class Meta:
        db_table = "correction"
        indexes = [models.Index(fields=["fleet_id", "corrected_at"], name="correction_by_time")]

    def __str__(self) -> str:
        return f"{self.column} of truck {self.truck_id} on {self.day}: {self.old} → {self.new}"


class TruckDayFigures(models.Model):
    """The columns of a truck-day, in the order and with the names of docs/metrics.md."""

    class Status(models.TextChoices):
        PROVISIONAL = "provisional"
        FINAL = "final"
        CORRECTED = "corrected"

    messages = models.PositiveIntegerField()
    fixes = models.PositiveIntegerField()
    dropped_values = models.PositiveIntegerField()
    quarantined = models.PositiveIntegerField()
    moving_s = models.PositiveIntegerField()
    idle_s = models.PositiveIntegerField(null=True)
    idle_productive_s = models.PositiveIntegerField(null=True)
    parked_s = models.PositiveIntegerField()
    no_data_s = models.PositiveIntegerField()
    engine_on_s = models.PositiveIntegerField(null=True)
    night_driving_s = models.PositiveIntegerField(null=True)
    distance_m = models.BigIntegerField(null=True)
    distance_source = models.CharField(max_length=8, null=True)  # noqa: DJ001
    distance_gps_m = models.BigIntegerField(null=True)
    drift_m = models.BigIntegerField(null=True)
    distance_gap_m = models.BigIntegerField(null=True)
    distance_odometer_m = models.BigIntegerField(null=True)
    engine_hours = models.FloatField(null=True)
    counter_resets = models.PositiveIntegerField(null=True)
    fuel_used_l = models.FloatField(null=True)
    fuel_source = models.CharField(max_length=7, null=True)  # noqa: DJ001
    idle_fuel_l = models.FloatField(null=True)
    max_speed_kmh = models.FloatField(null=True)
    trips = models.PositiveIntegerField(null=True)
    stops = models.PositiveIntegerField(null=True)
    idle_events = models.PositiveIntegerField(null=True)
    speeding_minor = models.PositiveIntegerField(null=True)
    speeding_moderate = models.PositiveIntegerField(null=True)
    speeding_severe = models.PositiveIntegerField(null=True)
    speeding_s = models.PositiveIntegerField(null=True)
    harsh_braking = models.PositiveIntegerField(null=True)
    harsh_acceleration = models.PositiveIntegerField(null=True)
    harsh_cornering = models.PositiveIntegerField(null=True)
    refuels = models.PositiveIntegerField(null=True)
    refuel_l = models.FloatField(null=True)
    drains = models.PositiveIntegerField(null=True)
    drain_l = models.FloatField(null=True)
    faults_opened = models.PositiveIntegerField(null=True)
    coverage_pct = models.FloatField(null=True)
    status = models.CharField(max_length=11, choices=Status.choices)
    revision = models.PositiveBigIntegerField()
    computed_at = models.DateTimeField()
    as_of = models.DateTimeField()
    length_s = models.PositiveIntegerField(help_text="length of the local day, or of its part up to as_of")
    is_used = models.BooleanField(help_text="at least 1,600 m or 1,800 s moving")
    available_s = models.PositiveIntegerField(help_text="working hours by calendar, else by parameter; 0: a day off")
    in_workshop = models.BooleanField(default=False, help_text="by what staff entered")
    input_messages = models.PositiveIntegerField(help_text="raw messages in the day, duplicates of a second included")
    input_first_t = models.BigIntegerField(null=True)
    input_last_t = models.BigIntegerField(null=True)
    content_hash = models.CharField(max_length=32, help_text="of the figures and events: equal when nothing changed")
    parameters_version = models.CharField(max_length=16)

    class Meta:
        abstract = True


class TruckDay(TruckDayFigures):
    """One truck, one local day; rebuilt whole by `apps.fleet.summaries`, never edited.

    The key is led by fleet and day because the expensive reads are those of a whole fleet over a month: its rows lie
    together; a single truck's few rows are found by the second index.
    """

    pk = models.CompositePrimaryKey("fleet_id", "day", "truck_id")
    fleet_id = models.BigIntegerField()
    day = models.DateField()
    truck_id = models.BigIntegerField()

    class Meta:
        db_table = "truck_day"
        indexes = [models.Index(fields=["fleet_id", "truck_id", "day"], name="truck_day_of_truck")]
        constraints = [
            models.CheckConstraint(
                name="truck_day_adds_up",
                condition=models.Q(length_s=F("moving_s") + Coalesce(F("idle_s"), 0) + F("parked_s") + F("no_data_s")),
            )
        ]

    def __str__(self) -> str:
        return f"truck {self.truck_id} on {self.day}"
