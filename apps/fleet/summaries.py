"""Out-of-date days into summaries: truck-days, their events and costs, and the fleet-days they add up to.

The log of dirty days is the work list. A batch claims rows of it, computes, writes and deletes them at the version it
read, all in one transaction: killed anywhere, it leaves everything as it was. A rebuild that changes nothing writes
nothing.
"""

import datetime as dt
import hashlib
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import orjson
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, models, transaction
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Now

from apps.accounts.calendar import as_utc
from apps.accounts.models import Fleet
from apps.fleet import queries
from apps.fleet.costs import DayCost, Price, Rate, Work, day_costs
from apps.fleet.models import CostRate, FuelPrice, TruckDayCost
from apps.trucks import parameter_sets
from apps.trucks.detect import DayResult, detect_days
from apps.trucks.history import Event
from apps.trucks.models import (
    DirtyDay,
    FuelEvent,
    IdleEvent,
    QuarantinedMessage,
    SpeedingEpisode,
    Stop,
    SummaryRevision,
    Trip,
    Truck,
    TruckDay,
    TruckSync,
)

logger = logging.getLogger(__name__)

BATCH = 60  # truck-days a transaction: their rows are locked for about half a second
SETTLED_AFTER_S = 72 * 3_600
USED_M, USED_S = 1_600, 1_800
MAX_ATTEMPTS = 5
_RETRY = dt.timedelta(minutes=1)
_GIVE_UP = dt.timedelta(hours=6)
_WAIT_S = 0.2
_CANDIDATES = 4 * BATCH  # trucks looked at for a batch: several rebuilders find each its own
Status = TruckDay.Status


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done with the dirty days that were claimed."""

    claimed: int = 0
    changed: int = 0
    failed: int = 0

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(self.claimed + other.claimed, self.changed + other.changed, self.failed + other.failed)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The rates and prices of a fleet, read once a batch."""

    rates: list[Rate]
    prices: list[Price]


def rebuild(fleet: Fleet, *, progress: Callable[[int], None] | None = None, seconds: float = math.inf) -> Outcome:
    """Rebuilds a fleet's dirty days, batch by batch, until none that can be done is left or the time is over.

    Without a limit of time it waits for the trucks that others work on; a worker leaves those to them.
    """
    deadline = time.monotonic() + seconds
    done = Outcome()
    while time.monotonic() < deadline:
        outcome = rebuild_batch(fleet)
        if outcome.claimed:
            done += outcome
            if progress:
                progress(outcome.claimed)
        elif seconds == math.inf and waiting(fleet.id):
            time.sleep(_WAIT_S)
        else:
            break
    return done


def waiting(fleet_id: int) -> int:
    """How many dirty days can be rebuilt now."""
    return _claimable(fleet_id).count()


def fleets_with_dirty_days() -> list[int]:
    """Fleets that have days to rebuild now, the one with the fewest first: a backfill does not hold up the others."""
    counts = _claimable(None).values("fleet_id").annotate(days=Count("*")).order_by("days")
    return list(counts.values_list("fleet_id", flat=True))


def rebuild_batch(fleet: Fleet) -> Outcome:
    """Claims up to BATCH dirty days of a fleet and rebuilds them in one transaction."""
    with transaction.atomic():
        syncs = _lock_trucks(fleet.id)
        claimed = list(_claimable(fleet.id).filter(truck_id__in=list(syncs)).order_by("truck_id", "day")[:BATCH])
        if not claimed:
            return Outcome()
        results, errors = _compute(fleet, claimed, syncs)
        changed = _changed(fleet, results)
        if changed:
            _write(fleet, changed)
        _update_log(claimed, errors)
    return Outcome(len(claimed), len(changed), sum(row.truck_id in errors for row in claimed))


