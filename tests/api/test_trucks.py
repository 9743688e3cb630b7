import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from apps.accounts.models import Fleet
from apps.merging import Merger
from apps.mysql import fetch_all
from apps.prepared import Repeated
from apps.trucks.models import Truck, UnitCounters
from tests import rows
from tests.api.exported import table
from tests.conftest import AsgiClient

Get = Callable[..., httpx.Response]


def ago(**duration: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(**duration)


def instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


# --- what a truck is doing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("engine_on", "speed_kmh", "age", "status"),
    [
        (True, 60.0, {"minutes": 1}, "moving"),
        (True, 5.0, {"minutes": 1}, "idle"),
        (True, None, {"minutes": 1}, "idle"),
        (False, 0.0, {"minutes": 1}, "parked"),
        (False, 60.0, {"minutes": 1}, "parked"),  # on a ferry
        (None, 60.0, {"minutes": 1}, "moving"),
        (None, 0.0, {"minutes": 1}, "parked"),
        (True, 60.0, {"minutes": 14}, "moving"),
        (True, 60.0, {"minutes": 16}, "offline"),
        (None, 0.0, {"minutes": 16}, "offline"),
        (False, 0.0, {"hours": 25}, "parked"),
        (False, 0.0, {"hours": 27}, "offline"),
    ],
)
def test_the_status_follows_from_engine_speed_and_age(api_get: Get, engine_on, speed_kmh, age, status) -> None:
    fleet = rows.fleet()
    rows.latest(rows.truck(fleet), ago(**age), engine_on=engine_on, speed_kmh=speed_kmh)
    key = rows.api_key(fleet)
    assert api_get("/api/v2/trucks", key).json()["data"][0]["status"] == status
    assert api_get("/api/v2/trucks/T-1", key).json()["data"]["status"] == status
    assert api_get("/api/v2/trucks/T-1/sensors", key).json()["data"]["status"] == status


def test_a_truck_that_never_reported_has_no_status(api_get: Get) -> None:
    fleet = rows.fleet()
    rows.truck(fleet, "A")
    rows.latest(rows.truck(fleet, "B"), None, lat=None, lon=None, fix_t=None)
    answer = api_get("/api/v2/trucks", rows.api_key(fleet)).json()
    assert [truck["status"] for truck in answer["data"]] == [None, None]
    assert answer["summary"]["never_reported"] == 2


# --- the list -------------------------------------------------------------------------------------------------------


def yard() -> tuple[Fleet, dict[str, Truck]]:
    """Four trucks, one of each kind, and one that is gone."""
    fleet = rows.fleet()
    trucks = {
        "A1": rows.truck(fleet, "A1", name="Blue Volvo", plate="IL 100", vin="VINA1"),
        "A2": rows.truck(fleet, "A2", name="Red 100%_Mack", plate="IL 200", vin="VINA2"),
        "B1": rows.truck(fleet, "B1", name="Kenworth", plate="WI 300", vin="VINB1"),
        "B2": rows.truck(fleet, "B2", name="Spare", plate="", vin=""),
    }
    rows.truck(fleet, "GONE", is_active=False)
    rows.latest(trucks["A1"], ago(minutes=1))
    rows.latest(trucks["A2"], ago(minutes=1), speed_kmh=0.0)
    rows.latest(trucks["B1"], ago(days=3))
    rows.group(fleet, "North", trucks["A1"], trucks["B1"])
    rows.group(fleet, "All, really", *trucks.values())
    return fleet, trucks


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("", "A1 A2 B1 B2"),
        ("q=a", "A1 A2 B2"),  # code A1, A2; "Spare"
        ("q=volvo", "A1"),
        ("q=IL", "A1 A2"),
        ("q=VINB", "B1"),
        ("q=100%25_", "A2"),  # wildcards are letters like any other
        ("q=%25", "A2"),
        ("q=\\", ""),
        ("q='", ""),
        ("group=North", "A1 B1"),
        ("group=north", "A1 B1"),
        ("group=All%2C%20really&status=moving", "A1"),
        ("status=offline", "B1"),
        ("status=idle&status=moving", "A1 A2"),
        ("status=parked", ""),
        ("q=A&group=North", "A1"),
    ],
)
def test_trucks_are_found_by_text_group_and_status(api_get: Get, query: str, codes: str) -> None:
    fleet, _ = yard()
    answer = api_get(f"/api/v2/trucks?{query}", rows.api_key(fleet)).json()
    assert " ".join(truck["truck_id"] for truck in answer["data"]) == codes


def test_the_counts_are_those_of_the_search_whatever_the_status_and_page(api_get: Get) -> None:
    fleet, _ = yard()
    key = rows.api_key(fleet)
    everything = {"trucks": 4, "moving": 1, "idle": 1, "parked": 0, "offline": 1, "never_reported": 1}
    assert api_get("/api/v2/trucks?status=moving&limit=1", key).json()["summary"] == everything
    north = {"trucks": 2, "moving": 1, "idle": 0, "parked": 0, "offline": 1, "never_reported": 0}
    assert api_get("/api/v2/trucks?group=North", key).json()["summary"] == north


