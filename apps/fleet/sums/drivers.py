"""The sums and costs of drivers in a period, from the packed sums: what is read under every list of drivers.

A page of all trucks' drivers is read from blocks of drivers, nobody's sums and those of all drivers together from the
fleet's; every other list from blocks of trucks. They take what `queries.period` gives, and `trucks`: what drivers did
in these alone, None in all of the fleet's. By the driver's id, of drivers that have days in the period; driver 0 is
nobody known.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from apps.fleet.drivers.queries import BEFORE, DRIVERS
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums.blocks import (
    CostColumns,
    Costs,
    Ids,
    added_up_by_driver,
    block_of,
    columns_added_up,
    costs_added_up,
    driver_totals_together,
    drivers_together,
    sums_of,
    trucks_by_driver,
    unpacked_driver_totals,
)
from apps.fleet.sums.blocks import costs_of as added_costs
from apps.fleet.sums.pages import Beside, Blocks
from apps.fleet.sums.queries import DRIVER_COSTS, driver_columns
from apps.fleet.sums.summed import ById, Listing, Summed
from apps.merging import together
from apps.mysql import Row, fetch_all, fetch_all_sync
from apps.trucks import remembered
from apps.trucks.detection.driver_parts import NOBODY

NAMES = DRIVERS.names
_EVERY_BLOCK = {"from_block": 0, "to_block": 2**57}
_BLOCKS = Blocks("driver_block")
_IDS = 2  # truck and driver
_WORTH_A_PAGE = 20
Where = Mapping[str, Any]
Trucks = Collection[int] | None
Sums = dict[int, Row]
CodesOf: TypeAlias = Callable[[Ids], list[list[str]]]  # from drivers to the codes of each one's trucks, ascending
_MORE = ("key_card", "is_active")
_NOBODY = {"id": NOBODY, "code": None, "name": None, "key_card": "", "is_active": False}


class Drivers(Summed):
    """Drivers that have days in a period."""

    KEY = "code"


def is_few(limit: int, trucks: int) -> bool:
    """Whether a page holds so few of the drivers of so many trucks that the rows of these alone are read faster."""
    return _WORTH_A_PAGE * limit < trucks


def sums_sync(where: Where, names: tuple[str, ...] = NAMES, trucks: Trucks = None) -> Sums:
    packed = fetch_all_sync(driver_columns(names), _asked(where, trucks))
    return added_up_by_driver((row["figures"] for row in packed), names, trucks)


@dataclass(frozen=True, slots=True)
class Together:
    """What nobody did in a period, without an id where there is no such time, and what all did who are known."""

    nobody: ById
    known: Row


async def together_in(where: Where) -> Together:
    packed = await fetch_all(sum_queries.FLEET_DRIVERS, where)
    nobody, known = unpacked_driver_totals(driver_totals_together(row["driver_totals"] for row in packed))
    ids = np.full(int(nobody[NAMES.index("days"), 0] > 0), NOBODY)
    columns = {name: column[: len(ids)] for name, column in zip(NAMES, nobody, strict=True)}
    return Together(ById(ids, columns), sums_of(known, np.zeros(1, np.intp), NAMES)[0])


async def total(where: Where, drivers: Collection[int] | None = None) -> Row:
    """The sums of these drivers together, or of all who are known; null where nothing is measured."""
    if drivers is None:
        return (await together_in(where)).known
    [packed] = await _BLOCKS.around(np.array(list(drivers), np.int64), _beside(where, NAMES))
    return drivers_together((row["figures"] for row in packed), NAMES, drivers)


async def costs_of(where: Where, drivers: Drivers, trucks: Trucks = None) -> CostColumns:
    """What these drivers bear of the costs of their trucks, by line and source a column of cents."""
    if not len(drivers):
        return {}
    packed = await fetch_all(DRIVER_COSTS, _asked(where, trucks))
    return added_costs((row["costs"] for row in packed), drivers.ids, _IDS, trucks)


def costs_sync(where: Where, trucks: Trucks = None) -> dict[int, Costs]:
    """What they bear of the costs of their trucks."""
    packed = fetch_all_sync(DRIVER_COSTS, _asked(where, trucks))
    return costs_added_up((row["costs"] for row in packed), _IDS, trucks)


async def every(
    where: Where, facts: int, names: tuple[str, ...] = NAMES, trucks: Trucks = None, after: str = ""
) -> Drivers:
    """Those whose codes follow `after`, by code, and nobody last, who has neither code nor name."""
    listed, found = await together(_listing(where["fleet"], facts, after), by_id(where, names, trucks))
    return Drivers.of(listed, found)


async def page(where: Where, before: Where, facts: int, after: str, limit: int) -> tuple[Drivers, ById]:
    """The same of at most `limit`, and what they did in the period before, of BEFORE alone."""
    listed = await _listing(where["fleet"], facts, after)
    columns, beside = _beside(where, NAMES), [_beside(before, BEFORE)]
    (found, [earlier]), now, then = await together(
        _BLOCKS.page(Drivers, listed.part(0, -1), limit, columns, partial(_by_id, names=NAMES), beside),
        together_in(where),
        together_in(before),
    )
    if len(found) < limit:
        found = found.and_then(Drivers.of(listed.part(-1), now.nobody))
    return found, _by_id(earlier, BEFORE).led_by(then.nobody)


async def of_drivers(where: Where, before: Where, facts: int, drivers: Ids) -> tuple[ById, ById, CodesOf]:
    """The sums of these drivers, in the period before those of BEFORE, and the codes of their trucks."""
    (now, then), codes = await together(
        _BLOCKS.around(drivers, _beside(where, NAMES), _beside(before, BEFORE)),
        remembered.facts.made(sum_queries.CODES, {"fleet": where["fleet"]}, facts, _by_truck),
    )
    return _by_id(now, NAMES), _by_id(then, BEFORE), _codes_of(now, codes)


def _by_truck(rows: Sequence[Row]) -> dict[int, str]:
    return {row["id"]: row["code"] for row in rows}


def _codes_of(blocks: Iterable[Row], codes: Mapping[int, str]) -> CodesOf:
    had = trucks_by_driver((row["figures"] for row in blocks), len(NAMES))
    each = {driver: sorted(codes[truck] for truck in trucks if truck in codes) for driver, trucks in had.items()}
    return lambda drivers: [each.get(driver, []) for driver in drivers.tolist()]


def _beside(where: Where, names: tuple[str, ...]) -> Beside:
    return Beside(sum_queries.driver_figures(names), where)


async def known(fleet_id: int, facts: int, after: str = "") -> Listing:
    """All drivers of the fleet, with days or without, or those whose codes follow `after`: with key cards, and whether
    they are active."""
    return (await _listing(fleet_id, facts, after)).part(0, -1)


async def _listing(fleet_id: int, facts: int, after: str) -> Listing:
    """The same with nobody, who comes last. Whose code is `after` may be gone."""
    asked = {"fleet": fleet_id, "after": ""}
    every = await remembered.facts.made(sum_queries.DRIVERS, asked, facts, _listed)
    if not after:
        return every
    if after in every.codes:
        return every.part(1 + every.codes.index(after))
    return _listed(await fetch_all(sum_queries.DRIVERS, {**asked, "after": after}))


def _listed(rows: Sequence[Row]) -> Listing:
    return Listing.of([*rows, _NOBODY], Drivers.KEY, *_MORE)


def every_sync(where: Where, names: tuple[str, ...] = NAMES, trucks: Trucks = None) -> Drivers:
    listed = _listed(fetch_all_sync(sum_queries.DRIVERS, {**where, "after": ""}))
    packed = fetch_all_sync(driver_columns(names), _asked(where, trucks))
    return Drivers.of(listed, _by_id(packed, names, trucks))


async def by_id(where: Where, names: tuple[str, ...] = NAMES, trucks: Trucks = None) -> ById:
    """The sums of all of them."""
    return _by_id(await fetch_all(driver_columns(names), _asked(where, trucks)), names, trucks)


def _asked(where: Where, trucks: Trucks) -> dict[str, Any]:
    """With the blocks in which the trucks are."""
    if trucks is None:
        return {**where, **_EVERY_BLOCK}
    blocks = [block_of(truck_id) for truck_id in trucks]
    return {**where, "from_block": min(blocks, default=0), "to_block": max(blocks, default=-1)}


def _by_id(blocks: Iterable[Row], names: tuple[str, ...], trucks: Trucks = None) -> ById:
    ids, columns = columns_added_up((row["figures"] for row in blocks), names, _IDS, trucks)
    return ById(ids, dict(zip(names, columns, strict=True)))
