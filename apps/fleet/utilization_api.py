"""The API's endpoint about how the trucks' time was used: by truck, group, weekday or hour."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.paging import Page
from apps.accounts.periods import Period
from apps.fleet import figures, queries
from apps.fleet import utilization_figures as of_rows
from apps.fleet import utilization_queries as statements
from apps.fleet.hours import by_weekday
from apps.fleet.targets import NAMES, Targets, held_against, targets
from apps.fleet.utilization_schemas import UtilizationAnswer, UtilizationPeriod
from apps.mysql import Row, fetch_all
from apps.trucks import freshness
from apps.trucks.freshness import Freshness
from apps.trucks.parameters import DEFAULTS
from apps.trucks.remembered import summaries

router = Router(tags=["Fleet"], by_alias=True)
_COLUMNS = ("truck_days", "truck_days_used", *queries.UTILIZATION_SUMS[2:])
_LAST_PAGE = {"next_cursor": None, "has_more": False}


@router.get("/fleet/utilization", response=UtilizationAnswer, summary="How the trucks' time was used")
async def utilization(request: AuthenticatedRequest, asked: Query[UtilizationPeriod]) -> HttpResponse:
    """The states of a period (at most 400 days) and the utilizations, beside the targets and the period before.

    Of the fleet, and by truck, by group, by day of the week or by hour of the day. Trucks may be ranked by a figure.
    """
    now, who = dt.datetime.now(dt.UTC), request.auth
    period = asked.resolve(who.zone, now)
    page = Page.of(asked, "utilization", who.fleet_id, period)

    async def build(fresh: Freshness) -> dict[str, Any]:
        used = Used(who.fleet_id, period, fresh)
        totals, before = await used.totals(period), await used.totals(period.previous())
        current, earlier = of_rows.states(totals), of_rows.states(before)
        expected = await used.targets()
        rows, page_echo = await used.rows(asked, page, totals, expected)
        return {
            "data": rows,
            "summary": {
                **current,
                "days": of_rows.days(totals),
                "targets": held_against(current, expected.of_fleet),
                "not_ranked": await used.not_ranked(asked),
            },
            "previous": {"period": period.previous().echo(), **earlier},
            "change_pct": figures.change_pct(current, earlier),
            "page": page_echo,
            "period": period.echo(),
            "freshness": fresh.body(figures.coverage_pct(totals)),
        }

    return await freshness.answer(request, lambda: freshness.state_of_fleet(who.fleet_id, now), build, period)


@dataclass(frozen=True, slots=True)
class Used:
    """How a fleet's time was used in a period, as of a revision."""

    fleet_id: int
    period: Period
    fresh: Freshness

    async def totals(self, period: Period) -> Row:
        where = queries.period(self.fleet_id, period.first, period.last)
        return (await summaries.rows(queries.FLEET_TOTALS, where, self.fresh.revision))[0]

    async def rows(
        self, asked: UtilizationPeriod, page: Page, totals: Row, expected: Targets
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The rows of `data`, and the answer's `page`."""
        match asked.by:
            case "truck":
                rows, page_echo = await self._trucks(asked, page)
                return [self._of_truck(row, expected) for row in rows], page_echo
            case "group":
                rows = await fetch_all(statements.GROUPS, self._where)
                return [self._of_group(row, expected) for row in rows], _LAST_PAGE
            case "weekday":
                rows = await summaries.rows(statements.WEEKDAYS, self._where, self.fresh.revision)
                return of_rows.by_weekday(rows), _LAST_PAGE
            case "hour":
                days = await summaries.rows(statements.HOURS, self._where, self.fresh.revision)
                return of_rows.by_hour(by_weekday((row["day"], row["hours"]) for row in days), totals), _LAST_PAGE

    async def _trucks(self, asked: UtilizationPeriod, page: Page) -> tuple[Sequence[Row], dict[str, Any]]:
        if asked.sort != "truck_id":
            return await self._ranking(asked, page)
        where = {**self._where, "after": page.after or "", "limit": page.limit + 1}
        statement = queries.UTILIZATION_OF_TRUCKS.statement(page.limit, self.fresh.trucks)
        return page.cut(await fetch_all(statement, where), "truck_id")

    async def _ranking(self, asked: UtilizationPeriod, page: Page) -> tuple[Sequence[Row], dict[str, Any]]:
        """A figure may change between two pages, so the cursor counts trucks."""
        offset = int(page.after or 0)
        where = {**self._where, "limit": page.limit + 1, "offset": offset}
        found = await fetch_all(statements.RANKINGS[asked.sort], where)
        return page.cut([{**row, "place": place} for place, row in enumerate(found, offset + 1)], "place")

    async def not_ranked(self, asked: UtilizationPeriod) -> dict[str, Any] | None:
        if asked.by != "truck" or asked.sort == "truck_id":
            return None
        return of_rows.not_ranked(await fetch_all(statements.NOT_RANKED, self._where))

    async def targets(self) -> Targets:
        where = {"fleet": self.fleet_id, "to_day": self.period.last}
        sets = await fetch_all(statements.PARAMETER_SETS, where)
        of_groups = await fetch_all(statements.GROUP_TARGETS, where)
        members = await fetch_all(statements.MEMBERS, where) if of_groups else []
        parsed = [{**row, "values": orjson.loads(row["values"])} for row in sets]
        return targets({name: getattr(DEFAULTS, name) for name in NAMES}, parsed, of_groups, members)

    def _of_truck(self, row: Row, expected: Targets) -> dict[str, Any]:
        sums = dict(zip(_COLUMNS, orjson.loads(row["figures"]), strict=True))
        states = of_rows.states(sums)
        return {
            "truck_id": row["truck_id"],
            "name": row["name"],
            "is_ranked": of_rows.is_ranked(sums),
            **states,
            "days": of_rows.days_of_period(sums, 1, self.period.days),
            "targets": held_against(states, expected.of_truck(row["truck_id"])),
        }

    def _of_group(self, row: Row, expected: Targets) -> dict[str, Any]:
        states = of_rows.states(row)
        return {
            "group": row["group"],
            "trucks": row["trucks_of_group"],
            **states,
            "days": of_rows.days_of_period(row, row["trucks_of_group"], self.period.days),
            "targets": held_against(states, expected.of_group(row["group_id"])),
        }

    @property
    def _where(self) -> dict[str, Any]:
        return queries.period(self.fleet_id, self.period.first, self.period.last)
