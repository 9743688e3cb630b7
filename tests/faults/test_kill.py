"""Killed halfway and started again, a fleet ends with the rows of one that nobody disturbed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from apps.accounts.models import Fleet
from apps.trucks.models import Backfill, BackfillDay, DirtyDay, FleetSync, Message, SyncRun, TruckDay, TruckSync
from apps.trucks.sync.session import connection as redis_connection
from fleet_project.celery import app
from tasks.backfills import work_on_backfills
from tasks.sync import sync_fleet
from tests.pipeline.conftest import make_fleet as make_fleet
from tests.pipeline.conftest import sync, sync_and_summarise
from tests.pipeline.whole_tables import Rows, comparable, differing
from tests.rows import DAY
from tests.rows import price as make_price
from wialon_simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parent.parent.parent
NOW = 1_773_162_000  # 2026-03-10 17:00 UTC
PATIENCE_S = 40
MAX_TRUCK_DAYS_PER_BATCH = 120
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    redis_connection().flushdb()
    with Simulator(trucks=11, days=12, seed=3, now=NOW, frozen=True) as running:
        yield running
    redis_connection().flushdb()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts commands on the database of the tests, each in a group of its own; none is left behind."""
    database = settings.DATABASES["default"]
    url = "mysql://{USER}:{PASSWORD}@{HOST}:{PORT}/".format(**database) + str(connection.settings_dict["NAME"])
    environment = {**os.environ, "DATABASE_URL": url, "LOG_LEVEL": "WARNING"}
    with ExitStack() as stack:

        def started(*command: str) -> subprocess.Popen[bytes]:
            log = stack.enter_context((tmp_path / f"{time.monotonic_ns()}.log").open("wb"))
            process = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
            stack.callback(kill, process)
            return process

        yield started


def kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(what: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


@dataclass(frozen=True)
class Ending:
    """What there is of a fleet in the end."""

    messages: int
    truck_days: int
    rows: Rows


@pytest.fixture(scope="module")
def known_endings() -> list[Ending]:
    return []


@pytest.fixture
def ending(simulator: Simulator, make_fleet: Callable[..., Fleet], known_endings: list[Ending]) -> Ending:
    """That of a fleet which nobody disturbs; for the first test that asks, since the simulator is the same for all."""
    if not known_endings:
        quiet = undisturbed(simulator, make_fleet)
        known_endings.append(Ending(messages(quiet), truck_days(quiet), comparable(quiet)))
    return known_endings[0]


def undisturbed(simulator: Simulator, make_fleet: Callable[..., Fleet]) -> Fleet:
    fleet = priced(make_fleet(simulator, name="Undisturbed", timezone="America/Chicago"))
    sync_and_summarise(fleet)
    return fleet


def priced(fleet: Fleet) -> Fleet:
    make_price(fleet, DAY, "1.1")
    return fleet


def messages(fleet: Fleet) -> int:
    return Message.objects.filter(fleet_id=fleet.id).count()


def truck_days(fleet: Fleet) -> int:
    return TruckDay.objects.filter(fleet_id=fleet.id).count()


def let_places_run_out() -> None:
    """As if ten seconds had passed: a killed worker's lanes held places among the requests to Wialon."""
    for place in redis_connection().keys("wialon:heavy:*"):
        redis_connection().delete(place)


def let_the_lease_run_out(fleet: Fleet) -> None:
    """As if the two minutes were over for which a dead worker holds a fleet, and the trucks that it was reading."""
    assert FleetSync.objects.filter(fleet=fleet, lease_until__isnull=False).update(lease_until=Now()) == 1
    TruckSync.objects.filter(fleet_id=fleet.pk, lease_until__isnull=False).update(lease_until=Now())
    let_places_run_out()


def is_done(fleet: Fleet) -> bool:
    free = FleetSync.objects.filter(fleet=fleet, lease_until=None, due_at__isnull=False)
    return free.exists() and not DirtyDay.objects.filter(fleet_id=fleet.id).exists()


def killed_halfway(process: subprocess.Popen[bytes], rows: Callable[[Fleet], int], fleet: Fleet, all_rows: int) -> None:
    wait_for(lambda: rows(fleet) > 0)
    kill(process)
    assert 0 < rows(fleet) < all_rows, "the kill came too late to be halfway"


def test_commands_that_are_killed_and_run_again(
    simulator: Simulator, make_fleet: Any, ending: Ending, start: Start
) -> None:
    fleet = priced(make_fleet(simulator, name="Disturbed", timezone="America/Chicago"))
    sync, summarise = (("manage.py", command, "--fleet", "Disturbed") for command in ("sync", "summarise"))

    killed_halfway(start(*sync), messages, fleet, ending.messages)
    let_the_lease_run_out(fleet)
    assert start(*sync).wait(PATIENCE_S) == 0
    assert messages(fleet) == ending.messages

    assert ending.truck_days > MAX_TRUCK_DAYS_PER_BATCH
    killed_halfway(start(*summarise), truck_days, fleet, ending.truck_days)
    assert start(*summarise).wait(PATIENCE_S) == 0
    assert differing(comparable(fleet), ending.rows) == {}


def test_a_worker_that_is_killed_and_started_again(
    simulator: Simulator, make_fleet: Any, ending: Ending, start: Start
) -> None:
    fleet = priced(make_fleet(simulator, name="Disturbed", timezone="America/Chicago"))
    worker = ("-m", "celery", "-A", "fleet_project", "worker", "-Q", "sync,summaries", "--concurrency=1")

    sync_fleet.delay(fleet.id)
    killed_halfway(start(*worker), messages, fleet, ending.messages)
    let_the_lease_run_out(fleet)
    sync_fleet.delay(fleet.id)  # as the next tick of beat does
    again = start(*worker)
    killed_halfway(again, truck_days, fleet, ending.truck_days)
    sync_fleet.delay(fleet.id)
    FleetSync.objects.filter(fleet=fleet).update(due_at=None)
    start(*worker)
    wait_for(lambda: is_done(fleet))
    assert differing(comparable(fleet), ending.rows) == {}


def test_a_large_fleet_whose_workers_are_killed_is_read_by_others(make_fleet: Any, start: Start) -> None:
    """One holds the fleet, another helps; both are killed while they read. Who comes after them reads what is left."""
    redis_connection().flushdb()
    with Simulator(trucks=9, days=1, seed=3, now=NOW, frozen=True) as simulator:
        fleet = make_fleet(simulator, name="Disturbed")
        simulator.faults.add("slow", svc="messages/load_interval", seconds=0.15)
        worker = "-m", "celery", "-A", "fleet_project", "worker", "-Q", "sync", "--concurrency=1", "-n"
        workers = [start(*worker, name) for name in ("one@here", "two@here")]
        wait_for(lambda: len(app.control.ping(timeout=0.5)) == len(workers))  # else the first may be done by itself
        sync_fleet.delay(fleet.id)
        wait_for(lambda: SyncRun.objects.filter(fleet=fleet, workers=2).exists() and messages(fleet))
        for each in workers:
            kill(each)
        truth = sorted(m["t"] for unit in simulator.units for m in simulator.messages(unit) if m["t"] <= NOW)
        assert 0 < messages(fleet) < len(truth), "the kill came too late to be halfway"
        held = TruckSync.objects.filter(fleet_id=fleet.pk, lease_until__isnull=False)
        assert held.exists()
        simulator.faults.clear()
        let_the_lease_run_out(fleet)
        held.update(lease_until=Now())
        run = sync(fleet)
    lost = SyncRun.objects.filter(fleet=fleet).earliest("pk")
    assert (lost.status, lost.error) == ("failed", "the worker was lost")
    assert (run.status, run.messages_new + lost.messages_new <= len(truth)) == ("ok", True)
    assert sorted(Message.objects.filter(fleet_id=fleet.pk).values_list("t", flat=True)) == truth


def test_backfills_whose_workers_are_killed_are_brought_to_an_end_by_others(make_fleet: Any, start: Start) -> None:
    """Two days of messages are lost here; who loads them again is killed, and two others go on, with doubled hints."""
    redis_connection().flushdb()
    with Simulator(trucks=5, days=4, seed=3, now=NOW, frozen=True) as simulator:
        quiet = undisturbed(simulator, make_fleet)
        fleet = priced(make_fleet(simulator, name="Disturbed", timezone="America/Chicago"))
        sync_and_summarise(fleet)
        lost = Message.objects.filter(fleet_id=fleet.id, t__range=(NOW - 3 * 86_400, NOW - 86_400))
        kept = messages(fleet) - lost.count()
        lost.delete()
        simulator.faults.add("slow", svc="messages/load_interval", seconds=0.05)
        period = "--from", str(NOW - 4 * 86_400), "--to", str(NOW - 3_600)
        first = start("manage.py", "sync", "--fleet", "Disturbed", *period)
        wait_for(lambda: messages(fleet) > kept)
        kill(first)
        backfill = Backfill.objects.get(fleet=fleet)
        assert backfill.status == "running"
        assert backfill.days_over < backfill.days_total
        BackfillDay.objects.filter(lease_until__isnull=False).update(lease_until=Now())  # as if two minutes had passed
        let_places_run_out()
        worker = "-m", "celery", "-A", "fleet_project", "worker", "-Q", "summaries", "--concurrency=1", "-n"
        workers = [start(*worker, name) for name in ("one@here", "two@here")]
        for _ in range(3):
            work_on_backfills.delay()
        wait_for(lambda: Backfill.objects.get(pk=backfill.pk).status == "done")
        for each in workers:
            kill(each)
        sync_and_summarise(fleet)
    assert Backfill.objects.get(pk=backfill.pk).days_done == backfill.days_total
    assert BackfillDay.objects.filter(backfill_id=backfill.pk, state="done").count() == backfill.days_total
    TruckSync.objects.filter(fleet_id__in=[fleet.pk, quiet.pk]).update(read_from_t=None)  # a truck that never reported
    assert differing(comparable(fleet), comparable(quiet)) == {}
