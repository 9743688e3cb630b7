"""Where trucks idled, added up from the idle events in plain loops: shares no code with the product."""

import json
import math
import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from apps.fleet.models import IdlePlaceSpan, TruckBlock, TruckDayIdlePlace
from apps.trucks.models import IdleEvent
from tests.fleet.span_twin import bounds, same, total

EARTH_M = 6_371_008.8
CELL_DEGREES = 250 / (2 * math.pi * EARTH_M) * 360
# Productive litres are no part of an event: they are looked at in tests of their own.
SUMS = ("events", "idle_s", "productive_s", "fuel_l", "cost")
SPANS = ("day", "pentad", "month")
PACKED = ("events", "idle_s", "fuel_l", "cost", "productive_s", "productive_fuel_l", "productive_cost")


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
    """Every row, and whatever is packed, is the sum of the idle events that started then and there; there is nothing
    else. What is packed has the productive litres and money of the rows."""
    days: defaultdict[Any, list[IdleEvent]] = defaultdict(list)
    blocks: defaultdict[Any, list[IdleEvent]] = defaultdict(list)
    for event in IdleEvent.objects.filter(fleet_id=fleet_id):
        days[event.day, spot_of(event), event.truck_id].append(event)
        for span in SPANS:
            blocks[span, bounds(span, event.day)[0], event.truck_id, spot_of(event)].append(event)
    rows = list(TruckDayIdlePlace.objects.filter(fleet_id=fleet_id))
    stored = {(row.day, row.spot, row.truck_id): {name: getattr(row, name) for name in SUMS} for row in rows}
    assert_sums(stored, {key: sums(events) for key, events in days.items()})
    packed = unpacked(fleet_id)
    assert_sums(packed, {key: sums(events) for key, events in blocks.items()})
    assert_packed(fleet_id, rows)


def assert_packed(fleet_id: int, rows: list[TruckDayIdlePlace]) -> None:
    """What is packed of trucks, and of many together, is the sums of the rows, or not there until it is due."""
    assert_sums(unpacked(fleet_id), sums_of_rows(rows))
    spans = list(IdlePlaceSpan.objects.filter(fleet_id=fleet_id))
    assert {bytes(span.places) for span in spans if span.due_at} <= {b""}
    are_there = {(span.span, span.first_day, span.part) for span in spans if not span.due_at}
    assert {(span.span, span.first_day, span.part) for span in spans} >= {key[:3] for key in _of_many(rows)}
    ours = {
        (span.span, span.first_day, span.part, spot): figures
        for span in spans
        for slot, spot, figures in _unpacked(bytes(span.places))
        if slot == 0
    }
    assert_sums(ours, {key: row for key, row in _of_many(rows).items() if key[:3] in are_there})
    for span in spans:
        assert_head(span)


def assert_head(span: IdlePlaceSpan) -> None:
    """The worst of its cells and all other places, what the others have at most, and which cells there are."""
    every = {spot: figures for _, spot, figures in _unpacked(bytes(span.places))}
    head = {spot: figures for _, spot, figures in _unpacked(bytes(span.worst))}
    cells = {spot: each["idle_s"] - each["productive_s"] for spot, each in every.items() if spot.startswith("@")}
    worst = sorted(cells, key=lambda spot: -cells[spot])[:256]
    assert sorted(cells[spot] for spot in head if spot in cells) == sorted(cells[spot] for spot in worst)
    assert head == {spot: every[spot] for spot in every if spot in head or spot not in cells}
    assert span.left_s == max((seconds for spot, seconds in cells.items() if spot not in head), default=-1)
    numbers = sorted(int(row) * 2**18 + int(column) for row, column in (spot[1:].split(".") for spot in cells))
    assert _cells(bytes(span.cells)) == numbers


def _cells(packed: bytes) -> list[int]:
    """The first number in eight bytes, behind how many bytes each has that is more than it."""
    if not packed:
        return []
    (base,) = struct.unpack_from("<q", packed, 1)
    kind = packed[:1].decode()
    found = [base + more for (more,) in struct.iter_unpack(f"<{kind}", packed[9:])]
    assert (kind == "I") == (found[-1] - base < 2**32)
    return found


