"""The rows of the ledger in the API: what a request may say of one, and what an answer says. As declared in OpenAPI."""

import datetime as dt
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from apps.accounts.schemas import Instant, Money, OwnMoney, described
from apps.files.cells import Kind
from apps.fleet.models import RATED_LINES, AllocationBasis, CostBasis, CostLine

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:?\d{2})?", re.ASCII)
_DECIMAL = r"[0-9]+(\.[0-9]+)?"
_CODE, _AMOUNT, _QUANTITY = "^[A-Z]{3}$", f"^-?{_DECIMAL}$", f"^{_DECIMAL}$"
# What is said of a text that does not look like one of these.
FORMS = {
    _CODE: "is not a code of three capital letters, such as USD",
    _AMOUNT: "is not a decimal number, such as 1234.50",
    _QUANTITY: "is not a decimal number from 0 on, such as 310.25",
}


def _written_as(pattern: re.Pattern[str], example: str) -> BeforeValidator:
    """Refuses what is not written so: Pydantic takes numbers, and texts of digits, for seconds since 1970."""

    def refuse_others(value: Any) -> Any:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(f"should be text like {example}")
        return value

    return BeforeValidator(refuse_others)


def _whole_second(moment: dt.datetime) -> dt.datetime:
    return moment.replace(microsecond=0)


