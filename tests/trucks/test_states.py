"""How many trucks are in which state now: counted at once, or as they are found one by one."""

import datetime as dt

import pytest

from apps.mysql import fetch_all_sync
from apps.trucks import queries
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
    counted, found = (
        {row["status"]: row["trucks"] for row in fetch_all_sync(statement, where) if row["trucks"]}
        for statement in (queries.TRUCKS_BY_STATUS, queries.FOUND_BY_STATUS)
    )
    assert counted == found == {"moving": 2, "idle": 1, "parked": 1, "offline": 1, None: 2}
