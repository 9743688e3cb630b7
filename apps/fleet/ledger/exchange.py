"""Foreign money in a fleet's own: by the rate in force on its day, never by guess."""

import datetime as dt
from decimal import Decimal

from apps.accounts.models import Fleet
from apps.fleet.models import ExchangeRate


class NoRate(ValueError):
    """There is no rate for a currency on a day."""


class Exchange:
    """A fleet's exchange rates, read once."""

    def __init__(self, fleet: Fleet) -> None:
        self.currency = fleet.currency
        self._rates = list(ExchangeRate.objects.filter(fleet=fleet).order_by("-effective_from"))

    def to_own(self, amount: Decimal, currency: str, day: dt.date) -> Decimal:
        """The amount in the fleet's currency, not rounded. Raises NoRate."""
        if currency == self.currency:
            return amount
        for rate in self._rates:
            if rate.currency == currency and rate.effective_from <= day:
                return amount * rate.rate
        raise NoRate(f"there is no exchange rate for {currency} on {day}")
