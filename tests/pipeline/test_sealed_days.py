"""Days whose raw messages are gone stay as they are, and those after them come out as they ever did."""

import datetime as dt
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.accounts.calendar import as_utc
from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.trucks import invalidation
from apps.trucks.messages import storage
from apps.trucks.messages.normal import sort_out
from apps.trucks.messages.sealing import REACH_S
from apps.trucks.models import Correction, DirtyDay, Message, Stop, SyncRun, Trip, Truck, TruckSync
from apps.trucks.sensors import SensorTable
from apps.trucks.sync.ingest import replace, store
from apps.trucks.sync.rederivation import rederive
from apps.trucks.sync.truck_pass import HOURLY_S
from tests import rows as make
from tests.pipeline import feed
from tests.pipeline.conftest import sync, sync_and_summarise
from tests.pipeline.test_late_and_gone import late, lose_hints
from wialon_simulator import Simulator

pytestmark = pytest.mark.django_db
DAY_S = 86_400
ZONE = "America/Havana"
FIRST = dt.date(2025, 9, 1)  # clocks change on 2025-11-02 and 2026-03-08


def floor_at(truck: Truck, day: dt.date) -> None:
    """Seals what is before a day, and deletes all messages that are no longer kept."""
    floor = feed.midnight(day, ZONE)
    TruckSync.objects.filter(truck_id=truck.id).update(raw_since_t=floor)
    Message.objects.filter(truck_id=truck.id, t__lt=floor - REACH_S).delete()


def rebuild_all(truck: Truck) -> summaries.Outcome:
    """Marks every day that has a row, and rebuilds them."""
    days = [row["day"] for row in feed.rows(feed.TruckDay, truck)]
    invalidation.mark(truck.fleet_id, [(truck.id, day) for day in days], "staff")
    return summaries.rebuild(truck.fleet)


def sparse(seed: int, days: int) -> list[dict[str, Any]]:
    """Some nights of a truck that is often silent for weeks, and carries over what it last said."""
    rng = random.Random(seed)
    nights, day = [], 0
    while day < days:
        nights.append(feed.midnight(FIRST + dt.timedelta(days=day), ZONE))
        day += rng.choice((1, 1, 2, 6, 20, 33, 34, 36))
    return feed.nights(seed, nights)


def long_memory() -> list[dict[str, Any]]:
    """One message says that the engine runs, one 35 days later nothing, and then there is silence for 36 days."""
    start = feed.midnight(FIRST + dt.timedelta(days=3), ZONE) + 7_200
    last = start + 35 * DAY_S - 60
    return [{"t": t, "f": 0, "tp": "ud", "p": p} for t, p in ((start, {"ign": 1}), (last, {}), (last + 36 * DAY_S, {}))]


# Two of them in every run: each computes five months at ten floors.
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(n, marks=pytest.mark.soak) for n in range(2, 8))])
def test_every_open_day_is_the_same_without_what_is_no_longer_kept(seed: int) -> None:
    fleet = make.fleet(timezone=ZONE)
    truck = feed.truck_of(fleet, "T")
    feed.receive(truck, sparse(seed, 150), feed.midnight(FIRST + dt.timedelta(days=152), ZONE))
    assert_floors_change_nothing(truck, range(72, 150, 8))


def test_what_was_last_said_seventy_days_ago_still_counts() -> None:
    fleet = make.fleet(timezone=ZONE)
    make.parameters(fleet, {"engine_gap_cap_s": 40 * DAY_S})
    truck = feed.truck_of(fleet, "T")
    feed.receive(truck, long_memory(), feed.midnight(FIRST + dt.timedelta(days=75), ZONE))
    summaries.rebuild(fleet)
    day = FIRST + dt.timedelta(days=73)
    assert feed.TruckDay.objects.get(day=day).idle_s == 3_600 - 60  # clocks went back meanwhile
    assert_floors_change_nothing(truck, range(71, 75))


