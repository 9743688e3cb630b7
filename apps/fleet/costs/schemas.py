"""The answers about what a fleet cost, as declared in OpenAPI."""

from typing import ClassVar, Literal, Self

from pydantic import BaseModel, Field, model_validator

from apps.accounts.schemas import DISTANCE_M, Money, PageEcho, PeriodEcho, described
from apps.fleet.schemas import (
    COST_PER_ENGINE_HOUR,
    COST_PER_KM,
    COST_PER_TRUCK_DAY,
    BucketDays,
    CostFreshness,
    OfDriver,
    OfGroup,
    OfTruckOrGroup,
    SourceShare,
    TrucksOfPeriod,
)
from apps.trucks.schemas import CODE


class CostPeriod(TrucksOfPeriod, OfTruckOrGroup):
    most_by_day: ClassVar[int] = 100

    by: Literal["truck", "group", "driver", "month", "week", "day"] = Field(
        "truck",
        description="What the rows beside lines and months are, and those of a file. By `day` the period has at most "
        f"{most_by_day} days.",
    )

    @model_validator(mode="after")
    def _groups_are_of_the_fleet(self) -> Self:
        if self.truck_id is not None and self.by == "group":
            raise ValueError("groups are of the fleet, not of a truck")
        return self

    def longest(self) -> int:
        return self.most_by_day if self.by == "day" else self.max_days


class LineAmount(BaseModel):
    line: str = described("Cost line.", "fuel")
    amount: Money


class Ratios(BaseModel):
    cost_per_km: Money | None = Field(description=COST_PER_KM)
    cost_per_engine_hour: Money | None = Field(description=COST_PER_ENGINE_HOUR)
    cost_per_truck_day: Money | None = Field(description=COST_PER_TRUCK_DAY)


class CostOfLine(Ratios):
    line: str = described("Cost line.", "fuel")
    amount: Money
    share_pct: float | None = described("Part of all lines, in per cent.", 41.6)
    sources: list[SourceShare] = Field(description="Where the amount comes from.")


class Spent(Ratios):
    distance_m: int | None = described(DISTANCE_M, 2_914_000)
    engine_on_s: int | None = described("Seconds with the engine on.", 226_800)
    truck_days: int | None = described("Truck-days.", 7)
    amount: Money | None = Field(description="All lines; null where nothing was priced.")
    lines: list[LineAmount]
    sources: list[SourceShare] = Field(description="Where the amount comes from.")


class CostOfTruck(Spent):
    truck_id: str = described(CODE, "T-101")
    name: str = described("The unit's name in Wialon.", "Volvo 101")
    fuel_balance: "FuelBalance | None" = Field(description="Null where no day has all of it measured.")


class CostOfGroup(Spent, OfGroup):
    trucks: int = described("Its trucks with days in the period. A truck counts in each of its groups.", 5)


class CostOfDriver(Spent, OfDriver):
    """What a driver bears of the costs of the trucks that they had, and what they did in them."""


class CostOfDays(Spent, BucketDays):
    """A day or a week, as far as it lies in the period; null where there are neither truck-days nor costs."""


class OfMonth(BaseModel):
    month: str = described("Calendar month; the period may cover only part of it.", "2026-03")


class CostOfMonth(Spent, OfMonth):
    """What a month cost, as far as it lies in the period."""


class CostOfQuarter(Spent):
    quarter: str = described("Calendar quarter; the period may cover only part of it.", "2026-Q1")


class CostData(BaseModel):
    by_line: list[CostOfLine] = Field(description="Lines with an amount; a line that is not there was not priced.")
    by_month: list[CostOfMonth] = Field(description="Months of the period, in order.")
    by_quarter: list[CostOfQuarter] = Field(description="Quarters of the period, in order: the sums of their months.")
    by_truck: list[CostOfTruck] = Field(
        description="Trucks with days in the period by code; `page` is about these. None with another `by`."
    )
    by_group: list[CostOfGroup] = Field(
        description="With `by=group` every group by name: its trucks' costs, without what no truck bears."
    )
    by_driver: list[CostOfDriver] = Field(
        description="With `by=driver` drivers with days in the period by code, then nobody known: they add up to the "
        "trucks. `page` is about these. A day that two have counts for each of them in `truck_days`."
    )
    by_week: list[CostOfDays] = Field(
        description="With `by=week` every week, from Monday on, that the period touches, in order: they add up to it."
    )
    by_day: list[CostOfDays] = Field(description="With `by=day` every day of the period, in order.")


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
    """Of the truck-days on which all of it is measured: level, drains, and use by a counter.

    Of several trucks those with purchases in the period; where none has any, of all, and not compared.
    """

    truck_days: int = described("How many truck-days these are.", 640)
    bought_l: float | None = described("Bought for these trucks on these days; null without a purchase.", 10_980.0)
    refuelled_l: float = described("Rise of the tanks at refuels.", 10_890.5)
    drained_l: float = described("Drains, but for those that were dismissed.", 60.0)
    used_l: float = described("Used, by the counters.", 10_412.7)
    tank_change_l: float = described("What the tanks hold more at the end.", 380.2)
    not_in_tank_l: float | None = described("Bought less refuelled: paid for and not seen in a tank.", 89.5)
    unexplained_l: float | None = described("Bought less drained, used and what the tanks hold more.", 127.1)
    reason: Literal["no_purchases"] | None = described(
        "Why it is not compared: no purchase was booked in the period; null: it is.", None
    )


