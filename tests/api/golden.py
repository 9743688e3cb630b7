"""The fleet of the golden tests: three trucks, two months, with their ledger. What it comes to stands in the tests.

The fleet, in Chicago, February and March 2026 (28 and 31 days; on 8 March the clocks go forward, so it has 23 hours):

- Each day, from 08:00 to 10:00 a truck drives, then idles to 11:00 and stands for the rest. A and C drive 120 km on 30
  litres, B 180 km on 45; idling takes 2 litres more. C is sold at the end of February.
- Truck-days: A 59, B 59, C 28, together 146. Distance: A 59 × 120 = 7,080 km, B 59 × 180 = 10,620, C 28 × 120 = 3,360,
  together 21,060; of it February 3,360 + 5,040 + 3,360 = 11,760, March 3,720 + 5,580 = 9,300.
- Litres: A 59 × 32 = 1,888, B 59 × 47 = 2,773, C 28 × 32 = 896, together 5,557.
- A litre costs 1.00, from 15 February 09:00 on 1.20, from 10 March 12:00 on 1.10.

Tanks and faults: A and B have a level sensor and tell of their faults, C does neither. What comes into their tanks or
leaves them between two hourly readings is in TANKS, by the reading that shows it: refuels at 21:00, after 20:00; at
night drains, and a leak of 20 litres. On 26 March B is filled in two goes. Of B's drains that of 20 February is not
reviewed, that of 12 March confirmed, that of 15 March dismissed.
"""

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.imports import storing
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import Benchmark, CostRate, ExchangeRate, FuelPrice
from apps.trucks.models import FaultAcknowledgement, FuelEvent
from apps.trucks.reviews import review_drains
from tests import rows
from tests.pipeline import feed

CHICAGO = ZoneInfo("America/Chicago")
FIRST, SOLD, END = dt.date(2026, 2, 1), dt.date(2026, 3, 1), dt.date(2026, 4, 1)
PRICES = ((FIRST, 0, "1.00"), (dt.date(2026, 2, 15), 9 * 60, "1.20"), (dt.date(2026, 3, 10), 12 * 60, "1.10"))
TRUCKS = {"A": (120, END), "B": (180, END), "C": (120, SOLD)}  # km a day, and until when
BOTH = "from=2026-02-01&to=2026-03-31"
INVOICES = b"""line,amount,currency,truck,covers_from,covers_to,basis
payments,2950,USD,A,2026-02-01,2026-03-31,days
payments,1770,USD,C,2026-02-01,2026-03-31,days
insurance,1770,USD,,2026-02-01,2026-03-31,days
permits,177,USD,,2026-02-01,2026-03-31,trucks
tolls,42.50,USD,B,2026-02-10,,
tolls,17.30,USD,A,2026-03-08,,
repair_maintenance,615.25,USD,B,2026-03-03,,
driver_wages,11760,USD,,2026-02-01,2026-02-28,km
driver_wages,9300,USD,,2026-03-01,2026-03-31,km
insurance,-59,USD,B,2026-02-01,2026-03-31,days
other,100,EUR,A,2026-03-01,2026-03-11,days
"""
CARDS = b"""truck,purchased_at,litres,amount,currency,reference
A,2026-02-10 20:30,405,409.05,USD,C-1
A,2026-02-23 20:30,400,488.00,USD,C-2
A,2026-03-24 20:30,420,453.60,USD,C-3
B,2026-02-08 20:30,400,404.00,USD,C-4
B,2026-02-18 20:30,440,536.80,USD,C-5
B,2026-02-27 20:30,500,500.00,EUR,C-6
B,2026-03-08 20:30,400,488.00,USD,C-7
B,2026-03-16 20:30,515,566.50,USD,C-8
B,2026-03-26 20:30,430,464.40,USD,C-9
C,2026-02-12 12:00,300,303.00,USD,C-10
"""
# Litres at first; then, by the reading that shows it, what has come into the tank since the reading before.
TANKS = {
    "A": (500, {"02-10 21:00": 400, "02-23 21:00": 400, "03-10 21:00": 400, "03-24 21:00": 420}),
    "B": (
        550,
        {
            "02-08 21:00": 400, "02-18 21:00": 440, "02-20 03:00": -80, "02-27 21:00": 500, "03-08 21:00": 400,
            "03-12 04:00": -50, "03-15 03:00": -40, "03-16 21:00": 500, "03-25 03:00": -20, "03-26 21:00": 230,
            "03-26 22:00": 200,
        },
    ),
}  # fmt: skip
# The faults that the device lists from then on.
FAULTS = {
    "A": {"03-05 09:00": "100/1", "03-06 08:00": ""},
    "B": {"02-10 08:30": "110/16", "03-20 08:00": "110/16,7/15", "03-20 10:00": "110/16", "03-25 08:00": "110/16,7/15"},
}
REVIEWS = {dt.date(2026, 3, 12): "confirmed", dt.date(2026, 3, 15): "dismissed"}


