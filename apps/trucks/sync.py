"""One pass over a fleet's Wialon account: what is new there is stored here, and the days it touches are marked.

A pass may be killed anywhere and may run again: each truck's messages, latest values, dirty days and watermark move
in one transaction.
"""

import logging
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.utils import timezone

from apps.accounts.encryption import DecryptionError
from apps.accounts.models import Fleet
from apps.trucks import drivers, hints, leases, logins, units
from apps.trucks.ingest import advance
from apps.trucks.messages import Raw
from apps.trucks.models import SyncRun, Truck, TruckSync
from apps.trucks.tables import SensorTables
from apps.trucks.truck_pass import Asked, Tally, TruckPass, few_news
from apps.trucks.wialon import (
    UNIT_NEWS,
    LoginRefused,
    Retry,
    SessionLost,
    TryAgain,
    WialonClient,
    WialonError,
)
from apps.trucks.wialon_session import SharedSession
from apps.trucks.wialon_session import connection as redis_connection

logger = logging.getLogger(__name__)

UNITS_REFRESH_S = 900
TOGETHER = 40  # trucks whose news are loaded in one request
ASK_AFTER = 3  # trucks in a row without an answer: is it Wialon that is away, or are it these trucks?


class OutOfTime(Exception):
    """The pass has used up its time: what is stored stays, the rest follows with the next pass."""


Progress = Callable[[int, int], None]  # trucks done, trucks in all


