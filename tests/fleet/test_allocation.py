"""Invoices are spread to the cent: by hand, and for any invoice and any fleet."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.fleet.costs.allocation import NO_TRUCK, Exposure, Invoice, Share, Stretch, allocate, due, largest_remainder
from tests.fleet import share_twin

FIRST = dt.date(2026, 3, 1)
ONE = dt.timedelta(days=1)


def day(number: int) -> dt.date:
    return FIRST + (number - 1) * ONE


def invoice(cents: int, basis: str, days: int = 3) -> Invoice:
    return Invoice(cents, basis, FIRST, day(days))


def driven(*rows: tuple[int, int, int | None]) -> list[Exposure]:
    """(truck, day, metres)"""
    return [Exposure(truck, day(number), metres) for truck, number, metres in rows]


def shares(*rows: tuple[int, int, int]) -> list[Share]:
    return [Share(truck, day(number), cents) for number, truck, cents in rows]


def test_by_days_every_day_costs_the_same_whoever_is_there() -> None:
    there = driven((1, 1, 0), (2, 1, None), (1, 2, 5_000), (2, 2, 5))  # on the third day nobody is
    assert allocate(invoice(9_000, "days"), there, day(9)) == shares(
        (1, 1, 1_500), (1, 2, 1_500), (2, 1, 1_500), (2, 2, 1_500), (3, NO_TRUCK, 3_000)
    )


def test_a_cent_that_cannot_be_split_goes_round() -> None:
    there = driven(*((truck, number, 1) for truck in (1, 2, 3) for number in range(1, 7)))
    spread = allocate(invoice(6, "days", 6), there, day(6))
    assert [share.cents for share in spread] == [1] * 6
    turns = [share.truck_id for share in spread]
    assert turns in ([1, 2, 3, 1, 2, 3], [2, 3, 1, 2, 3, 1], [3, 1, 2, 3, 1, 2])


def test_evenly_over_trucks_each_costs_the_same_and_what_a_sold_one_leaves_is_nobody_s() -> None:
    there = driven((1, 1, 9), (1, 2, 9), (1, 3, 9), (2, 1, 9))  # the second is sold after the first day
    assert allocate(invoice(12_000, "trucks"), there, day(3)) == shares(
        (1, 1, 2_000), (1, 2, 2_000), (2, NO_TRUCK, 2_000), (2, 1, 2_000), (3, NO_TRUCK, 2_000), (3, 1, 2_000)
    )


def test_by_km_a_truck_s_day_costs_its_part_of_all_the_distance() -> None:
    there = driven((1, 1, 300_000), (2, 1, 100_000), (1, 2, 0), (2, 3, 600_000), (3, 3, None))
    assert allocate(invoice(10_000, "km"), there, day(4)) == shares((1, 1, 3_000), (1, 2, 1_000), (3, 2, 6_000))


def test_by_km_the_newest_day_bears_its_own_part_until_it_is_over() -> None:
    there = driven((1, 1, 300_000), (2, 1, 100_000), (1, 3, 1_000), (2, 3, 3_000))
    before = shares((1, 1, 4_500), (1, 2, 1_500))
    assert allocate(invoice(9_000, "km"), there, day(3)) == [*before, *shares((3, 1, 750), (3, 2, 2_250))]
    assert allocate(invoice(9_000, "km"), there[:2], day(3)) == [*before, Share(NO_TRUCK, day(3), 3_000)]


def test_by_km_without_any_it_is_nobody_s() -> None:
    nobody = driven((1, 1, 0), (1, 2, None))
    assert allocate(invoice(9_000, "km"), nobody, day(4)) == [Share(NO_TRUCK, day(3), 9_000)]
    assert allocate(invoice(9_000, "km"), nobody, day(3)) == shares((2, NO_TRUCK, 6_000), (3, NO_TRUCK, 3_000))


def test_an_invoice_whose_days_are_not_over_is_spread_as_far_as_they_have_come() -> None:
    half = invoice(10_000, "km", 4)
    assert allocate(half, driven((1, 1, 1_000), (2, 2, 3_000)), day(2)) == shares((1, 1, 2_500), (2, 2, 2_500))
    assert (due(half, day(2)), due(half, day(4)), due(half, FIRST - ONE)) == (5_000, 10_000, 0)
    assert allocate(half, driven((1, 1, 1_000)), FIRST - ONE) == []


def test_a_credit_note_is_spread_like_an_invoice() -> None:
    there = driven((1, 1, 1), (2, 1, 1), (3, 1, 1))
    assert sum(share.cents for share in allocate(invoice(-100, "days", 1), there, day(1))) == -100
    assert largest_remainder(-100, [1, 1, 1]) == [-34, -33, -33]


def test_an_unknown_basis_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown basis hours"):
        allocate(invoice(1, "hours"), [], day(3))


invoices = st.builds(
    lambda cents, basis, first, length: Invoice(cents, basis, day(first), day(first + length)),
    st.integers(-(10**9), 10**9) | st.integers(-50, 50),  # few cents: most of what there is cannot be split
    st.sampled_from(["days", "km", "trucks"]),
    st.integers(1, 8) | st.integers(1, 40),
    st.integers(0, 40),
)
days = st.integers(1, 8) | st.integers(1, 60)  # many trucks on a few of them
fleets = st.dictionaries(st.tuples(st.integers(1, 4), days), st.none() | st.integers(0, 10**6), max_size=60).map(
    lambda found: [Exposure(truck, day(number), metres) for (truck, number), metres in found.items()]
)


@given(invoices, fleets, st.integers(0, 90))
def test_the_shares_add_up_to_what_is_due_to_the_cent(bill: Invoice, fleet: list[Exposure], until: int) -> None:
    spread = allocate(bill, fleet, day(until))
    assert sum(share.cents for share in spread) == due(bill, day(until))
    assert due(bill, bill.last) == bill.cents
    assert len({(share.truck_id, share.day) for share in spread}) == len(spread)
    there = {(each.truck_id, each.day) for each in fleet}
    assert all(share.truck_id == NO_TRUCK or (share.truck_id, share.day) in there for share in spread)
    assert all(bill.first <= share.day <= min(bill.last, day(until)) for share in spread)


@settings(max_examples=300)
@given(invoices, fleets, st.integers(0, 90))
def test_the_shares_are_those_of_plain_loops(bill: Invoice, fleet: list[Exposure], until: int) -> None:
    distances = {(each.truck_id, each.day): each.distance_m for each in fleet}
    expected = share_twin.spread(bill.cents, bill.basis, bill.first, bill.last, distances, day(until))
    assert [((share.truck_id, share.day), share.cents) for share in allocate(bill, fleet, day(until))] == sorted(
        expected.items(), key=lambda share: share[0][::-1]
    )


@given(invoices, fleets, st.integers(0, 90), st.randoms())
def test_the_shares_do_not_depend_on_the_order_of_the_days(bill: Invoice, fleet: list, until: int, random) -> None:
    spread = allocate(bill, fleet, day(until))
    random.shuffle(fleet)
    assert allocate(bill, fleet, day(until)) == spread


@given(invoices.filter(lambda bill: bill.basis == "days"), fleets, st.integers(1, 90))
def test_by_days_what_is_spread_stays_as_days_come(bill: Invoice, fleet: list[Exposure], until: int) -> None:
    known = [each for each in fleet if each.day <= day(until)]
    later = [share for share in allocate(bill, fleet, day(90)) if share.day <= day(until)]
    assert allocate(bill, known, day(until)) == later


@given(invoices, fleets, st.integers(0, 90), st.integers(0, 90), st.integers(0, 30))
def test_a_stretch_has_the_shares_that_the_whole_has_on_its_days(
    bill: Invoice, fleet: list[Exposure], until: int, first: int, length: int
) -> None:
    if bill.basis == "km":
        first, length = until, 0  # only the newest day can be spread by itself
    stretch = Stretch(day(first), day(first + length))
    own = [each for each in fleet if stretch.first <= each.day <= stretch.last]
    trucks = {each.truck_id for each in fleet if bill.first <= each.day <= min(bill.last, day(until))}
    whole = [share for share in allocate(bill, fleet, day(until)) if stretch.first <= share.day <= stretch.last]
    assert allocate(bill, own, day(until), stretch, trucks) == whole


def test_by_km_a_stretch_of_days_that_are_over_is_refused() -> None:
    with pytest.raises(ValueError, match="days that are over are spread together"):
        allocate(invoice(9_000, "km"), driven((1, 2, 1_000)), day(3), Stretch(day(2), day(3)))


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(0, 10**6), min_size=1).filter(any), st.integers(0, 10**6))
def test_no_part_is_a_cent_or_more_away_from_its_proportion(cents: int, weights: list[int], turn: int) -> None:
    parts = largest_remainder(cents, weights, turn)
    assert sum(parts) == cents
    total = sum(weights)
    assert all(abs(part * total - cents * weight) < total for part, weight in zip(parts, weights, strict=True))
