"""How fresh and how complete an answer is, and answers that are all of one revision of the summaries."""

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.http import HttpResponse

from apps.accounts import answers
from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.calendar import as_utc
from apps.accounts.problems import NotFound
from apps.merging import Sharing
from apps.mysql import fetch_all
from apps.trucks import queries

_READS = 3


@dataclass(frozen=True, slots=True)
class Freshness:
    """`known_until`: the second up to which all trucks of the answer are known; `lagging`: the first 100 behind."""

    revision: int
    known_until: int | None
    lagging: tuple[str, ...]
    lagging_count: int
    trucks: int = 1
    truck_id: int = 0

    def body(self, coverage_pct: Any = None) -> dict[str, Any]:
        return {
            "as_of": None if self.known_until is None else as_utc(self.known_until),
            "coverage_pct": None if coverage_pct is None else round(float(coverage_pct), 2),
            "lagging": self.lagging,
            "lagging_count": self.lagging_count,
            "revision": self.revision,
        }


async def of_fleet(fleet_id: int, now: dt.datetime) -> Freshness:
    """Of the fleet's active trucks."""
    parameters = {"fleet": fleet_id, "now": int(now.timestamp())}
    row = (await fetch_all(queries.FLEET_FRESHNESS, parameters))[0]
    count = row["lagging"] or 0
    lagging = await fetch_all(queries.LAGGING_TRUCKS, parameters) if count else []
    codes = tuple(each["truck_id"] for each in lagging)
    return Freshness(row["revision"], row["known_until"], codes, count, row["trucks"])


async def of_truck(fleet_id: int, truck: str, now: dt.datetime) -> Freshness:
    """Of one truck by its code. Raises NotFound."""
    rows = await fetch_all(queries.TRUCK_FRESHNESS, {"fleet": fleet_id, "truck": truck, "now": int(now.timestamp())})
    if not rows:
        raise no_such_truck()
    return of_row(rows[0])


def of_row(row: dict[str, Any]) -> Freshness:
    """From the row of one truck."""
    lagging = (row["truck_id"],) if row["lagging"] else ()
    return Freshness(row["revision"], row["known_until"], lagging, len(lagging), truck_id=row.get("id", 0))


def no_such_truck() -> NotFound:
    return NotFound("This fleet has no such truck.")


Build = Callable[[Freshness], Awaitable[dict[str, Any]]]
_builds = Sharing()


async def answer(
    request: AuthenticatedRequest,
    read: Callable[[], Awaitable[Freshness]],
    build: Build,
    *version: object,
) -> HttpResponse:
    """The built body, or 304 where the client has it already.

    A body takes several statements. If the summaries change between them it is built again, so that an answer is of one
    revision; only summaries that change during three builds in a row are answered as they come. `version`: what else,
    besides the question and the freshness, the body depends on.
    """
    answers.require_json(request)
    for _ in range(_READS):
        freshness = await read()
        tag = answers.etag(request, freshness, *version)
        if answers.is_known(request, tag):
            return answers.not_modified(tag)
        make = partial(_built, request.auth.fleet_id, freshness, build)
        content, is_of_one_revision = await _builds.once(tag, make)  # the same tag is the same answer
        if is_of_one_revision:
            break
    return answers.json_response(content, tag)


async def _built(fleet_id: int, freshness: Freshness, build: Build) -> tuple[bytes, bool]:
    """The body, and whether the summaries are still those that the freshness is of."""
    body = await build(freshness)
    revision = (await fetch_all(queries.REVISION, {"fleet": fleet_id}))[0]["revision"]
    return answers.dumps(body), revision == freshness.revision
