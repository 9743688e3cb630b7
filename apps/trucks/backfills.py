"""Backfills as rows: asked for, claimed truck by truck, brought to an end, cancelled; how far they are.

Any number of workers may work on one backfill, and each may be killed: what it held comes back after its lease. Every
change of a day's state and of the counts is one transaction under the lock of the backfill's row.
"""

import datetime as dt
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from apps.accounts.calendar import day_of, days_between
from apps.accounts.models import Fleet
from apps.trucks import invalidation
from apps.trucks.messages.sealing import is_sealed
from apps.trucks.models import Backfill, BackfillDay, DirtyDay, Truck, TruckDay, TruckSync
from apps.trucks.sync.truck_pass import Tally
from apps.trucks.wialon import RequestRefused

Kind, Status, State = Backfill.Kind, Backfill.Status, BackfillDay.State

LEASE = dt.timedelta(seconds=120)
MAX_ATTEMPTS = 5
MAX_DAYS = 400
MAX_TRUCK_DAYS = 50_000
CHUNK_DAYS = {Kind.RESYNC: 3, Kind.REBUILD: 20}  # of one truck: about a second of work, or a third of one
MARKED_AHEAD = 240  # days that wait for their rebuild: the running day of the other trucks must not queue behind more
_RENEW_AFTER_S = 15
_RETRY_S, _LONGEST_RETRY_S = 30, 3_600
_PACE_S = 300  # the stretch by which the pace is measured
_INSERT_BATCH = 2_000
_WAIT_S = 0.5


