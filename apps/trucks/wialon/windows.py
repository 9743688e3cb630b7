"""How much is asked of Wialon at once: half after it was too much, and from there carefully more."""

from apps.trucks.wialon.session import Session

_GROWS_AFTER = 2  # requests of the whole size in a row that were answered
_GROWS_BY = 4  # a quarter


class Window:
    """The size of one kind of request, in seconds or calls, as it worked last for this account.

    It is remembered in the session, so the next pass and the other workers begin with it. `most` is the size to which
    it grows back, `least` the one at which it stops to shrink: a single dense stretch must not make all others slow.
    """

    def __init__(self, session: Session, kind: str, *, least: int, most: int) -> None:
        self._session = session
        self._kind = kind
        self._least, self._most = least, most
        self._answered = 0

    @property
    def size(self) -> int:
        kept = self._session.size(self._kind)
        return self._most if kept is None else min(max(kept, self._least), self._most)

    def was_too_much(self, asked: int) -> None:
        self._answered = 0
        if (half := max(asked // 2, self._least)) < self.size:
            self._session.keep_size(self._kind, half)

    def was_answered(self, asked: int) -> None:
        """A request smaller than the window says nothing of it."""
        size = self.size
        if asked < size or size == self._most:
            return
        self._answered += 1
        if self._answered == _GROWS_AFTER:
            self._answered = 0
            self._session.keep_size(self._kind, min(size + max(size // _GROWS_BY, 1), self._most))
