"""A hundred users at once: how long they wait, for which pool size, and what a rebuild or the sync at full speed adds.

    python -m tests.bench.load [--users N] [--seconds N] [--trucks N] [--days N] [--workers N] [--pools N …] [--write]

Locust asks the product's servers, as production serves them, a mix of what people and programs ask (tests/load), of
two fleets: a large one, and one whose days are computed from messages. First with each pool size; then, with the one
that is set, quiet, while that fleet is computed anew in whole again and again, and while messages are stored as fast as
they can be. `--write` puts the result into docs/performance.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench import ingest, pages, rebuild, servers
from tests.bench.reads import QUIET, SENSORS, busy_s, ours_s

if TYPE_CHECKING:
    from tests.bench.dataset import Dataset

LOCUSTFILE = servers.ROOT / "tests" / "load" / "locustfile.py"
WEB = ("product", [str(servers.ROOT / "scripts" / "web"), "--port", "{port}", "--workers", "2"])
AIM = 3.0  # times the quiet p99
RAMP_S = 3
ANSWERS = "all but files"
_context = multiprocessing.get_context("spawn")
_POOL = re.compile(r"^mysql_pool_(reads|wait_seconds|refused)_total ([\d.e+-]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the users saw: milliseconds by name of the request; and what statements waited for a connection."""

    times: dict[str, list[float]]
    failures: dict[str, list[str]]
    seconds: float
    reads: float
    waited_s: float
    refused: float
    foreign_pct: float

    @property
    def of_answers(self) -> list[float]:
        """Of all but files, which take as long as they are large."""
        return [each for name, times in self.times.items() if not name.startswith("export") for each in times]

    @property
    def errors(self) -> int:
        return sum(map(len, self.failures.values()))


