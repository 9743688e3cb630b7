"""The lineage of a truck's day by API. Not hot: plain ORM, so a plain `def`."""

import datetime as dt
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpResponse
from ninja import Router
from pydantic import BaseModel, Field

from apps.accounts import answers
from apps.accounts.amounts import money
from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.parameters import refuse_others
from apps.accounts.problems import NotFound
from apps.accounts.schemas import FreshnessEcho, Instant, Money, described
from apps.fleet.lineage import days as lineage
from apps.mysql import fetch_all_sync
from apps.trucks import freshness
from apps.trucks import queries as truck_queries
from apps.trucks.models import Truck
from apps.trucks.schemas import CODE, TruckCode

router = Router(tags=["Trucks"], by_alias=True)


class FigureLineage(BaseModel):
    name: str = described("Name of the figure, as in `days`.", "distance_gps_m")
    value: float | str | None = described("Its value; null if not measured.", 412_345)
    rule: str = described("How it comes about, in a sentence.", "Straight lines between consecutive fixes, …")
    section: str = described("Heading of docs/metrics.md that has it at length.", "Distance and counters")
    rests_on: list[str] = described("What it is computed from: `messages`, and kinds of `events`.", ["messages"])
    parameters: list[str] = described("The parameters that it depends on.", ["max_leg_kmh"])


class MessagesLineage(BaseModel):
    """The day's messages; those before and after it decide over the edges of the day."""

    count: int = described("Raw messages that the figures were computed from.", 1_441)
    first_at: Instant | None = described("The first of them.", "2026-03-05T06:00:12Z")
    last_at: Instant | None = described("The last of them.", "2026-03-06T05:59:41Z")
    stored: int = described("How many of the day are stored now; fewer: dropped since, more: not computed yet.", 1_441)
    hash: str = described(
        "BLAKE2b of 16 bytes over a line `t:digest` for each stored message, by `t` and `digest` as numbers.",
        "cae66941d9efbd404e4d88758ea67670",
    )
    before_at: Instant | None = described(
        "The last message before the day, at most 35 days away.", "2026-03-05T05:59:42Z"
    )
    after_at: Instant | None = described(
        "The first message after the day, at most 35 days away.", "2026-03-06T06:00:11Z"
    )
    url: str = described("Where to read them.", "/api/v2/trucks/T-101/messages?from=2026-03-05&to=2026-03-05")


class SensorTableLineage(BaseModel):
    version: str = described("Version of the sensor table.", "9f86d081884c7d65")
    messages: int = described("How many of the day's messages were read with it.", 1_441)
    first_seen_at: Instant | None = described("When it was first seen.", "2026-02-01T08:00:00Z")
    tank_l: float | None = described("Capacity of the tank that went with it, in litres.", 400.0)
    left_out: list[int] | None = described("Ids of sensors that staff left out.", [])
    definitions: dict[str, Any] | None = Field(
        description="The sensors, as Wialon sent them.", examples=[{"1": {"id": 1, "n": "Ignition", "p": "ign"}}]
    )


class ParameterSetLineage(BaseModel):
    effective_from: dt.date = described("First day.", "2026-01-01")
    scope: Literal["fleet", "truck"] = described("Whose it is; a truck's wins over its fleet's.", "fleet")
    values: dict[str, float] = described("The parameters that it sets.", {"speed_limit_kmh": 90})


class ParametersLineage(BaseModel):
    version: str = described("Names the values that the day was computed with.", "a1b2c3d4e5f60718")
    is_current: bool = described("Whether these are the values in force; false: the day waits for a rebuild.", True)
    values: dict[str, float] = described("All values in force on the day.", {"moving_speed_kmh": 5})
    sets: list[ParameterSetLineage] = Field(description="Where they differ from the defaults: later ones win.")


class CorrectionLineage(BaseModel):
    figure: str = described("Which figure.", "distance_m")
    old: str | None = described("What it was.", "412000")
    new: str | None = described("What it became.", "412345")
    cause: str = described("Why the day was computed anew.", "messages")
    corrected_at: Instant = described("When.", "2026-03-20T04:12:00Z")
    revision: int = described("The revision that it came with.", 4_711)


