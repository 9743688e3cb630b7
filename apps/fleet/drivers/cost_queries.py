"""The statements behind costs by driver: a page of a large fleet's drivers, and single ones.

Whole lists are read from the packed sums (`sums.drivers`). They take what `queries.period` gives, of a group also its
`id`, of a page also `after` and `limit`. Driver 0 is nobody known; it comes last, without code and name.
"""

from dataclasses import dataclass

from apps.fleet.drivers.queries import DRIVERS, IN_GROUP, page_of
from apps.fleet.queries import IN_DAYS, IN_SPANS

SUMS = ("days", "distance_m", "engine_on_s")
_ITS = "driver_id = %(id)s"


def _figures(page: str, which: str) -> str:
    """One row a driver with days in the period, by code."""
    return f"""
SELECT s.id, t.code, t.name, {", ".join(f"s.{name}" for name in SUMS)}
FROM ({DRIVERS.sums(SUMS, page, which)}) s LEFT JOIN driver t ON t.id = s.id
ORDER BY t.code IS NULL, t.code LIMIT %(limit)s
"""


def _costs(page: str, which: str) -> str:
    """One row a driver, line and source, in no order."""
    return f"""
SELECT driver_id AS id, line, source, SUM(amount) AS amount FROM (
    SELECT driver_id, line, source, SUM(amount) AS amount FROM truck_day_driver_cost {page}
    WHERE {IN_DAYS} AND {which} GROUP BY driver_id, line, source
    UNION ALL SELECT driver_id, line, source, SUM(amount) FROM truck_span_driver_cost {page}
    WHERE {IN_SPANS} AND {which} GROUP BY driver_id, line, source
) parts GROUP BY driver_id, line, source
"""


@dataclass(frozen=True, slots=True)
class Statements:
    """Of a scope: the drivers of a page with their sums, and what they bear."""

    figures: str
    costs: str


def _of(which: str) -> Statements:
    page = page_of(DRIVERS, which)
    return Statements(_figures(page, which), _costs(page, which))


# In all trucks, in those of a group.
PAGE_OF = {"fleet": _of("TRUE"), "group": _of(IN_GROUP)}

# What a single driver, `id`, bears: one row a line and source.
COSTS_OF_DRIVER = _costs("", _ITS)

# The same by first day, of all its days and spans: one row each with SUMS, one a line and source besides, cents.
PARTS_OF_DRIVER = f"""
SELECT day AS first_day, COUNT(*) AS days, SUM(distance_m) AS distance_m, SUM(engine_on_s) AS engine_on_s
FROM truck_day_driver WHERE {IN_DAYS} AND {_ITS} GROUP BY day
UNION ALL SELECT first_day, SUM(days), SUM(distance_m), SUM(engine_on_s)
FROM truck_span_driver WHERE {IN_SPANS} AND {_ITS} GROUP BY first_day
"""
COST_PARTS_OF_DRIVER = f"""
SELECT day AS first_day, line, source, CAST(SUM(amount) * 100 AS SIGNED) AS cents
FROM truck_day_driver_cost WHERE {IN_DAYS} AND {_ITS} GROUP BY day, line, source
UNION ALL SELECT first_day, line, source, CAST(SUM(amount) * 100 AS SIGNED)
FROM truck_span_driver_cost WHERE {IN_SPANS} AND {_ITS} GROUP BY first_day, line, source
"""
