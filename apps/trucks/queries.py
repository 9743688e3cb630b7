"""The statements behind the API's answers about trucks.

All take `fleet` first: one fleet never sees another. `now` is a UTC second, `start` and `end` are instants, [start,
end).
"""

from collections.abc import Iterable

from django.db.models import FloatField

from apps.accounts.amounts import PLACES
from apps.merging import KeyedStatement
from apps.trucks.models import TruckDayFigures

LAGGING_S = 900

# A truck's state now, of latest_values: null when it never reported. An engine that is off may sleep for a day between
# messages; one that runs, or that nothing is known of, reports every few minutes.
_IS_SILENT = "%(now)s - l.t > IF(l.engine_on = 0, 93600, 900)"
_STATUS = f"""
CASE
    WHEN l.t IS NULL THEN NULL
    WHEN {_IS_SILENT} THEN 'offline'
    WHEN l.engine_on = 0 THEN 'parked'
    WHEN l.speed_kmh > 5 THEN 'moving'
    WHEN l.engine_on = 1 THEN 'idle'
    ELSE 'parked'
END
"""
# The same counted (`states.by_status`): trucks that have reported, and those of all states but one. Sums take half of
# the time that grouping takes.
_COUNTED = {
    "reported": "COUNT(l.t)",
    "offline": f"SUM({_IS_SILENT})",
    "moving": f"SUM(NOT {_IS_SILENT} AND NOT l.engine_on <=> 0 AND l.speed_kmh > 5)",
    "idle": f"SUM(NOT {_IS_SILENT} AND l.engine_on = 1 AND NOT COALESCE(l.speed_kmh > 5, FALSE))",
}
_IS_LAGGING = f"(s.known_until IS NULL OR s.first_t IS NULL OR s.known_until < %(now)s - {LAGGING_S})"
_FACTS = "COALESCE((SELECT f.revision FROM facts_revision f WHERE f.fleet_id = %(fleet)s), 0)"
_REVISION = "COALESCE((SELECT r.revision FROM summary_revision r WHERE r.fleet_id = %(fleet)s), 0)"
_VERSION = "COALESCE((SELECT w.version FROM fleet_watermark w WHERE w.fleet_id = %(fleet)s), 0)"

# --- freshness ------------------------------------------------------------------------------------------------------


def at_revision(sql: str) -> str:
    """The statement's rows, each with the revision of the fleet's summaries that the statement sees.

    It is one SELECT: around it another one would take the database half as long again.
    """
    return sql.replace("SELECT ", f"SELECT {_REVISION} AS at_revision, ", 1)


def at_facts(sql: str) -> str:
    """The same with the revision of the fleet's facts."""
    return sql.replace("SELECT ", f"SELECT {_FACTS} AS at_revision, ", 1)


def at_watermarks(sql: str) -> str:
    """The same with what follows from facts and watermarks: both, as `watermarks_at` writes them."""
    return sql.replace("SELECT ", f"SELECT CONCAT({_FACTS}, '-', {_VERSION}) AS at_revision, ", 1)


# One row: the revision of the fleet's facts.
AT_FACTS = f"SELECT {_FACTS} AS at_revision"


def watermarks_at(facts: int, version: int) -> str:
    return f"{facts}-{version}"


# One row: the revision of a fleet's summaries, and what the version of its freshness, or a group's, is made of; of a
# truck's.
FLEET_STILL = f"SELECT {_REVISION} AS revision, {_FACTS} AS facts, {_VERSION} AS version"
TRUCK_STILL = f"SELECT {_REVISION} AS revision, {_FACTS} AS facts"


_STATE = """
COALESCE(r.revision, 0) AS revision, COALESCE(c.revision, 0) AS facts, w.version, w.trucks, w.known_until, w.steps
FROM fleet f LEFT JOIN summary_revision r ON r.fleet_id = f.id LEFT JOIN facts_revision c ON c.fleet_id = f.id
    LEFT JOIN fleet_watermark w ON w.fleet_id = f.id
WHERE f.id = %(fleet)s
"""
# One row: all that the state of a fleet's answers follows from, found by primary keys; counted where it is written.
FLEET_FRESHNESS = f"SELECT {_STATE}"
_TOGETHER = """
SELECT {keys} AS fleet_key, r.revision, c.revision AS facts, w.version
FROM summary_revision r JOIN facts_revision c JOIN fleet_watermark w
WHERE r.fleet_id = %(fleet)s AND c.fleet_id = %(fleet)s AND w.fleet_id = %(fleet)s
"""
# The same, and FLEET_STILL, for all who ask for it at the same time; the fleet is the key, too. None where one of the
# three rows is not there yet: without outer joins it takes the database two thirds of the time.
FLEET_FRESHNESS_TOGETHER = KeyedStatement(
    _TOGETHER.replace("w.version", "w.version, w.trucks, w.known_until, w.steps", 1), "fleet_key"
)
FLEET_STILL_TOGETHER = KeyedStatement(_TOGETHER, "fleet_key")


