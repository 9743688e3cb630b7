"""The statements behind cost analysis: of a group's trucks, truck by truck and group by group.

They take what `queries.period` gives, those of a group also its `id`, those of a page also `after` and `limit`.
"""

from apps.fleet.queries import (
    AFTER,
    FUEL_MONEY,
    IN_DAYS,
    IN_SPANS,
    OF_TRUCK_DAY,
    TruckList,
    page_of_trucks,
    sums_of,
    truck_totals,
)
from apps.fleet.trend_queries import OF_GROUP_TRUCKS

SUMS = ("trucks", "distance_m", "engine_on_s")
_OF_GROUP = OF_GROUP_TRUCKS.replace("truck_id IN", "truck.id IN", 1)


def _edge_days(table: str, trucks: str) -> str:
    """The rows of the days at the edges of a period, of some trucks: truck-days have an index by truck."""
    days = f"SELECT fleet_id, day, truck_id FROM truck_day {trucks} AND {IN_DAYS}"
    return f"({days}) days JOIN {table} USING (fleet_id, day, truck_id)"


# --- a group --------------------------------------------------------------------------------------------------------

# One row: the group's fuel in money.
FUEL_MONEY_OF_GROUP = f"""
SELECT {sums_of(FUEL_MONEY)} FROM (
    SELECT {", ".join(FUEL_MONEY)} FROM {_edge_days("truck_day_fuel", f"WHERE {OF_GROUP_TRUCKS}")}
    UNION ALL SELECT {", ".join(FUEL_MONEY)} FROM truck_span_fuel WHERE {OF_GROUP_TRUCKS} AND {IN_SPANS}
) parts
"""

# --- truck by truck -------------------------------------------------------------------------------------------------


def _figures(page: str, which: str, limit: str = "") -> str:
    """One row a truck with days in the period, by code: its sums as an array."""
    return truck_totals(f"JSON_ARRAY({', '.join(SUMS)}) AS figures", SUMS, page, which) + limit


def _costs(edge_days: str, page: str, which: str) -> str:
    """One row a truck that cost something, in no order: line and source, with a space between → amount, as text."""
    return f"""
SELECT t.code AS truck_id, JSON_OBJECTAGG(CONCAT(c.line, ' ', c.source), CAST(c.amount AS CHAR)) AS amounts FROM (
    SELECT truck_id, line, source, SUM(amount) AS amount FROM (
        SELECT truck_id, line, source, amount FROM {edge_days}
        UNION ALL SELECT truck_id, line, source, amount FROM truck_span_cost {page} WHERE {IN_SPANS}
    ) parts GROUP BY truck_id, line, source
) c JOIN truck t ON t.id = c.truck_id {which} GROUP BY t.code
"""


def _fuel(edge_days: str, page: str, which: str) -> str:
    """One row a truck with fuel in money, in no order: its sums as an array."""
    return f"""
SELECT t.code AS truck_id, JSON_ARRAY({", ".join(FUEL_MONEY)}) AS figures FROM (
    SELECT truck_id, {sums_of(FUEL_MONEY)} FROM (
        SELECT truck_id, {", ".join(FUEL_MONEY)} FROM {edge_days}
        UNION ALL SELECT truck_id, {", ".join(FUEL_MONEY)} FROM truck_span_fuel {page} WHERE {IN_SPANS}
    ) parts GROUP BY truck_id
) s JOIN truck t ON t.id = s.truck_id {which}
"""


_PAGE, _PAGE_OF_GROUP = page_of_trucks(), page_of_trucks(_OF_GROUP)


def _paged(page: str) -> tuple[str, str, str]:
    """Figures, costs and fuel of a page, whose trucks are looked up first."""
    of_page = f"{page} WHERE TRUE"
    return (
        _figures(page, ""),
        _costs(_edge_days("truck_day_cost", of_page), page, ""),
        _fuel(_edge_days("truck_day_fuel", of_page), page, ""),
    )


_WHOLE = (
    _figures("", AFTER, "LIMIT %(limit)s"),
    _costs(f"truck_day_cost WHERE {IN_DAYS}", "", AFTER),
    _fuel(f"truck_day_fuel WHERE {IN_DAYS}", "", AFTER),
)
FIGURES_OF_TRUCKS, COSTS_OF_TRUCKS, FUEL_OF_TRUCKS = (
    TruckList(whole, paged) for whole, paged in zip(_WHOLE, _paged(_PAGE), strict=True)
)
FIGURES_OF_GROUP, COSTS_OF_GROUP, FUEL_OF_GROUP = (TruckList(paged, paged) for paged in _paged(_PAGE_OF_GROUP))

# --- group by group -------------------------------------------------------------------------------------------------

_GROUPS = "LEFT JOIN truck_group_truck m ON m.truck_id = s.truck_id LEFT JOIN truck_group g ON g.id = m.truckgroup_id"

# One row a group, by name; a truck counts in each of its groups, and trucks of none are in the last row, without id.
GROUPS = f"""
SELECT g.id, g.name AS `group`, COUNT(*) AS trucks, SUM(s.trucks) AS truck_days, SUM(s.distance_m) AS distance_m,
    SUM(s.engine_on_s) AS engine_on_s
FROM (
    SELECT truck_id, {sums_of(SUMS)} FROM (
        SELECT truck_id, {sums_of(SUMS, OF_TRUCK_DAY)} FROM truck_day WHERE {IN_DAYS} GROUP BY truck_id
        UNION ALL SELECT truck_id, {sums_of(SUMS)} FROM truck_span WHERE {IN_SPANS} GROUP BY truck_id
    ) parts GROUP BY truck_id
) s {_GROUPS} GROUP BY g.id, g.name ORDER BY g.name IS NULL, g.name, g.id
"""

# One row a group, line and source, without what no truck bears.
COSTS_OF_GROUPS = f"""
SELECT g.id, s.line, s.source, SUM(s.amount) AS amount FROM (
    SELECT truck_id, line, source, amount FROM truck_day_cost WHERE {IN_DAYS}
    UNION ALL SELECT truck_id, line, source, amount FROM truck_span_cost WHERE {IN_SPANS}
) s {_GROUPS} WHERE s.truck_id <> 0 GROUP BY g.id, s.line, s.source
"""
