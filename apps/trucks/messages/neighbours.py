"""The readings of a truck that are nearest to an instant, and whether it was at a place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.trucks.detection.evidence import READINGS
from apps.trucks.detection.places import Box
from apps.trucks.detection.quantities import CONNECTED_S
from apps.trucks.messages.normal import UNKNOWN_SATELLITES, StoredPoint
from apps.trucks.messages.read_spans import Spans
from apps.trucks.messages.reads import IS_PLACE, points_at

_FIX = f"{IS_PLACE} AND (satellites IS NULL OR satellites = {UNKNOWN_SATELLITES} OR satellites >= %(satellites)s)"
_IN_BOX = "lat BETWEEN %(south{0})s AND %(north{0})s AND lon BETWEEN %(west{0})s AND %(east{0})s"
_ANY_IN_BOX = f"""
SELECT 1 FROM message WHERE fleet_id = %(fleet)s AND truck_id = %(truck)s AND t >= %(first)s AND t < %(end)s
    AND {_FIX} AND ({{}}) LIMIT 1
"""
# When a message has a reading in a column: `lat` stands for the fix (the rule of messages.is_fix), `t` for the message.
_CONDITIONS = {
    "t": "TRUE",
    "lat": _FIX,
    "speed_kmh": f"speed_kmh IS NOT NULL AND {_FIX}",
    **{column: f"{column} IS NOT NULL" for column in READINGS},
}


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
        return points_at(self.fleet_id, self.truck_id, seconds)

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
