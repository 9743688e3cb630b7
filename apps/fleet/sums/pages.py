"""Pages of trucks or drivers: what is read of the blocks in which those of a page are, whatever others there are."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums.blocks import TRUCKS, Ids
from apps.fleet.sums.summed import ById, Listing, Summed
from apps.merging import together
from apps.mysql import Row, fetch_all

S = TypeVar("S", bound=Summed)


@dataclass(frozen=True, slots=True)
class Beside:
    """What is read of a page's blocks: a column of theirs, in a period as `queries.period` gives it."""

    column: str
    where: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Blocks:
    """A table of blocks, each of 64 by id."""

    table: str

    async def page(
        self,
        kind: type[S],
        rest: Listing,
        limit: int,
        columns: Beside,
        by_id: Callable[[Iterable[Row]], ById],
        beside: Sequence[Beside] = (),
    ) -> tuple[S, Sequence[list[Row]]]:
        """The first of these that have days, at most `limit`, with the sums that `by_id` makes of `columns`.

        And the rows of what is read beside: of their blocks at least. Who has days shows when they are read: where many
        have none it takes more than one turn.
        """
        turn = partial(self._turn, kind, columns, by_id, beside)
        found, others = await turn(rest.part(0, limit))
        rest, turns = rest.part(limit), 1
        while len(rest) and len(found) < limit:
            more, others = await turn(rest.part(0, limit))
            found, rest, turns = found.and_then(more), rest.part(limit), turns + 1
        if turns > 1 and beside:
            others = await self.around(found.ids, *beside)
        return found[:limit], others

    async def _turn(
        self,
        kind: type[S],
        columns: Beside,
        by_id: Callable[[Iterable[Row]], ById],
        beside: Sequence[Beside],
        listed: Listing,
    ) -> tuple[S, Sequence[list[Row]]]:
        """Those listed that have days, and what is read beside."""
        packed, *others = await self.around(listed.ids, columns, *beside)
        return kind.of(listed, by_id(packed)), others

    async def around(self, ids: Ids, *columns: Beside) -> list[list[Row]]:
        """The rows of each column of the blocks in which these are."""
        if not len(ids):
            return [[] for _ in columns]
        blocks = np.unique(ids // TRUCKS).tolist()
        reads = (
            fetch_all(sum_queries.around(each.column, each.where, blocks, self.table), each.where) for each in columns
        )
        return await together(*reads)
