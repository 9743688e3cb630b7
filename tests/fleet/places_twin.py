"""Where trucks idled, added up from the idle events in plain loops: shares no code with the product."""

import math
from collections import defaultdict
from typing import Any

from apps.fleet.models import FleetSpanIdlePlace, TruckDayIdlePlace
from apps.trucks.models import IdleEvent
from tests.fleet.span_twin import bounds, same, total

EARTH_M = 6_371_008.8
CELL_DEGREES = 250 / (2 * math.pi * EARTH_M) * 360
# Productive litres are no part of an event: they are looked at in tests of their own.
SUMS = ("events", "idle_s", "productive_s", "fuel_l", "cost")


def spot_of(event: IdleEvent) -> str:
    """A named place, or row and column of a grid with columns as wide as its rows are high, as nearly as they fit."""
    if event.productive_place is not None:
        return f"={event.productive_place}"
    if event.lat is None or event.lon is None:
        return "?"
    row = int((event.lat + 90) / CELL_DEGREES)
    middle = math.radians((row + 0.5) * CELL_DEGREES - 90)
    around_m = 2 * math.pi * EARTH_M * math.cos(middle)
    columns = max(1, round(around_m / 250))
    return f"@{row}.{int((event.lon + 180) / (360 / columns))}"


def sums(events: list[IdleEvent]) -> dict[str, Any]:
    return {
        "events": len(events),
        "idle_s": sum(event.duration_s for event in events),
        "productive_s": sum(event.productive_s for event in events),
        "fuel_l": total(event.fuel_l for event in events),
        "cost": total(event.cost for event in events),
    }


def assert_places_add_up(fleet_id: int) -> None:
    """Every row is the sum of the idle events that started then and there, and there are no others."""
    days: defaultdict[Any, list[IdleEvent]] = defaultdict(list)
    spans: defaultdict[Any, list[IdleEvent]] = defaultdict(list)
    for event in IdleEvent.objects.filter(fleet_id=fleet_id):
        spot = spot_of(event)
        days[event.day, spot, event.truck_id].append(event)
        for span in ("pentad", "month"):
            spans[span, bounds(span, event.day)[0], spot].append(event)
    stored: dict[Any, Any] = {
        (row.day, row.spot, row.truck_id): row for row in TruckDayIdlePlace.objects.filter(fleet_id=fleet_id)
    }
    above: dict[Any, Any] = {
        (row.span, row.first_day, row.spot): row for row in FleetSpanIdlePlace.objects.filter(fleet_id=fleet_id)
    }
    for rows, events in ((stored, days), (above, spans)):
        assert rows.keys() == events.keys()
        for key, row in rows.items():
            true = sums(events[key])
            assert all(same(getattr(row, name), true[name]) for name in SUMS), key
