"""What is asked of the ledger's lists and imports, and what they answer, as declared in OpenAPI."""

from typing import Literal

from pydantic import BaseModel, Field

from apps.accounts.parameters import OptionalPeriod, Paging, Parameters
from apps.accounts.schemas import FreshnessEcho, OwnMoney, PageEcho, PeriodEcho, described
from apps.files.answers import Exportable
from apps.fleet.ledger.row_schemas import Entry, ExchangeRate, Price, Purchase, Rate, RatedLine
from apps.fleet.models import CostLine, LedgerImport
from apps.fleet.schemas import CostFreshness

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
