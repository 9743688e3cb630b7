"""A file's rows of cells, from CSV or XLSX. Pure: bytes in, cells out, within bounds of size.

Rows are counted as a spreadsheet shows them, from 1, blank ones included.
"""

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import cast

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from apps.fleet.imports.values import Cell

MAX_BYTES = 10_000_000
MAX_ROWS = 50_000
MAX_COLUMNS = 40
MAX_UNPACKED_BYTES = 100_000_000  # of a workbook, which is a ZIP: a small one may hold gigabytes
MAX_PARTS = 500
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_XLSX = b"PK\x03\x04"
_EMPTY = "The file is empty. Its first row names the columns, as in the template."
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class Unreadable(ValueError):
    """The file as a whole cannot be read. The text says why, and what is expected."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows below the header, each with its number, and how the file was read, in words."""

    header: tuple[str, ...]
    header_row: int
    rows: tuple[tuple[int, tuple[Cell, ...]], ...]
    read_as: str


def read(content: bytes, known: Collection[str]) -> Sheet:
    """The file's rows. `known`: the names of columns, in lower case, by which the header and its delimiter are found.

    Raises Unreadable.
    """
    if len(content) > MAX_BYTES:
        raise Unreadable(f"The file has {len(content):,} bytes; at most {MAX_BYTES:,} are taken. Split it.")
    return _workbook(content, known) if content.startswith(_XLSX) else _text(content, known)


def column_name(cell: Cell) -> str:
    """A heading as columns are named: `Covers from` is `covers_from`."""
    return "_".join(str("" if cell is None else cell).strip().lower().replace("-", " ").replace("_", " ").split())


def _sheet(lines: Iterable[tuple[Cell, ...]], read_as: str) -> Sheet:
    """The rows of lines, the first one that is not blank being the header."""
    header: tuple[str, ...] | None = None
    header_row, rows = 0, []
    for number, line in enumerate(lines, 1):
        if number > MAX_ROWS + 1:
            raise Unreadable(f"The file has more than {MAX_ROWS:,} rows. Split it.")
        cells = _trimmed(line)
        if not cells:
            continue
        if header is None:
            header, header_row = tuple(map(column_name, cells)), number
        else:
            rows.append((number, cells))
    if header is None:
        raise Unreadable(_EMPTY)
    if len(header) > MAX_COLUMNS:
        raise Unreadable(f"The file has more than {MAX_COLUMNS} columns.")
    return Sheet(header, header_row, tuple(rows), read_as)


def _trimmed(line: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """The cells without white space around them, blank ones as null, and without blank ones at the end."""
    cells = [cell.strip() or None if isinstance(cell, str) else cell for cell in line]
    while cells and cells[-1] is None:
        cells.pop()
    return tuple(cells)


# --- text ---


def _text(content: bytes, known: Collection[str]) -> Sheet:
    text, encoding = _decoded(content)
    delimiter = _delimiter(text, known)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return _sheet((tuple(row) for row in rows), f"CSV, {encoding}, separated by {DELIMITERS[delimiter]}s")
    except csv.Error as error:
        raise Unreadable(f"The file is not CSV: near line {rows.line_num}, {error}.") from error


def _decoded(content: bytes) -> tuple[str, str]:
    """The text and what it was encoded in: as its byte order mark says, else UTF-8, else cp1252 where it is that."""
    marked = next((name for bom, name in _BOMS.items() if content.startswith(bom)), None)
    for encoding in [marked] if marked else ["utf-8", "cp1252"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text, {"utf-8-sig": "UTF-8"}.get(encoding, encoding.upper() if encoding != "cp1252" else encoding)
    raise Unreadable(
        "The file is neither XLSX nor text in UTF-8, UTF-16 or Windows-1252. Save it as CSV UTF-8 or XLSX."
    )


def _delimiter(text: str, known: Collection[str]) -> str:
    """The one by which the header has the most columns that are known."""
    first = next((line for line in text.splitlines() if line.strip(" \t;,")), None)
    if first is None:
        raise Unreadable(_EMPTY)

    def columns(delimiter: str) -> int:
        cells = next(csv.reader([first], delimiter=delimiter), [])
        return sum(column_name(cell) in known for cell in cells)

    best = max(DELIMITERS, key=columns)
    if not columns(best):
        raise Unreadable(
            "The first row does not name the columns, separated by comma, semicolon or tab; known ones are "
            f"{', '.join(sorted(known))}."
        )
    return best


# --- workbooks ---


def _workbook(content: bytes, known: Collection[str]) -> Sheet:
    _require_bounds(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheets = {name: book[name] for name in book.sheetnames}
        fitting = [name for name, sheet in sheets.items() if _names_columns(sheet, known)]
        if len(fitting) != 1:
            what = "None of the sheets begins" if not fitting else f"The sheets {', '.join(fitting)} all begin"
            raise Unreadable(f"{what} with the names of the columns; exactly one should, as in the template.")
        return _sheet(_lines(sheets[fitting[0]]), f"XLSX, sheet {fitting[0]}")
    except Unreadable:
        raise
    except (InvalidFileException, zipfile.BadZipFile) as error:
        raise Unreadable(f"The file is no workbook: {error}.") from error
    except Exception as error:  # openpyxl raises whatever a damaged part leads to
        raise Unreadable(
            f"The workbook cannot be read ({type(error).__name__}). Save it again as XLSX, or CSV."
        ) from error


def _require_bounds(content: bytes) -> None:
    """Refuses what would unpack to more than is read; reading never goes beyond what the directory states."""
    try:
        parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except zipfile.BadZipFile as error:
        raise Unreadable(f"The file is no workbook: {error}.") from error
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise Unreadable(
            f"The workbook unpacks to more than {MAX_UNPACKED_BYTES:,} bytes. Split it, or save it as CSV."
        )


def _lines(sheet: object) -> Iterator[tuple[Cell, ...]]:
    """The rows of a sheet, at most one more than are taken: what a sheet says of its own size may be untrue."""
    sheet.reset_dimensions()  # type: ignore[attr-defined]
    bounds = {"max_row": MAX_ROWS + 2, "max_col": MAX_COLUMNS + 1}
    for row in sheet.iter_rows(values_only=True, **bounds):  # type: ignore[attr-defined]
        yield cast(tuple[Cell, ...], row)


def _names_columns(sheet: object, known: Collection[str]) -> bool:
    for line in _lines(sheet):
        if cells := _trimmed(line):
            return any(column_name(cell) in known for cell in cells)
    return False


def shown(cell: Cell) -> str:
    """A cell as a message quotes it."""
    if isinstance(cell, dt.datetime):  # a workbook has days as their midnight
        cell = cell.isoformat(" ") if cell.time() != dt.time() else cell.date()
    text = str("" if cell is None else cell)
    return text if len(text) <= 60 else f"{text[:57]}…"
