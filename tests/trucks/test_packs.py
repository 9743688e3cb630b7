"""Days of messages in packs: exactly what the rows say, and gone when one of them changes."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.trucks.detection.evidence import READINGS
from apps.trucks.detection.points import VALUES
from apps.trucks.messages import packs, reads, retention, settled, storage
from apps.trucks.messages.columns import NUMBERS, OF_EACH, OF_FIX, MessageColumns, joined
from apps.trucks.messages.normal import StoredMessages, sort_out
from apps.trucks.messages.packing import pack, unpack
from apps.trucks.messages.packs import DAY_S
from apps.trucks.messages.sealing import REACH_S
from apps.trucks.models import Message, PackedDay, Truck, TruckSync
from apps.trucks.sensor_tables import SensorTables
from apps.trucks.sync import ingest
from apps.trucks.sync.rederivation import rederive
from tests import rows as make
from tests.pipeline import feed
from tests.trucks.test_stored_messages import FLEET, SATELLITES, TRUCK, assert_same, messages, store

DAY = 20_000
MIDNIGHT = DAY * DAY_S
NOW = MIDNIGHT + 8 * DAY_S

numbers = (
    st.just(float("nan"))
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**53), 2**53).map(float)
    | st.decimals(-1_000, 1_000, places=6).map(float)
    | st.sampled_from([0.0, -0.0, 1e22, 5e-324])
)
columns = st.integers(0, 12).flatmap(
    lambda count: st.builds(
        MessageColumns,
        st.fixed_dictionaries(
            {name: st.lists(numbers, min_size=count, max_size=count).map(np.array) for name in NUMBERS}
        ),
        st.lists(st.tuples(st.integers(0, 11), st.text(max_size=5)), max_size=3),
    )
)


@settings(max_examples=50, deadline=None)
@given(columns)
def test_unpacked_is_what_was_packed_to_the_last_bit(given_columns: MessageColumns) -> None:
    content = pack(given_columns)
    found = unpack(content)
    assert pack(found) == content and found.dtc == given_columns.dtc
    for name in NUMBERS:
        was, now = np.asarray(given_columns.numbers[name], dtype=np.float64), found.numbers[name]
        np.testing.assert_array_equal(np.isnan(was), np.isnan(now), err_msg=name)
        assert was[~np.isnan(was)].tobytes() == now[~np.isnan(now)].tobytes(), name


@settings(max_examples=50, deadline=None)
@given(columns, st.sets(st.sampled_from(VALUES)))
def test_a_reading_is_unpacked_alike_beside_others_and_without_them(made: MessageColumns, wanted: set[str]) -> None:
    whole, some = unpack(pack(made)), unpack(pack(made), wanted)
    assert some.numbers.keys() == {*OF_EACH, *OF_FIX, *wanted} and some.dtc == whole.dtc
    for name, column in some.numbers.items():
        assert column.tobytes() == whole.numbers[name].tobytes(), name


def test_readings_of_few_places_take_few_bytes() -> None:
    rng = np.random.default_rng(7)
    moving = {name: np.round(np.cumsum(rng.normal(0, 1e-4, 2_000)) + 50, 6) for name in NUMBERS}
    assert len(pack(MessageColumns(moving))) < 3 * len(NUMBERS) * 2_000


def rows_now(start: int, end: int) -> StoredMessages:
    """What is read where nothing is packed."""
    PackedDay.objects.all().delete()
    return reads.stored_messages(FLEET, TRUCK, start, end, READINGS, SATELLITES)


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(messages, max_size=20),
    st.lists(st.integers(0, 3), max_size=20),
    st.sets(st.integers(0, 3)),
    st.tuples(st.integers(-1, 4 * DAY_S), st.integers(0, 2 * DAY_S)),
)
def test_packs_present_or_absent_make_the_same_points(
    told: list[dict[str, Any]], days: list[int], packed: set[int], stretch: tuple[int, int]
) -> None:
    store([{**each, "t": each["t"] + day * DAY_S} for each, day in zip(told, days, strict=False)])
    start, end = stretch[0], sum(stretch)
    by_rows = rows_now(start, end)
    packs.keep(FLEET, TRUCK, ((day, of_day(day)) for day in packed))
    found = reads.stored_messages(FLEET, TRUCK, start, end, READINGS, SATELLITES)
    assert found.t.tolist() == by_rows.t.tolist()
    assert found.dropped.tolist() == by_rows.dropped.tolist()
    assert_same(found.points, by_rows.points)


def of_day(day: int) -> MessageColumns:
    return reads.message_columns(FLEET, TRUCK, day * DAY_S, (day + 1) * DAY_S, READINGS)


def test_joined_messages_keep_their_faults_where_they_are() -> None:
    one = MessageColumns({name: np.array([1.0, 2.0]) for name in NUMBERS}, [(1, "a")])
    other = MessageColumns({name: np.array([3.0]) for name in NUMBERS if name != "rpm"}, [(0, "b")])
    both = joined([one, other])
    assert (both.dtc, both.numbers["t"].tolist(), "rpm" in both.numbers) == ([(1, "a"), (2, "b")], [1, 2, 3], False)
    assert both.between(2, 4).dtc == [(0, "a"), (1, "b")]


# --- which days are packed --------------------------------------------------------------------------------------------


@pytest.fixture
def truck(db: None) -> Truck:
    """A truck with a message every six hours of six days, known until the eighth begins."""
    return truck_until(NOW)


def truck_until(known_until: int) -> Truck:
    truck = feed.truck_of(make.fleet(), "T", feed.PLAIN)
    feed.receive(truck, (message(t) for t in range(MIDNIGHT, MIDNIGHT + 6 * DAY_S, DAY_S // 4)), known_until)
    return truck


def message(t: int, **values: float) -> dict[str, Any]:
    return {"t": t, "p": {"ign": 1, "odo": t / 1_000, **values}}


def packed_days() -> list[int]:
    return sorted(day - DAY for day in PackedDay.objects.values_list("day", flat=True))


def test_days_are_packed_when_they_have_settled(truck: Truck) -> None:
    TruckSync.objects.update(known_until=MIDNIGHT + 5 * DAY_S - 1)
    assert settled.pack_settled_days(60) == 1
    assert packed_days() == [0]
    TruckSync.objects.update(known_until=NOW + 2 * DAY_S)
    assert settled.pack_settled_days(60) == 6
    assert packed_days() == [0, 1, 2, 3, 4, 5, 6], "one without a message, too"
    assert settled.pack_settled_days(60) == 0


def test_without_time_or_without_messages_nothing_is_packed(truck: Truck) -> None:
    feed.truck_of(truck.fleet, "never heard of")
    assert settled.pack_settled_days(0) == 0
    assert not packed_days()


def test_the_newest_days_are_packed_first(truck: Truck, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled, "AT_ONCE", 2)
    assert settled._pack_some(truck.pk) == 2
    assert packed_days() == [3, 4]


def test_days_below_the_floor_are_not_packed(truck: Truck) -> None:
    TruckSync.objects.update(raw_since_t=MIDNIGHT + 3 * DAY_S + REACH_S)
    settled.pack_settled_days(60)
    assert packed_days() == [3, 4]


def test_a_pack_of_another_layout_is_not_read_and_packed_anew(truck: Truck) -> None:
    settled.pack_settled_days(60)
    PackedDay.objects.update(layout=0, content=b"what is this")
    found = reads.stored_messages(truck.fleet_id, truck.pk, MIDNIGHT, NOW, READINGS, 0)
    assert len(found.t) == 24
    assert settled.pack_settled_days(60) == 5
    assert set(PackedDay.objects.values_list("layout", flat=True)) == {packs.LAYOUT}


# --- and when they go -------------------------------------------------------------------------------------------------


def stores_late_message(truck: Truck) -> None:
    feed.deliver(truck, [message(MIDNIGHT + 2 * DAY_S + 5)], NOW)


def removes_a_message(truck: Truck) -> None:
    first_t, last_t = MIDNIGHT + 2 * DAY_S, MIDNIGHT + 3 * DAY_S - 1
    known = storage.known_keys(truck.fleet_id, truck.pk, first_t, last_t)
    kept = sort_out((message(t) for t in range(first_t, last_t - DAY_S // 4, DAY_S // 4)), NOW)
    table = SensorTables(truck.fleet_id).of(truck)
    assert ingest.replace(truck.fleet, truck, table, kept, first_t, last_t, NOW, known) == (0, 0, 1)


def changes_the_sensors(truck: Truck) -> None:
    truck.sensor_table = {"1": feed.PLAIN["1"]}
    SensorTables(truck.fleet_id).renew(truck)
    truck.save()
    rederive(truck, TruckSync.objects.get(truck_id=truck.pk))


def deletes_old_messages(truck: Truck) -> None:
    storage.delete_before(truck.fleet_id, truck.pk, MIDNIGHT + 2 * DAY_S + 1, 100)


@pytest.mark.parametrize(
    "change, left",
    [
        (stores_late_message, [0, 1, 3, 4]),
        (removes_a_message, [0, 1, 3, 4]),
        (changes_the_sensors, []),
        (deletes_old_messages, [3, 4]),
    ],
)
def test_who_changes_messages_takes_the_packs_of_their_days_away(
    truck: Truck, change: Callable[[Truck], None], left: list[int]
) -> None:
    other = feed.truck_of(truck.fleet, "other", feed.PLAIN)
    feed.receive(other, [message(MIDNIGHT + 2 * DAY_S)], NOW)
    settled.pack_settled_days(60)
    change(truck)
    assert sorted(PackedDay.objects.filter(truck_id=truck.pk).values_list("day", flat=True)) == [d + DAY for d in left]
    assert PackedDay.objects.filter(truck_id=other.pk).count() == 3
    read = reads.stored_messages(truck.fleet_id, truck.pk, MIDNIGHT, NOW, READINGS, 0)
    assert read.t.tolist() == list(Message.objects.filter(truck_id=truck.pk).order_by("t").values_list("t", flat=True))


def test_readings_of_a_follower_that_change_take_its_pack_away(db: None) -> None:
    """A sensor refers to the message before: the first of the next day has another reading after a late one."""
    truck = feed.truck_of(make.fleet(), "T", feed.SENSORS)
    feed.receive(truck, (message(t) for t in range(MIDNIGHT, MIDNIGHT + 4 * DAY_S, DAY_S // 4)), NOW)
    settled.pack_settled_days(60)
    feed.deliver(truck, [message(MIDNIGHT + 2 * DAY_S - 5, ign=0)], NOW)
    assert packed_days() == [0, 3, 4]


def test_retention_leaves_no_packs_of_what_it_deletes(truck: Truck) -> None:
    settled.pack_settled_days(60)
    TruckSync.objects.update(raw_since_t=MIDNIGHT + 60 * DAY_S + REACH_S + retention.PATIENCE_S)
    retention.delete_gone(60)
    assert not packed_days() and not Message.objects.exists()


# --- two at once ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_late_message_waits_for_who_packs_its_day_and_undoes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    truck, keep, stored = truck_until(NOW), packs.keep, threading.Event()

    def store_late() -> None:
        stores_late_message(truck)
        stored.set()
        connection.close()

    def keep_late(fleet_id: int, truck_id: int, days: Iterable[tuple[int, MessageColumns]]) -> None:
        read = list(days)
        threading.Thread(target=store_late).start()
        assert not stored.wait(0.3), "it had to wait"
        keep(fleet_id, truck_id, read)

    monkeypatch.setattr(packs, "keep", keep_late)
    assert settled._pack_some(truck.pk) == 5
    assert stored.wait(60)
    assert packed_days() == [0, 1, 3, 4]


@pytest.mark.django_db(transaction=True)
def test_a_truck_that_is_being_stored_for_is_not_packed() -> None:
    truck, done = truck_until(NOW), []

    def pack_meanwhile() -> None:
        done.append(settled.pack_settled_days(60))
        connection.close()

    with transaction.atomic():
        stores_late_message(truck)
        thread = threading.Thread(target=pack_meanwhile)
        thread.start()
        thread.join(60)
    assert done == [0]
    assert settled.pack_settled_days(60) == 5
    assert len(reads.stored_messages(truck.fleet_id, truck.pk, MIDNIGHT, NOW, READINGS, 0).t) == 25
