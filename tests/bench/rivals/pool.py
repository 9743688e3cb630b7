"""An aiomysql pool on `bench_latest`, as the asynchronous rivals use it."""

import os
from typing import Any
from urllib.parse import urlsplit

import aiomysql


async def opened(size: int = 4) -> Any:
    url = urlsplit(os.environ["DATABASE_URL"])
    return await aiomysql.create_pool(
        host=url.hostname, port=url.port, user=url.username, password=url.password, db=url.path[1:],
        minsize=size, maxsize=size, autocommit=True, cursorclass=aiomysql.DictCursor,
    )  # fmt: skip


async def rows(pool: Any, sql: str, *parameters: object) -> list[dict[str, Any]]:
    async with pool.acquire() as connection, connection.cursor() as cursor:
        await cursor.execute(sql, parameters)
        found: list[dict[str, Any]] = await cursor.fetchall()
        return found
