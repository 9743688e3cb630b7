"""The Wialon Remote API: the only module that speaks it."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
import orjson
import stamina

# WialonError
# ├── LoginRefused       the token is wrong, expired or revoked: ask the owner, do not try again
# ├── RequestRefused     wrong parameters or no right: the same call would fail again
# ├── SessionLost        log in again, once
# ├── TooMuch            ask for a shorter interval
# └── TryAgain
#     ├── Busy           a limit of requests or logins: after a pause
#     └── Unavailable    time-out, HTTP error, HTML instead of JSON, Wialon's own failure


class WialonError(Exception):
    """Wialon did not answer as asked. The text names the service and what was wrong, never a token or session."""


class LoginRefused(WialonError):
    pass


class RequestRefused(WialonError):
    pass


class SessionLost(WialonError):
    pass


class TooMuch(WialonError):
    pass


class TryAgain(WialonError):
    pass


class Busy(TryAgain):
    pass


class Unavailable(TryAgain):
    pass


_ERRORS: dict[int, tuple[type[WialonError], str]] = {
    1: (SessionLost, "the session is invalid"),
    2: (RequestRefused, "unknown service"),
    3: (Unavailable, "invalid result"),
    4: (RequestRefused, "invalid input"),
    5: (Unavailable, "error performing the request"),
    6: (Unavailable, "unknown error"),
    7: (RequestRefused, "access denied"),
    8: (RequestRefused, "wrong user name, password or token"),
    9: (Unavailable, "the authorization server is unavailable"),
    10: (Busy, "too many requests at once"),
    1003: (Busy, "only one such request at a time"),
    1004: (TooMuch, "the limit of loaded messages is exceeded"),
    1005: (TooMuch, "the execution time is exceeded"),
    1011: (SessionLost, "the address has changed or the session is over"),
    -100: (Unavailable, "network time-out"),
    -101: (Unavailable, "wrong network response"),
}
_NO_MESSAGES = 1001
_NO_SESSION = ("NO_SESSION", 4, "4")  # what 1003 gives as its reason when the session is gone
_LONGEST_REASON = 40  # Wialon's are a word or two; what is longer may repeat what we sent, the token included
_LOGIN_FLAGS = 1 | 2

UNIT_DETAILS = 1 | 8 | 0x100 | 0x400 | 0x1000 | 0x2000 | 0x800000
UNIT_NEWS = 1 | 0x400
RESOURCE_DRIVERS = 1 | 0x100
GROUP_UNITS = 1
_DATA, _MESSAGE_TYPES = 0, 0xFF00
_ALL = 0xFFFFFFFF
_LOAD, _UNLOAD = "messages/load_interval", "messages/unload"
_BINDINGS = "resource/get_driver_bindings"
_IN_ONE = "core/batch"
_HEAVY = frozenset({_LOAD, _BINDINGS, _IN_ONE})  # our batches are of heavy calls
_BATCH = 40  # calls in one request


@dataclass(frozen=True, slots=True)
class Events:
    """Wialon's clock (UTC seconds), and by unit the seconds between which messages arrived, both ends included."""

    server_time: int
    arrivals: dict[int, tuple[int, int]]


class Session(Protocol):
    """Where a session id is kept, so that all workers of one Wialon account share one."""

    def sid(self) -> str | None:
        """The id of a session that may still live."""

    def keep(self, sid: str) -> None:
        """Remember a session, or that it was just used: Wialon ends it after five idle minutes."""

    def drop(self, sid: str) -> None:
        """Forget this session, unless another has taken its place."""

    def watches(self, sid: str) -> bool:
        """Whether this session is told of new messages."""

    def watched(self, sid: str) -> None:
        """Remember that this session is told of new messages."""

    def heavy(self) -> AbstractContextManager[None]:
        """Holds a place for a heavy request. Raises Busy where none comes free in time."""

    def before_login(self) -> None:
        """Raises Busy where a login would break the limit of logins."""


