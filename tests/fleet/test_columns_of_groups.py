"""The columns of blocks that a group's figures are read from: how many rows, and whose."""

import datetime as dt

import pytest

from apps.accounts.models import Fleet
from apps.fleet import queries
from apps.fleet.models import TruckDayHours
from apps.fleet.summaries import hours, sums
from apps.fleet.sums import queries as sum_queries
from apps.fleet.utilization.hours import pack
from apps.mysql import fetch_all_sync
from apps.trucks.detection.motion import Seconds
from apps.trucks.models import SummaryRevision, TruckDay, TruckGroup
from tests import rows
from tests.fleet.four_trucks import FIRST, LAST, four_trucks, of_group
from tests.lasting import Lasting, anew

_STATEMENTS = {"weekdays": sum_queries.WEEKDAYS_OF_GROUP, "hours": sum_queries.HOURS_OF_GROUP}
pytestmark = pytest.mark.parametrize("statement", _STATEMENTS.values(), ids=_STATEMENTS)

_AN_HOUR = Seconds(*([720] * 5))


def every_second_day() -> Fleet:
    """Of four trucks, from two weeks before the quarter to two weeks after it."""
    made = four_trucks()
    days = [FIRST + dt.timedelta(days=number) for number in range(-14, 106, 2)]
    keys = [(truck, day) for truck in made.trucks.all() for day in days]
    for truck, day in keys:
        rows.truck_day(truck, day)
        TruckDayHours.objects.create(fleet_id=made.pk, truck_id=truck.pk, day=day, hours=pack([(7, _AN_HOUR)], True))
    packed = [(truck.pk, day) for truck, day in keys]
    revision = SummaryRevision.objects.create(fleet_id=made.pk, revision=1, changed_at=rows.NOON)
    sums.of_days(made.pk, packed, revision)
    hours.add_up(made.pk, packed)
    return made


@pytest.fixture(scope="module")
def once(lasting: Lasting[Fleet]) -> Fleet:
    return lasting(every_second_day)


@pytest.fixture
def fleet(db: None, once: Fleet) -> Fleet:
    return anew(once)


def test_a_group_reads_a_row_for_each_block_and_part_whatever_its_trucks_and_days(fleet: Fleet, statement: str) -> None:
    parts = 12  # 3 days, 3 pentads, 2 months, 2 pentads, 2 days
    assert 20 < len(of_group(statement, "All", FIRST, LAST)) <= 3 * parts
    assert len(of_group(statement, "Some", FIRST, LAST)) <= 2 * parts
    assert TruckDay.objects.filter(day__range=(FIRST, LAST)).count() > 100


def test_one_fleet_never_sees_anothers_trucks(fleet: Fleet, statement: str) -> None:
    """Not even by the number of its group."""
    other = rows.fleet("Other", timezone="UTC")
    where = {**queries.period(other.pk, FIRST, LAST), "id": TruckGroup.objects.get(name="All").pk}
    assert fetch_all_sync(statement, where) == []
