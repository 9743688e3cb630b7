"""Raw messages into the database and out of it, many at a time.

Raw SQL: the ORM builds an object a message, which costs three times as much as all the rest of the ingest.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import orjson
from django.db import connection

from apps.trucks.detection.evidence import READINGS
from apps.trucks.detection.places import Box
from apps.trucks.detection.points import VALUES, Floats
from apps.trucks.detection.quantities import CONNECTED_S
from apps.trucks.messages import bulk_load, packs
from apps.trucks.messages.columns import ANY_FIX, NO_FIX, OF_FIX, MessageColumns, joined
from apps.trucks.messages.normal import (
    NOT_GPS,
    UNKNOWN_SATELLITES,
    MessageRow,
    MessageRows,
    Received,
    StoredMessages,
    StoredPoint,
    values_of,
)
from apps.trucks.messages.packs import DAY_S
from apps.trucks.messages.read_spans import Spans

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
_NEAREST = "SELECT {nearest}(t) FROM message WHERE fleet_id = %s AND truck_id = %s AND t BETWEEN %s AND %s"
_TERMS = """
SELECT timezone, NULL FROM fleet WHERE id = %(fleet)s
UNION ALL SELECT NULL, `values` FROM parameter_set WHERE fleet_id = %(fleet)s
"""
_LATEST_T = 2**40  # later than any message
_READ = f"""
SELECT {", ".join(StoredPoint._fields)} FROM message
WHERE fleet_id = %s AND truck_id = %s AND t >= %s AND t < %s ORDER BY t
"""
_AT = f"SELECT {', '.join(StoredPoint._fields)} FROM message WHERE fleet_id = %s AND truck_id = %s AND t IN ({{}})"
_STALE = """
SELECT MIN(t), MAX(t) FROM (
    SELECT t FROM message
    WHERE fleet_id = %s AND truck_id = %s AND t >= %s AND sensor_version <> %s ORDER BY t LIMIT %s) stale
"""
_PAYLOADS = """
SELECT t, COALESCE(received_t, 0), digest, payload FROM message
WHERE fleet_id = %s AND truck_id = %s AND t BETWEEN %s AND %s
"""
_LAST = """
SELECT t, COALESCE(received_t, 0), digest, payload FROM message
WHERE fleet_id = %s AND truck_id = %s AND t >= %s ORDER BY t DESC LIMIT %s
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


def newest_second(fleet_id: int, truck_id: int, near_t: int) -> int | None:
    """The second of the newest stored message. It is found faster if it is not long before `near_t`."""
    return _nearest_second("MAX", fleet_id, truck_id, near_t - CONNECTED_S, _LATEST_T, outer=(0, _LATEST_T))


def _nearest_second(
    nearest: str, fleet_id: int, truck_id: int, first_t: int, last_t: int, outer: tuple[int, int]
) -> int | None:
    """The first (MIN) or last (MAX) second of [first_t, last_t] with a message, or else of the outer interval.

    Bounds at both ends leave all partitions but one or two out; what lies further away is rare and costs a look into
    each of them.
    """
    for bounds in ((first_t, last_t), outer):
        with connection.cursor() as cursor:
            cursor.execute(_NEAREST.format(nearest=nearest), [fleet_id, truck_id, *bounds])
            (t,) = cursor.fetchone()
        if t is not None:
            return int(t)
    return None


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


def stale_span(fleet_id: int, truck_id: int, since_t: int, version: str, limit: int) -> tuple[int, int] | None:
    """First and last second of the oldest messages whose readings are not of this version of the sensor table."""
    with connection.cursor() as cursor:
        cursor.execute(_STALE, [fleet_id, truck_id, since_t, version, limit])
        first_t, last_t = cursor.fetchone()
    return None if first_t is None else (first_t, last_t)


def messages_between(fleet_id: int, truck_id: int, first_t: int, last_t: int) -> list[Received]:
    """The messages of [first_t, last_t] as they came, in the order in which the later of one second wins."""
    return _messages(_PAYLOADS, [fleet_id, truck_id, first_t, last_t])


def message_before(fleet_id: int, truck_id: int, t: int) -> Received | None:
    """The last message before a second."""
    found = _nearest_second("MAX", fleet_id, truck_id, t - CONNECTED_S, t - 1, outer=(0, t - 1))
    return None if found is None else messages_between(fleet_id, truck_id, found, found)[-1]


def message_after(fleet_id: int, truck_id: int, t: int) -> Received | None:
    """The first message after a second."""
    found = _nearest_second("MIN", fleet_id, truck_id, t + 1, t + CONNECTED_S, outer=(t + 1, _LATEST_T))
    return None if found is None else messages_between(fleet_id, truck_id, found, found)[0]


def last_messages(fleet_id: int, truck_id: int, limit: int, near_t: int) -> list[Received]:
    """The newest messages, ascending. They are found faster if as many lie in the last 35 days before `near_t`."""
    found = _messages(_LAST, [fleet_id, truck_id, near_t - CONNECTED_S, limit])
    return found if len(found) == limit else _messages(_LAST, [fleet_id, truck_id, 0, limit])


