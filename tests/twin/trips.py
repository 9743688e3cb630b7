"""Trips, stops, and who had the truck."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.twin.cleaning import Point
from tests.twin.motion import seconds

if TYPE_CHECKING:
    from tests.twin.history import History


class Trip(NamedTuple):
    start: int
    end: int | None
    distance_m: int | None
    moving_s: int
    idle_s: int | None
    parked_s: int
    no_data_s: int
    driver: Any


class Stop(NamedTuple):
    start: int
    end: int | None


def trips_of(history: "History") -> list[Trip]:
    trips = []
    for start, end in movements(history.points, history.as_of, history.parameters):
        until = history.as_of if end is None else end
        distance_m, _ = history.distance(start, until)
        too_near = distance_m is not None and distance_m < history.parameters["trip_min_m"]
        if until - start < history.parameters["trip_min_s"] or too_near:
            continue
        moving, idle, parked, no_data = (
            seconds(history.stretches, state, start, until) for state in ("moving", "idle", "parked", "no data")
        )
        idle_s, driver = idle if history.evidence else None, driver_of(history.assigned, start, until)
        trips.append(Trip(start, end, distance_m, moving, idle_s, parked, no_data, driver))
    return trips


class Assigned(NamedTuple):
    """Somebody had the truck from one second to another (None: still), as a source says."""

    start: int
    end: int | None
    driver: Any
    source: str


TRUST = ["message", "binding", "manual"]


def had_the_truck(assigned: list[Assigned], t: int) -> Any:
    """Who counts at a second; None: nobody is known."""
    then = [
        each
        for each in assigned
        if each.start <= t and (each.end is None or t < each.end) and not is_released(assigned, each, t)
    ]
    return max(then, key=lambda each: (TRUST.index(each.source), each.start, each.driver)).driver if then else None


def is_released(assigned: list[Assigned], login: Assigned, t: int) -> bool:
    """Whether a driver who logged in by key card has been released from the truck in Wialon since."""
    own = [each for each in assigned if each.source == "binding" and each.driver == login.driver]
    return login.source == "message" and any(each.end is not None and login.start < each.end <= t for each in own)


def driver_of(assigned: list[Assigned], start: int, end: int) -> Any:
    """Who had the truck for the most seconds, nobody known counting like a driver; of equals the one who came first."""
    instants = {t for each in assigned for t in (each.start, each.end) if t is not None and start < t < end}
    pieces = list(pairwise(sorted({start, end} | instants)))
    total: dict[Any, int] = {}
    for first, last in pieces:
        driver = had_the_truck(assigned, first)
        total[driver] = total.get(driver, 0) + last - first
    return next(driver for driver, most in total.items() if most == max(total.values()))


def movements(points: list[Point], as_of: int, parameters: dict[str, float]) -> Iterator[tuple[int, int | None]]:
    """Start and end of what may be a trip, however short; the end is None when it may still go on at `as_of`."""
    instants = [*(point.t for point in points), as_of]
    index = 0
    while index < len(points):
        if points[index].state != "moving":
            index += 1
            continue
        last, end = last_moving_and_end(points, instants, index, parameters)
        yield points[index].t, end
        index = last + 1


def last_moving_and_end(
    points: list[Point], instants: list[int], first: int, parameters: dict[str, float]
) -> tuple[int, int | None]:
    """The index of the last moving point of the movement that starts at points[first], and the instant of its end.

    `instants` are those of the points and then `as_of`, at which nothing is known to move.
    """
    last = first
    for index in range(first + 1, len(instants)):
        after_last = instants[last + 1]
        if last + 1 < len(points) and instants[index] - after_last >= parameters["trip_end_s"]:
            return last, after_last
        if instants[index] - instants[index - 1] > parameters["trip_max_gap_s"]:
            return last, instants[index - 1]
        if index < len(points) and points[index].state == "moving":
            last = index
    return last, None


def stops_of(trips: list[Trip]) -> list[Stop]:
    starts_of_next = [*(trip.start for trip in trips[1:]), None]
    return [Stop(trip.end, start) for trip, start in zip(trips, starts_of_next, strict=False) if trip.end is not None]
