"""Rebuilds the days of the log, batch by batch: claims some, has them computed, written, and taken off the log."""

import datetime as dt
import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Now

from apps.accounts.models import Fleet
from apps.fleet.models import DirtyFuelWeek
from apps.fleet.spans import pentad_of
from apps.fleet.summaries import fuel_alerts, last_stops, notes, place_spans, shares
from apps.fleet.summaries.driver_rows import with_drivers
from apps.fleet.summaries.money import Ledger
from apps.fleet.summaries.notes import Changes
from apps.fleet.summaries.rows import Summary, summary
from apps.fleet.summaries.sealed import reprice
from apps.fleet.summaries.use import Use
from apps.fleet.summaries.writing import changed_days, remove, write
from apps.trucks.detection.detect import detect_days
from apps.trucks.detection.rules import rules_of
from apps.trucks.messages.sealing import is_sealed
from apps.trucks.models import DirtyDay, QuarantinedMessage, Truck, TruckDay, TruckSync

logger = logging.getLogger(__name__)

BATCH = 120  # truck-days a transaction: trucks with many packed days are locked for about a second
MOST_TRUCKS = 60  # of them: those of many are mostly running days, which are read from rows and take longer
_TWO_PENTADS = 11  # days at most; what is read around a truck's days is read once for both
MAX_ATTEMPTS = 5
_RETRY = dt.timedelta(minutes=1)
_GIVE_UP = dt.timedelta(hours=6)
_WAIT_S = 0.2
_CANDIDATES = 4 * MOST_TRUCKS  # trucks looked at for a batch: several rebuilders find each its own


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done with the dirty days that were claimed."""

    claimed: int = 0
    changed: int = 0
    failed: int = 0
    sealed: int = 0  # left as they are, but for what rates and invoices make of them

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            self.claimed + other.claimed,
            self.changed + other.changed,
            self.failed + other.failed,
            self.sealed + other.sealed,
        )


def rebuild(fleet: Fleet, *, progress: Callable[[int], None] | None = None, seconds: float = math.inf) -> Outcome:
    """Rebuilds a fleet's dirty days, batch by batch, until none that can be done is left or the time is over.

    Without a limit of time it waits for the trucks that others work on, and spreads every noted invoice; a worker
    leaves those trucks to them, and invoices that are not due yet to later.
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
    shares.reallocate(fleet, early=seconds == math.inf, seconds=seconds)
    fuel_alerts.judge(fleet, seconds=seconds)
    place_spans.add_up(fleet, early=seconds == math.inf, seconds=seconds)
    return done


def waiting(fleet_id: int) -> int:
    """How many dirty days can be rebuilt now."""
    return _claimable(fleet_id).count()


def fleets_with_dirty_days() -> list[int]:
    """Fleets that have something to rebuild now, the one with the fewest days first: a backfill does not hold up the
    others."""
    counts = dict(_claimable(None).values("fleet_id").annotate(days=Count("*")).values_list("fleet_id", "days"))
    entries = notes.due().values_list("fleet_id", flat=True).distinct()
    weeks = DirtyFuelWeek.objects.values_list("fleet_id", flat=True).distinct()
    places = place_spans.due().values_list("fleet_id", flat=True).distinct()
    return sorted({*counts, *entries, *weeks, *places}, key=lambda fleet_id: (counts.get(fleet_id, 0), fleet_id))


def rebuild_batch(fleet: Fleet) -> Outcome:
    """Claims up to BATCH dirty days of a fleet and rebuilds them in one transaction."""
    with transaction.atomic():
        syncs = _lock_trucks(fleet.id)
        fleet = Fleet.objects.get(pk=fleet.pk)  # its zone may have changed; who does that marks every day
        claimed = _claim(fleet.id, syncs)
        if not claimed:
            return Outcome()
        results, errors = _compute(fleet, claimed, syncs)
        changed = changed_days(fleet, results)
        if changed:
            write(fleet, changed, {(row.truck_id, row.day): row.cause for row in claimed})
            last_stops.end(fleet.pk, {summary.truck_id for summary, _ in changed})
        no_more = remove(fleet, _without_result(fleet, claimed, results, errors, syncs))
        sealed = _sealed(fleet, claimed, syncs)
        repriced, not_repriced = _repriced(fleet, sealed)
        errors |= not_repriced
        if changed or no_more:
            notes.note_changes(fleet.id, _changes(changed, no_more))
            fuel_alerts.note(fleet, {*no_more, *((day.truck_id, day.result.day) for day, _ in changed)}, syncs)
        _update_log(claimed, errors)
    return Outcome(
        claimed=len(claimed),
        changed=len(changed) + len(no_more) + repriced,
        failed=sum(row.truck_id in errors for row in claimed),
        sealed=len(sealed),
    )


