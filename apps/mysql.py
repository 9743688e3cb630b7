"""Runs named statements on MariaDB or MySQL: `fetch_all` on an async pool, `fetch_all_sync` on Django's connection.

Both take the parameters as `%(name)s` and give the same rows: integers as int (sums too), decimals as Decimal, instants
as naive UTC.
"""

import asyncio
import datetime as dt
import logging
import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean
from time import perf_counter
from typing import Any, TypeVar

import aiomysql
from django.conf import settings
from django.db import connection as django_connection
from pymysql.err import Error, InterfaceError, OperationalError

from apps import prepared, resultset
from apps.wire import Wire

logger = logging.getLogger(__name__)

Row = resultset.Row
Parameters = Mapping[str, Any]
Statement = tuple[str, Parameters | None]
Bound = tuple[str, dict[str, Any] | None]
Fetch = Callable[[str, Parameters | None], Awaitable[list[Row]]]
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


# --- what both ways share -------------------------------------------------------------------------------------------


def _bound(parameters: Parameters | None) -> dict[str, Any] | None:
    """The parameters as the drivers take them; None where there are none, or they would look for % in the statement."""
    return {name: _bound_value(name, value) for name, value in parameters.items()} if parameters else None


def _bound_value(name: str, value: Any) -> Any:
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC).replace(tzinfo=None)  # the drivers would drop the offset in silence
    if isinstance(value, list | tuple | set | frozenset | dict):
        raise TypeError(f"{name}: a statement takes single values; join texts and use FIND_IN_SET")
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal) and value.as_tuple().exponent == 0:
        return int(value)
    return value


def fetch_all_sync(sql: str, parameters: Parameters | None = None) -> list[Row]:
    """The statement's rows, read on Django's connection and so inside its transaction."""
    with django_connection.cursor() as cursor:
        cursor.execute(sql, _bound(parameters))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]


# --- the pool -------------------------------------------------------------------------------------------------------


def _connection_arguments(database: Mapping[str, Any], statement_timeout_s: float) -> dict[str, Any]:
    """aiomysql's arguments for a Django database setting."""
    host = database.get("HOST") or "127.0.0.1"
    where = {"unix_socket": host} if host.startswith("/") else {"host": host, "port": int(database.get("PORT") or 3306)}
    return {
        **where,
        "user": database["USER"],
        "password": database["PASSWORD"],
        "db": database["NAME"],
        "charset": "utf8mb4",
        "autocommit": True,
        "init_command": _session(statement_timeout_s),
    }


def streaming_arguments() -> dict[str, Any]:
    """MySQLdb's arguments for a connection that reads one snapshot for as long as a file may take to be written.

    The server bears with a reader that is slow, and ends what nobody reads any more.
    """
    timeout_s = settings.EXPORT_TIMEOUT_S
    arguments = _connection_arguments(_read_from(), timeout_s)
    session = _session(timeout_s, isolation="REPEATABLE-READ")
    return {**arguments, "init_command": f"{session}, net_write_timeout = {timeout_s}", "connect_timeout": 5}


def _read_from() -> dict[str, Any]:
    """The database that may be a little behind, where there is one."""
    return dict(settings.DATABASE_REPLICA or settings.DATABASES["default"])


def _session(statement_timeout_s: float, isolation: str = "READ-COMMITTED") -> str:
    """One SET for both servers: MariaDB reads the first kind of comment only, MySQL the second only.

    The server ends what nobody waits for any more: a cancelled statement goes on running there.
    """
    milliseconds = int(statement_timeout_s * 1000)
    mariadb = f"max_statement_time = {statement_timeout_s}, tx_isolation = '{isolation}',"
    mysql = f"max_execution_time = {milliseconds}, transaction_isolation = '{isolation}',"
    return f"SET SESSION /*M! {mariadb} */ /*!80000 {mysql} */ time_zone = '+00:00'"


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
        bound = [(sql, _bound(parameters)) for sql, parameters in statements]
        return await self._answered(lambda wire: _rows_of_each(wire, bound))

    async def fetch_often(self, sql: str, parameters: Parameters) -> list[Row]:
        """The rows of a statement that is worth being kept ready by the server."""
        bound = _bound(parameters) or {}
        return await self._answered(lambda wire: prepared.rows_of(wire, sql, bound))

    async def _answered(self, read: Read[T]) -> T:
        """What is read from a connection, once there is one. Raises as `fetch_all`."""
        if self._places.locked():
            await self._wait()
        else:
            await self._places.acquire()  # at once
            self._acquire_ms.append(0.0)
        self._reads += 1
        try:
            return await self._read_again_if_lost(read, self.loop.time() + self._timeout_s)
        except TimeoutError:
            raise StatementTimeout(f"no answer within {self._timeout_s} s") from None
        except OperationalError as error:
            if error.args[0] in TOO_SLOW:
                raise StatementTimeout("the server ended the statement") from error
            if error.args[0] in UNAVAILABLE:
                raise DatabaseUnavailable(f"error {error.args[0]}") from error
            raise
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

    async def _read_again_if_lost(self, read: Read[T], due: float) -> T:
        """Reads once more when a pooled connection turns out to be dead: for a read that is harmless."""
        try:
            return await self._read(read, due)
        except (OperationalError, InterfaceError) as error:
            if error.args[0] not in LOST:
                raise
        return await self._read(read, due)

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


