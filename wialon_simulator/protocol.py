"""From a service name and its parameters to the answer: dispatch, login, batches, and the faults that touch answers."""

import threading
from collections.abc import Callable
from typing import Any

import orjson

from wialon_simulator import events, messages, search
from wialon_simulator.catalog import ACCOUNT_ID, ALL_RIGHTS, TRIP_DETECTOR, USER_ID
from wialon_simulator.counters import Counters
from wialon_simulator.errors import (
    ACCESS_DENIED,
    INVALID_CREDENTIALS,
    INVALID_INPUT,
    INVALID_SERVICE,
    INVALID_SESSION,
    NO_MESSAGES,
    NOT_EXECUTED,
    ApiError,
    Hangup,
)
from wialon_simulator.faults import Fault, FaultKind, Faults, garble
from wialon_simulator.items import CLASSES
from wialon_simulator.parameters import Json, integer
from wialon_simulator.sessions import Session, Sessions
from wialon_simulator.world import World

USER_NAME = "fleet"
EVENTS = "avl_evts"
STOP_AT_FIRST_ERROR = 1
NOT_IN_A_BATCH = frozenset({"core/batch", "token/login", "core/logout", EVENTS})

Service = Callable[["Api", Session, Json], Any]


class Api:
    """Answers calls. Services run one at a time under the world's lock; waiting (faults) happens outside of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.counters = Counters()
        self.faults = Faults()
        self.sessions = Sessions(world.clock, self.counters)
        self.stopping = threading.Event()

    def answer(self, svc: str, params_text: str, sid: str | None, fault: Fault | None) -> Any:
        """Returns the answer's JSON value. Raises Hangup when there is to be none."""
        self.counters.called(svc)
        try:
            params = _parse(params_text)
            if svc == "token/login":
                return self._applied(fault, None, lambda: self._login(params))
            with self.sessions.request(sid) as session:
                return self._call(session, svc, params, fault)
        except ApiError as error:
            self.counters.failed(error.code)
            return error.answer()

    def batch(self, session: Session, params: Any) -> list[Any]:
        """Runs the calls one after another; with flag 1 the first error leaves the rest not executed."""
        bare = isinstance(params, list)
        calls = params if bare else params.get("params")
        flags = 0 if bare else integer(params, "flags", 0)
        if not isinstance(calls, list):
            raise ApiError(INVALID_INPUT)
        answers: list[Any] = []
        for call in calls:
            if flags & STOP_AT_FIRST_ERROR and answers and _is_error(answers[-1]):
                answers.append(ApiError(NOT_EXECUTED).answer())
            else:
                answers.append(self._inner(session, call))
        return answers

    def _inner(self, session: Session, call: Any) -> Any:
        try:
            if not isinstance(call, dict) or not isinstance(call.get("svc"), str) or call["svc"] in NOT_IN_A_BATCH:
                raise ApiError(INVALID_INPUT)
            svc, params = call["svc"], call.get("params", {})
            self.counters.called(svc)
            return self._call(session, svc, params, self.take_fault(svc, params, inside_batch=True))
        except ApiError as error:
            self.counters.failed(error.code)
            return error.answer()

    def take_fault(self, svc: str, params: Any, *, inside_batch: bool = False) -> Fault | None:
        fault = self.faults.take(svc, _unit_in(params), inside_batch=inside_batch)
        if fault:
            self.counters.hit(fault.kind)
        return fault

    def _call(self, session: Session, svc: str, params: Any, fault: Fault | None) -> Any:
        service = SERVICES.get(svc)
        if service is None:
            raise ApiError(INVALID_SERVICE)
        params = params or {}  # some clients send [] for "no parameters"
        if not isinstance(params, dict) and svc != "core/batch":
            raise ApiError(INVALID_INPUT)
        with self.sessions.heavy(session, svc):
            if svc == "core/batch":
                return self._applied(fault, session, lambda: self.batch(session, params))
            return self._applied(fault, session, lambda: self._run(service, session, params))

    def _run(self, service: Service, session: Session, params: Json) -> Any:
        with self.world.lock:
            return service(self, session, params)

    def _applied(self, fault: Fault | None, session: Session | None, run: Callable[[], Any]) -> Any:
        """Returns what `run` returns, or what the fault makes of it."""
        if fault is None:
            return run()
        if fault.kind in (FaultKind.SLOW, FaultKind.TIMEOUT):
            self.stopping.wait(fault.seconds)
        if fault.kind is FaultKind.TIMEOUT:
            raise Hangup
        if fault.kind is FaultKind.ERROR:
            raise ApiError(fault.code, fault.reason)
        if fault.kind is FaultKind.EMPTY_1001:
            raise ApiError(NO_MESSAGES)
        if fault.kind is FaultKind.SESSION_LOSS:
            if session:
                self.sessions.close(session.sid)
            raise ApiError(INVALID_SESSION)
        return garble(run()) if fault.kind is FaultKind.GARBAGE else run()

    def _login(self, params: Json) -> Json:
        accepted = params.get("token") == self.world.token
        self.sessions.admit_login(accepted)
        if not accepted:
            raise ApiError(INVALID_CREDENTIALS)
        if params.get("operateAs") not in (None, "", USER_NAME):
            raise ApiError(ACCESS_DENIED)
        session = self.sessions.open(len(self.world.changes))
        return _login_answer(self.world, session, integer(params, "fl", 0x3F))


