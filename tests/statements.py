"""What the pool is asked."""

from collections.abc import Sequence
from typing import Any

import pytest

from apps import resultset


def sent_statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that every statement which is sent from now on is appended to."""
    sent: list[str] = []
    each_of = resultset.each_of

    async def noted(connection: Any, statements: Sequence[str]) -> list[list[resultset.Row]]:
        sent.extend(statements)
        return await each_of(connection, statements)

    monkeypatch.setattr(resultset, "each_of", noted)
    return sent
