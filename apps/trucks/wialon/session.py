"""Where a Wialon session is kept, and what a client has to ask before it uses the account."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


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

    def clock(self) -> int | None:
        """Wialon's clock, UTC seconds, as it was told to any worker within the last seconds."""

    def keep_clock(self, t: int) -> None:
        """Remember what Wialon's clock shows now."""

    def size(self, kind: str) -> int | None:
        """How much of a kind could be asked at once last; None where nothing is known of it."""

    def keep_size(self, kind: str, size: int) -> None:
        """Remember it for the next pass, and for other workers."""

    def heavy(self) -> AbstractContextManager[None]:
        """Holds a place for a heavy request. Raises Busy where none comes free in time."""

    def before_login(self) -> None:
        """Raises Busy where a login would break the limit of logins."""


class OwnSession:
    """A session that is not shared."""

    def __init__(self) -> None:
        self._sid: str | None = None
        self._watched: str | None = None
        self._sizes: dict[str, int] = {}

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

    def clock(self) -> int | None:
        return None

    def keep_clock(self, t: int) -> None:
        return None

    def size(self, kind: str) -> int | None:
        return self._sizes.get(kind)

    def keep_size(self, kind: str, size: int) -> None:
        self._sizes[kind] = size

    def heavy(self) -> AbstractContextManager[None]:
        return nullcontext()

    def before_login(self) -> None:
        return None