class BackfillRefused(Exception):
    """What is asked for cannot be; `field` is the part of the question that is wrong."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class ChunkLost(Exception):
    """The backfill was cancelled, or another worker has these days now: this one was away for longer than its lease."""


# --- asking for one -------------------------------------------------------------------------------------------------


@transaction.atomic
def create(
    fleet: Fleet, kind: str, first_t: int, last_t: int, trucks: Sequence[Truck] | None, requested_by: str
) -> Backfill:
    """A new backfill of [first_t, last_t] (UTC seconds, both included) with a row for each truck-day.

    Without trucks of all active ones. Raises BackfillRefused.
    """
    first_day, last_day = _days(fleet, first_t, last_t)
    backfill = Backfill(
        fleet=fleet,
        kind=kind,
        first_t=first_t,
        last_t=last_t,
        first_day=first_day,
        last_day=last_day,
        truck_ids=None if trucks is None else sorted(truck.pk for truck in trucks),
        requested_by=requested_by,
    )
    pairs = _open_days(backfill)
    if len(pairs) > MAX_TRUCK_DAYS:
        raise BackfillRefused("to", f"these are {len(pairs):,} truck-days; at most {MAX_TRUCK_DAYS:,} at once")
    backfill.days_total = len(pairs)
    if not pairs:
        backfill.status, backfill.finished_at = Status.DONE, Now()
    backfill.save()
    rows = (BackfillDay(fleet_id=fleet.pk, backfill_id=backfill.pk, truck_id=truck, day=day) for truck, day in pairs)
    BackfillDay.objects.bulk_create(rows, batch_size=_INSERT_BATCH)
    backfill.refresh_from_db()
    return backfill


def _days(fleet: Fleet, first_t: int, last_t: int) -> tuple[dt.date, dt.date]:
    """The local days of the period, up to today. Raises BackfillRefused."""
    if first_t > last_t:
        raise BackfillRefused("from", "is later than the end")
    if first_t > (now := int(time.time())):
        raise BackfillRefused("from", "lies in the future")
    first_day, last_day = day_of(first_t, fleet.zone), day_of(min(last_t, now), fleet.zone)
    if (last_day - first_day).days >= MAX_DAYS:
        raise BackfillRefused("to", f"at most {MAX_DAYS} days at once")
    return first_day, last_day


def _open_days(backfill: Backfill) -> list[tuple[int, dt.date]]:
    """The truck-days to work on, sorted; sealed ones are counted and left out. Raises BackfillRefused."""
    zone = backfill.fleet.zone
    floors = dict(TruckSync.objects.filter(fleet_id=backfill.fleet_id).values_list("truck_id", "raw_since_t"))
    asked = _with_figures(backfill) if backfill.kind == Kind.REBUILD else _all_days(backfill)
    pairs = [(truck, day) for truck, day in asked if not is_sealed(day, floors.get(truck), zone)]
    backfill.days_sealed = len(asked) - len(pairs)
    if asked and not pairs:
        raise BackfillRefused("to", "all these days are sealed: their messages are no longer kept")
    return pairs


def _all_days(backfill: Backfill) -> list[tuple[int, dt.date]]:
    trucks = Truck.objects.filter(fleet=backfill.fleet_id)
    trucks = trucks.filter(is_active=True) if backfill.truck_ids is None else trucks.filter(pk__in=backfill.truck_ids)
    ids = trucks.order_by("pk").values_list("pk", flat=True)
    return [(truck, day) for truck in ids for day in days_between(backfill.first_day, backfill.last_day)]


def _with_figures(backfill: Backfill) -> list[tuple[int, dt.date]]:
    """The days that have figures or should have; sealed ones have them too."""
    first, last = backfill.first_day, backfill.last_day
    there = TruckDay.objects.filter(fleet_id=backfill.fleet_id, day__range=(first, last))
    if backfill.truck_ids is not None:
        there = there.filter(truck_id__in=backfill.truck_ids)
    due = invalidation.computed_days(backfill.fleet_id, first, last, backfill.truck_ids)
    return sorted({*due, *there.values_list("truck_id", "day")})


def cancel(backfill: Backfill) -> bool:
    """Ends a backfill where it is; what was done stays. False: it was over already.

    A worker notices before the next batch that it would load.
    """
    open_ = Backfill.objects.filter(pk=backfill.pk, status__in=[Status.QUEUED, Status.RUNNING])
    return bool(open_.update(status=Status.CANCELLED, finished_at=Now()))


# --- working on one -------------------------------------------------------------------------------------------------


def due() -> list[int]:
    """Backfills that can be worked on now, the oldest first; none of a fleet whose token is refused."""
    open_ = Backfill.objects.filter(status__in=[Status.QUEUED, Status.RUNNING], fleet__is_active=True)
    refused = Q(kind=Kind.RESYNC, fleet__sync__refused_logins__gt=0)
    ready = Q(not_before=None) | Q(not_before__lte=Now())
    return list(open_.filter(ready).exclude(refused).order_by("pk").values_list("pk", flat=True))


def rests(backfill: Backfill) -> bool:
    """Whether it waits until Wialon can be read again, not only until it is less busy."""
    return _is_paused(backfill) and not backfill.error.startswith("Busy")


@dataclass(slots=True)
class Chunk:
    """Some days of one truck, in order, that a worker holds."""

    backfill: Backfill
    truck_id: int
    days: Sequence[dt.date]
    owner: str
    renewed: float  # by the monotonic clock

    def renew(self) -> None:
        """Call it often; it writes only now and then. Raises ChunkLost."""
        if not Backfill.objects.filter(pk=self.backfill.pk, status=Status.RUNNING).exists():
            raise ChunkLost("the backfill is over")
        if time.monotonic() - self.renewed < _RENEW_AFTER_S:
            return
        if not self._mine().update(lease_until=Now() + LEASE):
            raise ChunkLost("its days went on elsewhere")
        self.renewed = time.monotonic()

    def finish(self, tally: Tally) -> None:
        """The days are read: counts move with their rows."""
        with _locked(self.backfill.pk) as backfill:
            done = self._mine().update(state=State.DONE, finished_at=Now(), error="", **_FREE)
            backfill.days_done += done
            if done:
                backfill.messages_loaded += tally.loaded
                backfill.messages_new += tally.new
                backfill.messages_removed += tally.removed
            _end_if_over(backfill)

    def mark(self) -> None:
        """Marks the days for their rebuild, which `settle` finds done."""
        with _locked(self.backfill.pk) as backfill:
            held = list(self._mine().order_by("day").values_list("day", flat=True))
            invalidation.mark(backfill.fleet_id, [(self.truck_id, day) for day in held], "backfill")
            self._mine().update(state=State.MARKED, **_FREE)

    def fail(self, error: Exception) -> None:
        """The days are tried again later, five times in all; at once no more where Wialon says no for good."""
        text = f"{type(error).__name__}: {error}"[:500]
        with _locked(self.backfill.pk) as backfill:
            given_up = self._mine().filter(attempts__gte=1 if isinstance(error, RequestRefused) else MAX_ATTEMPTS)
            backfill.days_failed += given_up.update(state=State.FAILED, finished_at=Now(), error=text, **_FREE)
            for attempt in range(1, MAX_ATTEMPTS):
                pause = dt.timedelta(seconds=min(_RETRY_S * 2 ** (attempt - 1), _LONGEST_RETRY_S))
                self._mine().filter(attempts=attempt).update(error=text, retry_at=Now() + pause, **_FREE)
            backfill.error = text
            _end_if_over(backfill)

    def give_back(self, *, pause_s: float = 0, why: str = "") -> None:
        """It was nobody's fault: the attempt does not count. The whole backfill rests for so long."""
        with _locked(self.backfill.pk) as backfill:
            self._mine().update(attempts=F("attempts") - 1, **_FREE)
            if pause_s:
                backfill.not_before, backfill.error = Now() + dt.timedelta(seconds=pause_s), why[:500]

    def _mine(self) -> QuerySet[BackfillDay]:
        return _rows(self.backfill).filter(truck_id=self.truck_id, lease_owner=self.owner, state=State.QUEUED)


