"""Report schedules, and what became of each report: runs, files, deliveries."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from apps.accounts.admin_base import (
    DASH,
    ActiveFilter,
    FleetFilter,
    FleetScopedAdmin,
    ReadOnly,
    ReadOnlyInline,
    RowForm,
    column,
    local_time,
    table,
)
from apps.accounts.scope import chosen_fleet
from apps.fleet.models import ReportDelivery, ReportFile, ReportRun, ReportSchedule
from apps.fleet.models.reports import validate_recipients
from apps.fleet.reports.runs import start_run_now
from apps.trucks.admin.fleets import zone_choices

RUN_STATES = {"queued": "info", "rendered, being delivered": "info", "done": "success", "failed": "danger"}
DELIVERY_STATES = {"sent": "success", "retry": "warning", "failed": "danger", "unknown": "warning"}


class AddressesField(forms.CharField):
    """A list of mail addresses, one per line."""

    widget = UnfoldAdminTextareaWidget({"rows": 5})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def validate(self, value: Any) -> None:
        validate_recipients(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or []) != self.to_python(data))


class ReportScheduleForm(RowForm):
    timezone = forms.ChoiceField(
        label="Time zone",
        choices=zone_choices,
        widget=UnfoldAdminSelectWidget,
        help_text="of the time of day",
    )
    recipients = AddressesField(help_text="one mail address per line; each gets a mail of their own")

    class Meta:
        model = ReportSchedule
        fields = ["fleet", "name", "send_at", "timezone", "recipients", "is_active"]
        labels = {"is_active": "Active"}
        help_texts = {"send_at": "every day at this time, about the day before"}


@admin.register(ReportSchedule)
class ReportScheduleAdmin(FleetScopedAdmin):
    form = ReportScheduleForm
    list_display = ["name", "fleet", "when", "recipient_count", "active", "next_due", "last_run"]
    list_filter = [FleetFilter, ("is_active", ActiveFilter)]
    search_fields = ["name"]
    actions = ["send_now"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportSchedule]:
        runs = ReportRun.objects.filter(schedule=OuterRef("pk")).order_by("-due_at")
        schedules: QuerySet[ReportSchedule] = super().get_queryset(request)
        return schedules.annotate(last_status=Subquery(runs.values("status")[:1]))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is not None and not self.has_change_permission(request, obj):
            return ["fleet", "name", "when", "addresses", "active", "next_due"]
        fields = ["fleet", "name", "send_at", "timezone", "recipients", "is_active"]
        return fields if obj is None else [*fields, "next_due"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else ["fleet", "when", "addresses", "active", "next_due"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        fleet = chosen_fleet(request)
        initial = super().get_changeform_initial_data(request)
        return {"timezone": fleet.timezone, **initial} if fleet else initial

    @admin.action(description="Send now", permissions=["change"])
    def send_now(self, request: HttpRequest, queryset: QuerySet[ReportSchedule]) -> None:
        active = list(queryset.filter(is_active=True))
        for schedule in active:
            start_run_now(schedule, schedule.recipients)
        count = len(active)
        self.message_user(request, f"{count} queued: the mail goes out within a minute.", messages.SUCCESS)
        if idle := queryset.count() - count:
            self.message_user(request, f"{idle} not sent: inactive.", messages.WARNING)

    @column("Sent at", order="send_at")
    def when(self, schedule: ReportSchedule) -> str:
        return f"{schedule.send_at:%H:%M} {schedule.timezone}"

    @column("Recipients")
    def recipient_count(self, schedule: ReportSchedule) -> int:
        return len(schedule.recipients)

    @column("Recipients")
    def addresses(self, schedule: ReportSchedule) -> str:
        return ", ".join(schedule.recipients)

    @column("Next due", order="next_due_at")
    def next_due(self, schedule: ReportSchedule) -> str:
        return local_time(schedule.next_due_at, schedule.zone)

    @column("Last run", colours=RUN_STATES)
    def last_run(self, schedule: Any) -> str | None:
        return str(ReportRun.Status(schedule.last_status).label).lower() if schedule.last_status else None


class DeliveryInline(ReadOnlyInline):
    model = ReportDelivery
    fields = ["recipient", "status", "attempts", "sent", "error"]
    readonly_fields = fields

    @column("Sent")
    def sent(self, delivery: ReportDelivery) -> str:
        return local_time(delivery.sent_at, delivery.run.schedule.zone)


@admin.register(ReportRun)
class ReportRunAdmin(ReadOnly, FleetScopedAdmin):
    fleet_path = "schedule__fleet"
    list_display = ["schedule", "due", "covers", "state", "delivered", "attempts", "error"]
    list_filter = [FleetFilter, "status"]
    joined, deferred = ("schedule__fleet",), ("schedule__fleet__wialon_token",)
    ordering = ["-due_at"]
    fields = ["schedule", "due", "covers", "state", "attempts", "error", "revision", "finished", "file_list"]
    inlines = [DeliveryInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportRun]:
        sent = Count("deliveries", filter=Q(deliveries__status=ReportDelivery.Status.SENT))
        runs: QuerySet[ReportRun] = super().get_queryset(request)
        return runs.annotate(sent=sent, recipients=Count("deliveries"))

    def get_urls(self) -> list[URLPattern]:
        download = self.admin_site.admin_view(self.download)
        return [
            path("<int:run_id>/files/<int:file_id>/", download, name="fleet_reportfile_download"),
            *super().get_urls(),
        ]

    def download(self, request: HttpRequest, run_id: int, file_id: int) -> HttpResponse:
        """A stored file, to keep rather than to open: its content is not the admin's."""
        if not self.has_view_permission(request):
            raise Http404
        run = get_object_or_404(self.get_queryset(request), pk=run_id)
        file = get_object_or_404(ReportFile, run=run, pk=file_id)
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
        response = HttpResponse(bytes(file.content), content_type=file.content_type, headers=headers)
        response["Content-Disposition"] = f'attachment; filename="{file.name}"'
        return response

    @column("Due", order="due_at")
    def due(self, run: ReportRun) -> str:
        return local_time(run.due_at, run.schedule.zone)

    @column("Covers", order="period_from")
    def covers(self, run: ReportRun) -> str:
        return str(run.period_from) if run.period_from == run.period_to else f"{run.period_from} – {run.period_to}"

    @column("Status", order="status", colours=RUN_STATES)
    def state(self, run: ReportRun) -> str:
        return run.get_status_display().lower()

    @column("Delivered")
    def delivered(self, run: Any) -> str:
        return f"{run.sent} of {run.recipients}"

    @column("Finished")
    def finished(self, run: ReportRun) -> str:
        return local_time(run.finished_at, run.schedule.zone)

    @column("Files")
    def file_list(self, run: ReportRun) -> str:
        files = run.files.defer("content").order_by("name")
        rows = ((_download_link(run, file), file.content_type, file.sha256[:12]) for file in files)
        return table(["File", "Type", "SHA-256"], rows, "not rendered yet")


