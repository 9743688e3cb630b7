"""How fast days are computed from stored messages: a truck's running day, and days of the past.

    python -m tests.bench.rebuild [--trucks N] [--days N] [--step S] [--rounds N] [--write]

Every truck sends a message each S seconds and drives, idles and parks by turns. Measured with one and with two
processes, as Celery's workers are: the running day of all trucks at 18:00, with the watermark a minute on each time;
the days before it, marked anew, which come out the same; and once all days when nothing is there yet. Then the days
before it again when their messages are packed, as they come out the same and written anew; and DuckDB on Parquet
beside. Runs on the database of DATABASE_URL, in a fleet of its own, which it removes again. `--write` puts it into
docs/performance.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django

from tests.bench import pages
from tests.bench.rivals import days_duckdb
from tests.bench.servers import database_cpu_s, settle

DAY_S = 86_400
MIDNIGHT = 1_763_856_000  # UTC; the running day's
NOW = MIDNIGHT + 18 * 3_600
PROCESSES = (1, 2)
VARIETIES = 64  # of trucks, so that no two on one page of a file are alike
_context = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Spent:
    """What computing so many days took: time, and CPU of the workers and of the database."""

    days: int
    seconds: float
    workers_s: float
    database_s: float


def set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet_project.settings")
    django.setup()
    from fleet_project.celery import prepare_process

    prepare_process()  # as in a worker


def make_fleet(trucks: int, days: int, step_s: int) -> tuple[Any, int]:
    """A fleet whose messages are stored and whose days are marked, and how many messages a truck has a day."""
    from apps.accounts.models import Fleet
    from apps.trucks.messages import storage
    from apps.trucks.messages.normal import rows, sort_out
    from apps.trucks.messages.read_spans import widened
    from apps.trucks.models import Truck, TruckSync
    from apps.trucks.sensors import SensorTable
    from wialon_simulator import Simulator

    with Simulator(trucks=1, days=1, seed=7, now=NOW, frozen=True) as simulator:
        (unit,) = simulator.units
        definitions = simulator.unit(unit)["sens"]
    table = SensorTable.compile(definitions, tank_l=400.0)
    first_t = MIDNIGHT - days * DAY_S
    varieties = [
        rows(sort_out(_messages(first_t, step_s, seed), NOW).data, table).rows for seed in range(min(trucks, VARIETIES))
    ]
    fleet = Fleet.objects.create(name=f"bench {time.time_ns()}", timezone="UTC", currency="EUR")
    for number in range(trucks):
        evaluated = varieties[number % VARIETIES]
        truck = Truck.objects.create(
            fleet=fleet, wialon_id=number + 1, code=f"w{number + 1}", name=f"unit {number + 1}", tank_l=400.0,
            sensor_table=definitions, sensor_version=table.version,
        )  # fmt: skip
        storage.insert(fleet.id, truck.id, evaluated)
        TruckSync.objects.create(
            truck_id=truck.id,
            fleet_id=fleet.id,
            first_t=first_t,
            cursor_t=evaluated[-1].t,
            known_until=NOW,
            read_spans=widened({}, evaluated),
        )
    return fleet, DAY_S // step_s


def _messages(first_t: int, step_s: int, seed: int) -> list[dict[str, Any]]:
    """An hour's drive, twelve minutes' idling, eighteen minutes' rest, and again; values as restless as real ones."""
    rng = random.Random(seed)
    metres, litres, engine_s, lat, lon, found = 0.0, 0.0, 0, 30.0 + seed / 4, -96.0, []
    for t in range(first_t, NOW, step_s):
        minute = t // 60 % 90
        drives, engine = minute < 60, int(minute < 72)
        speed = rng.randint(55, 89) * drives
        metres, engine_s = metres + step_s * speed / 3.6, engine_s + step_s * engine
        litres += step_s * (0.0003 * speed / 3.6 + 0.0005) * engine
        north = rng.random()
        lat += step_s * speed / 4e5 * (north - 0.5) * drives
        lon += step_s * speed / 4e5 * (0.9 - north) * drives
        place = {"y": round(lat, 6), "x": round(lon, 6), "z": rng.randint(180, 260), "s": speed,
                 "c": rng.randrange(360) * drives, "sc": rng.randint(9, 17)}  # fmt: skip
        values = {
            "pwr_ext": round((28.2 if engine else 25.1) + rng.gauss(0, 0.1), 2), "gsm": rng.randint(10, 31),
            "can_ign": engine, "can_rpm": (rng.randint(1_100, 1_600) if drives else 600) * engine,
            "can_speed": speed, "can_odo": 25_000_000 + int(metres), "can_fuel_used": round(90_000 + litres, 1),
            "can_fls1": 130 - int(litres / 3) % 100 + rng.randint(-1, 1), "can_fls2": 130 - int(litres / 3) % 100,
            "can_engine_hours": 172_000 + engine_s // 3_600, "can_coolant_temp": 60 + 25 * engine,
        }  # fmt: skip
        found.append({"t": t, "f": 3, "tp": "ud", "pos": place, "i": engine, "o": 0, "lc": 0,
                      "rt": t + rng.randint(1, 5), "p": values})  # fmt: skip
    return found


