"""Figures by column are to the last digit those of each row: values, types and text."""

from collections.abc import Sequence
from decimal import Decimal
from math import fsum
from typing import Any

import numpy as np
import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.accounts import amounts
from apps.fleet import columns, figures
from apps.fleet.costs import columns as cost_columns
from apps.fleet.costs.api import told
from apps.fleet.drivers import columns as driver_columns
from apps.fleet.drivers import figures as driver_figures
from apps.fleet.drivers.queries import BEFORE, MONEY
from apps.fleet.drivers.safety import EVENTS, Weights
from apps.fleet.figures import Costs
from apps.fleet.fuel import figures as fuel_figures
from apps.fleet.idling.figures import worst_first
from apps.fleet.rows import Money, Rows, Some, Table
from apps.fleet.utilization import figures as use
from apps.fleet.utilization.queries import SUMS
from apps.fleet.utilization.ratios import utilization
from apps.fleet.utilization.targets import Targets, held_against, held_in_columns

Row = dict[str, Any]
FEW = settings(deadline=None, max_examples=60)
NULL = st.none()
SECONDS = st.integers(0, 10**9) | st.sampled_from([0, 1, 3, 86_400])
NAMES = tuple({"trucks": "truck_days", "trucks_used": "truck_days_used"}.get(name, name) for name in SUMS)
_ENGINE = ("engine_moving_s", "idle_s", "idle_productive_s", "engine_on_s")
USE = st.fixed_dictionaries({name: NULL | SECONDS if name in _ENGINE else SECONDS for name in NAMES}).map(
    lambda row: {**row, "truck_days": row["truck_days"] + 1}
)


def column(values: list[float | None]) -> columns.Column:
    return np.array(values, np.float64)


def columns_of(rows: list[Row]) -> dict[str, columns.Column]:
    return {name: column([row[name] for row in rows]) for name in rows[0]}


def same(table: Table, true: Sequence[Row]) -> bool:
    """Whether its rows are these: as JSON, which tells 1 from 1.0 and has the order of the names."""
    return Rows(table, len(true)).json == orjson.dumps(true)


# --- numbers --------------------------------------------------------------------------------------------------------

TIES = st.builds(lambda n, d: n / 200 + d * 1e-12, st.integers(-(10**7), 10**7), st.integers(-2, 2))


@settings(deadline=None, max_examples=400)
@given(st.lists(TIES | st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=1), st.sampled_from([2, 6]))
def test_numbers_are_rounded_as_python_rounds_them_but_never_to_minus_zero(values: list[float], places: int) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        found = columns.rounded(column(list(values)), places).tolist()
    assert "-0.0" not in map(repr, found)
    assert list(map(repr, found)) == [repr(amounts.rounded(value, places)) for value in values]


SMALL = st.tuples(NULL | st.integers(-(10**10), 10**10) | st.integers(-5, 5), NULL | st.integers(0, 400))
LARGE = st.tuples(st.integers(-(10**15), 10**15), st.integers(10**6, 10**10))  # times their factor beyond 64 bits


@settings(deadline=None, max_examples=300)
@given(
    st.lists(SMALL | LARGE, min_size=1),
    st.sampled_from([1, 1000, 3600]),
)
@example([(-1, 10**9), (10**15, 1000)], 1)
def test_money_per_unit_is_that_of_a_row_to_its_last_place(
    rows: list[tuple[int | None, int | None]], unit: int
) -> None:
    found = columns.per(column([row[0] for row in rows]), column([row[1] for row in rows]), unit)
    true = [figures.per(None if c is None else Decimal(c).scaleb(-2), quantity, unit) for c, quantity in rows]
    assert same({"cost": Money(found, 4, "USD")}, [{"cost": amounts.money(amount, "USD")} for amount in true])


