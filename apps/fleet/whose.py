"""Whose figures a question is about, the fleet's or a group's: what it reads of a period."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from apps.accounts.periods import Period
from apps.fleet import queries
from apps.fleet.costs import queries as cost_queries
from apps.fleet.drivers.queries import SAFETY_SETS
from apps.fleet.drivers.safety import Weights
from apps.fleet.figures import Costs
from apps.fleet.ledger.spreading import missing
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums.fleet import Bucket, FleetSums
from apps.fleet.trends import queries as trend_queries
from apps.merging import together
from apps.mysql import Row, fetch_all, fetch_all_sync
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked
from apps.trucks.remembered import summaries

NOTHING: Row = {"days": 0, **dict.fromkeys((*trend_queries.FIGURES, *queries.FUEL_MONEY))}


class Sums(Protocol):
    """What a period of a fleet, or of a group's trucks, adds up to; months in order, with truck-days or costs."""

    @property
    def totals(self) -> Row: ...

    @property
    def costs(self) -> Costs: ...

    @property
    def trucks_used(self) -> int: ...

    def by_month(self) -> list[Bucket]: ...


def fleet_sums_sync(where: Mapping[str, Any]) -> FleetSums:
    """What a period of a fleet, as `queries.period` gives it, adds up to."""
    return FleetSums(fetch_all_sync(sum_queries.FLEET_PARTS, where))


@dataclass(frozen=True, slots=True)
class Whose:
    """A fleet, or the trucks that one of its groups has now, as of a revision of the summaries and one of the facts."""

    fleet_id: int
    group_id: int | None
    revision: int
    facts: int = 0

    @classmethod
    def of(cls, asked: Asked[Any], fresh: Freshness) -> "Whose":
        return cls(asked.fleet_id, asked.group_id, fresh.revision, fresh.facts)

    def where(self, period: Period) -> dict[str, Any]:
        """What the statements take of a period."""
        return {**queries.period(self.fleet_id, period.first, period.last), "id": self.group_id}

    async def sums(self, period: Period, *, by_month: bool = False) -> Sums:
        """What the period adds up to; a group's months are read only where they are asked for."""
        if self.group_id is None:
            return FleetSums(await summaries.rows(sum_queries.FLEET_PARTS, self.where(period), self.revision))
        return await self._of_group(period, by_month)

    async def _of_group(self, period: Period, by_month: bool) -> Sums:
        where, kinds = self.where(period), ("whole", "month") if by_month else ("whole",)
        fuel, used, *parts = await together(
            fetch_all(cost_queries.FUEL_MONEY_OF_GROUP, where),
            fetch_all(sum_queries.TRUCKS_USED_OF_GROUP, where),
            *(fetch_all(statements[kind], where) for kind in kinds for statements in _OF_GROUP),
        )
        sums, costs, *months = parts
        totals = NOTHING | (sums or [{}])[0] | fuel[0]
        return _GroupSums(totals, Costs.of(costs), int(used[0]["trucks_used"]), months)

    async def by_bucket(self, by: str, period: Period) -> list[Bucket]:
        """The days or weeks of the period that have truck-days or costs, each as far as it lies in the period."""
        where = {**trend_queries.buckets(by, self.fleet_id, period.first, period.last), "id": self.group_id}
        if self.group_id is None:
            return FleetSums(await summaries.rows(sum_queries.FLEET_PARTS, where, self.revision)).by(by)
        return _buckets(*await together(*(fetch_all(statements[by], where) for statements in _OF_GROUP)))

    async def unspread(self, period: Period) -> dict[str, dict[str, int]]:
        """How many invoices are not in the costs as they should be."""
        return await missing(self.fleet_id, period, group_id=self.group_id)

    async def safety_weights(self, period: Period) -> Weights:
        """Those in force on the period's last day."""
        rows = await fetch_all(SAFETY_SETS, {"fleet": self.fleet_id, "to_day": period.last})
        return Weights.of(orjson.loads(row["values"]) for row in rows)


_OF_GROUP = (trend_queries.OF_GROUP, trend_queries.LINES_OF_GROUP)


@dataclass(frozen=True, slots=True)
class _GroupSums:
    """The sums of a group's trucks, as `FleetSums` has those of a fleet. `months`: rows of sums, rows of costs."""

    totals: Row
    costs: Costs
    trucks_used: int
    months: Sequence[list[Row]]

    def by_month(self) -> list[Bucket]:
        return _buckets(*self.months)


def _buckets(sums: Sequence[Row], lines: Sequence[Row]) -> list[Bucket]:
    """Each bucket that has sums, with its costs: without truck-days a group's trucks cost nothing."""
    costs: dict[dt.date, list[Row]] = {}
    for row in lines:
        costs.setdefault(row["bucket"], []).append(row)
    return [(row["bucket"], row, Costs.of(costs.get(row["bucket"], []))) for row in sums]
