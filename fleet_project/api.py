"""The one NinjaAPI: its routers, what becomes of errors, and its OpenAPI document."""

import logging
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.docs import Swagger
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.parser import Parser
from ninja.utils import normalize_path, replace_path_param_notation

from apps.accounts import problems
from apps.accounts.answers import Answer
from apps.accounts.authentication import ApiKey
from apps.accounts.problems import FieldError, Problem
from apps.fleet.api import router as fleet_router
from apps.fleet.costs.api import router as costs_router
from apps.fleet.drivers.api import router as drivers_router
from apps.fleet.drivers.behavior_api import router as behavior_router
from apps.fleet.drivers.driver_api import router as driver_router
from apps.fleet.export_api import router as exports_router
from apps.fleet.faults.api import router as faults_router
from apps.fleet.fuel.api import router as fuel_router
from apps.fleet.idling.api import router as idling_router
from apps.fleet.ledger.api import router as ledger_router
from apps.fleet.ledger.import_api import router as imports_router
from apps.fleet.ledger.row_schemas import FORMS
from apps.fleet.lineage.api import router as lineage_router
from apps.fleet.trends.api import router as trends_router
from apps.fleet.utilization.api import router as utilization_router
from apps.pool import UNAVAILABLE, DatabaseUnavailable
from apps.trucks.api import router as trucks_router
from apps.trucks.backfill_api import router as backfills_router
from apps.trucks.event_api import router as truck_events_router
from apps.trucks.freshness_api import router as freshness_router
from apps.trucks.message_api import router as messages_router
from fleet_project import openapi

logger = logging.getLogger(__name__)

ROOT = "/api/v2"  # as in urls.py
DESCRIPTION = """
Figures of truck fleets tracked with Wialon. Every request carries an API key of one fleet:
`Authorization: Bearer flt_…`.

Units are metric and stand in the field names; instants are RFC 3339 in UTC; days are calendar days of the fleet's time
zone; `null` means not measured. `freshness` says up to when all trucks are known, how completely, at which revision.
"""


class JsonParser(Parser):
    """Bodies are JSON, and say so where they say what they are."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Raises UnsupportedMediaType, BadRequest."""
        kind = (request.content_type or "application/json").lower()
        if kind != "application/json" and not kind.endswith("+json"):
            raise problems.UnsupportedMediaType(f"Send application/json instead of {kind}.")
        try:
            return super().parse_body(request)
        except ValueError as error:
            raise problems.BadRequest(f"The body is not valid JSON: {error}.") from None


class FleetAPI(NinjaAPI):
    """Ninja's API, with the document completed by what all operations share."""

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        return _document(self, kwargs.get("path_prefix"))

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """What client generators name their functions after: `fleet_summary`, `trucks_trips`."""
        package = operation.view_func.__module__.split(".")[1]
        return f"{package}_{operation.view_func.__name__}"

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        """What an endpoint without a response of its own would fill."""
        return Answer(b"", {"Content-Type": self.get_content_type()})

    def operations(self) -> Iterator[tuple[str, Operation]]:
        """Every operation with its route, in Django's notation: `/api/v2/trucks/<truck_id>/trips`."""
        for router in self._get_bound_routers():
            for path, view in router.path_operations.items():
                route = replace_path_param_notation(normalize_path("/".join((ROOT, router.prefix, path))))
                yield from ((route, operation) for operation in view.operations)

    def operations_by_route(self) -> dict[str, dict[str, Operation]]:
        """Route → method → operation."""
        found: dict[str, dict[str, Operation]] = {}
        for route, operation in self.operations():
            found.setdefault(route, {}).update(dict.fromkeys(operation.methods, operation))
        return found


@cache
def _document(api: NinjaAPI, path_prefix: str | None) -> OpenAPISchema:
    return openapi.completed(NinjaAPI.get_openapi_schema(api, path_prefix=path_prefix))


