"""Fleets with their trucks, people, settings and what is asked of them."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import connection

from apps.accounts.keys import create_key
from apps.accounts.models import ApiKey, Fleet
from apps.fleet.models import CalendarHoliday, WorkingCalendar, WorkshopStay
from apps.fleet.models.working_time import WEEKDAYS
from apps.trucks.models import (
    Backfill,
    BackfillDay,
    Driver,
    DriverAssignment,
    FleetSync,
    ParameterSet,
    ProductivePlace,
    Truck,
    TruckGroup,
    TruckSync,
)

DAY = dt.date(2026, 3, 10)
NOON = dt.datetime(2026, 3, 10, 17, tzinfo=dt.UTC)  # in Chicago, where clocks changed two days earlier
# As `watermarks.recount` does it, which takes twenty times as much work and is asked for with every truck.
_COUNT_WATERMARKS = """
INSERT INTO fleet_watermark (fleet_id, version, trucks, known_until, steps)
SELECT
    %(fleet)s, 1, (SELECT COUNT(*) FROM truck WHERE fleet_id = %(fleet)s AND is_active), MIN(known_until),
    COALESCE(
        CONCAT('[', GROUP_CONCAT(IF(n, CONCAT('[', known_until, ', ', n, ']'), NULL) ORDER BY known_until), ']'), '[]'
    )
FROM (
    SELECT known_until, SUM(first_t IS NOT NULL) AS n FROM truck_sync
    WHERE fleet_id = %(fleet)s AND known_until IS NOT NULL
        AND truck_id NOT IN (SELECT id FROM truck WHERE fleet_id = %(fleet)s AND NOT is_active)
    GROUP BY known_until
) steps
ON DUPLICATE KEY UPDATE version = version + 1, trucks = VALUES(trucks), known_until = VALUES(known_until),
    steps = VALUES(steps)
"""


def _count_watermarks(fleet_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_WATERMARKS, {"fleet": fleet_id})


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
    _count_watermarks(fleet.pk)
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
    _count_watermarks(truck.fleet_id)
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


def fleet_of_march() -> Fleet:
    """Two trucks that have reported since 1 March 2026 and are known to the 10th; the second is in the group South."""
    made = fleet()
    first_t = int(dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC).timestamp())
    trucks = [truck(made, code) for code in ("T-1", "T-2")]
    for each in trucks:
        known(each, first_t=first_t)
    group(made, "South", trucks[1])
    return made
