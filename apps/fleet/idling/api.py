"""The API's endpoint about idling: how long, what it cost, which trucks, and where."""

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import orjson
from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.amounts import money
from apps.accounts.authentication import AuthenticatedRequest, Principal
from apps.accounts.paging import Page
from apps.accounts.periods import Period
from apps.files.answers import Listing, OfTruck, file_asked
from apps.files.columns import shape
from apps.fleet import figures, queries
from apps.fleet.idling import figures as of_rows
from apps.fleet.idling import queries as idling_queries
from apps.fleet.idling.places import name_of
from apps.fleet.idling.schemas import IdlePlace, IdlingAnswer, IdlingOfTruck, IdlingPeriod, NamedPlace
from apps.fleet.sums import places as place_sums
from apps.fleet.sums import trucks as truck_sums
from apps.fleet.utilization.figures import coverage_pct, is_ranked, not_ranked
from apps.fleet.whose import Whose
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks import freshness
from apps.trucks.freshness import Freshness
from apps.trucks.paged_exports import PagedList

_ALL = 2**31
router = Router(tags=["Fleet"], by_alias=True)


@router.get("/fleet/idling", response=IdlingAnswer, summary="Idling: what it took, and the worst trucks and places")
async def idling(request: AuthenticatedRequest, asked: Query[IdlingPeriod]) -> HttpResponse:
    """Hours, litres and cost of idling in a period (at most 400 days), productive and not, with the period before.

    The worst trucks and places are those with the most unproductive idling. Trucks of whose time less than half is
    known are left out, by name. As a file it is one of the lists, with all that it has.
    """
    if form := file_asked(request, asked):
        return await FILE.file(request, asked, asked, form)
    now, who = dt.datetime.now(dt.UTC), request.auth
    period = asked.resolve(who.zone, now)
    priced = partial(of_rows.priced, money=partial(money, currency=who.currency))

    async def build(fresh: Freshness) -> dict[str, Any]:
        whose, where = (
            Whose(who.fleet_id, None, fresh.revision),
            queries.period(who.fleet_id, period.first, period.last),
        )
        sums, before, every, places = await together(
            whose.sums(period),
            whose.sums(period.previous()),
            truck_sums.every(where, idling_queries.OF_TRUCK),
            place_sums.worst_places(where, asked.limit),
        )
        current, earlier = of_rows.totals(sums.totals), of_rows.totals(before.totals)
        trucks = _ranked(every)
        named = await _named(who.fleet_id, places)
        return {
            "data": {
                "trucks": [priced(_of_truck(row)) for row in trucks[: asked.limit]],
                "places": [priced(of_rows.place(row, named)) for row in places],
            },
            "summary": {
                **priced(current),
                "trucks": len(trucks),
                "places": of_rows.number_of(places),
                "not_ranked": not_ranked(every),
            },
            "previous": {"period": period.previous().echo(), **priced(earlier)},
            "change_pct": figures.change_pct(current, earlier),
            "period": period.echo(),
            "freshness": fresh.body(figures.coverage_pct(sums.totals)),
        }

    return await freshness.answer(request, lambda: freshness.state_of_fleet(who.fleet_id, now), build, period)


def _ranked(every: Iterable[Row]) -> list[Row]:
    return of_rows.worst_first(row for row in every if is_ranked(row))


async def _page(
    who: Principal, period: Period, fresh: Freshness, asked: IdlingPeriod, page: Page
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The trucks, or the places, of the ranking."""
    where = queries.period(who.fleet_id, period.first, period.last)
    if asked.by == "truck":
        rows, echo = page.ranked(_ranked(await truck_sums.every(where, idling_queries.OF_TRUCK)))
        found = [_of_truck(row) for row in rows]
    else:
        rows, echo = page.ranked(await place_sums.worst_places(where, _ALL))
        named = await _named(who.fleet_id, rows)
        found = [of_rows.place(row, named) for row in rows]
    return [of_rows.priced(row, partial(money, currency=who.currency)) for row in found], echo


FILE = PagedList(
    {
        "truck": Listing("Idling", shape(OfTruck, IdlingOfTruck)),
        "place": Listing("Idling by place", shape(NamedPlace, IdlePlace)),
    },
    _page,
)


async def _named(fleet_id: int, places: Sequence[Row]) -> dict[str, tuple[float, float]]:
    """Where the productive places are, if any of these rows is about one."""
    if all(name_of(row["spot"]) is None for row in places):
        return {}
    found = await fetch_all(idling_queries.NAMED_PLACES, {"fleet": fleet_id})
    return of_rows.spots_of(
        (row["name"], row["lat"], row["lon"], row["polygon"] and orjson.loads(row["polygon"])) for row in found
    )


def _of_truck(row: Row) -> dict[str, Any]:
    return {
        "truck_id": row["truck_id"],
        "name": row["name"],
        "coverage_pct": coverage_pct(row),
        **of_rows.totals(row),
    }
