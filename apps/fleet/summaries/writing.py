"""Replaces the rows of changed days, and the sums that they are part of, under the lock of the fleet's revision."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from functools import reduce
from itertools import groupby
from operator import itemgetter, or_
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from apps.accounts.calendar import as_utc
from apps.accounts.models import Fleet
from apps.fleet.models import (
    CostSource,
    TruckDayCost,
    TruckDayDriver,
    TruckDayDriverCost,
    TruckDayFuel,
    TruckDayHours,
)
from apps.fleet.summaries import driver_shares, hours, idle_places, sums
from apps.fleet.summaries.corrections import COLUMNS, Causes, corrections
from apps.fleet.summaries.event_money import Columns
from apps.fleet.summaries.rows import EVENTS, Summary
from apps.trucks.detection.faults import FaultChangeKind
from apps.trucks.detection.results import DayResult
from apps.trucks.messages import bulk_load
from apps.trucks.models import Correction, FaultChange, OpenFault, SummaryRevision, TruckDay, TruckSync
from apps.trucks.sync import latest

SETTLED_AFTER_S = 72 * 3_600
_MANY = 100  # rows from which on a file is faster than an INSERT
Status = TruckDay.Status
Row = TypeVar("Row", bound=Model)


def changed_days(fleet: Fleet, summaries: Sequence[Summary]) -> list[tuple[Summary, TruckDay | None]]:
    """The summaries that differ from what is stored, each with the row that stands there now."""
    computed = TruckDay.objects.filter(
        fleet_id=fleet.id,
        day__in={summary.result.day for summary in summaries},
        truck_id__in={summary.truck_id for summary in summaries},
    )
    # Mostly none differs: only of those that do all figures are read.
    hashes = {(truck_id, day): was for truck_id, day, was in computed.values_list("truck_id", "day", "content_hash")}
    other = [each for each in summaries if hashes.get((each.truck_id, each.result.day)) != each.content_hash]
    stored: dict[tuple[int, dt.date], TruckDay] = {}
    if other:
        rows = TruckDay.objects.filter(_of_days(other), fleet_id=fleet.id).only("pk", "status", *COLUMNS)
        stored = {(row.truck_id, row.day): row for row in rows}
    return [(each, stored.get((each.truck_id, each.result.day))) for each in other]


def write(fleet: Fleet, changed: Sequence[tuple[Summary, TruckDay | None]], causes: Causes) -> None:
    """Replaces events, costs and rows of the changed days, then the fleet's days; what was final is corrected aloud."""
    revision = next_revision(fleet.id)
    computed_at = revision.changed_at
    summaries = [summary for summary, _ in changed]
    rows = [
        TruckDay(
            fleet_id=fleet.id,
            truck_id=summary.truck_id,
            day=summary.result.day,
            **summary.columns,
            content_hash=summary.content_hash,
            status=_status(summary.result, stored),
            revision=revision.revision,
            computed_at=computed_at,
        )
        for summary, stored in changed
    ]
    _replace_events(fleet.id, summaries)
    _replace_open_faults(fleet.id, {summary.truck_id for summary in summaries})
    _replace_costs(fleet.id, summaries)
    _replace_drivers(fleet.id, summaries)
    Correction.objects.bulk_create(corrections(fleet.id, changed, causes, revision))
    TruckDay.objects.bulk_create(rows, update_conflicts=True, update_fields=_ROW_COLUMNS)
    hours.replace(fleet.id, summaries)
    idle_places.replace(fleet.id, summaries)
    sums.of_days(fleet.id, {(row.truck_id, row.day) for row in rows}, revision)


def remove(fleet: Fleet, days: Collection[tuple[int, dt.date]]) -> set[tuple[int, dt.date]]:
    """Removes the rows of days (truck, day) that a truck no longer has. Returns which had any.

    That is so when the fleet's zone has changed. Events are in the time of days that it has, and replaced with those.
    """
    stored = TruckDay.objects.filter(fleet_id=fleet.pk, day__in={day for _, day in days})
    found = set(stored.values_list("truck_id", "day")).intersection(days)
    if found:
        revision = next_revision(fleet.pk)
        for truck_id, day in sorted(found):
            for model in (TruckDay, TruckDayFuel, TruckDayDriver, TruckDayHours):
                model._default_manager.filter(fleet_id=fleet.pk, truck_id=truck_id, day=day).delete()
            for costs in (TruckDayCost, TruckDayDriverCost):  # the shares of invoices follow by themselves
                rows = costs._default_manager.filter(fleet_id=fleet.pk, truck_id=truck_id, day=day)
                rows.filter(source=CostSource.ESTIMATED).delete()
        driver_shares.replace(fleet.pk, {day for _, day in found}, {truck_id for truck_id, _ in found})
        hours.add_up(fleet.pk, found)
        idle_places.remove(fleet.pk, found)
        sums.of_days(fleet.pk, found, revision)
    return found


