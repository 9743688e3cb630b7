"""From a truck's stored messages to its days: loads as much history as the days depend on and has it searched.

A day's result does not depend on which days are computed together, nor on how often.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias
from zoneinfo import ZoneInfo

from apps.accounts.calendar import ONE_DAY, day_bounds
from apps.trucks.detection.excerpt import Excerpt
from apps.trucks.detection.places import Place
from apps.trucks.detection.results import DayResult
from apps.trucks.detection.rules import Rules
from apps.trucks.messages.sealing import is_sealed
from apps.trucks.models import Truck, TruckSync
from apps.trucks.parameters import Parameters
from apps.trucks.sensor_tables import table_of

DAYS_AT_ONCE = 11  # two pentads, as a batch takes them; a bound on memory, not a rule
InForce: TypeAlias = tuple[Parameters, tuple[Place, ...]]  # on a day


def detect_days(
    truck: Truck, sync: TruckSync, days: Sequence[dt.date], zone: ZoneInfo, rules: Rules
) -> Iterator[DayResult]:
    """The results of these days (ascending), without those before the truck's first message or after its watermark.

    Nor of sealed days: what they were computed from is no longer whole. `rules` are the truck's own, or others for who
    would like to see what they would change.
    """
    if sync.first_t is None or sync.known_until is None:
        return
    table = table_of(truck)
    known = [
        day
        for day in days
        if _is_known(day, sync.first_t, sync.known_until, zone) and not is_sealed(day, sync.raw_since_t, zone)
    ]
    for (in_force, productive), run in _runs(known, lambda day: (rules.parameters.on(day), rules.places.on(day))):
        excerpt = Excerpt(truck, sync, table, in_force, run, zone, rules.reviews, productive)
        yield from excerpt.results(rules.shifts)


def _is_known(day: dt.date, first_t: int, known_until: int, zone: ZoneInfo) -> bool:
    """Whether the day has a part between first message and watermark; where a zone skipped it, it has none at all."""
    start, end = day_bounds(day, zone)
    return max(start, first_t) < end and start < known_until


def _runs(days: Sequence[dt.date], in_force: Callable[[dt.date], InForce]) -> Iterator[tuple[InForce, list[dt.date]]]:
    """The days in consecutive runs in which the same is in force, not too long, each with that."""
    runs: list[tuple[InForce, list[dt.date]]] = []
    for day in days:
        now = in_force(day)
        if runs and runs[-1][0] == now and day - runs[-1][1][-1] == ONE_DAY and len(runs[-1][1]) < DAYS_AT_ONCE:
            runs[-1][1].append(day)
        else:
            runs.append((now, [day]))
    yield from runs
