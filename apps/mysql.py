"""Runs named statements on MariaDB or MySQL: `fetch_all` on an async pool, `fetch_all_sync` on Django's connection.

Both take the parameters as `%(name)s` and give the same rows: integers as int (sums too), decimals as Decimal, instants
as naive UTC.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiomysql
from django.conf import settings
from django.db import connection as django_connection
from pymysql.err import Error

from apps.pool import Parameters as Parameters
from apps.pool import Pool, PoolTotals, bound
from apps.pool import Row as Row
from apps.pool import Statement as Statement
from apps.prepared import Repeated

logger = logging.getLogger(__name__)

# --- on Django's connection -----------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal) and value.as_tuple().exponent == 0:
        return int(value)
    return value


def fetch_all_sync(sql: str, parameters: Parameters | None = None) -> list[Row]:
    """The statement's rows, read on Django's connection and so inside its transaction."""
    with django_connection.cursor() as cursor:
        cursor.execute(sql, bound(parameters))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]


# --- sessions -------------------------------------------------------------------------------------------------------


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


# --- the application's pool -----------------------------------------------------------------------------------------

_pool: Pool | None = None
driven: ContextVar[asyncio.Task[Any] | None] = ContextVar("driven", default=None)  # whose reads `merging` drives
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
    statements = [(sql, parameters)]
    return (await (Asked(statements) if is_driven() else fetch_each(statements)))[0]


def is_driven() -> bool:
    """Whether what runs now is a read that `merging` drives, and not a task that such a read has begun."""
    task = driven.get()
    return task is not None and task is asyncio.current_task()


@dataclass(frozen=True, slots=True)
class Asked:
    """The rows of each statement, from whoever drives the read that awaits it."""

    statements: list[Statement]

    def __await__(self) -> Generator[list[Statement], list[list[Row]], list[list[Row]]]:
        return (yield self.statements)


def fetch_often(read: Repeated) -> Awaitable[list[Row]]:
    """The same of a short statement that is asked for all the time: each connection's server keeps it ready."""
    if is_driven() or _pool is None or _pool.loop is not asyncio.get_running_loop():
        return fetch_all(read.sql, read.values)
    return _pool.fetch_often(read)


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
            await cursor.execute(sql, bound(parameters))
    except (OSError, Error) as error:
        logger.warning("a write beside a request failed", extra={"error": repr(error)})
