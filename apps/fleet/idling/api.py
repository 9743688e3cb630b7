"""The API's endpoint about idling: how long, what it cost, which trucks, and where."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import orjson
from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.amounts import money
from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.changes import changes
from apps.accounts.periods import Period
from apps.files.answers import Listing, OfTruck
from apps.files.columns import shape
from apps.fleet import figures
from apps.fleet.idling import figures as idling_figures
from apps.fleet.idling import queries as idling_queries
from apps.fleet.idling.places import name_of
from apps.fleet.idling.schemas import IdlePlace, IdlingAnswer, IdlingOfTruck, IdlingPeriod, NamedPlace
from apps.fleet.sums import places as place_sums
from apps.fleet.sums import trucks as truck_sums
from apps.fleet.sums.trucks import Trucks
from apps.fleet.utilization.figures import are_ranked, coverage_pct, is_ranked, least_known, not_ranked
from apps.fleet.whose import Whose
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked, PagedList

_ALL = 2**31
router = Router(tags=["Fleet"], by_alias=True)


@router.get("/fleet/idling", response=IdlingAnswer, summary="Idling: what it took, and the worst trucks and places")
async def idling(request: AuthenticatedRequest, asked: Query[IdlingPeriod]) -> HttpResponse:
    """Hours, litres and cost of idling in a period (at most 400 days), productive and not, with the period before.

    The worst trucks and places are those with the most unproductive idling. Trucks of whose time less than half is
    known are left out, by name. Of the fleet, or of the trucks that a group has now. As a file it is one of the lists,
    with all that it has.
    """
    return await LIST.answer(request, asked, _body)


async def _body(asked: Asked[IdlingPeriod], fresh: Freshness) -> dict[str, Any]:
    period, limit = asked.period, asked.parameters.limit
    priced = partial(idling_figures.priced, money=partial(money, currency=asked.who.currency))
    idled = Idled(Whose.of(asked, fresh), period)
    (sums, ranking), before, (places, shown) = await together(
        idled.totals_and_ranking(limit), idled.totals(period.previous()), idled.shown_places(limit)
    )
    current, earlier = idling_figures.totals(sums), idling_figures.totals(before)
    return {
        "data": {
            "trucks": [priced(_of_truck(row)) for row in ranking.worst],
            "places": [priced(place) for place in shown],
        },
        "summary": {
            **priced(current),
            "trucks": ranking.number,
            "places": idling_figures.number_of(places),
            "not_ranked": {**not_ranked(ranking.least_known), "count": ranking.not_ranked},
        },
        "previous": {"period": period.previous().echo(), **priced(earlier)},
        **changes(current, earlier),
        "period": period.echo(),
        "freshness": fresh.body(figures.coverage_pct(sums)),
    }


@dataclass(frozen=True, slots=True)
class Ranking:
    """Some of the trucks that can be ranked, the worst, and of those that cannot, the least known; how many of each."""

    worst: Trucks
    number: int
    least_known: Trucks
    not_ranked: int

    @classmethod
    def of(cls, every: Trucks, limit: int) -> Self:
        """`every`: with the figures that a ranking needs, at least."""
        worst, number = idling_figures.worst_first(every.columns, every.codes, limit)
        unknown, left_out = least_known(every.columns, every.codes)
        return cls(every.at(worst), number, every.at(unknown), left_out)


@dataclass(frozen=True, slots=True)
class Idled:
    """Where, and which trucks of, a fleet or a group idled in a period."""

    whose: Whose
    period: Period

    async def totals_and_ranking(self, limit: int) -> tuple[Row, Ranking]:
        """What it adds up to, a group's by its trucks, and at most `limit` of these with all their figures."""
        if self.whose.group_id is None:
            totals, ranking = await together(self.totals(self.period), self._ranking(limit))
            return totals, ranking
        every = await self.trucks(self.period)
        return every.totals(), Ranking.of(every, limit)

    async def _ranking(self, limit: int) -> Ranking:
        """A fleet's: all figures are read of the trucks that are shown alone."""
        where, names = self.whose.where(self.period), idling_queries.OF_TRUCK
        ranking = Ranking.of(await truck_sums.every_for_rankings(where, facts=self.whose.facts), limit)
        columns = await truck_sums.columns_of(where, names, ranking.worst.ids)
        return replace(ranking, worst=replace(ranking.worst, columns=columns))

    async def totals(self, period: Period) -> Row:
        """Of another period."""
        if self.whose.group_id is None:
            return (await self.whose.sums(period)).totals
        return (await self.trucks(period)).totals()

    async def trucks(self, period: Period) -> Trucks:
        """All trucks with days, by code, with their sums."""
        where, names = self.whose.where(period), idling_queries.OF_TRUCK
        return await truck_sums.every(where, names, facts=self.whose.facts, group_id=self.whose.group_id)

    async def places(self, limit: int) -> list[Row]:
        """At most `limit` places, the worst first; `number` is how many there are."""
        where = self.whose.where(self.period)
        if self.whose.group_id is None:
            return await place_sums.worst_places(where, limit)
        return await place_sums.worst_places_of_group(where, limit)

    async def shown_places(self, limit: int) -> tuple[list[Row], list[dict[str, Any]]]:
        """The same with each as answers have it, amounts as numbers."""
        rows = await self.places(limit)
        return rows, await self.shown(rows)

    async def shown(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        named = await _named(self.whose.fleet_id, rows)
        return [idling_figures.place(row, named) for row in rows]


def _not_ranked(every: Trucks) -> list[int]:
    return [place for place, is_one in enumerate(are_ranked(every.columns)) if not is_one]


async def _page(asked: Asked[IdlingPeriod], fresh: Freshness) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The trucks of the ranking and behind them those that it leaves out, or the places."""
    idled, page = Idled(Whose.of(asked, fresh), asked.period), asked.page
    if asked.parameters.by == "truck":
        every = await idled.trucks(idled.period)
        worst, _ = idling_figures.worst_first(every.columns, every.codes, _ALL)
        trucks, echo = page.ranked(every.at([*worst, *_not_ranked(every)]))
        found = [_of_truck(row) for row in trucks]
    else:
        rows, echo = page.ranked(await idled.places(_ALL))
        found = await idled.shown(rows)
    return [idling_figures.priced(row, partial(money, currency=asked.who.currency)) for row in found], echo


LIST = PagedList(
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
    return idling_figures.spots_of(
        (row["name"], row["lat"], row["lon"], row["polygon"] and orjson.loads(row["polygon"])) for row in found
    )


def _of_truck(row: Row) -> dict[str, Any]:
    return {
        "truck_id": row["truck_id"],
        "name": row["name"],
        "is_ranked": is_ranked(row),
        "coverage_pct": coverage_pct(row),
        **idling_figures.totals(row),
    }
