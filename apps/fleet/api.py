"""The API's endpoints about a whole fleet: key → named statements → pool → bytes."""

from dataclasses import dataclass
from typing import Any, Self

from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.amounts import money
from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.changes import changes
from apps.accounts.paging import LAST_PAGE
from apps.accounts.periods import Period
from apps.files.answers import Listing
from apps.files.columns import Told, shape
from apps.fleet import figures, schemas
from apps.fleet.costs import figures as cost_figures
from apps.fleet.figures import Costs
from apps.fleet.models import CostSource
from apps.fleet.whose import Whose
from apps.merging import together
from apps.mysql import Row
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked, PagedList

router = Router(tags=["Fleet"], by_alias=True)
_MONEY = ("fuel_cost", "total_cost", "cost_per_km", "cost_per_engine_hour", "cost_per_truck_day")


@router.get("/fleet/summary", response=schemas.SummaryAnswer, summary="The fleet's figures, with the period before")
async def summary(request: AuthenticatedRequest, asked: Query[schemas.FleetPeriod]) -> HttpResponse:
    """Cost, use, distance and fuel of a period (at most 400 days), and their change against the period before.

    Of the fleet, or of the trucks that a group has now. As a file two rows: the period, and the one before.
    """
    return await LIST.answer(request, asked, _body)


async def _body(asked: Asked[schemas.FleetPeriod], fresh: Freshness) -> dict[str, Any]:
    whose, period, currency = Whose.of(asked, fresh), asked.period, asked.who.currency
    current, before, unspread = await together(
        _Summary.read(whose, period), _Summary.read(whose, period.previous()), whose.unspread(period)
    )
    return {
        "data": {"trucks": fresh.trucks, **current.shown(currency)},
        "previous": {"period": period.previous().echo(), **before.shown(currency)},
        **changes(current.figures, before.figures),
        "period": period.echo(),
        "freshness": fresh.body(figures.coverage_pct(current.totals)) | unspread,
    }


@dataclass(frozen=True, slots=True)
class _Summary:
    """The sums and costs of a period, and how many trucks were used in it."""

    totals: Row
    costs: Costs
    trucks_used: int

    @classmethod
    async def read(cls, whose: Whose, period: Period) -> Self:
        sums = await whose.sums(period)
        return cls(sums.totals, sums.costs, sums.trucks_used)

    @property
    def figures(self) -> dict[str, Any]:
        """Money as plain decimals."""
        costs = self.costs
        return {
            "active_trucks": self.trucks_used if self.totals["truck_days"] else None,
            **figures.of_period(self.totals, costs.total, costs.of_line("fuel").total, costs.estimated),
        }

    def shown(self, currency: str) -> dict[str, Any]:
        """With amounts as answers have them, and what the cost comes from."""
        return {**with_money(self.figures, currency), "cost_sources": cost_figures.sources(self.costs, currency)}


async def _rows(asked: Asked[schemas.FleetPeriod], fresh: Freshness) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The period and the one before."""
    whose = Whose.of(asked, fresh)
    return [
        {**each.echo(), **(await _Summary.read(whose, each)).shown(asked.who.currency)}
        for each in (asked.period, asked.period.previous())
    ], LAST_PAGE


_SOURCES = Told("source", tuple(CostSource.values))
LIST = PagedList.of(
    Listing("Summary", shape(schemas.SummaryDays, schemas.SummaryFigures, cost_sources=_SOURCES)), _rows
)


def with_money(values: dict[str, Any], currency: str) -> dict[str, Any]:
    """The figures of a period with amounts as answers have them."""
    return {**values, **{name: money(values[name], currency) for name in _MONEY}}
