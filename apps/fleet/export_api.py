"""The API's endpoint of whole lists as files, over all trucks of a fleet."""

import datetime as dt
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field, WithJsonSchema

from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.parameters import DayPeriod, Parameters
from apps.accounts.problems import FieldError, InvalidParameters, NotFound
from apps.files import answers as files
from apps.files.answers import FileOptions, Question, negotiated
from apps.files.job import FileFormat, Statement
from apps.fleet.costs import api as cost_api
from apps.fleet.costs.schemas import CostPeriod
from apps.fleet.drivers import api as driver_api
from apps.fleet.drivers import behavior_api
from apps.fleet.drivers.schemas import BehaviorPeriod, DriverSearch
from apps.fleet.faults import api as fault_api
from apps.fleet.faults.schemas import OpenFaultSearch
from apps.fleet.fuel import api as fuel_api
from apps.fleet.fuel.schemas import FuelSearch
from apps.fleet.idling import api as idling_api
from apps.fleet.idling.schemas import IdlingPeriod
from apps.fleet.ledger.api import list_of
from apps.fleet.ledger.resources import RESOURCES
from apps.fleet.trends import api as trend_api
from apps.fleet.trends.api import TrendPeriod
from apps.fleet.utilization import api as utilization_api
from apps.fleet.utilization.schemas import UtilizationPeriod
from apps.trucks import api as truck_api
from apps.trucks import exports, freshness, freshness_api
from apps.trucks.exports import TruckList
from apps.trucks.freshness_api import WatermarkSearch
from apps.trucks.paged_lists import PagedList
from apps.trucks.schemas import TruckSearch

router = Router(tags=["Exports"], by_alias=True)

ROWS = exports.LISTS
# Lists that are put together as their JSON is, with the parameters of their endpoints.
BY_PAGES: dict[str, tuple[PagedList[Any], type[Parameters]]] = {
    "cost-analysis": (cost_api.LIST, CostPeriod),
    "utilization": (utilization_api.LIST, UtilizationPeriod),
    "driver-behavior": (behavior_api.LIST, BehaviorPeriod),
    "fuel": (fuel_api.LIST, FuelSearch),
    "idling": (idling_api.LIST, IdlingPeriod),
    "drivers": (driver_api.LIST, DriverSearch),
    "fleet-days": (trend_api.LIST, TrendPeriod),
    "active-faults": (fault_api.LIST, OpenFaultSearch),
    "trucks": (truck_api.LIST, TruckSearch),
    "freshness": (freshness_api.LIST, WatermarkSearch),
    **{each.name.replace("_", "-"): (list_of(each), each.asked) for each in RESOURCES},
}
NAMES = (*ROWS, *BY_PAGES)
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
        None,
        min_length=1,
        max_length=32,
        description="Only this truck: of days and events, of costs and of the ledger.",
    )


@router.get(
    "/exports/{list_name}",
    summary="A whole list as a file: CSV or XLSX",
    openapi_extra={"responses": {200: _FILE}, "x-errors": _ERRORS},
)
async def export(request: AuthenticatedRequest, list_name: ListName, asked: Query[ExportSearch]) -> HttpResponse:
    """All rows of a period (at most 400 days), over all trucks: CSV as it is read, up to 10,000,000 rows; XLSX up to
    250,000, after it is put together. Trucks, freshness and active faults are those of now; without a period the ledger
    is whole.

    Its columns are the fields of the JSON answers, with units in their names; instants are UTC in CSV and wall time of
    the fleet in XLSX. Events are those of the days on which they began.
    """
    if list_name not in NAMES:
        raise NotFound(f"There are {', '.join(NAMES)}.")
    form = negotiated(request, asked.format)
    if list_name in ROWS:
        return await _rows(request, ROWS[list_name], asked, form)
    listed, parameters = BY_PAGES[list_name]
    return await listed.file(request, parameters.model_validate(_given(asked, parameters)), asked, form)


def _given(asked: ExportSearch, parameters: type[Parameters]) -> dict[str, Any]:
    """What is asked of the list besides its form. Raises InvalidParameters for what it does not take."""
    given = asked.model_dump(by_alias=True, include={"from_", "to", "period", "truck_id"}, exclude_none=True)
    known = {field.alias or name for name, field in parameters.model_fields.items()}
    errors = [FieldError(f"/query/{name}", "is not for this list") for name in given if name not in known]
    if errors:
        raise InvalidParameters(f"{errors[0].pointer.removeprefix('/query/')}: is not for this list.", errors)
    return given


async def _rows(
    request: AuthenticatedRequest, listed: TruckList, asked: ExportSearch, form: FileFormat
) -> HttpResponse:
    now, who = dt.datetime.now(dt.UTC), request.auth
    period = asked.resolve(who.zone, now)
    state = await freshness.state_of_fleet(who.fleet_id, now)
    filters = {} if asked.truck_id is None else {"Truck": asked.truck_id}
    question = Question(listed.listing, who, period, form, asked, filters)

    async def source() -> Statement:
        return await exports.read(listed, who.fleet_id, who.zone, period, asked.truck_id)

    return await files.answer(request, question, source, state)
