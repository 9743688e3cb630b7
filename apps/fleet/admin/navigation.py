"""The admin's menu, by what staff come to do."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from apps.accounts.models import ApiKey, Fleet, FleetMembership
from apps.accounts.scope import fleets_of
from apps.fleet.models import (
    Benchmark,
    CostEntry,
    CostRate,
    ExchangeRate,
    FuelAlert,
    FuelPrice,
    FuelPurchase,
    GroupTarget,
    LedgerImport,
    ReportDelivery,
    ReportRun,
    ReportSchedule,
    WorkingCalendar,
    WorkshopStay,
)
from apps.trucks.models import (
    Backfill,
    DrainReview,
    Driver,
    DriverAssignment,
    EventMapping,
    ParameterSet,
    ProductivePlace,
    SyncRun,
    Truck,
    TruckGroup,
)
from apps.trucks.models.views import (
    CorrectionRow,
    DirtyDayRow,
    FaultChangeRow,
    FuelEventRow,
    HarshEventRow,
    IdleEventRow,
    OpenFaultRow,
    SpeedingEpisodeRow,
    StopRow,
    TripRow,
    TruckDayRow,
)

# heading → (title, icon, what it lists)
MENU: dict[str, list[tuple[str, str, type[Model]]]] = {
    "Trucks": [
        ("Trucks", "local_shipping", Truck),
        ("Groups", "folder", TruckGroup),
        ("Drivers", "badge", Driver),
        ("Who drove what", "assignment_ind", DriverAssignment),
        ("Parameters", "tune", ParameterSet),
        ("Productive places", "fence", ProductivePlace),
        ("Device events", "sensors", EventMapping),
    ],
    "Working time": [
        ("Calendars", "event_available", WorkingCalendar),
        ("Workshop", "car_repair", WorkshopStay),
        ("Group targets", "flag", GroupTarget),
    ],
    "Days": [
        ("Truck-days", "calendar_month", TruckDayRow),
        ("Corrections", "published_with_changes", CorrectionRow),
        ("Waiting for rebuild", "autorenew", DirtyDayRow),
    ],
    "Trips and events": [
        ("Trips", "route", TripRow),
        ("Stops", "local_parking", StopRow),
        ("Idling", "hourglass_empty", IdleEventRow),
        ("Speeding", "speed", SpeedingEpisodeRow),
        ("Refuels and drains", "local_gas_station", FuelEventRow),
        ("Drain reviews", "fact_check", DrainReview),
        ("Fuel alerts", "notification_important", FuelAlert),
        ("Harsh driving", "crisis_alert", HarshEventRow),
        ("Open faults", "car_crash", OpenFaultRow),
        ("Faults by day", "build", FaultChangeRow),
    ],
    "Costs": [
        ("Invoices", "receipt_long", CostEntry),
        ("Fuel prices", "oil_barrel", FuelPrice),
        ("Fuel purchases", "local_gas_station", FuelPurchase),
        ("Cost rates", "payments", CostRate),
        ("Exchange rates", "currency_exchange", ExchangeRate),
        ("Imports", "upload_file", LedgerImport),
        ("Benchmark", "leaderboard", Benchmark),
    ],
    "Reports": [
        ("Schedules", "schedule_send", ReportSchedule),
        ("Runs", "description", ReportRun),
        ("Deliveries", "mail", ReportDelivery),
    ],
    "Sync": [("Runs", "sync", SyncRun), ("Backfills", "history", Backfill)],
    "Accounts": [
        ("Fleets", "domain", Fleet),
        ("API keys", "key", ApiKey),
        ("Memberships", "group", FleetMembership),
        ("Staff", "person", User),
        ("Roles", "verified_user", Group),
    ],
}

TODAY = ("Today", "today", "admin:index")
# Of every member of a fleet's staff: title, icon, address.
PAGES = [
    TODAY,
    ("Costs", "monitoring", "costs"),
    ("Utilization", "donut_large", "utilization"),
    ("Driving", "sports_motorsports", "drivers"),
]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The menu's groups and items, as far as the reader may open them."""
    pages = PAGES if fleets_of(request) or request.user.is_superuser else [TODAY]
    first = [{"title": title, "icon": icon, "link": reverse(name)} for title, icon, name in pages]
    groups: list[dict[str, Any]] = [{"items": first}]
    for heading, entries in MENU.items():
        items = [_item(*entry) for entry in entries if _may_open(request, entry[2])]
        if items:
            groups.append({"title": heading, "separator": True, "items": items})
    return groups


def _item(title: str, icon: str, model: type[Model]) -> dict[str, Any]:
    options = model._meta
    return {"title": title, "icon": icon, "link": reverse(f"admin:{options.app_label}_{options.model_name}_changelist")}


def _may_open(request: HttpRequest, model: type[Model]) -> bool:
    return bool(admin.site._registry[model].has_view_permission(request))
