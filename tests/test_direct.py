"""Asynchronous operations called directly: in all that a client can see as Ninja would call them."""

import asyncio
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch
from ninja import NinjaAPI, Query, Router
from ninja.operation import Operation
from ninja.streaming import SSE
from ninja.throttling import AuthRateThrottle
from pydantic import BaseModel, Field, model_validator

from apps.accounts.authentication import ApiKey, Principal
from apps.accounts.problems import Forbidden, NotFound
from fleet_project.api import FleetAPI, api
from fleet_project.asgi import resolved
from fleet_project.direct import DirectView, is_direct
from fleet_project.lean import LeanHandler
from tests.test_lean import concrete


class Search(BaseModel):
    limit: int = Field(10, ge=1)


class Key(ApiKey):
    """Takes one key, and counts how often it was asked."""

    asked = 0

    async def authenticate(self, request: HttpRequest, token: str) -> Principal:
        self.asked += 1
        if token != "good":
            raise Forbidden("not this one")
        return Principal(1, 1, "Good Freight", ZoneInfo("UTC"), "USD", frozenset())


router = Router()


@router.get("/things/{int:number}")
async def thing(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(f"{number + 1} for {request.auth.fleet_name}")


@router.post("/things/{int:number}")
async def change(request: HttpRequest, number: int, search: Query[Search]) -> HttpResponse:
    return HttpResponse(f"{number} {search.limit}")


parsed: list[tuple[int, int]] = []


class Counted(Search):
    @model_validator(mode="after")
    def _count(self) -> "Counted":
        parsed.append((7, self.limit))
        return self


@router.get("/found/{int:number}")
async def found(request: HttpRequest, number: int, search: Query[Counted]) -> HttpResponse:
    return HttpResponse(f"{number} {search.limit}")


@router.get("/plain/{name}", response=dict[str, str])
async def plain(request: HttpRequest, name: str) -> dict[str, str]:
    return {"name": name}


@router.get("/missing/{name}")
async def missing(request: HttpRequest, name: str) -> HttpResponse:
    raise NotFound(name)


def the_api() -> FleetAPI:
    made = FleetAPI(auth=Key("read"), urls_namespace=f"direct {id(object())}")
    made._exception_handlers.update(api._exception_handlers)
    made.add_router("", router)
    return made


def views(route: str) -> list[Callable[..., Any]]:
    """Ninja's own view of a route, and ours; each of an API of its own."""
    found = []
    for wrap in (lambda operations, view: view, DirectView):
        made = the_api()
        view = next(
            path_view.get_view()
            for each in made._get_bound_routers()
            for path, path_view in each.path_operations.items()
            if path == route
        )
        found.append(wrap(made.operations_by_route()[f"/api/v2{route}".replace("{", "<").replace("}", ">")], view))
    return found


def asked(view: Callable[..., Any], method: str, query: bytes, headers: dict[str, str], **path: Any) -> httpx.Response:
    handler = LeanHandler(["fleet_project.middleware.api"])
    match = ResolverMatch(view, (), path, route="here")

    async def application(scope: dict, receive: Any, send: Any) -> None:
        await handler({**scope, "query_string": query}, receive, send, match)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://here") as client:
            return await client.request(method, "/here", headers={"X-Request-Id": "one", **headers})

    return asyncio.run(ask())


GOOD = {"Authorization": "Bearer good"}


@pytest.mark.parametrize(
    ("method", "route", "query", "headers", "path", "status"),
    [
        ("GET", "/things/{int:number}", b"", GOOD, {"number": 7}, 200),
        ("HEAD", "/things/{int:number}", b"", GOOD, {"number": 7}, 200),
        ("POST", "/things/{int:number}", b"limit=5", GOOD, {"number": 7}, 200),
        ("POST", "/things/{int:number}", b"limit=0", GOOD, {"number": 7}, 422),
        ("POST", "/things/{int:number}", b"limit=0", {}, {"number": 7}, 401),  # the key comes before the parameters
        ("PUT", "/things/{int:number}", b"", {}, {"number": 7}, 405),
        ("GET", "/plain/{name}", b"", GOOD, {"name": "x"}, 200),
        ("GET", "/missing/{name}", b"", GOOD, {"name": "x"}, 404),
        ("GET", "/plain/{name}", b"", {}, {"name": "x"}, 401),
        ("GET", "/plain/{name}", b"", {"Authorization": "Basic good"}, {"name": "x"}, 401),
        ("GET", "/plain/{name}", b"", {"Authorization": "Bearer bad"}, {"name": "x"}, 403),
    ],
)
def test_answers_are_those_of_ninja(
    method: str, route: str, query: bytes, headers: dict[str, str], path: dict[str, Any], status: int
) -> None:
    ninjas, ours = (asked(view, method, query, headers, **path) for view in views(route))
    assert ours.status_code == status
    assert (ours.status_code, ours.content, ours.headers) == (ninjas.status_code, ninjas.content, ninjas.headers)


def test_parameters_in_the_query_are_read_each_time_and_the_key_is_checked_each_time() -> None:
    _, ours = views("/things/{int:number}")
    assert asked(ours, "POST", b"limit=5", GOOD, number=7).text == "7 5"
    assert asked(ours, "POST", b"limit=6", GOOD, number=7).text == "7 6"
    assert asked(ours, "GET", b"", GOOD, number=7).text == "8 for Good Freight"
    assert asked(ours, "GET", b"", {}, number=7).status_code == 401


def test_the_same_words_are_parsed_once_and_others_by_themselves() -> None:
    """Also where it is another path that has the same query; refused words are refused each time."""
    _, ours = views("/found/{int:number}")
    for _ in range(2):
        assert asked(ours, "GET", b"limit=5", GOOD, number=7).text == "7 5"
        assert asked(ours, "GET", b"limit=6", GOOD, number=7).text == "7 6"
        assert asked(ours, "GET", b"limit=0", GOOD, number=7).status_code == 422
    assert parsed == [(7, 5), (7, 6)]
    assert asked(ours, "GET", b"limit=5", {}, number=7).status_code == 401


def test_every_asynchronous_operation_is_called_directly() -> None:
    """But those that share their path with one that is not: writing to a list of the ledger is the ORM's."""
    for route, operations in api.operations_by_route().items():
        match, is_lean = resolved(concrete(route))
        all_are = all(operation.is_async for operation in operations.values())
        assert isinstance(match and match.func, DirectView) == all_are == is_lean, route
        assert is_lean or "/costs/" in route or not any(each.is_async for each in operations.values()), route


def operation(make: Callable[[Router], Any], **arguments: Any) -> Operation:
    made = NinjaAPI(urls_namespace=f"alone {id(object())}", **{"auth": ApiKey("read"), **arguments})
    alone = Router()
    make(alone)
    made.add_router("", alone)
    return next(each for view in made._get_bound_routers()[-1].path_operations.values() for each in view.operations)


async def view(request: HttpRequest) -> None: ...


async def filling(request: HttpRequest, response: HttpResponse) -> None: ...


def plain_view(request: HttpRequest) -> None: ...


def test_what_needs_more_than_a_key_is_left_to_ninja() -> None:
    assert is_direct(operation(lambda router: router.get("/")(view)))
    assert not is_direct(operation(lambda router: router.get("/")(plain_view)))
    assert not is_direct(operation(lambda router: router.get("/")(filling)))
    assert not is_direct(operation(lambda router: router.get("/")(view), auth=None))
    assert not is_direct(operation(lambda router: router.get("/")(view), auth=[ApiKey("a"), ApiKey("b")]))
    assert not is_direct(operation(lambda router: router.get("/", throttle=AuthRateThrottle("1/s"))(view)))
    assert not is_direct(operation(lambda router: router.get("/", response=SSE[Search])(view)))
