"""What is known of a truck at one second, after cleaning."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Evidence(StrEnum):
    """The sensor that tells whether a truck's engine runs, from its sensor table."""

    IGNITION = "ignition"
    RPM = "rpm"
    VOLTAGE = "voltage"
    NONE = "none"


class Point(NamedTuple):
    """One second of one truck. A null is a value that was not measured; place and speed are those of a fix."""

    t: int  # UTC seconds, device time
    lat: float | None = None
    lon: float | None = None
    speed_kmh: float | None = None
    ignition: bool | None = None
    rpm: float | None = None
    voltage: float | None = None
    odometer_m: int | None = None
    fuel_used_l: float | None = None
    fuel_level_l: float | None = None
    engine_hours_h: float | None = None
    pto: bool | None = None
    harsh: int | None = None  # what the device says of harsh driving; see sensors.device.harsh_code
    dtc: str | None = None  # the faults that it says are active, "" for none

    @property
    def is_fix(self) -> bool:
        return self.lat is not None


def merge(points: Iterable[Point]) -> list[Point]:
    """Points with one per second: of equal seconds the later's non-null values win; place and speed go together.

    Harsh driving that any message of the second tells of has happened.

    Takes points ordered by second and, within it, by precedence (the winner last).
    """
    merged: list[Point] = []
    for point in points:
        if merged and merged[-1].t == point.t:
            merged[-1] = _overlay(merged[-1], point)
        else:
            merged.append(point)
    return merged


def _overlay(below: Point, above: Point) -> Point:
    fix = above if above.is_fix else below
    values = [b if a is None else a for b, a in zip(below, above, strict=True)]
    harsh = (below.harsh or 0) | (above.harsh or 0) or None
    return Point._make(values)._replace(lat=fix.lat, lon=fix.lon, speed_kmh=fix.speed_kmh, harsh=harsh)
