"""The API's endpoint about how the trucks' time was used: by truck, group, weekday or hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import orjson
from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.changes import changes
from apps.accounts.paging import LAST_PAGE, Page
from apps.accounts.periods import Period
from apps.files.answers import Listing, OfTruck
from apps.files.columns import shape
from apps.fleet import figures, queries
from apps.fleet.rows import Rows
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums import trucks as truck_sums
from apps.fleet.sums.blocks import total
from apps.fleet.sums.trucks import Trucks
from apps.fleet.utilization import figures as utilization_figures
from apps.fleet.utilization import queries as utilization_queries
from apps.fleet.utilization.hours import Table, by_weekday, of_trucks
from apps.fleet.utilization.schemas import (
    UtilizationAnswer,
    UtilizationOfGroup,
    UtilizationOfHour,
    UtilizationOfTruck,
    UtilizationOfWeekday,
    UtilizationPeriod,
)
from apps.fleet.utilization.targets import NAMES, Targets, held_against, held_in_columns, targets
from apps.fleet.whose import Whose
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked, PagedList
from apps.trucks.parameters import DEFAULTS
from apps.trucks.remembered import facts, summaries

router = Router(tags=["Fleet"], by_alias=True)
_SUMS = utilization_queries.SUMS


@router.get("/fleet/utilization", response=UtilizationAnswer, summary="How the trucks' time was used")
async def utilization(request: AuthenticatedRequest, asked: Query[UtilizationPeriod]) -> HttpResponse:
    """The states of a period (at most 400 days) and the utilizations, beside the targets and the period before.

    Of the fleet, and by truck, by group, by day of the week or by hour of the day; or of the trucks that a group has
    now. Trucks may be ranked by a figure.
    """
    return await LIST.answer(request, asked, _body)


async def _body(asked: Asked[UtilizationPeriod], fresh: Freshness) -> dict[str, Any]:
    used, period = Used.of(asked, fresh), asked.period
    totals, before, expected, (found, page_echo, left_out) = await together(
        used.totals(period), used.totals(period.previous()), used.targets(), used.found(asked.parameters, asked.page)
    )
    current, earlier = utilization_figures.states(totals), utilization_figures.states(before)
    return {
        "data": used.rows(asked.parameters, found, totals, expected),
        "summary": {
            **current,
            "days": utilization_figures.days(totals),
            "targets": held_against(current, expected.of_group(asked.group_id)),
            "not_ranked": left_out,
        },
        "previous": {"period": period.previous().echo(), **earlier, "days": utilization_figures.days(before)},
        **changes(current, earlier),
        "page": page_echo,
        "period": period.echo(),
        "freshness": fresh.body(figures.coverage_pct(totals)),
    }


async def _page(asked: Asked[UtilizationPeriod], fresh: Freshness) -> tuple[Sequence[dict[str, Any]], dict[str, Any]]:
    used = Used.of(asked, fresh, is_file=True)
    totals, expected, (found, page_echo, _) = await together(
        used.totals(asked.period), used.targets(), used.found(asked.parameters, asked.page)
    )
    return used.rows(asked.parameters, found, totals, expected), page_echo


LIST = PagedList(
    {
        "truck": Listing("Utilization", shape(OfTruck, UtilizationOfTruck)),
        "group": Listing("Utilization by group", shape(UtilizationOfGroup)),
        "weekday": Listing("Utilization by weekday", shape(UtilizationOfWeekday)),
        "hour": Listing("Utilization by hour", shape(UtilizationOfHour)),
    },
    _page,
)


@dataclass(frozen=True, slots=True)
class Used:
    """How the time of a fleet, or of the trucks that a group has now, was used in a period, as of a revision."""

    fleet_id: int
    group_id: int | None
    period: Period
    fresh: Freshness
    is_file: bool = False  # it has those too whom a ranking leaves out, behind it

    @classmethod
    def of(cls, asked: Asked[UtilizationPeriod], fresh: Freshness, *, is_file: bool = False) -> Self:
        return cls(asked.fleet_id, asked.group_id, asked.period, fresh, is_file)

    async def totals(self, period: Period) -> Row:
        where = queries.period(self.fleet_id, period.first, period.last)
        if self.group_id is None:
            return (await Whose(self.fleet_id, None, self.fresh.revision).sums(period)).totals
        return (await truck_sums.every(where, _SUMS, facts=self.fresh.facts, group_id=self.group_id)).totals()

    async def found(
        self, asked: UtilizationPeriod, page: Page
    ) -> tuple[Sequence[Row], dict[str, Any], dict[str, Any] | None]:
        """What the rows of `data` are made from, the answer's `page`, and of a ranking whom it leaves out."""
        match asked.by:
            case "truck":
                return await self._trucks(asked, page)
            case "group":
                return await self._groups(), LAST_PAGE, None
            case "weekday":
                return await self._weekdays(), LAST_PAGE, None
            case "hour":
                return await self._hours(), LAST_PAGE, None

    def rows(
        self, asked: UtilizationPeriod, found: Sequence[Row], totals: Row, expected: Targets
    ) -> Sequence[dict[str, Any]]:
        """The rows of `data`."""
        if isinstance(found, Trucks):
            return self._of_trucks(found, expected)
        match asked.by:
            case "group":
                return [self._of_group(row, expected) for row in found]
            case "weekday":
                return utilization_figures.by_weekday(found)
            case "hour":
                return utilization_figures.by_hour(self._table_of_hours(found), totals)
            case by:
                raise ValueError(by)

    async def _trucks(
        self, asked: UtilizationPeriod, page: Page
    ) -> tuple[Sequence[Row], dict[str, Any], dict[str, Any] | None]:
        if asked.sort != "truck_id":
            every = await truck_sums.every(self._where, _SUMS, facts=self.fresh.facts, group_id=self.group_id)
            order = utilization_figures.ranked(every.columns, every.codes, asked.sort)
            shown = utilization_figures.and_left_out(order, len(every)) if self.is_file else order
            places, page_echo = page.ranked(shown)
            return every.at(places), page_echo, utilization_figures.not_ranked(every.without(order))
        after, limit, facts = page.after or "", page.limit + 1, self.fresh.facts
        found = await truck_sums.page(self._where, _SUMS, after, limit, facts=facts, group_id=self.group_id)
        return *page.cut_by(found.trucks, found.trucks.codes), None

    async def _weekdays(self) -> Sequence[Row]:
        if self.group_id is None:
            return await summaries.rows(utilization_queries.WEEKDAYS, self._where, self.fresh.revision)
        return await truck_sums.by_weekday(self._where, self.group_id)

    async def _hours(self) -> Sequence[Row]:
        """Packed: of the fleet's days, or of the blocks of the group's trucks."""
        if self.group_id is None:
            return await summaries.rows(utilization_queries.HOURS, self._where, self.fresh.revision)
        return await fetch_all(sum_queries.HOURS_OF_GROUP, {**self._where, "id": self.group_id})

    def _table_of_hours(self, found: Sequence[Row]) -> Table:
        if self.group_id is None:
            return by_weekday((row["day"], row["hours"]) for row in found)
        return of_trucks((row["hours"], row["mask"]) for row in found)

    async def _groups(self) -> list[Row]:
        groups = fetch_all(sum_queries.GROUPS, {"fleet": self.fleet_id})
        return groups_used(*await together(truck_sums.sums(self._where, _SUMS), groups))

    async def targets(self) -> Targets:
        where = {"fleet": self.fleet_id, "to_day": self.period.last}
        sets, of_groups = await together(
            self._facts(utilization_queries.PARAMETER_SETS, where),
            self._facts(utilization_queries.GROUP_TARGETS, where),
        )
        members = await self._facts(utilization_queries.MEMBERS, where) if of_groups else []
        parsed = [{**row, "values": orjson.loads(row["values"])} for row in sets]
        return targets({name: getattr(DEFAULTS, name) for name in NAMES}, parsed, of_groups, members)

    async def _facts(self, sql: str, where: dict[str, Any]) -> list[Row]:
        return await facts.rows(sql, where, self.fresh.facts)

    def _of_trucks(self, trucks: Trucks, expected: Targets) -> Rows:
        states = utilization_figures.states(trucks.columns)
        table = {
            "truck_id": trucks.codes,
            "name": trucks.names,
            "is_ranked": utilization_figures.are_ranked(trucks.columns),
            **states,
            "days": utilization_figures.days_of_period(trucks.columns, 1, self.period.days),
            "targets": held_in_columns(states, expected.of_trucks(trucks.codes)),
        }
        return Rows(table, len(trucks))

    def _of_group(self, row: Row, expected: Targets) -> dict[str, Any]:
        states = utilization_figures.states(row)
        return {
            "group": row["group"],
            "trucks": row["trucks_of_group"],
            **states,
            "days": utilization_figures.days_of_period(row, row["trucks_of_group"], self.period.days),
            "targets": held_against(states, expected.of_group(row["group_id"])),
        }

    @property
    def _where(self) -> dict[str, Any]:
        return queries.period(self.fleet_id, self.period.first, self.period.last)


def groups_used(sums: truck_sums.Sums, groups: Sequence[Row]) -> list[Row]:
    """One row a group, by name, with the sums of its trucks; those of no group come last, without name."""
    return [
        {
            "group_id": group_id,
            "group": name,
            "trucks_of_group": len(trucks),
            **total((sums[truck] for truck in trucks), truck_sums.names_of(_SUMS)),
        }
        for group_id, name, trucks in truck_sums.grouped(sums, groups)
    ]
