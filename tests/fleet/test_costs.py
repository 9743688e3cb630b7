import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.fleet.costs import DayCost, Price, Rate, Work, day_costs, share_of_month

DAY = dt.date(2026, 3, 10)


def work(**changes: object) -> Work:
    values = {"truck_id": 7, "day": DAY, "distance_m": 420_000, "engine_on_s": 27_000, "fuel_used_l": 131.5, **changes}
    return Work(**values)  # type: ignore[arg-type]


def rate(line: str, basis: str, amount: str, **changes: object) -> Rate:
    return Rate(line, basis, Decimal(amount), **{"effective_from": dt.date(2026, 1, 1), **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("basis", "amount", "expected"),
    [
        ("per_km", "0.1234", "51.83"),  # 420 km × 0.1234 = 51.828
        ("per_engine_hour", "10", "75.00"),  # 7.5 h
        ("per_day", "33.335", "33.34"),  # half to even: …33.335 → 33.34
        ("per_month", "310", "10.00"),  # March has 31 days
    ],
)
def test_a_rate_is_its_amount_times_its_basis(basis: str, amount: str, expected: str) -> None:
    assert day_costs(work(), [rate("tires", basis, amount)], []) == [DayCost("tires", Decimal(expected))]


def test_a_line_whose_basis_was_not_measured_is_absent() -> None:
    rates = [
        rate("tires", "per_km", "1"),
        rate("driver_wages", "per_engine_hour", "1"),
        rate("permits", "per_day", "1"),
    ]
    unmeasured = work(distance_m=None, engine_on_s=None, fuel_used_l=None)
    assert day_costs(unmeasured, rates, [Price(DAY, Decimal(2))]) == [DayCost("permits", Decimal("1.00"))]


def test_a_measured_zero_costs_zero() -> None:
    assert day_costs(work(distance_m=0), [rate("tires", "per_km", "1")], []) == [DayCost("tires", Decimal("0.00"))]


def test_fuel_costs_the_price_in_force_on_the_day() -> None:
    prices = [
        Price(dt.date(2026, 3, 11), Decimal(9)),
        Price(dt.date(2026, 3, 1), Decimal("1.10")),
        Price(dt.date(2026, 1, 1), Decimal(5)),
    ]
    assert day_costs(work(), [], prices) == [DayCost("fuel", Decimal("144.65"))]


def test_fuel_before_the_first_price_has_no_cost() -> None:
    assert day_costs(work(), [], [Price(DAY + dt.timedelta(days=1), Decimal(1))]) == []


def test_a_rate_counts_from_its_first_to_its_last_day() -> None:
    rates = [rate("tolls", "per_day", "5", effective_from=DAY, effective_to=DAY)]
    costs = [day_costs(work(day=DAY + dt.timedelta(days=d)), rates, []) for d in (-1, 0, 1)]
    assert costs == [[], [DayCost("tolls", Decimal("5.00"))], []]


def test_a_truck_has_its_own_rate_instead_of_the_fleets() -> None:
    rates = [
        rate("insurance", "per_day", "10"),
        rate("insurance", "per_day", "25", truck_id=7),
        rate("insurance", "per_day", "99", truck_id=8),
    ]
    assert day_costs(work(), rates, []) == [DayCost("insurance", Decimal("25.00"))]
    assert day_costs(work(truck_id=9), rates, []) == [DayCost("insurance", Decimal("10.00"))]


def test_rates_of_one_line_add_up() -> None:
    rates = [rate("driver_wages", "per_day", "100"), rate("driver_wages", "per_km", "0.5")]
    assert day_costs(work(), rates, []) == [DayCost("driver_wages", Decimal("310.00"))]


@given(st.decimals(0, 100_000, places=4), st.integers(2000, 2100), st.integers(1, 12))
def test_the_days_of_a_month_add_up_to_its_amount(amount: Decimal, year: int, month: int) -> None:
    first = dt.date(year, month, 1)
    days = [first + dt.timedelta(days=d) for d in range(31) if (first + dt.timedelta(days=d)).month == month]
    assert sum(share_of_month(amount, day) for day in days) == amount.quantize(Decimal("0.01"))
