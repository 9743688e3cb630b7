"""Pages by keyset: a cursor is the last row's key, signed together with the question it belongs to."""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.crypto import salted_hmac

from apps.accounts.parameters import Paging
from apps.accounts.problems import FieldError, InvalidParameters

_SIGNATURE_BYTES = 12
LAST_PAGE: dict[str, Any] = {"next_cursor": None, "has_more": False}  # of lists that come whole


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a list that is asked for: `limit` rows after the key `after`; null: from the start.

    `scope` is all that decides what the list is: a cursor of another list, period or fleet is refused.
    """

    limit: int
    after: str | None
    scope: str

    @classmethod
    def of(cls, parameters: Paging, *scope: object) -> "Page":
        """The page that the parameters ask for. Raises InvalidParameters for a cursor that is not ours."""
        question = parameters.model_dump(exclude={"limit", "cursor"})
        text = repr((*scope, sorted(question.items())))
        after = None if parameters.cursor is None else _key(parameters.cursor, text)
        return cls(parameters.limit, after, text)

    def following(self, echo: Mapping[str, Any]) -> "Page | None":
        """The page after the one whose answer has this `page`; None after the last."""
        cursor = echo["next_cursor"]
        return None if cursor is None else replace(self, after=_key(cursor, self.scope))

    def cut(self, rows: Sequence[Any], key: str) -> tuple[Sequence[Any], dict[str, Any]]:
        """The page's rows and the answer's `page`; one row more than the limit has been read."""
        has_more = len(rows) > self.limit
        rows = rows[: self.limit]
        next_cursor = _cursor(str(rows[-1][key]), self.scope) if has_more else None
        return rows, {"next_cursor": next_cursor, "has_more": has_more}

    def ranked(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Sequence[Any], dict[str, Any]]:
        """The same of a whole ranking: a figure may change between two pages, so the cursor counts rows."""
        start = int(self.after or 0)
        found = rows[start : start + self.limit + 1]
        return self.cut([{**row, "place": place} for place, row in enumerate(found, start + 1)], "place")


def _signature(key: str, scope: str) -> bytes:
    digest: bytes = salted_hmac("apps.accounts.paging", f"{key} {scope}", algorithm="sha256").digest()
    return digest[:_SIGNATURE_BYTES]


def _cursor(key: str, scope: str) -> str:
    return base64.urlsafe_b64encode(_signature(key, scope) + key.encode()).rstrip(b"=").decode()


def _key(cursor: str, scope: str) -> str:
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = data[_SIGNATURE_BYTES:].decode()
    except (binascii.Error, ValueError):
        raise _foreign() from None
    if not hmac.compare_digest(data[:_SIGNATURE_BYTES], _signature(key, scope)):
        raise _foreign()
    return key


def _foreign() -> InvalidParameters:
    detail = "is not a cursor of this list with these parameters; start again without it"
    return InvalidParameters(f"cursor {detail}.", [FieldError("/query/cursor", detail)])
