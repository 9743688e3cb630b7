"""The fleet's fuel: by truck against its baseline and its peers, by group, and in all."""

import datetime as dt
import math
import statistics
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Fleet
from apps.fleet import queries
from apps.fleet.fuel import alert_reviews
from apps.fleet.fuel import queries as fuel_queries
from apps.fleet.fuel.figures import SUMMED, total
from apps.fleet.fuel.report import Report, named
from apps.fleet.models import FuelAlert
from apps.fleet.summaries import sums
from apps.fleet.sums import trucks as truck_sums
from apps.fleet.whose import fleet_sums_sync
from apps.mysql import fetch_all_sync
from apps.trucks.models import Truck, TruckDay
from tests import rows
from tests.fleet import span_twin as twin

Get = Callable[..., httpx.Response]
FIRST = dt.date(2026, 3, 2)  # a Monday
ONE = dt.timedelta(days=1)
WEEK = "from=2026-03-02&to=2026-03-08"
PATH = f"/api/v2/fleet/fuel?{WEEK}"


def drive(truck: Truck, l_per_100km: float, first: dt.date = FIRST, days: int = 2, **changes: Any) -> None:
    """So many days of 700 km each."""
    values = {"distance_m": 700_000, "fuel_used_l": 7 * l_per_100km, **changes}
    for number in range(days):
        rows.truck_day(truck, first + number * ONE, **values)


def sum_up(fleet: Fleet) -> None:
    keys = set(TruckDay.objects.filter(fleet_id=fleet.pk).values_list("truck_id", "day"))
    sums.of_days(fleet.pk, keys, rows.revision(fleet, 1))


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    """Four trucks of a class, 30 l/100 km on days before the week and 30, 31, 32, 36 in it; a fifth has no class."""
    made = rows.fleet()
    for number, consumption in enumerate((30.0, 31.0, 32.0, 36.0), start=1):
        truck = rows.truck(made, f"T-{number}", vehicle_class="heavy_truck")
        drive(truck, 30.0, FIRST - 28 * ONE)
        drive(truck, 30.0, FIRST - ONE, 1)
        drive(truck, consumption)
    drive(rows.truck(made, "VAN"), 12.0)
    sum_up(made)
    return made


def trucks(answer: httpx.Response) -> dict[str, dict[str, Any]]:
    return {truck["truck_id"]: truck for truck in answer.json()["data"]}


def test_each_truck_stands_beside_its_four_weeks_before_and_the_median_of_its_peers(api_get: Get, fleet: Fleet) -> None:
    found = trucks(api_get(PATH, rows.api_key(fleet)))
    assert found["T-4"]["baseline"] == {
        "consumption_l_per_100km": 30.0, "deviation_pct": 20.0, "reason": None, "distance_m": 2_100_000, "days": 3,
    }  # fmt: skip
    assert found["T-4"]["peers"] == {
        "consumption_l_per_100km": 31.0, "deviation_pct": 16.13, "reason": None, "trucks": 3
    }  # fmt: skip
    assert (found["T-1"]["baseline"]["deviation_pct"], found["T-1"]["peers"]["deviation_pct"]) == (0.0, -6.25)
    assert (found["VAN"]["baseline"]["reason"], found["VAN"]["peers"]["reason"]) == (
        "baseline_not_measured", "no_class",
    )  # fmt: skip
    assert (found["VAN"]["ranked"], found["VAN"]["consumption_l_per_100km"]) == (True, 12.0)


def test_a_class_that_staff_enter_comes_before_that_of_wialon_whatever_its_capitals(api_get: Get, fleet: Fleet) -> None:
    key = rows.api_key(fleet)
    assert trucks(api_get(PATH, key))["VAN"]["vehicle_class"] is None
    van = Truck.objects.get(fleet=fleet, code="VAN")
    van.own_class = " Heavy_Truck"
    van.save()
    found = trucks(api_get(PATH, key))
    assert (found["VAN"]["vehicle_class"], found["VAN"]["peers"]["trucks"]) == ("Heavy_Truck", 4)
    assert found["T-4"]["peers"]["consumption_l_per_100km"] == 30.5  # of 12, 30, 31, 32


