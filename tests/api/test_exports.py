"""Lists as files: the same values as in JSON, in any form, for the fleet of the key alone."""

import asyncio
import csv
import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO, StringIO
from itertools import compress
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import openpyxl
import pytest
from django.conf import settings

from apps import mysql
from apps.accounts.units import LITRES_PER_GALLON, METRES_PER_MILE
from apps.files import answers, processes
from apps.files.cells import Column, Kind
from apps.files.job import Job, Pages
from apps.fleet.export_api import BY_PAGES, NAMES, ROWS
from apps.fleet.models import CostEntry, FuelPrice, FuelPurchase
from apps.fleet.queries import FUEL_MONEY
from apps.trucks import paged_exports
from apps.trucks.exports import TruckList
from apps.trucks.models import Driver, FaultAcknowledgement, Truck
from apps.trucks.queries import FLEET_FRESHNESS
from tests import rows
from tests.api.endpoints import DOCUMENT, PATHS, parameters_of, route_of
from tests.api.test_contract import full_fleet
from tests.conftest import AsgiClient
from tests.files import in_process

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
ALONE = {"/drivers/D-1/days", "/fleet/summary"}  # that no list of the whole fleet is of
# Lists of what is now, which take no period; their seconds go on between two questions.
OF_NOW = {"trucks": (), "freshness": ("lag_s",)}
PARTS = {"cost-analysis": "by_truck", "idling": "trucks"}  # of `data` with the rows


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are written in this process: a process for each of many would take most of the time."""
    monkeypatch.setattr(processes.Writers, "start", in_process.start)


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


# --- values ---------------------------------------------------------------------------------------------------------


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


@pytest.mark.usefixtures("here")
def test_a_csv_has_the_values_of_json(api_get: Get) -> None:
    key = furnished()
    for name in NAMES:
        found = table(api_get(f"{PATH}/{name}?{of_march(name)}&format=csv&units=metric", key))
        expected = [flat(as_paid(item, name)) for item in items(api_get, key, name, of_march(name))]
        for row in (*found, *expected):
            for moving in OF_NOW.get(name, ()):
                assert row.pop(moving) not in ("", None)
        assert len(found) == len(expected) >= 1, name
        for row, item in zip(found, expected, strict=True):
            shown = {column: value for column, value in item.items() if column in row or value is not None}
            assert shown.keys() <= row.keys()
            wrong = {column: row[column] for column, value in shown.items() if not same(row[column], value)}
            assert wrong == {}, name
            beside = {column: cell for column, cell in row.items() if column not in shown and cell}
            assert beside in ({}, {"truck_id": "T-1", "name": "Truck T-1"})
    assert "Driver 1" in [row["driver_name"] for row in table(api_get(f"{PATH}/trips?{MARCH}&format=csv", key))]


@pytest.mark.usefixtures("here")
def test_a_workbook_has_the_cells_of_the_csv(api_get: Get) -> None:
    key = furnished()
    for name in NAMES:
        query = f"{PATH}/{name}?{of_march(name)}"
        of_csv = list(csv.reader(StringIO(api_get(f"{query}&format=csv", key).text, newline="")))
        book = workbook(api_get(f"{query}&format=xlsx", key))
        sheet = list(book.worksheets[0].iter_rows(values_only=True))
        assert [head.replace(" (America/Chicago)", "") for head in sheet[0]] == of_csv[0]
        kept = [head not in OF_NOW.get(name, ()) for head in of_csv[0]]
        assert [[_as_csv(cell) for cell in compress(cells, kept)] for cells in sheet[1:]] == [
            [_as_number(text) for text in compress(texts, kept)] for texts in of_csv[1:]
        ]


def _as_csv(cell: Any) -> str | float:
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    if isinstance(cell, dt.datetime):
        return cell.replace(tzinfo=CHICAGO).astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(cell, bool):
        return str(cell).lower()
    return "" if cell is None else float(cell) if isinstance(cell, int | float) else cell


def _as_number(text: str) -> str | float:
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text) else text


def as_paid(item: dict[str, Any], name: str) -> dict[str, Any]:
    """Invoices and purchases have their currency beside the amount."""
    if name not in ("cost-entries", "fuel-purchases"):
        return item
    money = item["amount"]
    return {**item, "amount": Decimal(money["amount"]), "amount_currency": money["currency"]}


@pytest.mark.parametrize("name", ["days", "trips"])
def test_a_list_is_of_all_trucks_and_whole_days(api_get: Get, name: str) -> None:
    """The day before and the day after are not in it, by the fleet's clocks; by day, then by truck."""
    fleet = rows.fleet()
    trucks = [rows.truck(fleet, code) for code in ("B", "A")]
    for truck in trucks:
        for days in range(-1, 4):
            day = rows.DAY + dt.timedelta(days=days)
            rows.truck_day(truck, day)
            rows.trip(truck, rows.NOON + dt.timedelta(days=days), day=day)
    query = f"from={rows.DAY}&to={rows.DAY + dt.timedelta(days=1)}&format=csv"
    found = table(api_get(f"{PATH}/{name}?{query}", rows.api_key(fleet)))
    assert [row["truck_id"] for row in found] == ["B", "A", "B", "A"]
    assert {(row.get("day") or row["started_at"])[:10] for row in found} == {"2026-03-10", "2026-03-11"}


