"""Stored messages read back: as they came, as points, and in columns.

Raw SQL, as in `storage`: an object a message would cost more than all that is made of them.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
import orjson
from django.db import connection

from apps.trucks.detection.points import VALUES, Floats
from apps.trucks.detection.quantities import CONNECTED_S
from apps.trucks.messages import packs
from apps.trucks.messages.columns import ANY_FIX, NO_FIX, OF_FIX, MessageColumns, joined
from apps.trucks.messages.normal import NOT_GPS, UNKNOWN_SATELLITES, Received, StoredMessages, StoredPoint
from apps.trucks.messages.packs import DAY_S

_NEAREST = "SELECT {nearest}(t) FROM message WHERE fleet_id = %s AND truck_id = %s AND t BETWEEN %s AND %s"
_LATEST_T = 2**40  # later than any message
_READ = f"""
SELECT {", ".join(StoredPoint._fields)} FROM message
WHERE fleet_id = %s AND truck_id = %s AND t >= %s AND t < %s ORDER BY t
"""
_AT = f"SELECT {', '.join(StoredPoint._fields)} FROM message WHERE fleet_id = %s AND truck_id = %s AND t IN ({{}})"
_PAYLOADS = """
SELECT t, COALESCE(received_t, 0), digest, payload FROM message
WHERE fleet_id = %s AND truck_id = %s AND t BETWEEN %s AND %s
"""
_LAST = """
SELECT t, COALESCE(received_t, 0), digest, payload FROM message
WHERE fleet_id = %s AND truck_id = %s AND t >= %s ORDER BY t DESC LIMIT %s
"""
IS_PLACE = (
    f"lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180 AND NOT (lat = 0 AND lon = 0) AND flags & {NOT_GPS} = 0"
)
_SATELLITES = f"COALESCE(NULLIF(satellites, {UNKNOWN_SATELLITES}), {ANY_FIX})"
_OF_EACH = {
    "t": "t",
    "registered_t": "COALESCE(received_t, 0)",
    "dropped": "dropped",
    "fix_at": f"IF({IS_PLACE}, {_SATELLITES}, {NO_FIX})",
    "harsh": "harsh",
}
_AS_TEXT = """
SELECT CONCAT_WS(',', {}){} FROM message
WHERE fleet_id = %(fleet)s AND truck_id = %(truck)s AND t >= %(start)s AND t < %(end)s ORDER BY t, digest
"""
_by_precedence = attrgetter("precedence")
_IGNITION, _PTO = StoredPoint._fields.index("ignition"), StoredPoint._fields.index("pto")


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


def stored_points(fleet_id: int, truck_id: int, start: int, end: int) -> list[StoredPoint]:
    """The messages of [start, end), in the order in which the later of one second wins."""
    return _points(_READ, [fleet_id, truck_id, start, end])


def points_at(fleet_id: int, truck_id: int, seconds: Iterable[int]) -> list[StoredPoint]:
    """The messages of these seconds, in the order in which the later of one second wins."""
    wanted = sorted(set(seconds))
    if not wanted:
        return []
    return _points(_AT.format(", ".join(["%s"] * len(wanted))), [fleet_id, truck_id, *wanted])


def _points(statement: str, values: Sequence[int]) -> list[StoredPoint]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        points = [StoredPoint._make(_with_booleans(row)) for row in cursor.fetchall()]
    points.sort(key=_by_precedence)
    return points


def _with_booleans(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """MariaDB has no booleans: 0 and 1 become False and True."""
    if row[_IGNITION] is None and row[_PTO] is None:
        return row
    values = list(row)
    for index in (_IGNITION, _PTO):
        values[index] = None if values[index] is None else bool(values[index])
    return tuple(values)


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
