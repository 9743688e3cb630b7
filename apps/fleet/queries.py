"""The statements behind every fleet figure. API, mail, admin and exports run these and no others.

All take `fleet` first: one fleet never sees another. Periods are local days, both ends included (`from_day`,
`to_day`). A sum over nothing measured is null, which is what SUM gives.
"""

_SUMS = """
    SUM(length_s) AS length_s, SUM(available_s) AS available_s,
    SUM(moving_s) AS moving_s, {engine_moving_s} AS engine_moving_s, SUM(idle_s) AS idle_s,
    SUM(idle_productive_s) AS idle_productive_s, SUM(parked_s) AS parked_s, SUM(no_data_s) AS no_data_s,
    SUM(engine_on_s) AS engine_on_s, SUM(distance_m) AS distance_m, SUM(fuel_used_l) AS fuel_used_l,
    {fuel_distance_m} AS fuel_distance_m, SUM(idle_fuel_l) AS idle_fuel_l,
    SUM(trips) AS trips, SUM(stops) AS stops, SUM(idle_events) AS idle_events,
    SUM(speeding_minor) AS speeding_minor, SUM(speeding_moderate) AS speeding_moderate,
    SUM(speeding_severe) AS speeding_severe, SUM(speeding_s) AS speeding_s, SUM(harsh_braking) AS harsh_braking,
    SUM(harsh_acceleration) AS harsh_acceleration, SUM(harsh_cornering) AS harsh_cornering,
    SUM(refuels) AS refuels, SUM(refuel_l) AS refuel_l, SUM(drains) AS drains, SUM(drain_l) AS drain_l,
    SUM(faults_opened) AS faults_opened,
    SUM(messages) AS messages, SUM(dropped_values) AS dropped_values, SUM(quarantined) AS quarantined,
    MIN(as_of) AS as_of
"""
_FUEL_MONEY = (
    "fuel_cost", "fuel_priced_l", "idle_cost", "idle_productive_cost", "idle_productive_fuel_l",
    "purchases", "purchased_l", "purchased_amount",
)  # fmt: skip
_FUEL_SUMS = ", ".join(f"SUM({name}) AS {name}" for name in _FUEL_MONEY)
# Summed over truck-days: the halves of ratios are taken where the other half is measured too.
TRUCK_DAY_SUMS = _SUMS.format(
    engine_moving_s="SUM(IF(engine_on_s IS NULL, NULL, moving_s))",
    fuel_distance_m="SUM(IF(fuel_used_l IS NULL, NULL, distance_m))",
)
FLEET_DAY_SUMS = _SUMS.format(engine_moving_s="SUM(engine_moving_s)", fuel_distance_m="SUM(fuel_distance_m)")

# One row: the fleet's totals of a period.
FLEET_TOTALS = f"""
SELECT COUNT(*) AS days, SUM(trucks) AS truck_days, SUM(trucks_used) AS truck_days_used, {FLEET_DAY_SUMS}, {_FUEL_SUMS}
FROM fleet_day WHERE fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s
"""

# One row a day, ascending.
FLEET_DAYS = f"""
SELECT day, SUM(trucks) AS truck_days, SUM(trucks_used) AS truck_days_used, {FLEET_DAY_SUMS}
FROM fleet_day WHERE fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s
GROUP BY day ORDER BY day
"""

# The trucks with days in the period whose code follows `after`, by code, at most `limit` of them. A subquery with LIMIT
# stays what it is: EXISTS would be turned into a scan of the fleet's whole history.
_PAGE_OF_TRUCKS = """
(SELECT id FROM truck WHERE fleet_id = %(fleet)s AND code > %(after)s AND (
    SELECT 1 FROM truck_day d
    WHERE d.fleet_id = %(fleet)s AND d.truck_id = truck.id AND d.day BETWEEN %(from_day)s AND %(to_day)s LIMIT 1)
ORDER BY code LIMIT %(limit)s) page
"""

_TRUCK_TOTALS = f"""
SELECT t.code AS truck_id, t.name, s.* FROM (
    SELECT truck_id AS id, COUNT(*) AS truck_days, SUM(is_used) AS truck_days_used,
        MAX(max_speed_kmh) AS max_speed_kmh, {TRUCK_DAY_SUMS}
    FROM truck_day {{page}} WHERE fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s
    GROUP BY truck_id
) s JOIN truck t ON t.id = s.id ORDER BY t.code
"""
# One row a truck that has days in the period, by code; of all such trucks, or of a page of them.
TRUCK_TOTALS = _TRUCK_TOTALS.format(page="")
TRUCK_TOTALS_PAGE = _TRUCK_TOTALS.format(page=f"JOIN {_PAGE_OF_TRUCKS} ON page.id = truck_id")

