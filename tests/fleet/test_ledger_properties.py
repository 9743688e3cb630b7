"""For any ledger, through the real tables: trucks, lines and days add up to the cent; ratios are numbers or null."""

import datetime as dt
import math
import random
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import Fleet
from apps.accounts.periods import Period, of_days
from apps.fleet import figures, queries, summaries
from apps.fleet.costs.api import SUMS as COLUMNS
from apps.fleet.costs.api import groups_spent
from apps.fleet.drivers import cost_queries as driver_cost_queries
from apps.fleet.figures import Costs
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import CostAllocation, CostEntry, CostRate, FuelPrice, FuelPurchase, TruckDayCost
from apps.fleet.sums import drivers as driver_sums
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums import trucks as truck_sums
from apps.fleet.whose import Whose, fleet_sums_sync
from apps.mysql import fetch_all_sync
from tests import rows
from tests.fleet import share_twin
from tests.fleet.driver_twin import assert_drivers_add_up
from tests.fleet.shifts import DAYS, MONDAY, NOW, THURSDAY, shift
from tests.fleet.test_ledger import entry, purchase, rate, truck
from tests.lasting import Lasting, anew
from tests.pipeline import feed

ONE = dt.timedelta(days=1)
UTC = ZoneInfo("UTC")
LINES = ("insurance", "tires", "tolls", "permits", "fuel")


@pytest.fixture(scope="module")
def once(lasting: Lasting[Fleet]) -> Fleet:
    return lasting(two_trucks)


@pytest.fixture
def fleet(db: None, once: Fleet) -> Fleet:
    return anew(once)


def two_trucks() -> Fleet:
    """Two trucks and four days; the second is in a group. The first has two drivers on Tuesday."""
    made = rows.fleet(timezone="UTC", currency="EUR")
    for number in range(2):
        feed.receive(feed.truck_of(made, f"T-{number}"), shift(km=1_000 * number), NOW)
    rows.group(made, "South", truck(made, 1))
    nine = dt.datetime(2026, 3, 17, 9, 20, tzinfo=dt.UTC)
    rows.assignment(truck(made, 0), rows.driver(made, "A"), nine - 2 * ONE, nine)
    rows.assignment(truck(made, 0), rows.driver(made, "B"), nine, nine + ONE)
    return made


class Book:
    """A random ledger of a fleet, and what it must come to by plain loops."""

    def __init__(self, fleet: Fleet, rng: random.Random) -> None:
        self.fleet, self.rng = fleet, rng
        self.group = fleet.truck_groups.get()
        for _ in range(rng.randrange(5)):
            ledger.save(self._entry())
        for _ in range(rng.randrange(5)):
            ledger.save(self._rate())
        for hour in rng.sample(range(96), rng.randrange(3)):
            at = dt.datetime(2026, 3, 16, tzinfo=dt.UTC) + dt.timedelta(hours=hour)
            ledger.save(FuelPrice(fleet=fleet, effective_at=at, price_per_l=Decimal(rng.randrange(30_000)) / 10_000))
        for number in range(rng.randrange(3)):
            ledger.save(purchase(fleet, reference=f"{number}", amount=Decimal(rng.randrange(90_000)) / 100))

    def _scope(self) -> dict[str, Any]:
        return self.rng.choice([{}, {"truck": truck(self.fleet, 0)}, {"group": self.group}])

    def _entry(self) -> CostEntry:
        first = MONDAY + self.rng.randrange(-2, 5) * ONE
        return entry(
            self.fleet, f"{Decimal(self.rng.randrange(-9_999, 200_000)) / 100}", line=self.rng.choice(LINES),
            basis=self.rng.choice(["days", "km", "trucks"]), covers_from=first,
            covers_to=first + self.rng.randrange(6) * ONE, **self._scope(),
        )  # fmt: skip

    def _rate(self) -> CostRate:
        return rate(
            self.fleet, line=self.rng.choice(LINES[:-1]), effective_from=MONDAY + self.rng.randrange(4) * ONE,
            basis=self.rng.choice(["per_km", "per_engine_hour", "per_day", "per_month"]),
            amount=Decimal(self.rng.randrange(100_000)) / 10_000, **self._scope(),
        )  # fmt: skip

    def check(self) -> None:
        self._shares_add_up()
        self._covered_lines_are_not_estimated()
        period = {**queries.period(self.fleet.pk, DAYS[0] - 5 * ONE, DAYS[-1] + 5 * ONE), "id": self.group.pk}
        whole = fleet_sums_sync(period).costs
        assert whole.amounts == self._sums()
        self._parts_add_up(whole, {**period, "after": "", "limit": 1_000})

    def _shares_add_up(self) -> None:
        for each in CostEntry.objects.filter(fleet=self.fleet):
            shares = CostAllocation.objects.filter(fleet_id=self.fleet.pk, entry_id=each.pk)
            due = share_twin.due(int(each.amount * 100), each.covers_from, each.covers_to, THURSDAY)
            assert sum((share.amount for share in shares), Decimal(0)) == Decimal(due) / 100

    def _covered_lines_are_not_estimated(self) -> None:
        members = set(self.group.trucks.values_list("pk", flat=True))
        estimated = TruckDayCost.objects.filter(fleet_id=self.fleet.pk, source="estimated")
        for each in CostEntry.objects.filter(fleet=self.fleet):
            for cost in estimated.filter(line=each.line, day__range=(each.covers_from, each.covers_to)):
                assert each.truck_id not in (None, cost.truck_id) or (each.group_id and cost.truck_id not in members)

    def _sums(self) -> dict[tuple[str, str], Decimal]:
        sums: dict[tuple[str, str], Decimal] = {}
        for cost in TruckDayCost.objects.filter(fleet_id=self.fleet.pk):
            sums[cost.line, cost.source] = sums.get((cost.line, cost.source), Decimal(0)) + cost.amount
        return sums

    def _parts_add_up(self, whole: Costs, period: dict[str, Any]) -> None:
        """By truck (and what none bears), by driver, by group, by line and by day: each way the same total."""
        total = whole.total or Decimal(0)
        assert sum(whole.by_line().values(), Decimal(0)) == sum(whole.by_source().values(), Decimal(0)) == total
        assert _by_day(Whose(self.fleet.pk, None, 0), period) == total
        nobody = whole.of_line("unallocated").total or Decimal(0)
        costs = truck_sums.costs_sync(period)
        assert sum((sum(each.values(), Decimal(0)) for each in costs.values()), Decimal(0)) == total
        assert sum(costs.get(0, {}).values(), Decimal(0)) == nobody
        groups = fetch_all_sync(sum_queries.GROUPS, period)
        spent = groups_spent(truck_sums.sums_sync(period, COLUMNS), costs, groups)
        amounts = {name: each.total or Decimal(0) for name, _, _, each in spent}
        assert sum(amounts.values(), Decimal(0)) + nobody == total, "the trucks are in one group, or none"
        of_group = Whose(self.fleet.pk, self.group.pk, 0)
        own = of_group.sums_sync(_period(period)).costs.total or Decimal(0)
        assert own == _by_day(of_group, period)
        assert own == amounts.get(self.group.name, Decimal(0))
        paged, members = driver_cost_queries.PAGE_OF, list(self.group.trucks.values_list("pk", flat=True))
        assert _summed(fetch_all_sync(paged["fleet"].costs, period), "amount") + nobody == total
        assert _borne(period, None) + nobody == total
        assert _summed(fetch_all_sync(paged["group"].costs, period), "amount") == own == _borne(period, members)
        assert_drivers_add_up(self.fleet.pk)


