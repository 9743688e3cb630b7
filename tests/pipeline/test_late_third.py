"""A third of all messages comes late, in any order, and then everything again."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.trucks import invalidation
from apps.trucks.models import DirtyDay, DriverAssignment, Truck, TruckDay
from tests.pipeline import feed
from tests.pipeline.conftest import sync_and_summarise
from wialon_simulator import Simulator

pytestmark = pytest.mark.django_db
NOW = 1_773_162_000  # 2026-03-10 17:00 UTC
DAY, HOUR = 86_400, 3_600
SHARE, DELIVERIES = 0.3, 12


def delayed(seed: int, messages: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The messages in deliveries: first what came in time, then late ones, each 1 h to 35 days after it was made."""
    rng = random.Random(seed)
    in_time, late = [], []
    lateness, late_until = 0, 0
    for message in messages:
        if message["t"] >= late_until and rng.random() < SHARE / 100:  # trackers are without network for a while
            late_until = message["t"] + rng.choice((600, 2 * HOUR, 9 * HOUR))
            lateness = rng.randint(HOUR, 35 * DAY)
        if message["t"] < late_until:
            late.append((message["t"] + lateness, message))
        else:
            in_time.append(message)
    late.sort(key=lambda each: each[0])
    size = -(-len(late) // DELIVERIES)
    parts = [[message for _, message in late[start : start + size]] for start in range(0, len(late), size)]
    for part in parts:
        rng.shuffle(part)
    return [in_time, *parts]


def test_late_messages_end_in_the_truth_and_recompute_hardly_more_than_they_change(
    make_fleet: Callable[..., Fleet],
) -> None:
    with Simulator(trucks=4, days=12, seed=6, now=NOW, timezone="America/Chicago", frozen=True) as simulator:
        fleet = make_fleet(simulator, timezone="America/Chicago")
        sync_and_summarise(fleet)
        without_drivers(fleet)
        twin_fleet = make_fleet(simulator, timezone="America/Chicago")
        work = []
        for truth in Truck.objects.filter(fleet=fleet):
            twin = feed.truck_of(twin_fleet, f"late-{truth.code}"[:32], truth.sensor_table)
            messages = [m for m in simulator.messages(truth.wialon_id) if m["t"] <= NOW]
            if messages:
                work.append(delivered(truth, twin, messages))
    recomputed, changed = (sum(counts) for counts in zip(*work, strict=True))
    assert changed > 40
    assert recomputed <= 1.05 * changed


def without_drivers(fleet: Fleet) -> None:
    """As if nobody had ever been bound to a truck: the twins are in no Wialon that could tell."""
    DriverAssignment.objects.filter(fleet=fleet).delete()
    days = TruckDay.objects.filter(fleet_id=fleet.pk).values_list("truck_id", "day")
    invalidation.mark(fleet.pk, set(days), "drivers")
    summaries.rebuild(fleet)


def delivered(truth: Truck, twin: Truck, messages: list[dict[str, Any]]) -> tuple[int, int]:
    """How many truck-days the late deliveries had computed, and how many of them they changed."""
    deliveries = delayed(truth.wialon_id, messages[1:])
    feed.receive(twin, [messages[0], *deliveries[0]], NOW)
    summaries.rebuild(twin.fleet)
    recomputed = changed = 0
    for part in deliveries[1:]:
        feed.receive(twin, part, NOW)
        outcome = summaries.rebuild(twin.fleet)
        recomputed, changed = recomputed + outcome.claimed, changed + outcome.changed
    assert feed.differences({"stored": feed.stored(truth)}, {"stored": feed.stored(twin)}) == []
    assert feed.differences(feed.summaries_of(truth), feed.summaries_of(twin)) == []
    for part in reversed(deliveries):
        feed.receive(twin, part, NOW)
    assert not DirtyDay.objects.filter(truck_id=twin.id).exists()
    return recomputed, changed
