"""Beside the form of parameters: what they would change in the last days, before they are saved."""

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST

from apps.accounts.admin_base import DASH
from apps.accounts.models import Fleet
from apps.fleet.admin.figures import figure, title
from apps.fleet.pages.cells import Numbers
from apps.trucks.admin.parameters import LABELS, ParameterSetAdmin
from apps.trucks.models import ParameterSet
from apps.trucks.parameter_preview import Difference, TruckPreview, differences, preview, trucks_of
from apps.trucks.parameters import OF_FLEET

MOST_DAYS = 31
BUDGET_S = 5.0  # of a request; what takes longer is for the command, which takes as long as it takes
TRUCKS_SHOWN = 25
# What figures are held against: nothing is detected by them.
_NOT_DETECTED = frozenset(
    {
        "available_hours_per_day",
        "target_utilization_pct",
        "target_idle_pct",
        "fuel_min_km",
        "fuel_deviation_pct",
        *OF_FLEET,
    }
)
_running = threading.Lock()  # one preview in a process: computing holds up whoever else this process serves

admin.site.unregister(ParameterSet)


class DaysForm(forms.Form):
    days = forms.IntegerField(min_value=1, max_value=MOST_DAYS)


@admin.register(ParameterSet)
class PreviewedParameterSetAdmin(ParameterSetAdmin):
    """The form of parameters with a preview of what they would change. Looking at it writes nothing."""

    change_form_outer_after_template = "fleet/preview_panel.html"

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["fleet/charts.css"]}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_out)
        return [
            path("preview/", view, name="trucks_parameterset_preview"),
            path("<int:pk>/preview/", view, name="trucks_parameterset_preview_of"),
            *super().get_urls(),
        ]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        row = kwargs.get("obj")
        may_try = self.has_change_permission(request, row) if row else self.has_add_permission(request)
        suffix, args = ("_of", [row.pk]) if row else ("", [])
        context["preview_address"] = reverse(f"admin:trucks_parameterset_preview{suffix}", args=args) if may_try else ""
        context["preview_days"] = MOST_DAYS
        return super().render_change_form(request, context, **kwargs)

    @method_decorator(require_POST)
    @method_decorator(xframe_options_sameorigin)  # it is shown in a frame of the form's own page
    def try_out(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """What the form's values would change in the last days, or what is wrong with them."""
        row = None if pk is None else self.get_object(request, str(pk))
        may_try = self.has_add_permission(request) if pk is None else row and self.has_change_permission(request, row)
        if not may_try:
            raise PermissionDenied
        entered = request.POST.copy()
        entered["effective_from"] = str(dt.date.today())  # tried as if always in force, so it may not be entered yet
        days, form = DaysForm(entered), self.get_form(request, row, change=row is not None)(entered, instance=row)
        context: dict[str, Any] = {**self.admin_site.each_context(request), "title": "Preview"}
        if days.is_valid() and form.is_valid():
            context |= tried(form.instance, days.cleaned_data["days"])
        else:
            context["problems"] = _problems(days) + _problems(form)
        return TemplateResponse(request, "fleet/preview.html", context)


def _problems(form: Any) -> list[str]:
    """Each error with the label of its field."""
    return [
        f"{form.fields[name].label or title(name)}: {error}" if name in form.fields else str(error)
        for name, errors in form.errors.items()
        for error in errors
    ]


# --- trying ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tried:
    """The trucks that were looked at within the time, and how many there are."""

    found: Sequence[TruckPreview]
    trucks: int

    @property
    def is_whole(self) -> bool:
        return len(self.found) == self.trucks


def tried(proposed: ParameterSet, days: int) -> dict[str, Any]:
    """The context of what a set, new or in place of what it was, would change."""
    fleet = proposed.fleet
    only = proposed.truck
    shown = {
        "values": [(LABELS.get(name, name), f"{value:g}") for name, value in proposed.values.items()],
        "about": str(only) if only else f"all trucks of {fleet.name}",
        "days": days,
        "not_detected": [LABELS[name] for name in proposed.values if name in _NOT_DETECTED],
        "command": _command(proposed, days),
    }
    if not _running.acquire(blocking=False):
        return shown | {"is_busy": True}
    try:
        result = _within_budget(proposed, days)
    finally:
        _running.release()
    return shown | _shown(result, fleet)


def _within_budget(proposed: ParameterSet, days: int) -> Tried:
    """Truck by truck, by code, until the time is over: at least one."""
    found: list[TruckPreview] = []
    until = time.monotonic() + BUDGET_S
    for each in preview(proposed.fleet, proposed.values, days, proposed.truck, replaced=proposed.pk):
        found.append(each)
        if time.monotonic() >= until:
            break
    return Tried(found, len(trucks_of(proposed.fleet, proposed.truck)))


def _command(proposed: ParameterSet, days: int) -> str:
    """The same without a limit of time."""
    of_truck = f" --truck {proposed.truck.code}" if proposed.truck else ""
    values = " ".join(f"{name}={value:g}" for name, value in proposed.values.items())
    return f'manage.py preview_parameters --fleet "{proposed.fleet.name}"{of_truck} --days {days} {values}'


def _shown(result: Tried, fleet: Fleet) -> dict[str, Any]:
    old, new = [day for each in result.found for day in each.old], [day for each in result.found for day in each.new]
    changed = [each for each in result.found if each.changed_days]
    return {
        "result": result,
        "looked_at": len(result.found),
        "truck_days": len(old),
        "changed_days": sum(len(each.changed_days) for each in changed),
        "figures": _figures(differences(old, new), fleet),
        "events": _events(changed),
        "trucks": _trucks(changed),
        "more_trucks": max(0, len(changed) - TRUCKS_SHOWN),
    }


def _figures(found: Sequence[Difference], fleet: Fleet) -> Numbers | None:
    rows = [
        [title(each.figure), *(figure(each.figure, value, fleet) for value in (each.old, each.new)), _by(each, fleet)]
        for each in found
    ]
    return Numbers(["Figure", "As it is", "As it would be", "Difference"], rows, caption="Figures") if rows else None


def _by(each: Difference, fleet: Fleet) -> str:
    """With its sign; a dash where there is no number on both sides."""
    if each.by is None:
        return DASH
    return f"{'+' if each.by > 0 else '−'}{figure(each.figure, abs(each.by), fleet)}"


def _events(found: Sequence[TruckPreview]) -> Numbers | None:
    """How many events of each kind would appear and vanish."""
    counts = Counter((event.kind, event.appears) for each in found for event in each.events)
    kinds = sorted({kind for kind, _ in counts})
    rows = [[f"{kind.capitalize()}s", f"{counts[kind, True]:,}", f"{counts[kind, False]:,}"] for kind in kinds]
    return Numbers(["Events", "Appear", "Vanish"], rows, caption="Events") if rows else None


def _trucks(found: Sequence[TruckPreview]) -> Numbers | None:
    most = sorted(found, key=lambda each: (-len(each.changed_days), each.truck.code))[:TRUCKS_SHOWN]
    rows = [[str(each.truck), f"{len(each.changed_days)} of {len(each.old)}"] for each in most]
    return Numbers(["Truck", "Days that change"], rows, caption="Trucks") if rows else None
