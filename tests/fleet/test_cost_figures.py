"""What stands beside the costs: by hand, from rows as the statements give them."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from apps.fleet.costs import figures as cost_figures
from apps.fleet.figures import Costs
from apps.fleet.sums.blocks import total

NOTHING = dict.fromkeys(
    ("fuel_used_l", "fuel_cost", "fuel_priced_l", "purchases", "purchased_l", "purchased_amount", "idle_fuel_l",
     "idle_cost", "idle_productive_cost", "distance_m", "fuel_distance_m", *cost_figures.TANKS)
)  # fmt: skip


def totals(**values: Any) -> dict[str, Any]:
    return {**NOTHING, **values}


def costs(*rows: tuple[str, str, str]) -> Costs:
    return Costs.of({"line": line, "source": source, "amount": Decimal(amount)} for line, source, amount in rows)


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def test_fuel_by_consumption_and_by_purchase() -> None:
    row = totals(
        fuel_used_l=400.0, fuel_cost=Decimal("420.00"), fuel_priced_l=400.0,
        purchases=Decimal(3), purchased_l=Decimal("450.500"), purchased_amount=Decimal("495.55"),
    )  # fmt: skip
    assert cost_figures.fuel(row, row, "USD") == {
        "used": {"litres": 400.0, "priced_litres": 400.0, "amount": usd("420.00"), "per_litre": usd("1.0500")},
        "bought": {"purchases": 3, "litres": 450.5, "amount": usd("495.55"), "per_litre": usd("1.1000")},
        "difference": {"litres": 50.5, "amount": usd("75.55")},
        "balance": None,
    }


def test_what_was_not_bought_or_measured_is_null_and_never_zero() -> None:
    found = cost_figures.fuel(totals(), totals(), "USD")
    assert found.pop("balance") is None
    assert {value for part in found.values() for value in part.values()} == {None}
    assert set(cost_figures.idling(totals(), "USD").values()) == {None}


@pytest.mark.parametrize("name", ["fuel_used_l", "fuel_cost", "fuel_priced_l", "purchased_l", "purchased_amount"])
def test_of_fuel_that_is_half_known_there_is_neither_a_difference_nor_a_price(name: str) -> None:
    found = cost_figures.fuel(totals(**{name: Decimal(10) if name != "fuel_used_l" else 10.0}), totals(), "USD")
    assert set(found["difference"].values()) == {None}
    assert found["used"]["per_litre"] is found["bought"]["per_litre"] is None


@pytest.mark.parametrize("name", ["idle_cost", "idle_productive_cost"])
def test_of_idling_whose_productive_part_or_whole_is_not_known_there_is_no_rest(name: str) -> None:
    assert cost_figures.idling(totals(**{name: Decimal(10)}), "USD")["nonproductive_amount"] is None


def test_the_balance_of_the_tanks_adds_up() -> None:
    """1,000 l bought, 950 seen in the tanks, 40 drained, 800 used, 100 more in them: 50 never came, 60 are missing."""
    row = totals(
        purchases=2, balance_days=Decimal(7), balance_bought_l=1000.0, balance_refuelled_l=950.0,
        balance_drained_l=40.0, balance_used_l=800.0, balance_tank_l=100.0,
    )  # fmt: skip
    assert cost_figures.balance(row) == {
        "truck_days": 7, "bought_l": 1000.0, "refuelled_l": 950.0, "drained_l": 40.0, "used_l": 800.0,
        "tank_change_l": 100.0, "not_in_tank_l": 50.0, "unexplained_l": 60.0, "reason": None,
    }  # fmt: skip


def tank(purchases: int | None, bought: float, used: float, days: int | None = 1) -> dict[str, Any]:
    return totals(
        purchases=purchases, balance_days=days, balance_bought_l=bought, balance_refuelled_l=300.0,
        balance_drained_l=0.0, balance_used_l=used, balance_tank_l=-50.0,
    )  # fmt: skip


def test_without_a_purchase_the_tanks_are_shown_but_nothing_is_called_unexplained() -> None:
    assert cost_figures.balance(tank(None, 0.0, 350.0)) == {
        "truck_days": 1, "bought_l": None, "refuelled_l": 300.0, "drained_l": 0.0, "used_l": 350.0,
        "tank_change_l": -50.0, "not_in_tank_l": None, "unexplained_l": None, "reason": "no_purchases",
    }  # fmt: skip


@pytest.mark.parametrize("nothing_measured", [None, 0])
def test_the_tanks_of_trucks_are_those_for_which_purchases_are_booked(nothing_measured: int | None) -> None:
    """The third has purchases, but no day on which all is measured."""
    bare = tank(1, 0.0, 0.0, days=nothing_measured)
    every = [tank(None, 0.0, 350.0), tank(2, 320.0, 340.0), bare, tank(1, 280.0, 310.0)]
    found = together(every)
    assert found is not None
    assert (found["truck_days"], found["bought_l"], found["used_l"], found["unexplained_l"]) == (2, 600.0, 650.0, 50.0)
    nothing = together([every[0], tank(None, 0.0, 100.0), bare])
    assert nothing is not None
    assert (nothing["truck_days"], nothing["used_l"], nothing["reason"]) == (2, 450.0, "no_purchases")
    assert together([]) is None


def together(trucks: list[dict[str, Any]]) -> dict[str, Any] | None:
    columns = {name: np.array([truck[name] for truck in trucks], float) for name in cost_figures.TANKS}
    return cost_figures.balance(cost_figures.tanks_together(columns))


@pytest.mark.parametrize("purchases", [(None, None), (0, None), (2, None), (2, 1)])
@pytest.mark.parametrize("has_balance", [(False, False), (True, False), (True, True)])
def test_the_sums_of_all_trucks_are_their_balance_unless_some_may_be_left_out(
    purchases: tuple[int | None, ...], has_balance: tuple[bool, ...]
) -> None:
    trucks = [
        tank(bought, 320.0, 340.0) if is_measured else totals(purchases=bought)
        for bought, is_measured in zip(purchases, has_balance, strict=True)
    ]
    whole = total(trucks, cost_figures.TANKS)
    assert cost_figures.are_of_all(whole) == (not any(purchases) or not any(has_balance))
    if cost_figures.are_of_all(whole):
        assert cost_figures.balance(whole) == together(trucks)


def test_idling_productive_and_not() -> None:
    row = totals(idle_fuel_l=20.0, idle_cost=Decimal("21.00"), idle_productive_cost=Decimal("5.25"))
    assert cost_figures.idling(row, "USD") == {
        "litres": 20.0, "amount": usd("21.00"), "productive_amount": usd("5.25"), "nonproductive_amount": usd("15.75"),
    }  # fmt: skip


def test_what_no_truck_can_bear() -> None:
    assert cost_figures.unallocated(costs(("unallocated", "allocated", "7.50"), ("fuel", "estimated", "1.00"))) == 7.5
    assert cost_figures.unallocated(costs(("fuel", "estimated", "1.00"))) == 0
    assert cost_figures.unallocated(costs()) is None


def test_the_change_names_its_parts_by_line_and_in_all() -> None:
    """Fuel 1.00 × 300 l over 1,000 km, then 1.10 × 308 l over 1,100 km: see test_change. Tolls follow distance."""
    before = costs(("fuel", "estimated", "300.00"), ("tolls", "actual", "10.00"), ("tires", "actual", "5.00"))
    now = costs(("fuel", "estimated", "338.80"), ("tolls", "actual", "11.00"), ("permits", "actual", "8.00"))
    found = cost_figures.change_by_line(
        (before, totals(distance_m=1_000_000, fuel_distance_m=1_000_000, fuel_used_l=300.0)),
        (now, totals(distance_m=Decimal(1_100_000), fuel_distance_m=Decimal(1_100_000), fuel_used_l=308.0)),
        "USD",
    )
    lines = {line.pop("line"): line for line in found.pop("by_line")}
    assert list(lines) == ["fuel", "permits", "tires", "tolls"]
    assert lines["fuel"] == {
        "previous_amount": usd("300.00"), "change": usd("38.80"), "price": usd("30.43"), "distance": usd("30.44"),
        "consumption": usd("-22.07"), "not_split": usd("0.00"),
    }  # fmt: skip
    assert lines["tolls"] == {
        "previous_amount": usd("10.00"), "change": usd("1.00"), "price": usd("0.00"), "distance": usd("1.00"),
        "consumption": None, "not_split": usd("0.00"),
    }  # fmt: skip
    assert (lines["permits"]["previous_amount"], lines["permits"]["change"]) == (None, usd("8.00"))
    assert (lines["tires"]["change"], lines["tires"]["distance"]) == (usd("-5.00"), None)
    assert [lines[line]["not_split"] for line in ("permits", "tires")] == [usd("8.00"), usd("-5.00")]
    assert found == {
        "previous_amount": usd("315.00"), "change": usd("42.80"), "price": usd("30.43"), "distance": usd("31.44"),
        "consumption": usd("-22.07"), "not_split": usd("3.00"),
    }  # fmt: skip


@pytest.mark.parametrize(("before", "now", "change"), [(None, "8.00", "8.00"), ("5.00", None, "-5.00")])
def test_of_a_period_without_costs_the_other_is_the_change(before: str | None, now: str | None, change: str) -> None:
    periods = [costs(("tolls", "actual", amount)) if amount else costs() for amount in (before, now)]
    found = cost_figures.change_by_line((periods[0], totals()), (periods[1], totals()), "USD")
    assert (found["previous_amount"], found["change"]) == (usd(before) if before else None, usd(change))


def test_without_any_cost_there_is_no_change() -> None:
    found = cost_figures.change_by_line((costs(), totals()), (costs(), totals()), "USD")
    assert found.pop("by_line") == []
    assert set(found.values()) == {None}


def published(line: str, amount: str, **changes: Any) -> dict[str, Any]:
    return {
        "year": 2024, "line": line, "amount": Decimal(amount), "unit": "mile", "currency": "USD", "rate": None,
        "source": "ATRI", "edition": "2025 update", **changes,
    }  # fmt: skip


def test_the_benchmark_is_compared_over_the_same_lines_alone() -> None:
    """0.1609344 per mile is 0.1 per km; over 1,000 km: fuel 300.00 is 0.30 per km, 200 % above."""
    rows = [
        published("fuel", "0.1609344"),
        published("tires", "0.021", unit="km"),
        published("tolls", "0.05"),
        published("payments", "0.05", source="A paper"),
        published("permits", "0.01", currency="EUR"),
        published("driver_wages", "0.01", currency="EUR"),
        published("insurance", "0.05", unit="km", currency="EUR", rate=Decimal("1.1")),
    ]
    own = costs(
        ("fuel", "estimated", "300.00"), ("tires", "actual", "16.17"), ("other", "actual", "9.00"),
        ("driver_benefits", "actual", "9.00"), ("driver_wages", "actual", "9.00"), ("permits", "actual", "1.00"),
        ("insurance", "actual", "55.00"), ("unallocated", "allocated", "3.00"),
    )  # fmt: skip
    found = cost_figures.benchmark(rows, own, 1_000_000, "USD")
    assert found is not None
    lines = {line.pop("line"): line for line in found.pop("lines")}
    assert list(lines) == ["fuel", "insurance", "tires"]
    assert lines == {
        "fuel": {"cost_per_km": usd("0.3000"), "benchmark_per_km": usd("0.1000"), "difference_pct": 200.0},
        "insurance": {"cost_per_km": usd("0.0550"), "benchmark_per_km": usd("0.0550"), "difference_pct": 0.0},
        "tires": {"cost_per_km": usd("0.0162"), "benchmark_per_km": usd("0.0210"), "difference_pct": -22.86},
    }
    assert found == {
        "year": 2024,
        "sources": ["A paper, 2025 update", "ATRI, 2025 update"],
        "cost_per_km": usd("0.3712"),
        "benchmark_per_km": usd("0.1760"),
        "missing_lines": ["payments", "tolls"],
        "lines_without_benchmark": ["driver_benefits", "other"],
        "lines_without_exchange_rate": ["driver_wages", "permits"],
    }


def test_per_mile_it_is_what_was_published_and_not_a_rounded_figure_per_km_multiplied() -> None:
    """0.555 per mile is 0.3449 per km, which is 0.5551 per mile."""
    own, mile = costs(("fuel", "estimated", "300.00")), Decimal("1609.344")
    assert cost_figures.compare([published("fuel", "0.555")], own, 1_000_000, "USD", mile) == [
        ("fuel", Decimal("0.4828"), Decimal("0.5550"))
    ]


def test_a_benchmark_that_is_worth_nothing_in_the_fleet_s_money_has_no_difference() -> None:
    """0.0002 per km at 0.1 is 0.00002: nothing, to four places."""
    rows = [published("fuel", "0.0002", unit="km", currency="EUR", rate=Decimal("0.1"))]
    found = cost_figures.benchmark(rows, costs(("fuel", "estimated", "1.00")), 1_000, "USD")
    assert found is not None
    assert found["lines"] == [
        {"line": "fuel", "cost_per_km": usd("1.0000"), "benchmark_per_km": usd("0.0000"), "difference_pct": None}
    ]


def test_without_distance_or_benchmark_nothing_is_compared() -> None:
    found = cost_figures.benchmark([published("fuel", "0.5")], costs(("fuel", "estimated", "1.00")), None, "USD")
    assert found is not None
    assert (found["cost_per_km"], found["benchmark_per_km"]) == (None, None)
    assert found["lines"][0]["difference_pct"] is None
    assert cost_figures.benchmark([], costs(), 1, "USD") is None
