"""The API's endpoints about how trucks and drivers were driven."""

import datetime as dt
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import orjson
from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.authentication import AuthenticatedRequest, Principal
from apps.accounts.changes import changes
from apps.accounts.paging import Page
from apps.accounts.periods import Period
from apps.accounts.problems import NotFound
from apps.files.answers import Listing, OfTruck, file_asked
from apps.files.columns import shape
from apps.fleet import figures, queries
from apps.fleet.costs.api import Spent, told
from apps.fleet.drivers import cost_queries as driver_cost_queries
from apps.fleet.drivers import figures as of_rows
from apps.fleet.drivers import queries as statements
from apps.fleet.drivers import schemas
from apps.fleet.drivers.safety import Weights
from apps.fleet.figures import Costs
from apps.fleet.ledger.spreading import missing
from apps.fleet.spans import buckets
from apps.fleet.sums import drivers as driver_sums
from apps.fleet.sums import trucks as truck_sums
from apps.fleet.utilization.figures import is_ranked, not_ranked, ranking
from apps.fleet.whose import Whose, group_asked, state_of
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks import freshness
from apps.trucks.api import matching
from apps.trucks.detection.driver_parts import NOBODY
from apps.trucks.freshness import Freshness
from apps.trucks.paged_exports import PagedList
from apps.trucks.schemas import DriverCode

_ALL = 2**31
router = Router(by_alias=True)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


# --- the fleet ------------------------------------------------------------------------------------------------------


@router.get(
    "/fleet/driver-behavior",
    response=schemas.BehaviorAnswer,
    summary="Speeding, idling, night driving and the safety score",
    tags=["Fleet"],
)
async def driver_behavior(request: AuthenticatedRequest, asked: Query[schemas.BehaviorPeriod]) -> HttpResponse:
    """How trucks were driven in a period (at most 400 days): of the fleet, and by truck or by driver.

    Of all trucks, or of those that a group has now. With the period before. Drivers and the time of which nobody is
    known add up to the trucks.
    """
    if form := file_asked(request, asked):
        return await FILE.file(request, asked, asked, form)
    now, who = _now(), request.auth
    period = asked.resolve(who.zone, now)
    page = Page.of(asked, "behavior", who.fleet_id, period)
    group = await group_asked(who.fleet_id, asked.group)

    async def build(fresh: Freshness) -> dict[str, Any]:
        whose = Whose(who.fleet_id, group, fresh.revision)
        terms, sums, sums_before = await together(
            terms_of(who, period), whose.sums(period), whose.sums(period.previous())
        )
        totals, driven = sums.totals, Driven(whose, period, fresh, terms)
        (rows, page_echo), left_out = await together(driven.rows(asked, page), driven.not_ranked(asked))
        return {
            "data": rows,
            "summary": {
                **_shown(totals, terms),
                "safety_weights": asdict(terms.weights),
                "not_ranked": left_out,
            },
            **_compared(totals, sums_before.totals, period, terms),
            "page": page_echo,
            "period": period.echo(),
            "freshness": fresh.body(figures.coverage_pct(totals)),
        }

    return await freshness.answer(request, lambda: state_of(who.fleet_id, group, now), build, period)


