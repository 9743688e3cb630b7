"""The task of a pass: what it does is decided in the rows, so it may come twice, late or never."""

from collections.abc import Callable

import pytest

from apps.accounts.models import Fleet
from apps.trucks.models import FleetSync, SyncRun
from apps.trucks.sync import leases
from tasks import sync as tasks
from tests.pipeline.conftest import _fresh_redis as _fresh_redis
from tests.pipeline.conftest import make_fleet as make_fleet
from wialon_simulator import Simulator

pytestmark = pytest.mark.django_db
NOW = 1_773_162_000


def test_a_task_that_comes_twice_works_once(make_fleet: Callable[..., Fleet]) -> None:
    with Simulator(trucks=2, days=1, seed=1, now=NOW, frozen=True) as simulator:
        fleet = make_fleet(simulator)
        assert tasks.sync_fleet(fleet.id).endswith(": ok")
        assert tasks.sync_fleet(fleet.id) == f"fleet {fleet.id} is not due or under way elsewhere"
    assert SyncRun.objects.count() == 1


def test_a_tick_names_the_fleets_that_are_due(make_fleet: Callable[..., Fleet]) -> None:
    with Simulator(trucks=1, days=1, seed=1, now=NOW, frozen=True) as simulator:
        due, busy, done, inactive = (make_fleet(simulator) for _ in range(4))
        assert leases.claim(busy.id, only_if_due=True)
        lease = leases.claim(done.id, only_if_due=True)
        assert lease is not None
        lease.release(next_in_s=60)
        Fleet.objects.filter(id=inactive.id).update(is_active=False)
        assert leases.due_fleets() == [due.id]
        assert tasks.sync_due_fleets() == "1 fleets due"
    assert FleetSync.objects.filter(lease_owner="").count() == 3