class FleetPass:
    """One pass over one fleet, by a worker that holds the fleet's lease."""

    def __init__(
        self,
        fleet: Fleet,
        client: WialonClient,
        lease: leases.Lease,
        tally: Tally,
        looks_back: bool = False,
        deadline: float = math.inf,
    ) -> None:
        self.fleet = fleet
        self.client = client
        self.lease = lease
        self.tally = tally
        self.looks_back = looks_back
        self.tables = SensorTables(fleet.id)
        self.deadline = deadline  # by the monotonic clock
        self._unanswered = 0  # trucks in a row
        self._ahead: dict[Asked, list[Raw]] = {}
        self._loads_together = True

    def run(self, run: SyncRun, progress: Progress | None = None) -> None:
        """Raises WialonError when the account as a whole cannot be read; a single truck's error is tallied."""
        now = hints.ask(self.fleet, self.client)
        trucks, last_messages = self._trucks_and_news()
        drivers.keep_up(self.fleet, self.client, now)
        logins.recognise(self.fleet)
        self.tally.trucks = len(trucks)
        ages = [now - message["t"] for message in last_messages.values() if message["t"] <= now]
        run.lag_s = round(statistics.median(ages)) if ages else None
        self._pass_over(trucks, last_messages, now, progress)

    def _trucks_and_news(self) -> tuple[list[Truck], dict[int, Raw]]:
        """The active trucks, and each unit's last message as Wialon has it."""
        news = {unit["id"]: unit.get("lmsg") for unit in self.client.units(UNIT_NEWS)}
        trucks = list(Truck.objects.filter(fleet=self.fleet, is_active=True).order_by("id"))
        if {truck.wialon_id for truck in trucks} != set(news) or leases.units_are_stale(self.fleet.id, UNITS_REFRESH_S):
            trucks = sorted(units.refresh(self.fleet, self.client), key=lambda truck: truck.id)
            leases.units_were_refreshed(self.fleet.id)
        return trucks, {unit_id: last for unit_id, last in news.items() if last is not None and _has_time(last)}

    def _pass_over(
        self, trucks: Sequence[Truck], last_messages: Mapping[int, Raw], now: int, progress: Progress | None
    ) -> None:
        syncs = TruckSync.objects.in_bulk([truck.id for truck in trucks])
        in_turn = sorted(trucks, key=lambda truck: _turn(syncs[truck.id]))
        known: list[int] = []
        try:
            for done, truck in enumerate(in_turn, start=1):
                self.lease.renew()
                if done > 1:  # every pass comes further, however little time it has
                    self._check_time()
                if done % TOGETHER == 1:
                    self._load_ahead(in_turn[done - 1 : done - 1 + TOGETHER], syncs, last_messages, now)
                if self._succeeds(truck, syncs[truck.id], last_messages.get(truck.wialon_id), now):
                    known.append(truck.id)
                if progress:
                    progress(done, len(trucks))
        except OutOfTime:
            self.tally.is_complete = False
        finally:  # wherever the pass ends, those that were read are known
            advance(self.fleet, known, now)

    def _load_ahead(
        self, trucks: Sequence[Truck], syncs: Mapping[int, TruckSync], last_messages: Mapping[int, Raw], now: int
    ) -> None:
        """Loads the few news of several trucks in one request. Whatever that does not bring is loaded one by one."""
        self._ahead.clear()
        told = ((truck, last_messages[truck.wialon_id]) for truck in trucks if truck.wialon_id in last_messages)
        wanted = [few_news(syncs[truck.id], last, truck.wialon_id, now) for truck, last in told]
        asked = {each[0]: each for each in wanted if each is not None}
        if len(asked) < 2 or not self._loads_together:
            return
        try:
            loaded = self.client.messages_of_many(list(asked.values()))
        except (TryAgain, SessionLost):  # the first trucks will show whether Wialon is away
            self._loads_together = False
            return
        self._ahead.update({asked[unit]: messages for unit, messages in loaded.items()})

    def _succeeds(self, truck: Truck, sync: TruckSync, last_message: Raw | None, now: int) -> bool:
        """Brings a truck up to date. One bad truck, whatever is wrong with it, never stops the others."""
        try:
            TruckPass(self.fleet, self.client, self.tables, self.tally, now, self._go_on, self._ahead).bring_up_to_date(
                truck, sync, last_message, self.looks_back
            )
        except (leases.LeaseLost, LoginRefused, OutOfTime, SoftTimeLimitExceeded):
            raise
        except Exception as error:
            self._note(truck, error)
            self._check_that_wialon_answers(error)
            return False
        self._unanswered = 0
        if sync.last_error:
            TruckSync.objects.filter(truck_id=truck.id).update(last_error="")
        return True

    def _check_that_wialon_answers(self, error: Exception) -> None:
        """Raises WialonError when it is not single trucks that cannot be read."""
        self._unanswered = self._unanswered + 1 if isinstance(error, TryAgain | SessionLost) else 0
        if self._unanswered == ASK_AFTER:
            self._unanswered = 0
            hints.ask(self.fleet, self.client)

    def _check_time(self) -> None:
        if time.monotonic() > self.deadline:
            raise OutOfTime

    def _go_on(self) -> None:
        self.lease.renew()
        self._check_time()

    def _note(self, truck: Truck, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"[:500]
        self.tally.errors.append({"truck": truck.code, "error": text})
        TruckSync.objects.filter(truck_id=truck.id).update(last_error=text)
        logger.warning("truck not synchronised", extra={"truck": truck.id, "error": text}, exc_info=_unexpected(error))


def _turn(sync: TruckSync) -> tuple[bool, int, int]:
    """Whose turn is earlier: those that failed come last, of the others those first that are known the least."""
    return bool(sync.last_error), sync.known_until or 0, sync.truck_id


def _unexpected(error: Exception) -> bool:
    return not isinstance(error, WialonError)


def _has_time(message: Any) -> bool:
    return isinstance(message, dict) and isinstance(message.get("t"), int)


def synchronise(
    fleet: Fleet,
    lease: leases.Lease,
    *,
    looks_back: bool = False,
    progress: Progress | None = None,
    transport: httpx.BaseTransport | None = None,
    retry: Retry | None = None,
    seconds: float = math.inf,
) -> SyncRun:
    """The row of one whole pass over a fleet, which says what happened, failure included. Releases the lease.

    With `looks_back` each truck is held against Wialon's counts, not only those whose hour it is. After so many seconds
    the pass ends where it is, and the fleet is due again at once.
    """
    _close_lost_runs(fleet)
    run = SyncRun.objects.create(fleet=fleet, started_at=timezone.now())
    tally, wait_s = Tally(), float(settings.SYNC_INTERVAL_S)
    try:
        session = SharedSession(fleet.wialon_url, fleet.wialon_token, redis_connection())
        with WialonClient(
            fleet.wialon_url,
            fleet.wialon_token,
            session=session,
            retry=retry,
            transport=transport,
            before_try=lease.renew,
        ) as client:
            FleetPass(fleet, client, lease, tally, looks_back, time.monotonic() + seconds).run(run, progress)
        run.status = SyncRun.Status.OK if tally.is_complete and not tally.errors else SyncRun.Status.PARTIAL
        if not tally.is_complete:
            run.error, wait_s = f"out of time after {seconds:.0f} s; the next pass goes on from here", 0
        leases.no_failures(fleet.id)
    except leases.LeaseLost as error:  # no failure of the fleet's: its sync goes on elsewhere
        run.status, run.error = SyncRun.Status.FAILED, f"LeaseLost: {error}"
    except LoginRefused as error:
        run.status, run.error = SyncRun.Status.FAILED, f"LoginRefused: {error}"
        wait_s = leases.pause_after_refusal(fleet.id, interval_s=settings.SYNC_INTERVAL_S)
    except (WialonError, DecryptionError) as error:
        run.status, run.error = SyncRun.Status.FAILED, f"{type(error).__name__}: {error}"
        wait_s = leases.pause_after_failures(fleet.id, interval_s=settings.SYNC_INTERVAL_S)
    finally:
        _finish(run, tally)
        lease.release(next_in_s=wait_s)
    return run


def _close_lost_runs(fleet: Fleet) -> None:
    """Whoever holds the lease is alone: a run that still seems to go on is one whose worker was killed."""
    lost = SyncRun.objects.filter(fleet=fleet, status=SyncRun.Status.RUNNING)
    lost.update(status=SyncRun.Status.FAILED, error="the worker was lost", finished_at=timezone.now())


def _finish(run: SyncRun, tally: Tally) -> None:
    run.trucks, run.trucks_with_news, run.trucks_failed = tally.trucks, tally.with_news, len(tally.errors)
    run.messages_loaded, run.messages_new = tally.loaded, tally.new
    run.messages_removed = tally.removed
    run.messages_quarantined, run.messages_refused = tally.quarantined, tally.refused
    run.messages_too_old = tally.too_old
    run.truck_errors = tally.errors
    run.finished_at = timezone.now()
    if run.status == SyncRun.Status.RUNNING:
        run.status, run.error = SyncRun.Status.FAILED, "the pass was broken off; see the log"
    run.save()
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
            "lag_s": run.lag_s,
            "seconds": round((run.finished_at - run.started_at).total_seconds(), 2),
            **({"error": run.error} if run.error else {}),
        },
    )
