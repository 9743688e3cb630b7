import pytest

from apps.fleet.drivers.safety import EVENTS, Weights, safety_score, score_parts
from apps.fleet.utilization.figures import LISTED, is_ranked, not_ranked
from apps.fleet.utilization.ratios import Usage, litres_per_100_km, utilization

WEEK = Usage(
    moving_s=36_000, engine_moving_s=30_000, idle_s=10_000, idle_productive_s=2_000, engine_on_s=40_000,
    available_s=72_000, truck_days=8, truck_days_used=6,
)  # fmt: skip


def test_each_utilization_has_its_own_denominator() -> None:
    assert utilization(WEEK)._asdict() == {
        "engine_utilization_pct": 80.0,  # (30,000 + 2,000) ÷ 40,000
        "asset_utilization_pct": pytest.approx(52.7778, abs=1e-4),  # (36,000 + 2,000) ÷ 72,000
        "day_utilization_pct": 75.0,
        "idle_pct": 25.0,
        "idle_nonproductive_pct": 20.0,
    }


def test_without_engine_evidence_its_ratios_are_null() -> None:
    blind = WEEK._replace(engine_moving_s=None, idle_s=None, idle_productive_s=None, engine_on_s=None)
    result = utilization(blind)
    assert (result.engine_utilization_pct, result.idle_pct, result.idle_nonproductive_pct) == (None, None, None)
    assert result.asset_utilization_pct == 50.0


def test_a_zero_denominator_is_null_not_zero() -> None:
    result = utilization(WEEK._replace(engine_on_s=0, available_s=0, truck_days=0))
    assert set(result) == {None}


def test_a_ratio_over_100_per_cent_is_not_clipped() -> None:
    assert utilization(WEEK._replace(available_s=19_000)).asset_utilization_pct == 200.0


@pytest.mark.parametrize(("length_s", "no_data_s", "ranked"), [(100, 50, True), (100, 51, False), (0, 0, False)])
def test_who_is_known_for_half_of_the_time_is_ranked(length_s: int, no_data_s: int, ranked: bool) -> None:
    assert is_ranked({"length_s": length_s, "no_data_s": no_data_s}) is ranked


def test_whom_a_ranking_leaves_out_comes_least_known_first_and_without_any_day_last() -> None:
    known = {"T-5": (100, 60), "T-4": (100, 90), "T-3": (100, 60), "T-2": (0, 0), "T-1": (100, 10)}
    rows = [
        {"truck_id": code, "name": f"{code}!", "length_s": length_s, "no_data_s": no_data_s}
        for code, (length_s, no_data_s) in known.items()
    ]
    assert not_ranked(rows) == {
        "count": 4,
        "trucks": [
            {"truck_id": "T-4", "name": "T-4!", "coverage_pct": 10.0},
            {"truck_id": "T-3", "name": "T-3!", "coverage_pct": 40.0},
            {"truck_id": "T-5", "name": "T-5!", "coverage_pct": 40.0},
            {"truck_id": "T-2", "name": "T-2!", "coverage_pct": None},
        ],
    }
    many = not_ranked({**rows[1], "truck_id": number} for number in range(LISTED + 1))
    assert (many["count"], len(many["trucks"])) == (LISTED + 1, LISTED)


def test_consumption_needs_both_halves() -> None:
    assert litres_per_100_km(31.0, 100_000) == 31.0
    assert litres_per_100_km(None, 100_000) is None
    assert litres_per_100_km(31.0, 0) is None


def scored(distance_m: int | None, *events: int | None, weights: Weights | None = None) -> float | None:
    """With minor, moderate and severe episodes, and perhaps harsh braking."""
    counts = dict(zip(EVENTS, (*events, None, None, None), strict=False))
    return safety_score(distance_m, counts, weights or Weights())


def test_safety_weighs_episodes_by_severity_per_100_km() -> None:
    assert scored(200_000, 2, 1, 1) == 96.0  # 8 weighted events over 2 × 100 km


def test_safety_weighs_harsh_driving_where_it_is_measured() -> None:
    assert scored(200_000, 2, 1, 1, 3) == 93.0
    assert scored(200_000, 0, 0, 0, 0) == scored(200_000, 0, 0, 0, None) == 100.0


@pytest.mark.parametrize(
    ("distance_m", "events"),
    [(79_999, (1, 0, 0)), (None, (1, 0, 0)), (200_000, (None, None, None)), (200_000, (1, 0, None))],
)
def test_safety_and_its_parts_are_null_under_80_km_and_where_speed_was_not_measured(
    distance_m: int | None, events: tuple[int | None, ...]
) -> None:
    assert scored(distance_m, *events) is None
    counts = dict(zip(EVENTS, (*events, 1, 0, None), strict=True))
    assert {part.points for part in score_parts(distance_m, counts, Weights())} == {None}


def test_weights_are_those_of_the_last_set_that_has_them() -> None:
    sets = [{"safety_severe_weight": 10, "safety_harsh_weight": 0}, {"speed_limit_kmh": 90, "safety_severe_weight": 6}]
    assert Weights.of(sets) == Weights(minor=1, moderate=2, severe=6, harsh=0)
    assert Weights.of([]) == Weights(1, 2, 4, 2)


def test_safety_follows_the_weights_and_so_do_its_parts() -> None:
    weights = Weights(minor=0, moderate=3, severe=6, harsh=0.5)
    assert scored(200_000, 5, 1, 1, 3, weights=weights) == 100 - (3 + 6 + 1.5) / 2
    counts = dict(zip(EVENTS, (5, 1, 1, 3, None, 0), strict=True))
    parts = score_parts(200_000, counts, weights)
    assert [(part.weight, part.points) for part in parts] == [
        (0, 0), (3, 1.5), (6, 3), (0.5, 0.75), (0.5, None), (0.5, 0),
    ]  # fmt: skip


def test_safety_does_not_fall_below_zero() -> None:
    assert scored(80_000, 0, 0, 50) == 0.0
