import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import httpx

from apps.accounts.models import Fleet
from apps.fleet.reports.reading import daily_figures
from tests import rows

Get = Callable[..., httpx.Response]
WEEK = "from=2026-03-02&to=2026-03-08"


def week(number: int) -> list[dt.date]:
    """Seven days; week 1 is that of WEEK, week 0 the one before."""
    first = dt.date(2026, 3, 2) + (number - 1) * dt.timedelta(days=7)
    return [first + dt.timedelta(days=day) for day in range(7)]


def two_trucks() -> Fleet:
    """Two trucks over two weeks; the second has no engine evidence, no fuel, and stands still in the week before."""
    fleet = rows.fleet(currency="EUR")
    first, second = rows.truck(fleet, "A"), rows.truck(fleet, "B")
    no_engine = {
        "idle_s": None, "idle_productive_s": None, "engine_on_s": None, "fuel_used_l": None, "idle_fuel_l": None,
        "moving_s": 14_400, "parked_s": 64_800, "distance_m": 200_000,
    }  # fmt: skip
    standing = {**no_engine, "moving_s": 0, "parked_s": 86_400, "distance_m": 0, "is_used": False}
    for number, other in ((0, standing), (1, no_engine)):
        for day in week(number):
            rows.truck_day(first, day)
            rows.truck_day(second, day, **other)
            rows.cost(first, "fuel", "200.00" if number else "160.00", day)
            rows.cost(first, "tolls", "10.00", day, source="actual")
            rows.cost(second, "tolls", "5.00", day)
            rows.fleet_day(fleet, day)
    rows.known(first)
    rows.revision(fleet, 33)
    return fleet


def get(api_get: Get, fleet: Fleet, path: str) -> dict:
    answer = api_get(f"/api/v2/fleet/{path}", rows.api_key(fleet))
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- summary --------------------------------------------------------------------------------------------------------


def test_the_summary_takes_each_ratio_over_what_was_measured(api_get: Get) -> None:
    data = get(api_get, two_trucks(), f"summary?{WEEK}")["data"]
    assert data == {
        "trucks": 2, "active_trucks": 2, "truck_days": 14, "truck_days_used": 14,
        "distance_m": 7 * 620_000, "moving_s": 7 * 43_200, "idle_s": 7 * 3_600, "engine_on_s": 7 * 32_400,
        "fuel_used_l": 7 * 131.5, "idle_fuel_l": data["idle_fuel_l"],
        "consumption_l_per_100km": 31.31,  # 131.5 l over 420 km: the other truck's 200 km are not in it
        "consumption_l": 7 * 131.5, "fuel_distance_m": 7 * 420_000, "idle_productive_s": 7 * 600,
        "engine_moving_s": 7 * 28_800, "available_s": 14 * 43_200,
        "engine_utilization_pct": 90.74,  # (28,800 + 600) ÷ 32,400
        "asset_utilization_pct": 50.69,  # (43,200 + 600) ÷ 86,400
        "day_utilization_pct": 100.0, "idle_pct": 11.11, "idle_nonproductive_pct": 9.26,
        "fuel_cost": {"amount": "1400.00", "currency": "EUR"},
        "total_cost": {"amount": "1505.00", "currency": "EUR"},
        "estimated_cost_pct": 95.35,  # 70 of it are invoices
        "cost_per_km": {"amount": "0.3468", "currency": "EUR"},  # 1,505 ÷ 4,340
        "cost_per_engine_hour": {"amount": "23.8889", "currency": "EUR"},  # 1,505 ÷ 63
        "cost_per_truck_day": {"amount": "107.5000", "currency": "EUR"},  # 1,505 ÷ 14
        "cost_sources": [
            {"source": "actual", "amount": {"amount": "70.00", "currency": "EUR"}, "share_pct": 4.65},
            {"source": "estimated", "amount": {"amount": "1435.00", "currency": "EUR"}, "share_pct": 95.35},
        ],
    }  # fmt: skip


def test_the_period_before_is_as_long_and_the_change_is_against_it(api_get: Get) -> None:
    answer = get(api_get, two_trucks(), f"summary?{WEEK}")
    before, change = answer["previous"], answer["change_pct"]
    assert before["period"] == {"from": "2026-02-23", "to": "2026-03-01", "timezone": "America/Chicago"}
    assert (before["active_trucks"], before["distance_m"]) == (1, 7 * 420_000)
    assert (change["active_trucks"], change["truck_days"], change["distance_m"]) == (100.0, 0.0, 47.62)
    assert (change["total_cost"], change["cost_per_km"]) == (22.86, -16.77)
    points = answer["change_points"]
    assert {*change, *points} == set(before) - {"period", "cost_sources"}
    assert (points["asset_utilization_pct"], points["idle_pct"]) == (
        round(answer["data"]["asset_utilization_pct"] - before["asset_utilization_pct"], 2),
        0.0,
    )


