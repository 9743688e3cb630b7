"""Foreign money in a fleet's own: by the rate in force on its day, never by guess."""

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from decimal import Decimal

from apps.accounts.models import Fleet
from apps.fleet.models import ExchangeRate


class NoRate(ValueError):
    """There is no rate for a currency on a day."""


class Exchange:
    """A fleet's exchange rates, read once."""

    def __init__(self, fleet: Fleet) -> None:
        self.currency = fleet.currency
        self._rates: defaultdict[str, list[ExchangeRate]] = defaultdict(list)
        for rate in ExchangeRate.objects.filter(fleet=fleet).order_by("effective_from"):
            self._rates[rate.currency].append(rate)

    def rate_of(self, currency: str, day: dt.date) -> Decimal | None:
        """What one of a foreign currency is worth on the day; null before its first rate."""
        rates = self._rates.get(currency, [])
        begun = bisect_right(rates, day, key=lambda rate: rate.effective_from)
        return rates[begun - 1].rate if begun else None

    def to_own(self, amount: Decimal, currency: str, day: dt.date) -> Decimal:
        """The amount in the fleet's currency, not rounded. Raises NoRate."""
        if currency == self.currency:
            return amount
        if (rate := self.rate_of(currency, day)) is None:
            raise NoRate(f"there is no exchange rate for {currency} on {day}")
        return amount * rate
