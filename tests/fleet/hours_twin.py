"""The hours of days held against the days themselves, read byte by byte: shares no code with the product."""

from collections import Counter, defaultdict
from typing import Any

from apps.fleet.models import FleetDayHours, TruckDayHours
from apps.trucks.models import TruckDay

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
