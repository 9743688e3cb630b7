"""Who had which truck when: as Wialon tells it, and as staff correct it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.accounts.admin_base import FleetFilter, FleetScopedAdmin, column, local_time
from apps.trucks import drivers
from apps.trucks.admin.marking import tell_marked
from apps.trucks.assignments import Source
from apps.trucks.models import DriverAssignment


@admin.register(DriverAssignment)
class DriverAssignmentAdmin(FleetScopedAdmin):
    """What staff enter goes before what Wialon tells; what Wialon tells is not edited, but outdone."""

    list_display = ["driver", "fleet", "truck", "since", "until", "source", "note"]
    when_empty = "Who drove what comes from Wialon and from key cards; what they do not tell can be entered here."
    list_filter = [FleetFilter, "source"]
    joined, deferred = ("fleet", "truck", "driver"), ("fleet__wialon_token", "truck__sensor_table")
    search_fields = ["driver__name", "driver__code", "truck__name", "truck__code", "note"]
    search_help_text = "Driver, truck or note"
    autocomplete_fields = ["truck", "driver"]
    ordering = ["fleet", "-started_at", "-pk"]
    fields = ["fleet", "truck", "driver", "started_at", "ended_at", "note"]

    def get_fields(self, request: HttpRequest, obj: DriverAssignment | None = None) -> list[str]:
        if obj is None or self.has_change_permission(request, obj):
            return [*self.fields, "source"] if obj else list(self.fields)
        return ["fleet", "truck", "driver", "since", "until", "note", "source"]  # times as the list has them

    def get_readonly_fields(self, request: HttpRequest, obj: DriverAssignment | None = None) -> list[str]:
        return ["fleet", "source", "since", "until"] if obj else []  # a row never changes sides

    def has_change_permission(self, request: HttpRequest, obj: DriverAssignment | None = None) -> bool:
        return super().has_change_permission(request, obj) and _is_manual(obj)

    def has_delete_permission(self, request: HttpRequest, obj: DriverAssignment | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_manual(obj)

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)  # a selection may hold what Wialon tells
        return actions

    def save_model(self, request: HttpRequest, obj: DriverAssignment, form: Any, change: bool) -> None:
        if form.changed_data or not change:
            tell_marked(self, request, drivers.save(obj))

    def delete_model(self, request: HttpRequest, obj: DriverAssignment) -> None:
        tell_marked(self, request, drivers.delete(obj))

    @column("From", order="started_at")
    def since(self, row: DriverAssignment) -> str:
        return local_time(row.started_at, row.fleet.zone)

    @column("To", order="ended_at")
    def until(self, row: DriverAssignment) -> str:
        return local_time(row.ended_at, row.fleet.zone) if row.ended_at else "still"


def _is_manual(row: DriverAssignment | None) -> bool:
    return row is None or row.source == Source.MANUAL
