"""The hours of days held against the days themselves, read byte by byte: shares no code with the product."""

from collections import Counter, defaultdict
from typing import Any

from apps.fleet.models import FleetDayHours, TruckBlock, TruckDayHours
from apps.trucks.models import TruckDay
from tests.fleet.span_twin import bounds

STATES = ("moving_s", "idle_s", "idle_productive_s", "parked_s", "no_data_s")
WIDTH = 2  # bytes of a number


def hours_of(packed: bytes) -> list[dict[str, int]]:
    """By hour; the first byte says whether the engine is measured."""
    numbers = [int.from_bytes(packed[at : at + WIDTH], "little") for at in range(1, len(packed), WIDTH)]
    assert len(numbers) == 24 * len(STATES)
    return [dict(zip(STATES, numbers[at : at + len(STATES)], strict=True)) for at in range(0, len(numbers), 5)]


def fleet_hours_of(packed: bytes) -> list[dict[str, int]]:
    names = (*STATES, "engine_moving_s")
    numbers = [int.from_bytes(packed[at : at + 8], "little") for at in range(0, len(packed), 8)]
    assert len(numbers) == 24 * len(names)
    return [dict(zip(names, numbers[at : at + len(names)], strict=True)) for at in range(0, len(numbers), len(names))]


def total(hours: list[dict[str, int]]) -> Counter[str]:
    return sum((Counter(hour) for hour in hours), Counter())


def assert_hours_add_up(fleet_id: int) -> None:
    """Every truck-day's hours add up to it, every fleet's hour is the sum of its trucks', and there are no others."""
    days = {(row.day, row.truck_id): row for row in TruckDay.objects.filter(fleet_id=fleet_id)}
    stored = {(row.day, row.truck_id): row for row in TruckDayHours.objects.filter(fleet_id=fleet_id)}
    assert stored.keys() == days.keys()
    sums: defaultdict[Any, list[Counter[str]]] = defaultdict(lambda: [Counter() for _ in range(24)])
    for key, row in stored.items():
        hours, day = hours_of(row.hours), days[key]
        assert total(hours) == +Counter({name: getattr(day, name) or 0 for name in STATES}), key
        assert row.hours[0] == (day.engine_on_s is not None)
        for number, hour in enumerate(hours):
            sums[key[0]][number] += Counter(hour)
            if day.engine_on_s is not None:
                sums[key[0]][number]["engine_moving_s"] += hour["moving_s"]
    fleet = {row.day: fleet_hours_of(row.hours) for row in FleetDayHours.objects.filter(fleet_id=fleet_id)}
    assert fleet.keys() == sums.keys()
    for day, hours in fleet.items():
        assert [+Counter(hour) for hour in hours] == [+hour for hour in sums[day]], day
    assert_hours_packed(fleet_id)


def assert_hours_packed(fleet_id: int) -> None:
    """What is packed of trucks, by day, pentad and month, is the sums of their days, and there is nothing else."""
    sums: defaultdict[Any, list[Counter[str]]] = defaultdict(lambda: [Counter() for _ in range(24)])
    for row in TruckDayHours.objects.filter(fleet_id=fleet_id):
        for span in ("day", "pentad", "month"):
            hours = sums[span, bounds(span, row.day)[0], row.truck_id]
            for number, hour in enumerate(hours_of(row.hours)):
                hours[number] += Counter(hour | {"engine_moving_s": hour["moving_s"] if row.hours[0] else 0})
    packed = {}
    for block in TruckBlock.objects.filter(fleet_id=fleet_id):
        for slot, hours in block_hours_of(bytes(block.hours)).items():
            packed[block.span, block.first_day, 64 * block.block + slot] = hours
    assert packed.keys() == sums.keys()
    for key, hours in packed.items():
        assert [+Counter(hour) for hour in hours] == [+hour for hour in sums[key]], key


def block_hours_of(packed: bytes) -> dict[int, list[dict[str, int]]]:
    """By slot: a byte for the width of a number, one for each slot, then the numbers, truck by truck, hour by hour."""
    if not packed:
        return {}
    names, width = (*STATES, "engine_moving_s"), packed[0]
    trucks, rest = divmod(len(packed) - 1, 1 + 24 * len(names) * width)
    slots, numbers = packed[1 : 1 + trucks], packed[1 + trucks :]
    assert (rest, width in (2, 4), list(slots)) == (0, True, sorted(set(slots)))
    values = [int.from_bytes(numbers[at : at + width], "little") for at in range(0, len(numbers), width)]
    each = [dict(zip(names, values[at : at + len(names)], strict=True)) for at in range(0, len(values), len(names))]
    return {slot: each[24 * turn : 24 * turn + 24] for turn, slot in enumerate(slots)}
