"""The API's endpoints about a whole fleet: key → named statements → pool → bytes."""

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.answers import money
from apps.accounts.authentication import AuthenticatedRequest, Principal
from apps.accounts.paging import Page
from apps.accounts.periods import Period
from apps.fleet import figures, queries, schemas
from apps.fleet.figures import Costs, per
from apps.mysql import Row, fetch_all
from apps.trucks import freshness
from apps.trucks.api import parameters_in_force
from apps.trucks.freshness import Freshness
from apps.trucks.remembered import summaries

router = Router(tags=["Fleet"], by_alias=True)
_STATES = (
    "truck_days",
    "truck_days_used",
    "length_s",
    "moving_s",
    "idle_s",
    "idle_productive_s",
    "parked_s",
    "no_data_s",
    "engine_on_s",
)
_SUMMED = (
    "truck_days",
    "truck_days_used",
    "distance_m",
    "moving_s",
    "idle_s",
    "engine_on_s",
    "fuel_used_l",
    "idle_fuel_l",
)


def _where(fleet_id: int, period: Period) -> dict[str, Any]:
    return {"fleet": fleet_id, "from_day": period.first, "to_day": period.last}


async def _totals(where: dict[str, Any], revision: int) -> Row:
    return (await summaries.rows(queries.FLEET_TOTALS, where, revision))[0]


# --- summary --------------------------------------------------------------------------------------------------------


@router.get("/fleet/summary", response=schemas.SummaryAnswer, summary="The fleet's figures, with the period before")
async def summary(request: AuthenticatedRequest, asked: Query[schemas.FleetPeriod]) -> HttpResponse:
    """Cost, use, distance and fuel of a period (at most 400 days), and their change against the period before."""
    now, who = dt.datetime.now(dt.UTC), request.auth
    period = asked.resolve(who.zone, now)

    async def build(fresh: Freshness) -> dict[str, Any]:
        totals, current = await _summary_figures(who, period, fresh.revision)
        _, before = await _summary_figures(who, period.previous(), fresh.revision)
        return {
            "data": {"trucks": fresh.trucks, **_with_money(current, who)},
            "previous": {"period": period.previous().echo(), **_with_money(before, who)},
            "change_pct": figures.change_pct(current, before),
            "period": period.echo(),
            "freshness": fresh.body(figures.coverage_pct(totals)),
        }

    return await freshness.answer(request, lambda: freshness.state_of_fleet(who.fleet_id, now), build, period)


async def _summary_figures(who: Principal, period: Period, revision: int) -> tuple[Row, dict[str, Any]]:
    """The fleet's totals, and the figures of the summary; money as plain decimals."""
    where = _where(who.fleet_id, period)
    totals = await _totals(where, revision)
    used = (await summaries.rows(queries.TRUCKS_USED, where, revision))[0]["trucks_used"]
    costs = Costs.of(await summaries.rows(queries.FLEET_COSTS, where, revision))
    return totals, {
        "active_trucks": used if totals["days"] else None,
        **{name: totals[name] for name in _SUMMED},
        **figures.utilizations(totals),
        "consumption_l_per_100km": figures.consumption(totals),
        "fuel_cost": costs.of_line("fuel").total,
        "total_cost": costs.total,
        "estimated_cost_pct": costs.estimated_pct,
        "cost_per_km": per(costs.total, totals["distance_m"], 1000),
    }


def _with_money(values: dict[str, Any], who: Principal) -> dict[str, Any]:
    amounts = {name: money(values[name], who.currency) for name in ("fuel_cost", "total_cost", "cost_per_km")}
    return {**values, **amounts}


# --- truck by truck -------------------------------------------------------------------------------------------------

Body = Callable[[Row, Sequence[Row], dict[str, Any]], Awaitable[dict[str, Any]]]


async def _by_truck(
    request: AuthenticatedRequest, asked: schemas.TrucksOfPeriod, name: str, body: Body
) -> HttpResponse:
    """An answer about the fleet's totals and a page of trucks; `body` makes `data` and `summary` of them."""
    now, who = dt.datetime.now(dt.UTC), request.auth
    period = asked.resolve(who.zone, now)
    page = Page.of(asked, name, who.fleet_id, period)

    async def build(fresh: Freshness) -> dict[str, Any]:
        where = _where(who.fleet_id, period)
        totals = await _totals(where, fresh.revision)
        on_page = {**where, "after": page.after or "", "limit": page.limit}
        found = await fetch_all(queries.TRUCK_TOTALS_PAGE, {**on_page, "limit": page.limit + 1})
        rows, page_echo = page.cut(found, "truck_id")
        return {
            **await body(totals, rows, on_page),
            "page": page_echo,
            "period": period.echo(),
            "freshness": fresh.body(figures.coverage_pct(totals)),
        }

    return await freshness.answer(request, lambda: freshness.state_of_fleet(who.fleet_id, now), build, period)


