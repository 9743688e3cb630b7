"""Answers as bytes: JSON, and validators that save a client from reading the same answer twice."""

import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from http.cookies import SimpleCookie
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, ResponseHeaders
from django.utils.http import parse_etags

from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.problems import NotAcceptable

_OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
_JSON = ("*/*", "application/*", "application/json")
_HASHED_AT_ONCE = 2000  # longer parts are hashed without Python's lock, and getting it back takes longer than hashing
CACHE_CONTROL = "private, no-cache"
Fields = list[tuple[bytes, bytes]]
_IS_JSON, _CACHE_CONTROL = (b"content-type", b"application/json"), (b"cache-control", CACHE_CONTROL.encode())


def dumps(body: Any) -> bytes:
    """JSON; instants in UTC to the second, with Z. What has its JSON ready, as `json`, is taken as it is."""
    return orjson.dumps(body, _ready, _OPTIONS)


def _ready(value: Any) -> orjson.Fragment:
    if not isinstance(json := getattr(value, "json", None), bytes):
        raise TypeError(f"{type(value).__name__} is nothing of JSON")
    return orjson.Fragment(json)


def etag(request: AuthenticatedRequest, *version: object, weak: bool = False) -> str:
    """The tag of this fleet's answer to this question at this version of what it is made from: short, told by repr.

    Weak where the answer also holds what changes without meaning anything, such as the clock.
    """
    who = request.auth
    content = repr((who.fleet_id, who.currency, request.get_full_path(), version)).encode()
    tag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    return f"W/{tag}" if weak else tag


def _digest(content: bytes) -> bytes:
    state = hashlib.blake2b(digest_size=16)
    for start in range(0, len(content), _HASHED_AT_ONCE):
        state.update(content[start : start + _HASHED_AT_ONCE])
    return state.digest()


def is_known(request: HttpRequest, tag: str) -> bool:
    """Whether the client has this version: compared weakly, as RFC 9110 has it for If-None-Match."""
    header = request.headers.get("If-None-Match")
    if header is None:
        return False
    if header == tag:  # as a client sends what it was sent
        return True
    known = parse_etags(header)
    return known == ["*"] or tag.removeprefix("W/") in (each.removeprefix("W/") for each in known)


def takes_json(request: HttpRequest) -> bool:
    return _takes_json(request.headers.get("Accept", ""))


def require_json(request: HttpRequest) -> None:
    """Raises NotAcceptable for a client that takes no JSON."""
    if not takes_json(request):
        raise NotAcceptable("Answers are application/json.")


@lru_cache(maxsize=100)
def _takes_json(accept: str) -> bool:
    kinds = (part.split(";")[0].strip().lower() for part in accept.split(","))
    return not accept or any(kind in _JSON for kind in kinds)


class Answer(HttpResponse):
    """An HttpResponse of bytes that are ready, made in a tenth of the time.

    One that is made by `ready` has its headers as ASGI sends them; Django's mapping of them is made when somebody asks
    for it, and counts from then on.
    """

    _handler_class = _reason_phrase = _charset = None
    closed = False
    _fields: Fields

    def __init__(self, content: bytes = b"", headers: Mapping[str, str] | None = None, status: int = 200) -> None:
        """Raises BadHeaderError for a header with a line break."""
        self._fill(content, status)
        self.headers = ResponseHeaders(dict(headers or {}))

    @classmethod
    def ready(cls, content: bytes, fields: Fields, status: int = 200) -> "Answer":
        """With all its headers, which need no check: names in lower case, each once."""
        answer = cls.__new__(cls)
        answer._fill(content, status)
        answer._fields = fields
        return answer

    def _fill(self, content: bytes, status: int) -> None:
        self._container = [content]
        self._resource_closers: list[Callable[[], object]] = []
        self.status_code = status

    @cached_property
    def headers(self) -> ResponseHeaders:  # type: ignore[override]
        return ResponseHeaders({name.decode(): value.decode("latin1") for name, value in self._fields})

    @cached_property
    def cookies(self) -> SimpleCookie:  # type: ignore[override]
        return SimpleCookie()

    @property
    def ready_fields(self) -> Fields | None:
        """All that is to be sent; None since somebody has asked for Django's mapping or cookies."""
        return None if "headers" in vars(self) or "cookies" in vars(self) else self._fields


def ready_fields(response: HttpResponseBase) -> Fields | None:
    """The headers of a response as ASGI sends them, if they are ready; more may be added."""
    return response.ready_fields if isinstance(response, Answer) else None


def add_fields(response: HttpResponseBase, added: Fields) -> None:
    """More headers that need no check."""
    if (fields := ready_fields(response)) is not None:
        fields += added
        return
    for name, value in added:
        response.headers[name.decode()] = value.decode("latin1")


def json_response(content: bytes, tag: str) -> HttpResponse:
    length = b"content-length", b"%d" % len(content)
    return Answer.ready(content, [_IS_JSON, (b"etag", tag.encode()), _CACHE_CONTROL, length])


def tagged(request: AuthenticatedRequest, body: Any) -> HttpResponse:
    """The body, or 304, with a tag of the body itself: for answers that follow from more than the summaries.

    A body of bytes is JSON already.
    """
    content = body if isinstance(body, bytes) else dumps(body)
    tag = etag(request, _digest(content))
    return not_modified(tag) if is_known(request, tag) else json_response(content, tag)


def not_modified(tag: str) -> HttpResponse:
    return Answer.ready(b"", [(b"etag", tag.encode()), _CACHE_CONTROL], 304)
