"""What comes late, goes, or is changed in Wialon after it was read, ends here as it is there."""

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.trucks.messages import storage
from apps.trucks.messages.normal import sort_out
from apps.trucks.models import DirtyDay, Message, QuarantinedMessage, SyncRun, Truck, TruckSync
from apps.trucks.sensors import SensorTable
from apps.trucks.sync.ingest import replace
from apps.trucks.sync.session import connection
from tests import rows as make
from tests.pipeline import feed
from tests.pipeline.conftest import Simulate, sync, sync_and_summarise
from tests.pipeline.whole_tables import comparable, differing
from wialon_simulator import Simulator

pytestmark = pytest.mark.django_db
NOW = 1_773_162_000  # 2026-03-10 17:00 UTC
DAY, HOUR = 86_400, 3_600
Make = Callable[..., Fleet]
LOAD = "messages/load_interval"


@pytest.fixture(scope="module")
def simulate() -> Simulate:
    return lambda: Simulator(trucks=3, days=6, seed=4, now=NOW, timezone="UTC", frozen=True)


def payloads(fleet: Fleet, unit: int) -> list[bytes]:
    truck = Truck.objects.get(fleet=fleet, wialon_id=unit)
    rows = Message.objects.filter(fleet_id=fleet.id, truck_id=truck.id).values_list("payload", flat=True)
    return sorted(bytes(payload) for payload in rows)


def served(simulator: Simulator, unit: int) -> list[bytes]:
    """What the simulator has, each once."""
    return sorted({orjson.dumps(m, option=orjson.OPT_SORT_KEYS) for m in simulator.messages(unit)})


def late(t: int, **values: Any) -> dict[str, Any]:
    place = {"y": 41.0 + t % 1000 / 1e4, "x": -87.0, "z": 0, "s": 50, "c": 0, "sc": 9}
    return {"t": t, "pos": place, "p": {"late": t, **values}}


def next_pass(fleet: Fleet, simulator: Simulator, seconds: float = 60) -> SyncRun:
    simulator.advance(seconds)
    return sync_and_summarise(fleet)


def lose_hints() -> None:
    """The session ended: what came meanwhile is told to nobody."""
    connection().flushdb()


def assert_as_in_wialon(fleet: Fleet, simulator: Simulator, make_fleet: Make) -> None:
    """Messages are those of the simulator, and all rows those of a fleet that reads it for the first time."""
    for unit in simulator.units:
        assert payloads(fleet, unit) == served(simulator, unit)
    fresh = make_fleet(simulator)
    sync_and_summarise(fresh)
    ours, theirs = comparable(fleet), comparable(fresh)
    for rows in (*ours["TruckSync"], *theirs["TruckSync"]):
        for name in ("surplus", "read_from_t", "known_until"):
            del rows[name]
    for row in (*ours["TruckDay"], *theirs["TruckDay"]):
        del row["status"]  # a day that changed late is corrected
    for name in ("FleetSync", "LatestValues", "Driver", "UnitCounters"):  # as of another time
        ours.pop(name), theirs.pop(name)
    assert differing(ours, theirs) == {}


def test_a_late_message_within_the_session_is_there_a_minute_later(
    fleet: Fleet, simulator: Simulator, make_fleet: Make
) -> None:
    unit = simulator.units[1]
    next_pass(fleet, simulator)  # the session watches from here on
    for age in (HOUR, 20 * HOUR, 5 * DAY):
        simulator.add_messages(unit, [late(NOW - age)])
        next_pass(fleet, simulator)
        assert payloads(fleet, unit) == served(simulator, unit)
    assert not TruckSync.objects.exclude(hint_first_t=None).exists()
    assert not DirtyDay.objects.exists()
    assert_as_in_wialon(fleet, simulator, make_fleet)


def test_a_hint_that_could_not_be_followed_is_kept(fleet: Fleet, simulator: Simulator) -> None:
    unit = simulator.units[1]
    next_pass(fleet, simulator)
    simulator.add_messages(unit, [late(NOW - 20 * HOUR)])
    simulator.faults.add("error", svc=LOAD, unit=unit, code=4)
    assert next_pass(fleet, simulator).status == "partial"
    assert payloads(fleet, unit) != served(simulator, unit)
    simulator.faults.clear()
    next_pass(fleet, simulator)
    assert payloads(fleet, unit) == served(simulator, unit)


