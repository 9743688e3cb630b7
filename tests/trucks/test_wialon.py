"""The Wialon client, against a transport that answers as Wialon does and as it should not."""

import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import orjson
import pytest

from apps.trucks.wialon import (
    Busy,
    LoginRefused,
    RequestRefused,
    Retry,
    SessionLost,
    TooMuch,
    Unavailable,
    WialonClient,
    WialonError,
    intervals,
)

URL, TOKEN = "https://wialon.example", "5d1e" * 18
QUICK = Retry(attempts=3, first_wait_s=0.001, max_wait_s=0.002)
NOW = 1_763_900_000
LOAD, UNLOAD, LOGIN, EVENTS, SEARCH, WATCH = (
    "messages/load_interval",
    "messages/unload",
    "token/login",
    "avl_evts",
    "core/search_items",
    "core/update_data_flags",
)
Answer = Any  # JSON, or an httpx.Response, or an exception to raise


class Wialon:
    """A server in memory. `script` holds answers by service, given in turn; afterwards it answers as it should."""

    def __init__(self, **settings: Any) -> None:
        self.calls: list[tuple[str, dict[str, Any], str | None]] = []
        self.script: dict[str, list[Answer]] = {}
        self.always: dict[str, Answer] = {}
        self.sids: list[str] = []
        self.messages = [{"t": t, "p": {}} for t in range(NOW, NOW + 64)]
        self.settings = {"retry": QUICK, "timeout_s": 1, **settings}

    def client(self, url: str = URL) -> WialonClient:
        return WialonClient(url, TOKEN, transport=httpx.MockTransport(self), **self.settings)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        svc = form.get("svc", EVENTS)
        self.calls.append((svc, orjson.loads(form.get("params", "{}")), form.get("sid")))
        answer = self._answer(svc)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, content=orjson.dumps(answer))

    def _answer(self, svc: str) -> Answer:
        _, params, sid = self.calls[-1]
        if self.script.get(svc):
            return self.script[svc].pop(0)
        if svc in self.always:
            return self.always[svc]
        if svc == LOGIN:
            self.sids.append(f"session-{len(self.sids) + 1}-" + "e" * 20)
            return {"eid": self.sids[-1], "tm": NOW}
        if sid != self.sids[-1]:
            return {"error": 1}
        if svc == LOAD:
            found = [m for m in self.messages if params["timeFrom"] <= m["t"] <= params["timeTo"]]
            return {"count": len(found), "messages": found[: params["loadCount"]]}
        return {SEARCH: {"totalItemsCount": 1, "items": [{"id": 7, "nm": "T-7"}]}, EVENTS: {"tm": NOW}}.get(
            svc, {"error": 0}
        )

    def asked(self, *services: str) -> list[str]:
        """The services asked so far, in order; of these only if any are named."""
        return [svc for svc, _, _ in self.calls if not services or svc in services]


@pytest.fixture
def wialon() -> Wialon:
    return Wialon()


def outcome(call: Callable[[], Any]) -> type[WialonError] | None:
    try:
        call()
    except WialonError as error:
        return type(error)
    return None


# Errors

LOST, REFUSED, AGAIN = 2, 1, QUICK.attempts  # how often a service is asked that answers so every time


@pytest.mark.parametrize(
    ("code", "kind", "tries"),
    [
        (1, SessionLost, LOST),
        (2, RequestRefused, REFUSED),
        (3, Unavailable, AGAIN),
        (4, RequestRefused, REFUSED),
        (5, Unavailable, AGAIN),
        (6, Unavailable, AGAIN),
        (7, RequestRefused, REFUSED),
        (8, RequestRefused, REFUSED),
        (9, Unavailable, AGAIN),
        (10, Busy, AGAIN),
        (1003, Busy, AGAIN),
        (1004, TooMuch, 1),
        (1005, TooMuch, 1),
        (1011, SessionLost, LOST),
        (-100, Unavailable, AGAIN),
        (-101, Unavailable, AGAIN),
        (2014, RequestRefused, REFUSED),  # undocumented
    ],
)
def test_each_error_code_is_an_exception_of_its_kind_and_tried_as_often_as_it_may_help(
    wialon: Wialon, code: int, kind: type[WialonError], tries: int
):
    wialon.always[SEARCH] = {"error": code}
    with pytest.raises(kind, match=rf"core/search_items: error {code} \(") as raised:
        wialon.client().groups()
    assert type(raised.value) is kind
    assert len(wialon.asked(SEARCH)) == tries


@pytest.mark.parametrize("code", [3, 5, 6, 9, 10, 1003, -100, -101])
def test_what_was_only_a_moment_s_trouble_is_not_noticed(wialon: Wialon, code: int):
    wialon.script[SEARCH] = [{"error": code}] * (QUICK.attempts - 1)
    assert wialon.client().groups() == [{"id": 7, "nm": "T-7"}]


