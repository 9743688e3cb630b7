"""The statements behind behaviour: a page of a large group's drivers, and single ones; the sums that are kept of them.

Whole lists are read from the packed sums (`sums.drivers`). Pages take what `asked` gives, `after` and `limit`. Driver 0
is nobody known; it comes last, without code and name. Sums come as two arrays: `figures` of the period in the order of
a `By`'s names, `earlier` of the period before in that of BEFORE.
"""

from dataclasses import dataclass, field
from typing import Any

from apps.accounts.periods import Period
from apps.fleet import queries
from apps.fleet.queries import IN_DAYS, IN_SPANS, OF_ITS_TRUCKS, sum_up, sums_of
from apps.fleet.spans import MONTH, PENTAD

SUMS = (
    "length_s", "moving_s", "idle_s", "idle_productive_s", "parked_s", "no_data_s", "engine_on_s", "night_driving_s",
    "distance_m", "fuel_used_l", "fuel_distance_m", "consumption_l", "idle_fuel_l", "trips", "idle_events",
    "speeding_minor", "speeding_moderate", "speeding_severe", "speeding_s", "harsh_braking", "harsh_acceleration",
    "harsh_cornering", "max_speed_kmh", "fuel_cost", "fuel_priced_l", "idle_cost", "idle_productive_cost",
    "idle_productive_fuel_l", "harsh_distance_m",
)  # fmt: skip
_BEHAVIOR = (
    "length_s", "moving_s", "idle_s", "idle_productive_s", "no_data_s", "engine_on_s", "night_driving_s", "distance_m",
    "fuel_used_l", "fuel_distance_m", "consumption_l", "idle_fuel_l", "trips", "speeding_minor", "speeding_moderate",
    "speeding_severe", "speeding_s", "harsh_braking", "harsh_acceleration", "harsh_cornering", "max_speed_kmh",
    "harsh_distance_m",
)  # fmt: skip
MONEY = ("fuel_cost", "idle_cost")
BEFORE = (
    "distance_m", "speeding_minor", "speeding_moderate", "speeding_severe", "harsh_braking", "harsh_acceleration",
    "harsh_cornering",
)  # fmt: skip


def asked(fleet_id: int, period: Period) -> dict[str, Any]:
    """What the statements take of a period, and of the one before it."""
    before = period.previous()
    of_before = queries.period(fleet_id, before.first, before.last)
    return {
        **queries.period(fleet_id, period.first, period.last),
        **{f"before_{name}": value for name, value in of_before.items() if name != "fleet"},
    }


def _of_before(sql: str) -> str:
    """The same of the period before."""
    of_before = sql.replace("%(", "%(before_")
    return of_before.replace("%(before_fleet)s", "%(fleet)s").replace("%(before_id)s", "%(id)s")


@dataclass(frozen=True, slots=True)
class By:
    """What a row is about: whose id the tables' `key` is, where it is named, and the sums that are shown of it."""

    key: str
    named: str
    days: str
    spans: str
    names: tuple[str, ...]
    of_day: dict[str, str] = field(default_factory=dict)  # what stands for a sum in a row of a day

    def sums(self, names: tuple[str, ...], page: str = "", which: str = "TRUE") -> str:
        """One row each: its id, and its sums of the period."""
        return f"""
        SELECT {self.key} AS id, {sums_of(names)} FROM (
            SELECT {self.key}, {sums_of(names, self.of_day)} FROM {self.days} {page}
            WHERE {IN_DAYS} AND {which} GROUP BY {self.key}
            UNION ALL SELECT {self.key}, {sums_of(names)} FROM {self.spans} {page}
            WHERE {IN_SPANS} AND {which} GROUP BY {self.key}
        ) parts GROUP BY {self.key}"""

    def rows(self, page: str, scope: str) -> str:
        """One row each of a page that has days in the period, by what they do in the trucks of a scope."""
        now, before = self.sums(self.names, page, scope), _of_before(self.sums(BEFORE, page, scope))
        return f"""
SELECT t.code, t.name, {packed(self.names, "s")} AS figures, {packed(BEFORE, "b")} AS earlier
FROM ({now}) s LEFT JOIN ({before}) b ON b.id = s.id
LEFT JOIN {self.named} t ON t.id = s.id ORDER BY t.code IS NULL, t.code LIMIT %(limit)s
"""


def packed(names: tuple[str, ...], table: str) -> str:
    """An array of these columns; money as text, so that no cent is lost."""
    columns = (f"CAST({table}.{name} AS CHAR)" if name in MONEY else f"{table}.{name}" for name in names)
    return f"JSON_ARRAY({', '.join(columns)})"


TRUCK_SUMS = ("trucks", *_BEHAVIOR, *MONEY)  # read from the packed sums (`sums.trucks`)
DRIVERS = By(
    "driver_id", "driver", "truck_day_driver", "truck_span_driver", ("days", *_BEHAVIOR, *MONEY), {"days": "1"}
)

IN_GROUP = "truck_id IN (SELECT m.truck_id FROM truck_group_truck m WHERE m.truckgroup_id = %(id)s)"

