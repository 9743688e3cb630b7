"""Money and figures as answers give them; null is what was not measured. Pure."""

from decimal import Decimal


def money(amount: Decimal | None, currency: str) -> dict[str, str] | None:
    return None if amount is None else {"amount": f"{amount:f}", "currency": currency}


def rounded(value: float | None, places: int = 2) -> float | None:
    return None if value is None else round(value, places)