def assert_floors_change_nothing(truck: Truck, days: range) -> None:
    """All columns of all rows are those of before, whichever day is the first that is open."""
    summaries.rebuild(truck.fleet)
    before, total = feed.summaries_of(truck), Message.objects.filter(truck_id=truck.id).count()
    for day in days:
        floor_at(truck, FIRST + dt.timedelta(days=day))
        outcome = rebuild_all(truck)
        assert (outcome.changed, outcome.failed) == (0, 0)
        assert outcome.sealed > 0
        assert not DirtyDay.objects.exists()
    assert feed.differences(before, feed.summaries_of(truck)) == []
    assert Message.objects.filter(truck_id=truck.id).count() < total


@pytest.fixture
def sealed() -> Truck:
    """A truck with ten days of messages, of which the first five days are sealed."""
    truck = feed.truck_of(make.fleet(timezone=ZONE), "T")
    start = feed.midnight(FIRST, ZONE)
    feed.receive(truck, feed.history(5, start, start + 10 * DAY_S), start + 10 * DAY_S)
    summaries.rebuild(truck.fleet)
    floor_at(truck, FIRST + dt.timedelta(days=5))
    return truck


FLOOR = feed.midnight(FIRST + dt.timedelta(days=5), ZONE)
NOW = FLOOR + 5 * DAY_S


def test_a_sealed_day_is_left_as_it_is_and_leaves_the_log(sealed: Truck) -> None:
    Message.objects.filter(t__lt=FLOOR).delete()
    before = feed.summaries_of(sealed)
    invalidation.mark(sealed.fleet_id, [(sealed.id, FIRST + dt.timedelta(days=n)) for n in (0, 4)], "staff")
    outcome = summaries.rebuild(sealed.fleet)
    assert outcome == summaries.Outcome(claimed=2, changed=0, failed=0, sealed=2)
    assert feed.summaries_of(sealed) == before
    assert not DirtyDay.objects.exists()


# --- the last stop of sealed days -------------------------------------------------------------------------------------

EVENING = feed.midnight(FIRST + dt.timedelta(days=4), ZONE) + 20 * 3_600


def drive(start: int, seconds: int = 3_600) -> list[dict[str, Any]]:
    """An hour on the road, and then the engine is off."""
    place = {"x": 9.0, "z": 1, "c": 0, "sc": 9}
    driving = [
        {"t": t, "f": 1, "tp": "ud", "pos": {**place, "y": 40 + (t - start) / 5e4, "s": 80}, "p": {"ign": 1}}
        for t in range(start, start + seconds, 60)
    ]
    end = start + seconds
    return [*driving, {"t": end, "f": 1, "tp": "ud", "pos": {**place, "y": 40.1, "s": 0}, "p": {"ign": 0}}]


def parked(now: int = NOW) -> Truck:
    """A truck that drove on the evening of its fifth day, which is sealed now, and stands since."""
    truck = feed.truck_of(make.fleet(timezone=ZONE), "T")
    feed.receive(truck, drive(EVENING - 8 * 3_600) + drive(EVENING), now)
    summaries.rebuild(truck.fleet)
    floor_at(truck, FIRST + dt.timedelta(days=5))
    return truck


def drives_on(truck: Truck, *starts: int) -> None:
    for start in starts:
        feed.receive(truck, drive(start), max(start + 7_200, NOW))
    summaries.rebuild(truck.fleet)


def last_stop() -> tuple[int | None, int | None]:
    stop = Stop.objects.filter(started_at__lt=as_utc(FLOOR)).latest("started_at")
    return stop.ended_at and int(stop.ended_at.timestamp()), stop.parked_s


def test_a_stop_that_was_open_when_its_day_was_sealed_ends_with_the_next_trip() -> None:
    truck = parked()
    assert last_stop() == (None, None)
    sealed_days = feed.rows(feed.TruckDay, truck)[:1]
    drives_on(truck, NOW + 3_600)
    assert last_stop() == (NOW + 3_600, None)
    first = Stop.objects.earliest("started_at")
    assert (first.ended_at, first.parked_s) == (as_utc(EVENING), 7 * 3_600), "another stop stays as it is"
    drives_on(truck, NOW + 8 * 3_600)
    assert last_stop() == (NOW + 3_600, None)
    assert feed.rows(feed.TruckDay, truck)[:1] == sealed_days
    assert not Correction.objects.filter(day__lt=FIRST + dt.timedelta(days=5)).exists()


