"""How long a pass of the sync takes when every truck of a large fleet has news: at least two new messages each.

    python -m tests.bench.sync_cycle [--trucks N] [--workers 1 2 …] [--passes N] [--latency-ms N] [--write]

Runs against a simulated Wialon in a process of its own, on the database and Redis of DATABASE_URL and REDIS_URL, in a
fleet of its own, which it removes again. Workers are processes, as Celery's: one makes the pass, the others are called
to help. `--write` puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import django

from tests.bench import pages

NOW = 1_763_900_000
_context = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Pass:
    """How long one took, the CPU of all workers (not of the database or Wialon), what it brought, who took part."""

    seconds: float
    cpu_s: float
    messages: int
    workers: int


def serve(trucks: int, latency_s: float, pipe: Connection) -> None:
    """The simulator: each word that comes moves its clock on a minute, in which every unit sends two messages."""
    from wialon_simulator import Simulator

    with Simulator(trucks=trucks, days=1, seed=7, now=NOW, frozen=True) as simulator:
        last = {unit: found[-1] for unit in simulator.units if (found := simulator.messages(unit))}
        pipe.send((simulator.url, simulator.token))
        if latency_s:
            simulator.faults.add("slow", seconds=latency_s)  # each request, not the calls within it
        while pipe.recv():
            simulator.advance(60)
            now = simulator.now()
            for unit, message in last.items():
                simulator.add_messages(unit, [{**message, "t": now - ago, "rt": now - ago} for ago in (40, 10)])
            pipe.send(None)


def help_out(pipe: Connection) -> None:
    """A worker that joins in the passes whose numbers come, and says how much CPU each has taken it."""
    set_up()
    from apps.trucks.sync.passes import join

    pipe.send(None)
    while run_id := pipe.recv():
        cpu = time.process_time()
        join(run_id)
        pipe.send(time.process_time() - cpu)


def set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet_project.settings")
    django.setup()
    from fleet_project.celery import prepare_process

    prepare_process()  # as in a worker


@contextmanager
def helpers(number: int) -> Iterator[list[Connection]]:
    """So many workers that wait to be called, each at the other end of a pipe."""
    pipes, processes = [], []
    for _ in range(number):
        ours, theirs = _context.Pipe()
        process = _context.Process(target=help_out, args=(theirs,))
        process.start()
        ours.recv()
        pipes.append(ours)
        processes.append(process)
    try:
        yield pipes
    finally:
        for pipe in pipes:
            pipe.send(0)
        for process in processes:
            process.join()


def one_pass(fleet: Any, pipes: Sequence[Connection]) -> Pass:
    from apps.trucks.sync import leases
    from apps.trucks.sync.passes import synchronise

    called: list[Connection] = []

    def call_help(run_id: int, wanted: int) -> None:
        called.extend(pipes[:wanted])
        for pipe in called:
            pipe.send(run_id)

    lease = leases.claim(fleet.id, only_if_due=False)
    assert lease is not None, "somebody else synchronises this fleet"
    started, cpu = time.perf_counter(), time.process_time()
    run = synchronise(fleet, lease, call_help=call_help)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    assert run.status == "ok", run.error or run.truck_errors
    return Pass(seconds, cpu + sum(pipe.recv() for pipe in called), run.messages_new, run.workers)


def run(trucks: int, workers: Sequence[int], passes: int, latency_s: float) -> dict[int, list[Pass]]:
    """By number of workers the passes they made, in turns; one before them only sets cursors and is not counted."""
    from django.test.utils import override_settings

    from apps.accounts.models import Fleet
    from apps.trucks.models import FleetSync

    ours, theirs = _context.Pipe()
    server = _context.Process(target=serve, args=(trucks, latency_s, theirs))
    server.start()
    url, token = ours.recv()
    fleet = Fleet.objects.create(
        name=f"bench {time.time_ns()}", timezone="America/Chicago", currency="USD", wialon_url=url, wialon_token=token
    )
    FleetSync.objects.create(fleet=fleet)
    found: dict[int, list[Pass]] = {number: [] for number in workers}
    try:
        with override_settings(INITIAL_HISTORY_DAYS=0), helpers(max(workers) - 1) as pipes:
            one_pass(fleet, pipes)
            for _ in range(passes):
                for number in workers:
                    ours.send("go on")
                    ours.recv()
                    found[number].append(one_pass(fleet, pipes[: number - 1]))
    finally:
        ours.send("")
        server.join()
        remove(fleet)
    return found


def remove(fleet: Any) -> None:
    from apps.trucks.models import DirtyDay, LatestValues, Message, TruckSync

    for model in (Message, DirtyDay, LatestValues, TruckSync):
        model.objects.filter(fleet_id=fleet.id)._raw_delete("default")
    fleet.delete()


def text_of(found: dict[int, list[Pass]], trucks: int, latency_ms: int, load: float) -> str:
    rows = []
    for number, passes in found.items():
        seconds = [each.seconds for each in passes]
        cpu_ms = statistics.median(each.cpu_s for each in passes) / trucks * 1000
        messages = statistics.median(each.messages for each in passes)
        least, most = f"{min(seconds):.1f}", f"{max(seconds):.1f}"
        rows.append(
            [number, f"{statistics.median(seconds):.1f}", f"{least} to {most}", f"{cpu_ms:.1f}", f"{messages:,.0f}"]
        )
    heads = ["workers", "seconds a pass", "from … to", "CPU ms a truck", "new messages"]
    return (
        f"{trucks:,} trucks, all with news, {latency_ms} ms of latency for each request; {len(passes)} passes "
        f"each in turns, medians. {os.cpu_count()} cores shared with the database, the simulated Wialon and other work "
        f"(load {load:.1f} before). CPU is that of all workers together.\n\n{pages.table(heads, rows)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trucks", type=int, default=1_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--latency-ms", type=int, default=100, help="of each request to the simulated Wialon")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    set_up()
    found = run(arguments.trucks, arguments.workers, arguments.passes, arguments.latency_ms / 1000)
    text = text_of(found, arguments.trucks, arguments.latency_ms, load)
    print(text)
    if arguments.write:
        pages.write("sync", text)


if __name__ == "__main__":
    main()