_ROW_COLUMNS = [
    field.name for field in TruckDay._meta.local_concrete_fields if field.name not in ("fleet_id", "day", "truck_id")
]


def _status(result: DayResult, stored: TruckDay | None) -> str:
    """A day is provisional until 72 hours after its end are known, then final; changed after that, corrected."""
    if stored is not None and stored.status in (Status.FINAL, Status.CORRECTED):
        return Status.CORRECTED
    return Status.FINAL if result.known_until >= result.end + SETTLED_AFTER_S else Status.PROVISIONAL


def lock_revision(fleet_id: int) -> None:
    """Waits for all others that write the fleet's summaries, and holds them up to the transaction's end."""
    SummaryRevision.objects.get_or_create(fleet_id=fleet_id, defaults={"changed_at": Now()})
    SummaryRevision.objects.select_for_update().get(fleet_id=fleet_id)


def next_revision(fleet_id: int) -> SummaryRevision:
    """The fleet's next revision. Its row stays locked to the transaction's end: changes of a fleet queue up here."""
    SummaryRevision.objects.get_or_create(fleet_id=fleet_id, defaults={"changed_at": Now()})
    SummaryRevision.objects.filter(fleet_id=fleet_id).update(revision=F("revision") + 1, changed_at=Now())
    return SummaryRevision.objects.get(fleet_id=fleet_id)


def _of_days(summaries: Iterable[Summary]) -> Q:
    """The days of each truck, as a condition."""
    trucks: defaultdict[tuple[dt.date, ...], list[int]] = defaultdict(list)
    for truck_id, group in groupby(summaries, key=lambda summary: summary.truck_id):
        trucks[tuple(summary.result.day for summary in group)].append(truck_id)
    return reduce(or_, (Q(truck_id__in=ids, day__in=days) for days, ids in trucks.items()))


def _started_in(summaries: Iterable[Summary]) -> Q:
    """The time of each truck's days, as a condition. By time and not by day: a fleet's zone may have changed."""
    trucks: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for truck_id, group in groupby(summaries, key=lambda summary: summary.truck_id):
        for stretch in _stretches((summary.result.start, summary.result.end) for summary in group):
            trucks[stretch].append(truck_id)
    times = (
        Q(truck_id__in=ids, started_at__gte=as_utc(start), started_at__lt=as_utc(end))
        for (start, end), ids in trucks.items()
    )
    return reduce(or_, times)


