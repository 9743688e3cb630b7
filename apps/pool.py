"""Connections for short reads, as many as may be open, on one event loop; statements and their errors.

A statement takes its parameters as `%(name)s`; aware instants become naive UTC.
"""

import asyncio
import datetime as dt
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import fmean
from time import perf_counter
from typing import Any, TypeVar

import aiomysql
from pymysql.err import Error, InterfaceError, OperationalError

from apps import prepared, resultset
from apps.wire import Wire

logger = logging.getLogger(__name__)

Row = resultset.Row
Parameters = Mapping[str, Any]
Statement = tuple[str, Parameters | None]
Bound = tuple[str, dict[str, Any] | None]
T = TypeVar("T")
Read = Callable[[Wire], Awaitable[T]]

CONNECT_TIMEOUT_S = 1.0
RECYCLE_S = 300  # firewalls forget idle connections without a word
BREAKER_S = 1.0
# The connection is gone, the statement was not at fault: killed, server shut down, idle too long, socket lost.
LOST = frozenset({1053, 1927, 2006, 2013, 2055, 4031})
TOO_SLOW = frozenset({1969, 3024})  # MariaDB's max_statement_time, MySQL's max_execution_time
# Too many connections, lock wait, deadlock, killed statement, Galera not ready, denied, unreachable.
UNAVAILABLE = LOST | TOO_SLOW | {1040, 1044, 1045, 1047, 1129, 1203, 1205, 1213, 1317, 2002, 2003, 2026}


class DatabaseUnavailable(Exception):
    """The database did not answer; the same question may be answered later."""


class PoolFull(DatabaseUnavailable):
    """All connections were busy for as long as one may wait."""


class StatementTimeout(DatabaseUnavailable):
    """The answer took longer than a request may wait."""


def _unavailable(error: Error) -> DatabaseUnavailable | None:
    """What an error says that is no fault of the statement."""
    code = error.args[0]
    if code in TOO_SLOW:
        return StatementTimeout("the server ended the statement")
    return DatabaseUnavailable(f"error {code}") if code in UNAVAILABLE else None


# --- statements -----------------------------------------------------------------------------------------------------


def bound(parameters: Parameters | None) -> dict[str, Any] | None:
    """The parameters as the drivers take them; None where there are none, or they would look for % in the statement."""
    return {name: _bound_value(name, value) for name, value in parameters.items()} if parameters else None


def _bound_value(name: str, value: Any) -> Any:
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC).replace(tzinfo=None)  # the drivers would drop the offset in silence
    if isinstance(value, list | tuple | set | frozenset | dict):
        raise TypeError(f"{name}: a statement takes single values; join texts and use FIND_IN_SET")
    return value


def bound_of(sql: str, parameters: Parameters | None) -> dict[str, Any] | None:
    """The same of those that the statement takes: callers give what any statement about a period takes."""
    if not parameters:
        return None
    return {name: _bound_value(name, parameters[name]) for name in prepared.names_of(sql)}


# --- the pool -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PoolTotals:
    """Since the pool was opened: statements that got a connection, seconds all waited for one, and who got none."""

    reads: int = 0
    waited_s: float = 0.0
    refused: int = 0


