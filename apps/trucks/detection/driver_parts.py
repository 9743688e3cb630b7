"""A truck's day among its drivers: what of its figures falls into the time of each. Pure.

The parts of a figure add up to the day's: whole numbers exactly, litres as far as floats do. Where the day's figure
goes by one of several sources, so do its parts.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from math import fsum
from typing import Any

from apps.trucks.assignments import Part
from apps.trucks.detection.daily import DayFigures, Detection, figures
from apps.trucks.detection.fuel import used_by
from apps.trucks.detection.harsh import HarshEvent, HarshKind
from apps.trucks.detection.history import Distance, DistanceSource

NOBODY = 0  # stands for the driver where nobody is known


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverFigures:
    """The figures of a driver in a truck on a day, as docs/metrics.md defines them; null is not measured."""

    driver_id: int
    length_s: int
    moving_s: int
    idle_s: int | None
    idle_productive_s: int | None
    parked_s: int
    no_data_s: int
    engine_on_s: int | None
    night_driving_s: int | None
    distance_m: int | None
    fuel_used_l: float | None
    fuel_distance_m: int | None  # where the day's fuel is measured
    consumption_l: float | None  # where the day's distance is measured
    idle_fuel_l: float | None
    trips: int | None
    idle_events: int | None
    speeding_minor: int | None
    speeding_moderate: int | None
    speeding_severe: int | None
    speeding_s: int | None
    harsh_braking: int | None
    harsh_acceleration: int | None
    harsh_cornering: int | None
    harsh_distance_m: int | None  # where the day's harsh driving is measured
    max_speed_kmh: float | None


_OWN = (
    "driver_id", "length_s", "distance_m", "fuel_used_l", "fuel_distance_m", "consumption_l", "harsh_distance_m",
)  # fmt: skip
_OF_DAY = tuple(field.name for field in fields(DriverFigures) if field.name not in _OWN)
ADDITIVE = tuple(field.name for field in fields(DriverFigures) if field.name not in ("driver_id", "max_speed_kmh"))


def by_driver(
    detection: Detection,
    day: DayFigures,
    harsh_events: Collection[HarshEvent],
    parts: Sequence[Part],
    night: Sequence[tuple[int, int]],
) -> list[DriverFigures]:
    """The figures of each driver of a day, by id.

    `day`: the figures of the whole of it; `harsh_events`: those that it counts; `parts`: all of it, ascending.
    """
    if len(parts) == 1:
        return [_whole_day(day, parts[0])]
    found = [_of_part(detection, day, harsh_events, part, night) for part in parts]
    found = [
        replace(each, **_driven(day, distance_m))
        for each, distance_m in zip(found, _distances(detection, day, parts), strict=True)
    ]
    drivers = sorted({each.driver_id for each in found})
    return [added([each for each in found if each.driver_id == driver_id]) for driver_id in drivers]


def _whole_day(day: DayFigures, part: Part) -> DriverFigures:
    """The common case: nothing is computed anew."""
    return DriverFigures(
        driver_id=part.driver_id or NOBODY,
        length_s=part.end - part.start,
        fuel_used_l=day.fuel_used_l,
        consumption_l=None if day.distance_m is None else day.fuel_used_l,
        **_driven(day, day.distance_m),
        **_taken(day),
    )


def _driven(day: DayFigures, distance_m: int | None) -> dict[str, Any]:
    """The metres of a part, and as far as the day's other half of a ratio is measured."""
    return {
        "distance_m": distance_m,
        "fuel_distance_m": None if day.fuel_used_l is None else distance_m,
        "harsh_distance_m": distance_m if measures_harsh(day) else None,
    }


def measures_harsh(day: DayFigures) -> bool:
    """Whether it measures harsh driving of any kind."""
    return any(getattr(day, f"harsh_{kind}") is not None for kind in HarshKind)


def _taken(figures: DayFigures) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in _OF_DAY}


def _of_part(
    detection: Detection,
    day: DayFigures,
    harsh_events: Collection[HarshEvent],
    part: Part,
    night: Sequence[tuple[int, int]],
) -> DriverFigures:
    """All but the distance, which depends on the parts before."""
    start, end, driver_id = part
    own = figures(detection, start, end, end, night)
    counts = {
        kind: sum(start <= event.started_at < end for event in harsh_events if event.kind is kind) for kind in HarshKind
    }
    is_seen = own.trips is not None
    fuel_used_l = used_by(day.fuel_source, detection.history, detection.fuel_events, start, end)
    return DriverFigures(
        driver_id=driver_id or NOBODY,
        length_s=end - start,
        fuel_used_l=fuel_used_l,
        **_driven(day, None),
        consumption_l=None if day.distance_m is None else fuel_used_l,
        **_taken(own)
        | {
            f"harsh_{kind}": counts[kind] if is_seen and getattr(day, f"harsh_{kind}") is not None else None
            for kind in HarshKind
        },
    )


def _distances(detection: Detection, day: DayFigures, parts: Sequence[Part]) -> list[int | None]:
    """The metres of each part by the day's source: differences of rounded running totals, which end with the day's.

    By GPS a total may fall by a metre, since distance and drift are rounded each: no part has less than 0.
    """
    source, history = day.distance_source, detection.history
    found: list[int | None] = []
    before = 0
    for start, end, _ in parts:
        if source is None or _metres(history.distance(start, end), source) is None:
            found.append(None)
            continue
        running = _metres(history.distance(parts[0].start, end), source) or 0
        until = min(max(running, before), day.distance_m or 0)
        found.append(until - before)
        before = until
    return found


def _metres(distance: Distance, source: DistanceSource) -> int | None:
    if source is DistanceSource.ODOMETER:
        return distance.odometer_m
    return None if distance.gps_m is None else distance.gps_m - (distance.drift_m or 0)


def added(parts: Sequence[DriverFigures]) -> DriverFigures:
    """The sum of a driver's parts; what none of them measures is null."""
    sums = {name: total([getattr(part, name) for part in parts]) for name in ADDITIVE}
    speeds = [part.max_speed_kmh for part in parts if part.max_speed_kmh is not None]
    return DriverFigures(driver_id=parts[0].driver_id, max_speed_kmh=max(speeds, default=None), **sums)


def total(values: Iterable[Any]) -> Any:
    """The sum of what is measured; null where nothing is."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return fsum(known) if isinstance(known[0], float) else sum(known)
