"""The API's endpoint about a fleet's fuel: consumption against baseline and peers, idling, refuels, drains."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.changes import change_pct
from apps.accounts.paging import Page
from apps.accounts.periods import Period
from apps.files.answers import Listing, OfTruck
from apps.files.columns import shape
from apps.fleet.figures import coverage_pct
from apps.fleet.fuel import queries as fuel_queries
from apps.fleet.fuel import schemas
from apps.fleet.fuel.figures import burn, figures, shown
from apps.fleet.fuel.report import Report, baseline_of
from apps.fleet.rows import Rows
from apps.fleet.sums import trucks as truck_sums
from apps.fleet.whose import Whose
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked, PagedList

router = Router(tags=["Fleet"], by_alias=True)


@router.get("/fleet/fuel", response=schemas.FuelAnswer, summary="Fuel, and which trucks use more than they did")
async def fuel(request: AuthenticatedRequest, asked: Query[schemas.FuelSearch]) -> HttpResponse:
    """Consumption of a period (at most 400 days) against each truck's baseline and peers; idling, refuels, drains.

    Of the fleet, or of the trucks that a group has now.
    """
    return await LIST.answer(request, asked, _body)


async def _body(asked: Asked[schemas.FuelSearch], fresh: Freshness) -> dict[str, Any]:
    whose, period, currency = Whose.of(asked, fresh), asked.period, asked.who.currency
    where = whose.where(period)
    report, alerts, *sums = await together(
        Report.read(asked.fleet_id, currency, period, fresh.facts),
        fetch_all(fuel_queries.ALERT_COUNTS, where),
        *(_totals(whose, each) for each in (period, period.previous(), baseline_of(period))),
    )
    totals, before, baseline = sums
    current, earlier = figures(totals), figures(before)
    rows, page_echo = await _trucks(report, where, asked.parameters.sort, asked.page)
    return {
        "data": rows,
        "summary": {
            **shown(current, currency),
            **report.summary(burn(totals), burn(baseline), asked.group_id),
            "alerts": _by_state(alerts),
        },
        "previous": {"period": period.previous().echo(), **shown(earlier, currency)},
        "change_pct": change_pct(current, earlier),
        "page": page_echo,
        "period": period.echo(),
        "freshness": fresh.body(coverage_pct(totals)),
    }


async def _totals(whose: Whose, period: Period) -> Row:
    if whose.group_id is None:
        return (await whose.sums(period)).totals
    every = await truck_sums.every(
        whose.where(period), fuel_queries.FIGURES, facts=whose.facts, group_id=whose.group_id
    )
    return every.totals()


async def _trucks(report: Report, where: dict[str, Any], sort: str, page: Page) -> tuple[Rows, dict[str, Any]]:
    trucks, page_echo = report.page(sort, where["id"], page)
    alerts = await _alerts(where, [truck.id for truck in trucks])
    return report.items(trucks, alerts), page_echo


async def _page(asked: Asked[schemas.FuelSearch], fresh: Freshness) -> tuple[Rows, dict[str, Any]]:
    report = await Report.read(asked.fleet_id, asked.who.currency, asked.period, fresh.facts)
    return await _trucks(report, Whose.of(asked, fresh).where(asked.period), asked.parameters.sort, asked.page)


LIST = PagedList.of(Listing("Fuel", shape(OfTruck, schemas.FuelOfTruck)), _page)


async def _alerts(where: dict[str, Any], trucks: Sequence[int]) -> dict[int, list[Row]]:
    """The alerts of these trucks, by truck and week."""
    found: dict[int, list[Row]] = {}
    for row in await fetch_all(fuel_queries.ALERTS, {**where, "trucks": ",".join(map(str, trucks))}):
        found.setdefault(row["id"], []).append(row)
    return found


def _by_state(rows: Sequence[Row]) -> dict[str, int]:
    counts = {row["state"]: row["alerts"] for row in rows}
    return {state: counts.get(state, 0) for state in ("open", "acknowledged", "dismissed")}