def mark(fleet: Any, first: dt.date, last: dt.date) -> int:
    """Marks the days first to last of all trucks. Returns how many."""
    from apps.accounts.calendar import days_between
    from apps.trucks.invalidation import mark as mark_days
    from apps.trucks.models import Truck

    ids = list(Truck.objects.filter(fleet=fleet).values_list("pk", flat=True))
    keys = [(truck_id, day) for truck_id in ids for day in days_between(first, last)]
    mark_days(fleet.id, keys, "bench")
    return len(keys)


def measure(fleet: Any, days: int, processes: int) -> Spent:
    """Has the marked days computed by so many processes; counted from the moment at which all are ready."""
    barrier, spent = _context.Barrier(processes + 1), _context.Queue()
    workers = [_context.Process(target=_work, args=(barrier, spent, fleet.id)) for _ in range(processes)]
    settle()
    for worker in workers:
        worker.start()
    barrier.wait()
    started, database = time.perf_counter(), database_cpu_s()
    barrier.wait()
    seconds, database = time.perf_counter() - started, database_cpu_s() - database
    workers_s = sum(spent.get() for _ in workers)
    for worker in workers:
        worker.join()
    return Spent(days, seconds, workers_s, database)


def _work(barrier: Any, spent: Any, fleet_id: int) -> None:
    set_up()
    from django.db import connection

    from apps.accounts.models import Fleet
    from apps.fleet.summaries import rebuild

    try:
        connection.ensure_connection()
        fleet = Fleet.objects.get(pk=fleet_id)
        barrier.wait()
        cpu = time.process_time()
        outcome = rebuild(fleet)
        spent.put(time.process_time() - cpu)
        assert not outcome.failed
        barrier.wait()
    except BaseException:
        barrier.abort()  # nobody need wait for us
        raise


def run(fleet: Any, days: int, rounds: int) -> dict[str, list[Spent]]:
    """What was computed, by how many processes → each round's."""
    from apps.trucks.models import TruckSync

    today = dt.datetime.fromtimestamp(MIDNIGHT, dt.UTC).date()
    first = today - dt.timedelta(days=days)
    found: dict[str, list[Spent]] = {
        "all days, nothing there yet, 2 processes": [measure(fleet, mark(fleet, first, today), 2)]
    }
    minutes = 0
    for _ in range(rounds):
        for processes in PROCESSES:
            name = f"{processes} process{'es' * (processes > 1)}"
            again = measure(fleet, mark(fleet, first, today - dt.timedelta(days=1)), processes)
            found.setdefault(f"whole days again, all as before, {name}", []).append(again)
            minutes += 1
            TruckSync.objects.filter(fleet_id=fleet.id).update(known_until=NOW + 60 * minutes)
            running = measure(fleet, mark(fleet, today, today), processes)
            found.setdefault(f"the running day at 18:00, a minute on, {name}", []).append(running)
    return found


def run_packed(fleet: Any, days: int, rounds: int) -> dict[str, list[Spent]]:
    """The same of the days before the running one when their messages are packed."""
    from apps.trucks.messages import settled

    today = dt.datetime.fromtimestamp(MIDNIGHT, dt.UTC).date()
    first, last = today - dt.timedelta(days=days), today - dt.timedelta(days=1)
    settled.SETTLED_AFTER_S = 0  # as if they lay longer back
    started, cpu, database = time.perf_counter(), time.process_time(), database_cpu_s()
    packed = sum(settled.pack_truck(truck_id, math.inf) for truck_id in _trucks_of(fleet))
    spent = time.perf_counter() - started, time.process_time() - cpu, database_cpu_s() - database
    found: dict[str, list[Spent]] = {"packing their messages": [Spent(packed, *spent)]}
    for _ in range(rounds):
        for processes in PROCESSES:
            name = f"{processes} process{'es' * (processes > 1)}"
            again = measure(fleet, mark(fleet, first, last), processes)
            found.setdefault(f"packed days again, all as before, {name}", []).append(again)
            forget_results(fleet)
            anew = measure(fleet, mark(fleet, first, last), processes)
            found.setdefault(f"packed days, all written anew, {name}", []).append(anew)
    return found


def forget_results(fleet: Any) -> None:
    """Takes all events away, and whatever would tell that days have not changed."""
    from apps.fleet.summaries.rows import EVENTS
    from apps.trucks.models import TruckDay

    TruckDay.objects.filter(fleet_id=fleet.pk).update(content_hash="")
    for model, _, _ in EVENTS:
        model._default_manager.filter(fleet_id=fleet.pk).delete()