api = FleetAPI(
    title="Fleet reporting",
    version="2.0.0",
    description=DESCRIPTION.strip(),
    urls_namespace="api",
    auth=ApiKey("read"),
    parser=JsonParser(),
    docs=Swagger({"persistAuthorization": True, "defaultModelsExpandDepth": 0}),
)
api.add_router("", trucks_router)
api.add_router("", truck_events_router)
api.add_router("", messages_router)
api.add_router("", lineage_router)
api.add_router("", freshness_router)
api.add_router("", backfills_router)
api.add_router("", fleet_router)
api.add_router("", costs_router)
api.add_router("", trends_router)
api.add_router("", utilization_router)
api.add_router("", idling_router)
api.add_router("", fuel_router)
api.add_router("", behavior_router)
api.add_router("", drivers_router)
api.add_router("", driver_router)
api.add_router("", faults_router)
api.add_router("", ledger_router)
api.add_router("", imports_router)
api.add_router("", exports_router)


# --- errors: raised below, mapped once ------------------------------------------------------------------------------


def request_id(request: HttpRequest) -> str | None:
    return getattr(request, "request_id", None)


@api.exception_handler(Problem)
def _problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    return problem.response(request_id(request))


@api.exception_handler(AuthenticationError)
def _no_key(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return _problem(request, problems.Unauthenticated("Send an API key: Authorization: Bearer flt_…"))


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [_field_error(each, request) for each in error.errors]
    detail = "; ".join(f"{_name(each.pointer)}: {each.detail}".removeprefix("query: ") for each in errors)
    return _problem(request, problems.InvalidParameters(f"{detail}.", errors))


# Pydantic's words for these are for who wrote the schema.
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is no field of this",
    "model_type": "is not an object",
    "string_type": "is not a text",
    "int_parsing": "is not a whole number",
}


def _name(pointer: str) -> str:
    """What a pointer names within the query or body, such as `amount/currency`; of a value in a list the list."""
    part, *names = pointer.removeprefix("/").split("/")
    return "/".join(name for name in names if not name.isdecimal()) or part


def _field_error(found: dict[str, Any], request: HttpRequest) -> FieldError:
    """As clients know the parts of a request, without the names of the view's arguments.

    Ninja puts these behind `body`, before a parameter that is a list, and in place of one where parameters do not go
    together.
    """
    part, *names = found["loc"]
    is_argument = part == "query" and names[0] not in request.GET
    if part == "body" or (is_argument and (len(names) > 1 or found["type"] == "value_error")):
        names = names[1:]
    return FieldError("/" + "/".join(map(str, [part, *names])), _in_words(found))


def _in_words(found: dict[str, Any]) -> str:
    words = _WORDS.get(found["type"]) or FORMS.get(found.get("ctx", {}).get("pattern", ""))
    return words or found["msg"].removeprefix("Value error, ")


@api.exception_handler(DatabaseUnavailable)
def _unavailable(request: HttpRequest, error: DatabaseUnavailable) -> HttpResponse:
    logger.warning("no answer from the database", extra={"error": str(error)})
    return _problem(request, problems.Unavailable("The database did not answer in time."))


@api.exception_handler(OperationalError)
def _unavailable_or_bug(request: HttpRequest, error: OperationalError) -> HttpResponse:
    """What a plain `def` operation meets on Django's connection: a deadlock, a lock, a server that is away."""
    if error.args and error.args[0] in UNAVAILABLE:
        return _unavailable(request, DatabaseUnavailable(str(error)))
    return _bug(request, error)


@api.exception_handler(Http404)
@api.exception_handler(HttpError)
def _by_status(request: HttpRequest, error: Exception) -> HttpResponse:
    if isinstance(error.__cause__, Problem):  # of the parser: Ninja makes a 400 of whatever it raises
        return _problem(request, error.__cause__)
    return _problem(request, problems.of_status(getattr(error, "status_code", HTTPStatus.NOT_FOUND)))


@api.exception_handler(RequestDataTooBig)
def _too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return _problem(request, problems.TooLarge(f"A body may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes."))


@api.exception_handler(SuspiciousOperation)
def _suspicious(request: HttpRequest, error: SuspiciousOperation) -> HttpResponse:
    """What Django refuses to parse, such as thousands of parameters."""
    return _problem(request, problems.BadRequest(str(error)))


@api.exception_handler(Exception)
def _bug(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.exception("a request failed", exc_info=error)
    return _problem(request, Problem("The error has been logged under the request_id."))
