"""What the API's answers share, as declared in OpenAPI. The bodies are plain dicts; tests compare them with this."""

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema


def described(description: str, example: Any) -> Any:
    """A field that is always there."""
    return Field(description=description, examples=[example])


# Declared as RFC 3339 strings; Pydantic would say no more than "string" of a validated instant's zone.
Instant = Annotated[dt.datetime, WithJsonSchema({"type": "string", "format": "date-time"})]

DISTANCE_M = "Distance driven, in metres: by odometer, else by GPS without drift."
HARSH_DISTANCE_M = "Of the distance that of truck-days which measure harsh driving; null where none does."
MOVING_S = "Seconds moving."
IDLE_S = "Seconds with the engine on and the truck still; null without engine evidence."
PARKED_S = "Seconds with the engine off, or still where the engine is unknown."
NO_DATA_S = "Seconds of which nothing is known."


class Money(BaseModel):
    amount: str = described("A decimal number as text.", "1234.50")
    currency: str = described("ISO 4217 code of the fleet's currency.", "USD")


class OwnMoney(Money):
    """An amount as it was paid: maybe in foreign money."""

    currency: str = described("ISO 4217 code: the fleet's currency, or a foreign one.", "USD")


class PeriodEcho(BaseModel):
    """The period that the answer is about."""

    from_: str = Field(
        alias="from",
        description="First local day; or the first instant, if instants were given.",
        examples=["2026-03-02"],
    )
    to: str = described("Last local day, included; or the instant it ends before.", "2026-03-08")
    timezone: str = described("IANA zone of the fleet, in which days are counted.", "America/Chicago")


class PageEcho(BaseModel):
    next_cursor: str | None = described("Pass it as `cursor` for the next page; null on the last.", None)
    has_more: bool = described("Whether rows follow.", False)


class FreshnessEcho(BaseModel):
    """How far the answer can be relied on."""

    as_of: Instant | None = described(
        "All trucks of the answer are known up to here; null before the first synchronisation.", "2026-03-09T14:05:00Z"
    )
    coverage_pct: float | None = described(
        "Share of the period's truck time of which something is known, in per cent; null where there are no days.", 97.4
    )
    lagging: list[str] = described(
        "Trucks that are more than 15 minutes behind, or have never reported: the first 100 of them.", ["T-17"]
    )
    lagging_count: int = described("How many trucks that are.", 1)
    revision: int = described("Grows with every change of the fleet's summaries.", 4711)


class FieldErrorBody(BaseModel):
    pointer: str = described("The part of the request that is wrong.", "/query/limit")
    detail: str = described("What is wrong with it.", "Input should be less than or equal to 1000")


class ProblemBody(BaseModel):
    """RFC 9457 problem details."""

    type: str = described("Stable URI of the kind of problem.", "urn:problem-type:invalid-parameters")
    title: str = described("The kind of problem in words.", "Some parameters are not valid")
    status: int = described("The HTTP status.", 422)
    code: str = described("Stable name of the kind of problem.", "invalid-parameters")
    detail: str = described("What went wrong this time.", "limit: Input should be less than or equal to 1000.")
    errors: list[FieldErrorBody] = Field(description="One for each bad part of the request.")
    request_id: str | None = described("Names this request in the logs; also in `X-Request-Id`.", "6f1c2f0a9f3e4b5c")
