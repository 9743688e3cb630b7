"""Sessions and the limits that the server keeps: idle time, requests at once, heavy requests, logins."""

import secrets
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from wialon_simulator.clock import Clock
from wialon_simulator.counters import Counters
from wialon_simulator.errors import INVALID_SESSION, ONE_AT_A_TIME, TOO_MANY_REQUESTS, ApiError
from wialon_simulator.history import Stored

LOADING, BINDINGS = "loading", "bindings"
HEAVY = {
    "messages/load_interval": LOADING,
    "messages/load_last": LOADING,
    "resource/get_driver_bindings": BINDINGS,
}
MINUTE_S, EVENT_WINDOW_S = 60, 10


@dataclass(slots=True)
class Limits:
    """What one client may do; a test may lower any of them."""

    idle_s: float = 300
    sessions: int = 100
    requests_at_once: int = 10
    heavy_at_once: int = 3
    failed_logins_per_minute: int = 10
    logins_per_minute: int = 120
    event_polls_per_10_s: int = 10
    messages_held: int = 15_000_000


@dataclass(slots=True)
class Session:
    """One login: its only message loader, its subscriptions and how far its events have been told."""

    sid: str
    last_used: float
    events_until: int
    changes_seen: int
    at_once: int = 0
    heavy: list[str] = field(default_factory=list)
    loader: list[Stored] = field(default_factory=list)
    watched: dict[int, int] = field(default_factory=dict)
    event_polls: deque[float] = field(default_factory=deque)


class Sessions:
    """All living sessions. Idle time runs on `Clock.elapsed`, so a test ends sessions by moving the clock."""

    def __init__(self, clock: Clock, counters: Counters) -> None:
        self.limits = Limits()
        self._clock = clock
        self._counters = counters
        self._sessions: dict[str, Session] = {}
        self._logins: dict[bool, deque[float]] = {True: deque(), False: deque()}
        self._lock = threading.Lock()

    def admit_login(self, accepted: bool) -> None:
        """Counts a login attempt of the last minute. Raises ApiError when there were too many."""
        with self._lock:
            within_minute = {ok: _recent(times, self._clock.elapsed(), MINUTE_S) for ok, times in self._logins.items()}
            if (
                within_minute[False] >= self.limits.failed_logins_per_minute
                or within_minute[True] >= self.limits.logins_per_minute
            ):
                raise ApiError(ONE_AT_A_TIME, "LIMIT logins")
            self._logins[accepted].append(self._clock.elapsed())
            self._counters.logins_ok += accepted
            self._counters.logins_failed += not accepted

    def open(self, changes_seen: int) -> Session:
        with self._lock:
            self._bury_the_dead()
            if len(self._sessions) >= self.limits.sessions:
                raise ApiError(ONE_AT_A_TIME, "LIMIT sessions")
            session = Session(secrets.token_hex(16), self._clock.elapsed(), self._clock.now(), changes_seen)
            self._sessions[session.sid] = session
            self._count_sessions()
            return session

    def close(self, sid: str) -> None:
        with self._lock:
            self._drop(sid)
            self._count_sessions()

    @contextmanager
    def request(self, sid: str | None) -> Iterator[Session]:
        """Lends the session to one request. Raises ApiError for a dead session or one request too many."""
        with self._lock:
            self._bury_the_dead()
            session = self._sessions.get(sid or "")
            if session is None:
                raise ApiError(INVALID_SESSION)
            if session.at_once >= self.limits.requests_at_once:
                raise ApiError(TOO_MANY_REQUESTS)
            session.at_once += 1
            session.last_used = self._clock.elapsed()
            self._counters.max_at_once = max(self._counters.max_at_once, session.at_once)
        try:
            yield session
        finally:
            with self._lock:
                session.at_once -= 1
                session.last_used = self._clock.elapsed()

    @contextmanager
    def heavy(self, session: Session, svc: str) -> Iterator[None]:
        """Holds one of the heavy places while a heavy service runs; other services pass freely."""
        kind = HEAVY.get(svc)
        if kind is None:
            yield
            return
        with self._lock:
            if any(other != kind for other in session.heavy):
                raise ApiError(ONE_AT_A_TIME, 1)
            if len(session.heavy) >= self.limits.heavy_at_once:
                raise ApiError(ONE_AT_A_TIME, "LIMIT api_concurrent")
            session.heavy.append(kind)
            self._counters.max_heavy_at_once = max(self._counters.max_heavy_at_once, len(session.heavy))
        try:
            yield
        finally:
            with self._lock:
                session.heavy.remove(kind)

    def admit_event_poll(self, session: Session) -> None:
        with self._lock:
            now = self._clock.elapsed()
            if _recent(session.event_polls, now, EVENT_WINDOW_S) >= self.limits.event_polls_per_10_s:
                raise ApiError(ONE_AT_A_TIME, "LIMIT avl_evts")
            session.event_polls.append(now)

    def _bury_the_dead(self) -> None:
        oldest = self._clock.elapsed() - self.limits.idle_s
        for session in [s for s in self._sessions.values() if s.last_used < oldest and not s.at_once]:
            self._drop(session.sid)
        self._count_sessions()

    def _drop(self, sid: str) -> None:
        session = self._sessions.pop(sid, None)
        if session:
            self._counters.loaded(len(session.loader), 0)

    def _count_sessions(self) -> None:
        self._counters.sessions_open = len(self._sessions)
        self._counters.max_sessions = max(self._counters.max_sessions, len(self._sessions))


def _recent(times: deque[float], now: float, seconds: float) -> int:
    """Forgets times older than `seconds`. Returns how many are left."""
    while times and times[0] <= now - seconds:
        times.popleft()
    return len(times)
