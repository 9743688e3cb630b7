"""Tiny creators with defaults: a test says only what its rule is about.

Instants are written as clock times of 1 March 2024, UTC: "08:00", "08:00:30", "1d 08:00" for the day after,
"-1d 23:50" for the day before.
"""

from collections.abc import Collection, Sequence

from apps.trucks.detection.daily import DayFigures, Detection, detect, figures
from apps.trucks.detection.fuel import Review
from apps.trucks.detection.places import Place
from apps.trucks.detection.points import Evidence, Point, Points
from apps.trucks.parameters import DEFAULTS

EPOCH = 1_709_251_200
DAY_S = 86_400
KM_PER_DEGREE = 111.19508  # of latitude, on a sphere of 6,371.0088 km
WHOLE_DAY = ("00:00", "1d 00:00")


def at(clock: str) -> int:
    """The UTC second of a clock time."""
    day, _, time = clock.rpartition("d ")
    hours, minutes, *seconds = (int(part) for part in time.split(":"))
    return EPOCH + int(day or 0) * DAY_S + hours * 3600 + minutes * 60 + sum(seconds)


def point(clock: str | int, **values: float) -> Point:
    """A point with short names: ign, pto, rpm, volt, v (km/h), km (along a meridian), odo (m), used, level (l), hours.

    A point with v or km has a fix.
    """
    is_fix = "v" in values or "km" in values
    known = {
        "lat": 50 + values.pop("km", 0) / KM_PER_DEGREE if is_fix else None,
        "lon": 10.0 if is_fix else None,
        "speed_kmh": values.pop("v", 0) if is_fix else None,
    }
    names = {
        "rpm": "rpm",
        "volt": "voltage",
        "odo": "odometer_m",
        "used": "fuel_used_l",
        "level": "fuel_level_l",
        "hours": "engine_hours_h",
    }
    switches = {"ign": "ignition", "pto": "pto"}
    known |= {switches[name]: bool(values.pop(name)) for name in list(values) if name in switches}
    known |= {names[name]: value for name, value in values.items()}
    return Point(at(clock) if isinstance(clock, str) else clock, **known)


def points(*texts: str) -> list[Point]:
    """Points from texts like "08:00 ign=1 v=60 km=12.5"; a day comes first: "1d 08:00 ign=0"."""
    return [_parsed(text) for text in texts]


def _parsed(text: str) -> Point:
    words = text.split()
    clock = [word for word in words if "=" not in word]
    values = (word.split("=") for word in words if "=" in word)
    return point(" ".join(clock), **{name: float(value) for name, value in values})


def driving(start: str, end: str, kmh: float = 60, km: float = 0, step: int = 60, **values: float) -> list[Point]:
    """Points of [start, end) under way: engine on, the position moving on from `km` at this speed."""
    seconds = range(at(start), at(end), step)
    return [point(t, ign=1, v=kmh, km=km + kmh * (t - seconds.start) / 3600, **values) for t in seconds]


def idling(start: str, end: str, km: float = 0, step: int = 60, **values: float) -> list[Point]:
    """Points of [start, end) standing with the engine on."""
    return [point(t, ign=1, km=km, **values) for t in range(at(start), at(end), step)]


def parked(start: str, end: str, km: float = 0, step: int = 600, **values: float) -> list[Point]:
    """Points of [start, end) with the engine off."""
    return [point(t, ign=0, km=km, **values) for t in range(at(start), at(end), step)]


def detected(
    points: Sequence[Point],
    as_of: str = "1d 00:00",
    evidence: Evidence = Evidence.IGNITION,
    earlier: Sequence[Point] = (),
    later: Sequence[Point] = (),
    dismissed: Collection[int] = (),
    places: Sequence[Place] = (),
    **parameters: float,
) -> Detection:
    """What is found in these points, known up to `as_of`, with the default parameters but for the given ones."""
    chosen = DEFAULTS.overridden(parameters)
    reviews = dict.fromkeys(dismissed, Review.DISMISSED)
    window, before, after = map(Points.of, (points, earlier, later))
    return detect(window, evidence, chosen, at(as_of), earlier=before, later=after, reviews=reviews, places=places)


def day(
    points: Sequence[Point],
    as_of: str = "1d 00:00",
    evidence: Evidence = Evidence.IGNITION,
    earlier: Sequence[Point] = (),
    later: Sequence[Point] = (),
    dismissed: Collection[int] = (),
    places: Sequence[Place] = (),
    within: tuple[str, str] = WHOLE_DAY,
    **parameters: float,
) -> DayFigures:
    """The figures of the day (or of the times `within`) that these points give."""
    found = detected(points, as_of, evidence, earlier, later, dismissed, places, **parameters)
    return figures(found, at(within[0]), at(within[1]), at(as_of))
