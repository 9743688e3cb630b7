"""Faults that are active now, and who has taken note of them."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.admin_base import DASH, column, local_time
from apps.fleet.admin.events import SEVERITIES
from apps.fleet.admin.period import OneFleetFilter
from apps.fleet.admin.rows import RowAdmin, figure_column
from apps.trucks.faults import failure
from apps.trucks.models import FaultAcknowledgement
from apps.trucks.models.views import OpenFaultRow


@admin.register(OpenFaultRow)
class OpenFaultAdmin(RowAdmin):
    list_display = ["name", "suspect", "mode", "failure", "severe", "opened", "acknowledged"]
    list_filter = [OneFleetFilter, "severity"]
    ordering = ["-fleet_id", "-truck_id", "spn", "fmi", "source"]
    sections = {"Fault": "spn fmi source severity", "When and where it opened": "opened_at lat lon"}
    actions = ["acknowledge"]
    suspect, mode = figure_column("spn"), figure_column("fmi")

    def has_acknowledge_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("trucks.add_faultacknowledgement"))

    @admin.action(description="Acknowledge", permissions=["acknowledge"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[OpenFaultRow]) -> None:
        faults = [fault for fault in queryset if acknowledgement(fault) is None]
        FaultAcknowledgement.objects.bulk_create(
            FaultAcknowledgement(
                fleet_id=fault.fleet.pk,
                truck_id=fault.truck.pk,
                **_code(fault),
                acknowledged_at=timezone.now(),
                acknowledged_by=request.user.get_username(),
            )
            for fault in faults
        )
        self.message_user(request, f"{len(faults)} acknowledged.", messages.SUCCESS)

    @column("What is wrong")
    def failure(self, fault: Any) -> str:
        return failure(fault.fmi)

    @column("Severity", order="severity", colours=SEVERITIES)
    def severe(self, fault: Any) -> str:
        return str(fault.severity)

    @column("Opened", order="opened_at")
    def opened(self, fault: Any) -> str:
        return local_time(fault.opened_at, fault.fleet.zone)

    @column("Acknowledged")
    def acknowledged(self, fault: Any) -> str:
        found = acknowledgement(fault)
        return f"{local_time(found.acknowledged_at, fault.fleet.zone)}, {found.acknowledged_by}" if found else DASH


def acknowledgement(fault: Any) -> FaultAcknowledgement | None:
    """The first of this opening: an earlier one was of an opening before."""
    found = FaultAcknowledgement.objects.filter(fleet=fault.fleet, truck=fault.truck, **_code(fault))
    return found.filter(acknowledged_at__gte=fault.opened_at).order_by("acknowledged_at").first()


def _code(fault: Any) -> dict[str, int]:
    return {name: getattr(fault, name) for name in ("spn", "fmi", "source")}