def _period(asked: dict[str, Any]) -> Period:
    return of_days(asked["from_day"], asked["to_day"], UTC)


def _by_day(whose: Whose, asked: dict[str, Any]) -> Decimal:
    """What the days cost, one by one."""
    days = whose.sums_sync(_period(asked), "day").by("day")
    return sum((costs.total or Decimal(0) for _, _, costs in days), Decimal(0))


def _borne(period: dict[str, Any], trucks: list[int] | None) -> Decimal:
    """What drivers bear of these trucks' costs, or of all."""
    found = driver_sums.costs_sync(period, trucks)
    return sum((amount for each in found.values() for amount in each.values()), Decimal(0))


def _summed(found: list[Any], name: str) -> Decimal:
    return sum((row[name] for row in found), Decimal(0))


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_ledger_all_ways_of_adding_up_come_to_the_same(fleet: Fleet, seed: int) -> None:
    book = Book(fleet, random.Random(seed))
    summaries.rebuild(fleet)
    book.check()
    for model in (CostEntry, CostRate, FuelPrice, FuelPurchase):
        for each in list(model.objects.filter(fleet=fleet))[::2]:
            ledger.delete(each)
    summaries.rebuild(fleet)
    book.check()


# --- ratios ---------------------------------------------------------------------------------------------------------

always = st.integers(0, 10**9)  # every truck-day has it
whole = st.none() | always
litres = st.none() | st.floats(0, 10**7, allow_nan=False)
money = st.none() | st.decimals(-(10**6), 10**9, places=2, allow_nan=False, allow_infinity=False)
SUMS = {
    **dict.fromkeys(("truck_days", "truck_days_used", "moving_s", "available_s"), always),
    **dict.fromkeys(
        ("distance_m", "engine_moving_s", "idle_s", "idle_productive_s", "engine_on_s", "fuel_distance_m"), whole
    ),
    **dict.fromkeys(("fuel_used_l", "idle_fuel_l", "consumption_l"), litres),
}
DENOMINATORS = {
    "cost_per_km": "distance_m", "cost_per_engine_hour": "engine_on_s", "cost_per_truck_day": "truck_days",
    "consumption_l_per_100km": "fuel_distance_m", "engine_utilization_pct": "engine_on_s", "idle_pct": "engine_on_s",
    "asset_utilization_pct": "available_s", "day_utilization_pct": "truck_days", "estimated_cost_pct": "total_cost",
}  # fmt: skip


@given(st.fixed_dictionaries(SUMS), money, money)
def test_every_figure_is_a_number_or_null_and_every_ratio_over_nothing_is_null(
    row: dict[str, Any], total: Decimal | None, fuel: Decimal | None
) -> None:
    found = figures.of_period(row, total, fuel, Decimal(0))
    assert all(value is None or math.isfinite(value) for value in found.values())
    for ratio, denominator in DENOMINATORS.items():
        if not {**row, "total_cost": total}[denominator]:
            assert found[ratio] is None, ratio
    if total is not None and row["distance_m"]:
        assert found["cost_per_km"] == round(total * 1_000 / row["distance_m"], 4)
