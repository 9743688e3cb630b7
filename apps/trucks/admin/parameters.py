"""Detection parameters, one number field each."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from apps.accounts.admin_base import FleetFilter, RowForm, column, table
from apps.trucks.admin.marking import EffectiveDatedAdmin
from apps.trucks.models import ParameterSet
from apps.trucks.parameters import DEFAULTS, HOURS_OF_DAY

# section → parameter → (label with unit, meaning); the meanings are those of docs/metrics.md.
SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Motion": {
        "moving_speed_kmh": ("Moving above (km/h)", "a truck is moving when its speed is above this"),
        "engine_gap_cap_s": (
            "Longest engine-on gap (s)",
            "a moving or idling interval counts this long; the rest is no-data",
        ),
        "parked_gap_cap_s": ("Longest parked gap (s)", "the same for a parked interval: trackers sleep"),
    },
    "Trips": {
        "trip_end_s": ("Stillness that ends a trip (s)", "shorter halts stay inside the trip"),
        "trip_max_gap_s": ("Silence that ends a trip (s)", "shorter silence stays inside the trip as no-data"),
        "trip_min_s": ("Shortest trip (s)", "what is shorter is no trip"),
        "trip_min_m": ("Shortest trip (m)", "what is shorter is no trip"),
    },
    "Idling": {
        "idle_event_min_s": ("Shortest idle event (s)", "shorter idling counts in the seconds but is no event"),
    },
    "Speeding": {
        "speed_limit_kmh": ("Speed limit (km/h)", "of the truck"),
        "speeding_min_s": ("Shortest episode (s)", "a shorter exceedance is no episode"),
        "speeding_minor_kmh": ("Minor up to (km/h over)", "over the limit by no more than this"),
        "speeding_moderate_kmh": ("Moderate up to (km/h over)", "more than this is severe"),
    },
    "Harsh driving": {
        "harsh_braking_ms2": ("Braking from (m/s²)", "where speeds are at most 2 s apart and the device does not say"),
        "harsh_acceleration_ms2": ("Acceleration from (m/s²)", "the same for gaining speed"),
    },
    "Fuel": {
        "refuel_min_l": ("Smallest refuel (l)", "smallest rise of the level that is an event"),
        "drain_min_l": ("Smallest drain (l)", "smallest fall with the engine off that is an event"),
        "fuel_min_km": ("Distance to compare by (km)", "a consumption over less measured distance is not compared"),
        "fuel_deviation_pct": ("Deviation that is an alert (%)", "of a week from the four weeks before it"),
    },
    "Positions": {
        "max_leg_kmh": ("Fastest GPS leg (km/h)", "a faster one is a glitch and left out"),
        "min_satellites": ("Fewest satellites", "a position with fewer is none; an unknown number is accepted"),
    },
    "Utilization": {
        "available_hours_per_day": ("Available hours per day", "denominator of asset utilization"),
        "target_utilization_pct": ("Target utilization (%)", "shown beside the figure"),
        "target_idle_pct": ("Target idling (%)", "shown beside the figure"),
    },
    "Night": {
        "night_begin_h": ("Night from (h)", "hour of the local clock, 22.5 is half past ten in the evening"),
        "night_end_h": ("Night until (h)", "likewise; the same as its beginning: no time is night"),
    },
    "Safety score": {
        "safety_minor_weight": ("Minor speeding", "points that one a 100 km takes from 100; of the whole fleet alone"),
        "safety_moderate_weight": ("Moderate speeding", "the same"),
        "safety_severe_weight": ("Severe speeding", "the same"),
        "safety_harsh_weight": ("Harsh driving", "the same, of each harsh event"),
    },
}
LABELS = {name: label for section in SECTIONS.values() for name, (label, _) in section.items()}


def _number_field(name: str, label: str, meaning: str) -> forms.FloatField:
    default = f"{getattr(DEFAULTS, name):g}" if getattr(DEFAULTS, name) < 1e6 else str(getattr(DEFAULTS, name))
    widget = UnfoldAdminDecimalFieldWidget(attrs={"placeholder": default, "step": "any", "min": 0})
    return forms.FloatField(
        label=label,
        help_text=f"{meaning} (default {default})",
        required=False,
        min_value=0,
        max_value=24 if name in HOURS_OF_DAY else 1e8,
        widget=widget,
    )


class ParameterSetBaseForm(RowForm):
    """Empty fields are not part of the set: the fleet's own or the default holds."""

    class Meta:
        model = ParameterSet
        fields = ["fleet", "truck", "effective_from"]
        help_texts = {
            "truck": "empty: for the whole fleet; a truck's own parameters replace the fleet's",
            "effective_from": "the first day that is computed with them",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in (self.instance.values or {}).items():
            if name in self.fields:
                self.initial[name] = value

    def clean(self) -> None:
        super().clean()
        entered = {name: self.cleaned_data.get(name) for name in LABELS}
        self.instance.values = {name: _plain(value) for name, value in entered.items() if value is not None}
        if not self.instance.values and not self.errors:
            raise forms.ValidationError("Fill in at least one parameter.")


def _plain(value: float) -> float | int:
    """Whole numbers as such: 600, not 600.0."""
    return int(value) if value.is_integer() else value


ParameterSetForm = type(
    "ParameterSetForm",
    (ParameterSetBaseForm,),
    {name: _number_field(name, *words) for section in SECTIONS.values() for name, words in section.items()},
)


@admin.register(ParameterSet)
class ParameterSetAdmin(EffectiveDatedAdmin):
    form = ParameterSetForm
    cause = "parameters"
    list_display = ["applies_to", "fleet", "since", "changes"]
    list_filter = [FleetFilter]
    joined, deferred = ("fleet", "truck"), ("fleet__wialon_token", "truck__sensor_table")
    autocomplete_fields = ["truck"]
    ordering = ["fleet", "-effective_from"]
    fieldsets = [
        (None, {"fields": ["fleet", "truck", "effective_from"]}),
        *((title, {"fields": list(section)}) for title, section in SECTIONS.items()),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: ParameterSet | None = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            # A form's own fields have no read-only face.
            return [(None, {"fields": ["fleet", "applies_to", "since", "changed"]})]
        return super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "applies_to", "since", "changed"]

    @column("For")
    def applies_to(self, parameters: ParameterSet) -> str:
        return str(parameters.truck) if parameters.truck else "the whole fleet"

    @column("Parameters")
    def changed(self, parameters: ParameterSet) -> str:
        rows = ((LABELS.get(name, name), value) for name, value in parameters.values.items())
        return table(["Parameter", "Value"], rows, "none")

    @column("Parameters")
    def changes(self, parameters: ParameterSet) -> str:
        return "; ".join(f"{LABELS.get(name, name)}: {value}" for name, value in parameters.values.items())
