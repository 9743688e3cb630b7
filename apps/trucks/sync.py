"""One pass over a fleet's Wialon account: what is new there is stored here, and the days it touches are marked.

A pass may be killed anywhere and may run again: each truck's messages, latest values, dirty days and watermark move
in one transaction.
"""

import logging
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from django.conf import settings
from django.utils import timezone

from apps.accounts.encryption import DecryptionError
from apps.accounts.models import Fleet
from apps.trucks import leases, units
from apps.trucks.ingest import advance, rederive, store
from apps.trucks.messages import Raw, sort_out
from apps.trucks.models import SyncRun, Truck, TruckSync
from apps.trucks.sensors import SensorTable
from apps.trucks.wialon import UNIT_NEWS, LoginRefused, Retry, Unavailable, WialonClient, WialonError, intervals
from apps.trucks.wialon_session import SharedSession
from apps.trucks.wialon_session import connection as redis_connection

logger = logging.getLogger(__name__)

OVERLAP_S = 300  # re-read before the cursor: messages of one second may arrive in two passes
PIECE_S = 3 * 86_400  # one load: some ten thousand messages, a few megabytes
UNITS_REFRESH_S = 900
GIVE_UP_AFTER = 3  # trucks in a row without an answer: then it is Wialon that is away, not a truck
_NO_END = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Window:
    """What to load, UTC seconds, both ends included; None: from the watermark, to now."""

    first_t: int | None = None
    last_t: int | None = None

    @property
    def is_live(self) -> bool:
        return self.first_t is None and self.last_t is None


class OutOfTime(Exception):
    """The pass has used up its time: what is stored stays, the rest follows with the next pass."""


@dataclass(slots=True)
class Tally:
    """What a pass has done so far."""

    is_complete: bool = True

    trucks: int = 0
    with_news: int = 0
    loaded: int = 0
    new: int = 0
    quarantined: int = 0
    refused: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)


Progress = Callable[[int, int], None]  # trucks done, trucks in all