def test_its_end_follows_the_next_trip_that_comes_late_or_goes() -> None:
    truck = parked()
    late_drive, on_time = drive(NOW - 8 * 3_600), drive(NOW + 3_600)
    feed.receive(truck, on_time, NOW + 7_200)
    summaries.rebuild(truck.fleet)
    feed.receive(truck, late_drive, NOW + 7_260)
    summaries.rebuild(truck.fleet)
    assert last_stop() == (NOW - 8 * 3_600, None)
    for gone, next_trip_at in ((late_drive, NOW + 3_600), (on_time, None)):
        first_t, last_t = gone[0]["t"], gone[-1]["t"]
        known = storage.known_keys(truck.fleet_id, truck.pk, first_t, last_t)
        table = SensorTable.compile(truck.sensor_table)
        replace(truck.fleet, truck, table, sort_out([], NOW), first_t, last_t, NOW + 7_300, known)
        summaries.rebuild(truck.fleet)
        assert last_stop() == (next_trip_at, None)


def test_a_stop_that_ended_before_its_day_was_sealed_keeps_its_seconds_while_its_end_stays() -> None:
    truck = parked()
    TruckSync.objects.update(raw_since_t=None)
    drives_on(truck, FLOOR + 6 * 3_600)
    known = (FLOOR + 6 * 3_600, 9 * 3_600)
    assert last_stop() == known
    floor_at(truck, FIRST + dt.timedelta(days=5))
    drives_on(truck, NOW + 3_600)
    assert last_stop() == known
    feed.receive(truck, drive(FLOOR + 3 * 3_600, 1_800), NOW + 9_000)
    summaries.rebuild(truck.fleet)
    assert last_stop() == (FLOOR + 3 * 3_600, None)


@pytest.mark.parametrize("seed", [13, 15])
def test_the_last_stop_of_sealed_days_always_ends_with_the_next_trip(seed: int) -> None:
    """Whatever the floor is while the rest of a history comes."""
    truck = feed.truck_of(make.fleet(timezone=ZONE), "T")
    messages, over_the_floor = sparse(seed, 60), 0
    for day in range(30, 60, 3):
        now = feed.midnight(FIRST + dt.timedelta(days=day), ZONE)
        feed.receive(truck, [m for m in messages if m["t"] < now], now)
        summaries.rebuild(truck.fleet)
        trips = list(Trip.objects.order_by("started_at").values_list("started_at", flat=True))
        for stop in Stop.objects.all():
            assert stop.ended_at == next((t for t in trips if t > stop.started_at), None)
        floor = as_utc(now - DAY_S)
        TruckSync.objects.update(raw_since_t=now - DAY_S)
        over_the_floor += Stop.objects.filter(started_at__lt=floor, ended_at=None).count()
    assert over_the_floor


def test_messages_from_before_the_floor_are_refused_and_counted(sealed: Truck) -> None:
    table = SensorTable.compile(sealed.sensor_table)
    batch = sort_out([late(FLOOR - 1), late(FLOOR), late(FLOOR + 1)], NOW)
    assert store(sealed.fleet, sealed, table, batch, NOW) == (2, 0, 1)
    assert not Message.objects.filter(t=FLOOR - 1).exists()


def test_nothing_before_the_floor_is_removed(sealed: Truck) -> None:
    stored = Message.objects.filter(truck_id=sealed.id)
    kept = stored.filter(t__lt=FLOOR).count()
    table = SensorTable.compile(sealed.sensor_table)
    empty = sort_out([], NOW)
    first_t, last_t = FLOOR - DAY_S, FLOOR + DAY_S
    before = storage.known_keys(sealed.fleet_id, sealed.id, first_t, last_t)
    _, _, removed = replace(sealed.fleet, sealed, table, empty, first_t, last_t, NOW, before)
    assert removed > 10
    assert stored.filter(t__lt=FLOOR).count() == kept


def test_a_change_that_reaches_back_marks_no_sealed_day(sealed: Truck) -> None:
    assert invalidation.mark_fleet(sealed.fleet_id, dt.date.min, "staff") == 6
    assert min(feed.dirty(sealed)) == FIRST + dt.timedelta(days=5)