# One row a parameter set of the fleet in force on the period's last day, in the order of their days.
SAFETY_SETS = """
SELECT `values` FROM parameter_set WHERE fleet_id = %(fleet)s AND truck_id IS NULL AND effective_from <= %(to_day)s
ORDER BY effective_from
"""


# --- a page of a group's drivers: it takes the group's `id` besides ------------------------------------------------


def page_of(by: By, which: str = "TRUE") -> str:
    """Finds first which are on the page: those with days in the period whose codes follow `after`, and nobody."""
    return f"""
JOIN ((SELECT id FROM {by.named} WHERE fleet_id = %(fleet)s AND code > %(after)s AND (
    SELECT 1 FROM {by.days} d WHERE d.fleet_id = %(fleet)s AND d.{by.key} = {by.named}.id
        AND d.day BETWEEN %(from_day)s AND %(to_day)s AND {which.replace("truck_id IN", "d.truck_id IN", 1)} LIMIT 1)
ORDER BY code LIMIT %(limit)s) UNION ALL SELECT 0) page ON page.id = {by.key}
"""


_PAGE = page_of(DRIVERS, IN_GROUP)
# The page is that of the period, also where its figures of the period before are read.
PAGE_OF_GROUP = DRIVERS.rows(_PAGE, IN_GROUP).replace(_of_before(_PAGE), _PAGE)

# --- single drivers -------------------------------------------------------------------------------------------------

# One row, or none if the fleet has no such driver.
DRIVER = """
SELECT id, code AS driver_id, name, key_card, is_active FROM driver WHERE fleet_id = %(fleet)s AND code = %(driver)s
"""

# One row a driver of the fleet whose code or name is like a `pattern`.
MATCHING = "SELECT id FROM driver WHERE fleet_id = %(fleet)s AND (code LIKE %(pattern)s OR name LIKE %(pattern)s)"

_ITS = "driver_id = %(id)s"
# One row, or none: the sums of the driver `id` in a period.
OF_DRIVER = DRIVERS.sums(DRIVERS.names, which=_ITS)

_OF_DAYS = f"SUM(1) AS days, {sums_of((*_BEHAVIOR, *MONEY))}"
_THE_DAYS = f"fleet_id = %(fleet)s AND {_ITS} AND day BETWEEN %(from_day)s AND %(to_day)s"

# One row a week (its Monday) in which the driver has days.
WEEKS_OF_DRIVER = f"""
SELECT DATE_SUB(day, INTERVAL WEEKDAY(day) DAY) AS monday, {_OF_DAYS}
FROM truck_day_driver WHERE {_THE_DAYS} GROUP BY monday ORDER BY monday
"""

# One row a truck, by code: the sums of the driver in it.
TRUCKS_OF_DRIVER = f"""
SELECT t.code AS truck_id, t.name, s.* FROM (
    SELECT truck_id AS id, {_OF_DAYS} FROM truck_day_driver WHERE {_THE_DAYS} GROUP BY truck_id
) s JOIN truck t ON t.id = s.id ORDER BY t.code
"""


def _days(after: str, order: str) -> str:
    return f"""
SELECT s.*, (
    SELECT JSON_ARRAYAGG(t.code) FROM truck_day_driver x JOIN truck t ON t.id = x.truck_id
    WHERE x.fleet_id = %(fleet)s AND x.driver_id = %(id)s AND x.day = s.day) AS trucks
FROM (
    SELECT day, {_OF_DAYS} FROM truck_day_driver
    WHERE {_THE_DAYS} AND (%(after)s IS NULL OR day {after} %(after)s)
    GROUP BY day ORDER BY day {order} LIMIT %(limit)s
) s ORDER BY s.day {order}
"""


# One row a day of the driver `id`, over all trucks, by ascending (False) and descending (True) day.
DAYS_OF_DRIVER = {False: _days(">", "ASC"), True: _days("<", "DESC")}

# --- sums: to be run within the transaction that changes what they are summed up from ------------------------------


def _of_spans(kind: str) -> tuple[str, str]:
    days = "COUNT(*)" if kind == PENTAD else "SUM(days)"
    columns, sums = f"days, {', '.join(SUMS)}", f"{days}, {sums_of(SUMS)}"
    return sum_up(kind, "truck", "_driver", "truck_id, driver_id, ", columns, sums, OF_ITS_TRUCKS)


# By kind of span: replaces what drivers did in some trucks by the sums of its pieces.
SUM_UP_DRIVERS = {kind: _of_spans(kind) for kind in (PENTAD, MONTH)}


def _costs_of_spans(kind: str) -> tuple[str, str]:
    key = "truck_id, driver_id, line, source, "
    return sum_up(kind, "truck", "_driver_cost", key, "amount", "SUM(amount)", OF_ITS_TRUCKS)


# The same of what drivers bear of their trucks' costs.
SUM_UP_DRIVER_COSTS = {kind: _costs_of_spans(kind) for kind in (PENTAD, MONTH)}
