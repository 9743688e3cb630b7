"""The API's endpoints that read or compute a period anew. Plain `def`: they use the ORM."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

from django.http import HttpResponse
from ninja import Body, Query, Router
from pydantic import BaseModel, ConfigDict, Field

from apps.accounts import answers
from apps.accounts.answers import Answer
from apps.accounts.authentication import ApiKey, AuthenticatedRequest
from apps.accounts.calendar import day_bounds
from apps.accounts.idempotency import idempotent, starts_work
from apps.accounts.models import ApiKey as StoredKey
from apps.accounts.models import Fleet
from apps.accounts.paging import Page
from apps.accounts.parameters import Paging, refuse_others
from apps.accounts.periods import EARLIEST, LATEST
from apps.accounts.problems import Conflict, FieldError, InvalidParameters, NotFound
from apps.accounts.schemas import Instant, PageEcho, described
from apps.trucks import backfills
from apps.trucks.models import Backfill, Truck

router = Router(tags=["Backfills"], by_alias=True)
SCOPE = "run:backfill"
_MOST_TRUCKS, _MOST_NAMED = 1_000, 10
Kind = Literal["resync", "rebuild"]
Status = Literal["queued", "running", "done", "cancelled", "failed"]

_KIND = "`resync` reads the period anew from Wialon; `rebuild` computes it anew from the stored messages."
_STATUS = "`queued`, `running`, `done`, `cancelled`, or `failed`: some days could not be done."


class BackfillRequest(BaseModel):
    """The period and the trucks that are to be read or computed anew."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = described(_KIND, "resync")
    from_: dt.date = Field(
        alias="from",
        ge=EARLIEST,
        le=LATEST,
        description="First day, in the fleet's time zone.",
        examples=["2026-03-01"],
    )
    to: dt.date = Field(
        ge=EARLIEST,
        le=LATEST,
        description="Last day, included. At most 400 days, and 50,000 truck-days.",
        examples=["2026-03-07"],
    )
    trucks: list[str] | None = Field(
        None,
        min_length=1,
        max_length=_MOST_TRUCKS,
        description="Codes of trucks; without it all active ones.",
        examples=[["T-101"]],
    )


class BackfillSearch(Paging):
    """The fleet's backfills, the newest first."""

    status: Status | None = Field(None, description=f"Only those that are {_STATUS}")


class Progress(BaseModel):
    done: int = described("Truck-days that nothing more is done about, failed ones included.", 24)
    total: int = described("Truck-days in all.", 84)


class DayFailure(BaseModel):
    truck_id: str = described("The truck's code.", "T-101")
    day: dt.date = described("The day, in the fleet's time zone.", "2026-03-02")
    error: str = described("Why it failed; while the backfill is running it may be tried again.", "Unavailable: …")


class BackfillItem(BaseModel):
    id: int = described("Names it in paths.", 17)
    kind: str = described(_KIND, "resync")
    from_: dt.date = Field(alias="from", description="First day.", examples=["2026-03-01"])
    to: dt.date = described("Last day, included.", "2026-03-07")
    trucks: list[str] | None = described("The trucks' codes; null: all that were active.", ["T-101"])
    requested_by: str = described("Who asked for it.", "API key dashboard")
    status: str = described(_STATUS, "running")
    progress: Progress
    eta: Instant | None = described(
        "When it will be done, at its pace of the last five minutes.", "2026-03-09T14:08:00Z"
    )
    created_at: Instant = described("When it was asked for.", "2026-03-09T14:05:00Z")
    started_at: Instant | None = described("When a worker began; null before.", "2026-03-09T14:05:02Z")
    finished_at: Instant | None = described("When it was over; null before.", None)
    days_sealed: int = described("Truck-days that were left out: their messages are no longer kept.", 0)
    days_failed: int = described("Truck-days that failed for good.", 0)
    messages_loaded: int = described("Messages that were read.", 60480)
    messages_new: int = described("Of them new here.", 12)
    messages_removed: int = described("Stored messages that Wialon does not have any more.", 1)
    error: str | None = described("The last error; null where all went well.", None)


class BackfillAnswer(BaseModel):
    data: BackfillItem


class BackfillDetail(BackfillItem):
    failures: list[DayFailure] = Field(description="Days with an error, the first 100.")


class BackfillDetailAnswer(BaseModel):
    data: BackfillDetail


class BackfillsAnswer(BaseModel):
    data: list[BackfillItem] = Field(description="The backfills of this page.")
    page: PageEcho


# --- the endpoints --------------------------------------------------------------------------------------------------


@router.post(
    "/backfills", response={202: BackfillAnswer}, summary="Read or compute a period anew", **starts_work(SCOPE)
)
@idempotent
def start_backfill(request: AuthenticatedRequest, wanted: Body[BackfillRequest]) -> HttpResponse:
    """Queues the work and answers where it can be followed. The live synchronisation goes on beside it, and first."""
    refuse_others(request.GET)
    fleet = Fleet.objects.get(pk=request.auth.fleet_id)
    trucks = None if wanted.trucks is None else _trucks(fleet, wanted.trucks)
    first_t, last_t = day_bounds(wanted.from_, fleet.zone)[0], day_bounds(wanted.to, fleet.zone)[1] - 1
    try:
        backfill = backfills.create(fleet, wanted.kind, first_t, last_t, trucks, _who(request))
    except backfills.BackfillRefused as refused:
        detail = f"{refused.field}: {refused}."
        raise InvalidParameters(detail, [FieldError(f"/body/{refused.field}", str(refused))]) from None
    headers = {"Content-Type": "application/json", "Location": f"{request.path}/{backfill.pk}"}
    return Answer(answers.dumps({"data": _items([backfill])[0]}), headers, 202)


