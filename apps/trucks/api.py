"""The API's endpoints about trucks: key → named statements → pool → bytes."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts import answers
from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.calendar import as_utc
from apps.accounts.paging import Page
from apps.accounts.parameters import refuse_others
from apps.files.answers import Listing, file_asked
from apps.files.columns import shape
from apps.merging import Merger, together
from apps.mysql import Row, fetch_all
from apps.trucks import freshness, queries, remembered, schemas
from apps.trucks.detection.counters import hours_source, mileage_source
from apps.trucks.freshness import Freshness
from apps.trucks.messages.sealing import is_sealed
from apps.trucks.paged_lists import Asked, PagedList
from apps.trucks.parameters import DEFAULTS
from apps.trucks.period_answers import of_period
from apps.trucks.states import by_status

router = Router(tags=["Trucks"], by_alias=True)
_latest_rows = Merger()
_NO_DOCUMENT = b'{"sensors":[],"position":null}'


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _instant(t: int | None) -> dt.datetime | None:
    return None if t is None else as_utc(t)


# --- all trucks, one truck ------------------------------------------------------------------------------------------


@router.get("/trucks", response=schemas.TrucksAnswer, summary="Trucks and what they are doing")
async def trucks(request: AuthenticatedRequest, search: Query[schemas.TruckSearch]) -> HttpResponse:
    """The fleet's active trucks by code, with their state now; `summary` counts them by state."""
    if form := file_asked(request, search):
        return await LIST.file(request, search, search, form)
    answers.require_json(request)
    now = _now()
    asked = await LIST.asked(request.auth, search, now)
    fresh = await freshness.with_lagging(asked.fleet_id, await asked.state(now))
    counts, (rows, page_echo) = await together(_counts(asked, fresh), _page(asked, fresh))
    body = {
        "data": rows,
        "summary": counts,
        "page": page_echo,
        "freshness": fresh.body(),
    }
    return answers.tagged(request, body)


async def _page(asked: Asked[schemas.TruckSearch], fresh: Freshness) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    page, statuses = asked.page, ",".join(asked.parameters.status) or None
    wanted = {"statuses": statuses, "after": page.after or "", "limit": page.limit + 1}
    found = await fetch_all(queries.TRUCKS, {**_searched(asked, fresh), **wanted})
    rows, page_echo = page.cut(found, "truck_id")
    return [_truck_item(row) for row in rows], page_echo


LIST = PagedList.of(Listing("Trucks", shape(schemas.TruckItem)), _page, by_rows=True)


def _searched(asked: Asked[schemas.TruckSearch], fresh: Freshness) -> dict[str, Any]:
    text = asked.parameters.q
    pattern = None if text is None else matching(text)
    return {"fleet": asked.fleet_id, "now": fresh.asked_at, "group": asked.group_id, "pattern": pattern}


def matching(text: str) -> str:
    """A LIKE pattern for texts that contain this one."""
    for special in "\\%_":
        text = text.replace(special, "\\" + special)
    return f"%{text}%"


def _truck_item(row: Row) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("truck_id", "name", "plate", "vin", "make", "model", "model_year")},
        "groups": _names(row["group_names"]),
        "status": row["status"],
        "engine_on": None if row["engine_on"] is None else bool(row["engine_on"]),
        "speed_kmh": row["speed_kmh"],
        "lat": row["lat"],
        "lon": row["lon"],
        "position_at": _instant(row["fix_t"]),
        "last_message_at": _instant(row["t"]),
    }


def _names(array: str | None) -> list[str]:
    return sorted(orjson.loads(array)) if array else []


async def _counts(asked: Asked[schemas.TruckSearch], fresh: Freshness) -> dict[str, int]:
    """How many trucks are found, whatever their status, and how many of each. How many a fleet has is a fact of it."""
    searched = _searched(asked, fresh)
    if asked.parameters.q or asked.group_id is not None:
        [found] = await fetch_all(queries.FOUND_BY_STATUS, searched)
        return {"trucks": found["trucks"], **by_status(found, found["trucks"])}
    [counted], [active] = await together(
        fetch_all(queries.TRUCKS_BY_STATUS, searched),
        remembered.facts.rows(queries.ACTIVE_TRUCKS, {"fleet": asked.fleet_id}, fresh.facts),
    )
    return {"trucks": active["trucks"], **by_status(counted, active["trucks"])}


