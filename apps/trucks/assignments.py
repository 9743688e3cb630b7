"""Who has a truck when: assignments from several sources, of which one driver at a time counts. Pure.

Instants are UTC seconds, intervals half-open; an end of None means that it still goes on.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

FOREVER = 2**62


class Source(StrEnum):
    """Who says so, the most trusted first."""

    MANUAL = "manual"
    BINDING = "binding"
    MESSAGE = "message"


_RANKS = {source: rank for rank, source in enumerate(reversed(Source))}


@dataclass(frozen=True, slots=True)
class Assignment:
    """A source's word that a driver has a truck in [start, end)."""

    driver_id: int
    start: int
    end: int | None
    source: Source

    @property
    def precedence(self) -> tuple[int, int, int]:
        """Of several at one moment the highest counts: the better source, then who came later."""
        return _RANKS[self.source], self.start, self.driver_id


class Shift(NamedTuple):
    """A driver counts as the truck's in [start, end)."""

    start: int
    end: int
    driver_id: int


def shifts(assignments: Iterable[Assignment]) -> list[Shift]:
    """What counts, ascending and disjoint; time of which nobody is known is left out."""
    known = _with_ends(list(assignments))
    edges = sorted({edge for each, end in known for edge in (each.start, end)})
    waiting = sorted(known, key=lambda pair: pair[0].start, reverse=True)
    under_way: list[tuple[Assignment, int]] = []
    found: list[Shift] = []
    for start, end in pairwise(edges):
        while waiting and waiting[-1][0].start <= start:
            under_way.append(waiting.pop())
        under_way = [pair for pair in under_way if pair[1] > start]
        if under_way:
            driver_id = max(under_way, key=lambda pair: pair[0].precedence)[0].driver_id
            _append(found, Shift(start, end, driver_id))
    return found


def _with_ends(assignments: Sequence[Assignment]) -> list[tuple[Assignment, int]]:
    """Each with its end. A key card says nothing any more once its owner was released from the truck in Wialon."""
    releases: dict[int, list[int]] = {}
    for each in assignments:
        if each.source is Source.BINDING and each.end is not None:
            releases.setdefault(each.driver_id, []).append(each.end)
    known = []
    for each in assignments:
        end = FOREVER if each.end is None else each.end
        if each.source is Source.MESSAGE:
            end = min([end, *(t for t in releases.get(each.driver_id, []) if t > each.start)])
        known.append((each, end))
    return known


def _append(found: list[Shift], shift: Shift) -> None:
    """As part of the last one where the same driver goes on."""
    if found and found[-1].end == shift.start and found[-1].driver_id == shift.driver_id:
        shift = found.pop()._replace(end=shift.end)
    found.append(shift)


def driver_at(shifts: Sequence[Shift], t: int) -> int | None:
    """The driver who counts at a second; None if nobody is known."""
    index = bisect_right(shifts, t, key=attrgetter("start")) - 1
    return shifts[index].driver_id if index >= 0 and t < shifts[index].end else None


class Part(NamedTuple):
    """A part [start, end) of some time, and who had the truck in it; None: nobody is known."""

    start: int
    end: int
    driver_id: int | None


def parts(shifts: Sequence[Shift], start: int, end: int) -> Iterator[Part]:
    """[start, end) cut where the driver changes, ascending."""
    at = start
    for index in range(bisect_right(shifts, start, key=attrgetter("end")), len(shifts)):
        shift = shifts[index]
        if shift.start >= end:
            break
        if at < shift.start:
            yield Part(at, shift.start, None)
        at, before = min(shift.end, end), max(shift.start, start)
        yield Part(before, at, shift.driver_id)
    if at < end:
        yield Part(at, end, None)


def main_driver(shifts: Sequence[Shift], start: int, end: int) -> int | None:
    """Who had the truck for most of [start, end): longer than anybody else, and than nobody. Of equals the earlier."""
    seconds: dict[int | None, int] = {}
    for first, last, driver_id in parts(shifts, start, end):
        seconds[driver_id] = seconds.get(driver_id, 0) + last - first
    return max(seconds, key=lambda driver_id: seconds[driver_id], default=None)  # max takes the first of equals


def differences(before: Sequence[Shift], after: Sequence[Shift]) -> list[tuple[int, int]]:
    """The intervals in which another driver counts than before, ascending."""
    edges = sorted({edge for shift in (*before, *after) for edge in (shift.start, shift.end)})
    found: list[tuple[int, int]] = []
    for start, end in pairwise(edges):
        if driver_at(before, start) != driver_at(after, start):
            joins = bool(found) and found[-1][1] == start
            found.append((found.pop()[0] if joins else start, end))
    return found


# --- what sources say ---------------------------------------------------------------------------------------------


class Binding(NamedTuple):
    """From this second on the driver is bound to a truck, or to none."""

    t: int
    truck_id: int | None


class Login(NamedTuple):
    """At this second a key card was read in a truck; None: of nobody who is known, or somebody logged out."""

    t: int
    driver_id: int | None


LONGEST_LOGIN_S = 15 * 3_600  # no driver works longer at a stretch: yesterday's login says nothing of today


def logged_in(logins: Iterable[Login]) -> list[Assignment]:
    """What a truck's logins, in order, say: a driver has it until the next one, but not for more than 15 hours."""
    last_words = {login.t: login.driver_id for login in logins}
    seconds = sorted(last_words)
    return [
        Assignment(driver_id, t, min(following, t + LONGEST_LOGIN_S), Source.MESSAGE)
        for t, following in pairwise([*seconds, FOREVER])
        if (driver_id := last_words[t]) is not None
    ]


class Bound(NamedTuple):
    """A driver is bound to a truck in [start, end)."""

    truck_id: int
    start: int
    end: int | None


def bound(bindings: Iterable[Binding]) -> list[Bound]:
    """The intervals between a driver's bindings, which come in the order in which they happened.

    Of several in one second the last counts: a driver leaves one truck for the next.
    """
    last_words = {binding.t: binding.truck_id for binding in bindings}
    steps = [Binding(t, last_words[t]) for t in sorted(last_words)]
    changes = [step for index, step in enumerate(steps) if index == 0 or step.truck_id != steps[index - 1].truck_id]
    ends = [*(change.t for change in changes[1:]), None]
    return [
        Bound(change.truck_id, change.t, end)
        for change, end in zip(changes, ends, strict=False)  # nothing has one end too many
        if change.truck_id is not None
    ]


def bindings_of(intervals: Iterable[Bound]) -> list[Binding]:
    """The bindings that these intervals, disjoint, come from."""
    found: list[Binding] = []
    for truck_id, start, end in sorted(intervals, key=lambda each: each.start):
        found.append(Binding(start, truck_id))
        if end is not None:
            found.append(Binding(end, None))
    return found


def renewed(
    stored: Iterable[Bound], told: Iterable[Binding], first_t: int | None, now_bound: Binding | None
) -> list[Bound]:
    """A driver's intervals after reading anew what Wialon tells of the time from `first_t` on.

    What it tells replaces all that was known from there on; None: nothing could be read. `now_bound` is the last
    binding or release by the driver's own data, which counts unless a later one is known.
    """
    earlier = [each for each in bindings_of(stored) if first_t is None or each.t < first_t]
    steps = [*earlier, *told]
    if now_bound is not None and all(step.t < now_bound.t for step in steps):
        steps.append(now_bound)
    return bound(steps)
