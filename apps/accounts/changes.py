"""How figures stand to those of the period before. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def change_pct(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, float | None]:
    """The change of each figure in per cent of what it was, null where either is null or it was zero."""
    return {name: _change(now[name], before[name]) for name in now}


def _change(now: float | Decimal | None, before: float | Decimal | None) -> float | None:
    if now is None or before is None or before == 0:
        return None
    return round(100 * (float(now) - float(before)) / abs(float(before)), 2)
