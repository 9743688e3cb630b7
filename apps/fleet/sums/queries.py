"""The statements of the packed sums of fleets, of their trucks, of the places where they idle, and of their hours: what
they are made from, and how totals and lists read them.

Reading ones take what `queries.period` gives, and `from_block` and `to_block`.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from apps.fleet.idling.blocks import PART
from apps.fleet.idling.blocks import SUMS as IDLED
from apps.fleet.queries import IN_DAYS, IN_SPANS, OF_ONE_TRUCK, OF_TRUCK_DAY
from apps.fleet.spans import DAY, MONTH, PENTAD, pieces
from apps.fleet.sums.blocks import DRIVER_FIGURES, FIGURES, PLACES, TRUCKS
from apps.fleet.sums.fleet import FIGURES as FLEET_FIGURES
from apps.fleet.sums.ranking_blocks import COLUMNS as RANKED

_OF_BLOCK = "truck_id BETWEEN %(first)s AND %(last)s"
_MONEY = {name: f"{name} * {10**places}" for name, places in PLACES.items()}  # decimals become whole numbers


def _figures(table: str, first_day: str, which: str, of: dict[str, str]) -> str:
    """One row a truck and day or span, by both: its first day, the truck, its FIGURES."""
    columns = ", ".join(of.get(name, name) for name in FIGURES)
    return f"""
SELECT {first_day}, truck_id, {columns} FROM {table} LEFT JOIN {table}_fuel
    USING (fleet_id, {"" if table.endswith("day") else "span, "}{first_day}, truck_id)
WHERE fleet_id = %(fleet)s AND {which} AND {_OF_BLOCK} ORDER BY {first_day}, truck_id
"""


def _costs(table: str, first_day: str, which: str) -> str:
    """One row a truck, day or span, line and source, by day or span: first day, truck, line, source, cents."""
    return f"""
SELECT {first_day}, truck_id, line, source, CAST(amount * 100 AS SIGNED) FROM {table}_cost
WHERE fleet_id = %(fleet)s AND {which} AND {_OF_BLOCK} ORDER BY {first_day}
"""


def _of_span(kind: str) -> tuple[str, str, str]:
    return "truck_span", "first_day", f"span = '{kind}' AND first_day IN %(firsts)s"


_SOURCES = {DAY: ("truck_day", "day", "day IN %(firsts)s"), PENTAD: _of_span(PENTAD), MONTH: _of_span(MONTH)}
# By kind: what the blocks of these first days are made from.
FIGURES_OF = {
    kind: _figures(*source, {**_MONEY, **(OF_TRUCK_DAY if kind == DAY else {})}) for kind, source in _SOURCES.items()
}
COSTS_OF = {kind: _costs(*source) for kind, source in _SOURCES.items()}


def _of_drivers(table: str, first_day: str, which: str) -> tuple[str, str]:
    """One row a driver in a truck, day or span, by day or span: first day, truck, driver, DRIVER_FIGURES; one a line
    and source besides: first day, truck, driver, line, source, cents."""
    of_day = {"days": "1"} if table == "truck_day" else {}
    figures = ", ".join(of_day.get(name) or _MONEY.get(name, name) for name in DRIVER_FIGURES)
    where = f"WHERE fleet_id = %(fleet)s AND {which} AND {_OF_BLOCK} ORDER BY {first_day}"
    ids = f"{first_day}, truck_id, driver_id"
    return (
        f"SELECT {ids}, {figures} FROM {table}_driver {where}, truck_id, driver_id",
        f"SELECT {ids}, line, source, CAST(amount * 100 AS SIGNED) FROM {table}_driver_cost {where}",
    )


# The same of drivers, and of what they bear.
DRIVERS_OF = {kind: _of_drivers(*source)[0] for kind, source in _SOURCES.items()}
DRIVER_COSTS_OF = {kind: _of_drivers(*source)[1] for kind, source in _SOURCES.items()}

_CENTS = {name: f"CAST({name} * 100 AS SIGNED)" for name in IDLED if name in PLACES}
# One row a day, truck and place, by day: the day, the truck, the place's key, its sums, amounts in cents.
PLACES_OF_DAYS = f"""
SELECT day, truck_id, spot, {", ".join(_CENTS.get(name, name) for name in IDLED)}
FROM truck_day_idle_place WHERE fleet_id = %(fleet)s AND day IN %(firsts)s AND {_OF_BLOCK} ORDER BY day, truck_id, spot
"""
# One row a day and truck, by day: the day, the truck, its hours, packed.
HOURS_OF_DAYS = f"""
SELECT day, truck_id, hours FROM truck_day_hours
WHERE fleet_id = %(fleet)s AND day IN %(firsts)s AND {_OF_BLOCK} ORDER BY day
"""


def of_pieces(column: str) -> str:
    """What a block of a span's pieces has packed in this column."""
    return f"""
SELECT {column} FROM truck_block
WHERE fleet_id = %(fleet)s AND span = %(piece)s AND first_day IN %(pieces)s AND block = %(block)s
"""