_FREE: dict[str, Any] = {"lease_owner": "", "lease_until": None}


def claim(backfill_id: int) -> Chunk | None:
    """The next days of a truck that nobody works on in this backfill, or None.

    In order, one worker a truck: so what is loaded never leaves a hole behind the truck's cursor. Trucks of which no
    days wait for their rebuild come first: it computes the same days of many trucks for less than many of one.
    """
    with _locked(backfill_id) as backfill:
        if backfill.is_over or _is_paused(backfill) or _marked_enough(backfill):
            return None
        _give_up_the_deadly(backfill)
        busy = _rows(backfill).filter(lease_until__gt=Now()).values("truck_id")
        ready = _rows(backfill).filter(Q(retry_at=None) | Q(retry_at__lte=Now()), state=State.QUEUED)
        free = ready.exclude(truck_id__in=busy).order_by("truck_id", "day")
        waiting = _rows(backfill).filter(state=State.MARKED).values("truck_id")
        first = free.exclude(truck_id__in=waiting).first() or free.first()
        if first is None:
            _end_if_over(backfill)
            return None
        following = free.filter(truck_id=first.truck_id).values_list("day", flat=True)
        days = _run(list(following[: CHUNK_DAYS[Kind(backfill.kind)]]))
        chunk = Chunk(backfill, first.truck_id, days, secrets.token_hex(8), time.monotonic())
        terms = {"lease_owner": chunk.owner, "lease_until": Now() + LEASE, "attempts": F("attempts") + 1}
        _rows(backfill).filter(truck_id=chunk.truck_id, day__in=days).update(**terms)
        if backfill.status == Status.QUEUED:
            backfill.status, backfill.started_at = Status.RUNNING, Now()
        return chunk


def settle(backfill_id: int) -> int:
    """Counts the marked days that were rebuilt, or could not be. Returns how many still wait."""
    with _locked(backfill_id) as backfill:
        marked = _rows(backfill).filter(state=State.MARKED)
        log = DirtyDay.objects.filter(fleet_id=OuterRef("fleet_id"), truck_id=OuterRef("truck_id"), day=OuterRef("day"))
        failed = marked.filter(Exists(log.filter(attempts__gt=0)))
        backfill.days_failed += failed.update(
            state=State.FAILED, finished_at=Now(), error="not computed; see the days that wait for their rebuild"
        )
        backfill.days_done += marked.filter(~Exists(log)).update(state=State.DONE, finished_at=Now())
        _end_if_over(backfill)
        return marked.count()


