"""Statements that a connection's server keeps ready: parsed once, which is half the work of a small read.

By SQL's own PREPARE and EXECUTE with values, which MariaDB has; MySQL takes variables alone there, so it is sent the
whole statement. Where a server does not keep them, since it keeps too many or something between knows nothing of them,
the connection goes on without.
"""

from functools import lru_cache
from typing import Any

from pymysql.err import Error

from apps import resultset
from apps.wire import Wire

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


async def rows_of(wire: Wire, sql: str, bound: dict[str, Any]) -> list[resultset.Row]:
    """The rows of a statement with parameters, which are not to be changed. Raises as `resultset.each_of`."""
    escaped = {name: wire.connection.escape(value) for name, value in bound.items()}
    number = wire.prepared.get(sql)
    if number is None and (len(wire.prepared) >= _MOST or not wire.keeps_statements):
        return await resultset.rows_of(wire, sql % escaped, sql)
    marked, names = _marked(sql)
    values = ", ".join([escaped[name] for name in names])
    try:
        if number is not None:
            return await resultset.rows_again(wire, f"EXECUTE s{number} USING {values}", sql)
        number = len(wire.prepared)
        prepare = f"PREPARE s{number} FROM {wire.connection.escape(marked)}"
        execute = f"EXECUTE s{number} USING {values}"
        rows = (await resultset.each_of(wire, [prepare, execute], ["PREPARE", sql]))[1]
    except Error as error:
        if error.args[0] not in _NOT_KEPT:
            raise
        wire.prepared.clear()
        wire.keeps_statements = False
        return await resultset.rows_of(wire, sql % escaped, sql)
    wire.prepared[sql] = number
    return rows
