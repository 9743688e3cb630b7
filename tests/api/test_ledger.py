"""The ledger by API: one by one, by file, once, and never over somebody else's change."""

import contextlib
import datetime as dt
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import RequestFactory

from apps.accounts.models import Fleet
from apps.accounts.preconditions import PreconditionFailed
from apps.fleet.ledger import api as ledger_api
from apps.fleet.ledger import schemas
from apps.fleet.ledger.resources import ENTRIES
from apps.fleet.models import CostEntry, CostRate, ExchangeRate, FuelPrice, FuelPurchase, LedgerImport
from apps.fleet.summaries import notes, shares
from apps.trucks.models import DirtyDay, Truck
from tests import rows
from tests.api.endpoints import DOCUMENT
from tests.api.test_contract import check
from tests.api.test_conventions import IMPOSSIBLE_PERIODS
from tests.conftest import AsgiClient

USD = "USD"
BODIES: dict[str, dict[str, Any]] = {
    "entries": {
        "line": "insurance", "amount": {"amount": "310.00", "currency": USD}, "truck_id": "T-1", "basis": "days",
        "covers_from": "2026-03-05", "covers_to": "2026-03-07", "document": "INV-1",
    },
    "rates": {
        "line": "tires", "basis": "per_km", "amount": {"amount": "0.0312", "currency": USD}, "group": "South",
        "effective_from": "2026-03-09", "effective_to": None,
    },
    "fuel-prices": {"effective_at": "2026-03-09T06:00:00-05:00", "price_per_l": {"amount": "1.0422", "currency": USD}},
    "fuel-purchases": {
        "truck_id": "T-1", "purchased_at": "2026-03-05T14:30:00-06:00", "litres": "310.250",
        "amount": {"amount": "401.15", "currency": USD}, "station": "Station 7", "reference": "C-1",
    },
    "exchange-rates": {"currency": "CAD", "effective_from": "2026-03-01", "rate": "0.72500000"},
}  # fmt: skip
TOUCHED = {"entries": 3, "rates": 2, "fuel-prices": 4, "fuel-purchases": 1, "exchange-rates": 0}
MODELS: dict[str, Any] = {
    "entries": CostEntry, "rates": CostRate, "fuel-prices": FuelPrice, "fuel-purchases": FuelPurchase,
    "exchange-rates": ExchangeRate,
}  # fmt: skip
PATCHES: dict[str, tuple[dict[str, Any], str, Any]] = {
    "entries": ({"covers_to": "2026-03-05"}, "covers_to", dt.date(2026, 3, 5)),
    "rates": ({"amount": {"amount": "0.05", "currency": USD}}, "amount", Decimal("0.0500")),
    "fuel-prices": ({"price_per_l": {"amount": "2", "currency": USD}}, "price_per_l", Decimal("2.0000")),
    "fuel-purchases": ({"litres": "300"}, "litres", Decimal("300.000")),
    "exchange-rates": ({"rate": "0.73"}, "rate", Decimal("0.73000000")),
}
each_kind = pytest.mark.parametrize("kind", BODIES)
_names = itertools.count()


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    made = rows.fleet()
    first_t = int(dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC).timestamp())
    for code in ("T-1", "T-2"):
        rows.known(rows.truck(made, code), first_t=first_t)
    rows.group(made, "South", Truck.objects.get(code="T-2"))
    return made


@pytest.fixture
def key(fleet: Fleet) -> str:
    return rows.api_key(fleet, scopes=("read", "write:costs"))


def path(kind: str, pk: Any = None) -> str:
    return f"/api/v2/costs/{kind}" + (f"/{pk}" if pk is not None else "")