@contextmanager
def _locked(backfill_id: int) -> Iterator[Backfill]:
    """The backfill's row under its lock, in a transaction, stored at the end."""
    with transaction.atomic():
        backfill = Backfill.objects.select_for_update().get(pk=backfill_id)
        yield backfill
        backfill.save()


def _rows(backfill: Backfill) -> QuerySet[BackfillDay]:
    return BackfillDay.objects.filter(fleet_id=backfill.fleet_id, backfill_id=backfill.pk)


def _is_paused(backfill: Backfill) -> bool:
    return Backfill.objects.filter(pk=backfill.pk, not_before__gt=Now()).exists()


def _marked_enough(backfill: Backfill) -> bool:
    return backfill.kind == Kind.REBUILD and _rows(backfill).filter(state=State.MARKED).count() >= MARKED_AHEAD


def _give_up_the_deadly(backfill: Backfill) -> None:
    """Days whose worker ended in every attempt: another one would end there too."""
    deadly = _rows(backfill).filter(state=State.QUEUED, attempts__gte=MAX_ATTEMPTS, lease_until__lte=Now())
    error = "the worker ended in every attempt"
    if given_up := deadly.update(state=State.FAILED, finished_at=Now(), error=error, **_FREE):
        backfill.days_failed += given_up
        backfill.error = error


def _run(days: Sequence[dt.date]) -> list[dt.date]:
    """The first days up to the first gap among them."""
    return [day for number, day in enumerate(days) if (day - days[0]).days == number]


def _end_if_over(backfill: Backfill) -> None:
    if backfill.is_over or _rows(backfill).filter(state__in=[State.QUEUED, State.MARKED]).exists():
        return
    backfill.status = Status.FAILED if backfill.days_failed else Status.DONE
    backfill.finished_at = Now()
    if backfill.status == Status.DONE:
        backfill.error = ""


def to_the_end(backfill: Backfill, share: Callable[[int], object], progress: Callable[[int, int], None]) -> Backfill:
    """The backfill when it is over: works on it here and now by shares, together with whoever else does.

    Or as it is when it has to rest because Wialon cannot be read.
    """
    while True:
        share(backfill.pk)
        before, backfill = backfill, Backfill.objects.get(pk=backfill.pk)
        progress(backfill.days_over, backfill.days_total)
        if backfill.is_over or rests(backfill):
            return backfill
        if backfill.days_over == before.days_over:
            time.sleep(_WAIT_S)  # others have what is left, or it is to be tried again later


# --- how far they are -----------------------------------------------------------------------------------------------

# Between the database's clock and its own rows: the clocks of workers and web servers do not matter.
_PACE = """
SELECT COUNT(*) AS days, UTC_TIMESTAMP(6) AS now,
    TIMESTAMPDIFF(MICROSECOND, %(started)s, UTC_TIMESTAMP(6)) / 1000000 AS seconds
FROM backfill_day
WHERE fleet_id = %(fleet)s AND backfill_id = %(backfill)s AND state IN ('done', 'failed')
    AND finished_at >= UTC_TIMESTAMP(6) - INTERVAL %(stretch)s SECOND
"""


def eta(backfill: Backfill) -> dt.datetime | None:
    """When it will be done at the pace of the last five minutes; None where it is over or has no pace."""
    if backfill.is_over or backfill.started_at is None:
        return None
    started = backfill.started_at.astimezone(dt.UTC).replace(tzinfo=None)
    values: dict[str, Any] = {
        "fleet": backfill.fleet_id,
        "backfill": backfill.pk,
        "started": started,
        "stretch": _PACE_S,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PACE, values)
        days, now, seconds = cursor.fetchone()
    if not days:
        return None
    left = (backfill.days_total - backfill.days_over) * min(float(seconds), _PACE_S) / days
    end: dt.datetime = now.replace(tzinfo=dt.UTC) + dt.timedelta(seconds=left)
    return end


def failures(backfill: Backfill, limit: int = 100) -> list[tuple[int, dt.date, str]]:
    """Truck, day and error of days that failed or are to be tried again, the first of them."""
    wrong = _rows(backfill).exclude(error="").exclude(state=State.DONE).order_by("truck_id", "day")
    return list(wrong.values_list("truck_id", "day", "error")[:limit])
