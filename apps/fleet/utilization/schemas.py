"""The answers about how the trucks' time was used, as declared in OpenAPI."""

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from apps.accounts.schemas import (
    IDLE_S,
    MOVING_S,
    NO_DATA_S,
    PARKED_S,
    FreshnessEcho,
    PageEcho,
    PeriodEcho,
    described,
)
from apps.fleet.schemas import (
    AVAILABLE_S,
    ENGINE_MOVING_S,
    ENGINE_UTILIZATION,
    GROUP,
    IDLE_PCT,
    OfGroup,
    TrucksOfPeriod,
    Utilizations,
)
from apps.trucks.schemas import CODE

By = Literal["truck", "group", "weekday", "hour"]
Order = Literal[
    "truck_id", "asset_utilization_pct", "-asset_utilization_pct", "engine_utilization_pct", "-engine_utilization_pct",
    "day_utilization_pct", "-day_utilization_pct", "idle_pct", "-idle_pct", "idle_nonproductive_pct",
    "-idle_nonproductive_pct",
]  # fmt: skip
_COVERAGE = "Share of the time of which something is known, in per cent."


class UtilizationPeriod(TrucksOfPeriod):
    by: By = Field(
        "truck",
        description="What a row of `data` is. `limit` and `cursor` are about trucks; of the others all.",
    )
    sort: Order = Field(
        "truck_id",
        description="Of trucks: by code, or a ranking, least first or greatest first (`-`), which leaves out trucks of "
        "whose time less than half is known: `summary.not_ranked`. Only with `by=truck`.",
    )

    group: str | None = GROUP

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.by != "truck" and self.sort != "truck_id":
            raise ValueError("sort ranks trucks: without by, or with by=truck")
        if self.group is not None and self.by == "group":
            raise ValueError("of a group there are no groups: without by, or with by=truck, by=weekday or by=hour")
        return self


class Seconds(BaseModel):
    length_s: int | None = described("All their seconds: moving + idle + parked + no data.", 604_800)
    moving_s: int | None = described(MOVING_S, 201_600)
    idle_s: int | None = described(IDLE_S, 25_200)
    idle_productive_s: int | None = described("Of it with the power take-off on or in a productive place.", 4_200)
    parked_s: int | None = described(PARKED_S, 352_800)
    no_data_s: int | None = described(NO_DATA_S, 25_200)
    engine_on_s: int | None = described("Seconds with the engine on.", 226_800)
    engine_moving_s: int | None = described(ENGINE_MOVING_S, 201_600)
    coverage_pct: float | None = described(_COVERAGE, 95.83)


class States(Utilizations, Seconds):
    truck_days: int | None = described("Truck-days in the period.", 7)
    truck_days_used: int | None = described("Of them used.", 6)
    available_s: int | None = described(AVAILABLE_S, 302_400)


class DaysByReason(BaseModel):
    used: int = described("Used: at least 1.6 km, or half an hour moving.", 20)
    parked: int = described("Not used though it was there.", 1)
    workshop: int = described("Not used, and in the workshop by what staff entered.", 1)
    no_data: int = described("Not used as far as is known, which is less than half of the day.", 0)


class Days(BaseModel):
    """All truck-days, each under one heading."""

    working: DaysByReason = Field(description="Working days by the calendar in force.")
    off: DaysByReason = Field(description="Days off.")


class DaysOfPeriod(Days):
    """All days of the period, each under one heading."""

    outside: int = described("Days before a truck's first message, or that are not known yet.", 0)


class Targets(BaseModel):
    """In force on the last day of the period: the truck's own, else its group's, else the fleet's."""

    target_utilization_pct: float = described("Target of `asset_utilization_pct`, to be reached.", 60.0)
    utilization_met: bool | None = described("Whether it is; null where that is not measured.", True)
    target_idle_pct: float = described("Target of `idle_pct`, not to be exceeded.", 15.0)
    idle_met: bool | None = described("Whether it is not; null where that is not measured.", True)


