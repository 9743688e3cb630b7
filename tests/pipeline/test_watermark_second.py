"""What begins at the very second of the watermark is neither stored nor counted before the next pass.

Only with parameters that let anything be an event, however short, is there such a thing.
"""

import datetime as dt
from typing import Any

import pytest

from apps.fleet.summaries import rebuild
from apps.trucks.models import IdleEvent, SpeedingEpisode, Stop, Trip, Truck, TruckDay
from tests import rows
from tests.pipeline.feed import receive, summaries_of, truck_of

pytestmark = pytest.mark.django_db(transaction=True)
NOON = int(dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC).timestamp())
KINDS = {"trips": Trip, "stops": Stop, "idle_events": IdleEvent}


def messages(speed_before: int, speed_after: int, engine_after: int) -> list[dict[str, Any]]:
    """A message every 30 s for half an hour on either side of noon, at which the truck begins something else."""
    found, km = [], 0.0
    for t in range(NOON - 1_800, NOON + 1_801, 30):
        speed = speed_before if t < NOON else speed_after
        km += speed * 30 / 3_600
        place = {"y": 50 + km / 111.19508, "x": 9.0, "z": 100, "s": speed, "c": 0, "sc": 12}
        engine = 1 if t < NOON else engine_after
        found.append({"t": t, "f": 1, "tp": "ud", "rt": t, "pos": place, "p": {"ign": engine, "odo": round(km, 3)}})
    return found


SHORTEST = dict.fromkeys(("trip_min_s", "trip_min_m", "trip_end_s", "idle_event_min_s", "speeding_min_s"), 0)
BEGINNINGS = {
    "a trip": (0, 60, 1),
    "idling": (60, 0, 1),
    "a stop": (60, 0, 0),
    "speeding": (90, 130, 1),
}


def pass_at(truck: Truck, sent: list[dict[str, Any]], now: int) -> None:
    receive(truck, [message for message in sent if message["t"] <= now], now)
    rebuild(truck.fleet)


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_the_day_counts_what_is_stored_whatever_begins_at_the_watermark(beginning: str) -> None:
    sent, fleet = messages(*BEGINNINGS[beginning]), rows.fleet(timezone="UTC")
    rows.parameters(fleet, SHORTEST)
    truck, other = truck_of(fleet, "T-1"), truck_of(fleet, "T-2")
    for now in (NOON, NOON + 30, NOON + 1_800):
        pass_at(truck, sent, now)
        day = TruckDay.objects.get(truck_id=truck.pk)
        for column, model in KINDS.items():
            assert getattr(day, column) == model._default_manager.filter(truck_id=truck.pk).count(), (now, column)
        episodes = SpeedingEpisode.objects.filter(truck_id=truck.pk).count()
        assert day.speeding_minor + day.speeding_moderate + day.speeding_severe == episodes
    pass_at(other, sent, NOON + 1_800)
    assert summaries_of(truck) == summaries_of(other)
