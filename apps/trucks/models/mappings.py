"""Which raw parameters tell of harsh driving and faults, where devices do not name them as we do."""

from django.core.exceptions import ValidationError
from django.db import models

from apps.accounts.models import Fleet
from apps.trucks.sensors.device import DTC, MEASURES


class EventMapping(models.Model):
    """A parameter that tells of an event, for one type of device or for all of a fleet.

    Rows of a truck's own device type go before those of the whole fleet, and these before the measure's own name.
    """

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="event_mappings")
    hardware_id = models.BigIntegerField(
        "device type", null=True, blank=True, help_text="Wialon's number of the type; empty: all devices of the fleet"
    )
    measure = models.CharField(max_length=18, choices=[(name, name.replace("_", " ")) for name in MEASURES])
    parameter = models.CharField(max_length=64, help_text="name of the raw parameter, e.g. io_253")
    value = models.FloatField(default=1, help_text="that it has when the event happens; of no matter for faults")

    class Meta:
        db_table = "event_mapping"
        ordering = ["fleet", "hardware_id", "measure"]
        constraints = [
            models.UniqueConstraint(
                fields=["fleet", "hardware_id", "measure", "parameter", "value"], name="event_mapping_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.measure} by {self.parameter}"

    def clean(self) -> None:
        if self.measure == DTC:
            self.value = 1
        same = EventMapping.objects.filter(
            fleet=self.fleet_id,
            hardware_id=self.hardware_id,
            measure=self.measure,
            parameter=self.parameter,
            value=self.value,
        )
        if same.exclude(pk=self.pk).exists():  # a unique key takes any number of nulls
            raise ValidationError({"parameter": "is there already"})
