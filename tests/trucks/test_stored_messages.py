"""Messages read in columns make the points that they make one by one."""

from typing import Any

import numpy as np
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.trucks.detection.evidence import READINGS
from apps.trucks.detection.points import COLUMNS, REPORTS, Points
from apps.trucks.messages import reads, storage
from apps.trucks.messages.normal import MessageRow, points_of

FLEET, TRUCK, SATELLITES = 7, 8, 3

floats = st.none() | st.floats(allow_nan=False, allow_infinity=False, width=64)
messages = st.builds(
    dict,
    t=st.integers(1, 12),  # few seconds: several messages share one
    digest=st.integers(-(2**63), 2**63 - 1),
    received_t=st.none() | st.integers(1, 2**40 - 1),
    flags=st.sampled_from([0, 1, 0x20000]),
    satellites=st.sampled_from([None, 0, 2, 3, 255]),
    lat=st.sampled_from([None, 0.0, 0.1 + 0.2, -90.0, 90.1, 5e-324]) | floats,
    lon=st.sampled_from([None, 0.0, 10.0]) | floats,
    speed_kmh=floats,
    ignition=st.sampled_from([None, True, False]),
    rpm=floats,
    voltage=floats,
    odometer_m=st.none() | st.integers(0, 2**50),
    fuel_used_l=floats,
    fuel_level_l=floats,
    engine_hours_h=floats,
    pto=st.sampled_from([None, True, False]),
    harsh=st.none() | st.integers(0, 63),
    dtc=st.sampled_from([None, "", "110/3,94/1", 'a "quoted", \\ text']),
    dropped=st.integers(0, 9),
)


def store(rows: list[dict[str, Any]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM message WHERE truck_id = %s", [TRUCK])
    empty: dict[str, Any] = {**dict.fromkeys(MessageRow._fields), "sensor_version": "v", "payload": b"{}"}
    distinct = {(row["t"], row["digest"]): MessageRow(**{**empty, **row}) for row in rows}
    storage.insert(FLEET, TRUCK, list(distinct.values()))


def assert_same(found: Points, expected: Points) -> None:
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    for name in REPORTS:
        assert list(getattr(found, name)) == list(getattr(expected, name)), name


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(messages, max_size=20))
def test_columns_hold_what_the_messages_say_one_by_one(rows: list[dict[str, Any]]) -> None:
    store(rows)
    found = reads.stored_messages(FLEET, TRUCK, 2, 12, READINGS, SATELLITES)
    one_by_one = reads.stored_points(FLEET, TRUCK, 2, 12)
    assert found.t.tolist() == [each.t for each in one_by_one]
    assert found.dropped.sum() == sum(each.dropped for each in one_by_one)
    assert_same(found.points, points_of(one_by_one, SATELLITES))


@pytest.mark.django_db
def test_readings_that_are_not_asked_for_are_null() -> None:
    store([{"t": 5, "digest": 1, "flags": 0, "dropped": 0, "rpm": 800.0, "odometer_m": 3, "dtc": "1/1", "harsh": 1}])
    found = reads.stored_messages(FLEET, TRUCK, 0, 9, ["odometer_m"], SATELLITES).points
    assert (found.odometer_m.tolist(), list(found.harsh)) == ([3], [(5, 1)])
    assert np.isnan(found.rpm).all() and not found.dtc
