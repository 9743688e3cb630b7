"""How figures stand to those of the period before. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from apps.accounts.amounts import rounded

Change = dict[str, float | None]


def is_points(name: str) -> bool:
    """Whether a figure is itself in per cent or points: a change of that in per cent would mislead."""
    return name.endswith("_pct") or name == "safety_score"


def changes(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Change]:
    """An answer's `change_pct`, and its `change_points` of the figures that are in per cent or points."""
    return {"change_pct": change_pct(now, before), "change_points": change_points(now, before)}


def change_pct(now: Mapping[str, Any], before: Mapping[str, Any]) -> Change:
    """The change of each figure in per cent of what it was, null where either is null or it was zero."""
    return {name: _change(value, before[name]) for name, value in now.items() if not is_points(name)}


def change_points(now: Mapping[str, Any], before: Mapping[str, Any]) -> Change:
    """By how many points each figure differs from what it was, null where either is null."""
    return {name: _difference(value, before[name]) for name, value in now.items() if is_points(name)}


def _change(now: float | Decimal | None, before: float | Decimal | None) -> float | None:
    if now is None or before is None or before == 0:
        return None
    return rounded(100 * (float(now) - float(before)) / abs(float(before)))


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else rounded(now - before)
