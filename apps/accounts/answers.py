"""Answers as bytes: JSON, and validators that save a client from reading the same answer twice."""

import hashlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cached_property, lru_cache
from http.cookies import SimpleCookie
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import ResponseHeaders
from django.utils.http import parse_etags

from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.problems import NotAcceptable

_OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
_JSON = ("*/*", "application/*", "application/json")
_HASHED_AT_ONCE = 2000  # longer parts are hashed without Python's lock, and getting it back takes longer than hashing
CACHE_CONTROL = "private, no-cache"


def dumps(body: Any) -> bytes:
    """JSON; instants in UTC to the second, with Z."""
    return orjson.dumps(body, option=_OPTIONS)


def money(amount: Decimal | None, currency: str) -> dict[str, str] | None:
    return None if amount is None else {"amount": f"{amount:f}", "currency": currency}


def rounded(value: float | None, places: int = 2) -> float | None:
    return None if value is None else round(value, places)


def etag(request: AuthenticatedRequest, *version: object, weak: bool = False) -> str:
    """The tag of this fleet's answer to this question at this version of what it is made from.

    Weak where the answer also holds what changes without meaning anything, such as the clock.
    """
    who = request.auth
    texts = [part for part in version if isinstance(part, bytes)]
    marked = [b"%d" % len(part) if isinstance(part, bytes) else part for part in version]  # no two versions look alike
    content = b"".join((repr((who.fleet_id, who.currency, request.get_full_path(), marked)).encode(), *texts))
    state = hashlib.blake2b(digest_size=12)
    for start in range(0, len(content), _HASHED_AT_ONCE):
        state.update(content[start : start + _HASHED_AT_ONCE])
    tag = f'"{state.hexdigest()}"'
    return f"W/{tag}" if weak else tag


def is_known(request: HttpRequest, tag: str) -> bool:
    """Whether the client has this version: compared weakly, as RFC 9110 has it for If-None-Match."""
    header = request.headers.get("If-None-Match")
    if header is None:
        return False
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


class QuickHeaders(ResponseHeaders):
    """Django's headers, which encode and decode each name and value even where there is nothing to convert."""

    def __setitem__(self, name: str, value: str | bytes | int) -> None:
        if isinstance(value, str) and name.isascii() and value.isascii() and value.isprintable():
            self._store[name.lower()] = (name, value)
        else:  # what is odd is converted, or refused as an injection
            super().__setitem__(name, value)


class Answer(HttpResponse):
    """An HttpResponse of bytes that are ready, made in a tenth of the time."""

    _handler_class = _reason_phrase = _charset = None
    closed = False

    def __init__(self, content: bytes = b"", headers: Mapping[str, str] | None = None, status: int = 200) -> None:
        self.headers = QuickHeaders({})
        for name, value in (headers or {}).items():
            self.headers[name] = value
        self._container = [content]
        self._resource_closers: list[Callable[[], object]] = []
        self.status_code = status

    @cached_property
    def cookies(self) -> SimpleCookie:  # type: ignore[override]
        return SimpleCookie()


def json_response(content: bytes, tag: str) -> HttpResponse:
    return Answer(content, {"Content-Type": "application/json", "ETag": tag, "Cache-Control": CACHE_CONTROL})


def tagged(request: AuthenticatedRequest, body: Any) -> HttpResponse:
    """The body, or 304, with a tag of the body itself: for answers that follow from more than the summaries."""
    content = dumps(body)
    tag = etag(request, content)
    return not_modified(tag) if is_known(request, tag) else json_response(content, tag)


def not_modified(tag: str) -> HttpResponse:
    return Answer(b"", {"ETag": tag, "Cache-Control": CACHE_CONTROL}, status=304)
