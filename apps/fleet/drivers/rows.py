"""Rows of sums as the answers about driving have them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from apps.accounts.authentication import Principal
from apps.accounts.changes import changes
from apps.accounts.periods import Period
from apps.fleet.drivers import figures as of_rows
from apps.fleet.drivers import queries as statements
from apps.fleet.drivers.safety import Weights
from apps.fleet.utilization.figures import is_ranked
from apps.fleet.whose import Whose
from apps.mysql import Row


@dataclass(frozen=True, slots=True)
class Terms:
    """What rows are told in and judged by: the fleet's money, and its weights on the period's last day."""

    currency: str
    weights: Weights


async def terms_of(who: Principal, period: Period) -> Terms:
    return Terms(who.currency, await Whose(who.fleet_id, None, 0).safety_weights(period))


def shown(row: Row, terms: Terms) -> dict[str, Any]:
    return {**of_rows.driving(row, terms.weights), **of_rows.fuel_money(row, terms.currency)}


def compared(totals: Row, before: Row, period: Period, terms: Terms, **more: Any) -> dict[str, Any]:
    """The answer's `previous`, with `more` of it, `change_pct` and `change_points`."""
    current, earlier = (_plain(row, terms) for row in (totals, before))
    return {
        "previous": {"period": period.previous().echo(), **more, **shown(before, terms)},
        **changes(current, earlier),
    }


def _plain(row: Row, terms: Terms) -> dict[str, Any]:
    """The same with money as numbers."""
    amounts = of_rows.fuel_money(row, terms.currency)
    return {
        **of_rows.driving(row, terms.weights),
        **{name: None if amount is None else Decimal(amount["amount"]) for name, amount in amounts.items()},
    }


def totals(row: Row, terms: Terms) -> dict[str, Any]:
    """What one driver, or several together, did."""
    return {"truck_days": row["days"] or 0, **shown(row, terms)}


def totals_compared(row: Row, before: Row, period: Period, terms: Terms) -> dict[str, Any]:
    """The answer's `previous`, `change_pct` and `change_points`."""
    return compared(row, before, period, terms, truck_days=before["days"] or 0)


NO_SUMS: Row = dict.fromkeys(statements.BEFORE)
NOTHING: Row = dict.fromkeys(statements.DRIVERS.names)


def with_sums(row: Row) -> Row:
    """A row of a page of drivers with its sums by name."""
    return {**row, **dict(zip(statements.DRIVERS.names, orjson.loads(row["figures"]), strict=True))}


def before_of(row: Row) -> Row:
    return dict(zip(statements.BEFORE, orjson.loads(row["earlier"]), strict=True))


def driver(row: Row, before: Row, terms: Terms) -> dict[str, Any]:
    """A driver with its sums; nobody known has no code, and is not ranked."""
    found = behavior({**row, "truck_days": row["days"] or 0}, before, terms)
    return {"driver_id": row["code"], **found, "is_ranked": found["is_ranked"] and row["code"] is not None}


def behavior(sums: Row, before: Row, terms: Terms) -> dict[str, Any]:
    """What a truck or a driver did, from sums with a name."""
    return {
        "name": sums["name"],
        "truck_days": sums["truck_days"],
        **shown(sums, terms),
        "max_speed_kmh": sums["max_speed_kmh"],
        "is_ranked": is_ranked(sums),
        **of_rows.against(sums, before, terms.weights),
    }


def codes_in(array: str | None) -> list[str]:
    """The codes of a JSON array, sorted."""
    return sorted(orjson.loads(array)) if array else []