@pytest.mark.usefixtures("here")
def test_a_list_has_every_page(api_get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paged_exports, "AT_ONCE", 2)
    fleet = rows.fleet()
    for number in range(5):
        truck = rows.truck(fleet, f"T-{number}")
        rows.truck_day(truck, driver=rows.driver(fleet))
        rows.open_fault(truck)
        rows.ledger(truck, rows.NOON + number * dt.timedelta(hours=1))
    key = rows.api_key(fleet)
    for name in BY_PAGES:
        found = table(api_get(f"{PATH}/{name}?{'' if name.endswith('rates') else of_march(name)}&format=csv", key))
        ids = [next(row[each] for each in ("id", "truck_id", "driver_id", "from") if each in row) for row in found]
        assert len(found) == len(set(ids)) == (31 if name == "fleet-days" else 5), name


def test_one_truck_alone(api_get: Get) -> None:
    fleet = rows.fleet()
    for code in ("A", "B"):
        truck = rows.truck(fleet, code)
        rows.truck_day(truck)
        rows.stop(truck)
    key = rows.api_key(fleet)
    for name in ("days", "stops"):
        assert [row["truck_id"] for row in table(api_get(f"{PATH}/{name}?{MARCH}&format=csv&truck_id=b", key))] == ["B"]


def test_sealed_days_are_told_as_in_json(api_get: Get) -> None:
    """The floor of the first truck is the beginning of 10 March in Chicago; that of the second is later on that day."""
    fleet = rows.fleet()
    midnight = dt.datetime(2026, 3, 10, 5, tzinfo=dt.UTC)
    for code, floor in (("A", midnight), ("B", midnight + dt.timedelta(hours=1)), ("C", None)):
        truck = rows.truck(fleet, code)
        rows.known(truck, raw_since_t=None if floor is None else int(floor.timestamp()))
        for days in (-1, 0, 1):
            rows.truck_day(truck, rows.DAY + dt.timedelta(days=days))
    key = rows.api_key(fleet)
    found = {(row["truck_id"], row["day"]): row["sealed"] for row in table(api_get(f"{PATH}/days?{MARCH}", key))}
    expected = {
        (code, item["day"]): str(item["sealed"]).lower()
        for code in "ABC"
        for item in api_get(f"/api/v2/trucks/{code}/days?{MARCH}", key).json()["data"]
    }
    assert found == expected
    assert list(found.values()).count("true") == 3


def test_units_are_those_of_the_fleet_or_as_asked_and_stand_in_the_names(api_get: Get) -> None:
    fleet = rows.fleet(units="us")
    rows.truck_day(rows.truck(fleet), distance_m=1_609_344, fuel_used_l=100 * LITRES_PER_GALLON)
    key = rows.api_key(fleet)
    (own,) = table(api_get(f"{PATH}/days?{MARCH}&format=csv", key))
    assert (own["distance_mi"], own["fuel_used_gal"], own["max_speed_mph"]) == (
        "1000.0", "100.0", str(round(104_000 / METRES_PER_MILE, 3))
    )  # fmt: skip
    (metric,) = table(api_get(f"{PATH}/days?{MARCH}&format=csv&units=metric", key))
    assert metric["distance_m"] == "1609344"
    about = dict(workbook(api_get(f"{PATH}/days?{MARCH}&format=xlsx", key))["About"].iter_rows(values_only=True))
    assert (about["Units"], about["Currency"]) == ("us", "USD")


