"""Whether a truck's engine runs now: what its last reading says, in whatever order messages came."""

import random
from typing import Any

import pytest

from apps.trucks.messages.normal import sort_out
from apps.trucks.models import LatestValues
from tests import rows
from tests.pipeline.feed import PLAIN, deliver, truck_of

START = 1_772_400_000
NOW = START + 3_600


def some_messages(chance: random.Random) -> list[dict[str, Any]]:
    """Few seconds, so that some have several messages; many without a reading."""
    seconds = [START + chance.randrange(12) for _ in range(chance.randrange(1, 9))]
    readings: list[dict[str, Any]] = [{}, {"ign": 0}, {"ign": 1}]
    return [
        {"t": t, "rt": t + chance.randrange(3), "f": 0, "p": {"n": n, **chance.choice(readings)}}
        for n, t in enumerate(seconds)
    ]


def last_reading(messages: list[dict[str, Any]], order: dict[int, tuple[int, int, int]]) -> bool | None:
    """By plain loops: of the last second with a reading, what wins."""
    found = None
    for message in sorted(messages, key=lambda each: order[each["p"]["n"]]):
        if "ign" in message["p"]:
            found = message["p"]["ign"] == 1
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(60))
def test_the_engine_is_what_the_last_reading_says_in_whatever_order_messages_come(seed: int) -> None:
    chance = random.Random(seed)
    truck, messages = truck_of(rows.fleet(), "T", PLAIN), some_messages(chance)
    order = {each.message["p"]["n"]: (each.t, each.registered_t, each.digest) for each in sort_out(messages, NOW).data}
    chance.shuffle(messages)
    delivered: list[dict[str, Any]] = []
    while len(delivered) < len(messages):
        some = messages[len(delivered) :][: chance.randrange(1, 4)]
        deliver(truck, some, NOW)
        delivered += some
        assert LatestValues.objects.get(truck_id=truck.pk).engine_on == last_reading(delivered, order)
