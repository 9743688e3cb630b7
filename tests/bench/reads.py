"""How fast answers come: the latest values of a truck beside rivals.

    python -m tests.bench.reads [--trucks N] [--days N] [--rounds N] [--seconds N] [--write]

Runs on the database of DATABASE_URL, in a fleet of its own. In every round each way has its turn at each number of
connections, so that other work on the machine slows them all; medians of the rounds count. CPU is that of the servers,
without the database. `--write` puts the result into docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import django
import psutil

from tests.bench import pages, servers, wrk

if TYPE_CHECKING:
    from tests.bench.dataset import Dataset

CONNECTIONS = (1, 16, 64)
SENSORS = "/api/v2/trucks/T-00000/sensors"
QUIET = {"RATE_LIMIT_PER_MINUTE": "100000000", "LOG_LEVEL": "ERROR"}  # the limit is on, and never reached


@dataclass(slots=True)
class Figures:
    """What the rounds gave for one way at one number of connections."""

    per_s: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    database_us: list[float] = field(default_factory=list)
    foreign_pct: list[float] = field(default_factory=list)

    def median(self, name: str) -> float:
        return statistics.median(getattr(self, name))


def measure(figures: Figures, server: servers.Server, path: str, *how: Any) -> None:
    """One run; `how` is what wrk.run takes.

    Raises RuntimeError for a server that answers with errors: its speed would mean nothing.
    """
    busy, cpu, began = busy_s(), server.cpu_s(), time.perf_counter()
    ours, database = ours_s(server), database_s()
    result = wrk.run(f"{server.address}{path}", *how)
    elapsed = time.perf_counter() - began
    if result.errors or not result.requests:
        raise RuntimeError(f"{server.name}: {result.errors} errors in {result.requests} answers")
    used, read = server.cpu_s() - cpu, database_s() - database
    foreign = busy_s() - busy - (ours_s(server) - ours)
    figures.per_s.append(result.per_s)
    figures.p50_ms.append(result.p50_ms)
    figures.p99_ms.append(result.p99_ms)
    figures.cpu_us.append(1e6 * used / result.requests)
    figures.database_us.append(1e6 * read / result.requests)
    figures.foreign_pct.append(max(0.0, 100 * foreign / elapsed / (os.cpu_count() or 1)))


def busy_s() -> float:
    """CPU seconds of the whole machine."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq


def ours_s(server: servers.Server) -> float:
    """CPU seconds of what belongs to the measurement: the server, the database, and this process with its children."""
    own = os.times()
    return server.cpu_s() + own.user + own.system + own.children_user + own.children_system + database_s()


def database_s() -> float:
    """CPU seconds that the database of DATABASE_URL has used by now."""
    total = 0.0
    for process in psutil.process_iter(["name"]):
        if process.info["name"] in ("mariadbd", "mysqld") and _is_our_database(process):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _is_our_database(process: psutil.Process) -> bool:
    port = os.environ["DATABASE_URL"].rpartition(":")[2].split("/")[0]
    try:
        return any(connection.laddr.port == int(port) for connection in process.net_connections() if connection.laddr)
    except psutil.Error:
        return False


# --- beside rivals --------------------------------------------------------------------------------------------------


def beside_rivals(dataset: Dataset, rounds: int, seconds: int) -> dict[tuple[str, int], Figures]:
    """(way, connections) → figures of the latest values of a truck chosen by chance."""
    found: dict[tuple[str, int], Figures] = {}
    headers = {"Authorization": f"Bearer {dataset.key}"}
    with servers.running((servers.PRODUCT, *servers.RIVALS), SENSORS, **QUIET) as ways:
        for number in range(rounds):
            for connections in CONNECTIONS:
                for server in ways:
                    figures = found.setdefault((server.name, connections), Figures())
                    measure(figures, server, SENSORS, connections, seconds, headers, dataset.trucks)
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return found


def rivals_table(found: dict[tuple[str, int], Figures]) -> str:
    heads = ["way"]
    for connections in CONNECTIONS:
        heads += [f"c = {connections}: answers/s", "p50 ms", "CPU µs"]
    lines = []
    for way in dict.fromkeys(way for way, _ in found):
        line: list[object] = [way]
        for connections in CONNECTIONS:
            figures = found[way, connections]
            line += [
                f"{figures.median('per_s'):,.0f}", f"{figures.median('p50_ms'):.2f}", f"{figures.median('cpu_us'):,.0f}"
            ]  # fmt: skip
        lines.append(line)
    return pages.table(heads, lines)


def ratios(found: dict[tuple[str, int], Figures]) -> list[str]:
    """The aims, and whether this run reached them."""
    fastapi, limit = servers.RIVALS[0][0], servers.RIVALS[3][0]

    def ratio(name: str, connections: int, other: str) -> float:
        return found[servers.PRODUCT[0], connections].median(name) / found[other, connections].median(name)

    lines = []
    for connections in CONNECTIONS[1:]:
        times, share = ratio("per_s", connections, fastapi), ratio("per_s", connections, limit)
        lines.append(f"c = {connections}: {times:.1f} times FastAPI (aim 3: {_said(times >= 3)}), ")
        lines[-1] += f"{100 * share:.0f} % of bare ASGI with merging (aim 40 %: {_said(share >= 0.4)})."
    latency = ratio("p50_ms", 1, fastapi)
    lines.append(f"c = 1: p50 is {latency:.2f} of FastAPI's (aim 0.8: {_said(latency <= 0.8)}).")
    return lines


def _said(is_reached: bool) -> str:
    return "reached" if is_reached else "**not reached**"


# --- the run --------------------------------------------------------------------------------------------------------


def run(trucks: int, days: int, rounds: int, seconds: int) -> tuple[str, dict[tuple[str, int], Figures]]:
    """The text for the page, and the figures for the chart."""
    from tests.bench import dataset

    rivals = beside_rivals(dataset.make(trucks, days), rounds, seconds)
    foreign = [value for figures in rivals.values() for value in figures.foreign_pct]
    return (
        "\n\n".join(
            [
                f"{trucks:,} trucks, one server process each (gunicorn: two), {os.cpu_count()} cores shared with the "
                f"database and the client (wrk), Python {platform.python_version()}; {rounds} interleaved rounds of "
                f"{seconds} s, medians. Other work on the machine: {statistics.median(foreign):.0f} % of its CPU, "
                f"at most {max(foreign):.0f} %. The product checks keys, limits, tags and counts; the rivals do not.",
                rivals_table(rivals),
                "![answers a second](images/reads.svg)",
                "\n".join(f"- {line}" for line in ratios(rivals)),
            ]
        ),
        rivals,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trucks", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    arguments = parser.parse_args()
    if not wrk.is_there():
        parser.error("wrk is missing: apt-get install wrk")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet_project.settings")
    django.setup()
    text, rivals = run(arguments.trucks, arguments.days, arguments.rounds, arguments.seconds)
    print(text)
    if arguments.write:
        values = [
            {"way": way, "group": f"c = {connections}", "value": figures.median("per_s")}
            for (way, connections), figures in rivals.items()
        ]
        pages.bars(values, pages.PAGE.parent / "images" / "reads.svg")
        pages.write("reads", text)


if __name__ == "__main__":
    main()
