"""The API's answers about a fleet, as declared in OpenAPI."""

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from apps.accounts.parameters import DayPeriod, Paging
from apps.accounts.schemas import (
    DISTANCE_M,
    IDLE_S,
    MOVING_S,
    FreshnessEcho,
    Money,
    PeriodEcho,
    described,
)
from apps.files.answers import Exportable
from apps.files.cells import Kind
from apps.trucks.schemas import CODE, DRIVER_CODE, TruckCode

COST_PER_KM = "Cost ÷ distance, to four places; null without either."
COST_PER_ENGINE_HOUR = "Cost ÷ hours with the engine on, to four places."
COST_PER_TRUCK_DAY = "Cost ÷ truck-days, to four places."
AVAILABLE_S = "Available hours of the days by working calendar, in seconds."
ENGINE_MOVING_S = "Seconds moving of the truck-days whose engine is measured."
ENGINE_UTILIZATION = (
    "(Moving + productive idle) ÷ engine on: (`engine_moving_s` + `idle_productive_s`) ÷ `engine_on_s`."
)
IDLE_PCT = "Idle ÷ engine on."
GROUP = Field(
    None, min_length=1, max_length=255, description="Name of a group: only the trucks that it has now.",
    examples=["North"],
)  # fmt: skip


class FleetPeriod(DayPeriod, Exportable):
    """A period of the whole fleet, or of a group."""

    group: str | None = GROUP


class TrucksOfPeriod(DayPeriod, Paging, Exportable):
    """A period, truck by truck."""


class OfTruckOrGroup(BaseModel):
    truck_id: TruckCode | None = Field(None, description="One truck instead of the fleet. " + CODE, examples=["T-101"])
    group: str | None = GROUP

    @model_validator(mode="after")
    def _truck_or_group(self) -> Self:
        if self.truck_id is not None and self.group is not None:
            raise ValueError("either a truck or a group, not both")
        return self


class Utilizations(BaseModel):
    engine_utilization_pct: float | None = described(ENGINE_UTILIZATION, 89.3)
    asset_utilization_pct: float | None = described(
        "(Moving + productive idle) ÷ available hours: (`moving_s` + `idle_productive_s`) ÷ `available_s`.", 61.2
    )
    day_utilization_pct: float | None = described("Days used ÷ days: at least 1.6 km, or half an hour moving.", 85.7)
    idle_pct: float | None = described(IDLE_PCT, 11.1)
    idle_nonproductive_pct: float | None = described("The same without productive idling.", 9.3)


class UnspreadInvoices(BaseModel):
    """Invoices that cover days of the period and are not in its costs as they should be."""

    waiting: int = described("New, changed, or with new days: their shares follow within a minute.", 0)
    no_exchange_rate: int = described("For want of an exchange rate: they cost nothing until there is one.", 0)


class CostFreshness(FreshnessEcho):
    unspread_invoices: UnspreadInvoices


class OfGroup(BaseModel):
    group: str | None = described("Name of the group; null: trucks of no group.", "North")


class OfDriver(BaseModel):
    driver_id: str | None = described(DRIVER_CODE + " Null: nobody is known.", "d600010-12")
    name: str | None = described("Name.", "Driver 12")


class BucketDays(BaseModel):
    from_: Annotated[str, Kind.DAY] = Field(
        alias="from", description="First day of it in the period.", examples=["2026-03-02"]
    )
    to: Annotated[str, Kind.DAY] = described("Last one, included.", "2026-03-08")


# --- /fleet/summary -------------------------------------------------------------------------------------------------


