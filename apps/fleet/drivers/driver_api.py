"""The API's endpoints about one driver: their days, their costs, and their scorecard."""

import datetime as dt
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.changes import changes
from apps.accounts.paging import LAST_PAGE, Page
from apps.accounts.periods import Period
from apps.accounts.problems import NotFound
from apps.files.answers import Listing, file_asked
from apps.files.columns import shape
from apps.fleet import figures, queries
from apps.fleet.costs import api as cost_api
from apps.fleet.costs.api import Spent
from apps.fleet.costs.schemas import CostOfDays
from apps.fleet.drivers import cost_queries as driver_cost_queries
from apps.fleet.drivers import figures as driver_figures
from apps.fleet.drivers import queries as driver_queries
from apps.fleet.drivers import rows as told
from apps.fleet.drivers import schemas
from apps.fleet.drivers.rows import NOTHING, Terms, codes_in, terms_of
from apps.fleet.figures import Costs
from apps.fleet.ledger.spreading import missing
from apps.fleet.schemas import BucketDays
from apps.fleet.spans import named_buckets
from apps.fleet.sums import parts
from apps.fleet.sums.fleet import FleetSums
from apps.fleet.utilization.figures import is_ranked
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks import freshness
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked, PagedList
from apps.trucks.queries import at_facts
from apps.trucks.schemas import DriverCode

router = Router(tags=["Drivers"], by_alias=True)


@router.get("/drivers/{driver_id}/days", response=schemas.DriverDaysAnswer, summary="A driver's days")
async def driver_days(
    request: AuthenticatedRequest, driver_id: DriverCode, search: Query[schemas.DriverDays]
) -> HttpResponse:
    """What a driver did on each day of a period (at most 400 days), over all trucks; in all, with the period before."""
    if form := file_asked(request, search):
        listed = PagedList.of(_DAYS, partial(_days, await _driver_of(request, driver_id)))
        return await listed.file(request, search, search, form, Driver=driver_id)
    period = search.resolve(request.auth.zone, dt.datetime.now(dt.UTC))
    page = Page.of(search, "driver-days", request.auth.fleet_id, driver_id, period)

    async def body(driver: Row, asked: dict[str, Any], terms: Terms) -> dict[str, Any]:
        rows, page_echo = await _page_of_days(search, page, asked, terms)
        totals, before = await _sums(driver, period), await _sums(driver, period.previous())
        return {
            "data": rows,
            "summary": told.totals(totals, terms),
            **told.totals_compared(totals, before, period, terms),
            "page": page_echo,
        }

    return await _of_driver(request, driver_id, period, body)


