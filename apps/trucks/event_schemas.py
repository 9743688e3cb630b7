"""The API's answers about single events of trucks, as declared in OpenAPI."""

from typing import Literal

from pydantic import BaseModel, Field

from apps.accounts.schemas import (
    DISTANCE_M,
    IDLE_S,
    MOVING_S,
    NO_DATA_S,
    PARKED_S,
    FreshnessEcho,
    Instant,
    Money,
    PageEcho,
    PeriodEcho,
    described,
)
from apps.files.answers import Exportable
from apps.trucks.schemas import DRIVER_CODE, EventsOfPeriod, Severity

_LAT, _LON = "Latitude; null without a fix.", "Longitude; null without a fix."
_PRICED = "What those of them that have a price come to; null where none has."
HarshKind = Literal["braking", "acceleration", "cornering"]
FuelKind = Literal["refuel", "drain"]
DrainState = Literal["suspected", "confirmed", "dismissed"]


class EventSearch(EventsOfPeriod, Exportable):
    """Events of a period, oldest or newest first."""


class HarshSearch(EventsOfPeriod, Exportable):
    kind: list[HarshKind] = Field([], max_length=3, description="Only these kinds; repeatable.")


class FuelEventSearch(EventsOfPeriod, Exportable):
    kind: list[FuelKind] = Field([], max_length=2, description="Only refuels, or only drains.")
    review: list[DrainState] = Field(
        [], max_length=3, description="Only drains of which people said this; repeatable. `suspected`: nothing yet."
    )


class SeveritySearch(EventsOfPeriod, Exportable):
    severity: list[Severity] = Field([], max_length=3, description="Only these severities; repeatable.")


class _Answer(BaseModel):
    page: PageEcho
    period: PeriodEcho
    freshness: FreshnessEcho


# --- trips ----------------------------------------------------------------------------------------------------------


class Place(BaseModel):
    lat: float | None = described(_LAT, 41.8502)
    lon: float | None = described(_LON, -87.6511)


class TripDriver(BaseModel):
    driver_id: str = described(DRIVER_CODE, "d600010-12")
    name: str = described("Name.", "Driver 12")


class TripItem(BaseModel):
    started_at: Instant = described("Start.", "2026-03-05T13:02:10Z")
    ended_at: Instant | None = described("End; null while it may still go on.", "2026-03-05T16:47:30Z")
    duration_s: int = described("Seconds, so far if open: moving + idle + parked + no data.", 13_520)
    start: Place
    end: Place
    distance_m: int | None = described(DISTANCE_M, 291_400)
    distance_source: str | None = described("`odometer` or `gps`.", "odometer")
    moving_s: int = described(MOVING_S, 12_700)
    idle_s: int | None = described(IDLE_S, 640)
    parked_s: int = described(PARKED_S, 0)
    no_data_s: int = described(NO_DATA_S, 180)
    mean_speed_kmh: float | None = described("Distance ÷ moving time.", 82.6)
    max_speed_kmh: float | None = described("Highest GPS speed.", 104.0)
    fuel_l: float | None = described("Fuel used, in litres.", 96.2)
    driver: TripDriver | None = Field(description="Who had the truck for most of it; null if that is not known.")


class TripTotals(BaseModel):
    """Over the whole period, whatever the page: null what was measured on none of its days, 0 where nothing was."""

    trips: int | None = described("Trips that started in the period.", 14)
    distance_m: int | None = described(DISTANCE_M, 2_914_000)
    moving_s: int | None = described(MOVING_S, 127_000)
    idle_s: int | None = described(IDLE_S, 6_400)
    parked_s: int | None = described(PARKED_S, 0)
    no_data_s: int | None = described(NO_DATA_S, 1_800)
    max_speed_kmh: float | None = described("Highest GPS speed.", 104.0)
    fuel_l: float | None = described("Fuel used, in litres.", 962.0)


class TripsAnswer(_Answer):
    data: list[TripItem] = Field(description="Trips that started in the period.")
    summary: TripTotals


# --- speeding -------------------------------------------------------------------------------------------------------


class SpeedingItem(BaseModel):
    started_at: Instant = described("First point over the limit.", "2026-03-05T14:31:00Z")
    ended_at: Instant | None = described(
        "First point at or under it; null while it may still go on.", "2026-03-05T14:32:15Z"
    )
    severity: Severity = described("By the largest excess.", "moderate")
    limit_kmh: float = described("The limit of the truck.", 105.0)
    max_speed_kmh: float = described("Highest GPS speed.", 119.0)
    excess_kmh: float = described("Highest speed less the limit.", 14.0)
    duration_s: int = described("Seconds over the limit.", 75)
    distance_m: int | None = described("Metres driven over the limit.", 2_410)
    lat: float | None = described("Where it began: latitude.", 41.8502)
    lon: float | None = described("Where it began: longitude.", -87.6511)


