"""Monthly partitions of `message`: made ahead, dropped when nothing of them is kept, never in anybody's way."""

import datetime as dt
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.db import OperationalError, connection

from apps.accounts.models import Fleet
from apps.trucks.detection.quantities import CONNECTED_S
from apps.trucks.messages import packs, partitions, reads, storage
from apps.trucks.messages.columns import NUMBERS, MessageColumns
from apps.trucks.messages.neighbours import Neighbours
from apps.trucks.messages.normal import sort_out
from apps.trucks.messages.sealing import REACH_S
from apps.trucks.models import Message, PackedDay, Truck, TruckSync
from apps.trucks.sensors import SensorTable
from apps.trucks.sync.ingest import store
from tests import rows as make
from tests.pipeline import feed

DAY_S = 86_400
NOW = int(time.time())


def utc(year: int, month: int, day: int = 1) -> int:
    return int(dt.datetime(year, month, day, tzinfo=dt.UTC).timestamp())


def names() -> list[str]:
    return [partition.name for partition in partitions.partitions()]


@pytest.fixture
def table(transactional_db: None) -> Iterator[None]:
    """The table's partitions are put back after the test, since no transaction undoes them."""
    before = partitions.partitions()
    yield
    Message.objects.all().delete()
    PackedDay.objects.all().delete()
    bounds = ", ".join(
        f"PARTITION {each.name} VALUES LESS THAN {'MAXVALUE' if each.end is None else f'({each.end})'}"
        for each in before
    )
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE message PARTITION BY RANGE (t) ({bounds})")


def truck_with(*seconds: int, fleet: Fleet | None = None, floor: int | None = None) -> Truck:
    truck = feed.truck_of(fleet or make.fleet(f"Fleet {Fleet.objects.count()}"), "T")
    batch = sort_out([{"t": t, "p": {"ign": 1}} for t in seconds], NOW)
    store(truck.fleet, truck, SensorTable.compile(truck.sensor_table), batch, NOW)
    TruckSync.objects.filter(truck_id=truck.id).update(raw_since_t=floor)
    return truck


def first_two() -> tuple[partitions.Partition, partitions.Partition]:
    first, second, *_ = partitions.partitions()
    return first, second


def within(partition: partitions.Partition) -> int:
    assert partition.end is not None
    return partition.end - DAY_S


def after(partition: partitions.Partition) -> int:
    """The lowest floor under which nothing of the partition is kept."""
    assert partition.end is not None
    return partition.end + REACH_S


def test_months_go_on_without_a_hole() -> None:
    months = partitions.months_from(utc(2026, 11, 30) + 5)
    assert [next(months) for _ in range(4)] == [utc(2026, 11), utc(2026, 12), utc(2027, 1), utc(2027, 2)]


@pytest.mark.django_db
def test_a_new_table_has_the_months_from_a_year_ago_to_in_three_months() -> None:
    found = partitions.partitions()
    assert found[-1].name == partitions.LAST
    assert found[-1].start >= next(m for n, m in enumerate(partitions.months_from(NOW)) if n == 3)
    assert [each.start for each in found[1:]] == [each.end for each in found[:-1]]
    assert partitions.month_start(NOW - 365 * DAY_S) < (found[0].end or 0) <= NOW - 330 * DAY_S


def test_months_are_made_ahead_once(table: None) -> None:
    before = names()
    later = NOW + 70 * DAY_S
    made = partitions.make_ahead(later)
    assert made in (2, 3)
    assert len(names()) == len(before) + made
    assert partitions.make_ahead(later) == 0
    assert names()[-1] == partitions.LAST


def test_messages_beyond_all_months_are_kept_and_filed_later(table: None) -> None:
    far = partitions.partitions()[-1].start + 40 * DAY_S
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO message (fleet_id, truck_id, t, digest, flags, dropped, sensor_version, payload)"
            " VALUES (1, 1, %s, 0, 0, 0, '', '{}')",
            [far],
        )
    assert partitions.make_ahead(far) > 1
    (last,) = [each for each in partitions.partitions() if each.end is None]
    assert far < last.start
    assert Message.objects.filter(t=far).exists()


def test_a_partition_goes_when_nobody_keeps_anything_of_it(table: None) -> None:
    first, second = first_two()
    truck_with(within(first), within(second), floor=after(first))
    assert partitions.drop_gone(NOW) == [first.name]
    assert names()[0] == second.name
    assert list(Message.objects.values_list("t", flat=True)) == [within(second)]
    assert partitions.drop_gone(NOW) == []


