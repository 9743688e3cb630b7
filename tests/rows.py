"""Creators of database rows: a few words in a test, plausible defaults for the rest."""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection

from apps.accounts.keys import create_key
from apps.accounts.models import ApiKey, Fleet
from apps.fleet.costs.allocation import NO_TRUCK
from apps.fleet.models import (
    CalendarHoliday,
    CostEntry,
    CostRate,
    ExchangeRate,
    FleetDay,
    FuelAlert,
    FuelPrice,
    FuelPurchase,
    TruckDayCost,
    TruckDayDriver,
    TruckDayDriverCost,
    TruckDayFuel,
    TruckDayHours,
    WorkingCalendar,
    WorkshopStay,
)
from apps.fleet.models.working_time import WEEKDAYS
from apps.fleet.queries import FUEL_MONEY
from apps.fleet.summaries import sums
from apps.fleet.summaries.hours import sum_up_days
from apps.fleet.utilization.hours import pack
from apps.mysql import fetch_all_sync
from apps.trucks.detection.driver_parts import NOBODY
from apps.trucks.detection.motion import Seconds
from apps.trucks.models import (
    Backfill,
    BackfillDay,
    Correction,
    Driver,
    DriverAssignment,
    FaultChange,
    FleetSync,
    FuelEvent,
    HarshEvent,
    IdleEvent,
    LatestValues,
    Message,
    OpenFault,
    ParameterSet,
    ProductivePlace,
    SpeedingEpisode,
    Stop,
    SummaryRevision,
    Trip,
    Truck,
    TruckDay,
    TruckGroup,
    TruckSync,
)
from apps.trucks.sync.latest import open_faults
from apps.trucks.sync.watermarks import recount

DAY = dt.date(2026, 3, 10)
NOON = dt.datetime(2026, 3, 10, 17, tzinfo=dt.UTC)  # in Chicago, where clocks changed two days earlier


def fleet(name: str = "Prairie Haulage", **changes: Any) -> Fleet:
    values = {
        "timezone": "America/Chicago",
        "currency": "USD",
        "wialon_url": "http://127.0.0.1:9",
        "wialon_token": "t" * 72,
        **changes,
    }
    made = Fleet.objects.create(name=name, **values)
    FleetSync.objects.create(fleet=made)
    return made


def api_key(fleet: Fleet, scopes: tuple[str, ...] = ("read",), **changes: Any) -> str:
    """The key's text."""
    text = create_key(fleet, scopes=scopes)
    if changes:
        ApiKey.objects.filter(prefix=text.split("_")[1]).update(**changes)
    return text


def truck(fleet: Fleet, code: str = "T-1", **changes: Any) -> Truck:
    number = 1000 + Truck.objects.count()
    values = {"name": f"Truck {code}", "wialon_id": number, "tank_l": 600.0, "vin": f"1XKYD49X0{number:08d}", **changes}
    made = Truck.objects.create(fleet=fleet, code=code, **values)
    recount(fleet.pk)
    return made


def group(fleet: Fleet, name: str, *trucks: Truck) -> TruckGroup:
    made = TruckGroup.objects.create(fleet=fleet, name=name, wialon_id=5000 + TruckGroup.objects.count())
    made.trucks.set(trucks)
    return made


def driver(fleet: Fleet, name: str = "Driver 1", **changes: Any) -> Driver:
    number = 1 + Driver.objects.count()
    values = {"resource_id": 1, "wialon_id": number, "code": f"D-{number}", **changes}
    return Driver.objects.create(fleet=fleet, name=name, **values)


def assignment(
    truck: Truck, driver: Driver, since: dt.datetime, until: dt.datetime | None = None, source: str = "binding"
) -> DriverAssignment:
    """An assignment as it stands there, without the days that it would mark."""
    return DriverAssignment.objects.create(
        fleet=truck.fleet, truck=truck, driver=driver, started_at=since, ended_at=until, source=source
    )


def parameters(fleet: Fleet, values: dict[str, float], **changes: Any) -> ParameterSet:
    return ParameterSet.objects.create(fleet=fleet, values=values, **{"effective_from": dt.date(2020, 1, 1), **changes})


def place(fleet: Fleet, name: str = "Yard", **changes: Any) -> ProductivePlace:
    values = {"lat": 41.9, "lon": -87.6, "radius_m": 200, "effective_from": DAY, **changes}
    return ProductivePlace.objects.create(fleet=fleet, name=name, **values)


