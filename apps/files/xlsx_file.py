"""Rows of texts as a workbook: the sheets with the rows, about them, and about their columns.

XlsxWriter makes the workbook in constant memory. The rows of the first sheet are put together here, column by column:
that takes a fraction of the time of writing each cell by itself.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from apps.files.cells import Column, Kind
from apps.files.measures import MEASURES

Cell = str | None
Batch = Sequence[Sequence[Cell]]
MOST_ROWS = 1_048_575  # of a sheet, below the header
_OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
_FORMATS = {
    Kind.NUMBER: "General", Kind.MONEY: "#,##0.00##", Kind.TEXT: "@", Kind.DAY: "yyyy-mm-dd",
    Kind.INSTANT: "yyyy-mm-dd hh:mm:ss", Kind.BOOLEAN: "General",
}  # fmt: skip
_WIDTHS = {Kind.INSTANT: 20, Kind.TEXT: 16}
_EPOCH = dt.datetime(1899, 12, 30)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def write(
    batches: Iterable[Batch],
    columns: Sequence[Column],
    file: Path,
    *,
    title: str,
    zone: ZoneInfo,
    facts: Iterable[tuple[str, str]],
) -> None:
    """Writes the workbook into the file; null is an empty cell. `facts` are what the sheet About says."""
    with xlsxwriter.Workbook(str(file), _OPTIONS) as book:
        sheet: RowsSheet = book.add_worksheet(title, worksheet_class=RowsSheet)
        heading = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        sheet.begin([_header(column, zone) for column in columns], heading)
        kinds = {kind: book.add_format({"num_format": shown}) for kind, shown in _FORMATS.items()}
        makers = [_maker(column, number, kinds[column.kind], zone) for number, column in enumerate(columns)]
        for number, column in enumerate(columns):
            sheet.set_column(number, number, _WIDTHS.get(column.kind, 12), kinds[column.kind])
        for batch in batches:
            sheet.append(batch, makers)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(sheet.rows - 1, 1), len(columns) - 1)
        _table(book, "About", ["What", "Is"], facts, (24, 80))
        if any(column.about for column in columns):
            _table(book, "Columns", ["Column", "Meaning"], ((_header(c, zone), c.about) for c in columns), (32, 100))


def _header(column: Column, zone: ZoneInfo) -> str:
    """A workbook knows no zones, so instants are wall time, and their headers say whose."""
    return f"{column.name} ({zone.key})" if column.kind is Kind.INSTANT else column.name


def _table(
    book: "xlsxwriter.Workbook",
    name: str,
    heads: Sequence[str],
    rows: Iterable[tuple[str, str]],
    widths: tuple[int, int],
) -> None:
    sheet = book.add_worksheet(name)
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    for number, width in enumerate(widths):
        sheet.set_column(number, number, width)
        sheet.write_string(0, number, heads[number], book.add_format({"bold": True, "bottom": 1}))
    for row, texts in enumerate(rows, start=1):
        for number, text in enumerate(texts):
            sheet.write_string(row, number, text, wrap)
    sheet.freeze_panes(1, 0)


# --- the sheet of the rows ------------------------------------------------------------------------------------------

# From the cells of a column, and the number of the first one's row, to their XML.
Maker = Callable[[Sequence[Cell], int], list[str]]


class RowsSheet(Worksheet):  # type: ignore[misc]
    """A worksheet of XlsxWriter in constant memory, to which whole rows are appended as XML."""

    rows = 0

    def begin(self, heads: Sequence[str], heading: object) -> None:
        for number, head in enumerate(heads):
            self.write_string(0, number, head, heading)
        self.set_row(0, 32)
        self._write_single_row(1)  # out of the way: from here on rows go past XlsxWriter's own table
        self.rows = 1

    def append(self, batch: Batch, makers: Sequence[Maker]) -> None:
        if not batch:
            return
        first = self.rows + 1
        cells = [make(column, first) for make, column in zip(makers, zip(*batch, strict=True), strict=True)]
        rows = zip(*cells, strict=True)
        self.row_data_fh.write("".join(f'<row r="{n}">{"".join(row)}</row>' for n, row in enumerate(rows, first)))
        self.rows += len(batch)
        self.dim_rowmax = self.rows - 1


def _maker(column: Column, number: int, cell_format: object, zone: ZoneInfo) -> Maker:
    head = f'<c r="{xl_col_to_name(number)}'
    style = f'" s="{cell_format._get_xf_index()}"'  # type: ignore[attr-defined]
    if column.kind is Kind.TEXT:
        return _texts(head, style)
    tail = f"{style}{' t=' + chr(34) + 'b' + chr(34) if column.kind is Kind.BOOLEAN else ''}><v>"
    value = _value(column, zone)

    def make(cells: Sequence[Cell], first: int) -> list[str]:
        values = cells if value is None else [None if cell is None else value(cell) for cell in cells]
        return ["" if v is None else f"{head}{n}{tail}{v}</v></c>" for n, v in enumerate(values, first)]

    return make


def _texts(head: str, style: str) -> Maker:
    """Texts stand in their cells: whatever they begin with, they are never formulas."""
    tail = f'{style} t="inlineStr"><is><t xml:space="preserve">'

    def make(cells: Sequence[Cell], first: int) -> list[str]:
        return ["" if c is None else f"{head}{n}{tail}{_escaped(c)}</t></is></c>" for n, c in enumerate(cells, first)]

    return make


@lru_cache(4_096)
def _escaped(text: str) -> str:
    return escape(_NOT_XML.sub("", text))


def _value(column: Column, zone: ZoneInfo) -> Callable[[str], Cell] | None:
    """What makes the number in a cell of a text; None where it is one."""
    if column.measure is not None:
        return MEASURES[column.measure].of
    if column.kind is Kind.DAY:
        return _day
    if column.kind is Kind.INSTANT:
        return lru_cache(4_096)(lambda text: _wall_time(text, zone))
    return None


@lru_cache(1_024)
def _day(text: str) -> str:
    return str((dt.datetime.fromisoformat(text) - _EPOCH).days)


def _wall_time(text: str, zone: ZoneInfo) -> str:
    """A UTC time as the local wall time's number of days, to the second."""
    local = dt.datetime.fromisoformat(text[:19]).replace(tzinfo=dt.UTC).astimezone(zone).replace(tzinfo=None)
    return repr(round((local - _EPOCH).total_seconds() / 86_400, 9))
