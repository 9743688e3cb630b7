"""The sums and costs of trucks in a period, from the packed sums: what is read under every list of trucks.

They take what `queries.period` gives. Sums are by the truck's id, of trucks that have days in the period, by the names
that figures have: `trucks`, which counts days, is `truck_days`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import orjson

from apps.fleet.columns import Column
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums import ranking_blocks, weekdays
from apps.fleet.sums.blocks import (
    CostColumns,
    Costs,
    Ids,
    added_up,
    columns_added_up,
    costs_added_up,
)
from apps.fleet.sums.blocks import costs_of as added_costs
from apps.fleet.sums.pages import Beside, Blocks
from apps.fleet.sums.summed import ById, Listing, Summed
from apps.merging import together
from apps.mysql import Row, fetch_all, fetch_all_sync
from apps.trucks import remembered

_BLOCKS = Blocks("truck_block")
_CALLED = {"trucks": "truck_days", "trucks_used": "truck_days_used"}
_EVERY_BLOCK = {"from_block": 0, "to_block": 2**57}
_FROM_THE_START = {"after": "", "limit": 2**31}
Where = Mapping[str, Any]
Sums = dict[int, Row]


def names_of(names: Sequence[str]) -> tuple[str, ...]:
    """What the sums of these columns are called."""
    return tuple(_CALLED.get(name, name) for name in names)


class Trucks(Summed):
    """Trucks that have days in a period, with or without those of a group."""

    KEY = "truck_id"
    CALLED = _CALLED


def _by_id(blocks: Iterable[Row], names: Sequence[str]) -> ById:
    """`names`: of the blocks' columns."""
    ids, columns = columns_added_up((row["figures"] for row in blocks), names)
    return ById(ids, dict(zip(names_of(names), columns, strict=True)))


# --- all trucks -----------------------------------------------------------------------------------------------------


async def by_id(where: Where, names: Sequence[str]) -> ById:
    return _by_id(await fetch_all(sum_queries.columns(names), {**where, **_EVERY_BLOCK}), names)


def by_id_sync(where: Where, names: Sequence[str]) -> ById:
    return _by_id(fetch_all_sync(sum_queries.columns(names), {**where, **_EVERY_BLOCK}), names)


async def sums(where: Where, names: Sequence[str]) -> Sums:
    return _sums(await fetch_all(sum_queries.columns(names), {**where, **_EVERY_BLOCK}), names)


def sums_sync(where: Where, names: Sequence[str]) -> Sums:
    return _sums(fetch_all_sync(sum_queries.columns(names), {**where, **_EVERY_BLOCK}), names)


async def costs(where: Where) -> dict[int, Costs]:
    """By truck; truck 0 is what no truck bears."""
    return _costs(await fetch_all(sum_queries.COSTS, {**where, **_EVERY_BLOCK}))


def costs_sync(where: Where) -> dict[int, Costs]:
    return _costs(fetch_all_sync(sum_queries.COSTS, {**where, **_EVERY_BLOCK}))


async def columns(where: Where, names: Sequence[str], group_id: int | None = None) -> dict[str, Column]:
    """The sums of all trucks with days, of a group or the fleet, as a column each."""
    blocks = fetch_all(sum_queries.columns(names), {**where, **_EVERY_BLOCK})
    packed, only = await together(blocks, members(group_id))
    found = _by_id(packed, names)
    return found.columns if only is None else found.of(found.ids[np.isin(found.ids, only)])


async def every(where: Where, names: Sequence[str], *, facts: int, group_id: int | None = None) -> Trucks:
    """All trucks with days, of a group or the fleet. `facts`: the revision of the fleet's facts, as far as known."""
    blocks = fetch_all(sum_queries.columns(names), {**where, **_EVERY_BLOCK})
    listing, packed = await together(_listing(where["fleet"], group_id, facts), blocks)
    return Trucks.of(listing, _by_id(packed, names))


async def every_for_rankings(where: Where, *, facts: int) -> Trucks:
    """All trucks of the fleet with days, with the four sums that a ranking by idling needs (`ranking_blocks`)."""
    listing, packed = await together(_listing(where["fleet"], None, facts), fetch_all(sum_queries.RANKINGS, where))
    return Trucks.of(listing, ById(*ranking_blocks.added_up((row["part"], row["idling"]) for row in packed)))


def every_sync(where: Where, names: Sequence[str]) -> Trucks:
    listing = _listed(fetch_all_sync(sum_queries.LISTED, {**where, **_FROM_THE_START}))
    return Trucks.of(listing, _by_id(fetch_all_sync(sum_queries.columns(names), {**where, **_EVERY_BLOCK}), names))


