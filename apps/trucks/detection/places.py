"""Distances and areas on the earth: latitudes and longitudes in degrees, metres on a sphere."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import asin, cos, degrees, radians, sin, sqrt
from typing import NamedTuple, TypeAlias

EARTH_RADIUS_M = 6_371_008.8  # mean radius (IUGG)
EARTH_DIAMETER_M = 2 * EARTH_RADIUS_M
_SLACK = 1e-9  # degrees, a tenth of a millimetre: a box is never too small by rounding

Spot: TypeAlias = tuple[float, float]  # latitude, longitude


def metres_between(one: Spot, other: Spot) -> float:
    """The haversine distance."""
    lat_a, lat_b = radians(one[0]), radians(other[0])
    across = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin(radians(other[1] - one[1]) / 2) ** 2
    return EARTH_DIAMETER_M * asin(min(1.0, sqrt(across)))


class Box(NamedTuple):
    """What lies between two latitudes and two longitudes, all included."""

    south: float
    west: float
    north: float
    east: float

    def contains(self, spot: Spot) -> bool:
        return self.south <= spot[0] <= self.north and self.west <= spot[1] <= self.east


@dataclass(frozen=True, slots=True)
class Circle:
    centre: Spot
    radius_m: float

    def contains(self, spot: Spot) -> bool:
        return metres_between(self.centre, spot) <= self.radius_m

    @property
    def box(self) -> Box:
        """A box around it; where it touches a pole or the 180th meridian, all the way round."""
        lat, lon = self.centre
        high = degrees(self.radius_m / EARTH_RADIUS_M) + _SLACK
        south, north = lat - high, lat + high
        if south <= -90 or north >= 90:
            return Box(south, -180, north, 180)
        wide = degrees(asin(min(1.0, sin(radians(high)) / cos(radians(lat))))) + _SLACK
        if lon - wide < -180 or lon + wide > 180:
            return Box(south, -180, north, 180)
        return Box(south, lon - wide, north, lon + wide)


@dataclass(frozen=True, slots=True)
class Polygon:
    """Corners joined by lines that are straight in degrees, the last one to the first. Its edge belongs to it."""

    corners: tuple[Spot, ...]

    def contains(self, spot: Spot) -> bool:
        """By how often a ray to the east leaves it: an odd number of times from inside."""
        lat, lon = spot
        inside = False
        for (lat_a, lon_a), (lat_b, lon_b) in pairwise((*self.corners, self.corners[0])):
            side = (lon - lon_a) * (lat_b - lat_a) - (lat - lat_a) * (lon_b - lon_a)
            between = min(lat_a, lat_b) <= lat <= max(lat_a, lat_b) and min(lon_a, lon_b) <= lon <= max(lon_a, lon_b)
            if side == 0 and between:
                return True
            if (lat_a > lat) != (lat_b > lat) and (side < 0) == (lat_b > lat_a):
                inside = not inside
        return inside

    @property
    def box(self) -> Box:
        lats, lons = zip(*self.corners, strict=True)
        return Box(min(lats), min(lons), max(lats), max(lons))


@dataclass(frozen=True, slots=True)
class Place:
    """A named area in which idling is productive."""

    name: str
    area: Circle | Polygon
    box: Box  # around the area

    @classmethod
    def of(cls, name: str, area: Circle | Polygon) -> "Place":
        return cls(name, area, area.box)

    def contains(self, spot: Spot) -> bool:
        return self.box.contains(spot) and self.area.contains(spot)


def position_at(places: Sequence[Place], spot: Spot) -> int:
    """The position of the first of these places that a spot is in; -1 for none."""
    return next((position for position, place in enumerate(places) if place.contains(spot)), -1)
