"""Statements that a connection's server keeps ready: parsed once, which is half the work of a small read.

By SQL's own PREPARE and EXECUTE with values, which MariaDB has; MySQL takes variables alone there, so it is sent the
whole statement. Where a server does not keep them, since it keeps too many or something between knows nothing of them,
the connection goes on without.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pymysql.err import Error

from apps import resultset
from apps.wire import Kept, Wire

_MOST = 64  # of a connection
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
    return await resultset.rows_of(wire, read.sql % _escaped(wire, read), read.sql)


async def _prepared(wire: Wire, read: Repeated) -> list[resultset.Row]:
    """The same of a statement that this server does not keep yet: that it shall, and the first answer."""
    number = len(wire.prepared)
    prepare = f"PREPARE s{number} FROM {wire.connection.escape(_marked(read.sql)[0])}"
    rows = (await resultset.each_of(wire, [prepare, _execute(wire, read, number)], ["PREPARE", read.sql]))[1]
    wire.prepared[read.sql] = number
    return rows


def _noted(wire: Wire, read: Repeated) -> Kept:
    """How it is asked from now on."""
    kept = wire.kept[read] = Kept(*wire.ready(_execute(wire, read, wire.prepared[read.sql])))
    return kept


def _execute(wire: Wire, read: Repeated, number: int) -> str:
    escaped = _escaped(wire, read)
    return f"EXECUTE s{number} USING {', '.join([escaped[name] for name in _marked(read.sql)[1]])}"


def _escaped(wire: Wire, read: Repeated) -> dict[str, str]:
    return {name: wire.connection.escape(value) for name, value in read.values.items()}
