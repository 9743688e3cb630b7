"""The API's endpoint about the faults that are active in a fleet now, and how many have opened."""

from typing import Any

from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.changes import change_pct
from apps.files.answers import Listing, OfTruck
from apps.files.columns import shape
from apps.fleet.faults import queries as fault_queries
from apps.fleet.faults import schemas
from apps.fleet.figures import coverage_pct
from apps.fleet.whose import Whose
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks.event_api import in_words
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked, PagedList
from apps.trucks.schemas import SEVERITIES

router = Router(tags=["Fleet"], by_alias=True)
_KEY = "event_key"


@router.get("/fleet/faults", response=schemas.OpenFaultsAnswer, summary="Faults that are active now")
async def open_faults(request: AuthenticatedRequest, search: Query[schemas.OpenFaultSearch]) -> HttpResponse:
    """Active faults of the fleet's active trucks as far as each truck is known, severe ones first, then the oldest.

    Of all trucks, or of those that a group has now. `summary` counts them by severity, and how many opened in a period
    (at most 400 days).
    """
    return await LIST.answer(request, search, _body)


async def _body(asked: Asked[schemas.OpenFaultSearch], fresh: Freshness) -> dict[str, Any]:
    whose, period = Whose.of(asked, fresh), asked.period
    sums, before, counts, (rows, page_echo) = await together(
        whose.sums(period),
        whose.sums(period.previous()),
        fetch_all(fault_queries.COUNTS, {"fleet": asked.fleet_id, "id": asked.group_id}),
        _page(asked, fresh),
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


async def _page(asked: Asked[schemas.OpenFaultSearch], _: Freshness) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    search, page = asked.parameters, asked.page
    where = {"fleet": asked.fleet_id, "id": asked.group_id, "after": page.after, "limit": page.limit + 1}
    found = await fetch_all(fault_queries.OPEN_FAULTS[search.sort], {**where, **search.filters()})
    rows, page_echo = page.cut(found, _KEY)
    return [in_words({name: row[name] for name in row if name != _KEY}) for row in rows], page_echo


# What is active now; the period is that of the faults that opened, which are counted beside it.
LIST = PagedList.of(Listing("Active faults", shape(OfTruck, schemas.OpenFaultItem)), _page, of_now=True)


def _opened(totals: Row) -> dict[str, int | None]:
    opened = totals["faults_opened"]
    return {"faults_opened": None if opened is None else int(opened)}


def _counts(row: Row) -> dict[str, int]:
    return {name: int(row[name] or 0) for name in (*SEVERITIES, "trucks", "unacknowledged")}
