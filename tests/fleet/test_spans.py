"""Any period is months, pentads and the days at its edges, and its figures are those of its days added up."""

import datetime as dt
import itertools
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Fleet
from apps.accounts.periods import Period, of_days
from apps.fleet import queries
from apps.fleet.costs import api as cost_api
from apps.fleet.figures import Costs
from apps.fleet.models import TruckDayCost
from apps.fleet.spans import SPAN_OF, month_of, parts, pentad_of, pieces
from apps.fleet.sums import trucks as truck_sums
from apps.fleet.whose import Whose, fleet_sums_sync
from apps.mysql import fetch_all_sync
from apps.trucks.models import Truck, TruckDay
from tests import rows
from tests.fleet import span_twin as twin

DAYS = st.dates(dt.date(2023, 12, 1), dt.date(2025, 3, 31))
ONE = dt.timedelta(days=1)


def every_day(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + number * ONE for number in range((last - first).days + 1)] if first <= last else []


def covered(period: dict[str, dt.date]) -> list[dt.date]:
    """Every day of the parts, as often as it is in one."""
    found = every_day(period["days_from"], period["days_to"])
    found += every_day(period["later_days_from"], period["later_days_to"])
    for name, span_of in (("pentads", pentad_of), ("months", month_of), ("later_pentads", pentad_of)):
        for day in every_day(period[f"{name}_from"], period[f"{name}_to"]):
            span = span_of(day)
            if span.first == day:
                found += every_day(span.first, span.last)
    return sorted(found)


@settings(deadline=None)
@given(first=DAYS, length=st.integers(1, 400))
def test_each_day_of_a_period_is_in_one_part_of_it(first: dt.date, length: int) -> None:
    last = first + (length - 1) * ONE
    assert covered(parts(first, last)) == every_day(first, last)


@settings(deadline=None)
@given(first=DAYS, length=st.integers(1, 400))
def test_the_pieces_of_a_period_are_the_days_and_spans_of_its_parts(first: dt.date, length: int) -> None:
    last = first + (length - 1) * ONE
    found = [SPAN_OF[kind](day) for kind, days in pieces(parts(first, last)).items() for day in days]
    assert sorted(day for span in found for day in every_day(span.first, span.last)) == every_day(first, last)
    assert len(found) <= 33


@settings(deadline=None)
@given(first=DAYS, length=st.integers(1, 400))
def test_a_period_is_few_parts(first: dt.date, length: int) -> None:
    period = parts(first, first + (length - 1) * ONE)
    single = sum(len(every_day(period[f"{name}_from"], period[f"{name}_to"])) for name in ("days", "later_days"))
    pentads = sum(
        pentad_of(day).first == day
        for name in ("pentads", "later_pentads")
        for day in every_day(period[f"{name}_from"], period[f"{name}_to"])
    )
    assert single <= 10  # less than a pentad, of up to six days, on either side
    assert pentads <= 10  # less than a month on either side


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        ("2024-02-01", 1, 5), ("2024-02-05", 1, 5), ("2024-02-06", 6, 10), ("2024-02-25", 21, 25),
        ("2024-02-26", 26, 29), ("2023-02-28", 26, 28), ("2024-03-31", 26, 31), ("2024-04-30", 26, 30),
    ],
)  # fmt: skip
def test_six_pentads_are_a_month(day: str, first: int, last: int) -> None:
    span = pentad_of(dt.date.fromisoformat(day))
    assert (span.first.day, span.last.day) == (first, last)


# --- in the database ------------------------------------------------------------------------------------------------

FIRST = dt.date(2026, 1, 20)
LENGTH = 60
SOME = st.none() | st.integers(0, 5)
ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, LENGTH - 1), st.booleans(), SOME, SOME, SOME, st.integers(0, 10_000)),
    max_size=40,
    unique_by=lambda row: row[:2],
)  # truck, day, used, distance, engine on, fuel, cents
LISTS = (queries.UTILIZATION_SUMS, cost_api.SUMS)
PERIODS = st.lists(st.tuples(st.integers(-5, LENGTH), st.integers(1, LENGTH)), min_size=1, max_size=4)


def stored(fleet: Fleet, found: list[tuple[Any, ...]]) -> None:
    """Days of three trucks, with the spans above them, and costs of two lines."""
    trucks = [rows.truck(fleet, f"T-{number}") for number in range(3)]
    rows.group(fleet, "All", *trucks)
    rows.group(fleet, "Two", *trucks[1:])
    for number, offset, used, distance, engine, fuel, cents in found:
        day, truck = FIRST + offset * ONE, trucks[number]
        idle = None if engine is None else 60 * engine
        rows.truck_day(
            truck, day, is_used=used, distance_m=None if distance is None else 977 * distance, moving_s=1_000,
            idle_s=idle, idle_productive_s=idle and 30, engine_on_s=None if idle is None else 1_000 + idle,
            fuel_used_l=None if fuel is None else 0.1 * fuel, max_speed_kmh=None if fuel is None else 70.1 + fuel,
            parked_s=50_000, coverage_pct=50.0,
        )  # fmt: skip
        rows.cost(truck, "fuel" if cents % 2 else "tolls", str(Decimal(cents) / 100), day)
    for day in sorted({FIRST + row[1] * ONE for row in found}):
        rows.fleet_day(fleet, day)


