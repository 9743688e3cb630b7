"""What was detected in a truck's history. Rows belong to the local day in which they start and are replaced with it."""

from django.db import models


class DetectedEvent(models.Model):
    """The columns that all detected events share. Without an end it may still go on at the truck's watermark.

    What an open trip, idle event or episode says of itself is as far as it is known; an open stop says only when it
    began, and one that ended after its day was sealed when it ended, too.
    """

    pk = models.CompositePrimaryKey("fleet_id", "truck_id", "started_at")
    fleet_id = models.BigIntegerField()
    truck_id = models.BigIntegerField()
    day = models.DateField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text="empty: it may still go on")
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"truck {self.truck_id} at {self.started_at:%Y-%m-%d %H:%M:%S} UTC"


def _keys(name: str) -> list[models.Index]:
    return [
        models.Index(fields=["fleet_id", "day", "truck_id"], name=f"{name}_of_day"),
        models.Index(fields=["fleet_id", "truck_id", "ended_at"], name=f"{name}_by_end"),
    ]


class Trip(DetectedEvent):
    """From a first moving point until motion is absent or silence too long. The place is that of the start."""

    end_lat = models.FloatField(null=True)
    end_lon = models.FloatField(null=True)
    distance_m = models.BigIntegerField(null=True)
    distance_source = models.CharField(max_length=8, null=True)  # noqa: DJ001
    moving_s = models.PositiveIntegerField()
    idle_s = models.PositiveIntegerField(null=True)
    parked_s = models.PositiveIntegerField()
    no_data_s = models.PositiveIntegerField()
    mean_speed_kmh = models.FloatField(null=True)
    max_speed_kmh = models.FloatField(null=True)
    fuel_l = models.FloatField(null=True)
    driver_id = models.BigIntegerField(null=True, help_text="who had the truck for most of it; empty: not known")

    class Meta:
        db_table = "trip"
        indexes = _keys("trip")


class Stop(DetectedEvent):
    """The time between two trips."""

    idle_s = models.PositiveIntegerField(null=True)
    parked_s = models.PositiveIntegerField(null=True)
    no_data_s = models.PositiveIntegerField(null=True)

    class Meta:
        db_table = "stop"
        indexes = _keys("stop")


class IdleEvent(DetectedEvent):
    """An unbroken stretch with the engine on and the truck still."""

    duration_s = models.PositiveIntegerField()
    productive_s = models.PositiveIntegerField()
    productive_place = models.CharField(max_length=64, null=True, help_text="the first in which it idled")  # noqa: DJ001
    fuel_l = models.FloatField(null=True)
    cost = models.DecimalField(
        max_digits=18, decimal_places=2, null=True, help_text="of the fuel, in the fleet's money"
    )

    class Meta:
        db_table = "idle_event"
        indexes = _keys("idle_event")


class SpeedingEpisode(DetectedEvent):
    """A stretch over the truck's limit."""

    severity = models.CharField(max_length=8)
    limit_kmh = models.FloatField()
    max_speed_kmh = models.FloatField()
    excess_kmh = models.FloatField()
    duration_s = models.PositiveIntegerField()
    distance_m = models.BigIntegerField(null=True)

    class Meta:
        db_table = "speeding_episode"
        indexes = _keys("speeding")


class HarshEvent(DetectedEvent):
    """Harsh braking, acceleration or cornering, by the device or by the speed."""

    pk = models.CompositePrimaryKey("fleet_id", "truck_id", "started_at", "kind")
    kind = models.CharField(max_length=12)
    source = models.CharField(max_length=6)
    speed_kmh = models.FloatField(null=True)
    peak_ms2 = models.FloatField(null=True)

    class Meta:
        db_table = "harsh_event"
        indexes = _keys("harsh_event")


class FaultChange(DetectedEvent):
    """A fault code (DTC) that the device first says is active (`opened`), or no longer says (`cleared`).

    A fault lasts from such a row to the next one of the same code. Rows of both kinds follow from messages that lie
    close together, so that a day is rebuilt without looking for the end of its faults.
    """

    pk = models.CompositePrimaryKey("fleet_id", "truck_id", "started_at", "spn", "fmi", "source")
    spn = models.PositiveIntegerField()
    fmi = models.PositiveSmallIntegerField()
    source = models.PositiveSmallIntegerField(help_text="address of the control unit; 255: not told")
    kind = models.CharField(max_length=7)
    severity = models.CharField(max_length=8)

    class Meta:
        db_table = "fault_change"
        indexes = [
            models.Index(fields=["fleet_id", "day", "truck_id"], name="fault_change_of_day"),
            models.Index(fields=["fleet_id", "truck_id", "spn", "fmi", "source", "started_at"], name="fault_of_code"),
        ]


class OpenFault(models.Model):
    """A fault that is active as far as its truck is known. Kept by `apps.fleet.summaries` beside the changes."""

    pk = models.CompositePrimaryKey("fleet_id", "truck_id", "spn", "fmi", "source")
    fleet_id = models.BigIntegerField()
    truck_id = models.BigIntegerField()
    spn = models.PositiveIntegerField()
    fmi = models.PositiveSmallIntegerField()
    source = models.PositiveSmallIntegerField(help_text="address of the control unit; 255: not told")
    severity = models.CharField(max_length=8)
    opened_at = models.DateTimeField()
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)

    class Meta:
        db_table = "open_fault"

    def __str__(self) -> str:
        return f"truck {self.truck_id}: SPN {self.spn}, FMI {self.fmi}"


class FuelEvent(DetectedEvent):
    """A refuel or a drain: a step in the fuel level."""

    pk = models.CompositePrimaryKey("fleet_id", "truck_id", "started_at", "kind")
    kind = models.CharField(max_length=6)
    level_before_l = models.FloatField()
    level_after_l = models.FloatField()
    litres = models.FloatField()
    review = models.CharField(max_length=9, null=True, help_text="of a drain")  # noqa: DJ001
    cost = models.DecimalField(max_digits=18, decimal_places=2, null=True, help_text="at the price when it started")

    class Meta:
        db_table = "fuel_event"
        indexes = _keys("fuel_event")
