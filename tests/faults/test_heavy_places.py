"""The account's two places for heavy requests: held as long as a process lives, free soon after it was killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings

from apps.trucks.sync import session
from apps.trucks.sync.session import HEAVY_AT_ONCE, SharedSession, connection
from apps.trucks.wialon import Busy, Retry, WialonClient
from tests.pipeline.conftest import _fresh_redis as _fresh_redis
from wialon_simulator import Simulator

ROOT = Path(__file__).resolve().parent.parent.parent
ACCOUNT = ("https://wialon.example", "t" * 72)
NOW = 1_773_162_000
LOAD = "messages/load_interval"
PATIENCE_S = 30
# A worker that takes both places, says so, and works on with them for longer than the test lasts.
WORKER = """
import os, sys, time
import django
django.setup()
from apps.trucks.sync import session
session._HEAVY_LIFE_S, session._HEAVY_RENEWED_S = float(sys.argv[1]), float(sys.argv[2])
account = session.SharedSession(*sys.argv[3:5], session.connection())
with account.heavy(), account.heavy():
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_HEAVY_PATIENCE_S", 0.05)


def shared() -> SharedSession:
    return SharedSession(*ACCOUNT, connection())


def is_free() -> bool:
    try:
        with shared().heavy():
            return True
    except Busy:
        return False


def wait_for(what: Callable[[], Any]) -> float:
    """How many seconds it took to come true."""
    begun = time.monotonic()
    while not what():
        assert time.monotonic() - begun < PATIENCE_S, "it did not come"
        time.sleep(0.02)
    return time.monotonic() - begun


def ends() -> list[float]:
    """When the places that are held run out, in the time of Redis."""
    keys = list(connection().scan_iter("wialon:heavy:*"))
    return [end for key in keys for _, end in connection().zrange(key, 0, -1, withscores=True)]


def redis_now() -> float:
    seconds, microseconds = connection().time()
    return float(seconds) + float(microseconds) / 1e6


@pytest.fixture
def start() -> Iterator[Callable[[float, float], subprocess.Popen[str]]]:
    """Starts a worker, with the life of its places and how often they are renewed; it holds both when this returns."""
    started: list[subprocess.Popen[str]] = []

    def begin(life_s: float, renewed_s: float) -> subprocess.Popen[str]:
        environment = {**os.environ, "REDIS_URL": settings.REDIS_URL}
        arguments = [str(life_s), str(renewed_s), *ACCOUNT]
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        started.append(worker)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "held\n"
        return worker

    yield begin
    for worker in started:
        worker.kill()
        worker.communicate()


@pytest.mark.usefixtures("impatient")
def test_a_worker_holds_its_places_while_it_lives_and_no_longer(
    start: Callable[[float, float], subprocess.Popen[str]],
) -> None:
    worker = start(3, 0.3)
    until = time.monotonic() + 4.5
    while time.monotonic() < until:
        assert not is_free(), "it was not renewed"
        time.sleep(0.1)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert not is_free(), "nobody gave it back"
    assert len(ends()) == HEAVY_AT_ONCE
    assert wait_for(is_free) < 3 + 1


def test_a_killed_worker_s_places_are_free_within_ten_seconds_and_others_wait_that_long() -> None:
    with shared().heavy():
        (end,) = ends()
        assert 0 < end - redis_now() <= 10
    assert 3 * session._HEAVY_RENEWED_S < session._HEAVY_LIFE_S < session._HEAVY_PATIENCE_S


@pytest.mark.usefixtures("impatient")
def test_places_last_by_the_clock_of_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_HEAVY_RENEWED_S", 0.02)
    for hours in (-2, 2):
        with time_machine.travel(time.time() + 3600 * hours), shared().heavy():
            (begun,) = ends()
            wait_for(lambda begun=begun: ends()[0] > begun)
            (end,) = ends()
            assert 0 < end - redis_now() <= 10


def test_requests_that_outlast_their_places_lives_are_still_two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_HEAVY_LIFE_S", 1)
    monkeypatch.setattr(session, "_HEAVY_RENEWED_S", 0.1)
    with Simulator(trucks=2, days=1, seed=1, now=NOW, frozen=True) as simulator:
        simulator.faults.add("slow", svc=LOAD, seconds=1.5)

        def work(number: int) -> int:
            account = SharedSession(simulator.url, simulator.token, connection())
            client = WialonClient(simulator.url, simulator.token, session=account, retry=Retry(attempts=1))
            with client as one:
                return one.count_messages(simulator.units[number % 2], NOW - 600, NOW)

        work(0)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        assert simulator.counters.max_heavy_at_once == 2
        assert simulator.counters.errors == {}


@pytest.mark.usefixtures("impatient")
def test_a_place_that_ran_out_and_is_another_s_now_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_HEAVY_RENEWED_S", 0.02)
    with shared().heavy():
        (key,) = connection().scan_iter("wialon:heavy:*")
        connection().delete(key)  # as if it had stood still for ten seconds
        with shared().heavy(), shared().heavy():
            time.sleep(0.2)
            assert len(ends()) == HEAVY_AT_ONCE
            assert not is_free()


@pytest.mark.usefixtures("impatient")
def test_a_renewal_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_HEAVY_RENEWED_S", 0.02)
    script = session._RENEW_PLACE
    monkeypatch.setattr(session, "_RENEW_PLACE", "return redis.error_reply('away')")
    with shared().heavy():
        (begun,) = ends()
        time.sleep(0.1)
        assert ends() == [begun]
        monkeypatch.setattr(session, "_RENEW_PLACE", script)
        wait_for(lambda: ends()[0] > begun)


def test_nothing_goes_on_once_a_place_was_given_back() -> None:
    before = threading.active_count()
    for _ in range(3):
        with shared().heavy():
            assert threading.active_count() == before + 1
    assert threading.active_count() == before
    assert ends() == []
