"""How soon what came late is in the answers of the API."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.db.models.functions import Now

from apps.accounts.models import Fleet
from apps.trucks.models import DirtyDay, FleetSync, Truck
from tasks.schedule import beat_schedule
from tasks.summaries import rebuild_dirty_days, rebuild_fleet
from tasks.sync import sync_due_fleets, sync_fleet
from tests import rows
from tests.pipeline.conftest import _fresh_redis as _fresh_redis
from tests.pipeline.conftest import make_fleet as make_fleet
from wialon_simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)
NOW = 1_773_162_000  # 2026-03-10 17:00 UTC
DAY = 86_400
ALLOWED_S, FOR_THE_WORK_S = 120, 10


def tick(fleet: Fleet) -> None:
    """What beat's ticks make a worker do."""
    FleetSync.objects.filter(fleet=fleet).update(due_at=Now())
    assert sync_due_fleets() == "1 fleets due"
    assert sync_fleet(fleet.id).endswith(": ok")
    rebuild_dirty_days()
    rebuild_fleet(fleet.id)


def test_what_came_late_is_in_the_api_after_the_next_pass(
    make_fleet: Callable[..., Fleet], api_get: Callable[..., httpx.Response]
) -> None:
    with Simulator(trucks=3, days=6, seed=4, now=NOW, timezone="UTC", frozen=True) as simulator:
        fleet = make_fleet(simulator)
        tick(fleet)
        simulator.advance(60)
        tick(fleet)  # the session watches from here on
        truck = Truck.objects.filter(fleet=fleet).order_by("id")[1]
        key = rows.api_key(fleet)

        def days() -> dict[str, Any]:
            answer = api_get(f"/api/v2/trucks/{truck.code}/days?from=2026-03-05&to=2026-03-11", key).json()
            return {row["day"]: row for row in answer["data"]}

        before = days()
        for age in (1, 5):
            late = {"t": NOW - age * DAY + 1, "pos": {"y": 41, "x": -87, "z": 0, "s": 149, "c": 0, "sc": 9}, "p": {}}
            simulator.add_messages(truck.wialon_id, [late])
        simulator.advance(60)
        tick(fleet)
        after = days()
    for day in ("2026-03-05", "2026-03-09"):
        assert after[day]["messages"] == before[day]["messages"] + 1
        assert after[day]["max_speed_kmh"] == 149 != before[day]["max_speed_kmh"]
        assert after[day]["revision"] > before[day]["revision"]
    assert before["2026-03-07"] == after["2026-03-07"]
    assert not DirtyDay.objects.exists()


def test_the_pauses_until_then_are_less_than_two_minutes() -> None:
    """A fleet is due again after the interval, is then seen by a tick, and, if the hint is lost, rebuilt by another."""
    ticks = {entry["task"]: entry["schedule"] for entry in beat_schedule(settings.SYNC_INTERVAL_S).values()}
    pauses = (
        settings.SYNC_INTERVAL_S + ticks["tasks.sync.sync_due_fleets"] + ticks["tasks.summaries.rebuild_dirty_days"]
    )
    assert pauses + FOR_THE_WORK_S <= ALLOWED_S
