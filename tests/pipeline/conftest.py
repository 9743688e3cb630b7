"""Fleets that are synchronised from a running simulator."""

from collections.abc import Callable, Iterator

import pytest

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.summaries import writing
from apps.trucks.models import FleetSync, SyncRun
from apps.trucks.sync import leases
from apps.trucks.sync.passes import synchronise
from apps.trucks.sync.session import connection
from apps.trucks.wialon import Retry
from tests.lasting import Lasting, anew
from wialon_simulator import Simulator

Simulate = Callable[[], Simulator]
IMPATIENT = Retry(attempts=3, first_wait_s=0.01, max_wait_s=0.02)


@pytest.fixture(autouse=True)
def _fresh_redis() -> Iterator[None]:
    connection().flushdb()
    yield


@pytest.fixture(autouse=True)
def _by_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows go in as those of large fleets do."""
    monkeypatch.setattr(writing, "_MANY", 1)


def fleet_of(simulator: Simulator, **values: object) -> Fleet:
    """A fleet of ours that points to a simulator."""
    fleet = Fleet.objects.create(
        **{
            "name": f"Fleet {Fleet.objects.count() + 1}",
            "timezone": "UTC",
            "currency": "EUR",
            "wialon_url": simulator.url,
            "wialon_token": simulator.token,
            **values,
        }
    )
    FleetSync.objects.create(fleet=fleet)
    return fleet


@pytest.fixture
def make_fleet(db: None) -> Callable[..., Fleet]:
    """`make_fleet(simulator)` makes a fleet of ours that points to it."""
    return fleet_of


def sync(fleet: Fleet) -> SyncRun:
    """One pass, as a worker makes it."""
    lease = leases.claim(fleet.id, only_if_due=False)
    assert lease is not None
    return synchronise(fleet, lease, retry=IMPATIENT)


def sync_and_summarise(fleet: Fleet) -> SyncRun:
    run = sync(fleet)
    outcome = summaries.rebuild(fleet)
    assert outcome.failed == 0
    return run


# --- read once for all tests of a module, which says by its fixture `simulate` from what ---


@pytest.fixture
def simulator(simulate: Simulate) -> Iterator[Simulator]:
    """Each test has one of its own, the same to the last byte."""
    with simulate() as running:
        yield running


@pytest.fixture(scope="module")
def read_once(simulate: Simulate, lasting: Lasting[Fleet]) -> Fleet:
    def read() -> Fleet:
        made = fleet_of(simulator)
        sync_and_summarise(made)
        return made

    with simulate() as simulator:
        return lasting(read)


@pytest.fixture
def fleet(db: None, read_once: Fleet, simulator: Simulator) -> Fleet:
    """The fleet as it was read, logged in to the test's own simulator."""
    Fleet.objects.filter(pk=read_once.pk).update(wialon_url=simulator.url)
    made = anew(read_once)
    sync(made)
    return made
