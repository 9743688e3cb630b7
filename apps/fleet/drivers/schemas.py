"""The answers about how trucks and drivers were driven, as declared in OpenAPI."""

import datetime as dt
from typing import Literal

from pydantic import BaseModel, Field

from apps.accounts.parameters import DayPeriod, Paging
from apps.accounts.schemas import (
    DISTANCE_M,
    HARSH_DISTANCE_M,
    IDLE_S,
    MOVING_S,
    FreshnessEcho,
    Money,
    PageEcho,
    PeriodEcho,
    described,
)
from apps.files.answers import Exportable, OfTruck
from apps.fleet.costs.schemas import CostChangePct, CostChangePoints, CostOfDays, Spent
from apps.fleet.schemas import GROUP, CostFreshness, OfDriver, TrucksOfPeriod
from apps.trucks.schemas import CODE, DRIVER_CODE

Order = Literal[
    "id", "safety_score", "-safety_score", "idle_pct", "-idle_pct", "night_driving_pct", "-night_driving_pct",
    "distance_m", "-distance_m",
]  # fmt: skip
DriverOrder = Literal[
    "driver_id", "safety_score", "-safety_score", "idle_pct", "-idle_pct", "night_driving_pct", "-night_driving_pct",
    "distance_m", "-distance_m",
]  # fmt: skip
_COVERAGE = "Share of the time of which something is known, in per cent."
_RANKED = "Whether at least half of the time is known: else no ranking has it."
_POINTS = "Change of the safety score against the period before, in points; null without either."


# --- parameters -----------------------------------------------------------------------------------------------------


class BehaviorPeriod(TrucksOfPeriod):
    group: str | None = GROUP
    by: Literal["truck", "driver"] = Field("truck", description="What a row of `data` is.")
    sort: Order = Field(
        "id",
        description="By code, or a ranking, least first or greatest first (`-`), which leaves out those of whose time "
        "less than half is known (`summary.not_ranked`), and nobody known.",
    )


class DriverSearch(DayPeriod, Paging, Exportable):
    q: str | None = Field(None, min_length=1, max_length=64, description="Part of the code or name.")
    active: bool | None = Field(None, description="Only those that are in Wialon, or only those gone from it.")
    sort: DriverOrder = Field(
        "driver_id",
        description="By code, or by a figure, with - from the highest down. Drivers of whose time less than half is "
        "known (`is_ranked`), or who do not have the figure, come last, by code.",
    )


class DriverDays(DayPeriod, Paging, Exportable):
    sort: Literal["day", "-day"] = Field("day", description="Oldest first, or newest first.")

    @property
    def is_descending(self) -> bool:
        return self.sort.startswith("-")


class DriverCosts(DayPeriod, Exportable):
    by: Literal["day", "week", "month"] = Field("day", description="What a row is; a week is from Monday on.")


class DriverPeriod(DayPeriod):
    """A driver's period."""


# --- what all of them have ------------------------------------------------------------------------------------------


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
    harsh_distance_m: int | None = described(HARSH_DISTANCE_M, 2_914_000)
    safety_score: float | None = described(
        "100 less the events per 100 km, each by the fleet's weight, at least 0; null under 80 km.", 99.69
    )
    moving_s: int | None = described(MOVING_S, 130_500)
    idle_s: int | None = described(IDLE_S, 14_400)
    idle_productive_s: int | None = described("Of it with the power take-off on or in a productive place.", 1_800)
    engine_on_s: int | None = described("Seconds with the engine on.", 144_900)
    idle_pct: float | None = described("Idle ÷ engine on.", 9.94)
    idle_nonproductive_pct: float | None = described("The same without productive idling.", 8.7)
    night_driving_s: int | None = described("Seconds moving at night, by the fleet's hours of the local clock.", 21_600)
    night_driving_pct: float | None = described("Part of the moving time, in per cent.", 16.55)
    fuel_used_l: float | None = described("Fuel used, in litres.", 961.6)
    idle_fuel_l: float | None = described("Of it while idle, in litres.", 11.2)
    consumption_l_per_100km: float | None = described("Litres ÷ distance of the truck-days with measured fuel.", 33.0)
    coverage_pct: float | None = described(_COVERAGE, 97.4)


class FuelMoney(BaseModel):
    """At the prices of its time; null where nothing was measured or priced."""

    fuel_cost: Money | None = Field(description="Cost of the fuel used.")
    idle_cost: Money | None = Field(description="Of it while idle.")
    fuel_cost_per_km: Money | None = Field(description="Cost of fuel ÷ distance with measured fuel, to four places.")


class Former(BaseModel):
    distance_m: int | None = described(DISTANCE_M, 2_760_000)
    safety_score: float | None = described("Its safety score; null under 80 km.", 99.2)


class Compared(BaseModel):
    previous: Former = Field(description="The period of equal length before.")
    safety_score_change: float | None = described(_POINTS, 0.49)


# --- /fleet/driver-behavior -----------------------------------------------------------------------------------------


# What a row is about stands first: files have their columns in the order of the fields.


