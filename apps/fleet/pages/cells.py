"""Tables of the pages: cells as they are read, each with the value that a file has in its place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from apps.fleet.reports import wording
from apps.fleet.reports.wording import Number

Value = Number | str | None


class Told(SafeString):
    """What a cell shows, and what it tells: a figure with its unit, a text, or None for what was not measured."""

    value: Value
    unit: str


def told(shown: str, value: Value, unit: str = "") -> Told:
    """`shown` is text, or markup that is safe already."""
    cell = Told(conditional_escape(shown))
    cell.value, cell.unit = value, unit
    return cell


def number(value: Number | None, digits: int = 0, unit: str = "") -> Told:
    """1,234.5 with its unit, or a dash; a file has the figure itself, and the unit above it."""
    return told(wording.number(value, digits, unit), value, unit)


@dataclass(frozen=True, slots=True)
class Numbers:
    """A table: the first column names a row, the others are figures, to be read downwards.

    `words`: how many columns after the first hold words instead; `is_drawn`: the first of these holds pictures, which
    files leave out. `codes`: what the API calls each row's truck or driver, for files. A cell may be markup that is
    safe already.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]
    total: Sequence[Any] = ()
    words: int = 0
    caption: str = ""
    is_drawn: bool = False
    codes: Sequence[str | None] = ()

    def lines(self) -> Iterator[list[tuple[bool, Any]]]:
        """Cells with whether they are figures."""
        for row in self.rows:
            yield self._typed(row)

    def head(self) -> list[tuple[bool, Any]]:
        return self._typed(self.heads)

    def foot(self) -> list[tuple[bool, Any]]:
        return self._typed(self.total)

    def _typed(self, cells: Sequence[Any]) -> list[tuple[bool, Any]]:
        return [(column > self.words, cell) for column, cell in enumerate(cells)]
