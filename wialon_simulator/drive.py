"""How a truck's speed changes along a road: pieces of constant acceleration, so distance is exact at any time."""

import math
import random
from bisect import bisect_right

from wialon_simulator.roads import Route

ACCELERATION = 0.45  # m/s², a loaded truck
BRAKING = 0.8
CALM = 104 / 3.6  # two surges never follow each other
TOWN_M, SUBURB_M = 3_000, 12_000  # distance from either end of a road


class Run:
    """Speed over time of one drive: knots of epoch second, m/s and metres since departure."""

    __slots__ = ("times", "speeds", "metres")

    def __init__(self, departs: float) -> None:
        self.times = [float(departs)]
        self.speeds = [0.0]
        self.metres = [0.0]

    @property
    def speed(self) -> float:
        return self.speeds[-1]

    def at(self, t: float) -> tuple[float, float]:
        """Returns speed (m/s) and metres driven at `t`; after the last knot the truck stands."""
        i = bisect_right(self.times, t) - 1
        if i >= len(self.times) - 1:
            return 0.0, self.metres[-1]
        since, span = t - self.times[i], self.times[i + 1] - self.times[i]
        gained = (self.speeds[i + 1] - self.speeds[i]) * since / span
        return self.speeds[i] + gained, self.metres[i] + (self.speeds[i] + gained / 2) * since

    def change_to(self, speed: float, seconds: float) -> None:
        if seconds <= 0:
            return
        self.metres.append(self.metres[-1] + (self.speed + speed) / 2 * seconds)
        self.times.append(self.times[-1] + seconds)
        self.speeds.append(speed)

    def reach(self, speed: float) -> None:
        rate = ACCELERATION if speed > self.speed else BRAKING
        self.change_to(speed, abs(speed - self.speed) / rate)

    def hold(self, seconds: float) -> None:
        self.change_to(self.speed, seconds)

    def arrive(self, metres_left: float) -> None:
        """Brings the truck to a stand exactly `metres_left` further on."""
        end = self.metres[-1] + metres_left
        pull_away = math.sqrt(metres_left / (0.5 / ACCELERATION + 0.5 / BRAKING))
        if self.speed < 3:
            self.reach(min(11.0, pull_away))
        rolling = end - self.metres[-1] - self.speed**2 / (2 * BRAKING)
        if rolling > 0:
            self.hold(rolling / self.speed)
        self.change_to(0.0, 2 * (end - self.metres[-1]) / self.speed)
        self.metres[-1] = end


def drive(rng: random.Random, road: Route, from_m: float, departs: int, *, latest: float, surges: list[float]) -> Run:
    """Returns the run from `from_m` to the end of `road`, or to a halt beside it once `latest` has passed.

    `surges` are speeds (km/h) that the driver works up to on the open road, one after another; those done are taken
    off the list.
    """
    run = Run(departs)
    while True:
        at = from_m + run.metres[-1]
        left = road.length_m - at
        if run.times[-1] >= latest and left > SUBURB_M:
            run.reach(0.0)
            return run
        may_surge = run.speed < CALM and len(run.times) > 6 and left > 40_000
        target, seconds = _next_piece(rng, min(at, left), surges if may_surge else [])
        if _room(run.speed, target, seconds) >= left:
            run.arrive(left)
            return run
        run.reach(target)
        run.hold(seconds)
        if min(at, left) < SUBURB_M and rng.random() < 0.25:
            run.reach(0.0)
            run.hold(rng.uniform(20, 70))


def _next_piece(rng: random.Random, from_town_m: float, surges: list[float]) -> tuple[float, float]:
    """Returns the speed (m/s) to work up to and how long to keep it (seconds)."""
    if from_town_m < TOWN_M:
        return rng.uniform(32, 50) / 3.6, rng.uniform(30, 80)
    if from_town_m < SUBURB_M:
        return rng.uniform(60, 78) / 3.6, rng.uniform(50, 120)
    if surges and rng.random() < 0.4:
        return surges.pop(0) / 3.6, 260
    return rng.uniform(86, 101) / 3.6, rng.uniform(150, 280)


def _room(speed: float, target: float, seconds: float) -> float:
    """Returns the metres that reaching `target`, keeping it and braking to a stand would take."""
    rate = ACCELERATION if target > speed else BRAKING
    return abs(target**2 - speed**2) / (2 * rate) + target * seconds + target**2 / (2 * BRAKING)
