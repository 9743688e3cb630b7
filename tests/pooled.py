"""Reading through the pool in tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from apps import mysql
from apps.mysql import fetch_all


@asynccontextmanager
async def opened() -> AsyncIterator[None]:
    await mysql.open_pool()
    try:
        yield
    finally:
        await mysql.close_pool()


async def count(sql: str, **parameters: object) -> int:
    return next(iter((await fetch_all(sql, parameters))[0].values()))


async def until_zero(sql: str) -> int:
    """The first value of the statement once it is zero, or after a second."""
    for _ in range(50):
        if (left := await count(sql)) == 0:
            return 0
        await asyncio.sleep(0.02)
    return left