# --- lists that are JSON, or a file ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_every_list_that_is_json_is_a_file_as_well(api_get: Get) -> None:
    key = furnished()
    for name in NAMES:
        whole = table(api_get(f"{PATH}/{name}?{of_march(name)}&format=csv", key))
        answer = api_get(f"/api/v2{JSON[name]}?{of_march(name)}&format=csv", key)
        found = table(answer)
        for row in (*whole, *found):
            for moving in OF_NOW.get(name, ()):
                row.pop(moving)
        assert (answer.headers["Content-Type"].split(";")[0], found) == ("text/csv", whole), name
    assert api_get(f"/api/v2/trucks/T-1/days?{MARCH}", key, {"Accept": "text/csv"}).text.startswith("truck_id,name,")
    answer = api_get(f"/api/v2/fleet/utilization?{MARCH}", key, {"Accept": XLSX})
    assert len(list(workbook(answer)["Utilization"].rows)) == 2


def test_the_document_has_the_forms_of_each() -> None:
    paths = {path for path in PATHS if "format" in parameters_of(path)}
    assert paths == {f"/api/v2{path}" for path in (*JSON.values(), *ALONE)}
    for path in paths:
        content = DOCUMENT["paths"][route_of(path)]["get"]["responses"]["200"]["content"]
        assert set(content) == {"application/json", "text/csv", XLSX}


def test_json_is_what_a_client_gets_that_takes_both(api_get: Get) -> None:
    key = furnished()
    for accept in ("application/json, text/csv", "text/csv, */*;q=0.1", "*/*"):
        assert "data" in api_get(f"/api/v2/trucks/T-1/days?{MARCH}", key, {"Accept": accept}).json()
    assert "data" in api_get(f"/api/v2/trucks/T-1/days?{MARCH}&format=json", key).json()


