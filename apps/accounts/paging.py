"""Pages by keyset: a cursor is the last row's key, signed together with the question it belongs to."""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self, TypeVar, overload

from django.utils.crypto import salted_hmac

from apps.accounts.parameters import Paging
from apps.accounts.problems import FieldError, InvalidParameters

_SIGNATURE_BYTES = 12
LAST_PAGE: dict[str, Any] = {"next_cursor": None, "has_more": False}  # of lists that come whole


class Sliced(Protocol):
    """Rows in order, of which a slice is of the same kind."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, which: int, /) -> Any: ...
    @overload
    def __getitem__(self, which: slice, /) -> Self: ...


Rows = TypeVar("Rows", bound=Sliced)


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

    def cut(self, rows: Rows, key: str) -> tuple[Rows, dict[str, Any]]:
        """The page's rows and the answer's `page`; one row more than the limit has been read."""
        return self._cut(rows, lambda place: rows[place][key])

    def cut_by(self, rows: Rows, keys: Sequence[Any]) -> tuple[Rows, dict[str, Any]]:
        """The same of rows whose keys stand in a column of their own."""
        return self._cut(rows, keys.__getitem__)

    def _cut(self, rows: Rows, key_at: Callable[[int], Any]) -> tuple[Rows, dict[str, Any]]:
        has_more = len(rows) > self.limit
        next_cursor = _cursor(str(key_at(self.limit - 1)), self.scope) if has_more else None
        return rows[: self.limit], {"next_cursor": next_cursor, "has_more": has_more}

    def ranked(self, rows: Rows) -> tuple[Rows, dict[str, Any]]:
        """The same of a whole ranking: a figure may change between two pages, so the cursor counts rows."""
        start = int(self.after or 0)
        end = start + self.limit
        has_more = len(rows) > end
        return rows[start:end], {
            "next_cursor": _cursor(str(end), self.scope) if has_more else None,
            "has_more": has_more,
        }


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
