"""The handler under the asynchronous endpoints: the same answers as Django's own, with nothing that holds a request."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from django.core.handlers.asgi import ASGIRequest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import BadHeaderError, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import ResolverMatch
from ninja import Router

from apps.accounts.answers import Answer
from fleet_project.api import api
from fleet_project.asgi import is_lean, resolved
from fleet_project.lean import Headers, LeanHandler, LeanRequest
from tests import rows
from tests.api.endpoints import PATHS
from tests.conftest import AsgiClient

MIDDLEWARE = ["fleet_project.middleware.api"]
View = Callable[..., Awaitable[HttpResponse]]


def asked(view: View | None, method: str = "GET", query: bytes = b"", **request: Any) -> httpx.Response:
    """The answer of a view that stands alone under the lean handler."""
    match = None if view is None else ResolverMatch(view, (), {}, route="here")
    handler = LeanHandler(MIDDLEWARE)

    async def application(scope: dict, receive: Any, send: Any) -> None:
        await handler({**scope, "query_string": query or scope["query_string"]}, receive, send, match)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://here") as client:
            return await client.request(method, "/here", **request)

    return asyncio.run(ask())


async def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body or b"nothing", content_type="text/plain")


# --- in -------------------------------------------------------------------------------------------------------------


def test_headers_are_found_under_any_case_and_joined_when_repeated() -> None:
    headers = Headers.of([(b"accept", b"text/html"), (b"x-other", b"1"), (b"accept", b"*/*")])
    assert headers.get("Accept") == headers["ACCEPT"] == "text/html,*/*"
    assert "X-Other" in headers
    assert headers.get("If-None-Match") is None


def test_a_body_arrives_whole_however_it_is_cut() -> None:
    async def parts() -> AsyncIterator[bytes]:
        for part in (b"a", b"", b"bc"):
            yield part

    assert asked(echo, "POST", content=parts()).content == b"abc"
    assert asked(echo, "GET").content == b"nothing"


def test_a_body_beyond_the_limit_is_refused(settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert asked(echo, "POST", content=b"x" * 1000).status_code == 200
    answer = asked(echo, "POST", content=b"x" * 1001)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


def test_a_client_that_leaves_while_it_sends_gets_no_answer() -> None:
    sent: list[object] = []

    async def send(message: object) -> None:
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "POST", "path": "/here", "headers": [], "query_string": b""}
    asyncio.run(LeanHandler(MIDDLEWARE)(scope, receive, send, ResolverMatch(echo, (), {})))
    assert sent == []


def test_a_query_that_is_no_text_is_a_problem() -> None:
    answer = asked(echo, query=b"q=\xff")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")


QUERIES = [b"", b"a=1&b=%20x&a=2", b"q=%F0%9F%9A%9A", b"a=1-2_3.4,5:6+7", b"a=<b> c|d^e`f{g}~h!i*j'k\"l;m#n@o$p[q]/r?s"]
PATHS_WITH_ALL_SORTS = ["/here", "/a b", "/ä", "/100%", "/a;b,c"]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", PATHS_WITH_ALL_SORTS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_is_like_djangos(method: str, path: str, query: bytes) -> None:
    headers = [
        (b"host", b"localhost"),
        (b"content-type", b"text/plain; charset=latin-1"),
        (b"accept", b"a"),
        (b"accept", b"b"),
    ]
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": headers}
    ours, djangos = LeanRequest(scope, None), ASGIRequest(scope, BytesIO())
    assert (ours.META, ours.GET, ours.method, ours.path_info) == (
        djangos.META, djangos.GET, djangos.method, djangos.path_info
    )  # fmt: skip
    assert ours.get_full_path() == djangos.get_full_path()
    assert ours.build_absolute_uri() == djangos.build_absolute_uri()
    assert {name.lower(): value for name, value in djangos.headers.items()} == ours.headers
    assert ours.COOKIES == djangos.COOKIES
    if method == "POST":
        assert (ours.content_type, ours.encoding) == (djangos.content_type, djangos.encoding)


def test_an_answer_is_like_djangos_response() -> None:
    given = {"Content-Type": "application/json", "ETag": '"x"'}
    ours, djangos = Answer(b"{}", given), HttpResponse(b"{}", headers=given)
    for name in ("content", "status_code", "reason_phrase", "charset", "streaming", "closed"):
        assert getattr(ours, name) == getattr(djangos, name), name
    for response in (ours, djangos):
        response["X-Count"] = 7
        response.set_cookie("a", "b")
    assert dict(ours.items()) == dict(djangos.items())
    assert str(ours.cookies) == str(djangos.cookies)
    assert ours.serialize() == djangos.serialize()
    assert {name for name in vars(djangos) if not hasattr(ours, name)} <= {"_is_rendered", "content_type"}


def test_an_answer_with_ready_headers_is_like_djangos_response_to_whoever_asks() -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        response = Answer.ready(b"{}", [(b"etag", b'"x"'), (b"content-length", b"2")])
        if "mapping" in request.GET:
            assert response["ETag"] == '"x"'
            response["X-Count"] = 7
        if "cookie" in request.GET:
            response.set_cookie("a", "b")
        return response

    for query, more in ((b"", {}), (b"mapping=1", {"x-count": "7"}), (b"cookie=1", {"set-cookie": "a=b; Path=/"})):
        answer = asked(view, query=query)
        headers = dict(answer.headers)
        assert len(headers.pop("x-request-id")) == 32
        assert headers == {"etag": '"x"', "content-length": "2", "x-content-type-options": "nosniff", **more}


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x", "a\nb"])
def test_a_header_cannot_be_smuggled_into_an_answer(value: str) -> None:
    with pytest.raises(BadHeaderError):
        Answer(b"", {"X-Ours": value})


# --- out ------------------------------------------------------------------------------------------------------------


def test_a_view_that_fails_is_logged_and_answered_with_a_problem(caplog) -> None:
    async def fails(request: HttpRequest) -> HttpResponse:
        raise RuntimeError("a secret of the inside")

    answer = asked(fails)
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "application/problem+json")
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert "secret" not in answer.text
    assert any(record.exc_info and "a secret" in str(record.exc_info[1]) for record in caplog.records)


def test_no_view_is_a_problem_too() -> None:
    answer = asked(None)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert answer.headers["X-Request-Id"]


def test_head_has_the_headers_of_get_and_no_body() -> None:
    get, head = asked(echo, "GET"), asked(echo, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"] == "7"


def test_cookies_and_headers_arrive() -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        response = HttpResponse(status=204, headers={"X-Ours": "yes"})
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    answer = asked(view)
    assert (answer.headers["X-Ours"], dict(answer.cookies)) == ("yes", {"a": "1", "b": "2"})


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_stream_is_sent_part_by_part_and_closed(method: str) -> None:
    async def parts() -> AsyncIterator[str | bytes]:
        yield "ä"
        yield b"bc"

    async def view(request: HttpRequest) -> StreamingHttpResponse:
        response = StreamingHttpResponse(parts(), content_type="text/plain; charset=utf-8")
        response._resource_closers.append(lambda: closed.append(True))
        return response

    closed: list[bool] = []
    answer = asked(view, method)
    assert answer.text == ("äbc" if method == "GET" else "")
    assert "Content-Length" not in answer.headers
    assert closed == [True]


# --- what goes through it -------------------------------------------------------------------------------------------


@pytest.fixture
def no_orm(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every use of a connection of the ORM fails; the list says which there were."""
    used: list[str] = []

    def cursor(connection: BaseDatabaseWrapper, *args: object) -> None:
        used.append(connection.alias)
        raise AssertionError("the ORM was used")

    with monkeypatch.context() as patch:
        patch.setattr(BaseDatabaseWrapper, "cursor", cursor)
        yield used


