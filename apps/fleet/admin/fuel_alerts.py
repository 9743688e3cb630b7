"""Weeks in which trucks used more or less fuel than they used to, and what people say of them."""

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.admin_base import DASH, FleetFilter, FleetScopedAdmin, column, local_time
from apps.accounts.units import unit_system
from apps.fleet.admin.list_files import FUEL_ALERTS, WithFiles
from apps.fleet.fuel import alert_reviews
from apps.fleet.models import FuelAlert
from apps.fleet.reports.wording import number

Review = FuelAlert.Review
STATES = {"open": "danger", "acknowledged": "warning", "dismissed": "info", "withdrawn": "info"}


class StateFilter(admin.SimpleListFilter):
    """Without a choice those that hold: what was withdrawn is history."""

    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state) for state in STATES]

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            yield {**choice, "display": "that hold"} if not choice["query_string"].count("state=") else choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[FuelAlert]) -> QuerySet[FuelAlert]:
        if self.value() == "withdrawn":
            return queryset.exclude(withdrawn_at=None)
        holding = queryset.filter(withdrawn_at=None)
        if self.value() is None:
            return holding
        return holding.filter(review="" if self.value() == "open" else self.value())


@admin.register(FuelAlert)
class FuelAlertAdmin(WithFiles, FleetScopedAdmin):
    file_of = FUEL_ALERTS
    list_display = ["truck", "fleet", "of_week", "stands", "deviation", "consumption", "baseline", "excess", "costs"]
    list_filter = [FleetFilter, StateFilter]
    joined, deferred = ("fleet", "truck"), ("fleet__wialon_token", "truck__sensor_table")
    search_fields = ["truck__code", "truck__name", "note"]
    search_help_text = "Truck's code or name, or a word of the note"
    ordering = ["-week", "pk"]
    list_fullwidth = True
    when_empty = (
        "Weeks in which a truck's consumption deviates from the four weeks before by more than the parameter says."
    )
    actions = ["acknowledge", "dismiss", "reopen"]
    fieldsets = [
        (None, {"fields": ["truck", "fleet", "of_week", "stands"]}),
        ("Fuel", {"fields": ["deviation", "threshold", "consumption", "baseline", "driven", "excess", "costs"]}),
        ("Review", {"fields": ["review", "note", "reviewed"]}),
        ("History", {"fields": ["found", "changed"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: FuelAlert | None = None) -> list[str]:
        names = [name for _, part in self.fieldsets for name in part["fields"]]
        return [name for name in names if name not in ("review", "note")]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # the summaries find them

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # they are withdrawn when they no longer hold

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs |= {"choices": [("", "Open"), *Review.choices], "help_text": ""}
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: FuelAlert, form: Any, change: bool) -> None:
        alert_reviews.review([obj], obj.review, request.user.get_username(), timezone.now(), obj.note)

    @admin.action(description="Acknowledge", permissions=["change"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[FuelAlert]) -> None:
        self._review(request, queryset, Review.ACKNOWLEDGED, "acknowledged")

    @admin.action(description="Dismiss: there is a good reason", permissions=["change"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[FuelAlert]) -> None:
        self._review(request, queryset, Review.DISMISSED, "dismissed")

    @admin.action(description="Open again", permissions=["change"])
    def reopen(self, request: HttpRequest, queryset: QuerySet[FuelAlert]) -> None:
        self._review(request, queryset, "", "open again")

    def _review(self, request: HttpRequest, queryset: QuerySet[FuelAlert], verdict: str, word: str) -> None:
        alerts = alert_reviews.review(list(queryset), verdict, request.user.get_username(), timezone.now())
        self.message_user(request, f"{alerts} {word}.", messages.SUCCESS)

    @column("Week from", order="week")
    def of_week(self, alert: FuelAlert) -> str:
        return f"{alert.week:%a %Y-%m-%d}"

    @column("Deviation", order="deviation_pct", figure=True)
    def deviation(self, alert: FuelAlert) -> str:
        return f"{abs(alert.deviation_pct):.1f}% {'more' if alert.deviation_pct > 0 else 'less'}"

    @column("Alert from")
    def threshold(self, alert: FuelAlert) -> str:
        return number(alert.threshold_pct, 1, "%")

    @column("Consumption", figure=True)
    def consumption(self, alert: FuelAlert) -> str:
        return _consumption(alert, alert.consumption_l_per_100km)

    @column("Four weeks before", figure=True)
    def baseline(self, alert: FuelAlert) -> str:
        return _consumption(alert, alert.baseline_l_per_100km)

    @column("Driven, with fuel measured")
    def driven(self, alert: FuelAlert) -> str:
        units = unit_system(alert.fleet.units)
        metres = alert.distance_m, alert.baseline_distance_m
        now, before = (number(units.distance(each), 0, units.distance_label) for each in metres)
        return f"{now}; in the four weeks before {before}"

    @column("Difference", order="excess_l", figure=True)
    def excess(self, alert: FuelAlert) -> str:
        units = unit_system(alert.fleet.units)
        return number(units.volume(alert.excess_l), 0, units.volume_label)

    @column("Its cost", order="excess_cost", figure=True)
    def costs(self, alert: FuelAlert) -> str:
        cost: Decimal | None = alert.excess_cost
        return DASH if cost is None else number(cost, 2, alert.fleet.currency)

    @column("State", colours=STATES)
    def stands(self, alert: FuelAlert) -> str:
        return alert.state

    @column("Reviewed")
    def reviewed(self, alert: FuelAlert) -> str:
        if alert.reviewed_at is None:
            return DASH
        return f"{local_time(alert.reviewed_at, alert.fleet.zone)}, {alert.reviewed_by}"

    @column("Found")
    def found(self, alert: FuelAlert) -> str:
        return local_time(alert.found_at, alert.fleet.zone)

    @column("Last changed")
    def changed(self, alert: FuelAlert) -> str:
        return local_time(alert.changed_at, alert.fleet.zone)


def _consumption(alert: FuelAlert, l_per_100km: float) -> str:
    units = unit_system(alert.fleet.units)
    return number(units.consumption(l_per_100km), 1, units.consumption_label)
