"""The sums above the trucks' days, added up day by day in plain loops: shares no code with the product."""

import datetime as dt
import json
import math
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from apps.fleet.models import (
    FleetBlock,
    FleetSpan,
    FleetSpanCost,
    RankingBlock,
    TruckBlock,
    TruckDayCost,
    TruckDayFuel,
    TruckSpan,
    TruckSpanCost,
    TruckSpanFuel,
)
from apps.fleet.sums.blocks import FIGURES
from apps.fleet.sums.fleet import FIGURES as FLEET_FIGURES
from apps.trucks.models import TruckDay

COUNTED = (
    "length_s", "available_s", "moving_s", "idle_s", "idle_productive_s", "parked_s", "no_data_s", "engine_on_s",
    "night_driving_s", "messages", "dropped_values", "quarantined", "distance_m", "fuel_used_l", "idle_fuel_l", "trips",
    "stops", "idle_events", "speeding_minor", "speeding_moderate", "speeding_severe", "speeding_s", "harsh_braking",
    "harsh_acceleration", "harsh_cornering", "refuels", "refuel_l", "drains", "drain_l", "faults_opened",
)  # fmt: skip
MONEY = (
    "fuel_cost", "fuel_priced_l", "idle_cost", "idle_productive_cost", "idle_productive_fuel_l", "purchases",
    "purchased_l", "purchased_amount", "drain_cost", "drain_priced_l", "suspected_drains", "suspected_drain_l",
    "suspected_drain_cost",
)  # fmt: skip
BALANCE = ("days", "bought_l", "refuelled_l", "drained_l", "used_l", "tank_l")
WHOLE = {"purchased_l": 1000, **dict.fromkeys((name for name in MONEY if name.endswith(("cost", "amount"))), 100)}


def total(values: Iterable[Any]) -> Any:
    """The sum of what was measured; null of nothing."""
    measured = [value for value in values if value is not None]
    return sum(measured[1:], measured[0]) if measured else None


def use_of(days: list[TruckDay]) -> dict[str, int]:
    """How many days fell under each heading, and how many of those were working days."""
    found = dict.fromkeys(("days_working", "days_used_working", "days_workshop", "days_no_data"), 0)
    found |= {"days_workshop_working": 0, "days_no_data_working": 0}
    for day in days:
        why = "used" if day.is_used else "workshop" if day.in_workshop else "parked"
        if why == "parked" and day.no_data_s > day.length_s / 2:
            why = "no_data"
        for name in (f"days_{why}", *(["days_working", f"days_{why}_working"] if day.available_s else [])):
            if name in found:
                found[name] += 1
    return found


def measures_harsh(day: TruckDay) -> bool:
    return not (day.harsh_braking is None and day.harsh_acceleration is None and day.harsh_cornering is None)


def sums(days: list[TruckDay]) -> dict[str, Any]:
    """Of truck-days, one at least."""
    speeds = [day.max_speed_kmh for day in days if day.max_speed_kmh is not None]
    return {
        **{name: total(getattr(day, name) for day in days) for name in COUNTED},
        "trucks": len(days),
        "trucks_used": sum(day.is_used for day in days),
        **use_of(days),
        "engine_moving_s": total(day.moving_s for day in days if day.engine_on_s is not None),
        "fuel_distance_m": total(day.distance_m for day in days if day.fuel_used_l is not None),
        "consumption_l": total(day.fuel_used_l for day in days if day.distance_m is not None),
        "consumption_days": sum(day.fuel_used_l is not None and day.distance_m is not None for day in days),
        "harsh_distance_m": total(day.distance_m for day in days if measures_harsh(day)),
        "max_speed_kmh": max(speeds) if speeds else None,
        "as_of": min(day.as_of for day in days),
    }


def cost_sums(costs: Iterable[TruckDayCost]) -> dict[tuple[str, str], Decimal]:
    found: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for cost in costs:
        found[cost.line, cost.source] += cost.amount
    return dict(found)


def same(ours: Any, true: Any) -> bool:
    """Whole numbers and money to the last digit, litres as far as the order of adding up may change them."""
    if isinstance(true, float) and ours is not None:
        return math.isclose(ours, true, rel_tol=1e-12, abs_tol=1e-9)
    return bool(ours == true)


def assert_same(row: Any, true: dict[str, Any]) -> None:
    values = row if isinstance(row, dict) else vars(row)
    differing = {name: (values[name], value) for name, value in true.items() if not same(values[name], value)}
    assert not differing


def bounds(span: str, day: dt.date) -> tuple[dt.date, dt.date]:
    """First and last day of the span that a day lies in."""
    if span == "day":
        return day, day
    month_end = (day.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)
    if span == "month":
        return day.replace(day=1), month_end
    first = next(start for start in (26, 21, 16, 11, 6, 1) if start <= day.day)
    last = month_end if first == 26 else day.replace(day=first + 4)
    return day.replace(day=first), last


