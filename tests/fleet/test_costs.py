import datetime as dt
from collections.abc import Collection
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.fleet.costs.estimates import (
    Burnt,
    DayCost,
    Litres,
    Price,
    Rate,
    Work,
    burnt,
    by_line,
    estimates,
    share_of_month,
)

DAY = dt.date(2026, 3, 10)
START, END = 1_773_100_800, 1_773_187_200


def evenly(litres: float | None) -> Litres:
    """Litres that are used evenly over the day."""
    return lambda start, end: None if litres is None else litres * (end - start) / (END - START)


def work(fuel_l: float | None = 131.5, **changes: object) -> Work:
    values = {"truck_id": 7, "day": DAY, "start": START, "end": END, "distance_m": 420_000, "engine_on_s": 27_000}
    litres = {"fuel_l": evenly(fuel_l), "idle_l": evenly(4.0), "idle_productive_l": evenly(1.0)}
    return Work(**{**values, **litres, **changes})  # type: ignore[arg-type]


def day_costs(of: Work, rates: list[Rate], own: Burnt | None, covered: Collection[str] = ()) -> list[DayCost]:
    return by_line(estimates(of, rates, own, covered))


def fuel(of: Work, *prices: Price) -> Burnt | None:
    return burnt(of, of.fuel_l, prices)


def price(hour: float, per_l: str, group_id: int | None = None) -> Price:
    """From an hour of the day on."""
    return Price(START + int(hour * 3_600), Decimal(per_l), group_id)


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
    assert day_costs(work(), [rate("tires", basis, amount)], None) == [DayCost("tires", Decimal(expected))]


def test_a_line_whose_basis_was_not_measured_is_absent() -> None:
    rates = [
        rate("tires", "per_km", "1"),
        rate("driver_wages", "per_engine_hour", "1"),
        rate("permits", "per_day", "1"),
    ]
    unmeasured = work(None, distance_m=None, engine_on_s=None)
    assert day_costs(unmeasured, rates, fuel(unmeasured, price(0, "2"))) == [DayCost("permits", Decimal("1.00"))]


def test_a_measured_zero_costs_zero() -> None:
    assert day_costs(work(distance_m=0), [rate("tires", "per_km", "1")], None) == [DayCost("tires", Decimal("0.00"))]


def test_fuel_costs_the_price_in_force_when_it_was_used() -> None:
    prices = price(24, "9"), price(-200, "1.10"), price(-1_600, "5")
    assert fuel(work(), *prices) == Burnt(131.5, Decimal("144.65"))
    assert day_costs(work(), [], fuel(work(), *prices)) == [DayCost("fuel", Decimal("144.65"))]


def test_a_price_that_changes_during_the_day_cuts_it_there() -> None:
    used = fuel(work(120.0), price(-1, "1.00"), price(6, "2.00"), price(18, "1.50"))
    assert used == Burnt(120.0, Decimal("195.00"))  # 30 × 1.00 + 60 × 2.00 + 30 × 1.50


def test_fuel_before_the_first_price_has_no_cost() -> None:
    assert fuel(work(), price(24, "1")) is None
    assert fuel(work(120.0), price(18, "2.00")) == Burnt(30.0, Decimal("60.00"))


def test_fuel_that_is_not_measured_has_no_cost_and_fuel_of_nothing_costs_nothing() -> None:
    assert fuel(work(None), price(0, "2")) is None
    assert fuel(work(0.0), price(0, "2")) == Burnt(0.0, Decimal("0.00"))
    assert fuel(work(end=START), price(0, "2")) is None, "of a day that has only begun nothing is measured"


def test_the_price_of_a_truck_s_group_comes_before_the_fleet_s() -> None:
    prices = price(-100, "1.00"), price(-90, "5.00", group_id=4), price(12, "3.00", group_id=3)
    assert fuel(work(120.0), *prices) == Burnt(120.0, Decimal("120.00"))
    assert fuel(work(120.0, groups=frozenset({3})), *prices) == Burnt(120.0, Decimal("240.00"))


