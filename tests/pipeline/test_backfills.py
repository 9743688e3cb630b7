"""Backfills: every truck-day once, whoever dies, however many work on it; the live sync goes before."""

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from apps.accounts.calendar import day_bounds
from apps.accounts.models import Fleet
from apps.fleet import backfills as worker
from apps.fleet import summaries
from apps.trucks import backfills
from apps.trucks.backfills import Chunk
from apps.trucks.models import Backfill, BackfillDay, DirtyDay, FleetSync, Message, Truck, TruckDay, TruckSync
from apps.trucks.sync.session import connection as redis_connection
from apps.trucks.sync.truck_pass import Tally
from apps.trucks.wialon import WialonClient
from tasks import backfills as tasks
from tests.pipeline.conftest import IMPATIENT, sync, sync_and_summarise
from tests.pipeline.whole_tables import comparable, differing
from tests.trucks.test_backfills import ask, claim, states
from wialon_simulator import Simulator

pytestmark = pytest.mark.django_db
NOW = 1_773_162_000  # 2026-03-10 17:00 UTC
LOAD = "messages/load_interval"
DAY_S = 86_400
Make = Callable[..., Fleet]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(trucks=3, days=3, seed=5, now=NOW, frozen=True) as running:
        yield running


@pytest.fixture
def fleet(simulator: Simulator, make_fleet: Make) -> Fleet:
    """A fleet whose sync is at its end; nothing is to be rebuilt."""
    made = make_fleet(simulator, timezone="America/Chicago")
    sync(made)
    DirtyDay.objects.filter(fleet_id=made.pk).delete()
    return made


@pytest.fixture
def computed(simulator: Simulator, make_fleet: Make) -> Fleet:
    """A fleet whose days are all computed: three of each truck up to 2026-03-09."""
    made = make_fleet(simulator, timezone="America/Chicago")
    sync_and_summarise(made)
    return made


def work(backfill: Backfill, **options: Any) -> Backfill:
    worker.work(backfill.pk, seconds=60, retry=IMPATIENT, **options)
    return Backfill.objects.get(pk=backfill.pk)


def messages(fleet: Fleet) -> set[tuple[int, int, int]]:
    return set(Message.objects.filter(fleet_id=fleet.pk).values_list("truck_id", "t", "digest"))


def start_of(day: dt.date, fleet: Fleet) -> int:
    return day_bounds(day, fleet.zone)[0]


def end_of(day: dt.date, fleet: Fleet) -> int:
    return day_bounds(day, fleet.zone)[1] - 1


# --- reading anew ---------------------------------------------------------------------------------------------------


def test_what_is_read_anew_is_what_wialon_has(fleet: Fleet, simulator: Simulator) -> None:
    """Edited, deleted and added messages of the period are found; what lies outside it stays as it was."""
    unit = simulator.units[0]
    truck = Truck.objects.get(fleet=fleet, wialon_id=unit)
    truth = messages(fleet)
    first, last = (bound(dt.date(2026, 3, 8), fleet) for bound in (start_of, end_of))
    within = Message.objects.filter(truck_id=truck.pk, t__range=(first, last)).order_by("t")
    removed, spoiled = within[10], within[20]
    Message.objects.filter(truck_id=truck.pk, t=removed.t).delete()
    Message.objects.filter(truck_id=truck.pk, t=spoiled.t).update(digest=spoiled.digest ^ 1)
    assert messages(fleet) != truth
    done = work(ask(fleet))
    assert messages(fleet) == truth
    assert (done.status, done.days_done, done.days_failed, done.error) == ("done", 12, 0, "")
    assert (done.messages_new, done.messages_removed) == (2, 1)
    assert done.messages_loaded > 1_000
    assert states(done) == {"done": 12}
    assert {row.truck_id for row in DirtyDay.objects.filter(fleet_id=fleet.pk)} == {truck.pk}


def test_read_again_nothing_changes(fleet: Fleet) -> None:
    done = work(ask(fleet))
    assert (done.messages_new, done.messages_removed) == (0, 0)
    assert not DirtyDay.objects.filter(fleet_id=fleet.pk).exists()