def assert_spans_add_up(fleet_id: int) -> None:
    """All that stands in the tables of spans is the sum of the days there are, and nothing else stands there."""
    days = list(TruckDay.objects.filter(fleet_id=fleet_id))
    costs = list(TruckDayCost.objects.filter(fleet_id=fleet_id))
    money = list(TruckDayFuel.objects.filter(fleet_id=fleet_id))
    for span in ("pentad", "month"):
        _assert_trucks(fleet_id, span, days, costs)
        _assert_fuel(fleet_id, span, money)
        _assert_fleet(fleet_id, span, days, costs, money)
    assert_blocks_hold(fleet_id, days, costs, money)
    _assert_fleet_blocks(fleet_id, days, costs, money)
    assert_rankings_hold(fleet_id, days)


def assert_rankings_hold(fleet_id: int, days: list[TruckDay]) -> None:
    """The same of what trucks are ranked by, of 4,096 of them in a row."""
    packed = {}
    for row in RankingBlock.objects.filter(fleet_id=fleet_id):
        for slot, values in _ranked(bytes(row.idling)):
            packed[row.span, row.first_day, 4_096 * row.part + slot] = values
    names = ("idle_s", "idle_productive_s", "length_s", "no_data_s")
    true = {key: [total(getattr(day, name) for day in each) for name in names] for key, each in _by_piece(days).items()}
    assert packed == true


def _ranked(packed: bytes) -> Iterator[tuple[int, list[int | None]]]:
    """Slots and figures: each column is one double for all, or has as few bytes as hold it, the largest being null."""
    count, kinds = struct.unpack_from("<H5s", packed)
    at, columns = 7, []
    for kind in kinds.decode():
        layout = "<d" if kind == "=" else f"<{count}{kind}"
        values = struct.unpack_from(layout, packed, at)
        at += struct.calcsize(layout)
        null = {"H": 65_535, "I": 4_294_967_295}.get(kind)
        found = [None if value in (null, math.inf) or value != value else int(value) for value in values]
        columns.append(found * (count if kind == "=" else 1))
        assert kind == _narrowest(columns[-1])
    assert (at, count > 0) == (len(packed), True)
    for turn, (empty, *figures) in enumerate(zip(*columns, strict=True)):
        assert empty is not None
        yield turn + empty, figures


def _narrowest(values: list[int | None]) -> str:
    if len(set(values)) == 1:
        return "="
    largest = max(value for value in values if value is not None)
    return "H" if largest < 65_535 else "I" if largest < 4_294_967_295 else "d"


def assert_blocks_hold(
    fleet_id: int, days: list[TruckDay], costs: list[TruckDayCost], money: list[TruckDayFuel]
) -> None:
    """All that is packed is the sum of the days there are, and nothing else is."""
    packed, packed_costs, used = {}, {}, set()
    for block in TruckBlock.objects.filter(fleet_id=fleet_id):
        key = block.span, block.first_day
        assert block.figures or block.costs or block.drivers or block.driver_costs or block.places or block.hours
        for truck_id, *values in zip(*columns_of(block.figures, 1 + len(FIGURES)), strict=True):
            assert truck_id // 64 == block.block
            packed[*key, int(truck_id)] = dict(zip(FIGURES, values, strict=True))
        names, _, columns = bytes(block.costs).partition(b"\n")
        lines = json.loads(names or b"[]")
        for truck_id, *cents in zip(*columns_of(columns, 1 + len(lines)), strict=True):
            each = zip(map(tuple, lines), cents, strict=True)
            packed_costs[*key, int(truck_id)] = {line: Decimal(int(v)) / 100 for line, v in each if v is not None}
        used |= {(*key, 64 * block.block + bit) for bit in range(64) if block.used >> bit & 1}
    true = {key: _whole(sums(each)) for key, each in _by_piece(days).items()}
    for key, each in _by_piece(money).items():
        true[key] |= _whole({name: total(getattr(day, name) for day in each) for name in MONEY})
        true[key] |= {f"balance_{name}": total(getattr(day, f"balance_{name}") for day in each) for name in BALANCE}
    assert packed.keys() == true.keys()
    for key, row in packed.items():
        assert_same(row, true[key])
    assert packed_costs == {key: cost_sums(each) for key, each in _by_piece(costs).items()}
    assert used == {key for key, row in true.items() if row["trucks_used"]}


