"""Faults that are active now, and who has taken note of them."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.admin_base import DASH, column, local_time
from apps.fleet.admin import list_files
from apps.fleet.admin.events import SEVERITIES
from apps.fleet.admin.period import OneFleetFilter
from apps.fleet.admin.rows import RowAdmin, figure_column
from apps.trucks import facts
from apps.trucks.detection.faults import failure
from apps.trucks.detection.spn import suspect
from apps.trucks.models import FaultAcknowledgement
from apps.trucks.models.views import OpenFaultRow

_CODE = ("spn", "fmi", "source")


@admin.register(OpenFaultRow)
class OpenFaultAdmin(RowAdmin):
    file_of = list_files.OPEN_FAULTS
    list_display = ["name", "suspect", "of", "mode", "failure", "severe", "opened", "acknowledged"]
    list_filter = [OneFleetFilter, "severity"]
    ordering = ["-fleet_id", "-truck_id", "spn", "fmi", "source"]
    sections = {"Fault": "spn fmi source severity", "When and where it opened": "opened_at lat lon"}
    actions = ["acknowledge"]
    when_empty = "No device tells of an active fault now."
    suspect, mode = figure_column("spn"), figure_column("fmi")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OpenFaultRow]:
        faults: QuerySet[OpenFaultRow] = super().get_queryset(request)
        when, who = (Subquery(_acknowledgements().values(name)[:1]) for name in ("acknowledged_at", "acknowledged_by"))
        return faults.annotate(acknowledged_at=when, acknowledged_by=who)

    def has_acknowledge_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("trucks.add_faultacknowledgement"))

    @admin.action(description="Acknowledge", permissions=["acknowledge"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[OpenFaultRow]) -> None:
        selected: list[Any] = list(queryset)
        faults = [fault for fault in selected if fault.acknowledged_at is None]
        with transaction.atomic():
            FaultAcknowledgement.objects.bulk_create(
                FaultAcknowledgement(
                    fleet_id=fault.fleet.pk,
                    truck_id=fault.truck.pk,
                    **{name: getattr(fault, name) for name in _CODE},
                    acknowledged_at=timezone.now(),
                    acknowledged_by=request.user.get_username(),
                )
                for fault in faults
            )
            for fleet_id in sorted({fault.fleet.pk for fault in faults}):
                facts.changed(fleet_id)
        self.message_user(request, f"{len(faults)} acknowledged.", messages.SUCCESS)

    @column("Of")
    def of(self, fault: Any) -> str:
        return suspect(fault.spn) or DASH

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
        if fault.acknowledged_at is None:
            return DASH
        return f"{local_time(fault.acknowledged_at, fault.fleet.zone)}, {fault.acknowledged_by}"


def _acknowledgements() -> QuerySet[FaultAcknowledgement]:
    """Those of an opening, the first of them first: an earlier one was of an opening before."""
    same = {name: OuterRef(name) for name in (*_CODE, "fleet_id", "truck_id")}
    found = FaultAcknowledgement.objects.filter(**same, acknowledged_at__gte=OuterRef("opened_at"))
    return found.order_by("acknowledged_at")
