"""What the ledger's endpoints take and give, as declared in OpenAPI."""

import datetime as dt
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from apps.accounts.parameters import OptionalPeriod, Paging, Parameters
from apps.accounts.schemas import FreshnessEcho, Instant, Money, OwnMoney, PageEcho, PeriodEcho, described
from apps.files.answers import Exportable
from apps.files.cells import Kind
from apps.fleet.models import RATED_LINES, AllocationBasis, CostBasis, CostLine, LedgerImport
from apps.fleet.schemas import CostFreshness

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:?\d{2})?", re.ASCII)
_DECIMAL = r"[0-9]+(\.[0-9]+)?"


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
    amount: str = Field(
        pattern=f"^-?{_DECIMAL}$", max_length=20, description="A decimal number as text.", examples=["1234.50"]
    )
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code.", examples=["USD"])


# --- entries ---


class EntryPatch(Body):
    """What can change of an entry. For another truck or group, delete it and make another."""

    line: CostLine = Field(_OMITTED, description="Cost line.", examples=["insurance"])
    amount: MoneyIn = Field(_OMITTED, description="A credit note is negative. Foreign money needs an exchange rate.")
    covers_from: Day = Field(_OMITTED, description="First day that it covers.", examples=["2026-03-01"])
    covers_to: Day = Field(_OMITTED, description="Last day, included.", examples=["2026-03-31"])
    basis: AllocationBasis = Field(_OMITTED, description="How it is spread.", examples=["days"])
    document: str = Field(_OMITTED, max_length=80, description="Document reference.", examples=["INV-118"])


class EntryIn(EntryPatch):
    """A cost entry: without truck and group it is the whole fleet's."""

    line: CostLine = Field(description="Cost line.", examples=["insurance"])
    amount: MoneyIn = Field(description="A credit note is negative. Foreign money needs an exchange rate.")
    covers_from: Day = Field(description="First day that it covers.", examples=["2026-03-01"])
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

_FIRST_DAY_OF_RATE = "First day. From it on the rate takes the place of an earlier one of its line, basis and trucks."


class RatePatch(Body):
    """What can change of a rate. For another truck or group, delete it and make another."""

    line: RatedLine = Field(_OMITTED, description="Cost line; fuel has prices instead.", examples=["tires"])
    basis: CostBasis = Field(_OMITTED, description="What the amount is for.", examples=["per_km"])
    amount: MoneyIn = Field(_OMITTED, description="In the fleet's currency, at most 4 decimals.")
    effective_from: Day = Field(_OMITTED, description=_FIRST_DAY_OF_RATE, examples=["2026-01-01"])
    effective_to: Day | None = Field(None, description="Last day, included; null: until further notice.")


class RateIn(RatePatch):
    """A rate: without truck and group it is the whole fleet's."""

    line: RatedLine = Field(description="Cost line; fuel has prices instead.", examples=["tires"])
    basis: CostBasis = Field(description="What the amount is for.", examples=["per_km"])
    amount: MoneyIn = Field(description="In the fleet's currency, at most 4 decimals.")
    effective_from: Day = Field(description=_FIRST_DAY_OF_RATE, examples=["2026-01-01"])
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


class PricePatch(Body):
    """What can change of a price. For another group, delete it and make another."""

    effective_at: Moment = Field(
        _OMITTED, description="From when on, with an offset.", examples=["2026-03-05T06:00:00Z"]
    )
    price_per_l: MoneyIn = Field(_OMITTED, description="Of a litre, in the fleet's currency, at most 4 decimals.")


class PriceIn(PricePatch):
    """A fuel price: without group it is the whole fleet's."""

    effective_at: Moment = Field(description="From when on, with an offset.", examples=["2026-03-05T06:00:00Z"])
    price_per_l: MoneyIn = Field(description="Of a litre, in the fleet's currency, at most 4 decimals.")
    group: str | None = _GROUP


class Price(BaseModel):
    id: int = _ID
    effective_at: Instant = described("From when on.", "2026-03-05T06:00:00Z")
    price_per_l: Money
    group: str | None = Field(description="Name of the group of trucks that fuels there.", examples=[None])
    import_id: int | None = _IMPORT


# --- fuel purchases ---


class PurchasePatch(Body):
    """What can change of a purchase. For another truck, delete it and make another."""

    purchased_at: Moment = Field(_OMITTED, description="When, with an offset.", examples=["2026-03-05T14:30:00-06:00"])
    litres: str = Field(_OMITTED, pattern=f"^{_DECIMAL}$", max_length=20, description="As text.", examples=["310.250"])
    amount: MoneyIn = Field(_OMITTED, description="What was paid. Foreign money needs an exchange rate.")
    station: str = Field(_OMITTED, max_length=120, description="Where.", examples=["Station 7"])
    reference: str = Field(_OMITTED, max_length=80, description="The card file's name of it.", examples=["C-81-0017"])


class PurchaseIn(PurchasePatch):
    """Fuel bought for a truck."""

    truck_id: str = Field(max_length=32, description="Code of the truck.", examples=["T-101"])
    purchased_at: Moment = Field(description="When, with an offset.", examples=["2026-03-05T14:30:00-06:00"])
    litres: str = Field(pattern=f"^{_DECIMAL}$", max_length=20, description="As text.", examples=["310.250"])
    amount: MoneyIn = Field(description="What was paid. Foreign money needs an exchange rate.")


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