def idle_places(which: str, there: Sequence[str], due: Sequence[str]) -> str:
    """Where many trucks idled: columns of spans that are there; else of the blocks `b` that they are added up from.

    Every block with places is part of such a span, there or due.
    """
    return f"""
SELECT {", ".join(there)} FROM idle_place_span WHERE {which} AND due_at IS NULL
UNION ALL SELECT STRAIGHT_JOIN {", ".join(due)} FROM (
    SELECT fleet_id, span, first_day, part FROM idle_place_span WHERE {which} AND due_at IS NOT NULL
) due JOIN truck_block b ON b.fleet_id = due.fleet_id AND b.span = due.span AND b.first_day = due.first_day
    AND b.block BETWEEN {PART} * due.part AND {PART} * due.part + {PART - 1}
"""


# Notes that the places of a part of the fleet are to be added up anew, and takes the sums away meanwhile.
NOTE_PLACES = """
INSERT INTO idle_place_span (fleet_id, span, first_day, part, due_at, places, worst, left_s, cells)
VALUES (%(fleet)s, %(kind)s, %(first_day)s, %(part)s, NOW(6) + INTERVAL %(seconds)s SECOND, '', '', -1, '')
ON DUPLICATE KEY UPDATE due_at = COALESCE(due_at, VALUES(due_at)), places = '', worst = '', cells = ''
"""
# What those of a day are added up from.
PLACES_OF_PART = f"""
SELECT places FROM truck_block WHERE fleet_id = %(fleet)s AND span = %(kind)s AND first_day = %(first_day)s
    AND block BETWEEN {PART} * %(part)s AND {PART} * %(part)s + {PART - 1}
"""

# What those of a pentad are added up from, and those of a month.
PLACES_OF_PIECES = idle_places(
    "fleet_id = %(fleet)s AND span = %(piece)s AND first_day IN %(pieces)s AND part = %(part)s",
    ("places",),
    ("b.places",),
)

_KEY = ("fleet_id", "span", "first_day", "block")
_PARTS = ("figures", "costs", "drivers", "driver_totals", "driver_costs", "places", "hours", "weekdays")
NOTHING: dict[str, int | bytes] = {"used": 0, **dict.fromkeys(_PARTS, b"")}  # what a block may hold


def write(columns: Collection[str]) -> str:
    """Writes these columns of a block, and leaves those of the others that there are."""
    values = ", ".join(f"%({name})s" for name in ("fleet", "kind", "first_day", "block", *NOTHING))
    return f"""
INSERT INTO truck_block ({", ".join((*_KEY, *NOTHING))}) VALUES ({values})
ON DUPLICATE KEY UPDATE {", ".join(f"{name} = VALUES({name})" for name in columns)}
"""


def stored(columns: Sequence[str]) -> str:
    """One row a first day: it, and these columns."""
    return f"""
SELECT first_day, {", ".join(columns)} FROM truck_block
WHERE fleet_id = %(fleet)s AND span = %(kind)s AND first_day IN %(firsts)s AND block = %(block)s
"""


DELETE_EMPTY = f"""
DELETE FROM truck_block WHERE fleet_id = %(fleet)s AND span = %(kind)s AND first_day IN %(firsts)s
    AND block = %(block)s AND {" AND ".join(f"{part} = ''" for part in _PARTS)}
"""

