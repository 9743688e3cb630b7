"""Rows for the tests of reports: schedules, and fleets that have worked for some days."""

import datetime as dt
import random
from typing import Any

from apps.accounts.models import Fleet
from apps.fleet.models import ReportDelivery, ReportRun, ReportSchedule
from apps.fleet.reports import runs
from apps.trucks.models import Truck
from tests import rows

DAY = dt.date(2026, 11, 23)
MODELS = ["Volvo VNL 760", "Freightliner Cascadia", "Kenworth T680", "Peterbilt 579"]


def schedule(fleet: Fleet, name: str = "Daily", **changes: Any) -> ReportSchedule:
    """Due at 07:00 in Chicago."""
    values = {
        "send_at": dt.time(7),
        "timezone": "America/Chicago",
        "recipients": ["dispatch@example.com", "owner@example.com"],
        **changes,
    }
    return ReportSchedule.objects.create(fleet=fleet, name=name, **values)


def run(schedule: ReportSchedule, *, rendered: bool = True, day: dt.date | None = None) -> ReportRun:
    """A run with its deliveries, of the day before now unless told otherwise; with its files."""
    made = runs.start_run_now(schedule, schedule.recipients)
    if day is not None:
        ReportRun.objects.filter(pk=made.pk).update(period_from=day, period_to=day)
    if rendered:
        runs.render(made.pk)
    made.refresh_from_db()
    return made


def end_of(day: dt.date, fleet: Fleet) -> dt.datetime:
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), fleet.zone)


def truck_day(truck: Truck, day: dt.date = DAY, **changes: Any) -> None:
    """A day that is known to its end."""
    rows.truck_day(truck, day, **{"as_of": end_of(day, truck.fleet), **changes})


def fleet_day(fleet: Fleet, day: dt.date = DAY, **changes: Any) -> None:
    """The sums of the truck-days that the day has by now."""
    rows.fleet_day(fleet, day, **{"as_of": end_of(day, fleet), **changes})


def working_fleet(trucks: int = 12, days: int = 14, last: dt.date = DAY, **changes: Any) -> Fleet:
    """A fleet whose trucks worked on so many days, with the irregularities of a real one; the same at every call."""
    made = rows.fleet(**changes)
    dice = random.Random(20261123)
    fleet_trucks = [rows.truck(made, f"T-{101 + i}", name=MODELS[i % len(MODELS)]) for i in range(trucks)]
    for back in reversed(range(days)):
        day = last - dt.timedelta(days=back)
        for number, truck in enumerate(fleet_trucks):
            if day == last and number == trucks - 1:
                continue  # it has gone silent
            worked = dice.random() < (0.95 if day.weekday() < 5 else 0.25)
            truck_day(truck, day, **(_shift(dice, number) if worked else _rest()))
            rows.cost(truck, "payments", "61.64", day)
            rows.cost(truck, "driver_wages", f"{dice.uniform(180, 320) if worked else 0:.2f}", day)
        fleet_day(made, day)
    rows.revision(made, 4711)
    return made


def _shift(dice: random.Random, number: int) -> dict[str, Any]:
    km, idle_s = dice.uniform(280, 860), dice.randrange(1800, 9000)
    moving_s = int(km / dice.uniform(72, 88) * 3600)
    burnt = km * dice.uniform(0.27, 0.36) + idle_s / 3600 * 3
    has_fuel, refuels, drains = number % 5 != 3, int(dice.random() < 0.4), int(dice.random() < 0.06)
    return {
        "distance_m": round(km * 1000), "moving_s": moving_s, "idle_s": idle_s, "idle_productive_s": idle_s // 8,
        "engine_on_s": moving_s + idle_s, "parked_s": 86_400 - moving_s - idle_s - dice.choice([0, 0, 0, 600, 4200]),
        "fuel_used_l": burnt if has_fuel else None, "fuel_source": "counter" if has_fuel else None,
        "speeding_minor": dice.randrange(4), "speeding_moderate": dice.randrange(2),
        "speeding_severe": int(dice.random() < 0.1), "refuels": refuels,
        "refuel_l": 310.0 * refuels, "drains": drains, "drain_l": 46.0 * drains,
        "max_speed_kmh": dice.uniform(96, 122),
    }  # fmt: skip


def _rest() -> dict[str, Any]:
    return {
        "distance_m": 0, "moving_s": 0, "idle_s": 0, "idle_productive_s": 0, "engine_on_s": 0, "parked_s": 86_400,
        "fuel_used_l": 0.0, "speeding_minor": 0, "speeding_moderate": 0, "speeding_severe": 0, "refuels": 0,
        "refuel_l": 0.0, "drains": 0, "drain_l": 0.0, "max_speed_kmh": 0.0, "is_used": False,
    }  # fmt: skip


def deliveries(run: ReportRun) -> dict[str, ReportDelivery]:
    """By recipient."""
    return {delivery.recipient: delivery for delivery in run.deliveries.order_by("pk")}
