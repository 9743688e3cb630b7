"""For any ledger and whatever is corrected in it afterwards: the days come to what the twin reckons from its rows."""

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.ledger import changes as ledger
from apps.fleet.ledger.changes import LedgerRow
from apps.fleet.models import CostEntry, CostRate, ExchangeRate, FuelPrice, FuelPurchase
from tests import rows
from tests.fleet.ledger_twin import Burnt, Twin
from tests.fleet.shifts import DAY_S, MONDAY, NOW, START, assert_sums_add_up, shift
from tests.pipeline import feed

ONE = dt.timedelta(days=1)
MINUTES = range(START, NOW - 600, 60)  # up to the last message
BURNT: list[Burnt] = [(t, Fraction(int(8 <= t % DAY_S / 3_600 < 10), 4)) for t in MINUTES]


@pytest.fixture
def fleet(db: None) -> Fleet:
    """Two trucks and four days, 30 litres from 08:00 to 10:00 on each; groups that both, one and none are in."""
    made = rows.fleet(timezone="UTC", currency="EUR")
    trucks = [feed.truck_of(made, f"T-{number}") for number in range(2)]
    for number, each in enumerate(trucks):
        feed.receive(each, shift(km=1_000 * number), NOW)
    for name, members in (("South", trucks[1:]), ("West", trucks), ("East", [])):
        rows.group(made, name, *members)
    return made


class Clerk:
    """Somebody who books at random, and corrects at random what is booked."""

    def __init__(self, fleet: Fleet, rng: random.Random) -> None:
        self.fleet, self.rng = fleet, rng
        self.trucks, self.groups = list(fleet.trucks.all()), list(fleet.truck_groups.all())
        self._save(ExchangeRate(fleet=fleet, currency="USD", effective_from=MONDAY - 9 * ONE, rate=self._amount()))
        for book, most in ((self.entry, 3), (self.rate, 30), (self.price, 12), (self.purchase, 4)):
            for _ in range(rng.randrange(most // 3, most)):
                self._save(book())

    def corrects(self) -> None:
        """One of what people do afterwards."""
        what = (self.deletes, self.amends, self.moves, self.adds, self.adds_exchange_rate, self.regroups)
        self.rng.choice(what)()

    def deletes(self) -> None:
        if row := self._any(CostEntry, CostRate, FuelPrice, FuelPurchase):
            ledger.delete(row)

    def amends(self) -> None:
        """Another day and another amount of a row that is booked."""
        if row := self._any(CostEntry, CostRate, FuelPrice, FuelPurchase, ExchangeRate):
            other = self._other(row)
            for name in ("covers_from", "covers_to", "effective_from", "effective_to", "effective_at", "purchased_at"):
                if hasattr(row, name) and not isinstance(row, ExchangeRate):
                    setattr(row, name, getattr(other, name))
            for name in ("amount", "price_per_l", "rate"):
                if hasattr(row, name):
                    setattr(row, name, getattr(other, name))
            self._save(row)

    def moves(self) -> None:
        """Of another truck or group, or of all."""
        if row := self._any(CostEntry, CostRate):
            row.truck = row.group = None
            for name, value in self._scope().items():
                setattr(row, name, value)
            self._save(row)

    def adds(self) -> None:
        self._save(self.rng.choice((self.entry, self.rate, self.price, self.purchase))())

    def adds_exchange_rate(self) -> None:
        self._save(ExchangeRate(fleet=self.fleet, currency="USD", effective_from=self._day(), rate=self._amount()))

    def regroups(self) -> None:
        self.rng.choice(self.groups).trucks.set(self.rng.sample(self.trucks, self.rng.randrange(3)))

    def entry(self) -> CostEntry:
        first = self._day()
        return CostEntry(
            fleet=self.fleet, line=self.rng.choice(("tires", "tolls", "tolls", "fuel")), amount=self._amount(-50),
            currency=self.rng.choice(("EUR", "USD")), covers_from=first, covers_to=first + self.rng.randrange(4) * ONE,
            basis=self.rng.choice(("days", "km", "trucks")), **self._scope(),
        )  # fmt: skip

    def rate(self) -> CostRate:
        first, length = self._day(), self.rng.choice((None, None, 0, 1, 3))
        return CostRate(
            fleet=self.fleet, line="tires", amount=self._amount(), effective_from=first,
            basis=self.rng.choice(("per_km", "per_engine_hour", "per_day", "per_month")),
            effective_to=None if length is None else first + length * ONE, **self._scope(),
        )  # fmt: skip

    def price(self) -> FuelPrice:
        group = self.rng.choice([None, *self.groups])
        return FuelPrice(fleet=self.fleet, effective_at=self._instant(), price_per_l=self._amount(), group=group)

    def purchase(self) -> FuelPurchase:
        return FuelPurchase(
            fleet=self.fleet, truck=self.rng.choice(self.trucks), purchased_at=self._instant(), litres=self._amount(1),
            amount=self._amount(), currency=self.rng.choice(("EUR", "USD")), reference=str(self.rng.random()),
        )  # fmt: skip

    def _other(self, row: LedgerRow) -> Any:
        made: dict[type[LedgerRow], Callable[[], LedgerRow]] = {
            CostEntry: self.entry, CostRate: self.rate, FuelPrice: self.price, FuelPurchase: self.purchase,
        }  # fmt: skip
        return made[type(row)]() if type(row) in made else ExchangeRate(rate=self._amount())

    def _any(self, *models: Any) -> Any:
        found = [row for model in models for row in model.objects.filter(fleet=self.fleet)]
        return self.rng.choice(found) if found else None

    def _save(self, row: LedgerRow) -> None:
        """As the form and the API do: what they refuse stays as it was."""
        try:
            row.full_clean()
            ledger.save(row)
        except ValidationError:
            pass

    def _scope(self) -> dict[str, Any]:
        choices = [{}, *({"truck": each} for each in self.trucks), *({"group": each} for each in self.groups)]
        return self.rng.choice(choices)

    def _day(self) -> dt.date:
        return MONDAY + self.rng.randrange(-2, 6) * ONE

    def _instant(self) -> dt.datetime:
        """Mostly while trucks drive, and any minute of it."""
        minutes = self.rng.choice((0, 8 * 60 + self.rng.randrange(121), self.rng.randrange(1_440)))
        return dt.datetime.combine(self._day(), dt.time(), tzinfo=dt.UTC) + dt.timedelta(minutes=minutes)

    def _amount(self, least: int = 0) -> Decimal:
        return Decimal(self.rng.randrange(least * 100 + 1, 9_000)) / 100


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_booked_and_corrected_days_come_to_what_the_ledger_says(fleet: Fleet, seed: int) -> None:
    clerk = Clerk(fleet, random.Random(seed))
    for _ in range(8):
        assert summaries.rebuild(fleet).failed == 0
        Twin(fleet, {truck.pk: BURNT for truck in clerk.trucks}).assert_agrees()
        clerk.corrects()
    assert_sums_add_up()
