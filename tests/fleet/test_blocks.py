"""The packed sums of trucks: what is packed comes out again, whatever the blocks, and added up to the last digit."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import models
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.accounts.models import Fleet
from apps.fleet import queries
from apps.fleet.models import (
    FleetBlock,
    FleetSpan,
    TruckBlock,
    TruckDayCost,
    TruckDayFuel,
    TruckSpan,
    TruckSpanDriver,
    TruckSpanFuel,
)
from apps.fleet.summaries import sums
from apps.fleet.sums import blocks, parts
from apps.fleet.sums import fleet as fleet_sums
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums.fleet import FleetSums
from apps.fleet.whose import fleet_sums_sync
from apps.mysql import fetch_all_sync
from apps.trucks.models import SummaryRevision, Truck, TruckDay
from tests import rows
from tests.fleet.span_twin import assert_same, assert_spans_add_up, cost_sums, total
from tests.fleet.span_twin import sums as sums_of_days

NAMES = ("trucks", "distance_m", "fuel_used_l", "fuel_cost", "purchased_l")
ONE = dt.timedelta(days=1)
VALUE = st.none() | st.integers(0, 2**40)
ROW = st.tuples(st.integers(0, 300), VALUE, VALUE, st.none() | st.integers(0, 9).map(float), VALUE, VALUE)


@settings(deadline=None)
@given(st.lists(st.lists(ROW, max_size=6, unique_by=lambda row: row[0]), max_size=5))
def test_blocks_add_up_by_truck_exactly_and_null_where_nothing_is_measured(pieces: list[list[Any]]) -> None:
    found = blocks.added_up([blocks.pack(piece) for piece in pieces], NAMES)
    flat = [row for piece in pieces for row in piece]
    assert found == {
        truck: {
            name: _scaled(name, total(row[place] for row in flat if row[0] == truck))
            for place, name in enumerate(NAMES, 1)
        }
        for truck in {row[0] for row in flat}
    }
    assert list(found) == sorted(found)


SAME = st.lists(st.integers(0, 300), min_size=1, max_size=4, unique=True)
DAY = st.tuples(VALUE, st.none() | st.integers(0, 1200).map(lambda speed: speed / 8))


@settings(deadline=None)
@given(SAME.flatmap(lambda trucks: st.tuples(st.just(trucks), st.lists(st.lists(DAY, min_size=4), max_size=5))))
def test_blocks_of_the_same_trucks_add_up_as_others_do(drawn: tuple[list[int], list[list[Any]]]) -> None:
    trucks, days = drawn
    names = ("distance_m", "max_speed_kmh")
    pieces = [[(truck, *values) for truck, values in zip(trucks, day, strict=False)] for day in days]
    expected = {
        truck: {
            "distance_m": total(day[place][0] for day in days),
            "max_speed_kmh": max((day[place][1] for day in days if day[place][1] is not None), default=None),
        }
        for place, truck in enumerate(trucks)
        if days
    }
    assert blocks.added_up([blocks.pack(piece) for piece in pieces], names) == expected
    twice = [blocks.pack([*piece, (301, None, None)]) for piece in pieces]  # with one more they are no longer the same
    found = blocks.added_up([*map(blocks.pack, pieces), *twice], names)
    assert {truck: sums["max_speed_kmh"] for truck, sums in found.items() if truck != 301} == {
        truck: sums["max_speed_kmh"] for truck, sums in expected.items()
    }


def test_what_is_put_in_order_does_not_grow_with_the_days(monkeypatch: pytest.MonkeyPatch) -> None:
    widths: list[int] = []
    by_id = blocks.by_id
    monkeypatch.setattr(blocks, "by_id", lambda table: (widths.append(table.shape[1]), by_id(table))[1])
    day = blocks.pack([(truck, 1.0) for truck in range(64)])
    assert blocks.columns_added_up([day] * 30, ("distance_m",))[1][0].tolist() == [30.0] * 64
    assert widths == [64]


def _scaled(name: str, value: Any) -> Any:
    places = {"fuel_cost": 2, "purchased_l": 3}.get(name)
    return value if value is None or places is None else Decimal(value).scaleb(-places)


def test_of_speeds_the_highest_counts() -> None:
    packed = [blocks.pack([[7, 80.5], [9, None]]), blocks.pack([[7, 70.0]])]
    assert blocks.added_up(packed, ("max_speed_kmh",)) == {7: {"max_speed_kmh": 80.5}, 9: {"max_speed_kmh": None}}


def test_costs_add_up_by_line_and_source_to_the_cent() -> None:
    one = blocks.pack_costs([(7, "fuel", "actual", 1), (7, "tolls", "actual", 5), (0, "unallocated", "actual", 2)])
    other = blocks.pack_costs([(7, "fuel", "actual", 2**52), (9, "fuel", "estimated", -3)])
    assert blocks.costs_added_up([one, b"", other]) == {
        0: {("unallocated", "actual"): Decimal("0.02")},
        7: {("fuel", "actual"): Decimal(2**52 + 1) / 100, ("tolls", "actual"): Decimal("0.05")},
        9: {("fuel", "estimated"): Decimal("-0.03")},
    }


DRIVER_ROW = st.tuples(st.integers(0, 9), st.integers(0, 3), VALUE, VALUE)


@settings(deadline=None)
@given(
    st.lists(st.lists(DRIVER_ROW, max_size=6, unique_by=lambda row: row[:2]), max_size=5),
    st.none() | st.sets(st.integers(0, 9)),
)
def test_drivers_add_up_over_their_trucks_or_some_of_them(pieces: list[list[Any]], trucks: set[int] | None) -> None:
    names = ("distance_m", "fuel_cost")
    found = blocks.added_up_by_driver([blocks.pack(piece) for piece in pieces], names, trucks)
    flat = [row for piece in pieces for row in piece if trucks is None or row[0] in trucks]
    assert found == {
        driver: {
            name: _scaled(name, total(row[place] for row in flat if row[1] == driver))
            for place, name in enumerate(names, 2)
        }
        for driver in {row[1] for row in flat}
    }
    had = {(truck, driver) for piece in pieces for truck, driver, *_ in piece}
    assert blocks.trucks_by_driver(map(blocks.pack, pieces), len(names)) == {
        driver: sorted(truck for truck, other in had if other == driver) for driver in {driver for _, driver in had}
    }


def test_what_drivers_bear_adds_up_over_their_trucks_or_some_of_them() -> None:
    one = blocks.pack_costs([(7, 1, "fuel", "actual", 1), (7, 2, "fuel", "actual", 5), (8, 1, "tolls", "actual", 2)])
    other = blocks.pack_costs([(7, 1, "fuel", "actual", 2**52), (9, 0, "fuel", "estimated", -3)])
    fuel, tolls = ("fuel", "actual"), ("tolls", "actual")
    first, second = {fuel: Decimal(2**52 + 1) / 100}, {fuel: Decimal("0.05")}
    assert blocks.costs_added_up([one, b"", other], 2) == {
        0: {("fuel", "estimated"): Decimal("-0.03")}, 1: first | {tolls: Decimal("0.02")}, 2: second,
    }  # fmt: skip
    assert blocks.costs_added_up([one, other], 2, [7]) == {1: first, 2: second}
    assert blocks.costs_added_up([one, other], 2, []) == {}


TRUCK = st.integers(64, 71)
STATES = st.lists(st.dictionaries(TRUCK, st.tuples(VALUE, VALUE), max_size=5), min_size=1, max_size=4)


@settings(deadline=None)
@given(STATES, st.lists(st.tuples(TRUCK, TRUCK), max_size=4))
def test_some_trucks_of_a_block_are_replaced_and_the_others_stay(states: list[Any], ranges: list[Any]) -> None:
    """A plain dictionary goes through the same; each time the rows of a range of trucks become those of a state."""
    true: dict[int, Any] = {}
    figures = costs = b""
    for number, (one, other) in enumerate(ranges):
        first, last = sorted((one, other))
        state = {truck: values for truck, values in states[number % len(states)].items() if first <= truck <= last}
        true = {truck: values for truck, values in true.items() if not first <= truck <= last} | state
        figures = blocks.replaced(
            figures, 3, first, last, [(truck, *values) for truck, values in sorted(state.items())]
        )
        costs = blocks.costs_replaced(costs, 1, first, last, cost_rows(state))
        assert figures == blocks.pack(rows_of(true))
        assert costs == blocks.pack_costs(cost_rows(true))


def rows_of(state: dict[int, Any]) -> list[tuple[Any, ...]]:
    return [(truck, *values) for truck, values in sorted(state.items())]


def cost_rows(state: dict[int, Any]) -> list[tuple[int, str, str, int]]:
    return [
        (truck, line, "actual", cents)
        for truck, values in state.items()
        for line, cents in zip(("fuel", "tolls"), values, strict=True)
        if cents is not None
    ]


def test_nothing_packed_is_nothing() -> None:
    assert blocks.pack([]) == blocks.pack_costs([]) == b""
    assert blocks.added_up([b""], NAMES) == blocks.added_up_by_driver([b""], NAMES) == {}
    assert blocks.costs_added_up([b""]) == blocks.trucks_by_driver([b""], 2) == {}


def test_figures_are_packed_as_what_their_columns_hold() -> None:
    """Whole numbers, decimals in units of their last place, and fractions as they are."""
    models_of = {blocks.FIGURES: (TruckSpan, TruckSpanFuel), blocks.DRIVER_FIGURES: (TruckSpanDriver,)}
    kinds = [(name, model) for names, of in models_of.items() for model in of for name in names]
    fields = {(name, field) for name, model in kinds for field in model._meta.concrete_fields if field.name == name}
    assert {name for name, _ in fields} == {*blocks.FIGURES, *blocks.DRIVER_FIGURES}
    for name, field in fields:
        assert isinstance(field, models.FloatField) == blocks.is_fraction(name), name
        assert blocks.PLACES.get(name) == getattr(field, "decimal_places", None), name


# --- in the database ------------------------------------------------------------------------------------------------


@pytest.fixture
def fleet(db: None) -> Fleet:
    """Trucks in several blocks, days on both sides of a month's end, costs, one of them nobody's."""
    made = rows.fleet(timezone="UTC")
    for number in range(3):
        truck = rows.truck(made, f"T-{number}", id=500 + 70 * number)
        for day in (dt.date(2026, 1, 30), dt.date(2026, 2, 3)):
            fuel = {"fuel_cost": Decimal("10.01"), "purchased_l": Decimal("3.007"), "purchases": 1}
            TruckDayFuel.objects.create(fleet_id=made.pk, day=day, truck_id=truck.pk, **fuel)
            rows.truck_day(truck, day, is_used=number != 1 or day.month == 2, fuel_used_l=None if number else 7.5)
            rows.cost(truck, "fuel", "10.01", day)
    nobody = Truck(pk=0, fleet=made)
    rows.cost(nobody, "unallocated", "0.07", dt.date(2026, 2, 3), "allocated")
    for day in (dt.date(2026, 1, 30), dt.date(2026, 2, 3)):
        rows.fleet_day(made, day)
    return made


def stored(fleet: Fleet) -> list[dict[str, Any]]:
    return list(TruckBlock.objects.filter(fleet_id=fleet.pk).order_by("span", "first_day", "block").values())


def test_blocks_are_the_sums_of_their_days(fleet: Fleet) -> None:
    assert_spans_add_up(fleet.pk)
    assert {row["block"] for row in stored(fleet)} == {0, *(pk // 64 for pk in (500, 570, 640))}


def test_days_that_are_no_more_leave_no_block(fleet: Fleet) -> None:
    days = list(TruckDay.objects.values_list("truck_id", "day"))
    for model in (TruckDay, TruckDayFuel):
        model.objects.all().delete()
    revision = SummaryRevision.objects.create(fleet_id=fleet.pk, revision=1, changed_at=rows.NOON)
    sums.of_days(fleet.pk, days, revision)
    assert_spans_add_up(fleet.pk)
    assert {bytes(row["figures"]) for row in stored(fleet)} == {b""}, "costs are still there"
    assert {(bytes(row["figures"]), bytes(row["used"])) for row in fleet_stored(fleet)} == {(b"", b"")}
    TruckDayCost.objects.all().delete()
    sums.of_days(fleet.pk, [(0, dt.date(2026, 2, 3)), *days], revision)
    assert fleet_stored(fleet) == []


def test_columns_are_read_by_their_place_in_any_order(fleet: Fleet) -> None:
    where = queries.period(fleet.pk, dt.date(2026, 1, 30), dt.date(2026, 2, 3))
    for names in (NAMES, ("messages", "trucks", "trucks_used", "fuel_cost"), blocks.FIGURES):
        read = fetch_all_sync(sum_queries.columns(names), {**where, "from_block": 0, "to_block": 99})
        found = blocks.added_up([row["figures"] for row in read], names)
        assert found.keys() == set(fleet.trucks.values_list("pk", flat=True))
        whole = fleet_sums_sync(where).totals
        for name in set(names) & {"messages", "fuel_cost"}:
            assert whole[name] == total(row[name] for row in found.values())
    narrow = fetch_all_sync(sum_queries.columns(NAMES), {**where, "from_block": 8, "to_block": 8})
    assert blocks.added_up([row["figures"] for row in narrow], NAMES).keys() == {570}


def test_trucks_are_counted_once_whatever_the_parts_of_the_period(fleet: Fleet) -> None:
    rows.group(fleet, "Two", *fleet.trucks.exclude(code="T-0"))
    asked = {"id": fleet.truck_groups.get().pk}
    for first, last, used, of_group in (((1, 30), (1, 30), 2, 1), ((1, 1), (2, 28), 3, 2), ((2, 4), (2, 5), 0, 0)):
        where = queries.period(fleet.pk, dt.date(2026, *first), dt.date(2026, *last)) | asked
        found = fleet_sums_sync(where)
        of_two = FleetSums(parts.of_group(fetch_all_sync(sum_queries.GROUP_PARTS, where)))
        assert (found.trucks_used, of_two.trucks_used) == (used, of_group)


def test_the_fleets_packed_sums_are_those_of_its_days(fleet: Fleet) -> None:
    """Values and types, decimals with their places."""
    for first, last in (((1, 30), (1, 30)), ((1, 1), (2, 28)), ((2, 4), (2, 5)), ((2, 3), (2, 3))):
        days = dt.date(2026, *first), dt.date(2026, *last)
        found, true = fleet_sums_sync(queries.period(fleet.pk, *days)), _totals(fleet, *days)
        assert_same(found.totals, true)
        assert {name: _kind(value) for name, value in found.totals.items()} == {
            name: _kind(value) for name, value in true.items()
        }
        costs = TruckDayCost.objects.filter(fleet_id=fleet.pk, day__range=days)
        amounts = {key: str(amount) for key, amount in found.costs.amounts.items()}
        assert amounts == {key: str(amount) for key, amount in cost_sums(costs).items()}
        months = {(day.year, day.month) for day in costs.values_list("day", flat=True)}
        assert {(month.year, month.month) for month, _, _ in found.by_month()} == months


def _kind(value: Any) -> Any:
    return type(value), -value.as_tuple().exponent if isinstance(value, Decimal) else None


def _totals(fleet: Fleet, first: dt.date, last: dt.date) -> dict[str, Any]:
    """The sums of the fleet's days, which have trucks or nothing at all, by plain loops."""
    days = list(TruckDay.objects.filter(fleet_id=fleet.pk, day__range=(first, last)))
    if not days:
        return fleet_sums.NOTHING
    money = list(TruckDayFuel.objects.filter(fleet_id=fleet.pk, day__range=(first, last)))
    sums_ = {**sums_of_days(days), **{name: total(getattr(day, name) for day in money) for name in queries.FUEL_MONEY}}
    sums_["truck_days"], sums_["truck_days_used"] = sums_.pop("trucks"), sums_.pop("trucks_used")
    return {name: len({day.day for day in days}) if name == "days" else sums_[name] for name in fleet_sums.NOTHING}


def test_a_fleets_figures_are_packed_as_what_their_columns_hold() -> None:
    fields = {field.name: field for field in FleetSpan._meta.concrete_fields}
    assert fields.keys() - {"fleet_id", "span", "first_day", "as_of"} == set(fleet_sums.FIGURES)
    for name in fleet_sums.FIGURES:
        assert isinstance(fields[name], models.FloatField) == blocks.is_fraction(name), name
        assert blocks.PLACES.get(name) == getattr(fields[name], "decimal_places", None), name


def fleet_stored(fleet: Fleet) -> list[dict[str, Any]]:
    return list(FleetBlock.objects.filter(fleet_id=fleet.pk).order_by("span", "first_day").values())


def test_a_fleets_packed_sums_never_have_another_fleets(fleet: Fleet) -> None:
    other = rows.fleet("Other", timezone="UTC")
    where = queries.period(other.pk, dt.date(2026, 1, 1), dt.date(2026, 2, 28))
    found = fleet_sums_sync(where)
    assert (found.totals["days"], found.costs.total, found.trucks_used, found.by_month()) == (0, None, 0, [])
