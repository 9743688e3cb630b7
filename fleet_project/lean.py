"""The ASGI handler under all asynchronous endpoints: Django's requests and views without what only the ORM needs.

Django's own handler gives each request a thread-sensitive context, two signals, a task that listens for the client's
leaving, and a thread to close the response in: about 0.7 ms of CPU. Their use is to close the ORM's connections and to
cancel views. So nothing that runs here may use the ORM, and a client that leaves cancels nothing: what a view waits for
must end by itself, which the deadlines of `apps.pool` see to. Only an answer that is streamed ends with its client; a
view that works for long may await `request.left()`.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from http import HTTPStatus
from io import BytesIO
from typing import Any, cast

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch
from django.utils.functional import cached_property
from django.utils.log import log_response
from django.utils.module_loading import import_string

from apps.accounts.answers import Fields, ready_fields
from apps.accounts.problems import BadRequest, NotFound, Problem, TooLarge

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Handler = Callable[["LeanRequest"], Awaitable[HttpResponseBase]]


class ClientLeft(Exception):
    """The client went away before it had sent its request."""


class LeanHandler:
    """Passes a request through a list of asynchronous middleware to the view that its path has been resolved to."""

    def __init__(self, middleware: Sequence[str]) -> None:
        handler: Handler = _view
        for path in reversed(middleware):
            handler = import_string(path)(handler)
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send, match: ResolverMatch | None) -> None:
        """Answers one request; `match` is None where no view has its path."""
        try:
            request = _request(scope, receive, match)
            response = await self._handler(request)
            if response.status_code >= 400:
                log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request)  # type: ignore[arg-type]
        except ClientLeft:
            return
        except Problem as problem:  # a request that is none: no middleware has seen it
            response = problem.response(None)
        without_body = scope["method"] == "HEAD"
        try:
            if isinstance(response, StreamingHttpResponse):
                await _stream(response, send, request, without_body=without_body)
            else:
                await _send(response, send, without_body=without_body)
        finally:
            _close(response)


async def _view(request: "LeanRequest") -> HttpResponseBase:
    """The view's answer. What it raises becomes one too, innermost, so that all middleware sees it."""
    match = request.resolver_match
    try:
        if match is None:
            raise NotFound(_no_path(request.path))
        await request.read_body()
        response: HttpResponseBase = await match.func(request, *match.args, **match.kwargs)
        return response
    except ClientLeft:
        raise
    except Problem as problem:
        return problem.response(request.request_id)
    except Exception:
        logger.exception("a request failed", extra={"path": request.path})
        return Problem("The error has been logged under the request_id.").response(request.request_id)


def _no_path(path: str) -> str:
    wanted = " Paths end without a slash." if path.endswith("/") else ""
    return f"The API has no such path.{wanted} /api/v2/docs lists them."


# --- in -------------------------------------------------------------------------------------------------------------


class Headers(dict[str, str]):
    """The headers of a request under their names in lower case, found under any case."""

    @classmethod
    def of(cls, pairs: Iterable[tuple[bytes, bytes]]) -> "Headers":
        headers = cls()
        for raw_name, raw_value in pairs:
            name, value = raw_name.decode("latin1"), raw_value.decode("latin1")
            first = headers.setdefault(name, value)
            if first is not value:
                headers[name] = f"{first},{value}"
        return headers

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())


_NO_QUERY = QueryDict("")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]*", re.ASCII)
_PLAIN_QUERY = re.compile(r"[A-Za-z0-9/._=&,:%+-]*", re.ASCII)  # what Django leaves as it is


