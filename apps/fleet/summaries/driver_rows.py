"""A day's rows by driver: its figures and its fuel in money, as far as they fall into the time of each."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace

import orjson

from apps.fleet.costs import Litres, Work
from apps.fleet.driver_costs import burnt_in_parts
from apps.fleet.summaries.money import Ledger
from apps.fleet.summaries.rows import Columns, Summary
from apps.trucks.detect import DayResult
from apps.trucks.driver_parts import NOBODY, by_driver, total

MONEY = ("fuel_cost", "fuel_priced_l", "idle_cost", "idle_productive_cost", "idle_productive_fuel_l")


def with_drivers(summary: Summary, ledger: Ledger) -> Summary:
    """The summary with its rows by driver, which its hash is then of as well."""
    result = summary.result
    figures = by_driver(result.detection, result.figures, result.harsh_events, result.drivers, result.night)
    if len(result.drivers) == 1:
        money = {figures[0].driver_id: {name: summary.fuel[name] for name in MONEY}}
    else:
        money = _money_by_driver(ledger.work_of(summary.truck_id, result), result, ledger)
    rows = [{**asdict(each), **money[each.driver_id]} for each in figures]
    content = orjson.dumps([summary.content_hash, rows], default=str, option=orjson.OPT_SORT_KEYS)
    return replace(summary, drivers=rows, content_hash=hashlib.blake2b(content, digest_size=16).hexdigest())


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
