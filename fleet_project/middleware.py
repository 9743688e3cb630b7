"""What every request of the API passes through: a name, a clock, and one form for all its errors. Async only."""

import os
import re
from collections.abc import Awaitable, Callable
from time import perf_counter

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import async_only_middleware

from apps.accounts import problems
from apps.accounts.answers import add_fields
from apps.accounts.limits import Allowance
from fleet_project import logs, metrics

Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
_KEPT = ("Allow", "Retry-After")
_names: list[str] = []  # for the next requests
_NAME_BYTES, _AT_ONCE = 16, 64
os.register_at_fork(after_in_child=_names.clear)


@async_only_middleware
def api(get_response: Handler) -> Handler:
    """Names the request, times and counts it, and completes its answer: one layer, since each costs every request."""

    async def middleware(request: HttpRequest) -> HttpResponse:
        began = perf_counter()
        name = _named(request)
        response = with_problem_body(await get_response(request), name)
        fields = [(b"x-request-id", name.encode()), _NO_SNIFFING]
        allowance: Allowance | None = getattr(request, "allowance", None)
        if allowance is not None:  # it is not known without a key, a limit or Redis
            fields += allowance.fields()
        add_fields(response, fields)
        metrics.count(request, response.status_code, perf_counter() - began)
        return response

    return middleware


def _named(request: HttpRequest) -> str:
    """Accepts or makes `X-Request-Id`: in logs, in problem bodies, in the answer. It is no secret."""
    given = request.headers.get("X-Request-Id")
    name = given if given is not None and _REQUEST_ID.fullmatch(given) else _new_name()
    request.request_id = name  # type: ignore[attr-defined]
    # For good: a request has a task, and so a context, of its own.
    logs.request_id.set(name)
    return name


def _new_name() -> str:
    """32 digits that nobody else has. Made for many at once: one by one they take a request 3 µs more."""
    if not _names:
        digits = os.urandom(_NAME_BYTES * _AT_ONCE).hex()
        _names.extend(digits[at : at + 2 * _NAME_BYTES] for at in range(0, len(digits), 2 * _NAME_BYTES))
    return _names.pop()


def with_problem_body(response: HttpResponse, request_id: str) -> HttpResponse:
    """Gives problem details to the errors that Django answers by itself: unknown paths, wrong methods."""
    if response.status_code < 400 or "json" in response.headers.get("Content-Type", ""):
        return response
    allowed = response.headers.get("Allow")
    detail = f"This path takes {allowed}." if allowed else ""
    problem = problems.of_status(response.status_code, detail).response(request_id)
    for name in _KEPT:
        if name in response.headers:
            problem.headers[name] = response.headers[name]
    return problem
