"""The sums of a truck's period beside those of the period before."""

from dataclasses import dataclass
from typing import Any

from apps.accounts.answers import money
from apps.accounts.changes import change_pct
from apps.accounts.periods import Period
from apps.mysql import Row, fetch_all
from apps.trucks import queries


def bounds(period: Period) -> dict[str, Any]:
    """Both ways to ask for a period: single events by instant, summaries by day."""
    return {"start": period.start, "end": period.end, "from_day": period.first, "to_day": period.last}


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a truck's events, by a statement with one row; `amounts`: those of its columns that are money."""

    statement: str
    amounts: tuple[str, ...] = ()

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
        """All null where the truck has no days in the period."""
        asked = {**which, **bounds(period)}
        coverage = (await fetch_all(queries.COVERAGE, asked))[0]
        row = (await fetch_all(self.statement, asked))[0]
        return row if coverage["coverage_pct"] is not None else dict.fromkeys(row)

    def _shown(self, row: Row, currency: str) -> dict[str, Any]:
        return {**row, **{name: money(row[name], currency) for name in self.amounts}}