async def by_weekday(where: Where, group_id: int) -> list[Row]:
    """The sums of a group's trucks that utilization needs, of each `weekday` (Monday is 0) that has any."""
    blocks = await fetch_all(sum_queries.WEEKDAYS_OF_GROUP, {**where, "id": group_id})
    return weekdays.added_up(((row["weekdays"], row["mask"]) for row in blocks), names_of(weekdays.SUMS))


async def _listing(fleet_id: int, group_id: int | None, facts: int) -> Listing:
    """All trucks by code, of a group or the fleet, with days or without."""
    asked = {"fleet": fleet_id, "id": group_id, **_FROM_THE_START}
    return await remembered.facts.made(_statement(group_id), asked, facts, _listed)


async def _listing_after(after: str, fleet_id: int, group_id: int | None, facts: int) -> Listing:
    """Those whose codes follow another one, which may be gone."""
    every = await _listing(fleet_id, group_id, facts)
    if not after:
        return every
    if after in every.codes:
        return every.part(1 + every.codes.index(after))
    asked = {"fleet": fleet_id, "id": group_id, **_FROM_THE_START, "after": after}
    return _listed(await fetch_all(_statement(group_id), asked))


def _statement(group_id: int | None) -> str:
    return sum_queries.LISTED if group_id is None else sum_queries.LISTED_OF_GROUP


def _listed(rows: Sequence[Row]) -> Listing:
    return Listing.of(rows, Trucks.KEY)


def _sums(rows: Iterable[Row], names: Sequence[str]) -> Sums:
    return added_up((row["figures"] for row in rows), names, names_of(names))


def _costs(rows: Iterable[Row]) -> dict[int, Costs]:
    return costs_added_up(row["costs"] for row in rows)


# --- a page of them -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """The trucks of a page, and the rows of what was read beside: of their blocks at least."""

    trucks: Trucks
    beside: Sequence[Sequence[Row]]


async def page(
    where: Where,
    names: Sequence[str],
    after: str,
    limit: int,
    *,
    facts: int,
    group_id: int | None = None,
    beside: Sequence[Beside] = (),
    truck_id: int | None = None,
) -> Found:
    """The same of at most `limit` trucks, of a group, a single one or all, whose codes follow `after`.

    Which trucks have days shows when they are read: of a fleet of which many have none it takes more than one turn.
    """
    columns = sums_beside(where, names)
    rest = await _listing_after(after, where["fleet"], group_id, facts)
    if truck_id is not None:
        rest = rest.those(rest.ids == truck_id)
    trucks, others = await _BLOCKS.page(Trucks, rest, limit, columns, partial(_by_id, names=names), beside)
    return Found(trucks, others)


def sums_beside(where: Where, names: Sequence[str]) -> Beside:
    return Beside(sum_queries.figures(names), where)


def sums_in(rows: Iterable[Row], names: Sequence[str], trucks: Ids) -> dict[str, Column]:
    """The sums of these trucks, in their order, in what `sums_beside` gave; null of those without days."""
    return _by_id(rows, names).of(trucks)


def costs_beside(where: Where) -> Beside:
    return Beside("costs", where)


def costs_in(rows: Iterable[Row], trucks: Trucks) -> CostColumns:
    """What these trucks cost in what `costs_beside` gave, by line and source a column of cents."""
    return added_costs((row["costs"] for row in rows), trucks.ids)


async def columns_of(where: Where, names: Sequence[str], trucks: Ids) -> dict[str, Column]:
    """The sums of these trucks, in their order; null of those without days."""
    [rows] = await _BLOCKS.around(trucks, sums_beside(where, names))
    return sums_in(rows, names, trucks)


# --- groups ---------------------------------------------------------------------------------------------------------


async def members(group_id: int | None) -> list[int] | None:
    """The ids of a group's trucks; None for the fleet."""
    if group_id is None:
        return None
    return [row["truck_id"] for row in await fetch_all(sum_queries.TRUCKS_OF_GROUP, {"id": group_id})]


def grouped(ids: Collection[int], groups: Iterable[Row]) -> Iterator[tuple[int | None, str | None, list[int]]]:
    """Id, name and trucks of each group that has any of these, by name; those of no group come last, without id.

    `groups`: rows of `block_queries.GROUPS`. A truck counts in each of its groups.
    """
    rest = set(ids)
    for group in groups:
        members = [truck_id for truck_id in orjson.loads(group["trucks"]) if truck_id in ids]
        rest.difference_update(members)
        if members:
            yield group["id"], group["name"], members
    if rest:
        yield None, None, sorted(rest)
