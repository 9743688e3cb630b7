"""What every request of the API passes through: a name for it, and one form for all its errors. Async only."""

import os
import re
from collections.abc import Awaitable, Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import async_only_middleware

from apps.accounts import problems
from apps.accounts.limits import Allowance

Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_KEPT = ("Allow", "Retry-After")


@async_only_middleware
def request_id(get_response: Handler) -> Handler:
    """Accepts or makes `X-Request-Id`: in logs, in problem bodies, in the answer."""

    async def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        name = given if _REQUEST_ID.fullmatch(given) else os.urandom(16).hex()
        request.request_id = name  # type: ignore[attr-defined]
        # For good: a request has a task, and so a context, of its own.
        structlog.contextvars.bind_contextvars(request_id=name)
        response = await get_response(request)
        response.headers["X-Request-Id"] = name
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return middleware


@async_only_middleware
def rate_limit_fields(get_response: Handler) -> Handler:
    """Tells a client with every answer what is left of its quota, where that is known."""

    async def middleware(request: HttpRequest) -> HttpResponse:
        response = await get_response(request)
        allowance: Allowance | None = getattr(request, "allowance", None)
        for name, value in allowance.fields().items() if allowance else ():
            response.headers[name] = value
        return response

    return middleware


@async_only_middleware
def problem_bodies(get_response: Handler) -> Handler:
    """Gives problem details to the errors that Django answers by itself: unknown paths, wrong methods."""

    async def middleware(request: HttpRequest) -> HttpResponse:
        response = await get_response(request)
        if response.status_code < 400 or "json" in response.headers.get("Content-Type", ""):
            return response
        problem = problems.of_status(response.status_code).response(request.request_id)  # type: ignore[attr-defined]
        for name in _KEPT:
            if name in response.headers:
                problem.headers[name] = response.headers[name]
        return problem

    return middleware
