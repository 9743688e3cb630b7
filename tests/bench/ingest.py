"""How fast messages get in: Wialon's JSON to committed rows, beside ways to store rows that do nothing else.

    python -m tests.bench.ingest [--trucks N] [--days N] [--rounds N] [--write]

Runs on the database of DATABASE_URL, in fleets of its own, which it removes again. Prints messages a second and the CPU
that a message takes, medians of the rounds; in every round each way has its turn, so that other work on the machine
slows them all. `--write` puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import django
import orjson

from tests.bench import pages
from tests.bench.servers import database_cpu_s, settle

NOW = 1_763_900_000
PIECE_S = 3 * 86_400  # what the sync loads at once
SAMPLES = {"row_by_row": 50, "bulk_create": 200}  # rows of each delivery that the slow ways store: these tell enough


@dataclass(frozen=True, slots=True)
class Spent:
    """What so many messages took: time, and CPU of the workers and of the database."""

    messages: int
    seconds: float
    workers_s: float
    database_s: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """One answer of Wialon: a truck's messages of three days, as JSON."""

    truck_id: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be stored: deliveries, truck by truck, and how many messages they hold."""

    fleet_id: int
    deliveries: list[Delivery]
    messages: int


def make_load(trucks: int, days: int) -> Load:
    """A fleet in the database, and what Wialon would send of it."""
    from apps.accounts.models import Fleet
    from apps.trucks.models import Truck, TruckSync
    from apps.trucks.sensors import SensorTable
    from wialon_simulator import Simulator

    simulator = Simulator(trucks=trucks, days=days, seed=7, now=NOW, frozen=True)
    fleet = Fleet.objects.create(name=f"bench {time.time_ns()}", timezone="America/Chicago", currency="USD")
    deliveries, messages = [], 0
    for unit_id in simulator.units:
        table = simulator.unit(unit_id)["sens"]
        truck = Truck.objects.create(
            fleet=fleet, wialon_id=unit_id, code=f"w{unit_id}", name=f"unit {unit_id}", tank_l=400.0,
            sensor_table=table, sensor_version=SensorTable.compile(table, tank_l=400.0).version,
        )  # fmt: skip
        TruckSync.objects.create(truck_id=truck.id, fleet_id=fleet.id)
        for piece in _pieces(simulator.messages(unit_id)):
            deliveries.append(Delivery(truck.id, orjson.dumps({"count": len(piece), "messages": piece})))
            messages += len(piece)
    simulator.stop()
    return Load(fleet.id, deliveries, messages)


def _pieces(messages: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    pieces: dict[int, list[dict[str, Any]]] = {}
    for message in messages:
        pieces.setdefault(message["t"] // PIECE_S, []).append(message)
    return [pieces[number] for number in sorted(pieces)]


def forget(load: Load) -> None:
    """Removes what was stored, as if nothing had ever come; the fleet stays."""
    from apps.trucks.models import DirtyDay, LatestValues, Message, TruckSync

    for model in (Message, DirtyDay, LatestValues):
        model.objects.filter(fleet_id=load.fleet_id)._raw_delete("default")
    TruckSync.objects.filter(fleet_id=load.fleet_id).update(first_t=None, cursor_t=None, known_until=None)


def remove(load: Load) -> None:
    """Removes the fleet and all that is its."""
    from apps.accounts.models import Fleet
    from apps.trucks.models import TruckSync

    forget(load)
    TruckSync.objects.filter(fleet_id=load.fleet_id).delete()
    Fleet.objects.filter(id=load.fleet_id).delete()


# --- the product ---


def ingest(fleet_id: int, deliveries: Sequence[Delivery]) -> None:
    """What a worker of the sync does with the answers, in its lanes: each stores truck after truck, in order."""
    from apps.trucks.sync import lanes

    waiting = deque(list(answers) for _, answers in groupby(deliveries, key=lambda each: each.truck_id))
    with lanes.beside(lambda lane: store_trucks(fleet_id, waiting)):
        store_trucks(fleet_id, waiting)


def store_trucks(fleet_id: int, waiting: deque[list[Delivery]]) -> None:
    from apps.accounts.models import Fleet
    from apps.trucks.messages.normal import sort_out
    from apps.trucks.models import Truck
    from apps.trucks.sensor_tables import SensorTables
    from apps.trucks.sync.ingest import store

    fleet, tables = Fleet.objects.get(id=fleet_id), SensorTables(fleet_id)
    trucks = Truck.objects.filter(fleet=fleet).select_related("fleet").in_bulk()
    for delivery in _in_turn(waiting):
        truck = trucks[delivery.truck_id]
        batch = sort_out(orjson.loads(delivery.body)["messages"], NOW)
        store(fleet, truck, tables.of(truck), batch, NOW)


def _in_turn(waiting: deque[list[Delivery]]) -> Iterator[Delivery]:
    while True:
        try:
            yield from waiting.popleft()
        except IndexError:  # the other lane took the last truck
            return


def in_processes(load: Load, processes: int) -> Spent:
    """What so many processes that share the trucks take; counted from the moment at which all are ready."""
    context = multiprocessing.get_context("spawn")
    barrier, cpu = context.Barrier(processes + 1), context.Queue()
    trucks = sorted({delivery.truck_id for delivery in load.deliveries})
    workers = []
    for number in range(processes):
        mine = set(trucks[number::processes])
        share = [delivery for delivery in load.deliveries if delivery.truck_id in mine]
        workers.append(context.Process(target=_work, args=(barrier, cpu, load.fleet_id, share, processes)))
    for worker in workers:
        worker.start()
    barrier.wait()
    started, database = time.perf_counter(), database_cpu_s()
    barrier.wait()
    seconds, database = time.perf_counter() - started, database_cpu_s() - database
    workers_s = sum(cpu.get() for _ in workers)
    for worker in workers:
        worker.join()
    return Spent(load.messages, seconds, workers_s, database)


def _work(barrier: Any, cpu: Any, fleet_id: int, share: list[Delivery], processes: int) -> None:
    django.setup()
    from django.db import connection

    from apps.trucks.sync import lanes
    from fleet_project.celery import prepare_process

    prepare_process()  # as in a worker
    lanes.share_cores(processes)
    try:
        connection.ensure_connection()
        barrier.wait()
        before = time.process_time()
        ingest(fleet_id, share)
        cpu.put(time.process_time() - before)
        barrier.wait()
    except BaseException:
        barrier.abort()  # nobody need wait for us
        raise


# --- rivals: rows that are ready, without evaluation, look-up or marks ---


@dataclass(frozen=True, slots=True)
class Rows:
    """One truck's rows of three days, and as objects of the ORM."""

    truck_id: int
    rows: list[Any]
    objects: list[Any]


