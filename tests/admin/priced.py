"""A fleet with costs of all sources, and the page about them."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Fleet
from apps.fleet import queries
from apps.fleet.costs.allocation import NO_TRUCK
from apps.fleet.models import TruckDayFuel
from apps.trucks.models import Truck
from tests import rows

DAYS = [dt.date(2026, 2, 21) + dt.timedelta(days=number) for number in range(16)]
NOW, BEFORE = DAYS[8:], DAYS[:8]
PERIOD = {"from": "2026-03-01", "to": "2026-03-08"}
QUERY = "&".join(f"{name}={value}" for name, value in PERIOD.items())


def make(units: str = "metric", trucks: int = 3, purchases: int = 1) -> Fleet:
    """Trucks over two periods of eight days; costs of all sources, and an invoice's rest that no truck bears."""
    fleet = rows.fleet(units=units)
    made = [rows.truck(fleet, f"T-{number}", name=f"Truck <b>{number}</b>") for number in range(1, trucks + 1)]
    rows.group(fleet, "North", *made[:2])
    for number, day in enumerate(DAYS):
        for size, truck in enumerate(made, 1):
            day_of(truck, day, size + number, purchases)
    for day in (DAYS[3], DAYS[12]):
        rows.cost(made[0], "repair_maintenance", "310.55", day, source="actual")
    rows.cost(Truck(pk=NO_TRUCK, fleet=fleet), "unallocated", "12.34", NOW[2], source="allocated")
    for day in DAYS:
        rows.fleet_day(fleet, day, **_fuel_of(fleet, day))
    for truck in made:
        rows.known(truck)
    rows.revision(fleet, 7)
    return fleet


def day_of(truck: Truck, day: dt.date, size: int, purchases: int = 1) -> None:
    rows.truck_day(truck, day, distance_m=200_000 + 1_000 * size, fuel_used_l=70.0 + size)
    rows.cost(truck, "fuel", f"{70 + size}.37", day)
    rows.cost(truck, "tolls", f"{size}.10", day, source="actual")
    rows.cost(truck, "payments", "50.00", day, source="allocated")
    TruckDayFuel.objects.create(
        fleet_id=truck.fleet_id, truck_id=truck.pk, day=day, fuel_cost=Decimal(f"{70 + size}.37"),
        fuel_priced_l=70.0 + size, idle_cost=Decimal("3.20"), idle_productive_cost=Decimal("1.10"),
        purchases=purchases, purchased_l=Decimal(80 * purchases), purchased_amount=Decimal(84 * purchases),
        balance_days=1, balance_bought_l=80.0 * purchases,
        balance_refuelled_l=78.0, balance_drained_l=2.0, balance_used_l=70.0 + size, balance_tank_l=5.0,
    )  # fmt: skip


def _fuel_of(fleet: Fleet, day: dt.date) -> dict[str, Any]:
    names = queries.FUEL_MONEY
    return TruckDayFuel.objects.filter(fleet_id=fleet.pk, day=day).aggregate(**{name: Sum(name) for name in names})


def page(client: Client, status: int = 200, **query: Any) -> Any:
    answer = client.get(reverse("costs"), query)
    assert answer.status_code == status
    return answer