@settings(deadline=None, max_examples=300)
@given(st.lists(NULL | st.integers(-(2**53), 2**53) | st.integers(-90, 2**20).map(lambda number: number * 2**50)))
def test_amounts_are_written_to_the_cent(cents: list[int | None]) -> None:
    true = [amounts.money(None if c is None else Decimal(c).scaleb(-2), "USD") for c in cents]
    assert same({"amount": Money(column(list(cents)), 2, "USD")}, [{"amount": amount} for amount in true])


def test_rows_are_made_of_columns_lists_tables_and_single_values() -> None:
    table = {
        "distance_m": column([1, None]), "idle_pct": column([1, None]), "name": ["A, \"%", "Ü"],
        "days": {"used": column([3, 4]), "first": {"is_first": [True, None]}}, "unit": "km",
    }  # fmt: skip
    true = [
        {
            "distance_m": 1, "idle_pct": 1.0, "name": "A, \"%", "days": {"used": 3, "first": {"is_first": True}},
            "unit": "km",
        },
        {"distance_m": None, "idle_pct": None, "name": "Ü", "days": {"used": 4, "first": {"is_first": None}},
         "unit": "km"},
    ]  # fmt: skip
    assert same(table, true)
    rows = Rows(table, 2)
    assert (list(rows), rows[1], rows[:1], len(rows)) == (true, true[1], true[:1], 2)
    assert same({"idle_pct": column([]), "name": [], "cost": Money(column([]), 2, "USD"), "lines": ()}, [])
    assert same({"unit": "km"}, [{"unit": "km"}] * 2)


ELEMENTS = st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=3, max_size=3)


@given(st.lists(ELEMENTS, max_size=3))
def test_a_list_in_a_row_has_the_elements_that_are_there(elements: list[list[tuple[bool, int]]]) -> None:
    lines = tuple(
        Some(np.array([is_there for is_there, _ in each]), {"line": place, "km": column([km for _, km in each])})
        for place, each in enumerate(elements)
    )
    true = [
        {"lines": [{"line": place, "km": each[row][1]} for place, each in enumerate(elements) if each[row][0]]}
        for row in range(3)
    ]
    assert same({"lines": lines}, true)


@given(st.lists(NULL | st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=1))
def test_numbers_are_written_as_json_writes_them(values: list[float | None]) -> None:
    assert same({"fuel_l": column(list(values))}, [{"fuel_l": value} for value in values])


# --- utilization ----------------------------------------------------------------------------------------------------


@FEW
@given(st.lists(USE, min_size=1, max_size=8))
def test_utilization_by_column_is_that_of_each_row(rows: list[Row]) -> None:
    sums = columns_of(rows)
    assert same(use.states(sums), [use.states(row) for row in rows])
    assert same(use.days_of_period(sums, 1, 30) or {}, [use.days_of_period(row, 1, 30) or {} for row in rows])
    assert use.are_ranked(sums) == [use.is_ranked(row) for row in rows]


@FEW
@given(st.lists(USE, min_size=1, max_size=12), st.sampled_from(figures.UTILIZATIONS), st.sampled_from(["", "-"]))
def test_a_ranking_by_column_is_that_of_the_rows(rows: list[Row], figure: str, sign: str) -> None:
    codes = [f"T-{7 * place % 12:02}" for place in range(len(rows))]
    values = [getattr(utilization(figures.usage(row)), figure) for row in rows]

    def rank(place: int) -> tuple[bool, float, str]:
        value = values[place]
        return value is None, (value or 0) * (-1 if sign else 1), codes[place]

    true = sorted((place for place, row in enumerate(rows) if use.is_ranked(row)), key=rank)
    assert use.ranked(columns_of(rows), codes, sign + figure) == true


