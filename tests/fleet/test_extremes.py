"""Amounts, rates and prices as high as can be entered, many at once: everything is written, and adds up to the cent."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Fleet
from apps.fleet import queries, summaries
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import (
    CostEntry,
    CostRate,
    ExchangeRate,
    FleetDay,
    FuelPrice,
    FuelPurchase,
    TruckDayCost,
    TruckDayFuel,
)
from apps.fleet.whose import fleet_sums_sync
from apps.trucks.models import FuelEvent, IdleEvent
from tests import rows
from tests.fleet.shifts import DAYS, MONDAY, NOW, TUESDAY, assert_sums_add_up, shift
from tests.fleet.test_ledger import entry, purchase, rate, truck
from tests.lasting import Lasting, anew
from tests.pipeline import feed

pytestmark = pytest.mark.django_db
MOST = Decimal("9999999999.99")
MOST_PER_KM, MOST_PER_HOUR = Decimal("999999.9999"), Decimal("9999999.9999")
MOST_PER_DAY = Decimal("99999999.9999")
MOST_PER_LITRE = Decimal("999999.9999")
MOST_RATES = {
    "per_km": MOST_PER_KM,
    "per_engine_hour": MOST_PER_HOUR,
    "per_day": MOST_PER_DAY,
    "per_month": MOST_PER_DAY,
}
ENOUGH = 120  # of the highest amounts, to be more than a million million


def two_trucks() -> Fleet:
    """Two trucks that worked from Monday to Thursday."""
    made = rows.fleet(timezone="UTC", currency="EUR")
    for number in range(2):
        feed.receive(feed.truck_of(made, f"T-{number}"), shift(km=1_000 * number), NOW)
    return made


@pytest.fixture(scope="module")
def once(lasting: Lasting[Fleet]) -> Fleet:
    return lasting(two_trucks)


@pytest.fixture
def fleet(db: None, once: Fleet) -> Fleet:
    return anew(once)


def spent(fleet: Fleet) -> dict[tuple[str, str], Decimal]:
    """What the fleet's totals say, by line and source."""
    return fleet_sums_sync(queries.period(fleet.pk, DAYS[0], DAYS[-1])).costs.amounts


def added_up(fleet: Fleet) -> dict[tuple[str, str], Decimal]:
    sums: dict[tuple[str, str], Decimal] = {}
    for cost in TruckDayCost.objects.filter(fleet_id=fleet.pk):
        sums[cost.line, cost.source] = sums.get((cost.line, cost.source), Decimal(0)) + cost.amount
    return sums


def test_many_invoices_of_the_highest_amount_are_spread_to_the_cent(fleet: Fleet) -> None:
    its_own = {"line": "tires", "truck": truck(fleet, 0)}
    ledger.save_all([entry(fleet, str(MOST), line="tolls", covers_to=MONDAY) for _ in range(ENOUGH)])
    ledger.save_all([entry(fleet, str(-MOST), covers_to=MONDAY, **its_own) for _ in range(ENOUGH)])
    summaries.rebuild(fleet)
    assert spent(fleet) == added_up(fleet) == {
        ("tires", "actual"): -ENOUGH * MOST,
        ("tolls", "allocated"): ENOUGH * MOST,
    }  # fmt: skip
    assert_sums_add_up()


def test_many_purchases_of_the_highest_amount_add_up_to_the_cent(fleet: Fleet) -> None:
    litres = Decimal("9999999.999")
    ledger.save_all([purchase(fleet, reference=f"{n}", amount=MOST, litres=litres) for n in range(ENOUGH)])
    summaries.rebuild(fleet)
    bought = TruckDayFuel.objects.get(fleet_id=fleet.pk, purchases__isnull=False)
    assert (bought.day, bought.purchased_amount, bought.purchased_l) == (TUESDAY, ENOUGH * MOST, ENOUGH * litres)
    assert FleetDay.objects.get(fleet_id=fleet.pk, day=TUESDAY).purchased_amount == ENOUGH * MOST
    assert_sums_add_up()


def test_the_highest_rates_on_all_bases_are_estimated_to_the_cent(fleet: Fleet) -> None:
    for basis, amount in MOST_RATES.items():
        made = rate(fleet, line="tolls", basis=basis, amount=amount)
        made.full_clean()
        ledger.save(made)
    summaries.rebuild(fleet)
    of_day = TruckDayCost.objects.get(fleet_id=fleet.pk, truck_id=truck(fleet, 0).pk, day=MONDAY)
    km, hours, month = 120, 3, 31
    assert abs(of_day.amount - (MOST_PER_KM * km + MOST_PER_HOUR * hours + MOST_PER_DAY * (month + 1) / month)) < 1
    assert spent(fleet) == added_up(fleet)
    assert_sums_add_up()


