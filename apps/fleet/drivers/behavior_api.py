"""The API's endpoint about how a fleet, or a group of its trucks, was driven: by truck or by driver."""

import datetime as dt
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.authentication import AuthenticatedRequest, Principal
from apps.accounts.paging import Page
from apps.accounts.periods import Period
from apps.files.answers import Listing, OfTruck, file_asked
from apps.files.columns import shape
from apps.fleet import figures
from apps.fleet.drivers import figures as of_rows
from apps.fleet.drivers import queries as statements
from apps.fleet.drivers import rows as told
from apps.fleet.drivers import schemas
from apps.fleet.drivers.rows import NO_SUMS, Terms, terms_of
from apps.fleet.sums import drivers as driver_sums
from apps.fleet.sums import trucks as truck_sums
from apps.fleet.utilization.figures import not_ranked, ranking
from apps.fleet.whose import Whose, group_asked, state_of
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks import freshness
from apps.trucks.detection.driver_parts import NOBODY
from apps.trucks.freshness import Freshness
from apps.trucks.paged_exports import PagedList

router = Router(tags=["Fleet"], by_alias=True)


@router.get(
    "/fleet/driver-behavior",
    response=schemas.BehaviorAnswer,
    summary="Speeding, idling, night driving and the safety score",
)
async def driver_behavior(request: AuthenticatedRequest, asked: Query[schemas.BehaviorPeriod]) -> HttpResponse:
    """How trucks were driven in a period (at most 400 days): of the fleet, and by truck or by driver.

    Of all trucks, or of those that a group has now. With the period before. Drivers and the time of which nobody is
    known add up to the trucks.
    """
    if form := file_asked(request, asked):
        return await FILE.file(request, asked, asked, form)
    who = request.auth
    period = asked.resolve(who.zone, dt.datetime.now(dt.UTC))
    page = Page.of(asked, "behavior", who.fleet_id, period)
    group = await group_asked(who.fleet_id, asked.group)

    async def build(fresh: Freshness) -> dict[str, Any]:
        whose = Whose(who.fleet_id, group, fresh.revision)
        terms, sums, sums_before = await together(
            terms_of(who, period), whose.sums(period), whose.sums(period.previous())
        )
        totals, driven = sums.totals, Driven(whose, period, fresh, terms)
        (rows, page_echo), left_out = await together(driven.rows(asked, page), driven.not_ranked(asked))
        return {
            "data": rows,
            "summary": {
                **told.shown(totals, terms),
                "safety_weights": asdict(terms.weights),
                "not_ranked": left_out,
            },
            **told.compared(totals, sums_before.totals, period, terms),
            "page": page_echo,
            "period": period.echo(),
            "freshness": fresh.body(figures.coverage_pct(totals)),
        }

    return await freshness.answer(request, partial(state_of, who.fleet_id, group), build, period, group)


async def _page(
    who: Principal, period: Period, fresh: Freshness, asked: schemas.BehaviorPeriod, page: Page
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    whose = Whose(who.fleet_id, await group_asked(who.fleet_id, asked.group), fresh.revision)
    return await Driven(whose, period, fresh, await terms_of(who, period)).rows(asked, page)


FILE = PagedList(
    {
        "truck": Listing("Driving", shape(OfTruck, schemas.BehaviorOfTruck)),
        "driver": Listing("Driving by driver", shape(schemas.BehaviorOfDriver)),
    },
    _page,
)


@dataclass(frozen=True, slots=True)
class Driven:
    """How the trucks of a fleet, or of a group, were driven in a period, as of a revision."""

    whose: Whose
    period: Period
    fresh: Freshness
    terms: Terms

    @property
    def scope(self) -> str:
        return "fleet" if self.whose.group_id is None else "group"

    async def rows(self, asked: schemas.BehaviorPeriod, page: Page) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The rows of `data`, and the answer's `page`."""
        return await (self._trucks(asked, page) if asked.by == "truck" else self._drivers(asked, page))

    async def _trucks(self, asked: schemas.BehaviorPeriod, page: Page) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        where, names, group_id = self.whose.where(self.period), statements.TRUCK_SUMS, self.whose.group_id
        if asked.sort == "id":
            found = await truck_sums.page(where, names, page.after or "", page.limit + 1, group_id)
            rows, echo = page.cut(found.rows(), "truck_id")
        else:
            by_figure = partial(of_rows.ranked_by, weights=self.terms.weights)
            every = (await truck_sums.every(where, names, group_id)).rows()
            rows, echo = page.ranked(ranking(every, asked.sort, by_figure))
        ids = [row["id"] for row in rows]
        before = await truck_sums.sums_around(self.whose.where(self.period.previous()), statements.BEFORE, ids)
        return [
            {"truck_id": row["truck_id"], **told.behavior(row, before.get(row["id"], NO_SUMS), self.terms)}
            for row in rows
        ], echo

    async def _drivers(self, asked: schemas.BehaviorPeriod, page: Page) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        if asked.sort == "id" and driver_sums.is_few(page.limit, self.fresh.trucks):
            where = {**statements.asked(self.whose.fleet_id, self.period), "id": self.whose.group_id}
            where |= {"after": page.after or "", "limit": page.limit + 1}
            rows, echo = page.cut(await fetch_all(statements.PAGE_OF[self.scope], where), "code")
            return [told.driver(told.with_sums(row), told.before_of(row), self.terms) for row in rows], echo
        trucks = await truck_sums.members(self.whose.group_id)
        if asked.sort == "id":
            found = await driver_sums.every(self.whose.where(self.period), trucks=trucks, after=page.after or "")
            rows, echo = page.cut(found[: page.limit + 1], "code")
        else:
            by_figure = partial(of_rows.ranked_by, weights=self.terms.weights)
            known = await self._known_drivers(driver_sums.NAMES)
            rows, echo = page.ranked(ranking(known, asked.sort, by_figure, "code"))
        before = await driver_sums.sums(self.whose.where(self.period.previous()), statements.BEFORE, trucks)
        return [told.driver(row, before.get(row["id"], NO_SUMS), self.terms) for row in rows], echo

    async def _known_drivers(self, names: tuple[str, ...]) -> list[Row]:
        trucks = await truck_sums.members(self.whose.group_id)
        every = await driver_sums.every(self.whose.where(self.period), names, trucks)
        return [row for row in every if row["id"] != NOBODY]

    async def not_ranked(self, asked: schemas.BehaviorPeriod) -> dict[str, Any] | None:
        if asked.sort == "id":
            return None
        names, key = ("length_s", "no_data_s"), "truck_id" if asked.by == "truck" else "code"
        if asked.by == "truck":
            every = (await truck_sums.every(self.whose.where(self.period), names, self.whose.group_id)).rows()
        else:
            every = await self._known_drivers(names)
        found = not_ranked(every, key)
        rows = [{"id": row[key], "name": row["name"], "coverage_pct": row["coverage_pct"]} for row in found["trucks"]]
        return {"count": found["count"], "rows": rows}
