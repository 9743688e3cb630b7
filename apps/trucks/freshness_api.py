"""The API's endpoint about how far each truck is known, and what the last passes of the sync did."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from apps.accounts import answers
from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.calendar import as_utc
from apps.accounts.encryption import DecryptionError
from apps.accounts.parameters import Paging
from apps.accounts.schemas import FreshnessEcho, Instant, PageEcho, described
from apps.files.answers import Exportable, Listing, file_asked
from apps.files.columns import shape
from apps.mysql import Row, fetch_all
from apps.trucks import freshness, queries
from apps.trucks.freshness import Freshness
from apps.trucks.paged_lists import Asked, PagedList
from apps.trucks.schemas import CODE
from apps.trucks.sync.disk import DiskFull
from apps.trucks.sync.leases import LeaseLost
from apps.trucks.wialon import Busy, LoginRefused, RequestRefused, SessionLost, TooMuch, Unavailable

router = Router(tags=["Fleet"], by_alias=True)
_SHARES = ("p50_s", "p90_s", "p99_s", "max_s")
_WIALON = (LoginRefused, RequestRefused, SessionLost, TooMuch, Busy, Unavailable)
_TOLD = {kind.__name__ for kind in (*_WIALON, LeaseLost, DecryptionError, DiskFull)}


class WatermarkSearch(Paging, Exportable):
    """All active trucks."""


class TruckWatermark(BaseModel):
    truck_id: str = described(CODE, "T-101")
    name: str = described("The unit's name in Wialon.", "Volvo 101")
    as_of: Instant | None = described("All that Wialon had up to here is stored; null before.", "2026-03-09T14:05:00Z")
    lag_s: int | None = described("Seconds since then.", 12)
    lagging: bool = described("Whether that is more than 15 minutes, or the truck never reported.", False)
    last_message_at: Instant | None = described("Device time of its newest message.", "2026-03-09T14:04:41Z")
    failed: bool = described("Whether its last synchronisation failed.", False)
    error: str | None = described("Why; null if it did not fail.", None)


class Lags(BaseModel):
    """Over all active trucks that were ever synchronised, by nearest rank; null where there is none."""

    p50_s: int | None = described("Half of the trucks lag no more than this.", 12)
    p90_s: int | None = described("Nine in ten.", 14)
    p99_s: int | None = described("99 in 100.", 60)
    max_s: int | None = described("All of them.", 71)


class Pass(BaseModel):
    status: str = described(
        "`running`, `ok`, `partial` (some trucks failed), `failed` or `paused` (the database's disk is nearly full).",
        "ok",
    )
    started_at: Instant = described("Start.", "2026-03-09T14:05:00Z")
    finished_at: Instant | None = described("End; null while it is under way.", "2026-03-09T14:05:04Z")
    trucks: int = described("Trucks.", 12)
    trucks_with_news: int = described("Of them with new messages.", 9)
    trucks_failed: int = described("Of them failed.", 0)
    messages_new: int = described("New messages.", 27)
    error: str | None = described("What went wrong with the pass as a whole; null if nothing did.", None)


class WatermarkSummary(BaseModel):
    trucks: int = described("Active trucks.", 12)
    lag: Lags
    sync_runs: list[Pass] = Field(description="The last ten passes, the newest first.")


class WatermarksAnswer(BaseModel):
    data: list[TruckWatermark] = Field(description="Active trucks by code.")
    summary: WatermarkSummary
    page: PageEcho
    freshness: FreshnessEcho


@router.get("/fleet/freshness", response=WatermarksAnswer, summary="How far each truck is known")
async def watermarks(request: AuthenticatedRequest, search: Query[WatermarkSearch]) -> HttpResponse:
    """The watermark of every active truck, how the trucks lag behind, and the last passes of the sync.

    Its `ETag` is weak: it stands for the watermarks and the passes, not for the lags, which grow with time.
    """
    if form := file_asked(request, search):
        return await LIST.file(request, search, search, form)
    answers.require_json(request)
    now = dt.datetime.now(dt.UTC)
    asked = await LIST.asked(request.auth, search, now)
    fresh = await freshness.of_fleet(asked.fleet_id, now)
    of_fleet = {"fleet": asked.fleet_id, "now": fresh.asked_at}
    rows, page_echo = await _rows(asked, fresh)
    runs = await fetch_all(queries.LAST_PASSES, of_fleet)
    known = [(row["truck_id"], row["known_until"], row["t"], row["error"]) for row in rows]
    tag = answers.etag(request, fresh, known, runs, weak=True)
    if answers.is_known(request, tag):
        return answers.not_modified(tag)
    runs = [{**run, "error": _said(run["error"])} for run in runs]
    lags = (await fetch_all(queries.LAGS, of_fleet))[0]
    body = {
        "data": [_watermark(row) for row in rows],
        "summary": {"trucks": fresh.trucks, "lag": {name: _whole(lags[name]) for name in _SHARES}, "sync_runs": runs},
        "page": page_echo,
        "freshness": fresh.body(),
    }
    return answers.json_response(answers.dumps(body), tag)


async def _rows(asked: Asked[WatermarkSearch], fresh: Freshness) -> tuple[Sequence[Row], dict[str, Any]]:
    page = asked.page
    which = {"fleet": asked.fleet_id, "now": fresh.asked_at, "after": page.after or "", "limit": page.limit + 1}
    return page.cut(await fetch_all(queries.WATERMARKS, which), "truck_id")


async def _page(asked: Asked[WatermarkSearch], fresh: Freshness) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    rows, page_echo = await _rows(asked, fresh)
    return [_watermark(row) for row in rows], page_echo


LIST = PagedList.of(Listing("Freshness", shape(TruckWatermark)), _page, by_rows=True)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _watermark(row: Row) -> dict[str, Any]:
    known_until, t = row["known_until"], row["t"]
    return {
        "truck_id": row["truck_id"],
        "name": row["name"],
        "as_of": None if known_until is None else as_utc(known_until),
        "lag_s": row["lag_s"],
        "lagging": bool(row["lagging"]),
        "last_message_at": None if t is None else as_utc(t),
        "failed": row["error"] is not None,
        "error": _said(row["error"]),
    }


def _said(error: str | None) -> str | None:
    """What clients are told of an error: what Wialon or the sync itself said. Of a bug only its kind."""
    kind, colon, _ = (error or "").partition(": ")
    if not colon or kind in _TOLD:
        return error
    return f"an error here ({kind}); the log has it"