def at(day: dt.date, minutes: int = 0) -> int:
    """The second of a wall time of the day."""
    clock = dt.datetime.combine(day, dt.time(minutes // 60, minutes % 60), tzinfo=CHICAGO)
    return int(clock.timestamp())


def told(code: str, clock: str, used_l: float) -> dict[str, Any]:
    """What the tank holds and which faults are active, of trucks that tell."""
    if code not in TANKS:
        return {}
    at_first, steps = TANKS[code]
    level = at_first - used_l + sum(litres for since, litres in steps.items() if since <= clock)
    lists = [codes for since, codes in FAULTS[code].items() if since <= clock]
    return {"level": level, "dtc": lists[-1] if lists else ""}


def work(code: str) -> list[dict[str, Any]]:
    """The truck's messages, ascending: every ten minutes while the engine is on, every hour otherwise.

    Its counters stand at 400,000 km and 120,000 l in the beginning.
    """
    km_a_day, until = TRUCKS[code]
    messages: dict[int, dict[str, Any]] = {}
    days = (until - FIRST).days
    for number in range(days):
        day = FIRST + dt.timedelta(days=number)
        before_km, before_l = 400_000 + number * km_a_day, 120_000 + number * (km_a_day / 4 + 2)
        for minutes in sorted({*range(0, 1_440, 60), *range(480, 661, 10)}):
            driven, idled = min(max(minutes - 480, 0), 120) / 120, min(max(minutes - 600, 0), 60) / 60
            is_driving, engine = 480 <= minutes < 600, int(480 <= minutes < 660)
            place = {"y": 41.85, "x": -87.65, "z": 180, "s": km_a_day / 2 * is_driving, "c": 0, "sc": 9}
            values = {"ign": engine, "odo": before_km + km_a_day * driven}
            values["used"] = before_l + km_a_day / 4 * driven + 2 * idled
            values |= told(code, f"{day:%m-%d} {minutes // 60:02}:{minutes % 60:02}", values["used"] - 120_000)
            t = at(day, minutes)
            messages[t] = {"t": t, "f": 1, "tp": "ud", "rt": t, "pos": place, "p": values}
    return list(messages.values())


def made() -> str:
    """A key of the fleet, with all of its days computed."""
    fleet = rows.fleet()
    Benchmark.objects.all().delete()
    for code, (_, until) in TRUCKS.items():
        feed.receive(feed.truck_of(fleet, code), work(code), at(until) - 1)
    for day, minutes, price in PRICES:
        moment = dt.datetime.fromtimestamp(at(day, minutes), dt.UTC)
        ledger.save(FuelPrice(fleet=fleet, effective_at=moment, price_per_l=Decimal(price)))
    rate = {"line": "tires", "basis": "per_km", "amount": Decimal("0.02"), "effective_from": FIRST}
    ledger.save(CostRate(fleet=fleet, **rate))
    ledger.save(ExchangeRate(fleet=fleet, currency="EUR", effective_from=FIRST, rate=Decimal("1.1")))
    storing.store(storing.received(fleet, "entries", "invoices.csv", INVOICES, "root"))
    truck, handed_over = fleet.trucks.get(code="A"), dt.datetime(2026, 3, 10, 9, tzinfo=CHICAGO)
    rows.assignment(truck, rows.driver(fleet, "Anna"), dt.datetime(2026, 1, 1, tzinfo=dt.UTC), handed_over)
    rows.assignment(truck, rows.driver(fleet, "Ben"), handed_over)
    storing.store(storing.received(fleet, "fuel-purchases", "cards.csv", CARDS, "root"))
    assert summaries.rebuild(Fleet.objects.get(pk=fleet.pk)).failed == 0
    _say(fleet)
    assert summaries.rebuild(Fleet.objects.get(pk=fleet.pk)).failed == 0
    return rows.api_key(fleet)


def _say(fleet: Fleet) -> None:
    """What people say of drains and faults of B."""
    truck, now = fleet.trucks.get(code="B"), dt.datetime(2026, 3, 31, 12, tzinfo=dt.UTC)
    for day, verdict in REVIEWS.items():
        review_drains([FuelEvent.objects.get(truck_id=truck.pk, kind="drain", day=day)], verdict, "root", now)
    noticed = dt.datetime(2026, 2, 11, 12, tzinfo=CHICAGO)
    FaultAcknowledgement.objects.create(
        fleet=fleet, truck=truck, spn=110, fmi=16, acknowledged_at=noticed, acknowledged_by="root"
    )


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}
