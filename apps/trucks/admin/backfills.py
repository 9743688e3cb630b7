"""Backfills: start one, see how far it is, cancel it."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.accounts.admin_base import DASH, FleetFilter, FleetScopedAdmin, RowForm, column, local_time, table
from apps.accounts.calendar import day_bounds
from apps.accounts.models import Fleet
from apps.trucks import backfills
from apps.trucks.models import Backfill, Truck

STATES = {"queued": "info", "running": "info", "done": "success", "cancelled": "warning", "some days failed": "danger"}
OPEN = (Backfill.Status.QUEUED, Backfill.Status.RUNNING)
_FIELD_OF = {"from": "first_day", "to": "last_day"}


class BackfillForm(RowForm):
    """Asks for a period; the rows of its truck-days are made with it."""

    codes = forms.CharField(
        label="Trucks",
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text="codes, separated by spaces, commas or line breaks; empty: all active trucks",
    )

    class Meta:
        model = Backfill
        fields = ["fleet", "kind", "first_day", "last_day"]
        labels = {"first_day": "From", "last_day": "To"}
        help_texts = {
            "kind": "Reading anew finds what was edited or deleted in Wialon. Computing anew asks Wialon for nothing.",
            "last_day": "included",
        }

    def clean(self) -> None:
        super().clean()
        if self.errors:
            return
        fleet = self.cleaned_data["fleet"]
        trucks = self._trucks(fleet)
        if not self.errors:
            self._create(fleet, trucks)

    def _trucks(self, fleet: Fleet) -> list[Truck] | None:
        codes = self.cleaned_data["codes"].replace(",", " ").split()
        found = {truck.code: truck for truck in Truck.objects.filter(fleet=fleet, code__in=codes)}
        if unknown := [code for code in codes if code not in found]:
            self.add_error("codes", f"{fleet} has no truck {', '.join(unknown[:10])}")
        return list(found.values()) if codes else None

    def _create(self, fleet: Fleet, trucks: list[Truck] | None) -> None:
        """Makes it here, where what is refused can still be shown beside its field."""
        data = self.cleaned_data
        first_t, last_t = day_bounds(data["first_day"], fleet.zone)[0], day_bounds(data["last_day"], fleet.zone)[1] - 1
        try:
            self.instance = backfills.create(fleet, data["kind"], first_t, last_t, trucks, self.requested_by)
        except backfills.BackfillRefused as refused:
            self.add_error(_FIELD_OF[refused.field], str(refused))

    requested_by = ""


@admin.register(Backfill)
class BackfillAdmin(FleetScopedAdmin):
    """Started and cancelled, never edited: what was read, and for whom, stays to be seen."""

    form = BackfillForm
    when_empty = "A backfill loads days again from Wialon, or brings what lies further back than the first sync went."
    list_display = ["asked", "fleet", "what", "period", "state", "progress", "requested_by", "problem"]
    list_filter = [FleetFilter, "status", "kind"]
    ordering = ["-pk"]
    actions = ["cancel"]
    change_form_outer_before_template = "trucks/cancel_backfill.html"
    fields = ["fleet", "kind", "first_day", "last_day", "codes"]

    def get_fields(self, request: HttpRequest, obj: Backfill | None = None) -> list[str]:
        if obj is None:
            return self.fields
        shown = ["fleet", "what", "period", "trucks", "requested_by", "state", "progress", "done_at", "loaded"]
        return [*shown, "asked", "started", "finished", "failed_days"]

    def get_readonly_fields(self, request: HttpRequest, obj: Backfill | None = None) -> list[str]:
        return [] if obj is None else self.get_fields(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.requested_by = request.user.get_username()
        return form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("trucks.change_backfill"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.cancel_one))
        return [path("<int:pk>/cancel/", view, name="trucks_backfill_cancel"), *super().get_urls()]

    def cancel_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The same as the action, from the page of the backfill."""
        row = self.get_object(request, str(pk))
        if row is None:
            raise Http404
        if not self.has_cancel_permission(request):
            raise PermissionDenied
        self.cancel(request, self.get_queryset(request).filter(pk=pk))
        return redirect(reverse("admin:trucks_backfill_change", args=[pk]))

    def save_model(self, request: HttpRequest, obj: Backfill, form: BackfillForm, change: bool) -> None:
        """The form has made it, with the rows of its days."""

    def response_add(self, request: HttpRequest, obj: Backfill, post_url_continue: str | None = None) -> HttpResponse:
        text = f"{obj.days_total:,} truck-days are queued; a worker begins within seconds."
        self.message_user(request, text, messages.SUCCESS)
        return redirect(reverse("admin:trucks_backfill_change", args=[obj.pk]))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        context.update(show_save_and_add_another=False, show_save_and_continue=False)
        row = kwargs.get("obj")
        if row and row.status in OPEN and self.has_cancel_permission(request):
            context["cancel_address"] = reverse("admin:trucks_backfill_cancel", args=[row.pk])
        return super().render_change_form(request, context, **kwargs)

    @admin.action(description="Cancel", permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Backfill]) -> None:
        ended = sum(backfills.cancel(each) for each in queryset)
        self.message_user(request, f"{ended} cancelled; what was done stays.", messages.SUCCESS)
        if over := queryset.count() - ended:
            self.message_user(request, f"{over} over already.", messages.WARNING)

    @column("Asked for", order="pk")
    def asked(self, row: Backfill) -> str:
        return local_time(row.created_at, row.fleet.zone)

    @column("What", order="kind")
    def what(self, row: Backfill) -> str:
        return row.get_kind_display()

    @column("Period", order="first_day")
    def period(self, row: Backfill) -> str:
        return str(row.first_day) if row.first_day == row.last_day else f"{row.first_day} – {row.last_day}"

    @column("Trucks")
    def trucks(self, row: Backfill) -> str:
        if row.truck_ids is None:
            return "all that were active"
        return ", ".join(Truck.objects.filter(pk__in=row.truck_ids).order_by("code").values_list("code", flat=True))

    @column("Status", order="status", colours=STATES)
    def state(self, row: Backfill) -> str:
        return row.get_status_display().lower()

    @column("Progress")
    def progress(self, row: Backfill) -> SafeString:
        done, total = row.days_over, row.days_total
        # Without a total its days are not counted yet, or it has none.
        filled, most = (done, total) if total else (int(row.finished_at is not None), 1)
        bar = '<progress class="progress" max="{}" value="{}" aria-label="{} %"></progress> {} of {} truck-days'
        if row.days_failed:
            bar += f", {row.days_failed:,} of them failed"
        if row.days_sealed:
            bar += f", {row.days_sealed:,} more are sealed"
        return format_html(bar, most, filled, 100 * filled // most, f"{done:,}", f"{total:,}")

    @column("Will be done")
    def done_at(self, row: Backfill) -> str:
        """At the pace of the last five minutes."""
        end = backfills.eta(row)
        if end is None:
            return DASH
        left = max(dt.timedelta(), end - timezone.now())
        return f"{local_time(end, row.fleet.zone, seconds=True)}, in {_duration(left)}"

    @column("Messages", figure=True)
    def loaded(self, row: Backfill) -> str:
        if row.kind != Backfill.Kind.RESYNC:
            return DASH
        return f"{row.messages_loaded:,} read, {row.messages_new:,} new, {row.messages_removed:,} removed"

    @column("Started")
    def started(self, row: Backfill) -> str:
        return local_time(row.started_at, row.fleet.zone, seconds=True)

    @column("Over")
    def finished(self, row: Backfill) -> str:
        return local_time(row.finished_at, row.fleet.zone, seconds=True)

    @column("Problem")
    def problem(self, row: Backfill) -> str:
        return row.error or DASH

    @column("Problems by day")
    def failed_days(self, row: Backfill) -> str:
        failed = backfills.failures(row)
        codes = dict(Truck.objects.filter(pk__in={pk for pk, _, _ in failed}).values_list("pk", "code"))
        return table(
            ["Truck", "Day", "Error"], ((codes.get(pk, pk), str(day), error) for pk, day, error in failed), "none"
        )


def _duration(left: dt.timedelta) -> str:
    seconds = round(left.total_seconds())
    if seconds < 90:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 5_400 else f"{seconds // 3_600} h {seconds % 3_600 // 60} min"
