"""The statements behind the fuel of a fleet's trucks: all of them, since each is held against others of its class.

They take what `queries.period` gives. Sums of trucks are read from the packed sums (`sums.trucks`).
"""

from apps.fleet.queries import OF_TRUCK_DAY, sums_of

FIGURES = (
    "trucks", "length_s", "no_data_s", "distance_m", "fuel_used_l", "consumption_l", "consumption_days",
    "fuel_distance_m", "idle_fuel_l", "refuels", "refuel_l", "drains", "drain_l",
    "fuel_cost", "fuel_priced_l", "idle_cost", "idle_productive_cost", "drain_cost", "suspected_drain_cost",
    "drain_priced_l", "suspected_drains", "suspected_drain_l",
)  # fmt: skip
BURN = ("consumption_l", "fuel_distance_m", "consumption_days")


# One row a truck of the fleet, active or not: what answers call it, its class, the ids of its groups.
TRUCKS = """
SELECT t.id, t.code AS truck_id, t.name, COALESCE(NULLIF(t.own_class, ''), t.vehicle_class) AS vehicle_class,
    (SELECT JSON_ARRAYAGG(m.truckgroup_id) FROM truck_group_truck m WHERE m.truck_id = t.id) AS group_ids
FROM truck t WHERE t.fleet_id = %(fleet)s
"""
# One row a group, by name.
GROUPS = "SELECT g.id, g.name FROM truck_group g WHERE g.fleet_id = %(fleet)s ORDER BY g.name, g.id"
# One row a parameter set in force on the last day, what comes later wins, a truck's own over the fleet's.
PARAMETER_SETS = """
SELECT truck_id, `values` FROM parameter_set WHERE fleet_id = %(fleet)s AND effective_from <= %(to_day)s
ORDER BY truck_id IS NOT NULL, effective_from
"""

# One row a truck whose week `week` is noted, with days from `from_day` to `to_day`: its sums, the last of the days, and
# up to where that is known.
_WEEK = ("length_s", "no_data_s", *BURN)
DAYS_OF_NOTED = f"""
SELECT d.truck_id, {sums_of(_WEEK, OF_TRUCK_DAY)}, MAX(d.day) AS last_day, MAX(d.as_of) AS known_until,
    SUM(f.fuel_cost) AS fuel_cost, SUM(f.fuel_priced_l) AS fuel_priced_l
FROM dirty_fuel_week n JOIN truck_day d ON d.fleet_id = n.fleet_id AND d.truck_id = n.truck_id
LEFT JOIN truck_day_fuel f ON f.fleet_id = d.fleet_id AND f.day = d.day AND f.truck_id = d.truck_id
WHERE n.fleet_id = %(fleet)s AND n.week = %(week)s AND d.day BETWEEN %(from_day)s AND %(to_day)s
GROUP BY d.truck_id
"""

# --- alerts that hold, of weeks that reach into the period -----------------------------------------------------------

_HOLDING = """FROM fuel_alert WHERE fleet_id = %(fleet)s AND withdrawn_at IS NULL
    AND week BETWEEN DATE_SUB(%(from_day)s, INTERVAL 6 DAY) AND %(to_day)s"""
_STATE = "IF(review = '', 'open', review)"
# One row an alert, by week; `trucks` is a list with commas.
ALERTS = f"""
SELECT truck_id AS id, week, {_STATE} AS state, consumption_l_per_100km, baseline_l_per_100km, deviation_pct,
    threshold_pct, distance_m, excess_l, excess_cost, note, reviewed_at
{_HOLDING} AND FIND_IN_SET(truck_id, %(trucks)s) ORDER BY week
"""
# One row a state that there is: of the trucks of the group `id`, or, where it is null, of all.
ALERT_COUNTS = f"""
SELECT {_STATE} AS state, COUNT(*) AS alerts {_HOLDING} AND (%(id)s IS NULL OR EXISTS (
    SELECT 1 FROM truck_group_truck m WHERE m.truckgroup_id = %(id)s AND m.truck_id = fuel_alert.truck_id))
GROUP BY state
"""