def assert_sums(ours: dict[Any, dict[str, Any]], true: dict[Any, dict[str, Any]]) -> None:
    assert ours.keys() == true.keys()
    for key, row in true.items():
        differing = {name: (ours[key][name], value) for name, value in row.items() if not same(ours[key][name], value)}
        assert not differing, key


def sums_of_rows(rows: list[TruckDayIdlePlace]) -> dict[Any, dict[str, Any]]:
    """By kind of span, first day, truck and place."""
    return _sums_by(rows, SPANS, lambda row: row.truck_id)


def _of_many(rows: list[TruckDayIdlePlace]) -> dict[Any, dict[str, Any]]:
    """By kind of span, first day, 16,384 trucks, and place."""
    return _sums_by(rows, SPANS, lambda row: row.truck_id // 16_384)


def _sums_by(
    rows: list[TruckDayIdlePlace], spans: tuple[str, ...], whose: Callable[[TruckDayIdlePlace], int]
) -> dict[Any, dict[str, Any]]:
    found: defaultdict[Any, list[TruckDayIdlePlace]] = defaultdict(list)
    for row in rows:
        for span in spans:
            found[span, bounds(span, row.day)[0], whose(row), row.spot].append(row)
    return {key: {name: total(getattr(row, name) for row in each) for name in PACKED} for key, each in found.items()}


def unpacked(fleet_id: int) -> dict[Any, dict[str, Any]]:
    """The same as it is packed: places that are no cells as texts, then a column for each sum that is no productive
    one, of as few bytes as hold it, then doubles of the entries that have any."""
    found = {}
    for block in TruckBlock.objects.filter(fleet_id=fleet_id):
        for slot, spot, figures in _unpacked(bytes(block.places)):
            key = block.span, block.first_day, 64 * block.block + slot, spot
            assert key not in found
            found[key] = figures
    return found


def _unpacked(packed: bytes) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Slot of the truck, place, sums."""
    head, _, columns = packed.partition(b"\n")
    number, kinds, *others = json.loads(head or b'[0, "HHHHH"]')
    end = len(columns) - 32 * number
    height = end // struct.calcsize(f"<{kinds}")
    layout = "<" + "".join(f"{height}{kind}" for kind in kinds)
    assert (struct.calcsize(layout), height > 0) == (end, bool(packed))
    values = struct.unpack(layout, columns[:end])
    whole = [values[height * place : height * (place + 1)] for place in range(5)]
    assert list(kinds) == [narrowest(column) for column in whole]
    doubles = [value for (value,) in struct.iter_unpack("<d", columns[end:])]
    productive = [doubles[place::number] for place in range(number)]
    parts = {int(turn): dict(zip(PACKED[4:], figures, strict=True)) for turn, *figures in productive}
    assert len(parts) == number
    assert list(whole[0]) == sorted(whole[0])
    for turn, (key, *figures) in enumerate(zip(*whole, strict=True)):
        cell, slot = divmod(int(key), 64)
        row, column = divmod(cell, 2**18)
        sums = dict(zip(PACKED, figures, strict=False))
        nothing = {"productive_s": 0, "productive_fuel_l": sums["fuel_l"] * 0, "productive_cost": sums["cost"] * 0}
        sums |= parts.get(turn, nothing)
        spot = f"@{row}.{column}" if cell >= 0 else others[-1 - cell]
        yield slot, spot, {name: _as_stored(name, value) for name, value in sums.items()}


def narrowest(column: Sequence[float]) -> str:
    """What holds all of these as they are: whole numbers of two bytes or of four, else doubles."""
    if all(value >= 0 and float(value).is_integer() for value in column):
        return "H" if max(column, default=0) < 65_536 else "I" if max(column) < 4_294_967_296 else "d"
    return "d"


def _as_stored(name: str, value: float) -> Any:
    if math.isnan(value):
        return None
    if name.endswith("cost"):
        return Decimal(int(value)) / 100
    return value if name.endswith("fuel_l") else int(value)
