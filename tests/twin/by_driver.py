"""Figures by driver."""

from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from tests.twin.counters import whole
from tests.twin.day import (
    event_figures,
    fuel_figures,
    idle_fuel,
    night_driving,
    speeding_figures,
    starting_in,
    time_figures,
)
from tests.twin.events import harsh_in_day
from tests.twin.history import History
from tests.twin.page import HARSH
from tests.twin.trips import had_the_truck

NOBODY = 0


def figures_by_driver(
    history: History, row: dict[str, Any], start: int, end: int, zone: ZoneInfo, dismissed: frozenset[int]
) -> dict[Any, dict[str, Any]]:
    """What of the truck-day `row` falls into the time of each driver; NOBODY: of whom nobody is known."""
    instants = {t for each in history.assigned for t in (each.start, each.end) if t is not None and start < t < end}
    pieces = list(pairwise(sorted({start, end} | instants)))
    harsh = {kind: harsh_in_day(history, kind, start, end) for kind in HARSH}
    metres = metres_of_pieces(history, row, pieces)
    found: dict[Any, list[dict[str, Any]]] = {}
    for (first, last), distance_m in zip(pieces, metres, strict=True):
        own = {
            **time_figures(history, first, last),
            **speeding_figures(history, first, last),
            **event_figures(history, first, last),
            "length_s": last - first,
            "night_driving_s": night_driving(history, first, last, zone),
            "distance_m": distance_m,
            "fuel_used_l": litres_by(row["fuel_source"], history, first, last, dismissed),
            "fuel_distance_m": None if row["fuel_used_l"] is None else distance_m,
            "harsh_distance_m": None if all(events is None for events in harsh.values()) else distance_m,
        }
        own["consumption_l"] = None if row["distance_m"] is None else own["fuel_used_l"]
        counted = history.fuel.within(first, last) is not None and history.evidence is not None
        own["idle_fuel_l"] = idle_fuel(history, first, last) if counted else None
        for kind, events in harsh.items():
            is_known = events is not None and own["trips"] is not None
            own[kind] = len([e for e in events or () if first <= e.start < last]) if is_known else None
        speeds = [p.gps_kmh for p in history.points if first <= p.t < last and p.gps_kmh is not None]
        own["max_speed_kmh"] = max(speeds, default=None)
        found.setdefault(had_the_truck(history.assigned, first) or NOBODY, []).append(own)
    return {driver: summed(shares) for driver, shares in found.items()}


def summed(shares: list[dict[str, Any]]) -> dict[str, Any]:
    """Each figure added up over those in which it is measured; of speeds the highest."""
    totals: dict[str, Any] = {}
    for name in shares[0]:
        known = [share[name] for share in shares if share[name] is not None]
        add = max if name == "max_speed_kmh" else sum
        totals[name] = add(known) if known else None
    del totals["coverage_pct"], totals["stops"]
    return totals


def metres_of_pieces(history: History, row: dict[str, Any], pieces: list[tuple[int, int]]) -> list[int | None]:
    """By the day's source: what the rounded metres since the day's start grow by; what is left goes to the last one."""
    by_odometer = row["distance_source"] == "odometer"
    start = pieces[0][0]
    parts: list[int | None] = []
    so_far = 0
    for first, last in pieces:
        quantity = history.odometer if by_odometer else history.legs.counted
        if row["distance_m"] is None or quantity.within(first, last) is None:
            parts.append(None)
            continue
        metres = whole(quantity.within(start, last)) or 0
        if not by_odometer:
            metres -= whole(history.legs.drift.within(start, last)) or 0
        parts.append(min(max(metres, so_far), row["distance_m"]) - so_far)
        so_far += parts[-1] or 0
    known = [index for index, part in enumerate(parts) if part is not None]
    if known:
        parts[known[-1]] = (parts[known[-1]] or 0) + row["distance_m"] - so_far
    return parts


def litres_by(source: str | None, history: History, start: int, end: int, dismissed: frozenset[int]) -> float | None:
    if source == "counter":
        return history.fuel.within(start, end)
    change = history.level.within(start, end)
    if source is None or change is None:
        return None
    figures = fuel_figures(history, start, end, dismissed)
    return (
        -change
        + figures["refuel_l"]
        - sum(
            event.litres
            for event in starting_in(history.fuel_events, start, end)
            if event.kind == "drain" and not any(abs(event.start - t) <= 600 for t in dismissed)
        )
    )