@pytest.mark.parametrize(("age", "after"), [(30 * HOUR, HOUR), (4 * DAY, DAY)], ids=["hourly", "nightly"])
def test_without_a_hint_a_late_message_is_found_by_counting(
    age: int, after: int, fleet: Fleet, simulator: Simulator, make_fleet: Make
) -> None:
    unit = simulator.units[1]
    simulator.add_messages(unit, [late(NOW - age)])
    lose_hints()
    next_pass(fleet, simulator)
    assert payloads(fleet, unit) != served(simulator, unit)
    next_pass(fleet, simulator, after)
    assert_as_in_wialon(fleet, simulator, make_fleet)


def test_what_was_deleted_goes_here_too(fleet: Fleet, simulator: Simulator, make_fleet: Make) -> None:
    unit = simulator.units[1]
    assert simulator.delete_messages(unit, lambda m: NOW - 20 * HOUR < m["t"] < NOW - 10 * HOUR) > 10
    run = next_pass(fleet, simulator, HOUR)
    assert run.messages_removed > 10
    assert_as_in_wialon(fleet, simulator, make_fleet)
    assert next_pass(fleet, simulator, HOUR).messages_removed == 0


def test_the_newest_messages_may_be_deleted_too(fleet: Fleet, simulator: Simulator, make_fleet: Make) -> None:
    unit = simulator.units[1]
    before = feed.latest(Truck.objects.get(fleet=fleet, wialon_id=unit))
    assert simulator.delete_messages(unit, lambda m: m["t"] > NOW - 6 * HOUR) > 10
    next_pass(fleet, simulator, 2 * HOUR)
    next_pass(fleet, simulator, HOUR)  # those within the overlap, now that it has moved on
    assert_as_in_wialon(fleet, simulator, make_fleet)
    assert feed.latest(Truck.objects.get(fleet=fleet, wialon_id=unit)) != before


def test_one_deleted_and_another_added_is_found_the_night_after(
    fleet: Fleet, simulator: Simulator, make_fleet: Make
) -> None:
    unit = simulator.units[1]
    day_before = NOW - NOW % DAY - DAY
    (doomed, *_) = [m["t"] for m in simulator.messages(unit) if m["t"] > day_before + 9 * HOUR]
    simulator.delete_messages(unit, lambda m: m["t"] == doomed)
    simulator.add_messages(unit, [late(doomed + 1)])
    lose_hints()
    next_pass(fleet, simulator, HOUR)
    assert payloads(fleet, unit) != served(simulator, unit)  # the count agrees
    next_pass(fleet, simulator, DAY - 2 * HOUR)
    assert_as_in_wialon(fleet, simulator, make_fleet)


def test_what_wialon_has_twice_is_not_loaded_every_hour(fleet: Fleet, simulator: Simulator) -> None:
    unit = simulator.units[1]
    twice = late(NOW - 30 * HOUR) | {"rt": NOW}
    simulator.add_messages(unit, [twice, twice])
    lose_hints()
    next_pass(fleet, simulator, HOUR)
    assert Message.objects.filter(t=NOW - 30 * HOUR, received_t=NOW).count() == 1
    assert [sync.surplus for sync in TruckSync.objects.exclude(surplus={})] == [{str((NOW - 30 * HOUR) // DAY): 1}]
    before = simulator.counters.calls[LOAD]
    quiet = next_pass(fleet, simulator, HOUR)
    counted, fetched = 3 * 3, 3
    assert (quiet.status, simulator.counters.calls[LOAD] - before) == ("ok", counted + fetched)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "empty_1001"},
        {"kind": "truncated"},
        {"kind": "html"},
        {"kind": "error", "code": 4},
        {"kind": "error", "code": 6},
        {"kind": "error", "code": 1005},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('code', '')}",
)
@pytest.mark.parametrize("spared", range(4))
def test_no_answer_that_fails_deletes_anything(
    fault: dict[str, Any], spared: int, fleet: Fleet, simulator: Simulator
) -> None:
    unit = simulator.units[1]
    before = set(payloads(fleet, unit))
    simulator.add_messages(unit, [late(NOW - 30 * HOUR)])
    lose_hints()
    simulator.faults.add(svc=LOAD, unit=unit, after=spared, **fault)
    simulator.advance(HOUR)
    sync(fleet)
    assert before <= set(payloads(fleet, unit))
    simulator.faults.clear()
    simulator.advance(HOUR)
    sync(fleet)
    assert payloads(fleet, unit) == served(simulator, unit)