def known(truck: Truck, until: dt.datetime | None = NOON, **changes: Any) -> TruckSync:
    """The truck's watermark."""
    second = None if until is None else int(until.timestamp())
    values = {"known_until": second, "first_t": 1_760_000_000, "cursor_t": second, **changes}
    made = TruckSync.objects.create(truck_id=truck.pk, fleet_id=truck.fleet_id, **values)
    recount(truck.fleet_id)
    return made


def calendar(
    fleet: Fleet, hours: str = "8 8 8 8 8 0 0", holidays: tuple[str, ...] = (), **changes: Any
) -> WorkingCalendar:
    """A working calendar as it stands there: hours from Monday on (`-`: as the parameter says), and days off."""
    values = {name: None if text == "-" else Decimal(text) for name, text in zip(WEEKDAYS, hours.split(), strict=True)}
    made = WorkingCalendar.objects.create(fleet=fleet, **{"effective_from": dt.date(2020, 1, 1), **values, **changes})
    for day in holidays:
        CalendarHoliday.objects.create(calendar=made, day=dt.date.fromisoformat(day))
    return made


def workshop(truck: Truck, first: dt.date = DAY, last: dt.date | None = None, **changes: Any) -> WorkshopStay:
    return WorkshopStay.objects.create(
        fleet=truck.fleet, truck=truck, effective_from=first, effective_to=last, **changes
    )


def backfill(fleet: Fleet, *trucks: Truck, number: int = 1, **changes: Any) -> Backfill:
    """The backfill of this number, of one day, with a failed row for each truck."""
    first_t = int(NOON.timestamp())
    values = {
        "kind": "resync", "first_t": first_t, "last_t": first_t, "first_day": DAY, "last_day": DAY,
        "requested_by": "a test", "truck_ids": [truck.pk for truck in trucks] or None, **changes,
    }  # fmt: skip
    made = Backfill.objects.create(pk=number, fleet=fleet, **values)
    for truck in trucks:
        row = {"truck_id": truck.pk, "day": DAY, "state": "failed", "error": "Unavailable: no answer"}
        BackfillDay.objects.create(fleet_id=fleet.pk, backfill_id=made.pk, **row)
    return made


def latest(truck: Truck, at: dt.datetime | None = NOON, **changes: Any) -> LatestValues:
    second = None if at is None else int(at.timestamp())
    values = {
        "t": second,
        "engine_on": True,
        "speed_kmh": 88.0,
        "lat": 41.85,
        "lon": -87.65,
        "fix_t": second,
        **changes,
    }
    if "document" not in values:
        values["document"] = latest_document(values)
    return LatestValues.objects.create(truck_id=truck.pk, fleet_id=truck.fleet_id, **values)


def latest_document(values: dict[str, Any]) -> bytes:
    """The document of latest values as the sync writes it, with one sensor."""
    second = values["t"]
    at = None if second is None else dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    sensor = {"id": 4, "name": "Fuel level", "type": "fuel level", "unit": "l", "value": 412.5, "at": at}
    position = {
        "lat": values["lat"], "lon": values["lon"], "speed_kmh": values["speed_kmh"],
        "course_deg": 270.0, "altitude_m": 180.0, "satellites": 12, "at": at,
    }  # fmt: skip
    return orjson.dumps({"sensors": [sensor], "position": position if values["lat"] is not None else None})


_unsummed: set[tuple[int, int, dt.date]] = set()  # fleet, truck and day
_OF_SUMS = re.compile("(truck|fleet)_(span|block)")


def _sum_up_later(fleet_id: int, truck_id: int, day: dt.date) -> None:
    _unsummed.add((fleet_id, truck_id, day))
    if _before_reading not in connection.execute_wrappers:
        connection.execute_wrappers.append(_before_reading)


