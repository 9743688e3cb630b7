"""What is known of a truck at its seconds, after cleaning: one by one, and in columns. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Booleans: TypeAlias = npt.NDArray[np.bool_]


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


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Points:
    """Seconds of one truck in columns, ascending, each once: what `Point` says of each, with NaN for null.

    A yes is 1, a no is 0. Harsh driving and faults are told of rarely, and stand by themselves.
    """

    t: Integers
    lat: Floats
    lon: Floats
    speed_kmh: Floats
    ignition: Floats
    rpm: Floats
    voltage: Floats
    odometer_m: Floats
    fuel_used_l: Floats
    fuel_level_l: Floats
    engine_hours_h: Floats
    pto: Floats
    harsh: Sequence[tuple[int, int]] = field(default=())  # (second, code)
    dtc: Sequence[tuple[int, str]] = field(default=())  # (second, active faults)

    @classmethod
    def of(cls, points: Iterable[Point]) -> "Points":
        """These points, one per second, ascending."""
        rows = list(points)
        columns = dict(zip(Point._fields, zip(*rows, strict=True) if rows else [()] * len(Point._fields), strict=True))
        harsh, dtc = ([(p.t, told) for p in rows if (told := getattr(p, name)) is not None] for name in REPORTS)
        values: Any = {name: np.array(columns[name], dtype=np.float64) for name in VALUES}
        return cls(t=np.array(columns["t"], dtype=np.int64), harsh=harsh, dtc=dtc, **values)

    def __len__(self) -> int:
        return len(self.t)

    def before(self, end: int) -> "Points":
        """Those of the seconds before `end`."""
        return self if not len(self) or self.t[-1] < end else self.where(self.t < end)

    def where(self, kept: Booleans) -> "Points":
        values: Any = {name: getattr(self, name)[kept] for name in COLUMNS}
        seconds = set(values["t"].tolist())
        told: Any = {name: [each for each in getattr(self, name) if each[0] in seconds] for name in REPORTS}
        return Points(**values, **told)


REPORTS = ("harsh", "dtc")
COLUMNS = tuple(each.name for each in fields(Points) if each.name not in REPORTS)
VALUES = COLUMNS[1:]
NO_POINTS = Points.of([])


def joined(*parts: Points) -> Points:
    """Points that follow upon each other, as one."""
    some = [part for part in parts if len(part)]
    if len(some) < 2:
        return some[0] if some else parts[0]
    values: Any = {name: np.concatenate([getattr(part, name) for part in some]) for name in COLUMNS}
    told: Any = {name: [each for part in some for each in getattr(part, name)] for name in REPORTS}
    return Points(**values, **told)


def woven(one: Points, other: Points) -> Points:
    """The points of both, which have no second in common, in their order."""
    both = joined(one, other)
    order = np.argsort(both.t, kind="stable")
    values: Any = {name: getattr(both, name)[order] for name in COLUMNS}
    return Points(**values, harsh=sorted(both.harsh), dtc=sorted(both.dtc))
