"""The answer about idling, as declared in OpenAPI."""

from typing import Literal

from pydantic import BaseModel, Field

from apps.accounts.parameters import DayPeriod
from apps.accounts.schemas import IDLE_S, FreshnessEcho, Money, PeriodEcho, described
from apps.files.answers import Exportable, OfTruck
from apps.fleet.schemas import GROUP
from apps.fleet.utilization.schemas import NotRanked

_COVERAGE = "Share of the time of which something is known, in per cent."


class IdlingPeriod(DayPeriod, Exportable):
    """A period of the fleet or of a group, and how much of its lists."""

    group: str | None = GROUP
    by: Literal["truck", "place"] = Field("truck", description="What a row of a file is; JSON has both lists.")
    limit: int = Field(10, ge=1, le=1000, description="Trucks, and places, that are listed: the worst.")


class IdleFigures(BaseModel):
    """Litres and money are null without a fuel counter or a price."""

    idle_events: int | None = described("Idle events, of two minutes at least by default.", 212)
    idle_s: int | None = described(IDLE_S, 188_000)
    idle_productive_s: int | None = described("Of it with the power take-off on or in a productive place.", 31_000)
    idle_nonproductive_s: int | None = described("The rest of it.", 157_000)
    litres: float | None = described("Litres used meanwhile.", 141.0)
    productive_litres: float | None = described("Of them used productively.", 23.5)
    nonproductive_litres: float | None = described("The rest of them.", 117.5)
    cost: Money | None = Field(description="What the litres cost at the prices of their time.")
    productive_cost: Money | None = Field(description="Of it productive.")
    nonproductive_cost: Money | None = Field(description="The rest of it.")


class IdleRatios(BaseModel):
    idle_pct: float | None = described("Idle ÷ engine on.", 11.1)
    idle_nonproductive_pct: float | None = described("The same without productive idling.", 9.3)


class Idling(IdleFigures, IdleRatios):
    engine_on_s: int | None = described("Seconds with the engine on.", 1_700_000)


class IdlingOfTruck(Idling, OfTruck):
    coverage_pct: float | None = described(_COVERAGE, 95.83)
    is_ranked: bool = described("Whether at least half of its time is known: else files alone have it, last.", True)


class NamedPlace(BaseModel):
    place: str | None = described("Name of the productive place; null of a cell of the grid.", None)
    lat: float | None = described("Middle of the place, or of the cell of about 250 m; null: without a fix.", 41.85023)
    lon: float | None = described("The same.", -87.65038)


class IdlePlace(IdleFigures, NamedPlace):
    """By the events that start in the period: all of each, also what lies after midnight."""


class IdlingData(BaseModel):
    trucks: list[IdlingOfTruck] = Field(description="Trucks with measured idling, most of it unproductive first.")
    places: list[IdlePlace] = Field(description="Places with idle events, most of it unproductive first.")


class IdlingOfFleet(Idling):
    trucks: int = described("How many trucks there are to list.", 11)
    places: int = described("How many places.", 57)
    not_ranked: NotRanked


class IdlingBefore(Idling):
    period: PeriodEcho


class IdlingChange(BaseModel):
    """In per cent of the period before; null where that was zero or either is not measured."""

    idle_events: float | None = described("Change of `idle_events`.", -2.1)
    idle_s: float | None = described("Change of `idle_s`.", -4.0)
    idle_productive_s: float | None = described("Change of `idle_productive_s`.", 1.2)
    idle_nonproductive_s: float | None = described("Change of `idle_nonproductive_s`.", -5.0)
    engine_on_s: float | None = described("Change of `engine_on_s`.", 2.1)
    litres: float | None = described("Change of `litres`.", -3.9)
    productive_litres: float | None = described("Change of `productive_litres`.", 1.1)
    nonproductive_litres: float | None = described("Change of `nonproductive_litres`.", -4.8)
    cost: float | None = described("Change of `cost`.", -2.7)
    productive_cost: float | None = described("Change of `productive_cost`.", 2.0)
    nonproductive_cost: float | None = described("Change of `nonproductive_cost`.", -3.6)


class IdlingPoints(IdleRatios):
    """In percentage points against the period before; null where either is not measured."""


class IdlingAnswer(BaseModel):
    data: IdlingData
    summary: IdlingOfFleet = Field(description="The whole fleet, or group, however many are listed.")
    previous: IdlingBefore = Field(description="The same of the period of equal length before.")
    change_pct: IdlingChange
    change_points: IdlingPoints
    period: PeriodEcho
    freshness: FreshnessEcho
