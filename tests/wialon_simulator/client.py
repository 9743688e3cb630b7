"""A plain client of the protocol, and the time at which the tests' fleets stand still."""

from typing import Any

import httpx
import orjson

from wialon_simulator import Simulator

NOW = 1763900000  # Sunday 2025-11-23 13:13:20 in Berlin
Json = dict[str, Any]


class Client:
    """Speaks the protocol over HTTP without knowing anything better than the documentation."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.http = httpx.Client(base_url=simulator.url, timeout=20)
        self.sid = ""

    def call(self, svc: str, params: Any = None, *, sid: str | None = None) -> Any:
        form = {"svc": svc, "params": orjson.dumps(params or {}).decode(), "sid": self.sid if sid is None else sid}
        return self.http.post("/wialon/ajax.html", data=form).json()

    def login(self) -> Json:
        answer: Json = self.call("token/login", {"token": self.simulator.token, "fl": 3}, sid="")
        self.sid = answer["eid"]
        return answer

    def events(self) -> Any:
        return self.http.post("/avl_evts", data={"sid": self.sid}).json()

    def search(self, kind: str = "avl_unit", flags: int = 1, **changes: Any) -> Any:
        spec = {"itemsType": kind, "propName": "sys_name", "propValueMask": "*", "sortType": "sys_name"}
        paging = {name: changes.pop(name) for name in ("from", "to") if name in changes}
        params = {"spec": spec | changes, "force": 1, "flags": flags, "from": 0, "to": 0} | paging
        return self.call("core/search_items", params)

    def load(self, unit: int, first: int = 0, last: int = NOW, count: int = 0xFFFFFFFF, **flags: int) -> Any:
        params = {"itemId": unit, "timeFrom": first, "timeTo": last, "flags": 0, "flagsMask": 0xFF00}
        return self.call("messages/load_interval", params | {"loadCount": count} | flags)
