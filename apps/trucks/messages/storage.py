"""Raw messages into the database, many at a time; which of them are there, and their removal.

Raw SQL: the ORM builds an object a message, which costs three times as much as all the rest of the ingest.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from apps.trucks.messages import bulk_load, packs
from apps.trucks.messages.normal import MessageRow, MessageRows, Received, values_of

_COLUMNS = ("fleet_id", "truck_id", *MessageRow._fields)
_PLACES = ", ".join(["%s"] * len(_COLUMNS))
_INSERT = f"INSERT INTO message ({', '.join(_COLUMNS)}) VALUES ({_PLACES})"
_DERIVED = MessageRow._fields[MessageRow._fields.index("ignition") : MessageRow._fields.index("payload")]
_REPLACE = f"{_INSERT} ON DUPLICATE KEY UPDATE {', '.join(f'{name} = VALUES({name})' for name in _DERIVED)}"
_KEYS = """
SELECT t, digest FROM message WHERE fleet_id = %(fleet)s AND truck_id = %(truck)s AND t BETWEEN %(first)s AND %(last)s
UNION ALL
SELECT t, digest FROM quarantined_message
WHERE fleet_id = %(fleet)s AND truck_id = %(truck)s AND t BETWEEN %(first)s AND %(last)s
"""
_WORTH_A_FILE = 24  # rows; fewer are inserted as fast
_COUNTS = """
SELECT day, SUM(n) FROM (
    SELECT t DIV 86400 AS day, COUNT(*) AS n FROM message
    WHERE fleet_id = %(fleet)s AND truck_id = %(truck)s AND t BETWEEN %(first)s AND %(last)s GROUP BY 1
    UNION ALL
    SELECT t DIV 86400 AS day, COUNT(DISTINCT t, digest) AS n FROM quarantined_message
    WHERE fleet_id = %(fleet)s AND truck_id = %(truck)s AND t BETWEEN %(first)s AND %(last)s GROUP BY 1
) counts GROUP BY day
"""
_DELETE = "DELETE FROM message WHERE fleet_id = %s AND truck_id = %s AND t = %s AND digest = %s"
_DELETE_BEFORE = "DELETE FROM message WHERE fleet_id = %s AND truck_id = %s AND t < %s ORDER BY t LIMIT %s"
_TERMS = """
SELECT timezone, NULL FROM fleet WHERE id = %(fleet)s
UNION ALL SELECT NULL, `values` FROM parameter_set WHERE fleet_id = %(fleet)s
"""
_STALE = """
SELECT MIN(t), MAX(t) FROM (
    SELECT t FROM message
    WHERE fleet_id = %s AND truck_id = %s AND t >= %s AND sensor_version <> %s ORDER BY t LIMIT %s) stale
"""
_QUARANTINE = """
INSERT INTO quarantined_message (fleet_id, truck_id, day, t, digest, payload)
SELECT %s, %s, %s, %s, %s, %s FROM DUAL WHERE NOT EXISTS (
    SELECT 1 FROM quarantined_message WHERE fleet_id = %s AND truck_id = %s AND t = %s AND digest = %s)
"""


def known_keys(fleet_id: int, truck_id: int, first_t: int, last_t: int) -> set[tuple[int, int]]:
    """(second, digest) of the messages of [first_t, last_t] that are stored, or were put into quarantine."""
    values = {"fleet": fleet_id, "truck": truck_id, "first": first_t, "last": last_t}
    with connection.cursor() as cursor:
        cursor.execute(_KEYS, values)
        return set(cursor.fetchall())


def counts_by_day(fleet_id: int, truck_id: int, first_t: int, last_t: int) -> dict[int, int]:
    """UTC day (days since 1970) → how many messages of [first_t, last_t] are stored or in quarantine; without zeros."""
    values = {"fleet": fleet_id, "truck": truck_id, "first": first_t, "last": last_t}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, values)
        return {int(day): int(n) for day, n in cursor.fetchall()}


def fleet_terms(fleet_id: int) -> tuple[str, tuple[str, ...]]:
    """A fleet's time zone, and the values of all parameter sets it ever had, as JSON in any order."""
    with connection.cursor() as cursor:
        cursor.execute(_TERMS, {"fleet": fleet_id})
        rows = cursor.fetchall()
    (timezone,) = (timezone for timezone, _ in rows if timezone is not None)
    return timezone, tuple(sorted(values for _, values in rows if values is not None))


def stale_span(fleet_id: int, truck_id: int, since_t: int, version: str, limit: int) -> tuple[int, int] | None:
    """First and last second of the oldest messages whose readings are not of this version of the sensor table."""
    with connection.cursor() as cursor:
        cursor.execute(_STALE, [fleet_id, truck_id, since_t, version, limit])
        first_t, last_t = cursor.fetchone()
    return None if first_t is None else (first_t, last_t)


def insert(fleet_id: int, truck_id: int, rows: Sequence[MessageRow]) -> None:
    """Stores messages that are not stored yet."""
    _forget_packs(fleet_id, truck_id, rows)
    constants = {"fleet_id": fleet_id, "truck_id": truck_id}
    if len(rows) < _WORTH_A_FILE or not bulk_load.load("message", constants, MessageRows.of(rows).columns()):
        _many(_INSERT, ((fleet_id, truck_id, *row) for row in rows))


def replace_readings(fleet_id: int, truck_id: int, rows: Sequence[MessageRow]) -> None:
    """Gives stored messages the readings of another sensor table."""
    if rows:
        _forget_packs(fleet_id, truck_id, rows)
        _many(_REPLACE, ((fleet_id, truck_id, *row) for row in rows))


def _forget_packs(fleet_id: int, truck_id: int, rows: Sequence[MessageRow]) -> None:
    if rows:
        seconds = values_of(rows, "t")
        packs.forget(fleet_id, truck_id, min(seconds), max(seconds))


def delete(fleet_id: int, truck_id: int, keys: Sequence[tuple[int, int]]) -> None:
    """Removes the messages of these seconds and digests."""
    seconds = [t for t, _ in keys]
    packs.forget(fleet_id, truck_id, min(seconds), max(seconds))
    _many(_DELETE, ((fleet_id, truck_id, *key) for key in keys))


def delete_before(fleet_id: int, truck_id: int, t: int, limit: int) -> int:
    """Removes a truck's oldest messages from before a second. Returns how many: fewer than the limit if it is all."""
    packs.forget(fleet_id, truck_id, 0, t - 1)
    with connection.cursor() as cursor:
        return int(cursor.execute(_DELETE_BEFORE, [fleet_id, truck_id, t, limit]))


def quarantine(fleet_id: int, truck_id: int, day: Any, messages: Sequence[Received]) -> int:
    """Keeps messages from the future apart, each once, on the day it was first seen. How many were new."""
    new = 0
    with connection.cursor() as cursor:
        for each in messages:
            values = [fleet_id, truck_id, day, *each.key, each.payload, fleet_id, truck_id, *each.key]
            new += cursor.execute(_QUARANTINE, values)
    return new


def _many(statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(statement, list(rows))