def _before_reading(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
    if _unsummed and _OF_SUMS.search(sql):
        sum_up()
    return execute(sql, *rest)


def sum_up() -> None:
    """Sums up the pentads and months of the days that were made since the last call.

    Once for all of them, since a day by itself takes 25 ms: before the first statement about sums on the connection of
    the tests, and before a request to the application, as `AsgiClient` makes it. Who has sums read by another process
    or thread calls this.
    """
    days = list(_unsummed)
    forget_unsummed()
    was_captured, connection.force_debug_cursor = connection.force_debug_cursor, False  # nobody asked for these
    for fleet_id in {fleet_id for fleet_id, _, _ in days}:
        sums.of_spans(fleet_id, [(truck_id, day) for of_fleet, truck_id, day in days if of_fleet == fleet_id])
    connection.force_debug_cursor = was_captured


def forget_unsummed() -> None:
    """At the end of a test, when the days themselves are gone."""
    _unsummed.clear()


def truck_day(truck: Truck, day: dt.date = DAY, driver: Driver | None = None, **changes: Any) -> TruckDay:
    """A working day of 24 hours, of one driver; no-data takes up what the other states leave, so that it adds up."""
    values: dict[str, Any] = {
        "messages": 1440, "fixes": 1400, "dropped_values": 2, "quarantined": 0,
        "moving_s": 28_800, "idle_s": 3_600, "idle_productive_s": 600, "parked_s": 50_400, "length_s": 86_400,
        "engine_on_s": 32_400, "night_driving_s": 5_400, "distance_m": 420_000, "distance_source": "odometer",
        "distance_gps_m": 418_200, "drift_m": 120, "distance_gap_m": 0, "distance_odometer_m": 420_000,
        "engine_hours": 9.0, "counter_resets": 0, "fuel_used_l": 131.5, "fuel_source": "counter",
        "idle_fuel_l": 3.2, "max_speed_kmh": 104.0,
        "trips": 4, "stops": 5, "idle_events": 6, "speeding_minor": 2, "speeding_moderate": 1, "speeding_severe": 0,
        "speeding_s": 240, "harsh_braking": 1, "harsh_acceleration": 0, "harsh_cornering": None,
        "refuels": 1, "refuel_l": 300.0, "drains": 0, "drain_l": 0.0, "faults_opened": 0,
        "status": "provisional", "revision": 1, "computed_at": NOON, "as_of": NOON,
        "is_used": True, "available_s": 43_200, "in_workshop": False,
        "input_messages": 1441, "input_first_t": 1_773_100_800, "input_last_t": 1_773_187_100,
        "content_hash": "0" * 32, "parameters_version": "0" * 16, **changes,
    }  # fmt: skip
    known_s = values["moving_s"] + (values["idle_s"] or 0) + values["parked_s"]
    values.setdefault("no_data_s", values["length_s"] - known_s)
    values.setdefault("coverage_pct", 100 * (1 - values["no_data_s"] / values["length_s"]))
    made = TruckDay.objects.create(fleet_id=truck.fleet_id, truck_id=truck.pk, day=day, **values)
    own = {name: values[name] for name in _OF_DRIVER}
    own["fuel_distance_m"] = None if own["fuel_used_l"] is None else own["distance_m"]
    own["consumption_l"] = None if own["distance_m"] is None else own["fuel_used_l"]
    driver_day(truck, driver, day, **own)
    return made


_OF_DRIVER = (
    "length_s", "moving_s", "idle_s", "idle_productive_s", "parked_s", "no_data_s", "engine_on_s", "night_driving_s",
    "distance_m", "fuel_used_l", "idle_fuel_l", "trips", "idle_events", "speeding_minor", "speeding_moderate",
    "speeding_severe", "speeding_s", "harsh_braking", "harsh_acceleration", "harsh_cornering", "max_speed_kmh",
)  # fmt: skip


def driver_day(truck: Truck, driver: Driver | None, day: dt.date = DAY, **figures: Any) -> TruckDayDriver:
    """A driver in a truck on a day, nobody known without one; what is not given is not measured."""
    values = {"length_s": 0, "moving_s": 0, "parked_s": 0, "no_data_s": 0, **figures}
    made = TruckDayDriver.objects.create(
        fleet_id=truck.fleet_id, truck_id=truck.pk, day=day, driver_id=driver.pk if driver else NOBODY, **values
    )
    _sum_up_later(truck.fleet_id, truck.pk, day)
    return made


def hours(truck: Truck, day: dt.date = DAY, **spent: list[int]) -> TruckDayHours:
    """The hours of a truck's day by state, e.g. `moving=[8, 9]`; the others are parked. And the fleet's."""
    states = {hour: state for state, hours in spent.items() for hour in hours}

    def seconds(start: int, end: int) -> Seconds:
        counts = dict.fromkeys(("moving", "idle", "productive", "parked", "no_data"), 0)
        counts[states.get(start // 3_600, "parked")] = end - start
        return Seconds(**counts)

    packed = pack([(hour, seconds(hour * 3_600, (hour + 1) * 3_600)) for hour in range(24)], True)
    made = TruckDayHours.objects.create(fleet_id=truck.fleet_id, truck_id=truck.pk, day=day, hours=packed)
    sum_up_days(truck.fleet_id, [day])
    return made


_SUMMED = (
    "length_s", "available_s", "moving_s", "idle_s", "idle_productive_s", "parked_s", "no_data_s", "engine_on_s",
    "night_driving_s", "messages", "dropped_values", "quarantined", "distance_m", "fuel_used_l", "idle_fuel_l", "trips",
    "stops", "idle_events", "speeding_minor", "speeding_moderate", "speeding_severe", "speeding_s", "harsh_braking",
    "harsh_acceleration", "harsh_cornering", "refuels", "refuel_l", "drains", "drain_l", "faults_opened",
)  # fmt: skip


_UNUSED = "NOT is_used AND NOT in_workshop AND no_data_s > length_s / 2"
_COUNTED = {
    "trucks": "TRUE",
    "trucks_used": "is_used",
    "days_working": "available_s > 0",
    "days_workshop": "NOT is_used AND in_workshop",
    "days_no_data": _UNUSED,
    "days_used_working": "is_used AND available_s > 0",
    "days_workshop_working": "NOT is_used AND in_workshop AND available_s > 0",
    "days_no_data_working": f"{_UNUSED} AND available_s > 0",
    "consumption_days": "fuel_used_l IS NOT NULL AND distance_m IS NOT NULL",
}
_OF_TRUCK_DAYS = {
    **{name: f"SUM({name})" for name in _SUMMED},
    **{name: f"COUNT(IF({condition}, 1, NULL))" for name, condition in _COUNTED.items()},
    "engine_moving_s": "SUM(IF(engine_on_s IS NULL, NULL, moving_s))",
    "fuel_distance_m": "SUM(IF(fuel_used_l IS NULL, NULL, distance_m))",
    "consumption_l": "SUM(IF(distance_m IS NULL, NULL, fuel_used_l))",
}
# The ORM would take 20 ms to put it together, and many tests have many days.
_SUMS = "SELECT " + ", ".join(f"{expression} AS {name}" for name, expression in _OF_TRUCK_DAYS.items())
_MONEY = "SELECT " + ", ".join(f"SUM({name}) AS {name}" for name in FUEL_MONEY)
_COSTS = """
    INSERT INTO fleet_day_cost (fleet_id, day, line, source, amount)
    SELECT fleet_id, day, line, source, SUM(amount) FROM truck_day_cost
    WHERE fleet_id = %(fleet)s AND day = %(day)s GROUP BY line, source
"""


def fleet_day(fleet: Fleet, day: dt.date = DAY, **changes: Any) -> FleetDay:
    """The sums of the truck-days and costs that the day has by now."""
    where = {"fleet": fleet.pk, "day": day}
    (values,) = fetch_all_sync(f"{_SUMS} FROM truck_day WHERE fleet_id = %(fleet)s AND day = %(day)s", where)
    (money,) = fetch_all_sync(f"{_MONEY} FROM truck_day_fuel WHERE fleet_id = %(fleet)s AND day = %(day)s", where)
    values |= money
    with connection.cursor() as cursor:
        cursor.execute(_COSTS, where)
    made = FleetDay.objects.create(
        fleet_id=fleet.pk, day=day, **{**values, "as_of": NOON, "revision": 1, "computed_at": NOON, **changes}
    )
    _sum_up_later(fleet.pk, NO_TRUCK, day)
    return made


def cost(truck: Truck, line: str, amount: str, day: dt.date = DAY, source: str = "estimated") -> TruckDayCost:
    made = TruckDayCost.objects.create(
        fleet_id=truck.fleet_id, truck_id=truck.pk, day=day, line=line, amount=Decimal(amount), source=source
    )
    _sum_up_later(truck.fleet_id, truck.pk, day)
    return made


def driver_cost(
    truck: Truck, driver: Driver | None, line: str, amount: str, day: dt.date = DAY, source: str = "estimated"
) -> TruckDayDriverCost:
    """What a driver, or nobody known, bears."""
    made = TruckDayDriverCost.objects.create(
        fleet_id=truck.fleet_id, truck_id=truck.pk, day=day, driver_id=driver.pk if driver else NOBODY, line=line,
        source=source, amount=Decimal(amount),
    )  # fmt: skip
    _sum_up_later(truck.fleet_id, truck.pk, day)
    return made


def fuel_money(truck: Truck, day: dt.date = DAY, **values: Any) -> TruckDayFuel:
    """A truck's day of fuel in money; null what is not given."""
    made = TruckDayFuel.objects.create(fleet_id=truck.fleet_id, truck_id=truck.pk, day=day, **values)
    _sum_up_later(truck.fleet_id, truck.pk, day)
    return made


def fuel_alert(truck: Truck, week: dt.date = dt.date(2026, 3, 2), **changes: Any) -> FuelAlert:
    """20 % more than before in a week, which nobody has reviewed."""
    values = {
        "litres": 360.0, "distance_m": 1_000_000, "consumption_l_per_100km": 36.0, "baseline_l_per_100km": 30.0,
        "baseline_distance_m": 4_000_000, "deviation_pct": 20.0, "threshold_pct": 15.0, "excess_l": 60.0,
        "excess_cost": Decimal("63.00"), "found_at": NOON, "changed_at": NOON, **changes,
    }  # fmt: skip
    return FuelAlert.objects.create(fleet=truck.fleet, truck=truck, week=week, **values)


def price(fleet: Fleet, since: dt.date | dt.datetime, per_l: str = "1.05", **changes: Any) -> FuelPrice:
    """What a litre costs from an instant on, or from a local midnight."""
    at = since if isinstance(since, dt.datetime) else dt.datetime.combine(since, dt.time(), tzinfo=fleet.zone)
    return FuelPrice.objects.create(fleet=fleet, effective_at=at, price_per_l=Decimal(per_l), **changes)


def ledger(truck: Truck, at: dt.datetime) -> None:
    """A row of each kind of the ledger, of this instant or day; the price is that of a group called South."""
    fleet, day = truck.fleet, at.date()
    south = TruckGroup.objects.filter(fleet=fleet, name="South").first() or group(fleet, "South", truck)
    price(fleet, at, group=south)
    CostRate.objects.create(fleet=fleet, truck=truck, line="tires", basis="per_km", amount=1, effective_from=day)
    money = {"fleet": fleet, "amount": Decimal("12.50"), "currency": fleet.currency}
    CostEntry.objects.create(**money, line="tolls", truck=truck, covers_from=day, covers_to=day)
    FuelPurchase.objects.create(**money, truck=truck, purchased_at=at, litres=Decimal(10))
    since = day - at.hour * dt.timedelta(days=1)  # a fleet has one of a day
    ExchangeRate.objects.create(fleet=fleet, currency="CAD", effective_from=since, rate=Decimal("0.7"))


def revision(fleet: Fleet, number: int) -> SummaryRevision:
    return SummaryRevision.objects.update_or_create(
        fleet_id=fleet.pk, defaults={"revision": number, "changed_at": NOON}
    )[0]


def _event(truck: Truck, started_at: dt.datetime, seconds: int) -> dict[str, Any]:
    return {
        "fleet_id": truck.fleet_id,
        "truck_id": truck.pk,
        "day": started_at.astimezone(truck.fleet.zone).date(),
        "started_at": started_at,
        "ended_at": started_at + dt.timedelta(seconds=seconds),
        "lat": 41.85,
        "lon": -87.65,
    }


def trip(truck: Truck, started_at: dt.datetime = NOON, seconds: int = 3_600, **changes: Any) -> Trip:
    idle_s = changes.get("idle_s", seconds // 10)
    values = {
        "end_lat": 42.1, "end_lon": -88.2, "distance_m": 20 * seconds, "distance_source": "odometer",
        "moving_s": seconds - (idle_s or 0), "idle_s": idle_s, "parked_s": 0, "no_data_s": 0,
        "mean_speed_kmh": 80.0, "max_speed_kmh": 96.0, "fuel_l": seconds / 150, **changes,
    }  # fmt: skip
    return Trip.objects.create(**{**_event(truck, started_at, seconds), **values})


def stop(truck: Truck, started_at: dt.datetime = NOON, seconds: int = 1_800, **changes: Any) -> Stop:
    values = {"idle_s": 300, "parked_s": seconds - 300, "no_data_s": 0, **changes}
    return Stop.objects.create(**{**_event(truck, started_at, seconds), **values})


def idle_event(truck: Truck, started_at: dt.datetime = NOON, seconds: int = 600, **changes: Any) -> IdleEvent:
    values = {"duration_s": seconds, "productive_s": 0, "fuel_l": 0.5, "cost": Decimal("0.53"), **changes}
    return IdleEvent.objects.create(**{**_event(truck, started_at, seconds), **values})


def speeding(truck: Truck, started_at: dt.datetime = NOON, seconds: int = 60, **changes: Any) -> SpeedingEpisode:
    values = {
        "severity": "minor", "limit_kmh": 105.0, "max_speed_kmh": 111.0, "excess_kmh": 6.0,
        "duration_s": seconds, "distance_m": 30 * seconds, **changes,
    }  # fmt: skip
    return SpeedingEpisode.objects.create(**{**_event(truck, started_at, seconds), **values})


def correction(truck: Truck, column: str = "distance_m", day: dt.date = DAY, **changes: Any) -> Correction:
    values = {"revision": 7, "old": "412000", "new": "420000", "cause": "messages", "corrected_at": NOON, **changes}
    return Correction.objects.create(
        fleet_id=truck.fleet_id, truck_id=truck.pk, day=day, column=column, **values
    )  # fmt: skip


def message(truck: Truck, at: dt.datetime = NOON, **changes: Any) -> Message:
    t = int(at.timestamp())
    values = {
        "digest": t, "received_t": t + 3, "flags": 1, "lat": 41.85, "lon": -87.65, "speed_kmh": 88.0, "ignition": True,
        "rpm": 1_240.0, "voltage": 27.9, "odometer_m": 420_000, "fuel_used_l": 131.5, "fuel_level_l": 310.0,
        "engine_hours_h": 9.0, "pto": False, "harsh": 0b111000, "dtc": "", "sensor_version": "1",
        "payload": b'{"t": 1, "p": {}}', **changes,
    }  # fmt: skip
    return Message.objects.create(fleet_id=truck.fleet_id, truck_id=truck.pk, t=t, **values)


def fuel_event(truck: Truck, started_at: dt.datetime = NOON, kind: str = "refuel", **changes: Any) -> FuelEvent:
    before, after = (100.0, 400.0) if kind == "refuel" else (400.0, 340.0)
    values = {"level_before_l": before, "level_after_l": after, "litres": abs(after - before)}
    values |= {"review": "suspected" if kind == "drain" else None, **changes}
    values.setdefault("cost", Decimal("1.05") * Decimal(values["litres"]))
    return FuelEvent.objects.create(**{**_event(truck, started_at, 300), "kind": kind, **values})


def harsh_event(truck: Truck, started_at: dt.datetime = NOON, kind: str = "braking", **changes: Any) -> HarshEvent:
    values = {"source": "device", "speed_kmh": 62.0, "peak_ms2": None, **changes}
    return HarshEvent.objects.create(**{**_event(truck, started_at, 0), "kind": kind, **values})


def fault_change(truck: Truck, started_at: dt.datetime = NOON, kind: str = "opened", **changes: Any) -> FaultChange:
    values = {"spn": 100, "fmi": 1, "source": 255, "severity": "severe", **changes}
    return FaultChange.objects.create(**{**_event(truck, started_at, 0), "kind": kind, **values})


def open_fault(truck: Truck, opened_at: dt.datetime = NOON, **changes: Any) -> OpenFault:
    values = {"spn": 100, "fmi": 1, "source": 255, "severity": "severe", "lat": 41.85, "lon": -87.65, **changes}
    made = OpenFault.objects.create(fleet_id=truck.fleet_id, truck_id=truck.pk, opened_at=opened_at, **values)
    columns = ("spn", "fmi", "source", "severity", "opened_at")
    ready = open_faults(OpenFault.objects.filter(truck_id=truck.pk).values_list(*columns))
    TruckSync.objects.update_or_create(truck_id=truck.pk, fleet_id=truck.fleet_id, defaults={"open_faults": ready})
    return made