def test_a_file_keeps_to_filters_and_order(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    for hours, kind in enumerate(("refuel", "drain", "drain")):
        rows.fuel_event(truck, rows.NOON + dt.timedelta(hours=hours), kind)
    key = rows.api_key(fleet)
    path = f"/api/v2/trucks/T-1/fuel-events?{MARCH}&kind=drain&sort=-started_at&format=csv"
    assert [row["started_at"] for row in table(api_get(path, key))] == ["2026-03-10T19:00:00Z", "2026-03-10T18:00:00Z"]
    instants = "from=2026-03-10T18:00:00Z&to=2026-03-10T19:00:00Z"
    (one,) = table(api_get(f"/api/v2/trucks/T-1/fuel-events?{instants}&format=csv", key))
    assert one["started_at"] == "2026-03-10T18:00:00Z"
    comment = api_get(f"{path}&comment=true", key).text.splitlines()[0]
    assert "Truck: T-1; Sort: -started_at; Kind: drain" in comment


def test_a_file_has_all_rows_so_it_takes_no_limit(api_get: Get) -> None:
    key = furnished()
    for name, path in JSON.items():
        for given in ("limit=5", "cursor=x"):
            if f"/api/v2{path}" == "/api/v2/fleet/trends" or (given.startswith("cursor") and name == "idling"):
                continue  # it has no pages
            answer = api_get(f"/api/v2{path}?{of_march(name)}&format=csv&{given}", key)
            assert [each["pointer"] for each in answer.json()["errors"]] == [f"/query/{given.partition('=')[0]}"], name
            assert answer.status_code == 422


@pytest.mark.usefixtures("here")
def test_rows_by_something_else_than_trucks(api_get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paged_exports, "AT_ONCE", 1)
    key = furnished()
    for path, by, column in (
        ("utilization", "group", "group"),
        ("utilization", "weekday", "weekday"),
        ("utilization", "hour", "hour"),
        ("cost-analysis", "group", "group"),
        ("cost-analysis", "driver", "driver_id"),
        ("driver-behavior", "driver", "driver_id"),
        ("driver-behavior", "driver&sort=-distance_m", "driver_id"),
        ("trends", "week", "from"),
        ("trends", "month&group=North", "to"),
        ("trends", "quarter&truck_id=T-1", "from"),
    ):
        query = f"/api/v2/fleet/{path}?{MARCH}&by={by}"
        data = api_get(query, key).json()["data"]
        expected = [flat(item) for item in (data[f"by_{by}"] if path == "cost-analysis" else data)]
        found = table(api_get(f"{query}&format=csv&units=metric", key))
        assert [row[column] for row in found] == [
            "" if item[column] is None else str(item[column]) for item in expected
        ]
        for row, item in zip(found, expected, strict=True):
            shown = {name: value for name, value in item.items() if name in row or value is not None}
            assert {name: row[name] for name, value in shown.items() if not same(row[name], value)} == {}


@pytest.mark.usefixtures("here")
def test_the_summary_is_a_file_of_the_period_and_the_one_before(api_get: Get) -> None:
    key = furnished()
    query = f"/api/v2/fleet/summary?{MARCH}&group=North"
    answer = api_get(query, key).json()
    now, before = table(api_get(f"{query}&format=csv&units=metric", key))
    assert [(row["from"], row["to"]) for row in (now, before)] == [
        ("2026-03-01", "2026-03-31"),
        ("2026-01-29", "2026-02-28"),
    ]
    for row, part in ((now, answer["data"]), (before, answer["previous"])):
        item = {
            name: value for name, value in flat(part).items() if name != "trucks" and not name.startswith("period_")
        }
        assert item.keys() <= row.keys()
        assert {name: row[name] for name, value in item.items() if not same(row[name], value)} == {}
    assert (now["cost_source_estimated_usd"], now["cost_source_allocated_usd"]) == ("180.10", "")
    assert api_get(f"{query}&format=csv&units=us", key).text.partition("consumption_mpg")[1]
    sheet = workbook(api_get(f"{query}&format=xlsx", key)).worksheets[0]
    assert (sheet.max_row, sheet["A2"].value) == (3, dt.datetime(2026, 3, 1))
    assert "Group: North" in api_get(f"{query}&format=csv&comment=true", key).text.splitlines()[0]


@pytest.mark.usefixtures("here")
def test_a_driver_s_days_are_a_file(api_get: Get) -> None:
    key = furnished()
    query = f"/api/v2/drivers/D-1/days?{MARCH}&sort=-day"
    expected = [flat(item) for item in api_get(query, key).json()["data"]]
    found = table(api_get(f"{query}&format=csv", key))
    assert len(found) == len(expected) == 1
    shown = {name: value for name, value in expected[0].items() if name in found[0] or value is not None}
    assert {name: found[0][name] for name, value in shown.items() if not same(found[0][name], value)} == {}
    comment = api_get(f"{query}&format=csv&comment=true", key).text.splitlines()[0]
    assert "Driver: D-1; Sort: -day" in comment
    assert api_get(f"/api/v2/drivers/D-9/days?{MARCH}&format=csv", key).status_code == 404


@pytest.mark.usefixtures("here")
def test_lists_of_now_say_when_they_are_of_and_have_the_tag_of_their_rows(api_get: Get) -> None:
    fleet = full_fleet()
    key = rows.api_key(fleet)
    answer = api_get("/api/v2/trucks?format=xlsx&group=North", key)
    today = dt.datetime.now(fleet.zone).date()
    assert f'filename="Prairie-Haulage-Trucks-{today}.xlsx"' in answer.headers["Content-Disposition"]
    about = dict(workbook(answer)["About"].iter_rows(min_row=2, values_only=True))
    assert about["At"].startswith(f"{today}T")
    assert (about["Group"], "From" in about, about["Time zone"]) == ("North", False, "America/Chicago")
    known = {"If-None-Match": answer.headers["ETag"]}
    assert api_get("/api/v2/trucks?format=xlsx&group=North", key, known).status_code == 304
    Truck.objects.update(make="Kenworth")
    assert api_get("/api/v2/trucks?format=xlsx&group=North", key, known).status_code == 200


@pytest.mark.usefixtures("here")
def test_active_faults_are_those_of_now_whatever_the_period(api_get: Get) -> None:
    key = rows.api_key(full_fleet())
    answer = api_get(f"/api/v2/fleet/faults?format=csv&comment=true&{MARCH}&severity=severe", key)
    comment, _, *faults = answer.text.splitlines()
    assert ("At: " in comment, "From: " in comment, "Severity: severe" in comment, len(faults)) == (
        True, False, True, 1,
    )  # fmt: skip


def test_a_file_of_the_ledger_comes_through_djangos_own_handler(asgi: AsgiClient) -> None:
    """With a process of its own, as every other one; and a client that leaves ends it there, too."""
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    rows.ledger(truck, rows.NOON)
    CostEntry.objects.update(document="=1+1", amount=Decimal("-1234.50"))
    key = rows.api_key(fleet)
    (row,) = table(asgi.get("/api/v2/costs/entries?format=csv", key))
    assert (row["document"], row["amount"], row["amount_currency"], row["truck_id"]) == (
        "'=1+1", "-1234.50", "USD", "T-1",
    )  # fmt: skip
    book = workbook(asgi.get("/api/v2/costs/entries?format=xlsx&period=last7", key))
    assert len(list(book["Cost entries"].rows)) == 1
    head = asgi.send("HEAD", "/api/v2/costs/entries?format=csv", key)
    assert head.status_code in (200, 405)
    asgi.run(none_is_written())


@pytest.mark.usefixtures("here")
def test_the_ledger_in_us_units(api_get: Get) -> None:
    fleet = rows.fleet(units="us")
    rows.ledger(rows.truck(fleet), rows.NOON)
    FuelPurchase.objects.update(litres=Decimal("378.541"))
    FuelPrice.objects.update(price_per_l=Decimal("1.0000"))
    key = rows.api_key(fleet)
    assert table(api_get("/api/v2/costs/fuel-purchases?format=csv", key))[0]["gallons"] == "100.0"
    assert table(api_get("/api/v2/costs/fuel-prices?format=csv", key))[0]["price_per_gal_usd"] == "3.7854"
    sheet = workbook(api_get("/api/v2/costs/fuel-purchases?format=xlsx", key))["Fuel purchases"]
    cells = dict(zip(*sheet.iter_rows(values_only=True), strict=True))
    assert (cells["gallons"], cells["amount"], cells["amount_currency"]) == (100, 12.5, "USD")


# --- the file -------------------------------------------------------------------------------------------------------


def test_the_file_says_what_it_is(api_get: Get) -> None:
    fleet = full_fleet()
    key = rows.api_key(fleet)
    answer = api_get(f"{PATH}/days?{MARCH}&format=xlsx&truck_id=T-1", key)
    assert answer.headers["Content-Type"] == XLSX
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="Prairie-Haulage-Days-2026-03-01-to-2026-03-31.xlsx"'
    )
    book = workbook(answer)
    about = dict(book["About"].iter_rows(min_row=2, values_only=True))
    assert about.pop("Known up to")[-6:] in ("-06:00", "-05:00")
    assert about == {
        "List": "Days", "Fleet": "Prairie Haulage", "From": "2026-03-01", "To": "2026-03-31",
        "Time zone": "America/Chicago", "Currency": "USD", "Units": "metric", "Truck": "T-1", "Revision": "3",
        "Empty cell": "not measured; 0 is measured and zero",
    }  # fmt: skip
    meaning = dict(book["Columns"].iter_rows(min_row=2, values_only=True))
    assert meaning["engine_on_s"] == "Seconds with the engine on: moving + idle."
    assert book["Days"].freeze_panes == "A2"


