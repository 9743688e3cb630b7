"""Raw messages by API: as they came, each once, whatever the page; and readings as the sensor table has them."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from apps.trucks.models import Truck
from tests import rows
from tests.api.test_truck_events import pages
from tests.pipeline.feed import receive, truck_of

Get = Callable[..., httpx.Response]
T = 1_773_144_000  # 2026-03-10 12:00 UTC
PATH = "/api/v2/trucks/T-1/messages?from=2026-03-10&to=2026-03-10"


def message(t: int, **parameters: Any) -> dict[str, Any]:
    place = {"y": 41.85, "x": -87.65, "z": 180, "s": 60, "c": 90, "sc": 12}
    return {"t": t, "f": 1, "tp": "ud", "rt": t + 3, "pos": place, "p": parameters}


@pytest.fixture
def truck(transactional_db: None) -> Truck:
    return truck_of(rows.fleet(), "T-1")


def test_messages_are_those_that_came_with_what_was_read_of_them(api_get: Get, truck: Truck) -> None:
    sent = message(T, ign=1, odo=12.5, used=100, pto=0, harsh_braking=0, note="ü")
    receive(truck, [sent], T + 60)
    (item,) = api_get(PATH, rows.api_key(truck.fleet)).json()["data"]
    assert item["message"] == sent
    assert (item["at"], item["t"], item["received_at"]) == ("2026-03-10T12:00:00Z", T, "2026-03-10T12:00:03Z")
    assert item["sensor_version"] == truck.sensor_version
    assert item["readings"] == {
        "ignition": True, "rpm": None, "voltage": None, "odometer_m": 12_500, "fuel_used_l": 100.0,
        "fuel_level_l": None, "engine_hours_h": None, "pto": False, "dtc": None,
        "harsh": {"braking": False, "acceleration": None, "cornering": None},
    }  # fmt: skip


def test_every_message_is_on_one_page_also_those_of_one_second(api_get: Get, truck: Truck) -> None:
    sent = [message(T + second, number=number) for second in (0, 0, 0, 30, 30, 60) for number in range(3)]
    unique = {(each["t"], each["p"]["number"]) for each in sent}
    receive(truck, sent, T + 120)
    found = pages(api_get, PATH, rows.api_key(truck.fleet))
    assert len(found) == len(unique) == 9
    assert {(each["t"], each["message"]["p"]["number"]) for each in found} == unique
    assert [each["t"] for each in found] == sorted(each["t"] for each in found)


def test_a_period_of_instants_is_half_open(api_get: Get, truck: Truck) -> None:
    receive(truck, [message(T), message(T + 30), message(T + 60)], T + 120)
    path = "/api/v2/trucks/T-1/messages?from=2026-03-10T12:00:00.5Z&to=2026-03-10T12:01:00Z"
    answer = api_get(path, rows.api_key(truck.fleet)).json()
    assert [each["t"] for each in answer["data"]] == [T + 30]


def test_a_fleet_never_sees_the_messages_of_another(api_get: Get, truck: Truck) -> None:
    receive(truck, [message(T)], T + 60)
    other = rows.fleet("Other")
    assert api_get(PATH, rows.api_key(other)).status_code == 404
    truck_of(other, "T-1")
    assert api_get(PATH, rows.api_key(other)).json()["data"] == []


def test_a_repeated_question_is_not_answered_twice_until_something_came(api_get: Get, truck: Truck) -> None:
    receive(truck, [message(T)], T + 60)
    key = rows.api_key(truck.fleet)
    tag = api_get(PATH, key).headers["ETag"]
    assert api_get(PATH, key, {"If-None-Match": tag}).status_code == 304
    receive(truck, [message(T - 3_600)], T + 60)
    assert api_get(PATH, key, {"If-None-Match": tag}).status_code == 200


def test_a_long_period_is_refused_by_name(api_get: Get, truck: Truck) -> None:
    answer = api_get("/api/v2/trucks/T-1/messages?from=2026-01-01&to=2026-03-10", rows.api_key(truck.fleet))
    assert answer.status_code == 422
    assert "31 days" in answer.json()["detail"]


def test_the_day_of_a_question_is_the_fleets(api_get: Get, truck: Truck) -> None:
    first = int(dt.datetime(2026, 3, 10, 5, tzinfo=dt.UTC).timestamp())  # midnight in Chicago, summer time
    receive(truck, [message(first - 1), message(first), message(first + 86_399), message(first + 86_400)], T + 86_400)
    found = api_get(PATH, rows.api_key(truck.fleet)).json()["data"]
    assert [each["t"] - first for each in found] == [0, 86_399]
