"""Raw history and the latest values. Instants are UTC seconds, as Wialon sends them."""

from django.db import models
from django.db.models.functions import SHA1


class Message(models.Model):
    """One raw Wialon data message of one truck, with the readings its sensor table gave.

    Written once by the sync. The digest tells apart messages of the same second; the payload keeps the message as it
    came, so that a corrected sensor table can be applied to the past.
    """

    pk = models.CompositePrimaryKey("fleet_id", "truck_id", "t", "digest")
    fleet_id = models.BigIntegerField()
    truck_id = models.BigIntegerField()
    t = models.BigIntegerField()
    digest = models.BigIntegerField()
    received_t = models.BigIntegerField(null=True)
    flags = models.BigIntegerField()
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    speed_kmh = models.FloatField(null=True)
    course_deg = models.FloatField(null=True)
    altitude_m = models.FloatField(null=True)
    satellites = models.IntegerField(null=True)
    ignition = models.BooleanField(null=True)  # noqa: DJ001
    rpm = models.FloatField(null=True)
    voltage = models.FloatField(null=True)
    odometer_m = models.BigIntegerField(null=True)
    fuel_used_l = models.FloatField(null=True)
    fuel_level_l = models.FloatField(null=True)
    engine_hours_h = models.FloatField(null=True)
    pto = models.BooleanField(null=True)
    harsh = models.PositiveSmallIntegerField(null=True, help_text="what the device says of harsh driving, in bits")
    dtc = models.CharField(max_length=1000, null=True, help_text="active faults by the device")  # noqa: DJ001
    dropped = models.PositiveSmallIntegerField(default=0)
    sensor_version = models.CharField(max_length=32)
    payload = models.BinaryField()

    class Meta:
        db_table = "message"

    def __str__(self) -> str:
        return f"truck {self.truck_id} at {self.t}"


class PackedDay(models.Model):
    """What `message` says of one truck's UTC day, in columns: a copy for whoever computes days of the past.

    Written by `settled.pack_settled_days`. Whoever changes one of the messages takes it away.
    """

    pk = models.CompositePrimaryKey("fleet_id", "truck_id", "day")
    fleet_id = models.BigIntegerField()
    truck_id = models.BigIntegerField()
    day = models.IntegerField(help_text="days since 1970, UTC")
    layout = models.PositiveSmallIntegerField(help_text="how the content is made; of another layout it is as if absent")
    content = models.BinaryField()

    class Meta:
        db_table = "packed_day"

    def __str__(self) -> str:
        return f"truck {self.truck_id}, {self.day} days after 1970"


class QuarantinedMessage(models.Model):
    """A message from the future: counted on the day it was first seen, never used."""

    pk = models.CompositePrimaryKey("fleet_id", "truck_id", "day", "t", "digest")
    fleet_id = models.BigIntegerField()
    truck_id = models.BigIntegerField()
    day = models.DateField()
    t = models.BigIntegerField()
    digest = models.BigIntegerField()
    payload = models.BinaryField()

    class Meta:
        db_table = "quarantined_message"

    def __str__(self) -> str:
        return f"truck {self.truck_id}: {self.t}, seen on {self.day}"


class LatestValues(models.Model):
    """A truck as it is now: its state for lists, and one ready JSON document for the API. Written by the sync."""

    truck_id = models.BigIntegerField(primary_key=True)
    fleet_id = models.BigIntegerField()
    t = models.BigIntegerField(null=True, help_text="device time of the last message")
    engine_on = models.BooleanField(null=True)  # noqa: DJ001
    speed_kmh = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    fix_t = models.BigIntegerField(null=True)
    values = models.JSONField(default=dict, help_text="sensor id → [value, second it was measured]")
    document = models.BinaryField(default=b"{}", help_text="JSON: sensors and position, as the API sends them")
    document_sha1 = models.GeneratedField(
        expression=SHA1("document"), output_field=models.CharField(max_length=40), db_persist=True
    )

    class Meta:
        db_table = "latest_values"
        # All that counting a fleet's trucks by state needs: rows are large by their documents.
        indexes = [models.Index(fields=["fleet_id", "t", "engine_on", "speed_kmh"], name="latest_values_state")]

    def __str__(self) -> str:
        return f"latest values of truck {self.truck_id}"
