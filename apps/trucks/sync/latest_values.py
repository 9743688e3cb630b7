"""The row of a truck's latest values: what messages make of it. Whoever calls holds the truck's watermark row.

Raw SQL: every delivery of every truck reads and writes this row, and the ORM takes a millisecond longer for it.
"""

from collections.abc import Sequence, Set
from itertools import takewhile
from typing import Any

import orjson
from django.db import connection

from apps.trucks.detection.evidence import engine_state, evidence_of
from apps.trucks.detection.points import Evidence
from apps.trucks.messages import reads
from apps.trucks.messages.neighbours import Neighbours
from apps.trucks.messages.normal import MessageRow, Rows, points_of, rows, stored_point
from apps.trucks.models import Truck
from apps.trucks.sensors import SensorTable
from apps.trucks.sync.latest import Latest, document, newest

_LOOK_BACK = 500  # messages in which everything latest is looked for
_READ = "SELECT t, fix_t, lat, lon, speed_kmh, document, `values` FROM latest_values WHERE truck_id = %s"
_DELETE = "DELETE FROM latest_values WHERE truck_id = %s"
_COLUMNS = ("truck_id", "fleet_id", "t", "engine_on", "speed_kmh", "lat", "lon", "fix_t", "`values`", "document")
_KEEP = f"""
INSERT INTO latest_values ({", ".join(_COLUMNS)}) VALUES ({", ".join(["%s"] * len(_COLUMNS))})
ON DUPLICATE KEY UPDATE {", ".join(f"{name} = VALUES({name})" for name in _COLUMNS[1:])}
"""


def keep(truck: Truck, table: SensorTable, evaluated: Rows, known_t: int | None = None) -> None:
    """Takes over what is latest of these messages (ascending), before which the newest one stored was of `known_t`."""
    latest = newest(_read(truck.id) or Latest(), evaluated, table)
    engine_on = _engine_on(truck, table, evaluated.rows, known_t, latest.t or 0)
    place = (latest.speed_kmh, latest.lat, latest.lon, latest.fix_t)
    readings = (orjson.dumps(latest.values), document(latest, table))
    _execute(_KEEP, [truck.id, truck.fleet_id, latest.t, engine_on, *place, *readings])


def renew(truck: Truck, table: SensorTable, near_t: int) -> None:
    """Evaluates the last stored messages anew, the newest about this second: nothing of what was latest stays."""
    messages = reads.last_messages(truck.fleet_id, truck.id, _LOOK_BACK, near_t)
    _execute(_DELETE, [truck.id])
    if messages:
        keep(truck, table, rows(messages, table))


def is_any_of(truck_id: int, seconds: Set[int]) -> bool:
    """Whether any of the latest values is of one of these seconds."""
    latest = _read(truck_id)
    return latest is not None and bool({latest.t, latest.fix_t, *(t for _, t in latest.values.values())} & seconds)


def _engine_on(
    truck: Truck, table: SensorTable, rows: Sequence[MessageRow], known_t: int | None, latest_t: int
) -> bool | None:
    """Whether the engine runs at the truck's last message: what the last stored reading says, whenever it came."""
    evidence = evidence_of(table)
    if evidence is Evidence.NONE:
        return None
    last = next((row for row in reversed(rows) if getattr(row, evidence.value) is not None), None)
    if last is not None and known_t is not None and last.t > known_t:
        of_its_second = takewhile(lambda row: row.t >= last.t, reversed(rows))
        same_second = [stored_point(row) for row in reversed(list(of_its_second)) if row.t == last.t]
        return engine_state(points_of(same_second, min_satellites=0), evidence)
    neighbours = Neighbours(truck.fleet_id, truck.id, min_satellites=0)
    seconds = neighbours.before(latest_t + 1, [evidence.value]).get(evidence.value, [])
    return engine_state(points_of(neighbours.points(seconds), min_satellites=0), evidence)


def _read(truck_id: int) -> Latest | None:
    with connection.cursor() as cursor:
        cursor.execute(_READ, [truck_id])
        found = cursor.fetchone()
    if found is None:
        return None
    t, fix_t, lat, lon, speed_kmh, stored, told = found
    values = {key: (value, since) for key, (value, since) in orjson.loads(told).items()}
    return Latest(t, fix_t, lat, lon, speed_kmh, orjson.loads(stored).get("position"), values)


def _execute(statement: str, values: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