@FEW
@given(st.lists(USE, min_size=1, max_size=12), st.integers(1, 13))
def test_the_trucks_that_idled_worst_are_those_of_the_rows(rows: list[Row], limit: int) -> None:
    codes = [f"T-{7 * place % 12:02}" for place in range(len(rows))]

    def rank(place: int) -> tuple[float, str]:
        return (rows[place]["idle_productive_s"] or 0) - rows[place]["idle_s"], codes[place]

    measured = (place for place, row in enumerate(rows) if use.is_ranked(row) and row["idle_s"] is not None)
    true = sorted(measured, key=rank)
    assert worst_first(columns_of(rows), codes, limit) == (true[:limit], len(true))


@FEW
@given(st.lists(USE, min_size=1, max_size=12))
def test_those_that_are_known_least_are_those_of_the_rows(rows: list[Row]) -> None:
    named = [{**row, "truck_id": f"T-{7 * place % 12:02}", "name": ""} for place, row in enumerate(rows)]
    places, count = use.least_known(columns_of(rows), [row["truck_id"] for row in named])
    true = use.not_ranked(named)
    assert use.not_ranked(named[place] for place in places) == true
    assert count == true["count"]


def test_no_more_than_a_hundred_of_them_are_listed_equals_by_code() -> None:
    sums = {"length_s": column([100] * 300), "no_data_s": column([60] * 150 + [90] * 99 + [60] * 51)}
    places, count = use.least_known(sums, [f"{299 - place:03}" for place in range(300)])
    assert (places[:99], places[99], count) == ([*range(248, 149, -1)], 299, 300)


def test_each_truck_is_held_against_its_own_targets() -> None:
    targets = Targets(
        {"target_utilization_pct": 60, "target_idle_pct": 15.5},
        {7: {"target_idle_pct": 10}},
        {"B": {"target_utilization_pct": 61.0}},
        {"C": {7}},
    )
    rows = [
        {"asset_utilization_pct": part, "idle_pct": idle} for part in (None, 60.0, 60.5) for idle in (None, 10.0, 15.5)
    ]
    codes = [code for code in "ABC" for _ in range(3)] * 3
    each = [row for row in rows for _ in range(3)]
    true = [held_against(row, targets.of_truck(code)) for row, code in zip(each, codes, strict=True)]
    found = held_in_columns(columns_of(each), targets.of_trucks(codes))
    assert same(found, true)


# --- driving --------------------------------------------------------------------------------------------------------

METRES = st.integers(0, 10**8) | st.sampled_from([0, 79_999, 80_000])
LITRES = st.floats(0, 10**5) | TIES.map(abs)
_OF_DRIVING = {
    **dict.fromkeys(("distance_m", "fuel_distance_m", "harsh_distance_m"), METRES),
    **dict.fromkeys(("fuel_used_l", "idle_fuel_l", "consumption_l"), LITRES),
    **dict.fromkeys(
        ("moving_s", "idle_s", "idle_productive_s", "engine_on_s", "night_driving_s", "speeding_s"), SECONDS
    ),
    **dict.fromkeys(("trips", *EVENTS), st.integers(0, 50)),
    **dict.fromkeys(MONEY, st.integers(0, 10**9)),
    "max_speed_kmh": st.floats(0, 200),
}
DRIVEN = st.fixed_dictionaries(
    {
        **{name: NULL | value for name, value in _OF_DRIVING.items()},
        "length_s": st.integers(1, 10**6),
        "no_data_s": st.integers(0, 10**6),
        "days": NULL | st.integers(1, 400),
    }
)
DROVE = st.fixed_dictionaries({name: NULL | _OF_DRIVING[name] for name in BEFORE})
WEIGHTS = st.builds(Weights, *[st.integers(0, 9) | st.floats(0, 9)] * 4)


