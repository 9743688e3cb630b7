"""Sums, of rows or in columns, as the answers about driving have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import orjson

from apps.accounts.authentication import Principal
from apps.accounts.changes import changes
from apps.accounts.periods import Period
from apps.fleet.drivers import columns as driver_columns
from apps.fleet.drivers import figures as driver_figures
from apps.fleet.drivers import queries as driver_queries
from apps.fleet.drivers.safety import Weights
from apps.fleet.rows import Rows
from apps.fleet.sums.drivers import Drivers
from apps.fleet.sums.summed import Summed
from apps.fleet.whose import Whose
from apps.mysql import Row
from apps.trucks.freshness import Freshness


@dataclass(frozen=True, slots=True)
class Terms:
    """What rows are told in and judged by: the fleet's money, and its weights on the period's last day."""

    currency: str
    weights: Weights


async def terms_of(who: Principal, period: Period, fresh: Freshness) -> Terms:
    whose = Whose(who.fleet_id, None, fresh.revision, fresh.facts)
    return Terms(who.currency, await whose.safety_weights(period))


def shown(row: Row, terms: Terms) -> dict[str, Any]:
    return {**driver_figures.driving(row, terms.weights), **driver_figures.fuel_money(row, terms.currency)}


def compared(totals: Row, before: Row, period: Period, terms: Terms, **more: Any) -> dict[str, Any]:
    """The answer's `previous`, with `more` of it, `change_pct` and `change_points`."""
    current, earlier = (_plain(row, terms) for row in (totals, before))
    return {
        "previous": {"period": period.previous().echo(), **more, **shown(before, terms)},
        **changes(current, earlier),
    }


def _plain(row: Row, terms: Terms) -> dict[str, Any]:
    """The same with money as numbers."""
    amounts = driver_figures.fuel_money(row, terms.currency)
    return {
        **driver_figures.driving(row, terms.weights),
        **{name: None if amount is None else Decimal(amount["amount"]) for name, amount in amounts.items()},
    }


def totals(row: Row, terms: Terms) -> dict[str, Any]:
    """What one driver, or several together, did."""
    return {"truck_days": row["days"] or 0, **shown(row, terms)}


def totals_compared(row: Row, before: Row, period: Period, terms: Terms) -> dict[str, Any]:
    """The answer's `previous`, `change_pct` and `change_points`."""
    return compared(row, before, period, terms, truck_days=before["days"] or 0)


NOTHING: Row = dict.fromkeys(driver_queries.DRIVERS.names)


def listed(key: str, found: Summed, before: driver_columns.Columns, terms: Terms, **more: list[Any]) -> Rows:
    """What trucks or drivers did, from their sums and those of the period before, and `more` of each."""
    table = driver_columns.told(found.names, found.columns, before, terms.weights, terms.currency)
    return Rows({key: found.codes, **table, **more}, len(found))


def few(rows: Sequence[Row]) -> tuple[Drivers, driver_columns.Columns]:
    """Drivers of a page that is read as rows, with their sums, and the sums of the period before."""
    ids = np.arange(len(rows))  # nobody asks for them
    sums = driver_columns.of_arrays((row["figures"] for row in rows), driver_queries.DRIVERS.names)
    before = driver_columns.of_arrays((row["earlier"] for row in rows), driver_queries.BEFORE)
    return Drivers(ids, [row["code"] for row in rows], [row["name"] for row in rows], sums), before


def codes_in(array: str | None) -> list[str]:
    """The codes of a JSON array, sorted."""
    return sorted(orjson.loads(array)) if array else []
