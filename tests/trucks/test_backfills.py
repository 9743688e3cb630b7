"""The rows of backfills: asked for, claimed, given back, cancelled; and whose turn it is at Wialon."""

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models.functions import Now

from apps.accounts.calendar import day_bounds, day_start
from apps.accounts.models import Fleet
from apps.trucks import backfills
from apps.trucks.backfills import BackfillRefused, Chunk, ChunkLost
from apps.trucks.models import Backfill, BackfillDay, FleetSync, TruckSync
from apps.trucks.sync import leases
from apps.trucks.sync.session import SharedSession
from apps.trucks.sync.session import connection as redis_connection
from apps.trucks.sync.truck_pass import Tally
from tests import rows

pytestmark = pytest.mark.django_db
NOW = 1_773_162_000  # 2026-03-10 17:00 UTC


@pytest.fixture
def fleet() -> Fleet:
    """Three trucks that are known up to now."""
    made = rows.fleet()
    for code in ("T-1", "T-2", "T-3"):
        rows.known(rows.truck(made, code))
    return made


@pytest.fixture(autouse=True)
def _fresh_redis() -> Iterator[None]:
    redis_connection().flushdb()
    yield


def ask(fleet: Fleet, days: int = 4, kind: str = "resync", trucks: Any = None) -> Backfill:
    """So many days up to 2026-03-09."""
    last = dt.date(2026, 3, 9)
    first_t, end = day_start(last - dt.timedelta(days=days - 1), fleet.zone), day_bounds(last, fleet.zone)[1]
    return backfills.create(fleet, kind, first_t, end - 1, trucks, "a test")


def states(backfill: Backfill) -> dict[str, int]:
    found: dict[str, int] = {}
    for state in BackfillDay.objects.filter(backfill_id=backfill.pk).values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def claim(backfill: Backfill) -> Chunk:
    chunk = backfills.claim(backfill.pk)
    assert chunk is not None
    return chunk


def session(*, is_live: bool) -> SharedSession:
    return SharedSession("https://wialon.example", "t" * 72, redis_connection(), is_live=is_live)


def test_a_backfill_has_a_row_for_each_truck_day(fleet: Fleet) -> None:
    backfill = ask(fleet)
    assert (backfill.status, backfill.days_total) == ("queued", 12)
    assert (backfill.first_day, backfill.last_day) == (dt.date(2026, 3, 6), dt.date(2026, 3, 9))
    assert states(backfill) == {"queued": 12}
    assert ask(fleet, trucks=[fleet.trucks.order_by("pk")[1]]).days_total == 4


@pytest.mark.parametrize("kind", ["resync", "rebuild"])
def test_sealed_days_are_left_out_and_nothing_but_sealed_days_is_refused(fleet: Fleet, kind: str) -> None:
    truck = fleet.trucks.get(code="T-2")
    rows.truck_day(truck, dt.date(2026, 3, 6))
    TruckSync.objects.filter(truck_id=truck.pk).update(raw_since_t=day_start(dt.date(2026, 3, 7), fleet.zone) + 1)
    backfill = ask(fleet, kind=kind)
    sealed = 2 if kind == "resync" else 1  # a day without figures cannot be sealed
    assert (backfill.days_sealed, backfill.days_total) == (sealed, 10)
    floored = BackfillDay.objects.filter(truck_id=truck.pk).values_list("day", flat=True)
    assert sorted(floored) == [dt.date(2026, 3, 8), dt.date(2026, 3, 9)]
    TruckSync.objects.filter(truck_id=truck.pk).update(raw_since_t=NOW)
    rows.truck_day(truck, dt.date(2026, 3, 9))
    with pytest.raises(BackfillRefused, match="all these days are sealed"):
        ask(fleet, kind=kind, days=1, trucks=[truck])


@pytest.mark.parametrize(
    ("first_t", "last_t", "field"),
    [(NOW, NOW - 1, "from"), (2**31 - 2, 2**31 - 1, "from"), (0, NOW, "to")],
)
def test_what_cannot_be_is_refused(fleet: Fleet, first_t: int, last_t: int, field: str) -> None:
    with pytest.raises(BackfillRefused) as refused:
        backfills.create(fleet, "resync", first_t, last_t, None, "a test")
    assert refused.value.field == field


def test_too_many_truck_days_are_refused(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfills, "MAX_TRUCK_DAYS", 11)
    with pytest.raises(BackfillRefused, match="12 truck-days; at most 11"):
        ask(fleet)
    assert Backfill.objects.count() == 0