def _login_answer(world: World, session: Session, flags: int) -> Json:
    answer: Json = {
        "host": "127.0.0.1",
        "eid": session.sid,
        "gis_sid": session.sid[:16],
        "hw_gw_ip": "127.0.0.1",
        "au": USER_NAME,
        "pi": 0,
        "tm": world.clock.now(),
        "wsdk_version": "simulator",
        "classes": CLASSES,
        "features": {"unlim": 1, "svcs": {}},
    }
    if flags & 0x2:
        answer["user"] = {
            "nm": USER_NAME,
            "cls": CLASSES["user"],
            "id": USER_ID,
            "prp": {"tz": world.zone.key, "language": "en"},
            "crt": USER_ID,
            "bact": ACCOUNT_ID,
            "fl": 1,
            "hm": "*",
            "uacl": ALL_RIGHTS,
            "mu": 0,
        }
    if flags & 0x4:
        token = {"app": "simulator", "ct": 0, "at": 0, "dur": 0, "fl": 0x100, "p": "{}", "items": []}
        answer |= {"token": orjson.dumps(token).decode(), "th": world.token[::-1]}
    return answer


def _logout(api: Api, session: Session, params: Json) -> Json:
    api.sessions.close(session.sid)
    return {"error": 0}


def _driver_bindings(api: Api, session: Session, params: Json) -> Json:
    """Returns bindings in [timeFrom, timeTo] by driver id; 0 as unit or driver means all."""
    resource = api.world.resources.get(integer(params, "resourceId"))
    if resource is None:
        raise ApiError(ACCESS_DENIED)
    unit, driver_id = integer(params, "unitId", 0), integer(params, "driverId", 0)
    first, last = integer(params, "timeFrom"), integer(params, "timeTo")
    answer = {}
    for driver in resource.drivers:
        if driver_id in (0, driver.local_id):
            history = [b for b in resource.bindings(driver, api.world.clock.now()) if first <= b.t <= last]
            if unit == 0 or any(binding.unit_id == unit for binding in history):
                answer[str(driver.local_id)] = [{"t": b.t, "u": b.unit_id} for b in history]
    return {driver: history for driver, history in answer.items() if history}


def _trip_detector(api: Api, session: Session, params: Json) -> Json:
    messages.unit_of(api.world, params)
    return TRIP_DETECTOR


def _events(api: Api, session: Session, params: Json) -> Json:
    api.sessions.admit_event_poll(session)
    return events.poll(api.world, session)


SERVICES: dict[str, Service] = {
    EVENTS: _events,
    "core/batch": lambda api, session, params: api.batch(session, params),
    "core/logout": _logout,
    "core/search_item": lambda api, session, params: search.search_item(api.world, params),
    "core/search_items": lambda api, session, params: search.search_items(api.world, params),
    "core/update_data_flags": lambda api, session, params: events.update_data_flags(api.world, session, params),
    "messages/load_interval": lambda api, session, params: messages.load_interval(
        api.world, session, params, api.sessions.limits, api.counters
    ),
    "messages/load_last": lambda api, session, params: messages.load_last(
        api.world, session, params, api.sessions.limits, api.counters
    ),
    "messages/get_messages": lambda api, session, params: messages.get_messages(session, params),
    "messages/unload": lambda api, session, params: messages.unload(session, api.counters),
    "resource/get_driver_bindings": _driver_bindings,
    "unit/get_trip_detector": _trip_detector,
}


def _parse(params_text: str) -> Any:
    try:
        return orjson.loads(params_text or "{}")
    except orjson.JSONDecodeError:
        raise ApiError(INVALID_INPUT) from None


def _is_error(answer: Any) -> bool:
    return isinstance(answer, dict) and bool(answer.get("error"))


def _unit_in(params: Any) -> int | None:
    """Returns the id of the unit that a call is about, if it names one."""
    if not isinstance(params, dict):
        return None
    found = next((params[name] for name in ("itemId", "id", "unitId") if name in params), None)
    return found if isinstance(found, int) else None
