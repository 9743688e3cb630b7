"""Quantities known between two readings (legs, counters, levels), spread evenly over the time between."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np
import numpy.typing as npt

from apps.trucks.detection.points import Booleans, Floats, Integers

CONNECTED_S = 35 * 86_400  # readings further apart say nothing about the time between them


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
        parts = self.parts(start, end)
        return fsum(parts) if parts or self.count_readings(start, end) else None

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
