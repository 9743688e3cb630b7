"""What Prometheus asks for: requests by route and status, and the figures of the database pool.

Web workers are processes. With PROMETHEUS_MULTIPROC_DIR set, as scripts/web does, each keeps its numbers in files
there, and whichever is asked adds up those of all. Counters of a worker that has ended stay, its gauges go.
"""

import asyncio
import os
from bisect import bisect_left
from collections import Counter as Counts
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from apps import mysql
from apps.pool import PoolTotals

PUBLISH_EVERY_S = 1.0
_AT_ONCE = 1_000
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_SECONDS = Histogram(
    "http_request_seconds",
    "Time to an answer of the API, by route.",
    ["method", "route", "status"],
    buckets=BUCKETS,
)
_CONNECTIONS = Gauge(
    "mysql_pool_connections", "Connections of the pools, by state.", ["state"], multiprocess_mode="livesum"
)
_SIZE = Gauge("mysql_pool_size", "The most connections the pools open.", multiprocess_mode="livesum")
_WAITING = Gauge("mysql_pool_waiting", "Reads that wait for a connection.", multiprocess_mode="livesum")
_READS = Counter("mysql_pool_reads", "Statements that were given a connection.")
_WAITED = Counter("mysql_pool_wait_seconds", "Time that statements waited for a connection.")
_REFUSED = Counter("mysql_pool_refused", "Statements that waited too long for one.")

_Name = tuple[str, str, int]  # method, route, status
_unwritten: dict[_Name, list[float]] = {}  # seconds of answers


def count(request: HttpRequest, status: int, seconds: float) -> None:
    """Counts an answer and its time under its route, not its path, and under known methods only: what clients make up
    does not become a label.

    It is written to the files of all processes within a second, which takes an eighth of what writing each takes.
    """
    match = request.resolver_match
    method = request.method if request.method in METHODS else "other"
    name = method or "", match.route if match else "", status
    times = _unwritten.get(name)
    if times is None:
        times = _unwritten[name] = []
    times.append(seconds)
    if len(times) >= _AT_ONCE:  # also where nothing publishes, as under Django's own server
        _write(name, times)


def write_times() -> None:
    """Writes what has been counted: to be called before somebody asks, and before the process ends."""
    for name, times in _unwritten.items():
        if times:
            _write(name, times)


def _write(name: _Name, times: list[float]) -> None:
    """What `observe` does, for many at once."""
    timer = _SECONDS.labels(*name)
    timer._sum.inc(sum(times))
    for place, number in Counts(bisect_left(timer._upper_bounds, seconds) for seconds in times).items():
        timer._buckets[place].inc(number)
    times.clear()


# --- the pool -------------------------------------------------------------------------------------------------------


async def publish_for_ever() -> None:
    """Writes the figures of this process, its pool's too, where those of all processes are added up."""
    known = PoolTotals()
    while True:
        write_times()
        known = _publish(known)
        await asyncio.sleep(PUBLISH_EVERY_S)


def _publish(known: PoolTotals) -> PoolTotals:
    stats, totals = mysql.pool_stats(), mysql.pool_totals()
    if stats is None or totals is None:
        return known
    _CONNECTIONS.labels("used").set(stats["used"] or 0)
    _CONNECTIONS.labels("free").set(stats["free"] or 0)
    _SIZE.set(stats["max"] or 0)
    _WAITING.set(stats["waiting"] or 0)
    _READS.inc(totals.reads - known.reads)
    _WAITED.inc(totals.waited_s - known.waited_s)
    _REFUSED.inc(totals.refused - known.refused)
    return totals


# --- the endpoint ---------------------------------------------------------------------------------------------------


async def metrics(request: HttpRequest) -> HttpResponse:
    """All figures in Prometheus's text format: of this process as of now, of others at most a second old."""
    write_times()
    return HttpResponse(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not directory:
        return REGISTRY
    _forget_dead(Path(directory))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=directory)  # type: ignore[no-untyped-call]
    return registry


def _forget_dead(directory: Path) -> None:
    """Removes the gauges of processes that are gone: a worker that was killed could not do it itself."""
    for pid in {int(file.stem.rpartition("_")[2]) for file in directory.glob("gauge_live*_*.db")}:
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call]
