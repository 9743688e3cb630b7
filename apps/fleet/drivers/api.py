"""The API's endpoint of the list of drivers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.authentication import AuthenticatedRequest
from apps.files.answers import Listing
from apps.files.columns import shape
from apps.fleet import figures, queries
from apps.fleet.drivers import figures as driver_figures
from apps.fleet.drivers import queries as driver_queries
from apps.fleet.drivers import rows as told
from apps.fleet.drivers import schemas
from apps.fleet.drivers.rows import terms_of
from apps.fleet.drivers.safety import Weights
from apps.fleet.rows import Rows
from apps.fleet.sums import drivers as driver_sums
from apps.fleet.sums import summed
from apps.fleet.sums.drivers import Drivers
from apps.fleet.utilization.figures import are_ranked, in_order
from apps.fleet.whose import Whose
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks.api import matching
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked, PagedList

router = Router(tags=["Drivers"], by_alias=True)


@router.get("/drivers", response=schemas.DriversAnswer, summary="Drivers and how they drove")
async def drivers(request: AuthenticatedRequest, search: Query[schemas.DriverSearch]) -> HttpResponse:
    """All drivers of the fleet, those gone from Wialon too, with their figures of a period and the one before.

    By code, or by a figure. The period is at most 400 days. A driver without a day in it has figures that are null.
    """
    return await LIST.answer(request, search, _body)


async def _body(asked: Asked[schemas.DriverSearch], fresh: Freshness) -> dict[str, Any]:
    period = asked.period
    (rows, page_echo), found, sums, terms, (totals, before) = await together(
        _listed(asked, fresh),
        _found(asked, fresh.facts),
        Whose.of(asked, fresh).sums(period),
        terms_of(asked.who, period, fresh),
        _in_all(asked, fresh.facts),
    )
    return {
        "data": rows,
        "summary": {"drivers": len(found), "active": sum(found.more["is_active"]), **told.totals(totals, terms)},
        **told.totals_compared(totals, before, period, terms),
        "page": page_echo,
        "period": period.echo(),
        "freshness": fresh.body(figures.coverage_pct(sums.totals)),
    }


async def _listed(asked: Asked[schemas.DriverSearch], fresh: Freshness) -> tuple[Rows, dict[str, Any]]:
    search, page, is_by_code = asked.parameters, asked.page, asked.parameters.sort == "driver_id"
    listed = await _picked(asked, fresh.facts, (page.after or "") if is_by_code else "")
    if is_by_code:
        codes, page_echo = page.cut_by(listed.codes[: page.limit + 1], listed.codes)
        listed = listed.part(0, len(codes))
    (sums, before, codes_of), terms = await together(
        driver_sums.of_drivers(*_both(asked), fresh.facts, listed.ids), terms_of(asked.who, asked.period, fresh)
    )
    found = Drivers.with_or_without(listed, sums)
    if not is_by_code:  # an order shows when all are read
        places, page_echo = page.ranked(_in_order(found, search.sort, terms.weights))
        listed, found = listed.at(places), found.at(places)
    own = {**listed.more, "is_active": list(map(bool, listed.more["is_active"])), "trucks": codes_of(listed.ids)}
    return told.listed("driver_id", found, before.of(found.ids), terms, **own), page_echo


LIST = PagedList.of(Listing("Drivers", shape(schemas.Driver, schemas.DriverItem)), _listed)


def _in_order(every: Drivers, sort: str, weights: Weights) -> list[int]:
    """The places of all by a figure; those that no ranking has last."""
    values = driver_figures.ranked_by(every.columns, sort.removeprefix("-"), weights)
    return in_order(np.where(are_ranked(every.columns), values, np.nan), every.codes, sort)


async def _in_all(asked: Asked[schemas.DriverSearch], facts: int) -> Sequence[Row]:
    """The sums of all that the list has, whatever the page, and those of the period before."""
    picked = None
    if (asked.parameters.q, asked.parameters.active) != (None, None):
        picked = (await _picked(asked, facts)).ids.tolist()
    return await together(*(driver_sums.total(where, picked) for where in _both(asked)))


async def _picked(asked: Asked[schemas.DriverSearch], facts: int, after: str = "") -> summed.Listing:
    """The drivers that the list has, by code: those whose codes follow `after`."""
    found, active = await _found(asked, facts, after), asked.parameters.active
    return found if active is None else found.those(np.array(found.more["is_active"], np.bool_) == active)


async def _found(asked: Asked[schemas.DriverSearch], facts: int, after: str = "") -> summed.Listing:
    """The same of those that `q` finds, active or not."""
    known, q = await driver_sums.known(asked.fleet_id, facts, after), asked.parameters.q
    if q is None:
        return known
    rows = await fetch_all(driver_queries.MATCHING, {"fleet": asked.fleet_id, "pattern": matching(q)})
    return known.those(np.isin(known.ids, [row["id"] for row in rows]))


def _both(asked: Asked[schemas.DriverSearch]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the statements take of the period, and of the one before."""
    periods = asked.period, asked.period.previous()
    now, before = (queries.period(asked.fleet_id, each.first, each.last) for each in periods)
    return now, before
