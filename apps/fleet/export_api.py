"""The API's endpoint of whole lists as files, over all trucks of a fleet."""

import datetime as dt
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field, WithJsonSchema

from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.parameters import DayPeriod
from apps.accounts.problems import FieldError, InvalidParameters, NotFound
from apps.files import answers as files
from apps.files.answers import FileOptions, Question, negotiated
from apps.files.job import FileFormat, Statement
from apps.fleet import cost_api, driver_api, utilization_api
from apps.fleet.cost_schemas import CostPeriod
from apps.fleet.driver_schemas import BehaviorPeriod
from apps.fleet.exports import FleetList
from apps.fleet.utilization_schemas import UtilizationPeriod
from apps.trucks import exports as of_trucks
from apps.trucks import freshness
from apps.trucks.exports import TruckList

router = Router(tags=["Exports"], by_alias=True)

ROWS = of_trucks.LISTS
# Lists with one row a truck, and what their endpoints are asked with.
BY_TRUCK: dict[str, tuple[FleetList[Any], Any]] = {
    "cost-analysis": (cost_api.FILE, CostPeriod),
    "utilization": (utilization_api.FILE, UtilizationPeriod),
    "driver-behavior": (driver_api.FILE, BehaviorPeriod),
}
NAMES = (*ROWS, *BY_TRUCK)
_NAME_SCHEMA = {"type": "string", "enum": list(NAMES), "description": "Which list.", "examples": ["days"]}
ListName = Annotated[str, WithJsonSchema(_NAME_SCHEMA)]
_FILE: dict[str, Any] = {"description": "The file.", "content": {}}

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
    if list_name not in NAMES:
        raise NotFound(f"There are {', '.join(NAMES)}.")
    form = negotiated(request, asked.format)
    if list_name in ROWS:
        return await _rows(request, ROWS[list_name], asked, form)
    if asked.truck_id is not None:
        detail = "is not for this list: it has one row a truck"
        raise InvalidParameters(f"truck_id: {detail}.", [FieldError("/query/truck_id", detail)])
    listed, parameters = BY_TRUCK[list_name]
    period = asked.model_dump(by_alias=True, include={"from_", "to", "period"}, exclude_none=True)
    return await listed.file(request, parameters.model_validate(period), asked, form)


async def _rows(
    request: AuthenticatedRequest, listed: TruckList, asked: ExportSearch, form: FileFormat
) -> HttpResponse:
    now, who = dt.datetime.now(dt.UTC), request.auth
    period = asked.resolve(who.zone, now)
    state = await freshness.state_of_fleet(who.fleet_id, now)
    filters = {} if asked.truck_id is None else {"Truck": asked.truck_id}
    question = Question(listed.listing, who, period, form, asked, filters)

    async def source() -> Statement:
        return await of_trucks.read(listed, who.fleet_id, who.zone, period, asked.truck_id)

    return await files.answer(request, question, source, state)
