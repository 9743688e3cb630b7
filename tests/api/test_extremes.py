"""Answers about amounts, rates and prices as high as can be entered are answers."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import FuelPrice
from tests import rows
from tests.api.endpoints import PERIOD_PATHS
from tests.conftest import AsgiClient
from tests.fleet.shifts import MONDAY, NOW, shift
from tests.fleet.test_ledger import entry, purchase, rate
from tests.pipeline import feed

MOST = Decimal("9999999999.99")
ENOUGH = 120  # of the highest amounts, to be more than a million million
PATHS = [path for path in PERIOD_PATHS if "/drivers/" not in path]


@pytest.fixture
def fleet(asgi: AsgiClient) -> Fleet:
    """Two trucks, T-0 and T-1, on four days on which everything costs the most that can be entered."""
    made = rows.fleet(timezone="UTC", currency="EUR")
    for number in range(2):
        feed.receive(feed.truck_of(made, f"T-{number}"), shift(km=1_000 * number), NOW)
    ledger.save_all([entry(made, str(MOST), line="tolls", covers_to=MONDAY) for _ in range(ENOUGH)])
    litres = Decimal("9999999.999")
    ledger.save_all([purchase(made, reference=f"{n}", amount=MOST, litres=litres) for n in range(ENOUGH)])
    ledger.save(rate(made, line="tires", basis="per_km", amount=Decimal("999999.9999")))
    at = dt.datetime(2026, 3, 16, tzinfo=dt.UTC)
    ledger.save(FuelPrice(fleet=made, effective_at=at, price_per_l=Decimal("999999.9999")))
    summaries.rebuild(made)
    return made


def test_every_endpoint_about_a_period_answers_and_amounts_are_whole(fleet: Fleet, asgi: AsgiClient) -> None:
    key = rows.api_key(fleet)
    answers = {path: asgi.get(f"{path}?from=2026-03-16&to=2026-03-19", key) for path in PATHS}
    assert {path: answer.text for path, answer in answers.items() if answer.status_code != 200} == {}
    whole = f"{ENOUGH * MOST}"
    assert whole in answers["/api/v2/fleet/cost-analysis"].text
    by_truck = asgi.get("/api/v2/fleet/cost-analysis?from=2026-03-16&to=2026-03-19&by=truck", key).json()["data"]
    tolls = [_amount_of("tolls", truck["lines"]) for truck in by_truck["by_truck"]]
    assert sum(tolls) == ENOUGH * MOST
    assert max(tolls) - min(tolls) <= ENOUGH * Decimal("0.01")  # of each invoice one truck has the odd cent


def _amount_of(line: str, lines: list[dict[str, Any]]) -> Decimal:
    [found] = [Decimal(row["amount"]["amount"]) for row in lines if row["line"] == line]
    return found
