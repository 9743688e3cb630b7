"""The statements behind utilization: by group, by weekday, by hour, and trucks in the order of a figure.

They take what `queries.period` gives. Trucks of whose time less than half is known are in no ranking.
"""

from apps.fleet.queries import IN_DAYS, IN_SPANS, OF_TRUCK_DAY, UTILIZATION_SUMS, sums_of

SUMS = UTILIZATION_SUMS
LISTED = 100  # trucks that are left out of a ranking, by name; all of them are counted

_ITS_DAYS = {"trucks": "truck_days", "trucks_used": "truck_days_used"}
_OF_DAY = ", ".join(f"SUM({name}) AS {_ITS_DAYS.get(name, name)}" for name in SUMS)
_OF_TRUCKS = f"""
    SELECT truck_id, {sums_of(SUMS)} FROM (
        SELECT truck_id, {sums_of(SUMS, OF_TRUCK_DAY)} FROM truck_day WHERE {IN_DAYS} GROUP BY truck_id
        UNION ALL SELECT truck_id, {sums_of(SUMS)} FROM truck_span WHERE {IN_SPANS} GROUP BY truck_id
    ) parts GROUP BY truck_id
"""
_IS_RANKED = "2 * s.no_data_s <= s.length_s"

# One row a group, by name; a truck counts in each of its groups, and trucks of none are in the last row, without name.
GROUPS = f"""
SELECT g.id AS group_id, g.name AS `group`, COUNT(*) AS trucks_of_group, {_OF_DAY}
FROM ({_OF_TRUCKS}) s
LEFT JOIN truck_group_truck m ON m.truck_id = s.truck_id LEFT JOIN truck_group g ON g.id = m.truckgroup_id
GROUP BY g.id, g.name ORDER BY g.name IS NULL, g.name, g.id
"""

# One row a day of the week (Monday is 0) that has days, in no order.
WEEKDAYS = f"""
SELECT WEEKDAY(day) AS weekday, {_OF_DAY}
FROM fleet_day WHERE fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s GROUP BY weekday
"""

# One row a day, in no order: its hours, packed.
HOURS = "SELECT day, hours FROM fleet_day_hours WHERE fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s"

_PRODUCTIVE_S = "COALESCE(s.idle_productive_s, 0)"
_RATIOS = {
    "engine_utilization_pct": f"(s.engine_moving_s + {_PRODUCTIVE_S}) / NULLIF(s.engine_on_s, 0)",
    "asset_utilization_pct": f"(s.moving_s + {_PRODUCTIVE_S}) / NULLIF(s.available_s, 0)",
    "day_utilization_pct": "s.trucks_used / NULLIF(s.trucks, 0)",
    "idle_pct": "s.idle_s / NULLIF(s.engine_on_s, 0)",
    "idle_nonproductive_pct": f"(s.idle_s - {_PRODUCTIVE_S}) / NULLIF(s.engine_on_s, 0)",
}


def _ranking(ratio: str, direction: str) -> str:
    return f"""
SELECT t.code AS truck_id, t.name, JSON_ARRAY({", ".join(f"s.{name}" for name in SUMS)}) AS figures
FROM ({_OF_TRUCKS}) s JOIN truck t ON t.id = s.truck_id WHERE {_IS_RANKED}
ORDER BY {ratio} IS NULL, {ratio} {direction}, t.code LIMIT %(limit)s OFFSET %(offset)s
"""


# `figure` least first, `-figure` greatest first: one row a truck, those without the figure last.
RANKINGS = {
    **{name: _ranking(ratio, "ASC") for name, ratio in _RATIOS.items()},
    **{f"-{name}": _ranking(ratio, "DESC") for name, ratio in _RATIOS.items()},
}

# The trucks that are left out of the rankings, those known least first: LISTED of them, and how many they are.
NOT_RANKED = f"""
SELECT t.code AS truck_id, t.name, s.length_s, s.no_data_s, COUNT(*) OVER () AS number
FROM ({_OF_TRUCKS}) s JOIN truck t ON t.id = s.truck_id WHERE NOT ({_IS_RANKED})
ORDER BY s.no_data_s / s.length_s DESC, t.code LIMIT {LISTED}
"""

# --- targets in force on the period's last day: what comes later wins -------------------------------------------------

# One row a parameter set: of the fleet (null) or of a truck, by its code.
PARAMETER_SETS = """
SELECT t.code AS truck_id, p.`values` FROM parameter_set p LEFT JOIN truck t ON t.id = p.truck_id
WHERE p.fleet_id = %(fleet)s AND p.effective_from <= %(to_day)s ORDER BY p.effective_from
"""

# One row a target of a group, by the group's name.
GROUP_TARGETS = """
SELECT g.id AS group_id, p.target_utilization_pct, p.target_idle_pct
FROM group_target p JOIN truck_group g ON g.id = p.group_id
WHERE p.fleet_id = %(fleet)s AND p.effective_from <= %(to_day)s ORDER BY g.name, g.id, p.effective_from
"""

# One row a truck of a group that has targets, in no order.
MEMBERS = """
SELECT m.truckgroup_id AS group_id, t.code AS truck_id
FROM (SELECT DISTINCT group_id FROM group_target WHERE fleet_id = %(fleet)s) g
JOIN truck_group_truck m ON m.truckgroup_id = g.group_id JOIN truck t ON t.id = m.truck_id
"""
