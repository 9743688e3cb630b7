"""The seconds between which readings are looked for: never too narrow, and outside of them nobody looks."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from apps.fleet import summaries
from apps.trucks import invalidation
from apps.trucks.messages import storage
from apps.trucks.messages.neighbours import Neighbours
from apps.trucks.messages.normal import MessageRow, sort_out
from apps.trucks.messages.read_spans import COLUMNS, widened
from apps.trucks.models import Message, Truck, TruckDay, TruckSync
from apps.trucks.sensor_tables import SensorTables
from apps.trucks.sync import ingest
from apps.trucks.sync.rederivation import rederive
from tests import rows as make
from tests.pipeline import feed

START = 1_760_000_000
NOW = START + 10_000
EMPTY: dict[str, Any] = {**dict.fromkeys(MessageRow._fields), "flags": 0, "dropped": 0, "sensor_version": "v"}

some_rows = st.lists(
    st.fixed_dictionaries(
        {"t": st.integers(1, 50), "rpm": st.none() | st.just(1.0), "dtc": st.sampled_from([None, ""])}
    )
).map(lambda rows: [MessageRow(**{**EMPTY, **row}) for row in sorted(rows, key=lambda row: row["t"])])


@given(some_rows, some_rows)
def test_they_reach_from_the_first_reading_to_the_last(some: list[MessageRow], more: list[MessageRow]) -> None:
    found = widened(widened({}, some), more)
    for column in COLUMNS:
        seconds = [row.t for row in (*some, *more) if getattr(row, column) is not None]
        assert (found or {}).get(column) == ([min(seconds), max(seconds)] if seconds else None)


def test_what_is_not_known_stays_so() -> None:
    assert widened(None, [MessageRow(**{**EMPTY, "t": 5, "rpm": 1.0})]) is None


# --- as messages are stored -------------------------------------------------------------------------------------------


@pytest.fixture
def truck(db: None) -> Truck:
    return feed.truck_of(make.fleet(), "T", feed.SENSORS)


def message(second: int, **values: Any) -> dict[str, Any]:
    return {"t": START + second, "f": 0, "tp": "ud", "p": values}


def spans(truck: Truck) -> dict[str, list[int]]:
    found = TruckSync.objects.get(truck_id=truck.pk).read_spans
    return {name: [first - START, last - START] for name, (first, last) in found.items()}


def assert_wide_enough(truck: Truck) -> None:
    for column in COLUMNS:
        for t in Message.objects.filter(truck_id=truck.pk).exclude(**{column: None}).values_list("t", flat=True):
            first, last = spans(truck)[column]
            assert first <= t - START <= last, column


def test_messages_widen_them_whenever_they_come(truck: Truck) -> None:
    feed.deliver(truck, [message(100, ign=1), message(200, odo=5), message(300)], NOW)
    assert spans(truck) == {"ignition": [100, 100], "odometer_m": [200, 200]}
    feed.deliver(truck, [message(50, odo=1, dtc="1/1"), message(400, ign=0)], NOW)
    assert spans(truck) == {"ignition": [100, 400], "odometer_m": [50, 200], "dtc": [50, 50]}


def test_a_truck_of_which_they_are_not_known_does_not_get_too_narrow_ones(truck: Truck) -> None:
    feed.deliver(truck, [message(100, ign=1)], NOW)
    TruckSync.objects.update(read_spans=None)
    feed.deliver(truck, [message(200, ign=1)], NOW)
    assert TruckSync.objects.get().read_spans is None


def test_another_sensor_table_widens_them(truck: Truck) -> None:
    truck.sensor_table = {"1": feed.SENSORS["1"]}
    SensorTables(truck.fleet_id).renew(truck)
    truck.save()
    feed.deliver(truck, [message(100, ign=1, odo=3), message(200, ign=1, odo=4)], NOW)
    assert spans(truck) == {"ignition": [100, 200]}
    truck.sensor_table = feed.SENSORS
    SensorTables(truck.fleet_id).renew(truck)
    truck.save()
    rederive(truck, TruckSync.objects.get(truck_id=truck.pk))
    assert spans(truck)["odometer_m"] == [100, 200]
    assert_wide_enough(truck)


def test_readings_that_messages_get_from_another_one_before_them_widen_them(truck: Truck) -> None:
    """A sensor refers to the message before: it has a reading where that had one."""
    change = feed.sensor(1, "Level", "fuel level", "level-#level", "l")
    truck.sensor_table = {"1": change}
    SensorTables(truck.fleet_id).renew(truck)
    truck.save()
    feed.deliver(truck, [message(100, level=3), message(200), message(300, level=9)], NOW)
    assert spans(truck) == {}
    feed.deliver(truck, [message(250, level=7)], NOW)
    assert spans(truck) == {"fuel_level_l": [300, 300]}
    remove(truck, 200, 250)
    assert Message.objects.exclude(fuel_level_l=None).get().t == START + 300
    assert_wide_enough(truck)


def remove(truck: Truck, *seconds: int) -> None:
    keys = {each for each in storage.known_keys(truck.fleet_id, truck.pk, START, NOW) if each[0] - START in seconds}
    left = sort_out([], NOW)
    table = SensorTables(truck.fleet_id).of(truck)
    ingest.replace(truck.fleet, truck, table, left, START + min(seconds), START + max(seconds), NOW, keys)


def test_a_removed_message_may_give_the_next_one_a_reading(truck: Truck) -> None:
    truck.sensor_table = {"1": feed.sensor(1, "Level", "fuel level", "level-#level", "l")}
    SensorTables(truck.fleet_id).renew(truck)
    truck.save()
    feed.deliver(truck, [message(100, level=3), message(200), message(300, level=9)], NOW)
    remove(truck, 200)
    assert spans(truck) == {"fuel_level_l": [300, 300]}


# --- and as readings are looked for -----------------------------------------------------------------------------------


def test_nobody_looks_outside_of_them(truck: Truck) -> None:
    feed.deliver(truck, [message(second, ign=1, odo=second) for second in range(100, 600, 100)], NOW)
    known = Neighbours(truck.fleet_id, truck.pk, 3, spans={"ignition": [START + 200, START + 300]})
    t = START + 450
    assert known.before(t, ["ignition", "odometer_m"]) == {"ignition": [START + 300]}
    assert known.after(START + 100, ["ignition", "t"]) == {"ignition": [START + 200], "t": [START + 200]}
    with CaptureQueriesContext(connection) as asked:
        assert known.before(START + 200, ["ignition"]) == known.after(t, ["ignition", "rpm"]) == {}
    assert len(asked) == 0
    everywhere = Neighbours(truck.fleet_id, truck.pk, 3)
    assert everywhere.before(t, ["ignition", "odometer_m"]) == {"ignition": [START + 400], "odometer_m": [START + 400]}


def test_a_rebuild_looks_only_for_readings_that_count_and_that_there_ever_were(truck: Truck) -> None:
    sensors = {**feed.PLAIN, "9": feed.sensor(9, "Speed of the engine", "engine rpm", "rpm", "rpm")}
    other = feed.truck_of(truck.fleet, "O", sensors)
    several_days = range(0, 3 * 86_400, 5_000)
    feed.receive(other, [message(second, ign=1, odo=second, rpm=900) for second in several_days], START + 3 * 86_400)
    summaries.rebuild(truck.fleet)
    last = TruckDay.objects.latest("day").day
    invalidation.mark(truck.fleet_id, [(other.pk, last)], "staff")
    with CaptureQueriesContext(connection) as asked:
        summaries.rebuild(truck.fleet)
    looked = [each["sql"] for each in asked if "'ignition' AS reading" in each["sql"]]
    assert len(looked) == 1
    assert "'odometer_m' AS reading" in looked[0]
    assert not any(f"'{name}' AS reading" in looked[0] for name in ("lat", "rpm", "fuel_level_l", "dtc"))
