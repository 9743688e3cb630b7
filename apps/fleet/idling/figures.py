"""From rows of sums, or columns of them, to what idling took and where, as the API serves it. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from apps.accounts.amounts import rounded
from apps.fleet import figures
from apps.fleet.columns import Column, least_first
from apps.fleet.idling.places import centre_of, name_of
from apps.fleet.utilization.figures import which_are_ranked
from apps.fleet.utilization.ratios import or_zero
from apps.trucks.detection.places import Spot

Row = Mapping[str, Any]
Money = Callable[[Decimal | None], Any]
_MONEY = ("cost", "productive_cost", "nonproductive_cost")


def totals(row: Row) -> dict[str, Any]:
    """The idling of a row of sums: seconds, litres and cost, productive and not; null where not measured."""
    litres, productive_l = row["idle_fuel_l"], row["idle_productive_fuel_l"]
    cost, productive_cost = row["idle_cost"], row["idle_productive_cost"]
    return {
        "idle_events": row["idle_events"],
        **_split("idle_s", row["idle_s"], row["idle_productive_s"]),
        "engine_on_s": row["engine_on_s"],
        **_ratios(row),
        "litres": rounded(litres),
        "productive_litres": rounded(productive_l),
        "nonproductive_litres": rounded(_less(litres, productive_l)),
        "cost": cost,
        "productive_cost": productive_cost,
        "nonproductive_cost": _less(cost, productive_cost),
    }


def place(row: Row, named: Mapping[str, Spot]) -> dict[str, Any]:
    """The idle events of a place: its name or the middle of its cell, and the same figures but for the engine's."""
    name = name_of(row["spot"])
    spot = centre_of(row["spot"]) if name is None else named.get(name)
    return {
        "place": name,
        "lat": None if spot is None else round(spot[0], 5),
        "lon": None if spot is None else round(spot[1], 5),
        "idle_events": int(row["events"]),
        **_split("idle_s", int(row["idle_s"]), int(row["productive_s"])),
        "litres": rounded(row["fuel_l"]),
        "productive_litres": rounded(row["productive_fuel_l"]),
        "nonproductive_litres": rounded(_less(row["fuel_l"], row["productive_fuel_l"])),
        "cost": row["cost"],
        "productive_cost": row["productive_cost"],
        "nonproductive_cost": _less(row["cost"], row["productive_cost"]),
    }


def priced(values: Mapping[str, Any], money: Money) -> dict[str, Any]:
    """The figures with amounts as answers have them."""
    return {**values, **{name: money(values[name]) for name in _MONEY}}


def worst_first(sums: Mapping[str, Column], codes: Sequence[str], limit: int) -> tuple[list[int], int]:
    """The places of at most `limit` trucks, the one that idled most unproductively first; and how many there are.

    Of trucks whose idling is measured, and of whom enough is known to hold them against others; equals by code.
    """
    unproductive = sums["idle_s"] - or_zero(sums["idle_productive_s"])
    values = np.where(which_are_ranked(sums), -unproductive, np.nan)
    return least_first(values, codes, limit), int((~np.isnan(values)).sum())


def number_of(rows: Sequence[Row]) -> int:
    """How many rows there are in all, of a statement that counts them."""
    return rows[0]["number"] if rows else 0


def spots_of(
    places: Iterable[tuple[str, float | None, float | None, Sequence[Sequence[float]] | None]],
) -> dict[str, Spot]:
    """Name → middle of productive places (name, latitude, longitude, corners), of one name the last."""
    found: dict[str, Spot] = {}
    for name, lat, lon, corners in places:
        if lat is not None and lon is not None:
            found[name.strip()] = lat, lon
        elif corners:
            found[name.strip()] = _mean(corner[0] for corner in corners), _mean(corner[1] for corner in corners)
    return found


def _mean(values: Iterable[float]) -> float:
    every = list(values)
    return sum(every) / len(every)


def _split(name: str, whole: int | None, productive: int | None) -> dict[str, Any]:
    return {name: whole, "idle_productive_s": productive, "idle_nonproductive_s": _less(whole, productive)}


def _ratios(row: Row) -> dict[str, float | None]:
    none = {"moving_s": 0, "engine_moving_s": None, "available_s": 0, "truck_days": 1, "truck_days_used": 0}
    found = figures.utilizations({**row, **none})
    return {name: found[name] for name in ("idle_pct", "idle_nonproductive_pct")}


def _less(whole: Any, part: Any) -> Any:
    return None if whole is None else whole - (part or 0)
