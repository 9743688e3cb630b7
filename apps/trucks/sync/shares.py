"""A large pass as rows: every truck that is to be read is one, and any worker takes a share of them.

The trucks stand in `truck_sync` under the number of the run. A worker holds its share by a lease in database time, and
any may be killed: what it held comes back after its lease. Who has which truck, and the sums of the run, change in one
transaction under the lock of the run's row.
"""

import math
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from apps.accounts.models import Fleet
from apps.trucks.models import SyncRun, Truck, TruckSync
from apps.trucks.sync.leases import LEASE, RENEW_AFTER_S, Lost, free
from apps.trucks.sync.truck_pass import DAY_S, Tally, Turn

SIZE = 40  # as much as is loaded in one request
FAR_BEHIND = 10  # what a truck counts for that is loaded by itself: several workers take them a few at a time
MAX_ATTEMPTS = 3
_LAY_OUT_AT_ONCE = 200
_FREE: dict[str, Any] = {"lease_owner": "", "lease_until": None, "attempts": 0}


class ShareLost(Lost):
    """The pass is over, or another worker has these trucks now."""


class Share:
    """Some trucks of a pass that one worker holds."""

    def __init__(self, run: SyncRun, syncs: Sequence[TruckSync], owner: str) -> None:
        self.run_id = run.pk
        self._fleet: Fleet = run.fleet
        self._syncs = syncs
        self._owner = owner
        self._renewed = time.monotonic()

    def turns(self) -> list[Turn]:
        """The trucks and how far they were when they were taken, in their order."""
        trucks = Truck.objects.in_bulk([sync.truck_id for sync in self._syncs])
        for truck in trucks.values():
            truck.fleet = self._fleet
        return [Turn(trucks[sync.truck_id], sync, sync.told_t) for sync in self._syncs if sync.truck_id in trucks]

    def renew(self) -> None:
        """Call it often; it writes only now and then. Raises ShareLost."""
        if time.monotonic() - self._renewed < RENEW_AFTER_S:
            return
        if not SyncRun.objects.filter(pk=self.run_id, status=SyncRun.Status.RUNNING).exists():
            raise ShareLost("the pass is over")
        if not self._mine().update(lease_until=Now() + LEASE):
            raise ShareLost("its trucks went on elsewhere")
        self._renewed = time.monotonic()

    def finish(self, tally: Tally) -> None:
        """Gives the trucks back: those that were read or failed have had their turn, the others are free again.

        The run's sums move with them.
        """
        with _locked(self.run_id) as run:
            in_this_pass = self._mine().filter(run_id=self.run_id)
            in_this_pass.filter(truck_id__in=tally.read).update(run_id=None, read_in=self.run_id, **_FREE)
            in_this_pass.filter(truck_id__in=tally.failed).update(run_id=None, **_FREE)
            self._mine().update(**_FREE)
            add(run, tally)

    def _mine(self) -> QuerySet[TruckSync]:
        ids = [sync.truck_id for sync in self._syncs]
        return TruckSync.objects.filter(truck_id__in=ids, lease_owner=self._owner)


def number(turns: Sequence[Turn]) -> int:
    """How many shares they are; one is not worth rows."""
    return math.ceil(sum(_weight(turn.sync, turn.told_t) for turn in turns) / SIZE)


def lay_out(run: SyncRun, turns: Sequence[Turn]) -> None:
    """Makes these trucks free to be read in this pass. One that a worker still holds of a pass before comes later."""
    rows = [TruckSync(truck_id=turn.truck.pk, run_id=run.pk, told_t=turn.told_t) for turn in turns]
    rows.sort(key=lambda row: row.truck_id)
    for start in range(0, len(rows), _LAY_OUT_AT_ONCE):
        TruckSync.objects.bulk_update(rows[start : start + _LAY_OUT_AT_ONCE], ["run_id", "told_t"])


