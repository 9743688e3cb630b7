"""The API's endpoints of the cost ledger: the same rows and rules as in the admin, one by one or by file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from ninja import Body, Query, Router

from apps.accounts.answers import Answer, dumps, money, require_json, tagged
from apps.accounts.authentication import ApiKey, AuthenticatedRequest
from apps.accounts.idempotency import idempotent, starts_work
from apps.accounts.models import ApiKey as StoredKey
from apps.accounts.models import Fleet
from apps.accounts.paging import Page
from apps.accounts.parameters import refuse_others
from apps.accounts.preconditions import IF_MATCH, require_match, row_tag
from apps.accounts.problems import Conflict, FieldError, InvalidParameters, NotFound
from apps.fleet import ledger
from apps.fleet import ledger_schemas as schemas
from apps.fleet.imports import storing
from apps.fleet.imports.checking import Checked, Conventions, check
from apps.fleet.imports.kinds import KINDS
from apps.fleet.imports.sheets import XLSX_TYPE, Unreadable
from apps.fleet.models import CostEntry, CostRate, ExchangeRate, FuelPrice, FuelPurchase
from apps.trucks.models import Truck, TruckGroup

router = Router(tags=["Cost ledger"], by_alias=True)
SCOPE = "write:costs"
MOST_ERRORS = 1_000
_FILTERS = {
    "line": "line",
    "truck_id": "truck__code",
    "group": "group__name",
    "import_id": "imported_id",
    "currency": "currency",
}
_DECIMALS = ("litres", "rate")
LedgerRow = CostEntry | CostRate | ExchangeRate | FuelPrice | FuelPurchase


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of row of the ledger as a resource: its path and name, its schemas, and where its money stands."""

    path: str
    name: str  # of operations: fleet_list_cost_entries
    title: str
    model: type[LedgerRow]
    asked: Any
    create: Any
    patch: Any
    answers: tuple[Any, Any, Any]  # of a list, of a row, of a change
    money: str | None  # the field with the amount
    columns: tuple[str, ...]  # in the order of the answer; `truck_id`, `group` and the money are converted


ENTRIES = Resource(
    "/costs/entries", "cost_entries", "cost entry", CostEntry, schemas.LinesAsked, schemas.EntryIn,
    schemas.EntryPatch, (schemas.EntryList, schemas.EntryAnswer, schemas.EntryChanged), "amount",
    ("line", "amount", "truck_id", "group", "covers_from", "covers_to", "basis", "document"),
)  # fmt: skip
RATES = Resource(
    "/costs/rates", "cost_rates", "cost rate", CostRate, schemas.LinesAsked, schemas.RateIn, schemas.RatePatch,
    (schemas.RateList, schemas.RateAnswer, schemas.RateChanged), "amount",
    ("line", "basis", "amount", "truck_id", "group", "effective_from", "effective_to"),
)  # fmt: skip
PRICES = Resource(
    "/costs/fuel-prices", "fuel_prices", "fuel price", FuelPrice, schemas.PricesAsked, schemas.PriceIn,
    schemas.PricePatch, (schemas.PriceList, schemas.PriceAnswer, schemas.PriceChanged), "price_per_l",
    ("effective_at", "price_per_l", "group"),
)  # fmt: skip
PURCHASES = Resource(
    "/costs/fuel-purchases", "fuel_purchases", "fuel purchase", FuelPurchase, schemas.PurchasesAsked,
    schemas.PurchaseIn, schemas.PurchasePatch,
    (schemas.PurchaseList, schemas.PurchaseAnswer, schemas.PurchaseChanged), "amount",
    ("truck_id", "purchased_at", "litres", "amount", "station", "reference"),
)  # fmt: skip

EXCHANGE_RATES = Resource(
    "/costs/exchange-rates", "exchange_rates", "exchange rate", ExchangeRate, schemas.ExchangeRatesAsked,
    schemas.ExchangeRateIn, schemas.ExchangeRatePatch,
    (schemas.ExchangeRateList, schemas.ExchangeRateAnswer, schemas.ExchangeRateChanged), None,
    ("currency", "effective_from", "rate"),
)  # fmt: skip


# --- rows as answers ------------------------------------------------------------------------------------------------


def _body(resource: Resource, row: Any) -> dict[str, Any]:
    """A row as the API shows it."""
    own = {"truck_id": lambda: row.truck and row.truck.code, "group": lambda: row.group and row.group.name}
    if (amount := resource.money) is not None:
        own[amount] = lambda: money(getattr(row, amount), getattr(row, "currency", row.fleet.currency))
    values = {name: own[name]() if name in own else _plain(getattr(row, name)) for name in resource.columns}
    return {"id": row.pk, **values, **({"import_id": row.imported_id} if hasattr(row, "imported_id") else {})}