async def _page(
    who: Principal, period: Period, fresh: Freshness, asked: schemas.BehaviorPeriod, page: Page
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    whose = Whose(who.fleet_id, await group_asked(who.fleet_id, asked.group), fresh.revision)
    return await Driven(whose, period, fresh, await terms_of(who, period)).rows(asked, page)


FILE = PagedList(
    {
        "truck": Listing("Driving", shape(OfTruck, schemas.BehaviorOfTruck)),
        "driver": Listing("Driving by driver", shape(schemas.BehaviorOfDriver)),
    },
    _page,
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What rows are told in and judged by: the fleet's money, and its weights on the period's last day."""

    currency: str
    weights: Weights


async def terms_of(who: Principal, period: Period) -> Terms:
    return Terms(who.currency, await Whose(who.fleet_id, None, 0).safety_weights(period))


def _shown(row: Row, terms: Terms) -> dict[str, Any]:
    return {**of_rows.driving(row, terms.weights), **of_rows.fuel_money(row, terms.currency)}


def _compared(totals: Row, before: Row, period: Period, terms: Terms, **more: Any) -> dict[str, Any]:
    """The answer's `previous`, with `more` of it, `change_pct` and `change_points`."""
    current, earlier = (_plain(row, terms) for row in (totals, before))
    return {
        "previous": {"period": period.previous().echo(), **more, **_shown(before, terms)},
        **changes(current, earlier),
    }


def _plain(row: Row, terms: Terms) -> dict[str, Any]:
    """The same with money as numbers."""
    amounts = of_rows.fuel_money(row, terms.currency)
    return {
        **of_rows.driving(row, terms.weights),
        **{name: None if amount is None else Decimal(amount["amount"]) for name, amount in amounts.items()},
    }


@dataclass(frozen=True, slots=True)
class Driven:
    """How the trucks of a fleet, or of a group, were driven in a period, as of a revision."""

    whose: Whose
    period: Period
    fresh: Freshness
    terms: Terms

    @property
    def scope(self) -> str:
        return "fleet" if self.whose.group_id is None else "group"

    async def rows(self, asked: schemas.BehaviorPeriod, page: Page) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The rows of `data`, and the answer's `page`."""
        return await (self._trucks(asked, page) if asked.by == "truck" else self._drivers(asked, page))

    async def _trucks(self, asked: schemas.BehaviorPeriod, page: Page) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        where, names, group_id = self.whose.where(self.period), statements.TRUCK_SUMS, self.whose.group_id
        if asked.sort == "id":
            found = await truck_sums.page(where, names, page.after or "", page.limit + 1, group_id)
            rows, echo = page.cut(found.rows(), "truck_id")
        else:
            by_figure = partial(of_rows.ranked_by, weights=self.terms.weights)
            every = (await truck_sums.every(where, names, group_id)).rows()
            rows, echo = page.ranked(ranking(every, asked.sort, by_figure))
        ids = [row["id"] for row in rows]
        before = await truck_sums.sums_around(self.whose.where(self.period.previous()), statements.BEFORE, ids)
        return [
            {"truck_id": row["truck_id"], **_behavior(row, before.get(row["id"], _NO_SUMS), self.terms)} for row in rows
        ], echo  # fmt: skip

    async def _drivers(self, asked: schemas.BehaviorPeriod, page: Page) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        if asked.sort == "id" and driver_sums.is_few(page.limit, self.fresh.trucks):
            where = {**statements.asked(self.whose.fleet_id, self.period), "id": self.whose.group_id}
            where |= {"after": page.after or "", "limit": page.limit + 1}
            rows, echo = page.cut(await fetch_all(statements.PAGE_OF[self.scope], where), "code")
            return [_driver(_with_sums(row), _before(row), self.terms) for row in rows], echo
        trucks = await truck_sums.members(self.whose.group_id)
        if asked.sort == "id":
            found = await driver_sums.every(self.whose.where(self.period), trucks=trucks, after=page.after or "")
            rows, echo = page.cut(found[: page.limit + 1], "code")
        else:
            by_figure = partial(of_rows.ranked_by, weights=self.terms.weights)
            known = await self._known_drivers(driver_sums.NAMES)
            rows, echo = page.ranked(ranking(known, asked.sort, by_figure, "code"))
        before = await driver_sums.sums(self.whose.where(self.period.previous()), statements.BEFORE, trucks)
        return [_driver(row, before.get(row["id"], _NO_SUMS), self.terms) for row in rows], echo

    async def _known_drivers(self, names: tuple[str, ...]) -> list[Row]:
        trucks = await truck_sums.members(self.whose.group_id)
        every = await driver_sums.every(self.whose.where(self.period), names, trucks)
        return [row for row in every if row["id"] != NOBODY]

    async def not_ranked(self, asked: schemas.BehaviorPeriod) -> dict[str, Any] | None:
        if asked.sort == "id":
            return None
        names, key = ("length_s", "no_data_s"), "truck_id" if asked.by == "truck" else "code"
        if asked.by == "truck":
            every = (await truck_sums.every(self.whose.where(self.period), names, self.whose.group_id)).rows()
        else:
            every = await self._known_drivers(names)
        found = not_ranked(every, key)
        rows = [{"id": row[key], "name": row["name"], "coverage_pct": row["coverage_pct"]} for row in found["trucks"]]
        return {"count": found["count"], "rows": rows}


_NO_SUMS: Row = dict.fromkeys(statements.BEFORE)


def _with_sums(row: Row) -> Row:
    """A row of a page of drivers with its sums by name."""
    return {**row, **dict(zip(statements.DRIVERS.names, orjson.loads(row["figures"]), strict=True))}


def _before(row: Row) -> Row:
    return dict(zip(statements.BEFORE, orjson.loads(row["earlier"]), strict=True))


def _driver(row: Row, before: Row, terms: Terms) -> dict[str, Any]:
    """A driver with its sums; nobody known has no code, and is not ranked."""
    found = _behavior({**row, "truck_days": row["days"] or 0}, before, terms)
    return {"driver_id": row["code"], **found, "is_ranked": found["is_ranked"] and row["code"] is not None}


def _behavior(sums: Row, before: Row, terms: Terms) -> dict[str, Any]:
    """What a truck or a driver did, from sums with a name."""
    return {
        "name": sums["name"],
        "truck_days": sums["truck_days"],
        **_shown(sums, terms),
        "max_speed_kmh": sums["max_speed_kmh"],
        "is_ranked": is_ranked(sums),
        **of_rows.against(sums, before, terms.weights),
    }


# --- drivers --------------------------------------------------------------------------------------------------------


@router.get("/drivers", response=schemas.DriversAnswer, summary="Drivers and how they drove", tags=["Drivers"])
async def drivers(request: AuthenticatedRequest, search: Query[schemas.DriverSearch]) -> HttpResponse:
    """All drivers of the fleet, those gone from Wialon too, with their figures of a period and the one before.

    By code, or by a figure. The period is at most 400 days. A driver without a day in it has figures that are null.
    """
    if form := file_asked(request, search):
        return await DRIVERS.file(request, search, search, form)
    now, who = _now(), request.auth
    period = search.resolve(who.zone, now)
    page = Page.of(search, "drivers", who.fleet_id, period)

    async def build(fresh: Freshness) -> dict[str, Any]:
        (rows, page_echo), [found], sums = await together(
            _listed(who, period, fresh, search, page),
            fetch_all(statements.DRIVERS_FOUND, {"fleet": who.fleet_id, **_searched(search)}),
            Whose(who.fleet_id, None, fresh.revision).sums(period),
        )
        return {
            "data": rows,
            "summary": {name: int(number) for name, number in found.items()},
            "page": page_echo,
            "period": period.echo(),
            "freshness": fresh.body(figures.coverage_pct(sums.totals)),
        }

    return await freshness.answer(request, lambda: freshness.state_of_fleet(who.fleet_id, now), build, period)


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
    return [{**_driver(row, before, terms), **own} for row, before, own in rows], page_echo


DRIVERS = PagedList.of(Listing("Drivers", shape(schemas.Driver, schemas.DriverItem)), _listed)


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
    return row, before.get(row["id"], _NO_SUMS), _own(row, codes.get(row["id"], []))


async def _few_drivers(fleet_id: int, period: Period, page: Page, which: dict[str, Any]) -> Drivers:
    """The same of a small part of the drivers, from their rows alone."""
    found = await fetch_all(statements.LISTED_PAGE, {**statements.asked(fleet_id, period), **which})
    rows, echo = page.cut(found, "code")
    return [(_with_sums(row), _before(row), _own(row, _codes(row["trucks"]))) for row in rows], echo


def _own(row: Row, trucks: list[str]) -> dict[str, Any]:
    return {"key_card": row["key_card"], "is_active": bool(row["is_active"]), "trucks": trucks}


def _codes(array: str | None) -> list[str]:
    return sorted(orjson.loads(array)) if array else []


@router.get("/drivers/{driver_id}/days", response=schemas.DriverDaysAnswer, summary="A driver's days", tags=["Drivers"])
async def driver_days(
    request: AuthenticatedRequest, driver_id: DriverCode, search: Query[schemas.DriverDays]
) -> HttpResponse:
    """What a driver did on each day of a period (at most 400 days), over all trucks; in all, with the period before."""
    if form := file_asked(request, search):
        listed = PagedList.of(_DAYS, partial(_days, await _driver_of(request, driver_id)))
        return await listed.file(request, search, search, form, Driver=driver_id)
    period = search.resolve(request.auth.zone, _now())
    page = Page.of(search, "driver-days", request.auth.fleet_id, driver_id, period)

    async def body(driver: Row, asked: dict[str, Any], terms: Terms) -> dict[str, Any]:
        rows, page_echo = await _page_of_days(search, page, asked, terms)
        totals, before = await _sums(driver, period), await _sums(driver, period.previous())
        return {
            "data": rows,
            "summary": _totals(totals, terms),
            **_compared(totals, before, period, terms, truck_days=before["days"] or 0),
            "page": page_echo,
        }

    return await _of_driver(request, driver_id, period, body)


async def _days(
    driver: Row, who: Principal, period: Period, fresh: Freshness, search: schemas.DriverDays, page: Page
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    return await _page_of_days(search, page, _of_id(driver, period), await terms_of(who, period))


_DAYS = Listing("Days of a driver", shape(schemas.DriverDay))


async def _page_of_days(
    search: schemas.DriverDays, page: Page, asked: dict[str, Any], terms: Terms
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    statement = statements.DAYS_OF_DRIVER[search.is_descending]
    found = await fetch_all(statement, {**asked, "after": page.after, "limit": page.limit + 1})
    rows, page_echo = page.cut(found, "day")
    return [_driver_day(row, terms) for row in rows], page_echo


def _driver_day(row: Row, terms: Terms) -> dict[str, Any]:
    return {
        "day": row["day"],
        "trucks": _codes(row["trucks"]),
        "length_s": row["length_s"],
        **_shown(row, terms),
        "max_speed_kmh": row["max_speed_kmh"],
    }


def _totals(row: Row, terms: Terms) -> dict[str, Any]:
    return {"truck_days": row["days"] or 0, **_shown(row, terms)}


@router.get(
    "/drivers/{driver_id}/scorecard", response=schemas.ScorecardAnswer, summary="A driver's scorecard", tags=["Drivers"]
)
async def scorecard(
    request: AuthenticatedRequest, driver_id: DriverCode, asked: Query[schemas.DriverPeriod]
) -> HttpResponse:
    """A driver's safety score with what it is made of, in all, by truck and by week, beside the period before.

    The period is at most 400 days.
    """
    period = asked.resolve(request.auth.zone, _now())

    async def body(driver: Row, asked: dict[str, Any], terms: Terms) -> dict[str, Any]:
        totals, before = await _sums(driver, period), await _sums(driver, period.previous())
        borne, borne_before = await _borne(driver, period, totals), await _borne(driver, period.previous(), before)
        driven, of_costs = _compared(totals, before, period, terms), changes(borne.figures, borne_before.figures)
        return {
            "data": {
                **{name: driver[name] for name in ("driver_id", "name", "key_card")},
                "is_active": bool(driver["is_active"]),
                "score": of_rows.score(totals, terms.weights),
                "driving": _totals(totals, terms),
                "costs": _told(borne, terms),
                "is_ranked": is_ranked(totals),
                "trucks": [
                    {"truck_id": row["truck_id"], "name": row["name"], **_totals(row, terms)}
                    for row in await fetch_all(statements.TRUCKS_OF_DRIVER, asked)
                ],
                "weeks": _weeks(await fetch_all(statements.WEEKS_OF_DRIVER, asked), period, terms),
            },
            "previous": {
                "period": period.previous().echo(),
                "score": of_rows.score(before, terms.weights),
                "driving": _totals(before, terms),
                "costs": _told(borne_before, terms),
            },
            "safety_score_change": of_rows.against(totals, before, terms.weights)["safety_score_change"],
            **{name: {**driven[name], "costs": of_costs[name]} for name in of_costs},
        }

    return await _of_driver(request, driver_id, period, body, missing)


def _weeks(rows: list[Row], period: Period, terms: Terms) -> list[dict[str, Any]]:
    """Every week that the period touches; null figures where the driver had no truck."""
    found = {row["monday"]: row for row in rows}
    return [
        {
            "from": max(first, period.first).isoformat(),
            "to": min(last, period.last).isoformat(),
            **of_rows.driving(found.get(first, NOTHING), terms.weights),
        }
        for first, last in buckets("week", period.first, period.last)
    ]


NOTHING: Row = dict.fromkeys(statements.DRIVERS.names)


async def _sums(driver: Row, period: Period) -> Row:
    rows = await fetch_all(statements.OF_DRIVER, _of_id(driver, period))
    return rows[0] if rows else NOTHING


async def _borne(driver: Row, period: Period, sums: Row) -> Spent:
    """What the driver bears of the costs of their trucks."""
    costs = Costs.of(await fetch_all(driver_cost_queries.COSTS_OF_DRIVER, _of_id(driver, period)))
    return Spent({**sums, "truck_days": sums["days"]}, costs)


def _told(borne: Spent, terms: Terms) -> dict[str, Any]:
    return told(borne.totals, borne.costs, terms.currency)


# From the driver and what statements about their period take to the answer's first parts.
Body = Callable[[Row, dict[str, Any], Terms], Awaitable[dict[str, Any]]]
# From the fleet and the period to what its freshness says besides.
Beside = Callable[[int, Period], Awaitable[dict[str, Any]]]


async def _nothing(fleet_id: int, period: Period) -> dict[str, Any]:
    return {}


async def _of_driver(
    request: AuthenticatedRequest, code: str, period: Period, body: Body, beside: Beside = _nothing
) -> HttpResponse:
    """An answer about one driver and one period. Raises NotFound."""
    who, now = request.auth, _now()
    driver = await _driver_of(request, code)

    async def build(fresh: Freshness) -> dict[str, Any]:
        totals = await _sums(driver, period)
        return {
            **await body(driver, _of_id(driver, period), await terms_of(who, period)),
            "period": period.echo(),
            "freshness": fresh.body(figures.coverage_pct(totals)) | await beside(who.fleet_id, period),
        }

    read = partial(freshness.state_of_fleet, who.fleet_id, now)
    return await freshness.answer(request, read, build, period, sorted(driver.items()))


async def _driver_of(request: AuthenticatedRequest, code: str) -> Row:
    """Who has this code. Raises NotFound."""
    fleet_id = request.auth.fleet_id
    rows = await fetch_all(statements.DRIVER, {"fleet": fleet_id, "driver": code})
    if not rows:
        raise NotFound("This fleet has no such driver.")
    return {**rows[0], "fleet_id": fleet_id}


def _of_id(driver: Row, period: Period) -> dict[str, Any]:
    """What statements about a driver take of a period."""
    return {**queries.period(driver["fleet_id"], period.first, period.last), "id": driver["id"]}
