"""How far an answer is known, as JSON or as a file: as far as the trucks that it is about, not as all of the fleet."""

import csv
import re
from io import StringIO

import pytest

from apps.accounts.models import Fleet
from apps.trucks.models import TruckSync
from tests import rows
from tests.api.endpoints import PATHS, parameters_of
from tests.api.exported import Get

BY_GROUP = [path for path in PATHS if {"group", "format"} <= parameters_of(path) and "/costs/" not in path]
EARLIER = rows.NOON.replace(hour=rows.NOON.hour - 3)


@pytest.fixture
def key() -> str:
    """Of a fleet whose truck in the group North is known up to noon, and the other one three hours less."""
    fleet = rows.fleet(timezone="UTC")
    ahead, behind = rows.truck(fleet, "T-1"), rows.truck(fleet, "T-2")
    rows.known(ahead, rows.NOON)
    rows.known(behind, EARLIER)
    rows.group(fleet, "North", ahead)
    rows.group(fleet, "Nobody")
    for truck in (ahead, behind):
        rows.truck_day(truck)
    rows.fleet_day(fleet)
    return rows.api_key(fleet)


def known_up_to(api_get: Get, address: str, key: str) -> str:
    answer = api_get(f"{address}{'&' if '?' in address else '?'}format=csv&comment=true", key)
    assert answer.status_code == 200, answer.text
    (about,) = next(csv.reader(StringIO(answer.text)))
    found = re.search(r"Known up to: ([^;]*)", about)
    assert found, about
    return found[1]


def test_lists_that_a_group_narrows_are_looked_at() -> None:
    assert {path.rsplit("/", 1)[1] for path in BY_GROUP} >= {
        "trucks", "utilization", "cost-analysis", "trends", "driver-behavior", "faults", "idling", "fuel", "summary",
    }  # fmt: skip


@pytest.mark.parametrize("path", BY_GROUP)
def test_a_file_of_a_group_is_known_as_far_as_its_trucks(api_get: Get, key: str, path: str) -> None:
    assert known_up_to(api_get, path, key) == EARLIER.isoformat()
    assert known_up_to(api_get, f"{path}?group=North", key) == rows.NOON.isoformat()
    assert known_up_to(api_get, f"{path}?group=Nobody", key) == "no data yet"


@pytest.mark.parametrize("path", BY_GROUP)
def test_so_is_its_json(api_get: Get, key: str, path: str) -> None:
    for query, known in (("", EARLIER), ("?group=North", rows.NOON), ("?group=Nobody", None)):
        as_of = api_get(f"{path}{query}", key).json()["freshness"]["as_of"]
        assert as_of == (None if known is None else known.isoformat().replace("+00:00", "Z"))


def test_a_file_of_a_truck_s_trend_is_known_as_far_as_the_truck(api_get: Get, key: str) -> None:
    assert known_up_to(api_get, "/api/v2/fleet/trends?truck_id=T-1", key) == rows.NOON.isoformat()
    missing = api_get("/api/v2/fleet/trends?truck_id=T-9&format=csv", key)
    assert missing.status_code == 404


def test_its_tag_changes_with_the_group_s_watermark(api_get: Get, key: str) -> None:
    fleet = Fleet.objects.get()
    address = "/api/v2/fleet/utilization?by=truck&group=North&format=csv"
    tag = api_get(address, key).headers["ETag"]
    assert api_get(address, key).headers["ETag"] == tag
    truck = fleet.trucks.get(code="T-1")
    TruckSync.objects.filter(truck_id=truck.pk).delete()
    rows.known(truck, rows.NOON.replace(minute=1))
    assert api_get(address, key).headers["ETag"] != tag


def test_a_group_that_is_not_there_is_an_error(api_get: Get, key: str) -> None:
    answer = api_get("/api/v2/fleet/utilization?by=truck&group=South&format=csv", key)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/group"


@pytest.mark.parametrize("address", ["/api/v2/trucks/{}/days", "/api/v2/exports/days?truck_id={}"])
def test_a_file_of_a_truck_is_known_as_far_as_the_truck(api_get: Get, key: str, address: str) -> None:
    for code, until in (("T-1", rows.NOON), ("T-2", EARLIER)):
        assert known_up_to(api_get, address.format(code), key) == until.isoformat()
    assert known_up_to(api_get, "/api/v2/exports/days", key) == EARLIER.isoformat()
