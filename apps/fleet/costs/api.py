"""The API's endpoint about what the fleet, a group or a truck cost: by line, time, truck, group and driver."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.amounts import money
from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.changes import changes
from apps.accounts.paging import LAST_PAGE, Page
from apps.accounts.periods import Period
from apps.files.answers import Listing, OfTruck
from apps.files.columns import Told, shape
from apps.fleet import figures, queries
from apps.fleet.costs import columns as cost_columns
from apps.fleet.costs import figures as cost_figures
from apps.fleet.costs import purchases, schemas
from apps.fleet.costs.allocation import NO_TRUCK
from apps.fleet.drivers import cost_queries as driver_cost_queries
from apps.fleet.figures import Costs
from apps.fleet.models import CostLine, CostSource
from apps.fleet.rows import Rows
from apps.fleet.schemas import BucketDays
from apps.fleet.spans import named_buckets, quarter_of
from apps.fleet.sums import drivers as driver_sums
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums import trucks as truck_sums
from apps.fleet.sums.blocks import Costs as Amounts
from apps.fleet.sums.blocks import total
from apps.fleet.sums.fleet import NOTHING, Bucket, FleetSums
from apps.fleet.sums.trucks import Trucks
from apps.fleet.whose import Whose
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked, PagedList
from apps.trucks.remembered import facts

router = Router(tags=["Fleet"], by_alias=True)
_SUMMED = ("distance_m", "engine_on_s", "truck_days")
_NO_ROWS: dict[str, list[Any]] = {f"by_{by}": [] for by in ("truck", "group", "driver", "week", "day")}
SUMS = ("trucks", "distance_m", "engine_on_s")


@router.get("/fleet/cost-analysis", response=schemas.CostAnswer, summary="What the fleet cost")
async def cost_analysis(request: AuthenticatedRequest, asked: Query[schemas.CostPeriod]) -> HttpResponse:
    """Cost of a period (at most 400 days) by line, month, quarter and truck, group, driver, week or day, and what it
    comes from.

    Of the fleet, of the trucks that a group has now, or of one truck.
    """
    return await LIST.answer(request, asked, _body)


async def _body(asked: Asked[schemas.CostPeriod], fresh: Freshness) -> dict[str, Any]:
    whose, period, currency = Whose.of(asked, fresh), asked.period, asked.who.currency
    analysis = Analysis(whose, period, currency)
    sums, sums_before, unspread, outside, benchmark, (rows, page_echo) = await together(
        whose.sums(period),
        whose.sums(period.previous()),
        whose.unspread(period),
        fetch_all(purchases.OUTSIDE, analysis.purchases()),
        facts.rows(queries.BENCHMARK, {"fleet": asked.fleet_id, "to_day": period.last}, fresh.facts),
        analysis.by(asked.parameters.by, asked.page, fresh.trucks),
    )
    now_, before = Spent(sums.totals, sums.costs), Spent(sums_before.totals, sums_before.costs)
    current, earlier, tanks = now_.figures, before.figures, await analysis.tanks(now_.totals)
    return {
        "data": {**analysis.by_line(now_), **analysis.by_time(sums.by_month()), **_NO_ROWS, **rows},
        "summary": {**now_.shown(currency), **analysis.beside(now_, before, tanks, outside, benchmark)},
        "previous": {"period": period.previous().echo(), **before.shown(currency)},
        **changes(current, earlier),
        "page": page_echo,
        "period": period.echo(),
        "freshness": fresh.body(figures.coverage_pct(now_.totals)) | unspread,
    }


async def _page(asked: Asked[schemas.CostPeriod], fresh: Freshness) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    by, analysis = asked.parameters.by, Analysis(Whose.of(asked, fresh), asked.period, asked.who.currency)
    rows, page_echo = await analysis.by(by, asked.page, fresh.trucks)
    return rows[f"by_{by}"], page_echo


TOLD = {"lines": Told("line", tuple(CostLine.values)), "sources": Told("source", tuple(CostSource.values))}
LIST = PagedList(
    {
        "truck": Listing("Costs", shape(OfTruck, schemas.CostOfTruck, **TOLD)),
        "group": Listing("Costs by group", shape(schemas.CostOfGroup, **TOLD)),
        "driver": Listing("Costs by driver", shape(schemas.CostOfDriver, **TOLD)),
        "month": Listing("Costs by month", shape(schemas.CostOfMonth, **TOLD)),
        "week": Listing("Costs by week", shape(BucketDays, schemas.CostOfDays, **TOLD)),
        "day": Listing("Costs by day", shape(BucketDays, schemas.CostOfDays, **TOLD)),
    },
    _page,
)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a period cost, and the sums beside it."""

    totals: Row
    costs: Costs

    @property
    def figures(self) -> dict[str, Any]:
        return {
            "amount": self.costs.total,
            "estimated_pct": self.costs.estimated_pct,
            "distance_m": self.totals["distance_m"],
            **figures.ratios(self.costs.total, self.totals),
        }

    def shown(self, currency: str) -> dict[str, Any]:
        """With amounts as answers have them."""
        return {
            name: money(value, currency) if name == "amount" or name.startswith("cost_per") else value
            for name, value in self.figures.items()
        }


