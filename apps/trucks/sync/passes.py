"""One pass over a fleet's Wialon account: what is new there is stored here, and the days it touches are marked.

A pass may be killed anywhere and may run again: each truck's messages, latest values, dirty days and watermark move
in one transaction. One worker, who holds the fleet, reads what is asked once; of a large fleet any worker reads trucks.
"""

import logging
import math
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import httpx
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts.encryption import DecryptionError
from apps.accounts.models import Fleet
from apps.trucks import drivers
from apps.trucks.models import SyncRun, Truck, TruckSync
from apps.trucks.sync import hints, lanes, leases, logins, shares, units
from apps.trucks.sync.disk import DiskFull, SpaceGuard
from apps.trucks.sync.ingest import advance
from apps.trucks.sync.lanes import Lane
from apps.trucks.sync.leases import Holding, Lost
from apps.trucks.sync.reading import OutOfTime, Reader
from apps.trucks.sync.session import SharedSession
from apps.trucks.sync.session import connection as redis_connection
from apps.trucks.sync.shares import Share
from apps.trucks.sync.truck_pass import Tally, Turn
from apps.trucks.wialon import UNIT_NEWS, LoginRefused, Retry, WialonClient, WialonError

logger = logging.getLogger(__name__)

UNITS_REFRESH_S = 900
_WAIT_S = 0.1  # until it is looked again whether others are done

Progress = Callable[[int, int], None]  # trucks done, trucks in all
CallHelp = Callable[[int, int], None]  # a run that others may join in, and how many would find work
OpenClient = Callable[[Holding], WialonClient]  # of the fleet's account


class FleetPass:
    """One pass over one fleet, by a worker that holds the fleet's lease."""

    def __init__(
        self,
        run: SyncRun,
        client: WialonClient,
        holding: Holding,
        open_client: OpenClient,
        *,
        deadline: float = math.inf,
        call_help: CallHelp = lambda run_id, helpers: None,
        progress: Progress | None = None,
    ) -> None:
        self.fleet: Fleet = run.fleet
        self.tally = Tally()  # of what was not done in shares
        self._run = run
        self._client = client
        self._holding = holding
        self._open_client = open_client
        self._deadline = deadline  # by the monotonic clock
        self._call_help = call_help
        self._progress = progress
        self._done = 0

    def read(self) -> None:
        """Raises WialonError when the account as a whole cannot be read, and OutOfTime; a truck's error is tallied."""
        run = self._run
        now = hints.ask(self.fleet, self._client)
        trucks, told = self._trucks_and_news()
        drivers.keep_up(self.fleet, self._client, now)
        logins.recognise(self.fleet)
        ages = [now - t for t in told.values() if t <= now]
        run.wialon_t, run.trucks, run.lag_s = now, len(trucks), round(statistics.median(ages)) if ages else None
        syncs = TruckSync.objects.in_bulk([truck.pk for truck in trucks])
        turns = [Turn(truck, syncs[truck.pk], told.get(truck.wialon_id)) for truck in trucks]
        self._read(turns, now)

    def _trucks_and_news(self) -> tuple[list[Truck], dict[int, int]]:
        """The active trucks, and the second of each unit's last message as Wialon has it."""
        news = {unit["id"]: unit.get("lmsg") for unit in self._client.units(UNIT_NEWS)}
        trucks = list(Truck.objects.filter(fleet=self.fleet, is_active=True).order_by("id"))
        if {truck.wialon_id for truck in trucks} != set(news) or leases.units_are_stale(self.fleet.pk, UNITS_REFRESH_S):
            trucks = sorted(units.refresh(self.fleet, self._client), key=lambda truck: truck.pk)
            leases.units_were_refreshed(self.fleet.pk)
        for truck in trucks:
            truck.fleet = self.fleet
        told = {unit_id: _second(last) for unit_id, last in news.items()}
        return trucks, {unit_id: t for unit_id, t in told.items() if t is not None}

    def _read(self, turns: Sequence[Turn], now: int) -> None:
        due = [turn for turn in turns if turn.has_work(self.fleet, now, self._run.looks_back)]
        ids = {turn.truck.pk for turn in due}
        known = [turn.truck.pk for turn in turns if turn.truck.pk not in ids]
        self._show_progress(len(known))
        reader = Reader(
            self.fleet, self._client, self._holding, now, looks_back=self._run.looks_back, deadline=self._deadline
        )
        try:
            if shares.number(due) > 1:
                self._read_with_others(reader, due)
            else:
                reader.read(sorted(due, key=_turn), self.tally, lambda: self._show_progress(self._done + 1))
        finally:  # wherever the pass ends, those that were read are known
            advance(self.fleet, [*known, *self.tally.read, *shares.read_in(self._run)], now)

    def _read_with_others(self, reader: Reader, due: Sequence[Turn]) -> None:
        """Reads shares in its lanes until none is left, and waits for those that others read, or takes them over."""
        run = self._run
        run.save(update_fields=["wialon_t", "trucks", "lag_s"])  # what the others need, and people see meanwhile
        shares.lay_out(run, due)
        self._call_help(run.pk, shares.number(due) - 1)
        try:
            with lanes.beside(self._read_beside):
                while left := shares.left(run.pk):
                    self._show_progress(run.trucks - left)
                    if share := shares.claim(run.pk):
                        read_share(reader, share)
                    else:
                        time.sleep(_WAIT_S)
                    self._holding.renew()
                    reader.check_time()
        finally:
            shares.take_back(run)

    def _read_beside(self, lane: Lane) -> None:
        """What the second lane does: it takes shares as a worker does that joins in."""
        holding = Holding(SpaceGuard(), lane)
        with self._open_client(holding) as client:
            _read_shares(self._run, shares.claim(self._run.pk), client, holding, self._deadline, lane.is_closed)

    def _show_progress(self, done: int) -> None:
        self._done = done
        if self._progress:
            self._progress(done, self._run.trucks)


