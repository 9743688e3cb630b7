"""The lists of a fleet by truck that can be had as files: the rows of the JSON answers, all pages of one revision."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from apps.accounts import answers
from apps.accounts.authentication import Principal
from apps.accounts.paging import Page
from apps.accounts.periods import Period
from apps.accounts.problems import Unavailable
from apps.files.answers import Listing, OfTruck
from apps.files.columns import Told, shape
from apps.files.job import Pages
from apps.fleet.cost_api import Analysis
from apps.fleet.cost_schemas import CostOfTruck
from apps.fleet.driver_api import Driven, terms_of
from apps.fleet.driver_schemas import BehaviorOfTruck, BehaviorPeriod
from apps.fleet.models import CostLine, CostSource
from apps.fleet.utilization_api import Used
from apps.fleet.utilization_schemas import UtilizationOfTruck, UtilizationPeriod
from apps.fleet.whose import Whose
from apps.trucks.freshness import Freshness

AT_ONCE = 1_000
_READS = 3
_PER_LINE = Told("line", tuple(CostLine.values))
_PER_SOURCE = Told("source", tuple(CostSource.values))

COSTS = Listing("Costs", shape(OfTruck, CostOfTruck, lines=_PER_LINE, sources=_PER_SOURCE))
UTILIZATION = Listing("Utilization", shape(OfTruck, UtilizationOfTruck))
BEHAVIOR = Listing("Driving", shape(OfTruck, BehaviorOfTruck))

Rows = Sequence[dict[str, Any]]
Read = Callable[[Principal, Period, Freshness, Page], Awaitable[tuple[Rows, dict[str, Any]]]]


async def costs(who: Principal, period: Period, fresh: Freshness, page: Page) -> tuple[Rows, dict[str, Any]]:
    analysis = Analysis(Whose(who.fleet_id, None, fresh.revision), period, who.currency)
    data, echo = await analysis.by("truck", page, fresh.trucks)
    return data["by_truck"], echo


async def utilization(who: Principal, period: Period, fresh: Freshness, page: Page) -> tuple[Rows, dict[str, Any]]:
    used = Used(who.fleet_id, period, fresh)
    by_code = UtilizationPeriod.model_validate({})
    rows, echo, _ = await used.rows(by_code, page, await used.totals(period), await used.targets())
    return rows, echo


async def behavior(who: Principal, period: Period, fresh: Freshness, page: Page) -> tuple[Rows, dict[str, Any]]:
    driven = Driven(Whose(who.fleet_id, None, fresh.revision), period, fresh, await terms_of(who, period))
    return await driven.rows(BehaviorPeriod.model_validate({}), page)


# List → its columns, and how a page of it is read.
LISTS: dict[str, tuple[Listing, Read]] = {
    "cost-analysis": (COSTS, costs),
    "utilization": (UTILIZATION, utilization),
    "driver-behavior": (BEHAVIOR, behavior),
}


async def pages(name: str, who: Principal, period: Period, state: Callable[[], Awaitable[Freshness]]) -> Pages:
    """All pages, with the state of the fleet that they are of. Raises Unavailable if it changes again and again."""
    listing, read = LISTS[name]
    columns = listing.shape.columns(who.currency)
    for _ in range(_READS):
        fresh = await state()
        found = await _all(read, who, period, fresh, lambda row: listing.shape.row(row, columns))
        if fresh.is_still(await state()):
            known = {"revision": fresh.revision, "known_until": fresh.known_until}
            return Pages(tuple(found), known)
    raise Unavailable("The figures change while they are read; try again.")


async def _all(
    read: Read, who: Principal, period: Period, fresh: Freshness, row: Callable[[dict[str, Any]], list[str | None]]
) -> list[bytes]:
    found: list[bytes] = []
    after = None
    while True:
        rows, echo = await read(who, period, fresh, Page(AT_ONCE, after, ""))
        found.append(answers.dumps([row(each) for each in rows]))
        if not echo["has_more"]:
            return found
        after = rows[-1]["truck_id"]
