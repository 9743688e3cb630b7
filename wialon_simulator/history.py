"""One unit's messages as the server has them now: what was generated or recorded, plus and minus a test's edits."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import orjson

from wialon_simulator.recorder import POSITION, Message

DAY = 86_400
ALWAYS = 2**62
AHEAD = 3600  # no tracker's clock runs further ahead of the server's


class Stored(NamedTuple):
    """A message as the server keeps it; `body` is its JSON text, `registered` when it became visible."""

    t: int
    registered: int
    flags: int
    body: bytes


class Totals(NamedTuple):
    """What the unit's own counters have reached."""

    km: float
    engine_h: float


class Source(Protocol):
    """Where a unit's messages come from."""

    def between(self, first: int, last: int) -> list[Stored]:
        """Returns messages with first <= t <= last by device time, the not yet registered ones too."""
        ...

    def begins(self) -> int:
        """Returns a time before which there are no messages."""
        ...

    def totals(self, t: int) -> Totals: ...

    def duties(self, until: int) -> Sequence[tuple[int, int, int]]:
        """Returns (shift, from, to) of all working spans that begin before `until`."""
        ...


def stored(message: Message) -> Stored:
    """Returns a message ready to be served; without `rt` it counts as registered when it was made."""
    made: int = message["t"]
    body = bytes(memoryview(orjson.dumps(message)))  # a copy: what orjson returns keeps a buffer of 4 kB alive
    return Stored(made, message.get("rt", made), message.get("f", 0), body)


class NoMessages:
    """The source of a unit that has never reported, or whose messages a test puts in."""

    def __init__(self, since: int) -> None:
        self._since = since

    def between(self, first: int, last: int) -> list[Stored]:
        return []

    def begins(self) -> int:
        return self._since

    def totals(self, t: int) -> Totals:
        return Totals(0.0, 0.0)

    def duties(self, until: int) -> Sequence[tuple[int, int, int]]:
        return ()


class History:
    """Answers what is visible at a time: a message is once its registration time has come. All bounds are inclusive."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._added: list[Stored] = []
        self._added_at: dict[Stored, int] = {}
        self._deleted: set[Stored] = set()
        self._edits = 0
        self._params: tuple[tuple[Stored, int], dict[str, Any]] | None = None

    def between(self, first: int, last: int, now: int) -> list[Stored]:
        """Returns the messages of device time [first, last] that are visible at `now`, ascending by device time."""
        return [record for record in self._all(first, last, now) if record.registered <= now]

    def newest(self, now: int, *, flags: int = 0) -> Stored | None:
        """Returns the visible message of the latest device time that has all of `flags`, or None."""
        last, span = max([now, *(record.t for record in self._added)]), DAY
        begin = min([self.source.begins(), *(record.t for record in self._added)])
        while True:
            fitting = [r for r in self.between(last - span, last, now) if r.flags & flags == flags]
            if fitting:
                return fitting[-1]
            if last - span < begin:
                return None
            span *= 4

    def arrived(self, after: int, until: int) -> list[Stored]:
        """Returns what became visible in (after, until] by itself, in order of registration."""
        first = after - 2 * DAY
        new = [r for r in self._all(first, until, until) if after < r.registered <= until]
        by_itself = [r for r in new if r.registered > self._added_at.get(r, -1)]
        return sorted(by_itself, key=lambda record: record.registered)

    def params(self, now: int) -> dict[str, dict[str, Any]]:
        """Returns each parameter's last value `v`, when it was seen (`at`) and when it last changed (`ct`)."""
        newest = self.newest(now)
        if newest is None:
            return {}
        key = (newest, self._edits)
        if self._params is None or self._params[0] != key:
            self._params = (key, _last_values(self.between(newest.t - DAY, newest.t, now)))
        return self._params[1]

    def add(self, messages: Iterable[Message], now: int) -> list[Stored]:
        """Stores messages; one without `rt` is registered now. Returns those that are visible at once."""
        records = [stored({"tp": "ud", "f": POSITION if m.get("pos") else 0, "rt": now} | m) for m in messages]
        self._added = sorted([*self._added, *records], key=_time)
        self._added_at |= dict.fromkeys(records, now)
        self._deleted.difference_update(records)
        self._edits += 1
        return [record for record in records if record.registered <= now]

    def delete(self, predicate: Callable[[Message], bool], now: int) -> int:
        """Removes the visible messages that `predicate` is true for. Returns how many."""
        last = max([now, *(record.t for record in self._added)])
        doomed = {r for r in self.between(-ALWAYS, last, now) if predicate(orjson.loads(r.body))}
        self._deleted |= doomed
        self._edits += 1
        return len(doomed)

    def _all(self, first: int, last: int, now: int) -> list[Stored]:
        records = self.source.between(first, min(last, now + AHEAD))
        if self._added:
            low, high = bisect_left(self._added, first, key=_time), bisect_right(self._added, last, key=_time)
            records = sorted([*records, *self._added[low:high]], key=_time)
        return [record for record in records if record not in self._deleted] if self._deleted else records


def _time(record: Stored) -> int:
    return record.t


def _last_values(records: Iterable[Stored]) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {}
    for record in records:
        for name, value in orjson.loads(record.body).get("p", {}).items():
            known = values.get(name)
            if known and known["v"] == value:
                known["at"] = record.t
            else:
                values[name] = {"v": value, "ct": record.t, "at": record.t}
    return values
