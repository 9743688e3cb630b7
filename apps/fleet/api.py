"""The API's endpoints about a whole fleet: key → named statements → pool → bytes."""

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.answers import money
from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.paging import Page
from apps.accounts.periods import Period
from apps.fleet import figures, queries, schemas
from apps.fleet.queries import TruckList
from apps.fleet.whose import Whose, group_asked, state_of
from apps.mysql import Row, fetch_all
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


# --- truck by truck -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """What the statements take of a period and a page, and how many active trucks the fleet has."""

    where: dict[str, Any]
    limit: int
    trucks: int

    def of_trucks(self, statements: TruckList) -> Awaitable[list[Row]]:
        return fetch_all(statements.statement(self.limit, self.trucks), self.where)


Body = Callable[[Row, Sequence[Row], Asked], Awaitable[dict[str, Any]]]


async def _by_truck(
    request: AuthenticatedRequest, asked: schemas.TrucksOfPeriod, name: str, sums: TruckList, body: Body
) -> HttpResponse:
    """An answer about the fleet's totals and these sums of a page of trucks; `body` makes `data` and `summary`."""
    now, who = dt.datetime.now(dt.UTC), request.auth
    period = asked.resolve(who.zone, now)
    page = Page.of(asked, name, who.fleet_id, period)

    async def build(fresh: Freshness) -> dict[str, Any]:
        totals = await _totals(_where(who.fleet_id, period), fresh.revision)
        where = {**_where(who.fleet_id, period), "after": page.after or "", "limit": page.limit + 1}
        on_page = Asked(where, page.limit, fresh.trucks)
        rows, page_echo = page.cut(await on_page.of_trucks(sums), "truck_id")
        return {
            **await body(totals, rows, on_page),
            "page": page_echo,
            "period": period.echo(),
            "freshness": fresh.body(figures.coverage_pct(totals)),
        }

    return await freshness.answer(request, lambda: freshness.state_of_fleet(who.fleet_id, now), build, period)


def _unpacked(row: Row, names: Sequence[str]) -> Row:
    return dict(zip(names, orjson.loads(row["figures"]), strict=True))


def _of_truck(row: Row, values: dict[str, Any]) -> dict[str, Any]:
    return {"truck_id": row["truck_id"], "name": row["name"], **values}


@router.get("/fleet/driver-behavior", response=schemas.BehaviorAnswer, summary="Speeding and the safety score")
async def driver_behavior(request: AuthenticatedRequest, asked: Query[schemas.TrucksOfPeriod]) -> HttpResponse:
    """Trips, distance, speeding and the safety score of a period (at most 400 days), for the fleet and by truck."""

    async def body(totals: Row, rows: Sequence[Row], asked: Asked) -> dict[str, Any]:
        return {"data": [_behavior_of_truck(row) for row in rows], "summary": figures.behavior(totals)}

    return await _by_truck(request, asked, "behavior", queries.BEHAVIOR_OF_TRUCKS, body)


def _behavior_of_truck(row: Row) -> dict[str, Any]:
    sums = _unpacked(row, queries.BEHAVIOR_SUMS)
    return _of_truck(row, {**figures.behavior(sums), "max_speed_kmh": sums["max_speed_kmh"]})