def ready_rows(load: Load) -> list[Rows]:
    from apps.trucks.messages.normal import MessageRow, rows, sort_out
    from apps.trucks.models import Message, Truck
    from apps.trucks.sensors import SensorTable

    found = []
    for delivery in load.deliveries:
        truck = Truck.objects.get(id=delivery.truck_id)
        table = SensorTable.compile(truck.sensor_table, tank_l=truck.tank_l)
        made = rows(sort_out(orjson.loads(delivery.body)["messages"], NOW).data, table).rows
        objects = [
            Message(fleet_id=load.fleet_id, truck_id=truck.id, **dict(zip(MessageRow._fields, row, strict=True)))
            for row in made
        ]
        found.append(Rows(truck.id, made, objects))
    return found


def row_by_row(fleet_id: int, ready: Rows) -> None:
    for each in ready.objects[: SAMPLES["row_by_row"]]:
        each.save(force_insert=True)


def bulk_create(fleet_id: int, ready: Rows) -> None:
    type(ready.objects[0]).objects.bulk_create(ready.objects[: SAMPLES["bulk_create"]])


def multi_row_insert(fleet_id: int, ready: Rows) -> None:
    from apps.trucks.messages import storage

    storage._many(storage._INSERT, ((fleet_id, ready.truck_id, *row) for row in ready.rows))


def load_data(fleet_id: int, ready: Rows) -> None:
    from apps.trucks.messages import bulk_load

    constants = {"fleet_id": fleet_id, "truck_id": ready.truck_id}
    if not bulk_load.load("message", constants, ready.rows.columns()):
        raise SystemExit("this database takes no files (local_infile)")


def spent_by(write: Callable[[int, Rows], None], load: Load, ready: Sequence[Rows]) -> Spent:
    from django.db import transaction

    count = sum(min(len(each.rows), SAMPLES.get(write.__name__, len(each.rows))) for each in ready)
    started, cpu, database = time.perf_counter(), time.process_time(), database_cpu_s()
    for each in ready:
        with transaction.atomic():
            write(load.fleet_id, each)
    return Spent(count, time.perf_counter() - started, time.process_time() - cpu, database_cpu_s() - database)


# --- the run ---


def run(load: Load, rounds: int) -> dict[str, list[Spent]]:
    """Way → what it took in each round."""
    ready = ready_rows(load)
    found: dict[str, list[Spent]] = {}
    for _ in range(rounds):
        for processes in (1, 2):
            forget(load)
            settle()
            for what in ("new messages", "all known already"):
                name = f"product, {what}, {processes} process{'es' * (processes > 1)}"
                found.setdefault(name, []).append(in_processes(load, processes))
        for write in (row_by_row, bulk_create, multi_row_insert, load_data):
            forget(load)
            settle()
            name = f"rows alone: {write.__name__.replace('_', ' ')}"
            found.setdefault(name, []).append(spent_by(write, load, ready))
    return found


def text_of(found: dict[str, list[Spent]], load: Load, busy: float) -> str:
    rows = []
    for name, rounds in found.items():
        rate, worker, database = (
            statistics.median(values)
            for values in zip(
                *(
                    (each.messages / each.seconds, each.workers_s / each.messages, each.database_s / each.messages)
                    for each in rounds
                ),
                strict=True,
            )
        )
        rows.append([name, f"{rate:,.0f}", f"{worker * 1e6:.1f}", f"{database * 1e6:.1f}"])
    heads = ["way", "messages/s", "CPU µs a message: workers", "database"]
    return (
        f"{load.messages:,} messages in {len(load.deliveries):,} answers; medians of {len(rounds)} rounds. "
        f"{os.cpu_count()} cores shared by workers, database and other work (load {busy:.1f} before). The rivals store "
        f"rows that are ready and do nothing else.\n\n{pages.table(heads, rows)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trucks", type=int, default=16)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet_project.settings")
    busy = os.getloadavg()[0]
    django.setup()
    load = make_load(arguments.trucks, arguments.days)
    try:
        found = run(load, arguments.rounds)
    finally:
        remove(load)
    text = text_of(found, load, busy)
    print(text)
    if arguments.write:
        pages.write("ingest", text)


if __name__ == "__main__":
    main()