def test_with_a_partition_go_the_packs_of_its_days(table: None) -> None:
    first, second = first_two()
    truck = truck_with(within(first), within(second), floor=after(first))
    days = [(within(each) // DAY_S, MessageColumns({name: np.array([]) for name in NUMBERS})) for each in first_two()]
    packs.keep(truck.fleet_id, truck.pk, days)
    assert partitions.drop_gone(NOW) == [first.name]
    assert list(PackedDay.objects.values_list("day", flat=True)) == [within(second) // DAY_S]


def test_a_partition_stays_while_one_second_of_it_is_kept(table: None) -> None:
    first, _ = first_two()
    truck_with(within(first), floor=after(first))
    truck_with(after(first) - REACH_S - 1, floor=after(first) - 1)
    assert partitions.drop_gone(NOW) == []


def test_a_partition_stays_while_a_fleet_without_a_policy_has_messages_in_it(table: None) -> None:
    first, second = first_two()
    truck_with(within(first), floor=after(first))
    truck_with(within(second))
    for_ever = truck_with(within(first))
    assert partitions.drop_gone(NOW) == []
    Message.objects.filter(truck_id=for_ever.id).delete()
    assert partitions.drop_gone(NOW) == [first.name]


def test_months_that_no_policy_could_have_reached_stay_however_empty(table: None) -> None:
    assert partitions.drop_gone(NOW)  # of an empty table
    first, _ = first_two()
    assert NOW - 140 * DAY_S < (first.end or 0) <= NOW - 109 * DAY_S
    assert partitions.drop_gone(NOW) == []


def test_nothing_comes_between_looking_and_dropping(table: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A truck that keeps everything is just storing an old message when the partition is about to go."""
    first, second = first_two()
    truck_with(within(first), within(second), floor=after(first))
    truck = truck_with()
    alter, stored = partitions._alter, threading.Event()

    def store_late() -> None:
        batch = sort_out([{"t": within(first), "p": {"ign": 1}}], NOW)
        store(truck.fleet, truck, SensorTable.compile(truck.sensor_table), batch, NOW)
        stored.set()
        connection.close()

    def store_then_alter(own: Any, change: str) -> None:
        threading.Thread(target=store_late).start()
        assert not stored.wait(0.3), "it had to wait"
        alter(own, change)

    monkeypatch.setattr(partitions, "_alter", store_then_alter)
    assert partitions.drop_gone(NOW) == [first.name]
    assert stored.wait(5)
    assert Message.objects.filter(truck_id=truck.id).count() == 1


class IdleReader:
    """A transaction that has read the table and does nothing, on a connection of its own."""

    def __enter__(self) -> None:
        self.connection: Any = connection.copy()
        self.connection.set_autocommit(False)
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM message")

    def __exit__(self, *_: object) -> None:
        self.connection.rollback()
        self.connection.close()


def slowest_read(until: threading.Event) -> float:
    """The longest that a new reader waited, in seconds."""
    longest, own = 0.0, connection.copy()
    while not until.is_set():
        begun = time.monotonic()
        with own.cursor() as cursor:
            cursor.execute("SELECT 1 FROM message LIMIT 1")
            cursor.fetchall()
        longest = max(longest, time.monotonic() - begun)
        time.sleep(0.005)
    own.close()
    return longest


def test_behind_an_idle_transaction_nobody_waits_and_the_partition_stays(
    table: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "TRIES", 4)
    monkeypatch.setattr(partitions, "PAUSE_S", 0.1)
    first, second = first_two()
    truck_with(within(first), within(second), floor=after(first))
    over, waits = threading.Event(), []
    reader = threading.Thread(target=lambda: waits.append(slowest_read(over)))
    with IdleReader():
        reader.start()
        assert partitions.drop_gone(NOW) == []
        with pytest.raises(OperationalError):
            partitions.make_ahead(NOW + 70 * DAY_S)
        over.set()
        reader.join()
    assert waits[0] < (0.5 if connection.mysql_is_mariadb else 1.5)
    assert partitions.drop_gone(NOW) == [first.name]


@pytest.mark.django_db
def test_no_statement_of_the_ingest_or_of_a_rebuild_looks_into_every_partition() -> None:
    truck = truck_with(NOW - 40 * DAY_S, NOW - 60, NOW)
    around = Neighbours(truck.fleet_id, truck.id, 3)
    of_truck = truck.fleet_id, truck.id
    with Explained() as seen:
        storage.known_keys(*of_truck, NOW - DAY_S, NOW)
        storage.counts_by_day(*of_truck, NOW - DAY_S, NOW)
        reads.newest_second(*of_truck, NOW)
        reads.messages_between(*of_truck, NOW - DAY_S, NOW)
        assert reads.message_before(*of_truck, NOW) is not None
        assert reads.message_after(*of_truck, NOW - 60) is not None
        reads.last_messages(*of_truck, 2, NOW)
        reads.stored_points(*of_truck, NOW - DAY_S, NOW)
        around.before(NOW, ["t", "lat", "ignition"])
        around.after(NOW - DAY_S, ["t", "lat", "ignition"])
        around.points([NOW])
    assert len(seen.partitions) == 10  # two of them look for a newest second
    recent = [each for each in partitions.partitions() if each.end is None or each.end > NOW - CONNECTED_S]
    assert max(seen.partitions.values()) <= len(recent) < len(names()), seen.partitions


@pytest.mark.django_db
def test_what_lies_further_back_is_found_all_the_same() -> None:
    truck = truck_with(NOW - 200 * DAY_S, NOW)
    of_truck = truck.fleet_id, truck.id
    before, after_it = reads.message_before(*of_truck, NOW), reads.message_after(*of_truck, NOW - 200 * DAY_S)
    assert (before and before.t, after_it and after_it.t) == (NOW - 200 * DAY_S, NOW)
    assert [each.t for each in reads.last_messages(*of_truck, 5, NOW)] == [NOW - 200 * DAY_S, NOW]
    Message.objects.filter(t=NOW).delete()
    assert reads.newest_second(*of_truck, NOW) == NOW - 200 * DAY_S


class Explained:
    """Which partitions each statement on `message` looks into: statement → how many."""

    def __enter__(self) -> "Explained":
        self.partitions: dict[str, int] = {}
        self._wrapper = connection.execute_wrapper(self._explain)
        self._wrapper.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._wrapper.__exit__(*error)

    def _explain(self, execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        if "message" in sql and not sql.startswith("EXPLAIN"):
            prefix = "EXPLAIN PARTITIONS" if connection.mysql_is_mariadb else "EXPLAIN"
            with connection.cursor() as cursor:
                cursor.execute(f"{prefix} {sql}", values)
                at = [column[0] for column in cursor.description].index("partitions")
                found = [row[at].split(",") for row in cursor.fetchall() if row[at]]
            self.partitions[sql] = max([self.partitions.get(sql, 0), *map(len, found)])
        return execute(sql, values, many, context)