# One row a first day and block of drivers: them, and what it holds.
STORED_DRIVERS = """
SELECT first_day, block, drivers FROM driver_block
WHERE fleet_id = %(fleet)s AND span = %(kind)s AND first_day IN %(firsts)s AND block IN %(blocks)s
"""

# --- reading --------------------------------------------------------------------------------------------------------

_IN_PERIOD = f"""(fleet_id = %(fleet)s AND span = 'day' AND first_day BETWEEN %(days_from)s AND %(days_to)s
    OR fleet_id = %(fleet)s AND span = 'day' AND first_day BETWEEN %(later_days_from)s AND %(later_days_to)s
    OR {IN_SPANS})"""
_BETWEEN = "block BETWEEN %(from_block)s AND %(to_block)s"
_IN_BLOCKS = f"{_IN_PERIOD} AND {_BETWEEN}"


def around(column: str, parts: Mapping[str, dt.date], blocks: Sequence[int], table: str = "truck_block") -> str:
    """One row a block and part of the period: this of some blocks (ascending) alone, found by their whole keys.

    A range of days would have all blocks of these days read, with whatever they have packed.
    """
    days = {kind: ", ".join(f"'{day}'" for day in each) for kind, each in pieces(parts).items() if each}
    each = (
        f"fleet_id = %(fleet)s AND span = '{kind}' AND first_day IN ({those}) AND {_among(blocks)}"
        for kind, those in days.items()
    )
    return f"SELECT {column} FROM {table} WHERE {' OR '.join(each)}"


def _among(blocks: Sequence[int]) -> str:
    """Those of a page lie close together, mostly, those at the head of a ranking anywhere."""
    first, last = blocks[0], blocks[-1]
    if 2 * len(blocks) > last - first:
        return f"block BETWEEN {first} AND {last}"
    return f"block IN ({', '.join(map(str, blocks))})"


@dataclass(frozen=True, slots=True)
class _Packed:
    """A column of blocks: how many columns of ids it has, and its figures behind them."""

    name: str
    ids: int
    figures: tuple[str, ...]

    def columns(self, names: Sequence[str]) -> str:
        return f"SELECT {self.read(names)} FROM truck_block WHERE {_IN_BLOCKS}"

    def read(self, names: Sequence[str]) -> str:
        """The ids and these figures, as `figures`."""
        length = f"LENGTH({self.name}) DIV {self.ids + len(self.figures)}"
        runs = _runs([*range(self.ids), *(self.ids + self.figures.index(name) for name in names)])
        pieces = (f"SUBSTRING({self.name}, 1 + {first} * ({length}), {number} * ({length}))" for first, number in runs)
        return f"CONCAT({', '.join(pieces)}) AS figures"


_FIGURES = _Packed("figures", 1, FIGURES)


def columns(names: Sequence[str]) -> str:
    """One row a block and part of the period: the ids and these figures, in this order, as far as they are packed."""
    return _FIGURES.columns(names)


def figures(names: Sequence[str]) -> str:
    """The same as a column."""
    return _FIGURES.read(names)


_DRIVERS = _Packed("drivers", 2, DRIVER_FIGURES)


def driver_columns(names: Sequence[str]) -> str:
    """The same of drivers, with the ids of truck and driver."""
    return _DRIVERS.columns(names)


def driver_figures(names: Sequence[str]) -> str:
    """The same as a column, of blocks of trucks or of drivers."""
    return _DRIVERS.read(names)


def _runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """Columns that follow upon one another: the first, and how many."""
    groups = groupby(enumerate(places), key=lambda pair: pair[1] - pair[0])
    return [(run[0][1], len(run)) for run in (list(group) for _, group in groups)]


COSTS = f"SELECT costs FROM truck_block WHERE {_IN_BLOCKS}"
DRIVER_COSTS = f"SELECT driver_costs AS costs FROM truck_block WHERE {_IN_BLOCKS}"

# Where all of the fleet idled: all entries; or the head of each part (`idling.heads`), and what is whole with neither
# `left_s` nor `cells`.
IDLE_PLACES = idle_places(_IN_PERIOD, ("places",), ("b.places",))
IDLE_PLACE_HEADS = idle_places(
    _IN_PERIOD,
    ("span", "first_day", "part", "worst", "left_s", "cells"),
    ("due.span", "due.first_day", "due.part", "b.places", "NULL", "NULL"),
)


