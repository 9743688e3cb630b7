"""Truck-days, each with all that is known of it, and the days that wait for a rebuild."""

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from apps.accounts.admin_base import column, local_time
from apps.accounts.models import Fleet
from apps.accounts.scope import chosen_fleet
from apps.fleet.admin import lineage, list_files
from apps.fleet.admin.figures import figure, title
from apps.fleet.admin.period import OneFleetFilter, PeriodFilter
from apps.fleet.admin.rows import RowAdmin, Section, figure_column
from apps.fleet.models import CostLine, TruckDayCost
from apps.fleet.reports.wording import number
from apps.trucks import exports
from apps.trucks.messages.sealing import is_sealed
from apps.trucks.models import (
    Correction,
    FaultChange,
    FuelEvent,
    HarshEvent,
    IdleEvent,
    SpeedingEpisode,
    Stop,
    Trip,
    TruckSync,
)
from apps.trucks.models.views import CorrectionRow, DirtyDayRow, TruckDayRow

STATES = {"provisional": "info", "final": "success", "corrected": "warning"}
# heading → what was detected, and its columns after start and end
EVENTS: dict[str, tuple[type[Model], str]] = {
    "Trips": (Trip, "distance_m moving_s idle_s mean_speed_kmh max_speed_kmh fuel_l"),
    "Stops": (Stop, "idle_s parked_s no_data_s"),
    "Idle events": (IdleEvent, "duration_s productive_s productive_place fuel_l"),
    "Speeding": (SpeedingEpisode, "severity max_speed_kmh limit_kmh duration_s"),
    "Refuels and drains": (FuelEvent, "kind review level_before_l level_after_l litres"),
    "Harsh driving": (HarshEvent, "kind source speed_kmh peak_ms2"),
    "Faults": (FaultChange, "kind spn fmi source severity"),
}


