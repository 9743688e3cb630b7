"""Trucks, their groups and their drivers: written by the sync, but for what staff may correct."""

import datetime as dt
import time
from typing import Any

import orjson
from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.http import urlencode
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from apps.accounts.admin_base import (
    DASH,
    ActiveFilter,
    FleetFilter,
    FleetScopedAdmin,
    ReadOnly,
    RowForm,
    column,
    local_time,
    table,
)
from apps.accounts.calendar import day_of
from apps.accounts.scope import fleets_of
from apps.trucks.admin.marking import tell_marked
from apps.trucks.admin.status import STATUSES, with_status
from apps.trucks.detection.counters import CounterSource, hours_source, mileage_source
from apps.trucks.invalidation import mark_fleet
from apps.trucks.models import (
    Driver,
    DriverAssignment,
    LatestValues,
    SensorTableVersion,
    Truck,
    TruckGroup,
    TruckSync,
    UnitCounters,
)
from apps.trucks.sensor_tables import SensorTables, table_of
from apps.trucks.sensors import SensorDefinition
from apps.trucks.sensors.kinds import kind_of

REBUILT_DAYS = 35
SHOWN_ASSIGNMENTS = 50
COUNTED_BY = {
    CounterSource.SENSOR: "by a sensor of the vehicle",
    CounterSource.RELATIVE_SENSOR: "by a sensor of the vehicle, from message to message",
    CounterSource.GPS: "by GPS: no measurement of the odometer",
    CounterSource.GPS_IGNITION: "by GPS while the ignition is on: no measurement of the odometer",
    CounterSource.IGNITION: "by ignition: no measurement of the engine-hour counter",
    CounterSource.MANUAL: "not at all: as somebody last set it",
    CounterSource.UNKNOWN: "in a way that is not known",
}


class GroupFilter(admin.SimpleListFilter):
    title = parameter_name = "group"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        groups = TruckGroup.objects.filter(fleet__in=[fleet.pk for fleet in fleets_of(request)]).order_by("name")
        return [(str(pk), name) for pk, name in groups.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Truck]) -> QuerySet[Truck]:
        chosen = [pk for pk, _ in self.lookup_choices if pk == self.value()]
        return queryset.filter(groups__in=chosen) if self.value() else queryset


class SensorFilter(admin.SimpleListFilter):
    title, parameter_name = "sensors", "sensors"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("problems", "with problems"), ("fine", "without problems")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Truck]) -> QuerySet[Truck]:
        match self.value():
            case "problems":
                return queryset.exclude(sensor_problems=[])
            case "fine":
                return queryset.filter(sensor_problems=[])
        return queryset


class StatusFilter(admin.SimpleListFilter):
    title, parameter_name = "what it does now", "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status, status) for status in STATUSES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Truck]) -> QuerySet[Truck]:
        return queryset.filter(Q(doing=self.value())) if self.value() else queryset


