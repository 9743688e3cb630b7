"""What people enter of money, and alerts about fuel."""

import datetime as dt
from decimal import Decimal
from typing import Any

from apps.accounts.models import Fleet
from apps.fleet.models import CostEntry, CostRate, ExchangeRate, FuelAlert, FuelPrice, FuelPurchase
from apps.trucks.models import Truck, TruckGroup
from tests.rows.fleets import NOON, group


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
