"""The statements behind the API's answers about single events of trucks.

All take `fleet` first: one fleet never sees another. `id` is the truck's; `start` and `end` are instants, [start, end).
Pages begin after the key `after`, a text that is unique among the events.
"""

from apps.trucks.queries import both_ways, columns, rounded

_OF_PERIOD = "e.fleet_id = %(fleet)s AND e.truck_id = %(id)s AND e.started_at >= %(start)s AND e.started_at < %(end)s"


def _listed(table: str, names: str, more: str = "", key: str = "e.started_at", **other: str) -> dict[bool, str]:
    """One row an event that started in the period, by its key in either direction: these columns, and other values."""
    selected = ", ".join([columns(names.split(), "e"), *(f"{value} AS {name}" for name, value in other.items())])
    return both_ways(f"""
SELECT {key} AS event_key, {selected} FROM {table} e
WHERE {_OF_PERIOD} {more} AND (%(after)s IS NULL OR {key} {{after}} %(after)s)
ORDER BY event_key {{order}} LIMIT %(limit)s
""")


# One row a trip that started in the period.
TRIPS = both_ways(f"""
SELECT e.started_at, e.ended_at, e.lat, e.lon, e.end_lat, e.end_lon, e.distance_m, e.distance_source, e.moving_s,
    e.idle_s, e.parked_s, e.no_data_s, {columns(("mean_speed_kmh", "max_speed_kmh", "fuel_l"), "e")},
    d.code AS driver_code, d.name AS driver_name
FROM trip e LEFT JOIN driver d ON d.id = e.driver_id AND d.fleet_id = e.fleet_id
WHERE {_OF_PERIOD} AND (%(after)s IS NULL OR e.started_at {{after}} %(after)s)
ORDER BY e.started_at {{order}} LIMIT %(limit)s
""")

_SUMMED_OF_TRIPS = ("distance_m", "moving_s", "idle_s", "parked_s", "no_data_s")
# One row: all trips that started in the period. No trips take no time and no fuel; what none of them measured is null.
TRIP_TOTALS = f"""
SELECT COUNT(*) AS trips, {", ".join(f"IF(COUNT(*) = 0, 0, SUM({name})) AS {name}" for name in _SUMMED_OF_TRIPS)},
    IF(COUNT(*) = 0, 0, {rounded("SUM(fuel_l)")}) AS fuel_l, MAX(max_speed_kmh) AS max_speed_kmh
FROM trip e WHERE {_OF_PERIOD}
"""

# One row a speeding episode that started in the period; `severities` is a list with commas.
SPEEDING = _listed(
    "speeding_episode",
    "started_at ended_at severity limit_kmh max_speed_kmh excess_kmh duration_s distance_m lat lon",
    "AND FIND_IN_SET(e.severity, %(severities)s)",
)

# One row a severity that occurred in the period.
SPEEDING_TOTALS = f"""
SELECT e.severity, COUNT(*) AS episodes, SUM(e.duration_s) AS duration_s
FROM speeding_episode e WHERE {_OF_PERIOD} GROUP BY e.severity
"""

STOPS = _listed("stop", "started_at ended_at lat lon idle_s parked_s no_data_s")
# One row: all stops, and the time of those that are over, null where that is known of none of them; of an open one it
# is not known how long it lasts.
STOP_TOTALS = f"""
SELECT COUNT(*) AS stops, IF(COUNT(e.ended_at) = 0, 0, SUM(e.idle_s)) AS idle_s,
    IF(COUNT(e.ended_at) = 0, 0, SUM(e.parked_s)) AS parked_s,
    IF(COUNT(e.ended_at) = 0, 0, SUM(e.no_data_s)) AS no_data_s
FROM stop e WHERE {_OF_PERIOD}
"""

IDLE_EVENTS = _listed("idle_event", "started_at ended_at lat lon duration_s productive_s productive_place fuel_l cost")
IDLE_TOTALS = f"""
SELECT COUNT(*) AS idle_events, COALESCE(SUM(e.duration_s), 0) AS duration_s,
    COALESCE(SUM(e.productive_s), 0) AS productive_s, IF(COUNT(*) = 0, 0, {rounded("SUM(e.fuel_l)")}) AS fuel_l,
    IF(COUNT(*) = 0, 0, SUM(e.cost)) AS cost
FROM idle_event e WHERE {_OF_PERIOD}
"""

