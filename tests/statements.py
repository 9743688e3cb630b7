"""What the pool is asked."""

from collections.abc import Sequence

import pytest

from apps import resultset
from apps.wire import Wire


def sent_statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that every statement which is sent from now on is appended to."""
    sent: list[str] = []
    each_of = resultset.each_of

    async def noted(wire: Wire, statements: Sequence[str], names: Sequence[str]) -> list[list[resultset.Row]]:
        sent.extend(statements)
        return await each_of(wire, statements, names)

    monkeypatch.setattr(resultset, "each_of", noted)
    return sent
