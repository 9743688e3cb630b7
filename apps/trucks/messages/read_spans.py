"""Between which seconds a truck's messages have a reading, so that nobody searches where there is none. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from apps.trucks.detection.evidence import READINGS
from apps.trucks.messages.normal import MessageRow, MessageRows, has_any

COLUMNS = ("lat", "speed_kmh", *READINGS)
# Column → first and last second: never too narrow, and wider than need be where messages are gone. What is not in it
# was never read.
Spans: TypeAlias = Mapping[str, Sequence[int]]


def widened(spans: Spans | None, rows: Sequence[MessageRow]) -> Spans | None:
    """The spans with those of these messages, ascending; None (not known) stays so."""
    if spans is None:
        return None
    found = dict(spans)
    for column, first, last in _spans_of(rows):
        known = found.get(column, (first, last))
        found[column] = [min(first, known[0]), max(last, known[1])]
    return found


def _spans_of(rows: Sequence[MessageRow]) -> Iterator[tuple[str, int, int]]:
    values = MessageRows.of(rows).columns() if rows else {}
    for column in COLUMNS:
        readings = values.get(column, ())
        if has_any(readings):
            yield column, _first(values["t"], readings), _first(reversed(values["t"]), reversed(readings))


def _first(times: Iterable[int], readings: Iterable[object]) -> int:
    return next(t for t, reading in zip(times, readings, strict=True) if reading is not None)
