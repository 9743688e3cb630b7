"""Passes over a simulated account that answers as it should not: a clear error, nothing lost, nobody else harmed."""

import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Fleet
from apps.trucks.models import FleetSync, Message, SyncRun, Truck, TruckSync
from apps.trucks.sync.session import connection
from tests.pipeline.conftest import _fresh_redis as _fresh_redis
from tests.pipeline.conftest import make_fleet as make_fleet
from tests.pipeline.conftest import sync
from wialon_simulator import Simulator

pytestmark = pytest.mark.django_db
NOW = 1_773_162_000  # 2026-03-10 17:00 UTC
LOAD = "messages/load_interval"
Make = Callable[..., Fleet]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(trucks=4, days=1, seed=5, now=NOW, frozen=True) as running:
        yield running


def stored(fleet: Fleet) -> dict[int, list[tuple[int, int]]]:
    """By unit: second and registration of all its messages, ascending."""
    units = dict(Truck.objects.filter(fleet=fleet).values_list("id", "wialon_id"))
    found: dict[int, list[tuple[int, int]]] = {unit: [] for unit in units.values()}
    rows = Message.objects.filter(fleet_id=fleet.id).order_by("t", "received_t", "digest")
    for truck_id, t, received in rows.values_list("truck_id", "t", "received_t"):
        found[units[truck_id]].append((t, received))
    return found


def truth(simulator: Simulator) -> dict[int, list[tuple[int, int]]]:
    now = simulator.now()
    return {
        unit: sorted((m["t"], m["rt"]) for m in simulator.messages(unit) if m["t"] <= now) for unit in simulator.units
    }


