"""The API's answers about a fleet, as declared in OpenAPI."""

from pydantic import BaseModel, Field

from apps.accounts.parameters import DayPeriod, Paging
from apps.accounts.schemas import (
    DISTANCE_M,
    IDLE_S,
    MOVING_S,
    FreshnessEcho,
    Money,
    PageEcho,
    PeriodEcho,
    described,
)
from apps.trucks.schemas import CODE

_COST_PER_KM = "Cost ÷ distance, to four places; null without either."


class FleetPeriod(DayPeriod):
    """A period of the whole fleet."""


class TrucksOfPeriod(DayPeriod, Paging):
    """A period, truck by truck."""


class Utilizations(BaseModel):
    engine_utilization_pct: float | None = described("(Moving + productive idle) ÷ engine on.", 89.3)
    asset_utilization_pct: float | None = described("(Moving + productive idle) ÷ available hours.", 61.2)
    day_utilization_pct: float | None = described("Days used ÷ days: at least 1.6 km, or half an hour moving.", 85.7)
    idle_pct: float | None = described("Idle ÷ engine on.", 11.1)
    idle_nonproductive_pct: float | None = described("The same without productive idling.", 9.3)


# --- /fleet/summary -------------------------------------------------------------------------------------------------


class PeriodFigures(Utilizations):
    truck_days: int | None = described("Truck-days with data or without: days since each truck's first message.", 84)
    truck_days_used: int | None = described("Of them used.", 72)
    distance_m: int | None = described(DISTANCE_M, 34_120_000)
    moving_s: int | None = described(MOVING_S, 1_512_000)
    idle_s: int | None = described(IDLE_S, 188_000)
    engine_on_s: int | None = described("Seconds with the engine on.", 1_700_000)
    fuel_used_l: float | None = described("Fuel used, in litres.", 11_260.4)
    idle_fuel_l: float | None = described("Of it while idle, in litres.", 141.0)
    consumption_l_per_100km: float | None = described("Litres ÷ distance of the truck-days with measured fuel.", 33.0)
    fuel_cost: Money | None = Field(description="Cost of fuel; null where nothing was priced.")
    total_cost: Money | None = Field(description="Cost of all lines; null where nothing was priced.")
    estimated_cost_pct: float | None = described("Estimated part of the total cost, in per cent.", 100.0)
    cost_per_km: Money | None = Field(description=_COST_PER_KM)


class SummaryFigures(PeriodFigures):
    active_trucks: int | None = described("Trucks used on at least one day of the period.", 11)


class SummaryData(SummaryFigures):
    trucks: int = described("Active trucks of the fleet now, used or not.", 12)


class SummaryBefore(SummaryFigures):
    period: PeriodEcho


class PeriodChange(Utilizations):
    """In per cent of the period before; null where that was zero or either is not measured."""

    truck_days: float | None = described("Change of `truck_days`.", 0.0)
    truck_days_used: float | None = described("Change of `truck_days_used`.", 4.35)
    distance_m: float | None = described("Change of `distance_m`.", 3.1)
    moving_s: float | None = described("Change of `moving_s`.", 2.9)
    idle_s: float | None = described("Change of `idle_s`.", -4.0)
    engine_on_s: float | None = described("Change of `engine_on_s`.", 2.1)
    fuel_used_l: float | None = described("Change of `fuel_used_l`.", 2.6)
    idle_fuel_l: float | None = described("Change of `idle_fuel_l`.", -3.9)
    consumption_l_per_100km: float | None = described("Change of `consumption_l_per_100km`.", -0.49)
    fuel_cost: float | None = described("Change of `fuel_cost`.", 2.6)
    total_cost: float | None = described("Change of `total_cost`.", 2.8)
    estimated_cost_pct: float | None = described("Change of `estimated_cost_pct`.", 0.0)
    cost_per_km: float | None = described("Change of `cost_per_km`.", -0.3)


class SummaryChange(PeriodChange):
    active_trucks: float | None = described("Change of `active_trucks`.", 10.0)


class SummaryAnswer(BaseModel):
    data: SummaryData
    previous: SummaryBefore = Field(description="The same figures of the period of equal length before.")
    change_pct: SummaryChange
    period: PeriodEcho
    freshness: FreshnessEcho


# --- /fleet/cost-analysis -------------------------------------------------------------------------------------------


