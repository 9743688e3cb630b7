"""The statements behind the lists of the ledger: which rows there are, what they come to, and those of a period.

They take `fleet` first, then the filters (null: any), and what `when` gives. Pages begin after the key `after`, a text
that is unique among the rows.
"""

from dataclasses import dataclass
from typing import Any

from apps.accounts.periods import Period
from apps.trucks.comparison import bounds

_NOT_A_PERIOD = dict.fromkeys(("start", "end", "from_day", "to_day"))
# What a row may be narrowed by: the parameter, and what it is compared with.
FILTERS = {
    "line": "x.line",
    "truck_id": "t.code",
    "group": "g.name",
    "import_id": "x.imported_id",
    "currency": "x.currency",
}
_JOINED = {
    "truck_id": ("t.code", "LEFT JOIN truck t ON t.id = x.truck_id"),
    "group": ("g.name", "LEFT JOIN truck_group g ON g.id = x.group_id"),
}
# Of an invoice that is to be spread anew why it cannot be, empty: it can, and whether shares of it are missing.
IS_SHORT = "(n.first_day IS NOT NULL OR n.whole_at <= n.marked_at)"
_NOTED = f"n.problem, {IS_SHORT} AS is_short"
_LOG = "LEFT JOIN dirty_entry n ON n.fleet_id = x.fleet_id AND n.entry_id = x.id"


def when(period: Period | None) -> dict[str, Any]:
    """What the statements take of a period; none: rows of any time."""
    return _NOT_A_PERIOD if period is None else bounds(period)


def between(first: str, last: str) -> str:
    """Rows that cover, or are in force on, any day of the period; without a last day they are so for good."""
    return f"x.{first} <= %(to_day)s AND (x.{last} IS NULL OR x.{last} >= %(from_day)s)"


def unless_replaced(table: str, first: str, last: str, scope: tuple[str, ...]) -> str:
    """The same, but for rows that one which began later replaces on all their days of the period."""
    same = " AND ".join(f"r.{name} <=> x.{name}" for name in scope)
    return f"""{between(first, last)} AND NOT EXISTS (SELECT 1 FROM {table} r WHERE r.fleet_id = x.fleet_id AND {same}
    AND r.{first} > x.{first} AND r.{first} <= %(from_day)s
    AND (r.{last} IS NULL OR r.{last} >= %(to_day)s OR r.{last} >= x.{last}))"""


def at(instant: str) -> str:
    """Rows of an instant of the period."""
    return f"x.{instant} >= %(start)s AND x.{instant} < %(end)s"


def until_next(table: str, since: str, scope: str) -> str:
    """Rows that are in force in the period: until the next one of their scope comes into force."""
    first, is_before_end = ("%(start)s", "< %(end)s") if since.endswith("_at") else ("%(from_day)s", "<= %(to_day)s")
    return f"""x.{since} {is_before_end} AND NOT EXISTS (SELECT 1 FROM {table} r WHERE r.fleet_id = x.fleet_id
    AND r.{scope} <=> x.{scope} AND r.{since} > x.{since} AND r.{since} <= {first})"""


@dataclass(frozen=True, slots=True)
class LedgerRows:
    """The rows of a table: their `columns` as answers have them, and which are meant by a period.

    `time`: the column by which they are sorted if not by id; `summed`: what is added up, by currency where the
    table has one.
    """

    table: str
    columns: tuple[str, ...]
    time: str
    of_period: str
    own_currency: bool = False
    summed: tuple[str, ...] = ()
    filters: tuple[str, ...] = ("import_id",)
    is_spread: bool = False  # rows have shares: how far these are stands beside them

    def page(self, sort: str) -> str:
        """One row each, by `id` or by time, with - from the last to the first; a page begins after a `row_key`."""
        after, order = ("<", "DESC") if sort.startswith("-") else (">", "ASC")
        key = "x.id" if sort.endswith("id") else f"CONCAT_WS(' ', x.{self.time}, LPAD(x.id, 19, '0'))"
        names = dict.fromkeys((*self.columns, *(["currency"] if self.own_currency else [])))
        columns = ", ".join(f"{self._of(name)} AS `{name}`" for name in names)
        noted, log = (f", {_NOTED}", _LOG) if self.is_spread else ("", "")
        return f"""
SELECT {key} AS row_key, x.id, {columns}, x.imported_id AS import_id{noted} FROM {self._found(log)}
    AND (%(after)s IS NULL OR {key} {after} %(after)s)
ORDER BY row_key {order} LIMIT %(limit)s
"""

    @property
    def totals(self) -> str:
        """One row a currency, or one in all: how many rows there are, and their sums."""
        sums = "".join(f", SUM(x.{name}) AS {name}" for name in self.summed)
        by = ("x.currency, ", " GROUP BY x.currency ORDER BY x.currency") if self.own_currency else ("", "")
        return f"SELECT {by[0]}COUNT(*) AS number{sums} FROM {self._found()}{by[1]}"

    def _found(self, more: str = "") -> str:
        joined = " ".join(_JOINED[name][1] for name in _JOINED if name in self.columns)
        kept = "".join(f" AND (%({name})s IS NULL OR {FILTERS[name]} = %({name})s)" for name in self.filters)
        return f"""{self.table} x {joined} {more} WHERE x.fleet_id = %(fleet)s{kept}
    AND (%(from_day)s IS NULL OR ({self.of_period}))"""

    def _of(self, name: str) -> str:
        return _JOINED[name][0] if name in _JOINED else f"x.{name}"
