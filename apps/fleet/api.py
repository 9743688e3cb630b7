"""The API's endpoints about a whole fleet: key → named statements → pool → bytes."""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

import orjson
from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.answers import money
from apps.accounts.authentication import AuthenticatedRequest, Principal
from apps.accounts.paging import Page
from apps.accounts.periods import Period
from apps.fleet import cost_figures, figures, queries, schemas
from apps.fleet.figures import Costs, per
from apps.fleet.queries import TruckList
from apps.mysql import Row, fetch_all
from apps.trucks import freshness
from apps.trucks.freshness import Freshness
from apps.trucks.remembered import summaries

router = Router(tags=["Fleet"], by_alias=True)


def _where(fleet_id: int, period: Period) -> dict[str, Any]:
    return queries.period(fleet_id, period.first, period.last)


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
            "data": {"trucks": fresh.trucks, **with_money(current, who.currency)},
            "previous": {"period": period.previous().echo(), **with_money(before, who.currency)},
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
        **figures.of_period(totals, costs.total, costs.of_line("fuel").total, costs.estimated),
    }


def with_money(values: dict[str, Any], currency: str) -> dict[str, Any]:
    """The figures of a period with amounts as answers have them."""
    return {**values, **{name: money(values[name], currency) for name in ("fuel_cost", "total_cost", "cost_per_km")}}


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


@router.get("/fleet/cost-analysis", response=schemas.CostAnswer, summary="What the fleet cost")
async def cost_analysis(request: AuthenticatedRequest, asked: Query[schemas.TrucksOfPeriod]) -> HttpResponse:
    """Cost of a period (at most 400 days) by line, month and truck, with where the amounts come from."""
    currency, before = request.auth.currency, _before(request.auth, asked)

    async def body(totals: Row, rows: Sequence[Row], asked: Asked) -> dict[str, Any]:
        costs = Costs.of(await fetch_all(queries.FLEET_COSTS, asked.where))
        return {
            "data": {
                "by_line": [_cost_of_line(costs, line, totals, currency) for line in costs.lines],
                "by_month": await _by_month(asked.where, currency),
                "by_truck": _costs_of_trucks(rows, await asked.of_trucks(queries.COSTS_OF_TRUCKS), currency),
            },
            "summary": {
                **_cost_totals(costs, totals, currency),
                **await _beside_costs(costs, totals, asked.where, before, currency),
            },
        }

    return await _by_truck(request, asked, "cost", queries.DISTANCE_OF_TRUCKS, body)


def _before(who: Principal, asked: schemas.TrucksOfPeriod) -> Period:
    return asked.resolve(who.zone, dt.datetime.now(dt.UTC)).previous()


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


async def _beside_costs(
    costs: Costs, totals: Row, where: dict[str, Any], before: Period, currency: str
) -> dict[str, Any]:
    """Where the amounts come from, fuel bought and used, idling, the change against before, the benchmark."""
    where_before = _where(where["fleet"], before)
    costs_before = Costs.of(await fetch_all(queries.FLEET_COSTS, where_before))
    totals_before = (await fetch_all(queries.FLEET_TOTALS, where_before))[0]
    benchmark = await fetch_all(queries.BENCHMARK, {"fleet": where["fleet"], "to_day": where["to_day"]})
    return {
        "sources": cost_figures.sources(costs, currency),
        "unallocated": money(cost_figures.unallocated(costs), currency),
        "fuel": cost_figures.fuel(totals, currency),
        "idling": cost_figures.idling(totals, currency),
        "change": {
            "period": before.echo(),
            **cost_figures.change_by_line((costs_before, totals_before), (costs, totals), currency),
        },
        "benchmark": cost_figures.benchmark(benchmark, costs, totals["distance_m"], currency),
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


def _priced(amounts: Mapping[str, Decimal], distance_m: int | None, currency: str) -> dict[str, Any]:
    """Distance, amount, cost per km and lines of a truck or a month."""
    total = sum(amounts.values(), Decimal(0)) if amounts else None
    return {
        "distance_m": distance_m,
        "amount": money(total, currency),
        "cost_per_km": money(per(total, distance_m, 1000), currency),
        "lines": [{"line": line, "amount": money(amounts[line], currency)} for line in sorted(amounts)],
    }


async def _by_month(where: dict[str, Any], currency: str) -> list[dict[str, Any]]:
    costs = _grouped(await fetch_all(queries.FLEET_COSTS_BY_MONTH, where), "month")
    distances = await fetch_all(queries.FLEET_DISTANCE_BY_MONTH, where)
    return [
        {
            "month": f"{row['month']:%Y-%m}",
            **_priced(Costs.of(costs.get(row["month"], [])).by_line(), row["distance_m"], currency),
        }
        for row in distances
    ]


def _costs_of_trucks(trucks: Sequence[Row], costs: Sequence[Row], currency: str) -> list[dict[str, Any]]:
    amounts = {row["truck_id"]: orjson.loads(row["amounts"]) for row in costs}
    return [
        _of_truck(truck, _priced(_decimals(amounts.get(truck["truck_id"], {})), _distance(truck), currency))
        for truck in trucks
    ]


def _decimals(amounts: Mapping[str, str]) -> dict[str, Decimal]:
    return {line: Decimal(amount) for line, amount in amounts.items()}


def _distance(truck: Row) -> int | None:
    [distance_m] = orjson.loads(truck["figures"])
    return None if distance_m is None else int(distance_m)


def _grouped(rows: Sequence[Row], key: str) -> dict[Any, list[Row]]:
    """The rows by a column that they are sorted by."""
    return {value: list(group) for value, group in groupby(rows, key=lambda row: row[key])}
