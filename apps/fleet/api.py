"""The API's endpoints about a whole fleet: key → named statements → pool → bytes."""

import datetime as dt
from typing import Any

from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.answers import money
from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.periods import Period
from apps.fleet import figures, queries, schemas
from apps.fleet.whose import Whose, group_asked, state_of
from apps.mysql import Row
from apps.trucks import freshness
from apps.trucks.freshness import Freshness
from apps.trucks.remembered import summaries

router = Router(tags=["Fleet"], by_alias=True)
_MONEY = ("fuel_cost", "total_cost", "cost_per_km", "cost_per_engine_hour", "cost_per_truck_day")


def _where(fleet_id: int, period: Period) -> dict[str, Any]:
    return queries.period(fleet_id, period.first, period.last)


async def _totals(where: dict[str, Any], revision: int) -> Row:
    return (await summaries.rows(queries.FLEET_TOTALS, where, revision))[0]


# --- summary --------------------------------------------------------------------------------------------------------


@router.get("/fleet/summary", response=schemas.SummaryAnswer, summary="The fleet's figures, with the period before")
async def summary(request: AuthenticatedRequest, asked: Query[schemas.FleetPeriod]) -> HttpResponse:
    """Cost, use, distance and fuel of a period (at most 400 days), and their change against the period before.

    Of the fleet, or of the trucks that a group has now.
    """
    now, who = dt.datetime.now(dt.UTC), request.auth
    period = asked.resolve(who.zone, now)
    group = await group_asked(who.fleet_id, asked.group)

    async def build(fresh: Freshness) -> dict[str, Any]:
        whose = Whose(who.fleet_id, group, fresh.revision)
        totals, current = await _summary_figures(whose, period)
        _, before = await _summary_figures(whose, period.previous())
        return {
            "data": {"trucks": fresh.trucks, **with_money(current, who.currency)},
            "previous": {"period": period.previous().echo(), **with_money(before, who.currency)},
            "change_pct": figures.change_pct(current, before),
            "period": period.echo(),
            "freshness": fresh.body(figures.coverage_pct(totals)),
        }

    return await freshness.answer(request, lambda: state_of(who.fleet_id, group, now), build, period)


async def _summary_figures(whose: Whose, period: Period) -> tuple[Row, dict[str, Any]]:
    """The totals, and the figures of the summary; money as plain decimals."""
    totals, costs = await whose.totals(period), await whose.costs(period)
    used = await whose.trucks_used(period)
    return totals, {
        "active_trucks": used if totals["truck_days"] else None,
        **figures.of_period(totals, costs.total, costs.of_line("fuel").total, costs.estimated),
    }


def with_money(values: dict[str, Any], currency: str) -> dict[str, Any]:
    """The figures of a period with amounts as answers have them."""
    return {**values, **{name: money(values[name], currency) for name in _MONEY}}