def _drove(name: str | None, row: Row, before: Row, weights: Weights) -> Row:
    """What the formulas of single rows say."""
    served = {**row, **{each: None if row[each] is None else Decimal(row[each]).scaleb(-2) for each in MONEY}}
    return {
        "name": name,
        "truck_days": row["days"] or 0,
        **driver_figures.driving(row, weights),
        **driver_figures.fuel_money(served, "USD"),
        "max_speed_kmh": row["max_speed_kmh"],
        "is_ranked": use.is_ranked(row) and name is not None,
        **driver_figures.against(row, before, weights),
    }


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(NULL | st.sampled_from("AB"), DRIVEN, DROVE), min_size=1, max_size=6), WEIGHTS)
def test_driving_by_column_is_that_of_each_row(drivers: list[tuple[str | None, Row, Row]], weights: Weights) -> None:
    names, rows, before = map(list, zip(*drivers, strict=True))
    found = driver_columns.told(names, columns_of(rows), columns_of(before), weights, "USD")
    assert same(found, [_drove(*driver, weights) for driver in drivers])
    scores = driver_figures.ranked_by(columns_of(rows), "safety_score", weights)
    assert same({"safety_score": scores}, [{"safety_score": figures.exact_score(row, weights)} for row in rows])


def test_sums_that_come_as_arrays_are_columns_too() -> None:
    found = driver_columns.of_arrays(['[7, "12.30"]', "[null, null]"], ("distance_m", "fuel_cost"))
    assert {name: values.tolist()[0] for name, values in found.items()} == {"distance_m": 7.0, "fuel_cost": 1230.0}
    assert all(np.isnan(values[1]) for values in found.values())


# --- costs ----------------------------------------------------------------------------------------------------------

SPENT = st.tuples(
    st.fixed_dictionaries(
        {"truck_days": st.integers(1, 400), "distance_m": NULL | st.integers(0, 10**9), "engine_on_s": NULL | SECONDS}
    ),
    st.dictionaries(
        st.tuples(st.sampled_from(["fuel", "tires", "tolls"]), st.sampled_from(["actual", "allocated", "estimated"])),
        st.integers(-(10**6), 10**9) | st.just(0),
    ),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(SPENT, min_size=1, max_size=6))
def test_costs_by_column_are_those_of_each_truck(trucks: list[tuple[Row, dict[tuple[str, str], int]]]) -> None:
    keys = {key for _, costs in trucks for key in costs}
    cents = {key: column([costs.get(key) for _, costs in trucks]) for key in keys}
    found = cost_columns.told(columns_of([sums for sums, _ in trucks]), cents, "USD")
    true = [
        told(sums, Costs({key: Decimal(amount).scaleb(-2) for key, amount in costs.items()}), "USD")
        for sums, costs in trucks
    ]
    assert same(found, true)


# --- fuel -----------------------------------------------------------------------------------------------------------

_OF_FUEL = {
    **dict.fromkeys(fuel_figures.COUNTS, st.integers(0, 9)),
    **dict.fromkeys(fuel_figures.LITRES, st.floats(-100, 10**5) | st.just(0.0) | TIES),
    **dict.fromkeys(fuel_figures.METRES, METRES),
    **dict.fromkeys(fuel_figures.AMOUNTS, st.integers(-(10**6), 10**9) | st.just(0)),
}
BURNT = st.fixed_dictionaries({name: NULL | value for name, value in _OF_FUEL.items()})


@settings(deadline=None, max_examples=200)
@given(st.lists(BURNT, min_size=1, max_size=6))
def test_fuel_by_column_is_that_of_each_truck_and_adds_up(trucks: list[Row]) -> None:
    served = [
        {**row, **{each: None if row[each] is None else Decimal(row[each]).scaleb(-2) for each in fuel_figures.AMOUNTS}}
        for row in trucks
    ]
    true = [fuel_figures.shown(fuel_figures.figures(row), "USD") for row in served]
    assert same(fuel_figures.in_columns(columns_of(trucks), "USD"), true)
    added = fuel_figures.total(columns_of(trucks))
    for name, value in added.items():
        known = [row[name] for row in served if row[name] is not None]
        assert value == (None if not known else fsum(known) if name in fuel_figures.LITRES else sum(known))
        assert value is None or type(value) is type(known[0])
