"""A page's table as columns and rows of a file: its headings, its figures unrounded, its total told apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import unescape
from typing import Any

from django.utils.html import strip_tags

from apps.files.cells import Column, Kind
from apps.fleet.pages.cells import Numbers, Told, Value
from apps.fleet.reports.wording import NOT_MEASURED

PLACES = 4
Row = list[str | None]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a file is made of."""

    title: str
    of: tuple[Column, ...]
    rows: Sequence[Row]

    def columns(self, currency: str, units: str) -> tuple[Column, ...]:
        """Those of the page, which are in the fleet's currency and units."""
        return self.of


def sheet(title: str, table: Numbers) -> Sheet:
    """The table with a column for the codes of its rows, and one that tells the total from them, where it has such."""
    shown = [number for number in range(len(table.heads)) if not (table.is_drawn and number == 1)]
    lines = [[_value(line[number]) for line in _lines(table)] for number in shown]
    columns = [_column(table, number, values) for number, values in zip(shown, lines, strict=True)]
    texts = [[_text(value) for value in values] for values in lines]
    if table.codes:
        columns.insert(1, Column("code", "Code", Kind.TEXT, ""))
        texts.insert(1, [*table.codes, *([None] if table.total else [])])
    if table.total:
        columns.insert(0, Column("row", "Row", Kind.TEXT, ""))
        texts.insert(0, [*["each"] * len(table.rows), "total"])
    return Sheet(title, tuple(columns), [list(row) for row in zip(*texts, strict=True)])


def _lines(table: Numbers) -> list[Sequence[Any]]:
    return [*table.rows, *([table.total] if table.total else [])]


def _value(cell: Any) -> Value:
    if isinstance(cell, Told):
        return cell.value
    text = unescape(strip_tags(str(cell))).strip()
    return None if text in ("", NOT_MEASURED) else text


def _column(table: Numbers, number: int, values: Sequence[Value]) -> Column:
    head = table.heads[number]
    units = {cell.unit for line in _lines(table) if isinstance(cell := line[number], Told) and cell.unit}
    name = f"{head} ({units.pop()})" if len(units) == 1 and "(" not in head else head
    return Column(f"{number}", name, _kind(table, number, values), "")


def _kind(table: Numbers, number: int, values: Sequence[Value]) -> Kind:
    """Money is decimal; a column in which any cell is words is text."""
    if number == 0 or any(isinstance(value, str) for value in values):
        return Kind.TEXT
    return Kind.MONEY if any(isinstance(value, Decimal) for value in values) else Kind.NUMBER


def _text(value: Value) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return f"{round(Decimal(str(value)), PLACES).normalize() + Decimal(0):f}"
