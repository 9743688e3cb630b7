"""What the pool is asked."""

from typing import Any

import pytest

from apps import resultset


def sent_statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that every statement which is sent from now on is appended to."""
    sent: list[str] = []
    rows_of = resultset.rows_of

    async def noted(connection: Any, sql: str) -> list[resultset.Row]:
        sent.append(sql)
        return await rows_of(connection, sql)

    monkeypatch.setattr(resultset, "rows_of", noted)
    return sent
