"""Raw messages by API: the end of every figure's way back."""

import datetime as dt
from typing import Any

import orjson
from django.http import HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from apps.accounts import answers
from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.calendar import as_utc
from apps.accounts.paging import Page
from apps.accounts.parameters import EventPeriod, Paging
from apps.accounts.schemas import FreshnessEcho, Instant, PageEcho, PeriodEcho, described
from apps.mysql import Row, fetch_all
from apps.trucks import freshness
from apps.trucks.messages.normal import StoredPoint
from apps.trucks.schemas import TruckCode
from apps.trucks.sensors.device import HARSH_KINDS, happened, is_told

router = Router(tags=["Trucks"], by_alias=True)

_BOOLEANS = ("ignition", "pto")
READINGS = StoredPoint._fields[StoredPoint._fields.index("ignition") : StoredPoint._fields.index("dropped")]

# One row a message of [first_t, end_t), by second and content; a page begins after the second and content of another.
MESSAGES = f"""
SELECT CONCAT(t, ':', digest) AS message_key, t, digest, received_t, sensor_version, dropped, lat, lon, speed_kmh,
    {", ".join(READINGS)}, payload
FROM message
WHERE fleet_id = %(fleet)s AND truck_id = %(id)s AND t >= GREATEST(%(first_t)s, %(after_t)s) AND t < %(end_t)s
    AND (t > %(after_t)s OR digest > %(after_digest)s)
ORDER BY t, digest LIMIT %(limit)s
"""
BEFORE_ALL = "-1:0"


class MessageSearch(EventPeriod, Paging):
    """Messages of a period, by device time."""


class Harsh(BaseModel):
    """What the device says of harsh driving: whether it happened; null where it says nothing of the kind."""

    braking: bool | None = described("Harsh braking.", False)
    acceleration: bool | None = described("Harsh acceleration.", None)
    cornering: bool | None = described("Harsh cornering.", None)


class Readings(BaseModel):
    """What the truck's sensor table made of the message; null where it says nothing of it."""

    ignition: bool | None = described("Engine on, by the ignition sensor.", True)
    rpm: float | None = described("Engine speed.", 1_240.0)
    voltage: float | None = described("Volts.", 27.9)
    odometer_m: int | None = described("Odometer in metres.", 512_345_600)
    fuel_used_l: float | None = described("Total-fuel counter in litres.", 151_234.5)
    fuel_level_l: float | None = described("Level of the tank in litres.", 310.0)
    engine_hours_h: float | None = described("Engine-hour counter in hours.", 12_345.6)
    pto: bool | None = described("Power take-off on.", False)
    harsh: Harsh
    dtc: str | None = described("Active faults, as the device lists them; empty: none.", "")


class MessageItem(BaseModel):
    at: Instant = described("Device time.", "2026-03-05T16:47:30Z")
    t: int = described("Device time in UTC seconds, as Wialon sends it.", 1_772_729_250)
    received_at: Instant | None = described(
        "When Wialon registered it; null if it does not say.", "2026-03-05T16:47:33Z"
    )
    digest: str = described(
        "Tells apart messages of one second: a hash of the content, as text.", "-6917529027641081856"
    )
    sensor_version: str = described("Version of the sensor table that the readings were made with.", "9f86d081884c7d65")
    dropped: int = described("Values of it that were sent and not usable.", 0)
    readings: Readings
    message: dict[str, Any] = Field(
        description="The message as Wialon sent it: t, f, tp, rt, pos, p.",
        examples=[
            {"t": 1_772_729_250, "f": 1, "tp": "ud", "pos": {"y": 41.85, "x": -87.65, "s": 88, "sc": 12}, "p": {}}
        ],
    )


class MessagesAnswer(BaseModel):
    data: list[MessageItem] = Field(description="Messages of the period, oldest first.")
    page: PageEcho
    period: PeriodEcho
    freshness: FreshnessEcho


@router.get("/trucks/{truck_id}/messages", response=MessagesAnswer, summary="Raw messages")
async def messages(request: AuthenticatedRequest, truck_id: TruckCode, search: Query[MessageSearch]) -> HttpResponse:
    """The stored messages of a period (at most 31 days), as they came and as they were read.

    All figures are computed from these and from the sensor table; a day's `lineage` says from which of them.
    """
    answers.require_json(request)
    now, who = dt.datetime.now(dt.UTC), request.auth
    period = search.resolve(who.zone, now)
    page = Page.of(search, "messages", who.fleet_id, truck_id, period)
    fresh = await freshness.of_truck(who.fleet_id, truck_id, now)
    after_t, after_digest = map(int, (page.after or BEFORE_ALL).split(":"))
    asked = {
        "fleet": who.fleet_id, "id": fresh.truck_id, "limit": page.limit + 1, "after_t": after_t,
        "after_digest": after_digest, "first_t": _second(period.start), "end_t": _second(period.end),
    }  # fmt: skip
    rows, page_echo = page.cut(await fetch_all(MESSAGES, asked), "message_key")
    body = {
        "data": [message_item(row) for row in rows],
        "page": page_echo,
        "period": period.echo(),
        "freshness": fresh.body(),
    }
    return answers.tagged(request, body)


def _second(instant: dt.datetime) -> int:
    """The first whole second at or after an instant: messages have no fractions."""
    return -int(-instant.timestamp() // 1)


def message_item(row: Row) -> dict[str, Any]:
    """A row of MESSAGES as it is shown."""
    return {
        "at": as_utc(row["t"]),
        "t": row["t"],
        "received_at": None if row["received_t"] is None else as_utc(row["received_t"]),
        "digest": str(row["digest"]),
        "sensor_version": row["sensor_version"],
        "dropped": row["dropped"],
        "readings": _readings(row),
        "message": orjson.Fragment(row["payload"]),
    }


def _readings(row: Row) -> dict[str, Any]:
    booleans = {name: None if row[name] is None else bool(row[name]) for name in _BOOLEANS}
    code = row["harsh"] or 0
    harsh = {kind: happened(code, kind) if is_told(code, kind) else None for kind in HARSH_KINDS}
    return {**{name: row[name] for name in READINGS}, **booleans, "harsh": harsh}