@pytest.mark.parametrize(
    ("reason", "kind", "logins"),
    [
        (None, Busy, 1),
        ("LIMIT api_concurrent", Busy, 1),
        ("LIMIT avl_evts", Busy, 1),
        (1, Busy, 1),
        ({"odd": ["reason"]}, Busy, 1),
        ("NO_SESSION", SessionLost, 2),
        (4, SessionLost, 2),
        ("4", SessionLost, 2),
    ],
)
def test_error_1003_means_busy_unless_its_reason_is_a_lost_session(
    wialon: Wialon, reason: Any, kind: type[WialonError], logins: int
):
    wialon.always[SEARCH] = {"error": 1003} | ({} if reason is None else {"reason": reason})
    assert outcome(wialon.client().groups) is kind
    assert len(wialon.asked(LOGIN)) == logins


@pytest.mark.parametrize("answer", [{"error": 0}, [], None, 5, "text", {"items": {}}, {"error": "7", "items": None}])
def test_an_answer_without_what_was_asked_for_is_no_empty_answer(wialon: Wialon, answer: Any):
    wialon.always[SEARCH] = wialon.always[LOAD] = wialon.always[EVENTS] = answer
    client = wialon.client()
    calls = (client.groups, client.events, lambda: list(client.messages(7, NOW, NOW)))
    assert [outcome(call) for call in calls] == [Unavailable] * 3


def test_items_without_an_id_are_passed_over_and_a_shortened_list_is_refused(wialon: Wialon):
    wialon.script[SEARCH] = [
        {"items": [None, 1, {"nm": "nobody"}, {"id": "7"}, {"id": 8}]},
        {"items": [{"id": 8}], "totalItemsCount": 2},
    ]
    client = wialon.client()
    assert client.groups() == [{"id": 8}]
    with pytest.raises(Unavailable, match="1 items came of 2"):
        client.groups()


# Sessions

SESSION_ENDS = [{"error": 1}, {"error": 1011}, {"error": 1003, "reason": "NO_SESSION"}, {"error": 1003, "reason": 4}]


@pytest.mark.parametrize("ending", SESSION_ENDS)
def test_a_session_lost_in_the_middle_is_renewed_once_and_the_call_repeated(wialon: Wialon, ending: Any):
    client = wialon.client()
    client.groups()
    wialon.script[LOAD] = [ending]
    assert list(client.messages(7, NOW, NOW + 1)) == [wialon.messages[:2]]
    assert wialon.asked() == [LOGIN, SEARCH, LOAD, LOGIN, LOAD, UNLOAD]
    assert [sid for _, _, sid in wialon.calls[-2:]] == [wialon.sids[1]] * 2


def test_one_login_serves_all_calls(wialon: Wialon):
    client = wialon.client()
    for call in (client.events, client.groups, client.resources, lambda: client.units(1)):
        call()
    assert wialon.asked() == [LOGIN, EVENTS, WATCH, SEARCH, SEARCH, SEARCH]


@pytest.mark.parametrize("code", [2, 4, 7, 8])
def test_a_refused_login_is_final_at_once(wialon: Wialon, code: int):
    wialon.always[LOGIN] = {"error": code}
    with pytest.raises(LoginRefused, match=f"error {code}.*wrong, expired or revoked"):
        wialon.client().events()
    assert wialon.asked() == [LOGIN]


@pytest.mark.parametrize("answer", [{"error": 1}, {"error": 9}, {"error": 1003, "reason": "LIMIT logins"}, {}, []])
def test_a_login_that_failed_for_any_other_reason_is_tried_again(wialon: Wialon, answer: Any):
    wialon.script[LOGIN] = [answer] * (QUICK.attempts - 1)
    assert wialon.client().events().server_time == NOW
    wialon.script[LOGIN] = [answer] * QUICK.attempts
    assert outcome(wialon.client().events) in (Unavailable, Busy)


def test_before_each_try_what_must_not_lapse_is_renewed():
    renewed: list[int] = []
    wialon = Wialon(before_try=lambda: renewed.append(1))
    wialon.always[SEARCH] = {"error": 5}
    outcome(wialon.client().groups)
    assert len(renewed) == QUICK.attempts


# Messages


def test_each_load_asks_for_data_messages_of_the_interval_and_is_followed_by_an_unload(wialon: Wialon):
    client = wialon.client()
    assert list(client.messages(7, NOW, NOW + 2)) == [wialon.messages[:3]]
    assert client.count_messages(7, NOW, NOW + 9) == 10
    assert wialon.asked() == [LOGIN, LOAD, UNLOAD, LOAD, UNLOAD]
    asked = {"itemId": 7, "timeFrom": NOW, "timeTo": NOW + 2, "flags": 0, "flagsMask": 0xFF00}
    assert wialon.calls[1][1] == {**asked, "loadCount": 0xFFFFFFFF}
    assert wialon.calls[3][1] == {**asked, "timeTo": NOW + 9, "loadCount": 0}


