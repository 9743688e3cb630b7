"""How long a pass of the sync takes when every truck of a large fleet has news: two new messages each.

    python -m tests.bench.sync_cycle [--trucks N] [--passes N] [--latency-ms N]

Runs against a simulated Wialon in a process of its own, on the database and Redis of DATABASE_URL and REDIS_URL, in a
fleet of its own, which it removes again. Prints seconds for each pass, and what each took in this process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from typing import Any

import django

NOW = 1_763_900_000


def serve(trucks: int, latency_s: float, pipe: Any) -> None:
    """The simulator: each word that comes moves its clock on a minute, in which every unit sends two messages."""
    from wialon_simulator import Simulator

    with Simulator(trucks=trucks, days=1, seed=7, now=NOW, frozen=True) as simulator:
        last = {unit: found[-1] for unit in simulator.units if (found := simulator.messages(unit))}
        pipe.send((simulator.url, simulator.token, len(last)))
        if latency_s:
            simulator.faults.add("slow", seconds=latency_s)  # each request, not the calls within it
        while pipe.recv():
            simulator.advance(60)
            now = simulator.now()
            for unit, message in last.items():
                simulator.add_messages(unit, [{**message, "t": now - ago, "rt": now - ago} for ago in (40, 10)])
            pipe.send(None)


def one_pass(fleet: Any) -> Any:
    from apps.trucks import leases
    from apps.trucks.sync import synchronise

    lease = leases.claim(fleet.id, only_if_due=False)
    assert lease is not None, "somebody else synchronises this fleet"
    return synchronise(fleet, lease)


def run(trucks: int, passes: int, latency_s: float) -> list[tuple[float, float, int]]:
    """Seconds, seconds of CPU in this process, and new messages of each pass but the first, which only sets cursors."""
    from django.test.utils import override_settings

    from apps.accounts.models import Fleet
    from apps.trucks.models import FleetSync

    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(trucks, latency_s, theirs))
    server.start()
    url, token, _ = ours.recv()
    fleet = Fleet.objects.create(
        name=f"bench {time.time_ns()}", timezone="America/Chicago", currency="USD", wialon_url=url, wialon_token=token
    )
    FleetSync.objects.create(fleet=fleet)
    found = []
    try:
        with override_settings(INITIAL_HISTORY_DAYS=0):
            one_pass(fleet)
        for _ in range(passes):
            ours.send("go on")
            ours.recv()
            started, cpu = time.perf_counter(), time.process_time()
            new = one_pass(fleet).messages_new
            found.append((time.perf_counter() - started, time.process_time() - cpu, new))
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


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trucks", type=int, default=1_000)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--latency-ms", type=int, default=0, help="of each request to the simulated Wialon")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet_project.settings")
    django.setup()
    for seconds, cpu, new in run(arguments.trucks, arguments.passes, arguments.latency_ms / 1000):
        print(f"{seconds:6.1f} s ({cpu:.1f} s of CPU here), {new} new messages of {arguments.trucks} trucks")


if __name__ == "__main__":
    main()
