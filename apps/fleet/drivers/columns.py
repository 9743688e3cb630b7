"""How many trucks or drivers were driven, by column: what `figures` says of a row of sums. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import numpy as np
import orjson

from apps.fleet.columns import Column, per
from apps.fleet.drivers.figures import against, driving
from apps.fleet.drivers.queries import MONEY
from apps.fleet.drivers.safety import Weights
from apps.fleet.rows import Money, Table
from apps.fleet.utilization.figures import are_ranked

Columns = Mapping[str, Column]


def told(names: Sequence[str | None], sums: Columns, before: Columns, weights: Weights, currency: str) -> Table:
    """What each of them did, of sums in the period and in the one before. `days`, or `truck_days`, may be null: none.

    Who has no name is nobody, and is not ranked.
    """
    days = sums["truck_days"] if "truck_days" in sums else sums["days"]
    is_ranked = [is_one and name is not None for is_one, name in zip(are_ranked(sums), names, strict=True)]
    return {
        "name": names,
        "truck_days": np.nan_to_num(days),
        **driving(sums, weights),
        **_fuel_money(sums, currency),
        "max_speed_kmh": sums["max_speed_kmh"],
        "is_ranked": is_ranked,
        **against(sums, before, weights),
    }


def _fuel_money(sums: Columns, currency: str) -> dict[str, Money]:
    per_km = per(sums["fuel_cost"], sums["fuel_distance_m"], 1000)
    amounts = {name: Money(sums[name], 2, currency) for name in MONEY}
    return {**amounts, "fuel_cost_per_km": Money(per_km, 4, currency)}


def of_arrays(arrays: Iterable[str], names: Sequence[str]) -> dict[str, Column]:
    """The columns of rows of sums that come as JSON arrays, amounts as texts."""
    rows = [orjson.loads(array) for array in arrays]
    return {
        name: np.array([_cents(row[place]) if name in MONEY else row[place] for row in rows], np.float64)
        for place, name in enumerate(names)
    }


def _cents(amount: str | None) -> int | None:
    return None if amount is None else int(Decimal(amount).scaleb(2))
