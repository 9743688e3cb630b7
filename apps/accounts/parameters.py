"""The query parameters that endpoints share; whatever an endpoint does not declare is refused by name."""

import datetime as dt
from collections.abc import Collection
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, get_origin
from zoneinfo import ZoneInfo

from django.http import QueryDict
from pydantic import BaseModel, Field, ValidationInfo, WithJsonSchema, model_validator

from apps.accounts import periods
from apps.accounts.problems import FieldError, InvalidParameters

_DATE = {"type": "string", "format": "date"}
Day = Annotated[str, WithJsonSchema(_DATE)]
DayOrInstant = Annotated[str, WithJsonSchema({"anyOf": [_DATE, {"type": "string", "format": "date-time"}]})]
PeriodName = Literal["today", "yesterday", "week", "month", "quarter", "last7", "last30", "last90"]
_NAMED_PERIOD = Field(
    None,
    description="A period by name instead of `from` and `to`: `week`, `month` and `quarter` are the current ones up to "
    "today; `last7`, `last30` and `last90` so many complete days up to yesterday. Without any period: `last7`.",
)


class Parameters(BaseModel):
    """The query parameters of one endpoint."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_others(cls, values: Any, info: ValidationInfo) -> Any:
        if info.context is not None:
            refuse_others(info.context["request"].GET, *_known(cls))
        return values

    def span(self, zone: ZoneInfo, now: dt.datetime) -> periods.Period | None:
        """The period that is asked for; None where there is none. Raises InvalidParameters."""
        return None


@cache
def _known(parameters: type[Parameters]) -> tuple[Collection[str], Collection[str]]:
    """What its parameters are called, and which of them are lists."""
    names = {field.alias or name: field for name, field in parameters.model_fields.items()}
    return sorted(names, key=place), {name for name, field in names.items() if get_origin(field.annotation) is list}


_FIRST = ("from", "to", "period")
_LAST = ("limit", "cursor", "format", "units", "bom", "comment")


def place(name: str) -> int:
    """Where a parameter is named among others: below 0 the period, above 0 pages and forms of files, 0 the rest."""
    return _FIRST.index(name) - len(_FIRST) if name in _FIRST else _LAST.index(name) + 1 if name in _LAST else 0


def refuse_others(query: QueryDict, known: Collection[str] = (), repeatable: Collection[str] = ()) -> None:
    """Raises InvalidParameters for parameters that are unknown, or given twice where one is expected."""
    errors = [
        FieldError(f"/query/{name}", _refusal(known) if name not in known else "is given more than once")
        for name, values in query.lists()
        if name not in known or (len(values) > 1 and name not in repeatable)
    ]
    if errors:
        raise InvalidParameters(f"{errors[0].pointer.removeprefix('/query/')}: {errors[0].detail}.", errors)


def _refusal(known: Collection[str]) -> str:
    return f"is no parameter of this; there are {', '.join(known)}" if known else "is no parameter of this: it has none"


class Period(Parameters):
    """What both kinds of periods have; a subclass says how long they may be."""

    max_days: ClassVar[int]
    instants: ClassVar[bool] = False

    from_: str | None = Field(None, alias="from")
    to: str | None = None
    period: PeriodName | None = None

    def resolve(self, zone: ZoneInfo, now: dt.datetime) -> periods.Period:
        """The period in the fleet's zone. Raises InvalidParameters."""
        given = self.from_, self.to, self.period
        try:
            return periods.requested(*given, now=now, zone=zone, max_days=self.longest(), instants=self.instants)
        except periods.PeriodError as error:
            detail = f"{error.field}: {error}."
            raise InvalidParameters(detail, [FieldError(f"/query/{error.field}", str(error))]) from None

    def longest(self) -> int:
        """How many days it may have, with what else is asked for."""
        return self.max_days

    def span(self, zone: ZoneInfo, now: dt.datetime) -> periods.Period | None:
        return self.resolve(zone, now)


class DayPeriod(Period):
    """Days of summaries."""

    max_days = 400

    from_: Day | None = Field(
        None,
        alias="from",
        description="First day, in the fleet's time zone. At most 400 days in all.",
        examples=["2026-03-01"],
    )
    to: Day | None = Field(None, description="Last day, included; without it, today.", examples=["2026-03-31"])
    period: PeriodName | None = _NAMED_PERIOD


class OptionalPeriod(DayPeriod):
    """Days, or none: then all there is."""

    period: PeriodName | None = Field(
        None,
        description="A period by name instead of `from` and `to`: `week`, `month` and `quarter` are the current ones "
        "up to today; `last7`, `last30` and `last90` so many complete days up to yesterday. Without any period: all.",
    )

    def span(self, zone: ZoneInfo, now: dt.datetime) -> periods.Period | None:
        return None if self.from_ is self.to is self.period is None else self.resolve(zone, now)


class EventPeriod(Period):
    """Days, or exact instants, of single events."""

    max_days = 31
    instants = True

    from_: DayOrInstant | None = Field(
        None,
        alias="from",
        description="First day, in the fleet's time zone, or an RFC 3339 instant with an offset. At most 31 days.",
        examples=["2026-03-01", "2026-03-01T06:00:00Z"],
    )
    to: DayOrInstant | None = Field(
        None,
        description="Last day, included, or an instant, excluded; without it, today or now.",
        examples=["2026-03-31", "2026-03-02T06:00:00Z"],
    )
    period: PeriodName | None = _NAMED_PERIOD


class Paging(Parameters):
    limit: int = Field(100, ge=1, le=1000, description="Rows on a page.")
    cursor: str | None = Field(
        None, max_length=200, description="`page.next_cursor` of the page before, with the same other parameters."
    )
