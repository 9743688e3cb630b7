"""Where trucks can go: places in the middle of the United States and smooth roads between them."""

import math
import random
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

EARTH_RADIUS_M = 6_371_008.8
METRES_PER_DEGREE = math.radians(1) * EARTH_RADIUS_M


@dataclass(frozen=True, slots=True)
class Place:
    """A named point, degrees."""

    name: str
    lat: float
    lon: float

    def offset(self, name: str, bearing: float, metres: float) -> "Place":
        """Returns the place `metres` away in direction `bearing` (degrees clockwise from north)."""
        north = metres * math.cos(math.radians(bearing)) / METRES_PER_DEGREE
        east = metres * math.sin(math.radians(bearing)) / METRES_PER_DEGREE
        return Place(name, self.lat + north, self.lon + east / math.cos(math.radians(self.lat)))


CITIES = (
    Place("Chicago", 41.8500, -87.7500),
    Place("Rockford", 42.2700, -89.0500),
    Place("Madison", 43.0700, -89.3500),
    Place("Milwaukee", 43.0400, -88.0000),
    Place("Davenport", 41.5400, -90.5800),
    Place("Peoria", 40.7000, -89.6200),
    Place("Springfield", 39.8000, -89.6400),
    Place("St. Louis", 38.6300, -90.3000),
    Place("Des Moines", 41.5900, -93.6200),
    Place("Minneapolis", 44.9700, -93.2600),
    Place("Omaha", 41.2500, -96.0000),
    Place("Kansas City", 39.0900, -94.5800),
    Place("Wichita", 37.6900, -97.3400),
    Place("Tulsa", 36.1500, -95.9900),
    Place("Oklahoma City", 35.4700, -97.5200),
    Place("Little Rock", 34.7400, -92.3300),
    Place("Memphis", 35.1300, -89.9800),
    Place("Dallas", 32.8000, -96.8200),
)


def distance_m(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Returns the great-circle distance in metres (haversine)."""
    first, second = math.radians(lat), math.radians(other_lat)
    chord = (
        math.sin((second - first) / 2) ** 2
        + math.cos(first) * math.cos(second) * math.sin(math.radians(other_lon - lon) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(chord))


class Route:
    """A road as a polyline that knows its own length, so that metres driven and positions always agree."""

    def __init__(self, start: Place, end: Place) -> None:
        self.start = start
        self.end = end
        self._lats, self._lons = _meander(start, end)
        self._metres = [0.0]
        self._courses: list[float] = []
        for i in range(1, len(self._lats)):
            leg = distance_m(self._lats[i - 1], self._lons[i - 1], self._lats[i], self._lons[i])
            self._metres.append(self._metres[-1] + leg)
            self._courses.append(_course(self._lats[i - 1], self._lons[i - 1], self._lats[i], self._lons[i]))

    @property
    def length_m(self) -> float:
        return self._metres[-1]

    def at(self, metres: float) -> tuple[float, float, float]:
        """Returns latitude, longitude and course (degrees) `metres` from the start; beyond the end, the end."""
        metres = min(metres, self._metres[-1])
        i = min(bisect_right(self._metres, metres), len(self._courses)) - 1
        share = (metres - self._metres[i]) / (self._metres[i + 1] - self._metres[i])
        lat = self._lats[i] + (self._lats[i + 1] - self._lats[i]) * share
        return lat, self._lons[i] + (self._lons[i + 1] - self._lons[i]) * share, self._courses[i]


@lru_cache(maxsize=4096)
def route(start: Place, end: Place) -> Route:
    """Returns the road from `start` to `end`; the way back is another carriageway with its own bends."""
    return Route(start, end)


def _meander(start: Place, end: Place) -> tuple[list[float], list[float]]:
    """Returns the points of a straight line that was bent sideways by a wide and a narrow wave."""
    straight = distance_m(start.lat, start.lon, end.lat, end.lon)
    rng = random.Random(f"{start}{end}")
    steps = max(12, int(straight / 350))
    narrow, turns = rng.uniform(60, 140), straight / rng.uniform(2800, 4200)
    wide, phase = straight * rng.uniform(-0.04, 0.04), rng.uniform(0, math.tau)
    across = math.radians(_course(start.lat, start.lon, end.lat, end.lon) + 90)
    lats, lons = [], []
    for i in range(steps + 1):
        u = i / steps
        fade = min(1.0, u * 8, (1 - u) * 8)
        aside = wide * math.sin(math.pi * u) + narrow * fade * math.sin(math.tau * turns * u + phase)
        lat = start.lat + (end.lat - start.lat) * u
        lons.append(
            start.lon
            + (end.lon - start.lon) * u
            + aside * math.sin(across) / METRES_PER_DEGREE / math.cos(math.radians(lat))
        )
        lats.append(lat + aside * math.cos(across) / METRES_PER_DEGREE)
    return lats, lons


def _course(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Returns the direction of travel, degrees clockwise from north."""
    east = (other_lon - lon) * math.cos(math.radians((lat + other_lat) / 2))
    return math.degrees(math.atan2(east, other_lat - lat)) % 360
