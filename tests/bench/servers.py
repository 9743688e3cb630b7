"""Servers to be measured: started, waited for, their CPU read, ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
_LITTLE = 50  # transactions


@dataclass(frozen=True, slots=True)
class Server:
    """A way to answer: what it is called, its address, and the process whose children serve."""

    name: str
    address: str
    process: psutil.Process

    def cpu_s(self) -> float:
        """CPU seconds that it has used by now, all its processes together."""
        total = 0.0
        for process in self._processes():
            times = process.cpu_times()
            total += times.user + times.system
        return total

    def pids(self) -> list[int]:
        """Its processes as they are now."""
        return [process.pid for process in self._processes()]

    def _processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


def database_pid() -> int:
    """The database's process, on this machine."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT @@pid_file")
        return int(Path(cursor.fetchone()[0]).read_text())


def database_cpu_s() -> float:
    """What the database's process has used so far."""
    ticks = Path(f"/proc/{database_pid()}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def settle(seconds: int = 60) -> None:
    """Waits until the database has cleared away rows that were deleted before: it would go on beside a measurement."""
    from django.db import connection

    until = time.monotonic() + seconds
    with connection.cursor() as cursor:
        while _transactions_to_purge(cursor) > _LITTLE and time.monotonic() < until:
            time.sleep(0.5)


def _transactions_to_purge(cursor: Any) -> int:
    cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'")
    return int(cursor.fetchone()[1])


def granian(application: str) -> list[str]:
    return [
        str(BIN / "granian"), "--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1",
        "--http", "1", "--no-ws", "--log-level", "warning", application,
    ]  # fmt: skip


def gunicorn(application: str) -> list[str]:
    return [
        str(BIN / "gunicorn"),
        "--bind",
        "127.0.0.1:{port}",
        "--workers",
        "2",
        "--log-level",
        "warning",
        application,
    ]


PRODUCT = ("product", granian("fleet_project.asgi:application"))
RIVALS = (
    ("FastAPI + aiomysql pool", granian("tests.bench.rivals.fastapi_pool:application")),
    ("Django ORM, gunicorn, 2 workers", gunicorn("tests.bench.rivals.orm:application")),
    ("bare ASGI, no merging", granian("tests.bench.rivals.bare:single")),
    ("bare ASGI, merged", granian("tests.bench.rivals.bare:merged")),
)
LOOK_UPS = (
    ("bare ASGI, one look-up by key", granian("tests.bench.rivals.look_up:application")),
    ("… through aiomysql's own pool and cursor", granian("tests.bench.rivals.look_up:by_aiomysql")),
)


@contextmanager
def running(ways: Sequence[tuple[str, list[str]]], probe: str, **environment: str) -> Iterator[list[Server]]:
    """Starts the servers on ports of their own, waits until each answers the path `probe`, and ends them."""
    with ExitStack() as stack:
        yield [stack.enter_context(_server(name, command, probe, environment)) for name, command in ways]


@contextmanager
def _server(name: str, command: list[str], probe: str, environment: dict[str, str]) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as once_free:
        port = once_free.getsockname()[1]
    with tempfile.TemporaryDirectory() as metrics:
        process = subprocess.Popen(
            [part.format(port=port) for part in command],
            cwd=ROOT,
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": metrics, **environment},
        )
        try:
            _wait(f"http://127.0.0.1:{port}{probe}", name)
            yield Server(name, f"http://127.0.0.1:{port}", psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait(40)  # workers that hang are killed after 30 s


def _wait(url: str, name: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:  # it answers, if only that a key is needed
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{name} does not answer")
