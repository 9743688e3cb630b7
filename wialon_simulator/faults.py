"""Switches that make chosen calls fail in chosen ways."""

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson


class FaultKind(StrEnum):
    """What happens instead of, or to, the answer."""

    ERROR = "error"
    SESSION_LOSS = "session_loss"
    EMPTY_1001 = "empty_1001"
    GARBAGE = "garbage"
    SLOW = "slow"
    TIMEOUT = "timeout"
    HTML = "html"
    BAD_GATEWAY = "bad_gateway"
    TRUNCATED = "truncated"
    RESET = "reset"
    RESET_MIDWAY = "reset_midway"


@dataclass(slots=True)
class Fault:
    """Applies to calls of `svc` (None: any) about `unit` (None: any): spares the first `after` of them, then hits
    `times` (None: all). `code` and `reason` are for errors, `seconds` for slow answers and timeouts."""

    id: int
    kind: FaultKind
    svc: str | None = None
    unit: int | None = None
    code: int = 5
    reason: str | int | None = None
    seconds: float = 30.0
    times: int | None = None
    after: int = 0

    def matches(self, svc: str, unit: int | None) -> bool:
        return self.svc in (None, svc) and self.unit in (None, unit)

    def strikes(self) -> bool:
        """Counts one matching call. Returns whether it is to be hit."""
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


class Faults:
    """The switches that are on, in the order they were added."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._added = 0
        self._lock = threading.Lock()

    def add(self, kind: str, **settings: Any) -> int:
        """Switches a fault on; `settings` are the fields of `Fault`. Returns its number.

        Raises ValueError for an unknown kind, TypeError for an unknown setting.
        """
        with self._lock:
            self._added += 1
            self._faults.append(Fault(self._added, FaultKind(kind), **settings))
            return self._added

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, svc: str, unit: int | None, *, inside_batch: bool = False) -> Fault | None:
        """Returns the first fault that hits this call. Inside a batch only faults that name the inner service count."""
        with self._lock:
            for fault in self._faults:
                if inside_batch and fault.svc is None:
                    continue
                if fault.matches(svc, unit) and fault.strikes():
                    return fault
        return None


WEIRD = (None, "NaN", "", "0x1F", -348201.3876, 2**63, 1e308, [1, 2], {"v": 1}, True, "ünï¢ödé\u0000")


def garble(answer: Any) -> Any:
    """Returns the answer with strange values for its messages' parameters, and positions that are none."""
    plain = orjson.loads(orjson.dumps(answer))
    messages = plain.get("messages", []) if isinstance(plain, dict) else plain
    for n, message in enumerate(message for message in messages if isinstance(message, dict) and "t" in message):
        weird = {name: WEIRD[(n + k) % len(WEIRD)] for k, name in enumerate(message.get("p") or {"none": 0})}
        message["p"] = weird | {"": 1, "π": n}
        if n % 5 == 4:
            message["pos"] = {"y": None, "x": "n/a", "s": -1}
    return plain
