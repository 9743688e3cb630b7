"""The few news of many trucks are loaded in one request; whatever that does not bring is loaded one by one."""

from collections.abc import Callable, Iterator

import pytest

from apps.accounts.models import Fleet
from apps.trucks.models import Message, Truck
from tests.pipeline.conftest import sync
from wialon_simulator import Simulator

pytestmark = pytest.mark.django_db
NOW = 1_773_162_000  # 2026-03-10 17:00 UTC
LOAD, IN_ONE = "messages/load_interval", "core/batch"
Make = Callable[..., Fleet]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(trucks=8, days=1, seed=5, now=NOW, frozen=True) as running:
        yield running


@pytest.fixture
def fleet(simulator: Simulator, make_fleet: Make, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """All trucks are up to date; then each but the one that never reports gets a message: seven."""
    monkeypatch.setattr(
        "apps.trucks.sync.truck_pass._crosses_hour", lambda *_: False
    )  # counts are asked in batches too
    made = make_fleet(simulator)
    assert sync(made).status == "ok"
    simulator.advance(60)
    now = simulator.now()
    for unit in filter(simulator.messages, simulator.units):
        simulator.add_messages(unit, [{"t": now - 20, "rt": now - 20, "p": {"n": 1}}])
    simulator.counters.calls.clear()
    return made


def is_all_there(fleet: Fleet, simulator: Simulator) -> bool:
    units = dict(Truck.objects.filter(fleet=fleet).values_list("pk", "wialon_id"))
    stored = {(units[pk], t) for pk, t in Message.objects.filter(fleet_id=fleet.pk).values_list("truck_id", "t")}
    now = simulator.now()
    return stored == {(unit, m["t"]) for unit in simulator.units for m in simulator.messages(unit) if m["t"] <= now}


def test_many_trucks_take_one_request(fleet: Fleet, simulator: Simulator) -> None:
    run = sync(fleet)
    assert (run.status, run.trucks_with_news) == ("ok", 7)
    assert is_all_there(fleet, simulator)
    assert simulator.counters.calls[IN_ONE] == 1
    assert simulator.counters.calls[LOAD] == 7
    assert simulator.counters.calls["messages/unload"] == 1


def test_a_unit_that_fails_in_the_batch_is_asked_for_alone(fleet: Fleet, simulator: Simulator) -> None:
    simulator.faults.add("error", svc=LOAD, unit=simulator.units[2], code=5, times=1)
    run = sync(fleet)
    assert (run.status, run.truck_errors) == ("ok", [])
    assert is_all_there(fleet, simulator)
    assert (simulator.counters.calls[IN_ONE], simulator.counters.calls[LOAD]) == (1, 8)


def test_a_unit_that_cannot_be_read_harms_no_other(fleet: Fleet, simulator: Simulator) -> None:
    bad = simulator.units[2]
    simulator.faults.add("error", svc=LOAD, unit=bad, code=7)
    run = sync(fleet)
    assert (run.status, run.trucks_failed) == ("partial", 1)
    simulator.faults.clear()
    assert sync(fleet).status == "ok"
    assert is_all_there(fleet, simulator)


def test_an_answer_that_is_too_large_is_asked_for_in_halves(fleet: Fleet, simulator: Simulator) -> None:
    simulator.faults.add("error", svc=IN_ONE, code=6, times=2)
    assert sync(fleet).status == "ok"
    assert is_all_there(fleet, simulator)
    assert simulator.counters.calls[IN_ONE] == 5  # 7; 3: 1 and 2; 4
    assert simulator.counters.calls[LOAD] == 7


@pytest.mark.parametrize("fault", [{"kind": "error", "code": 2}, {"kind": "html"}, {"kind": "error", "code": 1}])
def test_without_batches_all_are_loaded_one_by_one(
    fleet: Fleet, simulator: Simulator, fault: dict[str, object]
) -> None:
    simulator.faults.add(svc=IN_ONE, **fault)
    run = sync(fleet)
    assert (run.status, run.truck_errors) == ("ok", [])
    assert is_all_there(fleet, simulator)
    assert simulator.counters.calls[LOAD] == 7


def test_a_truck_that_is_far_behind_is_loaded_by_itself(fleet: Fleet, simulator: Simulator) -> None:
    simulator.advance(2 * 86_400)
    assert sync(fleet).status == "ok"
    assert is_all_there(fleet, simulator)
