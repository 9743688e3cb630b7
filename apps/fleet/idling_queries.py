"""The statements behind idling: the worst places and the worst trucks of a period, and the sums they are read from."""

from apps.fleet.queries import IN_DAYS, IN_SPANS, OF_TRUCK_DAY, sums_of
from apps.fleet.spans import MONTH, PENTAD

SUMS = ("events", "idle_s", "productive_s", "fuel_l", "productive_fuel_l", "cost", "productive_cost")
_LISTED = ", ".join(SUMS)

# One row a place at which any truck idled, where most was idled unproductively first; `number` is how many there are.
PLACES = f"""
SELECT spot, {sums_of(SUMS)}, COUNT(*) OVER () AS number FROM (
    SELECT spot, {_LISTED} FROM truck_day_idle_place WHERE {IN_DAYS}
    UNION ALL SELECT spot, {_LISTED} FROM fleet_span_idle_place WHERE {IN_SPANS}
) parts GROUP BY spot ORDER BY SUM(idle_s - productive_s) DESC, spot LIMIT %(limit)s
"""

# One row a productive place of the fleet, what came into force last of each name at the end.
NAMED_PLACES = """
SELECT name, lat, lon, polygon FROM productive_place WHERE fleet_id = %(fleet)s ORDER BY effective_from
"""

_OF_TRUCK = ("idle_s", "idle_productive_s", "engine_on_s", "idle_fuel_l", "idle_events", "length_s", "no_data_s")
_OF_MONEY = ("idle_cost", "idle_productive_cost", "idle_productive_fuel_l")


def _by_truck(names: tuple[str, ...], days: str, spans: str, of: dict[str, str] | None = None) -> str:
    return f"""SELECT truck_id, {sums_of(names)} FROM (
        SELECT truck_id, {sums_of(names, of)} FROM {days} WHERE {IN_DAYS} GROUP BY truck_id
        UNION ALL SELECT truck_id, {sums_of(names)} FROM {spans} WHERE {IN_SPANS} GROUP BY truck_id
    ) parts GROUP BY truck_id"""


# One row a truck whose idling is measured and of whose time half is known, the one that idled most unproductively
# first; `number` is how many there are.
TRUCKS = f"""
SELECT t.code AS truck_id, t.name, s.*, {", ".join(f"m.{name}" for name in _OF_MONEY)}, COUNT(*) OVER () AS number
FROM ({_by_truck(_OF_TRUCK, "truck_day", "truck_span", OF_TRUCK_DAY)}) s
JOIN truck t ON t.id = s.truck_id
LEFT JOIN ({_by_truck(_OF_MONEY, "truck_day_fuel", "truck_span_fuel")}) m ON m.truck_id = s.truck_id
WHERE s.idle_s IS NOT NULL AND 2 * s.no_data_s <= s.length_s
ORDER BY s.idle_s - s.idle_productive_s DESC, t.code LIMIT %(limit)s
""".replace("s.*", ", ".join(f"s.{name}" for name in _OF_TRUCK))

_PIECES = {
    PENTAD: ("truck_day_idle_place", "day IN %(pieces)s"),
    MONTH: ("fleet_span_idle_place", "span = 'pentad' AND first_day IN %(pieces)s"),
}


def _sum_up(kind: str) -> tuple[str, str]:
    source, pieces = _PIECES[kind]
    return (
        f"DELETE FROM fleet_span_idle_place WHERE fleet_id = %(fleet)s AND span = '{kind}' "
        "AND first_day = %(first_day)s AND spot IN %(spots)s",
        f"INSERT INTO fleet_span_idle_place (fleet_id, span, first_day, spot, {_LISTED}) "
        f"SELECT fleet_id, '{kind}', %(first_day)s, spot, {sums_of(SUMS)} FROM {source} "
        f"WHERE fleet_id = %(fleet)s AND {pieces} AND spot IN %(spots)s GROUP BY fleet_id, spot",
    )


# By kind of span: replaces it at some places by the sums of its pieces.
SUM_UP = {kind: _sum_up(kind) for kind in (PENTAD, MONTH)}
