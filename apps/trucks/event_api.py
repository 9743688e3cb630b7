"""The API's endpoints about single events of trucks: key → named statements → pool → bytes."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponse
from ninja import Query, Router

from apps.accounts.amounts import money
from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.paging import Page
from apps.mysql import Row, fetch_all
from apps.trucks import event_queries, event_schemas
from apps.trucks.comparison import Totals
from apps.trucks.detection.faults import failure
from apps.trucks.detection.spn import suspect
from apps.trucks.period_answers import Body, of_period
from apps.trucks.schemas import SEVERITIES, EventsOfPeriod, TruckCode

router = Router(tags=["Trucks"], by_alias=True)
_HARSH_KINDS = ("braking", "acceleration", "cornering")
_FUEL_KINDS = ("refuel", "drain")
_KEY = "event_key"
_NO_FILTERS: Mapping[str, str | None] = {}
_TRIP_TOTALS = Totals(
    event_queries.TRIP_TOTALS,
    {
        **dict.fromkeys(("trips", "moving_s", "parked_s", "no_data_s", "max_speed_kmh"), "days_with_trips"),
        "distance_m": "days_with_distance",
        "idle_s": "days_with_idling",
        "fuel_l": "days_with_fuel",
    },
)
_STOP_TOTALS = Totals(
    event_queries.STOP_TOTALS,
    {**dict.fromkeys(("stops", "parked_s", "no_data_s"), "days_with_stops"), "idle_s": "days_with_idling"},
)
_IDLE_TOTALS = Totals(
    event_queries.IDLE_TOTALS,
    {
        **dict.fromkeys(("idle_events", "duration_s", "productive_s"), "days_with_idling"),
        **dict.fromkeys(("fuel_l", "cost"), "days_with_idle_fuel"),
    },
    ("cost",),
)
_FUEL_TOTALS = Totals(
    event_queries.FUEL_TOTALS,
    {
        **dict.fromkeys(("refuels", "refuel_l", "refuel_cost"), "days_with_refuels"),
        **dict.fromkeys(("drains", "drain_l", "drain_cost"), "days_with_drains"),
        **dict.fromkeys(("suspected", "suspected_l", "suspected_cost"), "days_with_drains"),
    },
    ("refuel_cost", "drain_cost", "suspected_cost"),
)


def _priced(
    statements: Mapping[bool, str],
    search: EventsOfPeriod,
    currency: str,
    filters: Mapping[str, str | None] = _NO_FILTERS,
) -> Body:
    """Events of a period, each with what it cost; their totals are for `of_period` to compare."""

    async def body(asked: dict[str, Any], page: Page, coverage: Row) -> dict[str, Any]:
        rows, page_echo = await _page(statements, search, page, asked, filters)
        return {"data": [{**row, "cost": money(row["cost"], currency)} for row in rows], "page": page_echo}

    return body


async def _page(
    statements: Mapping[bool, str],
    search: EventsOfPeriod,
    page: Page,
    asked: dict[str, Any],
    filters: Mapping[str, str | None],
) -> tuple[Sequence[Row], dict[str, Any]]:
    rows, page_echo = page.cut(await fetch_all(statements[search.is_descending], {**asked, **filters}), _KEY)
    return [{name: value for name, value in row.items() if name != _KEY} for row in rows], page_echo


@router.get("/trucks/{truck_id}/trips", response=event_schemas.TripsAnswer, summary="Trips")
async def trips(
    request: AuthenticatedRequest, truck_id: TruckCode, search: Query[event_schemas.EventSearch]
) -> HttpResponse:
    """Trips that started in the period (at most 31 days), and their totals."""

    async def body(asked: dict[str, Any], page: Page, coverage: Row) -> dict[str, Any]:
        totals = await _TRIP_TOTALS.of(asked, coverage)
        rows, page_echo = page.cut(await fetch_all(event_queries.TRIPS[search.is_descending], asked), "started_at")
        return {
            "data": [_trip_item(row) for row in rows],
            "summary": totals,
            "page": page_echo,
        }

    return await of_period(request, truck_id, search, "trips", body)


def _trip_item(row: Row) -> dict[str, Any]:
    lat, lon, end_lat, end_lon = (row.pop(name) for name in ("lat", "lon", "end_lat", "end_lon"))
    driver = {"driver_id": row.pop("driver_code"), "name": row.pop("driver_name")}
    return {
        "started_at": row.pop("started_at"),
        "ended_at": row.pop("ended_at"),
        "duration_s": row["moving_s"] + (row["idle_s"] or 0) + row["parked_s"] + row["no_data_s"],
        "start": {"lat": lat, "lon": lon},
        "end": {"lat": end_lat, "lon": end_lon},
        **row,
        "driver": None if driver["driver_id"] is None else driver,
    }


@router.get("/trucks/{truck_id}/speeding-events", response=event_schemas.SpeedingAnswer, summary="Speeding episodes")
async def speeding_events(
    request: AuthenticatedRequest, truck_id: TruckCode, search: Query[event_schemas.SeveritySearch]
) -> HttpResponse:
    """Speeding episodes that started in the period (at most 31 days), and how many there were of each severity."""
    severities = {"severities": ",".join(search.severity or SEVERITIES)}

    async def body(asked: dict[str, Any], page: Page, coverage: Row) -> dict[str, Any]:
        totals = await fetch_all(event_queries.SPEEDING_TOTALS, asked)
        rows, page_echo = await _page(event_queries.SPEEDING, search, page, asked, severities)
        summary = _by_severity(totals, is_measured=coverage["days_with_speeding"] > 0)
        return {"data": rows, "summary": summary, "page": page_echo}

    return await of_period(request, truck_id, search, "speeding-events", body)


def _by_severity(rows: Sequence[Row], *, is_measured: bool) -> dict[str, dict[str, int | None]]:
    """Zero where nothing occurred, null where speed was not measured."""
    nothing = dict.fromkeys(("episodes", "duration_s"), 0 if is_measured else None)
    totals = {row.pop("severity"): row for row in rows}
    return {severity: totals.get(severity, nothing) for severity in SEVERITIES}


@router.get("/trucks/{truck_id}/stops", response=event_schemas.StopsAnswer, summary="Stops")
async def stops(
    request: AuthenticatedRequest, truck_id: TruckCode, search: Query[event_schemas.EventSearch]
) -> HttpResponse:
    """Stops between trips that started in the period (at most 31 days), and their totals."""

    async def body(asked: dict[str, Any], page: Page, coverage: Row) -> dict[str, Any]:
        summary = await _STOP_TOTALS.of(asked, coverage)
        rows, page_echo = await _page(event_queries.STOPS, search, page, asked, _NO_FILTERS)
        return {"data": rows, "summary": summary, "page": page_echo}

    return await of_period(request, truck_id, search, "stops", body)


@router.get("/trucks/{truck_id}/idle-events", response=event_schemas.IdleAnswer, summary="Idle events")
async def idle_events(
    request: AuthenticatedRequest, truck_id: TruckCode, search: Query[event_schemas.EventSearch]
) -> HttpResponse:
    """Idling that is long enough to be an event and started in the period (at most 31 days), with what it cost."""
    body = _priced(event_queries.IDLE_EVENTS, search, request.auth.currency)
    return await of_period(request, truck_id, search, "idle-events", body, _IDLE_TOTALS)


@router.get("/trucks/{truck_id}/fuel-events", response=event_schemas.FuelEventsAnswer, summary="Refuels and drains")
async def fuel_events(
    request: AuthenticatedRequest, truck_id: TruckCode, search: Query[event_schemas.FuelEventSearch]
) -> HttpResponse:
    """Refuels and drains that started in the period (at most 31 days), with what people said of the drains."""
    filters = {"kinds": ",".join(search.kind or _FUEL_KINDS), "reviews": ",".join(search.review) or None}
    body = _priced(event_queries.FUEL_EVENTS, search, request.auth.currency, filters)
    return await of_period(request, truck_id, search, "fuel-events", body, _FUEL_TOTALS)


@router.get("/trucks/{truck_id}/harsh-events", response=event_schemas.HarshAnswer, summary="Harsh driving")
async def harsh_events(
    request: AuthenticatedRequest, truck_id: TruckCode, search: Query[event_schemas.HarshSearch]
) -> HttpResponse:
    """Harsh braking, acceleration and cornering of the period (at most 31 days), and how often each occurred."""
    kinds = ",".join(search.kind or _HARSH_KINDS)

    async def body(asked: dict[str, Any], page: Page, coverage: Row) -> dict[str, Any]:
        measured = (await fetch_all(event_queries.HARSH_TOTALS, asked))[0]
        counts = {row["kind"]: row["events"] for row in await fetch_all(event_queries.HARSH_COUNTS, asked)}
        rows, page_echo = await _page(event_queries.HARSH_EVENTS, search, page, asked, {"kinds": kinds})
        summary = {kind: None if measured[kind] is None else counts.get(kind, 0) for kind in _HARSH_KINDS}
        return {"data": rows, "summary": summary, "page": page_echo}

    return await of_period(request, truck_id, search, "harsh-events", body)


@router.get("/trucks/{truck_id}/faults", response=event_schemas.FaultsAnswer, summary="Faults (DTC)")
async def faults(
    request: AuthenticatedRequest, truck_id: TruckCode, search: Query[event_schemas.SeveritySearch]
) -> HttpResponse:
    """Faults that opened in the period (at most 31 days), with when they were cleared and acknowledged."""
    severities = ",".join(search.severity or SEVERITIES)

    async def body(asked: dict[str, Any], page: Page, coverage: Row) -> dict[str, Any]:
        told = (await fetch_all(event_queries.DAYS_WITH_FAULT_LISTS, asked))[0]["days"]
        counts = {row["severity"]: row["events"] for row in await fetch_all(event_queries.FAULT_COUNTS, asked)}
        rows, page_echo = await _page(event_queries.FAULTS, search, page, asked, {"severities": severities})
        summary = {severity: counts.get(severity, 0) if told else None for severity in SEVERITIES}
        return {"data": [in_words(row) for row in rows], "summary": summary, "page": page_echo}

    return await of_period(request, truck_id, search, "faults", body)


def in_words(fault: Row) -> dict[str, Any]:
    """A fault with what its numbers mean."""
    return {**fault, "suspect": suspect(fault["spn"]), "failure": failure(fault["fmi"])}
