"""Two trucks that work by the clock, from Monday to Thursday noon: what tests of summaries are about."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import connection

from apps.accounts.models import Fleet
from apps.fleet.models import CostRate
from apps.trucks.models import SummaryRevision, Truck, TruckDay
from tests import rows
from tests.fleet.driver_twin import assert_drivers_add_up
from tests.fleet.hours_twin import assert_hours_add_up
from tests.fleet.places_twin import assert_places_add_up
from tests.fleet.span_twin import assert_spans_add_up
from tests.pipeline import feed

ONE = dt.timedelta(days=1)
MONDAY = dt.date(2026, 3, 16)
TUESDAY, WEDNESDAY, THURSDAY = (MONDAY + n * ONE for n in (1, 2, 3))
DAYS = [MONDAY, TUESDAY, WEDNESDAY, THURSDAY]
START = feed.midnight(MONDAY, "UTC")
DAY_S = 86_400
NOW = START + 3 * DAY_S + 12 * 3_600  # Thursday noon


def shift(km: float = 0, first_t: int = START, days: int = 4, until: int = NOW) -> list[dict[str, Any]]:
    """A message every ten minutes, around the clock; from 08:00 to 10:00 at 60 km/h, and then an hour's idling."""
    messages = []
    for t in range(first_t, min(first_t + days * DAY_S, until), 600):
        hour = t % DAY_S / 3_600
        is_driving, engine = 8 <= hour < 10, int(8 <= hour < 11)
        place = {"y": 50 + km * feed.KM, "x": 9.0, "z": 100, "s": 60 * is_driving, "c": 0, "sc": 9}
        values = {"ign": engine, "odo": km, "used": km / 4, "level": 200.0}
        messages.append({"t": t, "f": 1, "tp": "ud", "rt": t, "pos": place, "p": values})
        km += 10 * is_driving
    return messages


def two_trucks() -> Fleet:
    """Two trucks and four days, marked and not rebuilt yet; a price and a rate."""
    made = rows.fleet(timezone="UTC", currency="EUR")
    rows.price(made, MONDAY, "1.50")
    CostRate.objects.create(fleet=made, line="tolls", basis="per_km", amount=Decimal("0.2"), effective_from=MONDAY)
    for number in range(2):
        feed.receive(feed.truck_of(made, f"T-{number}"), shift(km=1_000 * number), NOW)
    return made


def assert_sums_add_up() -> None:
    """Spans are the sums of the days there are, days of hours, and so on, for every fleet."""
    if not connection.needs_rollback:  # some let the database refuse a row
        for fleet in Fleet.objects.all():
            assert_spans_add_up(fleet.pk)
            assert_hours_add_up(fleet.pk)
            assert_places_add_up(fleet.pk)
            assert_drivers_add_up(fleet.pk)


def trucks(fleet: Fleet) -> list[Truck]:
    return list(Truck.objects.filter(fleet=fleet).order_by("code"))


def revision(fleet: Fleet) -> int:
    return SummaryRevision.objects.get(fleet_id=fleet.id).revision


def days_written_since(fleet: Fleet, number: int) -> list[tuple[str, dt.date]]:
    codes = {truck.id: truck.code for truck in trucks(fleet)}
    written = TruckDay.objects.filter(fleet_id=fleet.id, revision__gt=number).order_by("truck_id", "day")
    return [(codes[row.truck_id], row.day) for row in written]