def test_without_days_nothing_is_known_and_nothing_is_zero(api_get: Get) -> None:
    fleet = rows.fleet()
    rows.truck(fleet)
    answer = get(api_get, fleet, f"summary?{WEEK}")
    assert (answer["data"].pop("trucks"), answer["data"].pop("cost_sources")) == (1, [])
    assert set(answer["data"].values()) == {None}
    assert set(answer["change_pct"].values()) == set(answer["change_points"].values()) == {None}
    assert answer["freshness"] == {
        "as_of": None, "coverage_pct": None, "lagging": ["T-1"], "lagging_count": 1, "revision": 0,
        "unspread_invoices": {"waiting": 0, "no_exchange_rate": 0},
    }  # fmt: skip


def test_a_change_from_zero_is_not_computable(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    for day, distance in (("2026-03-09", 0), ("2026-03-10", 100_000)):
        rows.truck_day(truck, dt.date.fromisoformat(day), distance_m=distance)
        rows.fleet_day(fleet, dt.date.fromisoformat(day))
    change = get(api_get, fleet, "summary?from=2026-03-10&to=2026-03-10")["change_pct"]
    assert (change["distance_m"], change["moving_s"]) == (None, 0.0)


def test_api_and_mail_say_the_same_of_a_day(api_get: Get) -> None:
    fleet = two_trucks()
    data = get(api_get, fleet, "summary?from=2026-03-08&to=2026-03-08")["data"]
    mail = daily_figures(fleet, dt.date(2026, 3, 8)).fleet
    assert data["distance_m"] == mail.sums.distance_m
    assert data["fuel_used_l"] == mail.sums.fuel_used_l
    assert data["consumption_l_per_100km"] == round(mail.sums.consumption_l_100km, 2)
    assert data["engine_utilization_pct"] == round(mail.sums.utilization.engine_utilization_pct, 2)
    assert data["total_cost"]["amount"] == str(mail.cost.amount)


# --- cost -----------------------------------------------------------------------------------------------------------


def euros(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def test_costs_by_line_say_where_they_come_from(api_get: Get) -> None:
    lines = get(api_get, two_trucks(), f"cost-analysis?{WEEK}")["data"]["by_line"]
    assert [line["line"] for line in lines] == ["fuel", "tolls"]
    assert lines[1] == {
        "line": "tolls",
        "amount": euros("105.00"),
        "share_pct": 6.98,
        "cost_per_km": euros("0.0242"),
        "cost_per_engine_hour": euros("1.6667"),
        "cost_per_truck_day": euros("7.5000"),
        "sources": [
            {"source": "actual", "amount": euros("70.00"), "share_pct": 66.67},
            {"source": "estimated", "amount": euros("35.00"), "share_pct": 33.33},
        ],
    }


def test_costs_by_month_split_the_period_at_the_first(api_get: Get) -> None:
    months = get(api_get, two_trucks(), "cost-analysis?from=2026-02-23&to=2026-03-08")["data"]["by_month"]
    assert [(month["month"], month["amount"], month["distance_m"]) for month in months] == [
        ("2026-02", euros("1050.00"), 6 * 420_000),
        ("2026-03", euros("1680.00"), 420_000 + 7 * 620_000),
    ]
    assert months[0]["lines"] == [
        {"line": "fuel", "amount": euros("960.00")},
        {"line": "tolls", "amount": euros("90.00")},
    ]
    assert months[0]["cost_per_km"] == euros("0.4167")
    assert months[0]["cost_per_engine_hour"] == euros("19.4444")  # 1,050 ÷ 54
    assert months[0]["cost_per_truck_day"] == euros("87.5000")


def test_costs_by_truck_are_each_trucks_own(api_get: Get) -> None:
    answer = get(api_get, two_trucks(), f"cost-analysis?{WEEK}")
    first, second = answer["data"]["by_truck"]
    assert (first["truck_id"], first["amount"], first["cost_per_km"]) == ("A", euros("1470.00"), euros("0.5000"))
    assert (second["truck_id"], second["amount"], second["cost_per_km"]) == ("B", euros("35.00"), euros("0.0250"))
    summary = answer["summary"]
    beside = {name: summary.pop(name) for name in ("sources", "fuel", "idling", "change", "benchmark")}
    assert [(each["source"], each["amount"]) for each in beside["sources"]] == [
        ("actual", euros("70.00")), ("estimated", euros("1435.00")),
    ]  # fmt: skip
    assert beside["change"]["period"]["to"] == "2026-03-01"
    parts = [beside["change"][name] for name in ("price", "distance", "consumption")]
    assert sum(Decimal(part["amount"]) for part in parts if part) == Decimal(beside["change"]["change"]["amount"])
    assert answer["summary"] == {
        "unallocated": euros("0.00"), "amount": euros("1505.00"),
        "estimated_pct": 95.35, "distance_m": 4_340_000, "cost_per_km": euros("0.3468"),
        "cost_per_engine_hour": euros("23.8889"), "cost_per_truck_day": euros("107.5000"),
    }  # fmt: skip


def test_where_nothing_was_priced_there_is_no_cost(api_get: Get) -> None:
    fleet = rows.fleet()
    rows.truck_day(rows.truck(fleet), dt.date(2026, 3, 2))
    rows.fleet_day(fleet, dt.date(2026, 3, 2))
    answer = get(api_get, fleet, f"cost-analysis?{WEEK}")
    assert answer["data"]["by_line"] == []
    assert (answer["data"]["by_truck"][0]["amount"], answer["data"]["by_month"][0]["cost_per_km"]) == (None, None)
    assert answer["summary"]["amount"] is None


# --- utilization ----------------------------------------------------------------------------------------------------


def test_the_states_add_up_and_stand_beside_the_targets(api_get: Get) -> None:
    fleet = two_trucks()
    rows.parameters(fleet, {"target_idle_pct": 10}, effective_from=dt.date(2026, 3, 8))
    rows.parameters(fleet, {"target_idle_pct": 5}, effective_from=dt.date(2026, 3, 9))
    answer = get(api_get, fleet, f"utilization?{WEEK}")
    total = answer["summary"]
    assert total["moving_s"] + total["idle_s"] + total["parked_s"] + total["no_data_s"] == total["length_s"]
    assert total["length_s"] == 14 * 86_400
    assert total["targets"] == {
        "target_utilization_pct": 60, "utilization_met": False, "target_idle_pct": 10, "idle_met": False,
    }  # fmt: skip
    first, second = answer["data"]
    assert (first["truck_id"], first["engine_utilization_pct"], first["idle_s"]) == ("A", 90.74, 7 * 3_600)
    assert (second["truck_id"], second["engine_utilization_pct"], second["idle_s"]) == ("B", None, None)
    assert second["asset_utilization_pct"] == 33.33


# --- driver behaviour -----------------------------------------------------------------------------------------------


def test_the_score_comes_with_its_counts_and_the_fleets_is_that_of_the_sums(api_get: Get) -> None:
    fleet = rows.fleet()
    day = dt.date(2026, 3, 2)
    few = {"speeding_minor": 1, "speeding_moderate": 0, "speeding_severe": 0}
    many = {"speeding_minor": 2, "speeding_moderate": 1, "speeding_severe": 1}
    rows.truck_day(rows.truck(fleet, "A"), day, distance_m=300_000, **few)
    rows.truck_day(rows.truck(fleet, "B"), day, distance_m=100_000, **many)
    rows.truck_day(rows.truck(fleet, "C"), day, distance_m=79_999, **few)
    rows.fleet_day(fleet, day)
    answer = get(api_get, fleet, f"driver-behavior?{WEEK}")
    assert [truck["safety_score"] for truck in answer["data"]] == [99.0, 90.0, None]
    assert answer["data"][1].items() >= {
        "truck_id": "B", "name": "Truck B", "trips": 4, "distance_m": 100_000, "max_speed_kmh": 104.0,
        "speeding_minor": 2, "speeding_moderate": 1, "speeding_severe": 1, "speeding_s": 240,
        "harsh_braking": 1, "harsh_acceleration": 0, "harsh_cornering": None, "safety_score": 90.0,
    }.items()  # fmt: skip
    assert answer["summary"]["safety_score"] == 96.67  # 100 − (4 + 2 + 4 + 3 × 2) ÷ 4.79999
    assert answer["summary"]["speeding_minor"] == 4
