"""The limit: nothing but ASGI, the driver and a ready document; one statement a request, or one for all that wait."""

import asyncio
from typing import Any

from tests.bench.rivals import pool

ONE = "SELECT document FROM bench_latest WHERE code = %s"
HEADERS = [(b"content-type", b"application/json")]


class Bare:
    """Answers /api/v2/trucks/CODE/sensors; there is nothing else."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            self.pool = await pool.opened()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.pool.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        document = await self.document(scope["path"].split("/")[4])
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": document})

    async def document(self, code: str) -> bytes:
        document: bytes = (await pool.rows(self.pool, ONE, code))[0]["document"]
        return document


class Merged(Bare):
    """One statement for all that wait, two under way at most."""

    def __init__(self) -> None:
        self.waiting: dict[str, asyncio.Future[bytes]] = {}
        self.running = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def document(self, code: str) -> bytes:
        future = self.waiting.setdefault(code, asyncio.get_running_loop().create_future())
        if self.running < 2:
            self.running += 1
            task = asyncio.create_task(self.read())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return await future

    async def read(self) -> None:
        while self.waiting:
            asked, self.waiting = self.waiting, {}
            places = ", ".join(["%s"] * len(asked))
            found = await pool.rows(
                self.pool, f"SELECT code, document FROM bench_latest WHERE code IN ({places})", *asked
            )
            for row in found:
                asked[row["code"]].set_result(row["document"])
        self.running -= 1


single, merged = Bare(), Merged()