def idle_places_of(parts: Collection[tuple[str, dt.date, int]]) -> str:
    """All entries of these parts, as far as they are added up: kind, first day, part, places."""
    each = (f"span = '{kind}' AND first_day = '{first}' AND part = {part}" for kind, first, part in sorted(parts))
    which = " OR ".join(f"fleet_id = %(fleet)s AND {one}" for one in each)
    return f"SELECT span, first_day, part, places FROM idle_place_span WHERE ({which}) AND due_at IS NULL"


# The trucks of the group `id`: one row a block, with a bit for each.
_MEMBERS = f"""
    SELECT truck_id DIV {TRUCKS} AS block, BIT_OR(1 << truck_id MOD {TRUCKS}) AS mask FROM truck_group_truck
    WHERE truckgroup_id = %(id)s GROUP BY truck_id DIV {TRUCKS}
"""


def _of_group(columns: str) -> str:
    """One row a block and part of the period: its first day, these columns, a bit for each of the group's trucks."""
    return f"""
SELECT STRAIGHT_JOIN first_day, {columns}, mask FROM (
    SELECT fleet_id, span, first_day, block, mask FROM truck_block JOIN ({_MEMBERS}) members USING (block)
    WHERE {_IN_PERIOD}
) keyed JOIN truck_block USING (fleet_id, span, first_day, block)
"""


# Where the trucks of the group `id` idled; how their hours were spent; their sums by weekday.
IDLE_PLACES_OF_GROUP, HOURS_OF_GROUP, WEEKDAYS_OF_GROUP = map(_of_group, ("places", "hours", "weekdays"))

# --- a fleet's ------------------------------------------------------------------------------------------------------


def _fleet_rows(kind: str) -> tuple[str, str]:
    """One row a day or span, in order: its first day, its FIGURES; one a line and source besides: that, line, source,
    cents."""
    table, first_day = ("fleet_day", "day") if kind == DAY else ("fleet_span", "first_day")
    days = "1" if kind == DAY else "days"
    which = f"fleet_id = %(fleet)s AND {'' if kind == DAY else 'span = %(kind)s AND '}{first_day} IN %(firsts)s"
    figures = ", ".join(_MONEY.get(name, name) for name in FLEET_FIGURES[1:])
    return (
        f"SELECT {first_day}, {days}, {figures} FROM {table} WHERE {which} ORDER BY {first_day}",
        f"SELECT {first_day}, line, source, CAST(amount * 100 AS SIGNED) FROM {table}_cost WHERE {which} "
        f"ORDER BY {first_day}",
    )


# By kind: what the rows of these first days are packed from.
FLEET_FIGURES_OF = {kind: _fleet_rows(kind)[0] for kind in _SOURCES}
FLEET_COSTS_OF = {kind: _fleet_rows(kind)[1] for kind in _SOURCES}
# One row a first day: its used trucks as they are packed. One a first day and block: the block, its bits.
FLEET_USED = """
SELECT first_day, used FROM fleet_block WHERE fleet_id = %(fleet)s AND span = %(kind)s AND first_day IN %(firsts)s
"""
USED_OF_BLOCKS = """
SELECT first_day, block, used FROM truck_block
WHERE fleet_id = %(fleet)s AND span = %(kind)s AND first_day IN %(firsts)s AND block IN %(blocks)s ORDER BY first_day
"""

# One row a first day and part of the fleet: its figures for rankings. One a first day and block: what they are of it.
STORED_RANKINGS = """
SELECT first_day, idling FROM ranking_block
WHERE fleet_id = %(fleet)s AND span = %(kind)s AND first_day IN %(firsts)s AND part = %(part)s
"""
RANKED_OF_BLOCKS = f"""
SELECT first_day, {_FIGURES.read(RANKED)} FROM truck_block
WHERE fleet_id = %(fleet)s AND span = %(kind)s AND first_day IN %(firsts)s AND block IN %(blocks)s ORDER BY first_day
"""