@pytest.mark.django_db
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=ROWS, periods=PERIODS)
def test_the_figures_of_any_period_are_those_of_its_days(found: list, periods: list) -> None:
    with transaction.atomic():
        fleet = rows.fleet()
        stored(fleet, found)
        for offset, length in periods:
            first = FIRST + offset * ONE
            _check_period(fleet, first, first + (length - 1) * ONE)
        twin.assert_spans_add_up(fleet.pk)
        transaction.set_rollback(True)


def _check_period(fleet: Fleet, first: dt.date, last: dt.date) -> None:
    asked = {**queries.period(fleet.pk, first, last), "after": "", "limit": 100}
    days = list(TruckDay.objects.filter(fleet_id=fleet.pk, day__range=(first, last)))
    costs = list(TruckDayCost.objects.filter(fleet_id=fleet.pk, day__range=(first, last)))
    totals = fleet_sums_sync(asked).totals
    assert totals["days"] == len({day.day for day in days})
    _check_scopes(fleet, of_days(first, last, ZoneInfo("UTC")), days, costs)
    _check_trucks(asked, days, costs)


def _check_scopes(fleet: Fleet, period: Period, days: list[TruckDay], costs: list[TruckDayCost]) -> None:
    """The fleet, a group of all its trucks, of two of them, and one truck, whatever they are told by."""
    groups = {group.name: group.pk for group in fleet.truck_groups.all()}
    trucks = list(fleet.trucks.order_by("code").values_list("pk", flat=True))
    scopes: list[tuple[Whose, Collection[int]]] = [
        (Whose(fleet.pk, None, 0), trucks),
        (Whose(fleet.pk, groups["All"], 0), trucks),
        (Whose(fleet.pk, groups["Two"], 0), trucks[1:]),
        (Whose(fleet.pk, None, 0, truck_id=trucks[0]), trucks[:1]),
    ]
    for (whose, which), by in itertools.product(scopes, START_OF):
        own = [day for day in days if day.truck_id in which]
        own_costs = [cost for cost in costs if cost.truck_id in which]
        found = whose.sums_sync(period, by)
        _check_sums(found.totals, found.costs, own, own_costs)
        assert found.trucks_used == len({day.truck_id for day in own if day.is_used})
        buckets = found.by(by)
        assert [first for first, _, _ in buckets] == sorted({START_OF[by](each.day) for each in (*own, *own_costs)})
        for first, totals, amounts in buckets:
            its = ([each for each in every if START_OF[by](each.day) == first] for every in (own, own_costs))
            _check_sums(totals, amounts, *its)


def _check_sums(totals: dict[str, Any], found: Costs, days: list[TruckDay], costs: list[TruckDayCost]) -> None:
    assert found.amounts == twin.cost_sums(costs)
    assert (totals["truck_days"] or 0) == len(days)
    if days:
        true = twin.sums(days)
        twin.assert_same(totals, {name: true[name] for name in twin.COUNTED} | {"truck_days_used": true["trucks_used"]})


START_OF: dict[str, Callable[[dt.date], dt.date]] = {
    "day": lambda day: day,
    "week": lambda day: day - day.weekday() * ONE,
    "month": lambda day: day.replace(day=1),
    "quarter": lambda day: dt.date(day.year, (day.month - 1) // 3 * 3 + 1, 1),
}


def _check_trucks(asked: dict[str, Any], days: list[TruckDay], costs: list[TruckDayCost]) -> None:
    """Rows and packed sums of trucks are the same."""
    codes = dict(Truck.objects.values_list("pk", "code"))
    true = {codes[pk]: twin.sums([day for day in days if day.truck_id == pk]) for pk in {day.truck_id for day in days}}
    for row in fetch_all_sync(queries.TRUCK_TOTALS, asked):
        twin.assert_same(row, {name: true[row["truck_id"]][name] for name in (*twin.COUNTED, "max_speed_kmh")})
    for names in LISTS:
        found = truck_sums.every_sync(asked, names)
        assert [row["truck_id"] for row in found] == sorted(true)
        for row in found:
            twin.assert_same(row, {name: true[row["truck_id"]][name] for name in names[2:]})
            assert row["truck_days"] == true[row["truck_id"]]["trucks"]
    assert truck_sums.costs_sync(asked) == {
        pk: twin.cost_sums(_of(pk, costs)) for pk in {cost.truck_id for cost in costs}
    }


def _of(truck_id: int, costs: list[TruckDayCost]) -> list[TruckDayCost]:
    return [cost for cost in costs if cost.truck_id == truck_id]
