"""Answers as bytes: JSON, and validators that save a client from reading the same answer twice."""

import hashlib
from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
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
    state = hashlib.blake2b(digest_size=12)
    for part in (request.auth.fleet_id, request.get_full_path(), *version):
        content = part if isinstance(part, bytes) else repr(part).encode()
        state.update(b"%d:" % len(content))
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


def require_json(request: HttpRequest) -> None:
    """Raises NotAcceptable for a client that takes no JSON."""
    accept = request.headers.get("Accept", "*/*")
    kinds = (part.split(";")[0].strip().lower() for part in accept.split(","))
    if accept and not any(kind in _JSON for kind in kinds):
        raise NotAcceptable("Answers are application/json.")


def json_response(content: bytes, tag: str) -> HttpResponse:
    return HttpResponse(content, content_type="application/json", headers={"ETag": tag, "Cache-Control": CACHE_CONTROL})


def tagged(request: AuthenticatedRequest, body: Any) -> HttpResponse:
    """The body, or 304, with a tag of the body itself: for answers that follow from more than the summaries."""
    content = dumps(body)
    tag = etag(request, content)
    return not_modified(tag) if is_known(request, tag) else json_response(content, tag)


def not_modified(tag: str) -> HttpResponse:
    return HttpResponseNotModified(headers={"ETag": tag, "Cache-Control": CACHE_CONTROL})
