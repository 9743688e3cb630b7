"""What a 304 is compared with: bare ASGI that looks one row up by its primary key, and answers 304 whatever is asked.

Through the product's pool, and through aiomysql's own.
"""

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet_project.settings")
django.setup(set_prefix=False)

from apps import mysql  # noqa: E402
from tests.bench.rivals import pool  # noqa: E402

ONE = "SELECT t FROM bench_latest WHERE code = "
CODE = "T-00005"
HEADERS = [(b"content-type", b"application/json")]


class ByOurPool:
    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await self.open()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await self.look_up()
        await send({"type": "http.response.start", "status": 304, "headers": HEADERS})
        await send({"type": "http.response.body", "body": b""})

    async def open(self) -> None:
        await mysql.open_pool()

    async def close(self) -> None:
        await mysql.close_pool()

    async def look_up(self) -> None:
        await mysql.fetch_all(f"{ONE}%(code)s", {"code": CODE})


class ByAiomysql(ByOurPool):
    async def open(self) -> None:
        self.pool = await pool.opened()

    async def close(self) -> None:
        self.pool.close()

    async def look_up(self) -> None:
        await pool.rows(self.pool, f"{ONE}%s", CODE)


application, by_aiomysql = ByOurPool(), ByAiomysql()