class SpeedingCount(BaseModel):
    episodes: int | None = described("Episodes that started in the period; null where speed was not measured.", 3)
    duration_s: int | None = described("Seconds over the limit.", 190)


class SpeedingTotals(BaseModel):
    """Over the whole period and all severities, whatever the filter and the page."""

    minor: SpeedingCount
    moderate: SpeedingCount
    severe: SpeedingCount


class SpeedingAnswer(_Answer):
    data: list[SpeedingItem] = Field(description="Episodes that started in the period.")
    summary: SpeedingTotals


# --- stops ----------------------------------------------------------------------------------------------------------


_NOT_TOLD = " Null while the stop is open, and of one that ended after its day was sealed."


class StopItem(BaseModel):
    started_at: Instant = described("End of the trip before.", "2026-03-05T16:47:30Z")
    ended_at: Instant | None = described("Start of the trip after; null while there is none.", "2026-03-05T17:32:00Z")
    idle_s: int | None = described(IDLE_S, 420)
    parked_s: int | None = described(PARKED_S + _NOT_TOLD, 2_250)
    no_data_s: int | None = described(NO_DATA_S + _NOT_TOLD, 0)
    lat: float | None = described(_LAT, 41.8502)
    lon: float | None = described(_LON, -87.6511)


class StopTotals(BaseModel):
    stops: int | None = described("Stops that started in the period; null where nothing is known of any day of it.", 9)
    idle_s: int | None = described("Of those that are over. " + IDLE_S, 3_100)
    parked_s: int | None = described("Of those that are over. " + PARKED_S, 180_400)
    no_data_s: int | None = described("Of those that are over. " + NO_DATA_S, 0)


class StopsAnswer(_Answer):
    data: list[StopItem] = Field(description="Stops that started in the period.")
    summary: StopTotals


# --- idle events ----------------------------------------------------------------------------------------------------


class IdleItem(BaseModel):
    started_at: Instant = described("Start.", "2026-03-05T16:47:30Z")
    ended_at: Instant | None = described("End; null while it may still go on.", "2026-03-05T16:54:30Z")
    duration_s: int = described("Seconds, so far if open.", 420)
    productive_s: int = described("Of them productive: the PTO on, or in a productive place.", 0)
    productive_place: str | None = described("The first such place in which it idled; null: in none.", "Quarry North")
    fuel_l: float | None = described("Litres used; null without a fuel counter.", 0.4)
    cost: Money | None = Field(
        description="What they cost at the prices of their time, an estimate; null without a price."
    )
    lat: float | None = described(_LAT, 41.8502)
    lon: float | None = described(_LON, -87.6511)


class IdleTotals(BaseModel):
    idle_events: int | None = described("Events that started in the period; null where idling was not measured.", 12)
    duration_s: int | None = described("Their seconds.", 5_400)
    productive_s: int | None = described("Of them productive.", 900)
    fuel_l: float | None = described("Their litres; null without a fuel counter.", 4.8)
    cost: Money | None = Field(description="What those of them that have a price cost; null where none has.")


class IdleBefore(IdleTotals):
    period: PeriodEcho


class IdleChange(BaseModel):
    """In per cent of the period before; null where that was zero or either is not measured."""

    idle_events: float | None = described("Change of `idle_events`.", 20.0)
    duration_s: float | None = described("Change of `duration_s`.", 12.5)
    productive_s: float | None = described("Change of `productive_s`.", 0.0)
    fuel_l: float | None = described("Change of `fuel_l`.", 11.9)
    cost: float | None = described("Change of `cost`.", 13.1)


class IdleAnswer(_Answer):
    data: list[IdleItem] = Field(description="Idle events that started in the period.")
    summary: IdleTotals
    previous: IdleBefore = Field(description="The same of the period of equal length before.")
    change_pct: IdleChange


# --- harsh events ---------------------------------------------------------------------------------------------------


class HarshItem(BaseModel):
    started_at: Instant = described("When.", "2026-03-05T14:31:00Z")
    kind: HarshKind = described("What.", "braking")
    source: Literal["device", "speed"] = described("Who says so: the device, or speeds at most 2 s apart.", "device")
    speed_kmh: float | None = described("GPS speed at that moment.", 62.0)
    peak_ms2: float | None = described("Strongest change of speed in m/s²; null by the device.", 5.1)
    lat: float | None = described(_LAT, 41.8502)
    lon: float | None = described(_LON, -87.6511)