def concrete(route: str) -> str:
    named = {"truck_id": "T-1", "driver_id": "D-1", "list_name": "days"}
    return re.sub(r"<int:\w+>", "1", re.sub(r"<(\w+)>", lambda found: named.get(found[1], found[0]), route))


def test_the_routes_of_the_operations_are_those_that_paths_lead_to() -> None:
    routes = [route for route, _ in api.operations()]
    assert set(PATHS) <= set(map(concrete, routes))
    matches = [resolved(concrete(route))[0] for route in routes]
    assert [match and f"/{match.route}" for match in matches] == routes


def test_asynchronous_operations_are_lean_and_plain_ones_have_a_handler_that_closes_their_connections() -> None:
    for route, operation in api.operations():
        alone = {one.is_async for other, one in api.operations() if other == route} == {operation.is_async}
        assert resolved(concrete(route))[1] == (operation.is_async and alone), route
    assert not resolved("/api/v2/docs")[1]
    assert resolved("/healthz")[1]
    assert resolved("/api/v2/nothing") == (None, True)


def test_a_path_with_a_plain_operation_beside_an_asynchronous_one_is_not_lean() -> None:
    router = Router()

    @router.get("/both")
    async def read(request: HttpRequest) -> None: ...

    @router.post("/both")
    def write(request: HttpRequest) -> None: ...

    mixed = type(api)(urls_namespace="mixed")
    mixed.add_router("", router)
    operations = mixed.operations_by_route()["/api/v2/both"]
    match = ResolverMatch(echo, (), {}, route="api/v2/both")
    assert not is_lean(match, operations.values())
    assert is_lean(match, [operations["GET"]])


@pytest.mark.parametrize("path", [concrete(route) for route, operation in api.operations() if operation.is_async])
def test_no_asynchronous_operation_uses_the_orm(asgi: AsgiClient, path: str, request: pytest.FixtureRequest) -> None:
    fleet = rows.fleet()
    rows.truck(fleet)
    rows.driver(fleet)
    key = rows.api_key(fleet)
    used = request.getfixturevalue("no_orm")
    assert asgi.get(path, key).status_code == 200
    assert used == []


def test_the_handler_passes_requests_of_one_loop_side_by_side() -> None:
    """Nothing in it serialises: a slow request does not hold up a fast one."""
    order: list[str] = []

    async def view(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(0.05 if "slow" in request.META["QUERY_STRING"] else 0)
        order.append(request.META["QUERY_STRING"])
        return HttpResponse(b"")

    handler = LeanHandler(MIDDLEWARE)

    async def one(query: bytes) -> None:
        async def ignore(message: object) -> None: ...

        scope = {"type": "http", "method": "GET", "path": "/here", "headers": [], "query_string": query}
        await handler(scope, ignore, ignore, ResolverMatch(view, (), {}))

    async def both() -> None:
        await asyncio.gather(one(b"slow"), one(b"fast"))

    asyncio.run(both())
    assert order == ["fast", "slow"]
