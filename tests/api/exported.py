"""What tests of lists as files share: where JSON has each list, and its items as the columns of a file."""

import asyncio
import csv
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import openpyxl

from apps.files import processes
from apps.fleet.export_api import ROWS
from apps.fleet.queries import FUEL_MONEY
from apps.trucks.models import Driver, FaultAcknowledgement, Truck
from tests import rows
from tests.api.test_contract import full_fleet

Get = Callable[..., httpx.Response]
MARCH = "from=2026-03-01&to=2026-03-31"
PATH = "/api/v2/exports"
CHICAGO = ZoneInfo("America/Chicago")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Where JSON has the list.
JSON = {
    **{name: f"/trucks/T-1/{name}" for name in ROWS},
    **{
        name: f"/fleet/{name}"
        for name in ("cost-analysis", "utilization", "driver-behavior", "fuel", "idling", "freshness")
    },
    "fleet-days": "/fleet/trends",
    "active-faults": "/fleet/faults",
    "trucks": "/trucks",
    "drivers": "/drivers",
    **{f"cost-{name}": f"/costs/{name}" for name in ("entries", "rates")},
    **{name: f"/costs/{name}" for name in ("fuel-prices", "fuel-purchases", "exchange-rates")},
}
ALONE = {"/drivers/D-1/days", "/drivers/D-1/costs", "/fleet/summary"}  # that no list of the whole fleet is of
# Lists of what is now, which take no period; their seconds go on between two questions.
OF_NOW = {"trucks": (), "freshness": ("lag_s",)}
PARTS = {"cost-analysis": "by_truck", "idling": "trucks"}  # of `data` with the rows


def of_march(name: str) -> str:
    return "" if name in OF_NOW else MARCH


def table(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(StringIO(answer.text, newline="")))


def workbook(answer: httpx.Response) -> openpyxl.Workbook:
    assert answer.status_code == 200, answer.text
    return openpyxl.load_workbook(BytesIO(answer.content))


def items(api_get: Get, key: str, name: str, query: str = MARCH) -> list[dict[str, Any]]:
    data = api_get(f"/api/v2{JSON[name]}?{query}", key).json()["data"]
    return data[PARTS[name]] if name in PARTS else data


def flat(item: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """An item with the names that its columns have, in dollars and metric units."""
    found: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, dict) and set(value) == {"amount", "currency"}:
            found[f"{prefix}{name}_usd"] = Decimal(value["amount"])
        elif name in ("groups", "trucks") and isinstance(value, list):
            found[name] = ", ".join(value)
        elif name == "alerts":
            found[name] = len(value)
        elif isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}_")
        elif isinstance(value, list):
            for each in value:
                of = f"{name[:-1]}_{each.get('line') or each.get('source')}"
                found[f"{of}_usd"] = Decimal(each["amount"]["amount"])
                if "share_pct" in each:
                    found[f"{of}_share_pct"] = each["share_pct"]
        else:
            found[f"{prefix}{name}"] = value
    for old in [name for name in found if name.startswith(("driver_driver_", "targets_target_"))]:
        found[old.partition("_")[2]] = found.pop(old)
    return found


def same(cell: str, value: Any) -> bool:
    """Whether a cell of a CSV has a value of JSON."""
    if value is None or cell == "":
        return cell == "" and value in (None, "")
    if isinstance(value, bool):
        return cell == str(value).lower()
    return float(cell) == float(value) if isinstance(value, int | float | Decimal) else cell == value


def furnished() -> str:
    """A fleet in which no list is empty, and no part of a row is missing on all of them."""
    fleet = full_fleet()
    truck, driver = Truck.objects.get(fleet=fleet), Driver.objects.get(fleet=fleet)
    rows.trip(truck, rows.NOON + dt.timedelta(hours=2), driver_id=driver.pk)
    rows.stop(truck, rows.NOON + dt.timedelta(hours=1), ended_at=None, parked_s=None)
    rows.fuel_event(truck, rows.NOON + dt.timedelta(hours=3), "drain", review="confirmed")
    rows.fuel_money(truck, **dict.fromkeys(FUEL_MONEY, 2))
    rows.ledger(truck, rows.NOON)
    FaultAcknowledgement.objects.create(
        fleet=fleet, truck=truck, spn=100, fmi=1, acknowledged_at=rows.NOON, acknowledged_by="somebody"
    )
    return rows.api_key(fleet)


def as_paid(item: dict[str, Any], name: str) -> dict[str, Any]:
    """Invoices and purchases have their currency beside the amount."""
    if name not in ("cost-entries", "fuel-purchases"):
        return item
    money = item["amount"]
    return {**item, "amount": Decimal(money["amount"]), "amount_currency": money["currency"]}


async def none_is_written() -> None:
    async with asyncio.timeout(5):
        while processes.writers().writing:
            await asyncio.sleep(0.02)
