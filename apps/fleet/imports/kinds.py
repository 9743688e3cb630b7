"""What can be imported into the ledger: the columns of each kind of file, and the rows that they become."""

import csv
import io
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import xlsxwriter
from django.db.models import TextChoices

from apps.accounts.units import LITRES_PER_GALLON
from apps.fleet.models import (
    AllocationBasis,
    CostBasis,
    CostEntry,
    CostLine,
    CostRate,
    ExchangeRate,
    FuelPrice,
    FuelPurchase,
)

_GALLON = Decimal(str(LITRES_PER_GALLON))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file; `expected` is what a message says of it, `example` what the template shows."""

    name: str
    holds: str  # text, number, day, instant, choice, truck, group
    expected: str
    example: str
    is_required: bool = False
    choices: type[TextChoices] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: its columns, those of which it has exactly one, and the rows that it becomes."""

    name: str
    title: str
    model: type[CostEntry | CostRate | ExchangeRate | FuelPrice | FuelPurchase]
    columns: tuple[Column, ...]
    either: tuple[str, ...] = ()
    has_money: bool = False  # with a currency in each row, so that it has sums

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def values(self, cells: dict[str, Any]) -> dict[str, Any]:
        """The model's values of a row's filled cells: what is left out has its default, US units become metric ones."""
        values = dict(cells)
        if self.model is CostEntry:
            values.setdefault("covers_to", values.get("covers_from"))
        if (gallons := values.pop("gallons", None)) is not None:
            values["litres"] = (gallons * _GALLON).quantize(Decimal("0.001"), ROUND_HALF_EVEN)
        if (per_gal := values.pop("price_per_gal", None)) is not None:
            values["price_per_l"] = (per_gal / _GALLON).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
        return values


def _listed(choices: type[TextChoices], *without: str) -> str:
    return "one of " + ", ".join(value for value in choices.values if value not in without)


_TRUCK = Column("truck", "truck", "the code of a truck of the fleet", "T-17")
_GROUP = Column("group", "group", "the name of a group of the fleet's trucks", "")
_CURRENCY = Column("currency", "text", "a code of three capital letters, such as USD", "USD", True)
_INSTANT = "a day and time such as 2026-03-05 14:30, by the fleet's clocks, or with an offset"

ENTRIES = Kind(
    "entries",
    "Cost entries (invoices)",
    CostEntry,
    (
        Column("line", "choice", _listed(CostLine), "insurance", True, CostLine),
        Column("amount", "number", "a number such as 1234.50; a credit note is negative", "1234.50", True),
        _CURRENCY,
        _TRUCK,
        _GROUP,
        Column("covers_from", "day", "the first day that it covers, such as 2026-03-05", "2026-03-01", True),
        Column("covers_to", "day", "the last day, included; empty: the first day alone", "2026-03-31"),
        Column("basis", "choice", _listed(AllocationBasis), "days", choices=AllocationBasis),
        Column("document", "text", "at most 80 characters", "INV-2026-118"),
    ),
    has_money=True,
)
RATES = Kind(
    "rates",
    "Cost rates",
    CostRate,
    (
        Column("line", "choice", _listed(CostLine, "fuel"), "tires", True, CostLine),
        Column("basis", "choice", _listed(CostBasis), "per_km", True, CostBasis),
        Column("amount", "number", "a number of at most 4 decimals, in the fleet's currency", "0.0312", True),
        _TRUCK,
        _GROUP,
        Column("effective_from", "day", "the first day, such as 2026-03-05", "2026-01-01", True),
        Column("effective_to", "day", "the last day, included; empty: until further notice", ""),
    ),
)
PRICES = Kind(
    "fuel-prices",
    "Fuel prices",
    FuelPrice,
    (
        Column("effective_at", "instant", f"{_INSTANT}; a day alone: from its start", "2026-03-05 06:00", True),
        Column("price_per_l", "number", "a number of at most 4 decimals, in the fleet's currency", "1.0422"),
        Column("price_per_gal", "number", "instead of price_per_l: the price of a US gallon", ""),
        _GROUP,
    ),
    either=("price_per_l", "price_per_gal"),
)
PURCHASES = Kind(
    "fuel-purchases",
    "Fuel purchases (card files)",
    FuelPurchase,
    (
        Column("truck", "truck", _TRUCK.expected, "T-17", True),
        Column("purchased_at", "instant", _INSTANT, "2026-03-05 14:30", True),
        Column("litres", "number", "a number above 0 of at most 3 decimals", "310.250"),
        Column("gallons", "number", "instead of litres: US gallons", ""),
        Column("amount", "number", "a number such as 401.15, not negative", "401.15", True),
        _CURRENCY,
        Column("station", "text", "at most 120 characters", "Station 7"),
        Column("reference", "text", "at most 80 characters: the card file's own name of the purchase", "C-81-0017"),
    ),
    either=("litres", "gallons"),
    has_money=True,
)
EXCHANGE_RATES = Kind(
    "exchange-rates",
    "Exchange rates",
    ExchangeRate,
    (
        Column("currency", "text", "a code of three capital letters, not the fleet's own", "EUR", True),
        Column("effective_from", "day", "the first day, such as 2026-03-05", "2026-01-01", True),
        Column("rate", "number", "what one of it is worth in the fleet's currency, at most 8 decimals", "1.0825", True),
    ),
)
KINDS = {kind.name: kind for kind in (ENTRIES, RATES, PRICES, PURCHASES, EXCHANGE_RATES)}


def template_csv(kind: Kind) -> bytes:
    """A file to fill in: the columns' names and a row of examples, in UTF-8 with the mark that spreadsheets want."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([kind.names, [column.example for column in kind.columns]])
    return text.getvalue().encode("utf-8-sig")


def template_xlsx(kind: Kind) -> bytes:
    """The same as a workbook, with a second sheet that says what each column holds."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    bold = book.add_format({"bold": True})
    sheet, notes = book.add_worksheet(kind.name), book.add_worksheet("What the columns hold")
    sheet.write_row(0, 0, kind.names, bold)
    sheet.write_row(1, 0, [column.example for column in kind.columns])
    notes.write_row(0, 0, ["Column", "Needed", "Holds"], bold)
    for number, column in enumerate(kind.columns, 1):
        notes.write_row(number, 0, [column.name, "yes" if column.is_required else "", column.expected])
    for page, widths in ((sheet, [18] * len(kind.columns)), (notes, [18, 8, 80])):
        for number, width in enumerate(widths):
            page.set_column(number, number, width)
        page.freeze_panes(1, 0)
    book.close()
    return content.getvalue()
