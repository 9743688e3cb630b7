"""Quantities known between two readings (legs, counters, levels), spread evenly over the time between."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from apps.trucks.detection.points import Booleans, Floats, Integers

CONNECTED_S = 35 * 86_400  # readings further apart say nothing about the time between them


Intervals: TypeAlias = npt.NDArray[np.int64]  # a row each: start, end, UTC seconds, half-open


def intervals_of(pairs: Iterable[tuple[int, int]]) -> Intervals:
    return np.array(list(pairs), dtype=np.int64).reshape(-1, 2)


def overlap(start: int, end: int, other_start: int, other_end: int) -> int:
    """The seconds that two intervals have in common."""
    return max(0, min(end, other_end) - max(start, other_start))


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """A quantity over time, in columns: thousands of pieces are summed without touching each."""

    readings: Integers  # the seconds at which it was read, ascending
    starts: Integers  # of the pieces: ascending, not overlapping
    ends: Integers
    amounts: Floats

    @classmethod
    def of(cls, times: Integers, amounts: Floats, kept: Booleans) -> "Spread":
        """The spread of those amounts between consecutive readings that are to be kept."""
        return cls(times, times[:-1][kept], times[1:][kept], amounts[kept])

    def parts(self, start: int, end: int) -> list[float]:
        """What the pieces that reach into [start, end) add to it, one number each."""
        first, last = _position(self.ends, start + 1), _position(self.starts, end) - 1
        if last < first or end <= start:
            return []
        parts: list[float] = self.amounts[first : last + 1].tolist()
        for edge in {first, last}:  # only the outermost can reach over the ends
            edge_start, edge_end = self.starts[edge].item(), self.ends[edge].item()
            parts[edge - first] *= overlap(edge_start, edge_end, start, end) / (edge_end - edge_start)
        return parts

    def between(self, start: int, end: int) -> float | None:
        """The amount in [start, end); null when it was neither read in there nor connects over any part of it."""
        return fsum(self.parts(start, end)) if self.is_measured(start, end) else None

    def is_measured(self, start: int, end: int) -> bool:
        """Whether it was read in [start, end), or connects over any part of it."""
        connects_over = start < end and _position(self.ends, start + 1) < _position(self.starts, end)
        return connects_over or self.count_readings(start, end) > 0

    def parts_of(self, intervals: Intervals) -> list[list[float]]:
        """The `parts` of each of many intervals, for a fraction of the work."""
        if not len(self.starts) or not len(intervals):
            return [[] for _ in intervals]
        starts, ends = intervals.T
        first = self.ends.searchsorted(starts, side="right")
        stop = np.where(starts < ends, self.starts.searchsorted(ends), first)
        heads, tails = self._reaching(first, starts, ends), self._reaching(stop - 1, starts, ends)
        offset = int(first.min())
        amounts: list[float] = self.amounts[offset : stop.max()].tolist()
        found = []
        for at, end, head, tail in zip(
            *((each - offset).tolist() for each in (first, stop)), heads, tails, strict=True
        ):
            parts = amounts[at:end] if at < end else []
            if parts:
                parts[0] *= head
            if len(parts) > 1:
                parts[-1] *= tail
            found.append(parts)
        return found

    def _reaching(self, pieces: Integers, starts: Integers, ends: Integers) -> list[float]:
        """Which part of each of these pieces lies in the interval of its turn; anything where there is no piece."""
        there = np.clip(pieces, 0, len(self.starts) - 1)
        first, last = self.starts[there], self.ends[there]
        parts: list[float] = ((np.minimum(last, ends) - np.maximum(first, starts)) / (last - first)).tolist()
        return parts

    def between_each(self, intervals: Intervals) -> list[float | None]:
        """What `between` is of each of many intervals."""
        if not len(intervals):
            return []
        starts, ends = intervals.T
        was_read = self.readings.searchsorted(ends) > self.readings.searchsorted(starts)
        every = zip(self.parts_of(intervals), was_read.tolist(), strict=True)
        return [fsum(parts) if parts or is_read else None for parts, is_read in every]

    def count_readings(self, start: int, end: int) -> int:
        return max(0, _position(self.readings, end) - _position(self.readings, start))


def _position(seconds: Integers, t: int) -> int:
    """Of the first of these seconds, ascending, at or after an instant."""
    return int(seconds.searchsorted(t))


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter that should only grow: by how much it grew, and when it was found to have gone back."""

    increase: Spread
    resets: Sequence[int]  # the seconds of the later readings

    def count_resets(self, start: int, end: int) -> int | None:
        """How often it went back; null when it was not read in [start, end)."""
        if not self.increase.count_readings(start, end):
            return None
        return bisect_left(self.resets, end) - bisect_left(self.resets, start)


def counter(times: npt.ArrayLike, values: npt.ArrayLike) -> Counter:
    """The counter with these readings, ascending; a decrease counts 0."""
    t, increase = np.asarray(times, dtype=np.int64), np.diff(np.asarray(values, dtype=np.float64))
    connected = connects(t)
    resets = t[1:][connected & (increase < 0)]
    return Counter(Spread.of(t, np.maximum(increase, 0.0), connected), resets.tolist())


def connects(times: Integers) -> Booleans:
    """Whether consecutive readings say something of the time between, for each two."""
    connected: Booleans = np.diff(times) <= CONNECTED_S
    return connected