class TruckForm(RowForm):
    """Offers those of the unit's own sensors of which a reading could be made."""

    left_out_sensors = forms.TypedMultipleChoiceField(
        label="Left out of the readings",
        coerce=int,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Of several tanks the levels are added up, of other sensors the first counts: tick what is doubled."
        " The truck's whole past is evaluated anew with the next synchronisation.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "left_out_sensors" in self.fields:
            definitions = table_of(self.instance).definitions
            choice: Any = self.fields["left_out_sensors"]
            choice.choices = [(each.id, _described(each)) for each in definitions if kind_of(each) is not None]


def _described(sensor: SensorDefinition) -> str:
    return f"{sensor.name or sensor.id} ({sensor.type}{f', {sensor.unit}' if sensor.unit else ''})"


_OWN_FIELDS = [
    "name", "code", "tank_l", "own_class", "doing", "last_message", "known_until", "active", "elsewhere",
]  # fmt: skip
_WIALON_FIELDS = [
    "fleet", "make", "model", "model_year", "vehicle_class", "plate", "vin", "device_id", "wialon_id", "counted",
]  # fmt: skip
_EDITABLE = ("code", "tank_l", "own_class", "left_out_sensors")


@admin.register(Truck)
class TruckAdmin(FleetScopedAdmin):
    list_display = ["name", "code", "fleet", "doing", "last_message", "problem_count", "active"]
    list_filter = [FleetFilter, StatusFilter, GroupFilter, SensorFilter, ("is_active", ActiveFilter)]
    search_fields = ["name", "code", "plate", "vin", "device_id"]
    search_help_text = "Name, code, plate, VIN or IMEI"
    deferred = ("fleet__wialon_token", "sensor_table")
    form = TruckForm
    ordering = ["fleet", "code"]
    actions = ["rebuild"]
    fieldsets = [
        (None, {"fields": _OWN_FIELDS}),
        ("As Wialon has it", {"fields": _WIALON_FIELDS}),
        ("Sensors", {"fields": ["left_out_sensors", "problems", "latest_values", "versions"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Truck]:
        return with_status(super().get_queryset(request))

    def get_readonly_fields(self, request: HttpRequest, obj: Truck | None = None) -> list[str]:
        names = [name for _, part in self.fieldsets for name in part["fields"]]
        return [name for name in names if name not in _EDITABLE]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # the sync finds them in Wialon

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Truck, form: Any, change: bool) -> None:
        tables = SensorTables(obj.fleet_id)
        tables.renew(obj)
        super().save_model(request, obj, form, change)
        tables.keep_version(obj)
        if "tank_l" in form.changed_data:
            tell_marked(self, request, mark_fleet(obj.fleet_id, dt.date.min, "tank", obj.pk))

    @admin.action(description=f"Rebuild the last {REBUILT_DAYS} days", permissions=["change"])
    def rebuild(self, request: HttpRequest, queryset: QuerySet[Truck]) -> None:
        days = 0
        for truck in queryset:
            since = day_of(time.time(), truck.fleet.zone) - dt.timedelta(days=REBUILT_DAYS - 1)
            days += mark_fleet(truck.fleet_id, since, "staff", truck.pk)
        tell_marked(self, request, days)

    @column("Now", order="doing", colours=STATUSES)
    def doing(self, truck: Any) -> str:
        return str(truck.doing)

    @column("Last message", order="latest_t")
    def last_message(self, truck: Any) -> str:
        return local_time(truck.latest_t, truck.fleet.zone)

    @column("Synchronised up to")
    def known_until(self, truck: Truck) -> str:
        sync = TruckSync.objects.filter(truck_id=truck.pk).first()
        if sync is None:
            return DASH
        until = local_time(sync.known_until, truck.fleet.zone)
        return f"{until}; last attempt failed: {sync.last_error}" if sync.last_error else until

    @column("Look at")
    def elsewhere(self, truck: Truck) -> str:
        pages = {"truck-days": "truckdayrow", "trips": "triprow", "refuels and drains": "fueleventrow"}
        query = urlencode({"fleet": str(truck.fleet_id), "q": truck.code})
        links = ((f"{reverse(f'admin:trucks_{model}_changelist')}?{query}", words) for words, model in pages.items())
        return format_html_join(" · ", '<a class="link" href="{}">{}</a>', links)

    @column("Sensor problems")
    def problem_count(self, truck: Truck) -> str:
        return str(len(truck.sensor_problems)) if truck.sensor_problems else DASH

    @column("Problems")
    def problems(self, truck: Truck) -> str:
        """What of the sensor table cannot be evaluated, or should be known."""
        rows = ((name or sensor_id, reason) for sensor_id, name, reason in truck.sensor_problems)
        return table(["Sensor", "Problem"], rows, "none: every sensor of the unit is understood")

    @column("Unit's counters")
    def counted(self, truck: Truck) -> str:
        """What Wialon's own counters say, and what that is worth."""
        row = UnitCounters.objects.filter(truck=truck).first()
        if row is None:
            return DASH
        found = (
            ("Mileage", row.mileage_km, "km", mileage_source(row.flags)),
            ("Engine hours", row.engine_hours, "h", hours_source(row.flags)),
        )
        rows = (
            (name, DASH if value is None else f"{value:,.1f} {unit}", COUNTED_BY[source])
            for name, value, unit, source in found
        )
        return table(["Counter", "Value", "Counted"], rows, DASH)

    @column("Latest values")
    def latest_values(self, truck: Truck) -> str:
        latest = LatestValues.objects.filter(truck_id=truck.pk).first()
        sensors = orjson.loads(latest.document).get("sensors", []) if latest else []
        rows = ((each["name"], _reading(each), _measured_at(each["at"], truck)) for each in sensors)
        return table(["Sensor", "Value", "Measured"], rows, "no message was received yet")

    @column("Sensor tables so far")
    def versions(self, truck: Truck) -> str:
        """What the truck's readings were made with, the newest first."""
        found = truck.sensor_table_versions.order_by("-first_seen_at", "-pk")
        rows = ((each.version, local_time(each.first_seen_at, truck.fleet.zone), _left_out(each)) for each in found)
        return table(["Version", "First seen", "Left out"], rows, "none yet")


def _left_out(version: SensorTableVersion) -> str:
    return ", ".join(map(str, version.left_out)) or DASH


def _reading(sensor: dict[str, Any]) -> str:
    """To people: at most three decimal places, and of a switch what it says."""
    value, unit = sensor["value"], sensor["unit"]
    if value is None:
        return DASH
    if unit.lower() == "on/off" and isinstance(value, int | float):
        return "on" if value else "off"
    shown = f"{round(value, 3):,}".removesuffix(".0") if isinstance(value, float) else str(value)
    return f"{shown} {unit}".strip()


def _measured_at(at: str | None, truck: Truck) -> str:
    return local_time(dt.datetime.fromisoformat(at), truck.fleet.zone, seconds=True) if at else DASH


@admin.register(TruckGroup)
class TruckGroupAdmin(ReadOnly, FleetScopedAdmin):
    list_display = ["name", "fleet", "truck_count"]
    list_filter = [FleetFilter]
    search_fields = ["name"]
    fields = ["name", "fleet", "wialon_id", "members"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TruckGroup]:
        groups: QuerySet[TruckGroup] = super().get_queryset(request)
        return groups.annotate(size=Count("trucks"))

    @column("Trucks", order="size")
    def truck_count(self, group: Any) -> int:
        return int(group.size)

    @column("Trucks")
    def members(self, group: TruckGroup) -> str:
        rows = ((truck.code, truck.name) for truck in group.trucks.order_by("code"))
        return table(["Code", "Truck"], rows, "none")


@admin.register(Driver)
class DriverAdmin(FleetScopedAdmin):
    list_display = ["name", "code", "fleet", "truck", "bound", "key_card", "active"]
    list_filter = [FleetFilter, ("is_active", ActiveFilter)]
    joined, deferred = ("fleet", "truck"), ("fleet__wialon_token", "truck__sensor_table")
    search_fields = ["name", "code", "key_card"]
    search_help_text = "Name, code or key card"
    ordering = ["fleet", "name"]
    fields = ["name", "code", "fleet", "truck", "bound", "key_card", "active", "resource_id", "wialon_id", "trucks"]
    readonly_fields = [name for name in fields if name != "code"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # the sync finds them in Wialon

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # what they drove stays theirs

    @column("Bound or freed", order="bound_at")
    def bound(self, driver: Driver) -> str:
        return local_time(driver.bound_at, driver.fleet.zone)

    @column("Trucks so far")
    def trucks(self, driver: Driver) -> str:
        """What they had last, the newest first."""
        found = driver.assignments.select_related("truck").defer("truck__sensor_table").order_by("-started_at")
        zone = driver.fleet.zone
        rows = (
            (each.truck, local_time(each.started_at, zone), _until(each, driver), each.get_source_display())
            for each in found[:SHOWN_ASSIGNMENTS]
        )
        return table(["Truck", "From", "To", "Source"], rows, "none yet")


def _until(assignment: DriverAssignment, driver: Driver) -> str:
    return local_time(assignment.ended_at, driver.fleet.zone) if assignment.ended_at else "still"
