"""How figures stand to those of the period before."""

from decimal import Decimal

from apps.accounts.changes import changes


def test_a_change_is_in_per_cent_and_of_what_is_in_per_cent_in_points() -> None:
    now = {
        "distance_m": 300,
        "cost": Decimal("9.00"),
        "idle_pct": 12.5,
        "safety_score": 99.0,
        "litres": None,
        "trips": 2,
    }
    before = {
        "distance_m": 200,
        "cost": Decimal("-4.50"),
        "idle_pct": 10.0,
        "safety_score": 100.0,
        "litres": 4,
        "trips": 0,
    }
    assert changes(now, before) == {
        "change_pct": {"distance_m": 50.0, "cost": 300.0, "litres": None, "trips": None},
        "change_points": {"idle_pct": 2.5, "safety_score": -1.0},
    }


def test_points_are_counted_from_zero_too_but_not_from_nothing() -> None:
    now = {"idle_pct": 12.5, "coverage_pct": 0.0, "safety_score": None}
    found = changes(now, {"idle_pct": 0.0, "coverage_pct": 33.33, "safety_score": 80.0})
    assert found == {
        "change_pct": {},
        "change_points": {"idle_pct": 12.5, "coverage_pct": -33.33, "safety_score": None},
    }
    assert changes({"idle_pct": 1.0}, {"idle_pct": None})["change_points"] == {"idle_pct": None}