@router.get("/trucks/{truck_id}", response=schemas.TruckAnswer, summary="A truck's identity")
async def truck(request: AuthenticatedRequest, truck_id: schemas.TruckCode) -> HttpResponse:
    """What the truck is, who drives it now, and what it is measured with."""
    answers.require_json(request)
    refuse_others(request.GET)
    now, fleet = _now(), request.auth.fleet_id
    fresh = await freshness.of_truck(fleet, truck_id, now)
    which = {"fleet": fleet, "id": fresh.truck_id}
    row = (await fetch_all(queries.TRUCK, {**which, "now": int(now.timestamp())}))[0]
    drivers = await fetch_all(queries.DRIVER_NOW, {**which, "at": now})
    counters = await fetch_all(queries.COUNTERS, which)
    today = now.astimezone(request.auth.zone).date()
    parameters = await parameters_in_force(fleet, fresh.truck_id, today)
    data = {**_detail(row, drivers, parameters), "counters": _counters(*counters)}
    return answers.tagged(request, {"data": data, "freshness": fresh.body()})


def _counters(row: Row | None = None) -> dict[str, Any] | None:
    """The unit's own counters, each with what it is worth."""
    if row is None:
        return None
    mileage, hours = mileage_source(row["flags"]), hours_source(row["flags"])
    return {
        "mileage_km": row["mileage_km"],
        "mileage_source": mileage,
        "mileage_is_measured": mileage.is_measured,
        "engine_hours": row["engine_hours"],
        "engine_hours_source": hours,
        "engine_hours_is_measured": hours.is_measured,
        "at": row["at"],
    }


def _detail(row: Row, drivers: Sequence[Row], parameters: Mapping[str, float]) -> dict[str, Any]:
    problems = orjson.loads(row.pop("sensor_problems"))
    t, group_names = row.pop("t"), row.pop("group_names")
    return {
        **row,
        "is_active": bool(row["is_active"]),
        "groups": _names(group_names),
        "last_message_at": _instant(t),
        "driver": drivers[0] if drivers else None,
        "parameters": parameters,
        "sensor_problems": [dict(zip(("sensor_id", "name", "reason"), each, strict=True)) for each in problems],
    }


async def parameters_in_force(fleet_id: int, truck_id: int | None, day: dt.date) -> dict[str, float]:
    """The parameters of a truck, or of its fleet in general, on a day."""
    rows = await fetch_all(queries.PARAMETER_SETS, {"fleet": fleet_id, "id": truck_id, "day": day})
    values: dict[str, float] = {}
    for row in rows:
        values |= orjson.loads(row["values"])
    parameters = DEFAULTS.overridden(values)
    return {name: getattr(parameters, name) for name in parameters.__slots__}


@router.get("/trucks/{truck_id}/sensors", response=schemas.SensorsAnswer, summary="Latest sensor values")
async def sensors(request: AuthenticatedRequest, truck_id: schemas.TruckCode) -> HttpResponse:
    """The latest value of every sensor, each with its own time, and the last position.

    Its `ETag` is weak: it stands for the values and the status, not for `now`.
    """
    answers.require_json(request)
    refuse_others(request.GET)
    now = _now()
    shared = {"fleet": request.auth.fleet_id, "now": int(now.timestamp())}
    rows = await _latest_rows.rows(queries.LATEST, shared, truck_id) if schemas.is_code(truck_id) else []
    if not rows:
        raise freshness.no_such_truck()
    row = rows[0]
    tag = answers.etag(request, row["state"], row["open_faults"], weak=True)
    if answers.is_known(request, tag):
        return answers.not_modified(tag)
    return answers.json_response(_latest(row, now), tag)


def _latest(row: Row, now: dt.datetime) -> bytes:
    """The answer around what the sync and the summaries keep ready: neither is parsed."""
    code = row["truck_id"]
    _, t, status, known_until, lagging, revision = orjson.loads(row["state"])
    fresh = Freshness(revision, known_until, int(lagging), lagging=(code,) if lagging else ())
    head = answers.dumps(
        {
            "freshness": fresh.body(),
            "data": {"truck_id": code, "status": status, "now": now, "last_message_at": _instant(t)},
        }
    )
    document = row["document"]
    values = _NO_DOCUMENT if document in (None, b"", b"{}") else document
    return b'%b,"faults":%b,%b}' % (head[:-2], row["open_faults"] or b"[]", values[1:])


# --- what a truck did in a period -----------------------------------------------------------------------------------


@router.get("/trucks/{truck_id}/days", response=schemas.DaysAnswer, summary="Daily summaries")
async def days(
    request: AuthenticatedRequest, truck_id: schemas.TruckCode, search: Query[schemas.DaySearch]
) -> HttpResponse:
    """The truck's daily summaries (at most 400 days)."""

    async def body(asked: dict[str, Any], page: Page, coverage: Row) -> dict[str, Any]:
        rows, page_echo = page.cut(await fetch_all(queries.TRUCK_DAYS[search.is_descending], asked), "day")
        return {
            "data": [_day_item(row, request.auth.zone) for row in rows],
            "page": page_echo,
        }

    return await of_period(request, truck_id, search, "days", body)


def _day_item(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    row["sealed"] = is_sealed(row["day"], row["raw_since_t"], zone)
    return {name: row.get(name) for name in schemas.DayItem.model_fields}
