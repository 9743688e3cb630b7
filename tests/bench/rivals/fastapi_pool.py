"""FastAPI on an aiomysql pool: thirty columns, one row, a dict."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException

from tests.bench.rivals import pool


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncIterator[None]:
    application.state.pool = await pool.opened()
    yield
    application.state.pool.close()
    await application.state.pool.wait_closed()


COLUMNS = ", ".join(["code", "t", "lat", "lon", "speed_kmh", *(f"value_{number}" for number in range(30))])
application = FastAPI(lifespan=lifespan)


@application.get("/api/v2/trucks/{truck_id}/sensors")
async def sensors(truck_id: str) -> dict[str, Any]:
    found = await pool.rows(application.state.pool, f"SELECT {COLUMNS} FROM bench_latest WHERE code = %s", truck_id)
    if not found:
        raise HTTPException(404)
    return found[0]