def _assert_fleet_blocks(
    fleet_id: int, days: list[TruckDay], costs: list[TruckDayCost], money: list[TruckDayFuel]
) -> None:
    """The same of what is packed of the fleet: its sums, its costs, and who was used."""
    packed, packed_costs, used = {}, {}, {}
    for row in FleetBlock.objects.filter(fleet_id=fleet_id):
        key = row.span, row.first_day
        assert row.figures or row.costs
        for values in zip(*columns_of(row.figures, len(FLEET_FIGURES)), strict=True):
            packed[key] = dict(zip(FLEET_FIGURES, values, strict=True))
        if row.costs:
            packed_costs[key] = {(line, source): Decimal(cents) / 100 for line, source, cents in json.loads(row.costs)}
        numbers = [number for (number,) in struct.iter_unpack("<Q", row.used)]
        half = len(numbers) // 2
        if numbers:
            pairs = zip(numbers[:half], numbers[half:], strict=True)
            used[key] = {64 * block + bit for block, bits in pairs for bit in range(64) if bits >> bit & 1}
    true = {key: _whole(sums(each)) for key, each in _of_fleet(days).items()}
    for key, each in _of_fleet(days).items():
        del true[key]["max_speed_kmh"]
        true[key]["days"] = len({day.day for day in each})
    for key, each in _of_fleet(money).items():
        true[key] |= _whole({name: total(getattr(day, name) for day in each) for name in MONEY})
        true[key] |= {f"balance_{name}": total(getattr(day, f"balance_{name}") for day in each) for name in BALANCE}
    assert packed.keys() == true.keys()
    for key, row in packed.items():
        assert_same(row, true[key])
    assert packed_costs == {key: cost_sums(each) for key, each in _of_fleet(costs).items()}
    who = {key: {day.truck_id for day in each if day.is_used} for key, each in _of_fleet(days).items()}
    assert used == {key: trucks for key, trucks in who.items() if trucks}


def _of_fleet(rows: Iterable[Any]) -> dict[Any, list[Any]]:
    """By kind of span, days too, and first day."""
    found: defaultdict[Any, list[Any]] = defaultdict(list)
    for (span, first, _), each in _by_piece(rows).items():
        found[span, first] += each
    return found


def columns_of(packed: bytes, number: int) -> list[list[float | None]]:
    """Little-endian doubles, one column after another; NaN is null."""
    values = [None if math.isnan(value) else value for (value,) in struct.iter_unpack("<d", packed)]
    height = len(values) // number
    assert len(values) == height * number
    return [values[place * height : (place + 1) * height] for place in range(number)]


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    """As it is packed: decimals in units of their last place; without what is not packed."""
    return {
        name: value if value is None or name not in WHOLE else int(value * WHOLE[name])
        for name, value in row.items()
        if name != "as_of"
    }


def _by_piece(rows: Iterable[Any]) -> dict[Any, list[Any]]:
    """By kind of span, days too, first day and truck."""
    found: defaultdict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        for span in ("day", "pentad", "month"):
            found[span, bounds(span, row.day)[0], row.truck_id].append(row)
    return found


def _assert_fuel(fleet_id: int, span: str, money: list[TruckDayFuel]) -> None:
    of: defaultdict[Any, list[TruckDayFuel]] = defaultdict(list)
    for day in money:
        of[bounds(span, day.day)[0], day.truck_id].append(day)
    stored = {(row.first_day, row.truck_id): row for row in TruckSpanFuel.objects.filter(fleet_id=fleet_id, span=span)}
    assert stored.keys() == of.keys()
    for key, row in stored.items():
        assert_same(row, {name: total(getattr(day, name) for day in of[key]) for name in MONEY})


def _assert_trucks(fleet_id: int, span: str, days: list[TruckDay], costs: list[TruckDayCost]) -> None:
    of: defaultdict[Any, list[TruckDay]] = defaultdict(list)
    costs_of: defaultdict[Any, list[TruckDayCost]] = defaultdict(list)
    for day in days:
        of[bounds(span, day.day)[0], day.truck_id].append(day)
    for cost in costs:
        costs_of[bounds(span, cost.day)[0], cost.truck_id].append(cost)
    stored = {(row.first_day, row.truck_id): row for row in TruckSpan.objects.filter(fleet_id=fleet_id, span=span)}
    assert stored.keys() == of.keys()
    for key, row in stored.items():
        assert_same(row, sums(of[key]))
    stored_costs = {
        (row.first_day, row.truck_id, row.line, row.source): row.amount
        for row in TruckSpanCost.objects.filter(fleet_id=fleet_id, span=span)
    }
    assert stored_costs == {
        (*key, *which): amount for key, each in costs_of.items() for which, amount in cost_sums(each).items()
    }


def _assert_fleet(
    fleet_id: int, span: str, days: list[TruckDay], costs: list[TruckDayCost], money: list[TruckDayFuel]
) -> None:
    of: defaultdict[dt.date, list[TruckDay]] = defaultdict(list)
    costs_of: defaultdict[dt.date, list[TruckDayCost]] = defaultdict(list)
    money_of: defaultdict[dt.date, list[TruckDayFuel]] = defaultdict(list)
    for rows, found in ((days, of), (costs, costs_of), (money, money_of)):
        for row in rows:
            found[bounds(span, row.day)[0]].append(row)
    stored = {row.first_day: row for row in FleetSpan.objects.filter(fleet_id=fleet_id, span=span)}
    assert stored.keys() == of.keys()
    for first, row in stored.items():
        true = sums(of[first]) | {name: total(getattr(each, name) for each in money_of[first]) for name in MONEY}
        true["days"] = len({day.day for day in of[first]})
        del true["max_speed_kmh"]
        assert_same(row, true)
    stored_costs = {
        (row.first_day, row.line, row.source): row.amount
        for row in FleetSpanCost.objects.filter(fleet_id=fleet_id, span=span)
    }
    assert stored_costs == {
        (first, *which): amount for first, each in costs_of.items() for which, amount in cost_sums(each).items()
    }
