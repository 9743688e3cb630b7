"""Driving in a few figures, with the period before to hold them against."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from apps.fleet.drivers.figures import driving
from apps.fleet.drivers.safety import MIN_EXPOSURE_M
from apps.fleet.pages.analysis import Selection, hours
from apps.fleet.pages.cells import number
from apps.fleet.pages.driving.reading import Driven
from apps.fleet.pages.driving.words import HARSH, SPEEDING, distance_of, per_100
from apps.fleet.pages.tiles import Tile


def tiles(chosen: Selection, driven: Driven) -> list[Tile]:
    now, before = (driving(row, driven.weights) for row in (driven.now, driven.before))
    return [
        Tile("Safety score", number(now["safety_score"], 1), _score_notes(chosen, now, before)),
        _rate(chosen, "Speeding", SPEEDING, now, before),
        _harsh(chosen, now, before),
        Tile(
            "Idling",
            number(now["idle_pct"], 1, "%"),
            [f"{hours(now['idle_s'])} of {hours(now['engine_on_s'])} engine on", _was(before["idle_pct"], 1, "%")],
        ),
        Tile(
            "Night driving",
            number(now["night_driving_pct"], 1, "%"),
            [
                f"{hours(now['night_driving_s'])} of {hours(now['moving_s'])} moving",
                _was(before["night_driving_pct"], 1, "%"),
            ],
        ),
    ]


def _score_notes(chosen: Selection, now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    notes = [f"over {distance_of(chosen, now['distance_m'])}", _was(before["safety_score"], 1)]
    if now["safety_score"] is None:
        notes.insert(0, f"none below {distance_of(chosen, MIN_EXPOSURE_M)}, or without speeds")
    return notes


def _rate(
    chosen: Selection, title: str, names: Sequence[str], now: Mapping[str, Any], before: Mapping[str, Any]
) -> Tile:
    """Events by distance; those of kinds that are not measured are not in it."""
    label = f"per 100 {chosen.units.distance_label}"
    counts = [now[name] for name in names if now[name] is not None]
    events = f"{sum(counts):,} events in all" if counts else "not measured"
    rates = [per_100(chosen, row, names) for row in (now, before)]
    return Tile(title, number(rates[0], 2), [f"{label}, {events}", _was(rates[1], 2)])


def _harsh(chosen: Selection, now: Mapping[str, Any], before: Mapping[str, Any]) -> Tile:
    """The same, with how much of the distance it is of where trucks do not measure it."""
    tile = _rate(chosen, "Harsh driving", HARSH, now, before)
    measured_m, distance_m = now["harsh_distance_m"], now["distance_m"]
    if measured_m is None or measured_m == distance_m:
        return tile
    part = f"{number(chosen.units.distance(measured_m), 0)} of {distance_of(chosen, distance_m)}"
    return replace(tile, notes=[tile.notes[0], f"measured over {part}", *tile.notes[1:]])


def _was(before: float | None, digits: int, unit: str = "") -> str:
    return "period before not measured" if before is None else f"{number(before, digits, unit)} the period before"
