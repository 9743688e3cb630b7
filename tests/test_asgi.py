import asyncio
import io
import logging
import re
import socket
import time
from collections.abc import Iterator

import pytest
import redis
from structlog.stdlib import ProcessorFormatter

from apps import mysql
from apps.mysql import fetch_all_sync
from tests import rows
from tests.api.endpoints import DOCUMENT
from tests.conftest import AsgiClient


def connections() -> set[int]:
    return {row["id"] for row in fetch_all_sync("SELECT id FROM information_schema.processlist WHERE db = DATABASE()")}


def are_gone(some: set[int]) -> bool:
    """Whether the server has closed these connections, or does so within a second."""
    for _ in range(50):
        if not some & connections():
            return True
        time.sleep(0.02)
    return False


def test_the_pool_lives_as_long_as_the_server(transactional_db: None) -> None:
    from fleet_project.asgi import application

    before = connections()
    with asyncio.Runner() as runner:
        client = AsgiClient(application, runner)
        assert mysql.pool_stats() is None
        runner.run(client.start())
        pooled = connections() - before
        assert len(pooled) == mysql.pool_stats()["size"] > 0
        runner.run(client.stop())
        assert mysql.pool_stats() is None
        assert are_gone(pooled)


def test_a_websocket_is_turned_away(asgi: AsgiClient) -> None:
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    asgi.run(asgi.application({"type": "websocket", "path": "/"}, None, send))
    assert sent == [{"type": "websocket.close"}]


# --- two handlers ---------------------------------------------------------------------------------------------------


def test_the_api_passes_by_the_admins_middleware(asgi: AsgiClient) -> None:
    answer = asgi.get("/api/v2/trucks")
    assert answer.headers["X-Request-Id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "X-Frame-Options" not in answer.headers
    assert "Set-Cookie" not in answer.headers


def test_the_admin_passes_through_all_of_it(asgi: AsgiClient) -> None:
    answer = asgi.get("/admin/")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login/")
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_the_manual_needs_nothing_from_elsewhere(asgi: AsgiClient) -> None:
    page = asgi.get("/api/v2/docs")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert addresses
    assert all(address.startswith("/static/") for address in addresses)
    assert {asgi.get(address).status_code for address in addresses} == {200}


# --- a name for every request ---------------------------------------------------------------------------------------


def test_a_requests_name_is_taken_over_where_it_is_harmless(asgi: AsgiClient) -> None:
    answer = asgi.get("/api/v2/trucks", headers={"X-Request-Id": "from-the-proxy.1"})
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"] == "from-the-proxy.1"


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "nöt", '"}{'])
def test_a_requests_name_is_made_where_it_is_not(asgi: AsgiClient, name: str) -> None:
    given = asgi.get("/healthz", headers={"X-Request-Id": name.encode("latin1")}).headers["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{32}", given)


def test_the_log_names_the_request(asgi: AsgiClient) -> None:
    formatter = next(
        handler.formatter
        for handler in logging.getLogger().handlers
        if isinstance(handler.formatter, ProcessorFormatter)
    )
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(formatter)
    logging.getLogger("django.request").addHandler(handler)
    asgi.get("/api/v2/trucks", headers={"X-Request-Id": "find-me"})
    logging.getLogger("django.request").removeHandler(handler)
    assert '"request_id": "find-me"' in lines.getvalue()


@pytest.mark.parametrize("path", ["/api/v2/nothing", "/api/v1/trucks", "/api/", "/api/v2/trucks/"])
def test_an_unknown_path_of_the_api_is_a_problem_like_any_other(asgi: AsgiClient, path: str) -> None:
    answer = asgi.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not-found"
    assert "/api/v2/docs" in answer.json()["detail"]
    assert ("without a slash" in answer.json()["detail"]) == path.endswith("/")


def test_a_wrong_method_says_which_ones_there_are(asgi: AsgiClient) -> None:
    answer = asgi.run(asgi.http.post("/api/v2/trucks"))
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert answer.json()["code"] == "method-not-allowed"
    assert answer.json()["detail"] == "This path takes GET."


@pytest.mark.parametrize("path", ["/api/v2/trucks", "/api/v2/costs/entries", "/api/v2/openapi.json"])
def test_head_is_get_without_the_body_in_either_handler(asgi: AsgiClient, path: str) -> None:
    key = rows.api_key(rows.fleet())
    head, get = (asgi.send(method, path, key) for method in ("HEAD", "GET"))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers.get("ETag") == get.headers.get("ETag")
    assert get.content != b""