def test_events_of_many_litres_at_the_highest_price_have_a_cost(fleet: Fleet) -> None:
    """A counter that jumps by ten million litres while the truck idles, and a tank of many sensors."""
    fields = {field.name: field for model in (IdleEvent, FuelEvent) for field in model._meta.fields}
    assert len(str(int(MOST_PER_LITRE * 10_000_000))) <= fields["cost"].max_digits - 2
    rows.idle_event(truck(fleet, 0), rows.NOON, cost=MOST_PER_LITRE.quantize(Decimal("0.01")) * 10_000_000)
    assert IdleEvent.objects.get().cost == MOST_PER_LITRE.quantize(Decimal("0.01")) * 10_000_000


low_or_high = st.sampled_from([Decimal(0), Decimal("0.0001"), Decimal(1)])


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amounts=st.lists(st.sampled_from([MOST, -MOST, Decimal("0.01"), Decimal(0)]), max_size=4),
    per_km=low_or_high | st.just(MOST_PER_KM),
    per_l=low_or_high | st.just(MOST_PER_LITRE),
    bought=st.lists(st.sampled_from([MOST, Decimal("0.01")]), max_size=3),
    foreign=st.sampled_from([Decimal("0.00000001"), Decimal(1), Decimal("1000000")]),
)
def test_whatever_extremes_there_are_all_of_it_is_written_and_adds_up(
    fleet: Fleet, amounts: list[Decimal], per_km: Decimal, per_l: Decimal, bought: list[Decimal], foreign: Decimal
) -> None:
    for model in (CostEntry, CostRate, FuelPrice, FuelPurchase, ExchangeRate):
        for each in list(model.objects.filter(fleet=fleet)):
            ledger.delete(each)
    ledger.save(ExchangeRate(fleet=fleet, currency="XXX", effective_from=MONDAY, rate=foreign))
    for number, amount in enumerate(amounts):
        ledger.save(entry(fleet, str(amount), line="tolls", basis=["days", "km", "trucks"][number % 3]))
    highest = min(MOST, ((MOST - 1) / foreign).quantize(Decimal("0.01"), "ROUND_DOWN"))
    ledger.save(entry(fleet, str(highest), line="permits", currency="XXX"))
    ledger.save(rate(fleet, line="tires", basis="per_km", amount=per_km))
    ledger.save(FuelPrice(fleet=fleet, effective_at=dt.datetime(2026, 3, 16, tzinfo=dt.UTC), price_per_l=per_l))
    for number, amount in enumerate(bought):
        ledger.save(purchase(fleet, reference=str(number), amount=amount))
    summaries.rebuild(fleet)
    found = spent(fleet)
    assert found == added_up(fleet)
    assert sum((found.get(("tolls", source), Decimal(0)) for source in ("actual", "allocated")), Decimal(0)) == sum(
        amounts
    )
    assert_sums_add_up()


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("basis", "most"), sorted(MOST_RATES.items()))
def test_a_rate_above_the_highest_is_refused(fleet: Fleet, basis: str, most: Decimal) -> None:
    with pytest.raises(ValidationError) as refused:
        rate(fleet, basis=basis, amount=most + Decimal("0.0001")).full_clean()
    assert set(refused.value.message_dict) == {"amount"}


def refused_rate(fleet: Fleet, worth: str, **changes: Any) -> list[str]:
    try:
        ExchangeRate(fleet=fleet, currency="CHF", effective_from=MONDAY, rate=Decimal(worth), **changes).full_clean()
    except ValidationError as error:
        return error.message_dict["rate"]
    return []


@pytest.mark.parametrize("kind", ["entry", "credit note", "purchase"])
def test_an_exchange_rate_that_makes_too_much_of_what_is_booked_is_refused(fleet: Fleet, kind: str) -> None:
    ledger.save(ExchangeRate(fleet=fleet, currency="CHF", effective_from=dt.date(2026, 1, 1), rate=Decimal(1)))
    if kind == "purchase":
        ledger.save(purchase(fleet, currency="CHF", amount=Decimal(1_000_000)))
    else:
        ledger.save(entry(fleet, "1000000" if kind == "entry" else "-1000000", currency="CHF"))
    assert refused_rate(fleet, "9999.99999999") == []
    assert refused_rate(fleet, "10000") == ["makes 1,000,000.00 CHF not below 10,000,000,000 in the fleet's money"]
    assert refused_rate(rows.fleet("Other", currency="EUR"), "10000") == [], "another fleet's are its own"