def _messages(statement: str, values: Sequence[int]) -> list[Received]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return sorted(
            Received(t, registered_t, digest, payload, orjson.loads(payload))
            for t, registered_t, digest, payload in cursor.fetchall()
        )


def stored_points(fleet_id: int, truck_id: int, start: int, end: int) -> list[StoredPoint]:
    """The messages of [start, end), in the order in which the later of one second wins."""
    return _points(_READ, [fleet_id, truck_id, start, end])


def _points(statement: str, values: Sequence[int]) -> list[StoredPoint]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        points = [StoredPoint._make(_with_booleans(row)) for row in cursor.fetchall()]
    points.sort(key=_by_precedence)
    return points


def stored_messages(
    fleet_id: int, truck_id: int, start: int, end: int, readings: Collection[str], min_satellites: int
) -> StoredMessages:
    """The messages of [start, end) in columns, for a fifth of the work of `stored_points`, less where days are packed.

    `readings` are those that are wanted besides place, speed and harsh driving; the others are taken as null.
    """
    packed = packs.read(fleet_id, truck_id, start, end, readings)
    parts = [
        packed[first // DAY_S].between(first, last)
        if first // DAY_S in packed
        else message_columns(fleet_id, truck_id, first, last, readings)
        for first, last in _stretches(start, end, packed)
    ]
    return joined(parts).stored(readings, min_satellites)


def _stretches(start: int, end: int, packed: Collection[int]) -> Iterator[tuple[int, int]]:
    """[start, end) in pieces: each packed day is one, and so is all that lies between two of them."""
    for day in packed:
        first, last = max(start, day * DAY_S), min(end, (day + 1) * DAY_S)
        if start < first:
            yield start, first
        yield first, last
        start = last
    if start < end or not packed:
        yield start, end


def message_columns(fleet_id: int, truck_id: int, start: int, end: int, readings: Collection[str]) -> MessageColumns:
    """The rows of [start, end) in columns: those of each message, and these readings.

    Each row comes as one text, and all are read at once: an object a number would cost more than all the rest.
    """
    named = _OF_EACH | {name: name for name in VALUES if name in OF_FIX or name in readings}
    values = ", ".join(f"COALESCE({value}, 'null')" for value in named.values())
    with_faults = "dtc" in readings
    with connection.cursor() as cursor:
        cursor.execute(
            _AS_TEXT.format(values, ", dtc" if with_faults else ""),
            {"fleet": fleet_id, "truck": truck_id, "start": start, "end": end},
        )
        rows = cursor.fetchall()
    text = ",".join([row[0] for row in rows])
    numbers = np.array(orjson.loads(f"[{text}]"), dtype=np.float64).reshape(-1, len(named))
    dtc = [row[1] for row in rows] if with_faults else [None] * len(rows)
    if not _is_ascending(numbers[:, :2]):
        order = np.lexsort((numbers[:, 1], numbers[:, 0]))
        numbers, dtc = numbers[order], [dtc[at] for at in order.tolist()]
    columns = dict(zip(named, numbers.T.copy(), strict=True))
    del columns["registered_t"]
    return MessageColumns(columns, [(at, told) for at, told in enumerate(dtc) if told is not None])


def _is_ascending(seconds: Floats) -> bool:
    """Whether messages are in the order in which the later of one second wins, by second and registration.

    They come in that of second and digest, which is the third to decide.
    """
    same = np.diff(seconds[:, 0]) == 0
    return not (np.diff(seconds[:, 1])[same] < 0).any()


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Finds a truck's readings next to an instant: at most 35 days away, per column and not per message.

    Who knows the second of the newest message, or between which seconds there are readings, gives it: then nothing is
    looked for elsewhere.
    """

    fleet_id: int
    truck_id: int
    min_satellites: int
    newest_t: int | None = None
    spans: Spans | None = None  # of the truck's readings, where they are known

    def before(self, t: int, columns: Iterable[str], levels: int = 1) -> dict[str, list[int]]:
        """The seconds of the last readings before an instant, the nearest first; of the fuel level several."""
        return self._nearest(columns, levels, t - CONNECTED_S, t - 1, "DESC")

    def after(self, t: int, columns: Iterable[str], levels: int = 1) -> dict[str, list[int]]:
        """The seconds of the first readings after an instant, the nearest first."""
        if self.newest_t is not None and t >= self.newest_t:
            return {}
        return self._nearest(columns, levels, t + 1, t + CONNECTED_S, "ASC")

    def is_within(self, start: int, end: int, boxes: Sequence[Box]) -> bool:
        """Whether a fix of [start, end), or the last one before it, lies in any of the boxes."""
        values: dict[str, Any] = {"fleet": self.fleet_id, "truck": self.truck_id, "satellites": self.min_satellites}
        values |= {"first": min([start, *self.before(start, ["lat"]).get("lat", [])]), "end": end}
        conditions = []
        for number, box in enumerate(boxes):
            values |= {f"{side}{number}": value for side, value in box._asdict().items()}
            conditions.append(_IN_BOX.format(number))
        with connection.cursor() as cursor:
            cursor.execute(_ANY_IN_BOX.format(" OR ".join(conditions)), values)
            return cursor.fetchone() is not None

    def points(self, seconds: Iterable[int]) -> list[StoredPoint]:
        """The messages of these seconds, in the order in which the later of one second wins."""
        wanted = sorted(set(seconds))
        if not wanted:
            return []
        statement = _AT.format(", ".join(["%s"] * len(wanted)))
        return _points(statement, [self.fleet_id, self.truck_id, *wanted])

    def _nearest(
        self, columns: Iterable[str], levels: int, first_t: int, last_t: int, order: str
    ) -> dict[str, list[int]]:
        # Without a name of its own the text 't' would be what ORDER BY t means.
        one = (
            "(SELECT '{column}' AS reading, t FROM message WHERE fleet_id = %(fleet)s AND truck_id = %(truck)s"
            f" AND t BETWEEN {{first}} AND {{last}} AND {{condition}} ORDER BY t {order} LIMIT {{limit}})"
        )
        parts = []
        for column in columns:
            first, last = self._where_read(column, first_t, last_t)
            limit = levels if column == "fuel_level_l" else 1
            if first <= last:
                terms = {"column": column, "first": int(first), "last": int(last), "limit": limit}
                parts.append(one.format(condition=_CONDITIONS[column], **terms))
        found: dict[str, list[int]] = {}
        if parts:
            values = {"fleet": self.fleet_id, "truck": self.truck_id, "satellites": self.min_satellites}
            with connection.cursor() as cursor:
                cursor.execute(" UNION ALL ".join(parts), values)
                for column, t in cursor.fetchall():
                    found.setdefault(column, []).append(t)
        return found

    def _where_read(self, column: str, first_t: int, last_t: int) -> tuple[int, int]:
        """What of [first_t, last_t] may have readings in a column: one that a sensor no longer gives, or gives in none
        of a month's messages, is not looked for in each of them."""
        if self.spans is None or column == "t":
            return first_t, last_t
        first, last = self.spans.get(column, (1, 0))
        return max(first, first_t), min(last, last_t)


_IS_PLACE = (
    f"lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180 AND NOT (lat = 0 AND lon = 0) AND flags & {NOT_GPS} = 0"
)
_FIX = f"{_IS_PLACE} AND (satellites IS NULL OR satellites = {UNKNOWN_SATELLITES} OR satellites >= %(satellites)s)"
_IN_BOX = "lat BETWEEN %(south{0})s AND %(north{0})s AND lon BETWEEN %(west{0})s AND %(east{0})s"
_ANY_IN_BOX = f"""
SELECT 1 FROM message WHERE fleet_id = %(fleet)s AND truck_id = %(truck)s AND t >= %(first)s AND t < %(end)s
    AND {_FIX} AND ({{}}) LIMIT 1
"""
_SATELLITES = f"COALESCE(NULLIF(satellites, {UNKNOWN_SATELLITES}), {ANY_FIX})"
_OF_EACH = {
    "t": "t",
    "registered_t": "COALESCE(received_t, 0)",
    "dropped": "dropped",
    "fix_at": f"IF({_IS_PLACE}, {_SATELLITES}, {NO_FIX})",
    "harsh": "harsh",
}
_AS_TEXT = """
SELECT CONCAT_WS(',', {}){} FROM message
WHERE fleet_id = %(fleet)s AND truck_id = %(truck)s AND t >= %(start)s AND t < %(end)s ORDER BY t, digest
"""
# When a message has a reading in a column: `lat` stands for the fix (the rule of messages.is_fix), `t` for the message.
_CONDITIONS = {
    "t": "TRUE",
    "lat": _FIX,
    "speed_kmh": f"speed_kmh IS NOT NULL AND {_FIX}",
    **{column: f"{column} IS NOT NULL" for column in READINGS},
}


def quarantine(fleet_id: int, truck_id: int, day: Any, messages: Sequence[Received]) -> int:
    """Keeps messages from the future apart, each once, on the day it was first seen. How many were new."""
    new = 0
    with connection.cursor() as cursor:
        for each in messages:
            values = [fleet_id, truck_id, day, *each.key, each.payload, fleet_id, truck_id, *each.key]
            new += cursor.execute(_QUARANTINE, values)
    return new


_by_precedence = attrgetter("precedence")
_IGNITION, _PTO = StoredPoint._fields.index("ignition"), StoredPoint._fields.index("pto")


def _with_booleans(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """MariaDB has no booleans: 0 and 1 become False and True."""
    if row[_IGNITION] is None and row[_PTO] is None:
        return row
    values = list(row)
    for index in (_IGNITION, _PTO):
        values[index] = None if values[index] is None else bool(values[index])
    return tuple(values)


def _many(statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(statement, list(rows))
