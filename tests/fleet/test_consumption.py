"""Consumption against a truck's own baseline and against its peers."""

import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.fleet.fuel.consumption import (
    FEWEST_PEERS,
    Burn,
    Comparison,
    Consumption,
    Reason,
    against_baseline,
    against_peers,
    peers_by_class,
    together,
)

NOTHING = Burn(None, None, 0)


def burn(litres: float, km: float = 1_000, days: int = 7) -> Burn:
    return Burn(litres, int(1_000 * km), days)


def truck(litres: float = 300.0, **changes: Any) -> Consumption:
    """A truck of the class `heavy` that is ranked."""
    values = {"own": burn(litres), "baseline": burn(300.0), "coverage_pct": 98.0, "min_km": 500, "class_name": "heavy"}
    return Consumption(**{**values, **changes})


def test_a_deviation_is_per_cent_of_the_baseline() -> None:
    assert against_baseline(burn(345.0), burn(1_200.0, 4_000), 500) == Comparison(30.0, 15.0, None)
    assert against_baseline(burn(270.0), burn(1_200.0, 4_000), 500) == Comparison(30.0, -10.0, None)


@pytest.mark.parametrize(
    ("own", "baseline", "reference", "reason"),
    [
        (NOTHING, burn(300.0), 30.0, "not_measured"),
        (burn(100.0, 499.999), burn(300.0), 30.0, "distance_too_short"),
        (burn(0.0), burn(300.0), 30.0, "not_positive"),
        (burn(-5.0), burn(300.0), 30.0, "not_positive"),
        (burn(300.0), NOTHING, None, "baseline_not_measured"),
        (burn(300.0), burn(100.0, 499.999), None, "baseline_too_short"),
        (burn(300.0), burn(-5.0), None, "baseline_not_positive"),
    ],
)
def test_too_little_is_not_compared_and_says_why(own: Burn, baseline: Burn, reference: Any, reason: str) -> None:
    assert against_baseline(own, baseline, 500) == Comparison(reference, None, Reason(reason))


def test_the_shortest_distance_that_is_compared_is_included_and_no_distance_never_is() -> None:
    assert against_baseline(burn(150.0, 500), burn(150.0, 500), 500).deviation_pct == 0
    assert burn(5.0, 0).lack(0) is Reason.DISTANCE_TOO_SHORT
    assert burn(5.0, 0).l_per_100km is None


def test_half_of_the_time_must_be_known_to_be_ranked() -> None:
    assert truck(coverage_pct=50.0).unranked is None
    assert [truck(coverage_pct=pct).unranked for pct in (49.99, None)] == [Reason.COVERAGE_TOO_LOW] * 2
    assert truck(own=NOTHING, coverage_pct=10.0).unranked is Reason.NOT_MEASURED


def test_a_truck_is_held_against_the_median_of_the_others_of_its_class() -> None:
    trucks = {1: truck(330.0), 2: truck(280.0), 3: truck(300.0), 4: truck(310.0), 5: truck(900.0, class_name="light")}
    classes = peers_by_class(trucks)
    assert against_peers(1, trucks[1], classes) == (3, Comparison(30.0, pytest.approx(10.0), None))
    assert against_peers(3, trucks[3], classes)[1].l_per_100km == 31.0
    assert against_peers(5, trucks[5], classes) == (0, Comparison(None, None, Reason.TOO_FEW_PEERS))


def test_whoever_is_not_ranked_is_nobody_s_peer_and_sees_the_median_of_all() -> None:
    trucks = {number: truck(300.0) for number in range(3)} | {9: truck(900.0, coverage_pct=10.0)}
    classes = peers_by_class(trucks)
    assert against_peers(0, trucks[0], classes) == (2, Comparison(None, None, Reason.TOO_FEW_PEERS))
    assert against_peers(9, trucks[9], classes) == (3, Comparison(30.0, None, Reason.COVERAGE_TOO_LOW))


def test_without_a_class_there_are_no_peers() -> None:
    trucks = {number: truck(300.0, class_name="") for number in range(5)}
    assert peers_by_class(trucks) == {}
    assert against_peers(1, trucks[1], {}) == (0, Comparison(None, None, Reason.NO_CLASS))


@given(st.lists(st.tuples(st.integers(1, 60), st.sampled_from(["a", "b"]), st.booleans()), max_size=14))
def test_peers_are_those_of_plain_loops(found: list[tuple[int, str, bool]]) -> None:
    trucks = {
        number: truck(10.0 * litres, class_name=name, coverage_pct=90.0 if known else 20.0)
        for number, (litres, name, known) in enumerate(found)
    }
    classes = peers_by_class(trucks)
    for number, (litres, name, known) in enumerate(found):
        others = [
            10.0 * other_l / 10
            for other, (other_l, other_name, other_known) in enumerate(found)
            if other != number and other_name == name and other_known
        ]
        count, comparison = against_peers(number, trucks[number], classes)
        assert count == len(others)
        if len(others) < FEWEST_PEERS:
            assert comparison == Comparison(None, None, Reason.TOO_FEW_PEERS)
            continue
        median = statistics.median(others)
        assert comparison.l_per_100km == pytest.approx(median)
        if known:
            assert comparison.deviation_pct == pytest.approx(100 * (litres / median - 1))


def test_several_trucks_are_added_up_where_they_are_measured() -> None:
    assert together([burn(300.0), NOTHING, burn(100.0, 500, 3)]) == Burn(400.0, 1_500_000, 10)
    assert together([NOTHING]) == NOTHING
