"""Changes that are made only to the version that the client has seen: `If-Match`."""

import hashlib
from typing import Any

from django.http import HttpRequest
from django.utils.http import parse_etags

from apps.accounts.answers import dumps
from apps.accounts.problems import Problem

IF_MATCH: dict[str, Any] = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "schema": {"type": "string"},
    "description": "`ETag` of the row as you know it, or `*` for whatever it is by now.",
    "example": '"2c26b46b68ffc68ff99b453c"',
}


class PreconditionFailed(Problem):
    status, code, title = 412, "precondition-failed", "It has changed since you read it"


class PreconditionRequired(Problem):
    status, code, title = 428, "precondition-required", "This request needs an If-Match"


def row_tag(body: Any) -> str:
    """The strong tag of a row by all that is shown of it."""
    return f'"{hashlib.blake2b(dumps(body), digest_size=12).hexdigest()}"'


def require_match(request: HttpRequest, tag: str) -> None:
    """Raises PreconditionRequired or PreconditionFailed unless the client knows this version.

    To be called with the row locked, in the transaction that changes it. Weak tags never match, as RFC 9110 has it.
    """
    header = request.headers.get("If-Match")
    if header is None:
        raise PreconditionRequired("Send the row's ETag as If-Match, so that nobody else's change is lost.")
    known = parse_etags(header)
    if known != ["*"] and tag not in known:
        raise PreconditionFailed("Read it again, and decide anew.")