def _lock_trucks(fleet_id: int) -> dict[int, TruckSync]:
    """Some trucks with dirty days, by id, locked: nobody stores for them or rebuilds them until the transaction ends.

    Without the lock a sync could ask which events its messages touch just before we write them, and miss their days.
    """
    waiting = _claimable(fleet_id).values("truck_id").annotate(days=Count("*")).order_by("truck_id")
    days = dict(waiting.values_list("truck_id", "days")[:_CANDIDATES])
    if not days:
        return {}
    share = max(1, BATCH * len(days) // sum(days.values()))
    free = TruckSync.objects.select_for_update(skip_locked=True).filter(truck_id__in=list(days))
    return {sync.truck_id: sync for sync in free.order_by("truck_id")[:share]}


def _claimable(fleet_id: int | None) -> QuerySet[DirtyDay]:
    """Dirty days of trucks whose watermark covers all that is stored: not of one that a sync is just filling."""
    covered = TruckSync.objects.filter(Q(cursor_t=None) | Q(known_until__gte=F("cursor_t")))
    ready = Q(retry_at=None) | Q(retry_at__lte=Now())
    rows = DirtyDay.objects.filter(ready, truck_id__in=covered.values("truck_id"))
    return rows if fleet_id is None else rows.filter(fleet_id=fleet_id)


# --- compute ---


_Columns = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Summary:
    """A day's result as the rows it becomes, but for what depends on when it was computed."""

    truck_id: int
    result: DayResult
    columns: _Columns  # of the truck-day
    events: list[tuple[type[models.Model], _Columns]]
    costs: list[DayCost]
    content_hash: str  # of all that would be written: equal when a rebuild changed nothing


def _summary(truck_id: int, result: DayResult, quarantined: int, costs: list[DayCost]) -> _Summary:
    columns = _truck_day(result, quarantined)
    events = [(model, _event(event, own)) for model, found, own in _EVENTS for event in found(result)]
    content = [columns, [values for _, values in events], [(cost.line, str(cost.amount)) for cost in costs]]
    content_hash = hashlib.blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
    return _Summary(truck_id, result, columns, events, costs, content_hash)


def _truck_day(result: DayResult, quarantined: int) -> _Columns:
    figures = asdict(result.figures)
    used = (figures["distance_m"] or 0) >= USED_M or figures["moving_s"] >= USED_S
    return {
        **figures,
        "messages": result.inputs.seconds,
        "dropped_values": result.inputs.dropped,
        "quarantined": quarantined,
        "as_of": as_utc(result.as_of),
        "length_s": result.length_s,
        "is_used": used,
        "available_s": round(result.parameters.available_hours_per_day * 3_600),
        "input_messages": result.inputs.messages,
        "input_first_t": result.inputs.first_t,
        "input_last_t": result.inputs.last_t,
        "parameters_version": parameter_sets.version(result.parameters),
    }


def _event(event: Event, own: Callable[[Any], _Columns]) -> _Columns:
    return {
        "started_at": as_utc(event.started_at),
        "ended_at": None if event.is_open else as_utc(event.ended_at),
        "lat": event.lat,
        "lon": event.lon,
        **own(event),
    }


def _compute(
    fleet: Fleet, claimed: Sequence[DirtyDay], syncs: Mapping[int, TruckSync]
) -> tuple[list[_Summary], dict[int, Exception]]:
    """The summaries of the claimed days, and the errors by truck: one bad truck never stops the others."""
    trucks = Truck.objects.filter(fleet=fleet).in_bulk([row.truck_id for row in claimed])
    ledger = _ledger(fleet)
    summaries: list[_Summary] = []
    errors: dict[int, Exception] = {}
    for truck_id, rows in groupby(claimed, key=lambda row: row.truck_id):
        marked = list(rows)
        try:
            with transaction.atomic():
                days = [row.day for row in marked]
                found = list(detect_days(trucks[truck_id], syncs[truck_id], days, fleet.zone))
                summaries += _priced(fleet, truck_id, found, ledger)
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:
            logger.exception("days not rebuilt", extra={"truck": truck_id, "days": len(marked)})
            errors[truck_id] = error
    return summaries, errors


def _ledger(fleet: Fleet) -> Ledger:
    rates = CostRate.objects.filter(fleet=fleet).order_by("id")
    prices = FuelPrice.objects.filter(fleet=fleet)
    return Ledger(
        [Rate(r.line, r.basis, r.amount, r.effective_from, r.effective_to, r.truck_id) for r in rates],
        [Price(price.effective_from, price.price_per_l) for price in prices],
    )


def _priced(fleet: Fleet, truck_id: int, results: Sequence[DayResult], ledger: Ledger) -> list[_Summary]:
    quarantined = QuarantinedMessage.objects.filter(
        fleet_id=fleet.id, truck_id=truck_id, day__in=[result.day for result in results]
    )
    counts = dict(quarantined.values_list("day").annotate(n=Count("*")))
    return [
        _summary(
            truck_id, result, counts.get(result.day, 0), day_costs(_work(truck_id, result), ledger.rates, ledger.prices)
        )
        for result in results
    ]


def _work(truck_id: int, result: DayResult) -> Work:
    figures = result.figures
    return Work(truck_id, result.day, figures.distance_m, figures.engine_on_s, figures.fuel_used_l)


# --- write ---


def _changed(fleet: Fleet, summaries: Sequence[_Summary]) -> list[tuple[_Summary, TruckDay | None]]:
    """The summaries that differ from what is stored, each with the row that stands there now."""
    stored = {
        (row.truck_id, row.day): row
        for row in TruckDay.objects.filter(
            fleet_id=fleet.id,
            day__in={summary.result.day for summary in summaries},
            truck_id__in={summary.truck_id for summary in summaries},
        ).only("pk", "content_hash", "status")
    }
    pairs = [(summary, stored.get((summary.truck_id, summary.result.day))) for summary in summaries]
    return [(summary, row) for summary, row in pairs if row is None or row.content_hash != summary.content_hash]


def _write(fleet: Fleet, changed: Sequence[tuple[_Summary, TruckDay | None]]) -> None:
    """Replaces events, costs and rows of the changed days, then the fleet's days."""
    revision = _next_revision(fleet.id)
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
    _replace_costs(fleet.id, summaries)
    TruckDay.objects.bulk_create(rows, update_conflicts=True, update_fields=_ROW_COLUMNS)
    for day in sorted({row.day for row in rows}):
        _sum_up(fleet.id, day, revision)


_ROW_COLUMNS = [
    field.name for field in TruckDay._meta.local_concrete_fields if field.name not in ("fleet_id", "day", "truck_id")
]


def _status(result: DayResult, stored: TruckDay | None) -> str:
    """A day is provisional until 72 hours after its end are known, then final; changed after that, corrected."""
    if stored is not None and stored.status in (Status.FINAL, Status.CORRECTED):
        return Status.CORRECTED
    return Status.FINAL if result.known_until >= result.end + SETTLED_AFTER_S else Status.PROVISIONAL


def _next_revision(fleet_id: int) -> SummaryRevision:
    """The fleet's next revision. Its row stays locked to the transaction's end: changes of a fleet queue up here."""
    SummaryRevision.objects.get_or_create(fleet_id=fleet_id, defaults={"changed_at": Now()})
    SummaryRevision.objects.filter(fleet_id=fleet_id).update(revision=F("revision") + 1, changed_at=Now())
    return SummaryRevision.objects.get(fleet_id=fleet_id)


def _of_days(summaries: Iterable[_Summary]) -> Q:
    """The days of each truck, as a condition."""
    condition = Q(pk__in=[])
    for truck_id, group in groupby(summaries, key=lambda summary: summary.truck_id):
        condition |= Q(truck_id=truck_id, day__in=[summary.result.day for summary in group])
    return condition


def _started_in(summaries: Iterable[_Summary]) -> Q:
    """The time of each truck's days, as a condition. By time and not by day: a fleet's zone may have changed."""
    condition = Q(pk__in=[])
    for truck_id, group in groupby(summaries, key=lambda summary: summary.truck_id):
        for start, end in _stretches((summary.result.start, summary.result.end) for summary in group):
            condition |= Q(truck_id=truck_id, started_at__gte=as_utc(start), started_at__lt=as_utc(end))
    return condition


def _stretches(days: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ascending intervals with those that follow upon each other joined."""
    joined: list[tuple[int, int]] = []
    for start, end in days:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _replace_events(fleet_id: int, summaries: Sequence[_Summary]) -> None:
    for model, _, _ in _EVENTS:
        model._default_manager.filter(_started_in(summaries), fleet_id=fleet_id).delete()
        model._default_manager.bulk_create(
            model(fleet_id=fleet_id, truck_id=summary.truck_id, day=summary.result.day, **values)
            for summary in summaries
            for kind, values in summary.events
            if kind is model
        )


def _attributes(*names: str) -> Callable[[Any], dict[str, Any]]:
    return lambda event: {name: getattr(event, name) for name in names}


def _stop_columns(stop: Any) -> dict[str, Any]:
    """An open stop says only when it began: how long it lasts is a matter of time, not of messages."""
    return {name: None if stop.is_open else getattr(stop, name) for name in ("idle_s", "parked_s", "no_data_s")}


_EVENTS: tuple[
    tuple[type[models.Model], Callable[[DayResult], Sequence[Event]], Callable[[Any], dict[str, Any]]], ...
] = (
    (
        Trip,
        lambda result: result.trips,
        _attributes(
            "end_lat", "end_lon", "distance_m", "distance_source", "moving_s", "idle_s", "parked_s", "no_data_s",
            "mean_speed_kmh", "max_speed_kmh", "fuel_l",
        ),
    ),
    (Stop, lambda result: result.stops, _stop_columns),
    (IdleEvent, lambda result: result.idle_events, _attributes("duration_s", "productive_s", "fuel_l")),
    (
        SpeedingEpisode,
        lambda result: result.speeding,
        _attributes("severity", "limit_kmh", "max_speed_kmh", "excess_kmh", "duration_s", "distance_m"),
    ),
    (
        FuelEvent,
        lambda result: result.fuel_events,
        _attributes("kind", "level_before_l", "level_after_l", "litres"),
    ),
)  # fmt: skip


def _replace_costs(fleet_id: int, summaries: Sequence[_Summary]) -> None:
    TruckDayCost.objects.filter(_of_days(summaries), fleet_id=fleet_id).delete()
    TruckDayCost.objects.bulk_create(
        TruckDayCost(
            fleet_id=fleet_id,
            day=summary.result.day,
            truck_id=summary.truck_id,
            line=cost.line,
            amount=cost.amount,
            source="estimated",
        )
        for summary in summaries
        for cost in summary.costs
    )


def _sum_up(fleet_id: int, day: dt.date, revision: SummaryRevision) -> None:
    """Replaces a fleet's day by the sums of its trucks' days. The lock on the revision makes it see all of them."""
    values: dict[str, Any] = {"fleet": fleet_id, "day": day}
    values |= {"revision": revision.revision, "computed_at": revision.changed_at}
    with connection.cursor() as cursor:
        for statement in queries.SUM_UP_DAY:
            cursor.execute(statement, values)


def _update_log(claimed: Iterable[DirtyDay], errors: Mapping[int, Exception]) -> None:
    """Deletes the claimed rows at the version that was read: what was marked again meanwhile stays.

    Those of a truck that failed have another try in a minute, after five in hours: they stay in the log, where the
    admin shows them. All in the order of the key, as `mark` does: neither waits for the other in a circle.
    """
    for row in claimed:
        as_read = DirtyDay.objects.filter(pk=row.pk, version=row.version)
        if (error := errors.get(row.truck_id)) is None:
            as_read.delete()
        else:
            wait = _RETRY if row.attempts + 1 < MAX_ATTEMPTS else _GIVE_UP
            text = f"{type(error).__name__}: {error}"[:500]
            as_read.update(attempts=F("attempts") + 1, retry_at=Now() + wait, last_error=text)


def settle(fleet: Fleet) -> int:
    """Declares provisional days final whose 72 hours are over, but for those that are out of date. Returns how many."""
    due = _due_to_settle(fleet.id)
    if not due:
        return 0
    with transaction.atomic():
        revision = _next_revision(fleet.id)
        provisional = TruckDay.objects.filter(fleet_id=fleet.id, status=Status.PROVISIONAL)
        return sum(
            provisional.filter(truck_id=truck_id, day__in=days).update(status=Status.FINAL, revision=revision.revision)
            for truck_id, days in due.items()
        )


def _due_to_settle(fleet_id: int) -> dict[int, list[dt.date]]:
    """The days to settle, by truck."""
    known = dict(TruckSync.objects.filter(fleet_id=fleet_id).values_list("truck_id", "known_until"))
    dirty = set(DirtyDay.objects.filter(fleet_id=fleet_id).values_list("truck_id", "day"))
    provisional = TruckDay.objects.filter(fleet_id=fleet_id, status=Status.PROVISIONAL)
    due: dict[int, list[dt.date]] = {}
    for truck_id, day, as_of in provisional.values_list("truck_id", "day", "as_of"):
        if as_of <= as_utc((known.get(truck_id) or 0) - SETTLED_AFTER_S) and (truck_id, day) not in dirty:
            due.setdefault(truck_id, []).append(day)
    return due
