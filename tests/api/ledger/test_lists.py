"""Lists of the ledger: pages, sums of all rows, periods and orders."""

import datetime as dt

import pytest

from apps.accounts.models import Fleet
from apps.fleet.models import ExchangeRate, FuelPrice
from tests import rows
from tests.api.ledger.requests import (
    BODIES,
    MODELS,
    PATCHES,
    TIMES,
    USD,
    declared,
    each_kind,
    every_page,
    path,
    pointers,
    post,
)
from tests.api.test_conventions import IMPOSSIBLE_PERIODS
from tests.conftest import AsgiClient


@each_kind
def test_a_list_comes_in_pages_by_id(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    for number in range(5):
        body = dict(BODIES[kind])
        for name in ("effective_at", "purchased_at"):
            if name in body:
                body[name] = f"2026-03-0{number + 1}T06:00:00Z"
        if kind in ("rates", "exchange-rates"):
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


@each_kind
def test_a_list_says_how_far_the_figures_are_known_that_follow_from_it(
    asgi: AsgiClient, fleet: Fleet, key: str, kind: str
) -> None:
    """As the cost analysis of the same period does; without a period there is none to cover."""
    rows.truck_day(fleet.trucks.get(code="T-1"), dt.date(2026, 3, 5), parked_s=3_600)
    rows.fleet_day(fleet, dt.date(2026, 3, 5))
    rows.revision(fleet, 3)
    period = "from=2026-03-05&to=2026-03-05"
    of_costs = asgi.get(f"/api/v2/fleet/cost-analysis?{period}", key).json()["freshness"]
    found = asgi.get(f"{path(kind)}?{period}", key)
    of_entries = of_costs.pop("unspread_invoices")
    assert found.json()["freshness"] == of_costs | ({"unspread_invoices": of_entries} if kind == "entries" else {})
    assert of_costs["coverage_pct"] is not None and of_costs["revision"] == 3
    any_time = asgi.get(path(kind), key)
    assert any_time.json()["freshness"] == found.json()["freshness"] | {"coverage_pct": None}
    rows.revision(fleet, 4)
    later = asgi.get(path(kind), key, {"If-None-Match": any_time.headers["ETag"]})
    assert (later.status_code, later.json()["freshness"]["revision"]) == (200, 4)


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
        # The last two are replaced in all of it: one by the third, one by the second for as long as it lasts.
        [("2026-02-03", "2026-03-03"), ("2026-01-03", "2026-03-04"), ("2026-01-02", None), ("2026-03-10", None),
         ("2026-03-11", None), ("2026-01-01", None), ("2025-12-31", "2026-03-04")],
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
    for query, count in (("truck_id=T-1", 1), ("group=South", 1), ("line=insurance", 3), ("import_id=1", 0)):
        assert len(asgi.get(f"{path('entries')}?{query}", key).json()["data"]) == count, query


@pytest.mark.parametrize("more", ["", "&format=csv"])
@each_kind
def test_a_truck_or_group_that_is_not_the_fleet_s_is_refused(
    asgi: AsgiClient, fleet: Fleet, key: str, here: None, kind: str, more: str
) -> None:
    """A slip of the pen would look like a ledger without rows."""
    other = rows.fleet("Other")
    rows.group(other, "Theirs", rows.truck(other, "O-1"))
    if kind in ("entries", "rates", "fuel-purchases"):
        for code in ("O-1", "T-11", ""):
            assert asgi.get(f"{path(kind)}?truck_id={code}{more}", key).status_code == 404, code
    if kind in ("entries", "rates", "fuel-prices"):
        for name in ("Theirs", "Sout"):
            assert pointers(asgi.get(f"{path(kind)}?group={name}{more}", key)) == ["/query/group"], name