def _lagging(trucks: str) -> str:
    return f"""
SELECT t.code AS truck_id FROM {trucks} LEFT JOIN truck_sync s ON s.truck_id = t.id
WHERE t.fleet_id = %(fleet)s AND t.is_active AND {_IS_LAGGING}
ORDER BY t.code LIMIT 100
"""


_OF_GROUP = "(SELECT truck_id FROM truck_group_truck WHERE truckgroup_id = %(id)s) m JOIN truck t ON t.id = m.truck_id"
# One row a truck that lags behind, by code; of the group `id`.
LAGGING_TRUCKS, LAGGING_TRUCKS_OF_GROUP = _lagging("truck t"), _lagging(_OF_GROUP)

_TRUCK_STATE = f"""
SELECT t.id, t.code AS truck_id, s.known_until, s.first_t, {_REVISION} AS revision, {_FACTS} AS facts
FROM truck t LEFT JOIN truck_sync s ON s.truck_id = t.id
WHERE t.fleet_id = %(fleet)s AND t.code
"""
# All that a truck's state follows from but for the time: one row, or none if the fleet has no such truck; and one for
# each of several that are asked about at the same time.
TRUCK_FRESHNESS = f"{_TRUCK_STATE} = %(truck)s"
TRUCK_FRESHNESS_TOGETHER = KeyedStatement(f"{_TRUCK_STATE} IN ({{keys}})", "truck_id")
# The same of trucks that have been found, by their ids: which code a truck has is a fact. None where one of the three
# rows is not there yet.
TRUCK_STILL_TOGETHER = KeyedStatement(
    """
SELECT CAST(s.truck_id AS CHAR) AS truck_key, s.known_until, s.first_t, r.revision, c.revision AS facts
FROM truck_sync s JOIN summary_revision r JOIN facts_revision c
WHERE s.truck_id IN ({keys}) AND s.fleet_id = %(fleet)s AND r.fleet_id = %(fleet)s AND c.fleet_id = %(fleet)s
""",
    "truck_key",
)

# The same of the truck `id`, whatever is there: one row, or none if the fleet has no such truck. A file says it of its
# rows.
TRUCK_STATE = f"""
SELECT {_REVISION} AS revision, {_FACTS} AS facts, s.known_until, s.first_t
FROM truck t LEFT JOIN truck_sync s ON s.truck_id = t.id
WHERE t.fleet_id = %(fleet)s AND t.id = %(id)s
"""

# The ids of the fleet's groups of a name.
GROUPS_BY_NAME = "SELECT id FROM truck_group WHERE fleet_id = %(fleet)s AND name = %(name)s ORDER BY id LIMIT 2"

# One row: the active trucks of the group `id` as `fleet_watermark` has those of a fleet; its steps in any order, one of
# them of the trucks that have no watermark.
GROUP_WATERMARKS = f"""
SELECT COALESCE(SUM(trucks), 0) AS trucks, MIN(known_until) AS known_until,
    JSON_ARRAYAGG(JSON_ARRAY(known_until, reporting)) AS steps
FROM (
    SELECT s.known_until, COUNT(*) AS trucks, COUNT(s.first_t) AS reporting
    FROM {_OF_GROUP} LEFT JOIN truck_sync s ON s.truck_id = t.id
    WHERE t.fleet_id = %(fleet)s AND t.is_active GROUP BY s.known_until
) counted
"""

# One row an active truck after the code `after`: how far it is known.
WATERMARKS = f"""
SELECT t.code AS truck_id, t.name, s.known_until, GREATEST(0, %(now)s - s.known_until) AS lag_s,
    {_IS_LAGGING} AS lagging, s.cursor_t AS t, NULLIF(s.last_error, '') AS error
FROM truck t LEFT JOIN truck_sync s ON s.truck_id = t.id
WHERE t.fleet_id = %(fleet)s AND t.is_active AND t.code > %(after)s ORDER BY t.code LIMIT %(limit)s
"""

# One row: by nearest rank, how far so many of the active trucks are behind; null where none was ever synchronised.
LAGS = """
SELECT MAX(IF(place <= CEIL(0.5 * trucks), lag_s, NULL)) AS p50_s,
    MAX(IF(place <= CEIL(0.9 * trucks), lag_s, NULL)) AS p90_s,
    MAX(IF(place <= CEIL(0.99 * trucks), lag_s, NULL)) AS p99_s, MAX(lag_s) AS max_s
FROM (
    SELECT GREATEST(0, %(now)s - s.known_until) AS lag_s, ROW_NUMBER() OVER (ORDER BY s.known_until DESC) AS place,
        COUNT(*) OVER () AS trucks
    FROM truck t JOIN truck_sync s ON s.truck_id = t.id
    WHERE t.fleet_id = %(fleet)s AND t.is_active AND s.known_until IS NOT NULL
) ranked
"""

