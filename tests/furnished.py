"""A fleet with one row of everything that the admin shows."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Model

from apps.accounts.models import ApiKey, Fleet, FleetMembership
from apps.fleet.models import (
    Benchmark,
    CostEntry,
    CostRate,
    ExchangeRate,
    FuelAlert,
    FuelPurchase,
    GroupTarget,
    LedgerImport,
    ReportDelivery,
    ReportFile,
    ReportRun,
    ReportSchedule,
)
from apps.trucks.invalidation import mark
from apps.trucks.models import DrainReview, EventMapping, SyncRun
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
from tests import rows


def furnish(fleet: Fleet, number: int = 1) -> dict[type[Model], Any]:
    """Makes the nth row of each kind, all called after the fleet; model → row, as its admin finds it."""
    word = fleet.name.split()[0]
    truck = rows.truck(fleet, f"{word}-{number}", sensor_problems=[[7, f"{word} door", "cannot be read"]])
    rows.known(truck)
    rows.latest(truck)
    made: dict[type[Model], Any] = {type(truck): truck}
    driver = rows.driver(fleet, f"{word} driver {number}", truck=truck)
    group = rows.group(fleet, f"{word} yard {number}", truck)
    for row in (
        group,
        rows.calendar(fleet, truck=truck, holidays=("2026-04-06",)),
        rows.workshop(truck, note=f"{word} gearbox"),
        GroupTarget.objects.create(fleet=fleet, group=group, effective_from=rows.DAY, target_idle_pct=10),
        rows.backfill(fleet, truck, number=10 * fleet.pk + number, requested_by=word),
        driver,
        rows.assignment(truck, driver, rows.NOON, source="manual"),
        rows.parameters(fleet, {"trip_end_s": 240 + number}, truck=truck),
        rows.place(fleet, f"{word} quarry {number}"),
        *_costs_and_runs(fleet, number),
        *_report(fleet, f"{word} {number}"),
    ):
        made[type(row)] = row
    rows.api_key(fleet, name=f"{word} key {number}")
    user = User.objects.create_user(f"{word.lower()}{number}", is_staff=True)
    made |= {
        Fleet: fleet,
        User: user,
        Group: Group.objects.create(name=f"{word} role {number}"),
        FleetMembership: FleetMembership.objects.create(fleet=fleet, user=user),
        ApiKey: ApiKey.objects.filter(fleet=fleet).latest("pk"),
    }
    made[DrainReview] = DrainReview.objects.create(
        fleet=fleet, truck=truck, started_at=rows.NOON, verdict="dismissed", reviewed_at=rows.NOON, reviewed_by=word
    )
    made[FuelAlert] = rows.fuel_alert(truck, note=f"{word} trailer {number}")
    return made | _computed(truck)


def _costs_and_runs(fleet: Fleet, number: int) -> list[Model]:
    word, first = fleet.name.split()[0], dt.date(2026, 1, number)
    errors = [{"truck": f"{word}-{number}", "error": "Unavailable: no answer"}]
    return [
        rows.price(fleet, first),
        CostEntry.objects.create(
            fleet=fleet,
            line="insurance",
            amount=Decimal("310.00"),
            currency=fleet.currency,
            covers_from=first,
            covers_to=dt.date(2026, 12, 31),
            document=f"{word} invoice {number}",
        ),
        ExchangeRate.objects.create(fleet=fleet, currency="CAD", effective_from=first, rate=Decimal("0.7")),
        FuelPurchase.objects.create(
            fleet=fleet,
            truck=fleet.trucks.first(),
            purchased_at=rows.NOON,
            litres=Decimal(300),
            amount=Decimal(315),
            currency=fleet.currency,
            station=f"{word} station {number}",
            reference=f"{word} card {number}",
        ),
        Benchmark.objects.create(
            year=1990 + Benchmark.objects.filter(year__lt=2010).count(),
            line="fuel",
            amount=Decimal("0.5"),
            currency="USD",
            source=f"{word} press",
            edition=str(number),
        ),
        LedgerImport.objects.create(
            fleet=fleet,
            kind="rates",
            file_name=f"{word} rates {number}.csv",
            sha256="ab" * 32,
            content=b"line,basis,amount,effective_from\ntires,per_km,0.03,2026-01-01\n",
            created_by=word,
        ),
        CostRate.objects.create(
            fleet=fleet, line="tolls", basis="per_km", amount=Decimal("0.02"), effective_from=first
        ),
        EventMapping.objects.create(
            fleet=fleet, hardware_id=number, measure="harsh_braking", parameter=f"{word}_io_253"
        ),
        SyncRun.objects.create(fleet=fleet, status="partial", started_at=rows.NOON, lag_s=48, truck_errors=errors),
    ]


def _report(fleet: Fleet, name: str) -> list[Model]:
    schedule = ReportSchedule.objects.create(
        fleet=fleet,
        name=name,
        send_at=dt.time(6),
        timezone=fleet.timezone,
        recipients=[f"{name.split()[0]}@example.com"],
    )
    run = ReportRun.objects.create(schedule=schedule, due_at=rows.NOON, period_from=rows.DAY, period_to=rows.DAY)
    ReportFile.objects.create(run=run, name="days.csv", content_type="text/csv", content=b"day\n", sha256="ab" * 32)
    delivery = ReportDelivery.objects.create(run=run, recipient=schedule.recipients[0], message_id=f"<{name}>")
    return [schedule, run, delivery]


def _computed(truck: Any) -> dict[type[Model], Any]:
    """The views' rows of a day with one of each event."""
    rows.truck_day(truck)
    rows.cost(truck, "fuel", "128.87")
    for create in (rows.trip, rows.stop, rows.idle_event, rows.speeding, rows.fuel_event, rows.harsh_event):
        create(truck)
    rows.fault_change(truck)
    rows.open_fault(truck)
    rows.correction(truck)
    mark(truck.fleet_id, [(truck.pk, rows.DAY)], "messages")
    views = (
        TruckDayRow, TripRow, StopRow, IdleEventRow, SpeedingEpisodeRow, FuelEventRow, HarshEventRow, FaultChangeRow,
        OpenFaultRow, DirtyDayRow, CorrectionRow,
    )  # fmt: skip
    return {view: view.objects.get(truck=truck) for view in views}