class PeriodFigures(Utilizations):
    truck_days: int | None = described("Truck-days with data or without: days since each truck's first message.", 84)
    truck_days_used: int | None = described("Of them used.", 72)
    distance_m: int | None = described(DISTANCE_M, 34_120_000)
    moving_s: int | None = described(MOVING_S, 1_512_000)
    idle_s: int | None = described(IDLE_S, 188_000)
    idle_productive_s: int | None = described("Of it with the power take-off on or in a productive place.", 21_600)
    engine_on_s: int | None = described("Seconds with the engine on.", 1_700_000)
    engine_moving_s: int | None = described(ENGINE_MOVING_S, 1_512_000)
    available_s: int | None = described(AVAILABLE_S, 3_628_800)
    fuel_used_l: float | None = described("Fuel used, in litres.", 11_260.4)
    idle_fuel_l: float | None = described("Of it while idle, in litres.", 141.0)
    consumption_l_per_100km: float | None = described("Litres ÷ distance of the truck-days with measured fuel.", 33.0)
    consumption_l: float | None = described("Its litres: of truck-days whose distance is measured, too.", 11_260.4)
    fuel_distance_m: int | None = described("Its distance.", 34_120_000)
    fuel_cost: Money | None = Field(description="Cost line `fuel`; null where nothing was priced.")
    total_cost: Money | None = Field(description="Cost of all lines; null where nothing was priced.")
    estimated_cost_pct: float | None = described("Estimated part of the total cost, in per cent.", 100.0)
    cost_per_km: Money | None = Field(description=COST_PER_KM)
    cost_per_engine_hour: Money | None = Field(description=COST_PER_ENGINE_HOUR)
    cost_per_truck_day: Money | None = Field(description=COST_PER_TRUCK_DAY)


class SourceShare(BaseModel):
    source: str = described("`actual`, `allocated` or `estimated`.", "estimated")
    amount: Money
    share_pct: float | None = described("Part of the whole, in per cent.", 100.0)


class SummaryFigures(PeriodFigures):
    active_trucks: int | None = described("Trucks used on at least one day of the period.", 11)
    cost_sources: list[SourceShare] = Field(
        description="What the total cost comes from: invoices, shares of invoices, rates and prices."
    )


class SummaryDays(BaseModel):
    """What a row of the summary as a file is about."""

    from_: Annotated[str, Kind.DAY] = Field(alias="from", description="First day.", examples=["2026-03-02"])
    to: Annotated[str, Kind.DAY] = described("Last one, included.", "2026-03-08")


class SummaryData(SummaryFigures):
    trucks: int = described("Active trucks of the fleet, or the group, now, used or not.", 12)


class SummaryBefore(SummaryFigures):
    period: PeriodEcho


class PeriodChange(BaseModel):
    """In per cent of the period before; null where that was zero or either is not measured."""

    truck_days: float | None = described("Change of `truck_days`.", 0.0)
    truck_days_used: float | None = described("Change of `truck_days_used`.", 4.35)
    distance_m: float | None = described("Change of `distance_m`.", 3.1)
    moving_s: float | None = described("Change of `moving_s`.", 2.9)
    idle_s: float | None = described("Change of `idle_s`.", -4.0)
    idle_productive_s: float | None = described("Change of `idle_productive_s`.", 1.2)
    engine_on_s: float | None = described("Change of `engine_on_s`.", 2.1)
    engine_moving_s: float | None = described("Change of `engine_moving_s`.", 2.9)
    available_s: float | None = described("Change of `available_s`.", 0.0)
    fuel_used_l: float | None = described("Change of `fuel_used_l`.", 2.6)
    idle_fuel_l: float | None = described("Change of `idle_fuel_l`.", -3.9)
    consumption_l_per_100km: float | None = described("Change of `consumption_l_per_100km`.", -0.49)
    consumption_l: float | None = described("Change of `consumption_l`.", 2.6)
    fuel_distance_m: float | None = described("Change of `fuel_distance_m`.", 3.1)
    fuel_cost: float | None = described("Change of `fuel_cost`.", 2.6)
    total_cost: float | None = described("Change of `total_cost`.", 2.8)
    cost_per_km: float | None = described("Change of `cost_per_km`.", -0.3)
    cost_per_engine_hour: float | None = described("Change of `cost_per_engine_hour`.", -0.1)
    cost_per_truck_day: float | None = described("Change of `cost_per_truck_day`.", 2.8)


class PeriodPoints(Utilizations):
    """In percentage points against the period before; null where either is not measured."""

    estimated_cost_pct: float | None = described("Change of `estimated_cost_pct`.", 0.0)


class SummaryChange(PeriodChange):
    active_trucks: float | None = described("Change of `active_trucks`.", 10.0)


class SummaryAnswer(BaseModel):
    data: SummaryData
    previous: SummaryBefore = Field(description="The same figures of the period of equal length before.")
    change_pct: SummaryChange
    change_points: PeriodPoints
    period: PeriodEcho
    freshness: CostFreshness
