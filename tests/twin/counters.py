"""Distance and counters: what lies between two readings."""

import math
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from tests.twin.cleaning import Point
from tests.twin.motion import Span, metres_between, overlaps
from tests.twin.page import CONNECTED_S


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is read at certain instants, and the amounts between the readings."""

    read_at: list[int]
    spans: list[Span]

    def read_in(self, start: int, end: int) -> bool:
        return bisect_left(self.read_at, start) < bisect_left(self.read_at, end)

    def known_in(self, start: int, end: int) -> bool:
        return self.read_in(start, end) or any(True for _ in overlaps(self.spans, start, end))

    def within(self, start: int, end: int) -> float | None:
        """The part inside [start, end); None when there is neither a reading nor a span in it."""
        if not self.known_in(start, end):
            return None
        return math.fsum(
            span.amount * part / (span.end - span.start) for span, part in overlaps(self.spans, start, end)
        )


Reading = tuple[int, float]


def readings_of(points: list[Point], name: str) -> list[Reading]:
    return [(point.t, point.readings[name]) for point in points if name in point.readings]


def changes(readings: list[Reading]) -> Quantity:
    """A level's rises and falls between connected readings."""
    spans = [Span(t, u, after - before) for (t, before), (u, after) in pairwise(readings) if u - t <= CONNECTED_S]
    return Quantity([t for t, _ in readings], spans)


def increases(readings: list[Reading]) -> Quantity:
    """A counter's increases; a decrease counts 0."""
    level = changes(readings)
    return Quantity(level.read_at, [span._replace(amount=max(span.amount, 0)) for span in level.spans])


def decreases_at(readings: list[Reading]) -> list[int]:
    return [span.end for span in changes(readings).spans if span.amount < 0]


class Legs(NamedTuple):
    counted: Quantity
    drift: Quantity
    gaps: Quantity


def legs_of(points: list[Point], parameters: dict[str, float]) -> Legs:
    counted, drift, gaps = [], [], []
    fixes = [point for point in points if point.place is not None]
    for one, other in pairwise(fixes):
        assert one.place and other.place
        leg = Span(one.t, other.t, metres_between(one.place, other.place))
        took = other.t - one.t
        if leg.amount / took * 3.6 > parameters["max_leg_kmh"] or took > CONNECTED_S:
            continue
        if took > parameters["trip_max_gap_s"]:
            gaps.append(leg)
            continue
        counted.append(leg)
        drift.append(leg if one.state == other.state == "parked" else leg._replace(amount=0))
    fixed_at = [fix.t for fix in fixes]
    return Legs(Quantity(fixed_at, counted), Quantity(fixed_at, drift), Quantity(fixed_at, gaps))


def whole(figure: float | None) -> int | None:
    return None if figure is None else round(figure)  # Python rounds half to even