# How many trucks were used at least one day of the period; each is looked for only up to its first such day.
TRUCKS_USED = """
SELECT COUNT(*) AS trucks_used FROM truck WHERE fleet_id = %(fleet)s AND (
    SELECT 1 FROM truck_day d WHERE d.fleet_id = %(fleet)s AND d.truck_id = truck.id
        AND d.day BETWEEN %(from_day)s AND %(to_day)s AND d.is_used LIMIT 1)
"""

# One row a line and source.
FLEET_COSTS = """
SELECT line, source, SUM(amount) AS amount FROM fleet_day_cost
WHERE fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s
GROUP BY line, source ORDER BY line, source
"""

# One row a month (its first day): its distance.
FLEET_DISTANCE_BY_MONTH = """
SELECT DATE_SUB(day, INTERVAL DAYOFMONTH(day) - 1 DAY) AS month, SUM(distance_m) AS distance_m
FROM fleet_day WHERE fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s
GROUP BY month ORDER BY month
"""

# One row a month (its first day), line and source.
FLEET_COSTS_BY_MONTH = """
SELECT DATE_SUB(day, INTERVAL DAYOFMONTH(day) - 1 DAY) AS month, line, source, SUM(amount) AS amount
FROM fleet_day_cost WHERE fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s
GROUP BY month, line, source ORDER BY month, line, source
"""

_TRUCK_COSTS = """
SELECT t.code AS truck_id, c.line, c.source, SUM(c.amount) AS amount
FROM truck_day_cost c JOIN truck t ON t.id = c.truck_id {page}
WHERE c.fleet_id = %(fleet)s AND c.day BETWEEN %(from_day)s AND %(to_day)s
GROUP BY t.code, c.line, c.source ORDER BY t.code, c.line, c.source
"""
# One row a truck, line and source; of all trucks, or of a page as in TRUCK_TOTALS_PAGE, found by its truck-days.
TRUCK_COSTS = _TRUCK_COSTS.format(page="")
TRUCK_COSTS_PAGE = _TRUCK_COSTS.format(
    page=f"JOIN {_PAGE_OF_TRUCKS} ON page.id = c.truck_id "
    "JOIN truck_day d ON d.fleet_id = c.fleet_id AND d.truck_id = page.id AND d.day = c.day"
)

_FLEET_DAY_COLUMNS = """length_s, available_s,
    moving_s, engine_moving_s, idle_s, idle_productive_s, parked_s, no_data_s, engine_on_s,
    distance_m, fuel_used_l, fuel_distance_m, idle_fuel_l, trips, stops, idle_events, speeding_minor, speeding_moderate,
    speeding_severe, speeding_s, harsh_braking, harsh_acceleration, harsh_cornering, refuels, refuel_l, drains,
    drain_l, faults_opened, messages, dropped_values, quarantined, as_of"""

# Replaces a fleet's day, and its costs, by the sums over its trucks. To be run in this order within one transaction.
SUM_UP_DAY = (
    "DELETE FROM fleet_day WHERE fleet_id = %(fleet)s AND day = %(day)s",
    f"""
INSERT INTO fleet_day (fleet_id, day, trucks, trucks_used, {_FLEET_DAY_COLUMNS}, revision, computed_at)
SELECT fleet_id, day, COUNT(*), SUM(is_used), {TRUCK_DAY_SUMS}, %(revision)s, %(computed_at)s
FROM truck_day WHERE fleet_id = %(fleet)s AND day = %(day)s GROUP BY fleet_id, day
""",
    f"""
UPDATE fleet_day f JOIN (
    SELECT {_FUEL_SUMS} FROM truck_day_fuel WHERE fleet_id = %(fleet)s AND day = %(day)s
) s SET {", ".join(f"f.{name} = s.{name}" for name in _FUEL_MONEY)}
WHERE f.fleet_id = %(fleet)s AND f.day = %(day)s
""",
    "DELETE FROM fleet_day_cost WHERE fleet_id = %(fleet)s AND day = %(day)s",
    """
INSERT INTO fleet_day_cost (fleet_id, day, line, source, amount)
SELECT fleet_id, day, line, source, SUM(amount)
FROM truck_day_cost WHERE fleet_id = %(fleet)s AND day = %(day)s GROUP BY fleet_id, day, line, source
""",
)
