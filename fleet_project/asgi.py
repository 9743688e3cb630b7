"""The ASGI application: three handlers under one settings module, and the pool's life around them.

The asynchronous endpoints of the API and the health endpoints go through the lean handler. What of the API is a plain
`def` may use the ORM, so it goes through Django's own handler, which closes the ORM's connections, with the same short
list of middleware. Everything else, which is the admin and static files, passes through all of MIDDLEWARE.
"""

import asyncio
import gc
import os
from collections.abc import Awaitable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet_project.settings")
django.setup(set_prefix=False)

from asgiref.sync import iscoroutinefunction  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.handlers.asgi import ASGIHandler  # noqa: E402
from django.core.handlers.exception import convert_exception_to_response  # noqa: E402
from django.urls import Resolver404, ResolverMatch, get_resolver  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402
from ninja.operation import Operation  # noqa: E402

from apps import mysql  # noqa: E402
from apps.accounts import limits  # noqa: E402
from apps.files import processes  # noqa: E402
from apps.trucks import remembered  # noqa: E402
from fleet_project import metrics  # noqa: E402
from fleet_project.api import api  # noqa: E402
from fleet_project.bodies import bounded  # noqa: E402
from fleet_project.direct import DirectView, is_direct  # noqa: E402
from fleet_project.lean import Application, LeanHandler, Receive, Scope, Send  # noqa: E402

API_PREFIX = "/api/"
OPERATOR_PATHS = frozenset({"/healthz", "/healthz/pool", "/readyz", "/metrics"})
_PATHS_REMEMBERED = 4_096


class ApiHandler(ASGIHandler):
    """Django's handler with the API's middleware, all of it asynchronous: for views that use the ORM."""

    def load_middleware(self, is_async: bool = True) -> None:
        self._view_middleware: list[object] = []
        self._template_response_middleware: list[object] = []
        self._exception_middleware: list[object] = []
        handler = convert_exception_to_response(self._get_response_async)  # type: ignore[attr-defined]
        for path in reversed(settings.API_MIDDLEWARE):
            handler = convert_exception_to_response(import_string(path)(handler))
        self._middleware_chain = handler


# --- which handler --------------------------------------------------------------------------------------------------

_operations_by_route = api.operations_by_route()


@lru_cache(_PATHS_REMEMBERED)
def resolved(path: str) -> tuple[ResolverMatch | None, bool]:
    """The view that a path leads to, and whether it is lean. Remembered: Django tries one pattern after the other."""
    try:
        match = get_resolver().resolve(path)
    except Resolver404:
        return None, True
    operations = _operations_by_route.get(f"/{match.route}", {})
    if not is_lean(match, operations.values()):
        return match, False
    if operations and all(map(is_direct, operations.values())):
        match.func = DirectView(operations, match.func)
    return match, True


def is_lean(match: ResolverMatch, operations: Iterable[Operation]) -> bool:
    """Whether nothing that may use the ORM is behind the path, whatever the method."""
    return iscoroutinefunction(match.func) and all(operation.is_async for operation in operations)


def answering_head(application: Application) -> Application:
    """HEAD is GET without the body of the answer, as in the lean handler: Ninja would refuse it."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_no_body(message: Mapping[str, Any]) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        if scope["method"] == "HEAD":
            await application({**scope, "method": "GET"}, receive, send_no_body)
        else:
            await application(scope, receive, send)

    return wrapped


def routed(lean: LeanHandler, api_with_orm: Application, rest: Application) -> Application:
    """Sends a request to one of the handlers by its path."""

    def application(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        path = scope["path"]
        if not (path.startswith(API_PREFIX) or path in OPERATOR_PATHS):
            return rest(scope, receive, send)
        match, goes_lean = resolved(path)
        if goes_lean:
            return lean(scope, receive, send, match)  # not awaited here: a coroutine less for each request
        return api_with_orm(scope, receive, send)

    return application


# --- the life of the process ----------------------------------------------------------------------------------------


def with_lifespan(application: Application) -> Application:
    """Opens what belongs to the event loop when the server starts, the pool above all; closes it when it stops."""

    def wrapped(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            return application(scope, receive, send)
        if scope["type"] == "lifespan":
            return _lifespan(receive, send)
        return send({"type": "websocket.close"})

    return wrapped


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    remembered.forget()
    await mysql.open_pool()
    limits.open_limiter()
    publishing = asyncio.create_task(metrics.publish_for_ever())
    await send({"type": "lifespan.startup.complete"})
    await receive()
    publishing.cancel()
    metrics.write_times()
    await processes.close_writers()
    await limits.close_limiter()
    await mysql.close_pool()
    await send({"type": "lifespan.shutdown.complete"})


def collect_garbage_less_often() -> None:
    """Looking through all that a process has loaded takes a tenth of a second, in which it answers nobody.

    What is there at the start never goes, so it is not looked at again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


application = with_lifespan(
    routed(LeanHandler(settings.API_MIDDLEWARE), bounded(answering_head(ApiHandler())), bounded(ASGIHandler()))
)
collect_garbage_less_often()
