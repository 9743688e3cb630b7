"""The statements behind a fleet's figures, for API, mail, admin and exports; its totals are packed (`sums.fleet`).

All take `fleet` first: one fleet never sees another. Periods are local days, both ends included, as `period` gives
them: whole months and pentads are read as such, the rest day by day. A sum over nothing measured is null, which is what
SUM gives.
"""

import datetime as dt
from typing import Any

from apps.fleet.spans import MONTH, PENTAD, as_days, parts


def period(fleet_id: int, first: dt.date, last: dt.date) -> dict[str, Any]:
    """What the statements take of a fleet's period."""
    return {"fleet": fleet_id, "from_day": first, "to_day": last, **parts(first, last)}


OF_DAYS = ("day", "week")


def period_by(by: str, fleet_id: int, first: dt.date, last: dt.date) -> dict[str, Any]:
    """The same of one that is to be told by day, week, month or quarter: the first two are made of days."""
    return period(fleet_id, first, last) | (as_days(first, last) if by in OF_DAYS else {})


# Truck-days by whether they were working days, used, and why not.
DAYS_OF_USE = (
    "days_working", "days_used_working", "days_workshop", "days_workshop_working", "days_no_data",
    "days_no_data_working",
)  # fmt: skip
_SUMMED = (
    "length_s", "available_s", "moving_s", "engine_moving_s", "idle_s", "idle_productive_s", "parked_s", "no_data_s",
    "engine_on_s", "night_driving_s", "distance_m", "fuel_used_l", "fuel_distance_m", "idle_fuel_l", "trips", "stops",
    "idle_events", "speeding_minor", "speeding_moderate", "speeding_severe", "speeding_s", "harsh_braking",
    "harsh_acceleration", "harsh_cornering", "refuels", "refuel_l", "drains", "drain_l", "faults_opened", "messages",
    "dropped_values", "quarantined",
    "consumption_l", "consumption_days",
    *DAYS_OF_USE, "harsh_distance_m",
)  # fmt: skip
FUEL_MONEY = (
    "fuel_cost", "fuel_priced_l", "idle_cost", "idle_productive_cost", "idle_productive_fuel_l",
    "drain_cost", "drain_priced_l", "suspected_drains", "suspected_drain_l", "suspected_drain_cost",
    "purchases", "purchased_l", "purchased_amount", "balance_days", "balance_bought_l", "balance_refuelled_l",
    "balance_drained_l", "balance_used_l", "balance_tank_l",
)  # fmt: skip
TRUCK_SUMS = ("trucks", "trucks_used", *_SUMMED)
_TRUCK_COLUMNS = (*TRUCK_SUMS, "max_speed_kmh", "as_of")
_FLEET_COLUMNS = ("trucks", "trucks_used", *_SUMMED, "as_of")
_WORKING, _WORKSHOP = "available_s > 0", "NOT is_used AND in_workshop"
_NO_DATA = "NOT is_used AND NOT in_workshop AND 2 * no_data_s > length_s"
# What stands in a truck-day for a column of sums. The halves of ratios are taken where the other half is measured too.
OF_TRUCK_DAY = {
    "trucks": "1",
    "trucks_used": "is_used",
    "engine_moving_s": "IF(engine_on_s IS NULL, NULL, moving_s)",
    "fuel_distance_m": "IF(fuel_used_l IS NULL, NULL, distance_m)",
    "consumption_l": "IF(distance_m IS NULL, NULL, fuel_used_l)",
    "harsh_distance_m": "IF(COALESCE(harsh_braking, harsh_acceleration, harsh_cornering) IS NULL, NULL, distance_m)",
    "consumption_days": "fuel_used_l IS NOT NULL AND distance_m IS NOT NULL",
    "days_working": _WORKING,
    "days_used_working": f"is_used AND {_WORKING}",
    "days_workshop": _WORKSHOP,
    "days_workshop_working": f"{_WORKSHOP} AND {_WORKING}",
    "days_no_data": _NO_DATA,
    "days_no_data_working": f"{_NO_DATA} AND {_WORKING}",
}
_NOT_SUMMED = {"as_of": "MIN", "max_speed_kmh": "MAX"}


def sums_of(names: tuple[str, ...], of: dict[str, str] | None = None) -> str:
    """The columns summed over rows of sums, or over truck-days."""
    values = of or {}
    return ", ".join(f"{_NOT_SUMMED.get(name, 'SUM')}({values.get(name, name)}) AS {name}" for name in names)


# The days at the edges of a period, and the spans between them.
IN_DAYS = """fleet_id = %(fleet)s AND (day BETWEEN %(days_from)s AND %(days_to)s
        OR day BETWEEN %(later_days_from)s AND %(later_days_to)s)"""
