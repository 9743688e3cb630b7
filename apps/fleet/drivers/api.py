"""The API's endpoint of the list of drivers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.paging import Page
from apps.accounts.periods import Period
from apps.files.answers import Listing
from apps.files.columns import shape
from apps.fleet import figures, queries
from apps.fleet.drivers import figures as driver_figures
from apps.fleet.drivers import queries as driver_queries
from apps.fleet.drivers import rows as told
from apps.fleet.drivers import schemas
from apps.fleet.drivers.columns import Columns
from apps.fleet.drivers.rows import terms_of
from apps.fleet.drivers.safety import Weights
from apps.fleet.rows import Rows, Table
from apps.fleet.sums import drivers as driver_sums
from apps.fleet.sums.drivers import CodesOf, Drivers
from apps.fleet.sums.summed import ById
from apps.fleet.utilization.figures import are_ranked, in_order
from apps.fleet.whose import Whose
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks.api import matching
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked, PagedList

_ALL = 2**31
router = Router(tags=["Drivers"], by_alias=True)


@router.get("/drivers", response=schemas.DriversAnswer, summary="Drivers and how they drove")
async def drivers(request: AuthenticatedRequest, search: Query[schemas.DriverSearch]) -> HttpResponse:
    """All drivers of the fleet, those gone from Wialon too, with their figures of a period and the one before.

    By code, or by a figure. The period is at most 400 days. A driver without a day in it has figures that are null.
    """
    return await LIST.answer(request, search, _body)


async def _body(asked: Asked[schemas.DriverSearch], fresh: Freshness) -> dict[str, Any]:
    search, period = asked.parameters, asked.period
    (rows, page_echo), [found], sums, terms, (totals, before) = await together(
        _listed(asked, fresh),
        fetch_all(driver_queries.DRIVERS_FOUND, {"fleet": asked.fleet_id, **_searched(search)}),
        Whose.of(asked, fresh).sums(period),
        terms_of(asked.who, period),
        _in_all(asked.fleet_id, period, search),
    )
    return {
        "data": rows,
        "summary": {
            **{name: int(number) for name, number in found.items()},
            **told.totals(totals, terms),
        },
        **told.totals_compared(totals, before, period, terms),
        "page": page_echo,
        "period": period.echo(),
        "freshness": fresh.body(figures.coverage_pct(sums.totals)),
    }


async def _listed(asked: Asked[schemas.DriverSearch], fresh: Freshness) -> tuple[Rows, dict[str, Any]]:
    who, search, period, page = asked.who, asked.parameters, asked.period, asked.page
    if search.sort == "driver_id":
        which = {**_searched(search), "after": page.after or "", "limit": page.limit + 1}
        read = _drivers(who.fleet_id, period, page, which, fresh.facts)
        (drivers, page_echo), terms = await together(read, terms_of(who, period))
    else:
        terms = await terms_of(who, period)
        drivers, page_echo = await _drivers_in_order(who.fleet_id, period, page, search, terms.weights, fresh.facts)
    found, before, own = drivers
    return told.listed("driver_id", found, before, terms, **own), page_echo


LIST = PagedList.of(Listing("Drivers", shape(schemas.Driver, schemas.DriverItem)), _listed)


async def _in_all(fleet_id: int, period: Period, search: schemas.DriverSearch) -> Sequence[Row]:
    """The sums of all that the list has, whatever the page, and those of the period before."""
    picked = None
    if (search.q, search.active) != (None, None):
        rows = await fetch_all(driver_queries.DRIVERS_PICKED, {"fleet": fleet_id, **_searched(search)})
        picked = [row["id"] for row in rows]
    return await together(*(driver_sums.total(where, picked) for where in _both(fleet_id, period)))


def _searched(search: schemas.DriverSearch) -> dict[str, Any]:
    return {"pattern": None if search.q is None else matching(search.q), "active": search.active}


# Drivers with their sums, those of the period before, and what else is told of them, by column.
Told = tuple[Drivers, Columns, Table]


async def _drivers(
    fleet_id: int, period: Period, page: Page, which: dict[str, Any], facts: int
) -> tuple[Told, dict[str, Any]]:
    rows, echo = page.cut(await fetch_all(driver_queries.LISTED, {"fleet": fleet_id, **which}), "code")
    ids = np.array([row["id"] for row in rows], np.int64)
    beside = _Beside(*await driver_sums.of_drivers(*_both(fleet_id, period), facts, ids))
    return beside.of(rows), echo


async def _drivers_in_order(
    fleet_id: int, period: Period, page: Page, search: schemas.DriverSearch, weights: Weights, facts: int
) -> tuple[Told, dict[str, Any]]:
    """The same of an order that shows when all are read: by a figure, those that no ranking has last."""
    which = {**_searched(search), "after": "", "limit": _ALL}
    rows, beside = await _all_drivers(fleet_id, period, which, facts)
    every = Drivers.named(rows, beside.sums)
    values = driver_figures.ranked_by(every.columns, search.sort.removeprefix("-"), weights)
    order = in_order(np.where(are_ranked(every.columns), values, np.nan), every.codes, search.sort)
    places, echo = page.ranked(order)
    return beside.of([rows[place] for place in places]), echo


@dataclass(frozen=True, slots=True)
class _Beside:
    """Of drivers their sums, those of the period before, and the codes of their trucks."""

    sums: ById
    earlier: ById
    codes_of: CodesOf

    def of(self, rows: Sequence[Row]) -> Told:
        found = Drivers.named(rows, self.sums)
        return found, self.earlier.of(found.ids), _own(rows, [self.codes_of(row["id"]) for row in rows])


async def _all_drivers(fleet_id: int, period: Period, which: dict[str, Any], facts: int) -> tuple[list[Row], _Beside]:
    """The rows of those that are asked for, and what is told of drivers."""
    where, where_before = _both(fleet_id, period)
    rows, *beside = await together(
        fetch_all(driver_queries.LISTED, {**where, **which}),
        driver_sums.by_id(where),
        driver_sums.by_id(where_before, driver_queries.BEFORE),
        driver_sums.codes_of_trucks(where, facts),
    )
    return rows, _Beside(*beside)


def _both(fleet_id: int, period: Period) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the statements take of the period, and of the one before."""
    now, before = (queries.period(fleet_id, each.first, each.last) for each in (period, period.previous()))
    return now, before


def _own(rows: Sequence[Row], trucks: list[list[str]]) -> Table:
    return {
        "key_card": [row["key_card"] for row in rows],
        "is_active": [bool(row["is_active"]) for row in rows],
        "trucks": trucks,
    }
