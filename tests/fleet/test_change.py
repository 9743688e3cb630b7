"""Why a cost changed: parts that add up to the change, to the cent."""

import math
from fractions import Fraction
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from apps.fleet.costs.change import Change, Spent, change, shapley, total, whole_cents

KM = 1_000
cents = st.integers(-(10**9), 10**9)
metres = st.integers(1, 10**9)
litres = st.fractions(Fraction(1, 1000), 10**6, max_denominator=1000)


def fuel(amount: int | None, km: int | None, used: int | None) -> Spent:
    return Spent(amount, None if km is None else km * KM, None if used is None else Fraction(used))


def other(amount: int | None, km: int | None) -> Spent:
    return Spent(amount, None if km is None else km * KM)


def test_one_factor_alone_is_the_whole_reason() -> None:
    before = fuel(30_000, 1_000, 300)  # 1.00 a litre, 30 l/100 km
    assert change("fuel", before, fuel(33_000, 1_000, 300)) == Change(3_000, price=3_000, distance=0, consumption=0)
    assert change("fuel", before, fuel(60_000, 2_000, 600)) == Change(30_000, price=0, distance=30_000, consumption=0)
    assert change("fuel", before, fuel(33_000, 1_000, 330)) == Change(3_000, price=0, distance=0, consumption=3_000)


def test_three_factors_at_once_by_hand() -> None:
    """Distance 1000 → 1100 km, consumption 0.30 → 0.28 l/km, price 100 → 110 cents a litre.

    Distance: 100 × ((0.30·100 + 0.28·110) ÷ 3 + (0.30·110 + 0.28·100) ÷ 6) = 100 × (20.2667 + 10.1667) = 3,043.33
    Consumption: −0.02 × ((1000·100 + 1100·110) ÷ 3 + (1000·110 + 1100·100) ÷ 6) = −0.02 × 110,333.33 = −2,206.67
    Price: 10 × ((1000·0.30 + 1100·0.28) ÷ 3 + (1000·0.28 + 1100·0.30) ÷ 6) = 10 × 304.3333 = 3,043.33
    Together 3,880.00 = 1100 × 0.28 × 110 − 1000 × 0.30 × 100. The cent that is left goes to the largest remainder.
    """
    found = change("fuel", fuel(30_000, 1_000, 300), fuel(33_880, 1_100, 308))
    assert found == Change(3_880, price=3_043, distance=3_044, consumption=-2_207)


def test_another_line_is_distance_and_cost_per_distance() -> None:
    """10.00 → 18.00 over 100 → 150 km: distance 50 × (10 + 12) ÷ 2 = 550, cost per km 2 × (100 + 150) ÷ 2 = 250."""
    assert change("tires", other(1_000, 100), other(1_800, 150)) == Change(800, price=250, distance=550)
    assert change("insurance", other(1_000, 100), other(1_000, 200)) == Change(0, price=-750, distance=750)


def test_what_is_not_measured_has_no_parts() -> None:
    whole = fuel(100, 10, 3)
    for bare in (fuel(200, None, 3), fuel(200, 0, 3), fuel(200, 10, None), fuel(200, 10, 0)):
        assert change("fuel", whole, bare) == Change(100)
        assert change("fuel", bare, whole) == Change(-100)
    for bare in (other(100, None), other(100, 0)):
        assert change("tolls", bare, other(250, 10)) == Change(150)
        assert change("tolls", other(250, 10), bare) == Change(-150)


def test_a_line_that_was_priced_in_one_period_only_is_all_new_or_all_gone() -> None:
    assert change("tolls", other(None, 10), other(250, 10)) == Change(250)
    assert change("tolls", other(250, 10), other(None, 10)) == Change(-250)


def test_the_total_is_the_sum_of_the_lines() -> None:
    lines = {
        "fuel": Change(10, price=4, distance=5, consumption=1),
        "tires": Change(-3, price=-5, distance=2),
        "tolls": Change(7),
    }
    assert total(lines) == Change(14, price=-1, distance=7, consumption=1)
    assert total({"tolls": Change(7)}) == Change(7)
    assert total({}) == Change(0)


@given(cents, metres, litres, cents, metres, litres)
def test_the_three_parts_add_up_to_the_change(c0: int, d0: int, l0: Fraction, c1: int, d1: int, l1: Fraction) -> None:
    before, now = Spent(c0, d0, l0), Spent(c1, d1, l1)
    found = change("fuel", before, now)
    assert found.price is not None and found.distance is not None and found.consumption is not None
    assert found.price + found.distance + found.consumption == found.cents == c1 - c0
    back = change("fuel", now, before)
    assert back.price is not None and abs(back.price + found.price) <= 1, "the same backwards, but for rounding"


@given(cents, metres, cents, metres)
def test_the_two_parts_add_up_to_the_change(c0: int, d0: int, c1: int, d1: int) -> None:
    found = change("tires", Spent(c0, d0), Spent(c1, d1))
    assert found.price is not None and found.distance is not None
    assert found.price + found.distance == c1 - c0


@given(st.lists(st.fractions(-1000, 1000), min_size=2, max_size=3), st.data())
def test_no_part_is_rounded_by_a_cent_or_more(values: list[Fraction], data: st.DataObject) -> None:
    parts = [*values, round(sum(values)) - sum(values)]
    rounded = whole_cents(parts)
    assert sum(rounded) == sum(parts)
    assert all(abs(whole - part) < 1 for whole, part in zip(rounded, parts, strict=True))


@given(st.lists(st.tuples(st.fractions(-10, 10), st.fractions(-10, 10)), min_size=2, max_size=3))
def test_a_factor_that_did_not_change_did_nothing(pairs: list[tuple[Fraction, Fraction]]) -> None:
    before, now = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    now[0] = before[0]
    assert shapley(before, now)[0] == 0


@given(st.lists(st.tuples(st.fractions(-10, 10), st.fractions(-10, 10)), min_size=1, max_size=4))
def test_a_part_is_the_mean_over_all_orders_in_which_factors_may_change(pairs: list[tuple[Fraction, Fraction]]) -> None:
    before, now = (list(each) for each in zip(*pairs, strict=True))
    orders = list(permutations(range(len(pairs))))
    parts = [Fraction(0)] * len(pairs)
    for order in orders:
        values = list(before)
        for factor in order:
            old = math.prod(values)
            values[factor] = now[factor]
            parts[factor] += math.prod(values) - old
    assert shapley(before, now) == [part / len(orders) for part in parts]