IN_SPANS = """fleet_id = %(fleet)s AND (
        span = 'month' AND first_day BETWEEN %(months_from)s AND %(months_to)s
        OR span = 'pentad' AND first_day BETWEEN %(pentads_from)s AND %(pentads_to)s
        OR span = 'pentad' AND first_day BETWEEN %(later_pentads_from)s AND %(later_pentads_to)s)"""
OF_ONE_TRUCK = "truck_id = %(id)s"
OF_GROUP_TRUCKS = "truck_id IN (SELECT m.truck_id FROM truck_group_truck m WHERE m.truckgroup_id = %(id)s)"

# --- the fleet ------------------------------------------------------------------------------------------------------

# One row a day, ascending.
FLEET_DAYS = f"""
SELECT day, SUM(trucks) AS truck_days, SUM(trucks_used) AS truck_days_used, {sums_of(_FLEET_COLUMNS[2:])},
    SUM(suspected_drains) AS suspected_drains
FROM fleet_day WHERE fleet_id = %(fleet)s AND day BETWEEN %(from_day)s AND %(to_day)s
GROUP BY day ORDER BY day
"""

# --- truck by truck -------------------------------------------------------------------------------------------------


_SHOWN = {"trucks": "trucks AS truck_days", "trucks_used": "trucks_used AS truck_days_used"}
# One row a truck that has days in the period, by code: all its sums, first within the days and the spans.
TRUCK_TOTALS = f"""
SELECT t.code AS truck_id, t.name, {", ".join(_SHOWN.get(name, name) for name in _TRUCK_COLUMNS)} FROM (
    SELECT truck_id AS id, {sums_of(_TRUCK_COLUMNS)} FROM (
        SELECT truck_id, {sums_of(_TRUCK_COLUMNS, OF_TRUCK_DAY)} FROM truck_day WHERE {IN_DAYS} GROUP BY truck_id
        UNION ALL SELECT truck_id, {sums_of(_TRUCK_COLUMNS)} FROM truck_span WHERE {IN_SPANS} GROUP BY truck_id
    ) parts GROUP BY truck_id
) s JOIN truck t ON t.id = s.id ORDER BY t.code
"""

# Of each truck that has the day: the drains that nobody has reviewed.
SUSPECTED_DRAINS = """
SELECT t.code AS truck_id, f.suspected_drains FROM truck_day_fuel f JOIN truck t ON t.id = f.truck_id
WHERE f.fleet_id = %(fleet)s AND f.day = %(day)s
"""

UTILIZATION_SUMS = (
    "trucks", "trucks_used", "length_s", "available_s", "moving_s", "engine_moving_s", "idle_s", "idle_productive_s",
    "parked_s", "no_data_s", "engine_on_s", *DAYS_OF_USE,
)  # fmt: skip

# --- sums: to be run within the transaction that changes what they are summed up from, days before spans --------------

_ALL_FLEET_COLUMNS = (*_FLEET_COLUMNS, *FUEL_MONEY)

# Replaces a fleet's day, and its costs, by the sums over its trucks.
SUM_UP_DAY = (
    "DELETE FROM fleet_day WHERE fleet_id = %(fleet)s AND day = %(day)s",
    f"""
INSERT INTO fleet_day (fleet_id, day, {", ".join(_FLEET_COLUMNS)}, revision, computed_at)
SELECT fleet_id, day, {sums_of(_FLEET_COLUMNS, OF_TRUCK_DAY)}, %(revision)s, %(computed_at)s
FROM truck_day WHERE fleet_id = %(fleet)s AND day = %(day)s GROUP BY fleet_id, day
""",
    f"""
UPDATE fleet_day f JOIN (
    SELECT {sums_of(FUEL_MONEY)} FROM truck_day_fuel WHERE fleet_id = %(fleet)s AND day = %(day)s
) s SET {", ".join(f"f.{name} = s.{name}" for name in FUEL_MONEY)}
WHERE f.fleet_id = %(fleet)s AND f.day = %(day)s
""",
    "DELETE FROM fleet_day_cost WHERE fleet_id = %(fleet)s AND day = %(day)s",
    """
INSERT INTO fleet_day_cost (fleet_id, day, line, source, amount)
SELECT fleet_id, day, line, source, SUM(amount)
FROM truck_day_cost WHERE fleet_id = %(fleet)s AND day = %(day)s GROUP BY fleet_id, day, line, source
""",
)