# One row a first day and block: what it has of drivers in all.
DRIVER_TOTALS_OF_BLOCKS = """
SELECT first_day, driver_totals FROM truck_block
WHERE fleet_id = %(fleet)s AND span = %(kind)s AND first_day IN %(firsts)s ORDER BY first_day, block
"""

# One row a part of the period: what `FleetSums` adds up; the drivers in all.
FLEET_PARTS = f"SELECT first_day, figures, costs, used FROM fleet_block WHERE {_IN_PERIOD}"
FLEET_DRIVERS = f"SELECT driver_totals FROM fleet_block WHERE {_IN_PERIOD}"
# One row a part of the period and 4,096 trucks: what `ranking_blocks` adds up.
RANKINGS = f"SELECT part, idling FROM ranking_block WHERE {_IN_PERIOD}"

# --- a group's, a truck's: what `parts` makes the same of -------------------------------------------------------------

# One row a block and part of the period, and a bit for each truck of the group `id`.
GROUP_PARTS = _of_group(f"block, {_FIGURES.read(FLEET_FIGURES[1:])}, costs, used")


def _truck_figures(table: str, first_day: str, which: str, of: dict[str, str]) -> str:
    values = ", ".join(f"{of.get(name, name)} AS {name}" for name in FLEET_FIGURES[1:])
    keys = f"fleet_id, {'' if table.endswith('day') else 'span, '}{first_day}, truck_id"
    return f"""
SELECT {first_day} AS first_day, {values} FROM {table} LEFT JOIN {table}_fuel USING ({keys})
WHERE {OF_ONE_TRUCK} AND {which}
"""


def _truck_costs(first_day: str, rows: str) -> str:
    return f"SELECT {first_day} AS first_day, line, source, CAST(amount * 100 AS SIGNED) AS cents FROM {rows}"


# Of the truck `id` one row a day or span: its first day, a fleet's FIGURES; one a line and source besides, cents.
TRUCK_PARTS = " UNION ALL ".join((
    _truck_figures("truck_day", "day", IN_DAYS, {**_MONEY, **OF_TRUCK_DAY}),
    _truck_figures("truck_span", "first_day", IN_SPANS, _MONEY),
))  # fmt: skip
# Costs of single days are found by the truck-days: these have an index by truck.
TRUCK_COST_PARTS = " UNION ALL ".join((
    _truck_costs("day", f"""(SELECT fleet_id, day, truck_id FROM truck_day WHERE {OF_ONE_TRUCK} AND {IN_DAYS}) days
        JOIN truck_day_cost USING (fleet_id, day, truck_id)"""),
    _truck_costs("first_day", f"truck_span_cost WHERE {OF_ONE_TRUCK} AND {IN_SPANS}"),
))  # fmt: skip

# --- whose they are -------------------------------------------------------------------------------------------------


def _trucks(which: str) -> str:
    return f"""
SELECT id, code AS truck_id, name FROM truck WHERE fleet_id = %(fleet)s AND code > %(after)s{which}
ORDER BY code LIMIT %(limit)s
"""


# One row a truck, with days or without, by code: at most `limit` whose codes follow `after`; of the group `id`.
LISTED = _trucks("")
LISTED_OF_GROUP = _trucks(" AND id IN (SELECT m.truck_id FROM truck_group_truck m WHERE m.truckgroup_id = %(id)s)")

# The trucks of the group `id`; all of the fleet.
TRUCKS_OF_GROUP = "SELECT truck_id FROM truck_group_truck WHERE truckgroup_id = %(id)s"
CODES = "SELECT id, code FROM truck WHERE fleet_id = %(fleet)s"

# One row a driver of the fleet by code, with days or without: those whose codes follow `after`.
DRIVERS = """
SELECT id, code, name, key_card, is_active FROM driver WHERE fleet_id = %(fleet)s AND code > %(after)s ORDER BY code
"""

# One row a group that has trucks, by name: their ids as an array.
GROUPS = """
SELECT g.id, g.name, JSON_ARRAYAGG(m.truck_id) AS trucks FROM truck_group g
JOIN truck_group_truck m ON m.truckgroup_id = g.id
WHERE g.fleet_id = %(fleet)s GROUP BY g.id, g.name ORDER BY g.name, g.id
"""
