"""Scheduled reports: when they are due, what was made, and who got it."""

import datetime as dt
import zoneinfo
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.utils import timezone

from apps.accounts.models import Fleet, validate_timezone
from apps.fleet.reports.schedule import is_due_time, next_due


def validate_recipients(addresses: object) -> None:
    if not isinstance(addresses, list) or not addresses:
        raise ValidationError("a list of at least one mail address")
    for address in addresses:
        validate_email(address)
    if len({address.lower() for address in addresses}) != len(addresses):
        raise ValidationError("an address stands there twice")


class ReportSchedule(models.Model):
    """A mail that goes out every day at a wall time; it covers the day before."""

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="report_schedules")
    name = models.CharField(max_length=80)
    send_at = models.TimeField(help_text="wall time in the schedule's zone")
    timezone = models.CharField(max_length=64, validators=[validate_timezone])
    recipients = models.JSONField(default=list, validators=[validate_recipients], help_text='["name@example.com"]')
    is_active = models.BooleanField(default=True)
    next_due_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "report_schedule"
        ordering = ["fleet", "name"]
        constraints = [models.UniqueConstraint(fields=["fleet", "name"], name="report_schedule_once")]
        indexes = [models.Index(fields=["is_active", "next_due_at"], name="report_schedule_due")]

    def __str__(self) -> str:
        return f"{self.name} ({self.fleet})"

    def save(self, *, update_fields: Any = None, **kwargs: Any) -> None:
        """Keeps `next_due_at` true to the wall time and its zone."""
        self.next_due_at = self.due_after(timezone.now())
        if update_fields is not None:
            update_fields = {*update_fields, "next_due_at"}
        super().save(update_fields=update_fields, **kwargs)

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.timezone)

    def due_after(self, now: dt.datetime) -> dt.datetime | None:
        """The due time it has, if that is one; else the next. Null while inactive: what passes then is not sent."""
        if not self.is_active:
            return None
        send_at = dt.time.fromisoformat(str(self.send_at))  # an unsaved row may hold it as text
        if self.next_due_at is not None and is_due_time(self.next_due_at, send_at, self.zone):
            return self.next_due_at
        return next_due(send_at, self.zone, now)


class ReportRun(models.Model):
    """One due time of one schedule: its period, its files, its state. Made once, whoever makes it."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RENDERED = "rendered", "rendered, being delivered"
        DONE = "done"
        FAILED = "failed"

    schedule = models.ForeignKey(ReportSchedule, on_delete=models.CASCADE, related_name="runs")
    due_at = models.DateTimeField()
    period_from = models.DateField()
    period_to = models.DateField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.QUEUED)
    revision = models.PositiveBigIntegerField(null=True, help_text="of the summaries it was read from")
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "report_run"
        ordering = ["-due_at"]
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="report_run_once")]
        indexes = [models.Index(fields=["status", "lease_until"], name="report_run_waiting")]

    def __str__(self) -> str:
        return f"{self.schedule.name}, due {self.due_at.astimezone(self.schedule.zone):%Y-%m-%d %H:%M %Z}"


class ReportFile(models.Model):
    """A rendered part of a report, stored before the first mail leaves, so that every recipient gets the same."""

    run = models.ForeignKey(ReportRun, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=100)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        db_table = "report_file"
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="report_file_once")]

    def __str__(self) -> str:
        return self.name


class ReportDelivery(models.Model):
    """One recipient of one run. `unknown`: the mail was handed over, but no answer came, so it may have arrived."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        SENDING = "sending"
        SENT = "sent"
        RETRY = "retry"
        FAILED = "failed"
        UNKNOWN = "unknown"

    run = models.ForeignKey(ReportRun, on_delete=models.CASCADE, related_name="deliveries")
    recipient = models.EmailField(max_length=254)
    message_id = models.CharField(max_length=255)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "report_delivery"
        verbose_name_plural = "report deliveries"
        constraints = [models.UniqueConstraint(fields=["run", "recipient"], name="report_delivery_once")]
        indexes = [models.Index(fields=["status", "retry_at"], name="report_delivery_waiting")]

    def __str__(self) -> str:
        return f"{self.recipient}: {self.status}"