class HarshTotals(BaseModel):
    """Over the whole period and all kinds; null where a kind could not be measured."""

    braking: int | None = described("Harsh braking.", 3)
    acceleration: int | None = described("Harsh acceleration.", 1)
    cornering: int | None = described("Harsh cornering.", 0)


class HarshAnswer(_Answer):
    data: list[HarshItem] = Field(description="Harsh events of the period.")
    summary: HarshTotals


# --- refuels and drains ---------------------------------------------------------------------------------------------


class FuelEventItem(BaseModel):
    started_at: Instant = described("First reading of the step.", "2026-03-05T06:10:00Z")
    ended_at: Instant | None = described("Its last reading.", "2026-03-05T06:15:00Z")
    kind: FuelKind = described("Into the tank, or out of it.", "drain")
    review: DrainState | None = described(
        "Of a drain: what a person said of it; a dismissed one is in no figure. Null of refuels.", "suspected"
    )
    litres: float = described("How much.", 85.5)
    cost: Money | None = Field(
        description="Litres × the price in force when it started, an estimate; null without one."
    )
    level_before_l: float = described("Level before.", 412.0)
    level_after_l: float = described("Level after.", 326.5)
    lat: float | None = described(_LAT, 41.8502)
    lon: float | None = described(_LON, -87.6511)


class FuelEventTotals(BaseModel):
    """Over the whole period, whatever the filter and the page, without dismissed drains.

    Null where the level was not measured; of drains also where the engine was not.
    """

    refuels: int | None = described("Refuels.", 2)
    refuel_l: float | None = described("Their litres.", 900.0)
    refuel_cost: Money | None = Field(description=_PRICED)
    drains: int | None = described("Drains, suspected or confirmed.", 1)
    drain_l: float | None = described("Their litres.", 85.5)
    drain_cost: Money | None = Field(description=_PRICED)
    suspected: int | None = described("Drains that nobody has reviewed yet.", 1)
    suspected_l: float | None = described("Their litres.", 85.5)
    suspected_cost: Money | None = Field(description=_PRICED)


class FuelEventsBefore(FuelEventTotals):
    period: PeriodEcho


class FuelEventsChange(BaseModel):
    """In per cent of the period before; null where that was zero or either is not measured."""

    refuels: float | None = described("Change of `refuels`.", 0.0)
    refuel_l: float | None = described("Change of `refuel_l`.", 4.1)
    refuel_cost: float | None = described("Change of `refuel_cost`.", 5.0)
    drains: float | None = described("Change of `drains`.", None)
    drain_l: float | None = described("Change of `drain_l`.", None)
    drain_cost: float | None = described("Change of `drain_cost`.", None)
    suspected: float | None = described("Change of `suspected`.", None)
    suspected_l: float | None = described("Change of `suspected_l`.", None)
    suspected_cost: float | None = described("Change of `suspected_cost`.", None)


class FuelEventsAnswer(_Answer):
    data: list[FuelEventItem] = Field(description="Refuels and drains that started in the period.")
    summary: FuelEventTotals
    previous: FuelEventsBefore = Field(description="The same of the period of equal length before.")
    change_pct: FuelEventsChange


# --- faults ---------------------------------------------------------------------------------------------------------


class _FaultOpened(BaseModel):
    opened_at: Instant = described("When the device first told of it.", "2026-03-05T14:31:00Z")
    acknowledged_at: Instant | None = described("When somebody took note of it; null if nobody has.", None)


class _FaultCleared(_FaultOpened):
    cleared_at: Instant | None = described(
        "When the device first told of others without it; null while it is active.", "2026-03-06T05:12:00Z"
    )


class _FaultInWords(BaseModel):
    spn: int = described("J1939 suspect parameter number: what is faulty.", 100)
    suspect: str | None = described(
        "The suspect parameter in words; null of a number that is not listed.", "engine oil pressure"
    )
    fmi: int = described("Failure mode identifier: how.", 1)
    failure: str = described("The failure mode in words.", "below normal range, most severe")
    source: int | None = described("Address of the control unit; null if the device does not tell.", 0)
    severity: Severity = described("By the failure mode.", "severe")
    lat: float | None = described(_LAT, 41.8502)
    lon: float | None = described(_LON, -87.6511)


class Fault(_FaultInWords, _FaultOpened):
    """The fields of the last base come first: when, what, where."""


class FaultItem(_FaultInWords, _FaultCleared):
    """The same with its end."""


class FaultCounts(BaseModel):
    """By severity, whatever the filter and the page; null where the device told of no faults, nor of none."""

    severe: int | None = described("Severe faults.", 1)
    moderate: int | None = described("Moderate ones.", 0)
    minor: int | None = described("Minor ones.", 0)


class FaultsAnswer(_Answer):
    data: list[FaultItem] = Field(description="Faults that opened in the period.")
    summary: FaultCounts
