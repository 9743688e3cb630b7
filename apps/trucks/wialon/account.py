"""One Wialon account over HTTP: requests within a shared session, tried again where that may help."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import stamina

from apps.trucks.wialon.answers import BINDINGS, LOAD
from apps.trucks.wialon.errors import (
    IN_ONE,
    LoginRefused,
    RequestRefused,
    SessionLost,
    TryAgain,
    Unavailable,
    WialonError,
    checked,
)
from apps.trucks.wialon.session import OwnSession, Session

_LOGIN_FLAGS = 1 | 2
_HEAVY = frozenset({LOAD, BINDINGS, IN_ONE})  # our batches are of heavy calls


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how long a call that may succeed later is tried; waits grow with jitter up to a bound.

    After `give_up_s` no further attempt begins. With the last attempt's time-out that must stay within a lease.
    """

    attempts: int = 4
    first_wait_s: float = 0.5
    max_wait_s: float = 8.0
    give_up_s: float = 45.0


class Account:
    """The requests that one account answers. Not for use by several threads at once. All methods raise WialonError."""

    def __init__(
        self,
        url: str,
        token: str,
        session: Session | None,
        retry: Retry | None,
        transport: httpx.BaseTransport | None,
        before_try: Callable[[], None],
        timeout_s: float,
    ) -> None:
        self._url = _base(url)
        self._token = token
        self.session: Session = session or OwnSession()
        self._retry = retry or Retry()
        self._before_try = before_try
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout_s, connect=5), transport=transport, follow_redirects=False
        )

    def close(self) -> None:
        self._http.close()

    def call(self, service: str, params: Mapping[str, Any]) -> Any:
        """The answer of one service."""
        return self._with_session(lambda sid: self._in_its_place(service, params, sid))

    def poll(self) -> Any:
        """What happened since the session was last asked, and Wialon's clock."""
        return self._with_session(lambda sid: self._post("/avl_evts", "avl_evts", {"sid": sid}))

    def tell(self, service: str, params: Mapping[str, Any]) -> bool:
        """Asks once and without an answer that matters, if there is a session. Whether Wialon took it."""
        sid = self.session.sid()
        if not sid:
            return False
        try:
            self._service(service, params, sid)
        except WialonError:
            return False
        return True

    def _in_its_place(self, service: str, params: Mapping[str, Any], sid: str) -> Any:
        with self.session.heavy() if service in _HEAVY else nullcontext():
            return self._service(service, params, sid)

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
            sid = self.session.sid() or self._login()
            try:
                answer = ask(sid)
            except SessionLost:
                self.session.drop(sid)
                if is_last:
                    raise
                continue
            self.session.keep(sid)
            return answer
        raise AssertionError("the second round returns or raises")

    def _login(self) -> str:
        self.session.before_login()
        try:
            answer = self._service("token/login", {"token": self._token, "fl": _LOGIN_FLAGS}, None)
        except RequestRefused as error:
            raise LoginRefused(f"{error}: the token is wrong, expired or revoked") from None
        except SessionLost as error:  # there was none to lose
            raise Unavailable(str(error)) from None
        sid = answer.get("eid") if isinstance(answer, dict) else None
        if not isinstance(sid, str) or not sid:
            raise Unavailable("token/login: the answer has no session")
        self.session.keep(sid)
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
        return checked(service, answer, secrets=(self._token, form.get("sid", "")))


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
