"""The places where a fleet or a group idled most unproductively, from the packed sums: see `idling.blocks`.

They take what `queries.period` gives, of a group its `id` too.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from apps.fleet.idling import blocks as place_blocks
from apps.fleet.idling import heads
from apps.fleet.idling.heads import Contenders, Head, Key, Part
from apps.fleet.sums import queries as sum_queries
from apps.mysql import Row, fetch_all, fetch_all_sync

Where = Mapping[str, Any]
Reads: TypeAlias = Generator[str, Sequence[Row], list[Row]]  # statements, to which the rows are sent


async def worst_places(where: Where, limit: int) -> list[Row]:
    reads = _worst_places(limit)
    statement = next(reads)
    while True:
        try:
            statement = reads.send(await fetch_all(statement, where))
        except StopIteration as end:
            found: list[Row] = end.value
            return found


def worst_places_sync(where: Where, limit: int) -> list[Row]:
    reads = _worst_places(limit)
    statement = next(reads)
    while True:
        try:
            statement = reads.send(fetch_all_sync(statement, where))
        except StopIteration as end:
            found: list[Row] = end.value
            return found


def _worst_places(limit: int) -> Reads:
    """From the heads of the period's parts, where these are enough to tell; else from all entries."""
    if limit <= heads.MOST:
        found = Contenders.of(_parts((yield sum_queries.IDLE_PLACE_HEADS)), limit)
        if found is not None:
            places = yield from _places(found.wanted)
            if places.keys() == found.wanted:  # else they have been taken away since
                return found.worst(places)
    rows = yield sum_queries.IDLE_PLACES
    return place_blocks.worst((row["places"] for row in rows), limit)


def _parts(rows: Iterable[Row]) -> list[Part]:
    return [_part(row) for row in rows if row["worst"]]


def _part(row: Row) -> Part:
    if row["left_s"] is None:
        return Part.whole(row["worst"])
    return Part.of(_key(row), Head(row["worst"], row["left_s"], row["cells"]))


def _places(wanted: frozenset[Key]) -> Generator[str, Sequence[Row], dict[Key, bytes]]:
    if not wanted:
        return {}
    rows = yield sum_queries.idle_places_of(wanted)
    return {_key(row): row["places"] for row in rows}


def _key(row: Row) -> Key:
    return row["span"], row["first_day"], row["part"]


async def worst_places_of_group(where: Where, limit: int) -> list[Row]:
    return _worst_of_group(await fetch_all(sum_queries.IDLE_PLACES_OF_GROUP, where), limit)


def worst_places_of_group_sync(where: Where, limit: int) -> list[Row]:
    return _worst_of_group(fetch_all_sync(sum_queries.IDLE_PLACES_OF_GROUP, where), limit)


def _worst_of_group(rows: Iterable[Row], limit: int) -> list[Row]:
    return place_blocks.worst_of_trucks(((row["places"], row["mask"]) for row in rows), limit)
