"""Computed days: figures, drivers, hours and costs; what a revision and a correction say of them."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import connection

from apps.accounts.models import Fleet
from apps.fleet.costs.allocation import NO_TRUCK
from apps.fleet.models import FleetDay, TruckDayCost, TruckDayDriver, TruckDayDriverCost, TruckDayFuel, TruckDayHours
from apps.fleet.queries import FUEL_MONEY
from apps.fleet.summaries.hours import add_up
from apps.fleet.utilization.hours import pack
from apps.mysql import fetch_all_sync
from apps.trucks.detection.driver_parts import NOBODY
from apps.trucks.detection.motion import Seconds
from apps.trucks.models import Correction, Driver, SummaryRevision, Truck, TruckDay
from tests.rows.fleets import DAY, NOON
from tests.rows.summing import sum_up_later


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
    harsh = (values[f"harsh_{kind}"] for kind in ("braking", "acceleration", "cornering"))
    own["harsh_distance_m"] = own["distance_m"] if any(count is not None for count in harsh) else None
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
    sum_up_later(truck.fleet_id, truck.pk, day)
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
    add_up(truck.fleet_id, [(truck.pk, day)])
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
    "harsh_distance_m": (
        "SUM(IF(harsh_braking IS NULL AND harsh_acceleration IS NULL AND harsh_cornering IS NULL, NULL, distance_m))"
    ),
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
    sum_up_later(fleet.pk, NO_TRUCK, day)
    return made


def cost(truck: Truck, line: str, amount: str, day: dt.date = DAY, source: str = "estimated") -> TruckDayCost:
    made = TruckDayCost.objects.create(
        fleet_id=truck.fleet_id, truck_id=truck.pk, day=day, line=line, amount=Decimal(amount), source=source
    )
    sum_up_later(truck.fleet_id, truck.pk, day)
    return made


def driver_cost(
    truck: Truck, driver: Driver | None, line: str, amount: str, day: dt.date = DAY, source: str = "estimated"
) -> TruckDayDriverCost:
    """What a driver, or nobody known, bears."""
    made = TruckDayDriverCost.objects.create(
        fleet_id=truck.fleet_id, truck_id=truck.pk, day=day, driver_id=driver.pk if driver else NOBODY, line=line,
        source=source, amount=Decimal(amount),
    )  # fmt: skip
    sum_up_later(truck.fleet_id, truck.pk, day)
    return made


def fuel_money(truck: Truck, day: dt.date = DAY, **values: Any) -> TruckDayFuel:
    """A truck's day of fuel in money; null what is not given."""
    made = TruckDayFuel.objects.create(fleet_id=truck.fleet_id, truck_id=truck.pk, day=day, **values)
    sum_up_later(truck.fleet_id, truck.pk, day)
    return made


def revision(fleet: Fleet, number: int) -> SummaryRevision:
    return SummaryRevision.objects.update_or_create(
        fleet_id=fleet.pk, defaults={"revision": number, "changed_at": NOON}
    )[0]


def correction(truck: Truck, column: str = "distance_m", day: dt.date = DAY, **changes: Any) -> Correction:
    values = {"revision": 7, "old": "412000", "new": "420000", "cause": "messages", "corrected_at": NOON, **changes}
    return Correction.objects.create(
        fleet_id=truck.fleet_id, truck_id=truck.pk, day=day, column=column, **values
    )  # fmt: skip
