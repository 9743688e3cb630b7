"""The balance of each truck's tank against plain loops over raw messages and purchases, from real HTTP to the API."""

import datetime as dt
import math
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import FuelPurchase, TruckDayFuel
from apps.trucks.models import Truck, TruckSync
from tests import rows
from tests.pipeline.conftest import sync_and_summarise
from tests.twin import PARAMETERS, History, fuel_figures, local_days
from wialon_simulator import Simulator

ZONE = "America/Chicago"
NOW = dt.datetime(2026, 3, 9, 20, 30, tzinfo=dt.UTC)  # the day after the clocks went forward
NAMES = ("bought", "refuelled", "drained", "used", "tank")
Balance = dict[str, float]


def buy(truck: Truck, rng: random.Random) -> None:
    """Some fills of the last three days, whether the tank knows of them or not."""
    for number in range(rng.randrange(5)):
        at = NOW - dt.timedelta(seconds=rng.randrange(3 * 86_400))
        bought = {
            "litres": Decimal(rng.randrange(1, 400_000)) / 1_000,
            "amount": Decimal(100),
            "currency": truck.fleet.currency,
        }
        ledger.save(
            FuelPurchase(fleet=truck.fleet, truck=truck, purchased_at=at, reference=f"C-{number}", **bought)
        )  # fmt: skip


def balances(truck: Truck, messages: list[dict[str, Any]]) -> dict[dt.date, Balance]:
    """By day, those on which level, drains and use by a counter are all measured."""
    as_of = TruckSync.objects.get(truck_id=truck.pk).known_until or 0
    history = History(messages, truck.sensor_table, as_of, PARAMETERS, truck.tank_l, [], [])
    found = {}
    if not history.points:
        return {}
    for day, start, end in local_days(history.points[0].t, as_of, ZoneInfo(ZONE)):
        figures, change = fuel_figures(history, start, end, frozenset()), history.level.within(start, end)
        bought = [
            float(each.litres)
            for each in FuelPurchase.objects.filter(truck=truck)
            if start <= each.purchased_at.timestamp() < end
        ]
        litres = (math.fsum(bought), figures["refuel_l"], figures["drain_l"], figures["fuel_used_l"], change)
        if None not in litres and figures["fuel_source"] == "counter":
            found[day] = dict(zip(NAMES, litres, strict=True))
    return found


def stored(truck: Truck) -> dict[dt.date, Balance]:
    measured = TruckDayFuel.objects.filter(truck_id=truck.pk, balance_days=1)
    return {row.day: {name: getattr(row, f"balance_{name}_l") for name in NAMES} for row in measured}


@pytest.mark.django_db(transaction=True)
def test_the_balance_of_every_tank_is_that_of_the_messages_and_purchases(
    make_fleet: Callable[..., Fleet], api_get: Callable[..., httpx.Response]
) -> None:
    with Simulator(trucks=8, days=3, seed=5, now=NOW.timestamp(), timezone=ZONE, frozen=True) as simulator:
        fleet = make_fleet(simulator, timezone=ZONE)
        sync_and_summarise(fleet)
        trucks = list(Truck.objects.filter(fleet=fleet).order_by("code"))
        rng = random.Random(5)
        for truck in trucks:
            buy(truck, rng)
        summaries.rebuild(fleet)
        true = {truck.code: balances(truck, simulator.messages(truck.wialon_id)) for truck in trucks}
    for truck in trucks:
        days = stored(truck)
        assert days.keys() == true[truck.code].keys()
        for day, balance in days.items():
            assert balance == pytest.approx(true[truck.code][day], abs=1e-6)
    assert sum(map(len, true.values())) > 8
    answer = api_get("/api/v2/fleet/cost-analysis?from=2026-03-01&to=2026-03-09", rows.api_key(fleet)).json()
    shown = {row["truck_id"]: row["fuel_balance"] for row in answer["data"]["by_truck"]}
    for code, balance in shown.items():
        is_booked = FuelPurchase.objects.filter(truck__code=code).exists()
        assert balance == summed(list(true[code].values()), is_booked)


def summed(days: list[Balance], is_booked: bool) -> Any:
    """As the API shows it: in all, and what is left unexplained; not compared without a purchase."""
    if not days:
        return None
    bought, refuelled, drained, used, tank = (math.fsum(day[name] for day in days) for name in NAMES)
    litres = {
        "bought_l": bought, "refuelled_l": refuelled, "drained_l": drained, "used_l": used, "tank_change_l": tank,
        "not_in_tank_l": bought - refuelled, "unexplained_l": bought - drained - used - tank,
    }  # fmt: skip
    shown = {name: pytest.approx(value, abs=0.006) for name, value in litres.items()}
    if not is_booked:
        shown |= dict.fromkeys(("bought_l", "not_in_tank_l", "unexplained_l"))
    return {"truck_days": len(days), **shown, "reason": None if is_booked else "no_purchases"}
