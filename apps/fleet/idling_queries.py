"""The statements behind idling: the worst places of a period, and the sums they are read from; the sums of trucks."""

from apps.fleet.queries import IN_DAYS, IN_SPANS, sums_of
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

OF_TRUCK = (
    "idle_s", "idle_productive_s", "engine_on_s", "idle_fuel_l", "idle_events", "length_s", "no_data_s", "idle_cost",
    "idle_productive_cost", "idle_productive_fuel_l",
)  # fmt: skip

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
