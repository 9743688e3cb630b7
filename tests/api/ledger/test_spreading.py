"""How far invoices are spread: what rows, lists and answers with costs say of it."""

import datetime as dt
from typing import Any

from apps.accounts.models import Fleet
from apps.fleet.models import CostEntry
from apps.fleet.summaries import notes, shares
from tests import rows
from tests.api.ledger.requests import (
    BODIES,
    path,
    post,
)
from tests.conftest import AsgiClient


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
    assert unspread(asgi, key, of="fleet/summary") == unspread(asgi, key, of="costs/entries") == (1, 0)
    every = asgi.get(path("entries"), key).json()["freshness"]
    assert every["unspread_invoices"] == {"waiting": 1, "no_exchange_rate": 0}
    before = asgi.get(f"{path('entries')}?from=2026-02-01&to=2026-02-02", key).json()["freshness"]
    assert before["unspread_invoices"] == {"waiting": 0, "no_exchange_rate": 0}, "it covers none of these days"
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
