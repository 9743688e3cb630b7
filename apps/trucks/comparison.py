"""The sums of a truck's period beside those of the period before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.accounts.amounts import money
from apps.accounts.changes import change_pct
from apps.accounts.periods import Period
from apps.mysql import Row, fetch_all
from apps.trucks import queries


def bounds(period: Period) -> dict[str, Any]:
    """Both ways to ask for a period: single events by instant, summaries by day."""
    return {"start": period.start, "end": period.end, "from_day": period.first, "to_day": period.last}


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a truck's events, by a statement with one row.

    `measured`: for each of its columns the one of `queries.COVERAGE` that counts the days on which it is measured.
    `amounts`: those of its columns that are money.
    """

    statement: str
    measured: Mapping[str, str]
    amounts: tuple[str, ...] = ()

    async def of(self, asked: dict[str, Any], days: Row) -> Row:
        """Null what was measured on no day that the period touches: that nothing was found then means nothing.

        `days`: the row of `queries.COVERAGE`. What was found has been measured, be it on the day after.
        """
        row = (await fetch_all(self.statement, asked))[0]
        return {name: value if value or days[self.measured[name]] else None for name, value in row.items()}

    async def compared(self, which: dict[str, Any], period: Period, currency: str) -> dict[str, Any]:
        """`summary`, the same of the period before as `previous`, and `change_pct`. `which`: fleet and truck."""
        before = period.previous()
        now, then = await self._of(which, period), await self._of(which, before)
        return {
            "summary": self._shown(now, currency),
            "previous": {"period": before.echo(), **self._shown(then, currency)},
            "change_pct": change_pct(now, then),
        }

    async def _of(self, which: dict[str, Any], period: Period) -> Row:
        asked = {**which, **bounds(period)}
        return await self.of(asked, (await fetch_all(queries.COVERAGE, asked))[0])

    def _shown(self, row: Row, currency: str) -> dict[str, Any]:
        return {**row, **{name: money(row[name], currency) for name in self.amounts}}
