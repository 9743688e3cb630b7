"""The statements behind the faults that are active in a fleet. They take `fleet` first.

`severities` is a list with commas; `acknowledged` is 1 or 0, or null for both; `id` is a group's, or null for the whole
fleet. Pages begin after the key `after`.
"""

_ACKNOWLEDGED_AT = """(SELECT MIN(o.acknowledged_at) FROM fault_acknowledgement o
    WHERE o.fleet_id = e.fleet_id AND o.truck_id = e.truck_id AND o.spn = e.spn AND o.fmi = e.fmi
        AND o.source = e.source AND o.acknowledged_at >= e.opened_at)"""
_FAULTS = f"""
    SELECT t.code AS truck_id, t.name, e.spn, e.fmi, e.source AS own_source, NULLIF(e.source, 255) AS source,
        e.severity, e.opened_at,
        GREATEST(0, s.known_until - TIMESTAMPDIFF(SECOND, '1970-01-01', e.opened_at)) AS age_s,
        {_ACKNOWLEDGED_AT} AS acknowledged_at, e.lat, e.lon
    FROM open_fault e JOIN truck t ON t.id = e.truck_id LEFT JOIN truck_sync s ON s.truck_id = t.id
    WHERE e.fleet_id = %(fleet)s AND t.is_active AND (%(id)s IS NULL OR EXISTS (
        SELECT 1 FROM truck_group_truck m WHERE m.truckgroup_id = %(id)s AND m.truck_id = e.truck_id))
"""
_OWN_KEY = "truck_id, LPAD(spn, 6, '0'), LPAD(fmi, 2, '0'), LPAD(own_source, 3, '0')"
_KEYS = {
    "severity": f"CONCAT_WS(' ', FIELD(severity, 'severe', 'moderate', 'minor'), opened_at, {_OWN_KEY})",
    "opened_at": f"CONCAT_WS(' ', opened_at, {_OWN_KEY})",
    "truck_id": f"CONCAT_WS(' ', {_OWN_KEY})",
}


def _in_order(key: str, after: str, order: str) -> str:
    return f"""
SELECT {key} AS event_key, truck_id, name, spn, fmi, source, severity, opened_at, age_s, acknowledged_at, lat, lon
FROM ({_FAULTS}) faults
WHERE FIND_IN_SET(severity, %(severities)s)
    AND (%(acknowledged)s IS NULL OR (acknowledged_at IS NOT NULL) = %(acknowledged)s)
    AND (%(after)s IS NULL OR {key} {after} %(after)s)
ORDER BY event_key {order} LIMIT %(limit)s
"""


# One row a fault, by the order that is asked for: severe ones first and then the oldest, the oldest first, by truck;
# with - the other way round.
OPEN_FAULTS = {name: _in_order(key, ">", "ASC") for name, key in _KEYS.items()} | {
    f"-{name}": _in_order(key, "<", "DESC") for name, key in _KEYS.items()
}
# One row: how many there are, whatever is asked for.
COUNTS = f"""
SELECT SUM(severity = 'minor') AS minor, SUM(severity = 'moderate') AS moderate, SUM(severity = 'severe') AS severe,
    COUNT(DISTINCT truck_id) AS trucks, SUM(acknowledged_at IS NULL) AS unacknowledged
FROM ({_FAULTS}) faults
"""