class ExchangeRatePatch(Body):
    """What can change of an exchange rate. Invoices and purchases that need it must have a rate afterwards too."""

    effective_from: Day = Field(_OMITTED, description="First day.", examples=["2026-01-01"])
    rate: str = Field(_OMITTED, pattern=f"^{_DECIMAL}$", max_length=20, description=_WORTH, examples=["1.0825"])


class ExchangeRateIn(ExchangeRatePatch):
    """An exchange rate: in force until the next one of its currency."""

    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code, not the fleet's own.", examples=["EUR"])
    effective_from: Day = Field(description="First day.", examples=["2026-01-01"])
    rate: str = Field(pattern=f"^{_DECIMAL}$", max_length=20, description=_WORTH, examples=["1.0825"])


class ExchangeRate(BaseModel):
    id: int = _ID
    currency: str = described("ISO 4217 code.", "EUR")
    effective_from: DayText = described("First day.", "2026-01-01")
    rate: NumberText = described(_WORTH, "1.08250000")
    import_id: int | None = _IMPORT


# --- lists and answers ---


_SORT = "By id, or by time; with - from the last to the first."


class _Imported(OptionalPeriod, Paging, Exportable):
    import_id: int | None = Field(None, ge=1, le=2**63 - 1, description="Only what came with this import.")


class _LinesAsked(_Imported):
    truck_id: str | None = Field(None, max_length=32, description="Only what is for this truck by itself.")
    group: str | None = Field(None, max_length=255, description="Only what is for this group by itself.")


class EntriesAsked(_LinesAsked):
    line: CostLine | None = Field(None, description="Only this cost line.")
    sort: Literal["id", "-id", "covers_from", "-covers_from"] = Field("id", description=_SORT)


class RatesAsked(_LinesAsked):
    line: RatedLine | None = Field(None, description="Only this cost line.")
    sort: Literal["id", "-id", "effective_from", "-effective_from"] = Field("id", description=_SORT)


class PricesAsked(_Imported):
    group: str | None = Field(None, max_length=255, description="Only those of this group.")
    sort: Literal["id", "-id", "effective_at", "-effective_at"] = Field("id", description=_SORT)


class PurchasesAsked(_Imported):
    truck_id: str | None = Field(None, max_length=32, description="Only those of this truck.")
    sort: Literal["id", "-id", "purchased_at", "-purchased_at"] = Field("id", description=_SORT)


class ExchangeRatesAsked(_Imported):
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$", description="Only those of this currency.")
    sort: Literal["id", "-id", "effective_from", "-effective_from"] = Field("id", description=_SORT)


class RowsFound(BaseModel):
    rows: int = described("How many rows there are, on all pages.", 31)


class AmountsFound(RowsFound):
    sums: list[OwnMoney] = Field(description="What they come to, by currency.")


class PurchasesFound(AmountsFound):
    litres: str = described("Their litres, as text.", "4120.500")


class _Listed(BaseModel):
    page: PageEcho
    period: PeriodEcho | None = Field(description="The period that was asked for; null: of any time.")
    freshness: FreshnessEcho = Field(description="Of the figures that follow from the rows.")


_TOUCHED = described("Truck-days that are computed anew because of it.", 31)


class EntryList(_Listed):
    data: list[Entry]
    summary: AmountsFound
    freshness: CostFreshness = Field(
        description="Of the figures that follow from the rows. Invoices that are not spread are counted of the period, "
        "or of any time, whatever else is asked for."
    )


class EntryAnswer(BaseModel):
    data: Entry


class EntryChanged(EntryAnswer):
    touched_days: int = _TOUCHED


class RateList(_Listed):
    data: list[Rate]
    summary: RowsFound


class RateAnswer(BaseModel):
    data: Rate


class RateChanged(RateAnswer):
    touched_days: int = _TOUCHED


class PriceList(_Listed):
    data: list[Price]
    summary: RowsFound


class PriceAnswer(BaseModel):
    data: Price


class PriceChanged(PriceAnswer):
    touched_days: int = _TOUCHED


class PurchaseList(_Listed):
    data: list[Purchase]
    summary: PurchasesFound


class PurchaseAnswer(BaseModel):
    data: Purchase


class PurchaseChanged(PurchaseAnswer):
    touched_days: int = _TOUCHED


class ExchangeRateList(_Listed):
    data: list[ExchangeRate]
    summary: RowsFound


class ExchangeRateAnswer(BaseModel):
    data: ExchangeRate


class ExchangeRateChanged(ExchangeRateAnswer):
    touched_days: int = _TOUCHED


# --- imports ---


class ImportAsked(Parameters):
    kind: LedgerImport.Kind = Field(description="What the file holds.", examples=["entries"])
    file_name: str = Field("file", min_length=1, max_length=200, description="Its name, to find it by later.")
    decimal: LedgerImport.DecimalMark | None = Field(
        None, description="How decimals are written; without it, as the file's own numbers tell."
    )
    dates: LedgerImport.DateOrder | None = Field(
        None, description="How dates are written; without it, as the file's own dates tell."
    )
    dry_run: bool = Field(False, description="Only say what the file would do.")


class Imported(BaseModel):
    id: int | None = Field(description="Of the import; null for a dry run.", examples=[17])
    kind: str = described("What the file holds.", "entries")
    read_as: str = described("How it was read.", "CSV, UTF-8, separated by commas")
    rows: int = described("Its rows, all of them written.", 10_000)
    sums: list[OwnMoney] = Field(description="Sum of the amounts by currency, for entries and purchases.")
    touched_days: int = described("Truck-days that are computed anew because of it.", 8_400)


class ImportAnswer(BaseModel):
    data: Imported
