"""The API's endpoints of the cost ledger: the same rows and rules as in the admin, one by one."""

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from ninja import Body, Query, Router

from apps.accounts.amounts import money
from apps.accounts.answers import Answer, dumps, is_known, not_modified, require_json
from apps.accounts.authentication import ApiKey, AuthenticatedRequest
from apps.accounts.idempotency import idempotent, starts_work
from apps.accounts.models import Fleet
from apps.accounts.parameters import refuse_others
from apps.accounts.periods import Period
from apps.accounts.preconditions import IF_MATCH, require_match, row_tag
from apps.accounts.problems import Conflict, NotFound
from apps.files.answers import Listing
from apps.files.columns import shape
from apps.fleet import figures
from apps.fleet.ledger import changes as ledger
from apps.fleet.ledger import spreading
from apps.fleet.ledger.bodies import apply
from apps.fleet.ledger.queries import when
from apps.fleet.ledger.resources import RESOURCES, SCOPE, Resource
from apps.fleet.whose import Whose
from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks import freshness
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked, PagedList

router = Router(tags=["Cost ledger"], by_alias=True)


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
    return await list_of(resource).answer(request, asked, partial(_list_body, resource))


async def _list_body(resource: Resource, asked: Asked[Any], fresh: Freshness) -> dict[str, Any]:
    period = asked.period
    (rows, page_echo), totals, beside = await together(
        _page(resource, asked, fresh),
        fetch_all(resource.rows.totals, _which(resource, asked)),
        _freshness(resource, asked.fleet_id, period, fresh),
    )
    return {
        "data": rows,
        "summary": _totals(resource, totals),
        "page": page_echo,
        "period": None if period is None else period.echo(),
        "freshness": beside,
    }


async def _freshness(resource: Resource, fleet_id: int, period: Period | None, fresh: Freshness) -> dict[str, Any]:
    """How far the figures are known that follow from the rows; without a period there is no time to cover."""
    covered = None
    if period is not None:
        sums = await Whose(fleet_id, None, fresh.revision).sums(period)
        covered = figures.coverage_pct(sums.totals)
    unspread = await spreading.missing(fleet_id, period) if resource.rows.is_spread else {}
    return fresh.body(covered) | unspread


def list_of(resource: Resource) -> PagedList[Any]:
    listing = Listing(resource.titles.capitalize(), shape(resource.row))
    return PagedList.of(listing, partial(_page, resource), by_rows=True, of_trucks=False)


async def _page(resource: Resource, asked: Asked[Any], _: Freshness) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    await _require_known(asked.fleet_id, asked.parameters)
    page = asked.page
    where = {**_which(resource, asked), "after": page.after, "limit": page.limit + 1}
    rows, page_echo = page.cut(await fetch_all(resource.rows.page(asked.parameters.sort), where), "row_key")
    return [_listed(resource, row, asked.who.currency) for row in rows], page_echo


async def _require_known(fleet_id: int, asked: Any) -> None:
    """Raises NotFound or InvalidParameters for a truck or group that the fleet does not have: a slip of the pen would
    look like a ledger without rows."""
    if (code := getattr(asked, "truck_id", None)) is not None:
        await freshness.of_truck(fleet_id, code, dt.datetime.now(dt.UTC))
    if (group := getattr(asked, "group", None)) is not None:
        await freshness.group_named(fleet_id, group)


def _which(resource: Resource, asked: Asked[Any]) -> dict[str, Any]:
    """What the statements of a list take."""
    return {
        "fleet": asked.fleet_id,
        **asked.parameters.model_dump(mode="json", include=set(resource.rows.filters)),
        **when(asked.period),
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
    apply(resource, row, payload)
    touched = _save(row)
    return _answer(resource, _row(resource, request, row.pk), 201, touched_days=touched)


@transaction.atomic
def _change(resource: Resource, request: AuthenticatedRequest, pk: int, payload: Any) -> HttpResponse:
    refuse_others(request.GET)
    row = _row(resource, request, pk, to_change=True)
    require_match(request, row_tag(_body(resource, row)))
    apply(resource, row, payload)
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


for each in RESOURCES:
    _add_operations(each)
