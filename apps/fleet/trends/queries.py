"""The statements behind trends: sums of a fleet, group or truck by day, week, month or quarter, from a period's parts.

They take what `buckets` gives, those of a truck or a group also its `id`. One row a bucket that has truck-days, or
costs, by its first day; `whole` is one row of the whole period, or none.
"""

import datetime as dt
from typing import Any

from apps.fleet import queries
from apps.fleet.queries import IN_DAYS, IN_SPANS, MONTH_OF, OF_TRUCK_DAY, sums_of
from apps.fleet.spans import as_days

_BUCKETS = {
    "day": "first_day",
    "week": "DATE_SUB(first_day, INTERVAL WEEKDAY(first_day) DAY)",
    "month": MONTH_OF,
    "quarter": f"DATE_SUB({MONTH_OF}, INTERVAL (MONTH(first_day) - 1) MOD 3 MONTH)",
    "whole": "NULL",
}
_COLUMNS = (
    "trucks", "trucks_used", "length_s", "available_s", "moving_s", "engine_moving_s", "idle_s", "idle_productive_s",
    "parked_s", "no_data_s", "engine_on_s", "night_driving_s", "distance_m", "fuel_used_l", "fuel_distance_m",
    "consumption_l", "idle_fuel_l", "trips", "stops", "idle_events", "speeding_minor", "speeding_moderate",
    "speeding_severe", "speeding_s", "harsh_braking", "harsh_acceleration", "harsh_cornering", "refuels", "refuel_l",
    "drains", "drain_l", "faults_opened",
)  # fmt: skip
_SUMS = f"SUM(trucks) AS truck_days, SUM(trucks_used) AS truck_days_used, {sums_of(_COLUMNS[2:])}"
FIGURES = ("truck_days", "truck_days_used", *_COLUMNS[2:])
# Null where nothing was priced.
_COSTS = """SUM(amount) AS total_cost, SUM(IF(line = 'fuel', amount, NULL)) AS fuel_cost,
    SUM(IF(source = 'estimated', amount, 0)) AS estimated_cost"""
COSTS = ("total_cost", "fuel_cost", "estimated_cost")

_LISTED = ", ".join(_COLUMNS)
_OF_DAY = ", ".join(f"{OF_TRUCK_DAY.get(name, name)} AS {name}" for name in _COLUMNS)
_FLEET = f"""
    SELECT day AS first_day, {_LISTED} FROM fleet_day WHERE {IN_DAYS}
    UNION ALL SELECT first_day, {_LISTED} FROM fleet_span WHERE {IN_SPANS}
"""
_FLEET_COSTS = f"""
    SELECT day AS first_day, line, source, amount FROM fleet_day_cost WHERE {IN_DAYS}
    UNION ALL SELECT first_day, line, source, amount FROM fleet_span_cost WHERE {IN_SPANS}
"""


def _trucks(which: str) -> str:
    return f"""
    SELECT day AS first_day, {_OF_DAY} FROM truck_day WHERE {which} AND {IN_DAYS}
    UNION ALL SELECT first_day, {_LISTED} FROM truck_span WHERE {which} AND {IN_SPANS}
"""


def _truck_costs(which: str) -> str:
    """Costs of single days are found by the truck-days: these have an index by truck."""
    return f"""
    SELECT day AS first_day, line, source, amount
    FROM (SELECT fleet_id, day, truck_id FROM truck_day WHERE {which} AND {IN_DAYS}) days
    JOIN truck_day_cost USING (fleet_id, day, truck_id)
    UNION ALL SELECT first_day, line, source, amount FROM truck_span_cost WHERE {which} AND {IN_SPANS}
"""


def _by_bucket(parts: str, values: str) -> dict[str, str]:
    return {
        name: f"SELECT {bucket} AS bucket, {values} FROM ({parts}) parts GROUP BY bucket ORDER BY bucket"
        for name, bucket in _BUCKETS.items()
    }


def _by_line(parts: str) -> dict[str, str]:
    """One row a bucket, line and source."""
    return {
        name: f"SELECT {bucket} AS bucket, line, source, SUM(amount) AS amount FROM ({parts}) parts "
        "GROUP BY bucket, line, source ORDER BY bucket, line, source"
        for name, bucket in _BUCKETS.items()
    }


OF_ONE_TRUCK = "truck_id = %(id)s"
OF_GROUP_TRUCKS = "truck_id IN (SELECT m.truck_id FROM truck_group_truck m WHERE m.truckgroup_id = %(id)s)"

OF_FLEET, COSTS_OF_FLEET = _by_bucket(_FLEET, _SUMS), _by_bucket(_FLEET_COSTS, _COSTS)
OF_TRUCK, COSTS_OF_TRUCK = _by_bucket(_trucks(OF_ONE_TRUCK), _SUMS), _by_bucket(_truck_costs(OF_ONE_TRUCK), _COSTS)
OF_GROUP, COSTS_OF_GROUP = (
    _by_bucket(_trucks(OF_GROUP_TRUCKS), _SUMS),
    _by_bucket(_truck_costs(OF_GROUP_TRUCKS), _COSTS),
)
LINES_OF_FLEET, LINES_OF_TRUCK = _by_line(_FLEET_COSTS), _by_line(_truck_costs(OF_ONE_TRUCK))
LINES_OF_GROUP = _by_line(_truck_costs(OF_GROUP_TRUCKS))


def buckets(by: str, fleet_id: int, first: dt.date, last: dt.date) -> dict[str, Any]:
    """What the statements take of a fleet's period: days and weeks are made of days, others also of whole months."""
    if by in ("month", "quarter", "whole"):
        return queries.period(fleet_id, first, last)
    return {"fleet": fleet_id, **as_days(first, last)}