class SourceShare(BaseModel):
    source: str = described("`actual`, `allocated` or `estimated`.", "estimated")
    amount: Money
    share_pct: float | None = described("Part of the whole, in per cent.", 100.0)


class CostOfLine(BaseModel):
    line: str = described("Cost line.", "fuel")
    amount: Money
    share_pct: float | None = described("Part of all lines, in per cent.", 41.6)
    cost_per_km: Money | None = Field(description=_COST_PER_KM)
    sources: list[SourceShare] = Field(description="Where the amount comes from.")


class LineAmount(BaseModel):
    line: str = described("Cost line.", "fuel")
    amount: Money


class CostOfTruck(BaseModel):
    truck_id: str = described(CODE, "T-101")
    name: str = described("The unit's name in Wialon.", "Volvo 101")
    distance_m: int | None = described(DISTANCE_M, 2_914_000)
    amount: Money | None = Field(description="All lines; null where nothing was priced.")
    cost_per_km: Money | None = Field(description=_COST_PER_KM)
    lines: list[LineAmount]


class CostOfMonth(BaseModel):
    month: str = described("Calendar month; the period may cover only part of it.", "2026-03")
    distance_m: int | None = described(DISTANCE_M, 34_120_000)
    amount: Money | None = Field(description="All lines; null where nothing was priced.")
    cost_per_km: Money | None = Field(description=_COST_PER_KM)
    lines: list[LineAmount]


class CostData(BaseModel):
    by_line: list[CostOfLine] = Field(description="Lines with an amount; a line that is not there was not priced.")
    by_month: list[CostOfMonth] = Field(description="Months of the period, in order.")
    by_truck: list[CostOfTruck] = Field(description="Trucks with days in the period by code; `page` is about these.")


class IdlingCost(BaseModel):
    """At the prices of its time; null without a fuel counter, engine evidence or price."""

    litres: float | None = described("Litres used idling.", 2_110.4)
    amount: Money | None = Field(description="What they cost.")
    productive_amount: Money | None = Field(description="Of it with the power take-off on.")
    nonproductive_amount: Money | None = Field(description="The rest of it.")


class FuelUsed(BaseModel):
    litres: float | None = described("Litres used.", 10_412.7)
    priced_litres: float | None = described("Of them used while a price was in force.", 10_412.7)
    amount: Money | None = Field(description="What these cost at the prices of their time.")
    per_litre: Money | None = Field(description="The mean price, to four places.")


class FuelBought(BaseModel):
    """By the purchases in the ledger; null where nothing was bought."""

    purchases: int | None = described("How often fuel was bought.", 41)
    litres: float | None = described("Litres bought.", 10_980.0)
    amount: Money | None = Field(description="What was paid, in the fleet's currency.")
    per_litre: Money | None = Field(description="The mean price, to four places.")


class FuelDifference(BaseModel):
    litres: float | None = described("Bought less used.", 567.3)
    amount: Money | None = Field(description="Paid less cost of the used.")


class FuelBalance(BaseModel):
    """Of the truck-days on which all of it is measured: level, drains, and use by a counter."""

    truck_days: int = described("How many truck-days these are.", 640)
    bought_l: float = described("Bought for these trucks on these days; 0 where no purchase was booked.", 10_980.0)
    refuelled_l: float = described("Rise of the tanks at refuels.", 10_890.5)
    drained_l: float = described("Drains, but for those that were dismissed.", 60.0)
    used_l: float = described("Used, by the counters.", 10_412.7)
    tank_change_l: float = described("What the tanks hold more at the end.", 380.2)
    not_in_tank_l: float = described("Bought less refuelled: paid for and not seen in a tank.", 89.5)
    unexplained_l: float = described("Bought less drained, used and what the tanks hold more.", 127.1)


class FuelTwice(BaseModel):
    used: FuelUsed
    bought: FuelBought
    difference: FuelDifference
    balance: FuelBalance | None = Field(description="Null where no truck-day has all of it measured.")


class ChangeParts(BaseModel):
    """The parts add up to the change; all null where it cannot be split."""

    previous_amount: Money | None = Field(description="In the period before; null where nothing was priced.")
    change: Money | None = Field(description="Against the period before; a line that is not priced in one counts 0.")
    price: Money | None = Field(description="Part due to price: of a litre, for other lines the cost per km.")
    distance: Money | None = Field(description="Part due to distance.")
    consumption: Money | None = Field(description="Part due to consumption per distance; of fuel alone.")


