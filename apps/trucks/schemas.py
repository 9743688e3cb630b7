"""The API's answers about trucks, as declared in OpenAPI."""

import datetime as dt
import re
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, WithJsonSchema

from apps.accounts.parameters import DayPeriod, EventPeriod, Paging
from apps.accounts.schemas import (
    DISTANCE_M,
    IDLE_S,
    MOVING_S,
    NO_DATA_S,
    PARKED_S,
    FreshnessEcho,
    Instant,
    PageEcho,
    PeriodEcho,
    described,
)
from apps.files.answers import Exportable

CODE = "The truck's code, unique in its fleet."
DRIVER_CODE = "The driver's code, unique in its fleet."
SPEED = "GPS speed in km/h."
Status = Literal["moving", "idle", "parked", "offline"]
Severity = Literal["minor", "moderate", "severe"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
_STATUS = (
    "`moving` (above 5 km/h), `idle` (still, engine on), `parked` (engine off, or still where it is unknown), or "
    "`offline`: no message for 15 minutes, or for 26 hours with the engine off. Null if it never reported."
)
# Any text finds a truck or does not; the pattern tells which texts can.
_CODE_SCHEMA = {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,32}$", "description": CODE, "examples": ["T-101"]}
_CODE = re.compile(r"[A-Za-z0-9._-]{1,32}", re.ASCII)
TruckCode = Annotated[str, WithJsonSchema(_CODE_SCHEMA)]
DriverCode = Annotated[str, WithJsonSchema({**_CODE_SCHEMA, "description": DRIVER_CODE, "examples": ["d600010-12"]})]


def is_code(text: str) -> bool:
    """Whether a truck can have this code."""
    return _CODE.fullmatch(text) is not None


# --- parameters -----------------------------------------------------------------------------------------------------


class TruckSearch(Paging, Exportable):
    q: str | None = Field(None, min_length=1, max_length=64, description="Part of the code, name, plate or VIN.")
    group: str | None = Field(None, min_length=1, max_length=255, description="Name of a group.")
    status: list[Status] = Field([], max_length=4, description="Only trucks in one of these states; repeatable.")


class _Sorted(Paging):
    sort: str

    @property
    def is_descending(self) -> bool:
        return self.sort.startswith("-")


class EventsOfPeriod(EventPeriod, _Sorted):
    sort: Literal["started_at", "-started_at"] = Field("started_at", description="Oldest first, or newest first.")


class DaySearch(DayPeriod, _Sorted, Exportable):
    sort: Literal["day", "-day"] = Field("day", description="Oldest first, or newest first.")


TruckPeriod = EventsOfPeriod | DaySearch


# --- /trucks --------------------------------------------------------------------------------------------------------


class TruckItem(BaseModel):
    truck_id: str = described(CODE, "T-101")
    name: str = described("The unit's name in Wialon.", "Volvo 101")
    plate: str = described("Number plate; empty if unknown.", "IL P123456")
    vin: str = described("Vehicle identification number; empty if unknown.", "1XKYD49X0KJ100101")
    make: str = described("Make; empty if unknown.", "Kenworth")
    model: str = described("Model; empty if unknown.", "T680")
    model_year: str = described("Model year; empty if unknown.", "2022")
    groups: list[str] = described("Names of the groups it is in.", ["North"])
    status: Status | None = described(_STATUS, "moving")
    engine_on: bool | None = described("Engine state; null if unknown.", True)
    speed_kmh: float | None = described(SPEED, 88.5)
    lat: float | None = described("Latitude of the last fix.", 41.8502)
    lon: float | None = described("Longitude of the last fix.", -87.6511)
    position_at: Instant | None = described("When it was there.", "2026-03-09T14:04:41Z")
    last_message_at: Instant | None = described("Device time of the last message.", "2026-03-09T14:04:41Z")


class StatusCounts(BaseModel):
    trucks: int = described("Trucks that `q` and `group` find, whatever their status.", 12)
    moving: int = described("Of them moving.", 7)
    idle: int = described("Idle.", 1)
    parked: int = described("Parked.", 3)
    offline: int = described("Offline.", 1)
    never_reported: int = described("Never reported.", 0)


class TrucksAnswer(BaseModel):
    data: list[TruckItem] = Field(description="Active trucks by code.")
    summary: StatusCounts
    page: PageEcho
    freshness: FreshnessEcho


# --- /trucks/{truck_id} ---------------------------------------------------------------------------------------------


class DriverNow(BaseModel):
    driver_id: str = described(DRIVER_CODE, "d600010-12")
    name: str = described("Name.", "Driver 12")
    key_card: str = described("Code of the key card; empty if none.", "00A1B2C3")
    since: Instant = described("Since when they have the truck.", "2026-03-09T06:12:00Z")


_COUNTER_SOURCE = (
    "How it is counted: `sensor` or `relative_sensor` of the vehicle, `gps`, `gps_ignition`, `ignition`, `manual` (not "
    "at all: as somebody last set it), `unknown`."
)


_CounterSource = Literal["sensor", "relative_sensor", "gps", "gps_ignition", "ignition", "manual", "unknown"]


class UnitCounters(BaseModel):
    """No part of any figure: figures come from the messages."""

    mileage_km: float | None = described("Mileage counter in kilometres.", 412_330.0)
    mileage_source: _CounterSource = described(_COUNTER_SOURCE, "sensor")
    mileage_is_measured: bool = described("Whether a sensor of the vehicle counts it: else it is no odometer.", True)
    engine_hours: float | None = described("Counter of engine hours.", 9_120.25)
    engine_hours_source: _CounterSource = described(_COUNTER_SOURCE, "ignition")
    engine_hours_is_measured: bool = described("Whether a sensor of the vehicle counts it.", False)
    at: Instant | None = described("Device time of the last message: they are as of then.", "2026-03-09T14:04:41Z")


class SensorProblem(BaseModel):
    sensor_id: int | None = described("Wialon's id of the sensor, null if it has none.", 7)
    name: str = described("The sensor's name.", "Fuel level")
    reason: str = described("Why it cannot be used.", "the expression has an unknown operator")


class TruckDetail(BaseModel):
    truck_id: str = described(CODE, "T-101")
    name: str = described("The unit's name in Wialon.", "Volvo 101")
    wialon_id: int = described("The unit's id in Wialon.", 28801101)
    device_id: str = described("IMEI or other id of the device; empty if unknown.", "353173060000101")
    vin: str = described("Vehicle identification number; empty if unknown.", "1XKYD49X0KJ100101")
    plate: str = described("Number plate; empty if unknown.", "IL P123456")
    make: str = described("Make; empty if unknown.", "Kenworth")
    model: str = described("Model; empty if unknown.", "T680")
    model_year: str = described("Model year; empty if unknown.", "2022")
    vehicle_class: str = described("Its class, by staff or by Wialon's profile; empty if neither.", "heavy_truck")
    tank_l: float | None = described("Tank volume in litres.", 757.0)
    is_active: bool = described("False once the unit is gone from Wialon.", True)
    groups: list[str] = described("Names of the groups it is in.", ["North"])
    status: Status | None = described(_STATUS, "moving")
    last_message_at: Instant | None = described("Device time of the last message.", "2026-03-09T14:04:41Z")
    driver: DriverNow | None = Field(description="Who has it now; null if that is not known.")
    counters: UnitCounters | None = Field(
        description="The unit's own counters in Wialon and what they are worth; null if it tells none."
    )
    parameters: dict[str, float] = described(
        "The detection parameters in force today; see the metrics.", {"moving_speed_kmh": 5, "speed_limit_kmh": 105}
    )
    sensor_problems: list[SensorProblem] = Field(description="Sensors that cannot be evaluated: their values are null.")


class TruckAnswer(BaseModel):
    data: TruckDetail
    freshness: FreshnessEcho


# --- /trucks/{truck_id}/sensors -------------------------------------------------------------------------------------


class SensorValue(BaseModel):
    id: int = described("Wialon's id of the sensor.", 4)
    name: str = described("Its name.", "Fuel level")
    type: str = described("Its type in Wialon.", "fuel level")
    unit: str = described("Unit of the value, as the sensor table has it; empty if it has none.", "l")
    value: Any = Field(description="The latest value: a number, a text, or null if there was none.", examples=[412.5])
    at: Instant | None = described("When it was measured.", "2026-03-09T14:04:41Z")


class Position(BaseModel):
    lat: float = described("Latitude.", 41.8502)
    lon: float = described("Longitude.", -87.6511)
    speed_kmh: float | None = described(SPEED, 88.5)
    course_deg: float | None = described("Course over ground, clockwise from north.", 271.0)
    altitude_m: float | None = described("Height above sea level.", 181.0)
    satellites: int | None = described("Satellites in use; null if unknown.", 12)
    at: Instant | None = described("When it was there.", "2026-03-09T14:04:41Z")


class ActiveFault(BaseModel):
    spn: int = described("J1939 suspect parameter number: what is faulty.", 100)
    fmi: int = described("Failure mode identifier: how.", 1)
    source: int | None = described("Address of the control unit; null if the device does not tell.", 0)
    severity: Severity = described("By the failure mode.", "severe")
    opened_at: Instant = described("When the device first told of it.", "2026-03-05T14:31:00Z")


class LatestData(BaseModel):
    truck_id: str = described(CODE, "T-101")
    status: Status | None = described(_STATUS, "moving")
    now: Instant = described("The server's clock, to count the ages of values from.", "2026-03-09T14:05:02Z")
    last_message_at: Instant | None = described("Device time of the last message.", "2026-03-09T14:04:41Z")
    faults: list[ActiveFault] = Field(description="Faults (DTC) that are active.")
    sensors: list[SensorValue] = Field(description="Every sensor of the truck's table, by id.")
    position: Position | None = Field(description="The last fix; null if there never was one.")


class SensorsAnswer(BaseModel):
    data: LatestData
    freshness: FreshnessEcho


# --- /trucks/{truck_id}/days ----------------------------------------------------------------------------------------


class DayItem(BaseModel):
    truck_wialon_id: int = described("The unit's id in Wialon.", 28801101)
    day: dt.date = described("Local day of the fleet.", "2026-03-05")
    messages: int = described("Seconds with at least one message.", 1_412)
    fixes: int = described("Points with a usable position.", 1_398)
    dropped_values: int = described("Sensor values that were not credible.", 2)
    quarantined: int = described("Messages from the future, kept apart.", 0)
    moving_s: int = described(MOVING_S, 28_800)
    idle_s: int | None = described(IDLE_S, 3_600)
    idle_productive_s: int | None = described("Of it with the power take-off on.", 600)
    parked_s: int = described(PARKED_S, 50_400)
    no_data_s: int = described(NO_DATA_S, 3_600)
    engine_on_s: int | None = described("Seconds with the engine on: moving + idle.", 32_400)
    night_driving_s: int | None = described("Of the moving seconds those at night, by parameter.", 5_400)
    distance_m: int | None = described(DISTANCE_M, 612_400)
    distance_source: str | None = described("`odometer` or `gps`.", "odometer")
    distance_gps_m: int | None = described("Metres between consecutive fixes, without glitches.", 610_800)
    drift_m: int | None = described("Of it, drift while parked.", 140)
    distance_gap_m: int | None = described("Straight lines over long silence, in metres: not driving.", 0)
    distance_odometer_m: int | None = described("Increase of the odometer, in metres.", 612_400)
    engine_hours: float | None = described("Increase of the engine-hour counter.", 9.0)
    counter_resets: int | None = described("How often a counter went backwards.", 0)
    fuel_used_l: float | None = described("Fuel used, in litres.", 201.5)
    fuel_source: str | None = described("`counter` or `level`.", "counter")
    idle_fuel_l: float | None = described("Of it while idle, in litres.", 3.2)
    max_speed_kmh: float | None = described("Highest GPS speed.", 104.0)
    trips: int | None = described("Trips that started on the day.", 4)
    stops: int | None = described("Stops that started on the day.", 5)
    idle_events: int | None = described("Idle events that started on the day.", 6)
    speeding_minor: int | None = described("Minor speeding episodes.", 2)
    speeding_moderate: int | None = described("Moderate ones.", 1)
    speeding_severe: int | None = described("Severe ones.", 0)
    speeding_s: int | None = described("Seconds over the limit.", 240)
    harsh_braking: int | None = described("Harsh braking; null where it cannot be measured.", 1)
    harsh_acceleration: int | None = described("Harsh acceleration; null likewise.", 0)
    harsh_cornering: int | None = described("Harsh cornering; null likewise.", 0)
    refuels: int | None = described("Refuels.", 1)
    refuel_l: float | None = described("Litres refuelled.", 300.0)
    drains: int | None = described("Drains, suspected or confirmed.", 0)
    drain_l: float | None = described("Litres drained.", 0.0)
    faults_opened: int | None = described("Faults that became active; null where the device told of none or any.", 0)
    coverage_pct: float | None = described("Share of the day of which something is known, in per cent.", 95.8)
    status: Literal["provisional", "final", "corrected"] = described("Whether late data may still change it.", "final")
    revision: int = described("The fleet's revision at which the day last changed.", 4_650)
    computed_at: Instant = described("When it was computed.", "2026-03-06T08:00:12Z")
    as_of: Instant = described("Up to when the truck was known then.", "2026-03-06T08:00:00Z")
    sealed: bool = described("Whether its raw messages are no longer kept: nothing changes the day any more.", False)


class DaysAnswer(BaseModel):
    data: list[DayItem] = Field(description="One row a day; there is none before the truck's first message.")
    page: PageEcho
    period: PeriodEcho
    freshness: FreshnessEcho