# The last ten passes of the sync, the newest first.
LAST_PASSES = """
SELECT status, started_at, finished_at, trucks, trucks_with_news, trucks_failed, messages_new,
    NULLIF(error, '') AS error
FROM sync_run WHERE fleet_id = %(fleet)s ORDER BY started_at DESC, id DESC LIMIT 10
"""

# --- trucks ---------------------------------------------------------------------------------------------------------

# One row: a truck's latest values, as the document that the sync keeps ready, its open faults, kept ready as well, and
# its state, packed because a column costs the driver as much as a row. `state`: the document's hash, which saves
# hashing it for the tag; second of the last message, status, watermark, is it lagging, revision.
LATEST = KeyedStatement(
    f"""
SELECT t.code AS truck_id, l.document, s.open_faults,
    JSON_ARRAY(l.document_sha1, l.t, {_STATUS}, s.known_until, {_IS_LAGGING}, COALESCE(r.revision, 0)) AS state
FROM truck t LEFT JOIN latest_values l ON l.truck_id = t.id LEFT JOIN truck_sync s ON s.truck_id = t.id
    LEFT JOIN summary_revision r ON r.fleet_id = t.fleet_id
WHERE t.fleet_id = %(fleet)s AND t.code IN ({{keys}})
""",
    "truck_id",
)

_FOUND = """
t.fleet_id = %(fleet)s AND t.is_active
AND (%(pattern)s IS NULL OR t.code LIKE %(pattern)s OR t.name LIKE %(pattern)s OR t.plate LIKE %(pattern)s
    OR t.vin LIKE %(pattern)s)
AND (%(group)s IS NULL OR EXISTS (
    SELECT 1 FROM truck_group_truck m WHERE m.truckgroup_id = %(group)s AND m.truck_id = t.id))
"""
_GROUPS = """
(SELECT JSON_ARRAYAGG(g.name) FROM truck_group g JOIN truck_group_truck m ON m.truckgroup_id = g.id
WHERE g.fleet_id = t.fleet_id AND m.truck_id = t.id)
"""

_CLASS = "COALESCE(NULLIF(t.own_class, ''), t.vehicle_class)"

# One row an active truck, by code; `pattern` and `group`, an id, may be null, `statuses` is a list with commas or null.
TRUCKS = f"""
SELECT t.code AS truck_id, t.name, t.plate, t.vin, t.make, t.model, t.model_year, {_GROUPS} AS group_names,
    {_STATUS} AS status, l.engine_on, l.speed_kmh, l.lat, l.lon, l.fix_t, l.t
FROM truck t LEFT JOIN latest_values l ON l.truck_id = t.id
WHERE {_FOUND} AND (%(statuses)s IS NULL OR FIND_IN_SET({_STATUS}, %(statuses)s)) AND t.code > %(after)s
ORDER BY t.code LIMIT %(limit)s
"""

_WITH_VALUES = "FROM latest_values l WHERE l.fleet_id = %(fleet)s"
_GONE_WITH_VALUES = """
FROM truck t JOIN latest_values l ON l.truck_id = t.id WHERE t.fleet_id = %(fleet)s AND NOT t.is_active
"""
_COUNTS = ", ".join(f"{value} AS {name}" for name, value in _COUNTED.items())
# One row: the fleet's active trucks that have reported, by state: all that have latest values, by an index that has all
# of it, less those that are not active.
TRUCKS_BY_STATUS = f"""
SELECT {", ".join(f"COALESCE(SUM(sign * {name}), 0) AS {name}" for name in _COUNTED)} FROM (
    SELECT 1 AS sign, {_COUNTS} {_WITH_VALUES} UNION ALL SELECT -1, {_COUNTS} {_GONE_WITH_VALUES}
) counted
"""
# The same of the trucks that are found whatever their status, and how many they are.
FOUND_BY_STATUS = f"""
SELECT COUNT(*) AS trucks, {", ".join(f"COALESCE({value}, 0) AS {name}" for name, value in _COUNTED.items())}
FROM truck t LEFT JOIN latest_values l ON l.truck_id = t.id WHERE {_FOUND}
"""
# One row: how many trucks are active.
ACTIVE_TRUCKS = "SELECT COUNT(*) AS trucks FROM truck WHERE fleet_id = %(fleet)s AND is_active"