class BehaviorOfTruck(Compared, FuelMoney, Behavior, OfTruck):
    truck_days: int = described("Days that it has in the period.", 30)
    max_speed_kmh: float | None = described("Highest GPS speed.", 119.0)
    is_ranked: bool = described(_RANKED, True)


class BehaviorOfDriver(Compared, FuelMoney, Behavior, OfDriver):
    truck_days: int = described("Days on which they had a truck; two on one day are two.", 22)
    max_speed_kmh: float | None = described("Highest GPS speed.", 119.0)
    is_ranked: bool = described(_RANKED, True)


class UnrankedRow(BaseModel):
    id: str = described("Code of the truck or driver.", "T-117")
    name: str = described("Its name.", "Volvo 117")
    coverage_pct: float | None = described(_COVERAGE, 31.5)


class RowsNotRanked(BaseModel):
    """Those of whose time less than half is known: what they did cannot be held against others."""

    count: int = described("How many they are.", 1)
    rows: list[UnrankedRow] = Field(description="The first 100 of them, those known least first.")


class SafetyWeights(BaseModel):
    """The points that one event per 100 km takes from 100: the fleet's on the period's last day."""

    minor: float = described("Of minor speeding.", 1.0)
    moderate: float = described("Of moderate speeding.", 2.0)
    severe: float = described("Of severe speeding.", 4.0)
    harsh: float = described("Of harsh braking, acceleration and cornering.", 2.0)


class BehaviorOfFleet(Behavior, FuelMoney):
    safety_weights: SafetyWeights = Field(description="What all scores of the answer are reckoned by.")
    not_ranked: RowsNotRanked | None = Field(description="Whom the ranking leaves out; null where `data` is none.")


class BehaviorBefore(Behavior, FuelMoney):
    period: PeriodEcho


class BehaviorChange(BaseModel):
    """In per cent of the period before; null where that was zero or either is not measured."""

    trips: float | None = described("Change of `trips`.", 3.1)
    distance_m: float | None = described("Change of `distance_m`.", 5.58)
    speeding_minor: float | None = described("Change of `speeding_minor`.", -25.0)
    speeding_moderate: float | None = described("Change of `speeding_moderate`.", 0.0)
    speeding_severe: float | None = described("Change of `speeding_severe`.", None)
    speeding_s: float | None = described("Change of `speeding_s`.", -12.1)
    harsh_braking: float | None = described("Change of `harsh_braking`.", 100.0)
    harsh_acceleration: float | None = described("Change of `harsh_acceleration`.", None)
    harsh_cornering: float | None = described("Change of `harsh_cornering`.", None)
    harsh_distance_m: float | None = described("Change of `harsh_distance_m`.", 5.58)
    moving_s: float | None = described("Change of `moving_s`.", 4.2)
    idle_s: float | None = described("Change of `idle_s`.", -2.4)
    idle_productive_s: float | None = described("Change of `idle_productive_s`.", 1.1)
    engine_on_s: float | None = described("Change of `engine_on_s`.", 3.5)
    night_driving_s: float | None = described("Change of `night_driving_s`.", 12.0)
    fuel_used_l: float | None = described("Change of `fuel_used_l`.", 5.0)
    idle_fuel_l: float | None = described("Change of `idle_fuel_l`.", -2.0)
    consumption_l_per_100km: float | None = described("Change of `consumption_l_per_100km`.", -0.55)
    fuel_cost: float | None = described("Change of `fuel_cost`.", 6.2)
    idle_cost: float | None = described("Change of `idle_cost`.", -1.1)
    fuel_cost_per_km: float | None = described("Change of `fuel_cost_per_km`.", 0.6)


class BehaviorPoints(BaseModel):
    """In points, percentage points of what is in per cent, against the period before; null where either is not
    measured."""

    safety_score: float | None = described("Change of `safety_score`.", 0.49)
    idle_pct: float | None = described("Change of `idle_pct`.", -5.7)
    idle_nonproductive_pct: float | None = described("Change of `idle_nonproductive_pct`.", -6.1)
    night_driving_pct: float | None = described("Change of `night_driving_pct`.", 7.5)
    coverage_pct: float | None = described("Change of `coverage_pct`.", 0.3)


class BehaviorAnswer(BaseModel):
    data: list[BehaviorOfTruck] | list[BehaviorOfDriver] = Field(
        description="Trucks or drivers with days in the period, by code or ranked; nobody known is the last row."
    )
    summary: BehaviorOfFleet = Field(
        description="The whole fleet or group, whatever the page: its score is that of the sums."
    )
    previous: BehaviorBefore = Field(description="The same of the period of equal length before.")
    change_pct: BehaviorChange
    change_points: BehaviorPoints
    page: PageEcho
    period: PeriodEcho
    freshness: FreshnessEcho


# --- /drivers -------------------------------------------------------------------------------------------------------


class Driver(BaseModel):
    driver_id: str = described(DRIVER_CODE, "d600010-12")
    name: str = described("Name.", "Driver 12")
    key_card: str = described("Code of the key card; empty if none.", "00A1B2C3")
    is_active: bool = described("False once the driver is gone from Wialon.", True)


