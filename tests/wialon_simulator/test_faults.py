"""Faults: each switch does what it says, to the calls it says, as often as it says."""

import httpx
import pytest

from tests.wialon_simulator.client import NOW, Client
from wialon_simulator import Simulator

ITEM = {"id": 601001, "flags": 1}


@pytest.fixture
def client(simulate, connect) -> Client:
    return connect(simulate())


def test_an_error_with_a_reason(client: Client):
    client.simulator.faults.add("error", svc="messages/load_interval", code=1003, reason="LIMIT api_concurrent")
    assert client.load(601001) == {"error": 1003, "reason": "LIMIT api_concurrent"}
    assert "item" in client.call("core/search_item", ITEM)
    client.simulator.faults.clear()
    assert client.load(601001)["count"] > 0


def test_one_unit_s_calls_only_so_many_times_and_only_after_some(client: Client):
    client.simulator.faults.add("error", unit=601001, code=5, times=2, after=1)
    outcomes = [client.load(601001, count=0).get("error") for _ in range(5)]
    assert outcomes == [None, 5, 5, None, None]
    assert client.load(601002, count=0).get("error") is None
    assert client.simulator.counters.faults == {"error": 2}


def test_a_lost_session_stays_lost(client: Client):
    client.simulator.faults.add("session_loss", svc="core/search_item", times=1)
    assert client.call("core/search_item", ITEM) == {"error": 1}
    assert client.call("core/search_item", ITEM) == {"error": 1}
    client.login()
    assert "item" in client.call("core/search_item", ITEM)


def test_error_1001_for_an_interval(client: Client):
    client.simulator.faults.add("empty_1001", svc="messages/load_interval", times=1)
    assert client.load(601001) == {"error": 1001}


def test_logins_can_fail(client: Client):
    client.simulator.faults.add("error", svc="token/login", code=9, times=1)
    assert client.call("token/login", {"token": client.simulator.token}) == {"error": 9}


def test_a_named_service_fails_inside_a_batch_too(client: Client):
    client.simulator.faults.add("error", svc="core/search_item", code=6, times=1)
    answers = client.call("core/batch", [{"svc": "core/search_item", "params": ITEM}] * 2)
    assert answers[0] == {"error": 6} and "item" in answers[1]


def test_html_instead_of_json(client: Client):
    client.simulator.faults.add("html", times=1)
    with pytest.raises(ValueError):
        client.call("core/search_item", ITEM)


def test_bad_gateway(client: Client):
    client.simulator.faults.add("bad_gateway", times=1)
    assert client.http.post("/wialon/ajax.html", data={"svc": "core/logout"}).status_code == 502


def test_a_truncated_answer(client: Client):
    client.simulator.faults.add("truncated", svc="core/search_item", times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        client.call("core/search_item", ITEM)
    assert "item" in client.call("core/search_item", ITEM)


def test_a_reset_connection(client: Client):
    client.simulator.faults.add("reset", svc="core/search_item", times=1)
    with pytest.raises(httpx.ReadError):
        client.call("core/search_item", ITEM)


def test_a_connection_that_is_reset_in_the_middle_of_an_answer(client: Client):
    client.simulator.faults.add("reset_midway", svc="core/search_item", times=1)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.call("core/search_item", ITEM)
    assert "item" in client.call("core/search_item", ITEM)


def test_silence_then_the_connection_closes(client: Client):
    client.simulator.faults.add("timeout", svc="core/search_item", seconds=0.1, times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected"):
        client.call("core/search_item", ITEM)


def test_silence_longer_than_the_client_waits(client: Client):
    client.simulator.faults.add("timeout", svc="core/search_item", seconds=30, times=1)
    client.http.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        client.call("core/search_item", ITEM)


def test_a_slow_answer_is_still_right(client: Client):
    client.simulator.faults.add("slow", svc="core/search_item", seconds=0.05, times=1)
    assert client.call("core/search_item", ITEM)["item"]["id"] == 601001


def test_garbage_is_valid_json_with_strange_values(client: Client):
    client.simulator.faults.add("garbage", svc="messages/load_interval", times=1)
    garbled = client.load(601001)
    assert garbled["count"] == len(garbled["messages"])
    values = [value for message in garbled["messages"] for value in message["p"].values()]
    assert None in values and "NaN" in values and [1, 2] in values and {"v": 1} in values
    assert client.load(601001)["messages"] == client.simulator.messages(601001)


def test_an_unknown_kind_is_refused(client: Client):
    with pytest.raises(ValueError, match="earthquake"):
        client.simulator.faults.add("earthquake")


def test_faults_over_http(client: Client):
    fault = {"kind": "error", "svc": "core/search_item", "code": 5}
    assert client.http.post("/simulator/faults", json=fault).json() == {"id": 1}
    assert client.call("core/search_item", ITEM) == {"error": 5}
    client.http.delete("/simulator/faults")
    assert "item" in client.call("core/search_item", ITEM)
    assert client.http.post("/simulator/faults", json={"kind": "earthquake"}).status_code == 400
    assert client.http.post("/simulator/faults", json={"kind": "error", "colour": 1}).status_code == 400
    assert client.http.post("/simulator/faults", content=b"{").status_code == 400


def test_the_truth_and_the_clock_over_http(client: Client):
    served = client.http.get("/simulator/messages", params={"unit": 601001}).json()
    assert served == {"now": NOW, "messages": client.simulator.messages(601001)}
    assert client.http.post("/simulator/advance", json={"seconds": 60}).json() == {"now": NOW + 60}
    assert client.http.get("/simulator/messages", params={"unit": 5}).status_code == 404


def test_a_stopped_simulator_answers_nobody(connect):
    simulator = Simulator(trucks=1, days=1, now=NOW, frozen=True).start()
    client = connect(simulator)
    simulator.stop()
    with pytest.raises(httpx.TransportError):
        client.call("core/search_item", ITEM)
