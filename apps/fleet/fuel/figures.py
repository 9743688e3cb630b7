"""From the sums of trucks to the figures of a fleet's fuel: by truck, by group and in all. Pure."""

from collections.abc import Mapping
from math import fsum
from typing import Any

import numpy as np

from apps.accounts.amounts import money, rounded
from apps.fleet.columns import Column
from apps.fleet.figures import consumption, same_in_any_order
from apps.fleet.fuel.consumption import Burn
from apps.fleet.rows import Money, Table
from apps.fleet.sums.blocks import is_fraction, python_values

Row = Mapping[str, Any]
COUNTS = ("truck_days", "consumption_days", "refuels", "drains", "suspected_drains")
LITRES = (
    "fuel_used_l", "consumption_l", "fuel_priced_l", "idle_fuel_l", "refuel_l", "drain_l", "drain_priced_l",
    "suspected_drain_l",
)  # fmt: skip
METRES = ("distance_m", "fuel_distance_m")
AMOUNTS = ("fuel_cost", "idle_cost", "idle_productive_cost", "drain_cost", "suspected_drain_cost")
_OF_DRAINS = ("drains", "drain_priced_l", "drain_cost", "suspected_drains", "suspected_drain_cost")
SUMMED = (*COUNTS, *LITRES, *METRES, *AMOUNTS)


def burn(row: Row) -> Burn:
    distance_m, days = row["fuel_distance_m"], row["consumption_days"]
    return Burn(row["consumption_l"], None if distance_m is None else int(distance_m), int(days or 0))


def figures(row: Row) -> dict[str, Any]:
    """The figures of a row of sums; money as plain decimals."""
    whole = {name: None if row[name] is None else int(row[name]) for name in (*COUNTS, *METRES)}
    litres = {name: rounded(row[name], 6) for name in LITRES}
    return {
        **{name: whole[name] for name in ("truck_days", *METRES)},
        "fuel_used_l": litres.pop("fuel_used_l"),
        "consumption_l_per_100km": rounded(burn(row).l_per_100km),
        **litres,
        **{name: row[name] for name in AMOUNTS},
        **_drained(row),
        **{name: whole[name] for name in COUNTS[1:]},
    }


def in_columns(sums: Mapping[str, Column], currency: str) -> Table:
    """What `shown` says of the figures of a row, of many."""
    litres = {name: same_in_any_order(sums[name]) for name in LITRES}
    amounts = {**{name: sums[name] for name in AMOUNTS}, **_drained_in_columns(sums)}
    return {
        **{name: sums[name] for name in ("truck_days", *METRES)},
        "fuel_used_l": litres.pop("fuel_used_l"),
        "consumption_l_per_100km": consumption(sums),
        **litres,
        **{name: Money(column, 2, currency) for name, column in amounts.items()},
        **{name: sums[name] for name in COUNTS[1:]},
    }


def _drained_in_columns(sums: Mapping[str, Column]) -> dict[str, Column]:
    has = {name: np.nan_to_num(sums[name]) != 0 for name in _OF_DRAINS}
    is_priced = ~has["drains"] | has["drain_priced_l"]
    is_suspected_priced = ~has["suspected_drains"] | has["suspected_drain_cost"] | is_priced & ~has["drain_cost"]
    return {
        "drain_cost": np.where(is_priced, sums["drain_cost"], np.nan),
        "suspected_drain_cost": np.where(is_suspected_priced, sums["suspected_drain_cost"], np.nan),
    }


def _drained(row: Row) -> dict[str, Any]:
    """What drains cost: null where there are some and none has a price, though days without drains say 0.

    Suspected ones that cost nothing, while others of the time do cost something, had no price.
    """
    cost, suspected = row["drain_cost"], row["suspected_drain_cost"]
    is_priced = not row["drains"] or bool(row["drain_priced_l"])
    is_suspected_priced = not row["suspected_drains"] or bool(suspected) or (is_priced and not cost)
    return {
        "drain_cost": cost if is_priced else None,
        "suspected_drain_cost": suspected if is_suspected_priced else None,
    }


def shown(values: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """The figures with amounts as answers have them."""
    return {**values, **{name: money(values[name], currency) for name in AMOUNTS}}


def total(sums: Mapping[str, Column]) -> dict[str, Any]:
    """The sums of many trucks together, as they are served; null of what none of them has measured."""
    return {name: _sum(name, sums[name][~np.isnan(sums[name])]) for name in SUMMED}


def _sum(name: str, known: Column) -> Any:
    if not len(known):
        return None
    if is_fraction(name):
        return fsum(known.tolist())
    return python_values(name, known.sum(keepdims=True), np.ones(1, np.bool_))[0]
