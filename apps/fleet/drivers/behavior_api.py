"""The API's endpoint about how a fleet, or a group of its trucks, was driven: by truck or by driver."""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.authentication import AuthenticatedRequest, Principal
from apps.accounts.paging import Page
from apps.accounts.periods import Period
from apps.files.answers import Listing, OfTruck
from apps.files.columns import shape
from apps.fleet import figures
from apps.fleet.drivers import figures as driver_figures
from apps.fleet.drivers import queries as driver_queries
from apps.fleet.drivers import schemas
from apps.fleet.drivers.columns import Columns
from apps.fleet.drivers.rows import Terms, compared, few, listed, shown, terms_of
from apps.fleet.rows import Rows
from apps.fleet.sums import drivers as driver_sums
from apps.fleet.sums import trucks as truck_sums
from apps.fleet.sums.drivers import Drivers
from apps.fleet.sums.summed import ById, Summed
from apps.fleet.utilization.figures import and_left_out, not_ranked, ranked
from apps.fleet.whose import Whose
from apps.merging import together
from apps.mysql import fetch_all
from apps.trucks.detection.driver_parts import NOBODY
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked, PagedList

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
    return await LIST.answer(request, asked, _body)


async def _body(asked: Asked[schemas.BehaviorPeriod], fresh: Freshness) -> dict[str, Any]:
    whose, period = Whose.of(asked, fresh), asked.period
    terms, sums, sums_before, (rows, page_echo, left_out) = await together(
        terms_of(asked.who, period, fresh),
        whose.sums(period),
        whose.sums(period.previous()),
        Driven(asked.who, whose, period, fresh).listed(asked.parameters, asked.page),
    )
    totals = sums.totals
    return {
        "data": rows,
        "summary": {
            **shown(totals, terms),
            "safety_weights": asdict(terms.weights),
            "not_ranked": left_out,
        },
        **compared(totals, sums_before.totals, period, terms),
        "page": page_echo,
        "period": period.echo(),
        "freshness": fresh.body(figures.coverage_pct(totals)),
    }


async def _page(asked: Asked[schemas.BehaviorPeriod], fresh: Freshness) -> tuple[Rows, dict[str, Any]]:
    driven = Driven(asked.who, Whose.of(asked, fresh), asked.period, fresh, is_file=True)
    rows, page_echo, _ = await driven.listed(asked.parameters, asked.page)
    return rows, page_echo


LIST = PagedList(
    {
        "truck": Listing("Driving", shape(OfTruck, schemas.BehaviorOfTruck)),
        "driver": Listing("Driving by driver", shape(schemas.BehaviorOfDriver)),
    },
    _page,
)


S = TypeVar("S", bound=Summed)
# The rows of `data`, the answer's `page`, and of a ranking whom it leaves out.
Listed = tuple[Rows, dict[str, Any], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Driven:
    """How the trucks of a fleet, or of a group, were driven in a period, as of a revision."""

    who: Principal
    whose: Whose
    period: Period
    fresh: Freshness
    is_file: bool = False  # it has those too whom a ranking leaves out, behind it

    async def listed(self, asked: schemas.BehaviorPeriod, page: Page) -> Listed:
        return await (self._trucks(asked, page) if asked.by == "truck" else self._drivers(asked, page))

    async def _trucks(self, asked: schemas.BehaviorPeriod, page: Page) -> Listed:
        where, where_before = self._both()
        names, facts, group_id = driver_queries.TRUCK_SUMS, self.whose.facts, self.whose.group_id
        if asked.sort == "id":
            beside = [truck_sums.sums_beside(where_before, driver_queries.BEFORE)]
            after, limit = page.after or "", page.limit + 1
            read = truck_sums.page(where, names, after, limit, facts=facts, group_id=group_id, beside=beside)
            found, terms = await together(read, self._terms())
            trucks, echo = page.cut_by(found.trucks, found.trucks.codes)
            before = truck_sums.sums_in(found.beside[0], driver_queries.BEFORE, trucks.ids)
            return listed("truck_id", trucks, before, terms), echo, None
        every, terms = await together(truck_sums.every(where, names, facts=facts, group_id=group_id), self._terms())
        trucks, echo, left_out = self._ranked(every, asked.sort, page, terms)
        before = await truck_sums.columns_of(where_before, driver_queries.BEFORE, trucks.ids)
        return listed("truck_id", trucks, before, terms), echo, left_out

    async def _drivers(self, asked: schemas.BehaviorPeriod, page: Page) -> Listed:
        if asked.sort == "id":
            drivers, before, terms, echo = await self._drivers_by_code(page)
            return listed("driver_id", drivers, before, terms), echo, None
        every, earlier, terms = await self._all_drivers()
        drivers, echo, left_out = self._ranked(every, asked.sort, page, terms)
        return listed("driver_id", drivers, earlier.of(drivers.ids), terms), echo, left_out

    async def _drivers_by_code(self, page: Page) -> tuple[Drivers, Columns, Terms, dict[str, Any]]:
        """A page of them, with their sums of the period before."""
        if self.whose.group_id is not None and driver_sums.is_few(page.limit, self.fresh.trucks):
            where = {**driver_queries.asked(self.whose.fleet_id, self.period), "id": self.whose.group_id}
            where |= {"after": page.after or "", "limit": page.limit + 1}
            found, terms = await together(fetch_all(driver_queries.PAGE_OF_GROUP, where), self._terms())
            rows, echo = page.cut(found, "code")
            return *few(rows), terms, echo
        if self.whose.group_id is not None:
            every, earlier, terms = await self._all_drivers(page.after or "")
            drivers, echo = page.cut_by(every[: page.limit + 1], every.codes)
        else:
            read = driver_sums.page(*self._both(), self.whose.facts, page.after or "", page.limit + 1)
            (every, earlier), terms = await together(read, self._terms())
            drivers, echo = page.cut_by(every, every.codes)
        return drivers, earlier.of(drivers.ids), terms, echo

    async def _all_drivers(self, after: str = "") -> tuple[Drivers, ById, Terms]:
        """Those whose codes follow `after`, with all sums of the period before, by what they did in its trucks."""
        only, (where, before) = await truck_sums.members(self.whose.group_id), self._both()
        every, earlier, terms = await together(
            driver_sums.every(where, self.whose.facts, trucks=only, after=after),
            driver_sums.by_id(before, driver_queries.BEFORE, only),
            self._terms(),
        )
        return every, earlier, terms

    def _both(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the statements take of the period, and of the one before."""
        return self.whose.where(self.period), self.whose.where(self.period.previous())

    def _ranked(self, every: S, sort: str, page: Page, terms: Terms) -> tuple[S, dict[str, Any], dict[str, Any]]:
        """Those on a page of a ranking, the answer's `page`, and whom the ranking leaves out."""
        known = every.without(np.flatnonzero(every.ids == NOBODY).tolist())  # who is nobody stands last
        order = ranked(known.columns, known.codes, sort, partial(driver_figures.ranked_by, weights=terms.weights))
        places, echo = page.ranked(and_left_out(order, len(every)) if self.is_file else order)
        found = not_ranked(known.without(order), every.KEY)
        rows = [
            {"id": row[every.KEY], "name": row["name"], "coverage_pct": row["coverage_pct"]} for row in found["trucks"]
        ]
        return every.at(places), echo, {"count": found["count"], "rows": rows}

    async def _terms(self) -> Terms:
        return await terms_of(self.who, self.period, self.fresh)
