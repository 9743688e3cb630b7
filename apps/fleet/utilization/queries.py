"""The statements behind utilization: by weekday and by hour, and the targets that it is held against.

They take what `queries.period` gives. Sums of trucks and groups are read from the packed sums (`sums.trucks`).
"""

from apps.fleet.queries import OF_ONE_TRUCK, UTILIZATION_SUMS

SUMS = UTILIZATION_SUMS

_ITS_DAYS = {"trucks": "truck_days", "trucks_used": "truck_days_used"}
_OF_DAY = ", ".join(f"SUM({name}) AS {_ITS_DAYS.get(name, name)}" for name in SUMS)

# One row a day of the week (Monday is 0) that has days, in no order.
WEEKDAYS = f"""
SELECT WEEKDAY(day) AS weekday, {_OF_DAY}
FROM fleet_day WHERE fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s GROUP BY weekday
"""

# One row a day, in no order: its hours, packed.
HOURS = "SELECT day, hours FROM fleet_day_hours WHERE fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s"


# One row a day of the truck `id`, in no order: its hours, packed. The truck-days have an index by truck.
HOURS_OF_TRUCK = f"""
SELECT day, hours
FROM (SELECT fleet_id, day, truck_id FROM truck_day
    WHERE {OF_ONE_TRUCK} AND fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s) days
JOIN truck_day_hours USING (fleet_id, day, truck_id)
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
