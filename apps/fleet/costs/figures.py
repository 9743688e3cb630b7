"""The figures that stand beside a fleet's costs: fuel bought and used, idling, the change, the benchmark. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import fsum
from typing import Any, TypeAlias

import numpy as np

from apps.accounts.amounts import money, rounded, to_place
from apps.accounts.units import METRES_PER_MILE
from apps.fleet.columns import Column
from apps.fleet.costs.change import Change, Spent, change, total
from apps.fleet.figures import PLACES, Costs, share_pct

Row = Mapping[str, Any]
Compared: TypeAlias = tuple[str, Decimal | None, Decimal]  # a line, its own cost per distance, the published one
_KM_PER_MILE = Decimal(str(METRES_PER_MILE)) / 1000


def sources(costs: Costs, currency: str) -> list[dict[str, Any]]:
    """What the amounts come from, with the share of each in the whole."""
    whole = costs.total
    return [
        {"source": source, "amount": money(part, currency), "share_pct": share_pct(part, whole)}
        for source, part in sorted(costs.by_source().items())
    ]


def unallocated(costs: Costs) -> Decimal | None:
    """What no truck can bear; null where nothing was priced."""
    return None if costs.total is None else costs.of_line("unallocated").total or Decimal("0.00")


# --- fuel -----------------------------------------------------------------------------------------------------------


def idling(totals: Row, currency: str) -> dict[str, Any]:
    """What idling burnt, and what that cost at the prices of its time."""
    cost, productive = totals["idle_cost"], totals["idle_productive_cost"]
    rest = None if cost is None or productive is None else cost - productive
    return {
        "litres": rounded(totals["idle_fuel_l"]),
        "amount": money(cost, currency),
        "productive_amount": money(productive, currency),
        "nonproductive_amount": money(rest, currency),
    }


TANKS = (
    "purchases", "balance_days", "balance_bought_l", "balance_refuelled_l", "balance_drained_l", "balance_used_l",
    "balance_tank_l",
)  # fmt: skip


def fuel(totals: Row, tanks: Row, currency: str) -> dict[str, Any]:
    """Fuel by consumption and by purchase, each with its mean price, how much more was bought than used, and `tanks`
    as a balance."""
    used_l, used = totals["fuel_used_l"], totals["fuel_cost"]
    bought_l, bought = totals["purchased_l"], totals["purchased_amount"]
    difference_l = None if used_l is None or bought_l is None else float(bought_l) - used_l
    per_litre = prices(totals)
    return {
        "used": {
            "litres": rounded(used_l),
            "priced_litres": rounded(totals["fuel_priced_l"]),
            "amount": money(used, currency),
            "per_litre": money(_to_places(per_litre["used"]), currency),
        },
        "bought": {
            "purchases": None if totals["purchases"] is None else int(totals["purchases"]),
            "litres": None if bought_l is None else rounded(float(bought_l)),
            "amount": money(bought, currency),
            "per_litre": money(_to_places(per_litre["bought"]), currency),
        },
        "difference": {
            "litres": rounded(difference_l),
            "amount": money(None if used is None or bought is None else bought - used, currency),
        },
        "balance": balance(tanks),
    }


def are_of_all(tanks: Row) -> bool:
    """Whether the TANKS of several trucks are what `tanks_together` gives: without purchases, or without a balance."""
    return not tanks["purchases"] or not tanks["balance_days"]


def tanks_together(trucks: Mapping[str, Column]) -> dict[str, Any]:
    """The TANKS of trucks added up: of those for which purchases are booked, of all where that is none of them."""
    has_balance = trucks["balance_days"] > 0
    has_both = has_balance & (trucks["purchases"] > 0)
    which = has_both if has_both.any() else has_balance
    return {name: _sum_of(trucks[name][which]) for name in TANKS}


def _sum_of(column: Column) -> float | None:
    known = column[~np.isnan(column)].tolist()
    return fsum(known) if known else None


def balance(tanks: Row) -> dict[str, Any] | None:
    """Fuel bought against what the tanks took, used and hold more; null where no truck-day has all of it measured.

    `bought − drained − used − tank_change = unexplained`; `bought − refuelled` was paid for and not seen in a tank.
    Without any purchase there is nothing to hold the tanks against, and all of it would be unexplained: null.
    """
    if not tanks["balance_days"]:
        return None
    names = ("refuelled", "drained", "used", "tank")
    refuelled, drained, used, tank = (tanks[f"balance_{name}_l"] for name in names)
    bought = tanks["balance_bought_l"] if tanks["purchases"] else None
    return {
        "truck_days": int(tanks["balance_days"]),
        "bought_l": rounded(bought),
        "refuelled_l": rounded(refuelled),
        "drained_l": rounded(drained),
        "used_l": rounded(used),
        "tank_change_l": rounded(tank),
        "not_in_tank_l": None if bought is None else rounded(bought - refuelled),
        "unexplained_l": None if bought is None else rounded(bought - drained - used - tank),
        "reason": "no_purchases" if bought is None else None,
    }


def prices(totals: Row) -> dict[str, Decimal | None]:
    """The mean price of a litre used and of one bought, not rounded: who wants it per gallon rounds that."""
    return {
        "used": _per_litre(totals["fuel_cost"], totals["fuel_priced_l"]),
        "bought": _per_litre(totals["purchased_amount"], totals["purchased_l"]),
    }


def _per_litre(amount: Decimal | None, litres: float | Decimal | None) -> Decimal | None:
    return None if amount is None or not litres else amount / Decimal(str(litres))


def _to_places(value: Decimal | None) -> Decimal | None:
    return None if value is None else to_place(value, PLACES)


# --- change ---------------------------------------------------------------------------------------------------------


def change_by_line(before: tuple[Costs, Row], now: tuple[Costs, Row], currency: str) -> dict[str, Any]:
    """The change against the period before, by line and in all, with the parts that it is made of."""
    lines = sorted({*before[0].lines, *now[0].lines})
    changes = {line: change(line, _spent(line, *before), _spent(line, *now)) for line in lines}
    return {
        "previous_amount": money(before[0].total, currency),
        **_parts(total(changes), currency, is_known=before[0].total is not None or now[0].total is not None),
        "by_line": [
            {
                "line": line,
                "previous_amount": money(before[0].of_line(line).total, currency),
                **_parts(changes[line], currency),
            }
            for line in lines
        ],
    }


def _spent(line: str, costs: Costs, totals: Row) -> Spent:
    amount = costs.of_line(line).total
    cents = None if amount is None else int(amount * 100)
    if line != "fuel":
        return Spent(cents, _whole(totals["distance_m"]))
    litres = totals["fuel_used_l"]
    return Spent(cents, _whole(totals["fuel_distance_m"]), None if litres is None else Fraction(repr(litres)))


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _parts(found: Change, currency: str, is_known: bool = True) -> dict[str, Any]:
    def of(cents: int | None) -> dict[str, str] | None:
        return money(None if cents is None or not is_known else Decimal(cents).scaleb(-2), currency)

    parts = {"price": of(found.price), "distance": of(found.distance), "consumption": of(found.consumption)}
    return {"change": of(found.cents), **parts, "not_split": of(found.not_split)}


# --- benchmark ------------------------------------------------------------------------------------------------------


def benchmark(rows: Sequence[Row], costs: Costs, distance_m: int | None, currency: str) -> dict[str, Any] | None:
    """Own cost per km beside the benchmark of one year, over the lines that both have; null without a benchmark.

    `rows`: line, amount, unit, source, edition, year, currency, and `rate`, its exchange rate, null for want of one.
    """
    if not rows:
        return None
    per_km = {row["line"]: _per_km(row, currency) for row in rows}
    own = costs.by_line()
    compared = compare(rows, costs, distance_m, currency)
    known = [(mine, published) for _, mine, published in compared if mine is not None]
    return {
        "year": rows[0]["year"],
        "sources": sorted({f"{row['source']}, {row['edition']}" for row in rows}),
        "lines": [_shown(*each, currency) for each in compared],
        "cost_per_km": money(_sum([mine for mine, _ in known]), currency),
        "benchmark_per_km": money(_sum([published for _, published in known]), currency),
        "missing_lines": sorted(line for line in per_km if line not in own),
        "lines_without_benchmark": sorted(line for line in own if line not in per_km and line != "unallocated"),
        "lines_without_exchange_rate": sorted(line for line, value in per_km.items() if value is None),
    }


def compare(
    rows: Sequence[Row], costs: Costs, distance_m: int | None, currency: str, per_m: Decimal = Decimal(1_000)
) -> list[Compared]:
    """The lines that own costs and a benchmark have, with both per km, or per so many other metres, to four places."""
    own = costs.by_line()
    published = {row["line"]: value for row in rows if (value := _per_km(row, currency)) is not None}
    return [
        (
            line,
            to_place(own[line] * per_m / distance_m, PLACES) if distance_m else None,
            to_place(published[line] * per_m / 1_000, PLACES),
        )
        for line in sorted(published)
        if line in own
    ]


def _per_km(row: Row, currency: str) -> Decimal | None:
    """In the fleet's currency, not rounded; null for want of an exchange rate."""
    rate = Decimal(1) if row["currency"] == currency else row["rate"]
    if rate is None:
        return None
    per_km: Decimal = row["amount"] / (_KM_PER_MILE if row["unit"] == "mile" else 1)
    return per_km * rate


def _shown(line: str, own: Decimal | None, per_km: Decimal, currency: str) -> dict[str, Any]:
    difference = None if own is None or not per_km else rounded(float(100 * (own - per_km) / per_km))
    return {
        "line": line,
        "cost_per_km": money(own, currency),
        "benchmark_per_km": money(per_km, currency),
        "difference_pct": difference,
    }


def _sum(values: Sequence[Decimal]) -> Decimal | None:
    return sum(values, Decimal(0)) if values else None
