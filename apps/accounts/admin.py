"""Who may do what: API keys, memberships, roles, staff. (Fleets: apps/trucks/admin, where a zone means days.)"""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from apps.accounts.admin_base import DASH, FleetFilter, FleetScopedAdmin, SuperuserAdmin, column, local_time
from apps.accounts.keys import create_key, split_key
from apps.accounts.models import ApiKey, FleetMembership
from apps.accounts.rights import grantable_scopes

SCOPE_MEANINGS = {
    "read": "all figures of the fleet",
    "write:costs": "prices, rates and costs",
    "write:reports": "report schedules and runs",
    "run:backfill": "load or compute a period anew",
    "admin": "API keys",
}
# What can be changed at all: everything else is computed, or for superusers alone.
RIGHTS = {
    "change_fleet": "edit the fleet: zone, currency, units, Wialon account",
    "add_apikey": "make API keys",
    "change_apikey": "revoke API keys",
    "change_truck": "edit trucks' codes and tanks, rebuild their days",
    "change_driver": "edit drivers' codes",
    "add_drainreview": "confirm and dismiss drains",
    "change_drainreview": "note why",
    "add_faultacknowledgement": "acknowledge faults",
    "change_fuelalert": "review alerts about fuel",
    "add_backfill": "read or compute periods anew",
    "change_backfill": "cancel that",
    **{
        f"{verb}_{model}": f"{word} {name}"
        for model, name in {
            "parameterset": "parameters",
            "productiveplace": "productive places",
            "driverassignment": "who had which truck",
            "eventmapping": "what devices call their events",
            "workingcalendar": "working calendars",
            "workshopstay": "stays in the workshop",
            "grouptarget": "targets of groups",
            "fuelprice": "fuel prices",
            "costrate": "cost rates",
            "costentry": "invoices",
            "fuelpurchase": "fuel purchases",
            "exchangerate": "exchange rates",
            "reportschedule": "report schedules",
        }.items()
        for verb, word in {"add": "add", "change": "edit", "delete": "delete"}.items()
    },
    "add_ledgerimport": "import files of invoices, rates, prices and purchases",
    "delete_ledgerimport": "undo imports",
}
UTC = ZoneInfo("UTC")
KEY_STATES = {"active": "success", "expired": "warning", "revoked": "danger"}


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A key may do no more than who makes it: neither other scopes nor other fleets."""

    maker: User | AnonymousUser = AnonymousUser()  # of the class that `ApiKeyAdmin.get_form` makes of this one
    scopes = forms.MultipleChoiceField(
        initial=["read"],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What a key may do is among what your own roles allow.",
        error_messages={"invalid_choice": "%(value)s is no scope, or more than your own roles allow."},
    )

    class Meta:
        model = ApiKey
        fields = ["fleet", "name", "scopes", "expires_at"]
        help_texts = {"name": "who or what uses it", "expires_at": "empty: it does not expire"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scopes: Any = self.fields["scopes"]
        scopes.choices = [(scope, f"{scope}: {SCOPE_MEANINGS[scope]}") for scope in grantable_scopes(self.maker)]

    def clean_expires_at(self) -> dt.datetime | None:
        expires_at: dt.datetime | None = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise forms.ValidationError("lies in the past")
        return expires_at


@admin.register(ApiKey)
class ApiKeyAdmin(FleetScopedAdmin):
    """Keys are made and revoked, never edited or deleted: what a key did stays attributable."""

    form = ApiKeyForm
    list_display = ["shown_prefix", "name", "fleet", "scope_names", "state", "last_used", "expires"]
    list_filter = [FleetFilter]
    search_fields = ["name", "prefix"]
    search_help_text = "Name or first characters"
    deferred = ("secret_hash", "fleet__wialon_token")
    fields = ["fleet", "name", "scopes", "expires_at"]
    secrets = ("secret_hash",)
    actions = ["revoke"]

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        if obj is None:
            return self.fields
        times = ["created", "last_used", "expires", "revoked"]
        return ["shown_prefix", "fleet", "name", "scope_names", "state", "made_by", *times]

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        return type(form.__name__, (form,), {"maker": request.user})

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        return [] if obj is None else self.get_fields(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.change_apikey"))

    def save_model(self, request: HttpRequest, obj: ApiKey, form: ApiKeyForm, change: bool) -> None:
        key = create_key(obj.fleet, name=obj.name, scopes=tuple(obj.scopes))
        prefix, _ = split_key(key) or ("", "")
        ApiKey.objects.filter(prefix=prefix).update(expires_at=obj.expires_at)
        obj.pk, obj.prefix = ApiKey.objects.values_list("pk", "prefix").get(prefix=prefix)
        # The message travels in a signed cookie of this browser and is gone once shown; the database never has the key.
        text = "The key of {}, shown this once. Copy it now: <code class='new-key'>{}</code>"
        self.message_user(request, format_html(text, obj.fleet.name, key), messages.SUCCESS)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        return redirect(reverse("admin:accounts_apikey_changelist"))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        context.update(show_save_and_add_another=False, show_save_and_continue=False)
        return super().render_change_form(request, context, **kwargs)

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        count = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"Revoked {count}: refused from now on.", messages.SUCCESS)

    @column("Key", order="prefix")
    def shown_prefix(self, key: ApiKey) -> str:
        return f"flt_{key.prefix}_…"

    @column("Scopes")
    def scope_names(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @column("State", colours=KEY_STATES)
    def state(self, key: ApiKey) -> str:
        if key.revoked_at:
            return "revoked"
        return "expired" if key.expires_at and key.expires_at <= timezone.now() else "active"

    @column("Made by")
    def made_by(self, key: ApiKey) -> str:
        """By the admin's log; nobody where a command made it, or whoever did is deleted."""
        entries = LogEntry.objects.filter(action_flag=ADDITION, object_id=str(key.pk))
        entry = entries.filter(content_type__model="apikey").select_related("user").first()
        return str(entry.user) if entry else DASH

    @column("Created", order="created_at")
    def created(self, key: ApiKey) -> str:
        return local_time(key.created_at, key.fleet.zone)

    @column("Last used", order="last_used_at")
    def last_used(self, key: ApiKey) -> str:
        return local_time(key.last_used_at, key.fleet.zone) if key.last_used_at else "never"

    @column("Expires", order="expires_at")
    def expires(self, key: ApiKey) -> str:
        return local_time(key.expires_at, key.fleet.zone) if key.expires_at else "never"

    @column("Revoked", order="revoked_at")
    def revoked(self, key: ApiKey) -> str:
        return local_time(key.revoked_at, key.fleet.zone)