def test_only_days_with_litres_and_distance_count(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    drive(truck, 30.0, days=4)
    drive(truck, 30.0, FIRST + 4 * ONE, 2, distance_m=None, distance_source=None)
    drive(truck, 30.0, FIRST + 6 * ONE, 1, fuel_used_l=None, fuel_source=None)
    sum_up(truck.fleet)
    answer = api_get(PATH, rows.api_key(truck.fleet))
    for found in (answer.json()["data"][0], answer.json()["summary"]):
        assert (found["truck_days"], found["consumption_days"]) == (7, 4)
        assert (found["consumption_l"], found["fuel_distance_m"]) == (840.0, 2_800_000)
        assert found["consumption_l_per_100km"] == 30.0
        assert (found["fuel_used_l"], found["distance_m"]) == (1_260.0, 3_500_000)


UNRANKED: dict[str, dict[str, Any]] = {
    "coverage_too_low": {"moving_s": 0, "idle_s": 0, "idle_productive_s": 0, "parked_s": 43_199},
    "distance_too_short": {"distance_m": 249_999},
    "not_measured": {"fuel_used_l": None},
    "not_positive": {"fuel_used_l": -1.0},
}


def test_outside_the_ranking_a_truck_is_still_seen_and_says_why(api_get: Get, fleet: Fleet) -> None:
    for number, changes in enumerate([*UNRANKED.values(), {"distance_m": None}], start=1):
        drive(rows.truck(fleet, f"A-{number}", vehicle_class="heavy_truck"), 90.0, **changes)
    sum_up(fleet)
    answer = api_get(f"{PATH}&sort=-consumption_l_per_100km", rows.api_key(fleet))
    found = trucks(answer)
    assert list(found) == ["T-4", "T-3", "T-2", "T-1", "VAN", "A-1", "A-2", "A-3", "A-4", "A-5"]
    assert [truck["unranked_reason"] for truck in found.values()] == [None] * 5 + [*UNRANKED, "not_measured"]
    assert [truck["ranked"] for truck in found.values()] == [True] * 5 + [False] * 5
    assert found["T-1"]["peers"]["trucks"] == 3
    assert (answer.json()["summary"]["trucks_ranked"], answer.json()["summary"]["trucks_unranked"]) == (5, 5)


def test_the_shortest_distance_is_a_parameter_of_fleet_and_truck(api_get: Get, fleet: Fleet) -> None:
    rows.parameters(fleet, {"fuel_min_km": 1_500})
    rows.parameters(fleet, {"fuel_min_km": 1_400}, truck=Truck.objects.get(fleet=fleet, code="T-2"))
    rows.parameters(fleet, {"fuel_min_km": 1}, effective_from=FIRST + 7 * ONE)
    answer = api_get(PATH, rows.api_key(fleet))
    assert [code for code, truck in trucks(answer).items() if truck["ranked"]] == ["T-2"]
    assert answer.json()["summary"]["parameters"] == {"fuel_min_km": 1_500, "fuel_deviation_pct": 15}


ORDERS = {
    "truck_id": "T-1 T-2 T-3 T-4 VAN",
    "-deviation_pct": "T-4 T-3 T-2 T-1 VAN",
    "deviation_pct": "T-1 T-2 T-3 T-4 VAN",
    "-peers_deviation_pct": "T-4 T-3 T-2 T-1 VAN",
    "consumption_l_per_100km": "VAN T-1 T-2 T-3 T-4",
    "-fuel_used_l": "T-4 T-3 T-2 T-1 VAN",
    "idle_fuel_l": "T-1 T-2 T-3 T-4 VAN",
    "-drain_l": "T-1 T-2 T-3 T-4 VAN",
}


def test_pages_follow_the_order_that_is_asked_for(api_get: Get, fleet: Fleet) -> None:
    key = rows.api_key(fleet)
    for sort, order in ORDERS.items():
        found: list[str] = []
        cursor, has_more = "", True
        while has_more:
            answer = api_get(f"{PATH}&sort={sort}&limit=2{cursor}", key).json()
            found += [truck["truck_id"] for truck in answer["data"]]
            has_more, cursor = answer["page"]["has_more"], f"&cursor={answer['page']['next_cursor']}"
        assert " ".join(found) == order, sort


def test_groups_are_the_sums_of_their_trucks_and_pick_them(api_get: Get, fleet: Fleet) -> None:
    members = Truck.objects.filter(fleet=fleet, code__in=["T-3", "T-4"])
    rows.group(fleet, "North", *members)
    rows.group(fleet, "Nobody")
    key = rows.api_key(fleet)
    assert list(trucks(api_get(f"{PATH}&group=North", key))) == ["T-3", "T-4"]
    answer = api_get(PATH, key)
    north, rest = answer.json()["summary"]["groups"]
    assert (north["group"], north["trucks"], north["consumption_l_per_100km"]) == ("North", 2, 34.0)
    assert (north["baseline"]["deviation_pct"], north["distance_m"]) == (13.33, 2_800_000)
    assert (rest["group"], rest["trucks"]) == (None, 3)  # T-1, T-2 and the van; nobody has no truck
    assert rest["consumption_l_per_100km"] == 24.33  # (30 + 31 + 12) ÷ 3
    assert rest["baseline"]["consumption_l_per_100km"] == 30.0
    for name in ("fuel_used_l", "distance_m", "truck_days", "consumption_l"):
        assert north[name] + rest[name] == answer.json()["summary"][name]
    unknown = api_get(f"{PATH}&group=South", key)
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/query/group")


def test_all_that_is_said_of_a_group_is_of_its_trucks(api_get: Get, fleet: Fleet) -> None:
    members = Truck.objects.filter(fleet=fleet, code__in=["T-3", "T-4"])
    rows.group(fleet, "North", *members)
    rows.group(fleet, "South", members[0])
    for truck in Truck.objects.filter(fleet=fleet):
        rows.known(truck, rows.NOON if truck.code == "T-1" else dt.datetime.now(dt.UTC))
        if truck.code != "T-3":
            rows.fuel_alert(truck)
    key = rows.api_key(fleet)
    whole, north = (api_get(f"{PATH}{query}", key).json() for query in ("", "&group=North"))
    summary = north["summary"]
    (same,) = summary["groups"]
    assert same == next(each for each in whole["summary"]["groups"] if each["group"] == "North")
    shared = same.keys() & summary.keys()
    assert {name: summary[name] for name in shared} == {name: same[name] for name in shared}
    assert (summary["trucks_ranked"], summary["alerts"]["open"]) == (2, 1)
    assert (whole["summary"]["trucks_ranked"], whole["summary"]["alerts"]["open"]) == (5, 4)
    assert (north["previous"]["consumption_l_per_100km"], north["previous"]["truck_days"]) == (30.0, 2)
    assert (whole["freshness"]["lagging"], north["freshness"]["lagging"]) == (["T-1"], [])


def test_the_fleet_stands_beside_the_period_before(api_get: Get, fleet: Fleet) -> None:
    answer = api_get(PATH, rows.api_key(fleet)).json()
    assert answer["summary"]["consumption_l_per_100km"] == 28.2  # the mean of 30, 31, 32, 36, 12: all drive as far
    assert answer["previous"]["period"] == {"from": "2026-02-23", "to": "2026-03-01", "timezone": "America/Chicago"}
    assert (answer["previous"]["consumption_l_per_100km"], answer["change_pct"]["consumption_l_per_100km"]) == (
        30.0,
        -6.0,
    )
    assert answer["summary"]["baseline"]["deviation_pct"] == -6.0


def test_drains_in_money_are_those_of_trucks_and_fleet(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    drive(truck, 30.0, drains=1, drain_l=50.0)
    priced = {"drain_priced_l": 50.0, "suspected_drains": 1, "suspected_drain_l": 50.0}
    rows.fuel_money(
        truck, FIRST, fuel_cost="64.20", fuel_priced_l=60.0, idle_cost="3.10", idle_productive_cost="0.60",
        drain_cost="52.50", suspected_drain_cost="52.50", **priced,
    )  # fmt: skip
    sum_up(truck.fleet)
    answer = api_get(PATH, rows.api_key(truck.fleet)).json()
    for found in (answer["data"][0], answer["summary"]):
        assert (found["drains"], found["drain_l"], found["drain_priced_l"]) == (2, 100.0, 50.0)
        assert (found["drain_cost"], found["suspected_drain_cost"]) == ({"amount": "52.50", "currency": "USD"},) * 2
        assert (found["suspected_drains"], found["idle_cost"]["amount"]) == (1, "3.10")
        assert (found["fuel_cost"]["amount"], found["idle_productive_cost"]["amount"]) == ("64.20", "0.60")
        assert (found["fuel_priced_l"], found["fuel_used_l"]) == (60.0, 420.0)


def test_drains_without_a_price_cost_null_though_days_without_drains_cost_nothing(api_get: Get) -> None:
    fleet = rows.fleet()
    for code, drains, priced_l, cost in (("A", 1, 0.0, None), ("B", 0, 0.0, "0.00")):
        truck = rows.truck(fleet, code)
        drive(truck, 30.0, days=1, drains=drains, drain_l=50.0 * drains)
        drive(truck, 30.0, FIRST + ONE, 1, drains=0, drain_l=0.0)
        suspected = {"suspected_drains": drains, "suspected_drain_l": 50.0 * drains, "suspected_drain_cost": cost}
        rows.fuel_money(truck, FIRST, drain_cost=cost, drain_priced_l=priced_l, **suspected)
        nothing = {"suspected_drains": 0, "suspected_drain_l": 0.0, "suspected_drain_cost": "0.00"}
        rows.fuel_money(truck, FIRST + ONE, drain_cost="0.00", drain_priced_l=0.0, **nothing)
    sum_up(fleet)
    answer = api_get(PATH, rows.api_key(fleet)).json()
    first, second = answer["data"]
    for found in (first, answer["summary"]):
        assert (found["drain_l"], found["drain_cost"], found["suspected_drain_cost"]) == (50.0, None, None)
    zero = {"amount": "0.00", "currency": "USD"}
    assert (second["drain_l"], second["drain_cost"], second["suspected_drain_cost"]) == (0.0, zero, zero)


@pytest.mark.parametrize(
    ("priced_l", "cost", "suspected", "shown"), [(50.0, "55.00", "0.00", None), (100.0, "0.00", "0.00", "0.00")]
)
def test_suspected_drains_without_a_price_cost_null_but_those_at_a_price_of_nothing_cost_nothing(
    api_get: Get, priced_l: float, cost: str, suspected: str, shown: str | None
) -> None:
    """Two drains of 50 l: the confirmed one has a price and the suspected one has none, or both are at 0.00 a litre."""
    truck = rows.truck(rows.fleet())
    drive(truck, 30.0, days=1, drains=2, drain_l=100.0)
    counts = {"drain_priced_l": priced_l, "suspected_drains": 1, "suspected_drain_l": 50.0}
    rows.fuel_money(truck, FIRST, drain_cost=cost, suspected_drain_cost=suspected, **counts)
    sum_up(truck.fleet)
    found = api_get(PATH, rows.api_key(truck.fleet)).json()["summary"]
    assert found["drain_cost"]["amount"] == cost
    assert found["suspected_drain_cost"] == (shown and {"amount": shown, "currency": "USD"})


def test_another_fleet_s_trucks_are_no_peers_and_in_no_answer(api_get: Get, fleet: Fleet) -> None:
    other = rows.fleet("Other")
    for number in range(3):
        drive(rows.truck(other, f"X-{number}", vehicle_class="heavy_truck"), 50.0)
    sum_up(other)
    found = trucks(api_get(PATH, rows.api_key(fleet)))
    assert set(found) == {"T-1", "T-2", "T-3", "T-4", "VAN"}
    assert found["T-1"]["peers"]["trucks"] == 3


def test_alerts_are_those_that_hold_of_weeks_that_reach_into_the_period(api_get: Get, fleet: Fleet) -> None:
    truck = Truck.objects.get(fleet=fleet, code="T-4")
    rows.fuel_alert(truck, FIRST, note="new trailer")
    rows.fuel_alert(truck, FIRST - 7 * ONE, review="dismissed")
    rows.fuel_alert(truck, FIRST + 7 * ONE, withdrawn_at=rows.NOON)
    rows.fuel_alert(truck, FIRST + 14 * ONE)
    rows.fuel_alert(rows.truck(rows.fleet("Other"), "T-4"), FIRST)
    key = rows.api_key(fleet)
    found = trucks(api_get("/api/v2/fleet/fuel?from=2026-03-01&to=2026-03-09", key))
    assert [(alert["week"], alert["state"]) for alert in found["T-4"]["alerts"]] == [
        ("2026-02-23", "dismissed"), ("2026-03-02", "open"),
    ]  # fmt: skip
    assert found["T-4"]["alerts"][1] == {
        "week": "2026-03-02", "state": "open", "consumption_l_per_100km": 36.0, "baseline_l_per_100km": 30.0,
        "deviation_pct": 20.0, "threshold_pct": 15.0, "distance_m": 1_000_000, "excess_l": 60.0,
        "excess_cost": {"amount": "63.00", "currency": "USD"}, "note": "new trailer", "reviewed_at": None,
    }  # fmt: skip
    assert found["T-1"]["alerts"] == []
    answer = api_get(PATH, key)
    assert answer.json()["summary"]["alerts"] == {"open": 1, "acknowledged": 0, "dismissed": 0}
    alert_reviews.review([FuelAlert.objects.get(truck=truck, week=FIRST)], "acknowledged", "pat", rows.NOON)
    again = api_get(PATH, key, {"If-None-Match": answer.headers["ETag"]})
    assert again.json()["summary"]["alerts"] == {"open": 0, "acknowledged": 1, "dismissed": 0}


# --- against plain loops over truck-days ----------------------------------------------------------------------------

LENGTH = 50
START = dt.date(2026, 1, 20)
MEASURED = st.none() | st.integers(-1, 9)
DAYS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, LENGTH - 1), MEASURED, MEASURED, st.booleans()),
    max_size=60,
    unique_by=lambda row: row[:2],
)  # truck, day, litres, km, known


