"""The same tag is the same answer: whatever an answer shows changes its tag when it changes."""

import asyncio
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import Fleet
from apps.fleet.drivers import driver_api
from apps.fleet.imports import storing
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import Benchmark, CostEntry, ExchangeRate
from apps.fleet.summaries import notes, shares
from apps.trucks import freshness
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
    by_file = b"currency,effective_from,rate\nCAD,2026-03-01,0.7\nCAD,2026-03-02,0.8\n"
    again = asked_again(
        api_get, fleet, path, lambda: storing.store(storing.received(fleet, "exchange-rates", "rates.csv", by_file, ""))
    )
    assert again.json()["summary"]["benchmark"]["lines_without_exchange_rate"] == []


def test_a_truck_of_a_group_that_is_known_further_than_the_last_of_them(api_get: Get, fleet: Fleet) -> None:
    first, other = Truck.objects.get(fleet=fleet), rows.truck(fleet, "T-2")
    rows.known(other)
    ingest.advance(fleet, [first.pk], int(rows.NOON.timestamp()) - 600)
    rows.group(fleet, "North", first, other)
    rows.open_fault(other)
    further = int(rows.NOON.timestamp()) + 300
    before = api_get("/api/v2/fleet/faults?group=North", rows.api_key(fleet)).json()["data"][0]["age_s"]
    again = asked_again(
        api_get, fleet, "/api/v2/fleet/faults?group=North", lambda: ingest.advance(fleet, [other.pk], further)
    )
    assert again.json()["data"][0]["age_s"] == before + 300


def test_a_group_that_takes_the_name_of_another_while_it_is_asked_about(
    api_get: Get, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read of the one is not remembered as an answer about the other, though both are as fresh."""
    path = f"/api/v2/fleet/utilization?{DAYS}&group=North"
    TruckSync.objects.all().delete()
    trucks = rows.truck(fleet, "T-2"), Truck.objects.get(code="T-1")
    for truck in trucks:
        rows.known(truck, dt.datetime.now(dt.UTC).replace(microsecond=0))
    north, south = (rows.group(fleet, name, truck) for name, truck in zip(("North", "South"), trucks, strict=True))
    key, asked = rows.api_key(fleet), freshness.group_named

    async def and_then_renamed(*about: Any) -> tuple[int, int]:
        found = await asked(*about)
        await asyncio.to_thread(_set_elsewhere, (north, {"name": "Old"}), (south, {"name": "North"}))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(freshness, "group_named", and_then_renamed)
        assert trucks_of(api_get(path, key)) == []
    assert [row["truck_id"] for row in trucks_of(api_get(path, key))] == ["T-1"]


def _set_elsewhere(*changes: tuple[Any, dict[str, str]]) -> None:
    for row, values in changes:
        _set(row, **values)
    connection.close()


def test_a_driver_who_takes_the_code_of_another_while_they_are_asked_about(
    api_get: Get, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, key = f"/api/v2/drivers/D-1/scorecard?{DAYS}", rows.api_key(fleet)
    first, second = (rows.driver(fleet, name) for name in ("Ann", "Ben"))
    asked = driver_api._driver_of

    async def and_then_changed(*about: Any) -> Any:
        found = await asked(*about)
        await asyncio.to_thread(_set_elsewhere, (first, {"code": "D-9"}), (second, {"code": "D-1"}))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(driver_api, "_driver_of", and_then_changed)
        assert api_get(path, key).json()["data"]["name"] == "Ann"
    assert api_get(path, key).json()["data"]["name"] == "Ben"


def test_a_file_that_says_whose_it_is(api_get: Get, fleet: Fleet) -> None:
    path = f"/api/v2/exports/days?{DAYS}&comment=true"
    for change in ({"name": "Prairie Freight"}, {"timezone": "America/Denver"}):
        first = api_get(path, rows.api_key(fleet))
        _set(fleet, **change)
        known = {"If-None-Match": first.headers["ETag"]}
        again = api_get(path, rows.api_key(fleet), known)  # by a key that is not remembered with what was before
        assert (again.status_code, next(iter(change.values())) in again.text) == (200, True)


@pytest.mark.parametrize("path", ["/api/v2/fleet/cost-analysis", "/api/v2/fleet/summary", "/api/v2/fleet/trends"])
def test_an_invoice_that_comes_and_one_that_turns_out_not_to_be_spread(api_get: Get, fleet: Fleet, path: str) -> None:
    """Neither changes the summaries: nor does spreading it where it comes to nothing."""
    made = CostEntry(
        fleet=fleet, line="tolls", amount=Decimal(0), currency="USD", covers_from=rows.DAY, covers_to=rows.DAY
    )

    def no_rate() -> None:
        CostEntry.objects.update(currency="CHF")
        shares.reallocate(fleet)

    def own_money() -> None:
        CostEntry.objects.update(currency="USD")
        notes.mark(fleet.pk, [made.pk])

    found = []
    for change in (lambda: ledger.save(made), no_rate, own_money, lambda: shares.reallocate(fleet)):
        again = asked_again(api_get, fleet, f"{path}?{DAYS}", change)
        found.append(tuple(again.json()["freshness"]["unspread_invoices"].values()))
    assert found == [(1, 0), (0, 1), (1, 0), (0, 0)]
