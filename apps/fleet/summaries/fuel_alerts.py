"""Alerts about fuel: which weeks of which trucks must be judged anew, and judging them.

A week's verdict depends on its own days and on the 28 before. Whoever writes days notes the weeks that they are part
of; these are judged at the end of a rebuild, whole. So what alerts there are follows from the days there are, however
they came; what comes out the same is not written.

Locks are taken in one order: the fleet's revision, then the log of weeks, then the facts.
"""

import datetime as dt
import math
import time
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from django.db import transaction
from django.db.models.functions import Now

from apps.accounts.calendar import ONE_DAY, as_utc, day_bounds
from apps.accounts.models import Fleet
from apps.fleet.costs.estimates import cents
from apps.fleet.figures import coverage_pct
from apps.fleet.fuel import parameters as fuel_parameters
from apps.fleet.fuel import queries as fuel_queries
from apps.fleet.fuel.consumption import BASELINE_DAYS, Consumption, against_baseline
from apps.fleet.fuel.figures import burn
from apps.fleet.models import DirtyFuelWeek, FuelAlert
from apps.fleet.summaries import writing
from apps.fleet.summaries.event_money import Columns
from apps.mysql import Row, fetch_all_sync
from apps.trucks import facts
from apps.trucks.models import TruckSync

_WEEK = 7 * ONE_DAY
_WEEKS = range(BASELINE_DAYS // 7 + 1)  # a day is part of its own week, and of the baseline of the four after it


def note(fleet: Fleet, days: Iterable[tuple[int, dt.date]], syncs: Mapping[int, TruckSync]) -> None:
    """Notes the weeks that days (truck, day) are part of, of those that are over for their truck.

    A week that is not over is noted when its last day is written as a whole. The caller has the fleet's revision.
    """
    weeks = {
        (week, truck_id)
        for truck_id, day in days
        for week in (day - day.weekday() * ONE_DAY + number * _WEEK for number in _WEEKS)
        if _end(week, fleet) <= (syncs[truck_id].known_until or 0)
    }
    DirtyFuelWeek.objects.bulk_create(
        (DirtyFuelWeek(fleet_id=fleet.pk, week=week, truck_id=truck_id) for week, truck_id in sorted(weeks)),
        ignore_conflicts=True,
    )


def _end(week: dt.date, fleet: Fleet) -> int:
    return day_bounds(week + _WEEK - ONE_DAY, fleet.zone)[1]


def judge(fleet: Fleet, seconds: float = math.inf) -> int:
    """Judges the noted weeks, each in a transaction of its own, the last first, until the time is over; one at least.

    Returns how many alerts were written.
    """
    deadline = time.monotonic() + seconds
    written = 0
    noted = DirtyFuelWeek.objects.filter(fleet_id=fleet.pk).values_list("week", flat=True)
    for week in list(noted.distinct().order_by("-week")):
        written += _judge(fleet, week)
        if time.monotonic() >= deadline:
            break
    return written


@transaction.atomic
def _judge(fleet: Fleet, week: dt.date) -> int:
    """Whoever notes weeks has the revision, so nobody notes one meanwhile that would be taken off the log unjudged."""
    writing.lock_revision(fleet.pk)
    noted = DirtyFuelWeek.objects.filter(fleet_id=fleet.pk, week=week)
    trucks = list(noted.values_list("truck_id", flat=True))
    written = _store(fleet, week, trucks, deviating(fleet, week)) if trucks else 0
    noted.delete()
    if written:
        facts.changed(fleet.pk)
    return written


def deviating(fleet: Fleet, week: dt.date) -> dict[int, Columns]:
    """The figures of those noted trucks whose week is whole and deviates by more than their parameter, by truck."""
    last = week + _WEEK - ONE_DAY
    asked = {"fleet": fleet.pk, "week": week, "from_day": week, "to_day": last}
    before = {**asked, "from_day": week - BASELINE_DAYS * ONE_DAY, "to_day": week - ONE_DAY}
    baselines = {row["truck_id"]: row for row in fetch_all_sync(fuel_queries.DAYS_OF_NOTED, before)}
    in_general, by_truck = fuel_parameters.in_force(fetch_all_sync(fuel_queries.PARAMETER_SETS, asked))
    end = as_utc(_end(week, fleet)).replace(tzinfo=None)  # as the database has it
    found = {}
    for row in fetch_all_sync(fuel_queries.DAYS_OF_NOTED, asked):
        pk = row["truck_id"]
        baseline = baselines.get(pk)
        if baseline is None or row["last_day"] != last or row["known_until"] < end:
            continue
        columns = _deviation(row, baseline, by_truck.get(pk, in_general))
        if columns is not None:
            found[pk] = columns
    return found


def _deviation(row: Row, before: Row, parameters: Mapping[str, float]) -> Columns | None:
    """The columns of an alert; null where the week is not ranked, not compared, or within the parameter."""
    own, baseline = burn(row), burn(before)
    week = Consumption(own, baseline, coverage_pct(row), parameters["fuel_min_km"], "")
    compared = against_baseline(own, baseline, week.min_km)
    usual, mine, threshold = compared.l_per_100km, own.l_per_100km, parameters["fuel_deviation_pct"]
    if week.unranked is not None or compared.deviation_pct is None or usual is None or mine is None:
        return None
    deviation, litres, distance_m = round(compared.deviation_pct, 4), own.litres or 0.0, own.distance_m or 0
    if abs(deviation) <= threshold:
        return None
    excess_l = litres - usual * distance_m / 100_000
    return {
        "litres": round(litres, 6),
        "distance_m": distance_m,
        "consumption_l_per_100km": round(mine, 6),
        "baseline_l_per_100km": round(usual, 6),
        "baseline_distance_m": baseline.distance_m,
        "deviation_pct": deviation,
        "threshold_pct": float(threshold),
        "excess_l": round(excess_l, 6),
        "excess_cost": _priced(excess_l, row),
    }


def _priced(litres: float, row: Row) -> Decimal | None:
    """At the mean price of the litres that the week used; null without a price."""
    if row["fuel_cost"] is None or not row["fuel_priced_l"]:
        return None
    return cents(Decimal(repr(litres)) * row["fuel_cost"] / Decimal(repr(row["fuel_priced_l"])))


def _store(fleet: Fleet, week: dt.date, trucks: Collection[int], found: Mapping[int, Columns]) -> int:
    """Makes, renews and withdraws alerts of these trucks; what people said of them is left alone. Returns how many."""
    alerts = FuelAlert.objects.filter(fleet=fleet, week=week)
    stored = {alert.truck_id: alert for alert in alerts.filter(truck__in=trucks)}
    new = [
        FuelAlert(fleet=fleet, week=week, truck_id=pk, found_at=Now(), changed_at=Now(), **columns)
        for pk, columns in found.items()
        if pk not in stored
    ]
    FuelAlert.objects.bulk_create(new)
    renewed = {pk: found[pk] for pk, alert in stored.items() if pk in found and not _says(alert, found[pk])}
    for pk, columns in renewed.items():
        alerts.filter(truck=pk).update(changed_at=Now(), withdrawn_at=None, **columns)
    gone = alerts.filter(truck__in=stored.keys() - found.keys(), withdrawn_at=None)
    return len(new) + len(renewed) + gone.update(changed_at=Now(), withdrawn_at=Now())


def _says(alert: FuelAlert, columns: Columns) -> bool:
    """Whether the alert holds and has these figures."""
    return alert.withdrawn_at is None and all(getattr(alert, name) == value for name, value in columns.items())
