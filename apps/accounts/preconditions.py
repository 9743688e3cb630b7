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


def row_tag(row: Any, beside: Any = None) -> str:
    """The strong tag of an answer about a row: by all that is shown of it, and of what is shown beside it.

    What stands beside it is no part of the row: it changes by itself, and `require_match` does not look at it.
    """
    return f'"{_digest(row)}"' if beside is None else f'"{_digest(row)}.{_digest(beside)}"'


def _digest(part: Any) -> str:
    return hashlib.blake2b(dumps(part), digest_size=12).hexdigest()


def require_match(request: HttpRequest, tag: str) -> None:
    """Raises PreconditionRequired or PreconditionFailed unless the client knows this version.

    To be called with the row locked, in the transaction that changes it. Weak tags never match, as RFC 9110 has it.
    """
    header = request.headers.get("If-Match")
    if header is None:
        raise PreconditionRequired("Send the row's ETag as If-Match, so that nobody else's change is lost.")
    known = parse_etags(header)
    if known != ["*"] and _of_row(tag) not in map(_of_row, known):
        raise PreconditionFailed("Read it again, and decide anew.")


def _of_row(tag: str) -> str:
    return tag.partition(".")[0].rstrip('"')
