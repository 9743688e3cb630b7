"""Lists in pages, as JSON or as files: what is asked of one, and its answer in the form that is asked for.

A file has the rows of the JSON answers: all pages, of one revision.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

from django.http import HttpResponse

from apps.accounts import answers
from apps.accounts.authentication import AuthenticatedRequest, Principal
from apps.accounts.paging import Page
from apps.accounts.parameters import Paging, Parameters
from apps.accounts.problems import Unavailable
from apps.files.answers import FileOptions, Listing, Question, answer, file_asked, narrowed
from apps.files.job import FileFormat, Pages
from apps.trucks import freshness
from apps.trucks.freshness import Freshness

AT_ONCE = 1_000  # rows: what an answer may have
_READS = 3

A = TypeVar("A", bound=Parameters)
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked(Generic[A]):
    """What is asked of a list, by whom, and what the parameters come to.

    `period`: None where they give none. `group_id`: of the group whose trucks alone it is about, which has its name at
    the revision `named_at` of the fleet's facts; `truck`: the code of the only one. `page`: of what has no pages all.
    """

    who: Principal
    parameters: A
    period: Any
    group_id: int | None
    truck: str | None
    page: Page
    named_at: int | None = None

    @property
    def fleet_id(self) -> int:
        return self.who.fleet_id

    @property
    def state(self) -> freshness.Read:
        """From the time to how fresh that is which it is about. Raises NotFound.

        It is remembered with the answer's tag, so it holds no more than it needs.
        """
        if self.truck is not None:
            return partial(freshness.of_truck, self.fleet_id, self.truck)
        if self.group_id is not None:
            return partial(freshness.state_of_group, self.fleet_id, self.group_id)
        return partial(freshness.state_of_fleet, self.fleet_id)


# From what is asked and its state to a page: rows, and the answer's `page`; or to the whole answer.
ReadPage = Callable[[Asked[A], Freshness], Awaitable[tuple[Rows, Mapping[str, Any]]]]
Body = Callable[[Asked[A], Freshness], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class PagedList(Generic[A]):
    """A list by what its rows are (`by`; a list without it has one entry), and how a page of it is read.

    `by_rows`: what it shows changes without the fleet's revision, so that its tag is that of its rows. `of_trucks`: a
    parameter `group` or `truck_id` leaves some trucks, and the answer is known as far as these are. `of_now`: its rows
    are of no period, though the parameters may give one for what is told beside them.
    """

    listings: Mapping[str | None, Listing]
    read: ReadPage[A]
    by_rows: bool = False
    of_trucks: bool = True
    of_now: bool = False

    @classmethod
    def of(cls, listing: Listing, read: ReadPage[A], **kind: bool) -> "PagedList[A]":
        return cls({None: listing}, read, **kind)

    async def answer(self, request: AuthenticatedRequest, parameters: Any, body: Body[A]) -> HttpResponse:
        """The list in the form that is asked for: a file of it all, or the body as JSON. Raises InvalidParameters."""
        if form := file_asked(request, parameters):
            return await self.file(request, parameters, parameters, form)
        asked = await self.asked(request.auth, parameters, dt.datetime.now(dt.UTC))
        build = partial(body, asked)
        if self.by_rows:
            return await freshness.answer_by_content(request, asked.state, build)
        return await freshness.answer(request, asked.state, build, asked.period, named_at=asked.named_at)

    async def asked(self, who: Principal, parameters: A, now: dt.datetime) -> Asked[A]:
        """What the parameters come to. Raises InvalidParameters."""
        period = parameters.span(who.zone, now)
        page = _ALL
        if isinstance(parameters, Paging):
            page = Page.of(parameters, self._listing(parameters).title, who.fleet_id, period)
        group, truck = (self._given(parameters, name) for name in ("group", "truck_id"))
        group_id, named_at = (None, None) if group is None else await freshness.group_named(who.fleet_id, group)
        return Asked(who, parameters, period, group_id, truck, page, named_at)

    def _given(self, parameters: A, name: str) -> str | None:
        return getattr(parameters, name, None) if self.of_trucks else None

    def _listing(self, parameters: A) -> Listing:
        return self.listings[getattr(parameters, "by", None)]

    async def file(
        self,
        request: AuthenticatedRequest,
        parameters: A,
        options: FileOptions,
        form: FileFormat,
        **filters: str,
    ) -> HttpResponse:
        """All rows that are asked for, as a file. `filters`: what narrows it besides the parameters."""
        now, who = dt.datetime.now(dt.UTC), request.auth
        listing = self._listing(parameters)
        asked = await self.asked(who, parameters, now)
        when = now if self.of_now else asked.period or now
        question = Question(listing, who, when, form, options, {**filters, **narrowed(parameters)})
        reading = _Reading(self.read, listing, asked, now, question.units)
        if self.by_rows:
            pages = await reading.once()
            return await answer(request, question, lambda: _ready(pages), b"".join(pages.pages))
        return await answer(request, question, reading.at_one_revision, await reading.state())


_ALL = Page(AT_ONCE, None, "")


async def _ready(pages: Pages) -> Pages:
    return pages


@dataclass(frozen=True, slots=True)
class _Reading(Generic[A]):
    """A list that is read for one file."""

    read: ReadPage[A]
    listing: Listing
    asked: Asked[A]
    now: dt.datetime
    units: str

    async def state(self) -> Freshness:
        return await self.asked.state(self.now)

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
        columns = self.listing.columns(self.asked.who.currency, self.units)
        found: list[bytes] = []
        page: Page | None = Page(AT_ONCE, None, "")
        while page is not None:
            rows, echo = await self.read(replace(self.asked, page=page), fresh)
            found.append(answers.dumps([self.listing.shape.row(row, columns) for row in rows]))
            page = page.following(echo)
        return Pages(tuple(found), {"revision": fresh.revision, "known_until": fresh.known_until})
