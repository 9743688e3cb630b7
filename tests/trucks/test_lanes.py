"""The second lane: beside the first, with a connection of its own, and over when the first is."""

import threading
import time
from typing import Any

import pytest
from django.db import connection

from apps.trucks.sync import lanes
from apps.trucks.sync.lanes import Lane, LaneClosed
from fleet_project.celery import count_processes


@pytest.fixture(autouse=True)
def two_lanes(settings: Any) -> None:
    settings.SYNC_LANES = 2


def connection_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        return int(cursor.fetchone()[0])


def is_connected(number: int) -> bool:
    """Whether the server still has the connection; it takes a moment to see that one was closed."""
    for _ in range(50):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM information_schema.PROCESSLIST WHERE id = %s", [number])
            if cursor.fetchone() is None:
                return False
        time.sleep(0.02)
    return True


@pytest.mark.django_db(transaction=True)
def test_both_lanes_work_at_once_each_with_a_connection_that_does_not_outlive_it() -> None:
    both, numbers = threading.Barrier(2, timeout=10), []

    def work(lane: Lane) -> None:
        both.wait()
        numbers.append(connection_id())

    with lanes.beside(work):
        both.wait()
    assert numbers[0] != connection_id()
    assert not is_connected(numbers[0])


@pytest.mark.django_db(transaction=True)
def test_the_block_ends_when_the_second_lane_has_ended() -> None:
    begun, done = threading.Event(), []

    def work(lane: Lane) -> None:
        begun.set()
        time.sleep(0.1)
        done.append(lane.is_closed())

    with lanes.beside(work):
        begun.wait(10)
    assert done == [False]


@pytest.mark.django_db(transaction=True)
def test_where_the_first_lane_is_broken_off_the_second_is_closed_and_has_ended() -> None:
    begun, ends = threading.Event(), []

    def work(lane: Lane) -> None:
        begun.set()
        try:
            for _ in range(1_000):
                lane.renew()
                time.sleep(0.01)
        except LaneClosed:
            ends.append("closed")

    with pytest.raises(KeyError), lanes.beside(work):
        begun.wait(10)
        raise KeyError
    assert ends == ["closed"]


@pytest.mark.django_db(transaction=True)
def test_what_goes_wrong_in_the_second_lane_is_not_lost_and_its_connection_is_closed() -> None:
    numbers = []

    def work(lane: Lane) -> None:
        numbers.append(connection_id())
        raise ValueError("in the lane")

    with pytest.raises(ValueError, match="in the lane"), lanes.beside(work):
        pass
    assert not is_connected(numbers[0])


@pytest.mark.django_db
def test_within_a_transaction_there_is_no_second_lane() -> None:
    with lanes.beside(lambda lane: pytest.fail("worked")):
        pass


@pytest.mark.django_db(transaction=True)
def test_where_one_lane_is_wanted_there_is_no_second(settings: Any) -> None:
    settings.SYNC_LANES = 1
    with lanes.beside(lambda lane: pytest.fail("worked")):
        pass


@pytest.mark.parametrize(("processes", "cores", "number"), [(1, 2, 2), (2, 2, 1), (4, 2, 1), (4, 8, 2), (1, 1, 1)])
def test_processes_that_fill_the_cores_have_one_lane_each(
    processes: int, cores: int, number: int, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SYNC_LANES = 0
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr(lanes, "_processes", 1)
    count_processes(options={"concurrency": processes})
    assert lanes.wanted() == number