class OwnSession:
    """A session that is not shared."""

    def __init__(self) -> None:
        self._sid: str | None = None
        self._watched: str | None = None

    def sid(self) -> str | None:
        return self._sid

    def keep(self, sid: str) -> None:
        self._sid = sid

    def drop(self, sid: str) -> None:
        if self._sid == sid:
            self._sid = None

    def watches(self, sid: str) -> bool:
        return self._watched == sid

    def watched(self, sid: str) -> None:
        self._watched = sid

    def heavy(self) -> AbstractContextManager[None]:
        return nullcontext()

    def before_login(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how long a call that may succeed later is tried; waits grow with jitter up to a bound.

    After `give_up_s` no further attempt begins. With the last attempt's time-out that must stay within a lease.
    """

    attempts: int = 4
    first_wait_s: float = 0.5
    max_wait_s: float = 8.0
    give_up_s: float = 45.0


class WialonClient:
    """One Wialon account. Not for use by several threads at once.

    All methods raise WialonError. `before_try` is called before each try of a call: what must not lapse while Wialon
    is silent is renewed there. `transport` replaces the network in tests.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        session: Session | None = None,
        retry: Retry | None = None,
        transport: httpx.BaseTransport | None = None,
        before_try: Callable[[], None] = lambda: None,
        timeout_s: float = 30,
    ) -> None:
        self._url = _base(url)
        self._token = token
        self._session: Session = session or OwnSession()
        self._retry = retry or Retry()
        self._before_try = before_try
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout_s, connect=5), transport=transport, follow_redirects=False
        )

    def __enter__(self) -> "WialonClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    # --- what the sync asks ---

    def server_time(self) -> int:
        """Wialon's clock, UTC seconds. The call also keeps the session alive."""
        return self._poll().server_time

    def events(self) -> "Events":
        """Wialon's clock, and which units got messages since this session was last asked.

        Only a hint: a new session has missed what came before it, and what was told is never told again.
        """
        happened = self._poll()
        if (sid := self._session.sid()) and not self._session.watches(sid):
            self._watch(sid)
        return happened

    def _poll(self) -> "Events":
        answer = self._with_session(lambda sid: self._post("/avl_evts", "avl_evts", {"sid": sid}))
        if not isinstance(answer, dict) or not isinstance(answer.get("tm"), int):
            raise Unavailable("avl_evts: the answer has no server time")
        return Events(answer["tm"], _arrivals(answer.get("events")))

    def _watch(self, sid: str) -> None:
        """Has the session told of the messages of all units from now on."""
        spec = {"type": "type", "data": "avl_unit", "flags": UNIT_NEWS, "mode": 0}
        try:
            self._service("core/update_data_flags", {"spec": [spec]}, sid)
        except WialonError:
            return  # what hints would tell is counted every hour
        self._session.watched(sid)

    def units(self, flags: int) -> list[dict[str, Any]]:
        """All units the token may see, with the data the flags ask for."""
        return self._search("avl_unit", flags)

    def groups(self) -> list[dict[str, Any]]:
        return self._search("avl_unit_group", GROUP_UNITS)

    def resources(self) -> list[dict[str, Any]]:
        """All resources with their drivers."""
        return self._search("avl_resource", RESOURCE_DRIVERS)

    def driver_bindings(self, resource_id: int, first_t: int, last_t: int) -> dict[int, list[tuple[int, int]]]:
        """By driver of a resource when in [first_t, last_t] they were bound to which unit (0: to none), ascending.

        A driver who was neither bound nor freed in that time is not told of. In halves where Wialon finds it too much.
        """
        params = {"resourceId": resource_id, "unitId": 0, "driverId": 0, "timeFrom": first_t, "timeTo": last_t}
        try:
            return _bindings(self.call(_BINDINGS, params))
        except TooMuch:
            if first_t == last_t:
                raise
        middle = (first_t + last_t) // 2
        found = self.driver_bindings(resource_id, first_t, middle)
        for driver_id, later in self.driver_bindings(resource_id, middle + 1, last_t).items():
            found[driver_id] = found.get(driver_id, []) + later
        return found

    def messages(self, unit_id: int, first_t: int, last_t: int) -> Iterator[list[dict[str, Any]]]:
        """A unit's data messages of [first_t, last_t] in ascending batches.

        In halves where Wialon finds it too much, or returns fewer than it says there are.
        """
        if first_t > last_t:
            return
        try:
            batch = self._messages_at_once(unit_id, first_t, last_t)
        except TooMuch:
            if first_t == last_t:
                raise
            middle = (first_t + last_t) // 2
            yield from self.messages(unit_id, first_t, middle)
            yield from self.messages(unit_id, middle + 1, last_t)
            return
        if batch:
            yield batch

    def messages_of_many(self, wanted: Sequence[tuple[int, int, int]]) -> dict[int, list[dict[str, Any]]]:
        """Unit → its data messages, ascending, for (unit, first second, last second) each: many in one request.

        Only what came whole is in the answer; the other units are to be asked for one by one.
        """
        found: dict[int, list[dict[str, Any]]] = {}
        for start in range(0, len(wanted), _BATCH):
            found |= self._messages_in_a_batch(wanted[start : start + _BATCH])
        return found

    def _messages_in_a_batch(self, wanted: Sequence[tuple[int, int, int]]) -> dict[int, list[dict[str, Any]]]:
        """In halves where Wialon finds the answer too large; nothing where it takes no batches."""
        calls = [{"svc": _LOAD, "params": _interval(*each, limit=_ALL)} for each in wanted]
        try:
            answers = self.call(_IN_ONE, {"params": [*calls, {"svc": _UNLOAD, "params": {}}], "flags": 0})
        except TooMuch:
            middle = len(wanted) // 2
            halves = (wanted[:middle], wanted[middle:]) if middle else ()
            return {unit: messages for half in halves for unit, messages in self._messages_in_a_batch(half).items()}
        except RequestRefused:
            return {}
        if not isinstance(answers, list) or len(answers) != len(calls) + 1:
            return {}
        loaded = ((unit, _whole(answer)) for (unit, *_), answer in zip(wanted, answers[:-1], strict=True))
        return {unit: messages for unit, messages in loaded if messages is not None}

    def counts(self, unit_id: int, stretches: Sequence[tuple[int, int]]) -> list[int | None]:
        """How many data messages of each stretch (both ends included) Wialon has; None where that is too much at once.

        Many in one request; one by one where Wialon does not take batches.
        """
        counted: list[int | None] = []
        for start in range(0, len(stretches), _BATCH):
            part = stretches[start : start + _BATCH]
            counted += self._counts_in_a_batch(unit_id, part) or [self._count_or_none(unit_id, *each) for each in part]
        return counted

    def _counts_in_a_batch(self, unit_id: int, stretches: Sequence[tuple[int, int]]) -> list[int | None] | None:
        """None where there is no batch to be had. Raises WialonError where none of the counts can be had either."""
        calls = [{"svc": _LOAD, "params": _interval(unit_id, *each, limit=0)} for each in stretches]
        try:
            answers = self.call(_IN_ONE, {"params": [*calls, {"svc": _UNLOAD, "params": {}}], "flags": 0})
        except (RequestRefused, TooMuch):
            return None
        if not isinstance(answers, list) or len(answers) != len(calls) + 1:
            return None
        counts: list[int | None] = []
        for answer in answers[:-1]:
            try:
                counts.append(_count(_checked(_LOAD, answer)))
            except WialonError:
                return None  # one by one it is seen which, and tried again
        return counts

    def _count_or_none(self, unit_id: int, first_t: int, last_t: int) -> int | None:
        try:
            return self.count_messages(unit_id, first_t, last_t)
        except TooMuch:
            return None

    def count_messages(self, unit_id: int, first_t: int, last_t: int) -> int:
        """How many data messages of [first_t, last_t] Wialon has, without fetching them."""
        return _count(self._load_interval(unit_id, first_t, last_t, limit=0))

    def logout(self) -> None:
        """Ends the session, if there is one. A session that ended by itself is no error."""
        if sid := self._session.sid():
            self._session.drop(sid)
            try:
                self._service("core/logout", {}, sid)
            except WialonError:
                return

    # --- how it is asked ---

    def call(self, service: str, params: Mapping[str, Any]) -> Any:
        """The answer of one service, within the shared session."""
        return self._with_session(lambda sid: self._in_its_place(service, params, sid))

    def _in_its_place(self, service: str, params: Mapping[str, Any], sid: str) -> Any:
        with self._session.heavy() if service in _HEAVY else nullcontext():
            return self._service(service, params, sid)

    def _messages_at_once(self, unit_id: int, first_t: int, last_t: int) -> list[dict[str, Any]]:
        answer = self._load_interval(unit_id, first_t, last_t, limit=_ALL)
        messages, count = answer.get("messages"), answer.get("count")
        if not isinstance(messages, list):
            raise Unavailable("messages/load_interval: the answer has no messages")
        if isinstance(count, int) and count > len(messages):
            raise TooMuch(f"messages/load_interval: {len(messages)} messages came of {count}")
        return messages

    def _load_interval(self, unit_id: int, first_t: int, last_t: int, *, limit: int) -> dict[str, Any]:
        try:
            answer = self.call(_LOAD, _interval(unit_id, first_t, last_t, limit=limit))
        except TooMuch:
            self._unload()
            raise
        self._unload()
        return answer if isinstance(answer, dict) else {}

    def _unload(self) -> None:
        """Frees the session's loader: what stays loaded counts against the account's quota."""
        if sid := self._session.sid():
            try:
                self._service(_UNLOAD, {}, sid)
            except WialonError:
                return  # the next load replaces it

    def _search(self, items_type: str, flags: int) -> list[dict[str, Any]]:
        spec = {"itemsType": items_type, "propName": "sys_name", "propValueMask": "*", "sortType": "sys_name"}
        params = {"spec": spec, "force": 1, "flags": flags, "from": 0, "to": 0}
        answer = self.call("core/search_items", params)
        items = answer.get("items") if isinstance(answer, dict) else None
        if not isinstance(items, list):
            raise Unavailable("core/search_items: the answer has no items")
        total = answer.get("totalItemsCount")
        if isinstance(total, int) and total > len(items):  # what is missing would count as gone
            raise Unavailable(f"core/search_items: {len(items)} items came of {total}")
        return [item for item in items if isinstance(item, dict) and isinstance(item.get("id"), int)]

    def _with_session(self, ask: Callable[[str], Any]) -> Any:
        retrying = stamina.retry_context(
            on=TryAgain,
            attempts=self._retry.attempts,
            timeout=self._retry.give_up_s,
            wait_initial=self._retry.first_wait_s,
            wait_max=self._retry.max_wait_s,
            wait_jitter=self._retry.first_wait_s,
        )
        for attempt in retrying:
            with attempt:
                self._before_try()
                return self._ask_with_login(ask)
        raise AssertionError("stamina raises after the last attempt")

    def _ask_with_login(self, ask: Callable[[str], Any]) -> Any:
        for is_last in (False, True):
            sid = self._session.sid() or self._login()
            try:
                answer = ask(sid)
            except SessionLost:
                self._session.drop(sid)
                if is_last:
                    raise
                continue
            self._session.keep(sid)
            return answer
        raise AssertionError("the second round returns or raises")

    def _login(self) -> str:
        self._session.before_login()
        try:
            answer = self._service("token/login", {"token": self._token, "fl": _LOGIN_FLAGS}, None)
        except RequestRefused as error:
            raise LoginRefused(f"{error}: the token is wrong, expired or revoked") from None
        except SessionLost as error:  # there was none to lose
            raise Unavailable(str(error)) from None
        sid = answer.get("eid") if isinstance(answer, dict) else None
        if not isinstance(sid, str) or not sid:
            raise Unavailable("token/login: the answer has no session")
        self._session.keep(sid)
        return sid

    def _service(self, service: str, params: Mapping[str, Any], sid: str | None) -> Any:
        form = {"svc": service, "params": orjson.dumps(params).decode()}
        return self._post("/wialon/ajax.html", service, form if sid is None else {**form, "sid": sid})

    def _post(self, path: str, service: str, form: Mapping[str, str]) -> Any:
        try:
            response = self._http.post(self._url + path, data=dict(form))
        except (httpx.HTTPError, UnicodeError) as error:  # a host name that cannot be looked up is no HTTPError
            raise Unavailable(f"{service}: {type(error).__name__}: {error}") from error
        if response.status_code != 200:
            raise Unavailable(f"{service}: HTTP {response.status_code}")
        try:
            # Trackers send bytes of any code page: one such message must not hold up its truck for ever.
            answer = orjson.loads(response.content.decode("utf-8", "replace"))
        except orjson.JSONDecodeError:
            raise Unavailable(f"{service}: not JSON ({_glimpse(response)})") from None
        return _checked(service, answer, secrets=(self._token, form.get("sid", "")))


