"""How long lists take as files, and how much memory: a month of truck-days as a workbook, a million as CSV.

    python -m tests.bench.files [--trucks N] [--rows N] [--rounds N] [--write]

Asks the product's server as a client does, over loopback. Memory is the most that the process that writes the file has,
and how much more the web process has than before. `--write` puts the result into docs/performance.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import statistics
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from tests.bench import pages, rebuild, servers
from tests.bench.reads import QUIET, SENSORS

if TYPE_CHECKING:
    from tests.bench.dataset import Dataset

MB = 1_000_000
_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class Taken:
    """What one file took: seconds to its first byte and its last, its size, and memory in bytes."""

    first_s: float
    seconds: float
    size: int
    writer: int
    web: int


def fetch(server: servers.Server, key: str, path: str) -> Taken:
    """Downloads a file. Raises HTTPError."""
    request = urllib.request.Request(f"{server.address}/api/v2{path}", headers={"Authorization": f"Bearer {key}"})
    began, size = time.perf_counter(), 0
    with _memory(server) as most, urllib.request.urlopen(request, timeout=600) as answer:
        first_s = None
        while part := answer.read(_AT_ONCE):
            first_s = first_s or time.perf_counter() - began
            size += len(part)
    seconds = time.perf_counter() - began
    return Taken(first_s or seconds, seconds, size, most["writer"], most["web"])


@contextmanager
def _memory(server: servers.Server) -> Iterator[dict[str, int]]:
    """The most memory of a writer, and how much the web processes grow, looked at every 20 ms."""
    most, stop = {"writer": 0, "web": 0}, threading.Event()
    before = sum(memory for memory, is_writer in _processes(server) if not is_writer)

    def look() -> None:
        while not stop.wait(0.02):
            now = _processes(server)
            most["writer"] = max([most["writer"], *(memory for memory, is_writer in now if is_writer)])
            most["web"] = max(most["web"], sum(memory for memory, is_writer in now if not is_writer) - before)

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield most
    finally:
        stop.set()
        watching.join()


def _processes(server: servers.Server) -> list[tuple[int, bool]]:
    """Resident memory of each of the web workers and of the writers that they have started, and whether it is one."""
    found = []
    for worker in server.process.children():
        with suppress(psutil.Error):
            found.append((worker.memory_info().rss, False))
            # One that has been forked, but is no writer yet, still shows the memory of the worker.
            writers = [each for each in worker.children() if "apps.files.writer" in each.cmdline()]
            found += [(each.memory_info().rss, True) for each in writers]
    return found


def stretch(dataset: Dataset, days: int) -> None:
    """Gives the trucks as many truck-days: copies of their newest day before the ones that they have."""
    from django.db import connection

    from apps.trucks.models import TruckDay

    names = ", ".join(f"`{f.column}`" for f in TruckDay._meta.concrete_fields if f.column and f.column != "day")
    with connection.cursor() as cursor:
        for ago in range(dataset.days, days):  # day by day: the server copies what it inserts from the same table
            cursor.execute(
                f"INSERT INTO truck_day (day, {names}) SELECT day - INTERVAL %s DAY, {names} FROM truck_day "
                "WHERE fleet_id = %s AND day = %s",
                [ago, dataset.fleet_id, dataset.last_day],
            )
        cursor.execute("ANALYZE TABLE truck_day")


def run(trucks: int, rows: int, rounds: int) -> str:
    from tests.bench import dataset

    month = dataset.make(trucks, 30)
    many = dataset.make(-(-rows // 360), 1)
    stretch(many, 360)
    first = many.last_day - dt.timedelta(days=359)
    asked = {
        f"{30 * trucks:,} truck-days, XLSX": (month.key, "/exports/days?period=last30&format=xlsx"),
        f"{30 * trucks:,} truck-days, CSV": (month.key, "/exports/days?period=last30&format=csv"),
        f"{many.trucks * 360:,} truck-days, CSV": (many.key, f"/exports/days?from={first}&format=csv"),
        f"costs of {trucks:,} trucks, XLSX": (month.key, "/exports/cost-analysis?period=last30&format=xlsx"),
    }
    found: dict[str, list[Taken]] = {name: [] for name in asked}
    load = os.getloadavg()[0]
    with servers.running([servers.PRODUCT], SENSORS, **QUIET) as [server]:
        for _ in range(rounds):
            for name, (key, path) in asked.items():
                found[name].append(fetch(server, key, path))
    return text_of(found, rounds, load)


def text_of(found: dict[str, list[Taken]], rounds: int, load: float) -> str:
    lines = []
    for name, taken in found.items():
        first_s, seconds = (statistics.median(getattr(each, part) for each in taken) for part in ("first_s", "seconds"))
        writer, web = (max(getattr(each, part) for each in taken) for part in ("writer", "web"))
        megabytes = (f"{size / MB:.0f}" for size in (taken[0].size, writer, web))
        lines.append([name, f"{first_s:.2f}", f"{seconds:.2f}", *megabytes])
    heads = [
        "file",
        "s to its first byte",
        "to its last",
        "MB",
        "memory of the writer, MB",
        "growth of the web process",
    ]
    return (
        f"Truck-days have {_columns()} columns. One web process, {os.cpu_count()} cores shared by database, client "
        f"and other work (load {load:.1f} before); medians of {rounds} rounds, of memory the most.\n\n"
        f"{pages.table(heads, lines)}"
    )


def _columns() -> int:
    from apps.trucks.exports import DAYS

    return len(DAYS.listing.shape.columns("USD"))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trucks", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the large CSV")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    arguments = parser.parse_args()
    rebuild.set_up()
    text = run(arguments.trucks, arguments.rows, arguments.rounds)
    print(text)
    if arguments.write:
        pages.write("files", text)


if __name__ == "__main__":
    main()
