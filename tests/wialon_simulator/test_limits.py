"""Limits: idle sessions, requests and heavy requests at once, logins, loaded messages."""

import time
from concurrent.futures import ThreadPoolExecutor

from tests.wialon_simulator.client import NOW, Client

INTERVAL = {"itemId": 601001, "timeFrom": 0, "timeTo": NOW, "flags": 0, "flagsMask": 0, "loadCount": 1}


def at_once(client: Client, count: int, svc: str, params: dict) -> list:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: client.call(svc, params), range(count)))


def test_a_session_dies_after_five_idle_minutes(simulate, connect):
    simulator = simulate()
    client = connect(simulator)
    simulator.advance(299)
    assert "item" in client.call("core/search_item", {"id": 601001, "flags": 1})
    simulator.advance(299)
    client.events()
    simulator.advance(301)
    assert client.call("core/search_item", {"id": 601001, "flags": 1}) == {"error": 1}
    assert simulator.counters.sessions_open == 0


def test_a_fourth_heavy_request_at_once_is_refused(simulate, connect):
    simulator = simulate()
    client = connect(simulator)
    simulator.faults.add("slow", svc="messages/load_interval", seconds=0.4)
    answers = at_once(client, 5, "messages/load_interval", INTERVAL)
    refused = [answer for answer in answers if "error" in answer]
    assert refused == [{"error": 1003, "reason": "LIMIT api_concurrent"}] * 2
    assert simulator.counters.max_heavy_at_once == 3


def test_an_eleventh_request_at_once_is_refused(simulate, connect):
    simulator = simulate()
    client = connect(simulator)
    simulator.faults.add("slow", svc="core/search_item", seconds=0.4)
    answers = at_once(client, 12, "core/search_item", {"id": 601001, "flags": 1})
    assert [answer["error"] for answer in answers if "error" in answer] == [10, 10]
    assert simulator.counters.max_at_once == 10


def test_driver_bindings_do_not_run_beside_a_load(simulate, connect):
    simulator = simulate()
    client = connect(simulator)
    simulator.faults.add("slow", svc="messages/load_interval", seconds=0.5)
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(client.call, "messages/load_interval", INTERVAL)
        while not simulator.counters.max_heavy_at_once:
            time.sleep(0.01)
        params = {"resourceId": 600010, "unitId": 0, "driverId": 0, "timeFrom": 0, "timeTo": NOW}
        assert client.call("resource/get_driver_bindings", params) == {"error": 1003, "reason": 1}
        assert loading.result()["count"] > 0


def test_ten_failed_logins_in_a_minute_block_good_ones_too(simulate, connect):
    simulator = simulate()
    client = connect(simulator, login=False)
    for _ in range(10):
        assert client.call("token/login", {"token": "wrong"}) == {"error": 8}
    assert client.call("token/login", {"token": simulator.token})["error"] == 1003
    simulator.advance(61)
    assert "eid" in client.login()
    assert (simulator.counters.logins_failed, simulator.counters.logins_ok) == (10, 1)


def test_logins_per_minute_are_limited(simulate, connect):
    simulator = simulate()
    simulator.limits.logins_per_minute = 2
    client = connect(simulator)
    client.login()
    assert client.call("token/login", {"token": simulator.token})["error"] == 1003


def test_only_a_hundred_sessions_are_open(simulate, connect):
    simulator = simulate()
    simulator.limits.sessions = 2
    client = connect(simulator)
    client.login()
    assert client.call("token/login", {"token": simulator.token}) == {"error": 1003, "reason": "LIMIT sessions"}
    client.call("core/logout")
    assert "eid" in client.login()
    assert simulator.counters.max_sessions == 2


def test_loaded_messages_of_all_sessions_count_until_they_are_unloaded(simulate, connect):
    simulator = simulate()
    first, second = connect(simulator), connect(simulator)
    count = first.load(601001)["count"]
    simulator.limits.messages_held = count + 10
    assert second.load(601001)["error"] == 1004
    first.call("messages/unload")
    assert second.load(601001)["count"] == count
    assert simulator.counters.messages_held == count
    assert simulator.counters.messages_loaded == 2 * count


def test_loading_again_replaces_what_was_held(simulate, connect):
    simulator = simulate()
    client = connect(simulator)
    count = client.load(601001)["count"]
    client.load(601001)
    assert simulator.counters.messages_held == count
    client.call("core/logout")
    assert simulator.counters.messages_held == 0


def test_ten_event_polls_in_ten_seconds_are_enough(simulate, connect):
    simulator = simulate()
    client = connect(simulator)
    answers = [client.events() for _ in range(11)]
    assert [answer.get("error") for answer in answers] == [None] * 10 + [1003]
    simulator.advance(11)
    assert "events" in client.events()


def test_calls_are_counted_by_service(simulate, connect):
    simulator = simulate()
    client = connect(simulator)
    client.search()
    client.call("core/batch", [{"svc": "core/search_item", "params": {"id": 1, "flags": 1}}])
    assert simulator.counters.calls == {
        "token/login": 1,
        "core/search_items": 1,
        "core/batch": 1,
        "core/search_item": 1,
    }
    assert simulator.counters.errors == {7: 1}
    served = client.http.get("/simulator/counters").json()
    assert served["calls"]["core/batch"] == 1 and served["errors"] == {"7": 1}