@dataclass(frozen=True, slots=True)
class Analysis:
    """The parts of an answer about a period."""

    whose: Whose
    period: Period
    currency: str

    def purchases(self) -> dict[str, Any]:
        """What the statement about purchases that may be of no day takes."""
        whose = self.whose
        return purchases.asked(whose.fleet_id, self.period, truck_id=whose.truck_id, group_id=whose.group_id)

    def by_line(self, spent: Spent) -> dict[str, Any]:
        return {"by_line": [self._line(line, spent) for line in spent.costs.lines]}

    def _line(self, line: str, spent: Spent) -> dict[str, Any]:
        own = spent.costs.of_line(line)
        amount = own.total or Decimal(0)
        return {
            "line": line,
            "amount": money(amount, self.currency),
            "share_pct": figures.share_pct(amount, spent.costs.total),
            **_ratios(amount, spent.totals, self.currency),
            "sources": cost_figures.sources(own, self.currency),
        }

    def by_time(self, months: Iterable[Bucket]) -> dict[str, Any]:
        """By month and by quarter, which is the sum of its months."""
        months = list(months)
        quarters = groupby(months, key=lambda month: quarter_of(month[0])[0])
        return {
            "by_month": [{"month": f"{day:%Y-%m}", **told(row, costs, self.currency)} for day, row, costs in months],
            "by_quarter": [
                {"quarter": f"{day.year}-Q{(day.month + 2) // 3}", **told(*_together(each), self.currency)}
                for day, each in quarters
            ],
        }

    async def by(self, by: str, page: Page, trucks: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """The trucks or drivers of a page, or all groups, months, weeks or days, and the answer's `page`."""
        where = self.whose.where(self.period)
        if by in ("week", "day"):
            return {f"by_{by}": await self._buckets(by)}, LAST_PAGE
        if by == "month":
            return self.by_time((await self.whose.sums(self.period)).by_month()), LAST_PAGE
        if by == "group":
            return {"by_group": await self._groups(where)}, LAST_PAGE
        if by == "driver":
            drivers, page_echo = await self._drivers(page, trucks)
            return {"by_driver": drivers}, page_echo
        names, after, limit = (*SUMS, *cost_figures.TANKS), page.after or "", page.limit + 1
        whose, beside = self.whose, [truck_sums.costs_beside(where)]
        found = await truck_sums.page(
            where,
            names,
            after,
            limit,
            facts=whose.facts,
            group_id=whose.group_id,
            beside=beside,
            truck_id=whose.truck_id,
        )
        listed, page_echo = page.cut_by(found.trucks, found.trucks.codes)
        costs = truck_sums.costs_in(found.beside[0], listed)
        table = {
            "truck_id": listed.codes,
            "name": listed.names,
            **cost_columns.told(listed.columns, costs, self.currency),
            "fuel_balance": _balances(listed),
        }
        return {"by_truck": Rows(table, len(listed))}, page_echo

    async def _buckets(self, by: str) -> list[dict[str, Any]]:
        return buckets(await self.whose.sums(self.period, by), by, self.period, self.currency)

    async def _drivers(self, page: Page, trucks: int) -> tuple[Sequence[dict[str, Any]], dict[str, Any]]:
        where, after = self.whose.where(self.period), page.after or ""
        if self.whose.truck_id is None and driver_sums.is_few(page.limit, trucks):
            return await self._few_drivers(page, {**where, "after": after, "limit": page.limit + 1})
        only = await self.whose.trucks()
        found = await driver_sums.every(where, self.whose.facts, driver_cost_queries.SUMS, only, after)
        listed, page_echo = page.cut_by(found[: page.limit + 1], found.codes)
        sums = {**listed.columns, "truck_days": listed.columns["days"]}
        costs = await driver_sums.costs_of(where, listed, only)
        table = {"driver_id": listed.codes, "name": listed.names, **cost_columns.told(sums, costs, self.currency)}
        return Rows(table, len(listed)), page_echo

    async def _few_drivers(self, page: Page, paged: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The same of a small part of the drivers, from their rows alone."""
        statements = driver_cost_queries.PAGE_OF["fleet" if self.whose.group_id is None else "group"]
        found, of_each = await together(fetch_all(statements.figures, paged), fetch_all(statements.costs, paged))
        rows, page_echo = page.cut(found, "code")
        costs = by_id(of_each)
        return [
            {
                "driver_id": row["code"],
                "name": row["name"],
                **told({**row, "truck_days": row["days"]}, costs.get(row["id"], Costs({})), self.currency),
            }
            for row in rows
        ], page_echo

    async def _groups(self, where: dict[str, Any]) -> list[dict[str, Any]]:
        groups, sums, costs = await together(
            fetch_all(sum_queries.GROUPS, where), truck_sums.sums(where, SUMS), truck_sums.costs(where)
        )
        return [
            {"group": name, "trucks": number, **told(sums, costs, self.currency)}
            for name, number, sums, costs in groups_spent(sums, costs, groups)
        ]

    async def tanks(self, totals: Row) -> Row:
        """What the balance of the tanks is of: trucks are read one by one only where some of them may be left out."""
        if self.whose.truck_id is not None or cost_figures.are_of_all(totals):
            return totals
        where = self.whose.where(self.period)
        return cost_figures.tanks_together(await truck_sums.columns(where, cost_figures.TANKS, self.whose.group_id))

    def beside(
        self, now: Spent, before: Spent, tanks: Row, outside: Sequence[Row], benchmark: Sequence[Row]
    ) -> dict[str, Any]:
        """Where the amounts come from, fuel bought and used, idling, the change against before, the benchmark."""
        change = cost_figures.change_by_line((before.costs, before.totals), (now.costs, now.totals), self.currency)
        distance_m = now.totals["distance_m"]
        return {
            "sources": cost_figures.sources(now.costs, self.currency),
            "unallocated": money(cost_figures.unallocated(now.costs) if self.whose.is_fleet else None, self.currency),
            "fuel": {
                **cost_figures.fuel(now.totals, tanks, self.currency),
                "without_day": purchases.without_day(outside, self.period.zone),
            },
            "idling": cost_figures.idling(now.totals, self.currency),
            "change": {"period": self.period.previous().echo(), **change},
            "benchmark": cost_figures.benchmark(benchmark, now.costs, distance_m, self.currency),
        }


def _ratios(amount: Decimal | None, sums: Row, currency: str) -> dict[str, Any]:
    return {name: money(value, currency) for name, value in figures.ratios(amount, sums).items()}


def told(sums: Row, costs: Costs, currency: str) -> dict[str, Any]:
    """What a truck, group, driver, month or quarter cost, and what it did."""
    by_line, amount = costs.by_line(), costs.total
    return {
        **{name: _whole(sums[name]) for name in _SUMMED},
        "amount": money(amount, currency),
        **_ratios(amount, sums, currency),
        "lines": [{"line": line, "amount": money(by_line[line], currency)} for line in sorted(by_line)],
        "sources": cost_figures.sources(costs, currency),
    }


def buckets(sums: FleetSums, by: str, period: Period, currency: str) -> list[dict[str, Any]]:
    """Every month, week or day that the period touches, with the days of it that lie in the period."""
    found = {first: (totals, costs) for first, totals, costs in sums.by(by)}
    return [
        {**days, **told(*found.get(first, (NOTHING, Costs({}))), currency)}
        for first, days in named_buckets(by, period.first, period.last)
    ]


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _together(months: Iterable[Bucket]) -> tuple[Row, Costs]:
    """The sums and costs of several months."""
    each = list(months)
    return total((row for _, row, _ in each), _SUMMED), Costs.together(costs.amounts for _, _, costs in each)


def _balances(trucks: Trucks) -> list[dict[str, Any] | None]:
    """Of each truck; few have days on which all of it is measured."""
    known = [place for place, days in enumerate(trucks.columns["balance_days"].tolist()) if days > 0]
    found = dict(zip(known, map(cost_figures.balance, trucks.at(known).rows()), strict=True))
    return [found.get(place) for place in range(len(trucks))]


def groups_spent(
    sums: truck_sums.Sums, costs: Mapping[int, Amounts], groups: Sequence[Row]
) -> list[tuple[str | None, int, Row, Costs]]:
    """Name, number of trucks, sums and costs of each group, by name; trucks of no group come last, without name.

    Without what no truck bears; of trucks without days only the costs.
    """
    bearing = costs.keys() - {NO_TRUCK}
    costs_of = {group_id: trucks for group_id, _, trucks in truck_sums.grouped(bearing, groups)}
    return [
        (
            name,
            len(trucks),
            total((sums[truck] for truck in trucks), truck_sums.names_of(SUMS)),
            Costs.together(costs[truck] for truck in costs_of.get(group_id, [])),
        )
        for group_id, name, trucks in truck_sums.grouped(sums, groups)
    ]


def by_id(rows: Iterable[Row]) -> dict[int, Costs]:
    """The costs of each from its rows by line and source."""
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["id"], []).append(row)
    return {key: Costs.of(each) for key, each in found.items()}
