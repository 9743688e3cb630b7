"""The row that says how far a fleet is known is at every moment what counting its trucks one by one gives."""

import threading

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Fleet
from apps.mysql import fetch_all_sync
from apps.trucks import queries
from apps.trucks.freshness import Freshness, of_watermarks
from apps.trucks.models import FleetWatermark, Truck, TruckSync
from apps.trucks.sync import ingest
from apps.trucks.sync.watermarks import recount
from tests import rows
from tests.pipeline.feed import deliver, truck_of
from tests.trucks.test_units import refresh, unit

T = int(rows.NOON.timestamp())
BEHIND_S = 900


def fresh(fleet: Fleet, now: int) -> Freshness:
    return of_watermarks(fetch_all_sync(queries.FLEET_FRESHNESS, {"fleet": fleet.pk})[0], now)


def one_by_one(fleet: Fleet, now: int) -> tuple[int, int | None, int]:
    """Active trucks, the least watermark and how many lag behind: from the metrics page, in a plain loop."""
    trucks, least, lagging = 0, None, 0
    for truck in Truck.objects.filter(fleet=fleet, is_active=True):
        sync = TruckSync.objects.filter(truck_id=truck.pk).first()
        trucks += 1
        if sync is not None and sync.known_until is not None:
            least = sync.known_until if least is None else min(least, sync.known_until)
        reports = sync is not None and sync.known_until is not None and sync.first_t is not None
        lagging += not reports or now - sync.known_until > BEHIND_S
    return trucks, least, lagging


def assert_agreed(fleet: Fleet) -> None:
    for now in (T - 5_000, T, T + BEHIND_S, T + BEHIND_S + 1, T + 5_000):
        state = fresh(fleet, now)
        assert (state.trucks, state.known_until, state.lagging_count) == one_by_one(fleet, now), now


SECONDS = st.none() | st.integers(T - 2_000, T + 2_000)
TRUCKS = st.lists(st.tuples(st.booleans(), SECONDS, st.booleans()), max_size=6)  # active, known until, has reported
PASSES = st.lists(st.tuples(st.sets(st.integers(0, 5)), st.integers(T - 2_000, T + 4_000)), max_size=4)


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trucks=TRUCKS, passes=PASSES)
def test_whatever_passes_do_the_row_says_what_counting_says(trucks: list, passes: list) -> None:
    with transaction.atomic():
        fleet = rows.fleet()
        ids = []
        for number, (is_active, until, reports) in enumerate(trucks):
            truck = rows.truck(fleet, f"T-{number}", is_active=is_active)
            TruckSync.objects.create(
                truck_id=truck.pk, fleet_id=fleet.pk, known_until=until, first_t=T - 9_000 if reports else None
            )
            ids.append(truck.pk)
        recount(fleet.pk)
        assert_agreed(fleet)
        for chosen, now in passes:
            ingest.advance(fleet, [ids[number] for number in chosen if number < len(ids)], now)
            assert_agreed(fleet)
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_the_first_message_of_a_truck_that_was_silent_ends_its_lag() -> None:
    fleet = rows.fleet()
    truck = truck_of(fleet, "T-1")
    ingest.advance(fleet, [truck.pk], T)
    assert fresh(fleet, T).lagging_count == 1
    deliver(truck, [{"t": T - 60, "p": {"ign": 1}}], T)
    assert fresh(fleet, T).lagging_count == 0
    assert_agreed(fleet)


@pytest.mark.django_db
def test_units_that_come_and_go_are_counted() -> None:
    fleet = rows.fleet()
    counts = [refreshed(fleet, *numbers) for numbers in ((7, 8), (8,), (7, 8, 9), ())]
    assert counts == [2, 1, 3, 0]


def refreshed(fleet: Fleet, *numbers: int) -> int:
    refresh(fleet, *(unit(number, f"T-{number}") for number in numbers))
    assert_agreed(fleet)
    return fresh(fleet, T).trucks


@pytest.mark.django_db(transaction=True)
def test_who_counts_waits_for_who_is_just_counting_and_sees_its_trucks() -> None:
    fleet = rows.fleet()
    first, second = (truck_of(fleet, code) for code in ("T-1", "T-2"))
    TruckSync.objects.update(first_t=T - 60)
    recount(fleet.pk)
    counted, waits = threading.Event(), threading.Event()

    def count_and_hold() -> None:
        with transaction.atomic():
            ingest.advance(fleet, [first.pk], T)
            counted.set()
            waits.wait(0.5)  # long enough for the other to overtake, if nothing held it up
        connection.close()

    holder = threading.Thread(target=count_and_hold)
    holder.start()
    counted.wait(5)
    ingest.advance(fleet, [second.pk], T)
    waits.set()
    holder.join()
    assert_agreed(fleet)


@pytest.mark.django_db
def test_what_comes_out_the_same_is_not_written() -> None:
    fleet = rows.fleet()
    rows.known(rows.truck(fleet))
    before = FleetWatermark.objects.get(fleet_id=fleet.pk).version
    recount(fleet.pk)
    assert FleetWatermark.objects.get(fleet_id=fleet.pk).version == before


@pytest.mark.django_db
def test_rows_of_tests_are_counted_as_the_product_counts() -> None:
    fleet = rows.fleet()
    made = FleetWatermark.objects.filter(fleet_id=fleet.pk)
    for number, changes in enumerate(
        ({}, {}, {"first_t": None}, {"until": None}, {"until": rows.NOON.replace(hour=3)})
    ):
        rows.known(rows.truck(fleet, f"T-{number}", is_active=number != 1), **changes)
        counted = made.get()
        recount(fleet.pk)
        assert made.get().version == counted.version, "it had nothing to correct"
    rows.truck(fleet, "never known")
    counted = made.get()
    recount(fleet.pk)
    assert (made.get().version, counted.trucks) == (counted.version, 5)
