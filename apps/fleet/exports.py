"""The lists of a fleet that can be had as files: the rows of the JSON answers, all pages of one revision."""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.http import HttpResponse

from apps.accounts import answers
from apps.accounts.authentication import AuthenticatedRequest, Principal
from apps.accounts.paging import Page
from apps.accounts.parameters import DayPeriod
from apps.accounts.periods import Period
from apps.accounts.problems import Unavailable
from apps.files.answers import FileOptions, Listing, Question, answer
from apps.files.job import FileFormat, Pages
from apps.trucks import freshness
from apps.trucks.freshness import Freshness

AT_ONCE = 1_000  # rows: what an answer may have
_READS = 3

A = TypeVar("A", bound=DayPeriod)
Rows = Sequence[dict[str, Any]]
ReadPage = Callable[[Principal, Period, Freshness, A, Page], Awaitable[tuple[Rows, dict[str, Any]]]]


@dataclass(frozen=True, slots=True)
class FleetList(Generic[A]):
    """A list by what its rows are (`by`), and how a page of it is read: rows, and the answer's `page`."""

    listings: Mapping[str, Listing]
    read: ReadPage[A]

    async def file(
        self,
        request: AuthenticatedRequest,
        asked: A,
        options: FileOptions,
        form: FileFormat,
        filters: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """All rows that are asked for, as a file."""
        now, who = dt.datetime.now(dt.UTC), request.auth
        period, listing = asked.resolve(who.zone, now), self.listings[getattr(asked, "by", "truck")]

        async def state() -> Freshness:
            return await freshness.state_of_fleet(who.fleet_id, now)

        async def source() -> Pages:
            return await self._pages(listing, who, period, asked, state)

        question = Question(listing, who, period, form, options, filters or {})
        return await answer(request, question, source, await state())

    async def _pages(
        self, listing: Listing, who: Principal, period: Period, asked: A, state: Callable[[], Awaitable[Freshness]]
    ) -> Pages:
        """Raises Unavailable if the fleet's figures change again and again."""
        for _ in range(_READS):
            fresh = await state()
            found = await self._all(listing, who, period, asked, fresh)
            if fresh.is_still(await state()):
                return Pages(tuple(found), {"revision": fresh.revision, "known_until": fresh.known_until})
        raise Unavailable("The figures change while they are read; try again.")

    async def _all(self, listing: Listing, who: Principal, period: Period, asked: A, fresh: Freshness) -> list[bytes]:
        columns = listing.shape.columns(who.currency)
        found: list[bytes] = []
        page: Page | None = Page(AT_ONCE, None, "")
        while page is not None:
            rows, echo = await self.read(who, period, fresh, asked, page)
            found.append(answers.dumps([listing.shape.row(row, columns) for row in rows]))
            page = page.following(echo)
        return found