def later_pass(fleet: Fleet, simulator: Simulator) -> SyncRun:
    """The next pass, once nothing is wrong any more."""
    simulator.faults.clear()
    run = sync(fleet)
    assert (run.status, run.error, run.truck_errors) == ("ok", "", [])
    return run


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The errors that the sync wrote into the log."""
    ours = [
        record for record in caplog.records if record.name in ("apps.trucks.sync.passes", "apps.trucks.sync.reading")
    ]
    return [str(getattr(record, "error", "")) for record in ours if record.levelno >= logging.WARNING]


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# The account as a whole


def test_a_wrong_token_fails_the_run_with_a_word_to_its_owner(
    simulator: Simulator, make_fleet: Make, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "0bad" * 18
    fleet = make_fleet(simulator, wialon_token=wrong)
    run = sync(fleet)
    assert (run.status, run.trucks, run.messages_new) == ("failed", 0, 0)
    assert run.error.startswith("LoginRefused: token/login: error 8")
    assert "the token is wrong, expired or revoked" in run.error
    assert logged(caplog) == [run.error]
    assert wrong not in run.error + caplog.text
    assert simulator.counters.logins_failed == 1  # a wrong token is not tried again within a pass
    Fleet.objects.filter(id=fleet.id).update(wialon_token=simulator.token)
    later_pass(Fleet.objects.get(id=fleet.id), simulator)
    assert stored(fleet) == truth(simulator)


def test_a_token_that_is_revoked_later_stops_the_sync_where_it_was(simulator: Simulator, make_fleet: Make) -> None:
    fleet = make_fleet(simulator)
    sync(fleet)
    before, watermarks = stored(fleet), list(TruckSync.objects.order_by("truck_id").values())
    connection().flushdb()  # the session ended
    simulator.faults.add("error", svc="token/login", code=7)
    simulator.advance(600)
    run = sync(fleet)
    assert run.status == "failed"
    assert run.error.startswith("LoginRefused: token/login: error 7")
    assert (stored(fleet), list(TruckSync.objects.order_by("truck_id").values())) == (before, watermarks)
    later_pass(fleet, simulator)
    assert stored(fleet) == truth(simulator)


def test_a_wialon_that_cannot_be_reached_fails_the_run_and_is_asked_again_later(
    simulator: Simulator, make_fleet: Make, caplog: pytest.LogCaptureFixture
) -> None:
    fleet = make_fleet(simulator, wialon_url=f"http://127.0.0.1:{closed_port()}")
    began = timezone.now()
    runs = []
    for _ in range(3):
        connection().flushdb()  # as if the minute of the last logins were over
        runs.append(sync(fleet))
    assert {run.status for run in runs} == {"failed"}
    assert all(run.error.startswith("Unavailable: token/login: ConnectError") for run in runs)
    assert logged(caplog) == [run.error for run in runs]
    state = FleetSync.objects.get(fleet=fleet)
    assert state.consecutive_failures == 3
    assert state.due_at is not None
    assert 3 * 60 < (state.due_at - began).total_seconds() < 5 * 60  # doubled twice from a minute
    Fleet.objects.filter(id=fleet.id).update(wialon_url=simulator.url)
    later_pass(Fleet.objects.get(id=fleet.id), simulator)
    assert stored(fleet) == truth(simulator)
    assert FleetSync.objects.get(fleet=fleet).consecutive_failures == 0


@pytest.mark.parametrize("svc", ["core/search_items", "avl_evts", "token/login"])
def test_a_page_instead_of_json_fails_the_run_in_words(
    svc: str, simulator: Simulator, make_fleet: Make, caplog: pytest.LogCaptureFixture
) -> None:
    fleet = make_fleet(simulator)
    simulator.faults.add("html", svc=svc)
    run = sync(fleet)
    assert (run.status, run.messages_new) == ("failed", 0)
    assert f"Unavailable: {svc}: not JSON (text/html, " in run.error
    assert logged(caplog) == [run.error]
    later_pass(fleet, simulator)
    assert stored(fleet) == truth(simulator)


def test_a_list_of_units_that_cannot_be_read_does_not_make_trucks_inactive(
    simulator: Simulator, make_fleet: Make
) -> None:
    fleet = make_fleet(simulator)
    sync(fleet)
    simulator.faults.add("truncated", svc="core/search_items")
    assert sync(fleet).status == "failed"
    assert Truck.objects.filter(fleet=fleet, is_active=True).count() == len(simulator.units)


# In the middle of a pass


@pytest.mark.parametrize("after", [0, 1, 2, 5])
def test_a_session_that_expires_in_the_middle_is_not_noticed(
    after: int, simulator: Simulator, make_fleet: Make
) -> None:
    fleet = make_fleet(simulator)
    simulator.faults.add("session_loss", svc=LOAD, after=after, times=1)
    run = sync(fleet)
    assert (run.status, run.truck_errors) == ("ok", [])
    assert stored(fleet) == truth(simulator)
    assert simulator.counters.logins_ok == 2


SINGLE_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "html"}, "Unavailable: messages/load_interval: not JSON (text/html, "),
    ({"kind": "bad_gateway"}, "Unavailable: messages/load_interval: HTTP 502"),
    ({"kind": "truncated"}, "Unavailable: messages/load_interval: RemoteProtocolError"),
    ({"kind": "reset"}, "Unavailable: messages/load_interval: Re"),
    ({"kind": "error", "code": 4}, "RequestRefused: messages/load_interval: error 4 (invalid input)"),
    ({"kind": "error", "code": 7}, "RequestRefused: messages/load_interval: error 7 (access denied)"),
    ({"kind": "error", "code": 5}, "Unavailable: messages/load_interval: error 5 (error performing the request)"),
    ({"kind": "error", "code": 1003, "reason": "LIMIT api_concurrent"}, "Busy: messages/load_interval: error 1003"),
    ({"kind": "error", "code": 1004}, "TooMuch: messages/load_interval: error 1004"),
    ({"kind": "session_loss"}, "SessionLost: messages/load_interval: error 1"),
]


@pytest.mark.parametrize(("fault", "text"), SINGLE_FAULTS, ids=[text for _, text in SINGLE_FAULTS])
def test_a_unit_that_cannot_be_read_is_named_and_harms_no_other(
    fault: dict[str, Any], text: str, simulator: Simulator, make_fleet: Make, caplog: pytest.LogCaptureFixture
) -> None:
    fleet, bad = make_fleet(simulator), simulator.units[2]
    simulator.faults.add(svc=LOAD, unit=bad, **fault)
    run = sync(fleet)
    code = Truck.objects.get(fleet=fleet, wialon_id=bad).code
    (error,) = run.truck_errors
    assert (run.status, run.trucks_failed, error["truck"]) == ("partial", 1, code)
    assert error["error"].startswith(text)
    assert logged(caplog) == [error["error"]]
    assert TruckSync.objects.get(truck_id=Truck.objects.get(wialon_id=bad).id).last_error == error["error"]
    assert stored(fleet) == truth(simulator) | {bad: []}
    later_pass(fleet, simulator)
    assert stored(fleet) == truth(simulator)
    assert not TruckSync.objects.exclude(last_error="").exists()


GARBAGE_TABLES: list[Any] = [
    None,
    [],
    "no table",
    {"1": None, "2": 5, "x": {"id": "x"}},
    {"1": {"id": 1, "n": None, "t": 7, "p": "((can_rpm", "c": "{not json", "tbl": [{"x": "NaN"}, None], "vt": "?"}},
    {"1": {"id": 1, "n": "Loop", "t": "engine operation", "p": "[Loop]+1"}},
    {"1": {"id": 1, "n": "Bomb", "t": "mileage", "p": "const9" + "^const9" * 40}},
    {"1": {"id": 1, "n": "Odd", "t": "fuel level", "p": "ign/const0", "tbl": [{"x": 1e308, "a": 1e308, "b": 1e308}]}},
    {str(n): {"id": n, "n": "Deep", "t": "custom", "p": "(" * 500 + "a" + ")" * 500} for n in range(3)},
]


@pytest.mark.parametrize("table", GARBAGE_TABLES, ids=range(len(GARBAGE_TABLES)))
def test_a_unit_with_garbage_sensors_keeps_its_messages_and_harms_no_other(
    table: Any, simulator: Simulator, make_fleet: Make
) -> None:
    fleet, bad = make_fleet(simulator), simulator.units[2]
    simulator.set_sensors(bad, table)
    run = sync(fleet)
    assert (run.status, run.truck_errors) == ("ok", [])
    assert stored(fleet) == truth(simulator)
    truck = Truck.objects.get(fleet=fleet, wialon_id=bad)
    assert truck.sensor_table == (table if isinstance(table, dict) else {})


def test_messages_with_garbage_in_them_are_kept_as_they_came(simulator: Simulator, make_fleet: Make) -> None:
    fleet = make_fleet(simulator)
    simulator.faults.add("garbage", svc=LOAD, unit=simulator.units[1])
    run = sync(fleet)
    assert (run.status, run.truck_errors) == ("ok", [])
    assert stored(fleet) == truth(simulator)


def test_what_is_wrong_with_one_truck_of_ours_does_not_stop_the_others(
    simulator: Simulator, make_fleet: Make, caplog: pytest.LogCaptureFixture
) -> None:
    fleet = make_fleet(simulator)
    sync(fleet)
    bad = Truck.objects.get(fleet=fleet, wialon_id=simulator.units[2])
    broken = Message.objects.filter(truck_id=bad.id).order_by("t")[:1].get()
    Message.objects.filter(truck_id=bad.id, t=broken.t, digest=broken.digest).update(payload=b"{")
    simulator.set_sensors(bad.wialon_id, {})
    FleetSync.objects.update(units_refreshed_at=None)
    simulator.advance(1_200)
    run = sync(fleet)
    (error,) = run.truck_errors
    assert (run.status, error["truck"]) == ("partial", bad.code)
    assert error["error"].startswith("JSONDecodeError")
    assert "Traceback" in caplog.text  # a fault of ours, unlike what Wialon answers, is logged with its trace
    assert stored(fleet) == truth(simulator) | {bad.wialon_id: stored(fleet)[bad.wialon_id]}
    Message.objects.filter(truck_id=bad.id, t=broken.t, digest=broken.digest).update(payload=broken.payload)
    later_pass(fleet, simulator)
    assert stored(fleet) == truth(simulator)