def percentile(values: list[float], pct: int) -> float:
    """By nearest rank; not a number of nothing."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * pct // 100) - 1)] if ordered else float("nan")


# --- users ----------------------------------------------------------------------------------------------------------


def ask(server: servers.Server, fleets: list[dict[str, Any]], users: int, seconds: int) -> Outcome:
    """Lets so many users ask for so long."""
    before, began, busy, ours = _pool(server), time.perf_counter(), busy_s(), ours_s(server)
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        command = [
            sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--headless", "--users", str(users),
            "--spawn-rate", str(max(1, users // RAMP_S)), "--run-time", f"{seconds}s", "--host", server.address,
            "--only-summary", "--loglevel", "ERROR", "--exit-code-on-error", "0",
        ]  # fmt: skip
        environment = {**os.environ, "LOAD_FLEETS": json.dumps(fleets), "LOAD_REPORT": str(report)}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        told = json.loads(report.read_text())
    elapsed = time.perf_counter() - began
    foreign = 100 * (busy_s() - busy - (ours_s(server) - ours)) / elapsed / (os.cpu_count() or 1)
    time.sleep(1.5)  # until the servers have published their figures
    after = _pool(server)
    spent = {name: after[name] - before.get(name, 0) for name in after}
    return Outcome(
        told["times"], told["failures"], elapsed, spent["reads"], spent["wait_seconds"], spent["refused"],
        max(0.0, foreign),
    )  # fmt: skip


def _pool(server: servers.Server) -> dict[str, float]:
    with urllib.request.urlopen(f"{server.address}/metrics", timeout=10) as answer:
        return {name: float(value) for name, value in _POOL.findall(answer.read().decode())}


# --- work beside them -----------------------------------------------------------------------------------------------


@contextmanager
def beside(work: Callable[..., None], workers: int, *arguments: Any) -> Iterator[Any]:
    """Has the work done again and again in so many processes; gives the number of what they have done."""
    done, stop, ready = _context.Value("q", 0), _context.Event(), _context.Barrier(workers + 1)
    processes = [
        _context.Process(target=work, args=(done, stop, ready, number, *arguments)) for number in range(workers)
    ]
    for process in processes:
        process.start()
    ready.wait(120)
    try:
        yield done
    finally:
        stop.set()
        for process in processes:
            process.join()
    if any(process.exitcode for process in processes):
        raise RuntimeError(f"{work.__name__} came to an end of its own: what was measured beside it is not")


def rebuild_again(done: Any, stop: Any, ready: Any, number: int, fleet_id: int, first: str, last: str) -> None:
    """Computes all days of the fleet anew, each of them as if it came out differently. Counts truck-days."""
    rebuild.set_up()
    from apps.accounts.models import Fleet
    from apps.fleet.summaries import rebuild as compute
    from apps.trucks.models import TruckDay

    def count(days: int) -> None:
        with done.get_lock():
            done.value += days

    fleet = Fleet.objects.get(pk=fleet_id)
    ready.wait(120)
    while not stop.is_set():
        if number == 0:
            TruckDay.objects.filter(fleet_id=fleet_id).update(content_hash="")
            rebuild.mark(fleet, dt.date.fromisoformat(first), dt.date.fromisoformat(last))
        if not compute(fleet, progress=count, seconds=2).claimed:
            time.sleep(0.1)  # the other process has the rest


def store_again(done: Any, stop: Any, ready: Any, number: int, loads: list[ingest.Load]) -> None:
    """Stores the messages of a fleet of its own, forgets them, and stores them again. Counts messages, each answer's
    as the mean of them."""
    rebuild.set_up()
    load = loads[number]
    ready.wait(120)
    while not stop.is_set():
        for delivery in load.deliveries:
            ingest.ingest(load.fleet_id, [delivery])
            with done.get_lock():
                done.value += load.messages // len(load.deliveries)
            if stop.is_set():
                break
        ingest.forget(load)


# --- the fleets -----------------------------------------------------------------------------------------------------


def add_events(dataset: Dataset) -> None:
    """Trips, stops and speeding of a week: four a day and truck."""
    from django.db import connection

    where = {"fleet": dataset.fleet_id, "last": dataset.last_day}
    from_trucks = "FROM truck t JOIN seq_0_to_6 d JOIN seq_0_to_3 n WHERE t.fleet_id = %(fleet)s"
    start = "%(last)s - INTERVAL d.seq DAY"
    at = f"{start} + INTERVAL 6 + 4 * n.seq HOUR + INTERVAL t.id %% 3600 SECOND"
    common, common_names = f"t.fleet_id, t.id, {start}, {at}, {at} + INTERVAL 1 HOUR, 41.8, -87.6", (
        "fleet_id, truck_id, day, started_at, ended_at, lat, lon"
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO trip ({common_names}, distance_m, moving_s, parked_s, no_data_s, max_speed_kmh, fuel_l) "
            f"SELECT {common}, 60000 + t.id %% 9000, 3500, 100, 0, 92, 21.5 {from_trucks}",
            where,
        )
        cursor.execute(
            f"INSERT INTO stop ({common_names}, parked_s, no_data_s) SELECT {common}, 3600, 0 {from_trucks}", where
        )
        cursor.execute(
            f"INSERT INTO speeding_episode "
            f"({common_names}, severity, limit_kmh, max_speed_kmh, excess_kmh, duration_s) "
            f"SELECT {common}, 'minor', 105, 111, 6, 60 {from_trucks}",
            where,
        )
        cursor.execute("ANALYZE TABLE trip, stop, speeding_episode")


def computed_fleet(trucks: int) -> Any:
    """A fleet with two days of messages up to yesterday, all computed."""
    from apps.fleet.summaries import rebuild as compute
    from tests import rows

    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    midnight = dt.datetime.combine(yesterday, dt.time(), dt.UTC)
    rebuild.MIDNIGHT = int(midnight.timestamp())
    rebuild.NOW = rebuild.MIDNIGHT + 18 * 3_600
    fleet, _ = rebuild.make_fleet(trucks, 1, 60)
    rebuild.mark(fleet, yesterday - dt.timedelta(days=1), yesterday)
    compute(fleet)
    return fleet, rows.api_key(fleet), (yesterday - dt.timedelta(days=1)).isoformat(), yesterday.isoformat()


# --- the run --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """By pool size; and with the size that is set: quiet, during a rebuild, during the sync, and what these did."""

    pools: dict[int, Outcome]
    quiet: Outcome
    rebuilding: Outcome
    days_per_s: float
    storing: Outcome
    messages_per_s: float


def run(users: int, seconds: int, trucks: int, days: int, workers: int, pools: list[int]) -> Found:
    from tests.bench import dataset

    large = dataset.make(trucks, days)
    add_events(large)
    small, key, first, last = computed_fleet(max(20, trucks // 5))
    loads = [ingest.make_load(3, 6) for _ in range(workers)]
    fleets = [
        {"key": large.key, "trucks": [f"T-{number:05}" for number in range(trucks)]},
        {"key": key, "trucks": [f"w{number + 1}" for number in range(max(20, trucks // 5))]},
    ]
    try:
        servers.settle()
        of_pools = {}
        for size in pools:
            with _web(size) as server:
                of_pools[size] = ask(server, fleets, users, seconds)
            print(f"a pool of {size}: done", file=sys.stderr, flush=True)
        with _web(None) as server:
            ask(server, fleets, users, RAMP_S + 5)  # until all is remembered that will be
            quiet = ask(server, fleets, users, seconds)
            print("quiet: done", file=sys.stderr, flush=True)
            with beside(rebuild_again, workers, small.pk, first, last) as computed:
                rebuilding = ask(server, fleets, users, seconds)
                days_per_s = computed.value / rebuilding.seconds
            print("rebuild: done", file=sys.stderr, flush=True)
            with beside(store_again, workers, loads) as stored:
                storing = ask(server, fleets, users, seconds)
                messages_per_s = stored.value / storing.seconds
    finally:
        for load in loads:
            ingest.remove(load)
        rebuild.remove(small)
    return Found(of_pools, quiet, rebuilding, days_per_s, storing, messages_per_s)


@contextmanager
def _web(pool: int | None) -> Iterator[servers.Server]:
    size = {} if pool is None else {"POOL_MIN": str(pool), "POOL_MAX": str(pool)}
    with servers.running([WEB], SENSORS, **QUIET, **size) as [server]:
        yield server


# --- what it says ---------------------------------------------------------------------------------------------------


def text_of(found: Found, users: int, seconds: int, trucks: int, days: int, workers: int) -> str:
    outcomes = [*found.pools.values(), found.quiet, found.rebuilding, found.storing]
    foreign = [each.foreign_pct for each in outcomes]
    head = (
        f"{users} users, each with half a second to one and a half between two questions, half of them of a fleet of "
        f"{trucks:,} trucks with {days} days, half of one of {max(20, trucks // 5)} trucks whose days are computed "
        f"from messages; two web processes, {os.cpu_count()} cores shared with database, users and workers. "
        f"{seconds} s each. Other work on the machine: {statistics.median(foreign):.0f} % of its CPU, at most "
        f"{max(foreign):.0f} %; in the last two parts that is the work beside."
    )
    return "\n\n".join([head, _pools_table(found.pools), _endpoints_table(found), _verdict(found, workers)])


def _pools_table(pools: dict[int, Outcome]) -> str:
    heads = ["connections a process", "answers/s", "p50 ms", "p99 ms", "µs a statement waited", "refused", "errors"]
    return pages.table(
        heads,
        [
            [
                size, f"{len(each.of_answers) / each.seconds:,.0f}", f"{percentile(each.of_answers, 50):.1f}",
                f"{percentile(each.of_answers, 99):.1f}", f"{1e6 * each.waited_s / max(1, each.reads):,.0f}",
                f"{each.refused:.0f}", each.errors,
            ]
            for size, each in pools.items()
        ],
    )  # fmt: skip


def _endpoints_table(found: Found) -> str:
    heads = ["what is asked", "answers", "p50 ms", "p99 ms", "p99 during a rebuild", "p99 during the sync", "errors"]
    lines = []
    for name in [*sorted(found.quiet.times), ANSWERS]:
        quiet, *others = (_times(each, name) for each in (found.quiet, found.rebuilding, found.storing))
        p99 = percentile(quiet, 99)
        shown = [f"{percentile(each, 99):.1f} ({percentile(each, 99) / p99:.1f} ×)" if each else "–" for each in others]
        errors = sum(
            each.errors if name == ANSWERS else len(each.failures.get(name, ()))
            for each in (found.quiet, found.rebuilding, found.storing)
        )
        lines.append([name, f"{len(quiet):,}", f"{percentile(quiet, 50):.1f}", f"{p99:.1f}", *shown, errors])
    return pages.table(heads, lines)


def _times(outcome: Outcome, name: str) -> list[float]:
    return outcome.of_answers if name == ANSWERS else outcome.times.get(name, [])


def _verdict(found: Found, workers: int) -> str:
    quiet = percentile(found.quiet.of_answers, 99)
    lines = []
    for what, outcome in (
        (f"a rebuild ({workers} processes, {found.days_per_s:,.0f} truck-days/s)", found.rebuilding),
        (f"the sync ({workers} processes, {found.messages_per_s:,.0f} messages/s)", found.storing),
    ):
        times = percentile(outcome.of_answers, 99) / quiet
        reached = "reached" if times <= AIM else "**not reached**"
        lines.append(
            f"- During {what} the p99 of {ANSWERS} is {times:.1f} times the quiet one (aim {AIM:.0f}: {reached})."
        )
    outcomes = (*found.pools.values(), found.quiet, found.rebuilding, found.storing)
    errors = sum(each.errors for each in outcomes)
    lines.append(f"- Errors: {errors} (aim 0: {'reached' if not errors else '**not reached**'}).")
    failures = {
        f"{name}: {text}" for each in outcomes for name, texts in each.failures.items() for text in texts
    }  # fmt: skip
    return "\n".join([*lines, *(f"  - {failure}" for failure in sorted(failures)[:10])])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--trucks", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2, help="processes that rebuild, or store messages")
    parser.add_argument("--pools", type=int, nargs="*", default=[1, 2, 4, 8, 16])
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    asked = parser.parse_args()
    rebuild.set_up()
    found = run(asked.users, asked.seconds, asked.trucks, asked.days, asked.workers, asked.pools)
    text = text_of(found, asked.users, asked.seconds, asked.trucks, asked.days, asked.workers)
    print(text)
    if asked.write:
        pages.write("load", text)


if __name__ == "__main__":
    main()
