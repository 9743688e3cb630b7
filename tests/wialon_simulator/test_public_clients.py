"""Likeness: public Wialon clients work against the simulator as they do against the real server."""

from urllib.parse import urlsplit

import aiowialon
import pytest
import wialon

from tests.wialon_simulator.client import NOW
from wialon_simulator import Simulator

SPEC = {"itemsType": "avl_unit", "propName": "sys_name", "propValueMask": "*", "sortType": "sys_name"}
INTERVAL = {"itemId": 601001, "timeFrom": 0, "timeTo": NOW, "flags": 0, "flagsMask": 0xFF00, "loadCount": 0xFFFFFFFF}


@pytest.fixture
def python_wialon(fleet: Simulator) -> wialon.Wialon:
    address = urlsplit(fleet.url)
    client = wialon.Wialon(scheme="http", host=address.hostname, port=address.port)
    client.sid = client.token_login(token=fleet.token)["eid"]
    return client


def test_python_wialon_searches_and_loads(python_wialon: wialon.Wialon, fleet: Simulator):
    found = python_wialon.core_search_items(spec=SPEC, force=1, flags=1, **{"from": 0, "to": 0})
    assert [item["id"] for item in found["items"]].count(601001) == 1
    assert python_wialon.messages_load_interval(**INTERVAL)["messages"] == fleet.messages(601001)
    assert python_wialon.messages_unload() == {"error": 0}
    assert python_wialon.core_logout() == {"error": 0}


def test_python_wialon_batches_and_polls_events(python_wialon: wialon.Wialon):
    calls = [{"svc": "core/search_item", "params": {"id": unit, "flags": 1}} for unit in (601001, 601002)]
    assert [answer["item"]["nm"] for answer in python_wialon.core_batch(params=calls, flags=0)] == ["T-101", "T-1010"]
    assert [answer["item"]["id"] for answer in python_wialon.core_batch(calls)] == [601001, 601002]
    assert python_wialon.avl_evts() == {"tm": NOW, "events": []}
    python_wialon.core_logout()


def test_python_wialon_gets_errors_as_exceptions(python_wialon: wialon.Wialon):
    with pytest.raises(wialon.WialonError) as caught:
        python_wialon.core_search_item(id=5, flags=1)
    assert caught.value._code == 7
    python_wialon.core_logout()


async def test_py_aiowialon_runs_a_whole_session(fleet: Simulator):
    address = urlsplit(fleet.url)
    client = aiowialon.Wialon(scheme="http", host=address.hostname, port=address.port, token=fleet.token)
    login = await client.login()
    assert login["classes"]["avl_unit"] == 2
    found = await client.core_search_items(spec=SPEC, force=1, flags=1, from_=0, to=0)
    assert found["totalItemsCount"] == 8
    loaded = await client.messages_load_interval(**INTERVAL)
    assert loaded["messages"] == fleet.messages(601001)
    batch = await client.batch(client.core_search_item(id=601001, flags=1), client.core_search_item(id=601003, flags=1))
    assert [answer["item"]["nm"] for answer in batch] == ["T-101", "Müller 7 / Nord"]
    with pytest.raises(aiowialon.exceptions.WialonAccessDenied):
        await client.core_search_item(id=5, flags=1)
    assert (await client.avl_evts())["events"] == []
    assert await client.logout() == {"error": 0}