def test_a_line_that_an_invoice_is_booked_for_is_not_estimated() -> None:
    rates = [rate("tolls", "per_day", "5"), rate("tires", "per_day", "7")]
    own = fuel(work(), price(0, "1"))
    assert day_costs(work(), rates, own, {"tolls", "fuel"}) == [DayCost("tires", Decimal("7.00"))]


def test_a_truck_s_rate_replaces_its_group_s_and_that_the_fleet_s() -> None:
    rates = [
        rate("insurance", "per_day", "10"),
        rate("insurance", "per_day", "20", group_id=3),
        rate("insurance", "per_day", "25", truck_id=7),
        rate("insurance", "per_km", "0.10", group_id=3),
    ]
    of_group = frozenset({3})
    assert day_costs(work(groups=of_group), rates, None) == [DayCost("insurance", Decimal("67.00"))]
    assert day_costs(work(truck_id=8, groups=of_group), rates, None) == [DayCost("insurance", Decimal("62.00"))]
    assert day_costs(work(truck_id=8), rates, None) == [DayCost("insurance", Decimal("10.00"))]


def test_a_rate_counts_from_its_first_to_its_last_day() -> None:
    rates = [rate("tolls", "per_day", "5", effective_from=DAY, effective_to=DAY)]
    costs = [day_costs(work(day=DAY + dt.timedelta(days=d)), rates, None) for d in (-1, 0, 1)]
    assert costs == [[], [DayCost("tolls", Decimal("5.00"))], []]


def test_a_truck_has_its_own_rate_instead_of_the_fleets() -> None:
    rates = [
        rate("insurance", "per_day", "10"),
        rate("insurance", "per_day", "25", truck_id=7),
        rate("insurance", "per_day", "99", truck_id=8),
    ]
    assert day_costs(work(), rates, None) == [DayCost("insurance", Decimal("25.00"))]
    assert day_costs(work(truck_id=9), rates, None) == [DayCost("insurance", Decimal("10.00"))]


def test_of_several_rates_of_one_basis_the_one_that_began_last_counts() -> None:
    later = dt.date(2026, 3, 1)
    rates = [
        rate("tires", "per_km", "0.03", effective_from=later),
        rate("tires", "per_km", "0.02"),
        rate("tires", "per_km", "0.09", effective_from=later, effective_to=DAY - dt.timedelta(days=1)),
    ]
    assert day_costs(work(), rates, None) == [DayCost("tires", Decimal("12.60"))]
    assert day_costs(work(day=later - dt.timedelta(days=1)), rates, None) == [DayCost("tires", Decimal("8.40"))]


def test_of_the_rates_of_several_groups_the_one_that_began_last_counts() -> None:
    rates = [
        rate("tolls", "per_day", "7", group_id=4),
        rate("tolls", "per_day", "5", group_id=3, effective_from=DAY),
        rate("tolls", "per_day", "9", effective_from=DAY),
    ]
    assert day_costs(work(groups=frozenset({3, 4})), rates, None) == [DayCost("tolls", Decimal("5.00"))]


def test_rates_of_different_bases_add_up() -> None:
    rates = [rate("driver_wages", "per_day", "100"), rate("driver_wages", "per_km", "0.5")]
    assert day_costs(work(), rates, None) == [DayCost("driver_wages", Decimal("310.00"))]


@given(st.decimals(0, 100_000, places=4), st.integers(2000, 2100), st.integers(1, 12))
def test_the_days_of_a_month_add_up_to_its_amount(amount: Decimal, year: int, month: int) -> None:
    first = dt.date(year, month, 1)
    days = [first + dt.timedelta(days=d) for d in range(31) if (first + dt.timedelta(days=d)).month == month]
    assert sum(share_of_month(amount, day) for day in days) == amount.quantize(Decimal("0.01"))
