"""Stored messages in columns, before it is decided which of their positions are fixes. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.trucks.detection.points import VALUES, Booleans, Floats, Integers, Point, Points, merge, woven
from apps.trucks.messages.normal import StoredMessages

OF_EACH = ("t", "dropped", "fix_at", "harsh")
OF_FIX = ("lat", "lon", "speed_kmh")
NUMBERS = (*OF_EACH, *VALUES)
NO_FIX, ANY_FIX = -1, 1_000_000  # in `fix_at`: the position is none; it is one whatever is asked of satellites


@dataclass(frozen=True, slots=True, eq=False)
class MessageColumns:
    """Messages of one truck, one by one, in the order in which the later of one second wins; NaN for null.

    `numbers` has t, `dropped`, `fix_at` (how many satellites may be asked for that the position is a fix), `harsh`, and
    whatever has been read of VALUES: place and speed as they came, a yes as 1.
    """

    numbers: Mapping[str, Floats]
    dtc: Sequence[tuple[int, str]] = ()  # (position among the messages, active faults)

    def __len__(self) -> int:
        return len(self.numbers["t"])

    def between(self, start: int, end: int) -> "MessageColumns":
        """The messages of [start, end)."""
        first, last = np.searchsorted(self.numbers["t"], (start, end)).tolist()
        if last - first == len(self):
            return self
        numbers = {name: column[first:last] for name, column in self.numbers.items()}
        return MessageColumns(numbers, [(at - first, told) for at, told in self.dtc if first <= at < last])

    def stored(self, readings: Collection[str], min_satellites: int) -> StoredMessages:
        """What the messages count for, and the points that they make: with these readings, the others are null."""
        numbers, t = self.numbers, self.numbers["t"].astype(np.int64)
        is_fix = numbers["fix_at"] >= min_satellites
        read = {name: np.where(is_fix, numbers[name], np.nan) for name in OF_FIX}
        read |= {name: numbers[name] for name in VALUES if name in readings and name not in read}
        values = {name: read.get(name, np.full(len(t), np.nan)) for name in VALUES}
        told = dict(self.dtc) if "dtc" in readings else {}
        return StoredMessages(t, numbers["dropped"].astype(np.int64), _points(t, values, numbers["harsh"], told))


def joined(parts: Sequence[MessageColumns]) -> MessageColumns:
    """Messages that follow upon each other, as one; with the columns that all of them have."""
    if len(parts) == 1:
        return parts[0]
    names = [name for name in NUMBERS if all(name in part.numbers for part in parts)]
    numbers = {name: np.concatenate([part.numbers[name] for part in parts]) for name in names}
    starts = np.cumsum([0, *map(len, parts)]).tolist()
    dtc = [(start + at, told) for start, part in zip(starts, parts, strict=False) for at, told in part.dtc]
    return MessageColumns(numbers, dtc)


def _points(t: Integers, values: Mapping[str, Floats], harsh: Floats, dtc: Mapping[int, str]) -> Points:
    """One point a second."""
    doubled = np.zeros(len(t), dtype=np.bool_)
    if len(t):
        same = t[1:] == t[:-1]
        doubled[1:] |= same
        doubled[:-1] |= same
    if not doubled.any():
        return _single(t, values, harsh, dtc, np.ones(len(t), dtype=np.bool_))
    merged = merge(_point(t, values, harsh, dtc, at) for at in np.flatnonzero(doubled).tolist())
    return woven(_single(t, values, harsh, dtc, ~doubled), Points.of(merged))


def _single(t: Integers, values: Mapping[str, Floats], harsh: Floats, dtc: Mapping[int, str], kept: Booleans) -> Points:
    """The points of those messages to be kept, none of which shares its second."""
    told = np.flatnonzero(kept & ~np.isnan(harsh))
    every = kept.all()
    columns: Any = {name: column if every else column[kept] for name, column in values.items()}
    return Points(
        t=t if every else t[kept],
        harsh=list(zip(t[told].tolist(), harsh[told].astype(np.int64).tolist(), strict=True)),
        dtc=[(int(t[at]), text) for at, text in dtc.items() if kept[at]],
        **columns,
    )


def _point(t: Integers, values: Mapping[str, Floats], harsh: Floats, dtc: Mapping[int, str], at: int) -> Point:
    """The point that one message alone makes."""
    numbers: Any = {name: _or_none(column[at].item()) for name, column in values.items()}
    code = _or_none(harsh[at].item())
    return Point(t=int(t[at]), **numbers, harsh=None if code is None else int(code), dtc=dtc.get(at))


def _or_none(value: float) -> float | None:
    return None if value != value else value