def test_the_address_that_mails_begin_with_leads_to_the_admin(asgi: AsgiClient) -> None:
    answer = asgi.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def test_a_body_that_is_no_json_is_said_to_be_none(asgi: AsgiClient) -> None:
    key = rows.api_key(rows.fleet(), scopes=("read", "write:costs"))
    headers = {"Content-Type": "application/json", "If-Match": '"x"'}
    for content in (b'{"amount": }', b"\xff"):
        answer = asgi.send("PATCH", "/api/v2/costs/rates/1", key, headers, content=content)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")
        assert answer.json()["detail"].startswith("The body is not valid JSON: ")
    assert "400" in DOCUMENT["paths"]["/api/v2/costs/rates/{row_id}"]["patch"]["responses"]


# --- health ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(settings) -> Iterator["redis.Redis"]:
    store = redis.Redis.from_url(settings.REDIS_URL)
    store.delete("heartbeat:beat", "heartbeat:worker")
    yield store
    store.delete("heartbeat:beat", "heartbeat:worker")
    store.close()


def beat(store: "redis.Redis", *names: str, age_s: int = 0) -> None:
    for name in names:
        store.set(f"heartbeat:{name}", int(time.time()) - age_s, ex=60)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_the_process_is_healthy_whatever_else_is_not(asgi: AsgiClient, settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}"
    answer = asgi.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_is_when_every_part_is(asgi: AsgiClient, store) -> None:
    beat(store, "beat", "worker")
    answer = asgi.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "status": "ok",
            "checks": {
                "database": "ok",
                "pool": "ok",
                "redis": "ok",
                "beat": "ok",
                "worker": "ok",
                "disk": "not known",
            },
        },
    )
    assert answer.headers["Cache-Control"] == "no-store"


def test_not_ready_names_the_part_that_is_silent(asgi: AsgiClient, store) -> None:
    beat(store, "worker")
    answer = asgi.get("/readyz")
    assert answer.status_code == 503
    wrong = {name: verdict for name, verdict in answer.json()["checks"].items() if verdict != "ok"}
    assert wrong == {"beat": "no sign of life within 60 s", "disk": "not known"}


def test_not_ready_where_the_disk_has_too_little_space(asgi: AsgiClient, store) -> None:
    beat(store, "beat", "worker")
    for verdict, status in (("ok", 200), ("8.0 % of the database's disk is free", 503)):
        store.set("disk", verdict)
        answer = asgi.get("/readyz")
        assert (answer.status_code, answer.json()["checks"]["disk"]) == (status, verdict)
    store.delete("disk")


def test_a_heartbeat_that_outlived_its_key_is_old(asgi: AsgiClient, store) -> None:
    beat(store, "beat")
    beat(store, "worker", age_s=300)
    assert re.fullmatch(r"last sign of life 30\d s ago", asgi.get("/readyz").json()["checks"]["worker"])


def test_not_ready_without_redis(asgi: AsgiClient, settings) -> None:
    settings.REDIS_URL = f"redis://:secret@127.0.0.1:{free_port()}"
    answer = asgi.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["redis"] == "does not answer (ConnectionError)"
    assert "secret" not in answer.text


def test_not_ready_without_a_database(transactional_db: None, settings) -> None:
    from fleet_project.asgi import application

    settings.DATABASE_REPLICA = {**settings.DATABASES["default"], "PORT": free_port()}
    with asyncio.Runner() as runner:
        client = AsgiClient(application, runner)
        runner.run(client.start())
        answer = client.get("/readyz")
        runner.run(client.stop())
    assert answer.status_code == 503
    assert "reached" in answer.json()["checks"]["database"]


def test_the_pools_figures_are_there(asgi: AsgiClient) -> None:
    asgi.get("/api/v2/trucks", rows.api_key(rows.fleet()))
    pool = asgi.get("/healthz/pool").json()["pool"]
    assert (pool["used"], pool["waiting"], pool["free"], pool["size"]) == (0, 0, pool["size"], pool["max"])
    assert pool["acquire_ms_max"] >= pool["acquire_ms_mean"] >= 0