# One row: what the truck is.
TRUCK = f"""
SELECT t.code AS truck_id, t.name, t.wialon_id, t.device_id, t.vin, t.plate, t.make, t.model, t.model_year,
    {_CLASS} AS vehicle_class, t.tank_l,
    t.is_active, t.sensor_problems, {_GROUPS} AS group_names, {_STATUS} AS status, l.t
FROM truck t LEFT JOIN latest_values l ON l.truck_id = t.id
WHERE t.fleet_id = %(fleet)s AND t.id = %(id)s
"""

# One row, or none: the driver who counts at the instant `at`, by the rule of assignments.shifts.
DRIVER_NOW = """
SELECT d.code AS driver_id, d.name, d.key_card, a.started_at AS since
FROM driver_assignment a JOIN driver d ON d.id = a.driver_id
WHERE a.fleet_id = %(fleet)s AND a.truck_id = %(id)s AND a.started_at <= %(at)s
    AND (a.ended_at IS NULL OR a.ended_at > %(at)s)
ORDER BY FIELD(a.source, 'manual', 'binding', 'message'), a.started_at DESC, a.driver_id DESC LIMIT 1
"""

# One row, or none: the unit's own counters.
COUNTERS = """
SELECT flags, mileage_km, engine_hours, at FROM unit_counters WHERE fleet_id = %(fleet)s AND truck_id = %(id)s
"""

# One row a parameter set in force on a day, what comes later wins; the fleet's own, and those of the truck `id` unless
# null.
PARAMETER_SETS = """
SELECT `values` FROM parameter_set
WHERE fleet_id = %(fleet)s AND effective_from <= %(day)s AND (truck_id IS NULL OR truck_id = %(id)s)
ORDER BY truck_id IS NOT NULL, effective_from
"""

# --- a truck's period -----------------------------------------------------------------------------------------------

# One row: how completely the truck is known in a period, null where it has no days; and on how many days of it what is
# measured.
COVERAGE = """
SELECT 100 * (1 - SUM(no_data_s) / SUM(length_s)) AS coverage_pct, COUNT(trips) AS days_with_trips,
    COUNT(stops) AS days_with_stops, COUNT(distance_m) AS days_with_distance, COUNT(fuel_used_l) AS days_with_fuel,
    COUNT(speeding_s) AS days_with_speeding, COUNT(idle_events) AS days_with_idling,
    COUNT(idle_fuel_l) AS days_with_idle_fuel, COUNT(refuels) AS days_with_refuels, COUNT(drains) AS days_with_drains
FROM truck_day WHERE fleet_id = %(fleet)s AND truck_id = %(id)s AND day BETWEEN %(from_day)s AND %(to_day)s
"""


def both_ways(statement: str) -> dict[bool, str]:
    """The statement by ascending (False) and descending (True) key, each starting after the key `after`."""
    return {
        False: statement.format(after=">", order="ASC"),
        True: statement.format(after="<", order="DESC"),
    }


# The truck-day's figures with the names and in the order of docs/metrics.md.
_NOT_OF_DAYS = {
    "length_s",
    "is_used",
    "available_s",
    "in_workshop",
    "input_messages",
    "input_first_t",
    "input_last_t",
    "content_hash",
    "parameters_version",
}
DAY_FIGURES = tuple(field.name for field in TruckDayFigures._meta.local_fields if field.name not in _NOT_OF_DAYS)

# Columns of days and events that come out of sums and differences of doubles.
_COMPUTED = {"mean_speed_kmh", "excess_kmh", "peak_ms2", "fuel_l", "litres", "level_before_l", "level_after_l"} | {
    field.name for field in TruckDayFigures._meta.local_fields if isinstance(field, FloatField)
}


def rounded(value: str) -> str:
    """As `amounts.rounded` does it. The sum makes 2.6 of 2.600000, and 0 of -0."""
    return f"(ROUND({value}, {PLACES}) + 0e0)"


def shown(name: str, of: str) -> str:
    """A column of days or events of the table called `of`, as answers and files give it; see `amounts.shown`."""
    return rounded(f"{of}.{name}") if name in _COMPUTED else f"{of}.{name}"


def columns(names: Iterable[str], of: str) -> str:
    """The same of several, under their names."""
    return ", ".join(f"{shown(name, of)} AS {name}" for name in names)


# One row a day, with the truck's floor: days that begin before it are sealed.
TRUCK_DAYS = both_ways(f"""
SELECT t.wialon_id AS truck_wialon_id, d.day, {columns(DAY_FIGURES, "d")}, s.raw_since_t
FROM truck_day d JOIN truck t ON t.id = d.truck_id LEFT JOIN truck_sync s ON s.truck_id = t.id
WHERE d.fleet_id = %(fleet)s AND d.truck_id = %(id)s AND d.day BETWEEN %(from_day)s AND %(to_day)s
    AND (%(after)s IS NULL OR d.day {{after}} %(after)s)
ORDER BY d.day {{order}} LIMIT %(limit)s
""")
