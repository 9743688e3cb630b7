"""Money and figures as answers give them; null is what was not measured. Pure.

What is rounded to nothing is 0, whatever its sign was: -0.00 would say that something is owed.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

PLACES = 6  # of what is no whole number: differences of doubles end in 2.6000000000349246


def money(amount: Decimal | None, currency: str) -> dict[str, str] | None:
    return None if amount is None else {"amount": f"{amount:f}", "currency": currency}


def rounded(value: float | None, places: int = 2) -> float | None:
    return None if value is None else round(value, places) + 0


def shown(value: Any) -> Any:
    """A value of any type, a float with `PLACES` decimals."""
    return rounded(value, PLACES) if isinstance(value, float) else value


def to_place(value: Decimal, last: Decimal) -> Decimal:
    """Halves to even; `last`: one of its last place, such as a cent."""
    return value.quantize(last, ROUND_HALF_EVEN) + 0