def test_a_group_that_the_fleet_does_not_have_is_no_group_without_trucks(api_get: Get) -> None:
    fleet, _ = yard()
    rows.group(rows.fleet("Other"), "Theirs")
    key = rows.api_key(fleet)
    for name, form in (("Nor", "json"), ("Nor", "csv"), ("Theirs", "json"), ("Theirs", "csv")):
        answer = api_get(f"/api/v2/trucks?group={name}&format={form}", key)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/group"), name


def test_a_group_is_as_fresh_as_its_trucks_in_every_form(api_get: Get) -> None:
    fleet, trucks = yard()
    for code, minutes in (("A1", 1), ("B1", 2), ("A2", 90)):
        rows.known(trucks[code], ago(minutes=minutes))
    key = rows.api_key(fleet)
    assert api_get("/api/v2/trucks?group=North", key).json()["freshness"]["lagging"] == []
    assert api_get("/api/v2/trucks", key).json()["freshness"]["lagging"] == ["A2", "B2"]
    found = table(api_get("/api/v2/trucks?group=North&format=csv", key))
    assert {row["truck_id"]: row["status"] for row in found} == {"A1": "moving", "B1": "offline"}


def test_a_truck_in_the_list_says_what_and_where_it_is(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet, make="Volvo", model="VNL", model_year="2022", plate="IL 1", vin="V1")
    rows.group(fleet, "South", truck)
    rows.group(fleet, "North", truck)
    at = ago(minutes=2).replace(microsecond=0)
    rows.latest(truck, at)
    (listed,) = api_get("/api/v2/trucks", rows.api_key(fleet)).json()["data"]
    seen = at.isoformat().replace("+00:00", "Z")
    assert listed == {
        "truck_id": "T-1", "name": "Truck T-1", "plate": "IL 1", "vin": "V1", "make": "Volvo", "model": "VNL",
        "model_year": "2022", "groups": ["North", "South"], "status": "moving", "engine_on": True, "speed_kmh": 88.0,
        "lat": 41.85, "lon": -87.65, "position_at": seen, "last_message_at": seen,
    }  # fmt: skip


# --- one truck ------------------------------------------------------------------------------------------------------


