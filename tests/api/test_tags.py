"""The same tag is the same answer: whatever an answer shows changes its tag when it changes."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.test import Client

from apps.accounts.models import Fleet
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import Benchmark, ExchangeRate
from apps.trucks.models import FaultAcknowledgement, ParameterSet, Truck, TruckSync
from apps.trucks.models.views import OpenFaultRow
from apps.trucks.sync import ingest
from apps.trucks.sync.watermarks import recount
from tests import rows
from tests.api.endpoints import PATHS
from tests.trucks.test_units import refresh, unit

Get = Callable[..., httpx.Response]
FLEET_PATHS = ["/api/v2/fleet/utilization", "/api/v2/fleet/driver-behavior", "/api/v2/fleet/cost-analysis"]
DAYS = f"from={rows.DAY}&to={rows.DAY}"


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    made = rows.fleet()
    refresh(made, unit(7, "T-1"))
    rows.truck_day(Truck.objects.get(fleet=made))
    rows.fleet_day(made)
    return made


def asked_again(api_get: Get, fleet: Fleet, path: str, change: Callable[[], Any]) -> httpx.Response:
    """The answer to who knows the one before the change; before it, it is known."""
    key = rows.api_key(fleet)
    tag = api_get(path, key).headers["ETag"]
    assert api_get(path, key, {"If-None-Match": tag}).status_code == 304
    change()
    return api_get(path, key, {"If-None-Match": tag})


def trucks_of(answer: httpx.Response) -> list[dict[str, Any]]:
    data = answer.json()["data"]
    return data["by_truck"] if isinstance(data, dict) else data


@pytest.mark.parametrize("path", FLEET_PATHS)
def test_a_unit_that_was_renamed_in_wialon(api_get: Get, fleet: Fleet, path: str) -> None:
    again = asked_again(api_get, fleet, f"{path}?{DAYS}", lambda: refresh(fleet, unit(7, "Volvo 7")))
    assert trucks_of(again)[0]["name"] == "Volvo 7"


@pytest.mark.parametrize("path", FLEET_PATHS)
def test_a_code_that_staff_changed(api_get: Get, fleet: Fleet, path: str) -> None:
    truck = Truck.objects.get(fleet=fleet)

    def change() -> None:
        truck.code = "T-NEW"
        truck.save()

    assert trucks_of(asked_again(api_get, fleet, f"{path}?{DAYS}", change))[0]["truck_id"] == "T-NEW"


def test_targets_that_were_set_changed_and_taken_back(api_get: Get, fleet: Fleet) -> None:
    path, found = f"/api/v2/fleet/utilization?{DAYS}", []
    changes: list[Callable[[], Any]] = [
        lambda: rows.parameters(fleet, {"target_idle_pct": 9}),
        lambda: _set(ParameterSet.objects.get(), values={"target_idle_pct": 8}),
        lambda: ParameterSet.objects.get().delete(),
    ]
    for change in changes:
        again = asked_again(api_get, fleet, path, change)
        found.append(again.json()["summary"]["targets"]["target_idle_pct"])
    assert found == [9, 8, 15]


def _set(row: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


def test_a_truck_that_is_no_longer_active(api_get: Get, fleet: Fleet) -> None:
    again = asked_again(api_get, fleet, f"/api/v2/fleet/summary?{DAYS}", lambda: refresh(fleet))
    assert again.json()["data"]["trucks"] == 0


def test_another_truck_that_falls_behind_while_one_catches_up(api_get: Get, fleet: Fleet) -> None:
    """As many lag as before, and the least watermark is the same: only who it is has changed."""
    now = dt.datetime.now(dt.UTC)
    other, third = rows.truck(fleet, "T-2"), rows.truck(fleet, "T-3")
    for truck, behind_s in ((other, 5_000), (third, 10)):
        rows.known(truck, now - dt.timedelta(seconds=behind_s))
    ingest.advance(fleet, [Truck.objects.get(code="T-1").pk], int(now.timestamp()) - 5_000)

    def swap() -> None:
        second = int(now.timestamp())
        ingest.advance(fleet, [other.pk], second)
        _behind(third, second - 5_000)

    again = asked_again(api_get, fleet, f"/api/v2/fleet/summary?{DAYS}", swap)
    assert (again.status_code, again.json()["freshness"]["lagging"]) == (200, ["T-1", "T-3"])


def _behind(truck: Truck, known_until: int) -> None:
    TruckSync.objects.filter(truck_id=truck.pk).update(known_until=known_until)
    recount(truck.fleet_id)


def test_the_currency_of_the_fleet(api_get: Get, fleet: Fleet) -> None:
    rows.cost(Truck.objects.get(fleet=fleet), "fuel", "10.00")
    first = api_get(f"/api/v2/fleet/cost-analysis?{DAYS}", rows.api_key(fleet))
    _set(fleet, currency="CAD")
    other_key = rows.api_key(fleet)  # not yet remembered with the currency of before
    again = api_get(f"/api/v2/fleet/cost-analysis?{DAYS}", other_key, {"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200


def test_a_fault_that_somebody_acknowledged(api_get: Get, fleet: Fleet, admin_client: Client) -> None:
    truck = Truck.objects.get(fleet=fleet)
    rows.fault_change(truck)
    rows.open_fault(truck)

    def acknowledge() -> None:
        chosen = [OpenFaultRow.objects.get(truck=truck).pk]
        admin_client.post(
            "/admin/trucks/openfaultrow/", {"action": "acknowledge", "_selected_action": chosen, "fleet": fleet.pk}
        )
        assert FaultAcknowledgement.objects.exists()

    again = asked_again(api_get, fleet, f"/api/v2/trucks/T-1/faults?{DAYS}", acknowledge)
    assert again.json()["data"][0]["acknowledged_at"] is not None


@pytest.mark.parametrize("path", [path for path in PATHS if "/fleet/" in path])
def test_facts_of_another_fleet_change_nothing(api_get: Get, fleet: Fleet, path: str) -> None:
    again = asked_again(api_get, fleet, path, lambda: rows.truck(rows.fleet("Other"), "X"))
    assert again.status_code == 304


def test_a_benchmark_and_what_foreign_money_is_worth(api_get: Get, fleet: Fleet) -> None:
    path, day = f"/api/v2/fleet/cost-analysis?{DAYS}", rows.DAY - dt.timedelta(days=1)
    Benchmark.objects.all().delete()

    def publish() -> None:
        Benchmark.objects.create(year=2025, line="fuel", amount=1, currency="CAD", source="A", edition="1")

    again = asked_again(api_get, fleet, path, publish)
    assert again.json()["summary"]["benchmark"]["lines_without_exchange_rate"] == ["fuel"]
    rate = ExchangeRate(fleet=fleet, currency="CAD", effective_from=day, rate="0.7")
    assert asked_again(api_get, fleet, path, lambda: ledger.save(rate)).status_code == 200
    assert asked_again(api_get, fleet, path, lambda: ledger.delete(rate)).status_code == 200
