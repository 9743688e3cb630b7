"""Whose figures a question is about, the fleet's or a group's: what it reads of a period."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from apps.accounts.periods import Period
from apps.fleet import queries
from apps.fleet.costs import queries as cost_queries
from apps.fleet.drivers.queries import SAFETY_SETS
from apps.fleet.drivers.safety import Weights
from apps.fleet.figures import Costs
from apps.fleet.sums import queries as block_queries
from apps.fleet.trends import queries as trend_queries
from apps.mysql import Row, fetch_all
from apps.trucks import freshness
from apps.trucks.freshness import Freshness
from apps.trucks.remembered import summaries

NOTHING: Row = {"days": 0, **dict.fromkeys((*trend_queries.FIGURES, *queries.FUEL_MONEY))}


@dataclass(frozen=True, slots=True)
class Whose:
    """A fleet, or the trucks that one of its groups has now, as of a revision of the summaries."""

    fleet_id: int
    group_id: int | None
    revision: int

    def where(self, period: Period) -> dict[str, Any]:
        """What the statements take of a period."""
        return {**queries.period(self.fleet_id, period.first, period.last), "id": self.group_id}

    async def totals(self, period: Period) -> Row:
        """The sums of the period, with fuel in money."""
        where = self.where(period)
        if self.group_id is None:
            return (await summaries.rows(queries.FLEET_TOTALS, where, self.revision))[0]
        sums = await fetch_all(trend_queries.OF_GROUP["whole"], where)
        fuel = await fetch_all(cost_queries.FUEL_MONEY_OF_GROUP, where)
        return NOTHING | (sums or [{}])[0] | fuel[0]

    async def costs(self, period: Period) -> Costs:
        where = self.where(period)
        if self.group_id is None:
            return Costs.of(await summaries.rows(queries.FLEET_COSTS, where, self.revision))
        return Costs.of(await fetch_all(trend_queries.LINES_OF_GROUP["whole"], where))

    async def safety_weights(self, period: Period) -> Weights:
        """Those in force on the period's last day."""
        rows = await fetch_all(SAFETY_SETS, {"fleet": self.fleet_id, "to_day": period.last})
        return Weights.of(orjson.loads(row["values"]) for row in rows)

    async def trucks_used(self, period: Period) -> int:
        """How many trucks were used on at least one day."""
        where = self.where(period)
        if self.group_id is None:
            rows = await summaries.rows(block_queries.TRUCKS_USED, where, self.revision)
        else:
            rows = await fetch_all(block_queries.TRUCKS_USED_OF_GROUP, where)
        return int(rows[0]["trucks_used"])

    async def by_month(self, period: Period) -> list[tuple[dt.date, Row, Costs]]:
        """First day, sums and costs of each month that has days."""
        of_group = self.group_id is not None
        sums_by: Mapping[str, str] = trend_queries.OF_GROUP if of_group else trend_queries.OF_FLEET
        lines_by: Mapping[str, str] = trend_queries.LINES_OF_GROUP if of_group else trend_queries.LINES_OF_FLEET
        sums = await fetch_all(sums_by["month"], self.where(period))
        costs: dict[dt.date, list[Row]] = {}
        for row in await fetch_all(lines_by["month"], self.where(period)):
            costs.setdefault(row["bucket"], []).append(row)
        return [(row["bucket"], row, Costs.of(costs.get(row["bucket"], []))) for row in sums]


async def state_of(fleet_id: int, group_id: int | None, now: dt.datetime) -> Freshness:
    """The freshness of the fleet, or of a group."""
    if group_id is None:
        return await freshness.state_of_fleet(fleet_id, now)
    return await freshness.of_group(fleet_id, group_id, now)


async def group_asked(fleet_id: int, name: str | None) -> int | None:
    """The id of the group that a question names, if it does. Raises InvalidParameters."""
    return None if name is None else await freshness.group_id(fleet_id, name)
