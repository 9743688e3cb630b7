"""With little space on the database's disk nothing is read; it is said, nothing is lost, it goes on by itself."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.db.models.functions import Now

from apps.accounts.models import Fleet
from apps.fleet import backfills as worker
from apps.fleet.admin.dashboard import sync_health
from apps.trucks import backfills
from apps.trucks.models import Backfill, BackfillDay, FleetSync, Message, SyncRun
from apps.trucks.sync import disk, leases, passes, shares
from apps.trucks.sync.disk import Disk, DiskFull, SpaceGuard, disk_of
from apps.trucks.sync.ingest import store
from apps.trucks.sync.session import connection
from tasks.maintenance import beat_heart
from tests.pipeline.conftest import IMPATIENT, sync
from tests.pipeline.conftest import _fresh_redis as _fresh_redis
from tests.pipeline.conftest import make_fleet as make_fleet
from tests.trucks.test_backfills import ask
from wialon_simulator import Simulator

pytestmark = pytest.mark.django_db
NOW = 1_773_162_000
TOO_LITTLE = "8.0 % of the database's disk is free, less than 10 %: nothing is read from Wialon until there is more"
Free = Callable[[int | None], None]


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Free:
    """Sets how many hundredths of the disk are free; None: it cannot be known."""

    def set_free(pct: int | None) -> None:
        monkeypatch.setattr("apps.trucks.sync.disk.measure", lambda: None if pct is None else Disk(100, pct))

    return set_free


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(trucks=3, days=1, seed=5, now=NOW, frozen=True) as running:
        yield running


def messages(fleet: Fleet) -> int:
    return Message.objects.filter(fleet_id=fleet.pk).count()


def served(simulator: Simulator) -> int:
    return sum(m["t"] <= simulator.now() for unit in simulator.units for m in simulator.messages(unit))


# --- what is known --------------------------------------------------------------------------------------------------

MOUNTS = [("/", 100, 50), ("/var", 1_000, 70), ("/var/lib/mysql2", 10, 1), ("/dev/shm", 10, 10)]


@pytest.mark.parametrize(
    ("directory", "mounts", "found"),
    [
        ("/var/lib/mysql/", MOUNTS, Disk(1_000, 70)),
        ("/srv/mysql", MOUNTS, Disk(100, 50)),
        ("/var", MOUNTS, Disk(1_000, 70)),
        ("/var/lib/mysql", MOUNTS[2:], None),
        ("/var/lib/mysql", [], None),
        ("/var/lib/mysql", [("/", 0, 0)], None),
    ],
)
def test_a_directory_lies_on_the_innermost_mount(directory: str, mounts: Any, found: Disk | None) -> None:
    assert disk_of(directory, mounts) == found


def test_a_server_on_this_machine_is_seen_here() -> None:
    found = disk.measure()
    assert found is not None
    assert 0 < found.free_pct < 100


def test_what_the_server_tells_goes_before_what_is_seen_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.trucks.sync.disk._PLUGIN", "SELECT 1 AS n")
    monkeypatch.setattr("apps.trucks.sync.disk._DISKS", "SELECT '/' AS path, 200 AS total, 7 AS available")
    assert disk.measure() == Disk(200, 7)
    monkeypatch.setattr("apps.trucks.sync.disk._DISKS", "SELECT '/' AS path, 200 AS total, 7 AS available LIMIT 0")
    assert disk.measure() == disk._as_seen("/", socket.gethostname())  # without the privilege it shows nothing


def test_of_a_server_elsewhere_nothing_is_known_though_a_directory_of_the_name_is_here() -> None:
    assert disk._as_seen("/", "another-machine") is None
    assert disk._as_seen("/there/is/none", socket.gethostname()) is None


@pytest.mark.parametrize(
    ("pct", "words"), [(None, "not known"), (9, "9.0 % of"), (10, "ok"), (11, "ok"), (0, "0.0 % of")]
)
def test_what_is_not_known_is_never_called_fine(free: Free, pct: int | None, words: str) -> None:
    free(pct)
    assert disk.verdict().startswith(words)


def test_it_may_be_turned_off(free: Free, settings: Any) -> None:
    free(1)
    settings.MIN_FREE_DISK_PCT = 0
    assert disk.verdict() == "not known"


def test_it_is_looked_at_every_ten_seconds(free: Free) -> None:
    guard = SpaceGuard()
    with time_machine.travel(0, tick=False) as clock:
        free(50)
        guard.renew()
        free(5)
        clock.shift(9)
        guard.renew()
        clock.shift(2)
        with pytest.raises(DiskFull, match="5.0 %"):
            guard.renew()


# --- what it does ---------------------------------------------------------------------------------------------------


def test_a_pass_stores_nothing_says_why_and_the_next_goes_on(
    simulator: Simulator, make_fleet: Callable[..., Fleet], free: Free
) -> None:
    fleet = make_fleet(simulator)
    free(8)
    run = sync(fleet)
    assert (run.status, run.get_status_display(), run.error) == ("paused", "waits for space", f"DiskFull: {TOO_LITTLE}")
    assert (messages(fleet), simulator.counters.calls) == (0, {})
    assert sync_health(fleet, 0).paused == TOO_LITTLE
    state = FleetSync.objects.get(fleet=fleet)
    assert (state.consecutive_failures, state.due_at is not None) == (0, True)
    free(10)
    assert sync(fleet).status == "ok"
    assert messages(fleet) == served(simulator)
    assert sync_health(fleet, 0).paused == ""


def test_a_pass_under_way_stops_when_the_space_runs_out(
    simulator: Simulator, make_fleet: Callable[..., Fleet], free: Free, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.trucks.sync.disk._LOOK_EVERY_S", 0)
    fleet = make_fleet(simulator)

    def fill(*args: Any) -> Any:
        free(8)
        return store(*args)

    free(50)
    monkeypatch.setattr("apps.trucks.sync.truck_pass.store", fill)
    run = sync(fleet)
    assert (run.status, run.truck_errors) == ("paused", [])  # it is no truck's error
    assert messages(fleet) == run.messages_new < served(simulator)
    free(50)
    monkeypatch.setattr("apps.trucks.sync.truck_pass.store", store)
    assert sync(fleet).status == "ok"
    assert messages(fleet) == served(simulator)


def test_who_helps_with_a_pass_gives_back_what_it_holds(
    simulator: Simulator, make_fleet: Callable[..., Fleet], free: Free, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.trucks.sync.shares.SIZE", 2)
    fleet = make_fleet(simulator)

    def helper(run_id: int, helpers: int) -> None:
        free(8)
        assert passes.join(run_id, retry=IMPATIENT) == 0
        assert shares.open_runs() == [run_id]
        free(50)

    free(50)
    lease = leases.claim(fleet.pk, only_if_due=False)
    assert lease is not None
    assert passes.synchronise(fleet, lease, retry=IMPATIENT, call_help=helper).status == "ok"
    assert messages(fleet) == served(simulator)


def test_a_backfill_rests(simulator: Simulator, make_fleet: Callable[..., Fleet], free: Free) -> None:
    fleet = make_fleet(simulator)
    sync(fleet)
    backfill = ask(fleet, days=1)
    free(8)
    worker.work(backfill.pk, seconds=60, retry=IMPATIENT)
    rests = Backfill.objects.get()
    assert (rests.days_over, rests.error, backfills.rests(rests)) == (0, f"DiskFull: {TOO_LITTLE}", True)
    assert set(BackfillDay.objects.values_list("attempts", "lease_until")) == {(0, None)}
    free(50)
    Backfill.objects.update(not_before=Now())
    worker.work(backfill.pk, seconds=60, retry=IMPATIENT)
    assert Backfill.objects.get().status == "done"


def test_the_heartbeat_leaves_word_of_it(free: Free) -> None:
    for pct, words in ((8, TOO_LITTLE), (50, "ok"), (None, "not known")):
        free(pct)
        beat_heart()
        assert connection().get("disk") == words
    assert SyncRun.objects.count() == 0
