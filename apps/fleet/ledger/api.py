"""The API's endpoints of the cost ledger: the same rows and rules as in the admin, one by one or by file."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from ninja import Body, Query, Router
from pydantic import BaseModel

from apps.accounts.amounts import money
from apps.accounts.answers import Answer, dumps, is_known, not_modified, require_json, tagged
from apps.accounts.authentication import ApiKey, AuthenticatedRequest, Principal
from apps.accounts.idempotency import idempotent, starts_work
from apps.accounts.models import ApiKey as StoredKey
from apps.accounts.models import Fleet
from apps.accounts.paging import Page
from apps.accounts.parameters import refuse_others
from apps.accounts.periods import Period
from apps.accounts.preconditions import IF_MATCH, require_match, row_tag
from apps.accounts.problems import Conflict, FieldError, InvalidParameters, NotFound
from apps.files.answers import Listing, file_asked
from apps.files.columns import shape
from apps.fleet.imports import storing
from apps.fleet.imports.checking import Checked, Conventions, check
from apps.fleet.imports.kinds import KINDS
from apps.fleet.imports.sheets import XLSX_TYPE, Unreadable
from apps.fleet.ledger import changes as ledger
from apps.fleet.ledger import schemas, spreading
from apps.fleet.ledger.queries import LedgerRows, at, between, until_next, when
from apps.fleet.models import CostEntry, CostRate, ExchangeRate, FuelPrice, FuelPurchase
from apps.mysql import Row, fetch_all
from apps.trucks.freshness import Freshness
from apps.trucks.models import Truck, TruckGroup
from apps.trucks.paged_exports import PagedList

router = Router(tags=["Cost ledger"], by_alias=True)
SCOPE = "write:costs"
MOST_ERRORS = 1_000
_DECIMALS = ("litres", "rate")
LedgerRow = CostEntry | CostRate | ExchangeRate | FuelPrice | FuelPurchase


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of row of the ledger as a resource: its path and name, its rows, its money, and its schemas."""

    path: str
    name: str  # of operations: fleet_list_cost_entries
    title: str
    model: type[LedgerRow]
    rows: LedgerRows
    money: str | None  # the field with the amount
    asked: Any
    create: Any
    patch: Any
    row: type[BaseModel]
    answers: tuple[Any, Any, Any]  # of a list, of a row, of a change

    @property
    def titles(self) -> str:
        return str(self.model._meta.verbose_name_plural)


ENTRIES = Resource(
    "/costs/entries", "cost_entries", "cost entry", CostEntry,
    LedgerRows(
        "cost_entry",
        ("line", "amount", "truck_id", "group", "covers_from", "covers_to", "basis", "document"),
        time="covers_from", of_period=between("covers_from", "covers_to"), own_currency=True, summed=("amount",),
        filters=("line", "truck_id", "group", "import_id"), is_spread=True,
    ),
    "amount", schemas.EntriesAsked, schemas.EntryIn, schemas.EntryPatch, schemas.Entry,
    (schemas.EntryList, schemas.EntryAnswer, schemas.EntryChanged),
)  # fmt: skip
RATES = Resource(
    "/costs/rates", "cost_rates", "cost rate", CostRate,
    LedgerRows(
        "cost_rate",
        ("line", "basis", "amount", "truck_id", "group", "effective_from", "effective_to"),
        time="effective_from", of_period=between("effective_from", "effective_to"),
        filters=("line", "truck_id", "group", "import_id"),
    ),
    "amount", schemas.RatesAsked, schemas.RateIn, schemas.RatePatch, schemas.Rate,
    (schemas.RateList, schemas.RateAnswer, schemas.RateChanged),
)  # fmt: skip
PRICES = Resource(
    "/costs/fuel-prices", "fuel_prices", "fuel price", FuelPrice,
    LedgerRows(
        "fuel_price", ("effective_at", "price_per_l", "group"),
        time="effective_at", of_period=until_next("fuel_price", "effective_at", "group_id"),
        filters=("group", "import_id"),
    ),
    "price_per_l", schemas.PricesAsked, schemas.PriceIn, schemas.PricePatch, schemas.Price,
    (schemas.PriceList, schemas.PriceAnswer, schemas.PriceChanged),
)  # fmt: skip
PURCHASES = Resource(
    "/costs/fuel-purchases", "fuel_purchases", "fuel purchase", FuelPurchase,
    LedgerRows(
        "fuel_purchase", ("truck_id", "purchased_at", "litres", "amount", "station", "reference"),
        time="purchased_at", of_period=at("purchased_at"), own_currency=True, summed=("amount", "litres"),
        filters=("truck_id", "import_id"),
    ),
    "amount", schemas.PurchasesAsked, schemas.PurchaseIn, schemas.PurchasePatch, schemas.Purchase,
    (schemas.PurchaseList, schemas.PurchaseAnswer, schemas.PurchaseChanged),
)  # fmt: skip
EXCHANGE_RATES = Resource(
    "/costs/exchange-rates", "exchange_rates", "exchange rate", ExchangeRate,
    LedgerRows(
        "exchange_rate", ("currency", "effective_from", "rate"),
        time="effective_from", of_period=until_next("exchange_rate", "effective_from", "currency"),
        filters=("currency", "import_id"),
    ),
    None, schemas.ExchangeRatesAsked, schemas.ExchangeRateIn, schemas.ExchangeRatePatch, schemas.ExchangeRate,
    (schemas.ExchangeRateList, schemas.ExchangeRateAnswer, schemas.ExchangeRateChanged),
)  # fmt: skip


