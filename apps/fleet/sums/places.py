"""The places where a fleet idled most unproductively, from the packed sums: see `idling.blocks.worst`.

They take what `queries.period` gives.
"""

from collections.abc import Mapping
from typing import Any

from apps.fleet.idling.blocks import worst
from apps.fleet.sums.queries import IDLE_PLACES
from apps.mysql import Row, fetch_all, fetch_all_sync

Where = Mapping[str, Any]


async def worst_places(where: Where, limit: int) -> list[Row]:
    return worst((row["places"] for row in await fetch_all(IDLE_PLACES, where)), limit)


def worst_places_sync(where: Where, limit: int) -> list[Row]:
    return worst((row["places"] for row in fetch_all_sync(IDLE_PLACES, where)), limit)