def test_a_truck_is_read_by_one_worker_at_a_time_and_others_take_others(fleet: Fleet) -> None:
    backfill = ask(fleet)
    chunks = [claim(backfill) for _ in range(3)]
    assert len({chunk.truck_id for chunk in chunks}) == 3
    assert backfills.claim(backfill.pk) is None
    assert [len(chunk.days) for chunk in chunks] == [3, 3, 3]


def test_what_a_dead_worker_held_comes_back_after_its_lease(fleet: Fleet) -> None:
    backfill = ask(fleet)
    dead = claim(backfill)
    BackfillDay.objects.filter(truck_id=dead.truck_id, lease_until__isnull=False).update(lease_until=Now())
    again = claim(backfill)
    assert (again.truck_id, again.days) == (dead.truck_id, dead.days)
    dead.finish(Tally(loaded=7))  # it was not dead: but it has lost its days
    assert Backfill.objects.get().days_done == 0
    dead.renewed -= 60
    with pytest.raises(ChunkLost):
        dead.renew()
    again.finish(Tally(loaded=5))
    row = Backfill.objects.get()
    assert (row.days_done, row.messages_loaded) == (3, 5)


def test_days_on_which_every_worker_ends_are_given_up(fleet: Fleet) -> None:
    backfill = ask(fleet, days=1, trucks=[fleet.trucks.first()])
    for _ in range(backfills.MAX_ATTEMPTS):
        claim(backfill)
        BackfillDay.objects.update(lease_until=Now())
    assert backfills.claim(backfill.pk) is None
    row = Backfill.objects.get()
    assert (row.status, row.days_failed, row.error) == ("failed", 1, "the worker ended in every attempt")


def test_no_backfill_asks_a_wialon_that_refuses_the_token(fleet: Fleet) -> None:
    backfill = ask(fleet)
    FleetSync.objects.filter(fleet=fleet).update(refused_logins=1)
    assert backfills.due() == []
    rebuild = ask(fleet, kind="rebuild")
    assert backfills.due() == [rebuild.pk]
    leases.no_failures(fleet.pk)
    assert backfills.due() == [backfill.pk, rebuild.pk]


def test_it_ends_before_the_next_batch_too(fleet: Fleet) -> None:
    backfill = ask(fleet)
    chunk = claim(backfill)
    chunk.renew()
    backfills.cancel(backfill)
    with pytest.raises(ChunkLost):
        chunk.renew()


def test_backfills_leave_a_place_to_the_live_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.trucks.sync.session._HEAVY_PATIENCE_S", 0.05)
    late, other, live = (session(is_live=is_live) for is_live in (False, False, True))
    with late.heavy():
        assert not other._takes("late:2")
        with live.heavy():
            pass
    assert other._takes("late:2")


def test_what_comes_free_is_for_the_live_sync_while_it_waits() -> None:
    live, late = session(is_live=True), session(is_live=False)
    assert live._takes("live:1") and live._takes("live:2")
    assert not live._takes("live:3")  # now it waits
    live._leave("live:1")
    assert not late._takes("late:1")
    assert live._takes("live:3")
    live._leave("live:2")
    live._leave("live:3")
    assert late._takes("late:1")


def test_who_waited_and_died_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.trucks.sync.session._WAIT_LIFE_S", 1)
    live, late = session(is_live=True), session(is_live=False)
    assert live._takes("live:1") and live._takes("live:2") and not live._takes("live:3")
    live._leave("live:1")
    live._leave("live:2")
    time.sleep(1.1)
    assert late._takes("late:1")


def test_the_estimate_follows_the_measured_pace(fleet: Fleet) -> None:
    backfill = ask(fleet)
    assert backfills.eta(backfill) is None
    chunk = claim(backfill)
    Backfill.objects.update(started_at=Now() - dt.timedelta(seconds=30))
    assert backfills.eta(Backfill.objects.get()) is None
    chunk.finish(Tally())
    end = backfills.eta(Backfill.objects.get())
    assert end is not None
    left = (end - dt.datetime.now(dt.UTC)).total_seconds()
    assert 85 < left < 95  # 3 days took 30 s, 9 are left
    # What went slowly an hour ago says nothing of now.
    Backfill.objects.update(started_at=Now() - dt.timedelta(hours=3))
    end = backfills.eta(Backfill.objects.get())
    assert end is not None
    assert 890 < (end - dt.datetime.now(dt.UTC)).total_seconds() < 910
    backfills.cancel(backfill)
    assert backfills.eta(Backfill.objects.get()) is None