def _plain(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value


def _answer(resource: Resource, row: Any, status: int = 200, **more: Any) -> HttpResponse:
    body = _body(resource, row)
    headers = {"Content-Type": "application/json", "ETag": row_tag(body), "Cache-Control": "private, no-cache"}
    if status == 201:
        headers["Location"] = f"/api/v2{resource.path}/{row.pk}"
    return Answer(dumps({"data": body, **more}), headers, status)


def _rows(resource: Resource, request: AuthenticatedRequest) -> Any:
    manager: Any = resource.model._default_manager
    joined = ["fleet", *(name for name in ("truck", "group") if hasattr(resource.model, name))]
    return manager.filter(fleet=request.auth.fleet_id).select_related(*joined).defer("fleet__wialon_token")


def _row(resource: Resource, request: AuthenticatedRequest, pk: int, *, to_change: bool = False) -> Any:
    """The row, locked if it is to be changed. Raises NotFound, also for another fleet's."""
    if not 0 < pk < 2**63:
        raise NotFound(f"There is no {resource.title} {pk}.")
    if to_change:
        # The row alone, before what it is joined with: its truck or fleet is not to be locked.
        manager: Any = resource.model._default_manager
        manager.select_for_update().filter(pk=pk, fleet=request.auth.fleet_id).first()
    row = _rows(resource, request).filter(pk=pk).first()
    if row is None:
        raise NotFound(f"There is no {resource.title} {pk}.")
    return row


# --- bodies as rows -------------------------------------------------------------------------------------------------


def _apply(resource: Resource, row: Any, payload: Any) -> None:
    """Puts what the body says into the row, and checks the whole of it. Raises InvalidParameters."""
    said = payload.model_dump(exclude_unset=True)
    errors: list[FieldError] = []
    for name, value in said.items():
        if name == resource.money:
            errors += _set_money(name, row, value)
        elif name in ("truck_id", "group"):
            errors += _set_relation(row, name, value)
        else:
            setattr(row, name, Decimal(value) if name in _DECIMALS else value)
    if not errors:
        errors = list(_refusals(resource, row))
    if errors:
        detail = "; ".join(f"{error.pointer.removeprefix('/body/')}: {error.detail}" for error in errors)
        raise InvalidParameters(f"{detail}.", errors)


def _set_money(name: str, row: Any, value: dict[str, str]) -> Iterator[FieldError]:
    setattr(row, name, Decimal(value["amount"]))
    if hasattr(row, "currency"):
        row.currency = value["currency"]
    elif value["currency"] != row.fleet.currency:
        yield FieldError(f"/body/{name}/currency", f"is not the fleet's, {row.fleet.currency}")


def _set_relation(row: Any, name: str, value: str | None) -> Iterator[FieldError]:
    if value is None:
        return
    model, column = (Truck, "code") if name == "truck_id" else (TruckGroup, "name")
    manager: Any = model._default_manager
    found = list(manager.filter(fleet=row.fleet_id, **{column: value})[:2])
    if len(found) == 1:
        setattr(row, name.removesuffix("_id"), found[0])
    else:
        yield FieldError(f"/body/{name}", "is the name of several" if found else "is not known in this fleet")


def _refusals(resource: Resource, row: Any) -> Iterator[FieldError]:
    """What the model refuses, each with the field of the body that it is about."""
    pointers = {"truck": "/truck_id", "currency": f"/{resource.money}/currency", "__all__": ""}
    if resource.money is None:
        pointers["currency"] = "/currency"
    else:
        pointers[resource.money] = f"/{resource.money}/amount"
    try:
        row.full_clean()
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            yield from (FieldError("/body" + pointers.get(name, f"/{name}"), text.rstrip(".")) for text in messages)


def _save(row: Any) -> int:
    try:
        with transaction.atomic():
            return ledger.save(row)
    except IntegrityError as error:
        raise Conflict("There is such a row already, made at the same time.") from error
    except ValidationError as error:
        raise _needed(error) from error


def _needed(error: ValidationError) -> Conflict:
    """What the ledger refuses because other rows need this one."""
    text = " ".join(error.messages)
    return Conflict(f"{text[:1].upper()}{text[1:]}.")


# --- operations -----------------------------------------------------------------------------------------------------


def _list(resource: Resource, request: AuthenticatedRequest, asked: Any) -> HttpResponse:
    require_json(request)
    page = Page.of(asked, resource.path, request.auth.fleet_id)
    given = asked.model_dump(include=set(_FILTERS), exclude_none=True)
    rows = _rows(resource, request).filter(**{_FILTERS[name]: value for name, value in given.items()})
    found = rows.filter(pk__gt=int(page.after or 0)).order_by("pk")[: page.limit + 1]
    data, page_echo = page.cut([_body(resource, row) for row in found], "id")
    return tagged(request, {"data": data, "page": page_echo})


def _create(resource: Resource, request: AuthenticatedRequest, payload: Any) -> HttpResponse:
    refuse_others(request.GET)
    row = resource.model(fleet=Fleet.objects.get(pk=request.auth.fleet_id))
    _apply(resource, row, payload)
    touched = _save(row)
    return _answer(resource, _row(resource, request, row.pk), 201, touched_days=touched)


@transaction.atomic
def _change(resource: Resource, request: AuthenticatedRequest, pk: int, payload: Any) -> HttpResponse:
    refuse_others(request.GET)
    row = _row(resource, request, pk, to_change=True)
    require_match(request, row_tag(_body(resource, row)))
    _apply(resource, row, payload)
    touched = _save(row)
    return _answer(resource, _row(resource, request, pk), touched_days=touched)


@transaction.atomic
def _delete(resource: Resource, request: AuthenticatedRequest, pk: int) -> HttpResponse:
    refuse_others(request.GET)
    row = _row(resource, request, pk, to_change=True)
    require_match(request, row_tag(_body(resource, row)))
    try:
        with transaction.atomic():
            ledger.delete(row)
    except ValidationError as error:
        raise _needed(error) from error
    return Answer(b"", {}, 204)


def _add_operations(resource: Resource) -> None:
    """Registers the five operations of a resource. Ninja reads their annotations, which differ by resource."""
    of_list, of_row, of_change = resource.answers
    path, title = resource.path, resource.title

    def listed(request: AuthenticatedRequest, asked: Any) -> HttpResponse:
        return _list(resource, request, asked)

    def shown(request: AuthenticatedRequest, row_id: int) -> HttpResponse:
        return _shown(resource, request, row_id)

    def created(request: AuthenticatedRequest, payload: Any) -> HttpResponse:
        return _create(resource, request, payload)

    def changed(request: AuthenticatedRequest, row_id: int, payload: Any) -> HttpResponse:
        return _change(resource, request, row_id, payload)

    def deleted(request: AuthenticatedRequest, row_id: int) -> HttpResponse:
        return _delete(resource, request, row_id)

    query, body = cast("Any", Query), cast("Any", Body)
    listed.__annotations__["asked"] = query[resource.asked]
    created.__annotations__["payload"] = body[resource.create]
    changed.__annotations__["payload"] = body[resource.patch]
    write: dict[str, Any] = {
        "auth": ApiKey(SCOPE),
        "openapi_extra": {"x-required-scope": SCOPE, "parameters": [IF_MATCH]},
    }
    one = f"{path}/{{int:row_id}}"
    _register(router.get(path, response=of_list, summary=f"All of a kind: {title}"), listed, f"list_{resource.name}")
    _register(router.get(one, response=of_row, summary=f"One {title}"), shown, f"show_{resource.name}")
    make = router.post(path, response={201: of_change}, summary=f"A new {title}", **starts_work(SCOPE))
    _register(make, idempotent(created), f"create_{resource.name}")
    change = router.patch(one, response=of_change, summary=f"Changes a {title}", **write)
    _register(change, changed, f"change_{resource.name}")
    remove = router.delete(one, response={204: None}, summary=f"Removes a {title}", **write)
    _register(remove, deleted, f"delete_{resource.name}")


def _shown(resource: Resource, request: AuthenticatedRequest, pk: int) -> HttpResponse:
    require_json(request)
    refuse_others(request.GET)
    return _answer(resource, _row(resource, request, pk))


def _register(register: Callable[[Any], Any], view: Any, name: str) -> None:
    view.__name__ = name
    register(view)


for each in (ENTRIES, RATES, PRICES, PURCHASES, EXCHANGE_RATES):
    _add_operations(each)


# --- files ----------------------------------------------------------------------------------------------------------

_FILE = {
    "required": True,
    "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("text/csv", XLSX_TYPE)},
}
_import_extra = starts_work(SCOPE)
_import_extra["openapi_extra"] = {**_import_extra["openapi_extra"], "requestBody": _FILE}


@router.post(
    "/costs/imports",
    response={200: schemas.ImportAnswer, 201: schemas.ImportAnswer},
    summary="A file of rows, all or none",
    **_import_extra,
)
@idempotent
def import_costs(request: AuthenticatedRequest, asked: Query[schemas.ImportAsked]) -> HttpResponse:
    """Writes all rows of a CSV or XLSX file (at most 2.5 MB), or none: 422 names each bad row, 409 the first import.

    The body is the file itself. Its columns are those of the admin's templates.
    """
    fleet = Fleet.objects.get(pk=request.auth.fleet_id)
    conventions = Conventions(asked.decimal, asked.dates)
    try:
        if asked.dry_run:
            return _imported(None, _good(check(fleet, KINDS[asked.kind], request.body, conventions)), fleet)
        by = f"API key flt_{StoredKey.objects.values_list('prefix', flat=True).get(pk=request.auth.key_id)}"
        made = storing.received(fleet, asked.kind, asked.file_name, request.body, by, conventions)
        return _imported(made.pk, storing.store(made), fleet)
    except Unreadable as error:
        raise InvalidParameters(str(error), [FieldError("/body", str(error))]) from error
    except storing.BadRows as error:
        raise _bad_rows(error.checked) from error
    except storing.Duplicate as error:
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
