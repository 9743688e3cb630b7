"""What drivers did, added up in plain loops: to the trucks' days, and to the spans of a driver in a truck."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from apps.fleet.models import (
    DriverBlock,
    FleetBlock,
    TruckBlock,
    TruckDayCost,
    TruckDayDriver,
    TruckDayDriverCost,
    TruckDayFuel,
    TruckSpanDriver,
    TruckSpanDriverCost,
)
from apps.fleet.sums.blocks import DRIVER_FIGURES
from apps.trucks.models import TruckDay
from tests.fleet.span_twin import assert_same, bounds, columns_of, measures_harsh, total

COUNTED = (
    "length_s", "moving_s", "idle_s", "idle_productive_s", "parked_s", "no_data_s", "engine_on_s", "night_driving_s",
    "distance_m", "fuel_used_l", "idle_fuel_l", "trips", "idle_events", "speeding_minor", "speeding_moderate",
    "speeding_severe", "speeding_s", "harsh_braking", "harsh_acceleration", "harsh_cornering",
)  # fmt: skip
SPANS = ("day", "pentad", "month")
MONEY = ("fuel_cost", "fuel_priced_l", "idle_cost", "idle_productive_cost", "idle_productive_fuel_l")


def sums(rows: list[TruckDayDriver]) -> dict[str, Any]:
    """Of at least one."""
    speeds = [row.max_speed_kmh for row in rows if row.max_speed_kmh is not None]
    highest = max(speeds) if speeds else None
    summed = {
        name: total(getattr(row, name) for row in rows)
        for name in (*COUNTED, *MONEY, "fuel_distance_m", "consumption_l", "harsh_distance_m")
    }
    return {**summed, "max_speed_kmh": highest}


def assert_drivers_add_up(fleet_id: int) -> None:
    """The drivers of each truck's day are the day, each driver's spans are their days, and there is nothing else."""
    rows = list(TruckDayDriver.objects.filter(fleet_id=fleet_id))
    _assert_days(fleet_id, rows)
    _assert_costs(fleet_id, rows)
    _assert_blocks(fleet_id, rows)
    for span in ("pentad", "month"):
        of: defaultdict[Any, list[TruckDayDriver]] = defaultdict(list)
        for row in rows:
            of[bounds(span, row.day)[0], row.truck_id, row.driver_id].append(row)
        stored = TruckSpanDriver.objects.filter(fleet_id=fleet_id, span=span)
        by_key = {(row.first_day, row.truck_id, row.driver_id): row for row in stored}
        assert by_key.keys() == of.keys()
        for key, row in by_key.items():
            assert_same(row, {**sums(of[key]), "days": len(of[key])})


def _assert_days(fleet_id: int, rows: list[TruckDayDriver]) -> None:
    of: defaultdict[Any, list[TruckDayDriver]] = defaultdict(list)
    for row in rows:
        of[row.truck_id, row.day].append(row)
    days = {(day.truck_id, day.day): day for day in TruckDay.objects.filter(fleet_id=fleet_id)}
    fuel = {(row.truck_id, row.day): row for row in TruckDayFuel.objects.filter(fleet_id=fleet_id)}
    assert of.keys() == days.keys()
    for key, day in days.items():
        own = sums(of[key])
        true = {name: getattr(day, name) for name in (*COUNTED, "max_speed_kmh")}
        true |= {name: getattr(fuel[key], name) if key in fuel else None for name in MONEY}
        true["fuel_distance_m"] = None if day.fuel_used_l is None else day.distance_m
        true["harsh_distance_m"] = day.distance_m if measures_harsh(day) else None
        true["consumption_l"] = None if day.distance_m is None else day.fuel_used_l
        differing = {name: (own[name], value) for name, value in true.items() if not _same(own[name], value)}
        assert not differing, (key, differing)


def _same(ours: Any, true: Any) -> bool:
    """Whole numbers and money to the last digit, litres within 1e-9."""
    if isinstance(true, float) and ours is not None:
        return math.isclose(ours, true, rel_tol=1e-9, abs_tol=1e-9)
    return bool(ours == true)


def _assert_costs(fleet_id: int, drivers: list[TruckDayDriver]) -> None:
    """What drivers bear is what their truck costs, by day, line and source; their spans are their days; nobody else
    bears anything."""
    rows = list(TruckDayDriverCost.objects.filter(fleet_id=fleet_id))
    there = {(row.truck_id, row.day, row.driver_id) for row in drivers}
    assert {(row.truck_id, row.day, row.driver_id) for row in rows} <= there
    borne: defaultdict[Any, Decimal] = defaultdict(Decimal)
    for row in rows:
        borne[row.truck_id, row.day, row.line, row.source] += row.amount
    costs = TruckDayCost.objects.filter(fleet_id=fleet_id).exclude(truck_id=0)
    assert borne == {(cost.truck_id, cost.day, cost.line, cost.source): cost.amount for cost in costs}
    for span in ("pentad", "month"):
        of: defaultdict[Any, Decimal] = defaultdict(Decimal)
        for row in rows:
            of[bounds(span, row.day)[0], row.truck_id, row.driver_id, row.line, row.source] += row.amount
        stored = TruckSpanDriverCost.objects.filter(fleet_id=fleet_id, span=span)
        assert of == {(row.first_day, row.truck_id, row.driver_id, row.line, row.source): row.amount for row in stored}


def _assert_blocks(fleet_id: int, rows: list[TruckDayDriver]) -> None:
    """What is packed of drivers is the sum of their days, and nothing else is."""
    assert_packed_by_driver(fleet_id, rows)
    costs = {}
    for block in TruckBlock.objects.filter(fleet_id=fleet_id):
        head, _, packed = bytes(block.driver_costs).partition(b"\n")
        lines = json.loads(head or b"[]")
        for truck_id, driver_id, *cents in zip(*columns_of(packed, 2 + len(lines)), strict=True):
            for (line, source), value in zip(lines, cents, strict=True):
                if value is not None:
                    costs[block.span, block.first_day, truck_id, driver_id, line, source] = Decimal(int(value)) / 100
    borne: defaultdict[Any, Decimal] = defaultdict(Decimal)
    for span in SPANS:
        for cost in TruckDayDriverCost.objects.filter(fleet_id=fleet_id):
            borne[span, bounds(span, cost.day)[0], cost.truck_id, cost.driver_id, cost.line, cost.source] += cost.amount
    assert costs == borne


def assert_packed_by_driver(fleet_id: int, rows: list[TruckDayDriver]) -> None:
    """Blocks of trucks have all drivers, those of drivers all but nobody; beside stands what all of them come to."""
    trucks, drivers = TruckBlock.objects.filter(fleet_id=fleet_id), DriverBlock.objects.filter(fleet_id=fleet_id)
    of: defaultdict[Any, list[TruckDayDriver]] = defaultdict(list)
    for span in SPANS:
        for row in rows:
            of[span, bounds(span, row.day)[0], row.truck_id, row.driver_id].append(row)
    _assert_figures(_figures(trucks, 0), of)
    _assert_figures(_figures(drivers, 1), {key: each for key, each in of.items() if key[-1]})
    assert all(block.drivers for block in drivers)
    together: defaultdict[Any, list[TruckDayDriver]] = defaultdict(list)
    for (span, first, truck_id, driver_id), each in of.items():
        together[span, first, truck_id // 64, driver_id > 0] += each
        together[span, first, None, driver_id > 0] += each
    fleets = FleetBlock.objects.filter(fleet_id=fleet_id)
    found = {(row.span, row.first_day, row.block): row.driver_totals for row in trucks}
    found |= {(row.span, row.first_day, None): row.driver_totals for row in fleets}
    totals = {
        (*key, is_known): dict(zip(DRIVER_FIGURES, numbers[start : start + len(DRIVER_FIGURES)], strict=True))
        for key, packed in found.items()
        for [numbers] in [columns_of(packed, 1)]
        for is_known, start in ((False, 0), (True, len(DRIVER_FIGURES)))
        if packed and numbers[start] is not None  # on no days
    }
    _assert_figures(totals, together)


def _figures(blocks: Iterable[Any], place: int) -> dict[Any, dict[str, Any]]:
    """`place`: of the id by which they are blocks."""
    found = {}
    for block in blocks:
        for *ids, rows in _rows(block.drivers):
            assert ids[place] // 64 == block.block
            found[block.span, block.first_day, *ids] = dict(zip(DRIVER_FIGURES, rows, strict=True))
    return found


def _rows(drivers: bytes) -> list[Any]:
    columns = zip(*columns_of(drivers, 2 + len(DRIVER_FIGURES)), strict=True)
    return [(truck_id, driver_id, values) for truck_id, driver_id, *values in columns]


def _assert_figures(figures: dict[Any, dict[str, Any]], of: dict[Any, list[TruckDayDriver]]) -> None:
    assert figures.keys() == of.keys()
    for key, each in of.items():
        true = {name: value for name, value in sums(each).items() if name in DRIVER_FIGURES} | {"days": len(each)}
        true |= {name: true[name] and int(true[name] * 100) for name in ("fuel_cost", "idle_cost")}
        assert true.keys() == set(DRIVER_FIGURES)
        assert_same(figures[key], true)