class FuelWithoutDay(BaseModel):
    """Purchases on days that their truck does not have: before its first message, or not known (yet).

    They are in the ledger and in none of the figures.
    """

    purchases: int = described("How many.", 0)
    litres: float = described("Their litres.", 0.0)


class FuelTwice(BaseModel):
    used: FuelUsed
    bought: FuelBought
    without_day: FuelWithoutDay
    difference: FuelDifference
    balance: FuelBalance | None = Field(description="Null where no truck-day has all of it measured.")


class ChangeParts(BaseModel):
    """`price`, `distance`, `consumption` and `not_split` add up to the change."""

    previous_amount: Money | None = Field(description="In the period before; null where nothing was priced.")
    change: Money | None = Field(description="Against the period before; a line that is not priced in one counts 0.")
    price: Money | None = Field(description="Part due to price: of a litre, for other lines the cost per km.")
    distance: Money | None = Field(description="Part due to distance.")
    consumption: Money | None = Field(description="Part due to consumption per distance; of fuel alone.")
    not_split: Money | None = Field(
        description="The rest: of lines that are new, gone, or lack a measured factor, and have no parts."
    )


class ChangeOfLine(ChangeParts):
    line: str = described("Cost line.", "fuel")


class CostChange(ChangeParts):
    period: PeriodEcho = Field(description="The period of equal length before.")
    by_line: list[ChangeOfLine] = Field(description="Lines that are priced in either period.")


class BenchmarkOfLine(BaseModel):
    line: str = described("Cost line.", "fuel")
    cost_per_km: Money | None = Field(description=COST_PER_KM)
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


class CostTotals(Ratios):
    """The whole fleet, or group, and period, whatever the page."""

    amount: Money | None = Field(description="All lines; null where nothing was priced.")
    estimated_pct: float | None = described("Estimated part of it, in per cent.", 100.0)
    distance_m: int | None = described(DISTANCE_M, 34_120_000)


class CostBefore(CostTotals):
    period: PeriodEcho


class CostSummary(CostTotals):
    sources: list[SourceShare] = Field(description="Where the amount comes from.")
    unallocated: Money | None = Field(
        description="The part that no truck can bear; null of a group, and where nothing was priced."
    )
    fuel: FuelTwice = Field(description="Fuel by consumption and by purchase.")
    idling: IdlingCost
    change: CostChange = Field(description="Against the period before, and why.")
    benchmark: BenchmarkAnswer | None = Field(description="Null where there is none of a year so early.")


class CostChangePct(BaseModel):
    """In per cent of the period before; null where that was zero or either is not known."""

    amount: float | None = described("Change of `amount`.", 2.8)
    distance_m: float | None = described("Change of `distance_m`.", 3.1)
    cost_per_km: float | None = described("Change of `cost_per_km`.", -0.3)
    cost_per_engine_hour: float | None = described("Change of `cost_per_engine_hour`.", -0.1)
    cost_per_truck_day: float | None = described("Change of `cost_per_truck_day`.", 2.8)


class CostChangePoints(BaseModel):
    """In percentage points against the period before; null where either is not measured."""

    estimated_pct: float | None = described("Change of `estimated_pct`.", 0.0)


class CostAnswer(BaseModel):
    data: CostData
    summary: CostSummary
    previous: CostBefore = Field(description="The same of the period of equal length before.")
    change_pct: CostChangePct
    change_points: CostChangePoints
    page: PageEcho
    period: PeriodEcho
    freshness: CostFreshness
