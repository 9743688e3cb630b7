"""Who had which truck when."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Fleet
from apps.trucks.assignments import Source
from apps.trucks.models.trucks import Driver, Truck


class DriverAssignment(models.Model):
    """A source's word that a driver had a truck from an instant on, up to another or still: [started_at, ended_at).

    Written by `apps.trucks.drivers` alone: a change marks the days on which another driver counts by it.
    """

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="+")
    truck = models.ForeignKey(Truck, on_delete=models.CASCADE, related_name="assignments")
    driver = models.ForeignKey(Driver, on_delete=models.CASCADE, related_name="assignments")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True, help_text="empty: it still goes on")
    source = models.CharField(
        max_length=7,
        choices=[
            (Source.MANUAL.value, "entered by staff"),
            (Source.BINDING.value, "bound in Wialon"),
            (Source.MESSAGE.value, "key card in a message"),
        ],
        default=Source.MANUAL.value,
        editable=False,
    )
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "driver_assignment"
        ordering = ["fleet", "-started_at"]
        indexes = [models.Index(fields=["fleet", "ended_at"], name="assignment_by_end")]
        constraints = [
            models.UniqueConstraint(
                fields=["driver", "truck", "source", "started_at"], name="assignment_of_truck_once"
            ),
            models.CheckConstraint(
                name="assignment_not_empty", condition=Q(ended_at=None) | Q(ended_at__gt=F("started_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.driver}: {self.truck} from {self.started_at.astimezone(self.fleet.zone):%Y-%m-%d %H:%M %Z}"

    def clean(self) -> None:
        if self.ended_at and self.started_at and self.ended_at <= self.started_at:
            raise ValidationError({"ended_at": "is not after the start"})
        for name in ("truck", "driver"):
            chosen = getattr(self, name, None)
            if chosen is not None and chosen.fleet_id != self.fleet_id:
                raise ValidationError({name: "belongs to another fleet"})
        if self.truck_id and self.started_at:
            self._check_alone()

    def _check_alone(self) -> None:
        others = DriverAssignment.objects.filter(Q(ended_at=None) | Q(ended_at__gt=self.started_at), source=self.source)
        if self.ended_at is not None:
            others = others.filter(started_at__lt=self.ended_at)
        if other := others.filter(truck=self.truck_id).exclude(pk=self.pk).first():
            raise ValidationError(f"Staff have entered {other.driver.name} for this truck and a part of this time.")


class DriverLogin(models.Model):
    """A key card that a truck's device has read, by a message. Comes and goes with the message.

    Whose card it was is kept as it was when the message came: cards change hands.
    """

    pk = models.CompositePrimaryKey("fleet_id", "truck_id", "t", "digest")
    fleet_id = models.BigIntegerField()
    truck_id = models.BigIntegerField()
    t = models.BigIntegerField()
    digest = models.BigIntegerField(help_text="of the message")
    key_card = models.CharField(max_length=64, help_text="empty: somebody logged out")
    driver_id = models.BigIntegerField(null=True, help_text="empty: of nobody who is known")

    class Meta:
        db_table = "driver_login"
        indexes = [models.Index(fields=["fleet_id", "driver_id"], name="driver_login_unknown")]

    def __str__(self) -> str:
        return f"key card {self.key_card} in truck {self.truck_id}"
