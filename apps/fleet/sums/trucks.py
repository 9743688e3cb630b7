"""The sums and costs of trucks in a period, from the packed sums: what is read under every list of trucks.

They take what `queries.period` gives. Sums are by the truck's id, of trucks that have days in the period, by the names
that figures have: `trucks`, which counts days, is `truck_days`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from apps.fleet.sums import queries as block_queries
from apps.fleet.sums.blocks import Costs, added_up, block_of, costs_added_up
from apps.merging import together
from apps.mysql import Row, fetch_all, fetch_all_sync

_CALLED = {"trucks": "truck_days", "trucks_used": "truck_days_used"}
_EVERY_BLOCK = {"from_block": 0, "to_block": 2**57}
_FROM_THE_START = {"after": "", "limit": 2**31}
Where = Mapping[str, Any]
Sums = dict[int, Row]


def names_of(names: Sequence[str]) -> tuple[str, ...]:
    """What the sums of these columns are called."""
    return tuple(_CALLED.get(name, name) for name in names)


# --- all trucks -----------------------------------------------------------------------------------------------------


async def sums(where: Where, names: Sequence[str]) -> Sums:
    return _sums(await fetch_all(block_queries.columns(names), {**where, **_EVERY_BLOCK}), names)


def sums_sync(where: Where, names: Sequence[str]) -> Sums:
    return _sums(fetch_all_sync(block_queries.columns(names), {**where, **_EVERY_BLOCK}), names)


async def costs(where: Where) -> dict[int, Costs]:
    """By truck; truck 0 is what no truck bears."""
    return _costs(await fetch_all(block_queries.COSTS, {**where, **_EVERY_BLOCK}))


def costs_sync(where: Where) -> dict[int, Costs]:
    return _costs(fetch_all_sync(block_queries.COSTS, {**where, **_EVERY_BLOCK}))


async def every(where: Where, names: Sequence[str], group_id: int | None = None) -> list[Row]:
    """All trucks with days, of a group or the fleet, by code: `id`, `truck_id` (the code), `name`, and their sums."""
    trucks = fetch_all(_listed(group_id), {**where, **_FROM_THE_START, "id": group_id})
    return _with_sums(*await together(trucks, sums(where, names)))


def every_sync(where: Where, names: Sequence[str]) -> list[Row]:
    return _with_sums(fetch_all_sync(block_queries.LISTED, {**where, **_FROM_THE_START}), sums_sync(where, names))


def _listed(group_id: int | None) -> str:
    return block_queries.LISTED if group_id is None else block_queries.LISTED_OF_GROUP


def _sums(rows: Iterable[Row], names: Sequence[str]) -> Sums:
    return added_up((row["figures"] for row in rows), names, names_of(names))


def _costs(rows: Iterable[Row]) -> dict[int, Costs]:
    return costs_added_up(row["costs"] for row in rows)


def _with_sums(trucks: Iterable[Row], found: Sums) -> list[Row]:
    return [{**truck, **found[truck["id"]]} for truck in trucks if truck["id"] in found]


# --- a page of them -------------------------------------------------------------------------------------------------


async def page(where: Where, names: Sequence[str], after: str, limit: int, group_id: int | None = None) -> list[Row]:
    """The same of at most `limit` trucks, of a group or all, whose codes follow `after`.

    Which trucks have days shows when they are read: of a fleet of which many have none it takes more than one turn.
    """
    found: list[Row] = []
    while len(found) < limit:
        trucks = await fetch_all(_listed(group_id), {**where, "after": after, "limit": limit, "id": group_id})
        found += _with_sums(trucks, await sums_around(where, names, trucks))
        if len(trucks) < limit:
            break
        after = trucks[-1]["truck_id"]
    return found[:limit]


async def sums_around(where: Where, names: Sequence[str], trucks: Collection[Row]) -> Sums:
    """The sums of these trucks, and maybe of others."""
    if not trucks:
        return {}
    return _sums(await fetch_all(block_queries.columns(names), {**where, **around(trucks)}), names)


async def costs_around(where: Where, trucks: Collection[Row]) -> dict[int, Costs]:
    """The costs of these trucks, and maybe of others."""
    if not trucks:
        return {}
    return _costs(await fetch_all(block_queries.COSTS, {**where, **around(trucks)}))


def around(trucks: Iterable[Row]) -> dict[str, int]:
    """The blocks in which these trucks are."""
    blocks = [block_of(truck["id"]) for truck in trucks]
    return {"from_block": min(blocks), "to_block": max(blocks)}


# --- groups ---------------------------------------------------------------------------------------------------------


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