class Pool:
    """Connections for short reads. It belongs to the event loop that opens it.

    A semaphore gives out the places, so whoever has one finds a free connection or opens one. aiomysql's own pool is
    not used: a waiter in it hangs for ever when the holder of a connection is cancelled, and it starts a task at each
    release.
    """

    def __init__(self, arguments: Mapping[str, Any], *, warm: int, size: int, wait_s: float, timeout_s: float) -> None:
        self._arguments = arguments
        self._warm, self._size = warm, size
        self._wait_s, self._timeout_s = wait_s, timeout_s
        self._places = asyncio.Semaphore(size)
        self._free: list[Wire] = []
        self._open = 0
        self._waiting = 0
        self._closed_until = 0.0
        self._acquire_ms: deque[float] = deque(maxlen=100)
        self._reads, self._refused, self._waited_s = 0, 0, 0.0

    async def open(self) -> None:
        """Opens the first connections. Without a database it starts too: requests say so, and try again."""
        self.loop = asyncio.get_running_loop()
        self._deadlines = _Deadlines(self.loop)
        opened: list[Wire] = []
        try:
            for _ in range(self._warm):
                opened.append(await self._connected())
        except DatabaseUnavailable as error:
            logger.warning("starting without a database", extra={"error": str(error)})
        finally:
            for wire in opened:
                self._release(wire)

    async def close(self) -> None:
        """Waits for those who still read, then says goodbye to the server."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_s + CONNECT_TIMEOUT_S):
                for _ in range(self._size):
                    await self._places.acquire()
        while self._free:
            await self._free.pop().quit()
            self._open -= 1
        self._deadlines.close()

    async def fetch_all(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """The statement's rows. Raises DatabaseUnavailable, at the latest after the wait plus the deadline."""
        return (await self.fetch_each([(sql, parameters)]))[0]

    async def fetch_each(self, statements: Sequence[Statement]) -> list[list[Row]]:
        """The rows of each statement, of all in one round trip: they run one after another on one connection."""
        each = [(sql, bound_of(sql, parameters)) for sql, parameters in statements]
        return await self._answered(lambda wire: prepared.rows_of_each(wire, each))

    def fetch_often(self, read: prepared.Repeated) -> Awaitable[list[Row]]:
        """The rows of a statement that is worth being kept ready by the server, which are not to be changed."""
        return self._answered(lambda wire: prepared.rows_of(wire, read))

    async def _answered(self, read: Read[T]) -> T:
        """What is read from a connection, once there is one. Raises as `fetch_all`."""
        if self._places.locked():
            await self._wait()
        else:
            await self._places.acquire()  # at once
            self._acquire_ms.append(0.0)
        self._reads += 1
        due, tried_again = self.loop.time() + self._timeout_s, False
        try:
            while True:
                try:
                    return await self._read(read, due)
                except (OperationalError, InterfaceError) as error:
                    if error.args[0] in LOST and not tried_again:
                        tried_again = True  # a pooled connection was dead; for a read a second time is harmless
                        continue
                    if (told := _unavailable(error)) is not None:
                        raise told from error
                    raise
        except TimeoutError:
            raise StatementTimeout(f"no answer within {self._timeout_s} s") from None
        finally:
            self._places.release()

    def stats(self) -> dict[str, int | float | None]:
        """Connections and waiters now; the latency of acquiring over the last hundred reads."""
        recent = self._acquire_ms
        return {
            "size": self._open,
            "max": self._size,
            "free": len(self._free),
            "used": self._open - len(self._free),
            "waiting": self._waiting,
            "acquire_ms_mean": round(fmean(recent), 3) if recent else None,
            "acquire_ms_max": round(max(recent), 3) if recent else None,
        }

    def totals(self) -> PoolTotals:
        return PoolTotals(self._reads, self._waited_s, self._refused)

    async def _wait(self) -> None:
        self._waiting += 1
        began = perf_counter()
        try:
            async with asyncio.timeout(self._wait_s):
                await self._places.acquire()
        except TimeoutError:
            self._refused += 1
            raise PoolFull(f"all {self._size} connections were busy for {self._wait_s} s") from None
        finally:
            self._waiting -= 1
            waited_s = perf_counter() - began
            self._waited_s += waited_s
            self._acquire_ms.append(1000 * waited_s)

    async def _read(self, read: Read[T], due: float) -> T:
        wire = self._taken()
        if wire is None:
            async with asyncio.timeout_at(due):
                wire = await self._connected()
        intact = False
        self._deadlines.begin(wire, due)
        try:
            if not wire.connection.get_autocommit():  # the server's word; without it each keeps its first snapshot
                raise RuntimeError("a pooled connection is not in autocommit mode")
            answer = await read(wire)
            intact = True
            return answer
        finally:
            self._deadlines.end(wire)
            if intact:
                self._release(wire)
            else:  # it may be half-read, or busy with a statement that nobody waits for
                self._discard(wire)

    def _taken(self) -> Wire | None:
        """A free connection that is alive as far as this side knows, or None.

        The last one that came back: the server's thread behind it has all at hand. Those that are not needed grow old.
        """
        now = self.loop.time()
        while self._free:
            wire = self._free.pop()
            if now - wire.free_since <= RECYCLE_S and not wire.is_lost():
                return wire
            self._discard(wire)
        return None

    async def _connected(self) -> Wire:
        """A new connection. After a failure the next second's requests fail at once instead of queueing up."""
        if self.loop.time() < self._closed_until:
            raise DatabaseUnavailable("the database could not be reached a moment ago")
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):  # aiomysql's own timeout does not cover the handshake
                wire = Wire(await aiomysql.connect(**self._arguments))
        except (OSError, Error) as error:
            self._closed_until = self.loop.time() + BREAKER_S
            raise DatabaseUnavailable("the database cannot be reached") from error
        self._open += 1
        return wire

    def _release(self, wire: Wire) -> None:
        wire.free_since = self.loop.time()
        self._free.append(wire)

    def _discard(self, wire: Wire) -> None:
        self._open -= 1
        wire.close()


class _Deadlines:
    """One timer for all statements under way: one in a thousand needs it, and a timer each costs every one of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._busy: set[Wire] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = math.inf

    def begin(self, wire: Wire, due: float) -> None:
        """From now on whoever reads from it gets a TimeoutError when the loop's clock says `due`."""
        wire.due = due
        self._busy.add(wire)
        if due < self._rings_at:
            self._set(due)

    def end(self, wire: Wire) -> None:
        """The timer stays for those that come: it rings once in a deadline, not once a statement."""
        self._busy.discard(wire)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _set(self, due: float) -> None:
        self.close()
        self._rings_at = due
        self._timer = self._loop.call_at(due, self._ring)

    def _ring(self) -> None:
        now = self._loop.time()
        self._rings_at = math.inf
        for wire in [wire for wire in self._busy if wire.due <= now]:
            self._busy.discard(wire)
            wire.give_up()
        if self._busy:
            self._set(min(wire.due for wire in self._busy))