@router.get("/fleet/utilization", response=schemas.UtilizationAnswer, summary="How the trucks' time was used")
async def utilization(request: AuthenticatedRequest, asked: Query[schemas.TrucksOfPeriod]) -> HttpResponse:
    """The states of a period (at most 400 days) and the utilizations of fleet and trucks, beside the targets."""

    async def body(totals: Row, rows: Sequence[Row], where: dict[str, Any]) -> dict[str, Any]:
        in_force = await parameters_in_force(request.auth.fleet_id, None, where["to_day"])
        targets = {name: in_force[name] for name in ("target_utilization_pct", "target_idle_pct")}
        return {
            "data": [{"truck_id": row["truck_id"], "name": row["name"], **_states(row)} for row in rows],
            "summary": {**_states(totals), "targets": targets},
        }

    return await _by_truck(request, asked, "utilization", body)


def _states(row: Row) -> dict[str, Any]:
    return {**{name: row[name] for name in _STATES}, **figures.utilizations(row)}


@router.get("/fleet/driver-behavior", response=schemas.BehaviorAnswer, summary="Speeding and the safety score")
async def driver_behavior(request: AuthenticatedRequest, asked: Query[schemas.TrucksOfPeriod]) -> HttpResponse:
    """Trips, distance, speeding and the safety score of a period (at most 400 days), for the fleet and by truck."""

    async def body(totals: Row, rows: Sequence[Row], where: dict[str, Any]) -> dict[str, Any]:
        return {"data": [_behavior_of_truck(row) for row in rows], "summary": figures.behavior(totals)}

    return await _by_truck(request, asked, "behavior", body)


def _behavior_of_truck(row: Row) -> dict[str, Any]:
    identity = {"truck_id": row["truck_id"], "name": row["name"]}
    return {**identity, **figures.behavior(row), "max_speed_kmh": row["max_speed_kmh"]}


@router.get("/fleet/cost-analysis", response=schemas.CostAnswer, summary="What the fleet cost")
async def cost_analysis(request: AuthenticatedRequest, asked: Query[schemas.TrucksOfPeriod]) -> HttpResponse:
    """Cost of a period (at most 400 days) by line, month and truck, with where the amounts come from."""
    currency = request.auth.currency

    async def body(totals: Row, rows: Sequence[Row], where: dict[str, Any]) -> dict[str, Any]:
        costs = Costs.of(await fetch_all(queries.FLEET_COSTS, where))
        return {
            "data": {
                "by_line": [_cost_of_line(costs, line, totals, currency) for line in costs.lines],
                "by_month": await _by_month(where, currency),
                "by_truck": await _costs_of_trucks(rows, where, currency),
            },
            "summary": _cost_totals(costs, totals, currency),
        }

    return await _by_truck(request, asked, "cost", body)


def _cost_totals(costs: Costs, totals: Row, currency: str) -> dict[str, Any]:
    engine_on_s = totals["engine_on_s"]
    return {
        "amount": money(costs.total, currency),
        "estimated_pct": costs.estimated_pct,
        "distance_m": totals["distance_m"],
        "cost_per_km": money(per(costs.total, totals["distance_m"], 1000), currency),
        "cost_per_engine_hour": money(per(costs.total, engine_on_s, 3600), currency),
        "cost_per_truck_day": money(per(costs.total, totals["truck_days"]), currency),
    }


def _cost_of_line(costs: Costs, line: str, totals: Row, currency: str) -> dict[str, Any]:
    own = costs.of_line(line)
    amount = own.total or Decimal(0)
    return {
        "line": line,
        "amount": money(amount, currency),
        "share_pct": figures.share_pct(amount, costs.total),
        "cost_per_km": money(per(amount, totals["distance_m"], 1000), currency),
        "sources": [
            {"source": source, "amount": money(part, currency), "share_pct": figures.share_pct(part, amount)}
            for source, part in own.by_source().items()
        ],
    }


def _priced(rows: Sequence[Row], distance_m: int | None, currency: str) -> dict[str, Any]:
    """Distance, amount, cost per km and lines of a truck or a month."""
    costs = Costs.of(rows)
    return {
        "distance_m": distance_m,
        "amount": money(costs.total, currency),
        "cost_per_km": money(per(costs.total, distance_m, 1000), currency),
        "lines": [{"line": line, "amount": money(costs.of_line(line).total, currency)} for line in costs.lines],
    }


async def _by_month(where: dict[str, Any], currency: str) -> list[dict[str, Any]]:
    costs = _grouped(await fetch_all(queries.FLEET_COSTS_BY_MONTH, where), "month")
    distances = await fetch_all(queries.FLEET_DISTANCE_BY_MONTH, where)
    return [
        {
            "month": f"{row['month']:%Y-%m}",
            **_priced(costs.get(row["month"], []), row["distance_m"], currency),
        }
        for row in distances
    ]


async def _costs_of_trucks(trucks: Sequence[Row], where: dict[str, Any], currency: str) -> list[dict[str, Any]]:
    costs = _grouped(await fetch_all(queries.TRUCK_COSTS_PAGE, where), "truck_id")
    return [
        {
            "truck_id": truck["truck_id"],
            "name": truck["name"],
            **_priced(costs.get(truck["truck_id"], []), truck["distance_m"], currency),
        }
        for truck in trucks
    ]


def _grouped(rows: Sequence[Row], key: str) -> dict[Any, list[Row]]:
    """The rows by a column that they are sorted by."""
    return {value: list(group) for value, group in groupby(rows, key=lambda row: row[key])}
