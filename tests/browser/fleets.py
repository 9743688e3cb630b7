"""What the pages show: a fleet that was synchronised and priced, one with a row of everything, one without trucks."""

import datetime as dt
import time
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import CostEntry, CostRate
from apps.trucks.models import Truck
from apps.trucks.sync import leases
from apps.trucks.sync.passes import synchronise
from tests import rows
from tests.browser.browser import NAME, PASSWORD
from tests.furnished import furnish
from wialon_simulator import Simulator

DAYS = 9


@dataclass(frozen=True, slots=True)
class Fleets:
    """`key` opens the API for `driven`; `made`: the rows of `furnished` by model, the latest of a few of each."""

    driven: Fleet
    key: str
    furnished: Fleet
    made: dict[type[Model], Any]
    empty: Fleet


def make() -> Fleets:
    """Makes all of them, and a superuser. `driven` has days up to today, whenever that is."""
    User.objects.create_superuser(NAME, password=PASSWORD)
    driven = _driven()
    furnished = rows.fleet("Bravo Logistics", timezone="Europe/Berlin", currency="EUR")
    made = [furnish(furnished, number) for number in (1, 2, 3)][-1]
    rows.fuel_event(made[Truck], rows.NOON - dt.timedelta(hours=6), kind="drain")
    rows.sum_up()  # the server reads them
    return Fleets(driven, rows.api_key(driven), furnished, made, rows.fleet("Empty Fleet"))


def _driven() -> Fleet:
    """Three trucks and their days, in miles, with costs of each source."""
    now = int(time.time())
    with Simulator(trucks=3, days=DAYS, seed=3, now=now, frozen=True) as simulator:
        fleet = rows.fleet(wialon_url=simulator.url, wialon_token=simulator.token, units="us")
        lease = leases.claim(fleet.pk, only_if_due=False)
        assert lease is not None
        synchronise(fleet, lease)
    first = dt.datetime.fromtimestamp(now, fleet.zone).date() - dt.timedelta(days=DAYS)
    rows.price(fleet, first)
    _priced(fleet, first)
    rows.group(fleet, "North", *Truck.objects.filter(fleet=fleet).order_by("code")[:2])
    assert summaries.rebuild(fleet).failed == 0
    return fleet


def _priced(fleet: Fleet, first: dt.date) -> None:
    of_truck = Truck.objects.filter(fleet=fleet).first()
    month = {"covers_from": first, "covers_to": first + dt.timedelta(days=29)}
    for entry in (
        CostEntry(line="insurance", amount="930.00", document="policy 118", **month),
        CostEntry(line="repair_maintenance", amount="412.55", truck=of_truck, covers_from=first, covers_to=first),
    ):
        entry.fleet, entry.currency = fleet, fleet.currency
        ledger.save(entry)
    ledger.save(CostRate(fleet=fleet, line="tires", basis="per_km", amount="0.05", effective_from=first))
