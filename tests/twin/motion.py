"""Engine and motion: what a truck does from one point to the next."""

import math
from bisect import bisect_right
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import NamedTuple, TypeVar

from tests.twin.cleaning import Point
from tests.twin.page import CONNECTED_S, EARTH_RADIUS_M


def engine_on(evidence: str, value: float) -> bool:
    if evidence == "ignition":
        return value != 0
    if evidence == "rpm":
        return value > 300
    return value > 26.4 if value >= 18 else value > 13.2


def tell_states(points: list[Point], evidence: str | None, moving_speed_kmh: float) -> None:
    """Gives each point its engine, PTO, speed and state; what a point lacks is that of the last point that had it."""
    last: dict[str, tuple[int, float]] = {}  # what was last seen, and when
    for point in points:
        seen = {name: value for name, value in point.readings.items() if name in (evidence, "pto")}
        if point.gps_kmh is not None:
            seen["speed"] = point.gps_kmh
        last |= {name: (point.t, value) for name, value in seen.items()}
        known = {name: value for name, (t, value) in last.items() if point.t - t <= CONNECTED_S}
        point.engine = engine_on(evidence, known[evidence]) if evidence in known else None
        point.pto = known.get("pto", 0) != 0
        point.speed_kmh = 0 if point.engine is False else known.get("speed", 0)
        if point.engine is not False and point.speed_kmh > moving_speed_kmh:
            point.state = "moving"
        else:
            point.state = "idle" if point.engine else "parked"


class Place(NamedTuple):
    """Where idling is productive from the first day to the last: within a radius, or inside corners."""

    name: str
    first: date
    last: date | None
    centre: tuple[float, float] | None = None
    radius_m: float = 0
    corners: tuple[tuple[float, float], ...] = ()

    def holds(self, spot: tuple[float, float]) -> bool:
        if self.centre is not None:
            return metres_between(self.centre, spot) <= self.radius_m
        return winds_around(self.corners, spot)


def winds_around(corners: tuple[tuple[float, float], ...], spot: tuple[float, float]) -> bool:
    """Whether the corners' lines go round the spot, or through it; by the angles under which it sees them."""
    total = 0.0
    for one, other in pairwise([*corners, corners[0]]):
        (y1, x1), (y2, x2) = ((lat - spot[0], lon - spot[1]) for lat, lon in (one, other))
        across, along = x1 * y2 - x2 * y1, x1 * x2 + y1 * y2
        if across == 0 and along <= 0:
            return True
        total += math.atan2(across, along)
    return round(total / (2 * math.pi)) % 2 != 0


def tell_places(points: list[Point], places: list[Place]) -> None:
    """Gives each idle point the place it is in, by its own fix or else the last one, and makes it productive there."""
    spot, seen_at = None, 0
    for point in points:
        if point.place is not None:
            spot, seen_at = point.place, point.t
        elif point.t - seen_at > CONNECTED_S:
            spot = None
        names = sorted(place.name for place in places if spot is not None and place.holds(spot))
        point.productive_place = names[0] if names and point.state == "idle" else None


class Stretch(NamedTuple):
    """[start, end) in one state."""

    start: int
    end: int
    state: str
    productive: bool
    place: str | None


def with_next(points: list[Point], as_of: int) -> Iterator[tuple[Point, int]]:
    """Each point with the instant of the next one, the last with `as_of`."""
    yield from zip(points, [*(point.t for point in points[1:]), as_of], strict=False)


def stretches_of(points: list[Point], as_of: int, parameters: dict[str, float]) -> list[Stretch]:
    """The time from the first point to `as_of` without a hole: each point's state up to its cap, then no data."""
    stretches = []
    for point, until in with_next(points, as_of):
        cap = parameters["parked_gap_cap_s" if point.state == "parked" else "engine_gap_cap_s"]
        known_until = min(until, point.t + int(min(cap, CONNECTED_S)))
        productive = point.pto or point.productive_place is not None
        stretches.append(Stretch(point.t, known_until, point.state, productive, point.productive_place))
        stretches.append(Stretch(known_until, until, "no data", False, None))
    return [stretch for stretch in stretches if stretch.start < stretch.end]


class Span(NamedTuple):
    """An amount (metres, hours, litres) that came about evenly over [start, end)."""

    start: int
    end: int
    amount: float


S = TypeVar("S", Stretch, Span)


def overlaps(spans: list[S], start: int, end: int) -> Iterator[tuple[S, int]]:
    """The spans (in order, none over another) that reach into [start, end), each with its seconds inside."""
    index = bisect_right(spans, start, key=lambda span: span.end)
    while index < len(spans) and spans[index].start < end:
        yield spans[index], min(spans[index].end, end) - max(spans[index].start, start)
        index += 1


def seconds(stretches: list[Stretch], state: str, start: int, end: int, *, productive: bool | None = None) -> int:
    inside = overlaps(stretches, start, end)
    return sum(part for stretch, part in inside if stretch.state == state and productive in (None, stretch.productive))


def metres_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The haversine of two places (latitude, longitude in degrees)."""
    (lat1, lon1), (lat2, lon2) = (map(math.radians, place) for place in (one, other))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(h, 1)))
