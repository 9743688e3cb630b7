import datetime as dt
from collections.abc import Callable

import httpx

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


def test_totals_are_null_where_the_truck_has_no_days(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    key = rows.api_key(truck.fleet)
    for path in ("stops", "idle-events", "fuel-events", "harsh-events", "faults"):
        summary = api_get(f"/api/v2/trucks/T-1/{path}?{DAY}", key).json()["summary"]
        assert set(summary.values()) == {None}, path


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
    assert answer["summary"] == {"refuels": 1, "refuel_l": 300.0, "drains": 2, "drain_l": 120.0, "suspected": 1}
    drains = api_get(f"/api/v2/trucks/T-1/fuel-events?{DAY}&kind=drain", key).json()
    assert [event["kind"] for event in drains["data"]] == ["drain"] * 3


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
    found = pages(api_get, "/api/v2/fleet/faults?", key)
    assert [(fault["truck_id"], fault["spn"]) for fault in found] == [("A", 7), ("A", 100), ("B", 7), ("B", 100)]
    assert [fault["acknowledged_at"] is not None for fault in found] == [False, True, False, False]
    answer = api_get("/api/v2/fleet/faults?severity=severe", key).json()
    assert [fault["truck_id"] for fault in answer["data"]] == ["A", "B"]
    assert answer["summary"] == {"severe": 2, "moderate": 0, "minor": 2}


def test_latest_values_come_with_the_active_faults(api_get: Get) -> None:
    truck = rows.truck(rows.fleet())
    rows.latest(truck)
    rows.open_fault(truck)
    rows.open_fault(rows.truck(truck.fleet, "T-2"), spn=7)
    data = api_get("/api/v2/trucks/T-1/sensors", rows.api_key(truck.fleet)).json()["data"]
    assert data["faults"] == [
        {"spn": 100, "fmi": 1, "source": None, "severity": "severe", "opened_at": "2026-03-10T17:00:00Z"}
    ]