Day = Annotated[dt.date, _written_as(_DAY, "2026-03-31"), WithJsonSchema({"type": "string", "format": "date"})]
Moment = Annotated[
    AwareDatetime,
    _written_as(_MOMENT, "2026-03-05T14:30:00-06:00"),
    AfterValidator(_whole_second),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


def _not_fuel(line: CostLine) -> CostLine:
    if line is CostLine.FUEL:
        raise ValueError("has prices instead of rates: /costs/fuel-prices")
    return line


_RATED = [value for value, _ in RATED_LINES]
RatedLine = Annotated[CostLine, AfterValidator(_not_fuel), WithJsonSchema({"type": "string", "enum": _RATED})]
# In answers both are text; in files they are a day and a number.
DayText = Annotated[str, Kind.DAY]
NumberText = Annotated[str, Kind.NUMBER]
_OMITTED: Any = None  # a PATCH leaves out what stays as it is; null is not that
_ID = described("Names the row.", 118)
_TRUCK = Field(None, max_length=32, description="Code of the truck that it is for.", examples=["T-101"])
_GROUP = Field(None, max_length=255, description="Name of the group of trucks that it is for.", examples=[None])
_IMPORT = Field(description="The import that it came with; null: entered by itself.", examples=[None])


class Body(BaseModel):
    """A request's body: what it does not declare is refused."""

    model_config = ConfigDict(extra="forbid")


class MoneyIn(Body):
    amount: str = Field(pattern=_AMOUNT, max_length=20, description="A decimal number as text.", examples=["1234.50"])
    currency: str = Field(pattern=_CODE, description="ISO 4217 code.", examples=["USD"])


# --- entries ---


_EntryLine = Annotated[CostLine, described("Cost line.", "insurance")]
_EntryAmount = Annotated[MoneyIn, Field(description="A credit note is negative. Foreign money needs an exchange rate.")]
_CoversFrom = Annotated[Day, described("First day that it covers.", "2026-03-01")]


class EntryPatch(Body):
    """What can change of an entry. For another truck or group, delete it and make another."""

    line: _EntryLine = _OMITTED
    amount: _EntryAmount = _OMITTED
    covers_from: _CoversFrom = _OMITTED
    covers_to: Day = Field(_OMITTED, description="Last day, included.", examples=["2026-03-31"])
    basis: AllocationBasis = Field(_OMITTED, description="How it is spread.", examples=["days"])
    document: str = Field(_OMITTED, max_length=80, description="Document reference.", examples=["INV-118"])


class EntryIn(EntryPatch):
    """A cost entry: without truck and group it is the whole fleet's."""

    line: _EntryLine
    amount: _EntryAmount
    covers_from: _CoversFrom
    covers_to: Day = Field(description="Last day, included.", examples=["2026-03-31"])
    truck_id: str | None = _TRUCK
    group: str | None = _GROUP


class Spreading(BaseModel):
    """How far the invoice is in the costs: its shares are those of the days that have come."""

    state: Literal["spread", "waiting", "no_exchange_rate"] = described(
        "`spread`; `waiting`: its shares follow; `no_exchange_rate`: it costs nothing until there is a rate.", "spread"
    )
    reason: str | None = described("Why it is not spread as it stands; null: it is.", None)


class Entry(BaseModel):
    id: int = _ID
    line: str = described("Cost line.", "insurance")
    amount: OwnMoney
    truck_id: str | None = Field(description="Code of its truck.", examples=["T-101"])
    group: str | None = Field(description="Name of its group of trucks.", examples=[None])
    covers_from: DayText = described("First day that it covers.", "2026-03-01")
    covers_to: DayText = described("Last day, included.", "2026-03-31")
    basis: str = described("How it is spread: `days`, `km`, `trucks`.", "days")
    document: str = described("Document reference.", "INV-118")
    import_id: int | None = _IMPORT
    spreading: Spreading


# --- rates ---

_RateLine = Annotated[RatedLine, described("Cost line; fuel has prices instead.", "tires")]
_RateBasis = Annotated[CostBasis, described("What the amount is for.", "per_km")]
_RateAmount = Annotated[MoneyIn, Field(description="In the fleet's currency, at most 4 decimals.")]
_RateFrom = Annotated[
    Day,
    described(
        "First day. From it on the rate takes the place of an earlier one of its line, basis and trucks.", "2026-01-01"
    ),
]


class RatePatch(Body):
    """What can change of a rate. For another truck or group, delete it and make another."""

    line: _RateLine = _OMITTED
    basis: _RateBasis = _OMITTED
    amount: _RateAmount = _OMITTED
    effective_from: _RateFrom = _OMITTED
    effective_to: Day | None = Field(None, description="Last day, included; null: until further notice.")


class RateIn(RatePatch):
    """A rate: without truck and group it is the whole fleet's."""

    line: _RateLine
    basis: _RateBasis
    amount: _RateAmount
    effective_from: _RateFrom
    truck_id: str | None = _TRUCK
    group: str | None = _GROUP


class Rate(BaseModel):
    id: int = _ID
    line: str = described("Cost line.", "tires")
    basis: str = described("`per_km`, `per_engine_hour`, `per_day`, `per_month`.", "per_km")
    amount: Money
    truck_id: str | None = Field(description="Code of its truck.", examples=["T-101"])
    group: str | None = Field(description="Name of its group of trucks.", examples=[None])
    effective_from: DayText = described("First day.", "2026-01-01")
    effective_to: DayText | None = Field(description="Last day, included; null: until further notice.", examples=[None])
    import_id: int | None = _IMPORT


# --- fuel prices ---

_EffectiveAt = Annotated[Moment, described("From when on, with an offset.", "2026-03-05T06:00:00Z")]
_PricePerL = Annotated[MoneyIn, Field(description="Of a litre, in the fleet's currency, at most 4 decimals.")]


class PricePatch(Body):
    """What can change of a price. For another group, delete it and make another."""

    effective_at: _EffectiveAt = _OMITTED
    price_per_l: _PricePerL = _OMITTED


class PriceIn(PricePatch):
    """A fuel price: without group it is the whole fleet's."""

    effective_at: _EffectiveAt
    price_per_l: _PricePerL
    group: str | None = _GROUP


class Price(BaseModel):
    id: int = _ID
    effective_at: Instant = described("From when on.", "2026-03-05T06:00:00Z")
    price_per_l: Money
    group: str | None = Field(description="Name of the group of trucks that fuels there.", examples=[None])
    import_id: int | None = _IMPORT


# --- fuel purchases ---

_PurchasedAt = Annotated[Moment, described("When, with an offset.", "2026-03-05T14:30:00-06:00")]
_Litres = Annotated[str, Field(pattern=_QUANTITY, max_length=20, description="As text.", examples=["310.250"])]
_Paid = Annotated[MoneyIn, Field(description="What was paid. Foreign money needs an exchange rate.")]


class PurchasePatch(Body):
    """What can change of a purchase. For another truck, delete it and make another."""

    purchased_at: _PurchasedAt = _OMITTED
    litres: _Litres = _OMITTED
    amount: _Paid = _OMITTED
    station: str = Field(_OMITTED, max_length=120, description="Where.", examples=["Station 7"])
    reference: str = Field(_OMITTED, max_length=80, description="The card file's name of it.", examples=["C-81-0017"])


class PurchaseIn(PurchasePatch):
    """Fuel bought for a truck."""

    truck_id: str = Field(max_length=32, description="Code of the truck.", examples=["T-101"])
    purchased_at: _PurchasedAt
    litres: _Litres
    amount: _Paid


class Purchase(BaseModel):
    id: int = _ID
    truck_id: str = described("Code of the truck.", "T-101")
    purchased_at: Instant = described("When.", "2026-03-05T20:30:00Z")
    litres: NumberText = described("As text.", "310.250")
    amount: OwnMoney
    station: str = described("Where.", "Station 7")
    reference: str = described("The card file's name of it.", "C-81-0017")
    import_id: int | None = _IMPORT


# --- exchange rates ---

_WORTH = "What one unit of it is worth in the fleet's currency, as text, at most 8 decimals."
_ExchangedFrom = Annotated[Day, described("First day.", "2026-01-01")]
_Worth = Annotated[str, Field(pattern=_QUANTITY, max_length=20, description=_WORTH, examples=["1.0825"])]


class ExchangeRatePatch(Body):
    """What can change of an exchange rate. Invoices and purchases that need it must have a rate afterwards too."""

    effective_from: _ExchangedFrom = _OMITTED
    rate: _Worth = _OMITTED


class ExchangeRateIn(ExchangeRatePatch):
    """An exchange rate: in force until the next one of its currency."""

    currency: str = Field(pattern=_CODE, description="ISO 4217 code, not the fleet's own.", examples=["EUR"])
    effective_from: _ExchangedFrom
    rate: _Worth


class ExchangeRate(BaseModel):
    id: int = _ID
    currency: str = described("ISO 4217 code.", "EUR")
    effective_from: DayText = described("First day.", "2026-01-01")
    rate: NumberText = described(_WORTH, "1.08250000")
    import_id: int | None = _IMPORT