# --- rows as answers ------------------------------------------------------------------------------------------------


def _body(resource: Resource, row: Any) -> dict[str, Any]:
    """A row as the API shows it."""
    own = {"truck_id": lambda: row.truck and row.truck.code, "group": lambda: row.group and row.group.name}
    if (amount := resource.money) is not None:
        own[amount] = lambda: money(getattr(row, amount), getattr(row, "currency", row.fleet.currency))
    values = {name: own[name]() if name in own else _plain(getattr(row, name)) for name in resource.rows.columns}
    return {"id": row.pk, **values, **({"import_id": row.imported_id} if hasattr(row, "imported_id") else {})}


def _plain(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value


def _beside(resource: Resource, row: Any) -> dict[str, Any] | None:
    """What follows from the row and the days, beside its own values."""
    return {"spreading": spreading.of_entry(row.fleet_id, row.pk)} if resource.rows.is_spread else None


def _answer(resource: Resource, row: Any, status: int = 200, **more: Any) -> HttpResponse:
    body, beside = _body(resource, row), _beside(resource, row)
    tag = row_tag(body, beside)
    headers = {"Content-Type": "application/json", "ETag": tag, "Cache-Control": "private, no-cache"}
    if status == 201:
        headers["Location"] = f"/api/v2{resource.path}/{row.pk}"
    return Answer(dumps({"data": {**body, **(beside or {})}, **more}), headers, status)


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


async def _list(resource: Resource, request: AuthenticatedRequest, asked: Any) -> HttpResponse:
    if form := file_asked(request, asked):
        return await file_of(resource).file(request, asked, asked, form)
    require_json(request)
    who = request.auth
    period = asked.span(who.zone, dt.datetime.now(dt.UTC))
    page = Page.of(asked, resource.path, who.fleet_id, period)
    rows, page_echo = await _page(resource, who, period, None, asked, page)
    body = {
        "data": rows,
        "summary": _totals(resource, await fetch_all(resource.rows.totals, _asked(resource, who, asked, period))),
        "page": page_echo,
        "period": None if period is None else period.echo(),
    }
    return tagged(request, body)


def file_of(resource: Resource) -> PagedList[Any]:
    listing = Listing(resource.titles.capitalize(), shape(resource.row))
    return PagedList.of(listing, partial(_page, resource), by_rows=True)


async def _page(
    resource: Resource, who: Principal, period: Period | None, _: Freshness | None, asked: Any, page: Page
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    where = {**_asked(resource, who, asked, period), "after": page.after, "limit": page.limit + 1}
    rows, page_echo = page.cut(await fetch_all(resource.rows.page(asked.sort), where), "row_key")
    return [_listed(resource, row, who.currency) for row in rows], page_echo


def _asked(resource: Resource, who: Principal, asked: Any, period: Period | None) -> dict[str, Any]:
    """What the statements of a list take."""
    return {
        "fleet": who.fleet_id,
        **asked.model_dump(mode="json", include=set(resource.rows.filters)),
        **when(period),
    }


def _listed(resource: Resource, row: Row, currency: str) -> dict[str, Any]:
    """A row of a list as the API shows it, the same as by itself."""
    values = {name: _plain(row[name]) for name in resource.rows.columns}
    if (amount := resource.money) is not None:
        values[amount] = money(row[amount], row.get("currency", currency))
    if resource.rows.is_spread:
        return {"id": row["id"], **values, "import_id": row["import_id"], "spreading": _spreading(row)}
    return {"id": row["id"], **values, "import_id": row["import_id"]}


def _spreading(row: Row) -> dict[str, str | None]:
    return spreading.told(row["problem"], bool(row["is_short"]))


def _totals(resource: Resource, rows: Sequence[Row]) -> dict[str, Any]:
    """How many rows there are, and what they come to, by currency."""
    found: dict[str, Any] = {"rows": sum(row["number"] for row in rows)}
    if "litres" in resource.rows.summed:
        found["litres"] = _plain(sum((row["litres"] for row in rows), Decimal("0.000")))
    if "amount" in resource.rows.summed:
        found["sums"] = [money(row["amount"], row["currency"]) for row in rows]
    return found


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


_LISTED = """In pages, by id or by time; `summary` has all that are found, whatever the page.

With a period: invoices that cover any day of it, purchases made in it, and rates and prices in force on any day of it.
"""


_TOUCHED = "The figures of the days that it touches follow within about a minute; `touched_days` counts them by truck."
_NAMED = "Only what the body names is changed. "
_REMOVED = "The figures of the days that it touched follow within about a minute."
_NEEDED = {"409": "Other rows need it as it is, or there is such a row already: `detail` says which."}


def _extended(operation: dict[str, Any]) -> dict[str, Any]:
    """An operation that answers with a row, and its tag."""
    return {**operation, "openapi_extra": {**operation["openapi_extra"], "x-has-tag": True}}


def _add_operations(resource: Resource) -> None:
    """Registers the five operations of a resource. Ninja reads their annotations, which differ by resource."""
    of_list, of_row, of_change = resource.answers
    path, title = resource.path, resource.title

    async def listed(request: AuthenticatedRequest, asked: Any) -> HttpResponse:
        return await _list(resource, request, asked)

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
    one = f"{path}/{{int:row_id}}"
    listing = router.get(path, response=of_list, summary=f"The ledger's {resource.titles}", description=_LISTED)
    _register(listing, listed, f"list_{resource.name}")
    _register(router.get(one, response=of_row, summary=f"One {title}"), shown, f"show_{resource.name}")
    make = router.post(
        path, response={201: of_change}, summary=f"A new {title}", description=_TOUCHED, **_extended(starts_work(SCOPE))
    )
    _register(make, idempotent(created), f"create_{resource.name}")
    write: dict[str, Any] = {
        "auth": ApiKey(SCOPE),
        "openapi_extra": {"x-required-scope": SCOPE, "parameters": [IF_MATCH], "x-errors": _NEEDED},
    }
    change = router.patch(
        one, response=of_change, summary=f"Changes a {title}", description=_NAMED + _TOUCHED, **_extended(write)
    )
    _register(change, changed, f"change_{resource.name}")
    remove = router.delete(one, response={204: None}, summary=f"Removes a {title}", description=_REMOVED, **write)
    _register(remove, deleted, f"delete_{resource.name}")


def _shown(resource: Resource, request: AuthenticatedRequest, pk: int) -> HttpResponse:
    require_json(request)
    refuse_others(request.GET)
    answer = _answer(resource, _row(resource, request, pk))
    return not_modified(answer["ETag"]) if is_known(request, answer["ETag"]) else answer


def _register(register: Callable[[Any], Any], view: Any, name: str) -> None:
    view.__name__ = name
    register(view)


RESOURCES = (ENTRIES, RATES, PRICES, PURCHASES, EXCHANGE_RATES)
for each in RESOURCES:
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