def test_a_name_that_is_no_ascii_makes_no_header_break(api_get: Get) -> None:
    fleet = rows.fleet('Füßen "x"\r\nX: 1 🚚')
    answer = api_get(f"{PATH}/days?from=2026-03-01&to=2026-03-01", rows.api_key(fleet))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Fen-xX-1-Days-2026-03-01.csv"'


def test_a_csv_may_begin_with_a_mark_and_a_comment(api_get: Get) -> None:
    answer = api_get(f"{PATH}/days?{MARCH}&format=csv&bom=true&comment=true", rows.api_key(full_fleet()))
    assert answer.headers["Content-Type"].startswith("text/csv; charset=utf-8")
    first, header, *_ = answer.content.decode("utf-8").split("\r\n")
    assert first.startswith("\ufeff")
    assert "# List: Days; Fleet: Prairie Haulage; From: 2026-03-01" in first
    assert header.startswith("truck_id,name,")


def test_a_name_that_looks_like_a_formula_is_harmless(api_get: Get) -> None:
    fleet = rows.fleet()
    name = '=HYPERLINK("http://x.y","z")'
    rows.truck_day(rows.truck(fleet, name=name))
    key = rows.api_key(fleet)
    assert table(api_get(f"{PATH}/days?{MARCH}&format=csv", key))[0]["name"] == f"'{name}"
    cell = workbook(api_get(f"{PATH}/days?{MARCH}&format=xlsx", key))["Days"]["B2"]
    assert (cell.value, cell.data_type) == (name, cell.data_type)
    assert cell.data_type != "f"