class FleetPass:
    """One pass over one fleet, by a worker that holds the fleet's lease."""

    def __init__(
        self,
        fleet: Fleet,
        client: WialonClient,
        lease: leases.Lease,
        tally: Tally,
        window: Window,
        deadline: float = math.inf,
    ) -> None:
        self.fleet = fleet
        self.client = client
        self.lease = lease
        self.tally = tally
        self.window = window
        self.deadline = deadline  # by the monotonic clock

    def run(self, run: SyncRun, progress: Progress | None = None) -> None:
        """Raises WialonError when the account as a whole cannot be read; a single truck's error is tallied."""
        now = self.client.server_time()
        trucks, last_messages = self._trucks_and_news()
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
        known: list[int] = []
        unanswered = 0
        for done, truck in enumerate(trucks, start=1):
            self.lease.renew()
            try:
                self._bring_up_to_date(truck, syncs[truck.id], last_messages.get(truck.wialon_id), now)
                known.append(truck.id)
                unanswered = 0
            except (leases.LeaseLost, LoginRefused):
                raise
            except OutOfTime:
                self.tally.is_complete = False
                break
            except Exception as error:  # one bad truck, whatever is wrong with it, never stops the others
                self._note(truck, error)
                unanswered = unanswered + 1 if isinstance(error, Unavailable) else 0
                if unanswered >= GIVE_UP_AFTER:
                    raise
            if progress:
                progress(done, len(trucks))
        advance(self.fleet, known, now if self.window.last_t is None else min(now, self.window.last_t))

    def _bring_up_to_date(self, truck: Truck, sync: TruckSync, last_message: Raw | None, now: int) -> None:
        self._check_time()
        rederive(truck, sync)
        if self._has_news(sync, last_message):
            self._fetch(truck, sync, last_message or {}, now)

    def _has_news(self, sync: TruckSync, last_message: Raw | None) -> bool:
        if last_message is None:
            return False
        return not self.window.is_live or sync.cursor_t is None or last_message["t"] > sync.cursor_t

    def _fetch(self, truck: Truck, sync: TruckSync, last_message: Raw, now: int) -> None:
        """Loads and stores one truck's news, piece by piece: what is stored stays, wherever it breaks."""
        self.tally.with_news += 1
        table = SensorTable.compile(truck.sensor_table, tank_l=truck.tank_l)
        first_t, last_t = self._bounds(sync, last_message, now)
        for piece_first, piece_last in intervals(first_t, min(last_t, now), PIECE_S):
            self._load(truck, table, piece_first, piece_last, now)
        if last_t > now:  # messages dated after Wialon's own clock
            self._load(truck, table, max(now + 1, first_t), last_t, now)

    def _bounds(self, sync: TruckSync, last_message: Raw, now: int) -> tuple[int, int]:
        """What to load, both ends included: never beyond the cursor without what lies between."""
        last_t = _NO_END if self.window.last_t is None else self.window.last_t
        if sync.cursor_t is None:
            history_t = min(last_message["t"], now) - settings.INITIAL_HISTORY_DAYS * 86_400
            return max(0, history_t if self.window.first_t is None else self.window.first_t), last_t
        next_t = max(0, sync.cursor_t - OVERLAP_S)
        return min(next_t, self.window.first_t or next_t), last_t

    def _check_time(self) -> None:
        if time.monotonic() > self.deadline:
            raise OutOfTime

    def _load(self, truck: Truck, table: SensorTable, first_t: int, last_t: int, now: int) -> None:
        for messages in self.client.messages(truck.wialon_id, first_t, last_t):
            self.lease.renew()
            self._check_time()
            batch = sort_out(messages, now)
            new, quarantined = store(self.fleet, truck, table, batch, now)
            self.tally.loaded += len(messages)
            self.tally.new += new
            self.tally.quarantined += quarantined
            self.tally.refused += len(batch.refused)

    def _note(self, truck: Truck, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"[:500]
        self.tally.errors.append({"truck": truck.code, "error": text})
        TruckSync.objects.filter(truck_id=truck.id).update(last_error=text)
        logger.warning("truck not synchronised", extra={"truck": truck.id, "error": text}, exc_info=_unexpected(error))


def _unexpected(error: Exception) -> bool:
    return not isinstance(error, WialonError)


def _has_time(message: Any) -> bool:
    return isinstance(message, dict) and isinstance(message.get("t"), int)


def synchronise(
    fleet: Fleet,
    lease: leases.Lease,
    *,
    window: Window | None = None,
    progress: Progress | None = None,
    transport: httpx.BaseTransport | None = None,
    retry: Retry | None = None,
    seconds: float = math.inf,
) -> SyncRun:
    """The row of one whole pass over a fleet, which says what happened, failure included. Releases the lease.

    After so many seconds the pass ends where it is, and the fleet is due again at once.
    """
    window = window or Window()
    run = SyncRun.objects.create(fleet=fleet, kind="live" if window.is_live else "backfill", started_at=timezone.now())
    tally, wait_s = Tally(), float(settings.SYNC_INTERVAL_S)
    try:
        session = SharedSession(fleet.wialon_url, fleet.wialon_token, redis_connection())
        with WialonClient(
            fleet.wialon_url, fleet.wialon_token, session=session, transport=transport, retry=retry
        ) as client:
            FleetPass(fleet, client, lease, tally, window, time.monotonic() + seconds).run(run, progress)
        run.status = SyncRun.Status.OK if tally.is_complete and not tally.errors else SyncRun.Status.PARTIAL
        if not tally.is_complete:
            run.error, wait_s = f"out of time after {seconds:.0f} s; the next pass goes on from here", 0
        leases.no_failures(fleet.id)
    except (WialonError, leases.LeaseLost, DecryptionError) as error:
        run.status, run.error = SyncRun.Status.FAILED, f"{type(error).__name__}: {error}"
        wait_s = leases.pause_after_failures(fleet.id, interval_s=settings.SYNC_INTERVAL_S)
    finally:
        _finish(run, tally)
        lease.release(next_in_s=wait_s)
    return run


def _finish(run: SyncRun, tally: Tally) -> None:
    run.trucks, run.trucks_with_news, run.trucks_failed = tally.trucks, tally.with_news, len(tally.errors)
    run.messages_loaded, run.messages_new = tally.loaded, tally.new
    run.messages_quarantined, run.messages_refused = tally.quarantined, tally.refused
    run.truck_errors = tally.errors
    run.finished_at = timezone.now()
    if run.status == SyncRun.Status.RUNNING:
        run.status, run.error = SyncRun.Status.FAILED, "the pass was broken off; see the log"
    run.save()
    logger.info(
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
