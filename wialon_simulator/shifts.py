"""What a truck does from the end of one working day to the end of the next: phases with exact counters."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from wialon_simulator.drive import Run, drive
from wialon_simulator.roads import CITIES, Place, Route, distance_m, route
from wialon_simulator.trucks import Duty, Peculiarity, Truck

HOUR, DAY = 3600, 86_400
EVENTFUL_EVERY = 7  # shifts


class State(Enum):
    PARKED = "parked"
    IDLING = "idling"
    DRIVING = "driving"


class Counters(NamedTuple):
    """Totals at an instant; `odometer_m` and `fuel_used_l` are the engine's own and start again after its exchange."""

    total_m: float
    odometer_m: float
    fuel_used_l: float
    level_l: float
    engine_s: float

    def plus(self, metres: float, litres: float, engine_s: float) -> "Counters":
        return Counters(
            self.total_m + metres,
            self.odometer_m + metres,
            self.fuel_used_l + litres,
            max(0.0, self.level_l - litres),
            self.engine_s + engine_s,
        )


class Pump(NamedTuple):
    """Fuel that flows in (or, negative, out) evenly from `start` on."""

    start: int
    seconds: int
    litres: float

    def flowed(self, t: float) -> float:
        return self.litres * min(1.0, max(0.0, (t - self.start) / self.seconds))


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch [start, end) in one state; `before` are the counters at its start, the place is metres on a road."""

    state: State
    start: int
    end: int
    before: Counters
    road: Route
    road_m: float
    litres_per_s: float = 0.0
    litres_per_m: float = 0.0
    run: Run | None = None
    pump: Pump | None = None
    pto: bool = False

    @property
    def engine_on(self) -> bool:
        return self.state is not State.PARKED

    def at(self, t: float) -> tuple[float, float, Counters]:
        """Returns speed (m/s), metres on the road and counters at `t`."""
        if self.state is State.PARKED:
            counters = self.before
            if self.pump:
                counters = counters._replace(level_l=counters.level_l + self.pump.flowed(t))
            return 0.0, self.road_m, counters
        speed, metres = self.run.at(t) if self.run else (0.0, 0.0)
        seconds = t - self.start
        burnt = seconds * self.litres_per_s + metres * self.litres_per_m
        return speed, self.road_m + metres, self.before.plus(metres, burnt, seconds)


@dataclass(frozen=True, slots=True)
class Standing:
    """A truck between two shifts: parked, engine off."""

    t: int
    counters: Counters
    road: Route
    road_m: float


@dataclass(frozen=True, slots=True)
class Shift:
    """Phases without a gap; `age` is 0 on the shift that shows the truck's peculiarities, 1 on the next, …"""

    index: int
    age: int
    midnight: int
    phases: tuple[Phase, ...]
    after: Standing

    @property
    def start(self) -> int:
        return self.phases[0].start

    @property
    def end(self) -> int:
        return self.phases[-1].end

    @property
    def on_duty(self) -> tuple[int, int] | None:
        """Returns the span from the first to the last running engine, or None for a day off."""
        running = [phase for phase in self.phases if phase.engine_on]
        return (running[0].start, running[-1].end) if running else None


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which local day is which shift. `eventful` is the index that shows every peculiarity once."""

    first: date
    zone: ZoneInfo
    eventful: int

    def wall(self, index: int, hour: int, minute: int = 0) -> int:
        """Returns the epoch second of a local wall time on the day of shift `index`; hour 24 is the next midnight."""
        day = self.first + timedelta(days=index + hour // 24)
        return int(datetime(day.year, day.month, day.day, hour % 24, minute, tzinfo=self.zone).timestamp())

    def weekday(self, index: int) -> int:
        return (self.first + timedelta(days=index)).weekday()


def first_standing(truck: Truck, calendar: Calendar) -> Standing:
    """Returns the truck in its depot at the midnight where history begins."""
    metres = truck.first_odometer_km * 1000
    used = metres / 100_000 * truck.burn_l_per_100km
    level = truck.tank_l * truck.first_level_share
    road = route(truck.sites[0], truck.depot)
    counters = Counters(metres, metres, used, level, truck.first_engine_h * HOUR)
    return Standing(calendar.wall(0, 0), counters, road, road.length_m)


def plan(truck: Truck, calendar: Calendar, index: int, begin: Standing) -> Shift:
    """Returns shift `index`, which begins where the one before ended; the same arguments give the same shift."""
    day = _Day(truck, calendar, index, begin)
    if calendar.weekday(index) >= 5 and not truck.works_weekends:
        day.park_until(calendar.wall(index, 24))
    else:
        _DUTIES[truck.duty](day)
    after = Standing(day.now, day.counters, day.road, day.road_m)
    return Shift(index, day.age, calendar.wall(index, 0), tuple(day.phases), after)


class _Day:
    """Appends phases one after another and keeps the counters; the verbs are what a driver does."""

    def __init__(self, truck: Truck, calendar: Calendar, index: int, begin: Standing) -> None:
        self.truck, self.calendar, self.index = truck, calendar, index
        self.rng = random.Random(f"{truck.seed}/shift/{index}")
        self.age = (index - calendar.eventful) % EVENTFUL_EVERY
        self.now, self.counters = begin.t, begin.counters
        self.road, self.road_m = begin.road, begin.road_m
        self.phases: list[Phase] = []
        self.surges = self._surges()

    @property
    def arrived(self) -> bool:
        return self.road_m >= self.road.length_m - 1

    def wall(self, hour: int, minute: int = 0, spread_min: int = 0) -> int:
        return self.calendar.wall(self.index, hour, minute) + 60 * self.rng.randint(0, spread_min)

    def has(self, peculiarity: Peculiarity) -> bool:
        return self.age == 0 and peculiarity in self.truck.peculiarities

    def rest_until(self, departs: int) -> None:
        """Parks overnight; on the eventful night somebody empties a part of the tank."""
        theft = None
        if self.has(Peculiarity.FUEL_THEFT):
            litres = min(130.0, self.counters.level_l - 60)
            theft = Pump(self.wall(2, 10), 13 * 60, -litres)
        self.park_until(departs, theft)

    def park_until(self, end: int, pump: Pump | None = None) -> None:
        self._add(State.PARKED, max(end, self.now + 60), pump=pump)

    def pause(self, minutes: float) -> None:
        """Switches the engine off; refuels when the tank runs low, which takes a quarter of an hour."""
        pump = None
        if self.counters.level_l < 0.35 * self.truck.tank_l:
            pump = Pump(self.now + 240, 360, 0.96 * self.truck.tank_l - self.counters.level_l)
        self.park_until(self.now + int(max(minutes, 16 if pump else 0) * 60), pump)

    def idle(self, minutes: float, *, pto: bool = False) -> None:
        self._add(State.IDLING, self.now + int(minutes * 60), pto=pto)

    def drive_on(self, latest: float = math.inf) -> None:
        """Warms up, drives to the end of the present road (or halts once `latest` has passed), lets the engine run."""
        self.idle(self.rng.uniform(1.5, 7))
        run = drive(self.rng, self.road, self.road_m, self.now, latest=latest, surges=self.surges)
        self._add(State.DRIVING, math.ceil(run.times[-1]) + 1, run=run)
        self.idle(self.rng.uniform(1, 4))

    def go(self, place: Place, latest: float = math.inf) -> None:
        self.road, self.road_m = route(self.road.end, place), 0.0
        self.drive_on(latest)

    def exchange_engine_unit(self) -> None:
        if self.has(Peculiarity.COUNTER_RESET):
            self.counters = self.counters._replace(odometer_m=0.0, fuel_used_l=0.0)

    def _surges(self) -> list[float]:
        if self.has(Peculiarity.SPEEDING):
            return [110.5, 121.5, 133.5]
        return [self.rng.choice((109.5, 111.5, 118.5))] if self.rng.random() < 0.06 else []

    def _add(
        self, state: State, end: int, *, run: Run | None = None, pump: Pump | None = None, pto: bool = False
    ) -> None:
        idle = self.truck.idle_lph * (1.6 if pto else 1.0) / HOUR
        phase = Phase(
            state,
            self.now,
            end,
            self.counters,
            self.road,
            self.road_m,
            litres_per_s=idle,
            litres_per_m=self.truck.burn_l_per_100km / 100_000,
            run=run,
            pump=pump,
            pto=pto,
        )
        self.phases.append(phase)
        _, self.road_m, self.counters = phase.at(end)
        self.now = end


def _local(day: _Day) -> None:
    """Five to seven customers around the depot."""
    day.rest_until(day.wall(6, 40, spread_min=50))
    stops = sorted(day.rng.sample(range(len(day.truck.sites)), day.rng.randint(5, 7)))
    for n, stop in enumerate(stops):
        day.go(day.truck.sites[stop])
        if day.rng.random() < 0.3:
            day.idle(day.rng.uniform(10, 30))
        day.pause(day.rng.uniform(30, 60))
        if n == 1:
            day.exchange_engine_unit()
    day.go(day.truck.depot)


def _regional(day: _Day) -> None:
    """One or two customers in the next counties and back."""
    day.rest_until(day.wall(5, 20, spread_min=60))
    first = day.rng.randrange(8)
    for site in (day.truck.sites[first], day.truck.sites[(first + 1) % 8])[: day.rng.randint(1, 2)]:
        day.go(site)
        day.idle(day.rng.uniform(2, 25))
        day.pause(day.rng.uniform(30, 70))
    day.exchange_engine_unit()
    day.go(day.truck.depot)


def _long_haul(day: _Day) -> None:
    """Two stints of at most four and a half hours, from city to city; the night is spent where the hours end."""
    day.rest_until(max(day.wall(5, 0, spread_min=120), day.now + 10 * HOUR))
    for stint in range(2):
        stint_ends = day.now + day.rng.uniform(4.0, 4.5) * HOUR
        while day.now < stint_ends - 0.75 * HOUR:
            if day.arrived:
                day.go(_next_city(day), stint_ends)
            else:
                day.drive_on(stint_ends)
            if day.arrived:
                day.pause(day.rng.uniform(30, 60))
        if stint == 0:
            day.pause(day.rng.uniform(31, 50))
            day.exchange_engine_unit()


def _night(day: _Day) -> None:
    """To a hub that is reached after midnight, and back before the morning."""
    day.rest_until(day.wall(20, 20, spread_min=20))
    day.go(day.truck.sites[0])
    day.exchange_engine_unit()
    day.pause(day.rng.uniform(30, 45))
    day.go(day.truck.depot)


def _site(day: _Day) -> None:
    """Stands at a building site with the engine running, now and then driving a machine with it."""
    day.rest_until(day.wall(5, 40, spread_min=15))
    day.go(day.truck.sites[0])
    quitting_time = day.wall(19, 10)
    while day.now < quitting_time:
        day.idle(day.rng.uniform(35, 80))
        day.idle(day.rng.uniform(15, 45), pto=True)
    day.go(day.truck.depot)
    day.pause(16)


def _next_city(day: _Day) -> Place:
    here = day.road.end
    reach = [city for city in CITIES if 120_000 < distance_m(here.lat, here.lon, city.lat, city.lon) < 650_000]
    return day.rng.choice(reach)


_DUTIES: dict[Duty, Callable[[_Day], None]] = {
    Duty.LOCAL: _local,
    Duty.REGIONAL: _regional,
    Duty.LONG_HAUL: _long_haul,
    Duty.NIGHT: _night,
    Duty.SITE: _site,
}
