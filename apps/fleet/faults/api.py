"""The API's endpoint about the faults that are active in a fleet now, and how many have opened."""

import datetime as dt
from functools import partial
from typing import Any

from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.authentication import AuthenticatedRequest, Principal
from apps.accounts.changes import change_pct
from apps.accounts.paging import Page
from apps.accounts.periods import Period
from apps.files.answers import Listing, OfTruck, file_asked
from apps.files.columns import shape
from apps.fleet.faults import queries as fault_queries
from apps.fleet.faults import schemas
from apps.fleet.figures import coverage_pct
from apps.fleet.whose import Whose, group_asked, state_of
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks import freshness
from apps.trucks.api import SEVERITIES
from apps.trucks.event_api import in_words
from apps.trucks.freshness import Freshness
from apps.trucks.paged_exports import PagedList

router = Router(tags=["Fleet"], by_alias=True)
_KEY = "event_key"


@router.get("/fleet/faults", response=schemas.OpenFaultsAnswer, summary="Faults that are active now")
async def open_faults(request: AuthenticatedRequest, search: Query[schemas.OpenFaultSearch]) -> HttpResponse:
    """Active faults of the fleet's active trucks as far as each truck is known, severe ones first, then the oldest.

    Of all trucks, or of those that a group has now. `summary` counts them by severity, and how many opened in a period
    (at most 400 days).
    """
    if form := file_asked(request, search):
        return await FILE.file(request, search, search, form)
    who = request.auth
    period = search.resolve(who.zone, dt.datetime.now(dt.UTC))
    page = Page.of(search, "open-faults", who.fleet_id, period)
    group = await group_asked(who.fleet_id, search.group)

    async def build(fresh: Freshness) -> dict[str, Any]:
        whose = Whose(who.fleet_id, group, fresh.revision)
        which = {"fleet": who.fleet_id, "id": group}
        sums, before, counts, (rows, page_echo) = await together(
            whose.sums(period),
            whose.sums(period.previous()),
            fetch_all(fault_queries.COUNTS, which),
            _faults(search, page, which),
        )
        opened, opened_before = _opened(sums.totals), _opened(before.totals)
        return {
            "data": rows,
            "summary": {**_counts(counts[0]), **opened},
            "previous": {"period": period.previous().echo(), **opened_before},
            "change_pct": change_pct(opened, opened_before),
            "page": page_echo,
            "period": period.echo(),
            "freshness": fresh.body(coverage_pct(sums.totals)),
        }

    return await freshness.answer(request, partial(state_of, who.fleet_id, group), build, period, group)


async def _faults(
    search: schemas.OpenFaultSearch, page: Page, which: dict[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    asked = {**which, "after": page.after, "limit": page.limit + 1, **search.filters()}
    rows, page_echo = page.cut(await fetch_all(fault_queries.OPEN_FAULTS[search.sort], asked), _KEY)
    return [in_words({name: row[name] for name in row if name != _KEY}) for row in rows], page_echo


async def _page(
    who: Principal, period: Period, fresh: Freshness, search: schemas.OpenFaultSearch, page: Page
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    return await _faults(search, page, {"fleet": who.fleet_id, "id": await group_asked(who.fleet_id, search.group)})


FILE = PagedList.of(Listing("Active faults", shape(OfTruck, schemas.OpenFaultItem)), _page)


def _opened(totals: Row) -> dict[str, int | None]:
    opened = totals["faults_opened"]
    return {"faults_opened": None if opened is None else int(opened)}


def _counts(row: Row) -> dict[str, int]:
    return {name: int(row[name] or 0) for name in (*SEVERITIES, "trucks", "unacknowledged")}
