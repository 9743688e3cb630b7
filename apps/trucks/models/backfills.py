"""Periods that are read or computed anew, and how far each has come."""

from django.db import models

from apps.accounts.models import Fleet


class Backfill(models.Model):
    """A period of a fleet that is read anew from Wialon, or computed anew from what is stored.

    Made by whoever asks for it; its counts move with the rows of its truck-days, in one transaction.
    """

    class Kind(models.TextChoices):
        RESYNC = "resync", "read anew from Wialon"
        REBUILD = "rebuild", "computed anew from stored messages"

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"
        FAILED = "failed", "some days failed"

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="backfills")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    first_t = models.BigIntegerField(help_text="first second, UTC")
    last_t = models.BigIntegerField(help_text="last second, UTC")
    first_day = models.DateField()
    last_day = models.DateField()
    truck_ids = models.JSONField(null=True, help_text="null: all that were active when it was asked for")
    requested_by = models.CharField(max_length=150)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.QUEUED)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True, help_text="Wialon was busy or away")
    days_total = models.PositiveIntegerField(default=0, help_text="truck-days")
    days_sealed = models.PositiveIntegerField(default=0, help_text="left out: their messages are no longer kept")
    days_done = models.PositiveIntegerField(default=0)
    days_failed = models.PositiveIntegerField(default=0)
    messages_loaded = models.PositiveBigIntegerField(default=0)
    messages_new = models.PositiveBigIntegerField(default=0)
    messages_removed = models.PositiveBigIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True, help_text="the last one")

    class Meta:
        db_table = "backfill"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["fleet", "-id"], name="backfill_latest"),
            models.Index(fields=["status", "not_before"], name="backfill_due"),
        ]

    def __str__(self) -> str:
        return f"{self.fleet}, {self.first_day} to {self.last_day}"

    @property
    def is_over(self) -> bool:
        return self.status not in (self.Status.QUEUED, self.Status.RUNNING)

    @property
    def days_over(self) -> int:
        """Truck-days that nothing more is done about."""
        return self.days_done + self.days_failed


class BackfillDay(models.Model):
    """One truck-day of a backfill. A worker claims some of them by a lease, in the database's time."""

    class State(models.TextChoices):
        QUEUED = "queued"
        MARKED = "marked", "marked for rebuild"
        DONE = "done"
        FAILED = "failed"

    pk = models.CompositePrimaryKey("fleet_id", "backfill_id", "truck_id", "day")
    fleet_id = models.BigIntegerField()
    backfill_id = models.BigIntegerField()
    truck_id = models.BigIntegerField()
    day = models.DateField()
    state = models.CharField(max_length=6, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_owner = models.CharField(max_length=16, blank=True)
    lease_until = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "backfill_day"
        indexes = [models.Index(fields=["fleet_id", "backfill_id", "state", "finished_at"], name="backfill_day_state")]

    def __str__(self) -> str:
        return f"truck {self.truck_id}, {self.day}"
