"""The API's endpoint of whole lists as files, over all trucks of a fleet."""

import datetime as dt
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field, WithJsonSchema

from apps.accounts import answers
from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.parameters import DayPeriod
from apps.accounts.problems import FieldError, InvalidParameters, NotFound
from apps.files import answers as files
from apps.files.answers import TYPES, FileOptions, Listing, Question, negotiated
from apps.files.job import Pages, Statement
from apps.fleet import exports
from apps.trucks import exports as of_trucks
from apps.trucks import freshness
from apps.trucks.exports import TruckList

router = Router(tags=["Exports"], by_alias=True)

ROWS: dict[str, TruckList] = {
    "days": of_trucks.DAYS,
    "trips": of_trucks.TRIPS,
    "stops": of_trucks.STOPS,
    "idle-events": of_trucks.IDLE_EVENTS,
    "speeding-events": of_trucks.SPEEDING_EVENTS,
    "harsh-events": of_trucks.HARSH_EVENTS,
    "fuel-events": of_trucks.FUEL_EVENTS,
}
NAMES = (*ROWS, *exports.LISTS)
_NAME_SCHEMA = {"type": "string", "enum": list(NAMES), "description": "Which list.", "examples": ["days"]}
ListName = Annotated[str, WithJsonSchema(_NAME_SCHEMA)]
_FILE = {
    "description": "The file.",
    "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in TYPES.values()},
}

_ERRORS = {
    "404": "There is no such list, or the fleet has no such truck.",
    "406": "The client takes neither CSV nor XLSX.",
    "422": "A parameter is unknown, not valid, or asks for more rows than the form takes.",
    "503": "As many files as may be are being written, or the database did not answer; `Retry-After` says when to ask.",
}


class ExportSearch(DayPeriod, FileOptions):
    """A list of a period as a file."""

    format: Literal["csv", "xlsx"] | None = Field(None, description="The form of the file; without it by `Accept`.")
    truck_id: str | None = Field(
        None, min_length=1, max_length=32, description="Only this truck; of lists with one row a truck it is refused."
    )


@router.get(
    "/exports/{list_name}",
    summary="A whole list as a file: CSV or XLSX",
    openapi_extra={"responses": {200: _FILE}, "x-errors": _ERRORS},
)
async def export(request: AuthenticatedRequest, list_name: ListName, asked: Query[ExportSearch]) -> HttpResponse:
    """All rows of a period (at most 400 days), over all trucks: CSV as it is read, up to 10,000,000 rows; XLSX up to
    250,000, after it is put together.

    Its columns are the fields of the JSON answers, with units in their names; instants are UTC in CSV and wall time of
    the fleet in XLSX. Events are those of the days on which they began.
    """
    now, who = dt.datetime.now(dt.UTC), request.auth
    if list_name not in NAMES:
        raise NotFound(f"There are {', '.join(NAMES)}.")
    form, period = negotiated(request, asked.format), asked.resolve(who.zone, now)
    if asked.truck_id is not None and list_name not in ROWS:
        detail = "is not for this list: it has one row a truck"
        raise InvalidParameters(f"truck_id: {detail}.", [FieldError("/query/truck_id", detail)])

    async def state() -> freshness.Freshness:
        return await freshness.state_of_fleet(who.fleet_id, now)

    async def source() -> Statement | Pages:
        if list_name in ROWS:
            return await of_trucks.read(ROWS[list_name], who.fleet_id, who.zone, period, asked.truck_id)
        return await exports.pages(list_name, who, period, state)

    question = Question(_listing(list_name), who, period, form, asked, _filters(asked))
    tag = answers.etag(request, await state(), period, form, question.units)
    return await files.answer(request, question, source, tag)


def _listing(name: str) -> Listing:
    return ROWS[name].listing if name in ROWS else exports.LISTS[name][0]


def _filters(asked: ExportSearch) -> dict[str, Any]:
    return {} if asked.truck_id is None else {"Truck": asked.truck_id}