def test_what_is_in_quarantine_is_counted_right(fleet: Fleet, simulator: Simulator) -> None:
    unit = simulator.units[1]
    simulator.add_messages(unit, [late(NOW + 2 * DAY)])
    next_pass(fleet, simulator)
    assert QuarantinedMessage.objects.count() == 1
    next_pass(fleet, simulator, 2 * DAY + HOUR)
    quiet = next_pass(fleet, simulator, HOUR)
    assert (quiet.status, quiet.messages_removed) == ("ok", 0)
    assert not Message.objects.filter(t=NOW + 2 * DAY).exists()


def test_counting_takes_one_request_for_many_days(fleet: Fleet, simulator: Simulator) -> None:
    before = simulator.counters.calls.copy()
    next_pass(fleet, simulator, HOUR)
    asked = simulator.counters.calls - before
    assert asked["core/batch"] == 3 + 1  # one a truck, whatever the number of days, and one for all news
    assert Truck.objects.filter(fleet=fleet).count() == 3


def test_where_wialon_takes_no_batches_it_is_counted_one_by_one(
    fleet: Fleet, simulator: Simulator, make_fleet: Make
) -> None:
    simulator.faults.add("error", svc="core/batch", code=4)
    simulator.add_messages(simulator.units[1], [late(NOW - 30 * HOUR)])
    lose_hints()
    next_pass(fleet, simulator, HOUR)
    assert_as_in_wialon(fleet, simulator, make_fleet)


def test_a_repeated_look_back_writes_nothing(fleet: Fleet, simulator: Simulator) -> None:
    next_pass(fleet, simulator, HOUR)
    summaries.rebuild(fleet)
    before = comparable(fleet)
    TruckSync.objects.update(known_until=NOW - 2 * DAY)  # as if a day and a night had passed
    run = sync(fleet)
    assert (run.messages_new, run.messages_removed) == (0, 0)
    after = comparable(fleet)
    assert [differing({n: before[n]}, {n: after[n]}) for n in ("Message", "LatestValues", "QuarantinedMessage")] == [
        {}
    ] * 3


@pytest.mark.parametrize("seed", range(12))
def test_any_messages_removed_leave_the_rows_of_a_truck_that_never_had_them(seed: int) -> None:
    rng = random.Random(seed)
    fleet, twin_fleet = (make.fleet(name, timezone="Europe/Berlin") for name in ("replaced", "never had them"))
    truck, twin = feed.truck_of(fleet, "T"), feed.truck_of(twin_fleet, "T")
    first_t = feed.midnight(dt.date(2026, 3, 26), "Europe/Berlin")
    messages = feed.history(seed, first_t, first_t + 5 * DAY)
    now = messages[-1]["t"] + 7 * HOUR
    feed.receive(truck, messages, now)
    summaries.rebuild(fleet)
    share, kept = rng.choice((0.02, 0.3, 1.0)), messages[:1]
    start = rng.randrange(first_t + 1, now - HOUR)
    end = start + rng.choice((600, 5 * HOUR, 2 * DAY))
    kept += [m for m in messages[1:] if not start <= m["t"] <= end or rng.random() > share]
    batch = sort_out([m for m in kept if start <= m["t"] <= end], now)
    table = SensorTable.compile(truck.sensor_table)
    before = storage.known_keys(fleet.pk, truck.pk, start, end)
    _, _, removed = replace(fleet, truck, table, batch, start, end, now, before)
    assert removed == len({(m["t"], str(m)) for m in messages}) - len({(m["t"], str(m)) for m in kept})
    assert replace(fleet, truck, table, batch, start, end, now, before) == (0, 0, 0)
    summaries.rebuild(fleet)
    feed.receive(twin, kept, now)
    summaries.rebuild(twin_fleet)
    assert feed.differences({"stored": feed.stored(truck)}, {"stored": feed.stored(twin)}) == []
    assert feed.differences(feed.summaries_of(truck), feed.summaries_of(twin)) == []
    assert feed.latest(truck) == feed.latest(twin)
