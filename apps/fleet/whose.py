"""Whose figures a question is about, the fleet's, a group's or a truck's: what it reads of a period."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from apps.accounts.calendar import ONE_DAY, days_between
from apps.accounts.periods import Period
from apps.fleet import queries
from apps.fleet.drivers.queries import SAFETY_SETS
from apps.fleet.drivers.safety import Weights
from apps.fleet.ledger.spreading import missing
from apps.fleet.sums import parts
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums import trucks as truck_sums
from apps.fleet.sums.fleet import FleetSums
from apps.merging import together
from apps.mysql import Row, fetch_all, fetch_all_sync
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked
from apps.trucks.remembered import facts, summaries

_AT_ONCE = 31  # days of a group that are read one by one


def fleet_sums_sync(where: Mapping[str, Any]) -> FleetSums:
    """What a period of a fleet, as `queries.period` gives it, adds up to."""
    return FleetSums(fetch_all_sync(sum_queries.FLEET_PARTS, where))


@dataclass(frozen=True, slots=True)
class Whose:
    """A fleet, the trucks that a group has now, or one truck, as of a revision of the summaries and of the facts."""

    fleet_id: int
    group_id: int | None
    revision: int
    facts: int = 0
    truck_id: int | None = None

    @classmethod
    def of(cls, asked: Asked[Any], fresh: Freshness) -> "Whose":
        return cls(asked.fleet_id, asked.group_id, fresh.revision, fresh.facts, fresh.truck_id or None)

    @property
    def is_fleet(self) -> bool:
        return self.group_id is self.truck_id is None

    async def trucks(self) -> list[int] | None:
        """The ids of its trucks; None for the fleet."""
        return await truck_sums.members(self.group_id) if self.truck_id is None else [self.truck_id]

    def where(self, period: Period) -> dict[str, Any]:
        """What the statements take of a period."""
        return self._where("month", period.first, period.last)

    def _where(self, by: str, first: dt.date, last: dt.date) -> dict[str, Any]:
        return {**queries.period_by(by, self.fleet_id, first, last), "id": self.truck_id or self.group_id}

    async def sums(self, period: Period, by: str = "month") -> FleetSums:
        """What the period adds up to, also by day, week, month or quarter; days cost the most to read."""
        return FleetSums([part for where in self._reads(period, by) for part in await self._parts(where)])

    def sums_sync(self, period: Period, by: str = "month") -> FleetSums:
        """The same on Django's connection."""
        return FleetSums([part for where in self._reads(period, by) for part in self._parts_sync(where)])

    def _reads(self, period: Period, by: str) -> list[dict[str, Any]]:
        """What is read one after the other: many days of a group take much memory."""
        if self.group_id is None or by not in queries.OF_DAYS:
            return [self._where(by, period.first, period.last)]
        starts = list(days_between(period.first, period.last))[::_AT_ONCE]
        return [self._where(by, first, min(first + (_AT_ONCE - 1) * ONE_DAY, period.last)) for first in starts]

    async def _parts(self, where: Mapping[str, Any]) -> list[Row]:
        if self.truck_id is not None:
            rows = fetch_all(sum_queries.TRUCK_PARTS, where), fetch_all(sum_queries.TRUCK_COST_PARTS, where)
            return parts.of_truck(self.truck_id, *await together(*rows))
        if self.group_id is not None:
            return parts.of_group(await fetch_all(sum_queries.GROUP_PARTS, where))
        return await summaries.rows(sum_queries.FLEET_PARTS, where, self.revision)

    def _parts_sync(self, where: Mapping[str, Any]) -> list[Row]:
        if self.truck_id is not None:
            costs = fetch_all_sync(sum_queries.TRUCK_COST_PARTS, where)
            return parts.of_truck(self.truck_id, fetch_all_sync(sum_queries.TRUCK_PARTS, where), costs)
        if self.group_id is not None:
            return parts.of_group(fetch_all_sync(sum_queries.GROUP_PARTS, where))
        return fetch_all_sync(sum_queries.FLEET_PARTS, where)

    async def unspread(self, period: Period) -> dict[str, dict[str, int]]:
        """How many invoices are not in the costs as they should be."""
        return await missing(self.fleet_id, period, truck_id=self.truck_id, group_id=self.group_id)

    async def safety_weights(self, period: Period) -> Weights:
        """Those in force on the period's last day."""
        asked = {"fleet": self.fleet_id, "to_day": period.last}
        return await facts.made(SAFETY_SETS, asked, self.facts, _weights)


def _weights(sets: Iterable[Row]) -> Weights:
    return Weights.of(orjson.loads(row["values"]) for row in sets)
