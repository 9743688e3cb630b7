"""The API's endpoint of whole files for the ledger."""

from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.amounts import money
from apps.accounts.answers import Answer, dumps
from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.idempotency import idempotent, starts_work
from apps.accounts.models import ApiKey as StoredKey
from apps.accounts.models import Fleet
from apps.accounts.problems import Conflict, FieldError, InvalidParameters
from apps.fleet.imports import storing
from apps.fleet.imports.checking import Checked, Conventions, check
from apps.fleet.imports.kinds import KINDS
from apps.fleet.imports.sheets import XLSX_TYPE, Unreadable
from apps.fleet.ledger import list_schemas
from apps.fleet.ledger.resources import SCOPE

router = Router(tags=["Cost ledger"], by_alias=True)
MOST_ERRORS = 1_000
_FILE = {
    "required": True,
    "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("text/csv", XLSX_TYPE)},
}
_import_extra = starts_work(SCOPE)
_import_extra["openapi_extra"] = {**_import_extra["openapi_extra"], "requestBody": _FILE}


@router.post(
    "/costs/imports",
    response={200: list_schemas.ImportAnswer, 201: list_schemas.ImportAnswer},
    summary="A file of rows, all or none",
    **_import_extra,
)
@idempotent
def import_costs(request: AuthenticatedRequest, asked: Query[list_schemas.ImportAsked]) -> HttpResponse:
    """Writes all rows of a CSV or XLSX file (at most 2.5 MB), or none: 422 names each bad row, 409 the first import.

    The body is the file itself. Its columns are those of the admin's templates.
    """
    fleet = Fleet.objects.get(pk=request.auth.fleet_id)
    conventions = Conventions(asked.decimal, asked.dates)
    try:
        if asked.dry_run:
            storing.require_new(fleet, asked.kind, storing.hash_of(request.body))
            return _imported(None, _good(check(fleet, KINDS[asked.kind], request.body, conventions)), fleet)
        by = f"API key flt_{StoredKey.objects.values_list('prefix', flat=True).get(pk=request.auth.key_id)}"
        made = storing.received(fleet, asked.kind, asked.file_name, request.body, by, conventions)
        return _imported(made.pk, storing.store(made), fleet)
    except Unreadable as error:
        raise InvalidParameters(str(error), [FieldError("/body", str(error))]) from error
    except storing.BadRows as error:
        raise _bad_rows(error.checked) from error
    except storing.Refused as error:
        raise Conflict(str(error)) from error


def _good(checked: Checked) -> Checked:
    if checked.errors:
        raise storing.BadRows(checked)
    return checked


def _bad_rows(checked: Checked) -> InvalidParameters:
    """A pointer for each bad cell: `/body/rows/17/amount`, the row as a spreadsheet counts."""
    errors = [
        FieldError("/".join(filter(None, ("/body/rows", str(error.row), error.column))), str(error))
        for error in checked.errors[:MOST_ERRORS]
    ]
    more = f" The first {MOST_ERRORS:,} errors are named." if len(checked.errors) > MOST_ERRORS else ""
    return InvalidParameters(str(storing.BadRows(checked)) + more, errors)


def _imported(pk: int | None, checked: Checked, fleet: Fleet) -> HttpResponse:
    body = {
        "id": pk,
        "kind": checked.kind.name,
        "read_as": checked.read_as,
        "rows": checked.row_count,
        "sums": [money(amount, currency) for currency, amount in checked.sums.items()],
        "touched_days": len(checked.touched),
    }
    return Answer(dumps({"data": body}), {"Content-Type": "application/json"}, 200 if pk is None else 201)