def post(asgi: AsgiClient, key: str, kind: str, body: Any = None, name: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": name or f"test-{next(_names)}"}
    return asgi.send("POST", path(kind), key, headers, json=BODIES[kind] if body is None else body)


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    return [error["pointer"] for error in answer.json()["errors"]]


def declared(answer: httpx.Response, route: str, method: str) -> None:
    operation = DOCUMENT["paths"][route][method]["responses"][str(answer.status_code)]
    tagged = "ETag" in operation["headers"]
    assert tagged == ("ETag" in answer.headers), "told, or not there"
    check(operation["content"]["application/json"]["schema"], answer.json())


@each_kind
def test_a_row_is_made_read_changed_and_removed(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    made = post(asgi, key, kind)
    assert made.status_code == 201, made.text
    declared(made, path(kind), "post")
    assert made.json()["touched_days"] == TOUCHED[kind]
    row = MODELS[kind].objects.get()
    assert made.headers["Location"] == path(kind, row.pk)

    shown = asgi.get(path(kind, row.pk), key)
    declared(shown, path(kind, "{row_id}"), "get")
    assert shown.json()["data"] == made.json()["data"]
    assert shown.headers["ETag"] == made.headers["ETag"]
    said = {name: value for name, value in BODIES[kind].items() if not name.endswith("_at")}
    assert said.items() <= shown.json()["data"].items()

    patch, column, value = PATCHES[kind]
    changed = asgi.send("PATCH", path(kind, row.pk), key, {"If-Match": shown.headers["ETag"]}, json=patch)
    declared(changed, path(kind, "{row_id}"), "patch")
    row.refresh_from_db()
    assert getattr(row, column) == value
    assert changed.headers["ETag"] != shown.headers["ETag"]

    DirtyDay.objects.all().delete()
    removed = asgi.send("DELETE", path(kind, row.pk), key, {"If-Match": changed.headers["ETag"]})
    assert (removed.status_code, removed.content) == (204, b"")
    assert not MODELS[kind].objects.exists()
    assert DirtyDay.objects.exists() == bool(TOUCHED[kind])
    assert asgi.get(path(kind, row.pk), key).status_code == 404


@each_kind
def test_a_change_to_what_one_has_not_seen_is_refused(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    made = post(asgi, key, kind)
    one, patch = path(kind, made.json()["data"]["id"]), PATCHES[kind][0]
    for method, body in (("PATCH", {"json": patch}), ("DELETE", {})):
        assert asgi.send(method, one, key, **body).status_code == 428
        for tag in ('"other"', f"W/{made.headers['ETag']}"):
            answer = asgi.send(method, one, key, {"If-Match": tag}, **body)
            assert (answer.status_code, answer.json()["code"]) == (412, "precondition-failed")
    assert asgi.send("PATCH", one, key, {"If-Match": f'"other", {made.headers["ETag"]}'}, json=patch).status_code == 200
    assert asgi.send("DELETE", one, key, {"If-Match": made.headers["ETag"]}).status_code == 412
    assert asgi.send("DELETE", one, key, {"If-Match": "*"}).status_code == 204


@each_kind
def test_the_same_request_again_makes_nothing_more(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    first, again = (post(asgi, key, kind, name="same") for _ in range(2))
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert [again.headers[name] for name in ("ETag", "Location")] == [first.headers[n] for n in ("ETag", "Location")]
    assert MODELS[kind].objects.count() == 1
    assert asgi.send("POST", path(kind), key, json=BODIES[kind]).status_code == 400


@each_kind
def test_a_key_needs_the_scope(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    reader = rows.api_key(fleet)
    assert post(asgi, reader, kind).status_code == 403
    pk = post(asgi, key, kind).json()["data"]["id"]
    assert asgi.send("PATCH", path(kind, pk), reader, {"If-Match": "*"}, json=PATCHES[kind][0]).status_code == 403
    assert asgi.send("DELETE", path(kind, pk), reader, {"If-Match": "*"}).status_code == 403
    assert asgi.get(path(kind, pk), reader).status_code == 200
    assert asgi.get(path(kind, pk)).status_code == 401


@each_kind
def test_rows_of_another_fleet_are_not_there(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    pk = post(asgi, key, kind).json()["data"]["id"]
    theirs = rows.api_key(rows.fleet("Other"), scopes=("read", "write:costs"))
    assert asgi.get(path(kind), theirs).json()["data"] == []
    assert asgi.get(path(kind, pk), theirs).status_code == 404
    assert asgi.send("PATCH", path(kind, pk), theirs, {"If-Match": "*"}, json=PATCHES[kind][0]).status_code == 404
    assert asgi.send("DELETE", path(kind, pk), theirs, {"If-Match": "*"}).status_code == 404
    if kind not in ("fuel-prices", "exchange-rates"):
        assert set(pointers(post(asgi, theirs, kind))) <= {"/body/truck_id", "/body/group"}
    assert MODELS[kind].objects.filter(fleet=fleet).count() == 1


@each_kind
def test_a_list_comes_in_pages_by_id(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    for number in range(5):
        body = dict(BODIES[kind])
        for name in ("effective_at", "purchased_at"):
            if name in body:
                body[name] = f"2026-03-0{number + 1}T06:00:00Z"
        if kind == "exchange-rates":
            body["effective_from"] = f"2026-03-0{number + 1}"
        assert post(asgi, key, kind, body).status_code == 201
    seen, cursor = [], ""
    while True:
        answer = asgi.get(f"{path(kind)}?limit=2{cursor}", key)
        declared(answer, path(kind), "get")
        seen += [row["id"] for row in answer.json()["data"]]
        if not answer.json()["page"]["has_more"]:
            break
        cursor = f"&cursor={answer.json()['page']['next_cursor']}"
    assert seen == sorted(MODELS[kind].objects.values_list("pk", flat=True))
    other = "currency=CAD" if kind == "exchange-rates" else "import_id=1"
    assert asgi.get(f"{path(kind)}?limit=1&{other}{cursor}", key).status_code == 422, "another list's cursor"
    known = asgi.get(path(kind), key)
    assert asgi.get(path(kind), key, {"If-None-Match": known.headers["ETag"]}).status_code == 304
    assert (known.json()["summary"]["rows"], known.json()["period"]) == (5, None)
    newest = "-id" if kind == "entries" else f"-{TIMES[kind]}"  # all entries of this test are of one day
    seen_backwards = [row["id"] for row in every_page(asgi, key, f"{path(kind)}?limit=2&sort={newest}")]
    assert seen_backwards == seen[::-1]


def every_page(asgi: AsgiClient, key: str, query: str) -> list[dict[str, Any]]:
    found, cursor = [], ""
    while True:
        answer = asgi.get(f"{query}{cursor}", key).json()
        found += answer["data"]
        if not answer["page"]["has_more"]:
            return found
        cursor = f"&cursor={answer['page']['next_cursor']}"


@each_kind
def test_a_list_shows_a_row_as_it_is_by_itself(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    ExchangeRate.objects.create(fleet=fleet, currency="EUR", effective_from=dt.date(2026, 1, 1), rate="1.1")
    foreign = {"amount": {"amount": "7.05", "currency": "EUR"}} if kind in ("entries", "fuel-purchases") else {}
    row = post(asgi, key, kind, {**BODIES[kind], **foreign}).json()["data"]
    assert row in asgi.get(path(kind), key).json()["data"]
    if kind == "entries":
        assert row["amount"] == foreign["amount"]
    shown = asgi.get(path(kind, row["id"]), key)
    known = {"If-None-Match": shown.headers["ETag"]}
    assert asgi.get(path(kind, row["id"]), key, known).status_code == 304
    asgi.send("PATCH", path(kind, row["id"]), key, {"If-Match": "*"}, json=PATCHES[kind][0])
    assert asgi.get(path(kind, row["id"]), key, known).status_code == 200


def test_a_list_says_what_all_of_its_pages_come_to(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    ExchangeRate.objects.create(fleet=fleet, currency="EUR", effective_from=dt.date(2026, 1, 1), rate="1.1")
    empty = asgi.get(path("fuel-purchases"), key).json()["summary"]
    assert empty == {"rows": 0, "litres": "0.000", "sums": []}
    for number, currency in enumerate((USD, USD, "EUR")):
        changes = {"reference": f"C-{number}", "amount": {"amount": "10.05", "currency": currency}}
        post(asgi, key, "fuel-purchases", {**BODIES["fuel-purchases"], **changes})
        line = "tolls" if number else "tires"
        post(asgi, key, "entries", {**BODIES["entries"], "amount": changes["amount"], "line": line})
    sums = [{"amount": "10.05", "currency": "EUR"}, {"amount": "20.10", "currency": USD}]
    bought = asgi.get(f"{path('fuel-purchases')}?limit=1", key).json()["summary"]
    assert bought == {"rows": 3, "litres": "930.750", "sums": sums}
    assert asgi.get(f"{path('entries')}?limit=1", key).json()["summary"] == {"rows": 3, "sums": sums}
    tolls = asgi.get(f"{path('entries')}?line=tolls", key).json()["summary"]
    assert tolls == {"rows": 2, "sums": [{"amount": "10.05", "currency": each} for each in ("EUR", USD)]}


# Kind → rows as (first, last) of the time that they have, and which of them a period from 4 to 10 March has.
OF_PERIOD: dict[str, tuple[list[tuple[str, str | None]], list[int]]] = {
    "entries": (
        [("2026-02-01", "2026-03-03"), ("2026-02-01", "2026-03-04"), ("2026-03-10", "2026-04-01"),
         ("2026-03-11", "2026-03-11"), ("2026-01-01", "2026-12-31")],
        [1, 2, 4],
    ),
    "rates": (
        [("2026-01-01", "2026-03-03"), ("2026-01-01", "2026-03-04"), ("2026-01-01", None), ("2026-03-10", None),
         ("2026-03-11", None)],
        [1, 2, 3],
    ),
    # 4 March begins at 06:00 UTC, and 10 March, by daylight saving, ends at 05:00.
    "fuel-prices": (
        [("2026-02-01T00:00:00Z", None), ("2026-03-01T00:00:00Z", None), ("2026-03-04T06:00:01Z", None),
         ("2026-03-11T04:59:59Z", None), ("2026-03-11T05:00:00Z", None)],
        [1, 2, 3],
    ),
    "fuel-purchases": (
        [("2026-03-04T05:59:59Z", None), ("2026-03-04T06:00:00Z", None), ("2026-03-11T04:59:59Z", None),
         ("2026-03-11T05:00:00Z", None)],
        [1, 2],
    ),
    "exchange-rates": (
        [("2026-02-01", None), ("2026-03-04", None), ("2026-03-10", None), ("2026-03-11", None)], [1, 2],
    ),
}  # fmt: skip
TIMES = {
    "entries": "covers_from", "rates": "effective_from", "fuel-prices": "effective_at",
    "fuel-purchases": "purchased_at", "exchange-rates": "effective_from",
}  # fmt: skip


@each_kind
def test_a_period_has_what_is_in_force_in_it(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    times, expected = OF_PERIOD[kind]
    ends = {"entries": "covers_to", "rates": "effective_to"}.get(kind)
    made = []
    for since, until in times:
        answer = post(asgi, key, kind, {**BODIES[kind], TIMES[kind]: since, **({ends: until} if ends else {})})
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["data"]["id"])
    if kind == "fuel-prices":  # one of another scope ends none of these
        post(asgi, key, kind, {**BODIES[kind], TIMES[kind]: "2026-03-02T00:00:00Z", "group": "South"})
        made.append(FuelPrice.objects.latest("pk").pk)
        expected = [*expected, len(made) - 1]
    query = f"{path(kind)}?from=2026-03-04&to=2026-03-10"
    answer = asgi.get(query, key).json()
    assert [row["id"] for row in answer["data"]] == [made[number] for number in expected]
    assert answer["summary"]["rows"] == len(expected)
    assert answer["period"] == {"from": "2026-03-04", "to": "2026-03-10", "timezone": "America/Chicago"}
    by_time = every_page(asgi, key, f"{query}&limit=1&sort=-{TIMES[kind]}")
    assert [row[TIMES[kind]] for row in by_time] == sorted((row[TIMES[kind]] for row in answer["data"]), reverse=True)
    cursor = asgi.get(f"{path(kind)}?limit=1&period=last30", key).json()["page"]["next_cursor"]
    assert cursor is None or pointers(asgi.get(f"{query}&cursor={cursor}", key)) == ["/query/cursor"]


@each_kind
def test_a_period_or_an_order_that_cannot_be_is_refused(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    for query, pointer in (*IMPOSSIBLE_PERIODS.items(), ("sort=amount", "/query/sort"), ("from=", "/query/from")):
        assert pointers(asgi.get(f"{path(kind)}?{query}", key)) == [pointer]


def test_lists_can_be_narrowed(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    for changes in ({}, {"truck_id": "T-2"}, {"truck_id": None, "group": "South"}, {"line": "tolls", "truck_id": None}):
        post(asgi, key, "entries", {**BODIES["entries"], **changes})
    for query, count in (("truck_id=T-1", 1), ("group=South", 1), ("line=insurance", 3), ("truck_id=x", 0)):
        assert len(asgi.get(f"{path('entries')}?{query}", key).json()["data"]) == count, query


# --- what is refused ---


@pytest.mark.parametrize(
    ("kind", "changes", "pointer"),
    [
        ("entries", {"line": "fule"}, "/body/line"),
        ("entries", {"amount": {"amount": 310, "currency": USD}}, "/body/amount/amount"),
        ("entries", {"amount": {"amount": "3.101", "currency": USD}}, "/body/amount/amount"),
        ("entries", {"amount": {"amount": "1e5", "currency": USD}}, "/body/amount/amount"),
        ("entries", {"amount": {"amount": "9" * 20, "currency": USD}}, "/body/amount/amount"),
        ("entries", {"amount": {"amount": "10000000000", "currency": USD}}, "/body/amount/amount"),
        ("entries", {"amount": {"amount": "-20000000000", "currency": "CAD"}}, "/body/amount/amount"),
        ("entries", {"amount": {"amount": "1", "currency": "usd"}}, "/body/amount/currency"),
        ("entries", {"amount": {"amount": "1", "currency": "EUR"}}, "/body/amount/currency"),
        ("entries", {"amount": "310.00"}, "/body/amount"),
        ("entries", {"truck_id": "T-9"}, "/body/truck_id"),
        ("entries", {"group": "South"}, "/body/group"),
        ("entries", {"covers_from": 20_000}, "/body/covers_from"),
        ("entries", {"covers_from": "2026-02-30"}, "/body/covers_from"),
        ("entries", {"covers_from": "0026-03-05"}, "/body/covers_from"),
        ("entries", {"covers_to": "2026-03-04"}, "/body/covers_to"),
        ("entries", {"covers_to": None}, "/body/covers_to"),
        ("entries", {"note": "x"}, "/body/note"),
        ("rates", {"line": "fuel"}, "/body/line"),
        ("rates", {"amount": {"amount": "-1", "currency": USD}}, "/body/amount/amount"),
        ("rates", {"amount": {"amount": "1", "currency": "CAD"}}, "/body/amount/currency"),
        ("rates", {"group": "North"}, "/body/group"),
        ("fuel-prices", {"effective_at": "2026-03-09T06:00:00"}, "/body/effective_at"),
        ("fuel-prices", {"effective_at": "0001-01-01T00:00:00Z"}, "/body/effective_at"),
        ("fuel-prices", {"effective_at": "9999-12-31T23:59:59-05:00"}, "/body/effective_at"),
        ("fuel-prices", {"price_per_l": {"amount": "1", "currency": "CAD"}}, "/body/price_per_l/currency"),
        ("fuel-purchases", {"litres": "0"}, "/body/litres"),
        ("fuel-purchases", {"litres": "-5"}, "/body/litres"),
        ("fuel-purchases", {"truck_id": None}, "/body/truck_id"),
        ("fuel-purchases", {"purchased_at": "0001-01-01T00:00:00Z"}, "/body/purchased_at"),
        ("fuel-purchases", {"reference": "x" * 81}, "/body/reference"),
        ("exchange-rates", {"currency": USD}, "/body/currency"),
        ("exchange-rates", {"rate": "0"}, "/body/rate"),
        ("exchange-rates", {"rate": "-1"}, "/body/rate"),
        ("exchange-rates", {"rate": "1.123456789"}, "/body/rate"),
        ("exchange-rates", {"rate": 0.7}, "/body/rate"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(
    asgi: AsgiClient, fleet: Fleet, key: str, kind: str, changes: dict[str, Any], pointer: str
) -> None:
    ExchangeRate.objects.create(fleet=fleet, currency="CAD", effective_from=dt.date(2026, 1, 1), rate="0.7")
    assert pointers(post(asgi, key, kind, {**BODIES[kind], **changes})) == [pointer]
    assert MODELS[kind].objects.count() == (1 if kind == "exchange-rates" else 0)
    assert not DirtyDay.objects.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff"])
def test_a_body_that_is_none(asgi: AsgiClient, fleet: Fleet, key: str, content: bytes) -> None:
    headers = {"Idempotency-Key": "x", "Content-Type": "application/json"}
    answer = asgi.send("POST", path("entries"), key, headers, content=content)
    assert answer.status_code in (400, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"


@each_kind
def test_a_row_stays_with_its_truck_and_group(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    pk = post(asgi, key, kind).json()["data"]["id"]
    for body in ({"truck_id": "T-2"}, {"group": "South"}, {"id": 7}):
        answer = asgi.send("PATCH", path(kind, pk), key, {"If-Match": "*"}, json=body)
        assert pointers(answer) == [f"/body/{next(iter(body))}"]


@pytest.mark.parametrize("kind", ["fuel-prices", "fuel-purchases", "exchange-rates"])
def test_what_is_there_once_is_not_made_twice(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    post(asgi, key, kind)
    assert post(asgi, key, kind).status_code == 422
    assert MODELS[kind].objects.count() == 1


def test_foreign_money_with_a_rate_is_taken(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    ExchangeRate.objects.create(fleet=fleet, currency="CAD", effective_from=dt.date(2026, 1, 1), rate="0.7")
    made = post(asgi, key, "entries", {**BODIES["entries"], "amount": {"amount": "10.00", "currency": "CAD"}})
    assert made.json()["data"]["amount"] == {"amount": "10.00", "currency": "CAD"}


def test_a_rate_that_an_invoice_needs_is_neither_removed_nor_moved(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    rate = post(asgi, key, "exchange-rates").json()["data"]["id"]
    foreign = {**BODIES["entries"], "amount": {"amount": "10.00", "currency": "CAD"}}
    assert post(asgi, key, "entries", foreign).status_code == 201
    later = {"json": {"effective_from": "2026-03-06"}}
    for method, body in (("DELETE", {}), ("PATCH", later)):
        answer = asgi.send(method, path("exchange-rates", rate), key, {"If-Match": "*"}, **body)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert "409" in DOCUMENT["paths"][path("exchange-rates", "{row_id}")][method.lower()]["responses"]
        assert "without it there is no exchange rate for CAD on 2026-03-05" in answer.json()["detail"]
    assert ExchangeRate.objects.get().effective_from == dt.date(2026, 3, 1)
    earlier = {"effective_from": "2026-02-01"}
    changed = asgi.send("PATCH", path("exchange-rates", rate), key, {"If-Match": "*"}, json=earlier)
    assert changed.status_code == 200, changed.text
    listed = asgi.get(f"{path('exchange-rates')}?currency=EUR", key).json()["data"]
    assert listed == []


# --- files ---

FILE = b"line,amount,currency,truck,covers_from\ntolls,12.50,USD,T-1,2026-03-05\ntires,7,USD,,2026-03-06\n"


def bring(asgi: AsgiClient, key: str, content: bytes = FILE, query: str = "", **headers: str) -> httpx.Response:
    headers = {"Idempotency-Key": f"test-{next(_names)}", "Content-Type": "text/csv", **headers}
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

    again = bring(asgi, key)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert f"import {imported.pk} (march.csv)" in again.json()["detail"]


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


# --- at the same time ---


def test_of_two_changes_of_one_version_at_the_same_time_one_is_refused(
    asgi: AsgiClient, fleet: Fleet, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = post(asgi, key, "entries")
    pk, barrier = made.json()["data"]["id"], threading.Barrier(2, timeout=1)
    matched = ledger_api.require_match

    def meet(request: Any, tag: str) -> None:
        """Waits for the other one here; with the row locked it cannot come."""
        matched(request, tag)
        with contextlib.suppress(threading.BrokenBarrierError):
            barrier.wait()

    def change(document: str) -> str:
        request: Any = RequestFactory().patch("/", headers={"If-Match": made.headers["ETag"]})
        request.auth = SimpleNamespace(fleet_id=fleet.pk)
        try:
            ledger_api._change(ENTRIES, request, pk, schemas.EntryPatch(document=document))
            return document
        except PreconditionFailed:
            return "refused"
        finally:
            connection.close()

    monkeypatch.setattr(ledger_api, "require_match", meet)
    with ThreadPoolExecutor(2) as pool:
        outcomes = set(pool.map(change, ["one", "two"]))
    assert "refused" in outcomes and len(outcomes) == 2
    assert CostEntry.objects.get().document in outcomes


# --- how far invoices are spread ------------------------------------------------------------------------------------


def with_days(fleet: Fleet) -> None:
    """A day of T-1 and of T-2, 5 March, that is computed."""
    for truck in fleet.trucks.all():
        rows.truck_day(truck, dt.date(2026, 3, 5))
    rows.fleet_day(fleet, dt.date(2026, 3, 5))
    rows.revision(fleet, 1)


def shown_of(asgi: AsgiClient, key: str, entry_id: int) -> tuple[Any, Any]:
    """What the row by itself and the list say of it."""
    one = asgi.get(path("entries", entry_id), key).json()["data"]["spreading"]
    listed = asgi.get(path("entries"), key).json()["data"]
    return one, next(row["spreading"] for row in listed if row["id"] == entry_id)


def unspread(asgi: AsgiClient, key: str, query: str = "", of: str = "fleet/cost-analysis") -> tuple[int, int]:
    period = "from=2026-03-01&to=2026-03-10"
    answer = asgi.get(f"/api/v2/{of}?{period}{query}", key)
    found = answer.json()["freshness"]["unspread_invoices"]
    return found["waiting"], found["no_exchange_rate"]


def test_an_invoice_says_how_far_it_is_spread_and_costs_how_many_are_not(
    asgi: AsgiClient, fleet: Fleet, key: str
) -> None:
    with_days(fleet)
    made = post(asgi, key, "entries")
    entry_id = made.json()["data"]["id"]
    waiting = {"state": "waiting", "reason": "it or its days are new: its shares follow within a minute"}
    assert shown_of(asgi, key, entry_id) == (waiting, waiting)
    assert unspread(asgi, key) == (1, 0)
    assert unspread(asgi, key, "&group=South") == (0, 0), "it is T-1's"
    assert unspread(asgi, key, "&truck_id=T-1", "fleet/trends") == (1, 0)
    assert unspread(asgi, key, "&truck_id=T-2", "fleet/trends") == (0, 0)
    assert unspread(asgi, key, of="fleet/summary") == (1, 0)
    file = asgi.get(f"{path('entries')}?format=csv", key).text.splitlines()
    assert file[0].endswith("spreading_state,spreading_reason")
    shares.reallocate(fleet)
    spread = {"state": "spread", "reason": None}
    assert shown_of(asgi, key, entry_id) == (spread, spread)
    assert unspread(asgi, key) == (0, 0)


def test_an_invoice_without_an_exchange_rate_says_so_until_there_is_one(
    asgi: AsgiClient, fleet: Fleet, key: str
) -> None:
    """As when its rate is removed in the moment in which it is booked."""
    with_days(fleet)
    rows.driver(fleet)
    entry_id = post(asgi, key, "entries", {**BODIES["entries"], "truck_id": None}).json()["data"]["id"]
    CostEntry.objects.update(currency="CHF")
    shares.reallocate(fleet)
    told = {"state": "no_exchange_rate", "reason": "there is no exchange rate for CHF on 2026-03-05"}
    assert shown_of(asgi, key, entry_id) == (told, told)
    for of in ("fleet/cost-analysis", "fleet/summary", "fleet/trends", "drivers/D-1/scorecard"):
        assert unspread(asgi, key, of=of) == (0, 1), of
    assert unspread(asgi, key, "&group=South") == (0, 1), "all trucks bear it"
    later = asgi.get("/api/v2/fleet/summary?from=2026-03-08&to=2026-03-10", key).json()["freshness"]
    assert later["unspread_invoices"] == {"waiting": 0, "no_exchange_rate": 0}, "it covers none of these days"
    post(asgi, key, "exchange-rates", {**BODIES["exchange-rates"], "currency": "CHF"})
    assert unspread(asgi, key) == (1, 0)
    shares.reallocate(fleet)
    assert unspread(asgi, key) == (0, 0)


def test_an_invoice_of_a_group_concerns_the_groups_that_share_a_truck_with_it(
    asgi: AsgiClient, fleet: Fleet, key: str
) -> None:
    first, second = fleet.trucks.order_by("code")
    rows.group(fleet, "Both", first, second)
    rows.group(fleet, "West", first)
    post(asgi, key, "entries", {**BODIES["entries"], "truck_id": None, "group": "South"})
    found = {name: unspread(asgi, key, f"&group={name}") for name in ("South", "Both", "West")}
    assert found == {"South": (1, 0), "Both": (1, 0), "West": (0, 0)}
    assert unspread(asgi, key, "&truck_id=T-2", "fleet/trends") == (1, 0)


def test_shares_that_follow_later_add_up_meanwhile_and_make_nothing_incomplete(
    asgi: AsgiClient, fleet: Fleet, key: str
) -> None:
    with_days(fleet)
    entry_id = post(asgi, key, "entries", {**BODIES["entries"], "truck_id": None, "basis": "km"}).json()["data"]["id"]
    shares.reallocate(fleet)
    truck = fleet.trucks.get(code="T-1")
    rows.truck_day(truck, dt.date(2026, 3, 6))
    notes.note_changes(fleet.pk, notes.Changes(redriven=[(truck.pk, dt.date(2026, 3, 5))]))
    state, reason = shown_of(asgi, key, entry_id)[0].values()
    assert (state, "within ten minutes, and add up to it meanwhile" in reason) == ("waiting", True)
    assert shown_of(asgi, key, entry_id)[1] == {"state": state, "reason": reason}
    assert unspread(asgi, key) == (0, 0)


def test_a_row_that_was_spread_meanwhile_is_still_the_one_that_was_read(
    asgi: AsgiClient, fleet: Fleet, key: str
) -> None:
    """How far it is spread changes the answer's tag, so that it is sent anew, but not the row."""
    with_days(fleet)
    made = post(asgi, key, "entries")
    one, tag = path("entries", made.json()["data"]["id"]), made.headers["ETag"]
    assert asgi.get(one, key, {"If-None-Match": tag}).status_code == 304
    shares.reallocate(fleet)
    again = asgi.get(one, key, {"If-None-Match": tag})
    assert (again.status_code, again.json()["data"]["spreading"]["state"]) == (200, "spread")
    assert again.headers["ETag"] != tag
    changed = asgi.send("PATCH", one, key, {"If-Match": tag}, json={"document": "INV-2"})
    assert changed.status_code == 200
    for stale in (tag, again.headers["ETag"], f'{tag[:-1]}x"', f"W/{changed.headers['ETag']}"):
        assert asgi.send("DELETE", one, key, {"If-Match": stale}).status_code == 412


def test_one_fleet_does_not_count_another_s_invoices(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    post(asgi, key, "entries")
    assert unspread(asgi, rows.api_key(rows.fleet("Other"))) == (0, 0)