async def _rows_of_each(wire: Wire, bound: Sequence[Bound]) -> list[list[Row]]:
    complete = [_complete(wire.connection, *each) for each in bound]
    return await resultset.each_of(wire, complete, [sql for sql, _ in bound])


def _complete(connection: Any, sql: str, bound: dict[str, Any] | None) -> str:
    return sql if bound is None else sql % {name: connection.escape(value) for name, value in bound.items()}


# --- the application's pool -----------------------------------------------------------------------------------------

_pool: Pool | None = None
fetched_by: ContextVar[Fetch | None] = ContextVar("fetched_by", default=None)  # who answers `fetch_all` instead
_writes: set[asyncio.Task[None]] = set()


def _configured(warm: int, size: int) -> Pool:
    return Pool(
        _connection_arguments(_read_from(), settings.QUERY_TIMEOUT_S),
        warm=warm,
        size=size,
        wait_s=settings.POOL_WAIT_S,
        timeout_s=settings.QUERY_TIMEOUT_S,
    )


async def open_pool() -> None:
    """Opens the application's pool on the running event loop; to be called from the ASGI lifespan."""
    global _pool
    pool = _configured(settings.POOL_MIN, settings.POOL_MAX)
    await pool.open()
    _pool = pool


async def close_pool() -> None:
    """Finishes what `execute_soon` began, then closes the pool."""
    global _pool
    if _writes:
        await asyncio.wait(_writes, timeout=settings.QUERY_TIMEOUT_S)
    if (pool := _pool) is not None:
        _pool = None
        await pool.close()


def pool_stats() -> dict[str, int | float | None] | None:
    """The figures of the application's pool; None where none is open."""
    return _pool.stats() if _pool is not None else None


def pool_totals() -> PoolTotals | None:
    return _pool.totals() if _pool is not None else None


async def fetch_all(sql: str, parameters: Parameters | None = None) -> list[Row]:
    """The statement's rows. Raises DatabaseUnavailable when there is no answer in time.

    Where no lifespan opened a pool on this event loop (a command, Django's own server) it connects for this statement.
    Within `merging.together` it goes to the database with those that are asked for at the same time.
    """
    fetch = fetched_by.get()
    if fetch is not None:
        return await fetch(sql, parameters)
    return (await fetch_each([(sql, parameters)]))[0]


async def fetch_often(sql: str, parameters: Parameters) -> list[Row]:
    """The same of a short statement that is asked for all the time: each connection's server keeps it ready."""
    if fetched_by.get() is not None or _pool is None or _pool.loop is not asyncio.get_running_loop():
        return await fetch_all(sql, parameters)
    return await _pool.fetch_often(sql, parameters)


async def fetch_each(statements: Sequence[Statement]) -> list[list[Row]]:
    """The same as `fetch_all` of several statements in one round trip: each sees what is committed when it begins."""
    if _pool is not None and _pool.loop is asyncio.get_running_loop():
        return await _pool.fetch_each(statements)
    async with _one_off() as pool:
        return await pool.fetch_each(statements)


@asynccontextmanager
async def _one_off() -> AsyncIterator[Pool]:
    pool = _configured(warm=0, size=1)
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


def execute_soon(sql: str, parameters: Parameters) -> None:
    """Runs a small, rare write on the primary beside the request, on its own connection; a failure is only logged."""
    task = asyncio.get_running_loop().create_task(_execute(sql, parameters))
    _writes.add(task)
    task.add_done_callback(_writes.discard)


async def _execute(sql: str, parameters: Parameters) -> None:
    arguments = _connection_arguments(settings.DATABASES["default"], settings.QUERY_TIMEOUT_S)
    try:
        async with (
            asyncio.timeout(settings.QUERY_TIMEOUT_S),
            aiomysql.connect(**arguments) as connection,
            connection.cursor() as cursor,
        ):
            await cursor.execute(sql, _bound(parameters))
    except (OSError, Error) as error:
        logger.warning("a write beside a request failed", extra={"error": repr(error)})
