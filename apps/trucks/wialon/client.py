"""What the sync asks of a Wialon account."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx

from apps.trucks.wialon import batches
from apps.trucks.wialon.account import Account, Retry
from apps.trucks.wialon.answers import (
    ALL_MESSAGES,
    BINDINGS,
    LOAD,
    SEARCH,
    UNLOAD,
    Events,
    bindings_of,
    count_of,
    events_of,
    interval,
    items_of,
    messages_of,
)
from apps.trucks.wialon.errors import TooMuch
from apps.trucks.wialon.session import Session
from apps.trucks.wialon.windows import Window

UNIT_DETAILS = 1 | 8 | 0x100 | 0x400 | 0x1000 | 0x2000 | 0x800000
UNIT_NEWS = 1 | 0x400
RESOURCE_DRIVERS = 1 | 0x100
GROUP_UNITS = 1
LEAST_S, MOST_S = 3_600, 3 * 86_400  # of messages that are loaded at once: some ten thousand, a few megabytes


class WialonClient:
    """One Wialon account. Not for use by several threads at once.

    All methods raise WialonError. `before_try` is called before each try of a call: what must not lapse while Wialon
    is silent is renewed there. `transport` replaces the network in tests.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        session: Session | None = None,
        retry: Retry | None = None,
        transport: httpx.BaseTransport | None = None,
        before_try: Callable[[], None] = lambda: None,
        timeout_s: float = 30,
    ) -> None:
        self._account = Account(url, token, session, retry, transport, before_try, timeout_s)
        self._session = self._account.session
        self.call = self._account.call
        self._seconds = Window(self._session, "seconds", least=LEAST_S, most=MOST_S)
        self._calls = Window(self._session, "calls", least=1, most=batches.CALLS)

    def __enter__(self) -> "WialonClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._account.close()

    # --- events ---

    def recent_time(self) -> int | None:
        """What Wialon's clock showed a few seconds ago, without asking; None where nobody has asked lately."""
        return self._session.clock()

    def events(self) -> Events:
        """Wialon's clock, and which units got messages since this session was last asked.

        Only a hint: a new session has missed what came before it, and what was told is never told again.
        """
        happened = events_of(self._account.poll())
        self._session.keep_clock(happened.server_time)
        if (sid := self._session.sid()) and not self._session.watches(sid):
            self._watch(sid)
        return happened

    def _watch(self, sid: str) -> None:
        """Has the session told of the messages of all units from now on; else what it would tell is counted hourly."""
        spec = {"type": "type", "data": "avl_unit", "flags": UNIT_NEWS, "mode": 0}
        if self._account.tell("core/update_data_flags", {"spec": [spec]}):
            self._session.watched(sid)

    # --- items ---

    def units(self, flags: int) -> list[dict[str, Any]]:
        """All units the token may see, with the data the flags ask for."""
        return self._search("avl_unit", flags)

    def groups(self) -> list[dict[str, Any]]:
        return self._search("avl_unit_group", GROUP_UNITS)

    def resources(self) -> list[dict[str, Any]]:
        """All resources with their drivers."""
        return self._search("avl_resource", RESOURCE_DRIVERS)

    def _search(self, items_type: str, flags: int) -> list[dict[str, Any]]:
        spec = {"itemsType": items_type, "propName": "sys_name", "propValueMask": "*", "sortType": "sys_name"}
        return items_of(self.call(SEARCH, {"spec": spec, "force": 1, "flags": flags, "from": 0, "to": 0}))

    def driver_bindings(self, resource_id: int, first_t: int, last_t: int) -> dict[int, list[tuple[int, int]]]:
        """By driver of a resource when in [first_t, last_t] they were bound to which unit (0: to none), ascending.

        A driver who was neither bound nor freed in that time is not told of. In halves where Wialon finds it too much.
        """
        params = {"resourceId": resource_id, "unitId": 0, "driverId": 0, "timeFrom": first_t, "timeTo": last_t}
        try:
            return bindings_of(self.call(BINDINGS, params))
        except TooMuch:
            if first_t == last_t:
                raise
        middle = (first_t + last_t) // 2
        found = self.driver_bindings(resource_id, first_t, middle)
        for driver_id, later in self.driver_bindings(resource_id, middle + 1, last_t).items():
            found[driver_id] = found.get(driver_id, []) + later
        return found

    # --- messages ---

    def messages(self, unit_id: int, first_t: int, last_t: int) -> Iterator[list[dict[str, Any]]]:
        """A unit's data messages of [first_t, last_t] in ascending batches.

        In pieces of the size that worked last for the account; and these in halves where Wialon finds one too much, or
        returns fewer than it says there are.
        """
        while first_t <= last_t:
            end_t = self._end_of_piece(first_t, last_t)
            yield from self._in_halves(unit_id, first_t, end_t)
            first_t = end_t + 1

    def _end_of_piece(self, first_t: int, last_t: int) -> int:
        """What is longer than the sync ever asks for is hardly filled, such as all the future."""
        return last_t if last_t - first_t >= MOST_S else min(last_t, first_t + self._seconds.size - 1)

    def _in_halves(self, unit_id: int, first_t: int, last_t: int) -> Iterator[list[dict[str, Any]]]:
        length = last_t - first_t + 1
        try:
            batch = messages_of(self._load_interval(unit_id, first_t, last_t, limit=ALL_MESSAGES))
        except TooMuch:
            if first_t == last_t:
                raise
            self._seconds.was_too_much(length)
            middle = (first_t + last_t) // 2
            yield from self._in_halves(unit_id, first_t, middle)
            yield from self._in_halves(unit_id, middle + 1, last_t)
            return
        self._seconds.was_answered(length)
        if batch:
            yield batch

    def messages_of_many(self, wanted: Sequence[batches.Wanted]) -> dict[int, list[dict[str, Any]]]:
        """Unit → its data messages, ascending, for (unit, first second, last second) each: many in one request.

        Only what came whole is in the answer; the other units are to be asked for one by one.
        """
        found: dict[int, list[dict[str, Any]]] = {}
        left = list(wanted)
        while left:
            part, left = left[: (size := self._calls.size)], left[size:]
            found |= batches.messages_of_many(self.call, part, self._calls)
        return found

    def counts(self, unit_id: int, stretches: Sequence[tuple[int, int]]) -> list[int | None]:
        """How many data messages of each stretch (both ends included) Wialon has; None where that is too much at once.

        Many in one request; one by one where Wialon does not take batches.
        """
        counted: list[int | None] = []
        for start in range(0, len(stretches), batches.CALLS):
            part = [(unit_id, *stretch) for stretch in stretches[start : start + batches.CALLS]]
            counted += batches.counts(self.call, part) or [self._count_or_none(*each) for each in part]
        return counted

    def _count_or_none(self, unit_id: int, first_t: int, last_t: int) -> int | None:
        try:
            return self.count_messages(unit_id, first_t, last_t)
        except TooMuch:
            return None

    def count_messages(self, unit_id: int, first_t: int, last_t: int) -> int:
        """How many data messages of [first_t, last_t] Wialon has, without fetching them."""
        return count_of(self._load_interval(unit_id, first_t, last_t, limit=0))

    def _load_interval(self, unit_id: int, first_t: int, last_t: int, *, limit: int) -> Any:
        """What stays in the session's loader counts against the account's quota: so it is emptied each time."""
        try:
            answer = self.call(LOAD, interval(unit_id, first_t, last_t, limit=limit))
        except TooMuch:
            self._account.tell(UNLOAD, {})
            raise
        self._account.tell(UNLOAD, {})  # if that fails: the next load replaces it
        return answer


def intervals(first_t: int, last_t: int, length_s: int) -> Iterator[tuple[int, int]]:
    """[first_t, last_t] cut into pieces of at most a length, both ends included, ascending."""
    for start in itertools.takewhile(lambda t: t <= last_t, itertools.count(first_t, length_s)):
        yield start, min(start + length_s - 1, last_t)