@admin.register(TruckDayRow)
class TruckDayAdmin(RowAdmin):
    file_of = exports.DAYS
    list_display = ["name", "date", "distance", "moving", "idling", "parked", "no_data", "fuel", "trips", "speeding"]
    list_display += ["coverage", "state"]
    list_filter = [OneFleetFilter, PeriodFilter, "status"]
    ordering = ["-fleet_id", "-day", "-truck_id"]
    sections = {
        "Time": "moving_s idle_s idle_productive_s parked_s no_data_s engine_on_s night_driving_s length_s available_s "
        "is_used in_workshop",
        "Distance": "distance_m distance_source distance_odometer_m distance_gps_m distance_gap_m drift_m",
        "Fuel": "fuel_used_l fuel_source idle_fuel_l refuels refuel_l drains drain_l",
        "Trips and speed": "trips stops idle_events max_speed_kmh speeding_minor speeding_moderate speeding_severe "
        "speeding_s harsh_braking harsh_acceleration harsh_cornering",
        "Data": "messages fixes dropped_values quarantined counter_resets engine_hours faults_opened coverage_pct",
        "How it was computed": "status as_of computed_at revision input_messages input_first_t input_last_t "
        "parameters_version content_hash",
    }
    date, distance, moving = figure_column("day"), figure_column("distance_m"), figure_column("moving_s")
    idling, parked, no_data = figure_column("idle_s"), figure_column("parked_s"), figure_column("no_data_s")
    fuel, coverage = figure_column("fuel_used_l", "Fuel"), figure_column("coverage_pct")

    @column("Speeding")
    def speeding(self, day: Any) -> str:
        counts = (day.speeding_minor, day.speeding_moderate, day.speeding_severe)
        return number(None if None in counts else sum(counts))

    @column("Status", order="status", colours=STATES)
    def state(self, day: Any) -> str:
        return str(day.status)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.lineage)
        return [path("<path:object_id>/lineage/", view, name="trucks_truckdayrow_lineage"), *super().get_urls()]

    def lineage(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """How the day was computed."""
        day = self.get_object(request, object_id)
        if day is None:
            raise Http404
        return lineage.page(request, day, tables(day))

    def figures(self, row: Any) -> list[Section]:
        *others, (heading, names) = super().figures(row)
        return [*others, (heading, [*names, ("sealed", "sealed", self._sealed(row))])]

    def _sealed(self, day: Any) -> str:
        sync = TruckSync.objects.filter(truck_id=day.truck_id).first()
        if sync is None or not is_sealed(day.day, sync.raw_since_t, day.fleet.zone):
            return "no"
        return "yes: its messages are no longer kept, so nothing changes it any more"

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        day = kwargs["obj"]
        context["lineage_address"] = reverse("admin:trucks_truckdayrow_lineage", args=[day.pk])
        context.update(bar=time_bar(day), tables=[*tables(day), *corrections(day)], costs=costs(day))
        return super().render_change_form(request, context, **kwargs)


@admin.register(DirtyDayRow)
class DirtyDayAdmin(RowAdmin):
    list_display = ["name", "date", "cause", "marked", "attempts", "retry", "last_error"]
    list_filter = [OneFleetFilter]
    ordering = ["-fleet_id", "-day", "-truck_id"]
    sections = {"Rebuild": "day cause marked_at version attempts retry_at last_error"}
    when_empty = "Every day is computed from all that is known."
    date, marked = figure_column("day"), figure_column("marked_at")
    retry = figure_column("retry_at", "Next attempt")


class FigureFilter(admin.SimpleListFilter):
    """One of the figures that were corrected in the fleet."""

    title = parameter_name = "figure"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        fleet = chosen_fleet(request)
        found = Correction.objects.filter(fleet_id=fleet.pk) if fleet else Correction.objects.none()
        return [(name, title(name)) for name in found.values_list("column", flat=True).distinct().order_by("column")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(column=self.value()) if self.value() else queryset


@admin.register(CorrectionRow)
class CorrectionAdmin(RowAdmin):
    """What changed after its day was final."""

    file_of = list_files.CORRECTIONS
    list_display = ["name", "date", "figure", "old_value", "new_value", "cause", "corrected"]
    list_filter = [OneFleetFilter, PeriodFilter, FigureFilter]
    ordering = ["-fleet_id", "-day", "-truck_id", "-revision"]
    sections = {"Correction": "day column old new cause corrected_at revision"}
    when_empty = "A figure that changes after its day was final, 72 hours after its end, is noted here with its cause."
    date, corrected = figure_column("day"), figure_column("corrected_at")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        row = kwargs["obj"]
        day = f"{row.fleet_id}.{row.truck_id}.{row.day}"
        context["day_address"] = reverse("admin:trucks_truckdayrow_change", args=[day])
        return super().render_change_form(request, context, **kwargs)

    def heading(self, row: Any) -> str:
        return f"{title(row.column)} of {row.truck}, {row.day:%a %d %b %Y}"

    def figures(self, row: Any) -> list[Section]:
        """Old and new in the units of the fleet."""
        shown = {"column": title(row.column), "old": self.old_value(row), "new": self.new_value(row)}
        return [
            (
                heading,
                [
                    ("Figure" if name == "column" else words, name, shown.get(name, value))
                    for words, name, value in lines
                ],
            )
            for heading, lines in super().figures(row)
        ]

    @column("Figure", order="column")
    def figure(self, row: Any) -> str:
        return title(row.column)

    @column("Old", figure=True)
    def old_value(self, row: Any) -> str:
        return _in_units(row.column, row.old, row.fleet)

    @column("New", figure=True)
    def new_value(self, row: Any) -> str:
        return _in_units(row.column, row.new, row.fleet)


def _in_units(name: str, text: str | None, fleet: Fleet) -> str:
    """A corrected value as the day's page shows it; it is kept as text."""
    try:
        value: Any = None if text is None else float(text)
    except ValueError:
        value = text
    return figure(name, value, fleet)


def time_bar(day: Any) -> list[tuple[str, str, float]]:
    """(state, hours and minutes, per cent of the day): they add up to it."""
    states = {"moving": day.moving_s, "idling": day.idle_s, "parked": day.parked_s, "no data": day.no_data_s}
    return [
        (state, figure("state_s", seconds, day.fleet), 100 * seconds / day.length_s)
        for state, seconds in states.items()
        if seconds
    ]


def tables(day: Any) -> list[tuple[str, list[str], list[list[str]]]]:
    """(heading, column titles, rows of cells) of each kind of event of which the day has any."""
    found = []
    for heading, (model, columns) in EVENTS.items():
        names = ["started_at", "ended_at", *columns.split()]
        rows = model._default_manager.filter(fleet_id=day.fleet_id, day=day.day, truck_id=day.truck_id)
        cells = [[figure(name, getattr(row, name), day.fleet) for name in names] for row in rows.order_by("started_at")]
        if cells:
            found.append((heading, [title(name) for name in names], cells))
    return found


def corrections(day: Any) -> list[tuple[str, list[str], list[list[str]]]]:
    """The table of what changed after the day was final, newest first, as `tables` has them; none if nothing did."""
    found = Correction.objects.filter(fleet_id=day.fleet_id, truck_id=day.truck_id, day=day.day)
    cells = [
        [
            local_time(each.corrected_at, day.fleet.zone),
            title(each.column),
            _in_units(each.column, each.old, day.fleet),
            _in_units(each.column, each.new, day.fleet),
            each.cause,
            str(each.revision),
        ]
        for each in found.order_by("-revision", "column")
    ]
    headers = ["When", "Figure", "Old", "New", "Why", "Revision"]
    return [("Corrections", headers, cells)] if cells else []


def costs(day: Any) -> list[tuple[str, str, str]]:
    """(line, amount, source) of the day, the total last."""
    found = TruckDayCost.objects.filter(fleet_id=day.fleet_id, day=day.day, truck_id=day.truck_id).order_by("line")
    lines = [(str(CostLine(cost.line).label), cost.amount, cost.source) for cost in found]
    if lines:
        lines.append(("Total", sum((amount for _, amount, _ in lines), Decimal(0)), ""))
    return [(line, f"{amount:,.2f} {day.fleet.currency}", source) for line, amount, source in lines]
