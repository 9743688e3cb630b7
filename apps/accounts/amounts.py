"""Money and figures as answers give them; null is what was not measured. Pure.

What is rounded to nothing is 0, whatever its sign was: -0.00 would say that something is owed.
"""

from decimal import ROUND_HALF_EVEN, Decimal


def money(amount: Decimal | None, currency: str) -> dict[str, str] | None:
    return None if amount is None else {"amount": f"{amount:f}", "currency": currency}


def rounded(value: float | None, places: int = 2) -> float | None:
    return None if value is None else round(value, places) + 0


def to_place(value: Decimal, last: Decimal) -> Decimal:
    """Halves to even; `last`: one of its last place, such as a cent."""
    return value.quantize(last, ROUND_HALF_EVEN) + 0
