"""Works on a backfill that reads a period anew: chunk by chunk, beside the live sync and behind it."""

import math
import time
from collections.abc import Callable

import httpx

from apps.accounts.calendar import day_bounds
from apps.accounts.encryption import DecryptionError
from apps.accounts.models import Fleet
from apps.trucks import backfills
from apps.trucks.backfills import Chunk, ChunkLost
from apps.trucks.models import Backfill, Truck, TruckSync
from apps.trucks.sensor_tables import SensorTables
from apps.trucks.sync import hints, lanes
from apps.trucks.sync.disk import DiskFull, SpaceGuard
from apps.trucks.sync.ingest import advance
from apps.trucks.sync.lanes import Lane
from apps.trucks.sync.session import SharedSession
from apps.trucks.sync.session import connection as redis_connection
from apps.trucks.sync.truck_pass import Tally, TruckPass
from apps.trucks.wialon import Busy, LoginRefused, Retry, SessionLost, TryAgain, WialonClient, WialonError

_BUSY_PAUSE_S, _AWAY_PAUSE_S = 15, 60


class Resync:
    """One worker's share of a backfill. `give_way` says, between chunks, that others need this worker more."""

    def __init__(
        self,
        backfill: Backfill,
        *,
        seconds: float = math.inf,
        give_way: Callable[[], bool] = lambda: False,
        progress: Callable[[], None] = lambda: None,
        retry: Retry | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.backfill = backfill
        self.give_way, self.progress = give_way, progress
        self.deadline = time.monotonic() + seconds
        self.retry, self.transport = retry, transport

    def work(self) -> int:
        """Reads chunk after chunk, in its lanes, until none is free or the share is over: how many truck-days it read.

        Raises nothing that Wialon does: a truck's error is tried again later; where the account cannot be read, or
        there is no space on the database's disk, the backfill rests.
        """
        done: list[int] = []
        with lanes.beside(lambda lane: done.append(_LaneOf(self, lane).work())):
            done.append(_LaneOf(self, Lane()).work())
        return sum(done)


class _LaneOf:
    """What one lane of a worker does in a share of a backfill."""

    def __init__(self, share: Resync, lane: Lane) -> None:
        self.share, self.lane = share, lane
        self.backfill = share.backfill
        self.fleet: Fleet = share.backfill.fleet
        self._chunk: Chunk | None = None
        self._space = SpaceGuard()
        self._tables = SensorTables(self.fleet.pk)

    def work(self) -> int:
        self._chunk = backfills.claim(self.backfill.pk)
        if self._chunk is None:
            return 0
        try:
            with self._client() as client:
                return self._work(client)
        except ChunkLost:
            return 0
        except (WialonError, DecryptionError, DiskFull) as error:
            pause_s = _BUSY_PAUSE_S if isinstance(error, Busy) else _AWAY_PAUSE_S
            self._chunk.give_back(pause_s=pause_s, why=f"{type(error).__name__}: {error}")
            return 0

    def _client(self) -> WialonClient:
        fleet = self.fleet
        session = SharedSession(fleet.wialon_url, fleet.wialon_token, redis_connection(), is_live=False)
        return WialonClient(
            fleet.wialon_url,
            fleet.wialon_token,
            session=session,
            retry=self.share.retry,
            transport=self.share.transport,
            before_try=self._renew,
        )

    def _renew(self) -> None:
        self._space.renew()
        if self._chunk:
            self._chunk.renew()

    def _work(self, client: WialonClient) -> int:
        # Shares are short and many: each asking for the clock would break Wialon's limit of polls.
        now = client.recent_time() or hints.ask(self.fleet, client)
        done = 0
        while self._chunk is not None:
            done += self._read(client, self._chunk, now)
            self.share.progress()
            self._chunk = None if self._is_over() else backfills.claim(self.backfill.pk)
        return done

    def _is_over(self) -> bool:
        return time.monotonic() > self.share.deadline or self.lane.is_closed() or self.share.give_way()

    def _read(self, client: WialonClient, chunk: Chunk, now: int) -> int:
        """Reads a chunk's days. Raises WialonError where it is not this truck that cannot be read, and ChunkLost."""
        tally = Tally()
        try:
            self._read_anew(client, chunk, tally, now)
        except (ChunkLost, LoginRefused, Busy, DiskFull):
            raise
        except Exception as error:
            if isinstance(error, TryAgain | SessionLost):
                hints.ask(self.fleet, client)  # raises if it is Wialon that is away, and not this truck
            chunk.fail(error)
            return 0
        chunk.finish(tally)
        return len(chunk.days)

    def _read_anew(self, client: WialonClient, chunk: Chunk, tally: Tally, now: int) -> None:
        zone = self.fleet.zone
        first_t = max(day_bounds(chunk.days[0], zone)[0], self.backfill.first_t)
        last_t = min(day_bounds(chunk.days[-1], zone)[1] - 1, self.backfill.last_t, now)
        truck = Truck.objects.select_related("fleet").get(pk=chunk.truck_id)
        sync = TruckSync.objects.get(truck_id=truck.pk)
        reader = TruckPass(self.fleet, client, self._tables, tally, now, chunk.renew)
        reader.read_anew(truck, sync, first_t, last_t)
        if sync.known_until is None or sync.known_until < last_t:  # nothing lies between: read_anew sees to it
            advance(self.fleet, [truck.pk], last_t)
