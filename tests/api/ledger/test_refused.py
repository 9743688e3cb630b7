"""What the ledger refuses, by the name of the field."""

import datetime as dt
from typing import Any

import orjson
import pytest

from apps.accounts.models import Fleet
from apps.fleet.models import CostLine, ExchangeRate
from apps.trucks.models import DirtyDay
from tests.api.endpoints import DOCUMENT
from tests.api.ledger.requests import (
    BODIES,
    MODELS,
    USD,
    each_kind,
    path,
    pointers,
    post,
)
from tests.conftest import AsgiClient


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
        ("entries", {"covers_from": "1772668800"}, "/body/covers_from"),  # that day in seconds since 1970
        ("entries", {"covers_from": "2026-03-05T00:00:00"}, "/body/covers_from"),
        ("entries", {"amount": {"amount": "٣.٠", "currency": USD}}, "/body/amount/amount"),  # digits of another script
        ("entries", {"covers_from": "0026-03-05"}, "/body/covers_from"),
        ("entries", {"covers_to": "2026-03-04"}, "/body/covers_to"),
        ("entries", {"covers_to": None}, "/body/covers_to"),
        ("entries", {"note": "x"}, "/body/note"),
        ("rates", {"line": "fuel"}, "/body/line"),
        ("rates", {"amount": {"amount": "-1", "currency": USD}}, "/body/amount/amount"),
        ("rates", {"amount": {"amount": "1", "currency": "CAD"}}, "/body/amount/currency"),
        ("rates", {"group": "North"}, "/body/group"),
        ("fuel-prices", {"effective_at": "2026-03-09T06:00:00"}, "/body/effective_at"),
        ("fuel-prices", {"effective_at": "1772668800"}, "/body/effective_at"),
        ("fuel-prices", {"effective_at": "2026-03-09"}, "/body/effective_at"),
        ("fuel-prices", {"effective_at": "0001-01-01T00:00:00Z"}, "/body/effective_at"),
        ("fuel-prices", {"effective_at": "9999-12-31T23:59:59-05:00"}, "/body/effective_at"),
        ("fuel-prices", {"price_per_l": {"amount": "1", "currency": "CAD"}}, "/body/price_per_l/currency"),
        ("fuel-purchases", {"litres": "0"}, "/body/litres"),
        ("fuel-purchases", {"litres": "٣"}, "/body/litres"),
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


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ({**BODIES["entries"], "colour": 1}, "colour: is no field of this."),
        ({**BODIES["entries"], "amount": {"amount": 310, "currency": "USD"}}, "amount/amount: is not a text."),
        (
            {**BODIES["entries"], "amount": {"amount": "1,5", "currency": "usd"}},
            "amount/amount: is not a decimal number, such as 1234.50; "
            "amount/currency: is not a code of three capital letters, such as USD.",
        ),
        ({"line": "tolls"}, "amount: is missing; covers_from: is missing; covers_to: is missing."),
        ([], "body: is not an object."),
    ],
)
def test_what_is_wrong_is_said_in_plain_words_by_its_path(
    asgi: AsgiClient, fleet: Fleet, key: str, content: Any, detail: str
) -> None:
    assert post(asgi, key, "entries", content).json()["detail"] == detail


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff"])
def test_a_body_that_is_none(asgi: AsgiClient, fleet: Fleet, key: str, content: bytes) -> None:
    headers = {"Idempotency-Key": "x", "Content-Type": "application/json"}
    answer = asgi.send("POST", path("entries"), key, headers, content=content)
    assert answer.status_code in (400, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_body_that_is_said_to_be_something_else_than_json(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    content = orjson.dumps(BODIES["entries"])

    def status_of(number: int, kind: str | None) -> int:
        headers = {"Idempotency-Key": f"k{number}", **({} if kind is None else {"Content-Type": kind})}
        answer = asgi.send("POST", path("entries"), key, headers, content=content)
        if answer.status_code == 415:
            assert answer.json()["code"] == "unsupported-media-type"
            assert answer.json()["detail"] == f"Send application/json instead of {kind}."
        return answer.status_code

    others = ("text/plain", "application/x-www-form-urlencoded", "text/csv", "application/jsonp")
    assert [status_of(number, kind) for number, kind in enumerate(others)] == [415] * len(others)
    taken = (None, "application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json")
    assert [status_of(9 + number, kind) for number, kind in enumerate(taken)] == [201] * len(taken)
    assert MODELS["entries"].objects.count() == len(taken)
    responses = DOCUMENT["paths"]["/api/v2/costs/entries"]["post"]["responses"]
    assert "415" in responses
    assert "415" not in DOCUMENT["paths"]["/api/v2/costs/imports"]["post"]["responses"]


def test_rates_have_every_line_but_fuel(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    """It has prices: what is declared does not offer what is refused, to write or to look for."""
    lines = set(CostLine.values)
    taken = {line for line in lines if post(asgi, key, "rates", {**BODIES["rates"], "line": line}).status_code == 201}
    found = {line for line in lines if asgi.get(f"{path('rates')}?line={line}", key).status_code == 200}
    assert taken == found == lines - {"fuel"}
    schemas = DOCUMENT["components"]["schemas"]
    (asked,) = (
        each for each in DOCUMENT["paths"]["/api/v2/costs/rates"]["get"]["parameters"] if each["name"] == "line"
    )
    for declared in (asked["schema"], *(schemas[name]["properties"]["line"] for name in ("RateIn", "RatePatch"))):
        assert set(declared["enum"]) == taken
    refused = asgi.get(f"{path('rates')}?line=fuel", key).json()
    assert refused["detail"] == "line: has prices instead of rates: /costs/fuel-prices."


@each_kind
def test_a_row_stays_with_its_truck_and_group(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    pk = post(asgi, key, kind).json()["data"]["id"]
    for body in ({"truck_id": "T-2"}, {"group": "South"}, {"id": 7}):
        answer = asgi.send("PATCH", path(kind, pk), key, {"If-Match": "*"}, json=body)
        assert pointers(answer) == [f"/body/{next(iter(body))}"]


@pytest.mark.parametrize("kind", ["rates", "fuel-prices", "fuel-purchases", "exchange-rates"])
def test_what_is_there_once_is_not_made_twice(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    post(asgi, key, kind)
    assert post(asgi, key, kind).status_code == 422
    assert MODELS[kind].objects.count() == 1


def test_it_is_said_in_words_how_a_day_is_written(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    answer = post(asgi, key, "entries", {**BODIES["entries"], "covers_from": "5 March"})
    assert answer.json()["detail"] == "covers_from: should be text like 2026-03-31."


def test_instants_are_kept_to_the_second(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    """Else two prices could begin at what answers show as the same instant."""
    price = {**BODIES["fuel-prices"], "effective_at": "2026-03-09T06:00:00.250-05:00"}
    assert post(asgi, key, "fuel-prices", price).json()["data"]["effective_at"] == "2026-03-09T11:00:00Z"
    assert pointers(post(asgi, key, "fuel-prices")) == ["/body/effective_at"]


def test_a_line_that_has_no_rates_is_told_by_its_name(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    answer = post(asgi, key, "rates", {**BODIES["rates"], "line": "fuel"})
    assert answer.json()["detail"] == "line: has prices instead of rates: /costs/fuel-prices."


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