@router.get("/backfills", response=BackfillsAnswer, summary="The fleet's backfills")
def list_backfills(request: AuthenticatedRequest, search: Query[BackfillSearch]) -> HttpResponse:
    """What was asked for, the newest first, and how far each is."""
    answers.require_json(request)
    page = Page.of(search, "backfills", request.auth.fleet_id)
    found = Backfill.objects.filter(fleet=request.auth.fleet_id).order_by("-pk")
    if search.status:
        found = found.filter(status=search.status)
    if page.after:
        found = found.filter(pk__lt=int(page.after))
    keyed: list[dict[str, Any]] = [{"id": row.pk, "row": row} for row in found[: page.limit + 1]]
    rows, page_echo = page.cut(keyed, "id")
    return answers.tagged(request, {"data": _items([each["row"] for each in rows]), "page": page_echo})


@router.get("/backfills/{int:backfill_id}", response=BackfillDetailAnswer, summary="How far a backfill is")
def backfill(request: AuthenticatedRequest, backfill_id: int) -> HttpResponse:
    """Its progress, when it will be done, and which days failed."""
    answers.require_json(request)
    refuse_others(request.GET)
    return answers.tagged(request, {"data": _detail(_find(request, backfill_id))})


@router.delete(
    "/backfills/{int:backfill_id}",
    response=BackfillDetailAnswer,
    summary="Cancel a backfill",
    auth=ApiKey(SCOPE),
    openapi_extra={"x-required-scope": SCOPE, "x-errors": {"409": "It is done or failed already."}},
)
def cancel_backfill(request: AuthenticatedRequest, backfill_id: int) -> HttpResponse:
    """Ends it where it is; what was done stays. To cancel it twice is no error."""
    refuse_others(request.GET)
    found = _find(request, backfill_id)
    if not backfills.cancel(found) and found.status != Backfill.Status.CANCELLED:
        raise Conflict(f"The backfill is {found.status} already.")
    body = {"data": _detail(_find(request, backfill_id))}
    return Answer(answers.dumps(body), {"Content-Type": "application/json"})


# --- what they are made of ------------------------------------------------------------------------------------------


def _find(request: AuthenticatedRequest, backfill_id: int) -> Backfill:
    found = Backfill.objects.filter(fleet=request.auth.fleet_id, pk=backfill_id).first()
    if found is None:
        raise NotFound("The fleet has no such backfill.")
    return found


def _trucks(fleet: Fleet, codes: Sequence[str]) -> list[Truck]:
    """The trucks of these codes. Raises InvalidParameters that names those the fleet does not have."""
    found = {truck.code: truck for truck in Truck.objects.filter(fleet=fleet, code__in=codes)}
    unknown = [(number, code) for number, code in enumerate(codes) if code not in found]
    if unknown:
        named = ", ".join(code for _, code in unknown[:_MOST_NAMED]) + (", …" if len(unknown) > _MOST_NAMED else "")
        errors = [FieldError(f"/body/trucks/{number}", "is no truck of this fleet") for number, _ in unknown]
        raise InvalidParameters(f"trucks: this fleet has no {named}.", errors)
    return list(found.values())


def _who(request: AuthenticatedRequest) -> str:
    key = StoredKey.objects.get(pk=request.auth.key_id)
    return f"API key {key.name or key.prefix}"


def _items(rows: Sequence[Backfill]) -> list[dict[str, Any]]:
    chosen = {truck_id for row in rows for truck_id in row.truck_ids or ()}
    codes = dict(Truck.objects.filter(pk__in=chosen).values_list("pk", "code"))
    return [_item(row, codes) for row in rows]


def _item(row: Backfill, codes: dict[int, str]) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "from": row.first_day,
        "to": row.last_day,
        "trucks": None if row.truck_ids is None else sorted(codes[pk] for pk in row.truck_ids if pk in codes),
        "requested_by": row.requested_by,
        "status": row.status,
        "progress": {"done": row.days_over, "total": row.days_total},
        "eta": backfills.eta(row),
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "days_sealed": row.days_sealed,
        "days_failed": row.days_failed,
        "messages_loaded": row.messages_loaded,
        "messages_new": row.messages_new,
        "messages_removed": row.messages_removed,
        "error": row.error or None,
    }


def _detail(row: Backfill) -> dict[str, Any]:
    failed = backfills.failures(row)
    codes = dict(Truck.objects.filter(pk__in={truck_id for truck_id, _, _ in failed}).values_list("pk", "code"))
    failures = [{"truck_id": codes.get(pk, str(pk)), "day": day, "error": error} for pk, day, error in failed]
    return {**_items([row])[0], "failures": failures}