def read_share(reader: Reader, share: Share) -> None:
    """Reads a share, and gives back what it does not come to."""
    tally = Tally()
    try:
        with reader.holding.also(share):
            reader.read(share.turns(), tally)
    finally:
        share.finish(tally)


def _turn(turn: Turn) -> tuple[bool, int, int]:
    """Whose turn is earlier: those that failed come last, of the others those first that are known the least."""
    return bool(turn.sync.last_error), turn.sync.known_until or 0, turn.truck.pk


def _second(message: Any) -> int | None:
    t = message.get("t") if isinstance(message, dict) else None
    return t if isinstance(t, int) else None


def synchronise(
    fleet: Fleet,
    lease: leases.Lease,
    *,
    looks_back: bool = False,
    progress: Progress | None = None,
    call_help: CallHelp = lambda run_id, helpers: None,
    transport: httpx.BaseTransport | None = None,
    retry: Retry | None = None,
    seconds: float = math.inf,
) -> SyncRun:
    """The row of one whole pass over a fleet, which says what happened, failure included. Releases the lease.

    With `looks_back` each truck is held against Wialon's counts, not only those whose hour it is. `call_help` is told
    when there is work for others, too. After so many seconds the pass ends where it is, and the fleet is due again.
    """
    _close_lost_runs(fleet)
    run = SyncRun.objects.create(fleet=fleet, started_at=timezone.now(), looks_back=looks_back)
    tally, wait_s = Tally(), float(settings.SYNC_INTERVAL_S)
    deadline, holding = time.monotonic() + seconds, Holding(lease, SpaceGuard())
    open_client = partial(_client, fleet, transport=transport, retry=retry)
    try:
        with open_client(holding) as client:
            one = FleetPass(
                run, client, holding, open_client, deadline=deadline, call_help=call_help, progress=progress
            )
            tally = one.tally
            one.read()
        run.status = SyncRun.Status.OK
        leases.no_failures(fleet.pk)
    except OutOfTime:
        run.status, wait_s = SyncRun.Status.PARTIAL, 0
        run.error = f"out of time after {seconds:.0f} s; the next pass goes on from here"
        leases.no_failures(fleet.pk)
    except DiskFull as error:  # no failure of the fleet's, either: it is tried again after the usual pause
        run.status, run.error = SyncRun.Status.PAUSED, f"DiskFull: {error}"
    except Lost as error:  # no failure of the fleet's: its sync goes on elsewhere
        run.status, run.error = SyncRun.Status.FAILED, f"{type(error).__name__}: {error}"
    except LoginRefused as error:
        run.status, run.error = SyncRun.Status.FAILED, f"LoginRefused: {error}"
        wait_s = leases.pause_after_refusal(fleet.pk, interval_s=settings.SYNC_INTERVAL_S)
    except (WialonError, DecryptionError) as error:
        run.status, run.error = SyncRun.Status.FAILED, f"{type(error).__name__}: {error}"
        wait_s = leases.pause_after_failures(fleet.pk, interval_s=settings.SYNC_INTERVAL_S)
    finally:
        run = _finish(run, tally)
        lease.release(next_in_s=wait_s)
    return run


