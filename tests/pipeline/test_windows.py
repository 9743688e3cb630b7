"""However much of a truck's history is read at first, its days come out the same."""

import datetime as dt
from typing import Any

import pytest

from apps.fleet import summaries
from apps.trucks import invalidation
from apps.trucks.detection import excerpt
from apps.trucks.messages import reads
from apps.trucks.messages.normal import StoredMessages
from apps.trucks.models import Truck, TruckDay
from tests import rows as make
from tests.pipeline import feed

pytestmark = pytest.mark.django_db
DAY_S = 86_400
ZONE = "Europe/Berlin"
FIRST = dt.date(2026, 3, 27)  # the night after next the clocks change
NIGHTS = [feed.midnight(FIRST + dt.timedelta(days=n), ZONE) for n in range(1, 5)]
GUESSES = [(60, 60), (60, 40 * DAY_S), (40 * DAY_S, 60), (900, 7_200)]


def truck_with(messages: list[dict[str, Any]], name: str = "T") -> Truck:
    truck = feed.truck_of(make.fleet(timezone=ZONE), name)
    feed.receive(truck, messages, NIGHTS[-1] + DAY_S // 2)
    summaries.rebuild(truck.fleet)
    return truck


def one_by_one(truck: Truck) -> None:
    """Every day again, each by itself."""
    for day in TruckDay.objects.filter(truck_id=truck.pk).values_list("day", flat=True):
        invalidation.mark(truck.fleet_id, [(truck.pk, day)], "staff")
        assert summaries.rebuild(truck.fleet).changed == 0


@pytest.mark.parametrize("seed", range(3))
def test_the_first_guess_does_not_matter(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    truck = truck_with(feed.nights(seed, NIGHTS))
    before = feed.summaries_of(truck)
    for before_s, after_s in GUESSES:
        monkeypatch.setattr(excerpt, "BEFORE_S", before_s)
        monkeypatch.setattr(excerpt, "AFTER_S", after_s)
        one_by_one(truck)
    assert feed.differences(before, feed.summaries_of(truck)) == []


def test_nothing_is_read_twice_where_little_was_read_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """It drives without a rest from the afternoon on, over midnight, and into the next evening."""
    start = NIGHTS[1] - 9 * 3_600
    drive = [message(t, 70) for t in range(start, start + 30 * 3_600, 60)]
    truck = truck_with([message(start - 9 * 3_600, 0), *drive, message(drive[-1]["t"] + 600, 0)])
    read: list[StoredMessages] = []
    stored_messages = reads.stored_messages

    def noted(*arguments: Any) -> StoredMessages:
        read.append(stored_messages(*arguments))
        return read[-1]

    monkeypatch.setattr(reads, "stored_messages", noted)
    day = FIRST + dt.timedelta(days=2)
    invalidation.mark(truck.fleet_id, [(truck.pk, day)], "staff")
    assert summaries.rebuild(truck.fleet).changed == 0
    seconds = [t for part in read for t in part.t.tolist()]
    assert len(read) > 2
    assert len(seconds) == len(set(seconds)) == len(drive) + 2


def test_a_speed_is_carried_into_the_window_over_a_fix_that_has_none() -> None:
    """Nothing but the speed of long ago tells that it moves."""
    start = NIGHTS[1] - 5 * DAY_S
    without = [message(t, None) for t in range(start + 600, NIGHTS[1] + DAY_S, 600)]
    truck = truck_with([message(start, 70), *without])
    before = feed.summaries_of(truck)
    assert TruckDay.objects.get(truck_id=truck.pk, day=FIRST + dt.timedelta(days=2)).moving_s == 82_800
    one_by_one(truck)
    assert feed.differences(before, feed.summaries_of(truck)) == []


def message(t: int, speed: int | None) -> dict[str, Any]:
    place = {"y": 50 + (t - NIGHTS[0]) / 5e6, "x": 9.0, "z": 100, "c": 0, "sc": 9}
    return {"t": t, "f": 1, "tp": "ud", "pos": place | ({} if speed is None else {"s": speed}), "p": {"ign": 1}}