def _stretches(days: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ascending intervals with those that follow upon each other joined."""
    joined: list[tuple[int, int]] = []
    for start, end in days:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _replace(stored: QuerySet[Row], rows: Iterable[Columns]) -> None:
    """Makes the stored rows those given, and leaves alone what is so already: of a running day nearly all."""
    names = [field.attname for field in stored.model._meta.local_concrete_fields]
    wanted = dict.fromkeys(map(itemgetter(*names), rows))
    found = {values[1:]: values[0] for values in stored.values_list("pk", *names)}
    if gone := [found[values] for values in found.keys() - wanted.keys()]:
        stored.model._default_manager.filter(pk__in=gone).delete()
    _insert(stored.model, [values for values in wanted if values not in found])


def _insert(model: type[Model], rows: Sequence[Sequence[Any]]) -> None:
    """Inserts rows of all fields, in their order. A day has dozens: the ORM takes 85 µs for each, an INSERT 35."""
    table, columns = model._meta.db_table, [field.column for field in model._meta.local_concrete_fields]
    if not rows or (len(rows) >= _MANY and bulk_load.load(table, {}, _in_columns(columns, rows))):
        return
    places = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})",
            [[_as_stored(value) for value in row] for row in rows],
        )


def _in_columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """The rows by column, with their days, instants and decimals as texts."""
    return dict(zip(names, map(_column_as_texts, zip(*rows, strict=True)), strict=True))


def _column_as_texts(values: Sequence[Any]) -> Sequence[Any]:
    kind = next((type(value) for value in values if value is not None), None)
    if kind in (dt.date, dt.datetime, Decimal):
        return [None if value is None else str(_as_stored(value)) for value in values]
    return values


def _as_stored(value: Any) -> Any:
    """Instants are UTC; the driver would drop an offset without a word."""
    return value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value


def _replace_events(fleet_id: int, summaries: Sequence[Summary]) -> None:
    times = _started_in(summaries)
    for model, _, _ in EVENTS:
        _replace(
            model._default_manager.filter(times, fleet_id=fleet_id),
            (
                {**_key(fleet_id, summary), **values}
                for summary in summaries
                for kind, values in summary.events
                if kind is model
            ),
        )


def _replace_open_faults(fleet_id: int, truck_ids: Collection[int]) -> None:
    """Keeps of each truck the faults that opened and were not heard of again since: requests read only these."""
    OpenFault.objects.filter(fleet_id=fleet_id, truck_id__in=truck_ids).delete()
    changes = FaultChange.objects.filter(fleet_id=fleet_id)
    same = {name: OuterRef(name) for name in ("truck_id", "spn", "fmi", "source")}
    later = changes.filter(**same, started_at__gt=OuterRef("started_at"))
    opened = changes.filter(~Exists(later), truck_id__in=truck_ids, kind=FaultChangeKind.OPENED)
    columns = ("fleet_id", "truck_id", "spn", "fmi", "source", "severity", "lat", "lon")
    faults = [
        OpenFault(opened_at=change.started_at, **{name: getattr(change, name) for name in columns}) for change in opened
    ]
    OpenFault.objects.bulk_create(faults)
    _keep_ready(fleet_id, truck_ids, faults)


def _keep_ready(fleet_id: int, truck_ids: Collection[int], faults: Iterable[OpenFault]) -> None:
    """The same as the API shows them beside a truck's latest values: in its row, which the rebuild holds anyway."""
    by_truck: dict[int, list[latest.OpenFault]] = defaultdict(list)
    for fault in faults:
        by_truck[fault.truck_id].append((fault.spn, fault.fmi, fault.source, fault.severity, fault.opened_at))
    syncs = TruckSync.objects.filter(fleet_id=fleet_id)
    syncs.filter(truck_id__in=set(truck_ids) - by_truck.keys(), open_faults__isnull=False).update(open_faults=None)
    for truck_id, each in by_truck.items():
        syncs.filter(truck_id=truck_id).update(open_faults=latest.open_faults(each))


def _replace_costs(fleet_id: int, summaries: Sequence[Summary]) -> None:
    """Replaces the estimates and the fuel in money; the shares of invoices are written by `shares`."""
    days = _of_days(summaries)
    _replace(
        TruckDayCost.objects.filter(days, fleet_id=fleet_id, source=CostSource.ESTIMATED),
        (
            {**_key(fleet_id, summary), "line": cost.line, "amount": cost.amount, "source": CostSource.ESTIMATED}
            for summary in summaries
            for cost in summary.costs
        ),
    )
    _replace(
        TruckDayFuel.objects.filter(days, fleet_id=fleet_id),
        (
            {**_key(fleet_id, summary), **summary.fuel}
            for summary in summaries
            if any(value is not None for value in summary.fuel.values())
        ),
    )


def _replace_drivers(fleet_id: int, summaries: Sequence[Summary]) -> None:
    """Replaces the figures by driver, what each bears of the estimates, and of the shares that there are."""
    days = _of_days(summaries)
    had = _drivers_of(fleet_id, days)
    _replace(
        TruckDayDriver.objects.filter(days, fleet_id=fleet_id),
        ({**_key(fleet_id, summary), **row} for summary in summaries for row in summary.drivers),
    )
    _replace(
        TruckDayDriverCost.objects.filter(days, fleet_id=fleet_id, source=CostSource.ESTIMATED),
        ({**_key(fleet_id, summary), **row} for summary in summaries for row in summary.driver_costs),
    )
    # Of a day that one driver has as before the shares are borne as before, which is nearly every running day.
    concerned = [each for each in summaries if _has_other_drivers(each, had[each.truck_id, each.result.day])]
    if concerned:
        driver_shares.replace(fleet_id, {each.result.day for each in concerned}, {each.truck_id for each in concerned})


def _drivers_of(fleet_id: int, days: Q) -> defaultdict[tuple[int, dt.date], set[int]]:
    """Truck and day → the drivers that stand there."""
    found: defaultdict[tuple[int, dt.date], set[int]] = defaultdict(set)
    rows = TruckDayDriver.objects.filter(days, fleet_id=fleet_id)
    for truck_id, day, driver_id in rows.values_list("truck_id", "day", "driver_id"):
        found[truck_id, day].add(driver_id)
    return found


def _has_other_drivers(summary: Summary, before: set[int]) -> bool:
    """Others than before, or several, whose parts may be others."""
    return len(summary.drivers) > 1 or {row["driver_id"] for row in summary.drivers} != before


def _key(fleet_id: int, summary: Summary) -> Columns:
    return {"fleet_id": fleet_id, "day": summary.result.day, "truck_id": summary.truck_id}
