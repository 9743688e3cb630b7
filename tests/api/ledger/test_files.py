"""Files for the ledger by API: whole, once, and each bad cell by its name."""

import httpx

from apps.accounts.models import Fleet
from apps.fleet.models import CostEntry, LedgerImport
from tests.api.ledger.requests import (
    declared,
    fresh_name,
    path,
    pointers,
)
from tests.conftest import AsgiClient

FILE = b"line,amount,currency,truck,covers_from\ntolls,12.50,USD,T-1,2026-03-05\ntires,7,USD,,2026-03-06\n"


def bring(asgi: AsgiClient, key: str, content: bytes = FILE, query: str = "", **headers: str) -> httpx.Response:
    headers = {"Idempotency-Key": fresh_name(), "Content-Type": "text/csv", **headers}
    return asgi.send("POST", f"/api/v2/costs/imports?kind=entries{query}", key, headers, content=content)


def test_a_file_is_written_once(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    dry = bring(asgi, key, query="&dry_run=true")
    declared(dry, "/api/v2/costs/imports", "post")
    assert (dry.status_code, dry.json()["data"]["id"], CostEntry.objects.count()) == (200, None, 0)

    made = bring(asgi, key, query="&file_name=march.csv")
    declared(made, "/api/v2/costs/imports", "post")
    imported = LedgerImport.objects.get()
    assert made.status_code == 201
    assert made.json()["data"] == {
        "id": imported.pk, "kind": "entries", "read_as": "CSV, UTF-8, separated by commas", "rows": 2,
        "sums": [{"amount": "19.50", "currency": "USD"}], "touched_days": 3,
    }  # fmt: skip
    assert imported.created_by.startswith("API key flt_") and key.split("_")[1] in imported.created_by
    listed = asgi.get(f"{path('entries')}?import_id={imported.pk}", key).json()["data"]
    assert [row["import_id"] for row in listed] == [imported.pk] * 2

    for query in ("", "&dry_run=true"):
        again = bring(asgi, key, query=query)
        assert (again.status_code, again.json()["code"]) == (409, "conflict"), query
        assert f"import {imported.pk} (march.csv)" in again.json()["detail"]


def test_sums_have_cents_however_the_file_writes_its_amounts(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    content = b"line,amount,currency,covers_from\ntolls,5,USD,2026-03-05\ntolls,-7,USD,2026-03-05\n"
    assert bring(asgi, key, content).json()["data"]["sums"] == [{"amount": "-2.00", "currency": "USD"}]


def test_bad_rows_are_named_by_row_and_column_and_nothing_is_written(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    answer = bring(asgi, key, FILE.replace(b"T-1", b"T-9").replace(b",7,", b",seven,"))
    assert pointers(answer) == ["/body/rows/2/truck", "/body/rows/3/amount"]
    assert "2 of 2 rows are wrong: nothing was written" in answer.json()["detail"]
    assert not CostEntry.objects.exists() and not LedgerImport.objects.exists()
    assert pointers(bring(asgi, key, b"\x00")) == ["/body"]
    assert pointers(bring(asgi, key, query="&decimal=dot")) == ["/query/decimal"]


def test_a_file_that_is_too_large_is_refused(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    answer = bring(asgi, key, FILE + b" " * 2_621_441)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
