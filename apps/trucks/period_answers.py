"""Answers about one truck and one period, as JSON or as a file."""

import datetime as dt
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from django.http import HttpResponse

from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.paging import Page
from apps.files.answers import Exportable, file_asked
from apps.mysql import Row, fetch_all
from apps.trucks import exports, freshness, queries
from apps.trucks.comparison import Totals, bounds
from apps.trucks.freshness import Freshness
from apps.trucks.schemas import TruckPeriod

# From what is asked (as the statements take it), the page, and the coverage of the days to the answer's first parts.
Body = Callable[[dict[str, Any], Page, Row], Awaitable[dict[str, Any]]]


async def of_period(
    request: AuthenticatedRequest,
    truck_id: str,
    search: TruckPeriod,
    name: str,
    body: Body,
    totals: Totals | None = None,
) -> HttpResponse:
    """An answer about one truck and one period; with `totals` also these, beside those of the period before."""
    who = request.auth
    period = search.resolve(who.zone, dt.datetime.now(dt.UTC))
    if isinstance(search, Exportable) and (form := file_asked(request, search)):
        return await exports.of_truck(request, exports.LISTS[name], truck_id, search, form, period)
    page = Page.of(search, name, who.fleet_id, truck_id, period)

    async def build(fresh: Freshness) -> dict[str, Any]:
        which = {"fleet": who.fleet_id, "id": fresh.truck_id}
        asked = {**which, **bounds(period), "after": page.after}
        coverage = (await fetch_all(queries.COVERAGE, asked))[0]
        return {
            **await body({**asked, "limit": page.limit + 1}, page, coverage),
            **(await totals.compared(which, period, who.currency) if totals else {}),
            "period": period.echo(),
            "freshness": fresh.body(coverage["coverage_pct"]),
        }

    return await freshness.answer(request, partial(freshness.of_truck, who.fleet_id, truck_id), build, period)
