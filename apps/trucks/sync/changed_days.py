"""Which days of a truck new, removed or newly read messages change."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from apps.accounts.calendar import day_of, days_between
from apps.trucks import invalidation
from apps.trucks.detection.evidence import READINGS, evidence_of
from apps.trucks.detection.points import Evidence
from apps.trucks.detection.surroundings import Surroundings
from apps.trucks.invalidation import Change, Reach
from apps.trucks.messages.neighbours import Neighbours
from apps.trucks.messages.normal import MessageRow, StoredPoint, has_any, values_of
from apps.trucks.models import Truck, TruckSync
from apps.trucks.sensor_tables import table_of
from apps.trucks.sensors import SensorTable

_HOLE_S = 43_200


def mark_changed(
    truck: Truck, sync: TruckSync, reach: Reach, changed: Sequence[MessageRow | StoredPoint], now: int
) -> None:
    """Marks the days that new or removed messages, or messages with new readings (ascending), change."""
    zone, known_first_t = truck.fleet.zone, now if sync.first_t is None else sync.first_t
    first_day = day_of(min(changed[0].t, known_first_t), zone)
    neighbours = Neighbours(truck.fleet_id, truck.id, reach.min_satellites, sync.cursor_t)
    surroundings = Surroundings(truck, sync, changed, now, reach.unseen_s)
    days = set()
    for change in _changes(changed, table_of(truck)):
        days |= invalidation.days_of_change(change, neighbours, reach, zone, now, surroundings.differing_days)
    if changed[0].t < known_first_t:  # from its first message on there is a row for every day
        days |= set(days_between(first_day, day_of(known_first_t, zone)))
    invalidation.mark(truck.fleet_id, [(truck.id, day) for day in days if day >= first_day], "messages")


def _changes(changed: Sequence[MessageRow | StoredPoint], table: SensorTable) -> list[Change]:
    """The messages in runs without a hole of more than half a day: each run is looked at as a whole."""
    holes = np.flatnonzero(np.diff(np.array(values_of(changed, "t"))) > _HOLE_S) + 1
    bounds = [0, *holes.tolist(), len(changed)]
    runs = [changed[start:end] for start, end in pairwise(bounds)]
    return [Change(run[0].t, run[-1].t, _columns(run, table), _followed_by(table)) for run in runs]


def _columns(run: Sequence[MessageRow | StoredPoint], table: SensorTable) -> frozenset[str]:
    """The columns with readings in the run, of those that say whether the engine runs only the one that counts."""
    evidence = evidence_of(table)
    columns = {name for name in ("lat", "speed_kmh", *READINGS) if has_any(values_of(run, name))}
    return frozenset(columns - {each.value for each in Evidence if each is not evidence})


def _followed_by(table: SensorTable) -> frozenset[str]:
    return frozenset({"lat", "fuel_level_l"} if "fuel_level_l" in table.measures else {"lat"})