def stored(fleet: Fleet, found: list[tuple[Any, ...]]) -> None:
    """Days of five trucks of one class, with their money."""
    made = [rows.truck(fleet, f"T-{number}", vehicle_class="heavy") for number in range(5)]
    for number, offset, litres, km, known in found:
        states = {"parked_s": 0, "moving_s": 10_000, "idle_s": 1_000, "idle_productive_s": 0}
        rows.truck_day(
            made[number], START + offset * ONE, fuel_used_l=None if litres is None else 10.1 * litres,
            distance_m=None if km is None else 77_777 * max(km, 0), **({} if known else states),
        )  # fmt: skip
        if litres is not None:
            rows.fuel_money(made[number], START + offset * ONE, fuel_cost=Decimal(litres) + Decimal("0.07"))
    for day in sorted({START + row[1] * ONE for row in found}):
        rows.fleet_day(fleet, day)


def burnt(days: Iterable[TruckDay]) -> tuple[float, int, int]:
    both = [day for day in days if day.fuel_used_l is not None and day.distance_m is not None]
    return math.fsum(day.fuel_used_l for day in both), sum(day.distance_m for day in both), len(both)


@pytest.mark.django_db
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=DAYS, offset=st.integers(20, LENGTH - 1), length=st.integers(1, 20))
def test_every_truck_is_what_plain_loops_over_its_days_find(found: list, offset: int, length: int) -> None:
    with transaction.atomic():
        fleet = rows.fleet()
        stored(fleet, found)
        first = START + offset * ONE
        check(fleet, first, first + (length - 1) * ONE)
        transaction.set_rollback(True)


