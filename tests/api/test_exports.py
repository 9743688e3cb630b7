"""Files: what they say of themselves, who gets them in which form, how much of them, and how they end."""

import asyncio
import datetime as dt

import pytest
from django.conf import settings

from apps import mysql
from apps.files import answers, processes
from apps.files.cells import Column, Kind
from apps.files.job import Job, Pages
from apps.fleet.export_api import NAMES, ROWS
from apps.trucks.exports import TruckList
from apps.trucks.queries import FLEET_FRESHNESS
from tests import rows
from tests.api.endpoints import DOCUMENT
from tests.api.exported import (
    MARCH,
    OF_NOW,
    PATH,
    XLSX,
    Get,
    furnished,
    none_is_written,
    of_march,
    table,
    workbook,
)
from tests.api.test_contract import full_fleet
from tests.conftest import AsgiClient


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
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Fuen-xX-1-Days-2026-03-01.csv"'


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
