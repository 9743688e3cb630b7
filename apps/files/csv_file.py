"""Rows of texts as CSV by RFC 4180, in UTF-8. What a spreadsheet would take for a formula is made harmless."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from io import TextIOWrapper
from typing import BinaryIO

from apps.files.cells import Column, Kind
from apps.files.measures import MEASURES

Cell = str | None
Batch = Sequence[Sequence[Cell]]
Convert = Callable[[str], Cell]
BOM = "\ufeff"  # by which Excel tells UTF-8
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BOOLEANS = {"0": "false", "1": "true"}


def write(
    batches: Iterable[Batch], columns: Sequence[Column], out: BinaryIO, *, bom: bool = False, comment: str | None = None
) -> None:
    """The header and all rows, batch by batch; null is an empty cell. `comment` is a row of one cell above them."""
    text = TextIOWrapper(out, encoding="utf-8", newline="", write_through=False)
    if bom:
        text.write(BOM)
    writer = csv.writer(text)
    if comment is not None:
        writer.writerow([f"# {comment}"])
    writer.writerow([column.name for column in columns])
    text.flush()
    conversions = [_conversion(column) for column in columns]
    for batch in batches:
        writer.writerows(converted(batch, conversions))
    text.flush()
    text.detach()


def converted(batch: Batch, conversions: Sequence[Convert | None]) -> Iterator[Sequence[Cell]]:
    """The rows with their cells converted column by column; null stays null."""
    if not batch:
        return iter(())
    cells: list[Sequence[Cell]] = []
    for column, convert in zip(zip(*batch, strict=True), conversions, strict=True):
        cells.append(column if convert is None else [None if cell is None else convert(cell) for cell in column])
    return zip(*cells, strict=True)


def _conversion(column: Column) -> Convert | None:
    """What makes a cell of a text; None where it stays as it is."""
    if column.measure is not None:
        return MEASURES[column.measure].of
    match column.kind:
        case Kind.TEXT:
            return harmless
        case Kind.INSTANT:
            return instant
        case Kind.BOOLEAN:
            return _BOOLEANS.__getitem__
        case _:
            return None


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: such a one gets an apostrophe in front."""
    return f"'{text}" if text.startswith(_FORMULA) else text


@lru_cache(4_096)
def instant(text: str) -> str:
    """The database's UTC time as RFC 3339, to the second."""
    return f"{text[:10]}T{text[11:19]}Z"
