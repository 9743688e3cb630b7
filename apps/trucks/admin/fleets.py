"""Fleets: the tenants, whose zone decides what a day is."""

import datetime as dt
import time
import zoneinfo
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminURLInputWidget,
    UnfoldBooleanSwitchWidget,
)

from apps.accounts.admin_base import DASH, FleetScopedAdmin, column, local_time
from apps.accounts.calendar import day_of
from apps.accounts.models import SHORTEST_RETENTION_DAYS, Fleet, currency_changing
from apps.trucks.admin.marking import tell_marked
from apps.trucks.invalidation import lock_trucks, mark_zone
from apps.trucks.models import FleetSync
from apps.trucks.sync.leases import REFUSALS, try_again


def zone_choices() -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(zoneinfo.available_timezones())]


class FleetForm(forms.ModelForm):  # type: ignore[type-arg]
    timezone = forms.ChoiceField(
        label="Time zone",
        choices=zone_choices,
        widget=UnfoldAdminSelectWidget,
        help_text="A day is a calendar day there. Changing it computes all days anew.",
    )
    wialon_url = forms.URLField(
        label="Wialon URL",
        assume_scheme="https",
        widget=UnfoldAdminURLInputWidget,
        help_text="of the hosting's API, or of a Wialon Local site",
    )
    new_token = forms.CharField(
        label="Wialon token",
        required=False,
        strip=True,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text="Stored encrypted and never shown. Leave empty to keep the one there is.",
    )

    raw_retention_days = forms.IntegerField(
        label="Days that stay open",
        required=False,
        min_value=SHORTEST_RETENTION_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=f"Empty: all, raw messages are kept for ever. A number from {SHORTEST_RETENTION_DAYS} on: days older"
        " than that are sealed. Their figures, events and costs stay for good, but nothing corrects them any more, and"
        " the raw messages behind them are deleted, month by month, some 70 to 130 days later.",
    )
    seals_days = forms.BooleanField(
        label="Seal days for good",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Tick this when the number above becomes smaller. It cannot be undone: what is deleted can only be"
        " read from Wialon again as a new fleet.",
    )

    class Meta:
        model = Fleet
        fields = ["name", "timezone", "currency", "units", "raw_retention_days", "wialon_url", "is_active"]
        labels = {"is_active": "Active"}
        help_texts = {
            "currency": "three letters, e.g. USD: of all prices, rates and costs of this fleet; once there are some, it"
            " stays as it is"
        }

    def clean(self) -> None:
        super().clean()
        days = self.cleaned_data.get("raw_retention_days")
        if "raw_retention_days" not in self.changed_data or days is None or self.cleaned_data.get("seals_days"):
            return
        before = self.initial.get("raw_retention_days")
        if self.instance.pk and (before is None or days < before):
            first = day_of(time.time(), self.instance.zone) - dt.timedelta(days=days)
            self.add_error("seals_days", f"Days before {first:%d %b %Y} would be sealed for good. Tick this to agree.")

    def clean_currency(self) -> str:
        if self.instance.pk and "currency" in self.changed_data:
            currency_changing.send(Fleet, fleet=self.instance)
        return str(self.cleaned_data["currency"])

    def clean_new_token(self) -> str:
        token: str = self.cleaned_data["new_token"]
        if not token and self.instance.pk is None:
            raise forms.ValidationError("A new fleet needs the token of its Wialon account.")
        if not token and "wialon_url" in self.changed_data:
            raise forms.ValidationError("Enter it again: the stored token is never sent to another address.")
        return token


@admin.register(Fleet)
class FleetAdmin(FleetScopedAdmin):
    form = FleetForm
    fleet_path, joined, deferred = "pk", (), ("wialon_token",)
    list_display = ["name", "timezone", "currency", "units", "active", "wialon", "created"]
    search_fields = ["name"]
    secrets = ("wialon_token",)
    fieldsets = [
        (None, {"fields": ["name", "timezone", "currency", "units", "is_active"]}),
        ("Wialon", {"fields": ["wialon_url", "new_token"]}),
        ("Raw messages", {"fields": ["raw_retention_days", "seals_days"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Fleet | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj) or obj is None:
            return fieldsets
        return [
            (title, {"fields": [name for name in part["fields"] if name not in ("new_token", "seals_days")]})
            for title, part in fieldsets
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # its history has no foreign keys and would stay behind; an inactive fleet is not synchronised

    def save_model(self, request: HttpRequest, obj: Fleet, form: FleetForm, change: bool) -> None:
        if form.cleaned_data["new_token"]:
            obj.wialon_token = form.cleaned_data["new_token"]
        zone_changes = change and "timezone" in form.changed_data
        if zone_changes:
            lock_trucks(obj.pk)
        super().save_model(request, obj, form, change)
        FleetSync.objects.get_or_create(fleet=obj)
        if form.cleaned_data["new_token"]:
            try_again(obj.pk)
        if zone_changes:
            tell_marked(self, request, mark_zone(obj.pk))

    @column("Wialon", colours={"token refused": "danger", "failing": "warning", "reached": "success"})
    def wialon(self, fleet: Fleet) -> str:
        sync = FleetSync.objects.filter(fleet=fleet).first()
        if sync is None or sync.units_refreshed_at is None and not sync.consecutive_failures:
            return DASH
        if sync.refused_logins >= REFUSALS:
            return "token refused"
        return "failing" if sync.consecutive_failures else "reached"

    @column("Created", order="created_at")
    def created(self, fleet: Fleet) -> str:
        return local_time(fleet.created_at, fleet.zone)