def test_the_form_is_as_asked_or_as_the_client_takes_it(api_get: Get) -> None:
    key = rows.api_key(rows.fleet())
    for query, accept, kind in (
        ("", "*/*", "text/csv"),
        ("", "", "text/csv"),
        ("", "text/csv", "text/csv"),
        ("", f"text/html, {XLSX};q=0.9", XLSX),
        ("&format=xlsx", "text/csv", XLSX),
        ("&format=csv", "application/json", "text/csv"),
    ):
        answer = api_get(f"{PATH}/days?{MARCH}{query}", key, {"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, kind)


def test_a_client_that_takes_no_file_is_told(api_get: Get) -> None:
    answer = api_get(f"{PATH}/days", rows.api_key(rows.fleet()), {"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not-acceptable")


# --- who, what, how much --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_no_fleet_sees_another(api_get: Get) -> None:
    furnished()
    other = rows.fleet("Other")
    rows.truck(other, "T-1")
    key = rows.api_key(other)
    for name in NAMES:
        found = table(api_get(f"{PATH}/{name}?{of_march(name)}&format=csv", key))
        if name == "fleet-days":
            assert {cell for row in found for column, cell in row.items() if column not in ("from", "to")} <= {"", "0"}
        elif name in OF_NOW:
            assert [row["name"] for row in found] == ["Truck T-1"]
            assert not {"make", "position_at", "as_of"} & {column for column, cell in found[0].items() if cell}
        else:
            assert found == [], name
    for name in ROWS:
        assert table(api_get(f"{PATH}/{name}?{MARCH}&format=csv&truck_id=T-1", key)) == []


def test_another_fleets_truck_is_as_unknown_as_one_that_is_not_there(api_get: Get) -> None:
    rows.truck(rows.fleet("Other"), "THEIRS")
    key = rows.api_key(rows.fleet())
    theirs, nobodys = (
        api_get(f"{PATH}/days?truck_id={code}", key, {"X-Request-Id": "same"}) for code in ("THEIRS", "NOBODYS")
    )
    assert (theirs.status_code, theirs.content) == (404, nobodys.content)


def test_without_a_key_or_its_scope_there_is_no_file(api_get: Get) -> None:
    assert api_get(f"{PATH}/days").status_code == 401
    assert api_get(f"{PATH}/days", rows.api_key(rows.fleet(), scopes=("write:costs",))).status_code == 403


def test_a_question_that_has_no_answer(api_get: Get) -> None:
    key = rows.api_key(rows.fleet())
    for path, pointer in (
        ("days?format=pdf", "/query/format"),
        ("days?units=imperial", "/query/units"),
        ("days?from=2025-01-01&to=2026-03-01", "/query/to"),
        ("days?limit=5", "/query/limit"),
        ("utilization?truck_id=T-1", "/query/truck_id"),
        ("trucks?period=last7", "/query/period"),
        ("freshness?from=2026-03-01", "/query/from"),
        ("exchange-rates?truck_id=T-1", "/query/truck_id"),
        ("nothing", None),
        ("days/x", None),
    ):
        answer = api_get(f"{PATH}/{path}", key)
        assert answer.status_code == (404 if pointer is None else 422)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert pointer is None or [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_list_that_is_too_long_for_a_workbook_is_refused_with_its_length(
    api_get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MOST_ROWS", {"csv": 10, "xlsx": 1})
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    for days in range(2):
        rows.truck_day(truck, rows.DAY + dt.timedelta(days=days))
    key = rows.api_key(fleet)
    answer = api_get(f"{PATH}/days?{MARCH}&format=xlsx", key)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/format")
    assert "2 rows, but xlsx takes 1" in answer.json()["detail"]
    assert len(table(api_get(f"{PATH}/days?{MARCH}&format=csv", key))) == 2


def test_a_file_that_is_known_is_not_made_again(asgi: AsgiClient) -> None:
    fleet = full_fleet()
    key = rows.api_key(fleet)
    tag = asgi.get(f"{PATH}/days?{MARCH}&format=csv", key).headers["ETag"]
    again = asgi.get(f"{PATH}/days?{MARCH}&format=csv", key, {"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    others = [f"days?{MARCH}&format=xlsx", f"days?{MARCH}&format=csv&units=us", f"trips?{MARCH}&format=csv"]
    assert {asgi.get(f"{PATH}/{other}", key, {"If-None-Match": tag}).status_code for other in others} == {200}
    rows.revision(fleet, 4)
    assert asgi.get(f"{PATH}/days?{MARCH}&format=csv", key, {"If-None-Match": tag}).status_code == 200


def test_head_tells_of_the_file_and_leaves_no_writer(asgi: AsgiClient) -> None:
    answer = asgi.send("HEAD", f"{PATH}/days?{MARCH}&format=csv", rows.api_key(full_fleet()))
    assert (answer.status_code, answer.content) == (200, b"")
    assert "attachment" in answer.headers["Content-Disposition"]
    asgi.run(none_is_written())


async def none_is_written() -> None:
    async with asyncio.timeout(5):
        while processes.writers().writing:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_client_that_leaves_ends_the_writer(asgi: AsgiClient, form: str) -> None:
    """As a server tells of it: while the rows of a CSV come, or before a workbook begins."""
    fleet = rows.fleet()
    rows.truck_day(rows.truck(fleet))
    key = rows.api_key(fleet)

    async def ask_and_leave() -> None:
        sent: list[dict] = []
        slow = f"SELECT seq{', 1' * 47} FROM (SELECT seq, SLEEP(IF(seq = 20000, 20, 0)) FROM seq_1_to_30000) s"
        left = asyncio.Event()

        async def receive() -> dict:
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict) -> None:
            sent.append(message)

        headers = [(b"authorization", f"Bearer {key}".encode())]
        query = f"{MARCH}&format={form}".encode()
        scope = {"type": "http", "method": "GET", "path": f"{PATH}/days", "headers": headers, "query_string": query}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TruckList, "source", lambda *_, **__: answers.statement(slow, COUNT, FLEET_FRESHNESS, WHERE))
            asking = asyncio.create_task(asgi.application(scope, receive, send))
            async with asyncio.timeout(10):
                while not processes.writers().writing or (form == "csv" and not sent):
                    await asyncio.sleep(0.02)
            left.set()
            await asyncio.wait_for(asking, 5)
        assert sent[0]["status"] == {"csv": 200, "xlsx": 499}[form]
        await none_is_written()

    COUNT, WHERE = "SELECT 1 AS rows_found", {"fleet": fleet.pk}
    asgi.run(ask_and_leave())


def test_files_do_not_take_connections_of_the_pool(asgi: AsgiClient) -> None:
    """All places for files are taken by clients that do not read; other questions are answered."""
    key = rows.api_key(full_fleet())
    page = b'[["' + b"x" * 4_000_000 + b'"]]'
    columns = (Column("a", "a", Kind.TEXT, ""),)
    job = Job("csv", "Days", columns, "UTC", (), Pages((page,), {"revision": 1, "known_until": None}), 10)

    async def hold() -> list[processes.File]:
        return [await processes.writers().start(job, fleet) for fleet in range(settings.EXPORTS_MAX)]

    held = asgi.run(hold())
    assert asgi.get(f"/api/v2/trucks/T-1/days?{MARCH}", key).status_code == 200
    assert mysql.pool_stats()["used"] == 0
    for file in held:
        file.end()
    asgi.run(none_is_written())


# --- the contract ---------------------------------------------------------------------------------------------------


def test_the_document_tells_of_every_list_and_form() -> None:
    operation = DOCUMENT["paths"][f"{PATH}/{{list_name}}"]["get"]
    named = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}
    assert named["list_name"]["enum"] == list(NAMES)
    assert set(operation["responses"]["200"]["content"]) == {"text/csv", XLSX}
    assert {"401", "403", "404", "406", "422", "429", "503", "304"} <= operation["responses"].keys()
    assert all("description" in part or "description" in part["schema"] for part in operation["parameters"])
