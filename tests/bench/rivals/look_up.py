"""What a 304 is compared with: bare ASGI that looks one row up by its primary key, through the product's pool."""

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet_project.settings")
django.setup(set_prefix=False)

from apps import mysql  # noqa: E402

ONE = "SELECT t FROM bench_latest WHERE code = %(code)s"
HEADERS = [(b"content-type", b"application/json")]


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers whatever is asked with 304 after the look-up."""
    if scope["type"] == "lifespan":
        await receive()
        await mysql.open_pool()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await mysql.close_pool()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await mysql.fetch_all(ONE, {"code": "T-00005"})
    await send({"type": "http.response.start", "status": 304, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b""})