class UtilizationOfTruck(States):
    truck_id: str = described(CODE, "T-101")
    name: str = described("The unit's name in Wialon.", "Volvo 101")
    is_ranked: bool = described("Whether at least half of its time is known: else no ranking has it.", True)
    days: DaysOfPeriod | None = Field(description="The days of the period, each under one heading.")
    targets: Targets


class UtilizationOfGroup(States, OfGroup):
    trucks: int = described("Its trucks with days in the period. A truck counts in each of its groups.", 5)
    days: DaysOfPeriod | None = Field(description="Of all its trucks.")
    targets: Targets


class OfWeekday(BaseModel):
    weekday: str = described("Monday to Sunday; null figures where the period has no such day.", "monday")


class UtilizationOfWeekday(States, OfWeekday):
    days: Days | None = Field(description="The truck-days, each under one heading; null where there are none.")


class OfHour(BaseModel):
    hour: int = described("As the clock shows it, 0 to 23: of one that comes twice the seconds of both.", 8)


class UtilizationOfHour(Seconds, OfHour):
    engine_utilization_pct: float | None = described(ENGINE_UTILIZATION, 89.3)
    idle_pct: float | None = described(IDLE_PCT, 11.1)
    idle_nonproductive_pct: float | None = described("The same without productive idling.", 9.3)


class Unranked(BaseModel):
    truck_id: str = described(CODE, "T-117")
    name: str = described("The unit's name in Wialon.", "Volvo 117")
    coverage_pct: float | None = described(_COVERAGE, 31.5)


class NotRanked(BaseModel):
    """Trucks of whose time less than half is known: what they did cannot be held against others."""

    count: int = described("How many they are.", 1)
    trucks: list[Unranked] = Field(description="The first 100 of them, those known least first.")


class UtilizationOfFleet(States):
    days: Days | None = Field(description="The truck-days, each under one heading; null where there are none.")
    targets: Targets
    not_ranked: NotRanked | None = Field(description="Trucks that the ranking leaves out; null where `data` is none.")


class StatesBefore(States):
    period: PeriodEcho
    days: Days | None = Field(description="The truck-days, each under one heading; null where there are none.")


class StatesChange(BaseModel):
    """In per cent of the period before; null where that was zero or either is not measured."""

    truck_days: float | None = described("Change of `truck_days`.", 0.0)
    truck_days_used: float | None = described("Change of `truck_days_used`.", 4.35)
    length_s: float | None = described("Change of `length_s`.", 0.0)
    moving_s: float | None = described("Change of `moving_s`.", 2.9)
    idle_s: float | None = described("Change of `idle_s`.", -4.0)
    idle_productive_s: float | None = described("Change of `idle_productive_s`.", 1.2)
    parked_s: float | None = described("Change of `parked_s`.", -0.8)
    no_data_s: float | None = described("Change of `no_data_s`.", 12.5)
    engine_on_s: float | None = described("Change of `engine_on_s`.", 2.1)
    engine_moving_s: float | None = described("Change of `engine_moving_s`.", 2.9)
    available_s: float | None = described("Change of `available_s`.", 0.0)


class StatesPoints(Utilizations):
    """In percentage points against the period before; null where either is not measured."""

    coverage_pct: float | None = described("Change of `coverage_pct`.", -0.5)


class UtilizationAnswer(BaseModel):
    data: list[UtilizationOfTruck] | list[UtilizationOfGroup] | list[UtilizationOfWeekday] | list[UtilizationOfHour] = (
        Field(description="Trucks with days in the period, by code or ranked; or groups, weekdays or hours, in order.")
    )
    summary: UtilizationOfFleet = Field(description="The whole fleet, or group, whatever the page.")
    previous: StatesBefore = Field(description="The same of the period of equal length before.")
    change_pct: StatesChange
    change_points: StatesPoints
    page: PageEcho
    period: PeriodEcho
    freshness: FreshnessEcho
