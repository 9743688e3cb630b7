"""Statements that a connection's server keeps ready: parsed once, which is half the work of a small read.

By SQL's own PREPARE and EXECUTE with values, which MariaDB has; MySQL takes variables alone there, so it is sent the
whole statement. Where a server does not keep them, since it keeps too many or something between knows nothing of them,
the connection goes on without.

What is asked again and again is kept for as long as the connection is open (`Repeated`); of all other statements those
that were asked for last, from the second time on. Not those with subqueries, but for single values: executing such a
statement once more has had faults of its own in servers.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pymysql.err import Error

from apps import resultset
from apps.wire import Kept, Wire

_MOST = 64  # of a connection, of each kind
_MOST_ONCE = 256  # statements of which a connection knows that they were asked for
_SINGLE_VALUE = re.compile(r"COALESCE\(\(SELECT (?:[^()]|%\(\w+\)s)*\), 0\)")
_NOT_PLAIN = re.compile(r"\(\s*SELECT\b|\bUNION\b")
_PREPARED = "PREPARE"  # what is answered with no rows
# Unknown to the server, of a kind that is not kept, too many, outdated while its tables are being changed.
_NOT_KEPT = frozenset({1243, 1295, 1461, 1615})


class _Marks(dict[str, str]):
    """Gives a mark for each name, and notes the names."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __missing__(self, name: str) -> str:
        self.names.append(name)
        return "?"


@lru_cache(maxsize=1_000)
def _marked(sql: str) -> tuple[str, tuple[str, ...]]:
    """The statement with marks for its values, and their names in the order of the marks."""
    marks = _Marks()
    return sql % marks, tuple(marks.names)


def names_of(sql: str) -> tuple[str, ...]:
    """The parameters that a statement takes, as often as it takes them."""
    return _marked(sql)[1]


# --- several in one round trip --------------------------------------------------------------------------------------


async def rows_of_each(
    wire: Wire, statements: Sequence[tuple[str, Mapping[str, Any] | None]]
) -> list[list[resultset.Row]]:
    """The rows of each of some statements with their values, as `pool.bound` gives them. Raises as
    `resultset.each_of`."""
    if wire.keeps_statements:
        sent = [each for sql, values in statements for each in _sent(wire, sql, values)]
        try:
            results = await resultset.each_of(wire, [text for text, _ in sent], [name for _, name in sent])
            return [rows for (_, name), rows in zip(sent, results, strict=True) if name is not _PREPARED]
        except Error as error:
            if error.args[0] not in _NOT_KEPT:
                raise
            wire.forget_prepared()
    texts = [whole(wire, *each) for each in statements]
    return await resultset.each_of(wire, texts, [sql for sql, _ in statements])


def _sent(wire: Wire, sql: str, values: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """What is sent for a statement, each with its name: that it shall be kept, if it is worth it by now, and itself."""
    if values is None:
        return [(sql, sql)]
    number, is_new = _number(wire, sql)
    if number is None:
        return [(whole(wire, sql, values), sql)]
    execute = f"EXECUTE r{number} USING {_values(wire, sql, values)}", sql
    if not is_new:
        return [execute]
    return [(f"PREPARE r{number} FROM {wire.connection.escape(_marked(sql)[0])}", _PREPARED), execute]


def _number(wire: Wire, sql: str) -> tuple[int | None, bool]:
    """Under which number the server keeps a statement, and whether it is yet to; none where it is asked for the first
    time, as most texts that name days are. The one that was asked for longest ago makes room."""
    recent = wire.recent
    if (number := recent.get(sql)) is not None:
        recent.move_to_end(sql)
        return number, False
    if not _is_plain(sql):
        return None, False
    if sql not in wire.asked_once:
        if len(wire.asked_once) >= _MOST_ONCE:
            wire.asked_once.clear()
        wire.asked_once.add(sql)
        return None, False
    recent[sql] = number = len(recent) if len(recent) < _MOST else recent.popitem(last=False)[1]
    return number, True


@lru_cache(maxsize=1_000)
def _is_plain(sql: str) -> bool:
    """Whether there is no subquery in it, nor a union, but for values such as a revision."""
    return not _NOT_PLAIN.search(_SINGLE_VALUE.sub("", sql))


def whole(wire: Wire, sql: str, values: Mapping[str, Any] | None) -> str:
    """The statement with its values in place."""
    return sql if values is None else sql % {name: _literal(wire, value) for name, value in values.items()}


def _values(wire: Wire, sql: str, values: Mapping[str, Any]) -> str:
    """In the order of the statement's marks."""
    return ", ".join([_literal(wire, values[name]) for name in _marked(sql)[1]])


def _literal(wire: Wire, value: Any) -> str:
    """A value in SQL; most are keys and days, for which the connection takes five times as long."""
    kind = type(value)
    if kind is int:
        return str(value)
    if kind is dt.date:
        return f"'{value}'"
    text: str = wire.connection.escape(value)
    return text


# --- one that is asked again and again ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Repeated:
    """A statement with its values, to be kept by who asks it again and again: connections know it as this object."""

    sql: str
    values: Mapping[str, Any]  # as `pool.bound` gives them


async def rows_of(wire: Wire, read: Repeated) -> list[resultset.Row]:
    """The rows of a statement, which are not to be changed. Raises as `resultset.each_of`."""
    kept = wire.kept.get(read)
    try:
        if kept is not None:
            return await resultset.rows_again(wire, kept, read.sql)
        if read.sql in wire.prepared:
            return await resultset.rows_again(wire, _noted(wire, read), read.sql)
        if wire.keeps_statements and len(wire.prepared) < _MOST:
            return await _prepared(wire, read)
    except Error as error:
        if error.args[0] not in _NOT_KEPT:
            raise
        wire.forget_prepared()
    return await resultset.rows_of(wire, whole(wire, read.sql, read.values), read.sql)


async def _prepared(wire: Wire, read: Repeated) -> list[resultset.Row]:
    """The same of a statement that this server does not keep yet: that it shall, and the first answer."""
    number = len(wire.prepared)
    prepare = f"PREPARE s{number} FROM {wire.connection.escape(_marked(read.sql)[0])}"
    rows = (await resultset.each_of(wire, [prepare, _execute(wire, read, number)], [_PREPARED, read.sql]))[1]
    wire.prepared[read.sql] = number
    return rows


def _noted(wire: Wire, read: Repeated) -> Kept:
    """How it is asked from now on."""
    kept = wire.kept[read] = Kept(*wire.ready(_execute(wire, read, wire.prepared[read.sql])))
    return kept


def _execute(wire: Wire, read: Repeated, number: int) -> str:
    return f"EXECUTE s{number} USING {_values(wire, read.sql, read.values)}"
