"""Trucks, their groups, their drivers, and the parameters they are measured with."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from apps.accounts.models import Fleet
from apps.trucks.parameters import OF_FLEET, check_values

CODE = RegexValidator(r"^[A-Za-z0-9._-]{1,32}$", "1 to 32 letters, digits, dots, underscores or hyphens")


class Truck(models.Model):
    """A Wialon unit. Written by the sync, but for the code and the tank, which staff may correct."""

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="trucks")
    wialon_id = models.BigIntegerField("Wialon id")
    code = models.CharField(max_length=32, validators=[CODE], help_text="names the truck in the API")
    name = models.CharField(max_length=255)
    device_id = models.CharField("device id (IMEI)", max_length=64, blank=True)
    hardware_id = models.BigIntegerField("device type", null=True, editable=False, help_text="Wialon's number of it")
    vin = models.CharField("VIN", max_length=64, blank=True)
    plate = models.CharField(max_length=64, blank=True)
    make = models.CharField(max_length=64, blank=True)
    model = models.CharField(max_length=64, blank=True)
    model_year = models.CharField(max_length=16, blank=True)
    vehicle_class = models.CharField("class in Wialon", max_length=64, blank=True)
    own_class = models.CharField(
        "class", max_length=64, blank=True,
        help_text="its fuel is compared with trucks of the same class; empty: the class that Wialon's profile has",
    )  # fmt: skip
    tank_l = models.FloatField("tank (l)", null=True, blank=True, help_text="turns a fuel level in % into litres")
    left_out_sensors = models.JSONField(
        "sensors left out",
        default=list,
        blank=True,
        help_text="ids of sensors of which no reading is made: duplicates, a tank's sum beside the tank itself",
    )
    sensor_table = models.JSONField(default=dict, editable=False)
    sensor_version = models.CharField(max_length=32, blank=True, editable=False)
    sensor_problems = models.JSONField(default=list, editable=False)
    is_active = models.BooleanField(default=True, help_text="false once the unit is gone from Wialon")
    created_in_wialon_at = models.DateTimeField(null=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "truck"
        ordering = ["fleet", "code"]
        indexes = [models.Index(fields=["fleet", "is_active", "code"], name="truck_active")]
        constraints = [
            models.UniqueConstraint(fields=["fleet", "wialon_id"], name="truck_wialon_id_once"),
            models.UniqueConstraint(fields=["fleet", "code"], name="truck_code_once"),
        ]

    def __str__(self) -> str:
        return self.name


class SensorTableVersion(models.Model):
    """A sensor table as a truck had it, with all that its readings depended on. Written once, when it is first seen."""

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="+")
    truck = models.ForeignKey(Truck, on_delete=models.CASCADE, related_name="sensor_table_versions")
    version = models.CharField(max_length=32)
    definitions = models.JSONField(help_text="the unit's `sens` as Wialon sent it")
    tank_l = models.FloatField(null=True)
    left_out = models.JSONField(default=list, help_text="ids of the sensors of which no reading was made")
    events = models.JSONField(
        default=list, help_text="measure, parameter and value of the device's events, where named"
    )
    first_seen_at = models.DateTimeField()

    class Meta:
        db_table = "sensor_table_version"
        ordering = ["truck", "-first_seen_at"]
        constraints = [models.UniqueConstraint(fields=["truck", "version"], name="sensor_table_version_once")]

    def __str__(self) -> str:
        return f"{self.truck}: {self.version}"


class UnitCounters(models.Model):
    """The unit's own counters of mileage and engine hours, as Wialon had them when units were last read.

    Written by `units`, one row a truck, and no part of any figure: what they are worth is for `cfl` to say.
    """

    truck = models.OneToOneField(Truck, on_delete=models.CASCADE, primary_key=True, related_name="counters")
    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="+")
    flags = models.BigIntegerField(help_text="how they are counted: Wialon's `cfl`")
    mileage_km = models.FloatField(null=True)
    engine_hours = models.FloatField(null=True)
    at = models.DateTimeField(null=True, help_text="when the unit's last message was made: they are as of then")

    class Meta:
        db_table = "unit_counters"
        verbose_name_plural = "unit counters"

    def __str__(self) -> str:
        return f"counters of {self.truck}"


class TruckGroup(models.Model):
    """A Wialon unit group."""

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="truck_groups")
    wialon_id = models.BigIntegerField("Wialon id")
    name = models.CharField(max_length=255)
    trucks = models.ManyToManyField(Truck, related_name="groups", blank=True, db_table="truck_group_truck")

    class Meta:
        db_table = "truck_group"
        ordering = ["fleet", "name"]
        constraints = [models.UniqueConstraint(fields=["fleet", "wialon_id"], name="truck_group_once")]

    def __str__(self) -> str:
        return self.name


class Driver(models.Model):
    """A driver of a Wialon resource; ids are unique only inside their resource. Kept when gone, for the history."""

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="drivers")
    resource_id = models.BigIntegerField("Wialon resource id")
    wialon_id = models.BigIntegerField("Wialon id")
    code = models.CharField(max_length=32, validators=[CODE], help_text="names the driver in the API")
    name = models.CharField(max_length=255)
    key_card = models.CharField(max_length=64, blank=True)
    is_active = models.BooleanField(default=True, help_text="false once the driver is gone from Wialon")
    truck = models.ForeignKey(Truck, on_delete=models.SET_NULL, null=True, blank=True, related_name="drivers")
    bound_at = models.DateTimeField(null=True, blank=True, help_text="when it was last bound to or freed from a truck")

    class Meta:
        db_table = "driver"
        ordering = ["fleet", "name"]
        constraints = [
            models.UniqueConstraint(fields=["fleet", "resource_id", "wialon_id"], name="driver_once"),
            models.UniqueConstraint(fields=["fleet", "code"], name="driver_code_once"),
        ]

    def __str__(self) -> str:
        return self.name


class ParameterSet(models.Model):
    """Detection parameters in force from a day on, for a fleet or one of its trucks; absent ones keep their default."""

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="parameter_sets")
    truck = models.ForeignKey(Truck, on_delete=models.CASCADE, null=True, blank=True, related_name="parameter_sets")
    effective_from = models.DateField()
    values = models.JSONField(default=dict, help_text='e.g. {"speed_limit_kmh": 90}; see docs/metrics.md')

    class Meta:
        db_table = "parameter_set"
        ordering = ["fleet", "effective_from", "truck"]
        constraints = [models.UniqueConstraint(fields=["fleet", "truck", "effective_from"], name="parameter_set_once")]

    def __str__(self) -> str:
        return f"{self.truck or self.fleet} from {self.effective_from}"

    def clean(self) -> None:
        if not isinstance(self.values, dict):
            raise ValidationError({"values": "an object of parameter names and numbers"})
        try:
            check_values(self.values)
        except ValueError as error:
            raise ValidationError({"values": str(error)}) from error
        if self.truck is not None and self.truck.fleet_id != self.fleet_id:
            raise ValidationError({"truck": "belongs to another fleet"})
        if self.truck is not None and (names := sorted(OF_FLEET & self.values.keys())):
            raise ValidationError({"truck": f"the whole fleet's alone may be: {', '.join(names)}"})
        self._check_once()

    def _check_once(self) -> None:
        # A unique key takes any number of nulls, so the fleet-wide rows need a look of their own.
        same = ParameterSet.objects.filter(fleet=self.fleet_id, truck=self.truck_id, effective_from=self.effective_from)
        if same.exclude(pk=self.pk).exists():
            raise ValidationError({"effective_from": "there are parameters from this day on already"})