class LeanRequest(ASGIRequest):
    """Django's request, which reads its body up to a limit and makes META only for those who want it."""

    request_id: str | None = None
    script_name = ""
    content_type = None
    content_params = None
    _post_parse_error = _read_started = False

    def __init__(self, scope: Scope, receive: Receive) -> None:
        """Raises UnicodeDecodeError for a query that is no text."""
        self._receive = receive
        self._query = scope["query_string"].decode()
        self.scope = scope
        self.path = self.path_info = scope["path"]
        self.method = scope["method"]
        self.resolver_match = None
        self.headers = Headers.of(scope["headers"])  # type: ignore[assignment]
        if self.method != "GET":
            self._set_content_type_params(self.META)  # type: ignore[attr-defined]

    @cached_property
    def _stream(self) -> BytesIO:  # type: ignore[override]
        return BytesIO()

    @cached_property
    def META(self) -> dict[str, Any]:  # type: ignore[override]
        return ASGIRequest(self.scope, BytesIO()).META

    @cached_property
    def GET(self) -> QueryDict:  # type: ignore[override]
        return QueryDict(self._query) if self._query else _NO_QUERY

    def get_full_path(self, force_append_slash: bool = False) -> str:
        query = self._query
        if force_append_slash or not (_PLAIN_PATH.fullmatch(self.path) and _PLAIN_QUERY.fullmatch(query)):
            return super().get_full_path(force_append_slash)
        return f"{self.path}?{query}" if query else self.path

    async def read_body(self) -> None:
        """Reads the body, unless the method has none. Raises ClientLeft, TooLarge."""
        self._body = b"" if self.method == "GET" else await _body(self._receive, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)

    async def left(self) -> None:
        """Waits until the client is gone; to be called once the body has been read, and by one at a time."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _request(scope: Scope, receive: Receive, match: ResolverMatch | None) -> LeanRequest:
    """HEAD is GET without the body of the answer. Raises BadRequest for a query that is no text."""
    if scope["method"] == "HEAD":
        scope = {**scope, "method": "GET"}
    try:
        request = LeanRequest(scope, receive)
    except UnicodeDecodeError:
        raise BadRequest("The query is not UTF-8; escape it with %.") from None
    request.resolver_match = match
    return request


async def _body(receive: Receive, limit: int) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise TooLarge(f"A body may have {limit:,} bytes.")
        if not message.get("more_body", False):
            return b"".join(parts)


# --- out ------------------------------------------------------------------------------------------------------------


async def _send(response: HttpResponseBase, send: Send, *, without_body: bool) -> None:
    await send({"type": "http.response.start", "status": response.status_code, "headers": _headers(response)})
    if isinstance(response, HttpResponse):
        await send({"type": "http.response.body", "body": b"" if without_body else response.content})
        return
    assert isinstance(response, StreamingHttpResponse)
    if not without_body:
        async with aclosing(_parts(response)) as parts:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


async def _stream(response: StreamingHttpResponse, send: Send, request: LeanRequest, *, without_body: bool) -> None:
    """Sends a streamed answer, until it is sent or the client has left."""
    sending = asyncio.create_task(_send(response, send, without_body=without_body))
    leaving = asyncio.create_task(request.left())
    try:
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
    finally:
        sending.cancel()
        leaving.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)


def _headers(response: HttpResponseBase) -> Fields:
    """In lower case, as ASGI has them, with the length where it is known and there can be a body."""
    if (ready := ready_fields(response)) is not None:
        return ready
    headers = [(name.encode("ascii"), value.encode("latin1")) for name, (_, value) in response.headers._store.items()]
    if "cookies" in vars(response):  # an Answer makes them when it is asked for them
        headers += [(b"set-cookie", cookie.OutputString().encode("ascii")) for cookie in response.cookies.values()]
    if (
        isinstance(response, HttpResponse)
        and response.status_code != HTTPStatus.NOT_MODIFIED
        and "content-length" not in response.headers._store
    ):
        headers.append((b"content-length", b"%d" % len(response.content)))
    return headers


def _close(response: HttpResponseBase) -> None:
    """What response.close() does, but for the signal that a request has ended: that is for the ORM and the caches."""
    for close in response._resource_closers:  # type: ignore[attr-defined]
        close()
    response.closed = True


async def _parts(response: StreamingHttpResponse) -> AsyncGenerator[bytes, None]:
    """The parts as bytes; closing it closes the generator that they come from."""
    async with aclosing(cast(AsyncGenerator[Any, None], aiter(response))) as parts:
        async for part in parts:
            yield response.make_bytes(part)
