"""Fixtures for all tests. Tests are synchronous; an `async def` one runs on an event loop of its own."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Generator, Iterator
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import TransactionTestCase


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


_KEPT = {"django_migrations", "django_content_type", "auth_permission"}  # as migrating made them, for all tests


def _empty_tables(_: TransactionTestCase) -> None:
    """What Django's `flush` does after a test that commits, but for the tables that have rows alone, and in a twentieth
    of the time: it empties a hundred tables and makes all permissions anew."""
    tables = [name for name in connection.introspection.django_table_names(include_views=False) if name not in _KEPT]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"(SELECT '{table}' FROM `{table}` LIMIT 1)" for table in tables))
        full = [table for (table,) in cursor.fetchall()]
        cursor.execute("SET foreign_key_checks = 0")
        for table in full:
            cursor.execute(f"DELETE FROM `{table}`")
        cursor.execute("SET foreign_key_checks = 1")


@pytest.fixture(autouse=True)
def _days_go_with_their_test() -> Iterator[None]:
    yield
    from tests.rows import forget_unsummed

    forget_unsummed()


TransactionTestCase._fixture_teardown = _empty_tables  # type: ignore[method-assign]


@pytest.fixture(scope="session", autouse=True)
def _simulated_once() -> None:
    """Simulators of the same seed, days and trucks send the same: what one has made is there for the next test's."""
    from wialon_simulator.generated import Stored, TruckSource

    make = TruckSource.messages
    made: dict[tuple[Any, ...], list[Stored]] = {}

    def messages(source: TruckSource, index: int) -> list[Stored]:
        key = (source.truck, source._calendar, source._crew.trucks, index)
        if key not in made:
            if len(made) == 500:  # some 60 MB
                made.clear()
            made[key] = make(source, index)
        return made[key]

    TruckSource.messages = messages  # type: ignore[method-assign]


@pytest.fixture(scope="module")
def lasting(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """`lasting(make)` calls it and returns what it made: rows that all tests of the module have.

    Each test sees them as they were made, whatever another did with them: a fixture of its own gives it `anew` the
    objects (tests/lasting.py). Not for tests that commit.
    """
    from tests.lasting import around_a_module

    with around_a_module(django_db_blocker.unblock) as make:
        yield make


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    if not _commits(item):
        return (yield)
    from tests.lasting import Around

    if Around.open:
        Around.open.end()
    result = yield
    assert not Around.open, "a test that commits cannot have rows that last"
    return result


def _commits(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    return "transactional_db" in getattr(item, "fixturenames", ()) or bool(marker and marker.kwargs.get("transaction"))


class AsgiClient:
    """The real application in this process, driven from synchronous tests on one event loop.

    `run` takes a coroutine for that loop, `http` is an httpx client of the application.
    """

    def __init__(self, application: Any, runner: asyncio.Runner) -> None:
        self._runner = runner
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://localhost")
        self.application = application

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        from tests.rows import sum_up

        sum_up()  # what the application reads by connections of its own
        return self._runner.run(coroutine)

    def get(self, path: str, key: str | None = None, headers: dict[str, str] | None = None) -> httpx.Response:
        authorization = {"Authorization": f"Bearer {key}"} if key else {}
        return self.run(self.http.get(path, headers={**authorization, **(headers or {})}))

    def send(
        self, method: str, path: str, key: str | None = None, headers: dict[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        """A request with a body (`json=…` or `content=…`), or of another method."""
        authorization = {"Authorization": f"Bearer {key}"} if key else {}
        return self.run(self.http.request(method, path, headers={**authorization, **(headers or {})}, **body))

    async def start(self) -> None:
        """What a server does before the first request: the application opens its pool."""
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._life = asyncio.create_task(self.application({"type": "lifespan"}, self._in.get, self._out.put))
        await self._phase("startup")

    async def stop(self) -> None:
        await self._phase("shutdown")
        await self._life

    async def _phase(self, name: str) -> None:
        await self._in.put({"type": f"lifespan.{name}"})
        assert await self._out.get() == {"type": f"lifespan.{name}.complete"}


@pytest.fixture
def asgi(transactional_db: None) -> Iterator[AsgiClient]:
    from fleet_project.asgi import application

    with asyncio.Runner() as runner:
        client = AsgiClient(application, runner)
        runner.run(client.start())
        try:
            yield client
        finally:
            runner.run(client.stop())


@pytest.fixture
def api_get(asgi: AsgiClient) -> Callable[..., httpx.Response]:
    """`api_get("/api/v2/trucks?limit=2", key)` answers with an httpx response."""
    return asgi.get
