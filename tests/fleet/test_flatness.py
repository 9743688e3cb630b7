"""A quarter of a fleet is read from at most twice the rows of seven days: counted by the database, by statement."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import Fleet
from apps.fleet import queries
from apps.fleet.models import TruckDayCost, TruckDayFuel, TruckDayIdlePlace
from apps.fleet.summaries import blocks as truck_blocks
from apps.fleet.summaries import sums
from apps.fleet.sums import blocks
from apps.fleet.sums import queries as sum_queries
from apps.mysql import fetch_all_sync
from apps.trucks.models import SummaryRevision, TruckDay
from tests import rows
from tests.lasting import Lasting, anew

TRUCKS, DAYS = 25, 98
FIRST = dt.date(2026, 1, 1)
ONE = dt.timedelta(days=1)
SEVEN = (dt.date(2026, 3, 7), dt.date(2026, 3, 13))  # seven days in no whole pentad
QUARTER = (dt.date(2026, 1, 3), dt.date(2026, 4, 2))  # 90 days with days, pentads and months at both ends
STATEMENTS = {
    "totals": sum_queries.FLEET_PARTS,
    "totals of a group": sum_queries.GROUP_PARTS,
    "totals of a truck": sum_queries.TRUCK_PARTS,
    "costs of a truck": sum_queries.TRUCK_COST_PARTS,
    "trucks": sum_queries.columns(queries.UTILIZATION_SUMS),
    "costs of trucks": sum_queries.COSTS,
    "idle places": sum_queries.IDLE_PLACES,
    "heads of idle places": sum_queries.IDLE_PLACE_HEADS,
    "idle places of a group": sum_queries.IDLE_PLACES_OF_GROUP,
    "hours of a group": sum_queries.HOURS_OF_GROUP,
    "drivers": sum_queries.driver_columns(("days", "distance_m")),
    "costs of drivers": sum_queries.DRIVER_COSTS,
}


def a_quarter() -> Fleet:
    made = rows.fleet(timezone="UTC")
    # of one block, whatever ids tests before have used up: how many rows are read follows how many blocks there are
    trucks = [rows.truck(made, f"T-{number:02}", id=1000 * blocks.TRUCKS + number) for number in range(TRUCKS)]
    rows.group(made, "North", *trucks[:10])
    rows.truck_day(trucks[0])
    [like] = TruckDay.objects.values()
    TruckDay.objects.all().delete()
    keys = [{"truck_id": truck.pk, "day": FIRST + n * ONE} for truck in trucks for n in range(DAYS)]
    TruckDay.objects.bulk_create(TruckDay(**{**like, **key}) for key in keys)
    TruckDayFuel.objects.bulk_create(TruckDayFuel(fleet_id=made.pk, **key, purchases=1) for key in keys)
    TruckDayCost.objects.bulk_create(
        TruckDayCost(fleet_id=made.pk, **key, line=line, source="estimated", amount=1)
        for key in keys
        for line in ("fuel", "tolls")
    )
    idled = {"spot": "@7.3", "events": 1, "idle_s": 600, "productive_s": 0}
    TruckDayIdlePlace.objects.bulk_create(TruckDayIdlePlace(fleet_id=made.pk, **key, **idled) for key in keys)
    truck_days = [(key["truck_id"], key["day"]) for key in keys]
    truck_blocks.replace_places(made.pk, truck_days)
    revision = SummaryRevision.objects.create(fleet_id=made.pk, revision=1, changed_at=rows.NOON)
    sums.of_days(made.pk, truck_days, revision)
    return made


@pytest.fixture(scope="module")
def once(lasting: Lasting[Fleet]) -> Fleet:
    return lasting(a_quarter)


@pytest.fixture
def fleet(db: None, once: Fleet) -> Fleet:
    return anew(once)


def rows_read(fleet: Fleet, statement: str, period: dict[str, Any]) -> int:
    """How many rows the server looks at for it, temporary ones too."""
    of_truck = statement in (sum_queries.TRUCK_PARTS, sum_queries.TRUCK_COST_PARTS)
    only = fleet.trucks.get(code="T-00") if of_truck else fleet.truck_groups.get()
    asked = {**period, "id": only.pk, "from_block": 0, "to_block": 2**57}
    before = _handler_reads()
    fetch_all_sync(statement, asked)
    return _handler_reads() - before


def _handler_reads() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _, value in cursor.fetchall())


def test_a_quarter_is_read_from_at_most_twice_the_rows_of_seven_days(fleet: Fleet) -> None:
    week, quarter = (queries.period(fleet.pk, *days) for days in (SEVEN, QUARTER))
    read = {
        name: (rows_read(fleet, statement, week), rows_read(fleet, statement, quarter))
        for name, statement in STATEMENTS.items()
    }
    assert {name: both for name, both in read.items() if not 5 < both[1] <= 2 * both[0] + 30} == {}


def test_what_is_counted_grows_where_days_are_read(fleet: Fleet) -> None:
    week, quarter = (queries.period_by("day", fleet.pk, *days) for days in (SEVEN, QUARTER))
    statement = sum_queries.GROUP_PARTS
    assert rows_read(fleet, statement, quarter) > 6 * rows_read(fleet, statement, week)
