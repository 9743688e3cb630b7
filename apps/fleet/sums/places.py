"""The places where a fleet or a group idled most unproductively, from the packed sums: see `idling.blocks`.

They take what `queries.period` gives, of a group its `id` too.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from apps.fleet.idling import blocks as place_blocks
from apps.fleet.sums.queries import IDLE_PLACES, IDLE_PLACES_OF_GROUP
from apps.mysql import Row, fetch_all, fetch_all_sync

Where = Mapping[str, Any]


async def worst_places(where: Where, limit: int) -> list[Row]:
    return _worst(await fetch_all(IDLE_PLACES, where), limit)


def worst_places_sync(where: Where, limit: int) -> list[Row]:
    return _worst(fetch_all_sync(IDLE_PLACES, where), limit)


async def worst_places_of_group(where: Where, limit: int) -> list[Row]:
    return _worst_of_group(await fetch_all(IDLE_PLACES_OF_GROUP, where), limit)


def worst_places_of_group_sync(where: Where, limit: int) -> list[Row]:
    return _worst_of_group(fetch_all_sync(IDLE_PLACES_OF_GROUP, where), limit)


def _worst(rows: Iterable[Row], limit: int) -> list[Row]:
    return place_blocks.worst((row["places"] for row in rows), limit)


def _worst_of_group(rows: Iterable[Row], limit: int) -> list[Row]:
    return place_blocks.worst_of_trucks(((row["places"], row["mask"]) for row in rows), limit)
