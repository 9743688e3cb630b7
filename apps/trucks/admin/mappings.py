"""Parameters by which devices tell of harsh driving and faults."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.admin_base import FleetFilter, FleetScopedAdmin, column
from apps.trucks.models import EventMapping
from apps.trucks.sensor_tables import apply_mappings
from apps.trucks.sensors.device import DTC


@admin.register(EventMapping)
class EventMappingAdmin(FleetScopedAdmin):
    """A change is applied to stored messages by the next pass of the sync, which marks their days."""

    list_display = ["parameter", "fleet", "device", "measure", "means"]
    list_filter = [FleetFilter, "measure"]
    search_fields = ["parameter"]
    fields = ["fleet", "hardware_id", "measure", "parameter", "value"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else ["fleet"]

    def save_model(self, request: HttpRequest, obj: EventMapping, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            self._apply(request, {obj.fleet_id})

    def delete_model(self, request: HttpRequest, obj: EventMapping) -> None:
        with transaction.atomic():
            super().delete_model(request, obj)
            self._apply(request, {obj.fleet_id})

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[EventMapping]) -> None:
        with transaction.atomic():
            fleets = set(queryset.values_list("fleet_id", flat=True))
            super().delete_queryset(request, queryset)
            self._apply(request, fleets)

    def _apply(self, request: HttpRequest, fleet_ids: set[int]) -> None:
        trucks = sum(map(apply_mappings, fleet_ids))
        text = f"The messages of {trucks:,} trucks are read anew." if trucks else "No truck has such a device now."
        self.message_user(request, text, messages.INFO)

    @column("Device type", order="hardware_id")
    def device(self, mapping: EventMapping) -> str:
        return "all of the fleet" if mapping.hardware_id is None else str(mapping.hardware_id)

    @column("Happens at")
    def means(self, mapping: EventMapping) -> str:
        return "a list of codes" if mapping.measure == DTC else f"{mapping.value:g}"
