"""The page that the admin opens with: one fleet's today, and what needs a person."""

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from apps.accounts.admin_base import local_time
from apps.accounts.calendar import ONE_DAY, as_utc, day_of
from apps.accounts.models import Fleet
from apps.accounts.scope import chosen_fleet, fleets_of
from apps.accounts.units import UnitSystem, unit_system
from apps.fleet import queries
from apps.fleet.models import DirtyEntry, ReportDelivery, ReportSchedule
from apps.fleet.pages.tiles import Tile
from apps.fleet.reports.figures import Sums
from apps.fleet.reports.wording import number
from apps.mysql import fetch_all_sync
from apps.trucks import queries as truck_queries
from apps.trucks.admin.status import NEVER, STATUSES
from apps.trucks.detection.fuel import Review
from apps.trucks.freshness import of_watermarks
from apps.trucks.models import DirtyDay, FuelEvent, SyncRun, Truck, TruckSync
from apps.trucks.queries import ACTIVE_TRUCKS, TRUCKS_BY_STATUS
from apps.trucks.states import by_status

CHART_DAYS = 14
DRAIN_DAYS = 7
DRAINS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's distance; `height_pct` of the chart. `value` is empty for a day without data."""

    day: dt.date
    value: str
    height_pct: float
    is_today: bool


@dataclass(frozen=True, slots=True)
class Sync:
    """`run`: the last one, or none. `paused`: why it stores nothing. `failing`: trucks whose last attempt failed."""

    run: SyncRun | None
    started: str
    paused: str
    lag: str
    failing: int
    lagging: int


@dataclass(frozen=True, slots=True)
class Mails:
    """`last`: the mail that was sent last, or none. `troubled`: failed or unknown in the last 7 days."""

    last: ReportDelivery | None
    sent: str
    troubled: int
    schedules: int


