"""However messages arrive, and however often days are rebuilt meanwhile, the end is that of arriving at once."""

import datetime as dt
import itertools
import random
from typing import Any

import pytest

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.trucks.models import DirtyDay, Truck
from tests import rows as make
from tests.pipeline import feed

pytestmark = pytest.mark.django_db

# Days around a change of the clocks, or none.
PLACES = [
    ("UTC", dt.date(2026, 3, 17)),
    ("Europe/Berlin", dt.date(2025, 10, 25)),
    ("America/Chicago", dt.date(2026, 3, 7)),
]


def deliver(truck: Truck, seed: int, messages: list[dict[str, Any]], *, together: int, late: float, end: int) -> None:
    """Passes with up to so many new messages each, and some known ones; passes without any; mostly a rebuild after."""
    rng = random.Random(seed)
    waiting = feed.arrivals(seed, messages, late)
    arrived: list[dict[str, Any]] = []
    now = waiting[0][0]
    while waiting:
        count = rng.randint(1, together)
        now = max(now, waiting[:count][-1][0])
        new, waiting = [message for _, message in waiting[:count]], waiting[count:]
        feed.receive(truck, [*new, *rng.sample(arrived, min(len(arrived), 2))], now)
        arrived += new
        rebuild_perhaps(truck.fleet, rng)
        for _ in itertools.takewhile(lambda _: rng.random() < 0.3, itertools.count()):
            now = min(now + rng.choice((60, 700, 4_000, 50_000)), waiting[0][0] if waiting else end)
            feed.receive(truck, [], now)
            rebuild_perhaps(truck.fleet, rng)
    feed.receive(truck, [], end)


def rebuild_perhaps(fleet: Fleet, rng: random.Random) -> None:
    if rng.random() < 0.8:
        rebuild(fleet)


def rebuild(fleet: Fleet) -> None:
    assert summaries.rebuild(fleet).failed == 0
    assert not DirtyDay.objects.filter(fleet_id=fleet.id).exists()


def assert_ends_as_at_once(
    seed: int, messages: list[dict[str, Any]], zone: str, *, together: int, late: float, **more: Any
) -> None:
    fleet, twin_fleet = (make.fleet(name, timezone=zone) for name in ("bit by bit", "at once"))
    truck, twin = (feed.truck_of(each, "T", **more) for each in (fleet, twin_fleet))
    end = messages[-1]["t"] + 300_000

    deliver(truck, seed, messages, together=together, late=late, end=end)
    feed.receive(twin, messages, end)
    rebuild(fleet)
    rebuild(twin_fleet)

    assert feed.differences(feed.summaries_of(truck), feed.summaries_of(twin)) == []
    assert feed.stored(truck) == feed.stored(twin)
    assert feed.latest(truck) == feed.latest(twin)
    assert feed.fleet_days(fleet) == feed.fleet_days(twin_fleet)


# In every run those that together have long and short nights and all three places: one takes up to half a minute.
@pytest.mark.parametrize(
    "seed", [pytest.param(n, marks=[] if n in (0, 2, 4, 6) else [pytest.mark.soak]) for n in range(10)]
)
def test_nights_message_by_message(seed: int) -> None:
    zone, day = PLACES[seed % len(PLACES)]
    midnights = [feed.midnight(day + dt.timedelta(days=n), zone) for n in range(1, 3)]
    assert_ends_as_at_once(seed, feed.nights(seed, midnights), zone, together=3, late=0.15)


@pytest.mark.parametrize("seed", [0, 1, pytest.param(2, marks=pytest.mark.soak)])
def test_days_in_batches(seed: int) -> None:
    zone, day = PLACES[seed]
    start = feed.midnight(day, zone)
    messages = feed.history(seed, start + 40_000, start + 3 * 86_400)
    assert_ends_as_at_once(seed, messages, zone, together=80, late=0.02)
