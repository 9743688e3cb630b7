"""The ASGI application: two Django handlers under one settings module, and the pool's life around them.

The API and the health endpoints have a handler that passes requests through API_MIDDLEWARE only; everything else, which
is the admin and static files, goes through Django's own handler with MIDDLEWARE.
"""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet_project.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402
from django.core.handlers.asgi import ASGIHandler  # noqa: E402
from django.core.handlers.exception import convert_exception_to_response  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402

from apps import mysql  # noqa: E402

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

API_PREFIX = "/api/"
HEALTH_PATHS = frozenset({"/healthz", "/healthz/pool", "/readyz"})


class ApiHandler(ASGIHandler):
    """Django's handler with a short list of middleware, all of it asynchronous."""

    def load_middleware(self, is_async: bool = True) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        handler = convert_exception_to_response(self._get_response_async)  # type: ignore[attr-defined]
        for path in reversed(settings.API_MIDDLEWARE):
            handler = convert_exception_to_response(import_string(path)(handler))
        self._middleware_chain = handler


def routed(api: Application, rest: Application) -> Application:
    """Sends a request to the one or the other by its path."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        handler = api if path.startswith(API_PREFIX) or path in HEALTH_PATHS else rest
        await handler(scope, receive, send)

    return application


def with_lifespan(application: Application) -> Application:
    """Opens the pool when the server starts and closes it when it stops: a pool belongs to one event loop."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await application(scope, receive, send)
        else:
            await send({"type": "websocket.close"})

    return wrapped


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    await mysql.open_pool()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await mysql.close_pool()
    await send({"type": "lifespan.shutdown.complete"})


application = with_lifespan(routed(ApiHandler(), ASGIHandler()))
