"""Whether this process lives, and whether the whole installation can work."""

import time
from typing import Any

import redis.asyncio as redis
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

from apps import mysql
from apps.accounts.answers import dumps
from apps.pool import DatabaseUnavailable
from apps.trucks.sync.disk import NOT_KNOWN

OK = "ok"
HEARTBEATS = ("beat", "worker")
HEARTBEAT_AGE_S = 60


def _json(body: dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(
        dumps(body), status=status, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


async def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return _json({"status": OK})


async def pool(request: HttpRequest) -> HttpResponse:
    """The database connections of this process and the latency of getting one."""
    return _json({"pool": mysql.pool_stats()})


async def readyz(request: HttpRequest) -> HttpResponse:
    """200 when everything works, else 503; `checks` says of each part what is wrong."""
    checks = {"database": await _database(), "pool": _pool(), **await _redis()}
    is_ready = all(verdict in (OK, NOT_KNOWN) for verdict in checks.values())
    return _json({"status": OK if is_ready else "not ready", "checks": checks}, 200 if is_ready else 503)


async def _database() -> str:
    try:
        await mysql.fetch_all("SELECT 1 AS one")
    except DatabaseUnavailable as error:
        return str(error)
    return OK


def _pool() -> str:
    return OK if mysql.pool_stats() is not None else "no pool is open in this process"


async def _redis() -> dict[str, str]:
    """Redis itself, the heartbeats that it keeps, and what the last worker saw of the database's disk."""
    try:
        async with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as client:
            *beats, disk = await client.mget([*(f"heartbeat:{name}" for name in HEARTBEATS), "disk"])
    except (RedisError, OSError) as error:
        unknown = dict.fromkeys(HEARTBEATS, "not known without Redis")
        return {"redis": f"does not answer ({type(error).__name__})", **unknown, "disk": NOT_KNOWN}
    heartbeats = {name: _heartbeat(second) for name, second in zip(HEARTBEATS, beats, strict=True)}
    return {"redis": OK, **heartbeats, "disk": disk.decode() if disk else NOT_KNOWN}


def _heartbeat(second: bytes | None) -> str:
    if second is None:
        return f"no sign of life within {HEARTBEAT_AGE_S} s"
    age = int(time.time()) - int(second)
    return OK if age <= HEARTBEAT_AGE_S else f"last sign of life {age} s ago"