class CostLineage(BaseModel):
    line: str = described("Cost line.", "tolls")
    source: str = described("`actual`, `allocated` or `estimated`.", "allocated")
    amount: Money
    from_: list[dict[str, Any]] = Field(
        alias="from",
        description="Rows of the ledger: shares of invoices, rates, or fuel prices with the time they were in force.",
        examples=[[{"kind": "invoice", "entry_id": 12, "document": "2026-118", "share": "11.00"}]],
    )


class DayLineage(BaseModel):
    truck_id: str = described(CODE, "T-101")
    day: dt.date = described("The local day.", "2026-03-05")
    timezone: str = described("Zone of the fleet.", "America/Chicago")
    start: Instant = described("Its first instant.", "2026-03-05T06:00:00Z")
    end: Instant = described("The instant it ends before.", "2026-03-06T06:00:00Z")
    as_of: Instant = described("The figures are of the part before.", "2026-03-06T06:00:00Z")
    status: str = described("`provisional`, `final` or `corrected`.", "final")
    revision: int = described("The fleet's revision with which it last changed.", 4_711)
    computed_at: Instant = described("When it last changed.", "2026-03-06T06:04:00Z")
    content_hash: str = described(
        "Of all figures, events and estimates: equal when nothing changed.", "5feceb66ffc86f38"
    )
    waiting: str | None = described("Why it is about to be computed anew; null: it is up to date.", None)
    figures: list[FigureLineage] = Field(description="Every figure of the day.")
    events: dict[str, list[dict[str, Any]]] = Field(
        description="The events that start in the day, by kind, with all their columns.",
        examples=[{"trips": [{"started_at": "2026-03-05T12:10:00Z", "distance_m": 120_300}]}],
    )
    messages: MessagesLineage
    sensor_tables: list[SensorTableLineage] = Field(description="What the messages were read with.")
    parameters: ParametersLineage
    costs: list[CostLineage] = Field(description="The day's costs and where they come from.")
    corrections: list[CorrectionLineage] = Field(description="What changed after the day was final, latest first.")


class LineageAnswer(BaseModel):
    data: DayLineage
    freshness: FreshnessEcho


@router.get("/trucks/{truck_id}/days/{day}/lineage", response=LineageAnswer, summary="How a day was computed")
def day_lineage(request: AuthenticatedRequest, truck_id: TruckCode, day: dt.date) -> HttpResponse:
    """A day's figures with their rules, and what they rest on: events, messages, versions, parameters, the ledger."""
    answers.require_json(request)
    refuse_others(request.GET)
    fleet = request.auth.fleet_id
    truck = Truck.objects.select_related("fleet").filter(fleet=fleet, code=truck_id).first()
    if truck is None:
        raise freshness.no_such_truck()
    found = lineage.of_day(truck, day)
    if found is None:
        raise NotFound("This truck has no such day.")
    return answers.tagged(request, {"data": _data(found, truck), "freshness": _freshness(fleet, truck_id)})


def _data(found: lineage.Part, truck: Truck) -> dict[str, Any]:
    address = f"/api/v2/trucks/{truck.code}/messages?from={found['day']}&to={found['day']}"
    costs = [{**each, "amount": money(each["amount"], truck.fleet.currency)} for each in found["costs"]]
    data: dict[str, Any] = _without_decimals({**found, "costs": costs})
    return {**data, "messages": {**data["messages"], "url": address}}


def _without_decimals(value: Any) -> Any:
    """The same with decimals as text, as money is served."""
    if isinstance(value, dict):
        return {name: _without_decimals(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_decimals(part) for part in value]
    return f"{value:f}" if isinstance(value, Decimal) else value


def _freshness(fleet_id: int, code: str) -> dict[str, Any]:
    now = int(dt.datetime.now(dt.UTC).timestamp())
    rows = fetch_all_sync(truck_queries.TRUCK_FRESHNESS, {"fleet": fleet_id, "truck": code})
    return freshness.of_row(rows[0], now).body()
