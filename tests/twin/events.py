"""Idling, speeding, fuel, harsh driving and faults."""

import statistics
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

from tests.twin.cleaning import Point
from tests.twin.motion import Stretch, with_next
from tests.twin.page import CONNECTED_S, FUEL_STEPS_JOIN_S

if TYPE_CHECKING:
    from tests.twin.history import History


class Idling(NamedTuple):
    start: int
    end: int
    productive_s: int
    place: str | None


class Speeding(NamedTuple):
    start: int
    end: int
    severity: str
    max_kmh: float


class FuelEvent(NamedTuple):
    kind: str
    start: int
    end: int
    litres: float


class Harsh(NamedTuple):
    start: int
    end: int
    kind: str
    source: str


class FaultChange(NamedTuple):
    start: int
    end: int
    kind: str
    spn: int
    fmi: int
    source: int
    severity: str


def idling_of(stretches: list[Stretch]) -> list[Idling]:
    """Unbroken idling, however short."""
    unbroken = (list(group) for state, group in groupby(stretches, key=lambda s: s.state) if state == "idle")
    return [
        Idling(
            group[0].start,
            group[-1].end,
            sum(stretch.end - stretch.start for stretch in group if stretch.productive),
            next((stretch.place for stretch in group if stretch.place), None),
        )
        for group in unbroken
    ]


def speeding_of(points: list[Point], as_of: int, parameters: dict[str, float]) -> list[Speeding]:
    episodes = []
    start, max_kmh = None, 0.0
    for point, until in with_next(points, as_of):
        over = point.gps_kmh is not None and point.speed_kmh > parameters["speed_limit_kmh"]
        if over:
            start, max_kmh = (point.t, point.speed_kmh) if start is None else (start, max(max_kmh, point.speed_kmh))
        if start is None:
            continue
        slow = point.gps_kmh is not None and not over
        end = None
        if slow or point.engine is False:
            end = point.t
        elif until - point.t > parameters["engine_gap_cap_s"]:
            end = point.t + int(parameters["engine_gap_cap_s"])
        elif until == as_of and point is points[-1]:
            end = as_of
        if end is not None:
            episodes.append(Speeding(start, end, severity(max_kmh, parameters), max_kmh))
            start = None
    return [episode for episode in episodes if episode.end - episode.start >= parameters["speeding_min_s"]]


def severity(max_kmh: float, parameters: dict[str, float]) -> str:
    excess = max_kmh - parameters["speed_limit_kmh"]
    if excess <= parameters["speeding_minor_kmh"]:
        return "minor"
    return "moderate" if excess <= parameters["speeding_moderate_kmh"] else "severe"


def fuel_events_of(points: list[Point], parameters: dict[str, float]) -> list[FuelEvent]:
    readings = [point for point in points if "level_l" in point.readings]
    joined: dict[str, list[list[int]]] = {"refuel": [], "drain": []}  # index of the first and the last reading of each
    for index, (before, after) in enumerate(pairwise(readings)):
        kind = step_kind(before, after, parameters)
        if kind is None:
            continue
        events = joined[kind]
        if events and before.t - readings[events[-1][1]].t <= FUEL_STEPS_JOIN_S:
            events[-1][1] = index + 1
        else:
            events.append([index, index + 1])
    found = []
    for kind, events in joined.items():
        for first, last in events:
            before_l = usual_level(readings[max(first - 4, 0) : first + 1], readings[first].t)
            after_l = usual_level(readings[last : last + 5], readings[last].t)
            found.append(FuelEvent(kind, readings[first].t, readings[last].t, abs(after_l - before_l)))
    return sorted(found, key=lambda event: event.start)


def usual_level(readings: list[Point], t: int) -> float:
    return statistics.median(point.readings["level_l"] for point in readings if abs(point.t - t) <= CONNECTED_S)


def step_kind(before: Point, after: Point, parameters: dict[str, float]) -> str | None:
    if after.t - before.t > CONNECTED_S:
        return None
    step = after.readings["level_l"] - before.readings["level_l"]
    if step >= parameters["refuel_min_l"]:
        return "refuel"
    return "drain" if -step >= parameters["drain_min_l"] and before.engine is False else None


def fault_changes_of(points: list[Point]) -> list[FaultChange]:
    """What each report of the device has that the one before had not, and the other way round."""
    changes = []
    last_t, last = 0, set[tuple[int, int, int]]()
    for point in points:
        if point.faults is None:
            continue
        before = last if point.t - last_t <= CONNECTED_S else set()
        news = {"opened": point.faults - before, "cleared": before - point.faults}
        changes += [
            FaultChange(point.t, point.t, kind, *code, fault_severity(code[1]))
            for kind, codes in news.items()
            for code in sorted(codes)
        ]
        last_t, last = point.t, point.faults
    return changes


def fault_severity(fmi: int) -> str:
    return {0: "severe", 1: "severe", 15: "minor", 17: "minor"}.get(fmi, "moderate")


class SpeedChange(NamedTuple):
    """Between two consecutive fixes with speeds, at most two seconds apart."""

    start: int
    end: int
    ms2: float


def speed_changes_of(points: list[Point]) -> list[SpeedChange]:
    fixes = [point for point in points if point.place is not None]
    return [
        SpeedChange(one.t, other.t, (other.gps_kmh - one.gps_kmh) / 3.6 / (other.t - one.t))
        for one, other in pairwise(fixes)
        if other.t - one.t <= 2 and one.gps_kmh is not None and other.gps_kmh is not None
    ]


def harsh_in_day(history: "History", kind: str, start: int, end: int) -> list[Harsh] | None:
    """By the device when it tells of this kind on the day, else by the speed where that is dense; None: neither."""
    name = kind.removeprefix("harsh_")
    told = [point for point in history.points if start <= point.t < end and kind in point.harsh]
    if told:
        return [Harsh(point.t, point.t, name, "device") for point in told if point.harsh[kind]]
    if kind == "harsh_cornering" or not any(start <= change.start < end for change in history.speed_changes):
        return None
    sign, runs = -1 if kind == "harsh_braking" else 1, []
    for change in history.speed_changes:
        if sign * change.ms2 < history.parameters[f"{kind}_ms2"]:
            continue
        if runs and runs[-1][-1].end == change.start:
            runs[-1].append(change)
        else:
            runs.append([change])
    return [Harsh(run[0].start, run[-1].end, name, "speed") for run in runs if start <= run[0].start < end]
