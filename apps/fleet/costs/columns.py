"""What many trucks cost, by column: what `told` says of one. Pure."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from apps.fleet.columns import Column, per, percentage, rounded, total
from apps.fleet.rows import Money, Some

Amounts = Mapping[tuple[str, str], Column]  # line, source → cents


def told(sums: Mapping[str, Column], amounts: Amounts, currency: str) -> dict[str, Any]:
    """What each truck cost, and what it did."""
    length = len(sums["truck_days"])
    whole = total(amounts.values(), length)
    ratios = {
        "cost_per_km": per(whole, sums["distance_m"], 1000),
        "cost_per_engine_hour": per(whole, sums["engine_on_s"], 3600),
        "cost_per_truck_day": per(whole, sums["truck_days"]),
    }
    return {
        **{name: sums[name] for name in ("distance_m", "engine_on_s", "truck_days")},
        "amount": Money(whole, 2, currency),
        **{name: Money(column, 4, currency) for name, column in ratios.items()},
        "lines": _lines(amounts, length, currency),
        "sources": _sources(amounts, whole, currency),
    }


def _lines(amounts: Amounts, length: int, currency: str) -> tuple[Some, ...]:
    """The lines of each truck that have an amount, in order."""
    each = _together(amounts, 0, length)
    return tuple(Some(~np.isnan(cents), {"line": line, "amount": Money(cents, 2, currency)}) for line, cents in each)


def _sources(amounts: Amounts, whole: Column, currency: str) -> tuple[Some, ...]:
    """The same of what amounts come from, with the share of each in the whole."""
    return tuple(
        Some(
            ~np.isnan(cents),
            {
                "source": source,
                "amount": Money(cents, 2, currency),
                "share_pct": rounded(percentage(cents, whole), 2),
            },
        )
        for source, cents in _together(amounts, 1, len(whole))
    )


def _together(amounts: Amounts, part: int, length: int) -> Iterable[tuple[str, Column]]:
    """The sums of the columns of each line (part 0) or source (1), in order."""
    for name, keys in groupby(sorted(amounts, key=itemgetter(part)), key=itemgetter(part)):
        yield name, total([amounts[key] for key in keys], length)