def _interval(unit_id: int, first_t: int, last_t: int, *, limit: int) -> dict[str, Any]:
    return {
        "itemId": unit_id,
        "timeFrom": first_t,
        "timeTo": last_t,
        "flags": _DATA,
        "flagsMask": _MESSAGE_TYPES,
        "loadCount": limit,
    }


def _whole(answer: Any) -> list[dict[str, Any]] | None:
    """The messages of one answer of a batch; None where it is an error, or fewer came than there are."""
    try:
        checked = _checked(_LOAD, answer)
    except WialonError:
        return None
    messages, count = (checked.get("messages"), checked.get("count")) if isinstance(checked, dict) else (None, None)
    return messages if isinstance(messages, list) and isinstance(count, int) and count <= len(messages) else None


def _count(answer: Any) -> int:
    count = answer.get("count") if isinstance(answer, dict) else None
    if not isinstance(count, int):
        raise Unavailable(f"{_LOAD}: the answer has no count")
    return count


def _bindings(answer: Any) -> dict[int, list[tuple[int, int]]]:
    """By driver (second, unit), ascending; of one second in the order in which they came. {} and [] are nobody."""
    if not isinstance(answer, dict | list):
        raise Unavailable(f"{_BINDINGS}: the answer is no list of drivers")
    found = {}
    for driver, bindings in answer.items() if isinstance(answer, dict) else ():
        entries = [each for each in bindings if isinstance(each, dict)] if isinstance(bindings, list) else []
        pairs = [(each.get("t"), each.get("u")) for each in entries]
        known = [(t, unit) for t, unit in pairs if isinstance(t, int) and isinstance(unit, int) and t > 0]
        if str(driver).isdecimal() and known:
            found[int(driver)] = sorted(known, key=lambda pair: pair[0])
    return found


