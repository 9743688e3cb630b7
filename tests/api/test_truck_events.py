import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from apps.trucks.models import FaultAcknowledgement
from tests import rows

Get = Callable[..., httpx.Response]
DAY = "from=2026-03-10&to=2026-03-10"


def minutes(number: int) -> dt.datetime:
    return rows.NOON + dt.timedelta(minutes=number)


def pages(api_get: Get, path: str, key: str) -> list[dict]:
    """All rows, one to a page."""
    found, cursor = [], ""
    while True:
        answer = api_get(f"{path}&limit=1{cursor}", key).json()
        found += answer["data"]
        if not answer["page"]["has_more"]:
            return found
        cursor = f"&cursor={answer['page']['next_cursor']}"


def test_an_open_stop_is_listed_and_only_those_that_are_over_are_summed(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    rows.truck_day(truck)
    rows.stop(truck, minutes(0))
    rows.stop(truck, minutes(60), ended_at=None, idle_s=None, parked_s=None, no_data_s=None)
    answer = api_get(f"/api/v2/trucks/T-1/stops?{DAY}", rows.api_key(truck.fleet)).json()
    assert [stop["ended_at"] for stop in answer["data"]] == ["2026-03-10T17:30:00Z", None]
    assert answer["summary"] == {"stops": 2, "idle_s": 300, "parked_s": 1_500, "no_data_s": 0}


def test_stops_of_days_of_which_nothing_is_known_are_not_none(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    key = rows.api_key(truck.fleet)
    rows.truck_day(truck, parked_s=0, moving_s=0, stops=None, **NO_ENGINE)
    path = "/api/v2/trucks/T-1/stops"
    assert set(api_get(f"{path}?{DAY}", key).json()["summary"].values()) == {None}
    rows.truck_day(truck, rows.DAY + dt.timedelta(days=1), **NO_ENGINE)
    rows.truck_day(truck, rows.DAY + dt.timedelta(days=2))
    for last, idle_s in (("2026-03-11", None), ("2026-03-12", 0)):
        summary = api_get(f"{path}?from=2026-03-10&to={last}", key).json()["summary"]
        assert summary == {"stops": 0, "idle_s": idle_s, "parked_s": 0, "no_data_s": 0}


def test_what_is_not_known_any_more_of_a_stop_is_not_zero(api_get: Get) -> None:
    """Its day was sealed while it was open; and one that is open now: of those that are over there is none."""
    truck = rows.truck(rows.fleet())
    key = rows.api_key(truck.fleet)
    unknown = {"idle_s": None, "parked_s": None, "no_data_s": None}
    for day, changes in ((rows.NOON, {}), (rows.NOON + dt.timedelta(days=1), {"ended_at": None})):
        rows.truck_day(truck, day.date())
        rows.stop(truck, day, **unknown, **changes)
    for day, seconds in (("2026-03-10", None), ("2026-03-11", 0)):
        summary = api_get(f"/api/v2/trucks/T-1/stops?from={day}&to={day}", key).json()["summary"]
        assert summary == {"stops": 1, "idle_s": seconds, "parked_s": seconds, "no_data_s": seconds}


def test_totals_are_null_where_the_truck_has_no_days(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    key = rows.api_key(truck.fleet)
    for path in ("stops", "idle-events", "fuel-events", "harsh-events", "faults"):
        summary = api_get(f"/api/v2/trucks/T-1/{path}?{DAY}", key).json()["summary"]
        assert set(summary.values()) == {None}, path


NO_LEVEL = {"refuels": None, "refuel_l": None, "drains": None, "drain_l": None}
NO_ENGINE = {"idle_s": None, "idle_productive_s": None, "engine_on_s": None, "idle_events": None, "idle_fuel_l": None}


def test_totals_are_null_where_the_truck_has_days_on_which_nothing_of_it_is_measured(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    rows.truck_day(truck, **NO_ENGINE, **NO_LEVEL)
    rows.truck_day(truck, rows.DAY - dt.timedelta(days=1))
    key = rows.api_key(truck.fleet)
    for path in ("idle-events", "fuel-events"):
        answer = api_get(f"/api/v2/trucks/T-1/{path}?{DAY}", key).json()
        assert set(answer["summary"].values()) == {None}, path
        before = {name: value for name, value in answer["previous"].items() if name != "period"}
        assert None not in before.values(), path
        assert set(answer["change_pct"].values()) == {None}, path


def test_what_is_measured_counts_alone(api_get: Get) -> None:
    """Level without engine: refuels are known, drains are not. Engine without fuel counter: idling, but no litres."""
    truck = rows.truck(rows.fleet())
    rows.truck_day(truck, drains=None, drain_l=None, idle_fuel_l=None)
    rows.fuel_event(truck, minutes(0))
    rows.idle_event(truck, minutes(0), fuel_l=None, cost=None)
    key = rows.api_key(truck.fleet)
    fuel = api_get(f"/api/v2/trucks/T-1/fuel-events?{DAY}", key).json()["summary"]
    assert (fuel.pop("refuels"), fuel.pop("refuel_l"), fuel.pop("refuel_cost")) == (1, 300.0, usd("315.00"))
    assert set(fuel.values()) == {None}
    idling = api_get(f"/api/v2/trucks/T-1/idle-events?{DAY}", key).json()["summary"]
    assert idling == {"idle_events": 1, "duration_s": 600, "productive_s": 0, "fuel_l": None, "cost": None}


def test_where_there_was_neither_idling_nor_a_refuel_the_sums_are_zero(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    rows.truck_day(truck)
    key = rows.api_key(truck.fleet)
    fuel = api_get(f"/api/v2/trucks/T-1/fuel-events?{DAY}", key).json()["summary"]
    assert (fuel["refuels"], fuel["refuel_l"], fuel["drain_cost"], fuel["suspected"]) == (0, 0.0, usd("0.00"), 0)
    idling = api_get(f"/api/v2/trucks/T-1/idle-events?{DAY}", key).json()["summary"]
    assert (idling["idle_events"], idling["fuel_l"], idling["cost"]) == (0, 0.0, usd("0.00"))


def test_drains_are_picked_by_what_people_said(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    rows.truck_day(truck)
    rows.fuel_event(truck, minutes(0))
    for number, review in enumerate(("suspected", "confirmed", "dismissed"), start=1):
        rows.fuel_event(truck, minutes(number * 60), "drain", review=review, litres=10.0 * number)
    path, key = f"/api/v2/trucks/T-1/fuel-events?{DAY}", rows.api_key(truck.fleet)
    for asked, found in (("review=suspected", [10.0]), ("review=confirmed&review=dismissed", [20.0, 30.0])):
        answer = api_get(f"{path}&{asked}", key).json()
        assert [event["litres"] for event in answer["data"]] == found
        assert (answer["summary"]["refuels"], answer["summary"]["drain_l"]) == (1, 30.0)
        assert [event["litres"] for event in pages(api_get, f"{path}&{asked}", key)] == found
        file = api_get(f"{path}&{asked}&format=csv", key).text.splitlines()
        assert len(file) == 1 + len(found)
    assert api_get(f"{path}&review=suspected&kind=refuel", key).json()["data"] == []
    assert api_get(f"{path}&review=doubtful", key).status_code == 422


def test_harsh_events_of_one_second_are_two_rows_and_unmeasured_kinds_are_null(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    rows.truck_day(truck, harsh_braking=1, harsh_acceleration=1, harsh_cornering=None)
    for kind in ("braking", "acceleration"):
        rows.harsh_event(truck, minutes(0), kind)
    key = rows.api_key(truck.fleet)
    path = f"/api/v2/trucks/T-1/harsh-events?{DAY}"
    assert [event["kind"] for event in pages(api_get, path, key)] == ["acceleration", "braking"]
    assert [event["kind"] for event in pages(api_get, f"{path}&sort=-started_at", key)] == ["braking", "acceleration"]
    assert [event["kind"] for event in pages(api_get, f"{path}&kind=braking", key)] == ["braking"]
    summary = api_get(f"{path}&kind=braking", key).json()["summary"]
    assert summary == {"braking": 1, "acceleration": 1, "cornering": None}


def test_a_dismissed_drain_is_listed_and_in_no_sum(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    rows.truck_day(truck)
    rows.fuel_event(truck, minutes(0))
    for number, review in enumerate(("suspected", "confirmed", "dismissed"), start=1):
        rows.fuel_event(truck, minutes(number * 60), "drain", review=review)
    key = rows.api_key(truck.fleet)
    answer = api_get(f"/api/v2/trucks/T-1/fuel-events?{DAY}", key).json()
    assert [event["review"] for event in answer["data"]] == [None, "suspected", "confirmed", "dismissed"]
    assert answer["summary"] == {
        "refuels": 1, "refuel_l": 300.0, "refuel_cost": usd("315.00"), "drains": 2, "drain_l": 120.0,
        "drain_cost": usd("126.00"), "suspected": 1, "suspected_l": 60.0, "suspected_cost": usd("63.00"),
    }  # fmt: skip
    assert [event["cost"] for event in answer["data"]] == [usd("315.00"), *[usd("63.00")] * 3]
    drains = api_get(f"/api/v2/trucks/T-1/fuel-events?{DAY}&kind=drain", key).json()
    assert [event["kind"] for event in drains["data"]] == ["drain"] * 3


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def test_fuel_events_stand_beside_those_of_the_period_before(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    for day in (rows.DAY, rows.DAY - dt.timedelta(days=1)):
        rows.truck_day(truck, day)
    rows.fuel_event(truck, minutes(0), "drain", litres=90.0)
    rows.fuel_event(truck, minutes(-24 * 60), "drain", litres=60.0)
    key = rows.api_key(truck.fleet)
    answer = api_get(f"/api/v2/trucks/T-1/fuel-events?{DAY}", key).json()
    assert answer["previous"]["period"]["to"] == "2026-03-09"
    assert (answer["previous"]["drain_l"], answer["previous"]["drain_cost"]) == (60.0, usd("63.00"))
    assert (answer["change_pct"]["drain_l"], answer["change_pct"]["suspected_cost"]) == (50.0, 50.0)
    assert (answer["summary"]["refuel_cost"], answer["change_pct"]["refuel_cost"]) == (usd("0.00"), None)
    hour = api_get("/api/v2/trucks/T-1/fuel-events?from=2026-03-10T17:00:00Z&to=2026-03-11T17:00:00Z", key).json()
    assert (hour["summary"]["drains"], hour["previous"]["drains"]) == (1, 1)


def test_drains_without_a_price_cost_null_and_no_drains_cost_nothing(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    rows.truck_day(truck)
    rows.fuel_event(truck, minutes(0), "drain", cost=None)
    summary = api_get(f"/api/v2/trucks/T-1/fuel-events?{DAY}", rows.api_key(truck.fleet)).json()["summary"]
    assert (summary["drain_l"], summary["drain_cost"], summary["refuel_cost"]) == (60.0, None, usd("0.00"))


def test_idle_events_come_with_litres_and_cost_and_the_day_before(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    for day in (rows.DAY, rows.DAY - dt.timedelta(days=1)):
        rows.truck_day(truck, day)
    for number, cost in enumerate(("2.10", None), start=0):
        rows.idle_event(truck, minutes(60 * number), fuel_l=2.0, cost=cost)
    rows.idle_event(truck, minutes(-24 * 60), fuel_l=3.0, cost="3.15")
    answer = api_get(f"/api/v2/trucks/T-1/idle-events?{DAY}", rows.api_key(truck.fleet)).json()
    assert [event["cost"] for event in answer["data"]] == [usd("2.10"), None]
    assert (answer["summary"]["fuel_l"], answer["summary"]["cost"]) == (4.0, usd("2.10"))
    assert (answer["previous"]["fuel_l"], answer["previous"]["cost"]) == (3.0, usd("3.15"))
    assert (answer["change_pct"]["idle_events"], answer["change_pct"]["fuel_l"]) == (100.0, 33.33)


def test_a_fault_is_cleared_by_what_is_heard_next_of_its_code_and_acknowledged_only_as_long(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    rows.truck_day(truck)
    rows.fault_change(truck, minutes(0))
    rows.fault_change(truck, minutes(5), spn=7, fmi=15, severity="minor")
    rows.fault_change(truck, minutes(10), "cleared")
    rows.fault_change(truck, minutes(20))
    FaultAcknowledgement.objects.create(
        fleet=truck.fleet, truck=truck, spn=100, fmi=1, acknowledged_at=minutes(15), acknowledged_by="somebody"
    )
    key, path = rows.api_key(truck.fleet), f"/api/v2/trucks/T-1/faults?{DAY}"
    told = [(fault["spn"], fault["cleared_at"], fault["acknowledged_at"]) for fault in pages(api_get, path, key)]
    assert told == [(100, "2026-03-10T17:10:00Z", None), (7, None, None), (100, None, None)]
    FaultAcknowledgement.objects.update(acknowledged_at=minutes(5))
    first = api_get(path, key).json()["data"][0]
    assert (first["acknowledged_at"], first["source"], first["failure"]) == (
        "2026-03-10T17:05:00Z",
        None,
        "below normal range, most severe",
    )
    assert api_get(path, key).json()["summary"] == {"severe": 2, "moderate": 0, "minor": 1}
    assert [fault["spn"] for fault in api_get(f"{path}&severity=minor", key).json()["data"]] == [7]


def test_active_faults_are_those_of_active_trucks_by_code_with_their_acknowledgement(api_get: Get) -> None:
    fleet = rows.fleet()
    trucks = [rows.truck(fleet, "B"), rows.truck(fleet, "A"), rows.truck(fleet, "GONE", is_active=False)]
    for truck in trucks:
        rows.open_fault(truck)
        rows.open_fault(truck, spn=7, fmi=15, source=3, severity="minor")
    rows.open_fault(rows.truck(rows.fleet("Other"), "THEIRS"))
    FaultAcknowledgement.objects.create(
        fleet=fleet, truck=trucks[1], spn=100, fmi=1, acknowledged_at=minutes(1), acknowledged_by="somebody"
    )
    key = rows.api_key(fleet)
    found = pages(api_get, "/api/v2/fleet/faults?sort=truck_id", key)
    assert [(fault["truck_id"], fault["spn"]) for fault in found] == [("A", 7), ("A", 100), ("B", 7), ("B", 100)]
    assert [fault["acknowledged_at"] is not None for fault in found] == [False, True, False, False]
    wrong = api_get("/api/v2/fleet/faults?severity=severe&severity=bad", key).json()
    assert wrong["detail"] == "severity: Input should be 'minor', 'moderate' or 'severe'."
    assert wrong["errors"][0]["pointer"] == "/query/severity/1"
    answer = api_get("/api/v2/fleet/faults?severity=severe", key).json()
    assert [fault["truck_id"] for fault in answer["data"]] == ["A", "B"]
    assert answer["summary"] == {
        "severe": 2, "moderate": 0, "minor": 2, "trucks": 2, "unacknowledged": 3, "faults_opened": None,
    }  # fmt: skip
    for acknowledged, count in (("true", 1), ("false", 3)):
        assert len(api_get(f"/api/v2/fleet/faults?acknowledged={acknowledged}", key).json()["data"]) == count


def test_active_faults_come_by_severity_and_age_in_words(api_get: Get) -> None:
    fleet = rows.fleet()
    for number, code in enumerate(("A", "B", "C")):
        truck = rows.truck(fleet, code)
        rows.known(truck, minutes(60))
        rows.open_fault(truck, minutes(-number), spn=110, fmi=16, severity="moderate")
        rows.open_fault(truck, minutes(number), spn=520_192, fmi=0)
    rows.open_fault(rows.truck(fleet, "NEVER"), spn=7, fmi=15, severity="minor")
    key = rows.api_key(fleet)
    found = pages(api_get, "/api/v2/fleet/faults?", key)
    assert [(fault["truck_id"], fault["severity"], fault["age_s"]) for fault in found] == [
        ("A", "severe", 3_600), ("B", "severe", 3_540), ("C", "severe", 3_480), ("C", "moderate", 3_720),
        ("B", "moderate", 3_660), ("A", "moderate", 3_600), ("NEVER", "minor", None),
    ]  # fmt: skip
    words = ("coolant temperature", "above normal range, moderately severe")
    assert (found[3]["suspect"], found[3]["failure"]) == words
    assert found[0]["suspect"] is None  # a number that a maker gave itself
    oldest = pages(api_get, "/api/v2/fleet/faults?sort=opened_at", key)
    assert [fault["truck_id"] for fault in oldest] == ["C", "B", "A", "A", "NEVER", "B", "C"]
    for sort in ("severity", "opened_at", "truck_id"):
        assert (
            pages(api_get, f"/api/v2/fleet/faults?sort=-{sort}", key)
            == (pages(api_get, f"/api/v2/fleet/faults?sort={sort}", key)[::-1])
        )


def test_active_faults_of_a_group_are_those_of_its_trucks(api_get: Get) -> None:
    fleet = rows.fleet()
    north, south = (rows.truck(fleet, code) for code in ("N", "S"))
    for truck, known, opened in ((north, 10, 2), (south, 5, 7)):
        rows.known(truck, minutes(known))
        rows.open_fault(truck)
        rows.truck_day(truck, faults_opened=opened)
    rows.fleet_day(fleet)
    rows.group(fleet, "North", north)
    rows.group(fleet, "Nobody")
    key = rows.api_key(fleet)
    answer = api_get(f"/api/v2/fleet/faults?{DAY}&group=North", key).json()
    assert [fault["truck_id"] for fault in answer["data"]] == ["N"]
    assert (answer["summary"]["severe"], answer["summary"]["trucks"], answer["summary"]["faults_opened"]) == (1, 1, 2)
    assert answer["freshness"]["as_of"] == minutes(10).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert api_get(f"/api/v2/fleet/faults?{DAY}", key).json()["summary"]["faults_opened"] == 9
    nobody = api_get(f"/api/v2/fleet/faults?{DAY}&group=Nobody", key).json()
    assert (nobody["data"], nobody["summary"]["severe"], nobody["summary"]["faults_opened"]) == ([], 0, None)
    assert api_get("/api/v2/fleet/faults?group=None", key).status_code == 422


def test_how_many_faults_opened_stands_beside_the_period_before(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    for ago, opened in ((0, 3), (1, 2), (2, None)):
        rows.truck_day(truck, rows.DAY - dt.timedelta(days=ago), faults_opened=opened)
        rows.fleet_day(truck.fleet, rows.DAY - dt.timedelta(days=ago))
    key = rows.api_key(truck.fleet)
    answer = api_get(f"/api/v2/fleet/faults?{DAY}", key).json()
    assert (answer["summary"]["faults_opened"], answer["previous"]["faults_opened"]) == (3, 2)
    assert answer["change_pct"] == {"faults_opened": 50.0}
    before = api_get("/api/v2/fleet/faults?from=2026-03-09&to=2026-03-09", key).json()
    assert (before["previous"]["faults_opened"], before["change_pct"]["faults_opened"]) == (None, None)


def test_latest_values_come_with_the_active_faults(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    rows.latest(truck)
    rows.open_fault(truck)
    rows.open_fault(rows.truck(truck.fleet, "T-2"), spn=7)
    key = rows.api_key(truck.fleet)
    first = api_get("/api/v2/trucks/T-1/sensors", key)
    fault = {"spn": 100, "fmi": 1, "source": None, "severity": "severe", "opened_at": "2026-03-10T17:00:00Z"}
    assert first.json()["data"]["faults"] == [fault]
    rows.open_fault(truck, rows.NOON + dt.timedelta(microseconds=999_999), spn=90, source=3)
    rows.open_fault(truck, source=3)
    second = api_get("/api/v2/trucks/T-1/sensors", key)
    assert second.json()["data"]["faults"] == [{**fault, "spn": 90, "source": 3}, fault, {**fault, "source": 3}]
    assert first.headers["ETag"] != second.headers["ETag"]
    never = rows.truck(truck.fleet, "T-3")
    assert api_get(f"/api/v2/trucks/{never.code}/sensors", key).json()["data"]["faults"] == []


NOISE, NUMBER = 2.6000000000349246, 2.6  # what a counter of 190,360.5 less one of 190,357.9 comes to in doubles


def numbers_of(part: Any) -> list[float]:
    """All numbers in an answer that are no whole ones."""
    if isinstance(part, dict):
        part = list(part.values())
    if isinstance(part, list):
        return [number for each in part for number in numbers_of(each)]
    return [part] if isinstance(part, float) else []


@pytest.mark.parametrize(
    "path",
    ["days", "trips", "idle-events", "fuel-events", "days/2026-03-10/lineage", "days?format=csv", "trips?format=csv"],
)
def test_no_answer_has_the_noise_of_doubles(api_get: Get, path: str) -> None:
    truck = rows.truck(rows.fleet(), "T-1")
    litres = ("fuel_used_l", "idle_fuel_l", "refuel_l", "drain_l", "engine_hours")
    rows.truck_day(truck, **dict.fromkeys(litres, NOISE))
    rows.trip(truck, fuel_l=NOISE, mean_speed_kmh=NOISE)
    rows.idle_event(truck, fuel_l=NOISE)
    rows.fuel_event(truck, **dict.fromkeys(("litres", "level_before_l", "level_after_l"), NOISE))
    answer = api_get(
        f"/api/v2/trucks/T-1/{path}" + ("" if "lineage" in path else f"{'&' if '?' in path else '?'}{DAY}"),
        rows.api_key(truck.fleet),
    )
    assert answer.status_code == 200
    assert str(NUMBER) in answer.text
    assert str(NOISE)[:12] not in answer.text
    if "format" not in path:
        assert all(number == round(number, 6) for number in numbers_of(answer.json()))
