"""Pages of trucks or drivers: what is read of the blocks in which those of a page are, whatever others there are."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums.blocks import Ids, block_of
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
        found = kind.of(rest.part(0, 0), by_id([]))
        others: list[list[Row]] = [[] for _ in beside]
        turns = 0
        while len(rest) and len(found) < limit:
            turn, rest = rest.part(0, limit), rest.part(limit)
            packed, *others = await self.around(turn.ids, columns, *beside)
            found = found.and_then(kind.of(turn, by_id(packed)))
            turns += 1
        if turns > 1 and beside:
            others = await self.around(found.ids, *beside)
        return found[:limit], others

    async def around(self, ids: Ids, *columns: Beside) -> list[list[Row]]:
        """The rows of each column of the blocks in which these are."""
        if not len(ids):
            return [[] for _ in columns]
        bounds = {"from_block": block_of(int(ids.min())), "to_block": block_of(int(ids.max()))}
        reads = (
            fetch_all(sum_queries.around(each.column, each.where, self.table), {**each.where, **bounds})
            for each in columns
        )
        return await together(*reads)
