"""How fast messages get in: Wialon's JSON to committed rows, beside ways to store rows that do nothing else.

    python -m tests.bench.ingest [--trucks N] [--days N] [--rounds N]

Runs on the database of DATABASE_URL, in fleets of its own, which it removes again. Prints messages a second, the
median of the rounds; in every round each way has its turn, so that other work on the machine slows them all.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import django
import orjson

NOW = 1_763_900_000
PIECE_S = 3 * 86_400  # what the sync loads at once
SHOWN = "{:<58}{:>14,.0f}"


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


# --- the product ---


def ingest(fleet_id: int, deliveries: Sequence[Delivery]) -> int:
    """What the sync does with each answer. Returns how many messages were new."""
    from apps.accounts.models import Fleet
    from apps.trucks.ingest import store
    from apps.trucks.messages import sort_out
    from apps.trucks.models import Truck
    from apps.trucks.sensors import SensorTable

    fleet = Fleet.objects.get(id=fleet_id)
    trucks = Truck.objects.filter(fleet=fleet).select_related("fleet").in_bulk()
    new = 0
    for delivery in deliveries:
        truck = trucks[delivery.truck_id]
        table = SensorTable.compile(truck.sensor_table, tank_l=truck.tank_l)
        batch = sort_out(orjson.loads(delivery.body)["messages"], NOW)
        new += store(fleet, truck, table, batch, NOW)[0]
    return new


def in_processes(work: Callable[[int, Sequence[Delivery]], int], load: Load, processes: int) -> float:
    """Messages a second when so many processes share the trucks; counted from the moment at which all are ready."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes + 1)
    trucks = sorted({delivery.truck_id for delivery in load.deliveries})
    workers = []
    for number in range(processes):
        mine = set(trucks[number::processes])
        share = [delivery for delivery in load.deliveries if delivery.truck_id in mine]
        workers.append(context.Process(target=_work, args=(barrier, work, load.fleet_id, share)))
    for worker in workers:
        worker.start()
    barrier.wait()
    started = time.perf_counter()
    barrier.wait()
    seconds = time.perf_counter() - started
    for worker in workers:
        worker.join()
    return load.messages / seconds


def _work(barrier: Any, work: Callable[[int, Sequence[Delivery]], int], fleet_id: int, share: list[Delivery]) -> None:
    django.setup()
    from django.db import connection

    connection.ensure_connection()
    barrier.wait()
    work(fleet_id, share)
    barrier.wait()


# --- rivals: rows that are ready, without evaluation, look-up or marks ---


def ready_rows(load: Load) -> list[Any]:
    from apps.trucks.messages import rows, sort_out
    from apps.trucks.models import Truck
    from apps.trucks.sensors import SensorTable

    found = []
    for delivery in load.deliveries:
        truck = Truck.objects.get(id=delivery.truck_id)
        table = SensorTable.compile(truck.sensor_table, tank_l=truck.tank_l)
        batch = sort_out(orjson.loads(delivery.body)["messages"], NOW)
        found.append((truck.id, rows(batch.data, table)))
    return found
