"""Lists that can be had as files by the rows of their JSON answers: all pages, of one revision."""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.http import HttpResponse

from apps.accounts import answers
from apps.accounts.authentication import AuthenticatedRequest, Principal
from apps.accounts.paging import Page
from apps.accounts.parameters import Parameters
from apps.accounts.problems import Unavailable
from apps.files.answers import FileOptions, Listing, Question, answer, narrowed
from apps.files.job import FileFormat, Pages
from apps.trucks import freshness
from apps.trucks.freshness import Freshness

AT_ONCE = 1_000  # rows: what an answer may have
_READS = 3

A = TypeVar("A", bound=Parameters)
Rows = Sequence[Mapping[str, Any]]
# From who asks, the period (None where the parameters give none), the fleet's state and the parameters to a page.
ReadPage = Callable[[Principal, Any, Freshness, A, Page], Awaitable[tuple[Rows, Mapping[str, Any]]]]


@dataclass(frozen=True, slots=True)
class PagedList(Generic[A]):
    """A list by what its rows are (`by`; a list without it has one entry), and how a page of it is read: rows, and the
    answer's `page`.

    `by_rows`: what it shows changes without the fleet's revision, so that its tag is that of its rows. `of_trucks`: a
    parameter `group` leaves some trucks, and the file is known as far as these are.
    """

    listings: Mapping[str | None, Listing]
    read: ReadPage[A]
    by_rows: bool = False
    of_trucks: bool = True

    @classmethod
    def of(
        cls, listing: Listing, read: ReadPage[A], *, by_rows: bool = False, of_trucks: bool = True
    ) -> "PagedList[A]":
        return cls({None: listing}, read, by_rows, of_trucks)

    async def file(
        self,
        request: AuthenticatedRequest,
        asked: A,
        options: FileOptions,
        form: FileFormat,
        **filters: str,
    ) -> HttpResponse:
        """All rows that are asked for, as a file. `filters`: what narrows it besides the parameters."""
        now, who = dt.datetime.now(dt.UTC), request.auth
        listing = self.listings[getattr(asked, "by", None)]
        period = asked.span(who.zone, now)
        question = Question(listing, who, period or now, form, options, {**filters, **narrowed(asked)})
        group = await self._group(who.fleet_id, asked)
        reading = _Reading(self, listing, who, period, asked, now, group)
        if self.by_rows:
            pages = await reading.once()
            return await answer(request, question, lambda: _ready(pages), b"".join(pages.pages))
        return await answer(request, question, reading.at_one_revision, await reading.state())

    async def _group(self, fleet_id: int, asked: A) -> int | None:
        """The id of the group whose trucks alone the file is about. Raises InvalidParameters."""
        name = getattr(asked, "group", None) if self.of_trucks else None
        return None if name is None else await freshness.group_id(fleet_id, name)


async def _ready(pages: Pages) -> Pages:
    return pages


@dataclass(frozen=True, slots=True)
class _Reading(Generic[A]):
    """A list that is read for one file."""

    of: PagedList[A]
    listing: Listing
    who: Principal
    period: Any
    asked: A
    now: dt.datetime
    group: int | None

    async def state(self) -> Freshness:
        if self.group is None:
            return await freshness.state_of_fleet(self.who.fleet_id, self.now)
        return await freshness.of_group(self.who.fleet_id, self.group, self.now)

    async def once(self) -> Pages:
        return await self._pages(await self.state())

    async def at_one_revision(self) -> Pages:
        """Raises Unavailable if the fleet's figures change again and again."""
        for _ in range(_READS):
            fresh = await self.state()
            pages = await self._pages(fresh)
            if fresh.is_still(await self.state()):
                return pages
        raise Unavailable("The figures change while they are read; try again.")

    async def _pages(self, fresh: Freshness) -> Pages:
        columns = self.listing.shape.columns(self.who.currency)
        found: list[bytes] = []
        page: Page | None = Page(AT_ONCE, None, "")
        while page is not None:
            rows, echo = await self.of.read(self.who, self.period, fresh, self.asked, page)
            found.append(answers.dumps([self.listing.shape.row(row, columns) for row in rows]))
            page = page.following(echo)
        return Pages(tuple(found), {"revision": fresh.revision, "known_until": fresh.known_until})
