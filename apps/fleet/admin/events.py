"""Trips, stops and events, each with the day that it belongs to."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from apps.accounts.admin_base import DASH, column, local_time
from apps.fleet.admin import list_files
from apps.fleet.admin.rows import RowAdmin, figure_column
from apps.trucks import exports, reviews
from apps.trucks.admin.marking import tell_marked
from apps.trucks.detection.faults import failure
from apps.trucks.detection.spn import suspect
from apps.trucks.models import DrainReview, Driver
from apps.trucks.models.views import (
    FaultChangeRow,
    FuelEventRow,
    HarshEventRow,
    IdleEventRow,
    SpeedingEpisodeRow,
    StopRow,
    TripRow,
)

SEVERITIES = {"minor": "info", "moderate": "warning", "severe": "danger"}
DRAINS = {"refuel": "success", "suspected drain": "danger", "confirmed drain": "danger", "dismissed drain": "info"}
Verdict = DrainReview.Verdict
_WHERE = "started_at ended_at lat lon"


class EventAdmin(RowAdmin):
    ordering = ["-fleet_id", "-day", "-truck_id", "-started_at"]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        row = kwargs["obj"]
        day = f"{row.fleet_id}.{row.truck_id}.{row.day}"
        context.update(day_address=reverse("admin:trucks_truckdayrow_change", args=[day]))
        return super().render_change_form(request, context, **kwargs)

    @column("Started", order="started_at")
    def started(self, row: Any) -> str:
        return local_time(row.started_at, row.fleet.zone)

    @column("Ended", order="ended_at")
    def ended(self, row: Any) -> str:
        return local_time(row.ended_at, row.fleet.zone) if row.ended_at else "may still go on"


@admin.register(TripRow)
class TripAdmin(EventAdmin):
    file_of = exports.TRIPS
    list_display = [
        "name",
        "driven_by",
        "started",
        "ended",
        "distance",
        "moving",
        "idling",
        "mean_speed",
        "max_speed",
        "fuel",
    ]
    sections = {
        "When, where and by whom": f"{_WHERE} end_lat end_lon driver",
        "Distance and speed": "distance_m distance_source mean_speed_kmh max_speed_kmh fuel_l",
        "Time": "moving_s idle_s parked_s no_data_s",
    }
    distance, moving, idling = figure_column("distance_m"), figure_column("moving_s"), figure_column("idle_s")
    mean_speed, max_speed = figure_column("mean_speed_kmh"), figure_column("max_speed_kmh")
    fuel = figure_column("fuel_l", "Fuel")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related(Prefetch("driver", Driver.objects.only("name")))

    @column("Driver")
    def driven_by(self, row: Any) -> str:
        return str(row.driver or DASH)


@admin.register(StopRow)
class StopAdmin(EventAdmin):
    file_of = exports.STOPS
    list_display = ["name", "started", "ended", "parked", "idling", "no_data"]
    sections = {"When and where": _WHERE, "Time": "parked_s idle_s no_data_s"}
    parked, idling, no_data = figure_column("parked_s"), figure_column("idle_s"), figure_column("no_data_s")


@admin.register(IdleEventRow)
class IdleEventAdmin(EventAdmin):
    file_of = exports.IDLE_EVENTS
    list_display = ["name", "started", "ended", "lasted", "productive", "place", "fuel", "money"]
    sections = {"When and where": _WHERE, "Idling": "duration_s productive_s productive_place fuel_l cost"}
    lasted, productive = figure_column("duration_s"), figure_column("productive_s")
    place = figure_column("productive_place", "Place")
    fuel, money = figure_column("fuel_l", "Fuel"), figure_column("cost", "Cost")


@admin.register(SpeedingEpisodeRow)
class SpeedingEpisodeAdmin(EventAdmin):
    file_of = exports.SPEEDING_EVENTS
    list_display = ["name", "started", "severe", "max_speed", "limit", "excess", "lasted", "distance"]
    sections = {
        "When and where": _WHERE,
        "Speeding": "severity max_speed_kmh limit_kmh excess_kmh duration_s distance_m",
    }
    max_speed, limit = figure_column("max_speed_kmh"), figure_column("limit_kmh")
    excess, lasted = figure_column("excess_kmh"), figure_column("duration_s")
    distance = figure_column("distance_m")

    @column("Severity", order="severity", colours=SEVERITIES)
    def severe(self, episode: Any) -> str:
        return str(episode.severity)


@admin.register(FuelEventRow)
class FuelEventAdmin(EventAdmin):
    file_of = exports.FUEL_EVENTS
    list_display = ["name", "started", "what", "amount", "money", "before", "after"]
    ordering = [*EventAdmin.ordering, "-kind"]
    sections = {"When and where": _WHERE, "Fuel": "kind review litres cost level_before_l level_after_l"}
    actions = ["confirm", "dismiss", "take_back"]
    amount, money = figure_column("litres", "Amount"), figure_column("cost", "Cost")
    before, after = figure_column("level_before_l", "Level before"), figure_column("level_after_l", "Level after")

    @column("Kind", order="kind", colours=DRAINS)
    def what(self, event: Any) -> str:
        return f"{event.review} drain" if event.kind == "drain" else str(event.kind)

    def has_review_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("trucks.add_drainreview"))

    @admin.action(description="Confirm drain", permissions=["review"])
    def confirm(self, request: HttpRequest, queryset: QuerySet[FuelEventRow]) -> None:
        self._review(request, queryset, Verdict.CONFIRMED)

    @admin.action(description="Dismiss drain: it was none", permissions=["review"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[FuelEventRow]) -> None:
        self._review(request, queryset, Verdict.DISMISSED)

    @admin.action(description="Take the review back: suspected again", permissions=["review"])
    def take_back(self, request: HttpRequest, queryset: QuerySet[FuelEventRow]) -> None:
        self._review(request, queryset.exclude(review=Verdict.SUSPECTED), Verdict.SUSPECTED)

    def _review(self, request: HttpRequest, queryset: QuerySet[FuelEventRow], verdict: str) -> None:
        selected: list[Any] = list(queryset)
        drains = [event for event in selected if event.kind == "drain"]
        days = reviews.review_drains(drains, verdict, request.user.get_username(), timezone.now())
        tell_marked(self, request, days)


@admin.register(HarshEventRow)
class HarshEventAdmin(EventAdmin):
    file_of = exports.HARSH_EVENTS
    list_display = ["name", "started", "what", "speed", "peak", "said_by"]
    ordering = [*EventAdmin.ordering, "-kind"]
    sections = {"When and where": _WHERE, "Harsh driving": "kind source speed_kmh peak_ms2"}
    what, said_by = figure_column("kind"), figure_column("source", "By")
    speed, peak = figure_column("speed_kmh"), figure_column("peak_ms2", "Strongest")


@admin.register(FaultChangeRow)
class FaultChangeAdmin(EventAdmin):
    file_of = list_files.FAULT_CHANGES
    list_display = ["name", "started", "what", "suspect", "of", "mode", "failure", "severe"]
    ordering = [*EventAdmin.ordering, "-spn", "-fmi", "-source"]
    sections = {"When and where": _WHERE, "Fault": "kind spn fmi source severity"}
    suspect, mode = figure_column("spn"), figure_column("fmi")

    @column("Change", order="kind", colours={"opened": "danger", "cleared": "success"})
    def what(self, change: Any) -> str:
        return str(change.kind)

    @column("Of")
    def of(self, change: Any) -> str:
        return suspect(change.spn) or DASH

    @column("What is wrong")
    def failure(self, change: Any) -> str:
        return failure(change.fmi)

    @column("Severity", order="severity", colours=SEVERITIES)
    def severe(self, change: Any) -> str:
        return str(change.severity)
