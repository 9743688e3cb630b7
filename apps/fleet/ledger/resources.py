"""The rows of the ledger as resources of the API: where each kind is found, what it takes and gives."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from apps.fleet.ledger import list_schemas, row_schemas
from apps.fleet.ledger.changes import LedgerRow
from apps.fleet.ledger.queries import LedgerRows, at, between, unless_replaced, until_next
from apps.fleet.models import CostEntry, CostRate, ExchangeRate, FuelPrice, FuelPurchase

SCOPE = "write:costs"  # of whatever changes rows
OF_RATE = ("line", "basis", "truck_id", "group_id")  # a rate replaces those of the same that began before it


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of row of the ledger as a resource: its path and name, its rows, its money, and its schemas."""

    path: str
    name: str  # of operations: fleet_list_cost_entries
    title: str
    model: type[LedgerRow]
    rows: LedgerRows
    money: str | None  # the field with the amount
    asked: Any
    create: Any
    patch: Any
    row: type[BaseModel]
    answers: tuple[Any, Any, Any]  # of a list, of a row, of a change

    @property
    def titles(self) -> str:
        return str(self.model._meta.verbose_name_plural)


ENTRIES = Resource(
    "/costs/entries", "cost_entries", "cost entry", CostEntry,
    LedgerRows(
        "cost_entry",
        ("line", "amount", "truck_id", "group", "covers_from", "covers_to", "basis", "document"),
        time="covers_from", of_period=between("covers_from", "covers_to"), own_currency=True, summed=("amount",),
        filters=("line", "truck_id", "group", "import_id"), is_spread=True,
    ),
    "amount", list_schemas.EntriesAsked, row_schemas.EntryIn, row_schemas.EntryPatch, row_schemas.Entry,
    (list_schemas.EntryList, list_schemas.EntryAnswer, list_schemas.EntryChanged),
)  # fmt: skip
RATES = Resource(
    "/costs/rates", "cost_rates", "cost rate", CostRate,
    LedgerRows(
        "cost_rate",
        ("line", "basis", "amount", "truck_id", "group", "effective_from", "effective_to"),
        time="effective_from", of_period=unless_replaced("cost_rate", "effective_from", "effective_to", OF_RATE),
        filters=("line", "truck_id", "group", "import_id"),
    ),
    "amount", list_schemas.RatesAsked, row_schemas.RateIn, row_schemas.RatePatch, row_schemas.Rate,
    (list_schemas.RateList, list_schemas.RateAnswer, list_schemas.RateChanged),
)  # fmt: skip
PRICES = Resource(
    "/costs/fuel-prices", "fuel_prices", "fuel price", FuelPrice,
    LedgerRows(
        "fuel_price", ("effective_at", "price_per_l", "group"),
        time="effective_at", of_period=until_next("fuel_price", "effective_at", "group_id"),
        filters=("group", "import_id"),
    ),
    "price_per_l", list_schemas.PricesAsked, row_schemas.PriceIn, row_schemas.PricePatch, row_schemas.Price,
    (list_schemas.PriceList, list_schemas.PriceAnswer, list_schemas.PriceChanged),
)  # fmt: skip
PURCHASES = Resource(
    "/costs/fuel-purchases", "fuel_purchases", "fuel purchase", FuelPurchase,
    LedgerRows(
        "fuel_purchase", ("truck_id", "purchased_at", "litres", "amount", "station", "reference"),
        time="purchased_at", of_period=at("purchased_at"), own_currency=True, summed=("amount", "litres"),
        filters=("truck_id", "import_id"),
    ),
    "amount", list_schemas.PurchasesAsked, row_schemas.PurchaseIn, row_schemas.PurchasePatch, row_schemas.Purchase,
    (list_schemas.PurchaseList, list_schemas.PurchaseAnswer, list_schemas.PurchaseChanged),
)  # fmt: skip
EXCHANGE_RATES = Resource(
    "/costs/exchange-rates", "exchange_rates", "exchange rate", ExchangeRate,
    LedgerRows(
        "exchange_rate", ("currency", "effective_from", "rate"),
        time="effective_from", of_period=until_next("exchange_rate", "effective_from", "currency"),
        filters=("currency", "import_id"),
    ),
    None, list_schemas.ExchangeRatesAsked,
    row_schemas.ExchangeRateIn, row_schemas.ExchangeRatePatch, row_schemas.ExchangeRate,
    (list_schemas.ExchangeRateList, list_schemas.ExchangeRateAnswer, list_schemas.ExchangeRateChanged),
)  # fmt: skip
RESOURCES = (ENTRIES, RATES, PRICES, PURCHASES, EXCHANGE_RATES)
