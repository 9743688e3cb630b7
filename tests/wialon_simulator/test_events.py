"""Subscriptions and `/avl_evts`: what happened since the last call of this session."""

import pytest

from tests.wialon_simulator.client import NOW, Client

LIVE = 1 | 0x400 | 0x100000


@pytest.fixture
def client(simulate, connect) -> Client:
    return connect(simulate())


def watch(client: Client, flags: int = LIVE, mode: int = 0, **spec) -> list:
    chosen = {"type": "type", "data": "avl_unit"} | spec
    return client.call("core/update_data_flags", {"spec": [chosen | {"flags": flags, "mode": mode}]})


def test_subscribing_shows_the_items(client: Client):
    answer = watch(client, 1)
    assert [(entry["i"], entry["f"], entry["d"]["nm"]) for entry in answer] == [
        (601001, 1, "T-101"),
        (601002, 1, "T-1010"),
    ]


def test_flags_can_be_added_and_removed(client: Client):
    watch(client, 1, type="id", data=601001)
    assert watch(client, 0x400, mode=1, type="id", data=601001)[0]["f"] == 0x401
    assert watch(client, 1, mode=2, type="col", data=[601001]) == [{"i": 601001, "d": None, "f": 0}]


def test_new_messages_are_told_once_in_order_of_registration(client: Client):
    watch(client)
    assert client.events() == {"tm": NOW, "events": []}
    client.simulator.advance(280)
    told = [e for e in client.events()["events"] if e["t"] == "m"]
    visible = [m for m in client.simulator.messages(601001) if NOW < m["rt"] <= NOW + 280]
    assert [e["d"] for e in told if e["i"] == 601001] == visible != []
    assert client.events()["events"] == []


def test_changed_parameters_come_whole_unchanged_ones_as_their_time(client: Client):
    client.simulator.add_messages(
        601001, [{"t": NOW - 5, "p": {"pwr_int": 4.1}}, {"t": NOW - 4, "p": {"pwr_int": 4.1}}]
    )
    watch(client)
    client.simulator.advance(280)
    updates = {e["i"]: e["d"]["prms"] for e in client.events()["events"] if e["t"] == "u"}
    assert any(isinstance(value, dict) for value in updates[601001].values())


def test_late_messages_are_told_when_they_arrive(client: Client):
    watch(client)
    client.simulator.add_messages(601001, [{"t": NOW - 7200, "p": {"late": 1}}])
    told = client.events()["events"]
    assert [(e["i"], e["t"], e["d"]["t"], e["d"]["rt"]) for e in told] == [(601001, "m", NOW - 7200, NOW)]
    assert client.events()["events"] == []


def test_changes_and_deletions_are_told_to_those_who_watch(client: Client):
    watch(client, 1)
    client.simulator.rename(601001, "New name")
    client.simulator.set_sensors(601001, {})
    client.simulator.remove_unit(601002)
    assert client.events()["events"] == [
        {"i": 601001, "t": "u", "d": {"nm": "New name"}},
        {"i": 601002, "t": "d"},
    ]


def test_nothing_is_replayed_after_a_new_login(client: Client):
    watch(client)
    client.simulator.advance(120)
    client.login()
    watch(client)
    assert client.events()["events"] == []


@pytest.mark.parametrize(
    "spec", [None, [{"type": "colour", "flags": 1}], [{"type": "id", "data": 1, "flags": 1, "mode": 9}]]
)
def test_a_subscription_that_makes_no_sense_is_error_4(client: Client, spec):
    params = {"spec": [{"type": "id", "data": 601001, "flags": 1, "mode": 9}] if spec and "mode" in spec[0] else spec}
    assert client.call("core/update_data_flags", params) == {"error": 4}
