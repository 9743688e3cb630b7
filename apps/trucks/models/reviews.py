"""What people say of detected events. Rebuilds replace the events and leave these rows alone."""

from django.db import models

from apps.accounts.models import Fleet
from apps.trucks.models.trucks import Truck


class DrainReview(models.Model):
    """What a person said of a drain; of several the last counts. It is of the drain that starts within ten minutes."""

    class Verdict(models.TextChoices):
        CONFIRMED = "confirmed"
        DISMISSED = "dismissed"
        SUSPECTED = "suspected"  # what was said before is taken back

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="+")
    truck = models.ForeignKey(Truck, on_delete=models.CASCADE, related_name="+")
    started_at = models.DateTimeField()
    verdict = models.CharField(max_length=9, choices=Verdict.choices)
    reviewed_at = models.DateTimeField()
    reviewed_by = models.CharField(max_length=150)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "drain_review"
        indexes = [models.Index(fields=["fleet", "truck", "reviewed_at"], name="drain_review_of_truck")]

    def __str__(self) -> str:
        return f"{self.truck}, {self.started_at:%Y-%m-%d %H:%M} UTC: {self.verdict}"


class FaultAcknowledgement(models.Model):
    """Somebody has taken note of a truck's fault: of all its openings up to then, of none after."""

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="+")
    truck = models.ForeignKey(Truck, on_delete=models.CASCADE, related_name="+")
    spn = models.PositiveIntegerField()
    fmi = models.PositiveSmallIntegerField()
    source = models.PositiveSmallIntegerField(default=255)
    acknowledged_at = models.DateTimeField()
    acknowledged_by = models.CharField(max_length=150)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "fault_acknowledgement"
        indexes = [models.Index(fields=["fleet", "truck", "spn", "fmi", "source"], name="acknowledged_fault")]

    def __str__(self) -> str:
        return f"SPN {self.spn}, FMI {self.fmi} of {self.truck}"
