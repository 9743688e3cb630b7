"""What Prometheus is told: by route, never by path, and of all web workers together."""

import asyncio
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from django.http import HttpRequest
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from fleet_project import metrics
from tests import rows
from tests.conftest import AsgiClient
from tests.test_asgi import free_port

ROOT = Path(__file__).resolve().parent.parent


def numbers(text: str, name: str, **labels: str) -> list[float]:
    """The values of a figure in the lines that have these labels."""
    found = []
    for line in text.splitlines():
        matched = re.fullmatch(rf"{name}(\{{.*\}})? (\S+)", line)
        if matched and all(f'{label}="{value}"' in (matched[1] or "") for label, value in labels.items()):
            found.append(float(matched[2]))
    return found


def test_requests_are_counted_by_route_and_status(asgi: AsgiClient) -> None:
    fleet = rows.fleet()
    rows.truck(fleet)
    key = rows.api_key(fleet)
    labels = {"method": "GET", "route": "api/v2/trucks/<truck_id>/sensors"}

    def counts() -> tuple[float, float]:
        text = asgi.get("/metrics").text
        return tuple(
            sum(numbers(text, "http_request_seconds_count", **labels, status=status)) for status in ("200", "404")
        )

    before = counts()
    for code in ("T-1", "T-1", "T-2"):
        asgi.get(f"/api/v2/trucks/{code}/sensors", key)
    after = counts()
    assert (after[0] - before[0], after[1] - before[1]) == (2, 1)


def test_what_a_client_makes_up_becomes_no_label(asgi: AsgiClient) -> None:
    asgi.get("/api/v2/made-up-path")
    asgi.run(asgi.http.request("MADEUP", "/api/v2/trucks"))
    answer = asgi.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "made-up" not in answer.text.lower()
    assert "MADEUP" not in answer.text
    assert numbers(answer.text, "http_request_seconds_count", route="", status="404")
    assert numbers(answer.text, "http_request_seconds_count", method="other", status="405")


def test_the_pool_is_published(asgi: AsgiClient, settings) -> None:
    asgi.get("/api/v2/trucks", rows.api_key(rows.fleet()))

    async def published() -> None:
        statements = (metrics.mysql.fetch_all("SELECT SLEEP(0.01) AS s") for _ in range(settings.POOL_MAX + 1))
        await asyncio.gather(*statements)  # one of them has to wait
        metrics._publish(metrics.PoolTotals())

    asgi.run(published())
    text = asgi.get("/metrics").text
    assert numbers(text, "mysql_pool_size") == [settings.POOL_MAX]
    assert numbers(text, "mysql_pool_connections", state="used") == [0]
    assert numbers(text, "mysql_pool_reads_total")[0] >= 4
    assert numbers(text, "mysql_pool_refused_total") == [0]
    assert numbers(text, "mysql_pool_wait_seconds_total")[0] > 0


@pytest.mark.django_db(transaction=True)
def test_every_worker_tells_the_figures_of_all_also_after_one_was_killed(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "POOL_MIN": "3", "POOL_MAX": "3"}
    command = [
        sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "2", "--respawn-failed-workers", "fleet_project.asgi:application",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"

    def count() -> float:
        return sum(numbers(httpx.get(f"{address}/metrics").text, "http_request_seconds_count", route="healthz"))

    def pools() -> list[float]:
        return numbers(httpx.get(f"{address}/metrics").text, "mysql_pool_size")

    def until(condition) -> bool:
        for _ in range(100):
            try:
                if condition():
                    return True
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        return False

    try:
        assert until(lambda: pools() == [6])
        for _ in range(20):
            httpx.get(f"{address}/healthz")  # each on a connection of its own, so both workers get some
        assert until(lambda: count() == 20)  # within a second, by whichever worker
        (victim, *_) = {int(file.stem.rpartition("_")[2]) for file in tmp_path.glob("gauge_livesum_*.db")}
        os.kill(victim, 9)
        assert until(lambda: Path(f"/proc/{victim}").exists() is False and pools() == [6])
        assert count() == 20
        for _ in range(7):
            httpx.get(f"{address}/healthz")
    finally:
        process.terminate()
        process.wait(10)
    files = CollectorRegistry()
    MultiProcessCollector(files, path=str(tmp_path))
    assert sum(numbers(generate_latest(files).decode(), "http_request_seconds_count", route="healthz")) == 27


def test_times_that_are_written_together_are_those_written_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = CollectorRegistry()
    together, alone = (
        Histogram(name, "", ["method", "route", "status"], registry=registry, buckets=metrics.BUCKETS)
        for name in ("together", "alone")
    )
    monkeypatch.setattr(metrics, "_SECONDS", together)
    monkeypatch.setattr(metrics, "_unwritten", {})
    request = HttpRequest()
    request.method, request.resolver_match = "GET", None
    dice = random.Random(3)
    for number in range(2_500):
        seconds = dice.choice([*metrics.BUCKETS, 0.0, dice.expovariate(20), 7.5])
        metrics.count(request, 200 + number % 2, seconds)
        alone.labels("GET", "", 200 + number % 2).observe(seconds)
    written = numbers(generate_latest(registry).decode(), "together_count")
    assert written == [1_000, 1_000]  # a thousand at once: they do not pile up where nobody writes them
    metrics.write_times()
    text = generate_latest(registry).decode()
    for kind in ("_bucket", "_count"):
        assert numbers(text, f"together{kind}") == numbers(text, f"alone{kind}")
    assert numbers(text, "together_sum") == pytest.approx(numbers(text, "alone_sum"))
