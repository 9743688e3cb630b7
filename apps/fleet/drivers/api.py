"""The API's endpoint of the list of drivers."""

import datetime as dt
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.authentication import AuthenticatedRequest, Principal
from apps.accounts.paging import Page
from apps.accounts.periods import Period
from apps.files.answers import Listing, file_asked
from apps.files.columns import shape
from apps.fleet import figures, queries
from apps.fleet.drivers import figures as of_rows
from apps.fleet.drivers import queries as statements
from apps.fleet.drivers import rows as told
from apps.fleet.drivers import schemas
from apps.fleet.drivers.rows import NO_SUMS, NOTHING, codes_in, terms_of
from apps.fleet.sums import drivers as driver_sums
from apps.fleet.whose import Whose
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks import freshness
from apps.trucks.api import matching
from apps.trucks.freshness import Freshness
from apps.trucks.paged_exports import PagedList

_ALL = 2**31
router = Router(tags=["Drivers"], by_alias=True)


@router.get("/drivers", response=schemas.DriversAnswer, summary="Drivers and how they drove")
async def drivers(request: AuthenticatedRequest, search: Query[schemas.DriverSearch]) -> HttpResponse:
    """All drivers of the fleet, those gone from Wialon too, with their figures of a period and the one before.

    By code, or by a figure. The period is at most 400 days. A driver without a day in it has figures that are null.
    """
    if form := file_asked(request, search):
        return await DRIVERS.file(request, search, search, form)
    who = request.auth
    period = search.resolve(who.zone, dt.datetime.now(dt.UTC))
    page = Page.of(search, "drivers", who.fleet_id, period)

    async def build(fresh: Freshness) -> dict[str, Any]:
        (rows, page_echo), [found], sums, terms, (totals, before) = await together(
            _listed(who, period, fresh, search, page),
            fetch_all(statements.DRIVERS_FOUND, {"fleet": who.fleet_id, **_searched(search)}),
            Whose(who.fleet_id, None, fresh.revision).sums(period),
            terms_of(who, period),
            _in_all(who.fleet_id, period, search),
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

    return await freshness.answer(request, partial(freshness.state_of_fleet, who.fleet_id), build, period)


async def _listed(
    who: Principal, period: Period, fresh: Freshness, search: schemas.DriverSearch, page: Page
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    if search.sort != "driver_id":
        terms = await terms_of(who, period)
        in_order = partial(of_rows.in_order, sort=search.sort, weights=terms.weights)
        rows, page_echo = await _drivers_in_order(who.fleet_id, period, page, _searched(search), in_order)
    else:
        which = {**_searched(search), "after": page.after or "", "limit": page.limit + 1}
        read = _few_drivers if driver_sums.is_few(page.limit, fresh.trucks) else _drivers
        (rows, page_echo), terms = await together(read(who.fleet_id, period, page, which), terms_of(who, period))
    return [{**told.driver(row, before, terms), **own} for row, before, own in rows], page_echo


DRIVERS = PagedList.of(Listing("Drivers", shape(schemas.Driver, schemas.DriverItem)), _listed)


async def _in_all(fleet_id: int, period: Period, search: schemas.DriverSearch) -> Sequence[Row]:
    """The sums of all that the list has, whatever the page, and those of the period before."""
    picked = None
    if (search.q, search.active) != (None, None):
        rows = await fetch_all(statements.DRIVERS_PICKED, {"fleet": fleet_id, **_searched(search)})
        picked = [row["id"] for row in rows]
    return await together(
        *(
            driver_sums.total(queries.period(fleet_id, each.first, each.last), picked)
            for each in (period, period.previous())
        )
    )


def _searched(search: schemas.DriverSearch) -> dict[str, Any]:
    return {"pattern": None if search.q is None else matching(search.q), "active": search.active}


# A driver with their sums, those of the period before, and what else is told of them.
Listed = tuple[Row, Row, dict[str, Any]]
# Those of a page, and the answer's `page`.
Drivers = tuple[list[Listed], dict[str, Any]]


async def _drivers(fleet_id: int, period: Period, page: Page, which: dict[str, Any]) -> Drivers:
    where = queries.period(fleet_id, period.first, period.last)
    found, sums, before, codes = await together(
        fetch_all(statements.LISTED, {**where, **which}), *_beside(fleet_id, period)
    )
    rows, echo = page.cut(found, "code")
    return [_with_own({**row, **sums.get(row["id"], NOTHING)}, before, codes) for row in rows], echo


async def _drivers_in_order(
    fleet_id: int, period: Period, page: Page, which: dict[str, Any], in_order: Callable[[list[Row]], list[Row]]
) -> Drivers:
    """The same of an order that shows when all are read."""
    where = {**queries.period(fleet_id, period.first, period.last), **which, "after": "", "limit": _ALL}
    found, sums, before, codes = await together(fetch_all(statements.LISTED, where), *_beside(fleet_id, period))
    rows, echo = page.ranked(in_order([{**row, **sums.get(row["id"], NOTHING)} for row in found]))
    return [_with_own(row, before, codes) for row in rows], echo


def _beside(fleet_id: int, period: Period) -> tuple[Coroutine[Any, Any, Any], ...]:
    """The sums of all drivers, those of the period before, and the codes of their trucks."""
    before = period.previous()
    where = queries.period(fleet_id, period.first, period.last)
    where_before = queries.period(fleet_id, before.first, before.last)
    return (
        driver_sums.sums(where),
        driver_sums.sums(where_before, statements.BEFORE),
        driver_sums.codes_of_trucks(where),
    )


def _with_own(row: Row, before: Mapping[int, Row], codes: Mapping[int, list[str]]) -> Listed:
    return row, before.get(row["id"], NO_SUMS), _own(row, codes.get(row["id"], []))


async def _few_drivers(fleet_id: int, period: Period, page: Page, which: dict[str, Any]) -> Drivers:
    """The same of a small part of the drivers, from their rows alone."""
    found = await fetch_all(statements.LISTED_PAGE, {**statements.asked(fleet_id, period), **which})
    rows, echo = page.cut(found, "code")
    return [(told.with_sums(row), told.before_of(row), _own(row, codes_in(row["trucks"]))) for row in rows], echo


def _own(row: Row, trucks: list[str]) -> dict[str, Any]:
    return {"key_card": row["key_card"], "is_active": bool(row["is_active"]), "trucks": trucks}