def _changes(changed: Iterable[tuple[Summary, TruckDay | None]], gone: Collection[tuple[int, dt.date]]) -> Changes:
    """What of it invoices are spread by."""
    days = [(day.truck_id, day.result.day, day.result.figures.distance_m, stored) for day, stored in changed]
    new = [(truck_id, day) for truck_id, day, _, stored in days if stored is None]
    redriven = [(truck_id, day) for truck_id, day, metres, was in days if was is not None and was.distance_m != metres]
    return Changes(new, gone, redriven)


def _without_result(
    fleet: Fleet,
    claimed: Iterable[DirtyDay],
    results: Iterable[Summary],
    errors: Mapping[int, Exception],
    syncs: Mapping[int, TruckSync],
) -> list[tuple[int, dt.date]]:
    """The claimed days that the truck does not have, but for sealed ones and those of a truck that failed."""
    found = {(summary.truck_id, summary.result.day) for summary in results}
    return [
        (row.truck_id, row.day)
        for row in claimed
        if (row.truck_id, row.day) not in found
        and row.truck_id not in errors
        and not is_sealed(row.day, syncs[row.truck_id].raw_since_t, fleet.zone)
    ]


def _sealed(fleet: Fleet, claimed: Iterable[DirtyDay], syncs: Mapping[int, TruckSync]) -> list[tuple[int, dt.date]]:
    """Those of them that `detect_days` leaves out: their messages are no longer whole."""
    sealed = [row for row in claimed if is_sealed(row.day, syncs[row.truck_id].raw_since_t, fleet.zone)]
    if sealed:
        causes = sorted({row.cause for row in sealed})
        logger.info("figures of sealed days stay", extra={"fleet": fleet.pk, "days": len(sealed), "causes": causes})
    return [(row.truck_id, row.day) for row in sealed]


def _repriced(fleet: Fleet, sealed: Sequence[tuple[int, dt.date]]) -> tuple[int, dict[int, Exception]]:
    """How many of these days cost otherwise now, and the errors by truck: if there is one, each is tried by itself."""
    try:
        with transaction.atomic():
            return reprice(fleet, sealed), {}
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        trucks = sorted({truck_id for truck_id, _ in sealed})
        if len(trucks) == 1:
            logger.exception("sealed days not priced anew", extra={"truck": trucks[0], "days": len(sealed)})
            return 0, {trucks[0]: error}
    repriced = 0
    errors: dict[int, Exception] = {}
    for truck_id in trucks:
        number, found = _repriced(fleet, [each for each in sealed if each[0] == truck_id])
        repriced, errors = repriced + number, errors | found
    return repriced, errors