@admin.register(FleetMembership)
class FleetMembershipAdmin(SuperuserAdmin):
    list_display = ["user", "fleet"]
    list_filter = [FleetFilter]
    search_fields = ["user__username", "fleet__name"]
    autocomplete_fields = ["user", "fleet"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[FleetMembership]:
        memberships: QuerySet[FleetMembership] = super().get_queryset(request)
        return memberships.select_related("user", "fleet").defer("fleet__wialon_token")


class MembershipInline(TabularInline):  # type: ignore[misc]
    model = FleetMembership
    extra = 0
    autocomplete_fields = ["fleet"]
    verbose_name = "fleet that this member of staff sees"
    verbose_name_plural = "fleets that this member of staff sees"


class RightsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return str(RIGHTS.get(obj.codename, obj.name))


admin.site.unregister(User)
admin.site.unregister(Group)


class RoleForm(forms.ModelForm):  # type: ignore[type-arg]
    permissions = RightsField(
        queryset=Permission.objects.none(), required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = Group
        fields = ["name", "permissions"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rights: Any = self.fields["permissions"]
        offered = Q(codename__in=RIGHTS)
        if self.instance.pk:
            offered |= Q(group=self.instance.pk)  # given otherwise: to be kept
        rights.queryset = Permission.objects.filter(offered).distinct().order_by("content_type__model", "pk")


@admin.register(Group)
class RoleAdmin(SuperuserAdmin):
    """What members of staff may change of what they see."""

    form = RoleForm
    list_display = ["name"]
    search_fields = ["name"]


@admin.register(User)
class StaffAdmin(SuperuserAdmin, UserAdmin):  # type: ignore[type-arg]
    """Members of staff: rights come from roles, sight from memberships."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_staff", "is_superuser", "is_active", "last_seen"]
    filter_horizontal = ()
    inlines = [MembershipInline]
    fieldsets = [
        (None, {"fields": ["username", "password", "first_name", "last_name", "email"]}),
        ("Rights", {"fields": ["is_active", "is_staff", "is_superuser", "groups"]}),
    ]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        words = {"label": "Roles", "help_text": "what they may change; nothing without one"}
        boxes = {"widget": UnfoldAdminCheckboxSelectMultipleWidget}
        return super().formfield_for_manytomany(db_field, request, **words, **boxes, **kwargs)

    @column("Last login", order="last_login")
    def last_seen(self, user: User) -> str:
        return local_time(user.last_login, UTC)
