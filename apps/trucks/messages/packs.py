"""Days of messages in packs: kept beside the rows for as long as the rows are what they were.

Who changes messages takes the packs of their days away, in the same transaction and under the lock of the truck's
watermark row; who packs holds that lock from before the rows are read. So no pack says anything else than the rows.
"""

from collections.abc import Collection, Iterable

from django.db import connection

from apps.trucks.messages.columns import NUMBERS, MessageColumns
from apps.trucks.messages.packing import LAYOUT, pack, unpack

DAY_S = 86_400  # of a pack: a UTC day, whatever the fleet's zone is

# Raw SQL, as all statements on raw history: the ORM knows no REPLACE.
_KEEP = "REPLACE INTO packed_day (fleet_id, truck_id, day, layout, content) VALUES (%s, %s, %s, %s, %s)"
_READ = """
SELECT day, content FROM packed_day
WHERE fleet_id = %s AND truck_id = %s AND day BETWEEN %s AND %s AND layout = %s ORDER BY day
"""
_DAYS = "SELECT day FROM packed_day WHERE fleet_id = %s AND truck_id = %s AND day BETWEEN %s AND %s AND layout = %s"
_FORGET = "DELETE FROM packed_day WHERE fleet_id = %s AND truck_id = %s AND day BETWEEN %s AND %s"


def keep(fleet_id: int, truck_id: int, days: Iterable[tuple[int, MessageColumns]]) -> None:
    """Keeps the messages of whole UTC days (days since 1970), with all columns. Call it as the module says."""
    rows = [(fleet_id, truck_id, day, LAYOUT, pack(messages)) for day, messages in days]
    with connection.cursor() as cursor:
        cursor.executemany(_KEEP, rows)


def read(
    fleet_id: int, truck_id: int, start: int, end: int, readings: Collection[str] = NUMBERS
) -> dict[int, MessageColumns]:
    """The packed ones of the days that [start, end) touches, whole, ascending. Of readings only these, by column."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, [fleet_id, truck_id, start // DAY_S, (end - 1) // DAY_S, LAYOUT])
        return {day: unpack(content, readings) for day, content in cursor.fetchall()}


def packed(fleet_id: int, truck_id: int, first: int, last: int) -> set[int]:
    """Which of the days first to last, both included, are packed."""
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [fleet_id, truck_id, first, last, LAYOUT])
        return {day for (day,) in cursor.fetchall()}


def forget(fleet_id: int, truck_id: int, first_t: int, last_t: int) -> None:
    """Takes away the packs of the days that [first_t, last_t] touches: their messages change."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [fleet_id, truck_id, first_t // DAY_S, last_t // DAY_S])