def check(fleet: Fleet, first: dt.date, last: dt.date) -> None:
    report = read(fleet, first, last)
    days = list(TruckDay.objects.filter(fleet_id=fleet.pk))
    of = {
        pk: ([day for day in days if day.truck_id == pk and first <= day.day <= last],
             [day for day in days if day.truck_id == pk and first - 28 * ONE <= day.day < first])
        for pk in report.ranking.trucks
    }  # fmt: skip
    assert set(of) == {day.truck_id for day in days if first <= day.day <= last}
    ranked = {}
    for pk, (now, _) in of.items():
        litres, metres, _ = burnt(now)
        known = sum(day.length_s - day.no_data_s for day in now) / sum(day.length_s for day in now)
        if metres >= 500_000 and litres > 0 and known >= 0.5:
            ranked[pk] = 100_000 * litres / metres
    for pk, (now, before) in of.items():
        truck = report.ranking.trucks[pk]
        assert (truck.consumption.unranked is None) == (pk in ranked)
        litres, metres, number = burnt(now)
        own, baseline = truck.consumption.own, truck.consumption.baseline
        assert (own.distance_m or 0, own.days, own.litres or 0) == (metres, number, pytest.approx(litres))
        then_l, then_m, then_days = burnt(before)
        assert (baseline.distance_m or 0, baseline.days, baseline.litres or 0) == (
            then_m, then_days, pytest.approx(then_l),
        )  # fmt: skip
        deviation = report.ranking.against_baseline(truck).deviation_pct
        if metres >= 500_000 and litres > 0 and then_m >= 500_000 and then_l > 0:
            assert deviation == pytest.approx(100 * ((litres / metres) / (then_l / then_m) - 1), abs=1e-9)
        else:
            assert deviation is None
        others = [value for other, value in ranked.items() if other != pk]
        peers, comparison = report.ranking.against_peers(truck)
        assert peers == len(others)
        assert comparison.l_per_100km == (pytest.approx(statistics.median(others)) if len(others) > 2 else None)
    check_total(fleet, first, last, report)


def check_total(fleet: Fleet, first: dt.date, last: dt.date, report: Report) -> None:
    """The trucks add up to the fleet, money to the cent."""
    whole = fleet_sums_sync(queries.period(fleet.pk, first, last)).totals
    added = total(report.sums_of([*report.ranking.trucks.values()]))
    for name in SUMMED:
        assert twin.same(added[name] or 0, whole[name] or 0), name


def read(fleet: Fleet, first: dt.date, last: dt.date) -> Report:
    """The report on Django's connection."""
    period, before = queries.period(fleet.pk, first, last), queries.period(fleet.pk, first - 28 * ONE, first - ONE)
    sums = truck_sums.by_id_sync(period, fuel_queries.FIGURES), truck_sums.sums_sync(before, fuel_queries.BURN)
    trucks = named(fetch_all_sync(fuel_queries.TRUCKS, period))
    rest = (fetch_all_sync(sql, period) for sql in (fuel_queries.GROUPS, fuel_queries.PARAMETER_SETS))
    return Report.of("USD", trucks, *rest, *sums)
