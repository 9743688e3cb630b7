"""Requests to the ledger: a good body of each kind, and what to expect of it."""

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

import httpx
import pytest

from apps.fleet.models import CostEntry, CostRate, ExchangeRate, FuelPrice, FuelPurchase
from tests.api.endpoints import DOCUMENT
from tests.api.test_contract import check
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
TIMES = {
    "entries": "covers_from", "rates": "effective_from", "fuel-prices": "effective_at",
    "fuel-purchases": "purchased_at", "exchange-rates": "effective_from",
}  # fmt: skip
each_kind = pytest.mark.parametrize("kind", BODIES)
_names = itertools.count()


def path(kind: str, pk: Any = None) -> str:
    return f"/api/v2/costs/{kind}" + (f"/{pk}" if pk is not None else "")


def fresh_name() -> str:
    """A key for a request that was never sent before."""
    return f"test-{next(_names)}"


def post(asgi: AsgiClient, key: str, kind: str, body: Any = None, name: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": name or fresh_name()}
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


def every_page(asgi: AsgiClient, key: str, query: str) -> list[dict[str, Any]]:
    found, cursor = [], ""
    while True:
        answer = asgi.get(f"{query}{cursor}", key).json()
        found += answer["data"]
        if not answer["page"]["has_more"]:
            return found
        cursor = f"&cursor={answer['page']['next_cursor']}"