def run_duckdb(fleet: Any, rounds: int, file: Path) -> dict[str, list[Spent]]:
    """What the rival takes for the days before the running one, on as many threads as there are processes of ours."""
    size = days_duckdb.write(_messages_of(fleet), file)
    found: dict[str, list[Spent]] = {}
    for _ in range(rounds):
        for threads in PROCESSES:
            rows, seconds, cpu = days_duckdb.days(file, threads)
            messages = sum(row[2] for row in rows)
            name = f"DuckDB on Parquet ({size / messages:.1f} bytes a message), {threads} thread{'s' * (threads > 1)}"
            found.setdefault(name, []).append(Spent(len(rows), seconds, cpu, 0.0))
            _, seconds, cpu = days_duckdb.events(file, threads)
            found.setdefault(f"{name}, with events as rows", []).append(Spent(len(rows), seconds, cpu, 0.0))
    return found


def _trucks_of(fleet: Any) -> list[int]:
    from apps.trucks.models import Truck

    return list(Truck.objects.filter(fleet=fleet).values_list("pk", flat=True))


def _messages_of(fleet: Any) -> dict[str, Any]:
    """The columns that the rival reads."""
    import numpy as np

    from apps.trucks.messages import reads

    ids = _trucks_of(fleet)
    names = ("t", "lat", "lon", "speed_kmh", "ignition", "odometer_m", "fuel_used_l", "fuel_level_l")
    trucks = {number: reads.message_columns(fleet.pk, number, 0, MIDNIGHT, names).numbers for number in ids}
    columns: dict[str, Any] = {name: np.concatenate([truck[name] for truck in trucks.values()]) for name in names}
    columns["t"] = columns["t"].astype(np.int64)
    return columns | {"truck": np.repeat(list(trucks), [len(truck["t"]) for truck in trucks.values()])}


def sizes() -> str:
    """What messages take on the disk and in packs, in words. What is on the disk is counted by table, not by fleet."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE message, packed_day")
        cursor.execute("SELECT COUNT(*), AVG(LENGTH(payload)), COUNT(DISTINCT fleet_id) FROM message")
        messages, payload, fleets = cursor.fetchone()
        cursor.execute("SELECT COALESCE(SUM(LENGTH(content)), 0) FROM packed_day")
        (packs,) = cursor.fetchone()
        cursor.execute(_ON_DISK)
        on_disk = dict(cursor.fetchall())
    if fleets > 1:
        return "Bytes a message: not measured, since the database has messages of other fleets, too."
    bytes_of = {name: int(size) / messages for name, size in on_disk.items()}
    return (
        f"Bytes a message: its row {bytes_of['message']:.0f} on disk, {payload:.0f} of them the payload; packed "
        f"{int(packs) / messages:.1f}, {bytes_of['packed_day']:.1f} on disk (the running day is not)."
    )


_ON_DISK = """
SELECT table_name, data_length FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_name IN ('message', 'packed_day')
"""


def remove(fleet: Any) -> None:
    from django.apps import apps
    from django.db import connection

    for model in apps.get_models():
        if any(field.attname == "fleet_id" and not field.is_relation for field in model._meta.concrete_fields):
            with connection.cursor() as cursor:
                if model._meta.managed:
                    cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE fleet_id = %s", [fleet.id])
    fleet.delete()


def text_of(found: dict[str, list[Spent]], trucks: int, a_day: int, load: float) -> str:
    rows: list[Sequence[Any]] = []
    for name, rounds in found.items():
        seconds = statistics.median(each.seconds for each in rounds)
        days = rounds[0].days
        workers, database = (
            1000 * statistics.median(getattr(each, spent) for each in rounds) / days
            for spent in ("workers_s", "database_s")
        )
        part = 0.75 if "running" in name else 1
        rate = days * a_day * part / seconds
        rows.append([name, f"{days:,}", f"{seconds:.1f}", f"{workers:.1f}", f"{database:.1f}", f"{rate:,.0f}"])
    heads = ["what", "truck-days", "seconds", "CPU ms a day: workers", "database", "messages/s"]
    return (
        f"{trucks:,} trucks with {a_day:,} messages a day; medians of {max(map(len, found.values()))} rounds. "
        f"{os.cpu_count()} cores shared by workers, database and other work (load {load:.1f} before). Messages are "
        f"those of the days computed; hours around them are read besides.\n\n{pages.table(heads, rows)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trucks", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=1, help="before the running one")
    parser.add_argument("--step", type=int, default=30, help="seconds between messages")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    set_up()
    fleet, a_day = make_fleet(arguments.trucks, arguments.days, arguments.step)
    try:
        found = run(fleet, arguments.days, arguments.rounds) | run_packed(fleet, arguments.days, arguments.rounds)
        with tempfile.TemporaryDirectory() as directory:
            found |= run_duckdb(fleet, arguments.rounds, Path(directory) / "messages.parquet")
        sized = sizes()
    finally:
        remove(fleet)
    text = f"{text_of(found, arguments.trucks, a_day, load)}\n\n{sized}"
    print(text)
    if arguments.write:
        pages.write("rebuild", text)


if __name__ == "__main__":
    main()