class ChangeOfLine(ChangeParts):
    line: str = described("Cost line.", "fuel")


class CostChange(ChangeParts):
    period: PeriodEcho = Field(description="The period of equal length before.")
    by_line: list[ChangeOfLine] = Field(description="Lines that are priced in either period.")


class BenchmarkOfLine(BaseModel):
    line: str = described("Cost line.", "fuel")
    cost_per_km: Money | None = Field(description=_COST_PER_KM)
    benchmark_per_km: Money
    difference_pct: float | None = described("Own cost against it, in per cent.", -4.2)


class BenchmarkAnswer(BaseModel):
    """Published costs of the latest year up to the period's, compared over the same lines alone."""

    year: int = described("Year that the costs are of.", 2024)
    sources: list[str] = described("Who published them, and which edition.", ["ATRI, 2025 update"])
    lines: list[BenchmarkOfLine] = Field(description="Lines that both have.")
    cost_per_km: Money | None = Field(description="Own cost of these lines together.")
    benchmark_per_km: Money | None = Field(description="Its cost of these lines together.")
    missing_lines: list[str] = described("Lines of the benchmark that the fleet has no cost of.", ["driver_benefits"])
    lines_without_benchmark: list[str] = described("Lines of the fleet that it does not have.", ["other"])
    lines_without_exchange_rate: list[str] = described("Lines in a currency without a rate in force.", [])


class CostTotals(BaseModel):
    """The whole fleet and period, whatever the page."""

    amount: Money | None = Field(description="All lines; null where nothing was priced.")
    estimated_pct: float | None = described("Estimated part of it, in per cent.", 100.0)
    distance_m: int | None = described(DISTANCE_M, 34_120_000)
    cost_per_km: Money | None = Field(description=_COST_PER_KM)
    cost_per_engine_hour: Money | None = Field(description="Cost ÷ hours with the engine on, to four places.")
    cost_per_truck_day: Money | None = Field(description="Cost ÷ truck-days, to four places.")
    sources: list[SourceShare] = Field(description="Where the amount comes from.")
    unallocated: Money | None = Field(description="The part that no truck can bear; null where nothing was priced.")
    fuel: FuelTwice = Field(description="Fuel by consumption and by purchase.")
    idling: IdlingCost
    change: CostChange = Field(description="Against the period before, and why.")
    benchmark: BenchmarkAnswer | None = Field(description="Null where there is none of a year so early.")


class CostAnswer(BaseModel):
    data: CostData
    summary: CostTotals
    page: PageEcho
    period: PeriodEcho
    freshness: FreshnessEcho


# --- /fleet/utilization ---------------------------------------------------------------------------------------------


class Targets(BaseModel):
    """The fleet's parameters in force on the last day of the period."""

    target_utilization_pct: float = described("Target of `asset_utilization_pct`.", 60.0)
    target_idle_pct: float = described("Target of `idle_pct`.", 15.0)


# --- /fleet/driver-behavior -----------------------------------------------------------------------------------------


class Behavior(BaseModel):
    trips: int | None = described("Trips that started in the period.", 14)
    distance_m: int | None = described("The exposure. " + DISTANCE_M, 2_914_000)
    speeding_minor: int | None = described("Minor speeding episodes; null where speed was not measured.", 3)
    speeding_moderate: int | None = described("Moderate ones.", 1)
    speeding_severe: int | None = described("Severe ones.", 0)
    speeding_s: int | None = described("Seconds over the limit.", 410)
    harsh_braking: int | None = described("Harsh braking; null where it cannot be measured.", 2)
    harsh_acceleration: int | None = described("Harsh acceleration; null likewise.", 0)
    harsh_cornering: int | None = described("Harsh cornering; null likewise.", 0)
    safety_score: float | None = described(
        "100 less the events per 100 km (minor 1, moderate 2, severe 4, harsh 2), at least 0; null under 80 km.", 99.69
    )


class BehaviorOfTruck(Behavior):
    truck_id: str = described(CODE, "T-101")
    name: str = described("The unit's name in Wialon.", "Volvo 101")
    max_speed_kmh: float | None = described("Highest GPS speed.", 119.0)


class BehaviorAnswer(BaseModel):
    data: list[BehaviorOfTruck] = Field(description="Trucks with days in the period, by code.")
    summary: Behavior = Field(description="The whole fleet, whatever the page: its score is that of the sums.")
    page: PageEcho
    period: PeriodEcho
    freshness: FreshnessEcho