@pytest.mark.parametrize("refusal", [{"error": 1001}, {"count": 0, "messages": []}])
def test_an_interval_without_messages_is_empty(wialon: Wialon, refusal: Any):
    wialon.always[LOAD] = refusal
    client = wialon.client()
    assert list(client.messages(7, NOW, NOW + 9)) == []
    assert client.count_messages(7, NOW, NOW + 9) == 0
    assert wialon.asked(LOAD, UNLOAD) == [LOAD, UNLOAD] * 2


def test_an_interval_that_ends_before_it_begins_is_not_asked_for(wialon: Wialon):
    assert list(wialon.client().messages(7, NOW, NOW - 1)) == []
    assert wialon.calls == []


class Narrow(Wialon):
    """A server that loads intervals of so many seconds at most."""

    def __init__(self, limit_s: int, code: int) -> None:
        super().__init__()
        self.limit_s, self.code = limit_s, code

    def _answer(self, svc: str) -> Answer:
        params = self.calls[-1][1]
        if svc == LOAD and params["timeTo"] - params["timeFrom"] >= self.limit_s:
            return {"error": self.code}
        return super()._answer(svc)


@pytest.mark.parametrize("code", [1004, 1005])
@pytest.mark.parametrize("limit_s", [1, 2, 7, 63, 64])
def test_too_much_at_once_is_asked_for_in_halves_down_to_a_second(code: int, limit_s: int):
    wialon = Narrow(limit_s, code)
    batches = list(wialon.client().messages(7, NOW, NOW + 63))
    assert [message for batch in batches for message in batch] == wialon.messages
    assert max(map(len, batches)) <= limit_s
    loads = wialon.asked(LOAD, UNLOAD)
    assert loads == [LOAD, UNLOAD] * (len(loads) // 2)


def test_a_second_that_is_too_much_is_an_error_after_what_came_before_it():
    wialon = Narrow(0, 1004)
    assert outcome(lambda: list(wialon.client().messages(7, NOW, NOW + 7))) is TooMuch
    assert len(wialon.asked(LOAD)) == 4  # 8, 4, 2, 1 seconds


def test_fewer_messages_than_were_counted_are_asked_for_in_halves(wialon: Wialon):
    wialon.script[LOAD] = [{"count": 4, "messages": wialon.messages[:3]}]
    assert list(wialon.client().messages(7, NOW, NOW + 3)) == [wialon.messages[:2], wialon.messages[2:4]]


@pytest.mark.parametrize("answer", [{"error": 5}, {"error": 1}, httpx.ReadTimeout("silence")])
def test_an_unload_that_fails_is_no_harm(wialon: Wialon, answer: Answer):
    wialon.always[UNLOAD] = answer
    assert list(wialon.client().messages(7, NOW, NOW)) == [wialon.messages[:1]]
    assert wialon.asked(UNLOAD) == [UNLOAD]


def test_bytes_of_a_foreign_code_page_do_not_hold_up_the_messages(wialon: Wialon):
    wialon.script[LOAD] = [httpx.Response(200, content=b'{"count":1,"messages":[{"t":1,"p":{"driver":"\xcf\xb8"}}]}')]
    assert [m["t"] for batch in wialon.client().messages(7, 0, 2) for m in batch] == [1]


# The way there

HTML = {"content-type": "text/html; charset=utf-8"}
BROKEN = [
    (httpx.Response(200, text="<html>maintenance</html>", headers=HTML), r"not JSON \(text/html, 24 bytes\)"),
    (httpx.Response(200, content=b""), r"not JSON \(no content type, 0 bytes\)"),
    (httpx.Response(200, content=b'{"items": [{"id": 7'), "not JSON"),
    (httpx.Response(200, content=b"\x1f\x8b", headers={"content-encoding": "gzip"}), "DecodingError|not JSON"),
    (httpx.Response(502, text="<html>bad gateway</html>"), "HTTP 502"),
    (httpx.Response(500, json={"error": 7}), "HTTP 500"),
    (httpx.Response(404), "HTTP 404"),
    (httpx.Response(302, headers={"location": "https://elsewhere.example/wialon/ajax.html"}), "HTTP 302"),
    (httpx.Response(307, headers={"location": "/other"}), "HTTP 307"),
    (httpx.ConnectError("[Errno 111] Connection refused"), "ConnectError.*refused"),
    (httpx.ConnectTimeout("timed out"), "ConnectTimeout"),
    (httpx.ReadTimeout("timed out"), "ReadTimeout"),
    (httpx.ReadError("reset by peer"), "ReadError"),
    (httpx.RemoteProtocolError("peer closed connection"), "RemoteProtocolError"),
    (UnicodeError("label empty or too long"), "UnicodeError"),
]


@pytest.mark.parametrize(("answer", "text"), BROKEN)
def test_a_broken_answer_is_unavailable_after_so_many_tries(wialon: Wialon, answer: Answer, text: str):
    wialon.always[SEARCH] = answer
    with pytest.raises(Unavailable, match=f"core/search_items: .*{text}|core/search_items: {text}"):
        wialon.client().groups()
    assert wialon.asked() == [LOGIN] + [SEARCH] * QUICK.attempts  # and nothing elsewhere: no redirect is followed


@pytest.mark.parametrize("answer", [answer for answer, _ in BROKEN])
def test_the_answer_after_a_broken_one_counts(wialon: Wialon, answer: Answer):
    wialon.script[SEARCH] = [answer]
    assert wialon.client().groups() == [{"id": 7, "nm": "T-7"}]


def test_trying_ends_when_its_time_is_over():
    wialon = Wialon(retry=Retry(attempts=100, first_wait_s=0.02, max_wait_s=0.02, give_up_s=0.1))
    wialon.always[SEARCH] = {"error": 5}
    assert outcome(wialon.client().groups) is Unavailable
    assert 2 <= len(wialon.asked(SEARCH)) < 12


@pytest.mark.parametrize(
    "url",
    ["", "wialon.example", "ftp://wialon.example", "https://", "https:///path", "https://[", "https://host:abc",
     "https://ex\x00ample", "file:///etc/passwd"],
)  # fmt: skip
def test_a_url_that_is_none_is_refused_before_anything_is_sent(wialon: Wialon, url: str):
    with pytest.raises(RequestRefused, match="not of the form https://host"):
        wialon.client(url)


@pytest.mark.parametrize("url", [URL, f"{URL}/", f"{URL}/wialon/ajax.html?sid=1"])
def test_of_a_url_only_the_host_counts(url: str):
    paths = []
    wialon = Wialon()

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(str(request.url))
        return wialon(request)

    with WialonClient(url, TOKEN, transport=httpx.MockTransport(answer)) as client:
        client.events()
    assert paths == [f"{URL}/wialon/ajax.html", f"{URL}/avl_evts", f"{URL}/wialon/ajax.html"]


# Secrets


@pytest.mark.parametrize("service", [LOGIN, SEARCH, LOAD])
@pytest.mark.parametrize(
    "answer",
    [
        *({"error": code} for code in (1, 4, 5, 7, 8, 10, 1003, 1004, 1011, 2014)),
        *({"error": code, "reason": "SECRETS"} for code in (1, 4, 5, 7, 8, 10, 1003, 1004, 1011, 2014)),
        *(answer for answer, _ in BROKEN),
    ],
)
def test_no_error_tells_the_token_or_the_session(
    wialon: Wialon, service: str, answer: Answer, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("DEBUG")
    wialon.sids.append("e" * 32)
    if isinstance(answer, dict) and answer.get("reason"):
        answer = {**answer, "reason": f"no good: {TOKEN if service == LOGIN else wialon.sids[0]}"}
    wialon.always[LOGIN] = {"eid": wialon.sids[0]}
    wialon.always[service] = answer
    client = wialon.client()
    with pytest.raises(WialonError) as raised:
        client.units(1)
        list(client.messages(7, NOW, NOW))
    told = [repr(raised.value), *traceback.format_exception(raised.value), repr(client), caplog.text]
    told += [str(record.__dict__) for record in caplog.records]
    assert not [text for text in told for secret in (TOKEN, wialon.sids[0]) if secret in text]


def test_the_token_travels_in_the_body_and_in_the_login_alone(wialon: Wialon):
    requests = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append((str(request.url), str(request.headers), request.content.decode()))
        return wialon(request)

    with WialonClient(URL, TOKEN, transport=httpx.MockTransport(answer)) as client:
        client.groups()
    assert [TOKEN in body for _, _, body in requests] == [True, False]
    assert not [text for address, headers, _ in requests for text in (address, headers) if TOKEN in text]


# Intervals


@pytest.mark.parametrize(
    ("first", "last", "length", "expected"),
    [
        (0, 9, 10, [(0, 9)]),
        (0, 10, 10, [(0, 9), (10, 10)]),
        (5, 5, 10, [(5, 5)]),
        (6, 5, 10, []),
        (0, 2, 1, [(0, 0), (1, 1), (2, 2)]),
    ],
)
def test_intervals_cover_everything_once(first: int, last: int, length: int, expected: list[tuple[int, int]]):
    assert list(intervals(first, last, length)) == expected
