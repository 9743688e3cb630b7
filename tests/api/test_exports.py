"""Lists as files: the same values as in JSON, in any form, for the fleet of the key alone."""

import asyncio
import csv
import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import httpx
import openpyxl
import pytest
from django.conf import settings

from apps import mysql
from apps.accounts.units import LITRES_PER_GALLON, METRES_PER_MILE
from apps.files import answers, processes
from apps.files.cells import Column, Kind
from apps.files.job import Job, Pages
from apps.fleet.export_api import BY_TRUCK, NAMES, ROWS
from apps.fleet.queries import FUEL_MONEY
from apps.trucks.exports import TruckList
from apps.trucks.models import Driver, Truck
from apps.trucks.queries import FLEET_FRESHNESS
from tests import rows
from tests.api.endpoints import DOCUMENT, PATHS, parameters_of, route_of
from tests.api.test_contract import full_fleet
from tests.conftest import AsgiClient

Get = Callable[..., httpx.Response]
MARCH = "from=2026-03-01&to=2026-03-31"
PATH = "/api/v2/exports"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Where JSON has the list, and in which part of `data`.
JSON = {
    **{name: f"/trucks/T-1/{name}" for name in ROWS},
    **{name: f"/fleet/{name}" for name in ("cost-analysis", "utilization", "driver-behavior")},
}


def table(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(StringIO(answer.text, newline="")))


def workbook(answer: httpx.Response) -> openpyxl.Workbook:
    assert answer.status_code == 200, answer.text
    return openpyxl.load_workbook(BytesIO(answer.content))


def items(api_get: Get, key: str, name: str, query: str = MARCH) -> list[dict[str, Any]]:
    data = api_get(f"/api/v2{JSON[name]}?{query}", key).json()["data"]
    return data["by_truck"] if name == "cost-analysis" else data


def flat(item: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """An item with the names that its columns have, in dollars and metric units."""
    found: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, dict) and set(value) == {"amount", "currency"}:
            found[f"{prefix}{name}_usd"] = Decimal(value["amount"])
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
        return cell == "" and value is None
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
    return rows.api_key(fleet)


def test_a_csv_has_the_values_of_json(api_get: Get) -> None:
    key = furnished()
    for name in NAMES:
        found = table(api_get(f"{PATH}/{name}?{MARCH}&format=csv&units=metric", key))
        expected = [flat(item) for item in items(api_get, key, name)]
        assert len(found) == len(expected) >= 1
        for row, item in zip(found, expected, strict=True):
            shown = {column: value for column, value in item.items() if column in row or value is not None}
            assert shown.keys() <= row.keys()
            wrong = {column: row[column] for column, value in shown.items() if not same(row[column], value)}
            assert wrong == {}, name
            beside = {column: cell for column, cell in row.items() if column not in shown and cell}
            assert beside in ({}, {"truck_id": "T-1", "name": "Truck T-1"})
    assert "Driver 1" in [row["driver_name"] for row in table(api_get(f"{PATH}/trips?{MARCH}&format=csv", key))]


def test_a_workbook_has_the_cells_of_the_csv(api_get: Get) -> None:
    key = furnished()
    for name in NAMES:
        of_csv = list(csv.reader(StringIO(api_get(f"{PATH}/{name}?{MARCH}&format=csv", key).text, newline="")))
        book = workbook(api_get(f"{PATH}/{name}?{MARCH}&format=xlsx", key))
        sheet = list(book.worksheets[0].iter_rows(values_only=True))
        assert [head.replace(" (America/Chicago)", "") for head in sheet[0]] == of_csv[0]
        assert [[_as_csv(cell) for cell in cells] for cells in sheet[1:]] == [
            [_as_number(text) for text in texts] for texts in of_csv[1:]
        ]


def _as_csv(cell: Any) -> str | float:
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    if isinstance(cell, dt.datetime):  # the only instants of the rows are at noon and soon after, by daylight saving
        return (cell + dt.timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(cell, bool):
        return str(cell).lower()
    return "" if cell is None else float(cell) if isinstance(cell, int | float) else cell


def _as_number(text: str) -> str | float:
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text) else text


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


def test_a_list_by_truck_has_every_page(api_get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.fleet import exports

    monkeypatch.setattr(exports, "AT_ONCE", 2)
    fleet = rows.fleet()
    for number in range(5):
        rows.truck_day(rows.truck(fleet, f"T-{number}"))
    key = rows.api_key(fleet)
    for name in BY_TRUCK:
        found = table(api_get(f"{PATH}/{name}?{MARCH}&format=csv", key))
        assert [row["truck_id"] for row in found] == ["T-0", "T-1", "T-2", "T-3", "T-4"]


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


def test_every_list_that_is_json_is_a_file_as_well(api_get: Get) -> None:
    key = furnished()
    for name in NAMES:
        whole = api_get(f"{PATH}/{name}?{MARCH}&format=csv", key).text
        answer = api_get(f"/api/v2{JSON[name]}?{MARCH}&format=csv", key)
        assert (answer.headers["Content-Type"].split(";")[0], answer.text) == ("text/csv", whole), name
    assert api_get(f"/api/v2/trucks/T-1/days?{MARCH}", key, {"Accept": "text/csv"}).text.startswith("truck_id,name,")
    answer = api_get(f"/api/v2/fleet/utilization?{MARCH}", key, {"Accept": XLSX})
    assert len(list(workbook(answer)["Utilization"].rows)) == 2


def test_the_document_has_the_forms_of_each() -> None:
    paths = {path for path in PATHS if "format" in parameters_of(path)}
    assert paths == {f"/api/v2{path}" for path in JSON.values()}
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
    assert "Truck: T-1; Kind: drain" in comment


def test_a_file_has_all_rows_so_it_takes_no_limit(api_get: Get) -> None:
    key = furnished()
    for path in JSON.values():
        answer = api_get(f"/api/v2{path}?{MARCH}&format=csv&limit=5", key)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/limit")


def test_rows_by_something_else_than_trucks(api_get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.fleet import exports

    monkeypatch.setattr(exports, "AT_ONCE", 1)
    key = furnished()
    for path, by, column in (
        ("utilization", "group", "group"),
        ("utilization", "weekday", "weekday"),
        ("utilization", "hour", "hour"),
        ("cost-analysis", "group", "group"),
        ("cost-analysis", "driver", "driver_id"),
        ("driver-behavior", "driver", "driver_id"),
        ("driver-behavior", "driver&sort=-distance_m", "driver_id"),
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


def test_no_fleet_sees_another(api_get: Get) -> None:
    full_fleet()
    other = rows.fleet("Other")
    rows.truck(other, "T-1")
    key = rows.api_key(other)
    for name in NAMES:
        assert table(api_get(f"{PATH}/{name}?{MARCH}&format=csv", key)) == []
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
