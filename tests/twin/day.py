"""The figures of a day: the history cut at its midnights."""

import math
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from tests.twin.counters import whole
from tests.twin.events import FaultChange, FuelEvent, Idling, Speeding, harsh_in_day
from tests.twin.history import History
from tests.twin.motion import Stretch, overlaps, seconds
from tests.twin.page import HARSH
from tests.twin.trips import Stop, Trip

E = TypeVar("E", Trip, Stop, Idling, Speeding, FuelEvent, FaultChange)


def starting_in(events: list[E], start: int, end: int) -> list[E]:
    return [event for event in events if start <= event.start < end]


def day_row(history: History, start: int, end: int, dismissed: frozenset[int]) -> dict[str, Any]:
    """The truck-day [start, end)."""
    points = [point for point in history.points if start <= point.t < end]
    distance_m, distance_source = history.distance(start, end)
    harsh = {kind: harsh_in_day(history, kind, start, end) for kind in HARSH}
    faults = starting_in(history.fault_changes, start, end)
    read = [q for q in (history.odometer, history.fuel, history.hours) if q.read_in(start, end)]
    return {
        "messages": len(points),
        "fixes": sum(point.place is not None for point in points),
        "dropped_values": sum(point.dropped for point in points),
        **time_figures(history, start, end),
        "distance_m": distance_m,
        "distance_source": distance_source,
        "distance_gps_m": whole(history.legs.counted.within(start, end)),
        "drift_m": whole(history.legs.drift.within(start, end)),
        "distance_gap_m": whole(history.legs.gaps.within(start, end)),
        "distance_odometer_m": whole(history.odometer.within(start, end)),
        "engine_hours": history.hours.within(start, end),
        "counter_resets": sum(start <= t < end for t in history.resets) if read else None,
        "max_speed_kmh": max((point.gps_kmh for point in points if point.gps_kmh is not None), default=None),
        **fuel_figures(history, start, end, dismissed),
        **speeding_figures(history, start, end),
        **event_figures(history, start, end),
        **{kind: None if events is None else len(events) for kind, events in harsh.items()},
        "faults_opened": (
            sum(change.kind == "opened" for change in faults)
            if any(point.faults is not None for point in points)
            else None
        ),
        "events": {
            **started_events(history, start, end),
            "harsh": sorted(event for events in harsh.values() for event in events or ()),
            "faults": faults,
        },
    }


QUARTER = 900  # clocks change at full quarters of an hour, and by as many of them


def by_the_clock(stretches: list[Stretch], start: int, end: int, zone: ZoneInfo) -> dict[int, dict[str, int]]:
    """Hour on the clock → seconds of each state, and those that were idle productively; hours that do not come are
    left out."""
    found: dict[int, dict[str, int]] = {}
    for t in range(start, end, QUARTER):
        until = min(t + QUARTER, end)
        hour = found.setdefault(datetime.fromtimestamp(t, zone).hour, {"no data": 0})
        known = 0
        for stretch, part in overlaps(stretches, t, until):
            hour[stretch.state] = hour.get(stretch.state, 0) + part
            if stretch.state == "idle" and stretch.productive:
                hour["productive"] = hour.get("productive", 0) + part
            known += part
        hour["no data"] += until - t - known
    return found


def time_figures(history: History, start: int, end: int) -> dict[str, Any]:
    moving = seconds(history.stretches, "moving", start, end)
    idle = seconds(history.stretches, "idle", start, end)
    parked = seconds(history.stretches, "parked", start, end)
    before_first_s = max(min(history.points[0].t, end) - start, 0)
    no_data = before_first_s + seconds(history.stretches, "no data", start, end)
    known = history.evidence is not None
    return {
        "moving_s": moving,
        "idle_s": idle if known else None,
        "idle_productive_s": seconds(history.stretches, "idle", start, end, productive=True) if known else None,
        "parked_s": parked,
        "no_data_s": no_data,
        "engine_on_s": moving + idle if known else None,
        "coverage_pct": 100 * (1 - no_data / (end - start)),
    }


