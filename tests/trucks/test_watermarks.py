"""The row that says how far a fleet is known is at every moment what counting its trucks one by one gives."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Fleet
from apps.mysql import fetch_all_sync
from apps.trucks import invalidation, queries
from apps.trucks.freshness import Freshness, of_members, of_watermarks
from apps.trucks.models import FleetWatermark, Truck, TruckGroup, TruckSync
from apps.trucks.sync import ingest
from apps.trucks.sync.watermarks import recount
from tests import rows
from tests.elsewhere import Elsewhere, waiting_in_vain
from tests.pipeline.feed import deliver, truck_of
from tests.trucks.test_units import refresh, unit

T = int(rows.NOON.timestamp())
BEHIND_S = 900


def fresh(fleet: Fleet, now: int) -> Freshness:
    return of_watermarks(fetch_all_sync(queries.FLEET_FRESHNESS, {"fleet": fleet.pk})[0], now)


def fresh_group(group: TruckGroup, now: int) -> Freshness:
    [row] = fetch_all_sync(queries.FLEET_FRESHNESS, {"fleet": group.fleet_id})
    [theirs] = fetch_all_sync(queries.GROUP_WATERMARKS, {"fleet": group.fleet_id, "id": group.pk})
    return of_members(row, theirs, group.pk, now)


def one_by_one(active: QuerySet[Truck], now: int) -> tuple[int, int | None, int]:
    """Of active trucks how many they are, the least watermark and how many lag behind: from the metrics page, in a
    plain loop."""
    trucks, least, lagging = 0, None, 0
    for truck in active.filter(is_active=True):
        sync = TruckSync.objects.filter(truck_id=truck.pk).first()
        trucks += 1
        if sync is not None and sync.known_until is not None:
            least = sync.known_until if least is None else min(least, sync.known_until)
        reports = sync is not None and sync.known_until is not None and sync.first_t is not None
        lagging += not reports or now - sync.known_until > BEHIND_S
    return trucks, least, lagging


MOMENTS = (T - 5_000, T, T + BEHIND_S, T + BEHIND_S + 1, T + 5_000)


def assert_agreed(fleet: Fleet) -> None:
    for now in MOMENTS:
        assert said(fresh(fleet, now)) == one_by_one(Truck.objects.filter(fleet=fleet), now), now
    for group in TruckGroup.objects.filter(fleet=fleet):
        for now in MOMENTS:
            assert said(fresh_group(group, now)) == one_by_one(group.trucks.all(), now), (group.name, now)


def said(state: Freshness) -> tuple[int, int | None, int]:
    return state.trucks, state.known_until, state.lagging_count


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
        groups = [rows.group(fleet, f"From {number}", *Truck.objects.filter(pk__in=ids[number:])) for number in (0, 2)]
        recount(fleet.pk)
        assert_agreed(fleet)
        for chosen, now in passes:
            before = [fresh_group(group, T) for group in groups]
            ingest.advance(fleet, [ids[number] for number in chosen if number < len(ids)], now)
            assert_agreed(fleet)
            assert_noticed(before, [fresh_group(group, T) for group in groups])
        transaction.set_rollback(True)


def assert_noticed(before: list[Freshness], after: list[Freshness]) -> None:
    """What is remembered of a group is of a version, so that whatever is new in it has another one."""
    for old, new in zip(before, after, strict=True):
        assert said(old) == said(new) or not old.is_still(new)


@pytest.mark.django_db
def test_a_truck_that_never_reported_and_is_known_further_is_noticed_in_its_group() -> None:
    """The fleet's row does not show it: another truck is known less far, and only those that report are counted."""
    fleet = rows.fleet()
    rows.known(rows.truck(fleet, "T-1"), rows.NOON)
    silent = rows.truck(fleet, "T-2")
    rows.known(silent, rows.NOON.replace(hour=18), first_t=None)
    group = rows.group(fleet, "North", silent)
    before = fresh_group(group, T)
    ingest.advance(fleet, [silent.pk], T + 7_200)
    after = fresh_group(group, T)
    assert (before.known_until, after.known_until) == (T + 3_600, T + 7_200)
    assert not before.is_still(after)


@pytest.mark.django_db
def test_a_pass_that_moves_nothing_is_of_the_same_version() -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    ingest.advance(fleet, [truck.pk], T)
    before = fresh(fleet, T)
    ingest.advance(fleet, [truck.pk], T)
    assert before.is_still(fresh(fleet, T))


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


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("wait", [ingest.locked, lambda truck: invalidation.lock_trucks(truck.fleet_id)])
def test_who_stores_for_a_truck_or_changes_its_fleet_waits_for_who_is_just_storing(
    wait: Callable[[Truck], Any],
) -> None:
    truck = rows.truck(rows.fleet())
    rows.known(truck)
    with Elsewhere(lambda: ingest.locked(truck)), waiting_in_vain(), transaction.atomic():
        wait(truck)