class DriverItem(Compared, FuelMoney, Behavior, Driver):
    trucks: list[str] = described("Codes of the trucks that they had in the period.", ["T-101"])
    truck_days: int = described("Days on which they had a truck; two on one day are two.", 22)
    max_speed_kmh: float | None = described("Highest GPS speed.", 119.0)
    is_ranked: bool = described(_RANKED, True)


class DriverTotals(Behavior, FuelMoney):
    truck_days: int = described("Days on which they had a truck; two on one day are two.", 22)


class DriverBefore(DriverTotals):
    period: PeriodEcho


class DriversTogether(DriverTotals):
    drivers: int = described("Drivers that `q` finds, active or not.", 14)
    active: int = described("Of them in Wialon.", 12)


class DriversAnswer(BaseModel):
    data: list[DriverItem] = Field(
        description="All drivers of the fleet in the order of `sort`, with what they did in the period."
    )
    summary: DriversTogether = Field(
        description="Those that `q` and `active` pick together, whatever the page; their score is that of the sums."
    )
    previous: DriverBefore = Field(description="The same drivers in the period of equal length before.")
    change_pct: BehaviorChange
    change_points: BehaviorPoints
    page: PageEcho
    period: PeriodEcho
    freshness: FreshnessEcho


# --- /drivers/{driver_id}/days --------------------------------------------------------------------------------------


class DayOfDriver(BaseModel):
    day: dt.date = described("Local day of the fleet.", "2026-03-05")


class DriverDay(FuelMoney, Behavior, DayOfDriver):
    trucks: list[str] = described("Codes of the trucks that they had.", ["T-101"])
    length_s: int = described("Seconds for which they had them.", 86_400)
    max_speed_kmh: float | None = described("Highest GPS speed.", 104.0)


class DriverDaysAnswer(BaseModel):
    data: list[DriverDay] = Field(description="Days on which they had a truck.")
    summary: DriverTotals = Field(description="The whole period, whatever the page.")
    previous: DriverBefore = Field(description="The period of equal length before.")
    change_pct: BehaviorChange
    change_points: BehaviorPoints
    page: PageEcho
    period: PeriodEcho
    freshness: FreshnessEcho


# --- /drivers/{driver_id}/costs -------------------------------------------------------------------------------------


class SpentBefore(Spent):
    period: PeriodEcho


class DriverCostsAnswer(BaseModel):
    data: list[CostOfDays] = Field(description="Every day, week or month that the period touches, in order.")
    summary: Spent = Field(description="The whole period: what they add up to.")
    previous: SpentBefore = Field(description="The same of the period of equal length before.")
    change_pct: CostChangePct
    change_points: CostChangePoints
    period: PeriodEcho
    freshness: CostFreshness


# --- /drivers/{driver_id}/scorecard ---------------------------------------------------------------------------------


class ScorePart(BaseModel):
    event: str = described("Kind of event.", "speeding_moderate")
    count: int | None = described("How many; null where it cannot be measured.", 1)
    per_100km: float | None = described(
        "How many per 100 km: of speeding by `exposure_m`, of harsh driving by `harsh_exposure_m`; null without.", 0.03
    )
    weight: float = described("Points that one per 100 km takes, by the fleet's on the period's last day.", 2.0)
    points: float | None = described("What they take from 100; null without a score.", 0.07)


class Score(BaseModel):
    safety_score: float | None = described("100 less the points, at least 0; null under 80 km.", 99.69)
    exposure_m: int | None = described(DISTANCE_M, 2_914_000)
    harsh_exposure_m: int | None = described(HARSH_DISTANCE_M, 2_914_000)
    parts: list[ScorePart] = Field(description="What it is made of.")


class ScoreOfTruck(Behavior, FuelMoney):
    truck_id: str = described(CODE, "T-101")
    name: str = described("The unit's name in Wialon.", "Volvo 101")
    truck_days: int = described("Days on which the driver had it.", 20)


class ScoreOfWeek(Behavior):
    from_: str = Field(alias="from", description="First day of it in the period.", examples=["2026-03-02"])
    to: str = described("Last one, included.", "2026-03-08")


class Scorecard(Driver):
    score: Score
    driving: DriverTotals
    costs: Spent = Field(description="What they bear of the costs of their trucks.")
    is_ranked: bool = described(_RANKED, True)
    trucks: list[ScoreOfTruck] = Field(description="The same by truck, by code.")
    weeks: list[ScoreOfWeek] = Field(description="And by week from Monday on: every one that the period touches.")


class ScorecardBefore(BaseModel):
    period: PeriodEcho
    score: Score
    driving: DriverTotals
    costs: Spent = Field(description="What they bore of the costs of their trucks.")


class ScorecardChange(BehaviorChange):
    costs: CostChangePct = Field(description="Change of `costs`.")


class ScorecardPoints(BehaviorPoints):
    costs: CostChangePoints = Field(description="Change of `costs`.")


class ScorecardAnswer(BaseModel):
    data: Scorecard
    previous: ScorecardBefore = Field(description="The period of equal length before.")
    safety_score_change: float | None = described(_POINTS, 0.49)
    change_pct: ScorecardChange
    change_points: ScorecardPoints
    period: PeriodEcho
    freshness: CostFreshness
