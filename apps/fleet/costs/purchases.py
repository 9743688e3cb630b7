"""Fuel that was bought for a truck on days that it does not have, and that is in none of its figures therefore."""

from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from apps.accounts.calendar import day_of
from apps.accounts.periods import Period

# One row a purchase of the fleet, or of a truck or a group if said, that lies outside its truck's known time.
OUTSIDE = """
SELECT found.* FROM (
    SELECT TIMESTAMPDIFF(SECOND, '1970-01-01', p.purchased_at) AS t, p.litres, s.first_t, s.known_until
    FROM fuel_purchase p LEFT JOIN truck_sync s ON s.truck_id = p.truck_id
    WHERE p.fleet_id = %(fleet)s AND p.purchased_at >= %(start)s AND p.purchased_at < %(end)s
        AND (%(truck)s IS NULL OR p.truck_id = %(truck)s)
        AND (%(group)s IS NULL OR p.truck_id IN (
            SELECT m.truck_id FROM truck_group_truck m WHERE m.truckgroup_id = %(group)s))
) found WHERE first_t IS NULL OR known_until IS NULL OR t < first_t OR t >= known_until
"""


def asked(fleet_id: int, period: Period, *, truck_id: int | None = None, group_id: int | None = None) -> dict[str, Any]:
    """What the statement takes."""
    return {"fleet": fleet_id, "start": period.start, "end": period.end, "truck": truck_id, "group": group_id}


def without_day(rows: Iterable[Mapping[str, Any]], zone: ZoneInfo) -> dict[str, Any]:
    """How many of the rows are of days that their truck does not have, and their litres.

    A truck has the days from that of its first message to that up to which it is known, both as a whole.
    """
    litres = [float(row["litres"]) for row in rows if not _has_day(row, zone)]
    return {"purchases": len(litres), "litres": round(sum(litres), 3)}


def _has_day(row: Mapping[str, Any], zone: ZoneInfo) -> bool:
    if row["first_t"] is None or row["known_until"] is None:
        return False
    return day_of(row["first_t"], zone) <= day_of(row["t"], zone) <= day_of(row["known_until"], zone)