def night_driving(history: History, start: int, end: int, zone: ZoneInfo) -> int | None:
    """The moving seconds in which the clock on the wall shows an hour of the night; null where nothing is measured."""
    if all(stretch.state == "no data" for stretch, _ in overlaps(history.stretches, start, end)):
        return None
    hours = history.parameters["night_begin_h"], history.parameters["night_end_h"]
    first = start // 86_400 * 86_400
    before = {t: night_seconds_before(t, zone, *hours) for t in range(first, end, 86_400)}
    return sum(
        before[t][min(stretch.end, end, t + 86_400) - t] - before[t][max(stretch.start, start, t) - t]
        for stretch, _ in overlaps(history.stretches, start, end)
        if stretch.state == "moving"
        for t in before
        if max(stretch.start, start) < t + 86_400 and min(stretch.end, end) > t
    )


@lru_cache(maxsize=100)
def night_seconds_before(midnight_utc: int, zone: ZoneInfo, begin_h: float, end_h: float) -> list[int]:
    """Of each second of a day in UTC, and of its end, how many seconds of night came before it, each looked at."""
    counts = [0]
    for t in range(midnight_utc, midnight_utc + 86_400):
        clock = datetime.fromtimestamp(t, zone)
        hour = clock.hour + clock.minute / 60 + clock.second / 3600
        at_night = begin_h <= hour < end_h if begin_h <= end_h else hour >= begin_h or hour < end_h
        counts.append(counts[-1] + at_night)
    return counts


def fuel_figures(history: History, start: int, end: int, dismissed: frozenset[int]) -> dict[str, Any]:
    """Fuel used, and what went into and out of the tank."""
    change = history.level.within(start, end)
    started = starting_in(history.fuel_events, start, end)
    events = [e for e in started if e.kind == "refuel" or not any(abs(e.start - t) <= 600 for t in dismissed)]
    refuels = [event.litres for event in events if event.kind == "refuel"]
    drains = [event.litres for event in events if event.kind == "drain"]
    counted, source = history.fuel.within(start, end), "counter"
    used = counted
    if used is None and change is not None:
        used, source = math.fsum([-change, *refuels, *(-litres for litres in drains)]), "level"
    return {
        "fuel_used_l": used,
        "fuel_source": None if used is None else source,
        "idle_fuel_l": None if counted is None or history.evidence is None else idle_fuel(history, start, end),
        "refuels": None if change is None else len(refuels),
        "refuel_l": None if change is None else math.fsum(refuels),
        "drains": None if change is None or history.evidence is None else len(drains),
        "drain_l": None if change is None or history.evidence is None else math.fsum(drains),
    }


def idle_fuel(history: History, start: int, end: int) -> float:
    """The litres of the counter that fall into the idle seconds of [start, end)."""
    return math.fsum(
        history.fuel.within(max(idling.start, start), min(idling.end, end)) or 0
        for idling in history.idling
        if idling.start < end and idling.end > start
    )


def speeding_figures(history: History, start: int, end: int) -> dict[str, Any]:
    inside = (min(episode.end, end) - max(episode.start, start) for episode in history.speeding)
    speeding_s = sum(part for part in inside if part > 0)
    if not speeding_s and not any(point.place for point in history.points if start <= point.t < end):
        return dict.fromkeys(("speeding_minor", "speeding_moderate", "speeding_severe", "speeding_s"))
    severities = [episode.severity for episode in starting_in(history.speeding, start, end)]
    return {
        "speeding_minor": severities.count("minor"),
        "speeding_moderate": severities.count("moderate"),
        "speeding_severe": severities.count("severe"),
        "speeding_s": speeding_s,
    }


def event_figures(history: History, start: int, end: int) -> dict[str, Any]:
    started = started_events(history, start, end)
    measured = any(stretch.state != "no data" for stretch, _ in overlaps(history.stretches, start, end))
    return {
        "trips": len(started["trips"]) if measured else None,
        "stops": len(started["stops"]) if measured else None,
        "idle_events": len(started["idle"]) if measured and history.evidence else None,
    }


def started_events(history: History, start: int, end: int) -> dict[str, Any]:
    minimum_s = history.parameters["idle_event_min_s"]
    idle = [event for event in starting_in(history.idling, start, end) if event.end - event.start >= minimum_s]
    return {
        "trips": starting_in(history.trips, start, end),
        "stops": starting_in(history.stops, start, end),
        "speeding": starting_in(history.speeding, start, end),
        "idle": idle,
        "fuel": starting_in(history.fuel_events, start, end),
    }