def _arrivals(events: Any) -> dict[int, tuple[int, int]]:
    """By unit the first and last second of the messages that events tell of."""
    arrivals: dict[int, tuple[int, int]] = {}
    for event in events if isinstance(events, list) else []:
        message = event.get("d") if isinstance(event, dict) and event.get("t") == "m" else None
        unit, t = (event["i"], message.get("t")) if isinstance(message, dict) and "i" in event else (None, None)
        if isinstance(unit, int) and isinstance(t, int) and t > 0:
            first, last = arrivals.get(unit, (t, t))
            arrivals[unit] = (min(first, t), max(last, t))
    return arrivals


def _base(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(httpx.URL(f"{parts.scheme}://{parts.netloc}").host)
    except (ValueError, httpx.InvalidURL):
        is_address = False
    if not is_address:
        raise RequestRefused("the Wialon URL is not of the form https://host")
    return f"{parts.scheme}://{parts.netloc}"


def _glimpse(response: httpx.Response) -> str:
    """What came instead of JSON, in a few words for the log."""
    kind = response.headers.get("content-type", "no content type").partition(";")[0]
    return f"{kind}, {len(response.content)} bytes"


def _checked(service: str, answer: Any, secrets: tuple[str, ...] = ()) -> Any:
    """The answer, unless it is an error object; no messages in an interval is an empty answer, not an error."""
    code = answer.get("error", 0) if isinstance(answer, dict) else 0
    if not isinstance(code, int) or code == 0:
        return answer
    if code == _NO_MESSAGES and service.startswith("messages/"):
        return {"count": 0, "messages": []}
    reason = answer.get("reason")
    if code == 1003 and reason in _NO_SESSION:
        raise SessionLost(f"{service}: error 1003 (no session)")
    kind, meaning = _ERRORS.get(code, (RequestRefused, "undocumented"))
    if (service, code) == (_IN_ONE, 6):
        kind, meaning = TooMuch, "the answer is too large"
    raise kind(f"{service}: error {code} ({meaning}{f': {_told(reason, secrets)}' if reason else ''})")


def _told(reason: Any, secrets: tuple[str, ...]) -> str:
    """What the server gives as its reason, fit for a log: short, and without the secrets it may repeat."""
    text = str(reason)
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    return text[:_LONGEST_REASON]


def intervals(first_t: int, last_t: int, length_s: int) -> Iterator[tuple[int, int]]:
    """[first_t, last_t] cut into pieces of at most a length, both ends included, ascending."""
    for start in itertools.takewhile(lambda t: t <= last_t, itertools.count(first_t, length_s)):
        yield start, min(start + length_s - 1, last_t)
