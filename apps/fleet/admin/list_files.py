"""Lists of computed rows as files: the rows that a list's period, filters and search leave, with the API's columns.

Which rows these are is one statement, made by Django as for the list itself; the process that writes the file reads
them, so that their number costs the web server nothing.
"""

import datetime as dt
from typing import Any, ClassVar

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import EmptyResultSet, PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from pydantic import BaseModel

from apps.accounts.admin_base import FleetFilter
from apps.accounts.models import Fleet
from apps.accounts.periods import Period, of_days
from apps.accounts.schemas import Instant, described
from apps.accounts.scope import asked_fleet
from apps.files.answers import TYPES, Listing, OfTruck
from apps.files.columns import shape
from apps.files.job import Statement
from apps.fleet.admin.period import PeriodFilter
from apps.fleet.fuel.schemas import FuelAlertItem
from apps.fleet.pages import downloads
from apps.trucks import exports
from apps.trucks.event_schemas import Fault
from apps.trucks.exports import TruckList
from apps.trucks.schemas import Severity

# --- lists that only the admin has ----------------------------------------------------------------------------------


class FaultChangeItem(BaseModel):
    started_at: Instant = described("When the device first told of the change.", "2026-03-05T14:31:00Z")
    kind: str = described("`opened` or `cleared`.", "opened")
    spn: int = described("J1939 suspect parameter number: what is faulty.", 100)
    suspect: str | None = described("The same in words; empty of a number that is not listed.", "engine oil pressure")
    fmi: int = described("Failure mode identifier: how.", 1)
    failure: str = described("The failure mode in words.", "below normal range, most severe")
    source: int | None = described("Address of the control unit; empty if the device does not tell.", 0)
    severity: Severity = described("By the failure mode.", "severe")
    lat: float | None = described("Latitude; empty without a fix.", 41.8502)
    lon: float | None = described("Longitude; empty without a fix.", -87.6511)


class CorrectionItem(BaseModel):
    day: dt.date = described("The day, final before.", "2026-03-05")
    figure: str = described("Which figure; its values are metric, in the unit at the end of its name.", "distance_m")
    old: str | None = described("What it was; empty: not measured.", "412000")
    new: str | None = described("What it became.", "412345")
    cause: str = described("Why the day was computed anew.", "messages")
    corrected_at: Instant = described("When.", "2026-03-20T04:12:00Z")
    revision: int = described("The fleet's revision that it came with.", 4_711)


_SOURCE = "NULLIF(x.source, 255)"
_ACKNOWLEDGED = """(SELECT MIN(a.acknowledged_at) FROM fault_acknowledgement a WHERE a.fleet_id = x.fleet_id
    AND a.truck_id = x.truck_id AND a.spn = x.spn AND a.fmi = x.fmi AND a.source = x.source
    AND a.acknowledged_at >= x.opened_at)"""
FAULT_CHANGES = TruckList(
    Listing("Faults by day", shape(OfTruck, FaultChangeItem)),
    "fault_change",
    {"source": _SOURCE, **exports.IN_WORDS},
    words=exports.FAULT_WORDS,
)
OPEN_FAULTS = TruckList(
    Listing("Open faults", shape(OfTruck, Fault)),
    "open_fault",
    {"source": _SOURCE, "acknowledged_at": _ACKNOWLEDGED, **exports.IN_WORDS},
    order=("truck_id", "opened_at"),
    words=exports.FAULT_WORDS,
)
CORRECTIONS = TruckList(
    Listing("Corrections", shape(OfTruck, CorrectionItem)),
    "correction",
    {},
    order=("day", "truck_id", "revision", "figure"),
)
FUEL_ALERTS = TruckList(
    Listing("Fuel alerts", shape(OfTruck, FuelAlertItem)),
    "fuel_alert",
    {"state": "IF(x.withdrawn_at IS NOT NULL, 'withdrawn', IF(x.review = '', 'open', x.review))"},
    order=("week", "truck_id"),
)


# --- the files of a list --------------------------------------------------------------------------------------------


class WithFiles:
    """A list of the admin that can be had as a file: a mixin, to stand first. `file_of`: its columns."""

    file_of: ClassVar[TruckList | None] = None

    def get_urls(self) -> list[URLPattern]:
        urls: list[URLPattern] = super().get_urls()  # type: ignore[misc]
        if self.file_of is None:
            return urls
        view = self.admin_site.admin_view(self.file_view)  # type: ignore[attr-defined]
        return [path("file/<str:form>/", view, name=self._page("file").removeprefix("admin:")), *urls]

    def _page(self, name: str) -> str:
        options = self.opts  # type: ignore[attr-defined]
        return f"admin:{options.app_label}_{options.model_name}_{name}"

    def file_view(self, request: HttpRequest, form: str) -> HttpResponse:
        """The rows that the list of the same address has. Raises Http404 and PermissionDenied."""
        admin: Any = self
        if not admin.has_view_permission(request):
            raise PermissionDenied
        fleet, wanted = asked_fleet(request), downloads.form_named(form)
        if fleet is None or self.file_of is None:
            raise Http404("no fleet")
        listed = f"{reverse(self._page('changelist'))}?{request.GET.urlencode()}"
        try:
            found = admin.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(listed)  # which says so
        asked = downloads.question(fleet, self.file_of.listing, _when(found, fleet), wanted, _narrowed(found, request))
        return downloads.answer(request, asked, _source(self.file_of, fleet, found.queryset), listed)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        files = self._files(request) if self.file_of else {}
        response: HttpResponse = super().changelist_view(request, {"files": files, **(extra_context or {})})  # type: ignore[misc]
        return response

    def _files(self, request: HttpRequest) -> dict[str, str]:
        """Form → address."""
        query = request.GET.copy()
        query.pop("p", None)
        return {
            form: f"{reverse(self._page('file'), args=[form])}?{query.urlencode()}"
            for form in sorted(TYPES, reverse=True)
        }


def _source(listed: TruckList, fleet: Fleet, rows: QuerySet[Any]) -> Statement:
    """What the writer is to read: the list's rows, in the order of the file."""
    plain = rows.filter(fleet=fleet.pk).select_related(None).prefetch_related(None).order_by()
    try:
        sql, values = plain.query.sql_with_params()
    except EmptyResultSet:  # no truck has the word that was searched for
        sql, values = f"SELECT * FROM {listed.table} WHERE FALSE", ()
    names = [f"chosen_{number}" for number in range(len(values))]
    named = sql.replace("%%", "%%%%") % tuple(f"%({name})s" for name in names)
    return exports.read_chosen(listed, fleet.pk, fleet.zone, named, dict(zip(names, values, strict=True)))


def _when(found: Any, fleet: Fleet) -> Period | dt.datetime:
    """The list's period; now for a list that has none."""
    for spec in found.filter_specs:
        if isinstance(spec, PeriodFilter):
            return of_days(spec.period.first, spec.period.last, fleet.zone)
    return timezone.now()


def _narrowed(found: Any, request: HttpRequest) -> dict[str, str]:
    """What was searched for and filtered by, besides fleet and period, for people to read."""
    narrowed = {"Search": str(found.query)} if found.query else {}
    for spec in found.filter_specs:
        if isinstance(spec, FleetFilter | PeriodFilter) or not set(spec.expected_parameters()) & set(request.GET):
            continue
        chosen = [str(choice["display"]) for choice in spec.choices(found) if choice["selected"]]
        narrowed |= {str(spec.title).capitalize(): ", ".join(chosen)}
    return narrowed
