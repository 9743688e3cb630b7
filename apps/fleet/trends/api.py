"""The API's endpoint about how figures change: by day, week, month or quarter, for the fleet, a group or a truck."""

from typing import Any, Literal, get_args

from django.http import HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field, create_model

from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.changes import changes, is_points
from apps.accounts.paging import LAST_PAGE
from apps.accounts.parameters import DayPeriod
from apps.accounts.periods import Period
from apps.accounts.schemas import HARSH_DISTANCE_M, PeriodEcho, described
from apps.files.answers import Exportable, Listing
from apps.files.columns import shape
from apps.fleet import figures
from apps.fleet.api import with_money
from apps.fleet.drivers.safety import Weights
from apps.fleet.figures import Costs
from apps.fleet.schemas import BucketDays, CostFreshness, OfTruckOrGroup, PeriodChange, PeriodFigures, PeriodPoints
from apps.fleet.spans import named_buckets
from apps.fleet.sums.fleet import NOTHING, FleetSums
from apps.fleet.whose import Whose
from apps.merging import together
from apps.mysql import Row
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked, PagedList

router = Router(tags=["Fleet"], by_alias=True)
By = Literal["day", "week", "month", "quarter"]


class TrendPeriod(DayPeriod, OfTruckOrGroup, Exportable):
    by: By = Field("day", description="What a point is: a day, a week from Monday on, a calendar month or quarter.")


class Happened(BaseModel):
    """What happened, and how it was driven; null: not measured."""

    parked_s: int | None = described("Seconds parked.", 3_201_000)
    no_data_s: int | None = described("Seconds of which nothing is known.", 86_000)
    coverage_pct: float | None = described("Share of the time of which something is known, in per cent.", 98.2)
    night_driving_s: int | None = described("Seconds moving at night.", 216_000)
    night_driving_pct: float | None = described("Part of the moving time, in per cent.", 14.3)
    trips: int | None = described("Trips that started.", 410)
    stops: int | None = described("Stops that started.", 412)
    idle_events: int | None = described("Idle events.", 380)
    speeding_minor: int | None = described("Minor speeding episodes.", 31)
    speeding_moderate: int | None = described("Moderate ones.", 8)
    speeding_severe: int | None = described("Severe ones.", 1)
    speeding_s: int | None = described("Seconds over the limit.", 4_100)
    harsh_braking: int | None = described("Harsh braking.", 12)
    harsh_acceleration: int | None = described("Harsh acceleration.", 4)
    harsh_cornering: int | None = described("Harsh cornering.", None)
    harsh_distance_m: int | None = described(HARSH_DISTANCE_M, 31_200_000)
    safety_score: float | None = described("That of the sums; null under 80 km.", 99.1)
    refuels: int | None = described("Refuels.", 42)
    refuel_l: float | None = described("Litres refuelled, by the level.", 10_890.5)
    drains: int | None = described("Drains, but for those that were dismissed.", 1)
    drain_l: float | None = described("Litres drained.", 60.0)
    faults_opened: int | None = described("Faults that opened.", 3)


class TrendFigures(PeriodFigures, Happened):
    pass


class TrendPoint(TrendFigures, BucketDays):
    pass


class TrendBefore(TrendFigures):
    period: PeriodEcho


_CHANGES: dict[str, Any] = {
    name: (float | None, described(f"Change of `{name}`.", 1.5)) for name in Happened.model_fields
}
TrendChange = create_model(
    "TrendChange", __base__=PeriodChange, **{name: of for name, of in _CHANGES.items() if not is_points(name)}
)
TrendPoints = create_model(
    "TrendPoints", __base__=PeriodPoints, **{name: of for name, of in _CHANGES.items() if is_points(name)}
)


class TrendAnswer(BaseModel):
    data: list[TrendPoint] = Field(description="Every day, week, month or quarter that the period touches, in order.")
    summary: TrendFigures = Field(description="The same figures of the whole period.")
    previous: TrendBefore = Field(description="And of the period of equal length before.")
    change_pct: TrendChange  # type: ignore[valid-type]
    change_points: TrendPoints  # type: ignore[valid-type]
    period: PeriodEcho
    freshness: CostFreshness


@router.get("/fleet/trends", response=TrendAnswer, summary="Figures by day, week, month or quarter")
async def trends(request: AuthenticatedRequest, asked: Query[TrendPeriod]) -> HttpResponse:
    """The figures of the days by day, week, month or quarter (at most 400 days), of the fleet, a group or a truck.

    A week, month or quarter that lies only partly in the period counts with those of its days that do.
    """
    return await LIST.answer(request, asked, _body)


async def _body(asked: Asked[TrendPeriod], fresh: Freshness) -> dict[str, Any]:
    whose, period, currency = Whose.of(asked, fresh), asked.period, asked.who.currency
    by = asked.parameters.by
    sums, sums_before, weights, unspread = await together(
        whose.sums(period, by), whose.sums(period.previous()), whose.safety_weights(period), whose.unspread(period)
    )
    current, earlier = (figures_of(each.totals, each.costs, weights) for each in (sums, sums_before))
    return {
        "data": _points(sums, by, period, weights, currency),
        "summary": with_money(current, currency),
        "previous": {"period": period.previous().echo(), **with_money(earlier, currency)},
        **changes(current, earlier),
        "period": period.echo(),
        "freshness": fresh.body(figures.coverage_pct(sums.totals)) | unspread,
    }


async def _page(asked: Asked[TrendPeriod], fresh: Freshness) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    whose, by = Whose.of(asked, fresh), asked.parameters.by
    sums, weights = await together(whose.sums(asked.period, by), whose.safety_weights(asked.period))
    return _points(sums, by, asked.period, weights, asked.who.currency), LAST_PAGE


LIST = PagedList({by: Listing(f"Trend by {by}", shape(BucketDays, TrendPoint)) for by in get_args(By)}, _page)


def _points(sums: FleetSums, by: By, period: Period, weights: Weights, currency: str) -> list[dict[str, Any]]:
    """Every bucket of the period as answers have it; null where there is nothing."""
    found = {first: (totals, costs) for first, totals, costs in sums.by(by)}
    return [
        {**bounds, **with_money(figures_of(*found.get(first, (NOTHING, Costs({}))), weights), currency)}
        for first, bounds in named_buckets(by, period.first, period.last)
    ]


def figures_of(totals: Row, costs: Costs, weights: Weights) -> dict[str, Any]:
    money = costs.total, costs.of_line("fuel").total, costs.estimated
    return {**figures.of_period(totals, *money), **figures.events(totals, weights)}
