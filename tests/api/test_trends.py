"""Trends: the summary's figures by day, week and month, of the fleet and of a truck."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from apps.accounts.models import Fleet
from apps.trucks.models import Truck
from tests import rows

Get = Callable[..., httpx.Response]
FIRST = dt.date(2026, 2, 10)  # a Tuesday
DAYS = 60  # to 10 April


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    """Two trucks over two months; the second has no days in March, and nothing stands on 1 March."""
    made = rows.fleet()
    trucks = [rows.truck(made, code) for code in ("T-1", "T-2")]
    for number in range(DAYS):
        day = FIRST + dt.timedelta(days=number)
        for truck in trucks[: 1 if day.month == 3 else 2]:
            if day != dt.date(2026, 3, 1):
                rows.truck_day(truck, day, distance_m=100_000 + 1_000 * number + truck.pk % 7, fuel_used_l=30.25)
                rows.cost(truck, "fuel", f"{40 + number}.37", day)
                rows.cost(truck, "tolls", "3.10", day, source="actual")
        rows.fleet_day(made, day) if day != dt.date(2026, 3, 1) else None
    return made


def asked(api_get: Get, fleet: Fleet, **parameters: Any) -> dict[str, Any]:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    answer = api_get(f"/api/v2/fleet/trends?{query}", rows.api_key(fleet))
    assert answer.status_code == 200, answer.text
    return answer.json()


PERIOD = {"from": "2026-02-13", "to": "2026-04-04"}
OF_TRENDS_ALONE = {
    "parked_s", "no_data_s", "stops", "idle_events", "refuels", "refuel_l", "drains", "drain_l", "faults_opened",
}  # fmt: skip
KEPT = ("truck_days", "distance_m", "moving_s", "fuel_used_l", "consumption_l_per_100km", "fuel_cost", "total_cost")


@pytest.mark.parametrize("by", ["day", "week", "month"])
def test_each_point_is_what_the_summary_says_of_its_days(api_get: Get, fleet: Fleet, by: str) -> None:
    points = asked(api_get, fleet, by=by, **PERIOD)["data"]
    key = rows.api_key(fleet)
    for point in points:
        days = f"from={point.pop('from')}&to={point.pop('to')}"
        alone = api_get(f"/api/v2/fleet/summary?{days}", key).json()["data"]
        driven = api_get(f"/api/v2/fleet/driver-behavior?{days}", key).json()["summary"]
        known = {**driven, **alone}
        assert {name: point[name] for name in point if name in known} == {n: known[n] for n in point if n in known}
        assert point.keys() - known.keys() == OF_TRENDS_ALONE


def test_weeks_begin_on_monday_and_are_cut_at_the_periods_ends(api_get: Get, fleet: Fleet) -> None:
    points = asked(api_get, fleet, by="week", **{"from": "2026-02-13", "to": "2026-03-03"})["data"]
    assert [(point["from"], point["to"]) for point in points] == [
        ("2026-02-13", "2026-02-15"),
        ("2026-02-16", "2026-02-22"),
        ("2026-02-23", "2026-03-01"),
        ("2026-03-02", "2026-03-03"),
    ]


def test_months_are_calendar_months(api_get: Get, fleet: Fleet) -> None:
    points = asked(api_get, fleet, by="month", **PERIOD)["data"]
    bounds = [(point["from"], point["to"]) for point in points]
    assert bounds == [("2026-02-13", "2026-02-28"), ("2026-03-01", "2026-03-31"), ("2026-04-01", "2026-04-04")]


def test_a_day_without_figures_is_a_point_that_says_so(api_get: Get, fleet: Fleet) -> None:
    [point] = asked(api_get, fleet, **{"from": "2026-03-01", "to": "2026-03-01"})["data"]
    assert {name for name, value in point.items() if value is not None} == {"from", "to"}


@pytest.mark.parametrize("by", ["day", "week", "month"])
@pytest.mark.parametrize("truck", [None, "T-1"])
def test_points_add_up_to_the_whole(api_get: Get, fleet: Fleet, by: str, truck: str | None) -> None:
    which = {} if truck is None else {"truck_id": truck}
    answer = asked(api_get, fleet, by=by, **PERIOD, **which)
    whole = answer["summary"]
    for name in ("truck_days", "truck_days_used", "distance_m", "moving_s", "engine_on_s", *OF_TRENDS_ALONE):
        assert sum(point[name] or 0 for point in answer["data"]) == whole[name]
    cents = [round(100 * float(point["total_cost"]["amount"])) for point in answer["data"] if point["total_cost"]]
    assert sum(cents) == round(100 * float(whole["total_cost"]["amount"]))


def test_a_trucks_trend_is_of_its_own_days(api_get: Get, fleet: Fleet) -> None:
    points = asked(api_get, fleet, by="month", truck_id="T-2", **PERIOD)["data"]
    assert [point["truck_days"] for point in points] == [16, None, 4]
    distance = sum(100_000 + 1_000 * number + Truck.objects.get(code="T-2").pk % 7 for number in range(3, 19))
    assert points[0]["distance_m"] == distance
    assert points[0]["total_cost"]["amount"] == f"{sum(40 + number for number in range(3, 19)) + 16 * (0.37 + 3.1):.2f}"


def test_the_period_before_stands_beside(api_get: Get, fleet: Fleet) -> None:
    answer = asked(api_get, fleet, **{"from": "2026-02-20", "to": "2026-02-26"})
    before = asked(api_get, fleet, **{"from": "2026-02-13", "to": "2026-02-19"})
    assert answer["previous"]["period"]["from"] == "2026-02-13"
    assert {name: answer["previous"][name] for name in KEPT} == {name: before["summary"][name] for name in KEPT}
    change = 100 * (answer["summary"]["distance_m"] / before["summary"]["distance_m"] - 1)
    assert answer["change_pct"]["distance_m"] == pytest.approx(change, abs=0.01)


@pytest.mark.parametrize("query", ["by=year", "by=day&by=week", "metric=x", "truck_id=T-1&truck_id=T-2"])
def test_what_cannot_be_asked_is_refused(api_get: Get, fleet: Fleet, query: str) -> None:
    assert api_get(f"/api/v2/fleet/trends?{query}", rows.api_key(fleet)).status_code == 422


@pytest.mark.parametrize("code", ["T-9", "no code", "T-OTHER"])
def test_a_truck_that_the_fleet_has_not_is_not_found(api_get: Get, fleet: Fleet, code: str) -> None:
    rows.truck(rows.fleet("Other"), "T-OTHER")
    assert api_get(f"/api/v2/fleet/trends?truck_id={code}", rows.api_key(fleet)).status_code == 404
