"""The fleet's vehicles: what each one is, which work it does and what is peculiar about it."""

import random
from dataclasses import dataclass
from enum import StrEnum

from wialon_simulator.roads import CITIES, Place

FIRST_UNIT_ID = 601_001


class Duty(StrEnum):
    """The working day a truck is used for."""

    LOCAL = "local"
    REGIONAL = "regional"
    LONG_HAUL = "long_haul"
    NIGHT = "night"
    SITE = "site"


class Peculiarity(StrEnum):
    """Something a reader of the data has to get right."""

    NEVER_REPORTS = "never_reports"
    NIGHT_TRIPS = "night_trips"
    IDLES_ALL_DAY = "idles_all_day"
    GPS_GAPS = "gps_gaps"
    FUEL_THEFT = "fuel_theft"
    SPEEDING = "speeding"
    COUNTER_RESET = "counter_reset"
    FAULT_CODES = "fault_codes"
    HARSH_DRIVING = "harsh_driving"
    UNAVAILABLE_CODES = "unavailable_codes"
    GARBAGE = "garbage"
    SAME_SECOND = "same_second"
    BLACK_BOX = "black_box"


@dataclass(frozen=True, slots=True)
class Truck:
    """One vehicle. `seed` leads all its random numbers; places are where its roads begin and end."""

    index: int
    unit_id: int
    name: str
    seed: str
    device: str
    duty: Duty
    peculiarities: frozenset[Peculiarity]
    works_weekends: bool
    tank_l: int
    idle_lph: float
    burn_l_per_100km: float
    moving_s: int
    parked_s: int
    depot: Place
    sites: tuple[Place, ...]
    first_odometer_km: float
    first_engine_h: float
    first_level_share: float


P = Peculiarity
_NOTABLE: tuple[tuple[str, str, Duty, frozenset[Peculiarity]], ...] = (
    ("T-101", "fms", Duty.LONG_HAUL, frozenset({P.SPEEDING, P.HARSH_DRIVING, P.UNAVAILABLE_CODES})),
    ("T-1010", "teltonika", Duty.NIGHT, frozenset({P.NIGHT_TRIPS, P.SAME_SECOND})),
    ("Müller 7 / Nord", "analogue", Duty.REGIONAL, frozenset({P.GPS_GAPS})),
    ("T-104", "analogue", Duty.SITE, frozenset({P.IDLES_ALL_DAY})),
    ("Reefer 12 (old)", "numbered", Duty.REGIONAL, frozenset({P.FUEL_THEFT, P.FAULT_CODES})),
    ("T-106", "fms", Duty.REGIONAL, frozenset({P.COUNTER_RESET, P.GARBAGE, P.FAULT_CODES})),
    ("Bäcker – Süd 3", "bare", Duty.LOCAL, frozenset({P.BLACK_BOX, P.SAME_SECOND})),
    ("Spare 8", "teltonika", Duty.LOCAL, frozenset({P.NEVER_REPORTS})),
)
_OCCASIONAL = (
    (P.SPEEDING, 0.15),
    (P.HARSH_DRIVING, 0.5),
    (P.FAULT_CODES, 0.2),
    (P.BLACK_BOX, 0.1),
    (P.GPS_GAPS, 0.08),
    (P.UNAVAILABLE_CODES, 0.15),
    (P.FUEL_THEFT, 0.04),
)
_ORDINARY_NAMES = ("T-{}", "T-{}", "Box {} east", "Łódź {}", "T-{}", "Flatbed #{}")
_TANKS = {Duty.LOCAL: 300, Duty.REGIONAL: 600, Duty.LONG_HAUL: 900, Duty.NIGHT: 800, Duty.SITE: 400}
_SITE_DISTANCES_M = {
    Duty.LOCAL: (8_000, 40_000),
    Duty.REGIONAL: (70_000, 170_000),
    Duty.LONG_HAUL: (20_000, 60_000),
    Duty.NIGHT: (375_000, 400_000),
    Duty.SITE: (10_000, 16_000),
}


def fleet(seed: int, count: int) -> list[Truck]:
    """Returns the first `count` trucks of this seed's fleet: eight with named peculiarities, then ordinary ones."""
    return [_truck(seed, index) for index in range(count)]


def _truck(seed: int, index: int) -> Truck:
    rng = random.Random(f"{seed}/truck/{index}")
    name, device, duty, peculiarities = _NOTABLE[index] if index < len(_NOTABLE) else _ordinary(rng, index)
    city = rng.choice(CITIES[:13])
    depot = city.offset(city.name, rng.uniform(0, 360), rng.uniform(1_000, 9_000))
    return Truck(
        index=index,
        unit_id=FIRST_UNIT_ID + index,
        name=name,
        seed=f"{seed}/{index}",
        device=device,
        duty=duty,
        peculiarities=peculiarities,
        works_weekends=index < len(_NOTABLE) or duty in (Duty.LONG_HAUL, Duty.NIGHT),
        tank_l=_TANKS[duty],
        idle_lph=round(rng.uniform(2.2, 3.4), 2),
        burn_l_per_100km=round(rng.uniform(22, 26) if duty is Duty.LOCAL else rng.uniform(29, 36), 1),
        moving_s=30 if index % 8 == 5 else 60,
        parked_s=rng.choice((600, 900, 1200, 1800)),
        depot=depot,
        sites=_sites(rng, depot, duty),
        first_odometer_km=round(rng.uniform(40_000, 620_000), 1),
        first_engine_h=round(rng.uniform(1_500, 16_000), 1),
        first_level_share=rng.uniform(0.42, 0.75),
    )


def _ordinary(rng: random.Random, index: int) -> tuple[str, str, Duty, frozenset[Peculiarity]]:
    name = _ORDINARY_NAMES[index % len(_ORDINARY_NAMES)].format(101 + index)
    device = rng.choices(("teltonika", "fms", "analogue", "numbered", "bare"), (35, 35, 15, 10, 5))[0]
    duty = rng.choices((Duty.LOCAL, Duty.REGIONAL, Duty.LONG_HAUL, Duty.NIGHT), (40, 30, 22, 8))[0]
    return name, device, duty, frozenset(kind for kind, chance in _OCCASIONAL if rng.random() < chance)


def _sites(rng: random.Random, depot: Place, duty: Duty) -> tuple[Place, ...]:
    """Returns eight customers around the depot, in the order of a round trip."""
    near, far = _SITE_DISTANCES_M[duty]
    first = rng.uniform(0, 360)
    return tuple(
        depot.offset(f"site {n + 1}", first + n * 45 + rng.uniform(-15, 15), rng.uniform(near, far)) for n in range(8)
    )