def add_today(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The dashboard's context; unfold calls it."""
    fleet = chosen_fleet(request)
    context.update(title="Today", fleets=fleets_of(request), fleet=fleet)
    if fleet is not None:
        context.update(_page(fleet, time.time()))
    return context


def _page(fleet: Fleet, now: float) -> dict[str, Any]:
    today = day_of(now, fleet.zone)
    days = fleet_days(fleet, today)
    fresh = of_watermarks(fetch_all_sync(truck_queries.FLEET_FRESHNESS, {"fleet": fleet.pk})[0], int(now))
    return {
        "day": today,
        "as_of": local_time(fresh.known_until, fleet.zone),
        "statuses": trucks_by_status(fleet, now),
        "tiles": tiles(days[-1], days[-2], unit_system(fleet.units)),
        "bars": bars(days, today, unit_system(fleet.units)),
        "units": unit_system(fleet.units),
        "sync": sync_health(fleet, fresh.lagging_count),
        "waiting": DirtyDay.objects.filter(fleet_id=fleet.pk).count(),
        "stuck": DirtyDay.objects.filter(fleet_id=fleet.pk, attempts__gt=0).count(),
        "unspread": DirtyEntry.objects.filter(fleet_id=fleet.pk).exclude(problem="").count(),
        "drains": suspected_drains(fleet, today),
        "drain_days": DRAIN_DAYS,
        "mails": mails(fleet, now),
        "is_new": not fresh.trucks or all(sums is None for _, sums in days),
    }


def fleet_days(fleet: Fleet, today: dt.date) -> list[tuple[dt.date, Sums | None]]:
    """The sums of the last days, today the last."""
    first = today - (CHART_DAYS - 1) * ONE_DAY
    rows = fetch_all_sync(queries.FLEET_DAYS, queries.period(fleet.pk, first, today))
    sums = {row["day"]: Sums.of(row) for row in rows}
    return [(day, sums.get(day)) for day in (first + n * ONE_DAY for n in range(CHART_DAYS))]


def trucks_by_status(fleet: Fleet, now: float) -> list[tuple[str, int]]:
    """(status, trucks) of all statuses."""
    which = {"fleet": fleet.pk, "now": int(now)}
    [counted], [active] = (fetch_all_sync(sql, which) for sql in (TRUCKS_BY_STATUS, ACTIVE_TRUCKS))
    counts = by_status(counted, active["trucks"])
    return [(status, counts["never_reported" if status == NEVER else status]) for status in STATUSES]


def tiles(today: tuple[dt.date, Sums | None], before: tuple[dt.date, Sums | None], units: UnitSystem) -> list[Tile]:
    now, then = _shown(today[1], units), _shown(before[1], units)
    return [Tile(title, value, [f"{then[title]} yesterday"]) for title, value in now.items()]


def _shown(sums: Sums | None, units: UnitSystem) -> dict[str, str]:
    known = sums.utilization if sums else None
    consumption = units.consumption(sums.consumption_l_100km) if sums else None
    return {
        "Distance": number(units.distance(sums.distance_m) if sums else None, 0, units.distance_label),
        "Engine utilization": number(known.engine_utilization_pct if known else None, 1, "%"),
        "Idling": number(known.idle_pct if known else None, 1, "%"),
        "Fuel": number(units.volume(sums.fuel_used_l) if sums else None, 0, units.volume_label),
        "Consumption": number(consumption, 1, units.consumption_label),
    }


def bars(days: Sequence[tuple[dt.date, Sums | None]], today: dt.date, units: UnitSystem) -> list[Bar]:
    """The chart of distance by day; the longest bar is the whole height."""
    distances = [units.distance(sums.distance_m) if sums else None for _, sums in days]
    longest = max((distance for distance in distances if distance), default=1.0)
    return [
        Bar(day, "" if distance is None else number(distance), 100 * (distance or 0) / longest, day == today)
        for (day, _), distance in zip(days, distances, strict=True)
    ]


def sync_health(fleet: Fleet, lagging: int) -> Sync:
    run = SyncRun.objects.filter(fleet=fleet.pk).order_by("-started_at").first()
    measured = SyncRun.objects.filter(fleet=fleet.pk, lag_s__isnull=False).order_by("-started_at").first()
    failing = TruckSync.objects.filter(fleet_id=fleet.pk).exclude(last_error="").count()
    return Sync(
        run=run,
        started=local_time(run.started_at if run else None, fleet.zone),
        paused=run.error.partition(": ")[2] if run and run.status == SyncRun.Status.PAUSED else "",
        lag="not measured yet" if measured is None else f"{round((measured.lag_s or 0) / 60)} min",
        failing=failing,
        lagging=lagging,
    )


def suspected_drains(fleet: Fleet, today: dt.date) -> list[dict[str, Any]]:
    """The latest drains of the last days that nobody has reviewed: key of the event, truck, when, how much."""
    since = today - (DRAIN_DAYS - 1) * ONE_DAY
    drains = FuelEvent.objects.filter(fleet_id=fleet.pk, day__gte=since, kind="drain", review=Review.SUSPECTED)
    found = list(drains.order_by("-started_at")[:DRAINS_SHOWN])
    names = dict(Truck.objects.filter(pk__in=[drain.truck_id for drain in found]).values_list("pk", "name"))
    units = unit_system(fleet.units)
    return [
        {
            "key": f"{drain.fleet_id}.{drain.truck_id}.{int(drain.started_at.timestamp())}.{drain.kind}",
            "truck": names.get(drain.truck_id, drain.truck_id),
            "when": local_time(drain.started_at, fleet.zone),
            "amount": number(units.volume(drain.litres), 0, units.volume_label),
        }
        for drain in found
    ]


def mails(fleet: Fleet, now: float) -> Mails:
    deliveries = ReportDelivery.objects.filter(run__schedule__fleet=fleet.pk)
    last = deliveries.filter(sent_at__isnull=False).order_by("-sent_at").first()
    recent = deliveries.filter(run__due_at__gte=as_utc(now - 7 * 86_400))
    return Mails(
        last=last,
        sent=local_time(last.sent_at if last else None, fleet.zone),
        troubled=recent.filter(status__in=["failed", "unknown"]).count(),
        schedules=ReportSchedule.objects.filter(fleet=fleet.pk, is_active=True).count(),
    )