def _lock_trucks(fleet_id: int) -> dict[int, TruckSync]:
    """Some trucks with dirty days, by id, locked: nobody stores for them or rebuilds them until the transaction ends.

    Without the lock a sync could ask which events its messages touch just before we write them, and miss their days.
    """
    waiting = _claimable(fleet_id).values("truck_id").annotate(days=Count("*")).order_by("truck_id")
    days = dict(waiting.values_list("truck_id", "days")[:_CANDIDATES])
    if not days:
        return {}
    room = max(1, BATCH * len(days) // sum(days.values()), min(BATCH // _TWO_PENTADS, len(days) // 2))
    share = min(room, MOST_TRUCKS)
    free = TruckSync.objects.select_for_update(skip_locked=True).filter(truck_id__in=list(days))
    return {sync.truck_id: sync for sync in free.order_by("truck_id")[:share]}


def _claim(fleet_id: int, trucks: Collection[int]) -> list[DirtyDay]:
    """At most BATCH dirty days of these trucks, by truck and day: the earliest, and where there are more whole pentads.

    What is packed of a day, a pentad or a month is written once a batch, whether it is of one truck or of many.
    """
    rows = list(_claimable(fleet_id).filter(truck_id__in=list(trucks)).order_by("day", "truck_id")[: BATCH + 1])
    if len(rows) > BATCH:
        left = pentad_of(rows.pop().day)
        rows = [row for row in rows if pentad_of(row.day) < left] or rows
    return sorted(rows, key=lambda row: (row.truck_id, row.day))


def _claimable(fleet_id: int | None) -> QuerySet[DirtyDay]:
    """Dirty days of trucks whose watermark covers all that is stored: not of one that a sync is just filling."""
    covered = TruckSync.objects.filter(Q(cursor_t=None) | Q(known_until__gte=F("cursor_t")))
    ready = Q(retry_at=None) | Q(retry_at__lte=Now())
    rows = DirtyDay.objects.filter(ready, truck_id__in=covered.values("truck_id"))
    return rows if fleet_id is None else rows.filter(fleet_id=fleet_id)


def _compute(
    fleet: Fleet, claimed: Sequence[DirtyDay], syncs: Mapping[int, TruckSync]
) -> tuple[list[Summary], dict[int, Exception]]:
    """The summaries of the claimed days, and the errors by truck: one bad truck never stops the others."""
    trucks = Truck.objects.filter(fleet=fleet).in_bulk({row.truck_id for row in claimed})
    days = sorted({row.day for row in claimed})
    rules, ledger, use = rules_of(fleet.pk, trucks), Ledger(fleet, set(trucks), days), Use(fleet)
    quarantined = _quarantined(fleet.pk, trucks, days)
    summaries: list[Summary] = []
    errors: dict[int, Exception] = {}
    for truck_id, rows in groupby(claimed, key=lambda row: row.truck_id):
        marked = list(rows)
        try:
            with transaction.atomic():
                truck, sync = trucks[truck_id], syncs[truck_id]
                found = detect_days(truck, sync, [row.day for row in marked], fleet.zone, rules[truck_id])
                priced = [
                    summary(
                        truck_id,
                        result,
                        quarantined.get((truck_id, result.day), 0),
                        ledger.money_of(truck_id, result),
                        use.of(truck_id, result),
                    )
                    for result in found
                ]
                summaries += [with_drivers(each, ledger) for each in priced]
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:
            logger.exception("days not rebuilt", extra={"truck": truck_id, "days": len(marked)})
            errors[truck_id] = error
    return summaries, errors


def _quarantined(
    fleet_id: int, truck_ids: Collection[int], days: Collection[dt.date]
) -> dict[tuple[int, dt.date], int]:
    """How many messages of trucks (truck, day) are in quarantine."""
    rows = QuarantinedMessage.objects.filter(fleet_id=fleet_id, truck_id__in=truck_ids, day__in=days)
    counts = rows.values_list("truck_id", "day").annotate(n=Count("*"))
    return {(truck_id, day): n for truck_id, day, n in counts}


def _update_log(claimed: Iterable[DirtyDay], errors: Mapping[int, Exception]) -> None:
    """Deletes the claimed rows at the version that was read: what was marked again meanwhile stays.

    Those of a truck that failed have another try in a minute, after five in hours: they stay in the log, where the
    admin shows them. All in the order of the key, as `mark` does: neither waits for the other in a circle.
    """
    done = [row for row in claimed if row.truck_id not in errors]
    if done:
        as_read = " OR ".join(["(truck_id = %s AND day = %s AND version = %s)"] * len(done))
        keys = (value for row in done for value in (row.truck_id, row.day, row.version))
        with connection.cursor() as cursor:  # one statement, for which the ORM would take longer than for sixty
            cursor.execute(f"DELETE FROM dirty_day WHERE fleet_id = %s AND ({as_read})", [done[0].fleet_id, *keys])
    for row in claimed:
        if error := errors.get(row.truck_id):
            wait = _RETRY if row.attempts + 1 < MAX_ATTEMPTS else _GIVE_UP
            text = f"{type(error).__name__}: {error}"[:500]
            row_as_read = DirtyDay.objects.filter(pk=row.pk, version=row.version)
            row_as_read.update(attempts=F("attempts") + 1, retry_at=Now() + wait, last_error=text)