# `kinds` is a list with commas, and so is `reviews` of fuel events: null for all.
HARSH_EVENTS = _listed(
    "harsh_event",
    "started_at kind source speed_kmh peak_ms2 lat lon",
    "AND FIND_IN_SET(e.kind, %(kinds)s)",
    key="CONCAT_WS(' ', e.started_at, e.kind)",
)
# One row: the sums of the days that the period touches, null where a kind was not measurable on any of them.
HARSH_TOTALS = """
SELECT SUM(harsh_braking) AS braking, SUM(harsh_acceleration) AS acceleration, SUM(harsh_cornering) AS cornering
FROM truck_day WHERE fleet_id = %(fleet)s AND truck_id = %(id)s AND day BETWEEN %(from_day)s AND %(to_day)s
"""
# One row a kind that occurred in the period.
HARSH_COUNTS = f"SELECT e.kind, COUNT(*) AS events FROM harsh_event e WHERE {_OF_PERIOD} GROUP BY e.kind"

FUEL_EVENTS = _listed(
    "fuel_event",
    "started_at ended_at kind review litres cost level_before_l level_after_l lat lon",
    "AND FIND_IN_SET(e.kind, %(kinds)s) AND (%(reviews)s IS NULL OR FIND_IN_SET(e.review, %(reviews)s))",
    key="CONCAT_WS(' ', e.started_at, e.kind)",
)


def _summed(names: str, condition: str) -> str:
    """How many events of a kind, their litres and what these cost: null where there are some and none has a price."""
    number, litres, cost = names.split()
    total = rounded(f"SUM(IF({condition}, e.litres, 0))")
    return f"""COALESCE(SUM({condition}), 0) AS {number}, COALESCE({total}, 0) AS {litres},
    IF(COALESCE(SUM({condition}), 0) = 0, 0, SUM(IF({condition}, e.cost, NULL))) AS {cost}"""


# One row: what was dismissed is in no sum.
FUEL_TOTALS = f"""
SELECT {_summed("refuels refuel_l refuel_cost", "e.kind = 'refuel'")},
    {_summed("drains drain_l drain_cost", "e.kind = 'drain' AND e.review <> 'dismissed'")},
    {_summed("suspected suspected_l suspected_cost", "e.kind = 'drain' AND e.review = 'suspected'")}
FROM fuel_event e WHERE {_OF_PERIOD}
"""


def fault_fields(e: str) -> dict[str, str]:
    """What stands for the fields of a fault that are no column of `fault_change`, under this name."""
    same = " AND ".join(f"o.{name} = {e}.{name}" for name in ("fleet_id", "truck_id", "spn", "fmi", "source"))
    # The next that is heard of the same code ends a fault, be it that it opens anew.
    cleared = f"(SELECT MIN(o.started_at) FROM fault_change o WHERE {same} AND o.started_at > {e}.started_at)"
    acknowledged = f"""(SELECT MIN(o.acknowledged_at) FROM fault_acknowledgement o WHERE {same}
        AND o.acknowledged_at >= {e}.started_at AND ({cleared} IS NULL OR o.acknowledged_at < {cleared}))"""
    return {
        "source": f"NULLIF({e}.source, 255)",
        "opened_at": f"{e}.started_at",
        "cleared_at": cleared,
        "acknowledged_at": acknowledged,
    }


# One row a fault that opened in the period; `severities` is a list with commas.
FAULTS = _listed(
    "fault_change",
    "spn fmi severity lat lon",
    "AND e.kind = 'opened' AND FIND_IN_SET(e.severity, %(severities)s)",
    key="CONCAT_WS(' ', e.started_at, e.spn, e.fmi, e.source)",
    **fault_fields("e"),
)
# One row a severity that occurred in the period.
FAULT_COUNTS = f"""
SELECT e.severity, COUNT(*) AS events FROM fault_change e WHERE {_OF_PERIOD} AND e.kind = 'opened' GROUP BY e.severity
"""
# One row: on how many of the period's days the device told of faults, or of none.
DAYS_WITH_FAULT_LISTS = """
SELECT COUNT(faults_opened) AS days FROM truck_day
WHERE fleet_id = %(fleet)s AND truck_id = %(id)s AND day BETWEEN %(from_day)s AND %(to_day)s
"""