# The same of days whose costs alone have changed.
SUM_UP_DAY_COSTS = (
    "DELETE FROM fleet_day_cost WHERE fleet_id = %(fleet)s AND day IN %(days)s",
    """
INSERT INTO fleet_day_cost (fleet_id, day, line, source, amount)
SELECT fleet_id, day, line, source, SUM(amount)
FROM truck_day_cost WHERE fleet_id = %(fleet)s AND day IN %(days)s GROUP BY fleet_id, day, line, source
""",
    """
UPDATE fleet_day SET revision = %(revision)s, computed_at = %(computed_at)s
WHERE fleet_id = %(fleet)s AND day IN %(days)s
""",
)

_PIECES = {
    PENTAD: ("{table}_day{of}", "day IN %(pieces)s"),
    MONTH: ("{table}_span{of}", "span = 'pentad' AND first_day IN %(pieces)s"),
}


def sum_up(kind: str, table: str, of: str, key: str, columns: str, sums: str, only: str = "TRUE") -> tuple[str, str]:
    """Replaces a span's rows, of `only` some trucks, by the sums of its pieces. `key`: what a row is about."""
    source, pieces = _PIECES[kind]
    return (
        f"DELETE FROM {table}_span{of} WHERE fleet_id = %(fleet)s AND span = '{kind}' AND first_day = %(first_day)s "
        f"AND {only}",
        f"INSERT INTO {table}_span{of} (fleet_id, span, first_day, {key}{columns}) "
        f"SELECT fleet_id, '{kind}', %(first_day)s, {key}{sums} FROM {source.format(table=table, of=of)} "
        f"WHERE fleet_id = %(fleet)s AND {pieces} AND {only} GROUP BY {key}fleet_id",
    )


OF_ITS_TRUCKS = "truck_id IN %(trucks)s"


def _truck_figures(kind: str) -> tuple[str, str]:
    sums = sums_of(_TRUCK_COLUMNS, OF_TRUCK_DAY if kind == PENTAD else None)
    return sum_up(kind, "truck", "", "truck_id, ", ", ".join(_TRUCK_COLUMNS), sums, OF_ITS_TRUCKS)


def _truck_span_costs(kind: str) -> tuple[str, str]:
    return sum_up(kind, "truck", "_cost", "truck_id, line, source, ", "amount", "SUM(amount)", OF_ITS_TRUCKS)


def _truck_span_fuel(kind: str) -> tuple[str, str]:
    return sum_up(kind, "truck", "_fuel", "truck_id, ", ", ".join(FUEL_MONEY), sums_of(FUEL_MONEY), OF_ITS_TRUCKS)


def _fleet(kind: str) -> tuple[str, ...]:
    days = "COUNT(*)" if kind == PENTAD else "SUM(days)"
    columns = f"days, {', '.join(_ALL_FLEET_COLUMNS)}"
    sums = f"{days}, {sums_of(_ALL_FLEET_COLUMNS)}"
    return *sum_up(kind, "fleet", "", "", columns, sums), *_fleet_costs(kind)


def _fleet_costs(kind: str) -> tuple[str, str]:
    return sum_up(kind, "fleet", "_cost", "line, source, ", "amount", "SUM(amount)")


# By kind of span: replace what it is of some trucks, what it costs of some, their fuel in money, and the fleet's.
SUM_UP_TRUCKS = {kind: _truck_figures(kind) for kind in (PENTAD, MONTH)}
SUM_UP_TRUCK_COSTS = {kind: _truck_span_costs(kind) for kind in (PENTAD, MONTH)}
SUM_UP_TRUCK_FUEL = {kind: _truck_span_fuel(kind) for kind in (PENTAD, MONTH)}
SUM_UP_FLEET = {kind: _fleet(kind) for kind in (PENTAD, MONTH)}
SUM_UP_FLEET_COSTS = {kind: _fleet_costs(kind) for kind in (PENTAD, MONTH)}

# --- beside the costs -----------------------------------------------------------------------------------------------

# The benchmark of the latest year up to the period's: one row a line. `rate`: what a unit of its currency is worth in
# the fleet's on the period's last day, null where the fleet has no exchange rate for it by then.
BENCHMARK = """
SELECT b.year, b.line, b.amount, b.unit, b.currency, b.source, b.edition, (
    SELECT e.rate FROM exchange_rate e WHERE e.fleet_id = %(fleet)s AND e.currency = b.currency
        AND e.effective_from <= %(to_day)s ORDER BY e.effective_from DESC LIMIT 1) AS rate
FROM benchmark b WHERE b.year = (SELECT MAX(year) FROM benchmark WHERE year <= YEAR(%(to_day)s)) ORDER BY b.line
"""
