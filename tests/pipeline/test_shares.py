"""A large fleet's pass is read by several workers: each truck once, whoever dies, within Wialon's limits."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from apps.accounts.models import Fleet
from apps.trucks.models import FleetSync, Message, SyncRun, Truck, TruckSync
from apps.trucks.sync import leases, passes, shares, truck_pass
from apps.trucks.sync.shares import Share, ShareLost
from apps.trucks.sync.truck_pass import Tally, Turn
from tasks import sync as tasks
from tests import rows
from tests.pipeline.conftest import IMPATIENT, sync
from wialon_simulator import Simulator

NOW = 1_773_162_000  # 2026-03-10 17:00 UTC
LOAD = "messages/load_interval"
Make = Callable[..., Fleet]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(trucks=13, days=1, seed=5, now=NOW, frozen=True) as running:
        yield running


@pytest.fixture
def fleet(simulator: Simulator, make_fleet: Make, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Fleet:
    """All trucks are up to date; then each but the one that never reports gets a message: twelve, in shares of two."""
    settings.INITIAL_HISTORY_DAYS = 0  # what matters here is what comes now
    monkeypatch.setattr(
        "apps.trucks.sync.truck_pass._crosses_hour", lambda *_: False
    )  # counts are asked in batches too
    made = make_fleet(simulator)
    assert sync(made).status == "ok"
    monkeypatch.setattr("apps.trucks.sync.shares.SIZE", 2)
    news(simulator)
    return made


@pytest.fixture
def idle(db: None, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """The same without Wialon: thirteen trucks up to date, one of which never reported."""
    monkeypatch.setattr("apps.trucks.sync.shares.SIZE", 2)
    made = rows.fleet()
    for number in range(13):
        truck = rows.truck(made, f"T-{number}")
        cursor_t = NOW - 20 if number else None
        TruckSync.objects.update_or_create(
            truck_id=truck.pk, defaults={"fleet_id": made.pk, "cursor_t": cursor_t, "known_until": NOW}
        )
    return made


def news(simulator: Simulator) -> None:
    simulator.advance(60)
    now = simulator.now()
    for unit in filter(simulator.messages, simulator.units):
        simulator.add_messages(unit, [{"t": now - 20, "rt": now - 20, "p": {"n": 1}}])
    simulator.counters.calls.clear()


def stored_now(fleet: Fleet) -> int:
    """How many messages have been stored since the first pass."""
    return Message.objects.filter(fleet_id=fleet.pk).count() - SyncRun.objects.earliest("started_at").messages_new


def is_all_there(fleet: Fleet, simulator: Simulator) -> bool:
    """Whether every message that came since the first pass is stored."""
    units = dict(Truck.objects.filter(fleet=fleet).values_list("pk", "wialon_id"))
    stored = Message.objects.filter(fleet_id=fleet.pk, received_t__gt=NOW).values_list("truck_id", "t")
    served = ((unit, m) for unit in simulator.units for m in simulator.messages(unit))
    now = simulator.now()
    return {(units[pk], t) for pk, t in stored} == {(unit, m["t"]) for unit, m in served if NOW < m["rt"] <= now}


def join(run_id: int, **options: Any) -> int:
    """Another worker that joins in."""
    return passes.join(run_id, retry=IMPATIENT, **options)


def join_in_a_thread(run_id: int) -> int:
    try:
        return join(run_id)
    finally:
        connection.close()


def a_pass(fleet: Fleet, **options: Any) -> SyncRun:
    lease = leases.claim(fleet.pk, only_if_due=False)
    assert lease is not None
    return passes.synchronise(fleet, lease, retry=IMPATIENT, **options)


def laid_out(fleet: Fleet) -> SyncRun:
    """A run whose first worker has laid out its trucks and was killed then."""
    run = SyncRun.objects.create(fleet=fleet, started_at=Now(), wialon_t=NOW + 60)
    trucks = Truck.objects.filter(fleet=fleet).order_by("pk")
    syncs = TruckSync.objects.in_bulk([truck.pk for truck in trucks])
    told = {pk: None if sync.cursor_t is None else NOW + 40 for pk, sync in syncs.items()}
    shares.lay_out(run, [Turn(truck, syncs[truck.pk], told[truck.pk]) for truck in trucks])
    return SyncRun.objects.get(pk=run.pk)


def claim(run: SyncRun) -> Share:
    share = shares.claim(run.pk)
    assert share is not None
    return share


def ids(share: Share) -> list[int]:
    return [turn.truck.pk for turn in share.turns()]


def lapse(share: Share) -> None:
    """As if its worker had been away for longer than a lease."""
    assert TruckSync.objects.filter(truck_id__in=ids(share)).update(lease_until=Now())


# --- how it goes ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_workers_that_join_in_read_each_truck_once_within_the_limits(fleet: Fleet, simulator: Simulator) -> None:
    simulator.faults.add("slow", svc=LOAD, seconds=0.03)
    with ThreadPoolExecutor(3) as pool:
        joined: list[Any] = []

        def call_help(run_id: int, helpers: int) -> None:
            assert helpers == 5
            joined.extend(pool.submit(join_in_a_thread, run_id) for _ in range(3))

        run = a_pass(fleet, call_help=call_help)
        read = [each.result() for each in joined]
    assert sum(read) > 0
    assert (run.status, run.trucks, run.trucks_with_news, run.messages_new) == ("ok", 13, 12, stored_now(fleet))
    assert run.workers == 1 + sum(each > 0 for each in read)
    assert is_all_there(fleet, simulator)
    assert simulator.counters.calls[LOAD] == 12  # none was loaded twice
    assert simulator.counters.calls["core/search_items"] == simulator.counters.calls["avl_evts"] == 1
    assert simulator.counters.max_heavy_at_once == 2
    assert (simulator.counters.logins_ok, simulator.counters.errors) == (1, {})
    assert set(TruckSync.objects.values_list("known_until", "run_id", "lease_until")) == {(NOW + 60, None, None)}


@pytest.mark.django_db(transaction=True)
def test_one_worker_reads_in_two_lanes(
    fleet: Fleet, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.SYNC_LANES = 2
    simulator.faults.add("slow", svc=LOAD, seconds=0.03)
    threads, store = set(), truck_pass.store

    def stored(*args: Any) -> Any:
        threads.add(threading.current_thread())
        return store(*args)

    monkeypatch.setattr(truck_pass, "store", stored)
    run = a_pass(fleet)
    assert len(threads) == 2 and threading.main_thread() in threads
    assert (run.status, run.trucks, run.trucks_with_news, run.messages_new) == ("ok", 13, 12, stored_now(fleet))
    assert run.workers == 1
    assert is_all_there(fleet, simulator)
    assert simulator.counters.calls[LOAD] == 12
    assert (simulator.counters.logins_ok, simulator.counters.errors) == (1, {})


@pytest.mark.django_db(transaction=True)
def test_a_pass_that_is_lost_ends_both_lanes_at_once(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.SYNC_LANES = 2
    begun, stored, store = threading.Event(), [], truck_pass.store

    def slowly(*args: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            begun.wait(10)
        else:
            begun.set()
            time.sleep(0.5)  # until the first lane has noticed
            stored.append(args[1])
        return store(*args)

    def went_on_elsewhere(lease: leases.Lease) -> None:
        if begun.is_set():
            raise leases.LeaseLost("elsewhere")

    monkeypatch.setattr(truck_pass, "store", slowly)
    monkeypatch.setattr(leases.Lease, "renew", went_on_elsewhere)
    run = a_pass(fleet)
    assert (run.status, run.error) == ("failed", "LeaseLost: elsewhere")
    assert len(stored) == 1  # of the two trucks of its share
    assert not TruckSync.objects.filter(lease_until__isnull=False).exists()


@pytest.mark.django_db
def test_a_small_fleet_is_read_without_rows(
    fleet: Fleet, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.trucks.sync.shares.SIZE", 12)
    monkeypatch.delattr("apps.trucks.sync.shares.lay_out")
    run = a_pass(fleet, call_help=None)  # nobody is called
    assert (run.status, run.messages_new) == ("ok", stored_now(fleet))
    assert is_all_there(fleet, simulator)


@pytest.mark.django_db
def test_without_help_one_worker_reads_all(fleet: Fleet, simulator: Simulator) -> None:
    shown: list[tuple[int, int]] = []
    run = a_pass(fleet, progress=lambda done, trucks: shown.append((done, trucks)))
    assert (run.status, run.messages_new, run.workers) == ("ok", stored_now(fleet), 1)
    assert is_all_there(fleet, simulator)
    assert shown[0] == shown[1] == (1, 13)
    assert [done for done, _ in shown] == sorted(done for done, _ in shown)


@pytest.mark.django_db
def test_trucks_that_are_far_behind_are_shared_out_a_few_at_a_time(idle: Fleet, monkeypatch: Any) -> None:
    monkeypatch.setattr("apps.trucks.sync.shares.SIZE", 40)
    run = laid_out(idle)
    TruckSync.objects.update(cursor_t=None)
    share = claim(run)
    assert len(share.turns()) == 4


@pytest.mark.django_db
def test_those_that_failed_come_last_and_those_known_the_least_first(idle: Fleet) -> None:
    trucks = list(Truck.objects.order_by("pk").values_list("pk", flat=True))
    TruckSync.objects.filter(truck_id=trucks[0]).update(last_error="Unavailable: …")
    TruckSync.objects.filter(truck_id=trucks[9]).update(known_until=NOW - 900)
    run = laid_out(idle)
    turns = [ids(share) for share in iter(lambda: shares.claim(run.pk), None)]
    assert (turns[0], turns[-1]) == ([trucks[9], trucks[1]], [trucks[0]])


# --- what goes wrong ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_truck_that_cannot_be_read_harms_no_other_in_its_share(fleet: Fleet, simulator: Simulator) -> None:
    bad = simulator.units[2]
    simulator.faults.add("error", svc=LOAD, unit=bad, code=7)
    run = a_pass(fleet)
    assert (run.status, run.trucks_failed, run.messages_new) == ("partial", 1, stored_now(fleet))
    assert [error["truck"] for error in run.truck_errors] == [Truck.objects.get(wialon_id=bad).code]
    assert TruckSync.objects.exclude(known_until=NOW + 60).get().last_error.startswith("RequestRefused")
    simulator.faults.clear()
    assert a_pass(fleet).status == "ok"
    assert is_all_there(fleet, simulator)


@pytest.mark.django_db
def test_what_a_dead_worker_held_is_taken_over_after_its_lease(idle: Fleet) -> None:
    run = laid_out(idle)
    dead, other = claim(run), claim(run)
    assert not set(ids(dead)) & set(ids(other))
    lapse(dead)
    taken = [ids(share) for share in iter(lambda: shares.claim(run.pk), None)]
    assert set(ids(dead)) <= {truck for share in taken for truck in share}
    assert all(len(share) == 1 for share in taken if set(share) & set(ids(dead)))  # either may be why it died
    dead._renewed -= 60
    with pytest.raises(ShareLost, match="went on elsewhere"):
        dead.renew()
    dead.finish(Tally(read=ids(dead)))  # it was not dead, but it has lost them
    assert TruckSync.objects.filter(truck_id__in=ids(dead), run_id=run.pk, lease_owner="").count() == 0
    assert shares.read_in(run) == []
    other._renewed -= 60
    other.renew()


@pytest.mark.django_db
def test_a_truck_that_ends_each_worker_is_given_up_in_this_pass(idle: Fleet) -> None:
    run = laid_out(idle)
    deadly = ids(claim(run))[0]
    for _ in range(shares.MAX_ATTEMPTS):
        TruckSync.objects.exclude(lease_until=None).update(lease_until=Now())
        while share := shares.claim(run.pk):
            if ids(share) != [deadly]:
                share.finish(Tally(read=ids(share)))
    run.refresh_from_db()
    assert [error["error"] for error in run.truck_errors] == ["the worker ended in each of 3 attempts"]
    assert (shares.left(run.pk), len(shares.read_in(run))) == (0, 12)


@pytest.mark.django_db
def test_what_a_worker_has_no_time_for_is_free_again(fleet: Fleet, simulator: Simulator) -> None:
    run = laid_out(fleet)
    join(run.pk, seconds=-1)
    assert shares.left(run.pk) >= 12  # it stores what it has loaded, however little time it has
    assert not TruckSync.objects.exclude(lease_until=None).exists()
    assert join(run.pk) >= 12
    run.refresh_from_db()
    assert (run.messages_new, run.trucks_with_news, run.workers) == (stored_now(fleet), 12, 3)
    assert is_all_there(fleet, simulator)


@pytest.mark.django_db
def test_a_helper_goes_when_others_need_it_more(fleet: Fleet) -> None:
    assert join(laid_out(fleet).pk, give_way=lambda: True) == 2


@pytest.mark.django_db
def test_a_pass_that_is_over_is_left(fleet: Fleet) -> None:
    run = laid_out(fleet)
    share = claim(run)
    SyncRun.objects.update(status="failed")
    assert shares.claim(run.pk) is None
    assert join(run.pk) == 0
    share._renewed -= 60
    with pytest.raises(ShareLost, match="is over"):
        share.renew()


@pytest.mark.django_db
def test_the_next_pass_goes_on_where_a_killed_one_was(fleet: Fleet, simulator: Simulator) -> None:
    """Its helper lives on: the trucks that it holds are left to it, and are not read before it gives them back."""
    lost = laid_out(fleet)
    held = claim(lost)
    join(lost.pk, give_way=lambda: True)

    def give_back(run_id: int, helpers: int) -> None:
        assert not set(ids(held)) & {
            truck for share in iter(lambda: shares.claim(run_id), None) for truck in ids(share)
        }
        TruckSync.objects.exclude(lease_owner=held._owner).update(lease_until=None, lease_owner="", attempts=0)
        held.finish(Tally(read=ids(held)[:1]))

    run = a_pass(fleet, call_help=give_back)
    assert SyncRun.objects.get(pk=lost.pk).error == "the worker was lost"
    assert (run.status, run.trucks_with_news) == ("ok", 10)
    assert set(ids(held)) <= set(shares.read_in(run))  # what it read of the lost pass, too: it has lost its turn there
    assert is_all_there(fleet, simulator)


@pytest.mark.django_db
def test_where_the_account_cannot_be_read_helpers_give_back_and_the_first_worker_says_so(
    fleet: Fleet, simulator: Simulator
) -> None:
    run = laid_out(fleet)
    simulator.faults.add("bad_gateway")
    assert join(run.pk) == 2  # with the third truck without an answer it asks whether Wialon is there
    assert shares.left(run.pk) == 11
    assert not TruckSync.objects.exclude(lease_until=None).exists()


@pytest.mark.django_db
def test_a_pass_that_runs_out_of_time_leaves_the_rest_to_the_next(fleet: Fleet, simulator: Simulator) -> None:
    run = a_pass(fleet, seconds=-1)
    assert run.status == "partial"
    assert run.error.startswith("out of time")
    assert run.trucks_with_news in (1, 2)
    assert not TruckSync.objects.exclude(run_id=None).exists()
    assert leases.due_fleets() == [fleet.pk]
    assert a_pass(fleet).status == "ok"
    assert is_all_there(fleet, simulator)


# --- the tasks ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_tick_calls_help_for_a_pass_with_trucks_that_nobody_reads(fleet: Fleet, simulator: Simulator) -> None:
    FleetSync.objects.update(due_at=None)
    leases.claim(fleet.pk, only_if_due=True)
    run = laid_out(fleet)
    assert shares.open_runs() == [run.pk]
    assert tasks.sync_due_fleets() == "0 fleets due, 1 passes to help with"
    assert tasks.help_sync(run.pk) == "13 trucks read"
    assert tasks.sync_due_fleets() == "0 fleets due"
    assert tasks.help_sync(run.pk) == "0 trucks read"
    assert is_all_there(fleet, simulator)