def _download_link(run: ReportRun, file: ReportFile) -> str:
    address = reverse("admin:fleet_reportfile_download", args=[run.pk, file.pk])
    return format_html('<a class="text-link" href="{}">{}</a>', address, file.name)


@admin.register(ReportDelivery)
class ReportDeliveryAdmin(ReadOnly, FleetScopedAdmin):
    fleet_path = "run__schedule__fleet"
    list_display = ["recipient", "report", "due", "state", "attempts", "sent", "error"]
    list_filter = [FleetFilter, "status"]
    joined, deferred = ("run__schedule__fleet",), ("run__schedule__fleet__wialon_token",)
    search_fields = ["recipient"]
    search_help_text = "Recipient's address"
    ordering = ["-pk"]
    fields = ["recipient", "run", "state", "attempts", "sent", "retry", "error", "message_id"]

    @column("Report")
    def report(self, delivery: ReportDelivery) -> str:
        return str(delivery.run.schedule)

    @column("Due", order="run__due_at")
    def due(self, delivery: ReportDelivery) -> str:
        return local_time(delivery.run.due_at, delivery.run.schedule.zone)

    @column("Status", order="status", colours=DELIVERY_STATES)
    def state(self, delivery: ReportDelivery) -> str:
        return delivery.get_status_display().lower()

    @column("Sent", order="sent_at")
    def sent(self, delivery: ReportDelivery) -> str:
        return local_time(delivery.sent_at, delivery.run.schedule.zone) if delivery.sent_at else DASH

    @column("Next attempt", order="retry_at")
    def retry(self, delivery: ReportDelivery) -> str:
        return local_time(delivery.retry_at, delivery.run.schedule.zone) if delivery.retry_at else DASH
