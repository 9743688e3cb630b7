"""How many trucks are in which state now: counted at once, or as they are found one by one."""

import datetime as dt
from collections import Counter
from itertools import product

import pytest

from apps.mysql import fetch_all_sync
from apps.trucks import queries
from apps.trucks.states import by_status
from tests import rows
from tests.rows import NOON


@pytest.mark.django_db
def test_trucks_are_counted_by_state_at_once_as_they_are_one_by_one() -> None:
    fleet, other = rows.fleet(), rows.fleet("Other")
    for number, changes in enumerate(({}, {}, {"speed_kmh": 0.0}, {"engine_on": False}, {"is_gone": True})):
        is_active = not changes.pop("is_gone", False)
        rows.latest(rows.truck(fleet, f"T-{number}", is_active=is_active), NOON, **changes)
    rows.latest(rows.truck(fleet, "silent"), NOON - dt.timedelta(hours=1))
    rows.latest(rows.truck(fleet, "no message yet"), None)
    rows.truck(fleet, "never known")
    rows.truck(fleet, "gone, never known", is_active=False)
    rows.latest(rows.truck(other, "of others"), NOON)
    where = {"fleet": fleet.pk, "now": int(NOON.timestamp()), "pattern": None, "group": None}
    [counted], [found], [active] = (
        fetch_all_sync(sql, where) for sql in (queries.TRUCKS_BY_STATUS, queries.FOUND_BY_STATUS, queries.ACTIVE_TRUCKS)
    )
    expected = {"moving": 2, "idle": 1, "parked": 1, "offline": 1, "never_reported": 2}
    assert by_status(counted, active["trucks"]) == by_status(found, found["trucks"]) == expected
    assert active["trucks"] == found["trucks"] == 7


VALUES = {
    "engine_on": [None, False, True],
    "speed_kmh": [None, 0.0, 5.0, 5.1],
    "ago_s": [900, 901, 93_600, 93_601],
}


@pytest.mark.django_db
def test_a_state_is_counted_as_it_is_told_of_the_truck() -> None:
    fleet = rows.fleet()
    for number, (engine_on, speed_kmh, ago_s) in enumerate(product(*VALUES.values())):
        truck = rows.truck(fleet, f"T-{number:02}")
        rows.latest(truck, NOON - dt.timedelta(seconds=ago_s), engine_on=engine_on, speed_kmh=speed_kmh)
    where = {"fleet": fleet.pk, "now": int(NOON.timestamp()), "pattern": None, "group": None}
    listed = fetch_all_sync(queries.TRUCKS, {**where, "statuses": None, "after": "", "limit": 100})
    told = Counter(row["status"] for row in listed)
    [counted] = fetch_all_sync(queries.TRUCKS_BY_STATUS, where)
    assert len(told) == 4
    assert by_status(counted, len(listed)) == {**told, "never_reported": 0}
