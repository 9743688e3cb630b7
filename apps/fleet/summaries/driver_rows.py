"""A day's rows by driver: its figures, fuel in money and estimates, as far as they fall into the time of each."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import orjson

from apps.fleet.costs.estimates import Estimate, Litres, Work
from apps.fleet.drivers.costs import Amount, InTruck, borne, burnt_in_parts
from apps.fleet.models import CostSource
from apps.fleet.summaries.event_money import Columns
from apps.fleet.summaries.money import Ledger
from apps.fleet.summaries.rows import Summary
from apps.trucks.detection.driver_parts import NOBODY, DriverFigures, by_driver, total
from apps.trucks.detection.results import DayResult

MONEY = ("fuel_cost", "fuel_priced_l", "idle_cost", "idle_productive_cost", "idle_productive_fuel_l")
_FIGURES = tuple(field.name for field in fields(DriverFigures))
_FOLLOWING = frozenset({"harsh_distance_m"})  # from the row's distance and the day: no change of it is one by itself


def with_drivers(summary: Summary, ledger: Ledger) -> Summary:
    """The summary with its rows by driver, which its hash is then of as well."""
    result = summary.result
    figures = by_driver(result.detection, result.figures, result.harsh_events, result.drivers, result.night)
    if len(result.drivers) == 1:
        money = {figures[0].driver_id: {name: summary.fuel[name] for name in MONEY}}
    else:
        money = _money_by_driver(ledger.work_of(summary.truck_id, result), result, ledger)
    rows = [{**{name: getattr(each, name) for name in _FIGURES}, **money[each.driver_id]} for each in figures]
    costs = estimates_by_driver(summary.estimates, [in_truck(row) for row in rows])
    hashed = [{name: value for name, value in row.items() if name not in _FOLLOWING} for row in rows]
    content = orjson.dumps([summary.content_hash, hashed, costs], default=str, option=orjson.OPT_SORT_KEYS)
    content_hash = hashlib.blake2b(content, digest_size=16).hexdigest()
    return replace(summary, drivers=rows, driver_costs=costs, content_hash=content_hash)


def in_truck(row: Mapping[str, Any]) -> InTruck:
    """A driver of a truck's day from the columns of its row."""
    names = ("driver_id", "length_s", "distance_m", "fuel_used_l", "fuel_cost")
    engine_on_s = row["engine_on_s"]
    work_s = row["moving_s"] if engine_on_s is None else engine_on_s
    return InTruck(**{name: row[name] for name in names}, work_s=work_s)


def estimates_by_driver(estimates: Sequence[Estimate], there: Sequence[InTruck]) -> list[Columns]:
    """What each driver bears of them: a row a driver and line."""
    source = CostSource.ESTIMATED.value
    amounts = [Amount(each.line, source, each.amount, each.basis) for each in estimates]
    return [
        {"driver_id": driver_id, "line": line, "source": source, "amount": amount}
        for (driver_id, line, source), amount in sorted(borne(amounts, there).items())
    ]


def _money_by_driver(work: Work, result: DayResult, ledger: Ledger) -> dict[int, Columns]:
    parts = [(part.start, part.end) for part in result.drivers]
    columns = {**_burnt(work, ledger, parts), **_idling(work, ledger, parts)}
    owners = [part.driver_id or NOBODY for part in result.drivers]
    return {
        driver_id: {
            name: total([value for value, owner in zip(values, owners, strict=True) if owner == driver_id])
            for name, values in columns.items()
        }
        for driver_id in owners
    }


def _burnt(work: Work, ledger: Ledger, parts: Sequence[tuple[int, int]]) -> dict[str, list[object]]:
    fuel = burnt_in_parts(work, work.fuel_l, ledger.prices, parts)
    return {
        "fuel_cost": [each and each.cost for each in fuel],
        "fuel_priced_l": [each and each.litres for each in fuel],
    }


def _idling(work: Work, ledger: Ledger, parts: Sequence[tuple[int, int]]) -> dict[str, list[object]]:
    def costs(litres: Litres) -> list[object]:
        return [each and each.cost for each in burnt_in_parts(work, litres, ledger.prices, parts)]

    return {
        "idle_cost": costs(work.idle_l),
        "idle_productive_cost": costs(work.idle_productive_l),
        "idle_productive_fuel_l": [work.idle_productive_l(start, end) for start, end in parts],
    }