def test_another_sensor_table_is_applied_to_what_is_kept_and_to_open_days() -> None:
    truck = feed.truck_of(make.fleet(timezone=ZONE), "T")
    start = FLOOR - REACH_S - 2 * DAY_S
    messages = [late(t, ign=1) for t in (start, FLOOR - REACH_S, FLOOR - 1, FLOOR, FLOOR + DAY_S)]
    feed.receive(truck, messages, NOW)
    summaries.rebuild(truck.fleet)
    TruckSync.objects.update(raw_since_t=FLOOR)
    before = feed.rows(feed.TruckDay, truck)
    truck.sensor_table = {key: each for key, each in truck.sensor_table.items() if key != "1"}
    truck.sensor_version = SensorTable.compile(truck.sensor_table).version
    truck.save()
    rederive(truck, TruckSync.objects.get(truck_id=truck.id))
    is_new = dict(Message.objects.order_by("t").values_list("t", "ignition"))
    assert list(is_new.values()) == [True, None, None, None, None]  # the first one is only waiting to be deleted
    summaries.rebuild(truck.fleet)
    after = feed.rows(feed.TruckDay, truck)
    assert after != before
    sealed_days = [row for row in after if row["day"] < FIRST + dt.timedelta(days=5)]
    assert sealed_days == before[: len(sealed_days)]


# --- a pass over an account ---

WIALON_NOW = 1_773_162_000  # 2026-03-10 17:00 UTC
WIALON_FLOOR = WIALON_NOW - 30 * HOURLY_S


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(trucks=1, days=4, seed=4, now=WIALON_NOW, timezone="UTC", frozen=True) as running:
        yield running


@pytest.fixture
def account(simulator: Simulator, make_fleet: Callable[..., Fleet]) -> Fleet:
    """A fleet that has been read, and keeps the last 30 hours."""
    fleet = make_fleet(simulator)
    sync_and_summarise(fleet)
    sync(fleet)  # its session watches from here on
    TruckSync.objects.update(raw_since_t=WIALON_FLOOR)
    Message.objects.filter(t__lt=WIALON_FLOOR).delete()
    return fleet


def next_pass(account: Fleet, simulator: Simulator, seconds: float) -> SyncRun:
    simulator.advance(seconds)
    run = sync(account)
    assert (run.status, run.messages_removed, run.truck_errors) == ("ok", 0, [])
    assert not Message.objects.filter(t__lt=WIALON_FLOOR).exists()
    return run


def test_what_is_no_longer_kept_is_not_missed_by_counting(account: Fleet, simulator: Simulator) -> None:
    run = next_pass(account, simulator, HOURLY_S)
    lose_hints()
    quiet = next_pass(account, simulator, HOURLY_S)
    for each in (run, quiet):
        assert (each.messages_loaded - each.messages_new < 100, each.messages_too_old) == (True, 0)


def test_a_hint_from_before_the_floor_is_counted_and_done_with(account: Fleet, simulator: Simulator) -> None:
    unit = simulator.units[0]
    simulator.add_messages(unit, [late(WIALON_FLOOR - 5 * HOURLY_S), late(WIALON_FLOOR - 1)])
    run = next_pass(account, simulator, 60)
    assert run.messages_too_old >= 2
    assert run.messages_loaded < 100
    assert not TruckSync.objects.exclude(hint_first_t=None).exists()
    assert next_pass(account, simulator, 60).messages_too_old == 0


def test_what_a_new_truck_sent_before_the_floor_is_counted_and_not_loaded(account: Fleet, simulator: Simulator) -> None:
    messages = simulator.messages(simulator.units[0])
    older = sum(m["t"] < WIALON_FLOOR for m in messages)
    assert older > 100
    TruckSync.objects.update(cursor_t=None)
    run = next_pass(account, simulator, 60)
    assert (run.messages_too_old, run.messages_loaded) == (older, len(messages) - older)


def test_a_truck_that_wakes_up_with_old_messages_is_read_once(account: Fleet, simulator: Simulator) -> None:
    """Its newest message lies before what is kept: nothing to load until it sends a newer one."""
    TruckSync.objects.update(cursor_t=WIALON_NOW - 50 * HOURLY_S, raw_since_t=WIALON_NOW + DAY_S)
    calls = simulator.counters.calls["messages/load_interval"]
    simulator.advance(60)
    assert sync(account).status == "ok"
    assert simulator.counters.calls["messages/load_interval"] == calls
