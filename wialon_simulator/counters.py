"""What has been asked of the simulator so far."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Counters:
    """Calls by service (inner calls of a batch too) and the highest loads; `max_…` are the worst of any one session."""

    calls: Counter[str] = field(default_factory=Counter)
    errors: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    logins_ok: int = 0
    logins_failed: int = 0
    sessions_open: int = 0
    max_sessions: int = 0
    max_at_once: int = 0
    max_heavy_at_once: int = 0
    messages_loaded: int = 0
    messages_held: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def called(self, svc: str) -> None:
        with self._lock:
            self.calls[svc] += 1

    def failed(self, code: int) -> None:
        with self._lock:
            self.errors[code] += 1

    def hit(self, fault: str) -> None:
        with self._lock:
            self.faults[fault] += 1

    def loaded(self, before: int, after: int) -> None:
        """Notes that a session's loader went from `before` to `after` messages."""
        with self._lock:
            self.messages_loaded += after
            self.messages_held += after - before

    def as_dict(self) -> dict[str, Any]:
        """Returns everything with text keys, for JSON."""
        with self._lock:
            plain = {name: getattr(self, name) for name in self.__slots__ if name != "_lock"}
            return plain | {name: {str(k): n for k, n in plain[name].items()} for name in ("calls", "errors", "faults")}