async def _days(
    driver: Row, asked: Asked[schemas.DriverDays], fresh: Freshness
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    terms = await terms_of(asked.who, asked.period, fresh)
    return await _page_of_days(asked.parameters, asked.page, _of_id(driver, asked.period), terms)


_DAYS = Listing("Days of a driver", shape(schemas.DriverDay))


async def _page_of_days(
    search: schemas.DriverDays, page: Page, asked: dict[str, Any], terms: Terms
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    statement = driver_queries.DAYS_OF_DRIVER[search.is_descending]
    found = await fetch_all(statement, {**asked, "after": page.after, "limit": page.limit + 1})
    rows, page_echo = page.cut(found, "day")
    return [_driver_day(row, terms) for row in rows], page_echo


def _driver_day(row: Row, terms: Terms) -> dict[str, Any]:
    return {
        "day": row["day"],
        "trucks": codes_in(row["trucks"]),
        "length_s": row["length_s"],
        **told.shown(row, terms),
        "max_speed_kmh": row["max_speed_kmh"],
    }


@router.get("/drivers/{driver_id}/costs", response=schemas.DriverCostsAnswer, summary="What a driver bears of costs")
async def driver_costs(
    request: AuthenticatedRequest, driver_id: DriverCode, search: Query[schemas.DriverCosts]
) -> HttpResponse:
    """What a driver bears of the costs of their trucks, by line, of each day, week or month of a period.

    At most 400 days, beside the period before. A week or month that lies only partly in the period counts with those
    of its days that do.
    """
    if form := file_asked(request, search):
        listed = PagedList(_COSTS, partial(_costs, await _driver_of(request, driver_id)))
        return await listed.file(request, search, search, form, Driver=driver_id)
    period = search.resolve(request.auth.zone, dt.datetime.now(dt.UTC))

    async def body(driver: Row, _: dict[str, Any], terms: Terms) -> dict[str, Any]:
        sums, sums_before = await together(
            _sums_by(driver, period, search.by), _sums_by(driver, period.previous(), "month")
        )
        now_, before = (Spent(each.totals, each.costs) for each in (sums, sums_before))
        return {
            "data": cost_api.buckets(sums, search.by, period, terms.currency),
            "summary": _told(now_, terms),
            "previous": {"period": period.previous().echo(), **_told(before, terms)},
            **changes(now_.figures, before.figures),
        }

    return await _of_driver(request, driver_id, period, body, missing)


async def _costs(
    driver: Row, asked: Asked[schemas.DriverCosts], _: Freshness
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    by = asked.parameters.by
    sums = await _sums_by(driver, asked.period, by)
    return cost_api.buckets(sums, by, asked.period, asked.who.currency), LAST_PAGE


async def _sums_by(driver: Row, period: Period, by: str) -> FleetSums:
    """What the driver did and bears, which can be told by day, week or month."""
    where = {**queries.period_by(by, driver["fleet_id"], period.first, period.last), "id": driver["id"]}
    rows, costs = await together(
        fetch_all(driver_cost_queries.PARTS_OF_DRIVER, where),
        fetch_all(driver_cost_queries.COST_PARTS_OF_DRIVER, where),
    )
    return FleetSums(parts.of_driver(rows, costs))


_COSTS: dict[str | None, Listing] = {
    by: Listing(f"Costs of a driver by {by}", shape(BucketDays, CostOfDays, **cost_api.TOLD))
    for by in ("day", "week", "month")
}


@router.get("/drivers/{driver_id}/scorecard", response=schemas.ScorecardAnswer, summary="A driver's scorecard")
async def scorecard(
    request: AuthenticatedRequest, driver_id: DriverCode, asked: Query[schemas.DriverPeriod]
) -> HttpResponse:
    """A driver's safety score with what it is made of, in all, by truck and by week, beside the period before.

    The period is at most 400 days.
    """
    period = asked.resolve(request.auth.zone, dt.datetime.now(dt.UTC))

    async def body(driver: Row, asked: dict[str, Any], terms: Terms) -> dict[str, Any]:
        totals, before = await _sums(driver, period), await _sums(driver, period.previous())
        borne, borne_before = await _borne(driver, period, totals), await _borne(driver, period.previous(), before)
        driven, of_costs = told.compared(totals, before, period, terms), changes(borne.figures, borne_before.figures)
        return {
            "data": {
                **{name: driver[name] for name in ("driver_id", "name", "key_card")},
                "is_active": bool(driver["is_active"]),
                "score": driver_figures.score(totals, terms.weights),
                "driving": told.totals(totals, terms),
                "costs": _told(borne, terms),
                "is_ranked": is_ranked(totals),
                "trucks": [
                    {"truck_id": row["truck_id"], "name": row["name"], **told.totals(row, terms)}
                    for row in await fetch_all(driver_queries.TRUCKS_OF_DRIVER, asked)
                ],
                "weeks": _weeks(await fetch_all(driver_queries.WEEKS_OF_DRIVER, asked), period, terms),
            },
            "previous": {
                "period": period.previous().echo(),
                "score": driver_figures.score(before, terms.weights),
                "driving": told.totals(before, terms),
                "costs": _told(borne_before, terms),
            },
            "safety_score_change": driver_figures.against(totals, before, terms.weights)["safety_score_change"],
            **{name: {**driven[name], "costs": of_costs[name]} for name in of_costs},
        }

    return await _of_driver(request, driver_id, period, body, missing)


def _weeks(rows: list[Row], period: Period, terms: Terms) -> list[dict[str, Any]]:
    """Every week that the period touches; null figures where the driver had no truck."""
    found = {row["monday"]: row for row in rows}
    return [
        {**days, **driver_figures.driving(found.get(first, NOTHING), terms.weights)}
        for first, days in named_buckets("week", period.first, period.last)
    ]


async def _sums(driver: Row, period: Period) -> Row:
    rows = await fetch_all(driver_queries.OF_DRIVER, _of_id(driver, period))
    return rows[0] if rows else NOTHING


async def _borne(driver: Row, period: Period, sums: Row) -> Spent:
    """What the driver bears of the costs of their trucks."""
    costs = Costs.of(await fetch_all(driver_cost_queries.COSTS_OF_DRIVER, _of_id(driver, period)))
    return Spent({**sums, "truck_days": sums["days"]}, costs)


def _told(borne: Spent, terms: Terms) -> dict[str, Any]:
    return cost_api.told(borne.totals, borne.costs, terms.currency)


# From the driver and what statements about their period take to the answer's first parts.
Body = Callable[[Row, dict[str, Any], Terms], Awaitable[dict[str, Any]]]
# From the fleet and the period to what its freshness says besides.
Beside = Callable[[int, Period], Awaitable[dict[str, Any]]]


async def _nothing(fleet_id: int, period: Period) -> dict[str, Any]:
    return {}


async def _of_driver(
    request: AuthenticatedRequest, code: str, period: Period, body: Body, beside: Beside = _nothing
) -> HttpResponse:
    """An answer about one driver and one period. Raises NotFound."""
    who = request.auth
    driver = await _driver_of(request, code)
    named_at = driver.pop("at_revision")

    async def build(fresh: Freshness) -> dict[str, Any]:
        totals = await _sums(driver, period)
        return {
            **await body(driver, _of_id(driver, period), await terms_of(who, period, fresh)),
            "period": period.echo(),
            "freshness": fresh.body(figures.coverage_pct(totals)) | await beside(who.fleet_id, period),
        }

    read = partial(freshness.state_of_fleet, who.fleet_id)
    return await freshness.answer(request, read, build, period, sorted(driver.items()), named_at=named_at)


async def _driver_of(request: AuthenticatedRequest, code: str) -> Row:
    """Who has this code, at a revision of the fleet's facts. Raises NotFound."""
    fleet_id = request.auth.fleet_id
    rows = await fetch_all(at_facts(driver_queries.DRIVER), {"fleet": fleet_id, "driver": code})
    if not rows:
        raise NotFound("This fleet has no such driver.")
    return {**rows[0], "fleet_id": fleet_id}


def _of_id(driver: Row, period: Period) -> dict[str, Any]:
    """What statements about a driver take of a period."""
    return {**queries.period(driver["fleet_id"], period.first, period.last), "id": driver["id"]}
