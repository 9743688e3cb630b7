"""How far the sync has come, and what each of its runs did."""

from django.db import models

from apps.accounts.models import Fleet


class FleetSync(models.Model):
    """When a fleet is next due and who holds it now. A worker claims it by changing the row, in database time."""

    fleet = models.OneToOneField(Fleet, on_delete=models.CASCADE, primary_key=True, related_name="sync")
    due_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=64, blank=True)
    units_refreshed_at = models.DateTimeField(null=True)
    bindings_known_until = models.BigIntegerField(
        null=True, help_text="Wialon clock up to which it was asked who was bound to which truck"
    )
    consecutive_failures = models.PositiveIntegerField(default=0)
    refused_logins = models.PositiveIntegerField(
        default=0, help_text="in a row: the token is wrong, expired or revoked"
    )
    owner_told_at = models.DateTimeField(null=True, help_text="when staff was told that logins are refused")

    class Meta:
        db_table = "fleet_sync"

    def __str__(self) -> str:
        return f"sync of {self.fleet}"


class TruckSync(models.Model):
    """A truck's watermark: all that Wialon had up to `known_until` is stored. Moves with the rows."""

    truck_id = models.BigIntegerField(primary_key=True)
    fleet_id = models.BigIntegerField()
    first_t = models.BigIntegerField(null=True, help_text="second of the truck's first stored message")
    cursor_t = models.BigIntegerField(null=True, help_text="second of the newest stored message")
    known_until = models.BigIntegerField(null=True, help_text="Wialon clock up to which the truck is known")
    read_spans = models.JSONField(
        null=True, help_text="reading → first and last second of messages that have it; empty: not known"
    )
    sensor_version = models.CharField(max_length=32, blank=True, help_text="the table that all stored readings are of")
    last_error = models.CharField(max_length=500, blank=True)
    read_from_t = models.BigIntegerField(null=True, help_text="from here on Wialon was asked for messages")
    raw_since_t = models.BigIntegerField(
        null=True, help_text="the floor: days that begin before it are sealed, messages from before it are refused"
    )
    hint_first_t = models.BigIntegerField(null=True, help_text="an event told of messages between these seconds …")
    hint_last_t = models.BigIntegerField(null=True, help_text="… which are still to be loaded")
    surplus = models.JSONField(default=dict, help_text="UTC day → how many messages Wialon has there more than once")
    open_faults = models.BinaryField(
        null=True, help_text="JSON: the faults that are active, as the API sends them; empty: none. Written beside them"
    )
    # Its turn in a pass that several workers share: written by `apps.trucks.sync.shares` alone.
    run_id = models.BigIntegerField(null=True, help_text="the pass in which it is still to be read")
    read_in = models.BigIntegerField(null=True, help_text="the last such pass that has read it")
    told_t = models.BigIntegerField(null=True, help_text="second of the unit's last message, as that pass was told")
    lease_until = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=16, blank=True, help_text="the worker that reads it now")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="how often it was taken and not given back")

    class Meta:
        db_table = "truck_sync"
        indexes = [
            models.Index(fields=["fleet_id", "known_until", "first_t"], name="truck_sync_watermark"),
            models.Index(fields=["run_id"], name="truck_sync_run"),
        ]

    def __str__(self) -> str:
        return f"sync of truck {self.truck_id}"


class FleetWatermark(models.Model):
    """How far a fleet's active trucks are known, counted when it changes instead of with each request.

    Written by `apps.trucks.sync.watermarks` in the transaction that moves a watermark or changes which trucks are
    active. A fleet without a row has no trucks.
    """

    fleet_id = models.BigIntegerField(primary_key=True)
    version = models.PositiveBigIntegerField(default=0, help_text="grows with every change of the row")
    trucks = models.PositiveIntegerField(default=0, help_text="active ones")
    known_until = models.BigIntegerField(null=True, help_text="of the truck that is known the least far")
    steps = models.JSONField(default=list, help_text="[watermark, trucks], ascending, of those that have ever reported")

    class Meta:
        db_table = "fleet_watermark"

    def __str__(self) -> str:
        return f"watermarks of fleet {self.fleet_id}"


class SyncRun(models.Model):
    """One pass of the live sync over one fleet: what was asked, what came, what failed. Backfills have rows too."""

    class Status(models.TextChoices):
        RUNNING = "running"
        OK = "ok"
        PARTIAL = "partial", "some trucks failed"
        FAILED = "failed"
        PAUSED = "paused", "waits for space"  # on the database's disk

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="sync_runs")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RUNNING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    wialon_t = models.BigIntegerField(null=True, help_text="Wialon's clock as it begins: trucks are read up to here")
    looks_back = models.BooleanField(default=False, help_text="holds every truck against Wialon's counts")
    workers = models.PositiveIntegerField(default=1, help_text="that shared in it")
    trucks = models.PositiveIntegerField(default=0)
    trucks_with_news = models.PositiveIntegerField(default=0)
    trucks_failed = models.PositiveIntegerField(default=0)
    messages_loaded = models.PositiveBigIntegerField(default=0)
    messages_new = models.PositiveBigIntegerField(default=0)
    messages_removed = models.PositiveBigIntegerField(default=0, help_text="gone from Wialon, or replaced there")
    messages_quarantined = models.PositiveBigIntegerField(default=0)
    messages_refused = models.PositiveBigIntegerField(
        default=0, help_text="without a usable time: nothing to file them under"
    )
    messages_too_old = models.PositiveBigIntegerField(
        default=0, help_text="from before what is kept: their days are sealed"
    )
    lag_s = models.IntegerField(null=True, help_text="median age of the trucks' newest message at the end of the run")
    error = models.TextField(blank=True)
    truck_errors = models.JSONField(default=list)

    class Meta:
        db_table = "sync_run"
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["fleet", "-started_at"], name="sync_run_latest")]

    def __str__(self) -> str:
        return f"{self.fleet}, {self.started_at:%Y-%m-%d %H:%M:%S}"
