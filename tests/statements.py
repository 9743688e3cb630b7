"""What the pool is asked."""

from collections.abc import Sequence

import pytest

from apps import prepared, resultset
from apps.wire import Wire


def sent_statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that every statement which is sent from now on is appended to, whole, as if the server kept none ready."""
    sent: list[str] = []
    each_of = resultset.each_of

    async def noted(wire: Wire, statements: Sequence[str], names: Sequence[str]) -> list[list[resultset.Row]]:
        sent.extend(statements)
        return await each_of(wire, statements, names)

    async def whole(wire: Wire, read: prepared.Repeated) -> list[resultset.Row]:
        return await resultset.rows_of(wire, prepared.whole(wire, read.sql, read.values), read.sql)

    monkeypatch.setattr(resultset, "each_of", noted)
    monkeypatch.setattr(prepared, "rows_of", whole)
    monkeypatch.setattr(prepared, "_number", lambda wire, sql: (None, False))
    return sent