def join(
    run_id: int,
    *,
    seconds: float = math.inf,
    give_way: Callable[[], bool] = lambda: False,
    transport: httpx.BaseTransport | None = None,
    retry: Retry | None = None,
) -> int:
    """Reads shares of a pass that another worker has begun, for so long. Returns how many trucks had their turn.

    Ends early where `give_way` says, between two shares, that others need this worker more. Raises nothing that Wialon
    does: what it could not read is free again, and who began the pass will see for itself what is wrong.
    """
    share = shares.claim(run_id)
    if share is None:
        return 0
    SyncRun.objects.filter(pk=run_id).update(workers=F("workers") + 1)
    run = SyncRun.objects.select_related("fleet").get(pk=run_id)
    holding = Holding(SpaceGuard())
    try:
        with _client(run.fleet, holding, transport=transport, retry=retry) as client:
            return _read_shares(run, share, client, holding, time.monotonic() + seconds, give_way)
    except (WialonError, DecryptionError) as error:  # before anything was asked
        share.finish(Tally())
        _tell_of_no_help(run, error)
        return 0


def _read_shares(
    run: SyncRun,
    share: Share | None,
    client: WialonClient,
    holding: Holding,
    deadline: float,
    give_way: Callable[[], bool],
) -> int:
    reader = Reader(run.fleet, client, holding, run.wialon_t or 0, looks_back=run.looks_back, deadline=deadline)
    try:
        while share:
            read_share(reader, share)
            share = None if time.monotonic() > deadline or give_way() else shares.claim(run.pk)
    except (OutOfTime, DiskFull, Lost):
        pass
    except WialonError as error:
        _tell_of_no_help(run, error)
    return reader.done


def _tell_of_no_help(run: SyncRun, error: Exception) -> None:
    logger.warning("no help with a pass", extra={"fleet": run.fleet_id, "run": run.pk, "error": str(error)})


def _client(
    fleet: Fleet, holding: Holding, *, transport: httpx.BaseTransport | None, retry: Retry | None
) -> WialonClient:
    """Raises WialonError and DecryptionError."""
    session = SharedSession(fleet.wialon_url, fleet.wialon_token, redis_connection())
    return WialonClient(
        fleet.wialon_url,
        fleet.wialon_token,
        session=session,
        retry=retry,
        transport=transport,
        before_try=holding.renew,
    )


def _close_lost_runs(fleet: Fleet) -> None:
    """Whoever holds the lease is alone: a run that still seems to go on is one whose worker was killed."""
    lost = SyncRun.objects.filter(fleet=fleet, status=SyncRun.Status.RUNNING)
    lost.update(status=SyncRun.Status.FAILED, error="the worker was lost", finished_at=timezone.now())


def _finish(run: SyncRun, tally: Tally) -> SyncRun:
    """The run's row at its end: the sums of all workers, and what the first of them says of the whole."""
    with transaction.atomic():
        row = SyncRun.objects.select_for_update().get(pk=run.pk)
        shares.add(row, tally)
        row.fleet, row.wialon_t, row.trucks, row.lag_s = run.fleet, run.wialon_t, run.trucks, run.lag_s
        row.status, row.error, row.finished_at = run.status, run.error, timezone.now()
        if row.status == SyncRun.Status.RUNNING:
            row.status, row.error = SyncRun.Status.FAILED, "the pass was broken off; see the log"
        elif row.status == SyncRun.Status.OK and row.truck_errors:
            row.status = SyncRun.Status.PARTIAL
        row.save()
    _log(row)
    return row


def _log(run: SyncRun) -> None:
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else 0
    logger.log(
        logging.WARNING if run.status == SyncRun.Status.FAILED else logging.INFO,
        "sync %s",
        run.status,
        extra={
            "fleet": run.fleet_id,
            "trucks": run.trucks,
            "news": run.trucks_with_news,
            "new": run.messages_new,
            "failed": run.trucks_failed,
            "workers": run.workers,
            "lag_s": run.lag_s,
            "seconds": round(seconds, 2),
            **({"error": run.error} if run.error else {}),
        },
    )
