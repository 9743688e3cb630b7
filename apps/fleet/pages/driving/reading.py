"""What the page about drivers reads: the sums of the API by driver, of a fleet, of a group's trucks or of one truck."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from apps.accounts.periods import Period
from apps.fleet import queries
from apps.fleet.drivers import queries as driver_queries
from apps.fleet.drivers.safety import Weights
from apps.fleet.pages.analysis import Selection, trucks_of
from apps.fleet.pages.buckets import Bucket
from apps.fleet.spans import buckets
from apps.fleet.sums import drivers as driver_sums
from apps.mysql import Row, fetch_all_sync
from apps.trucks.detection.driver_parts import NOBODY, total
from apps.trucks.models import Driver

NAMES = driver_queries.DRIVERS.names
NOTHING: Row = dict.fromkeys(NAMES)


@dataclass(frozen=True, slots=True)
class Driven:
    """A driver's sums of the period and of the one before; nobody known has no code."""

    code: str | None
    name: str
    now: Row
    before: Row
    weights: Weights  # of the fleet on the period's last day


def by_driver(chosen: Selection) -> list[Driven]:
    """Drivers with days in the period, and nobody known, in no order."""
    now, before = _sums(chosen, chosen.period), _sums(chosen, chosen.period.previous())
    drivers, weights = Driver.objects.filter(fleet=chosen.fleet).in_bulk(list(now)), safety_weights(chosen)
    found = [Driven(each.code, each.name, now[pk], before.get(pk, NOTHING), weights) for pk, each in drivers.items()]
    if NOBODY in now:
        found.append(Driven(None, "Nobody known", now[NOBODY], before.get(NOBODY, NOTHING), weights))
    return found


def of_driver(chosen: Selection, driver: Driver) -> Driven:
    periods = chosen.period, chosen.period.previous()
    now, before = (_sums(chosen, period).get(driver.pk, NOTHING) for period in periods)
    return Driven(driver.code, driver.name, now, before, safety_weights(chosen))


def safety_weights(chosen: Selection) -> Weights:
    asked = {"fleet": chosen.fleet.pk, "to_day": chosen.period.last}
    return Weights.of(orjson.loads(row["values"]) for row in fetch_all_sync(driver_queries.SAFETY_SETS, asked))


def _sums(chosen: Selection, period: Period) -> dict[int, Row]:
    where = queries.period(chosen.fleet.pk, period.first, period.last)
    return driver_sums.sums_sync(where, trucks=trucks_of(chosen))


def added(rows: Sequence[Row]) -> Row:
    """The sums of all of them; of speeds the highest."""
    sums = {name: total(row[name] for row in rows) for name in NAMES}
    speeds = [row["max_speed_kmh"] for row in rows if row["max_speed_kmh"] is not None]
    return {**sums, "max_speed_kmh": max(speeds, default=None)}


def buckets_of(chosen: Selection, days: Sequence[Row]) -> list[Bucket]:
    """A driver's days summed up by day, week or month."""
    found = []
    for first, last in buckets(chosen.by, chosen.period.first, chosen.period.last):
        rows = [row for row in days if first <= row["day"] <= last]
        sums = added(rows) if rows else None
        found.append(Bucket(max(first, chosen.period.first), min(last, chosen.period.last), sums))
    return found


def days_of(chosen: Selection, driver: Driver) -> list[Row]:
    """A row a day, the first one first, with the codes of the trucks."""
    period = queries.period(chosen.fleet.pk, chosen.period.first, chosen.period.last)
    asked = {**period, "id": driver.pk, "after": None, "limit": chosen.period.days}
    return fetch_all_sync(driver_queries.DAYS_OF_DRIVER[False], asked)
