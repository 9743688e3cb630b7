"""The API's endpoint about how figures change: by day, week, month or quarter, for the fleet, a group or a truck."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Self, get_args

from django.http import HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field, create_model, model_validator

from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.changes import changes, is_points
from apps.accounts.paging import LAST_PAGE
from apps.accounts.parameters import DayPeriod
from apps.accounts.periods import Period
from apps.accounts.schemas import PeriodEcho, described
from apps.files.answers import Exportable, Listing
from apps.files.columns import shape
from apps.fleet import figures
from apps.fleet.api import with_money
from apps.fleet.drivers.safety import Weights
from apps.fleet.ledger.spreading import missing
from apps.fleet.schemas import GROUP, BucketDays, CostFreshness, PeriodChange, PeriodFigures, PeriodPoints
from apps.fleet.spans import named_buckets
from apps.fleet.trends import queries as trend_queries
from apps.fleet.whose import Whose
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked, PagedList
from apps.trucks.schemas import CODE, TruckCode

router = Router(tags=["Fleet"], by_alias=True)
By = Literal["day", "week", "month", "quarter"]


class TrendPeriod(DayPeriod, Exportable):
    by: By = Field("day", description="What a point is: a day, a week from Monday on, a calendar month or quarter.")
    truck_id: TruckCode | None = Field(None, description="One truck instead of the fleet. " + CODE, examples=["T-101"])
    group: str | None = GROUP

    @model_validator(mode="after")
    def _truck_or_group(self) -> Self:
        if self.truck_id is not None and self.group is not None:
            raise ValueError("either a truck or a group, not both")
        return self


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
    trend, period, currency = Trend.of(asked, fresh), asked.period, asked.who.currency
    whole, before, weights, buckets, unspread = await together(
        trend.whole(period),
        trend.whole(period.previous()),
        Whose.of(asked, fresh).safety_weights(period),
        trend.by_bucket(asked.parameters.by, period),
        missing(asked.fleet_id, period, truck_id=trend.truck_id, group_id=trend.group_id),
    )
    current, earlier = (figures_of(row, weights) for row in (whole, before))
    return {
        "data": _points(buckets, weights, currency),
        "summary": with_money(current, currency),
        "previous": {"period": period.previous().echo(), **with_money(earlier, currency)},
        **changes(current, earlier),
        "period": period.echo(),
        "freshness": fresh.body(figures.coverage_pct(whole)) | unspread,
    }


async def _page(asked: Asked[TrendPeriod], fresh: Freshness) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    weights = await Whose.of(asked, fresh).safety_weights(asked.period)
    buckets = await Trend.of(asked, fresh).by_bucket(asked.parameters.by, asked.period)
    return _points(buckets, weights, asked.who.currency), LAST_PAGE


LIST = PagedList({by: Listing(f"Trend by {by}", shape(BucketDays, TrendPoint)) for by in get_args(By)}, _page)


Buckets = Sequence[tuple[dict[str, str], Row]]  # the bounds of each, and its row


def _points(buckets: Buckets, weights: Weights, currency: str) -> list[dict[str, Any]]:
    """Each bucket as answers have it."""
    return [{**bounds, **with_money(figures_of(row, weights), currency)} for bounds, row in buckets]


@dataclass(frozen=True, slots=True)
class Trend:
    """The sums and costs of a fleet, or of one of its trucks or groups, by bucket."""

    fleet_id: int
    truck_id: int | None
    group_id: int | None = None

    @classmethod
    def of(cls, asked: Asked[TrendPeriod], fresh: Freshness) -> Self:
        return cls(asked.fleet_id, fresh.truck_id or None, asked.group_id)

    async def by_bucket(self, by: By, period: Period) -> Buckets:
        """Each bucket's bounds within the period, and its row, which is null where there is nothing."""
        rows = await self._rows(by, period)
        return [(days, rows.get(first, NOTHING)) for first, days in named_buckets(by, period.first, period.last)]

    async def whole(self, period: Period) -> Row:
        return (await self._rows("whole", period)).get(None, NOTHING)

    async def _rows(self, by: str, period: Period) -> dict[dt.date | None, Row]:
        asked = {
            **trend_queries.buckets(by, self.fleet_id, period.first, period.last),
            "id": self.truck_id or self.group_id,
        }
        sums_by, costs_by = self._statements
        sums, costs = await together(fetch_all(sums_by[by], asked), fetch_all(costs_by[by], asked))
        rows: dict[dt.date | None, Row] = {}
        for row in (*sums, *costs):
            rows[row["bucket"]] = {**rows.get(row["bucket"], NOTHING), **row}
        return rows

    @property
    def _statements(self) -> tuple[dict[str, str], dict[str, str]]:
        if self.truck_id is not None:
            return trend_queries.OF_TRUCK, trend_queries.COSTS_OF_TRUCK
        if self.group_id is not None:
            return trend_queries.OF_GROUP, trend_queries.COSTS_OF_GROUP
        return trend_queries.OF_FLEET, trend_queries.COSTS_OF_FLEET


NOTHING: Row = dict.fromkeys((*trend_queries.FIGURES, *trend_queries.COSTS))


def figures_of(row: Row, weights: Weights) -> dict[str, Any]:
    money = row["total_cost"], row["fuel_cost"], row["estimated_cost"] or Decimal(0)
    return {**figures.of_period(row, *money), **figures.events(row, weights)}