def test_many_short_shares_do_not_break_the_limit_of_polls(fleet: Fleet, simulator: Simulator) -> None:
    """Wialon takes ten in ten seconds; a share ends after one chunk while a live sync is due, and another begins."""
    simulator.counters.calls.clear()
    backfill = ask(fleet, days=36)
    for _ in range(12):
        worker.work(backfill.pk, seconds=60, retry=IMPATIENT, give_way=lambda: True)
    row = Backfill.objects.get(pk=backfill.pk)
    assert (row.days_done, row.error) == (36, "")
    assert simulator.counters.calls["avl_evts"] <= 3
    assert simulator.counters.errors == {}


def test_what_another_worker_stored_meanwhile_is_not_removed(
    fleet: Fleet, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late message that comes after Wialon was asked for the day, and that the live sync stores at once."""
    unit = simulator.units[0]
    late_t = start_of(dt.date(2026, 3, 8), fleet) + 3_601
    count, come = WialonClient.count_messages, [False]

    def late(self: WialonClient, unit_id: int, first_t: int, last_t: int) -> int:  # asked after the messages
        found = count(self, unit_id, first_t, last_t)
        if unit_id == unit and not come[0] and first_t <= late_t <= last_t:
            come[0] = True
            simulator.add_messages(unit, [{"t": late_t, "rt": simulator.now(), "p": {"late": 1}}])
            assert sync(fleet).messages_new == 1
        return found

    monkeypatch.setattr(WialonClient, "count_messages", late)
    assert work(ask(fleet)).status == "done"
    assert come == [True]
    assert Message.objects.filter(fleet_id=fleet.pk, t=late_t).count() == 1


def test_a_truck_that_was_never_read_is_read_from_the_first_day_asked_for(
    simulator: Simulator, make_fleet: Make
) -> None:
    whole = make_fleet(simulator, name="Whole", timezone="America/Chicago")
    sync(whole)
    fleet = make_fleet(simulator, name="Part", timezone="America/Chicago")
    for truck in Truck.objects.filter(fleet=whole):
        made = Truck.objects.create(fleet=fleet, code=truck.code, name=truck.name, wialon_id=truck.wialon_id)
        TruckSync.objects.create(truck_id=made.pk, fleet_id=fleet.pk)
    assert work(ask(fleet, days=2)).status == "done"
    first, last = (bound(day, fleet) for bound, day in ((start_of, dt.date(2026, 3, 8)), (end_of, dt.date(2026, 3, 9))))
    expected = Message.objects.filter(fleet_id=whole.pk, t__range=(first, last))
    assert len(messages(fleet)) == expected.count() > 0
    assert set(TruckSync.objects.filter(fleet_id=fleet.pk).values_list("known_until", flat=True)) == {last}
    sync(fleet)
    after = Message.objects.filter(fleet_id=whole.pk, t__gte=first).count()
    assert len(messages(fleet)) == after


def test_a_period_after_the_cursor_is_read_with_all_that_lies_between(fleet: Fleet, simulator: Simulator) -> None:
    simulator.advance(3 * DAY_S)
    redis_connection().flushdb()  # where Wialon's clock would be known for some seconds
    today = day_bounds(dt.date(2026, 3, 13), fleet.zone)[0]
    work(backfills.create(fleet, "resync", today, today + DAY_S - 1, None, "a test"))
    now = simulator.now()
    truth = {(unit, m["t"]) for unit in simulator.units for m in simulator.messages(unit) if m["t"] <= now}
    units = dict(Truck.objects.filter(fleet=fleet).values_list("pk", "wialon_id"))
    assert {(units[truck], t) for truck, t, _ in messages(fleet)} == truth


# --- computing anew -------------------------------------------------------------------------------------------------


def test_days_that_are_computed_anew_are_done_when_they_are_right(computed: Fleet) -> None:
    before = comparable(computed)
    wrong = TruckDay.objects.filter(fleet_id=computed.pk, day=dt.date(2026, 3, 9))
    right = list(wrong.order_by("truck_id").values_list("distance_m", flat=True))
    assert wrong.update(content_hash="wrong", distance_m=0) == 3 and sum(right) > 0
    done = work(ask(computed, kind="rebuild", days=2))
    assert (done.status, done.days_done, done.days_total) == ("done", 6, 6)
    assert not DirtyDay.objects.filter(fleet_id=computed.pk).exists()
    assert list(wrong.order_by("truck_id").values_list("distance_m", flat=True)) == right
    assert set(differing(comparable(computed), before)) <= {"truck_day", "fleet_day"}


def test_no_more_days_are_marked_ahead_than_others_can_wait_for(
    computed: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfills, "MARKED_AHEAD", 4)
    backfill = ask(computed, kind="rebuild", days=2)
    for _ in range(2):
        claim(backfill).mark()
    assert backfills.claim(backfill.pk) is None
    assert states(backfill) == {"marked": 4, "queued": 2}
    assert backfills.settle(backfill.pk) == 4
    summaries.rebuild(computed)
    assert backfills.settle(backfill.pk) == 0
    assert Backfill.objects.get().days_done == 4
    assert claim(backfill).days


def test_the_same_days_of_all_trucks_are_marked_before_later_ones(
    computed: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(backfills.CHUNK_DAYS, Backfill.Kind.REBUILD, 1)
    backfill, marked = ask(computed, kind="rebuild", days=2), []
    while (chunk := backfills.claim(backfill.pk)) is not None:
        chunk.mark()
        marked.append((chunk.truck_id, chunk.days))
    ids = sorted({truck_id for truck_id, _ in marked})
    [first, second] = marked[0][1], marked[-1][1]
    assert marked == [*((truck_id, first) for truck_id in ids), *((truck_id, second) for truck_id in ids)]


def test_a_day_that_cannot_be_computed_is_counted_as_failed(computed: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    backfill = ask(computed, kind="rebuild", days=2, trucks=[computed.trucks.first()])
    monkeypatch.setattr("apps.fleet.summaries.batches.detect_days", lambda *_: [][0])
    done = work(backfill)
    assert (done.status, done.days_done, done.days_failed) == ("failed", 0, 2)
    assert "not computed" in backfills.failures(done)[0][2]


# --- many workers, dead workers -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_do_each_day_once(fleet: Fleet, simulator: Simulator) -> None:
    truth = messages(fleet)
    Message.objects.filter(fleet_id=fleet.pk, t__gte=start_of(dt.date(2026, 3, 6), fleet)).delete()
    backfill, read = ask(fleet), []
    load = Chunk.finish

    def finish(self: Chunk, tally: Tally) -> None:
        read.extend((self.truck_id, day) for day in self.days)
        load(self, tally)

    def share(_: int) -> None:
        try:
            work(backfill)
        finally:
            connection.close()

    Chunk.finish = finish  # type: ignore[method-assign]
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(share, range(4)))
    finally:
        Chunk.finish = load  # type: ignore[method-assign]
    done = Backfill.objects.get(pk=backfill.pk)
    assert (done.status, done.days_done) == ("done", 12)
    assert sorted(read) == sorted(set(read))
    assert messages(fleet) >= {each for each in truth if each[1] <= end_of(dt.date(2026, 3, 9), fleet)}
    assert simulator.counters.max_heavy_at_once <= 2


@pytest.mark.django_db(transaction=True)
def test_one_worker_reads_in_two_lanes_different_trucks(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.SYNC_LANES = 2
    backfill, both, read = ask(fleet), threading.Barrier(2), []
    renew = Chunk.renew

    def meet(self: Chunk) -> None:
        if threading.current_thread() not in [thread for thread, _ in read]:
            read.append((threading.current_thread(), self.truck_id))
            both.wait(10)  # each has a chunk while the other has one
        renew(self)

    monkeypatch.setattr(Chunk, "renew", meet)
    done = work(backfill)
    assert len({truck_id for _, truck_id in read}) == 2
    assert (done.status, done.days_done) == ("done", 12)


# --- what goes wrong ------------------------------------------------------------------------------------------------


def test_a_truck_that_cannot_be_read_is_tried_again_and_holds_up_no_other(fleet: Fleet, simulator: Simulator) -> None:
    bad = simulator.units[1]
    simulator.faults.add("error", svc=LOAD, unit=bad, code=5)
    backfill = work(ask(fleet, days=1))
    assert (backfill.status, backfill.days_done) == ("running", 2)
    ((truck_id, _, error),) = backfills.failures(backfill)
    assert Truck.objects.get(pk=truck_id).wialon_id == bad
    assert error.startswith("Unavailable: messages/load_interval: error 5")
    assert backfills.claim(backfill.pk) is None  # not at once
    simulator.faults.clear()
    BackfillDay.objects.update(retry_at=Now())
    done = work(backfill)
    assert (done.status, done.days_done, done.error) == ("done", 3, "")


def test_a_truck_that_may_not_be_read_fails_at_once(fleet: Fleet, simulator: Simulator) -> None:
    simulator.faults.add("error", svc=LOAD, unit=simulator.units[1], code=7)
    done = work(ask(fleet, days=1))
    assert (done.status, done.days_done, done.days_failed) == ("failed", 2, 1)


def test_a_wialon_that_is_away_makes_the_backfill_rest_and_costs_no_attempt(fleet: Fleet, simulator: Simulator) -> None:
    simulator.faults.add("bad_gateway")
    backfill = work(ask(fleet))
    assert (backfill.status, backfill.days_over) == ("running", 0)
    assert backfill.error.startswith("Unavailable: ")
    assert backfills.due() == []
    assert set(BackfillDay.objects.values_list("attempts", "lease_until")) == {(0, None)}
    simulator.faults.clear()
    Backfill.objects.update(not_before=Now())
    assert backfills.due() == [backfill.pk]
    assert work(backfill).status == "done"


# --- cancelling -----------------------------------------------------------------------------------------------------


def test_a_cancelled_backfill_ends_within_its_chunk(
    fleet: Fleet, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    backfill = ask(fleet)
    loads = []

    def cancel(self: Chunk, tally: Tally) -> None:
        loads.append(self.days)
        finish(self, tally)
        assert backfills.cancel(backfill)

    finish = Chunk.finish
    monkeypatch.setattr(Chunk, "finish", cancel)
    row = work(backfill)
    assert (row.status, row.days_done, len(loads)) == ("cancelled", 3, 1)
    assert row.finished_at is not None
    assert backfills.due() == []
    assert not backfills.cancel(backfill)


# --- the live sync goes first ---------------------------------------------------------------------------------------


def test_a_share_ends_early_when_a_fleet_waits_for_its_sync(fleet: Fleet) -> None:
    backfill = ask(fleet)
    FleetSync.objects.filter(fleet=fleet).update(due_at=None)
    tasks.work_on_backfill(backfill.pk)
    assert Backfill.objects.get().days_done == 3
    FleetSync.objects.filter(fleet=fleet).update(due_at=Now() + dt.timedelta(hours=1))
    assert tasks.work_on_backfills() == "1 backfills due"
    tasks.work_on_backfill(backfill.pk)
    assert Backfill.objects.get().status == "done"


@pytest.mark.django_db(transaction=True)
def test_the_live_sync_keeps_its_pace_beside_backfills(simulator: Simulator, make_fleet: Make) -> None:
    """Six workers want all that Wialon gives; passes still take about as long as alone.

    Measured: 0.5 s alone, 0.8 s beside them, 2.2 s where the live sync does not go first.
    """
    fleet = make_fleet(simulator, timezone="America/Chicago")
    sync(fleet)
    simulator.faults.add("slow", svc=LOAD, seconds=0.1)

    def a_pass() -> float:
        simulator.advance(600)
        began = time.monotonic()
        assert sync(fleet).status == "ok"
        return time.monotonic() - began

    alone = min(a_pass() for _ in range(2))
    stop = threading.Event()

    def backfill() -> None:
        try:
            work(ask(fleet, days=90), give_way=stop.is_set)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        workers = [pool.submit(backfill) for _ in range(6)]
        time.sleep(1)
        beside = [a_pass() for _ in range(3)]
        stop.set()
    assert all(worker.exception() is None for worker in workers)
    assert Backfill.objects.filter(days_done__gt=0).exists()
    assert sum(beside) < 3 * 2 * alone + 1, (alone, beside)