def test_a_truck_tells_its_identity_its_driver_and_its_parameters(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(
        fleet,
        device_id="353173060000101",
        vehicle_class="heavy_truck",
        own_class="Tractor",
        sensor_problems=[[7, "Fuel level", "unknown operator"], [None, "?", "the definition has no id"]],
    )
    rows.assignment(truck, rows.driver(fleet, "Earlier"), rows.NOON - dt.timedelta(days=1))
    rows.assignment(truck, rows.driver(fleet, "Now", code="now", key_card="00A1"), rows.NOON)
    rows.parameters(fleet, {"speed_limit_kmh": 100, "target_idle_pct": 12})
    rows.parameters(fleet, {"speed_limit_kmh": 90}, truck=truck)
    rows.parameters(fleet, {"speed_limit_kmh": 10}, effective_from=dt.date(2099, 1, 1))
    rows.parameters(fleet, {"speed_limit_kmh": 20}, truck=rows.truck(fleet, "T-2"))
    data = api_get("/api/v2/trucks/T-1", rows.api_key(fleet)).json()["data"]
    assert data["driver"] == {
        "driver_id": "now", "name": "Now", "key_card": "00A1", "since": "2026-03-10T17:00:00Z"
    }  # fmt: skip
    assert (data["parameters"]["speed_limit_kmh"], data["parameters"]["target_idle_pct"]) == (90, 12)
    assert data["parameters"]["moving_speed_kmh"] == 5
    assert data["sensor_problems"] == [
        {"sensor_id": 7, "name": "Fuel level", "reason": "unknown operator"},
        {"sensor_id": None, "name": "?", "reason": "the definition has no id"},
    ]
    assert data["vehicle_class"] == "Tractor"
    assert (data["wialon_id"], data["device_id"], data["tank_l"]) == (truck.wialon_id, "353173060000101", 600.0)


def test_a_truck_s_own_counters_say_what_they_are_worth(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    UnitCounters.objects.create(
        truck=truck, fleet=fleet, flags=0x310, mileage_km=412_330.0, engine_hours=None, at=rows.NOON
    )
    data = api_get("/api/v2/trucks/T-1", rows.api_key(fleet)).json()["data"]
    assert data["counters"] == {
        "mileage_km": 412_330.0, "mileage_source": "gps", "mileage_is_measured": False,
        "engine_hours": None, "engine_hours_source": "ignition", "engine_hours_is_measured": False,
        "at": "2026-03-10T17:00:00Z",
    }  # fmt: skip


def test_a_truck_without_driver_or_problems_has_none(api_get: Get) -> None:
    fleet = rows.fleet()
    rows.truck(fleet)
    rows.driver(fleet, "Of nobody")
    data = api_get("/api/v2/trucks/T-1", rows.api_key(fleet)).json()["data"]
    assert (data["driver"], data["counters"], data["sensor_problems"], data["groups"]) == (None, None, [], [])


def test_a_truck_that_is_gone_keeps_its_page(api_get: Get) -> None:
    fleet = rows.fleet()
    rows.truck(fleet, is_active=False)
    assert api_get("/api/v2/trucks/T-1", rows.api_key(fleet)).json()["data"]["is_active"] is False


# --- latest values --------------------------------------------------------------------------------------------------


def test_sensors_are_the_document_of_the_sync_with_status_and_clock(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    at = ago(minutes=1).replace(microsecond=0)
    seen = at.isoformat().replace("+00:00", "Z")
    rows.latest(truck, at)
    rows.known(truck, at)
    rows.revision(fleet, 12)
    answer = api_get("/api/v2/trucks/T-1/sensors", rows.api_key(fleet)).json()
    clock = instant(answer["data"].pop("now"))
    assert abs(clock - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=5)
    assert answer == {
        "data": {
            "truck_id": "T-1",
            "status": "moving",
            "last_message_at": seen,
            "faults": [],
            "sensors": [
                {"id": 4, "name": "Fuel level", "type": "fuel level", "unit": "l", "value": 412.5, "at": seen},
            ],
            "position": {
                "lat": 41.85, "lon": -87.65, "speed_kmh": 88.0, "course_deg": 270.0, "altitude_m": 180.0,
                "satellites": 12, "at": seen,
            },
        },
        "freshness": {"as_of": seen, "coverage_pct": None, "lagging": [], "lagging_count": 0, "revision": 12},
    }  # fmt: skip


@pytest.mark.parametrize("document", [None, b"", b"{}"])
def test_without_messages_there_are_no_sensors_and_no_position(api_get: Get, document: bytes | None) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    if document is not None:
        rows.latest(truck, None, document=document)
    data = api_get("/api/v2/trucks/T-1/sensors", rows.api_key(fleet)).json()["data"]
    assert (data["status"], data["sensors"], data["position"], data["last_message_at"]) == (None, [], None, None)


def test_sensors_are_tagged_by_their_values_not_by_the_clock(api_get: Get) -> None:
    fleet = rows.fleet()
    latest = rows.latest(rows.truck(fleet), ago(minutes=1))
    key = rows.api_key(fleet)
    tag = api_get("/api/v2/trucks/T-1/sensors", key).headers["ETag"]
    assert tag.startswith("W/")
    again = api_get("/api/v2/trucks/T-1/sensors", key, {"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    latest.document = latest.document.replace(b"412.5", b"411.0")
    latest.save()
    changed = api_get("/api/v2/trucks/T-1/sensors", key, {"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.json()["data"]["sensors"][0]["value"] == 411.0


def test_sensors_of_many_trucks_asked_for_at_once_are_read_together_fleet_by_fleet(
    asgi: AsgiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.trucks import api

    fleets = [rows.fleet(name) for name in ("One", "Two")]
    for fleet in fleets:
        for number in range(3):
            rows.latest(rows.truck(fleet, f"T-{number}"), speed_kmh=float(fleet.pk))
    asked: list[Any] = []
    monkeypatch.setattr(api, "_latest_rows", Merger(noted(asked)))

    keys = {fleet: rows.api_key(fleet) for fleet in fleets}

    async def ask(fleet: Fleet, code: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {keys[fleet]}"}
        return await asgi.http.get(f"/api/v2/trucks/{code}/sensors", headers=headers)

    async def ask_at_once() -> list[httpx.Response]:
        codes = ("T-0", "t-1", "T-2", "T-2", "T-9", "T 9")
        return await asyncio.gather(*(ask(fleet, code) for fleet in fleets for code in codes))

    for key in keys.values():  # now the keys are known, and who asks at once arrives at once
        asgi.get("/api/v2/trucks", key)
    answers = asgi.run(ask_at_once())
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 404, 404] * 2
    found = [answer.json()["data"] for answer in answers if answer.status_code == 200]
    assert [(data["truck_id"], data["position"]["speed_kmh"]) for data in found] == [
        (code, float(fleet.pk)) for fleet in fleets for code in ("T-0", "T-1", "T-2", "T-2")
    ]
    assert len(asked) < 6
    assert {parameters["fleet"] for parameters in asked} == {fleet.pk for fleet in fleets}


def noted(asked: list[Any]) -> Callable[..., Any]:
    async def fetch(read: Repeated) -> Any:
        asked.append(read.values)
        return await fetch_all(read.sql, read.values)

    return fetch