def claim(run_id: int) -> Share | None:
    """The next trucks of a pass that nobody reads; None where there are none free, or it is over."""
    with _locked(run_id) as run:
        if run.status != SyncRun.Status.RUNNING:
            return None
        waiting = TruckSync.objects.filter(free(), run_id=run_id)
        _give_up_the_deadly(run, waiting)
        syncs = _next_share(waiting)
        owner = secrets.token_hex(8)
        terms = {"lease_owner": owner, "lease_until": Now() + LEASE, "attempts": F("attempts") + 1}
        TruckSync.objects.filter(truck_id__in=[sync.truck_id for sync in syncs]).update(**terms)
        return Share(run, syncs, owner) if syncs else None


def _next_share(waiting: QuerySet[TruckSync]) -> list[TruckSync]:
    """Whose turn it is: those known the least first, of them those last that failed, or whose worker ended.

    Rows that a rebuild has locked are for later. A truck whose worker ended is read alone: it may be why.
    """
    in_turn = waiting.order_by("lease_until", "last_error", "known_until", "truck_id")
    candidates = list(in_turn.values_list("truck_id", flat=True)[: 2 * SIZE])
    unlocked = waiting.select_for_update(skip_locked=True).filter(truck_id__in=candidates)
    syncs = sorted(unlocked, key=lambda sync: candidates.index(sync.truck_id))
    if syncs and syncs[0].attempts:
        return syncs[:1]
    share: list[TruckSync] = []
    weight = 0
    for sync in syncs:
        weight += _weight(sync, sync.told_t)
        if sync.attempts or (share and weight > SIZE):
            break
        share.append(sync)
    return share


def _weight(sync: TruckSync, told_t: int | None) -> int:
    is_far_behind = told_t is not None and (sync.cursor_t is None or told_t - sync.cursor_t > DAY_S)
    return FAR_BEHIND if is_far_behind else 1


def _give_up_the_deadly(run: SyncRun, waiting: QuerySet[TruckSync]) -> None:
    """Trucks whose worker ended in every attempt: another one would end there too, and the others would wait."""
    deadly = list(waiting.filter(attempts__gte=MAX_ATTEMPTS).values_list("truck_id", flat=True))
    error = f"the worker ended in each of {MAX_ATTEMPTS} attempts"
    if deadly:
        TruckSync.objects.filter(truck_id__in=deadly).update(run_id=None, last_error=error, **_FREE)
        codes = Truck.objects.filter(pk__in=deadly).values_list("code", flat=True)
        add(run, Tally(errors=[{"truck": code, "error": error} for code in codes]))


def left(run_id: int) -> int:
    """How many trucks of a pass are still to be read, or being read."""
    return TruckSync.objects.filter(run_id=run_id).count()


def read_in(run: SyncRun) -> list[int]:
    """The trucks that any worker has read to the end in this pass."""
    rows = TruckSync.objects.filter(fleet_id=run.fleet_id, read_in=run.pk)
    return list(rows.order_by("truck_id").values_list("truck_id", flat=True))


def take_back(run: SyncRun) -> None:
    """The pass is over: what nobody reads now is no longer to be read in it."""
    TruckSync.objects.filter(free(), run_id=run.pk).update(run_id=None)


def open_runs() -> list[int]:
    """Passes with trucks that nobody reads yet."""
    waiting = TruckSync.objects.filter(free(), run_id__isnull=False)
    running = SyncRun.objects.filter(pk__in=waiting.values("run_id"), status=SyncRun.Status.RUNNING)
    return list(running.order_by("pk").values_list("pk", flat=True))


def add(run: SyncRun, tally: Tally) -> None:
    """Adds what a worker has done to a run; it is for the caller to lock it before, and to save it."""
    run.trucks_with_news += tally.with_news
    run.trucks_failed += len(tally.errors)
    run.messages_loaded += tally.loaded
    run.messages_new += tally.new
    run.messages_removed += tally.removed
    run.messages_quarantined += tally.quarantined
    run.messages_refused += tally.refused
    run.messages_too_old += tally.too_old
    run.truck_errors = [*run.truck_errors, *tally.errors]


@contextmanager
def _locked(run_id: int) -> Iterator[SyncRun]:
    """The run's row under its lock, in a transaction, stored at the end."""
    with transaction.atomic():
        run = SyncRun.objects.select_for_update().get(pk=run_id)
        yield run
        run.save()
