"""The API's endpoint about a fleet's fuel: consumption against baseline and peers, idling, refuels, drains."""

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.authentication import AuthenticatedRequest, Principal
from apps.accounts.changes import change_pct
from apps.accounts.paging import Page
from apps.accounts.periods import Period
from apps.files.answers import Listing, OfTruck, file_asked
from apps.files.columns import shape
from apps.fleet import queries
from apps.fleet.figures import coverage_pct
from apps.fleet.fuel import queries as fuel_queries
from apps.fleet.fuel import schemas
from apps.fleet.fuel.figures import burn, figures, shown
from apps.fleet.fuel.report import Report, baseline_of
from apps.fleet.whose import Whose, group_asked
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks import freshness
from apps.trucks.freshness import Freshness
from apps.trucks.paged_exports import PagedList

router = Router(tags=["Fleet"], by_alias=True)


@router.get("/fleet/fuel", response=schemas.FuelAnswer, summary="Fuel, and which trucks use more than they did")
async def fuel(request: AuthenticatedRequest, asked: Query[schemas.FuelSearch]) -> HttpResponse:
    """Consumption of a period (at most 400 days) against each truck's baseline and peers; idling, refuels, drains."""
    if form := file_asked(request, asked):
        return await FILE.file(request, asked, asked, form)
    who = request.auth
    period = asked.resolve(who.zone, dt.datetime.now(dt.UTC))
    page = Page.of(asked, "fuel", who.fleet_id, period)
    group = await group_asked(who.fleet_id, asked.group)

    async def build(fresh: Freshness) -> dict[str, Any]:
        whose, where = (
            Whose(who.fleet_id, None, fresh.revision),
            queries.period(who.fleet_id, period.first, period.last),
        )
        report, alerts, *sums = await together(
            Report.read(who.fleet_id, who.currency, period),
            _alert_counts(where),
            *(whose.sums(each) for each in (period, period.previous(), baseline_of(period))),
        )
        totals, before, baseline = [each.totals for each in sums]
        current, earlier = figures(totals), figures(before)
        rows, page_echo = await _trucks(report, where, asked.sort, group, page)
        return {
            "data": rows,
            "summary": {
                **shown(current, who.currency),
                **report.summary(burn(totals), burn(baseline)),
                "alerts": alerts,
            },
            "previous": {"period": period.previous().echo(), **shown(earlier, who.currency)},
            "change_pct": change_pct(current, earlier),
            "page": page_echo,
            "period": period.echo(),
            "freshness": fresh.body(coverage_pct(totals)),
        }

    return await freshness.answer(request, partial(freshness.state_of_fleet, who.fleet_id), build, period, group)


async def _trucks(
    report: Report, where: dict[str, Any], sort: str, group: int | None, page: Page
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    trucks, page_echo = report.page(sort, group, page)
    alerts = await _alerts(where, [truck.id for truck in trucks])
    return [report.item(truck, alerts.get(truck.id, ())) for truck in trucks], page_echo


async def _page(
    who: Principal, period: Period, fresh: Freshness, asked: schemas.FuelSearch, page: Page
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    group = await group_asked(who.fleet_id, asked.group)
    report = await Report.read(who.fleet_id, who.currency, period)
    return await _trucks(report, queries.period(who.fleet_id, period.first, period.last), asked.sort, group, page)


FILE = PagedList.of(Listing("Fuel", shape(OfTruck, schemas.FuelOfTruck)), _page)


async def _alerts(where: dict[str, Any], trucks: Sequence[int]) -> dict[int, list[Row]]:
    """The alerts of these trucks, by truck and week."""
    found: dict[int, list[Row]] = {}
    for row in await fetch_all(fuel_queries.ALERTS, {**where, "trucks": ",".join(map(str, trucks))}):
        found.setdefault(row["id"], []).append(row)
    return found


async def _alert_counts(where: dict[str, Any]) -> dict[str, int]:
    counts = {row["state"]: row["alerts"] for row in await fetch_all(fuel_queries.ALERT_COUNTS, where)}
    return {state: counts.get(state, 0) for state in ("open", "acknowledged", "dismissed")}
